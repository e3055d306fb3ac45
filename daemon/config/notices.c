/* config/notices.c - see notices.h. */
#include "config/notices.h"

#include <touchline/kit/webhook.h>

#include "config/config.h"
#include "config/people.h"

enum { URL_MAX = 2000 };

#define AT(member) offsetof(struct notices_config, member)
const struct tl_key notices_keys[] = {
    {.name = "mailbox",
     .type = TL_KEY_STR,
     .offset = AT(mailbox),
     .min = 1,
     .max = 64,
     .help = "name of the mailbox from which mails to agents leave, by its relay"},
    {.name = "base",
     .type = TL_KEY_STR,
     .offset = AT(base),
     .min = 8,
     .max = URL_MAX,
     .help = "what the links in them begin with: our address as agents reach it"},
    {.name = "link_valid",
     .type = TL_KEY_DURATION,
     .offset = AT(link_valid_ms),
     .min = 60000,
     .max = INT64_C(7) * 86400000,
     .preset = "24h",
     .help = "a link is answered for so long; the offer itself may end before"},
    {0},
};
#undef AT

#define AT(member) (offsetof(struct agent_config, member) - offsetof(struct agent_config, webhook))
const struct tl_key webhook_keys[] = {
    {.name = "url",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(webhook.url),
     .min = 8,
     .max = URL_MAX,
     .help = "where offers, revokes and tasks are posted to"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = AT(webhook.secret),
     .max = 1024,
     .help = "what they are signed with (Standard Webhooks): whsec_ and base64, or base64 alone"},
    {0},
};
#undef AT

static const struct str *way_of(const struct agent_config *a, const char *way) {
    for (size_t i = 0; i < a->notify.n; i++)
        if (str_is(a->notify.items[i], way))
            return &a->notify.items[i];
    return NULL;
}

bool agent_told_by(const struct agent_config *a, const char *way) {
    return way_of(a, way) != NULL;
}

/* http or https, a host, and nothing that would have to be written otherwise. */
static bool is_url(struct str s) {
    const struct str secure = STR("https://"), plain = STR("http://");
    struct str rest = str_starts(s, secure)  ? str_from(s, secure.n)
                      : str_starts(s, plain) ? str_from(s, plain.n)
                                             : STR_NONE;
    struct str path = rest, host = str_cut(&path, '/');
    bool ok = host.n > 0 && str_find(host, '@') < 0;
    for (size_t i = 0; i < rest.n; i++)
        ok = ok && rest.p[i] > ' ' && rest.p[i] < 0x7f && !strchr("\"<>\\^`{|}#", rest.p[i]);
    return ok;
}

static void url_check(struct config_check *c, const struct str *url) {
    if (url->p && !is_url(*url))
        config_check_fault(c, url, "not an address; allowed is https://host/path");
}

static const struct config_node *mailboxes_of(struct config_check *c) {
    const struct config_node *channels = config_check_node(c, "channels");
    const struct config_node *email = channels ? config_node_get(channels, "email") : NULL;
    return email ? config_node_get(email, "mailboxes") : NULL;
}

/* The channel checks its own part; only whether there is one of that name is asked here. */
static bool is_mailbox(const struct config_node *list, struct str name) {
    if (!list || config_node_kind(list) != CONFIG_LIST)
        return false;
    for (size_t i = 0; i < config_node_count(list); i++) {
        const struct config_node *one = config_node_item(list, i);
        const struct config_node *called =
            config_node_kind(one) == CONFIG_MAP ? config_node_get(one, "name") : NULL;
        if (called && config_node_kind(called) == CONFIG_SCALAR &&
            str_eq(config_node_str(called), name))
            return true;
    }
    return false;
}

void notices_check(const void *notices, struct config_check *c) {
    const struct notices_config *n = notices;
    url_check(c, &n->base);
    if (n->base.p && str_find(n->base, '?') >= 0)
        config_check_fault(c, &n->base, "links are appended to it: no ? may stand in it");
    if (n->mailbox.p && !is_mailbox(mailboxes_of(c), n->mailbox))
        config_check_fault(c, &n->mailbox, "mailbox \"%.*s\" is not defined in channels.email",
                           STR_ARG(n->mailbox));
}

static void mail_check(struct config_check *c, const struct agent_config *a,
                       const struct str *place) {
    const struct notices_config *n = config_get(config_check_config(c), "notices");
    if (!a->email.p)
        config_check_fault(c, place->p, "mail needs the agent's `email`");
    if (!n->mailbox.p || !n->base.p)
        config_check_fault(c, place->p, "mail needs `notices: { mailbox: …, base: https://… }`");
}

static void secret_check(struct config_check *c, const struct str *secret) {
    cleanup(buf_clear) struct buf key;
    bool public;
    buf_init(&key, WEBHOOK_KEY_MAX);
    if (!webhook_key(*secret, &key, &public) || public)
        config_check_fault(c, secret,
                           "holds no secret of Standard Webhooks: whsec_ and base64, or base64");
}

void notify_check(struct config_check *c, const struct agent_config *a) {
    const struct str *mail = way_of(a, "mail"), *webhook = way_of(a, "webhook");
    if (mail)
        mail_check(c, a, mail);
    if (webhook && !a->webhook.url.p)
        config_check_fault(c, webhook->p, "webhook needs `webhook: { url: …, secret: … }`");
    url_check(c, &a->webhook.url);
    if (a->webhook.secret.p)
        secret_check(c, &a->webhook.secret);
}
