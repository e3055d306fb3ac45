/* social/hook.c - see hook.h.
 *
 * The signature is judged over the raw bytes before anything is parsed or kept; what it holds is
 * read afterwards, so that bad content is kept, not refused. A provider is one row of the table.
 */
#include "hook.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

enum { PAIRS_MAX = 40, META_MAX = 256 * 1024 };

/* One a line, so that a new one is one line. */
/* clang-format off */
static const struct provider *const providers[PROVIDERS_N] = {
    [PROVIDER_WHATSAPP] = &provider_whatsapp,
    [PROVIDER_TELEGRAM] = &provider_telegram,
    [PROVIDER_STANDARD] = &provider_standard,
    [PROVIDER_MESSENGER] = &provider_messenger,
    [PROVIDER_INSTAGRAM] = &provider_instagram,
    [PROVIDER_X] = &provider_x,
    [PROVIDER_LINE] = &provider_line,
    [PROVIDER_SLACK] = &provider_slack,
    [PROVIDER_VIBER] = &provider_viber,
    [PROVIDER_TWILIO] = &provider_twilio,
    [PROVIDER_MASTODON] = &provider_mastodon,
    [PROVIDER_WEBSUB] = &provider_websub,
    [PROVIDER_DISCORD] = &provider_discord,
    [PROVIDER_GENERIC] = &provider_generic,
};
/* clang-format on */

const struct provider *hook_provider(int64_t index) {
    return index >= 0 && (size_t)index < COUNT(providers) ? providers[index] : NULL;
}

const struct provider *hook_provider_named(struct str name) {
    for (size_t i = 0; i < COUNT(providers); i++)
        if (providers[i] && str_is(name, providers[i]->name))
            return providers[i];
    return NULL;
}

const struct hook_config *hook_find(const struct social *s, struct str name) {
    const struct hook_config *all = s->config->items;
    for (size_t i = 0; i < s->config->n; i++)
        if (str_eq(all[i].name, name))
            return &all[i];
    return NULL;
}

const struct hook_config *hook_of_source(const struct social *s, struct str source) {
    (void)str_cut(&source, ':');
    return hook_find(s, source);
}

/* ---- a request under way ---- */

/* From the request to its answer; what is kept waits here for its commit. */
struct delivery {
    struct link link;
    struct social *social;
    struct tl_request *req;
    const struct provider *provider;
    struct arena arena;
    struct pair pairs[PAIRS_MAX];
    struct str name;
    struct hook_call call;
    struct hook_verdict ack; /* of what is kept */
};

static void delivery_free(struct delivery *d) {
    link_remove(&d->link);
    arena_clear(&d->arena);
    free(d);
}

void hook_stop(struct social *s) {
    list_each (it, &s->deliveries)
        delivery_free(container_of(it, struct delivery, link));
}

void hook_reload(struct social *s) {
    static const struct hook_config gone;
    list_each (it, &s->deliveries) {
        struct delivery *d = container_of(it, struct delivery, link);
        const struct hook_config *c = hook_find(s, d->name);
        d->call.config = c ? c : &gone;
    }
}

static struct str header_of(void *ctx, const char *name) {
    struct delivery *d = ctx;
    return d->social->host->request_header(d->req, name);
}

static struct delivery *delivery_new(struct social *s, struct tl_request *req,
                                     const struct hook_config *c) {
    const struct tl_host *h = s->host;
    struct delivery *d = NEW(struct delivery);
    d->social = s;
    d->req = req;
    d->provider = hook_provider(c->provider);
    arena_init(&d->arena);
    d->name = arena_str(&d->arena, c->name);
    d->call = (struct hook_call){.config = c,
                                 .arena = &d->arena,
                                 .method = h->request(req, TL_REQ_METHOD),
                                 .path = h->request(req, TL_REQ_PATH),
                                 .query = h->request(req, TL_REQ_QUERY),
                                 .url = h->request(req, TL_REQ_URL),
                                 .body = h->request(req, TL_REQ_BODY),
                                 .pairs = d->pairs,
                                 .header = header_of,
                                 .header_ctx = d,
                                 .now_ms = h->now_ms(),
                                 .host = h,
                                 .channel = s->channel,
                                 .keys = s->keys,
                                 .subscriptions = s->subscriptions};
    if (!urlencoded_parse(&d->arena, d->call.query, d->pairs, PAIRS_MAX, &d->call.pairs_n, NULL))
        d->call.pairs_n = 0;
    list_push(&s->deliveries, &d->link);
    return d;
}

/* ---- keeping ---- */

static void kept(void *arg, const struct tl_outcome *o) {
    struct delivery *d = arg;
    const struct tl_host *h = d->social->host;
    switch (o->status) {
    case TL_APPLIED:
    case TL_KEPT:
    case TL_DUPLICATE:
    case TL_MISMATCH: /* the batch's id is the hash of its bytes: it cannot differ */
    case TL_REFUSED:  /* raw bytes are never judged here */
        h->reply(d->req, d->ack.status, d->ack.type, d->ack.body, NULL, 0);
        break;
    case TL_BUSY:
    case TL_FAILED: {
        const struct tl_header retry = {str_c("Retry-After"), str_c("5")};
        h->reply(d->req, 503, NULL, STR_NONE, &retry, 1);
        break;
    }
    }
    delivery_free(d);
}

/* What read() needs beyond the body. Takes the verdict's notes. */
static bool write_meta(struct delivery *d, const struct hook_verdict *v, struct buf *out) {
    cleanup(json_freep) json_t *meta = v->notes ? v->notes : json_object();
    json_object_set_new(meta, "delivery_id", jstr(v->delivery_id));
    provider_set(meta, "type", hook_header(&d->call, "Content-Type"));
    provider_set(meta, "sender", d->call.config->send.sender);
    return jread_dump(out, meta);
}

static void keep(struct delivery *d, const struct hook_verdict *v) {
    struct social *s = d->social;
    cleanup(buf_clear) struct buf meta;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    buf_init(&meta, META_MAX);
    if (!write_meta(d, v, &meta)) {
        s->host->problem(d->req, 413, "too-large", NULL, "the delivery's notes are too large");
        delivery_free(d);
        return;
    }
    sha256(d->call.body, digest);
    hex_encode(digest, sizeof digest, hex);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&d->arena, "social:%.*s", STR_ARG(d->name)),
        .source_id = v->delivery_id.n
                         ? arena_strf(&d->arena, "delivery:%.*s:%s", STR_ARG(v->delivery_id), hex)
                         : arena_strf(&d->arena, "delivery:%s", hex),
        .format = str_c(d->provider->name),
        .meta = buf_str(&meta),
        .body = d->call.body,
    };
    d->ack = *v;
    d->ack.notes = NULL;
    s->host->submit(s->channel, &entry, kept, d);
}

/* ---- requests ---- */

static const char *refusal_detail(int status) {
    return status == 401   ? "the signature is missing, wrong or too old"
           : status == 403 ? "the verify token is not ours"
                           : "the request is not what this provider sends";
}

static void carry_out(struct delivery *d, const struct hook_verdict *v) {
    struct social *s = d->social;
    switch (v->action) {
    case HOOK_KEEP:
        s->host->count(s->channel, "deliveries", d->provider->name, 1);
        keep(d, v);
        return;
    case HOOK_ANSWER:
        s->host->reply(d->req, v->status, v->type, v->body, NULL, 0);
        break;
    case HOOK_REFUSE:
        s->host->count(s->channel, "refused", d->provider->name, 1);
        s->host->problem(d->req, v->status, v->code, NULL, refusal_detail(v->status));
        break;
    case HOOK_LATER:
        return;
    }
    json_decref(v->notes);
    delivery_free(d);
}

void hook_judged(struct hook_call *call, const struct hook_verdict *verdict) {
    carry_out(container_of(call, struct delivery, call), verdict);
}

void hook_serve(void *arg, struct tl_request *req) {
    struct social *s = arg;
    const struct hook_config *c = hook_find(s, s->host->request_param(req, "name"));
    const struct provider *p = c ? hook_provider(c->provider) : NULL;
    if (!p) {
        s->host->problem(req, 404, "not-found", NULL, "there is no such hook");
        return;
    }
    if (!(p->flags & TAKES_GET) && str_is(s->host->request(req, TL_REQ_METHOD), "GET")) {
        const struct tl_header allow = {str_c("Allow"), str_c("POST")};
        s->host->reply(req, 405, NULL, STR_NONE, &allow, 1);
        return;
    }
    struct delivery *d = delivery_new(s, req, c);
    struct hook_verdict v = p->judge(&d->call);
    carry_out(d, &v);
}

/* ---- reading ---- */

static bool read_json(const struct provider *p, const struct tl_read *in, const json_t *meta,
                      const struct tl_emit *out) {
    cleanup(json_freep) json_t *root = NULL;
    struct fault f = {0};
    if (!provider_parse(in->body, &root, &f)) {
        out->bad(out->ctx, STR_NONE, f.reason);
        return false;
    }
    if (p->read(root, in, meta, out))
        return true;
    out->bad(out->ctx, STR_NONE, "not a delivery of this provider");
    return false;
}

bool hook_read(const struct tl_read *in, const struct tl_emit *out) {
    const struct provider *p = hook_provider_named(in->format);
    cleanup(json_freep) json_t *meta = NULL;
    if (!p) {
        out->bad(out->ctx, STR_NONE, "no such provider");
        return false;
    }
    if (!jread_parse(in->meta, META_MAX, &meta, NULL))
        meta = json_object();
    if (p->read)
        return read_json(p, in, meta, out);
    if (p->read_bytes(in, meta, out))
        return true;
    out->bad(out->ctx, STR_NONE, "not a delivery of this provider");
    return false;
}
