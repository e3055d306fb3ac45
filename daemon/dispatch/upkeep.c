/* dispatch/upkeep.c - what the lease holder does beside routing. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

enum { TRIM_EVERY = 12 }; /* upkeeps: once a minute */

/* Figures of the queues asked for; told to the metrics. */
struct figures {
    struct waits waits;
};

static void tell_level(const char *name, const struct queue_now *q) {
    int64_t ended = q->taken + q->left;
    if (q->taken)
        metric_set_label(METRIC_QUEUE_LEVEL, name, q->taken_within * 100 / q->taken);
    if (ended)
        metric_set_label(METRIC_QUEUE_LEVEL2, name,
                         (q->taken_within + q->left_within) * 100 / ended);
    metric_set_label(METRIC_QUEUE_LEFT, name, q->left);
    if (q->taken_all + q->left_all)
        metric_set_label(METRIC_QUEUE_ABANDONED, name,
                         q->left_all * 100 / (q->taken_all + q->left_all));
    if (q->busy_ms + q->free_ms)
        metric_set_label(METRIC_QUEUE_OCCUPANCY, name,
                         q->busy_ms * 100 / (q->busy_ms + q->free_ms));
    metric_set_label(METRIC_QUEUE_WAIT_P50, name, q->wait_s[0]);
    metric_set_label(METRIC_QUEUE_WAIT_P95, name, q->wait_s[1]);
    metric_set_label(METRIC_QUEUE_WAIT_P99, name, q->wait_s[2]);
}

static void on_queues(void *arg, bool ok, const struct queue_now *queues, size_t n) {
    struct figures *f = arg;
    struct dispatch *d = waits_end(&f->waits);
    char name[NAME_MAX_BYTES];
    free(f);
    if (!d || !ok || n != d->people->queues_n)
        return;
    int64_t now = clock_wall_ms(), waiting = 0, offered = 0, accepted = 0;
    for (size_t i = 0; i < n; i++) {
        waiting += queues[i].waiting;
        offered += queues[i].offered;
        accepted += queues[i].accepted;
        snprintf(name, sizeof name, "%.*s", STR_ARG(d->people->queues[i].id));
        metric_set_label(METRIC_QUEUE_WAITING, name, queues[i].waiting);
        tell_level(name, &queues[i]);
        metric_set_label(METRIC_QUEUE_OLDEST, name,
                         queues[i].oldest_ms ? (now - queues[i].oldest_ms) / 1000 : 0);
    }
    metric_set_label(METRIC_TASKS, "waiting", waiting);
    metric_set_label(METRIC_TASKS, "offered", offered);
    metric_set_label(METRIC_TASKS, "accepted", accepted);
}

static void ask_figures(struct dispatch *d) {
    struct figures *f = NEW(struct figures);
    struct str *names = mem_new((d->people->queues_n + 1) * sizeof *names);
    for (size_t i = 0; i < d->people->queues_n; i++)
        names[i] = d->people->queues[i].id;
    waits_begin(d, &f->waits);
    store_queues_now(d->store, names, d->people->queues_n, on_queues, f);
    free(names);
}

static void count_agents(struct dispatch *d) {
    static const char *const names[] = {[ROUTING_OFFLINE] = "offline",
                                        [ROUTING_AWAY] = "away",
                                        [ROUTING_AVAILABLE] = "available",
                                        [ROUTING_DRAINING] = "draining"};
    int64_t n[COUNT(names)] = {0}, with_work = 0;
    struct routing_load load;
    for (size_t i = 0; i < d->people->agents_n; i++)
        if (router_load(d->router, d->people->agents[i].id, &load)) {
            n[load.presence]++;
            with_work += load.presence == ROUTING_AVAILABLE && load.tasks > 0;
        }
    if (n[ROUTING_AVAILABLE])
        metric_set(METRIC_OCCUPANCY, with_work * 100 / n[ROUTING_AVAILABLE]);
    for (size_t i = 0; i < COUNT(names); i++)
        metric_set_label(METRIC_AGENTS, names[i], n[i]);
}

/* Busy: with work, also while he drains; free: available without any. */
static void sample_staff(struct dispatch *d) {
    const struct people *p = d->people;
    struct queue_staff *staff = mem_new((p->queues_n + 1) * sizeof *staff);
    for (size_t q = 0; q < p->queues_n; q++)
        staff[q] = (struct queue_staff){.queue = p->queues[q].id};
    for (size_t i = 0; i < p->agents_n; i++) {
        const struct agent_config *a = &p->agents[i];
        struct routing_load load;
        if (!a->takes_tasks || !router_load(d->router, a->id, &load))
            continue;
        bool there = load.presence == ROUTING_AVAILABLE;
        bool busy = load.tasks > 0 && (there || load.presence == ROUTING_DRAINING);
        for (size_t q = 0; q < p->queues_n; q++)
            if (a->queues.n && people_share((struct tl_strs){&staff[q].queue, 1}, a->queues)) {
                staff[q].busy += busy;
                staff[q].available += there && !busy;
            }
    }
    store_figures_sample(d->store, d->fence, staff, p->queues_n);
    free(staff);
}

static void upkeep(void *arg) {
    struct dispatch *d = arg;
    loop_timer_set(d->upkeep_timer, UPKEEP_MS);
    if (d->phase != PHASE_ROUTING)
        return;
    int64_t now = clock_wall_ms();
    store_streams_sweep(d->store, d->fence, now);
    if (d->upkeeps++ % TRIM_EVERY == 0)
        store_route_trim(d->store, d->fence, now, LOG_KEEP_MS);
    sample_staff(d);
    ask_figures(d);
    count_agents(d);
}

void upkeep_start(struct dispatch *d) {
    d->upkeep_timer = loop_timer_new(d->loop, UPKEEP_MS, upkeep, d);
}
