/* egress/egress.c - the loop's half: checks a request, copies it, counts it, gives the answer back.
 */
#include "egress/egress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "egress/egress_priv.h"
#include "egress/stream_priv.h"

enum {
    TIMEOUT_MS = 15000,
    ANSWER_MAX = 1 << 20,
    BODY_MAX = 64 << 20,
    URL_MAX = 8192,
    HEADERS_MAX = 64,
};

/* The loop's. */
struct egress {
    struct loop *loop;
    struct transfer_queues queues;
    void *thread;
    struct event *bell;
    size_t outstanding;  /* handed to the thread and not yet back */
    struct link refused; /* answered without it, in the next turn */
    bool closing;
    struct streams streams;
    struct event *stream_bell;
};

struct transfer_queues *egress_queues(struct egress *e) {
    return &e->queues;
}

struct streams *egress_streams(struct egress *e) {
    return &e->streams;
}

struct loop *egress_loop(struct egress *e) {
    return e->loop;
}

static void request_free(struct request *r) {
    if (!r)
        return;
    curl_slist_free_all(r->headers);
    buf_clear(&r->body);
    buf_clear(&r->answer);
    free(r->method);
    free(r->url);
    free(r->location);
    free(r);
}

static void count(const struct request *r) {
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    const char *result = r->blocked && !r->status              ? "blocked"
                         : r->status >= 100 && r->status < 600 ? classes[r->status / 100 - 1]
                                                               : "error";
    metric_add_label(METRIC_EGRESS_REQUESTS, result, 1);
    metric_observe_us(METRIC_EGRESS_LATENCY, clock_mono_us() - r->started_us);
}

static void answer(struct request *take_r) {
    const struct tl_fetched fetched = {
        .size = sizeof fetched,
        .status = take_r->status,
        .body = buf_str(&take_r->answer),
        .error = take_r->status ? STR_NONE : str_c(take_r->error),
        .maybe_sent = take_r->maybe_sent,
        .retry_after_ms = take_r->retry_after_ms,
        .type = take_r->type[0] ? str_c(take_r->type) : STR_NONE,
        .location = str_c(take_r->location),
    };
    take_r->done(take_r->arg, &fetched);
    request_free(take_r);
}

static void take_back(struct egress *e) {
    void *items[16];
    size_t n = queue_take(e->queues.out, items, COUNT(items));
    for (size_t i = 0; i < n; i++) {
        e->outstanding--;
        metric_set(METRIC_EGRESS_INFLIGHT, (int64_t)e->outstanding);
        count(items[i]);
        answer(items[i]);
    }
}

static void on_answers(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    take_back(arg);
}

static void on_stream_messages(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    streams_take(arg);
}

static void answer_refused(void *arg) {
    struct egress *e = arg;
    while (list_first(&e->refused)) {
        struct request *r = container_of(list_first(&e->refused), struct request, link);
        link_remove(&r->link);
        answer(r);
    }
}

static void refuse(struct egress *e, struct request *take_r, const char *why) {
    metric_add_label(METRIC_EGRESS_REQUESTS, "refused", 1);
    snprintf(take_r->error, sizeof take_r->error, "%s", why);
    list_push(&e->refused, &take_r->link);
    loop_later(e->loop, answer_refused, e);
}

static bool only_bytes(struct str s, unsigned char low, unsigned char high) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < low || (unsigned char)s.p[i] > high)
            return false;
    return true;
}

/* RFC 9110 5.6.2 */
static bool is_token(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                               s.p[i]))
            return false;
    return s.n > 0;
}

static bool add_header(struct request *r, struct str name, struct str value) {
    cleanup(buf_clear) struct buf line;
    buf_init(&line, 16384);
    /* libcurl's own spelling of a header without a value ends in a semicolon. */
    bool ok = buf_add(&line, name) && (value.n ? buf_add_c(&line, ": ") && buf_add(&line, value)
                                               : buf_add_byte(&line, ';'));
    struct curl_slist *longer = ok ? curl_slist_append(r->headers, buf_c(&line)) : NULL;
    if (longer)
        r->headers = longer;
    return longer != NULL;
}

/* What libcurl would add by itself and nobody asked for is taken away. */
static bool add_defaults(struct request *r, bool has_type, bool has_agent) {
    struct curl_slist *longer = curl_slist_append(r->headers, "Expect:");
    if (longer && !has_type) {
        r->headers = longer;
        longer = curl_slist_append(r->headers, "Content-Type:");
    }
    if (!longer)
        return false;
    r->headers = longer;
    return has_agent || add_header(r, str_c("User-Agent"), str_c("touchline/" TOUCHLINE_VERSION));
}

static const char *copy_headers(struct request *r, const struct tl_header *h, size_t n) {
    bool has_type = false, has_agent = false;
    if (n > HEADERS_MAX)
        return "too many headers";
    for (size_t i = 0; i < n; i++) {
        struct str value = str_trim(h[i].value);
        if (!is_token(h[i].name) || (!only_bytes(value, 0x20, 0xff)) ||
            (value.n && memchr(value.p, 0x7f, value.n)))
            return "a header holds bytes that are not allowed";
        has_type = has_type || str_is_nocase(h[i].name, "Content-Type");
        has_agent = has_agent || str_is_nocase(h[i].name, "User-Agent");
        if (!add_header(r, h[i].name, value))
            return "a header is too long";
    }
    return add_defaults(r, has_type, has_agent) ? NULL : "out of memory";
}

/* NULL, or why it cannot be sent. */
static const char *fill(struct request *r, const struct tl_fetch *what) {
    struct str method = what->method.n ? what->method : str_c("GET");
    if (!is_token(method) || method.n > 16)
        return "not a method";
    if (!what->url.n || what->url.n > URL_MAX || !only_bytes(what->url, 0x21, 0x7e))
        return "not a URL";
    r->method = mem_dup(method.p, method.n);
    r->url = mem_dup(what->url.p, what->url.n);
    buf_init(&r->body, BODY_MAX);
    if (!buf_add(&r->body, what->body))
        return "the body is too large";
    buf_init(&r->answer, what->max_bytes ? what->max_bytes : ANSWER_MAX);
    r->timeout_ms = what->timeout_ms ? what->timeout_ms : TIMEOUT_MS;
    r->private_allowed = what->private_allowed;
    return copy_headers(r, what->headers, what->headers_n);
}

void egress_fetch(struct egress *e, const struct tl_fetch *what, tl_fetched_fn *done, void *arg) {
    struct request *r = NEW(struct request);
    r->done = done;
    r->arg = arg;
    r->started_us = clock_mono_us();
    const char *why = e->closing                     ? "the daemon is stopping"
                      : e->outstanding >= EGRESS_MAX ? "busy"
                                                     : fill(r, what);
    if (why) {
        refuse(e, r, why);
        return;
    }
    e->outstanding++;
    metric_set(METRIC_EGRESS_INFLIGHT, (int64_t)e->outstanding);
    queue_push_always(e->queues.in, r); /* bounded by `outstanding` */
}

bool egress_open(struct loop *loop, struct egress **out, struct fault *f) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fault_set(f, FAULT_SYSTEM, "", "libcurl does not start");
    struct egress *e = NEW(struct egress);
    e->loop = loop;
    link_init(&e->refused);
    e->queues.in = queue_new(EGRESS_MAX);
    e->queues.out = queue_new(EGRESS_MAX);
    e->bell =
        event_new(loop_base(loop), queue_fd(e->queues.out), EV_READ | EV_PERSIST, on_answers, e);
    event_add(e->bell, NULL);
    link_init(&e->streams.list);
    e->queues.stream_in = queue_new(STREAMS_MAX);
    e->queues.stream_out = queue_new(STREAMS_MAX);
    e->stream_bell = event_new(loop_base(loop), queue_fd(e->queues.stream_out),
                               EV_READ | EV_PERSIST, on_stream_messages, e);
    event_add(e->stream_bell, NULL);
    e->thread = thread_start(THREAD_EGRESS, transfer_run, &e->queues);
    *out = e;
    return true;
}

static void egress_free(void *object) {
    struct egress *e = object;
    queue_free(e->queues.in);
    queue_free(e->queues.out);
    queue_free(e->queues.stream_in);
    queue_free(e->queues.stream_out);
    free(e);
}

void egress_close(struct egress *e) {
    if (!e)
        return;
    e->closing = true;
    queue_push_always(e->queues.in, NULL);
    thread_join(e->thread);
    event_free(e->bell);
    event_free(e->stream_bell);
    streams_close(e);
    while (e->outstanding)
        take_back(e);
    answer_refused(e);
    loop_reap(e->loop, e, egress_free); /* answer_refused may still be due */
}
