/* ingest/pipeline.c - jobs: one record each, from the spool to its effect.
 *
 *   WAITING ─► READING (kept bytes) ─► LINED (behind others of the same person) ─► RUNNING ─►
 * applied ▲                                                                             │
 *      └────────────── tried again, keeping its place in the lanes ──────────────────┤
 *                                                              after five: quarantine ◄
 *
 * A record that fails holds up those of the same person until it is put aside, nobody else's.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "blob/blob.h"
#include "config/config.h"
#include "ingest/ingest_priv.h"

enum { BACKOFF_MS = 100, BUSY_MS = 200, KEYS_MAX = 512 };

static void job_run(struct job *j);
static void job_finish(struct job *j);

/* ---- in and out ---- */

struct job *job_add(struct ingest *g, struct record *take_r, struct touchpoint *take_tp) {
    struct job *j = NEW(struct job);
    struct link *at = &g->jobs;
    j->g = g;
    j->r = take_r;
    j->tp = take_tp;
    link_init(&j->link);
    link_init(&j->start_link);
    link_init(&j->waiters);
    arena_init(&j->arena);
    /* Nearly always the last; one that an operator put back goes where its seq says. */
    while (at->prev != &g->jobs && container_of(at->prev, struct job, link)->r->seq > take_r->seq)
        at = at->prev;
    link_insert_before(at, &j->link);
    list_push(&g->waiting, &j->start_link);
    j->bytes = take_r->arena.used_bytes;
    g->jobs_bytes += j->bytes;
    g->jobs_n++;
    return j;
}

bool jobs_full(const struct ingest *g) {
    return g->jobs_n >= JOBS_MAX || (g->jobs_n && g->jobs_bytes >= JOBS_BYTES_MAX);
}

struct job *job_find(struct ingest *g, uint64_t seq) {
    for (struct link *at = g->jobs.prev; at != &g->jobs; at = at->prev) {
        struct job *j = container_of(at, struct job, link);
        if (j->r->seq <= seq)
            return j->r->seq == seq ? j : NULL;
    }
    return NULL;
}

static void poke(struct job *j);

static void units_free(struct job *j) {
    for (size_t i = 0; i < j->units_n; i++)
        unit_free(j->units[i]);
    free(j->units);
    j->units = NULL;
    j->units_n = 0;
}

static void lanes_leave(struct job *j) {
    struct seat *seats = j->seats;
    size_t n = j->seats_n;
    j->seats = NULL;
    j->seats_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct job *next = lane_leave(&j->g->lanes, &seats[i]);
        if (next)
            poke(next);
    }
    free(seats);
}

static void job_free(struct job *j) {
    if (!j->is_dead) {
        link_remove(&j->link);
        link_remove(&j->start_link);
        j->g->jobs_n--;
        j->g->jobs_bytes -= j->bytes;
        j->is_dead = true;
    }
    if (j->blob_calls) /* the room closes while the disk is at work: the last answer frees it */
        return;
    units_free(j);
    touchpoint_free(j->tp);
    record_free(j->r);
    arena_clear(&j->arena);
    free(j);
}

bool job_blob_answered(struct job *j) {
    j->blob_calls--;
    if (j->is_dead && !j->blob_calls)
        job_free(j);
    else
        return !j->is_dead;
    return false;
}

static void set_state(struct job *j, enum job_state state) {
    bool was = j->state == JOB_RUNNING || j->state == JOB_READING;
    bool is = state == JOB_RUNNING || state == JOB_READING;
    if (was != is)
        j->g->running += is ? 1 : (size_t)-1;
    j->state = state;
    if (state == JOB_WAITING)
        list_push(&j->g->waiting, &j->start_link);
    else
        link_remove(&j->start_link);
}

void job_watch(struct job *j, void (*over)(void *arg), void *arg) {
    j->over = over;
    j->over_arg = arg;
}

void job_unwatch(struct job *j) {
    j->over = NULL;
}

static void job_end(struct job *j) {
    struct ingest *g = j->g;
    void (*over)(void *arg) = j->over;
    void *over_arg = j->over_arg;
    const struct outcome kept = {.kind = OUTCOME_KEPT};
    waiters_answer(j, &kept);
    set_state(j, JOB_LINED);
    struct job *next = lane_leave(&g->lanes, &j->source_seat);
    lanes_leave(j);
    job_free(j);
    if (next)
        poke(next);
    if (over)
        over(over_arg);
    jobs_start(g);
    feed_more(g);
}

void job_done(struct job *j) {
    static const char *const kinds[] = {"",     "touchpoint", "raw",          "reply", "delivery",
                                        "task", "contact",    "conversation", "erase", "media"};
    spool_note_applied(j->g->parts.spool, j->r->seq);
    const struct outcome applied = {.kind = OUTCOME_APPLIED};
    waiters_answer(j, &applied); /* of many pieces; one alone was told what became of it */
    if (j->r->kind < COUNT(kinds))
        metric_add_label(METRIC_APPLIED, kinds[j->r->kind], 1);
    metric_observe_us(METRIC_APPLY_LAG, (clock_wall_ms() - j->r->received_ms) * 1000);
    job_end(j);
}

void job_quarantine(struct job *j, const char *reason) {
    metric_add_label(METRIC_QUARANTINED, "apply", 1);
    log_warn("ingest.quarantined", "id=%s reason=%s", log_value(j->r->id),
             log_value(str_c(reason)));
    spool_note_quarantine(j->g->parts.spool, j->r->seq, j->r->id, STR_NONE, str_c(reason));
    job_end(j);
}

void job_park(struct job *j) {
    job_end(j);
}

void job_failed(struct job *j, const struct fault *fault) {
    struct ingest *g = j->g;
    const struct fault why = *fault; /* it may be the job's own */
    j->pending = 0;
    metric_add(METRIC_APPLY_RETRIES, 1);
    if (why.kind != FAULT_BUSY && ++j->tries >= TRIES_MAX) {
        job_quarantine(j, why.reason);
        return;
    }
    log_debug("ingest.again", "id=%s tries=%d why=%s", log_value(j->r->id), j->tries,
              log_fault(&why));
    j->not_before_ms =
        clock_mono_ms() + (why.kind == FAULT_BUSY ? BUSY_MS : BACKOFF_MS << j->tries);
    set_state(j, JOB_WAITING);
    if (!g->closing)
        loop_timer_set(g->restart_timer, BACKOFF_MS);
}

/* ---- several answers of one step ---- */

void job_await(struct job *j) {
    if (j->pending++ == 0)
        j->fault = (struct fault){0};
}

bool job_answered(struct job *j, const struct fault *fault) {
    if (fault && !j->fault.kind)
        j->fault = *fault;
    return --j->pending == 0;
}

/* ---- lanes ---- */

static bool all_first(const struct job *j) {
    for (size_t i = 0; i < j->seats_n; i++)
        if (!lane_first(&j->seats[i]))
            return false;
    return true;
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, ID_BYTES);
}

void job_line_up(struct job *j, const struct id *keys, size_t n) {
    struct id *sorted = arena_new(&j->arena, (n + 1) * sizeof *sorted);
    j->seats = mem_new((n + 1) * sizeof *j->seats);
    if (n)
        memcpy(sorted, keys, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_bytes);
    for (size_t i = 0; i < n; i++)
        if (!i || !id_same(sorted[i], sorted[i - 1]))
            lane_take(&j->g->lanes, sorted[i], &j->seats[j->seats_n++], j);
    set_state(j, JOB_LINED);
    /* Those behind it in its source may line up now: after it. */
    struct job *next = lane_leave(&j->g->lanes, &j->source_seat);
    if (all_first(j))
        job_run(j);
    if (next)
        poke(next);
}

void job_units_ready(struct job *j) {
    struct id keys[KEYS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < j->units_n; i++)
        n += unit_keys(j->units[i], keys + n, KEYS_MAX - n);
    if (j->r->kind == RECORD_MEDIA)
        n = effect_keys(j, keys, KEYS_MAX);
    job_line_up(j, keys, n);
}

/* Someone before it has left a lane. */
static void poke(struct job *j) {
    if (j->state == JOB_READING && j->read_done)
        job_read(j);
    else if (j->state == JOB_LINED && j->seats && all_first(j))
        job_run(j);
}

/* ---- running ---- */

static void unit_next(struct job *j) {
    if (j->unit_at < j->units_n)
        unit_run(j->units[j->unit_at]);
    else
        job_finish(j);
}

static void job_run(struct job *j) {
    static void (*const runs[])(struct job * j) = {
        [RECORD_TOUCHPOINT] = unit_next, [RECORD_RAW] = unit_next,
        [RECORD_REPLY] = unit_next,      [RECORD_DELIVERY] = job_deliver,
        [RECORD_MEDIA] = job_attach,     [RECORD_TASK] = job_effect,
        [RECORD_CONTACT] = job_effect,   [RECORD_CONVERSATION] = job_effect,
        [RECORD_ERASE] = job_effect,     [RECORD_CANNED] = job_canned,
    };
    size_t kind = (size_t)j->r->kind;
    set_state(j, JOB_RUNNING);
    j->pending = 0;
    if (kind < COUNT(runs) && runs[kind])
        runs[kind](j);
}

void unit_fail(struct unit *u, const struct fault *fault) {
    job_failed(u->j, fault);
}

void unit_end(struct unit *u, const struct outcome *o) {
    struct job *j = u->j;
    bool alone = j->units_n == 1;
    if (o->has_contact && j->raw_ids_n < COUNT(j->raw_ids))
        j->raw_ids[j->raw_ids_n++] = u->tp->id;
    if (o->kind == OUTCOME_MISMATCH && alone) {
        /* Found only after it was acknowledged, so an operator must see it; not where its sender
         * still waits and is told. */
        if (!link_alone(&j->waiters)) {
            waiters_answer(j, o);
            job_done(j);
        } else {
            job_quarantine(j, "the same id came before with other content");
        }
        return;
    }
    if (alone)
        waiters_answer(j, o);
    j->unit_at++;
    unit_next(j);
}

/* ---- the bytes as they came ---- */

static void raw_put(void *arg, bool ok) {
    struct job *j = arg;
    struct fault f;
    if (!job_blob_answered(j))
        return;
    if (!ok)
        fault_set(&f, FAULT_BUSY, "blobs", "the raw bytes could not be written");
    if (!job_answered(j, ok ? NULL : &f))
        return;
    if (j->fault.kind) {
        job_failed(j, &j->fault);
        return;
    }
    spool_note_moved(j->g->parts.spool, j->r->seq);
    job_done(j);
}

static void job_finish(struct job *j) {
    struct str channel = j->units_n ? j->units[0]->tp->channel : STR_NONE;
    int64_t until_ms = 0;
    if (j->is_early) {
        job_early(j);
        return;
    }
    if (!j->r->body.n || j->r->kind == RECORD_REPLY) {
        job_done(j);
        return;
    }
    if (!j->raw_ids_n || !kept_until(j->g, channel, j->r->received_ms, &until_ms)) {
        spool_note_moved(j->g->parts.spool, j->r->seq);
        job_done(j);
        return;
    }
    for (size_t i = 0; i < j->raw_ids_n; i++)
        job_await(j);
    j->blob_calls += j->raw_ids_n;
    for (size_t i = 0; i < j->raw_ids_n; i++)
        blob_put_until(j->g->parts.blobs, str_c(id_write('p', j->raw_ids[i]).c), str_c("raw"),
                       j->r->body, until_ms, raw_put, j);
}

/* ---- beginning ---- */

static void one_unit(struct job *j, struct touchpoint *take_tp) {
    j->units = mem_new(sizeof *j->units);
    j->units[0] = unit_new(j, take_tp);
    j->units_n = 1;
}

static bool begin_fixed(struct job *j, struct fault *f);

/* A note is an entry of its conversation, like a reply that goes nowhere. */
static bool is_note(const struct record *r) {
    static const char member[] = "\"_conversation\":";
    return r->head.n && memmem(r->head.p, r->head.n, member, sizeof member - 1);
}

static bool begin_touchpoint(struct job *j, struct fault *f) {
    if (!j->tp && is_note(j->r))
        return begin_fixed(j, f);
    if (!j->tp && !touchpoint_load(j->r->head, &j->tp, f))
        return false;
    one_unit(j, steal(&j->tp));
    unit_prepare(j->units[0]);
    return true;
}

/* Contact and conversation were known when it was written. */
static bool begin_fixed(struct job *j, struct fault *f) {
    cleanup(json_freep) json_t *head = NULL;
    cleanup(touchpoint_freep) struct touchpoint *tp = NULL;
    struct id contact, conversation;
    if (!touchpoint_load(j->r->head, &tp, f) || !jread_parse(j->r->head, 256 << 20, &head, f))
        return false;
    if (!id_read(jget_str(head, "_contact"), 'c', &contact) ||
        !id_read(jget_str(head, "_conversation"), 'v', &conversation))
        return fault_set(f, FAULT_INPUT, "/_contact", "the reply names no conversation");
    one_unit(j, steal(&tp));
    j->units[0]->is_fixed = true;
    j->units[0]->fixed_contact = contact;
    j->units[0]->fixed_conversation = conversation;
    unit_prepare(j->units[0]);
    return true;
}

static void job_begin(struct job *j) {
    struct fault f = {0};
    struct id keys[KEYS_MAX];
    bool ok = true;
    if (j->seats) { /* tried before: it has its place */
        link_remove(&j->start_link);
        j->unit_at = 0;
        j->raw_ids_n = 0;
        j->is_early = false;
        job_run(j);
        return;
    }
    switch (j->r->kind) {
    case RECORD_TOUCHPOINT:
        ok = begin_touchpoint(j, &f);
        break;
    case RECORD_REPLY:
        ok = begin_fixed(j, &f);
        break;
    case RECORD_MEDIA: /* nothing to read, but behind its touchpoint, which may be read first */
    case RECORD_RAW:
        j->read_done |= j->r->kind == RECORD_MEDIA;
        set_state(j, JOB_READING);
        job_read(j);
        return;
    case RECORD_DELIVERY:
    case RECORD_TASK:
    case RECORD_CONTACT:
    case RECORD_CONVERSATION:
    case RECORD_ERASE:
    case RECORD_CANNED:
        link_remove(&j->start_link);
        job_line_up(j, keys, effect_keys(j, keys, KEYS_MAX));
        return;
    }
    if (!ok) {
        set_state(j, JOB_LINED);
        job_quarantine(j, f.reason);
        return;
    }
    job_units_ready(j);
}

void jobs_start(struct ingest *g) {
    if (g->starting || !g->feed.store_up || g->draining || g->closing)
        return;
    /* What is started may end at once and come back here. */
    g->starting = true;
    int64_t now = clock_mono_ms(), next = INT64_MAX;
    list_each (it, &g->waiting) {
        struct job *j = container_of(it, struct job, start_link);
        if (g->running >= RUNNING_MAX)
            break;
        if (j->not_before_ms > now) {
            next = j->not_before_ms < next ? j->not_before_ms : next;
            continue;
        }
        link_remove(&j->start_link);
        job_begin(j);
    }
    g->starting = false;
    if (next != INT64_MAX)
        loop_timer_set(g->restart_timer, next - now);
}

void jobs_clear(struct ingest *g) {
    struct link *l;
    while ((l = list_first(&g->jobs))) {
        struct job *j = container_of(l, struct job, link);
        waiters_release(j);
        j->state = JOB_WAITING; /* nobody is poked any more */
        lane_leave(&g->lanes, &j->source_seat);
        for (size_t i = 0; i < j->seats_n; i++)
            lane_leave(&g->lanes, &j->seats[i]);
        free(j->seats);
        job_free(j);
    }
}

/* ---- what the store has for good ---- */

static void durable(void *arg, bool ok) {
    struct ingest *g = arg;
    g->confirming = false;
    if (!ok || g->closing)
        return;
    g->confirmed_seq = g->confirm_seq;
    spool_note_confirmed(g->parts.spool, g->confirm_seq, store_epoch(g->parts.store));
}

void confirm_tick(void *arg) {
    struct ingest *g = arg;
    uint64_t seq = feed_applied(g);
    loop_timer_set(g->confirm_timer, 1000);
    if (!g->feed.store_up || g->feed.replaying || g->confirming || seq <= g->confirmed_seq)
        return;
    g->confirming = true;
    g->confirm_seq = seq;
    store_when_durable(g->parts.store, durable, g);
}
