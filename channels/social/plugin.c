/* social/plugin.c - webhooks of social platforms: GET and POST /hooks/{name}, replies through their
 * APIs. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/plugin.h>

#include "hook.h"

static const struct tl_key send_keys[] = {
    {.name = "token",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct hook_config, send.token) - offsetof(struct hook_config, send),
     .help = "what the platform's API asks for"},
    {.name = "sender",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, send.sender) - offsetof(struct hook_config, send),
     .max = 200,
     .help = "as whom: WhatsApp's phone number id"},
    {.name = "base",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, send.base) - offsetof(struct hook_config, send),
     .max = 1000,
     .help = "where the API is; absent: the platform's own address"},
    {0},
};

static const struct tl_key hook_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct hook_config, name),
     .max = 64,
     .help = "last part of its address: /hooks/NAME"},
    {.name = "provider",
     .type = TL_KEY_CHOICE,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct hook_config, provider),
     .choices = "whatsapp|telegram|standard",
     .help = "whose hooks these are"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct hook_config, secret),
     .help = "what deliveries are signed with (Telegram: the secret token)"},
    {.name = "verify",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct hook_config, verify),
     .help = "WhatsApp: the verify token"},
    {.name = "send",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct hook_config, send),
     .sub = send_keys,
     .sub_bytes = sizeof(((struct hook_config *)NULL)->send),
     .help = "how replies leave; absent: they cannot"},
    {0},
};

/* Letters, digits and a few signs that need no escape in an address. */
static bool name_ok(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return name.n && name.p[0] != '.';
}

static void fault(tl_report_fn *report, void *ctx, size_t hook, const char *key,
                  const char *reason) {
    char path[64];
    snprintf(path, sizeof path, "%zu/%s", hook, key);
    report(ctx, str_c(path), reason);
}

static bool social_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct tl_items *all = config;
    const struct hook_config *hooks = all->items;
    bool ok = true;
    for (size_t i = 0; i < all->n; i++) {
        const struct provider *p = hook_provider(hooks[i].provider);
        const char *key = NULL, *why = p->fault ? p->fault(&hooks[i], &key) : NULL;
        if (why)
            fault(report, ctx, i, key, why);
        if (!name_ok(hooks[i].name))
            fault(report, ctx, i, "name",
                  "letters, digits, - _ and . are allowed: it is part of an address");
        ok = ok && !why && name_ok(hooks[i].name);
    }
    return ok;
}

static void *social_start(const struct tl_host *host, struct tl_channel *channel,
                          const void *config) {
    struct social *s = NEW(struct social);
    *s = (struct social){.host = host, .channel = channel, .config = config};
    link_init(&s->deliveries);
    link_init(&s->sendings);
    if (host->route(channel, "GET", "/hooks/{name}", hook_serve_get, s) &&
        host->route(channel, "POST", "/hooks/{name}", hook_serve_post, s))
        return s;
    host->log(channel, TL_ERROR, "social.route", "reason=taken");
    free(s);
    return NULL;
}

static bool social_reload(void *instance, const void *config) {
    struct social *s = instance;
    s->config = config;
    return true;
}

static void social_stop(void *take_instance) {
    struct social *s = take_instance;
    hook_stop(s);
    hook_send_stop(s);
    free(s);
}

/* Platforms know us by the hook's own account: there is no address to show. */
static bool social_sender(void *instance, struct str source, struct str *out_name,
                          struct str *out_address) {
    struct social *s = instance;
    struct str name = source;
    (void)str_cut(&name, ':');
    const struct hook_config *c = hook_find(s, name);
    *out_name = *out_address = STR_NONE;
    return c && (c->send.token.n || c->send.base.n);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("social"),
    .summary = STR("webhooks: WhatsApp, Telegram, Standard Webhooks"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = hook_keys,
    .config_bytes = sizeof(struct hook_config),
    .check = social_check,
    .start = social_start,
    .reload = social_reload,
    .stop = social_stop,
    .read = hook_read,
    .send = hook_send,
    .sender = social_sender,
};
