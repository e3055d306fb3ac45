/* tests/unit/channels/host.h - a host of paper for one channel: keeps what is submitted until the
 * test decides its outcome, hands in requests, shows their answers.
 *
 * Included after cmocka. As the real one it gives no answer once the channel has stopped.
 */
#ifndef TESTS_CHANNELS_HOST_H
#define TESTS_CHANNELS_HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>
#include <touchline/plugin.h>

extern const struct tl_plugin touchline_plugin;

enum { PAPER_ROUTES = 4, PAPER_ENTRIES = 16, PAPER_HEADERS = 8, PAPER_TEXT = 4096 };

struct tl_request { /* absent strings: not there */
    struct str body, query, peer, param, url, path;
    const char *method; /* set by paper_request */
    struct tl_header headers[PAPER_HEADERS];
    int status; /* 0: no answer yet */
    char type[64], answer[PAPER_TEXT], answer_headers[PAPER_TEXT];
};

struct paper_entry {
    tl_done_fn *done;
    void *arg;
    uint32_t flags, await_ms;
    char source[128], source_id[512], touchpoint[PAPER_TEXT], body[PAPER_TEXT], bucket[PAPER_TEXT];
};

static struct paper {
    struct {
        const char *method, *pattern;
        tl_route_fn *serve;
        void *arg;
    } routes[PAPER_ROUTES];
    size_t routes_n;
    struct paper_entry entries[PAPER_ENTRIES];
    size_t entries_n;
    int64_t now_ms;
    char logged[PAPER_TEXT];
} paper;

static void paper_copy(char *to, size_t room, struct str s) {
    assert_true(s.n < room);
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
}

static void paper_log(struct tl_channel *ch, enum tl_level level, const char *event,
                      const char *text) {
    (void)ch, (void)level;
    size_t n = strlen(paper.logged);
    snprintf(paper.logged + n, sizeof paper.logged - n, "%s %s\n", event, text);
}
static void paper_count(struct tl_channel *ch, const char *name, const char *label, uint64_t n) {
    (void)ch, (void)name, (void)label, (void)n;
}
static int64_t paper_now(void) {
    return paper.now_ms;
}

static void paper_submit(struct tl_channel *ch, const struct tl_entry *e, tl_done_fn *done,
                         void *arg) {
    (void)ch;
    assert_true(paper.entries_n < PAPER_ENTRIES);
    struct paper_entry *p = &paper.entries[paper.entries_n++];
    *p = (struct paper_entry){.done = done, .arg = arg, .flags = e->flags, .await_ms = e->await_ms};
    paper_copy(p->source, sizeof p->source, e->source);
    paper_copy(p->source_id, sizeof p->source_id, e->source_id);
    paper_copy(p->touchpoint, sizeof p->touchpoint, e->touchpoint);
    paper_copy(p->body, sizeof p->body, e->body);
    paper_copy(p->bucket, sizeof p->bucket, e->bucket);
}

/* The outcome of the i-th entry; pointer and reason as a refusal has them. */
static inline void paper_done(size_t i, enum tl_status status, const char *pointer,
                              const char *reason) {
    const struct tl_outcome o = {.size = sizeof o,
                                 .status = status,
                                 .id = STR("p_1"),
                                 .pointer = str_c(pointer),
                                 .reason = str_c(reason)};
    assert_true(i < paper.entries_n && paper.entries[i].done);
    tl_done_fn *done = paper.entries[i].done;
    paper.entries[i].done = NULL;
    done(paper.entries[i].arg, &o);
}

static bool paper_route(struct tl_channel *ch, const char *method, const char *pattern,
                        tl_route_fn *serve, void *arg) {
    (void)ch;
    assert_true(paper.routes_n < PAPER_ROUTES);
    paper.routes[paper.routes_n].method = method;
    paper.routes[paper.routes_n].pattern = pattern;
    paper.routes[paper.routes_n].serve = serve;
    paper.routes[paper.routes_n++].arg = arg;
    return true;
}

static inline void paper_request(const char *method, struct tl_request *req) {
    req->method = method;
    for (size_t i = 0; i < paper.routes_n; i++)
        if (strcmp(paper.routes[i].method, method) == 0) {
            paper.routes[i].serve(paper.routes[i].arg, req);
            return;
        }
    fail_msg("no route for %s", method);
}

static struct str paper_part(struct tl_request *req, enum tl_request_part part) {
    return part == TL_REQ_BODY     ? req->body
           : part == TL_REQ_QUERY  ? req->query
           : part == TL_REQ_PEER   ? req->peer
           : part == TL_REQ_METHOD ? str_c(req->method)
           : part == TL_REQ_PATH   ? req->path
           : part == TL_REQ_URL    ? req->url
                                   : STR_NONE;
}
static struct str paper_header(struct tl_request *req, const char *name) {
    for (size_t i = 0; i < PAPER_HEADERS; i++)
        if (str_is_nocase(req->headers[i].name, name))
            return req->headers[i].value;
    return STR_NONE;
}
static struct str paper_param(struct tl_request *req, const char *name) {
    (void)name;
    return req->param;
}

static void paper_reply(struct tl_request *req, int status, const char *type, struct str body,
                        const struct tl_header *headers, size_t n) {
    assert_int_equal(req->status, 0); /* answered once */
    size_t at = 0;
    req->status = status;
    snprintf(req->type, sizeof req->type, "%s", type ? type : "");
    paper_copy(req->answer, sizeof req->answer, body);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(req->answer_headers + at, sizeof req->answer_headers - at,
                               "%.*s: %.*s\n", STR_ARG(headers[i].name), STR_ARG(headers[i].value));
}
static void paper_problem(struct tl_request *req, int status, const char *code, const char *pointer,
                          const char *detail) {
    (void)pointer, (void)detail;
    paper_reply(req, status, "application/problem+json", str_c(code), NULL, 0);
}

static bool paper_cursor(struct tl_channel *ch, struct str name, char *out, size_t max,
                         size_t *out_n) {
    (void)ch, (void)name, (void)out, (void)max, (void)out_n;
    return false;
}

/* The channel's one timer is fired by hand. */
static struct tl_timer {
    tl_timer_fn *fire;
    void *arg;
} paper_timer;
static struct tl_timer *paper_timer_new(struct tl_channel *ch, uint32_t after_ms, bool again,
                                        tl_timer_fn *fire, void *arg) {
    (void)ch, (void)after_ms, (void)again;
    paper_timer = (struct tl_timer){fire, arg};
    return &paper_timer;
}
static void paper_timer_free(struct tl_timer *t) {
    *t = (struct tl_timer){0};
}

static const struct tl_host paper_host = {.abi_major = TL_ABI_MAJOR,
                                          .abi_minor = TL_ABI_MINOR,
                                          .size = sizeof paper_host,
                                          .log = paper_log,
                                          .count = paper_count,
                                          .now_ms = paper_now,
                                          .mono_ms = paper_now,
                                          .submit = paper_submit,
                                          .cursor = paper_cursor,
                                          .timer = paper_timer_new,
                                          .timer_free = paper_timer_free,
                                          .route = paper_route,
                                          .request = paper_part,
                                          .request_header = paper_header,
                                          .request_param = paper_param,
                                          .reply = paper_reply,
                                          .problem = paper_problem};

static inline void *paper_start(const void *config) {
    memset(&paper, 0, sizeof paper);
    void *instance = touchline_plugin.start(&paper_host, NULL, config);
    assert_non_null(instance);
    return instance;
}

#endif
