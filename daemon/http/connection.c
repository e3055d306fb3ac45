/* http/connection.c - one connection: bytes in, requests one after another, answers in order, end.
 *
 * Invariants
 *  (1) One request is under way at a time; what the client sends ahead waits in `in`, bounded, and
 *      reading goes on up to that bound, so that its end is noticed.
 *  (2) An idle connection owns no buffer and no request.
 *  (3) conn_close may be called anywhere; the object is freed by the loop's reaper.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "http/http_priv.h"
#include "http/limits.h"

enum {
    CORK_BYTES = 16 * 1024, /* smaller answers to pipelined requests go out together */
    FLUSHES_A_TURN = 4,
    PIECES_MAX = 3,
};

size_t conn_unsent(const struct conn *c) {
    return c->out.n - c->out_at;
}

/* ---- the end ---- */

static void conn_free(void *object) {
    struct conn *c = object;
    listener_unref(c->listener);
    free(c);
}

void conn_close(struct conn *c) {
    struct http_server *s = c->server;
    if (c->closed)
        return;
    c->closed = true;
    link_remove(&c->link);
    link_remove(&c->writing);
    event_del(&c->read_event);
    event_del(&c->write_event);
    wire_close(&c->wire);
    buf_clear(&c->in);
    buf_clear(&c->out);
    c->out_at = 0;
    clients_disconnect(s->clients, c->client);
    s->connections--;
    c->listener->connections--;
    metric_set_label(METRIC_HTTP_CONNECTIONS, c->listener->where.p, c->listener->connections);
    struct http_request *r = c->request;
    c->request = NULL;
    if (r) {
        r->conn = NULL;
        if (!r->held)
            request_free(r);
    }
    struct http_stream *st = c->stream;
    c->stream = NULL;
    if (st)
        stream_lost(st);
    loop_reap(s->loop, c, conn_free);
}

void conn_abort(struct conn *c) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (!c->closed)
        setsockopt(c->wire.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    conn_close(c);
}

/* Everything is sent: says so, and waits a little for the client to notice. */
static void conn_finish(struct conn *c) {
    if (c->eof) {
        conn_close(c);
        return;
    }
    wire_finish(&c->wire);
    conn_move(c, PHASE_LINGER);
}

/* ---- writing ---- */

static void wait_to_write(struct conn *c) {
    if (link_alone(&c->writing)) {
        c->write_ms = clock_mono_ms();
        c->written = 0;
        list_push(&c->server->writing, &c->writing);
    }
    if (!c->write_waits) {
        event_add(&c->write_event, NULL);
        c->write_waits = true;
    }
}

static void all_sent(struct conn *c) {
    buf_clear(&c->out);
    c->out_at = 0;
    link_remove(&c->writing);
    if (c->write_waits) {
        event_del(&c->write_event);
        c->write_waits = false;
    }
    if (c->phase == PHASE_SENDING)
        conn_finish(c);
    else if (c->phase == PHASE_IDLE && c->in.n)
        conn_resume(c);
}

static void count_sent(struct conn *c, size_t n) {
    c->written += n;
    metric_add(METRIC_HTTP_SENT_BYTES, n);
}

static void conn_flush(struct conn *c) {
    for (int i = 0; conn_unsent(c); i++) {
        struct str piece = str_make(c->out.p + c->out_at, conn_unsent(c));
        size_t n = 0;
        enum wire_result result =
            i < FLUSHES_A_TURN ? wire_write(&c->wire, &piece, 1, &n) : WIRE_AGAIN;
        if (result == WIRE_AGAIN) {
            wait_to_write(c);
            return;
        }
        if (result != WIRE_MOVED) {
            conn_close(c);
            return;
        }
        count_sent(c, n);
        c->out_at += n;
    }
    all_sent(c);
}

/* Takes n bytes off the front of the pieces. */
static void pieces_eat(struct str *pieces, size_t count, size_t n) {
    for (size_t i = 0; i < count; i++) {
        size_t part = n < pieces[i].n ? n : pieces[i].n;
        pieces[i] = str_from(pieces[i], part);
        n -= part;
    }
}

void conn_write(struct conn *c, const struct str *pieces, size_t n) {
    struct str left[PIECES_MAX];
    size_t total = 0, moved = 0;
    assert(n <= PIECES_MAX);
    if (c->closed)
        return;
    for (size_t i = 0; i < n; i++) {
        left[i] = pieces[i];
        total += pieces[i].n;
    }
    bool corked = c->pumping && c->view.n && total < CORK_BYTES;
    if (!corked && !conn_unsent(c)) {
        enum wire_result result = wire_write(&c->wire, left, n, &moved);
        if (result != WIRE_MOVED && result != WIRE_AGAIN) {
            conn_close(c);
            return;
        }
        count_sent(c, moved);
        pieces_eat(left, n, moved);
    }
    for (size_t i = 0; i < n; i++) {
        if (!buf_add(&c->out, left[i])) {
            conn_close(c);
            return;
        }
    }
    if (!corked && conn_unsent(c))
        wait_to_write(c);
}

/* ---- one request after another ---- */

static bool step_idle(struct conn *c) {
    if (!c->view.n) {
        if (c->eof)
            conn_move(c, PHASE_SENDING);
        return c->eof;
    }
    if (conn_unsent(c) > OUT_BUSY_BYTES)
        return false;
    c->request = request_new(c);
    conn_move(c, PHASE_HEAD);
    return true;
}

static void request_over(struct conn *c, enum phase to) {
    struct http_request *r = c->request;
    c->request = NULL;
    request_free(r);
    conn_move(c, to);
}

/* The reader stands at a point where it is for serve.c to say what follows. */
static bool step_read(struct conn *c) {
    struct http_request *r = c->request;
    c->view = str_from(c->view, reader_feed(&r->reader, c->view));
    switch (r->reader.state) {
    case READER_HEAD:
        serve_head(r);
        return true;
    case READER_DONE:
        if (c->phase == PHASE_DISCARD)
            request_over(c, PHASE_IDLE);
        else
            serve_request(r);
        return true;
    case READER_FAULT:
        if (c->phase == PHASE_DISCARD)
            request_over(c, PHASE_SENDING);
        else
            serve_refused(r);
        return true;
    case READER_LINE:
    case READER_FIELDS:
    case READER_BODY:
    case READER_CHUNKS:
        break;
    }
    if (c->eof && c->phase == PHASE_DISCARD) {
        request_over(c, PHASE_SENDING);
        return true;
    }
    if (c->eof) {
        reader_cut_short(&r->reader);
        serve_refused(r);
        return true;
    }
    return c->phase == PHASE_BODY && !serve_body_room(r);
}

static bool step_drop(struct conn *c) {
    c->view = STR_NONE;
    if (c->phase == PHASE_SENDING && !conn_unsent(c))
        conn_finish(c);
    else if (c->eof && c->phase != PHASE_SENDING)
        conn_close(c);
    return false;
}

/* false: nothing more can be done with what is here. */
static bool step(struct conn *c) {
    switch (c->phase) {
    case PHASE_GREET:
        if (c->wire.greeted)
            conn_move(c, PHASE_IDLE);
        else if (c->eof)
            conn_close(c);
        return c->wire.greeted;
    case PHASE_IDLE:
        return step_idle(c);
    case PHASE_HEAD:
    case PHASE_BODY:
    case PHASE_DISCARD:
        return step_read(c);
    case PHASE_RIGHTS:
    case PHASE_SERVE:
        return false;
    case PHASE_STREAM:
    case PHASE_SENDING:
    case PHASE_LINGER:
        return step_drop(c);
    case PHASE_COUNT:
        break;
    }
    return false;
}

/* Works on what was kept and on fresh bytes, which belong to the server's shared buffer. */
static void conn_take(struct conn *c, struct str fresh) {
    bool kept = c->in.n > 0;
    if (kept && !buf_add(&c->in, fresh)) {
        conn_close(c);
        return;
    }
    c->view = kept ? buf_str(&c->in) : fresh;
    c->pumping = true;
    while (!c->closed && step(c))
        ;
    c->pumping = false;
    if (c->closed)
        return;
    if (kept)
        buf_consume(&c->in, c->in.n - c->view.n);
    else if (!buf_add(&c->in, c->view)) {
        conn_close(c);
        return;
    }
    c->view = STR_NONE;
    if (!c->in.n)
        buf_clear(&c->in);
    if (conn_unsent(c) && !c->write_waits)
        conn_flush(c);
}

void conn_answered(struct conn *c) {
    struct http_request *r = c->request;
    if (c->closed)
        return;
    if (c->close_after)
        request_over(c, PHASE_SENDING);
    else if (r->reader.state == READER_DONE)
        request_over(c, PHASE_IDLE);
    else {
        reader_discard(&r->reader);
        conn_move(c, PHASE_DISCARD);
    }
    if (c->pumping)
        return;
    if (c->phase == PHASE_SENDING && !conn_unsent(c))
        conn_finish(c);
    else if (c->phase != PHASE_IDLE || c->in.n || c->eof)
        conn_resume(c);
}

void conn_stream(struct conn *c, struct http_stream *st) {
    c->stream = st;
    c->close_after = true;
    request_over(c, PHASE_STREAM);
}

void conn_end(struct conn *c) {
    c->stream = NULL;
    conn_move(c, PHASE_SENDING);
    conn_resume(c);
}

void conn_resume(struct conn *c) {
    if (!c->closed && !c->pumping)
        event_active(&c->read_event, EV_READ, 0);
}

/* ---- reading ---- */

static bool wants_to_read(const struct conn *c) {
    return !c->closed && !c->eof && c->in.n < AHEAD_BYTES;
}

/* Arms what the connection waits for, touching the kernel only when that has changed. */
static void conn_arm(struct conn *c) {
    bool want = wants_to_read(c);
    if (want != c->read_waits) {
        if (want)
            event_add(&c->read_event, NULL);
        else
            event_del(&c->read_event);
        c->read_waits = want;
    }
    if (c->wire.read_wants_write && !c->write_waits) {
        event_add(&c->write_event, NULL);
        c->write_waits = true;
    }
}

/* false: nothing more to be had now. */
static bool read_once(struct conn *c) {
    size_t n = 0;
    switch (wire_read(&c->wire, c->server->read_bytes, READ_BYTES, &n)) {
    case WIRE_MOVED:
        metric_add(METRIC_HTTP_RECEIVED_BYTES, n);
        conn_take(c, str_make(c->server->read_bytes, n));
        return c->wire.tls || n == READ_BYTES;
    case WIRE_AGAIN:
        break;
    case WIRE_END:
        c->eof = true;
        break;
    case WIRE_GONE:
        if (!c->wire.greeted)
            notice(NOTICE_TLS, &c->peer, "handshake");
        conn_close(c);
        break;
    }
    return false;
}

static void conn_on_read(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct conn *c = arg;
    bool more = true;
    for (int i = 0; i < READS_A_TURN && more && wants_to_read(c); i++)
        more = read_once(c);
    if (!c->closed)
        conn_take(c, STR_NONE); /* what waited for an answer, or the end of input */
    if (c->closed)
        return;
    conn_arm(c);
    if (more && c->wire.tls && wants_to_read(c))
        conn_resume(c); /* TLS may hold bytes of which the socket tells nothing */
}

static void conn_on_write(evutil_socket_t fd, short what, void *arg) {
    struct conn *c = arg;
    bool for_reading = c->wire.read_wants_write;
    conn_flush(c);
    if (!c->closed && for_reading)
        conn_on_read(fd, what, c);
}

/* ---- begin ---- */

void conn_accept(struct listener *l, int fd, const struct sockaddr_storage *from) {
    struct http_server *s = l->server;
    struct conn *c = NEW(struct conn);
    c->server = s;
    address_of(from, &c->peer);
    if (!c->peer.local) {
        c->client = clients_connect(s->clients, &c->peer,
                                    listener_trusts(l, &c->peer) ? 0 : s->limits.per_address);
        if (!c->client) {
            notice(NOTICE_CONN_LIMIT, &c->peer, "address");
            metric_add_label(METRIC_HTTP_REFUSED, "address", 1);
            close(fd);
            free(c);
            return;
        }
    }
    c->listener = l;
    l->refs++;
    l->connections++;
    s->connections++;
    link_init(&c->link);
    link_init(&c->writing);
    buf_init(&c->in, IN_BYTES);
    buf_init(&c->out, OUT_BYTES);
    struct event_base *base = loop_base(s->loop);
    event_assign(&c->read_event, base, fd, EV_READ | EV_PERSIST, conn_on_read, c);
    event_assign(&c->write_event, base, fd, EV_WRITE | EV_PERSIST, conn_on_write, c);
    conn_begin(c, l->tls ? PHASE_GREET : PHASE_IDLE);
    metric_set_label(METRIC_HTTP_CONNECTIONS, l->where.p, l->connections);
    if (!wire_open(&c->wire, fd, l->tls))
        conn_close(c);
    else
        conn_arm(c);
}
