/* social/websub.c - WebSub: a hub confirms what we subscribed, then sends feeds as they change.
 *
 * Source: W3C WebSub; developers.google.com/youtube/v3/guides/push_notifications. Only topics of
 * the configuration are confirmed; an unsubscription of one of them was not asked for by us.
 */
#include "websub.h"

#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "activitypub.h"
#include "feed.h"
#include "signature.h"

static const char *fault(const struct hook_config *c, const char **out_key) {
    *out_key = "topics";
    return c->topics.n ? NULL : "is required: the feeds that are ours";
}

static bool is_ours(const struct hook_config *c, struct str topic) {
    for (size_t i = 0; i < c->topics.n; i++)
        if (str_eq(c->topics.items[i], topic))
            return true;
    return false;
}

static struct hook_verdict confirm(struct hook_call *call) {
    struct str mode = hook_param(call, "hub.mode"), topic = hook_param(call, "hub.topic"),
               challenge = hook_param(call, "hub.challenge"),
               lease = hook_param(call, "hub.lease_seconds");
    bool ours = is_ours(call->config, topic);
    if (str_is(mode, "denied") && ours)
        return hook_answer(200, NULL, STR_NONE);
    if (!challenge.n || (str_is(mode, "subscribe") ? !ours : !str_is(mode, "unsubscribe") || ours))
        return hook_refuse(404, "topic");
    if (ours && call->subscriptions)
        subscriptions_leased(call->subscriptions, call->config->name, topic,
                             lease.n ? strtoll(arena_str(call->arena, lease).p, NULL, 10) : 0);
    return hook_answer(200, "text/plain; charset=utf-8", challenge);
}

static struct hook_verdict judge(struct hook_call *call) {
    static const struct {
        const char *name;
        enum signature_hash hash;
    } methods[] = {{"sha256", SIGNATURE_SHA256},
                   {"sha1", SIGNATURE_SHA1},
                   {"sha384", SIGNATURE_SHA384},
                   {"sha512", SIGNATURE_SHA512}};
    if (str_is(call->method, "GET"))
        return confirm(call);
    struct str given = hook_header(call, "X-Hub-Signature"), method = str_cut(&given, '=');
    for (size_t i = 0; i < COUNT(methods); i++)
        if (str_is_nocase(method, methods[i].name) &&
            signature_hmac(call->config, methods[i].hash, SIGNATURE_HEX, &call->body, 1, given))
            return hook_keep(STR_NONE);
    return hook_refuse(401, "signature");
}

/* ---- reading ---- */

struct reading {
    struct arena arena;
    const struct tl_read *in;
    const struct tl_emit *out;
    size_t entries;
};

static int64_t ms_of(struct str when) {
    int64_t ms;
    return when.n && (date_parse(when, &ms) || date_parse_mail(when, &ms)) && ms > 0 ? ms : 0;
}

static json_t *person(struct reading *r, const struct feed_entry *e) {
    struct str channel = e->fields[FEED_CHANNEL], uri = e->fields[FEED_AUTHOR_URI],
               name = e->fields[FEED_AUTHOR];
    (void)r;
    if (channel.n)
        return provider_person("youtube", channel, name, STR_NONE);
    return provider_person("feed", uri.n ? uri : name, name, STR_NONE);
}

static void each(void *arg, const struct feed_entry *e) {
    struct reading *r = arg;
    const struct str *f = e->fields;
    struct str id = f[FEED_ID].n ? f[FEED_ID] : f[FEED_LINK];
    int64_t published = ms_of(f[FEED_PUBLISHED]), updated = ms_of(f[FEED_UPDATED]);
    r->entries++;
    if (!id.n) {
        r->out->bad(r->out->ctx, f[FEED_TITLE], "an entry without id and address");
        return;
    }
    json_t *tp = provider_touchpoint("websub", id, "other");
    provider_inbound(tp, person(r, e));
    struct str html = f[FEED_CONTENT].n ? f[FEED_CONTENT] : f[FEED_SUMMARY];
    struct str text = activitypub_text(&r->arena, html);
    provider_set(tp, "subject", f[FEED_TITLE]);
    json_object_set_new(tp, "text", jstr(text.n ? text : f[FEED_TITLE]));
    provider_put(tp, "at", provider_at(published ? published : updated));
    if (e->deleted)
        provider_revise(tp, published ? published : r->in->received_ms, true);
    else if (updated && updated != published)
        provider_revise(tp, updated, false);
    if (e->deleted || f[FEED_VIDEO].n) /* our own channel's videos */
        provider_notification(tp);
    if (f[FEED_LINK].n)
        provider_data(tp, "url", jstr(f[FEED_LINK]));
    if (f[FEED_VIDEO].n)
        provider_data(tp, "video", jstr(f[FEED_VIDEO]));
    provider_emit(r->out, tp);
}

static bool read_feed(const struct tl_read *in, const json_t *meta, const struct tl_emit *out) {
    struct reading r = {.in = in, .out = out};
    (void)meta;
    arena_init(&r.arena);
    const char *why = feed_read(in->body, each, &r);
    if (why)
        out->bad(out->ctx, STR_NONE, why);
    arena_clear(&r.arena);
    return !why || r.entries;
}

const struct provider provider_websub = {
    .name = "websub",
    .flags = NEEDS_SECRET | TAKES_GET,
    .fault = fault,
    .judge = judge,
    .read_bytes = read_feed,
};
