/* plugin.c - the e-mail channel: its table, its configuration, its life.
 *
 * In by LMTP (lmtp.c) or fetched by IMAP (imap.c), read in a child (read.c), out by a relay
 * (send.c).
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/own.h>
#include <touchline/plugin.h>

#include "acknowledge.h"
#include "address.h"
#include "email.h"
#include "imap.h"
#include "imap_config.h"
#include "lmtp.h"
#include "oauth.h"

static const struct tl_key lmtp_keys[] = {
    {.name = "listen",
     .type = TL_KEY_ADDRESS,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct email_config, lmtp.listen) - offsetof(struct email_config, lmtp),
     .help = "address for the mail server's LMTP; over TCP only this host is let in"},
    {.name = "max_size",
     .type = TL_KEY_SIZE,
     .offset = offsetof(struct email_config, lmtp.max_bytes) - offsetof(struct email_config, lmtp),
     .min = 64 * 1024,
     .max = 256 * 1024 * 1024,
     .preset = "50MiB",
     .help = "largest mail taken; beyond it 552"},
    {0},
};

static const struct tl_key mailbox_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct mailbox_config, name),
     .min = 1,
     .max = 64,
     .help = "name of the mailbox; its touchpoints' source is email:NAME"},
    {.name = "addresses",
     .type = TL_KEY_STRS,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct mailbox_config, addresses),
     .min = 1,
     .help = "addresses whose mail it gets, each also with +anything before the @"},
    {.name = "from",
     .type = TL_KEY_STR,
     .offset = offsetof(struct mailbox_config, from),
     .help = "sender of replies: Name <address>; absent: the first address"},
    {.name = "imap",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct mailbox_config, imap),
     .sub = imap_keys,
     .sub_bytes = sizeof(struct imap_config),
     .help = "where its mail is fetched; absent: it comes by LMTP alone"},
    {0},
};

#define RELAY(member)                                                                              \
    (offsetof(struct email_config, relay.member) - offsetof(struct email_config, relay))
static const struct tl_key relay_keys[] = {
    {.name = "address",
     .type = TL_KEY_ADDRESS,
     .flags = TL_KEY_REQUIRED,
     .offset = RELAY(address),
     .help = "SMTP server that takes our mail, HOST:PORT"},
    {.name = "tls",
     .type = TL_KEY_CHOICE,
     .offset = RELAY(tls),
     .preset = "required",
     .choices = "none|opportunistic|required",
     .help = "STARTTLS: required checks the certificate, opportunistic takes what is offered"},
    {.name = "user", .type = TL_KEY_STR, .offset = RELAY(user), .help = "name for AUTH"},
    {.name = "password",
     .type = TL_KEY_SECRET,
     .offset = RELAY(password),
     .help = "secret for AUTH"},
    {0},
};

#define ACKNOWLEDGE(member)                                                                        \
    (offsetof(struct email_config, acknowledge.member) - offsetof(struct email_config, acknowledge))
static const struct tl_key acknowledge_keys[] = {
    {.name = "mailbox",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = ACKNOWLEDGE(mailbox),
     .min = 1,
     .max = 64,
     .help = "name of the mailbox that acknowledges"},
    {.name = "text",
     .type = TL_KEY_PATH,
     .flags = TL_KEY_REQUIRED,
     .offset = ACKNOWLEDGE(text),
     .help = "file of its words, UTF-8; a first line \"Subject: …\" and an empty one give its "
             "subject"},
    {.name = "once_per",
     .type = TL_KEY_DURATION,
     .offset = ACKNOWLEDGE(once_per_ms),
     .min = 60 * 1000,
     .max = 365LL * 24 * 3600 * 1000,
     .preset = "24h",
     .help = "to one person at most once in this time"},
    {0},
};

static const struct tl_key keys[] = {
    {.name = "lmtp",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct email_config, lmtp),
     .sub = lmtp_keys,
     .sub_bytes = sizeof(((struct email_config *)0)->lmtp),
     .help = "where mail servers deliver; may be absent where a mailbox has imap"},
    {.name = "mailboxes",
     .type = TL_KEY_LIST,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct email_config, mailboxes),
     .min = 1,
     .sub = mailbox_keys,
     .sub_bytes = sizeof(struct mailbox_config),
     .help = "our mailboxes; the first one also answers for other channels' people"},
    {.name = "relay",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct email_config, relay),
     .sub = relay_keys,
     .sub_bytes = sizeof(((struct email_config *)0)->relay),
     .help = "how mail goes out; absent: it cannot"},
    {.name = "trusted_servers",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct email_config, trusted_servers),
     .help = "names of our own mail servers in Authentication-Results; a sender whose mail passed "
             "DMARC there is verified"},
    {.name = "acknowledge",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct email_config, acknowledge),
     .sub = acknowledge_keys,
     .sub_bytes = sizeof(((struct email_config *)0)->acknowledge),
     .help = "tells who begins a conversation by mail that it was received; absent: nobody"},
    {0},
};

ptrdiff_t mailbox_of_address(const struct email_config *c, struct str address) {
    ptrdiff_t detailed = -1;
    for (size_t i = 0; i < c->mailboxes.n; i++) {
        const struct mailbox_config *m = mailbox_at(c, i);
        for (size_t j = 0; j < m->addresses.n; j++) {
            if (str_eq_nocase(m->addresses.items[j], address))
                return (ptrdiff_t)i;
            if (detailed < 0 && address_matches(m->addresses.items[j], address))
                detailed = (ptrdiff_t)i;
        }
    }
    return detailed;
}

ptrdiff_t mailbox_of_source(const struct email_config *c, struct str source) {
    struct str name = source, plugin = str_cut(&name, ':');
    if (!str_is(plugin, "email"))
        return c->mailboxes.n ? 0 : -1;
    for (size_t i = 0; i < c->mailboxes.n; i++)
        if (str_eq(mailbox_at(c, i)->name, name))
            return (ptrdiff_t)i;
    return -1;
}

/* ---- check ---- */

struct check {
    tl_report_fn *report;
    void *ctx;
    bool ok;
};

static void tell(struct check *k, const char *reason, const char *format, size_t i, size_t j) {
    char path[64];
    int n = snprintf(path, sizeof path, format, i, j);
    k->report(k->ctx, str_make(path, (size_t)n), reason);
    k->ok = false;
}

/* Reads "Name <address>" or a bare address; the views lie in the arena. */
static bool from_read(struct arena *a, const struct mailbox_config *m, struct address *out) {
    struct address two[2];
    struct str from = m->from.n ? m->from : m->addresses.n ? m->addresses.items[0] : STR_NONE;
    for (size_t i = 0; i < from.n; i++)
        if ((unsigned char)from.p[i] < 32 || from.p[i] == 127)
            return false;
    if (address_list(a, from, two, 2) != 1 || !address_sendable(two[0].email))
        return false;
    *out = two[0];
    return true;
}

/* Whether another mailbox, or the same one further up, has the address too. */
static bool address_taken(const struct email_config *c, size_t i, size_t j) {
    struct str own = mailbox_at(c, i)->addresses.items[j];
    for (size_t k = 0; k <= i; k++) {
        const struct mailbox_config *m = mailbox_at(c, k);
        for (size_t l = 0; l < m->addresses.n && (k < i || l < j); l++)
            if (str_eq_nocase(m->addresses.items[l], own))
                return true;
    }
    return false;
}

static bool name_fits(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-' && c != '.')
            return false;
    }
    return name.n > 0;
}

static void check_mailbox(struct check *k, const struct email_config *c, size_t i) {
    const struct mailbox_config *m = mailbox_at(c, i);
    cleanup(arena_clear) struct arena a;
    struct address from;
    arena_init(&a);
    if (m->name.n && !name_fits(m->name))
        tell(k, "a name has letters, digits, '-', '_' and '.' only", "mailboxes/%zu/name", i, 0);
    for (size_t j = 0; j < m->addresses.n; j++) {
        if (!address_valid(m->addresses.items[j]))
            tell(k, "not a mail address; write name@domain", "mailboxes/%zu/addresses/%zu", i, j);
        else if (address_taken(c, i, j))
            tell(k, "this address stands further up already; each may lead to one mailbox only",
                 "mailboxes/%zu/addresses/%zu", i, j);
    }
    if (m->from.n && !from_read(&a, m, &from))
        tell(k, "not one sender; write Name <name@domain>", "mailboxes/%zu/from", i, 0);
}

static void check_acknowledge(struct check *k, const struct email_config *c) {
    const char *why;
    bool known = false;
    if (!c->acknowledge.mailbox.n)
        return;
    for (size_t i = 0; i < c->mailboxes.n; i++)
        known |= str_eq(mailbox_at(c, i)->name, c->acknowledge.mailbox);
    if (!known)
        tell(k, "no mailbox has this name", "acknowledge/mailbox", 0, 0);
    if (!c->relay.address.n)
        tell(k, "nothing can be acknowledged without a relay", "acknowledge", 0, 0);
    char *text = acknowledge_text_new(c->acknowledge.text, &why);
    if (!text)
        tell(k, why, "acknowledge/text", 0, 0);
    free(text);
}

static void check_servers(struct check *k, const struct email_config *c) {
    for (size_t i = 0; i < c->trusted_servers.n; i++) {
        struct str server = c->trusted_servers.items[i];
        if (!server.n || memchr(server.p, ';', server.n) || memchr(server.p, ' ', server.n))
            tell(k, "write the name that the server puts first into Authentication-Results",
                 "trusted_servers/%zu", i, 0);
    }
}

static bool is_loopback(struct str address) {
    return str_starts(address, str_c("127.")) || str_starts(address, str_c("localhost:"));
}

static void check_imap(struct check *k, const struct email_config *c, size_t i) {
    char format[64];
    const char *key, *why = imap_config_fault(&mailbox_at(c, i)->imap, &key);
    snprintf(format, sizeof format, "mailboxes/%%zu/imap/%s", key);
    if (why)
        tell(k, why, format, i, 0);
}

/* Mail must have a way in. */
static bool has_way_in(const struct email_config *c) {
    for (size_t i = 0; i < c->mailboxes.n; i++)
        if (mailbox_at(c, i)->imap.url.n)
            return true;
    return c->lmtp.listen.n > 0;
}

static bool email_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct email_config *c = config;
    struct check k = {.report = report, .ctx = ctx, .ok = true};
    for (size_t i = 0; i < c->mailboxes.n; i++)
        check_mailbox(&k, c, i);
    check_acknowledge(&k, c);
    check_servers(&k, c);
    for (size_t i = 0; i < c->mailboxes.n; i++)
        if (mailbox_at(c, i)->imap.url.n)
            check_imap(&k, c, i);
    if (!has_way_in(c))
        tell(&k, "mail has no way in; write lmtp, or imap at a mailbox", "lmtp", 0, 0);
    if (str_starts(c->relay.address, str_c("unix:")) || str_starts(c->relay.address, str_c("[")))
        tell(&k, "a relay is given by its name or IPv4 address; write HOST:PORT", "relay/address",
             0, 0);
    if (c->relay.user.n && !c->relay.password.n)
        tell(&k, "a user needs a password", "relay/user", 0, 0);
    if (c->relay.user.n && c->relay.tls != RELAY_TLS_REQUIRED && !is_loopback(c->relay.address))
        tell(&k, "the password would go out unprotected; write tls: required", "relay/tls", 0, 0);
    return k.ok;
}

/* ---- life ---- */

static struct str owned(struct str s) {
    return str_make(mem_dup(s.n ? s.p : "", s.n), s.n);
}

static struct mailbox_sender *senders_new(const struct email_config *c) {
    struct mailbox_sender *list = mem_new((c->mailboxes.n + 1) * sizeof *list);
    for (size_t i = 0; i < c->mailboxes.n; i++) {
        cleanup(arena_clear) struct arena a;
        struct address from = {0};
        arena_init(&a);
        if (!from_read(&a, mailbox_at(c, i), &from))
            from = (struct address){0};
        list[i] = (struct mailbox_sender){.name = owned(from.name), .email = owned(from.email)};
    }
    return list;
}

/* The list ends with an entry without memory. */
static void senders_free(struct mailbox_sender *list) {
    for (struct mailbox_sender *s = list; s && s->name.p; s++) {
        free((char *)(uintptr_t)s->name.p);
        free((char *)(uintptr_t)s->email.p);
    }
    free(list);
}

static void email_stop(void *take_instance) {
    struct email *e = take_instance;
    if (!e)
        return;
    imap_close(e->imap);
    lmtp_close(e->lmtp);
    senders_free(e->senders);
    free(e->acknowledgement);
    free(e);
}

static char *acknowledgement_new(const struct email *e) {
    const char *why = NULL;
    struct str path = e->config->acknowledge.text;
    char *text = path.n ? acknowledge_text_new(path, &why) : NULL;
    if (why) /* it was there when the configuration was checked */
        e->host->log(e->ch, TL_ERROR, "email.acknowledge", "reason=\"the text cannot be read\"");
    return text;
}

static void *email_start(const struct tl_host *host, struct tl_channel *ch, const void *config) {
    struct email *e = NEW(struct email);
    e->host = host;
    e->ch = ch;
    e->config = config;
    e->senders = senders_new(config);
    e->acknowledgement = acknowledgement_new(e);
    e->lmtp = e->config->lmtp.listen.n ? lmtp_open(e) : NULL;
    if (!e->lmtp && e->config->lmtp.listen.n) {
        email_stop(e);
        return NULL;
    }
    e->imap = imap_open(e);
    return e;
}

/* The listener as e->config wants it: opened, moved, closed. */
static bool lmtp_follow(struct email *e, const struct email_config *before) {
    bool wanted = e->config->lmtp.listen.n > 0;
    if (e->lmtp && wanted)
        return lmtp_reload(e->lmtp, before);
    if (wanted)
        return (e->lmtp = lmtp_open(e)) != NULL;
    lmtp_close(e->lmtp);
    e->lmtp = NULL;
    return true;
}

static bool email_reload(void *instance, const void *config) {
    struct email *e = instance;
    const struct email_config *before = e->config;
    e->config = config;
    if (!lmtp_follow(e, before)) {
        e->config = before;
        return false;
    }
    senders_free(e->senders);
    e->senders = senders_new(config);
    free(e->acknowledgement);
    e->acknowledgement = acknowledgement_new(e);
    imap_reload(e->imap);
    return true;
}

static void email_drain(void *instance) {
    struct email *e = instance;
    imap_drain(e->imap);
    if (e->lmtp)
        lmtp_drain(e->lmtp);
}

static bool email_operate(void *instance, struct tl_operation *op, const struct tl_operate *what) {
    const struct email *e = instance;
    return imap_operate(e->imap, op, what);
}

static bool email_work(struct str kind, struct str payload, const struct tl_emit *out) {
    return str_is(kind, "token") ? oauth_work(payload, out) : email_work_send(kind, payload, out);
}

static bool email_sender(void *instance, struct str source, struct str *out_name,
                         struct str *out_address) {
    const struct email *e = instance;
    ptrdiff_t i = mailbox_of_source(e->config, source);
    if (i < 0 || !e->config->relay.address.n || !e->senders[i].email.n)
        return false;
    *out_name = e->senders[i].name;
    *out_address = e->senders[i].email;
    return true;
}

__attribute__((visibility("default"))) extern const struct tl_plugin touchline_plugin;
const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("email"),
    .summary = STR("mail in by LMTP or from IMAP, replies out by a relay"),
    .flags = TL_PLUGIN_READ_IN_CHILD,
    .keys = keys,
    .config_bytes = sizeof(struct email_config),
    .check = email_check,
    .start = email_start,
    .reload = email_reload,
    .drain = email_drain,
    .stop = email_stop,
    .read = email_read,
    .work = email_work,
    .send = email_send,
    .sender = email_sender,
    .acknowledge = email_acknowledge,
    .operate = email_operate,
};
