/* email.h - what the files of this channel share: its configuration and its instance.
 *
 *   lmtp.c + lmtp_session.c   take mail in            (daemon, loop thread)
 *   read.c and what it uses   mail to touchpoint      (child)
 *   send.c, smtp.c            reply to mail           (daemon builds the job, child sends)
 */
#ifndef EMAIL_EMAIL_H
#define EMAIL_EMAIL_H

#include <touchline/plugin.h>

struct lmtp;

enum relay_tls { RELAY_TLS_NONE, RELAY_TLS_OPPORTUNISTIC, RELAY_TLS_REQUIRED };

struct email_config {
    struct {
        struct str listen;
        int64_t max_bytes;
    } lmtp;
    struct tl_items mailboxes; /* struct mailbox_config */
    struct {
        struct str address; /* absent: nothing can be sent */
        int64_t tls;
        struct str user, password;
    } relay;
    struct tl_strs trusted_servers; /* whose Authentication-Results count */
    struct {
        struct str mailbox; /* absent: nothing is acknowledged */
        struct str text;
        int64_t once_per_ms;
    } acknowledge;
};

struct mailbox_config {
    struct str name;
    struct tl_strs addresses;
    struct str from;
};

/* Who writes for a mailbox: `from` of the configuration, taken apart. Owned copies. */
struct mailbox_sender {
    struct str name, email;
};

/* Loop thread. */
struct email {
    const struct tl_host *host;
    struct tl_channel *ch;
    const struct email_config *config; /* the host's; replaced at reload */
    struct mailbox_sender *senders;    /* one a mailbox, in their order */
    struct lmtp *lmtp;
    char *acknowledgement; /* NULL: none */
};

static inline const struct mailbox_config *mailbox_at(const struct email_config *c, size_t i) {
    return (const struct mailbox_config *)c->mailboxes.items + i;
}

/* The mailbox an address leads to, or -1: exactly that address first, then any +detail, case aside.
 */
ptrdiff_t mailbox_of_address(const struct email_config *c, struct str address);
/* The mailbox that answers for a source: "email:NAME" its own, another plugin's source the first;
 * -1. */
ptrdiff_t mailbox_of_source(const struct email_config *c, struct str source);

/* read.c, in a child. */
bool email_read(const struct tl_read *in, const struct tl_emit *out);
/* send.c */
void email_send(void *instance, struct tl_job *job, const struct tl_outbound *what);
/* send.c, in a child. */
bool email_work(struct str kind, struct str payload, const struct tl_emit *out);

#endif
