/* sip/post.c - records posted to /cdr/NAME: answered once what they say is on stable storage.
 *
 * Nothing could be read again here, so the calls of a request are told at once and the request
 * waits for their commit (and of pieces that go to quarantine). What cannot be read is kept, not
 * refused: a 2xx, or the switch would send it for ever.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hmac.h>
#include <touchline/touchpoint.h>

#include "sip.h"

enum { POSTS_MAX = 1000, POST_MAX_MS = 20 * 1000, BODY_MAX = 16 * 1024 * 1024 };

struct post {
    struct link link;
    struct sip *sip;
    struct tl_request *req;
    size_t pending;
    bool lost, fresh; /* something was not kept; something was new */
    bool reading;     /* still adding what it waits for */
    char id[64];      /* of the first that was kept */
};

/* A call that must have been told with so many lines. */
struct wait {
    struct link link;
    struct post *post;
    struct str id;
    size_t lines;
    int64_t since_ms;
};

static void finish_if_done(struct post *p) {
    const struct tl_host *h = p->sip->host;
    if (p->pending || p->reading)
        return;
    if (p->lost) {
        h->problem(p->req, 503, "busy", NULL, "the record was not kept; send it again");
    } else {
        cleanup(buf_clear) struct buf json;
        struct jwrite w;
        buf_init(&json, 256);
        jwrite_init(&w, &json);
        jwrite_open(&w, NULL, '{');
        jwrite_c(&w, "id", *p->id ? p->id : NULL);
        jwrite_close(&w, '}');
        h->reply(p->req, p->fresh ? 201 : 200, "application/json", buf_str(&json), NULL, 0);
    }
    p->sip->posts_n--;
    link_remove(&p->link);
    free(p);
}

static void settle(struct post *p, const struct tl_outcome *o) {
    p->pending--;
    p->lost |= o->status == TL_BUSY || o->status == TL_FAILED;
    p->fresh |= o->status == TL_KEPT || o->status == TL_APPLIED;
    if (o->id.n && !*p->id)
        snprintf(p->id, sizeof p->id, "%.*s", STR_ARG(o->id));
    finish_if_done(p);
}

void post_expect_piece(struct post *p) {
    p->pending++;
}

void post_piece_done(struct post *p, const struct tl_outcome *o) {
    settle(p, o);
}

void post_wait(struct post *p, struct source *source, struct call *call) {
    if (!call->dirty && !call->in_flight) /* known already, and kept */
        return;
    struct wait *w = NEW(struct wait);
    call->urgent = true;
    w->post = p;
    w->id = str_make(mem_dup(call->id.p, call->id.n), call->id.n);
    w->lines = call->lines;
    w->since_ms = source->sip->host->mono_ms();
    list_push(&source->waits, &w->link);
    p->pending++;
}

static void wait_end(struct wait *w, const struct tl_outcome *o) {
    struct post *p = w->post;
    link_remove(&w->link);
    free((char *)w->id.p);
    free(w);
    settle(p, o);
}

void post_call_done(struct source *source, struct str id, size_t lines,
                    const struct tl_outcome *o) {
    const struct call *told = calls_find(source->calls, id);
    list_each (it, &source->waits) {
        struct wait *w = container_of(it, struct wait, link);
        bool mine = str_eq(w->id, id) || (told && calls_find(source->calls, w->id) == told);
        if (mine && w->lines <= lines)
            wait_end(w, o);
    }
}

void post_sweep(struct source *source, bool all) {
    static const struct tl_outcome late = {.size = sizeof late, .status = TL_BUSY};
    int64_t now = source->sip->host->mono_ms();
    list_each (it, &source->waits) {
        struct wait *w = container_of(it, struct wait, link);
        if (all || now - w->since_ms > POST_MAX_MS)
            wait_end(w, &late);
    }
}

/* ---- requests ---- */

static struct input *input_named(struct sip *s, struct str name) {
    list_each (it, &s->sources)
        list_each (at, &container_of(it, struct source, link)->inputs) {
            struct input *input = container_of(at, struct input, link);
            if (str_eq(input->name, name) && input->format->document)
                return input;
        }
    return NULL;
}

static bool may_post(const struct log_config *c, struct str header) {
    static const struct str basic = STR("Basic ");
    cleanup(buf_clear) struct buf given, wanted;
    buf_init(&given, 4096);
    buf_init(&wanted, 4096);
    if (!c->user.n)
        return true;
    return str_eq_nocase(str_upto(header, basic.n), basic) &&
           base64_decode(&given, str_trim(str_from(header, basic.n)), true) &&
           buf_add(&wanted, c->user) && buf_add_byte(&wanted, ':') &&
           buf_add(&wanted, c->password) && bytes_equal(buf_str(&given), buf_str(&wanted));
}

static void deny(struct sip *s, struct tl_request *req) {
    static const struct tl_header ask = {STR("WWW-Authenticate"), STR("Basic realm=\"cdr\"")};
    static const struct str body =
        STR("{\"type\":\"about:blank\",\"status\":401,\"code\":\"unauthorized\","
            "\"detail\":\"user and password are wrong\"}");
    s->host->count(s->channel, "posts", "denied", 1);
    s->host->reply(req, 401, "application/problem+json", body, &ask, 1);
}

static void take(struct input *input, struct tl_request *req) {
    struct sip *s = input->source->sip;
    cleanup(arena_clear) struct arena a;
    struct post *p = NEW(struct post);
    struct taken t = {.input = input, .post = p};
    *p = (struct post){.sip = s, .req = req, .reading = true};
    s->posts_n++;
    list_push(&s->posts, &p->link);
    arena_init(&a);
    struct format_in in = input_in(input, &a);
    in.type = s->host->request_header(req, "Content-Type");
    s->host->count(s->channel, "posts", "taken", 1);
    source_take_all(&t, input->format->document, &in, s->host->request(req, TL_REQ_BODY));
    source_tick(input->source);
    p->reading = false;
    finish_if_done(p);
}

static void serve(void *arg, struct tl_request *req) {
    struct sip *s = arg;
    struct input *input = input_named(s, s->host->request_param(req, "name"));
    struct str body = s->host->request(req, TL_REQ_BODY);
    if (!input)
        s->host->problem(req, 404, "not_found", NULL, "no call records are taken by that name");
    else if (!may_post(input->config, s->host->request_header(req, "Authorization")))
        deny(s, req);
    else if (s->drained || s->posts_n >= POSTS_MAX)
        s->host->problem(req, 503, "busy", NULL, "too many records wait; send it again");
    else if (body.n > BODY_MAX)
        s->host->problem(req, 413, "too_large", NULL, "a record above 16 MiB");
    else
        take(input, req);
}

void post_stop(struct sip *s) {
    list_each (it, &s->posts) {
        struct post *p = container_of(it, struct post, link);
        p->pending = 0;
        p->lost = true;
        finish_if_done(p);
    }
}

bool post_route(struct sip *s) {
    return s->host->route(s->channel, "POST", "/cdr/{name}", serve, s);
}
