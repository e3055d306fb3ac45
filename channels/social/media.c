/* social/media.c - attachments that a message only names: one or two requests by the provider's
 * row, then the bytes.
 *
 *   attach ──► media(word) ──► request ──► JSON ──► media(word, answer) ──► request ──► bytes
 *                                 ▲                                            │
 *                                 └───────────── a redirect, at most three ────┘
 *
 * An address comes out of a payload or a platform's answer, so the host refuses those that are not
 * public; only what lies under the operator's own `send.base` may be private. A redirect is judged
 * like any other address, and takes along no header: tokens go to the platform alone.
 */
#include "media.h"

#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "hook.h"

enum { STEPS_MAX = 4, HOPS_MAX = 3, TIMEOUT_MS = 60000, ANSWER_BYTES_MAX = 64 * 1024 };

struct fetching {
    struct link link;
    struct social *social;
    struct tl_media *media;
    struct arena arena;
    struct str name, word; /* of the hook, of what is wanted */
    uint32_t max_bytes;
    int steps, hops;
    bool last; /* this one gives the bytes */
};

static void go(struct fetching *f, struct hook_request *r);

static void fetching_free(struct fetching *f) {
    link_remove(&f->link);
    arena_clear(&f->arena);
    free(f);
}

void hook_attach_stop(struct social *s) {
    list_each (it, &s->fetchings)
        fetching_free(container_of(it, struct fetching, link));
}

static void end(struct fetching *f, const struct tl_attached *with) {
    f->social->host->attached(f->media, with);
    fetching_free(f);
}

static void refuse(struct fetching *f, enum tl_sent state, const char *reason,
                   int64_t retry_after_ms) {
    const struct tl_attached with = {
        .size = sizeof with, .state = state, .reason = reason, .retry_after_ms = retry_after_ms};
    end(f, &with);
}

/* ---- addresses ---- */

/* "https://host:port" of an address. */
static struct str origin_of(struct str url) {
    static const char mark[] = "://";
    const char *at = url.n ? memmem(url.p, url.n, mark, sizeof mark - 1) : NULL;
    if (!at)
        return STR_NONE;
    size_t n = (size_t)(at - url.p) + sizeof mark - 1;
    while (n < url.n && url.p[n] != '/' && url.p[n] != '?' && url.p[n] != '#' && url.p[n] != '\\')
        n++;
    return str_upto(url, n);
}

static bool same_origin(struct str url, struct str base) {
    struct str origin = origin_of(url);
    return origin.n && str_eq_nocase(origin, origin_of(base));
}

/* ---- answers ---- */

static bool is_later(int status) {
    /* 202: still being prepared (LINE); 401: the operator may mend the token. */
    return status == 202 || status == 401 || status == 408 || status == 425 || status == 429 ||
           status >= 500;
}

static void fail(struct fetching *f, const struct tl_fetched *a) {
    if (a->status) {
        const char *why = arena_strf(&f->arena, "the platform answered %d", a->status).p;
        refuse(f, is_later(a->status) ? TL_SENT_RETRY : TL_SENT_NEVER, why, a->retry_after_ms);
        return;
    }
    /* What the host itself refuses will not be better later. */
    static const char *const final[] = {"larger than", "not a public", "not a URL"};
    struct str why = arena_str(&f->arena, a->error);
    for (size_t i = 0; i < COUNT(final); i++)
        if (why.n && memmem(why.p, why.n, final[i], strlen(final[i]))) {
            refuse(f, TL_SENT_NEVER, why.p, 0);
            return;
        }
    refuse(f, TL_SENT_RETRY, why.n ? why.p : "no answer", 0);
}

static void follow(struct fetching *f, const struct tl_fetched *a) {
    struct hook_request r = {.method = "GET"};
    if (++f->hops > HOPS_MAX || !a->location.n) {
        refuse(f, TL_SENT_NEVER, "redirected nowhere, or again and again", 0);
        return;
    }
    r.url = arena_str(&f->arena, a->location);
    go(f, &r);
}

static void step(struct fetching *f, const json_t *answer);

static void on_answer(void *arg, const struct tl_fetched *a) {
    struct fetching *f = arg;
    cleanup(json_freep) json_t *answer = NULL;
    if (a->status >= 300 && a->status < 400 && f->last) {
        follow(f, a);
    } else if (a->status < 200 || a->status >= 300 || a->status == 202) {
        fail(f, a);
    } else if (f->last) {
        const struct tl_attached with = {
            .size = sizeof with, .state = TL_SENT, .bytes = a->body, .type = a->type};
        end(f, &with);
    } else if (provider_parse(a->body, &answer, NULL)) {
        step(f, answer);
    } else {
        refuse(f, TL_SENT_RETRY, "the platform's answer cannot be read", 0);
    }
}

/* ---- requests ---- */

static bool may_be_plain(struct str url, const struct hook_config *c) {
    const struct str https = STR("https://");
    return str_starts(url, https) || (c->send.base.n && same_origin(url, c->send.base));
}

static void go(struct fetching *f, struct hook_request *r) {
    struct social *s = f->social;
    const struct hook_config *c = hook_find(s, f->name);
    if (!c) {
        refuse(f, TL_SENT_RETRY, "this hook is no longer configured", 0);
        return;
    }
    if (!may_be_plain(r->url, c)) {
        refuse(f, TL_SENT_NEVER, "only https is fetched", 0);
        return;
    }
    const struct tl_fetch fetch = {
        .size = sizeof fetch,
        .method = str_c(r->method ? r->method : "GET"),
        .url = r->url,
        .headers = r->headers,
        .headers_n = r->headers_n,
        .body = r->body,
        .timeout_ms = TIMEOUT_MS,
        .max_bytes = f->last ? f->max_bytes : ANSWER_BYTES_MAX,
        .private_allowed = c->send.base.n && same_origin(r->url, c->send.base),
    };
    s->host->fetch(s->channel, &fetch, on_answer, f);
}

static void step(struct fetching *f, const json_t *answer) {
    const struct hook_config *c = hook_find(f->social, f->name);
    const struct provider *p = c ? hook_provider(c->provider) : NULL;
    struct hook_request r = {.method = "GET"};
    const char *why = NULL;
    if (!p) {
        refuse(f, TL_SENT_RETRY, "this hook is no longer configured", 0);
        return;
    }
    if (++f->steps > STEPS_MAX) {
        why = "the platform leads from one place to another";
    } else if (p->media) {
        why = p->media(&f->arena, c, f->word, answer, &r, &f->last);
    } else {
        r.url = f->word;
        f->last = true;
    }
    if (why)
        refuse(f, TL_SENT_NEVER, why, 0);
    else
        go(f, &r);
}

void hook_attach(void *instance, struct tl_media *media, const struct tl_attach *what) {
    struct social *s = instance;
    struct fetching *f = NEW(struct fetching);
    f->social = s;
    f->media = media;
    f->max_bytes = what->max_bytes;
    arena_init(&f->arena);
    list_push(&s->fetchings, &f->link);
    const struct hook_config *c = hook_of_source(s, what->source);
    f->word = arena_str(&f->arena, what->fetch);
    f->name = c ? arena_str(&f->arena, c->name) : str_c("");
    step(f, NULL);
}
