/* http/sse.c - streams of events (WHATWG HTML 9.2): an answer that goes on until someone ends it.
 *
 * The stream is delimited by the end of its connection. What its reader does not take is bounded:
 * one event fits always, more wait up to STREAM_BYTES, then the connection is dropped.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "http/bytes.h"
#include "http/http_priv.h"

/* Owned by its opener until gone was called or http_stream_close. */
struct http_stream {
    struct http_server *server;
    struct conn *conn; /* NULL: ended, gone is on its way */
    http_stream_gone_fn *gone;
    void *arg;
    int64_t spoken_ms;
    char *who;
};

static int64_t streams_of(const struct http_server *s, struct str who) {
    int64_t n = 0;
    list_each (it, &s->phases[PHASE_STREAM]) {
        const struct conn *c = container_of(it, struct conn, link);
        n += c->stream && str_is(who, c->stream->who);
    }
    return n;
}

static void stream_free(struct http_stream *st) {
    free(st->who);
    free(st);
}

static void tell_gone(void *object) {
    struct http_stream *st = object;
    if (st->gone)
        st->gone(st->arg);
    stream_free(st);
}

static void count_streams(struct http_server *s, int change) {
    s->streams_n += (size_t)change;
    metric_set(METRIC_SSE_STREAMS, (int64_t)s->streams_n);
}

void stream_lost(struct http_stream *st) {
    st->conn = NULL;
    count_streams(st->server, -1);
    if (st->server->closing)
        stream_free(st);
    else
        loop_reap(st->server->loop, st, tell_gone);
}

static void speak(struct http_stream *st, const struct str *pieces, size_t n) {
    st->spoken_ms = clock_mono_ms();
    conn_write(st->conn, pieces, n);
}

static bool is_lagging(const struct http_stream *st, size_t more) {
    size_t unsent = conn_unsent(st->conn);
    return unsent && unsent + more > STREAM_BYTES;
}

static void drop(struct http_stream *st) {
    notice(NOTICE_TIMEOUT, &st->conn->peer, "stream");
    metric_add(METRIC_SSE_DROPPED, 1);
    conn_abort(st->conn);
}

void stream_comment(struct conn *c, int64_t now_ms) {
    static const struct str comment = STR(":\n\n");
    struct http_stream *st = c->stream;
    if (!st || now_ms - st->spoken_ms < STREAM_COMMENT_MS)
        return;
    if (is_lagging(st, comment.n))
        drop(st);
    else
        speak(st, &comment, 1);
}

struct http_stream *http_stream_open(struct http_request *r, http_stream_gone_fn *gone, void *arg) {
    struct http_server *s = r->server;
    struct conn *c = r->conn;
    int64_t most = s->limits.streams_per_agent;
    if (!c || r->is_head) {
        http_reply(r, 200, "text/event-stream", STR_NONE);
        return NULL;
    }
    if (r->who.name.n && most > 0 && streams_of(s, r->who.name) >= most) {
        http_problem_retry(r, 429, "too-many-streams", "This agent has too many streams open.",
                           RETRY_S);
        return NULL;
    }
    struct http_stream *st = NEW(struct http_stream);
    *st = (struct http_stream){.server = s, .conn = c, .gone = gone, .arg = arg};
    st->who = mem_dup(r->who.name.p ? r->who.name.p : "", r->who.name.n);
    http_add_header(r, "X-Accel-Buffering", str_c("no")); /* proxies are to pass each event on */
    struct str head = reply_head(r, 200, "text/event-stream", -1);
    metric_add_label(METRIC_HTTP_REQUESTS, "200", 1);
    r->answered = true;
    r->held = false;
    count_streams(s, 1);
    conn_stream(c, st);
    speak(st, &head, 1);
    return st;
}

static struct str one_line(struct str json, struct buf *copy) {
    if (str_find(json, '\n') < 0 && str_find(json, '\r') < 0)
        return json;
    buf_init(copy, json.n);
    char *to = buf_reserve(copy, json.n);
    if (!to)
        return STR_NONE;
    for (size_t i = 0; i < json.n; i++)
        to[i] = json.p[i] == '\n' || json.p[i] == '\r' ? ' ' : json.p[i];
    buf_commit(copy, json.n);
    return buf_str(copy);
}

bool http_stream_send(struct http_stream *st, struct str id, const char *event, struct str json) {
    enum { HEAD_MAX = 512, ID_MAX = 200 };
    if (!st->conn)
        return false;
    cleanup(buf_clear) struct buf head, line;
    buf_init(&head, HEAD_MAX);
    buf_init(&line, 0);
    bool ok = true;
    if (id.n && id.n <= ID_MAX && bytes_all(id, BYTE_VISIBLE))
        ok = buf_add_c(&head, "id: ") && buf_add(&head, id) && buf_add_c(&head, "\n");
    if (ok && event)
        ok = buf_add_c(&head, "event: ") && buf_add_c(&head, event) && buf_add_c(&head, "\n");
    ok = ok && buf_add_c(&head, "data: ");
    assert(ok); /* names of events are ours, and short */
    struct str pieces[3] = {buf_str(&head), one_line(json, &line), str_c("\n\n")};
    if (is_lagging(st, pieces[0].n + pieces[1].n + pieces[2].n)) {
        drop(st);
        return false;
    }
    metric_add_label(METRIC_SSE_EVENTS, event ? event : "message", 1);
    speak(st, pieces, COUNT(pieces));
    return st->conn != NULL;
}

void http_stream_close(struct http_stream *st) {
    if (!st)
        return;
    st->gone = NULL;
    if (!st->conn)
        return; /* tell_gone is on its way and frees it */
    count_streams(st->server, -1);
    conn_end(st->conn);
    stream_free(st);
}
