/* outbox/outbox.c - opens, drains, closes; asks the spool what is due and begins it.
 *
 * The spool's reader sees what is committed, a moment behind what is known here. So `knowns` has
 * the last word on an id for as long as its note may be on its way: nothing is begun twice.
 */
#include "outbox/outbox.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "outbox/outbox_priv.h"

enum {
    LOOK_MS = 1000,      /* while something waits */
    LOOK_IDLE_MS = 5000, /* else: another one may have put it there */
    ROWS_MAX = 32,       /* of one look */
    BLOCKED_MS = 3000,   /* a row that cannot begin yet makes room for others */
    KNOWN_MS =
        10 * 60000, /* by then a note is committed, or the spool fails and nothing is asked */
};

/* ---- what is known here ---- */

struct known *known_of(struct outbox *o, struct str id) {
    struct known *k = map_get(&o->by_id, id);
    if (k)
        return k;
    k = NEW(struct known);
    k->id = mem_dup(id.p, id.n);
    k->since_ms = clock_mono_ms();
    map_put(&o->by_id, str_c(k->id), k);
    list_push(&o->knowns, &k->link);
    return k;
}

static void known_free(struct outbox *o, struct known *k) {
    map_take(&o->by_id, str_c(k->id));
    link_remove(&k->link);
    free(k->id);
    free(k);
}

/* Forgets those whose notes are committed by now; those that wait for their next attempt are kept.
 */
static void knowns_look(struct outbox *o) {
    int64_t before = clock_mono_ms() - KNOWN_MS, now = clock_wall_ms(), oldest = now;
    bool failing = spool_health(o->spool) == SPOOL_FAILING;
    list_each (l, &o->knowns) {
        struct known *k = container_of(l, struct known, link);
        if (!k->done && k->queued_ms && k->queued_ms < oldest)
            oldest = k->queued_ms;
        if (!failing && !k->active && k->since_ms < before && (k->done || k->next_ms < now))
            known_free(o, k);
    }
    metric_set(METRIC_OUTBOX_OLDEST, (now - oldest) / 1000);
}

struct way *way_of(struct outbox *o, struct str source) {
    struct way *w = map_get(&o->ways, source);
    if (w)
        return w;
    w = NEW(struct way);
    w->source = mem_dup(source.p, source.n);
    map_put(&o->ways, str_c(w->source), w);
    return w;
}

/* ---- looking ---- */

struct look {
    struct held held;
};

/* A reply whose way is closed or busy is put off, so that the next look reaches others. */
static void put_off(struct outbox *o, const struct outbox_row *row, int64_t until) {
    struct known *k = known_of(o, row->id);
    k->next_ms = until;
    k->queued_ms = row->queued_ms;
    k->since_ms = clock_mono_ms();
    spool_note_outbox(o->spool, row->id, OUTBOX_QUEUED, row->attempts, until, STR_NONE, STR_NONE);
}

static void consider(struct outbox *o, const struct outbox_row *row) {
    struct known *k = map_get(&o->by_id, row->id);
    struct way *w = way_of(o, row->source);
    int64_t now = clock_wall_ms();
    if (k && (k->active || k->done || k->next_ms > now))
        return;
    if (w->open_until_ms > now)
        put_off(o, row, w->open_until_ms + (int64_t)w->active * BLOCKED_MS);
    else if (w->active >= (w->failures >= TRIP_AT ? 1 : ACTIVE_MAX))
        put_off(o, row, now + BLOCKED_MS);
    else
        attempt_begin(o, row);
}

static void on_rows(void *arg, const struct outbox_row *rows, size_t n) {
    struct look *look = arg;
    struct outbox *o = look->held.o;
    link_remove(&look->held.link);
    free(look);
    if (!o)
        return;
    o->asking = false;
    for (size_t i = 0; i < n && !o->drained; i++)
        consider(o, &rows[i]);
    if (o->again) {
        o->again = false;
        outbox_pump(o);
    }
}

void outbox_pump(struct outbox *o) {
    if (o->drained)
        return;
    if (o->asking) {
        o->again = true; /* what has come since may not be in that answer */
        return;
    }
    struct look *look = NEW(struct look);
    hold(o, &look->held);
    o->asking = true;
    spool_ask_outbox(o->spool, clock_wall_ms(), ROWS_MAX, on_rows, look);
}

static void on_timer(void *arg) {
    struct outbox *o = arg;
    uint64_t n = outbox_length(o);
    metric_set(METRIC_OUTBOX_PENDING, (int64_t)n);
    states_retry(o);
    knowns_look(o);
    outbox_pump(o);
    loop_timer_set(o->timer, n ? LOOK_MS : LOOK_IDLE_MS);
}

/* ---- life ---- */

bool outbox_open(struct loop *loop, struct spool *spool, struct blob_store *blobs,
                 struct store *store, struct id_maker *ids, const struct sender *sender,
                 struct str region, struct outbox **out, struct fault *f) {
    (void)f;
    struct outbox *o = NEW(struct outbox);
    struct link *lists[] = {&o->knowns, &o->held, &o->unsaved};
    for (size_t i = 0; i < COUNT(lists); i++)
        link_init(lists[i]);
    o->loop = loop;
    o->spool = spool;
    o->blobs = blobs;
    o->store = store;
    o->ids = ids;
    o->sender = *sender;
    o->region = str_make(mem_dup(region.p ? region.p : "", region.n), region.n);
    o->timer = loop_timer_new(loop, 0, on_timer, o);
    *out = o;
    return true;
}

void outbox_drain(struct outbox *o) {
    o->drained = true;
}

void outbox_close(struct outbox *o) {
    struct link *l;
    size_t at = 0;
    struct way *w;
    if (!o)
        return;
    while ((l = list_first(&o->held))) {
        struct held *h = container_of(l, struct held, link);
        link_remove(l);
        h->o = NULL;
        if (h->closing)
            h->closing(h);
    }
    states_clear(o);
    while ((l = list_first(&o->knowns)))
        known_free(o, container_of(l, struct known, link));
    while ((w = map_next(&o->ways, &at))) {
        free(w->source);
        free(w);
    }
    map_clear(&o->ways);
    map_clear(&o->by_id);
    loop_timer_free(o->timer);
    free((char *)o->region.p);
    free(o);
}

uint64_t outbox_length(const struct outbox *o) {
    struct spool_figures figures;
    spool_figures(o->spool, &figures);
    return figures.outbox;
}
