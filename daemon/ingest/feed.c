/* ingest/feed.c - which records are in memory.
 *
 *   live     each record as it is committed, as long as all before it are in memory
 *   behind   memory is full or the store is away: records stay in the spool and are asked for, in
 *            order, when there is room
 *   replay   the store came back: all records beyond what it had confirmed (the whole window where
 *            its data went back), applied or not; live ones wait behind them
 *
 * `after` is the highest seq that is or was in memory; nothing unapplied below it is missed.
 */
#include <stdlib.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"

enum { ASK_MAX = 256, SWEEP_MS = 3000 };

/* The spool may answer when the room has closed. */
struct question {
    struct link link; /* feed.questions */
    struct ingest *g; /* NULL: closed */
    uint64_t generation;
};

/* ---- live ---- */

bool feed_take(struct ingest *g, struct record *r, struct touchpoint *tp, struct job **out) {
    struct feed *f = &g->feed;
    if (r->seq > f->live)
        f->live = r->seq;
    if (r->flags & RECORD_QUARANTINED) {
        if (!f->behind && r->seq > f->after)
            f->after = r->seq;
        return false;
    }
    if (f->behind || f->replaying || !f->store_up || g->draining || jobs_full(g)) {
        f->behind = true;
        return false;
    }
    f->after = r->seq;
    struct job *j = job_add(g, r, tp);
    if (out)
        *out = j;
    return true;
}

static void on_follow(void *arg, struct record *take_r) {
    struct ingest *g = arg;
    if (g->closing || !feed_take(g, take_r, NULL, NULL)) {
        record_free(take_r);
        feed_more(g);
        return;
    }
    jobs_start(g);
}

/* ---- asked for ---- */

static void replay_ended(struct ingest *g) {
    struct feed *f = &g->feed;
    void (*recovered)(void *arg) = f->recovered;
    f->replaying = f->replayed = false;
    f->behind = true; /* until nothing more is pending */
    f->recovered = NULL;
    if (recovered)
        recovered(f->recovered_arg);
}

/* Nothing more lies beyond `after`. */
static void asked_all(struct ingest *g) {
    struct feed *f = &g->feed;
    if (f->replaying) {
        f->replayed = true;
    } else if (f->live == f->live_asked) {
        f->behind = false;
        if (f->live > f->after)
            f->after = f->live;
    }
}

static void on_records(void *arg, struct record **records, size_t n, bool *keep) {
    struct question *q = arg;
    struct ingest *g = q->g;
    bool mine = g && q->generation == g->feed.generation;
    link_remove(&q->link);
    free(q);
    *keep = mine && records;
    if (!mine)
        return;
    struct feed *f = &g->feed;
    f->asking = false;
    bool sweep = f->sweeping;
    f->sweeping = false;
    if (!records)
        return; /* the sweep asks again */
    if (n == 0 && !sweep)
        asked_all(g);
    for (size_t i = 0; i < n; i++) {
        uint64_t seq = records[i]->seq;
        if (job_find(g, seq)) {
            record_free(records[i]);
        } else {
            struct job *j = job_add(g, records[i], NULL);
            j->asked = true;
            j->replay = f->replaying;
            metric_add(METRIC_SPOOL_REPLAYED, f->replaying);
        }
        if (!sweep && seq > f->after)
            f->after = seq;
    }
    jobs_start(g);
    feed_more(g);
}

static void ask(struct ingest *g, bool sweep) {
    struct feed *f = &g->feed;
    struct question *q = NEW(struct question);
    *q = (struct question){.g = g, .generation = f->generation};
    list_push(&f->questions, &q->link);
    f->asking = true;
    f->sweeping = sweep;
    f->live_asked = f->live;
    if (f->replaying)
        spool_ask_window(g->parts.spool, f->after, ASK_MAX, on_records, q);
    else
        spool_ask_pending(g->parts.spool, sweep ? 0 : f->after, ASK_MAX, on_records, q);
}

void feed_more(struct ingest *g) {
    struct feed *f = &g->feed;
    if (!f->store_up || f->asking || g->draining || g->closing)
        return;
    if (f->replaying && f->replayed) {
        if (g->jobs_n == 0)
            replay_ended(g);
        else
            return;
    }
    if ((f->replaying || f->behind) && g->jobs_n < JOBS_LOW && !jobs_full(g))
        ask(g, false);
}

/* What an operator put back stands below `after`; asked for when all is quiet. */
static void sweep(void *arg) {
    struct ingest *g = arg;
    struct spool_figures figures;
    struct feed *f = &g->feed;
    loop_timer_set(f->sweep, SWEEP_MS);
    feed_more(g);
    if (!f->store_up || f->asking || f->behind || f->replaying || g->jobs_n || g->draining)
        return;
    spool_figures(g->parts.spool, &figures);
    if (figures.pending)
        ask(g, true);
}

/* ---- the store comes and goes ---- */

void ingest_recover(struct ingest *g, bool went_back, void (*recovered)(void *arg), void *arg) {
    struct feed *f = &g->feed;
    uint64_t confirmed = 0;
    int64_t epoch;
    spool_confirmed(g->parts.spool, &confirmed, &epoch);
    f->store_up = true;
    f->generation++;
    f->asking = false;
    f->replaying = true;
    f->replayed = false;
    f->recovered = recovered;
    f->recovered_arg = arg;
    f->after = went_back ? 0 : confirmed;
    /* Those in memory were sent to a server that may have lost them: they are read again. */
    list_each (it, &g->jobs) {
        container_of(it, struct job, link)->replay = true;
    }
    jobs_start(g);
    feed_more(g);
}

void ingest_store_lost(struct ingest *g) {
    struct feed *f = &g->feed;
    f->store_up = false;
    f->generation++;
    f->asking = false;
    f->behind = true;
    g->confirming = false;
    list_each (it, &g->jobs) {
        waiters_release(container_of(it, struct job, link));
    }
}

uint64_t feed_applied(const struct ingest *g) {
    const struct link *first = list_first(&g->jobs);
    if (first)
        return container_of(first, struct job, link)->r->seq - 1;
    return g->feed.after;
}

void feed_open(struct ingest *g) {
    struct feed *f = &g->feed;
    struct spool_figures figures;
    int64_t epoch;
    spool_confirmed(g->parts.spool, &g->confirmed_seq, &epoch);
    spool_figures(g->parts.spool, &figures);
    link_init(&f->questions);
    f->after = g->confirmed_seq;
    f->live = figures.last_seq;
    f->behind = true;
    spool_follow(g->parts.spool, on_follow, g);
    f->sweep = loop_timer_new(g->parts.loop, SWEEP_MS, sweep, g);
}

void feed_close(struct ingest *g) {
    list_each (it, &g->feed.questions) {
        container_of(it, struct question, link)->g = NULL;
        link_remove(it);
    }
    spool_follow(g->parts.spool, NULL, NULL);
    loop_timer_free(g->feed.sweep);
}
