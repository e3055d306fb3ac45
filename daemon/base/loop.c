/* base/loop.c - libevent's loop, with one list of things to do once the active events have run.
 *
 * The list's event is activated at the same priority, so libevent queues it behind what is active
 * already: an object closed inside a callback outlives every callback that may still name it.
 */
#include "base/loop.h"

#include <event2/thread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread.h"
#include <touchline/kit/own.h>

enum { PROBE_MS = 1000 };

/* Owned by its thread; nothing here is shared. */
struct loop {
    struct event_base *base;
    struct event *turn;
    struct link todo;
    bool stopped;
    struct loop_timer *probe; /* of the main loop while it runs */
    int64_t probe_due_us;
};

struct todo {
    struct link link;
    void (*fn)(void *arg);
    void *arg;
    bool reap; /* run also when the loop ends without another turn */
};

/* What was queued up to now; what these queue in turn comes next turn. */
static void run_todo(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct loop *l = arg;
    struct link now;
    link_init(&now);
    while (list_first(&l->todo))
        list_push(&now, list_first(&l->todo));
    while (list_first(&now)) {
        struct todo *t = container_of(list_first(&now), struct todo, link);
        link_remove(&t->link);
        t->fn(t->arg);
        free(t);
    }
}

struct loop *loop_new(void) {
    /* The base itself is used by one thread only and takes no locks. */
    evthread_use_pthreads();
    struct event_config *config = event_config_new();
    struct loop *l = NEW(struct loop);
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (l->base)
        l->turn = event_new(l->base, -1, 0, run_todo, l);
    if (!l->turn) {
        fputs("level=error event=loop.start\n", stderr);
        abort();
    }
    link_init(&l->todo);
    return l;
}

void loop_free(struct loop *l) {
    if (!l)
        return;
    while (list_first(&l->todo)) {
        struct todo *t = container_of(list_first(&l->todo), struct todo, link);
        link_remove(&t->link);
        if (t->reap)
            t->fn(t->arg);
        free(t);
    }
    event_free(l->turn);
    event_base_free(l->base);
    free(l);
}

struct event_base *loop_base(struct loop *l) {
    return l->base;
}

void loop_stop(struct loop *l) {
    l->stopped = true;
    event_base_loopexit(l->base, NULL);
}

static void queue_todo(struct loop *l, void (*fn)(void *arg), void *arg, bool reap) {
    struct todo *t = NEW(struct todo);
    *t = (struct todo){.fn = fn, .arg = arg, .reap = reap};
    list_push(&l->todo, &t->link);
    event_active(l->turn, EV_TIMEOUT, 0);
}

void loop_reap(struct loop *l, void *object, reap_fn *free_fn) {
    queue_todo(l, free_fn, object, true);
}

void loop_later(struct loop *l, void (*fn)(void *arg), void *arg) {
    queue_todo(l, fn, arg, false);
}

struct loop_timer {
    struct event *event;
    void (*fire)(void *arg);
    void *arg;
};

static void on_timer(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct loop_timer *t = arg;
    t->fire(t->arg); /* may free t */
}

struct loop_timer *loop_timer_new(struct loop *l, int64_t after_ms, void (*fire)(void *arg),
                                  void *arg) {
    struct loop_timer *t = NEW(struct loop_timer);
    *t = (struct loop_timer){.fire = fire, .arg = arg};
    t->event = event_new(l->base, -1, 0, on_timer, t);
    if (!t->event)
        abort(); /* memory */
    loop_timer_set(t, after_ms);
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms) {
    if (after_ms < 0)
        after_ms = 0;
    struct timeval tv = {.tv_sec = after_ms / 1000, .tv_usec = after_ms % 1000 * 1000};
    event_add(t->event, &tv);
}

void loop_timer_stop(struct loop_timer *t) {
    event_del(t->event);
}

void loop_timer_free(struct loop_timer *t) {
    if (!t)
        return;
    event_free(t->event);
    free(t);
}

static void probe_again(struct loop *l) {
    l->probe_due_us = clock_mono_us() + PROBE_MS * 1000;
    loop_timer_set(l->probe, PROBE_MS);
}

/* How late the loop comes to a timer is how long somebody has kept it. */
static void on_probe(void *arg) {
    struct loop *l = arg;
    int64_t late_us = clock_mono_us() - l->probe_due_us;
    metric_observe_us(METRIC_LOOP_LATENCY, late_us > 0 ? late_us : 0);
    probe_again(l);
}

void loop_run(struct loop *l) {
    if (!l->stopped) {
        if (thread_is(THREAD_LOOP)) {
            l->probe = loop_timer_new(l, PROBE_MS, on_probe, l);
            probe_again(l);
        }
        event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
        loop_timer_free(steal(&l->probe));
    }
    l->stopped = false;
}
