/* social/hook.c - see hook.h.
 *
 * The signature is judged over the raw bytes before anything is parsed or kept; what it holds is
 * read afterwards, so that bad content is kept, not refused. A provider is one row of the table.
 */
#include "hook.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/touchpoint.h>

enum { QUERY_MAX = 20, BODY_MAX = 32 * 1024 * 1024, EMIT_MAX = 4 * 1024 * 1024 };

/* In the order of the configuration's choices. */
static const struct provider *const providers[] = {&provider_whatsapp, &provider_telegram,
                                                   &provider_standard};

const struct provider *hook_provider(int64_t index) {
    return index >= 0 && (size_t)index < COUNT(providers) ? providers[index] : NULL;
}

const struct provider *hook_provider_named(struct str name) {
    for (size_t i = 0; i < COUNT(providers); i++)
        if (str_is(name, providers[i]->name))
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

/* ---- requests ---- */

static const struct hook_config *hook_of(struct social *s, struct tl_request *req) {
    const struct hook_config *c = hook_find(s, s->host->request_param(req, "name"));
    if (!c)
        s->host->problem(req, 404, "not-found", NULL, "there is no such hook");
    return c;
}

void hook_serve_get(void *arg, struct tl_request *req) {
    struct social *s = arg;
    const struct hook_config *c = hook_of(s, req);
    if (!c)
        return;
    const struct provider *p = hook_provider(c->provider);
    if (!p->handshake) {
        const struct tl_header allow = {str_c("Allow"), str_c("POST")};
        s->host->reply(req, 405, NULL, STR_NONE, &allow, 1);
        return;
    }
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct pair query[QUERY_MAX];
    struct tl_pair pairs[QUERY_MAX];
    size_t n;
    struct str challenge = STR_NONE;
    if (urlencoded_parse(&a, s->host->request(req, TL_REQ_QUERY), query, QUERY_MAX, &n, NULL)) {
        for (size_t i = 0; i < n; i++)
            pairs[i] = (struct tl_pair){query[i].name, query[i].value};
        challenge = p->handshake(c, pairs, n);
    }
    if (challenge.p)
        s->host->reply(req, 200, "text/plain; charset=utf-8", challenge, NULL, 0);
    else
        s->host->problem(req, 403, "handshake", NULL, "the verify token is not ours");
}

struct header_ctx {
    const struct tl_host *host;
    struct tl_request *req;
};

static struct str header_of(void *ctx, const char *name) {
    struct header_ctx *h = ctx;
    return h->host->request_header(h->req, name);
}

struct delivery {
    struct link link;
    struct social *social;
    struct tl_request *req;
};

static void delivery_free(struct delivery *d) {
    link_remove(&d->link);
    free(d);
}

void hook_stop(struct social *s) {
    list_each (it, &s->deliveries)
        delivery_free(container_of(it, struct delivery, link));
}

static void kept(void *arg, const struct tl_outcome *o) {
    struct delivery *d = arg;
    const struct tl_host *h = d->social->host;
    switch (o->status) {
    case TL_APPLIED:
    case TL_KEPT:
    case TL_DUPLICATE:
    case TL_MISMATCH: /* the batch's id is the hash of its bytes: it cannot differ */
    case TL_REFUSED:  /* raw bytes are never judged here */
        h->reply(d->req, 200, NULL, STR_NONE, NULL, 0);
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

static void submit(struct social *s, struct tl_request *req, const struct hook_config *c,
                   struct str delivery_id) {
    struct str body = s->host->request(req, TL_REQ_BODY);
    cleanup(arena_clear) struct arena a;
    cleanup(buf_clear) struct buf meta;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    struct jwrite w;
    arena_init(&a);
    buf_init(&meta, 4096);
    jwrite_init(&w, &meta);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "delivery_id", delivery_id);
    jwrite_close(&w, '}');
    sha256(body, digest);
    hex_encode(digest, sizeof digest, hex);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&a, "social:%.*s", STR_ARG(c->name)),
        .source_id = delivery_id.n ? arena_strf(&a, "delivery:%.*s:%s", STR_ARG(delivery_id), hex)
                                   : arena_strf(&a, "delivery:%s", hex),
        .format = str_c(hook_provider(c->provider)->name),
        .meta = buf_str(&meta),
        .body = body,
    };
    struct delivery *d = NEW(struct delivery);
    d->social = s;
    d->req = req;
    list_push(&s->deliveries, &d->link);
    s->host->submit(s->channel, &entry, kept, d);
}

void hook_serve_post(void *arg, struct tl_request *req) {
    struct social *s = arg;
    const struct hook_config *c = hook_of(s, req);
    if (!c)
        return;
    const struct provider *p = hook_provider(c->provider);
    struct header_ctx ctx = {s->host, req};
    struct hook_verdict v =
        p->judge(c, header_of, &ctx, s->host->request(req, TL_REQ_BODY), s->host->now_ms());
    if (v.status == 200) {
        s->host->count(s->channel, "deliveries", p->name, 1);
        submit(s, req, c, v.delivery_id);
        return;
    }
    s->host->count(s->channel, "refused", p->name, 1);
    s->host->problem(req, v.status, v.code, NULL,
                     v.status == 401 ? "the signature is missing, wrong or too old"
                                     : "the delivery is malformed");
}

/* ---- reading ---- */

bool hook_read(const struct tl_read *in, const struct tl_emit *out) {
    const struct provider *p = hook_provider_named(in->format);
    struct fault f = {0};
    cleanup(json_freep) json_t *root = NULL;
    if (!p) {
        out->bad(out->ctx, STR_NONE, "no such provider");
        return false;
    }
    if (!jread_parse(in->body, BODY_MAX, &root, &f)) {
        out->bad(out->ctx, STR_NONE, f.reason);
        return false;
    }
    if (p->read(root, in, out))
        return true;
    out->bad(out->ctx, STR_NONE, "not a delivery of this provider");
    return false;
}

void provider_bad(const struct tl_emit *out, const json_t *piece, const char *reason) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EMIT_MAX);
    out->bad(out->ctx, jread_dump(&b, piece) ? buf_str(&b) : STR_NONE, reason);
}

void provider_emit(const struct tl_emit *out, json_t *take_object) {
    cleanup(json_freep) json_t *object = take_object;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EMIT_MAX);
    if (object && jread_dump(&b, object))
        out->touchpoint(out->ctx, buf_str(&b));
    else
        out->bad(out->ctx, STR_NONE, "an event is too large");
}

json_t *provider_time(const json_t *seconds) {
    int64_t s = json_integer_value(seconds);
    char text[DATE_RFC3339_MAX];
    if (json_is_string(seconds))
        s = strtoll(json_string_value(seconds), NULL, 10);
    if (s <= 0 || s > 253402300799)
        return NULL;
    date_format(s * 1000, text);
    return json_string(text);
}

struct str provider_id(struct arena *a, const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    if (json_is_integer(v))
        return arena_strf(a, "%lld", (long long)json_integer_value(v));
    return jget_str(o, key);
}
