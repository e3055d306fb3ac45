/* ingest/intake.c - records made, pushed, and those who wait for what becomes of them.
 *
 *   take ─► spool_push ─commit─► KEPT ──► job in memory ──applied──► done(APPLIED)
 *                            │            └── await_ms over, store gone, memory full ──► done(KEPT)
 *                            ├─► KNOWN ──► the job that has it, or the store's outcome ─►
 * done(DUPLICATE) └─► MISMATCH, REFUSED ──► done
 */
#include "ingest/intake.h"

#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "ingest/mask.h"
#include "ingest/pulses.h"
#include "store/read.h"

enum { HEAD_MAX = 256 << 20, META_MAX = 1 << 20, OUTCOME_MAX = 4096 };

struct intake {
    struct ingest *g; /* NULL: the room has closed; the spool's last answers only free */
    size_t flying;    /* records that the spool has not answered for */
};

/* From a take to its done. */
struct waiter {
    struct link link; /* in its job, while it waits for it */
    struct intake *in;
    intake_done_fn *done; /* NULL: told already */
    void *arg;
    struct id_text id;
    struct touchpoint *tp; /* until the commit */
    uint32_t await_ms;
    bool raw, quarantined, duplicate, late;
    bool asking; /* an answer of the store will come */
    int64_t taken_us;
    struct loop_timer *timer;
    struct fault fault;
};

struct intake *intake_new(struct ingest *g) {
    struct intake *in = NEW(struct intake);
    in->g = g;
    return in;
}

void intake_free(struct intake *in) {
    in->g = NULL;
    if (!in->flying)
        free(in);
}

struct intake *ingest_intake(struct ingest *g) {
    return g->intake;
}

/* ---- telling ---- */

static void waiter_free(struct waiter *w) {
    link_remove(&w->link);
    loop_timer_free(w->timer);
    touchpoint_free(w->tp);
    free(w);
}

static void count(enum intake_verdict verdict) {
    static const char *const results[] = {"applied",  "duplicate", "kept",
                                          "mismatch", "busy",      "failed"};
    metric_add_label(METRIC_INTAKE_RESULT, results[verdict], 1);
}

static void tell(struct waiter *w, const struct intake_outcome *o) {
    intake_done_fn *done = w->done;
    w->done = NULL;
    if (done) {
        count(o->verdict);
        done(w->arg, o);
    }
}

/* Tells and, unless the store's answer is awaited still, frees. */
static void end(struct waiter *w, enum intake_verdict verdict) {
    const struct intake_outcome o = {
        .verdict = verdict, .id = str_c(w->id.c), .fault = w->fault.kind ? &w->fault : NULL};
    link_remove(&w->link);
    tell(w, &o);
    if (!w->asking)
        waiter_free(w);
}

static void end_outcome(struct waiter *w, const struct outcome *o) {
    struct id_text contact = id_write('c', o->contact), task = id_write('t', o->task);
    struct id_text conversation = id_write('v', o->conversation);
    bool again = w->duplicate || o->kind == OUTCOME_KNOWN;
    const struct intake_outcome out = {
        .verdict = again ? INTAKE_DUPLICATE : INTAKE_APPLIED,
        .id = str_c(w->id.c),
        .contact = o->has_contact ? str_c(contact.c) : STR_NONE,
        .conversation = o->has_contact ? str_c(conversation.c) : STR_NONE,
        .task = o->has_task ? str_c(task.c) : STR_NONE,
    };
    link_remove(&w->link);
    tell(w, &out);
    waiter_free(w);
}

void waiters_answer(struct job *j, const struct outcome *o) {
    struct link *l;
    while ((l = list_first(&j->waiters))) {
        struct waiter *w = container_of(l, struct waiter, link);
        switch (o->kind) {
        case OUTCOME_APPLIED:
        case OUTCOME_KNOWN:
            end_outcome(w, o);
            break;
        case OUTCOME_MISMATCH:
            end(w, INTAKE_MISMATCH);
            break;
        case OUTCOME_KEPT:
            end(w, INTAKE_KEPT);
            break;
        }
    }
}

void waiters_release(struct job *j) {
    const struct outcome kept = {.kind = OUTCOME_KEPT};
    waiters_answer(j, &kept);
}

static void on_late(void *arg) {
    struct waiter *w = arg;
    end(w, INTAKE_KEPT);
}

static void wait_for(struct waiter *w, struct job *j) {
    list_push(&j->waiters, &w->link);
    w->timer = loop_timer_new(w->in->g->parts.loop, w->await_ms, on_late, w);
}

/* ---- known already ---- */

static void on_outcome(void *arg, const struct answer *a) {
    struct waiter *w = arg;
    cleanup(json_freep) json_t *j = NULL;
    w->asking = false;
    if (a->kind == ANSWER_OK && jread_parse(a->json, OUTCOME_MAX, &j, NULL)) {
        const struct intake_outcome o = {
            .verdict = INTAKE_DUPLICATE,
            .id = str_c(w->id.c),
            .contact = jget_str(j, "contact"),
            .conversation = jget_str(j, "conversation"),
            .task = jget_str(j, "task"),
        };
        tell(w, &o);
        waiter_free(w);
    } else {
        /* Erased is known too; what is not there yet will be. */
        end(w, a->kind == ANSWER_GONE ? INTAKE_DUPLICATE : INTAKE_KEPT);
    }
}

static void known(struct waiter *w, uint64_t seq) {
    struct ingest *g = w->in->g;
    struct job *j = job_find(g, seq);
    metric_add_label(METRIC_DUPLICATES, "receipts", 1);
    w->duplicate = true;
    if (w->raw || w->quarantined) {
        end(w, INTAKE_DUPLICATE);
    } else if (!w->await_ms || !g->feed.store_up) {
        end(w, INTAKE_KEPT);
    } else if (j) {
        wait_for(w, j);
    } else {
        w->asking = true;
        w->timer = loop_timer_new(g->parts.loop, w->await_ms, on_late, w);
        store_get_outcome(g->parts.store, str_c(w->id.c), on_outcome, w);
    }
}

/* ---- committed ---- */

static void kept(struct waiter *w, struct record *r, bool *keep) {
    struct ingest *g = w->in->g;
    struct job *j = NULL;
    metric_observe_us(METRIC_INTAKE_ACK, clock_mono_us() - w->taken_us);
    pulses_arrival(g->pulses, r->source, !w->late);
    struct touchpoint *tp = steal(&w->tp);
    if (!feed_take(g, r, tp, &j)) {
        touchpoint_free(tp);
        end(w, INTAKE_KEPT);
        feed_more(g);
        return;
    }
    *keep = true;
    if (w->await_ms)
        wait_for(w, j);
    else
        end(w, INTAKE_KEPT);
    jobs_start(g);
}

static void on_commit(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                      struct str answer, const struct fault *fault) {
    struct waiter *w = arg;
    struct intake *in = w->in;
    (void)answer;
    in->flying--;
    if (!in->g) {
        waiter_free(w);
        intake_free(in);
        return;
    }
    switch (verdict) {
    case SPOOL_KEPT:
        kept(w, r, keep);
        break;
    case SPOOL_KNOWN:
    case SPOOL_REPEATED:
        known(w, r->seq);
        break;
    case SPOOL_MISMATCH:
    case SPOOL_IDEM_MISMATCH:
        metric_add(METRIC_MISMATCHES, 1);
        end(w, INTAKE_MISMATCH);
        break;
    case SPOOL_REFUSED:
        if (fault)
            w->fault = *fault;
        end(w, fault && fault->kind == FAULT_SYSTEM ? INTAKE_FAILED : INTAKE_BUSY);
        break;
    }
}

static void on_refused(void *arg) {
    struct waiter *w = arg;
    w->in->flying--;
    end(w, w->fault.kind == FAULT_SYSTEM ? INTAKE_FAILED : INTAKE_BUSY);
}

/* ---- taking ---- */

static struct waiter *waiter_new(struct intake *in, uint32_t await_ms, intake_done_fn *done,
                                 void *arg) {
    struct waiter *w = NEW(struct waiter);
    link_init(&w->link);
    w->in = in;
    w->done = done;
    w->arg = arg;
    w->await_ms = await_ms;
    w->taken_us = clock_mono_us();
    return w;
}

static void push(struct waiter *w, struct record *take_r) {
    struct ingest *g = w->in->g;
    w->in->flying++;
    if (!spool_push(g->parts.spool, take_r, on_commit, w, &w->fault))
        loop_later(g->parts.loop, on_refused, w);
}

static void set_quarantine(struct waiter *w, struct record *r, struct str reason) {
    if (!reason.p)
        return;
    w->quarantined = true;
    r->flags |= RECORD_QUARANTINED;
    r->reason = record_keep(r, reason);
}

void intake_take(struct intake *in, const struct intake_touchpoint *what, intake_done_fn *done,
                 void *arg) {
    struct touchpoint *tp = what->take_touchpoint;
    struct waiter *w = waiter_new(in, what->await_ms, done, arg);
    struct record *r = record_new(RECORD_TOUCHPOINT);
    cleanup(buf_clear) struct buf head;
    struct str instance = tp->source;
    struct str plugin = str_cut(&instance, ':');
    buf_init(&head, HEAD_MAX);
    w->tp = tp;
    w->late = what->late;
    w->id = id_write('p', tp->id);
    if (in->g->mask && !what->was_bytes)
        mask_touchpoint(in->g->mask, tp);
    if (!touchpoint_save(tp, &head)) {
        fault_set(&w->fault, FAULT_BUSY, "", "larger than a record may be");
        record_free(r);
        in->flying++;
        loop_later(in->g->parts.loop, on_refused, w);
        return;
    }
    r->id = record_keep(r, str_c(w->id.c));
    r->source = record_keep(r, tp->source);
    r->source_id = record_keep(r, tp->source_id);
    memcpy(r->content, tp->content, sizeof r->content);
    r->revision = tp->revision;
    r->received_ms = tp->received_ms;
    r->head = record_keep(r, buf_str(&head));
    /* The bytes of what is masked are not kept beside it. */
    r->body = record_keep(r, in->g->mask && mask_reads(in->g->mask, plugin) ? STR_NONE : what->raw);
    r->cursor = record_keep(r, what->cursor);
    r->cursor_value = record_keep(r, what->cursor_value);
    r->place = record_keep(r, what->place);
    r->flags = (r->body.n ? RECORD_KEEP_RAW : 0) | (what->was_bytes ? RECORD_WAS_BYTES : 0);
    set_quarantine(w, r, what->quarantine);
    metric_add_label(METRIC_INTAKE, tp->channel.p ? tp->channel.p : "update", 1);
    push(w, r);
}

static struct str raw_head(struct record *r, const struct intake_raw *what) {
    cleanup(buf_clear) struct buf head;
    struct jwrite w;
    buf_init(&head, META_MAX + 4096);
    jwrite_init(&w, &head);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "channel", what->channel);
    jwrite_str(&w, "format", what->format);
    jwrite_raw(&w, "meta", what->meta);
    jwrite_close(&w, '}');
    return w.ok ? record_keep(r, buf_str(&head)) : STR_NONE;
}

static struct record *raw_record(struct intake *in, const struct intake_raw *what) {
    struct record *r = record_new(RECORD_RAW);
    struct id id = id_touchpoint(in->g->parts.ids, what->source, what->source_id);
    uint8_t digest[SHA256_BYTES];
    r->id = record_keep(r, str_c(id_write('p', id).c));
    r->source = record_keep(r, what->source);
    r->source_id = record_keep(r, what->source_id);
    /* The id names the content; the bytes around it (trace headers) may differ. */
    sha256(what->source_id, digest);
    memcpy(r->content, digest, sizeof r->content);
    r->received_ms = what->received_ms ? what->received_ms : clock_wall_ms();
    r->head = raw_head(r, what);
    r->body = record_keep(r, what->body);
    r->cursor = record_keep(r, what->cursor);
    r->cursor_value = record_keep(r, what->cursor_value);
    r->place = record_keep(r, what->place);
    r->flags = RECORD_KEEP_RAW;
    return r;
}

void intake_keep_raw(struct intake *in, const struct intake_raw *what, intake_done_fn *done,
                     void *arg) {
    struct waiter *w = waiter_new(in, what->await_ms, done, arg);
    struct record *r = raw_record(in, what);
    w->raw = true;
    w->late = what->late;
    snprintf(w->id.c, sizeof w->id.c, "%.*s", STR_ARG(r->id));
    set_quarantine(w, r, what->quarantine);
    metric_add_label(METRIC_INTAKE, "raw", 1);
    push(w, r);
}

void intake_take_raw(struct intake *in, const struct intake_raw *what, intake_done_fn *done,
                     void *arg) {
    if (in->g->mask && mask_reads(in->g->mask, what->channel))
        early_take(in->g, what, raw_record(in, what), done, arg);
    else
        intake_keep_raw(in, what, done, arg);
}
