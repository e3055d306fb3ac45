/* http/phases.c - the phases of a connection: which may follow which, and how long each may last.
 *
 *   GREET ─► IDLE ─► HEAD ─► RIGHTS ─► BODY ─► SERVE ─► IDLE          one request
 *                      └───────┴─► DISCARD ─► IDLE                     answered before its body
 *   SERVE ─► STREAM                                                    events until it ends
 *   any ─► SENDING ─► LINGER ─► closed                                 the last answer
 *
 * Deadlines are absolute: a byte now and then does not move them. A body, and an answer being sent,
 * earn time by their size, so that a slow line may live and a dripping client may not.
 */
#include "base/clock.h"
#include "base/metrics.h"
#include "http/http_priv.h"

enum {
    FREE_BYTES = 1 << 20,          /* these have to move within the deadline itself */
    SLOWEST_BYTES_A_S = 32 * 1024, /* further ones earn a second for so many */
    WRITE_DEADLINE_MS = 60000,
};

#define TO(phase) (1u << PHASE_##phase)

static const struct {
    int64_t deadline_ms; /* 0: as long as it takes */
    unsigned next;
    const char *name;
} phases[PHASE_COUNT] = {
    [PHASE_GREET] = {10000, TO(IDLE), "greet"},
    [PHASE_IDLE] = {30000, TO(HEAD) | TO(SENDING) | TO(IDLE), "idle"},
    [PHASE_HEAD] = {10000, TO(RIGHTS) | TO(BODY) | TO(DISCARD) | TO(SENDING), "header"},
    [PHASE_RIGHTS] = {0, TO(BODY) | TO(DISCARD) | TO(SENDING), "rights"},
    [PHASE_BODY] = {30000, TO(SERVE) | TO(SENDING), "body"},
    [PHASE_SERVE] = {0, TO(IDLE) | TO(STREAM) | TO(SENDING), "serve"},
    [PHASE_DISCARD] = {30000, TO(IDLE) | TO(SENDING), "discard"},
    [PHASE_STREAM] = {0, TO(SENDING), "stream"},
    [PHASE_SENDING] = {0, TO(LINGER), "sending"},
    [PHASE_LINGER] = {5000, 0, "linger"},
};

static void enter(struct conn *c, enum phase to) {
    c->phase = to;
    c->phase_ms = clock_mono_ms();
    list_push(&c->server->phases[to], &c->link);
}

void conn_begin(struct conn *c, enum phase first) {
    enter(c, first);
}

void conn_move(struct conn *c, enum phase to) {
    assert(phases[c->phase].next & 1u << to);
    enter(c, to);
}

static int64_t earned_ms(uint64_t bytes) {
    return bytes > FREE_BYTES ? (int64_t)((bytes - FREE_BYTES) * 1000 / SLOWEST_BYTES_A_S) : 0;
}

static bool is_late(const struct conn *c, int64_t now_ms) {
    int64_t limit_ms = c->server->deadlines_ms[c->phase];
    if (c->phase == PHASE_BODY)
        limit_ms += earned_ms(c->request->reader.body_seen);
    return now_ms - c->phase_ms >= limit_ms;
}

static void end_late(struct conn *c) {
    if (c->phase == PHASE_IDLE && conn_unsent(c)) {
        conn_move(c, PHASE_IDLE); /* its reader is slow: the write deadline is what counts */
        return;
    }
    if (c->phase == PHASE_IDLE || c->phase == PHASE_LINGER) {
        conn_close(c);
        return;
    }
    notice(NOTICE_TIMEOUT, &c->peer, phases[c->phase].name);
    metric_add_label(METRIC_HTTP_REFUSED, "deadline", 1);
    if (c->phase == PHASE_HEAD || c->phase == PHASE_BODY)
        serve_late(c->request);
    else
        conn_close(c);
}

static void sweep_phase(struct http_server *s, enum phase p, int64_t now_ms) {
    if (!s->deadlines_ms[p])
        return;
    list_each (it, &s->phases[p]) {
        struct conn *c = container_of(it, struct conn, link);
        if (is_late(c, now_ms))
            end_late(c);
        else if (p != PHASE_BODY)
            break; /* those behind it came later */
    }
}

static void sweep_writing(struct http_server *s, int64_t now_ms) {
    list_each (it, &s->writing) {
        struct conn *c = container_of(it, struct conn, writing);
        if (now_ms - c->write_ms < s->write_deadline_ms + earned_ms(c->written))
            continue;
        notice(NOTICE_TIMEOUT, &c->peer, "write");
        metric_add_label(METRIC_HTTP_REFUSED, "deadline", 1);
        conn_abort(c);
    }
}

void phases_init(struct http_server *s) {
    for (enum phase p = 0; p < PHASE_COUNT; p++) {
        link_init(&s->phases[p]);
        s->deadlines_ms[p] = phases[p].deadline_ms;
    }
    s->write_deadline_ms = WRITE_DEADLINE_MS;
}

void phases_sweep(struct http_server *s) {
    int64_t now_ms = clock_mono_ms();
    for (enum phase p = 0; p < PHASE_COUNT; p++)
        sweep_phase(s, p, now_ms);
    sweep_writing(s, now_ms);
    list_each (it, &s->phases[PHASE_STREAM])
        stream_comment(container_of(it, struct conn, link), now_ms);
}

void phases_drain(struct http_server *s) {
    list_each (it, &s->phases[PHASE_IDLE]) {
        struct conn *c = container_of(it, struct conn, link);
        if (conn_unsent(c))
            conn_move(c, PHASE_SENDING);
        else
            conn_close(c);
    }
    list_each (it, &s->phases[PHASE_STREAM])
        conn_close(container_of(it, struct conn, link));
}

void phases_close_all(struct http_server *s) {
    for (enum phase p = 0; p < PHASE_COUNT; p++)
        list_each (it, &s->phases[p])
            conn_close(container_of(it, struct conn, link));
}
