/* store/horizon.c - the epoch, and when what was answered is surely on the server's disk.
 *
 * An "OK" of Redis is not durable: with appendfsync everysec the last second may go. So whoever
 * wants to forget something waits here for a round:
 *
 *   waiters gather ─► HINCRBY touchline:epoch ─► 2 s ─► INFO persistence: AOF ok, no fsync pending
 * ─► told
 *
 * The epoch is raised after everything that was answered before, so a dataset which has it has that
 * too: a lower one at the next connection means that the dataset went back. Each daemon raises a
 * field of its own; another's could hide that ours is missing.
 */
#include "store/store_priv.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"

enum { HORIZON_MS = 2000 };

struct waiter {
    struct link link;
    void (*durable)(void *arg, bool ok);
    void *arg;
};

static void tell_all(struct link *waiters, bool ok) {
    struct link all, *l;
    link_init(&all);
    while ((l = list_first(waiters)))
        list_push(&all, l);
    while ((l = list_first(&all))) {
        struct waiter *w = container_of(l, struct waiter, link);
        link_remove(l);
        w->durable(w->arg, ok);
        free(w);
    }
}

struct raise {
    struct store *store;
    void (*done)(struct store *s);
};

static void on_raised(void *arg, const struct store_reply *reply, const struct fault *f) {
    struct raise r = *(struct raise *)arg;
    free(arg);
    if (f) {
        if (reply)
            store_client_judge(r.store, reply->str);
        return;
    }
    r.store->epoch = reply->integer;
    if (r.done)
        r.done(r.store);
}

static void raise_by(struct store *s, int64_t by, void (*done)(struct store *s)) {
    char number[24];
    struct raise *r = NEW(struct raise);
    *r = (struct raise){s, done};
    struct str argv[] = {str_c("HINCRBY"), str_c("touchline:epoch"), str_c(s->node),
                         store_int(by, number)};
    store_client_now(s, argv, COUNT(argv), on_raised, r);
}

void store_epoch_raise(struct store *s, void (*done)(struct store *s)) {
    raise_by(s, 1, done);
}

void store_epoch_heal(struct store *s) {
    if (s->epoch <= s->epoch_durable)
        raise_by(s, s->epoch_durable - s->epoch + 1, NULL);
}

static void round_raised(struct store *s) {
    s->round_epoch = s->epoch;
    s->round_ms = clock_mono_ms();
}

static void on_persistence(void *arg, const struct store_reply *reply, const struct fault *f) {
    struct store *s = arg;
    if (f || !s->round_runs)
        return;
    s->round_asked = false;
    struct str info = reply->str;
    if (store_info_int(info, "aof_enabled", 0) != 1 ||
        !str_is(store_info(info, "aof_last_write_status"), "ok") ||
        store_info_int(info, "aof_pending_bio_fsync", 1) != 0)
        return; /* asked again at the next beat */
    /* Never lowered: what went back stays told until store_epoch_heal. */
    if (s->round_epoch > s->epoch_durable)
        s->epoch_durable = s->round_epoch;
    s->round_runs = false;
    tell_all(&s->durable_now, true);
}

void store_horizon_beat(struct store *s) {
    struct link *l;
    if (!s->round_runs && list_first(&s->durable_next)) {
        while ((l = list_first(&s->durable_next)))
            list_push(&s->durable_now, l);
        s->round_runs = true;
        s->round_asked = false;
        s->round_epoch = 0;
        store_epoch_raise(s, round_raised);
    } else if (s->round_runs && s->round_epoch && !s->round_asked &&
               clock_mono_ms() - s->round_ms >= HORIZON_MS) {
        struct str argv[] = {str_c("INFO"), str_c("persistence")};
        s->round_asked = true;
        store_client_now(s, argv, COUNT(argv), on_persistence, s);
    }
}

void store_horizon_fail(struct store *s) {
    s->round_runs = s->round_asked = false;
    s->round_epoch = 0;
    tell_all(&s->durable_now, false);
    tell_all(&s->durable_next, false);
}

void store_horizon_drop(struct store *s) {
    struct link *lists[] = {&s->durable_now, &s->durable_next}, *l;
    for (size_t i = 0; i < COUNT(lists); i++)
        while ((l = list_first(lists[i]))) {
            link_remove(l);
            free(container_of(l, struct waiter, link));
        }
}

void store_when_durable(struct store *s, void (*durable_fn)(void *arg, bool ok), void *arg) {
    struct waiter *w = NEW(struct waiter);
    *w = (struct waiter){.durable = durable_fn, .arg = arg};
    list_push(&s->durable_next, &w->link);
    if (!s->ready)
        loop_timer_set(s->soon_timer, 0);
}

int64_t store_epoch(const struct store *s) {
    return s->epoch_durable;
}

/* ---- data that went back further than the window ---- */

int64_t store_loss_since(const struct store *s) {
    return s->loss_since_ms;
}

void store_confirm_loss(struct store *s) {
    struct str argv[] = {str_c("DEL"), str_c("touchline:loss")};
    s->loss_since_ms = 0;
    store_client_now(s, argv, COUNT(argv), NULL, NULL);
}

void store_note_loss(struct store *s, int64_t since_ms) {
    char number[24];
    struct str argv[] = {str_c("SET"), str_c("touchline:loss"), store_int(since_ms, number)};
    s->loss_since_ms = since_ms;
    store_client_now(s, argv, COUNT(argv), NULL, NULL);
}
