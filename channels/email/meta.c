/* meta.c - see meta.h. */
#include "meta.h"

static void write_addresses(struct jwrite *w, const char *key, const struct email_config *config,
                            struct str mailbox) {
    jwrite_open(w, key, '[');
    for (size_t i = 0; i < config->mailboxes.n; i++) {
        const struct mailbox_config *m = mailbox_at(config, i);
        for (size_t j = 0; j < m->addresses.n && (!mailbox.p || str_eq(m->name, mailbox)); j++)
            jwrite_str(w, NULL, m->addresses.items[j]);
    }
    jwrite_close(w, ']');
}

void meta_write_mailbox(struct jwrite *w, const struct email_config *config, struct str mailbox) {
    jwrite_str(w, "mailbox", mailbox);
    write_addresses(w, "from_addresses", config, mailbox);
    write_addresses(w, "own", config, STR_NONE);
    jwrite_open(w, "trusted", '[');
    for (size_t i = 0; i < config->trusted_servers.n; i++)
        jwrite_str(w, NULL, config->trusted_servers.items[i]);
    jwrite_close(w, ']');
}
