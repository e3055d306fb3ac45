/* sim/model.h - what must hold, found by search over all that is true. */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "world.h"

static bool holds(const struct w_task *t, int a) {
    for (int i = 0; i < t->n; i++)
        if (t->agents[i] == a)
            return true;
    return false;
}

/* channel < 0: units of all. */
static int64_t load_of(const struct world *w, int a, int channel) {
    int64_t n = 0;
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *t = &w->tasks[i];
        if (t->used && holds(t, a))
            n += channel < 0 ? channel_weight[t->channel] : t->channel == channel;
    }
    return n;
}

static bool wrapping(const struct world *w, int a) {
    for (int i = 0; i < TASKS; i++)
        if (w->tasks[i].used && w->tasks[i].state == ROUTING_WRAPUP && holds(&w->tasks[i], a))
            return true;
    return false;
}

static bool here(const struct w_agent *a) {
    return a->presence == ROUTING_AVAILABLE && a->lost == 0;
}

static bool skilled(const struct w_agent *a, const struct w_task *t) {
    for (int s = 0; s < SKILLS; s++)
        if (a->level[s] < t->min[s])
            return false;
    return true;
}

static bool blocked(const struct world *w, int a, int channel) {
    for (int c = 0; c < CHANNELS; c++)
        if (w->blocks[c][channel] && load_of(w, a, c))
            return true;
    return false;
}

/* Room, skill and presence; not who he is to the queue. */
static bool fit(const struct world *w, int i, const struct w_task *t) {
    const struct w_agent *a = &w->agents[i];
    return here(a) && skilled(a, t) && !wrapping(w, i) && !blocked(w, i, t->channel) &&
           load_of(w, i, -1) + channel_weight[t->channel] <= a->units &&
           load_of(w, i, t->channel) < a->channel_max[t->channel];
}

/* Tier n is asked after n - 1 waits, or as soon as nobody of a lower one is logged in. */
static int64_t open_tier(const struct world *w, int q, const struct w_task *t) {
    int64_t wait = w->queues[q].rule.tier_wait_ms, tier = 1;
    if (!wait)
        return 99;
    while (tier < 10 && w->now >= t->entered + tier * wait)
        tier++;
    for (; tier < 10; tier++)
        for (int i = 0; i < AGENTS; i++)
            if (w->agents[i].member[q] && w->agents[i].tier[q] <= tier &&
                w->agents[i].presence != ROUTING_OFFLINE && !w->agents[i].lost)
                return tier;
    return tier;
}

static bool may_have(const struct world *w, int i, const struct w_task *t, int q) {
    return w->agents[i].member[q] && !w->queues[q].rule.paused && fit(w, i, t) &&
           t->excluded[i] <= w->now && w->agents[i].tier[q] <= open_tier(w, q, t);
}

/* ---- who is waited for ---- */

static int64_t sticky_wait(const struct world *w, const struct w_task *t) {
    return w->queues[t->queue].rule.sticky_wait_ms;
}

static bool worth_waiting(const struct world *w, const struct w_task *t, int a, bool absent_too) {
    const struct w_agent *who = &w->agents[a];
    return (absent_too || here(who)) && skilled(who, t) && t->excluded[a] <= w->now;
}

/* Its wished agent may keep it from all others now. */
static bool may_wait(const struct world *w, const struct w_task *t) {
    int64_t wait = sticky_wait(w, t);
    if (!t->wish)
        return false;
    if (t->wish == ROUTING_WISH_TRANSFER && !wait)
        wait = ROUTING_DIRECT_WAIT_MS;
    if (t->wish == ROUTING_WISH_KEY_HARD)
        wait = 90000;
    bool hard = t->wish == ROUTING_WISH_KEY_HARD;
    if (w->now < t->wish_from + wait && worth_waiting(w, t, t->wish_agent, hard))
        return true;
    bool key = hard || t->wish == ROUTING_WISH_KEY;
    return key && t->deputy >= 0 && w->now < t->wish_from + wait + sticky_wait(w, t) &&
           worth_waiting(w, t, t->deputy, false);
}

/* ---- order ---- */

static int64_t worth(const struct world *w, const struct w_task *t, int q) {
    const struct routing_queue *r = &w->queues[q].rule;
    int64_t aged = t->priority;
    for (int64_t age = r->ageing_every_ms; age <= w->now - t->created && aged < r->ageing_cap;
         age += r->ageing_every_ms)
        aged += r->ageing_by;
    return aged > r->ageing_cap && t->priority < r->ageing_cap ? r->ageing_cap : aged;
}

static int64_t open_time(const struct world *w, int q, int64_t from, int64_t to) {
    const struct calendar *c = w->queues[q].rule.calendar;
    return from <= to ? calendar_open_between(c, from, to) : -calendar_open_between(c, to, from);
}

static int by_age(const struct w_task *x, const struct w_task *y) {
    return x->created != y->created ? x->created < y->created ? -1 : 1 : strcmp(x->id, y->id);
}

static int by_worth(const struct world *w, const struct w_task *x, int p, const struct w_task *y,
                    int q) {
    int64_t a = worth(w, x, p), b = worth(w, y, q);
    return a != b ? a > b ? -1 : 1 : by_age(x, y);
}

/* Which of two in one queue is next: -1 the first. */
static int order_in(const struct world *w, int q, const struct w_task *x, const struct w_task *y) {
    const struct routing_queue *r = &w->queues[q].rule;
    double a, b;
    switch (r->order) {
    case ROUTING_STRICT:
        break;
    case ROUTING_SCORE:
        a = (double)x->priority +
            (double)(w->now - x->created) * (double)r->ageing_by / (double)r->ageing_every_ms;
        b = (double)y->priority +
            (double)(w->now - y->created) * (double)r->ageing_by / (double)r->ageing_every_ms;
        if (a - b > 1e-6 || b - a > 1e-6)
            return a > b ? -1 : 1;
        return 0; /* too near to tell here */
    case ROUTING_LIFO:
        return x->created != y->created ? x->created > y->created ? -1 : 1 : by_age(x, y);
    case ROUTING_SLACK:
        if (!x->due != !y->due)
            return x->due ? -1 : 1;
        if (!x->due)
            break;
        int64_t hx = x->channel == 2 && r->call_handle_ms ? r->call_handle_ms : r->handle_ms;
        int64_t hy = y->channel == 2 && r->call_handle_ms ? r->call_handle_ms : r->handle_ms;
        int64_t slack_x = open_time(w, q, w->now, x->due) - hx;
        int64_t slack_y = open_time(w, q, w->now, y->due) - hy;
        return slack_x != slack_y ? slack_x < slack_y ? -1 : 1 : by_age(x, y);
    }
    return by_worth(w, x, q, y, q);
}

/* ---- who of several ---- */

/* Longest idle: the least share of his capacity, then whoever has ended longest ago, then by id. */
static int by_idle(const struct world *w, int a, int b) {
    const struct w_agent *x = &w->agents[a], *y = &w->agents[b];
    int64_t mine = load_of(w, a, -1) * y->units, other = load_of(w, b, -1) * x->units;
    if (mine != other)
        return mine < other ? -1 : 1;
    if (x->idle_since != y->idle_since)
        return x->idle_since < y->idle_since ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_load(const struct world *w, int a, int b) {
    int64_t mine = load_of(w, a, -1), other = load_of(w, b, -1);
    const struct w_agent *x = &w->agents[a], *y = &w->agents[b];
    if (mine != other)
        return mine < other ? -1 : 1;
    if (x->idle_since != y->idle_since)
        return x->idle_since < y->idle_since ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_ring(const struct world *w, int q, int a, int b) {
    int64_t x = w->agents[a].joined[q], y = w->agents[b].joined[q], c = w->queues[q].cursor;
    if ((x > c) != (y > c))
        return x > c ? -1 : 1;
    return x < y ? -1 : 1;
}

static int by_skill(const struct world *w, const struct w_task *t, int a, int b, bool best) {
    int64_t x = 0, y = 0;
    for (int s = 0; s < SKILLS; s++)
        if (t->min[s]) {
            x += w->agents[a].level[s] - (best ? 0 : t->min[s]);
            y += w->agents[b].level[s] - (best ? 0 : t->min[s]);
        }
    if (x != y)
        return (best ? x > y : x < y) ? -1 : 1;
    return by_idle(w, a, b);
}

/* 0: not judged here. */
static int asked_before(const struct world *w, const struct w_task *t, int q, int a, int b) {
    if (w->agents[a].tier[q] != w->agents[b].tier[q])
        return w->agents[a].tier[q] < w->agents[b].tier[q] ? -1 : 1;
    switch (w->queues[q].rule.strategy) {
    case ROUTING_LONGEST_IDLE:
    case ROUTING_BROADCAST:
        return by_idle(w, a, b);
    case ROUTING_LEAST_LOAD:
        return by_load(w, a, b);
    case ROUTING_ROUND_ROBIN:
        return by_ring(w, q, a, b);
    case ROUTING_BEST_SKILL:
        return by_skill(w, t, a, b, true);
    case ROUTING_ENOUGH_SKILL:
        return by_skill(w, t, a, b, false);
    case ROUTING_WEIGHTED:
    case ROUTING_STRATEGIES:
        break;
    }
    return 0;
}

/* ---- steps ---- */

static bool nobody_here(const struct world *w, int q) {
    for (int i = 0; i < AGENTS; i++)
        if (w->agents[i].member[q] && here(&w->agents[i]))
            return false;
    return true;
}

/* When a step is due by time; INT64_MAX: never. */
static int64_t step_at(const struct world *w, const struct w_task *t, int i) {
    const struct routing_step *s = &w->queues[t->queue].steps[i];
    const struct calendar *c = w->queues[t->queue].rule.calendar;
    struct fault ignored;
    int64_t at = t->entered + s->after_ms;
    if (s->waiting)
        return INT64_MAX;
    if (s->after_percent) {
        int64_t open = calendar_open_between(c, t->due_from, t->due);
        if (!t->due || !calendar_due(c, t->due_from, open * s->after_percent / 100, &at, &ignored))
            return INT64_MAX;
    }
    bool moved = t->entered != t->created;
    if (moved && s->after_percent && at < t->entered + 60000)
        at = t->entered + 60000;
    return s->skip_if_none_available && !moved && nobody_here(w, t->queue) ? t->entered : at;
}

/* All who are there and could do it have refused it, for long enough. */
static bool all_refused(const struct world *w, const struct w_task *t) {
    bool any = false;
    for (int q = 0; q < QUEUES; q++)
        for (int i = 0; (q == t->queue || t->added[q]) && i < AGENTS; i++) {
            if (!w->agents[i].member[q] || !here(&w->agents[i]) || !skilled(&w->agents[i], t))
                continue;
            if (t->excluded[i] <= w->now)
                return false;
            any = true;
        }
    return any && w->now >= t->waits_since + ROUTING_ALL_REJECTED_MS;
}

/* ---- invariants ---- */

static void nobody_is_overloaded(const struct world *w) {
    for (int i = 0; i < AGENTS; i++)
        CHECK(load_of(w, i, -1) <= w->agents[i].units, "%s has too much", w->agents[i].id);
}

static void owners_are_sound(const struct world *w) {
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *t = &w->tasks[i];
        if (!t->used)
            continue;
        bool one = t->state == ROUTING_ACCEPTED || t->state == ROUTING_WRAPUP;
        CHECK(one                           ? t->n == 1
              : t->state == ROUTING_OFFERED ? t->n >= 1
                                            : t->n == 0,
              "%s in state %d has %d owners", t->id, t->state, t->n);
    }
}

/* Who drains and has nothing left is offline. */
static void nobody_lingers(const struct world *w) {
    for (int i = 0; i < AGENTS; i++)
        CHECK(w->agents[i].presence != ROUTING_DRAINING || load_of(w, i, -1), "%s has drained",
              w->agents[i].id);
}

static void load_is_known(const struct world *w, const struct desk *d) {
    size_t open = 0;
    for (int i = 0; i < AGENTS; i++) {
        struct routing_load load;
        CHECK(router_load(d->r, str_c(w->agents[i].id), &load), "%s", w->agents[i].id);
        CHECK(load.units == load_of(w, i, -1), "%s: %lld", w->agents[i].id, (long long)load.units);
    }
    for (int i = 0; i < TASKS; i++)
        open += w->tasks[i].used;
    CHECK(router_tasks(d->r) == open, "%zu of %zu", router_tasks(d->r), open);
}

static void no_pair_is_left(const struct world *w, const struct desk *d) {
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *t = &w->tasks[i];
        if (!t->used || t->state != ROUTING_WAITING || d->put_off[i])
            continue;
        CHECK(!d->pending[i], "%s", t->id);
        /* Whoever is waited for is asked once more when his wait ends; the others 1 ms later. */
        if (t->wish && router_next_ms(d->r) <= w->now + 1)
            continue;
        for (int q = 0; q < QUEUES; q++)
            for (int a = 0; (q == t->queue || t->added[q]) && a < AGENTS; a++)
                CHECK(!may_have(w, a, t, q) || may_wait(w, t), "%s waits though %s could have it",
                      t->id, w->agents[a].id);
    }
}

static void nothing_is_overdue(const struct world *w, const struct desk *d) {
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *t = &w->tasks[i];
        if (!t->used || d->put_off[i])
            continue;
        bool timed = t->state == ROUTING_OFFERED || t->state == ROUTING_WRAPUP ||
                     t->state == ROUTING_SNOOZED || (t->state == ROUTING_ACCEPTED && t->until);
        CHECK(!timed || t->until > w->now, "%s in state %d is overdue", t->id, t->state);
        for (int s = 0; t->state == ROUTING_WAITING && s < (int)w->queues[t->queue].rule.steps_n;
             s++)
            CHECK(t->steps >> s & 1 || step_at(w, t, s) > w->now, "%s has not taken step %d", t->id,
                  s);
    }
}

/* Before the offer is carried out, so the agents do not hold it yet. All told at once only. */
static void choice_is_the_best(const struct world *w, const struct w_task *t, int a,
                               const struct routing_decision *d) {
    int q = t->queue;
    size_t able = 0;
    if (!strncmp(d->reason, "sticky", 6) || !strncmp(d->reason, "transferred", 11) ||
        !strncmp(d->reason, "snoozed", 7) || !strncmp(d->reason, "key", 3))
        return; /* who is waited for is judged by may_wait */
    const char *in = strstr(d->reason, " in ");
    for (int k = 0; in && k < QUEUES; k++)
        if (!strncmp(in + 4, queue_names[k].p, queue_names[k].n))
            q = k;
    for (int i = 0; in && i < AGENTS; i++)
        CHECK(!may_have(w, i, t, t->queue), "%s of its own queue could have %s", w->agents[i].id,
              t->id);
    CHECK(may_have(w, a, t, q) || d->ask_again, "%s may not have %s", w->agents[a].id, t->id);
    for (int i = 0; i < AGENTS; i++) {
        if (!may_have(w, i, t, q))
            continue;
        able++;
        CHECK(i == a || asked_before(w, t, q, i, a) >= 0, "%s before %s for %s (%s)",
              w->agents[i].id, w->agents[a].id, t->id, d->reason);
    }
    if (q == t->queue && !d->ask_again)
        CHECK(d->able == able, "%zu able, not %zu", able, d->able);
    /* Queues of different orders, and tasks that stand in several, have no order of all. */
    if (w->mixed)
        return;
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *o = &w->tasks[i];
        if (!o->used || o == t || o->state != ROUTING_WAITING || o->wish || o->queue != q ||
            q != t->queue || w->desks[0].put_off[i] || !may_have(w, a, o, q))
            continue;
        CHECK(order_in(w, q, o, t) >= 0,
              "%s stands before %s in %.*s for %s (%s); order %d, priorities %lld %lld, due %lld "
              "%lld, entered %lld %lld of %lld, tier wait %lld",
              o->id, t->id, STR_ARG(queue_names[q]), w->agents[a].id, d->reason,
              (int)w->queues[q].rule.order, (long long)o->priority, (long long)t->priority,
              (long long)o->due, (long long)t->due, (long long)o->entered, (long long)t->entered,
              (long long)w->now, (long long)w->queues[q].rule.tier_wait_ms);
    }
    for (int i = 0; i < TASKS; i++) {
        const struct w_task *o = &w->tasks[i];
        if (o->used && o != t && o->state == ROUTING_WAITING && !o->wish &&
            !w->desks[0].put_off[i] && q == t->queue && may_have(w, a, o, o->queue))
            CHECK(w->queues[o->queue].rule.weight <= w->queues[q].rule.weight,
                  "%s is of a heavier queue than %s", o->id, t->id);
    }
}

#endif
