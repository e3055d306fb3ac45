/* social/plugin.c - webhooks of social platforms: GET and POST /hooks/{name}, replies through their
 * APIs. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/urlencoded.h>
#include <touchline/plugin.h>

#include "activitypub.h"
#include "hook.h"
#include "media.h"
#include "websub.h"

#define SEND(member) offsetof(struct hook_config, send.member) - offsetof(struct hook_config, send)

static const struct tl_key send_keys[] = {
    {.name = "token",
     .type = TL_KEY_SECRET,
     .offset = SEND(token),
     .help = "what the platform's API asks for"},
    {.name = "sender",
     .type = TL_KEY_STR,
     .offset = SEND(sender),
     .max = 200,
     .help = "as whom: WhatsApp's phone number id, the page's or account's id, Twilio's number or "
             "messaging service, Slack's bot id"},
    {.name = "base",
     .type = TL_KEY_STR,
     .offset = SEND(base),
     .max = 1000,
     .help = "where the API is; absent: the platform's own address"},
    {.name = "user",
     .type = TL_KEY_STR,
     .offset = SEND(user),
     .max = 200,
     .help = "the account that the token belongs to: Twilio's account SID, Discord's application"},
    {.name = "rate",
     .type = TL_KEY_RATE,
     .offset = SEND(rate),
     .help = "how many replies may leave; absent: what the platform says with 429"},
    {0},
};

static const struct tl_key sign_keys[] = {
    {.name = "header",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct hook_sign, header),
     .max = 100,
     .help = "the header that carries the signature"},
    {.name = "algorithm",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct hook_sign, algorithm),
     .choices = "sha256|sha1|sha512|ed25519|token",
     .preset = "sha256",
     .help = "HMAC with a hash, Ed25519 by `key`, or the secret itself as a token"},
    {.name = "encoding",
     .type = TL_KEY_CHOICE,
     .offset = offsetof(struct hook_sign, encoding),
     .choices = "hex|base64",
     .preset = "hex",
     .help = "how the signature is written"},
    {.name = "prefix",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_sign, prefix),
     .max = 100,
     .help = "what stands before it: sha256="},
    {.name = "timestamp",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_sign, timestamp),
     .max = 100,
     .help = "the header with the seconds at which it was signed"},
    {.name = "signs",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_sign, signs),
     .max = 200,
     .help = "what is signed: {timestamp}.{body}; absent: the body"},
    {.name = "window",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct hook_sign, window_ms),
     .min = 1000,
     .max = 86400000,
     .preset = "5m",
     .help = "how far the timestamp may be from now"},
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
     .choices = PROVIDER_CHOICES,
     .help = "whose hooks these are"},
    {.name = "secret",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct hook_config, secret),
     .help = "what deliveries are signed with: app, channel, consumer or signing secret, auth "
             "token, Telegram's secret token"},
    {.name = "previous_secret",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct hook_config, previous_secret),
     .help = "the one before it, still good while the platform changes over"},
    {.name = "verify",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct hook_config, verify),
     .help = "Meta: the verify token of the handshake"},
    {.name = "key",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, key),
     .max = 8192,
     .help = "a public key as the platform shows it: Discord's in hex"},
    {.name = "url",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, url),
     .max = 2000,
     .help = "the hook's address as the platform calls it, where a proxy changes it"},
    {.name = "actor",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, actor),
     .max = 2000,
     .help = "ActivityPub: the address of the actor that we are"},
    {.name = "hub",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, hub),
     .max = 2000,
     .help = "WebSub: the hub that is asked for the topics, where `url` says whither; absent: they "
             "are subscribed by hand"},
    {.name = "welcome",
     .type = TL_KEY_STR,
     .offset = offsetof(struct hook_config, welcome),
     .max = 2000,
     .help = "Viber: what whoever opens the chat is told; absent: nothing"},
    {.name = "topics",
     .type = TL_KEY_STRS,
     .offset = offsetof(struct hook_config, topics),
     .help = "WebSub: the feeds that are ours"},
    {.name = "map",
     .type = TL_KEY_STRMAP,
     .offset = offsetof(struct hook_config, map),
     .help = "generic: fields of the touchpoint, each with the JSON pointer of its value"},
    {.name = "sign",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct hook_config, sign),
     .sub = sign_keys,
     .sub_bytes = sizeof(struct hook_sign),
     .help = "generic: how deliveries are signed"},
    {.name = "send",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct hook_config, send),
     .sub = send_keys,
     .sub_bytes = sizeof(((struct hook_config *)NULL)->send),
     .help = "how replies leave; absent: they cannot"},
    {0},
};

static void fault(tl_report_fn *report, void *ctx, size_t hook, const char *key,
                  const char *reason) {
    char path[64];
    snprintf(path, sizeof path, "%zu/%s", hook, key);
    report(ctx, str_c(path), reason);
}

/* What a provider cannot do without. NULL: nothing is missing. */
static const char *missing(const struct provider *p, const struct hook_config *c,
                           const char **out_key) {
    const struct {
        unsigned flag;
        const char *key;
        struct str value;
    } needs[] = {{NEEDS_SECRET, "secret", c->secret},
                 {NEEDS_KEY, "key", c->key},
                 {NEEDS_VERIFY, "verify", c->verify}};
    for (size_t i = 0; i < COUNT(needs); i++)
        if ((p->flags & needs[i].flag) && !needs[i].value.n) {
            *out_key = needs[i].key;
            return "is required";
        }
    return p->fault ? p->fault(c, out_key) : NULL;
}

static bool social_check(const void *config, tl_report_fn *report, void *ctx) {
    const struct tl_items *all = config;
    const struct hook_config *hooks = all->items;
    bool ok = true;
    for (size_t i = 0; i < all->n; i++) {
        const struct provider *p = hook_provider(hooks[i].provider);
        const char *key = "provider",
                   *why = p ? missing(p, &hooks[i], &key) : "is not part of this build";
        if (why)
            fault(report, ctx, i, key, why);
        if (!segment_plain(hooks[i].name))
            fault(report, ctx, i, "name",
                  "letters, digits, - _ and . are allowed: it is part of an address");
        ok = ok && !why && segment_plain(hooks[i].name);
    }
    return ok;
}

static void *social_start(const struct tl_host *host, struct tl_channel *channel,
                          const void *config) {
    struct social *s = NEW(struct social);
    *s = (struct social){
        .host = host, .channel = channel, .config = config, .keys = key_cache_new()};
    link_init(&s->deliveries);
    link_init(&s->sendings);
    link_init(&s->fetchings);
    if (host->route(channel, "GET", "/hooks/{name}", hook_serve, s) &&
        host->route(channel, "POST", "/hooks/{name}", hook_serve, s) &&
        host->route(channel, "GET", "/.well-known/webfinger", webfinger_serve, s)) {
        s->subscriptions = subscriptions_new(s);
        return s;
    }
    host->log(channel, TL_ERROR, "social.route", "reason=taken");
    key_cache_free(s->keys);
    free(s);
    return NULL;
}

static bool social_reload(void *instance, const void *config) {
    struct social *s = instance;
    s->config = config;
    hook_reload(s);
    subscriptions_reload(s->subscriptions);
    return true;
}

static void social_stop(void *take_instance) {
    struct social *s = take_instance;
    hook_stop(s);
    hook_send_stop(s);
    hook_attach_stop(s);
    key_cache_free(s->keys);
    subscriptions_free(s->subscriptions);
    free(s);
}

/* Platforms know us by the hook's own account: there is no address to show. */
static bool social_sender(void *instance, struct str source, struct str *out_name,
                          struct str *out_address) {
    const struct hook_config *c = hook_of_source(instance, source);
    *out_name = *out_address = STR_NONE;
    return c && hook_provider(c->provider)->write &&
           (c->send.token.n || c->send.base.n || c->send.user.n);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("social"),
    .summary = STR("webhooks of social platforms, and replies through their APIs"),
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
    .refuses = hook_refuses,
    .attach = hook_attach,
};
