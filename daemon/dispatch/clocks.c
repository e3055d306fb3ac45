/* dispatch/clocks.c - the clocks of service levels, at the holder of the lease.
 *
 * Each time a task is fed to the router its deadlines are computed from its facts and the level of
 * its queue, and kept here beside what was told. Where they are not those that people are shown,
 * {r} is given them; when a warning or a breach is due, {r} marks it in the task, which makes it
 * one of its history and an event of its agent's. The mark is in {r}: after a restart, a takeover
 * or a reload nothing is told twice, and what was missed meanwhile is told then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

enum { UNDER_WAY_MAX = 64 };

struct clocked {
    char id[64];
    char queue[NAME_MAX_BYTES];
    int64_t due_ms[SERVICE_CLOCKS], warn_ms[SERVICE_CLOCKS];
    uint32_t told; /* bit 2c: a warning of clock c, 2c + 1: a breach */
    bool stale;    /* people are shown other deadlines */
    bool sent;     /* an answer is awaited */
    struct timer timer;
};

/* One write under way. */
struct telling {
    struct waits waits;
    uint32_t life;
    bool record; /* nobody's move: it is recorded here */
    char task[64];
};

/* Before any was computed a rule's own deadline is shown. */
static bool shown_are(const json_t *own, const int64_t due_ms[SERVICE_CLOCKS]) {
    const json_t *dues = json_object_get(own, "dues");
    for (size_t i = 0; i < SERVICE_CLOCKS; i++) {
        int64_t shown = (int64_t)json_number_value(json_array_get(dues, i));
        if (!json_array_size(dues) && i == SERVICE_FIRST_RESPONSE)
            shown = jget_int(own, "due", 0);
        if (shown != due_ms[i])
            return false;
    }
    return true;
}

static bool is_told(const struct clocked *c, int clock, bool breach) {
    return c->told >> (2 * clock + breach) & 1;
}

/* The next thing to do of a task; INT64_MAX: none. */
static int64_t next_ms(const struct clocked *c) {
    int64_t next = INT64_MAX;
    if (c->sent)
        return INT64_MAX;
    if (c->stale)
        return 0;
    for (int i = 0; i < SERVICE_CLOCKS; i++) {
        bool breached = is_told(c, i, true);
        if (c->due_ms[i] && !breached && c->due_ms[i] < next)
            next = c->due_ms[i];
        if (c->warn_ms[i] && !breached && !is_told(c, i, false) && c->warn_ms[i] < next)
            next = c->warn_ms[i];
    }
    return next;
}

static void arm(struct dispatch *d, struct clocked *c) {
    routing_timer_arm(&d->clocks.timers, &c->timer, next_ms(c));
    if (c->timer.place == 1)
        loop_timer_set(d->clocks.timer, 0);
}

void clocks_gone(struct dispatch *d, struct str task) {
    struct clocked *c = map_take(&d->clocks.tasks, task);
    if (!c)
        return;
    routing_timer_stop(&d->clocks.timers, &c->timer);
    free(c);
}

static struct clocked *clocked_of(struct dispatch *d, struct str id) {
    struct clocked *c = map_get(&d->clocks.tasks, id);
    if (c)
        return c;
    c = NEW(struct clocked);
    snprintf(c->id, sizeof c->id, "%.*s", STR_ARG(id));
    map_put(&d->clocks.tasks, str_c(c->id), c);
    return c;
}

void clocks_task(struct dispatch *d, const json_t *own, bool gone) {
    struct str id = jget_str(own, "id"), queue = jget_str(own, "queue");
    const struct service_level *level = times_level(d->times, d->people, queue);
    struct service_facts facts = roster_facts(own);
    int64_t now = clock_wall_ms();
    /* Its facts are older than those at hand where it has ended since; the router says so. */
    if (gone || !id.n || id.n >= sizeof((struct clocked *)0)->id) {
        clocks_gone(d, id);
        return;
    }
    struct clocked was = {.told = (uint32_t)jget_int(own, "told", 0)};
    bool any = false;
    for (int i = 0; i < SERVICE_CLOCKS; i++) {
        struct service_due due = service_due(level, &facts, (enum service_clock)i, now);
        was.due_ms[i] = due.due_ms;
        was.warn_ms[i] = due.warn_ms;
        any = any || due.due_ms;
    }
    was.stale = !shown_are(own, was.due_ms);
    if (!any && !was.stale) {
        clocks_gone(d, id);
        return;
    }
    struct clocked *c = clocked_of(d, id);
    memcpy(c->due_ms, was.due_ms, sizeof c->due_ms);
    memcpy(c->warn_ms, was.warn_ms, sizeof c->warn_ms);
    c->told = was.told;
    c->stale = was.stale;
    snprintf(c->queue, sizeof c->queue, "%.*s", STR_ARG(queue));
    arm(d, c);
}

void clocks_clear(struct dispatch *d) {
    struct clocked *c;
    size_t at = 0;
    routing_timers_clear(&d->clocks.timers);
    while ((c = map_next(&d->clocks.tasks, &at)))
        free(c);
    map_clear(&d->clocks.tasks);
    d->clocks.under_way = 0;
}

/* ---- telling ---- */

static void on_told(void *arg, const struct route_result *r) {
    struct telling t = *(struct telling *)arg;
    struct dispatch *d = waits_end(&((struct telling *)arg)->waits);
    free(arg);
    if (!d || d->life != t.life)
        return;
    d->clocks.under_way--;
    struct clocked *c = map_get(&d->clocks.tasks, str_c(t.task));
    if (c)
        c->sent = false;
    if (r->code == ROUTE_FENCE)
        lease_lost(d, "a newer router writes");
    else if (r->code == ROUTE_LOST)
        lease_restart(d, "a clock was not answered");
    else if (r->own.n) {
        if (t.record && r->code == ROUTE_DONE)
            moves_record(d, r->json, r->own);
        feed_task(d, r->own);
    } else
        clocks_gone(d, str_c(t.task));
    if (d->phase == PHASE_ROUTING) {
        loop_timer_set(d->clocks.timer, 0);
        carry_soon(d);
    }
}

static struct telling *telling_new(struct dispatch *d, struct clocked *c, bool record) {
    struct telling *t = NEW(struct telling);
    t->record = record;
    waits_begin(d, &t->waits);
    t->life = d->life;
    memcpy(t->task, c->id, sizeof t->task);
    c->sent = true;
    d->clocks.under_way++;
    return t;
}

static void tell(struct dispatch *d, struct clocked *c, int clock, bool breach, int64_t now) {
    char reason[64];
    snprintf(reason, sizeof reason, "%s %s", service_clock_name((enum service_clock)clock),
             breach ? "breached" : "is nearly over");
    metric_add_label(breach ? METRIC_SERVICE_BREACHES : METRIC_SERVICE_WARNINGS, c->queue, 1);
    store_route_told(d->store, d->fence, now, str_c(c->id), clock, breach, str_c(reason), on_told,
                     telling_new(d, c, true));
}

/* One thing of one task; the answer feeds the task, which arms it for the next. */
static void act(struct dispatch *d, struct clocked *c, int64_t now) {
    if (c->stale) {
        store_route_dues(d->store, d->fence, now, str_c(c->id), c->due_ms, SERVICE_CLOCKS, on_told,
                         telling_new(d, c, false));
        return;
    }
    for (int i = 0; i < SERVICE_CLOCKS; i++) {
        bool breached = is_told(c, i, true);
        bool breach = c->due_ms[i] && now >= c->due_ms[i];
        bool warn = c->warn_ms[i] && now >= c->warn_ms[i] && !is_told(c, i, false);
        if (!breached && (breach || warn)) {
            tell(d, c, i, breach, now);
            return;
        }
    }
}

void clocks_turn(void *arg) {
    struct dispatch *d = arg;
    int64_t now = clock_wall_ms(), next = TURN_MS;
    struct timer *t;
    while (d->phase == PHASE_ROUTING && d->clocks.under_way < UNDER_WAY_MAX &&
           (t = routing_timers_take(&d->clocks.timers, now)))
        act(d, container_of(t, struct clocked, timer), now);
    int64_t due = routing_timers_next_ms(&d->clocks.timers);
    if (d->clocks.under_way < UNDER_WAY_MAX && due < now + TURN_MS)
        next = due > now ? due - now : 0;
    loop_timer_set(d->clocks.timer, d->phase == PHASE_ROUTING ? next : TURN_MS);
}
