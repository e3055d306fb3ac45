/* unit/routing/world.h - a made-up world for the router's simulator: what is true, and how it is
 * told.
 *
 * The world plays store and agents: it holds what is true, carries decisions out or refuses them,
 * and tells the router what has become of it, at once or late and out of order.
 */
#ifndef UNIT_ROUTING_WORLD_H
#define UNIT_ROUTING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "routing/router.h"

enum {
    AGENTS = 12,
    QUEUES = 4,
    SKILLS = 3,
    CHANNELS = 3,
    TASKS = 150,
    LATE_MAX = 4096,
    EVENTS = 200000
};

static const struct str queue_names[QUEUES] = {STR("support"), STR("sales"), STR("callbacks"),
                                               STR("vip")};
static const struct str skill_names[SKILLS] = {STR("de"), STR("en"), STR("billing")};
static const struct str channel_names[CHANNELS] = {STR("email"), STR("chat"), STR("call")};
static const int64_t channel_weight[CHANNELS] = {1, 3, 10};

struct w_agent {
    char id[24];
    bool member[QUEUES];
    int64_t level[SKILLS], channel_max[CHANNELS], units;
    enum routing_presence presence;
    int64_t since, last_end, lost, missed, idle_since;
};
struct w_task {
    char id[24];
    bool used, pending, put_off;
    int64_t rev;
    enum routing_state state;
    int queue, channel, agent;
    int64_t priority, created, offer, until, min[SKILLS];
    int64_t excluded[AGENTS];
    enum routing_wish wish;
    int wish_agent;
    int64_t wish_seen, wish_from, waits_since;
    int returned_offer; /* the last offer that came back: an offer comes back once */
};
struct w_late {
    enum { LATE_TASK, LATE_ANSWER } kind;
    struct w_task task;
    enum routing_answer answer;
};
struct world {
    struct router *r;
    bool at_once;
    int64_t now;
    struct w_agent agents[AGENTS];
    struct w_task tasks[TASKS];
    struct routing_queue queues[QUEUES];
    struct w_late late[LATE_MAX];
    size_t late_n;
    struct w_job {
        struct routing_decision d;
        char task[24], agent[24];
    } jobs[LATE_MAX];
    size_t jobs_n;
    int made;
    size_t offers, returns, rests;
};

static uint32_t seed;
static uint32_t roll(uint32_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

/* ---- telling the router ---- */

static void tell_task(struct world *w, const struct w_task *t) {
    struct routing_need needs[SKILLS];
    struct routing_excluded excluded[AGENTS];
    struct routing_task news = {.id = str_c(t->id),
                                .queue = queue_names[t->queue],
                                .channel = channel_names[t->channel],
                                .rev = t->rev,
                                .state = t->state,
                                .weight = channel_weight[t->channel],
                                .priority = t->priority,
                                .created_ms = t->created,
                                .needs = needs,
                                .offer = t->offer,
                                .until_ms = t->until,
                                .excluded = excluded,
                                .wish = t->wish,
                                .wish_seen_ms = t->wish_seen,
                                .wish_from_ms = t->wish_from};
    for (int i = 0; i < SKILLS; i++)
        if (t->min[i])
            needs[news.needs_n++] =
                (struct routing_need){.skill = skill_names[i], .min = t->min[i]};
    for (int i = 0; i < AGENTS; i++)
        if (t->excluded[i])
            excluded[news.excluded_n++] = (struct routing_excluded){.agent = str_c(w->agents[i].id),
                                                                    .until_ms = t->excluded[i]};
    if (t->agent >= 0)
        news.agent = str_c(w->agents[t->agent].id);
    if (t->wish)
        news.wish_agent = str_c(w->agents[t->wish_agent].id);
    router_task(w->r, &news, w->now);
}

static void deliver(struct world *w, const struct w_late *l) {
    if (l->kind == LATE_TASK) {
        tell_task(w, &l->task);
        return;
    }
    router_answer(w->r, str_c(l->task.id), l->answer, w->now);
    for (int i = 0; i < TASKS; i++)
        if (w->tasks[i].used && !strcmp(w->tasks[i].id, l->task.id)) {
            w->tasks[i].pending = false;
            w->tasks[i].put_off = l->answer == ROUTING_LATER;
        }
}

static void later(struct world *w, struct w_late l) {
    if (w->at_once) {
        deliver(w, &l);
        return;
    }
    assert_true(w->late_n < LATE_MAX);
    w->late[w->late_n++] = l;
}

/* News of the log come in order; an answer may overtake them, but tells the task as it then is
 * before. */
static void deliver_one(struct world *w) {
    if (w->late_n == 0)
        return;
    size_t at = 0;
    if (roll(4) == 0)
        for (size_t i = 0; i < w->late_n; i++)
            if (w->late[i].kind == LATE_ANSWER) {
                at = i;
                break;
            }
    struct w_late l = w->late[at];
    memmove(&w->late[at], &w->late[at + 1], (--w->late_n - at) * sizeof l);
    if (l.kind == LATE_ANSWER)
        tell_task(w, &l.task);
    deliver(w, &l);
}

static void changed(struct world *w, struct w_task *t) {
    t->rev++;
    later(w, (struct w_late){.kind = LATE_TASK, .task = *t});
    if (t->state == ROUTING_GONE)
        t->used = false;
}

static void tell_presence(struct world *w, int i) {
    struct w_agent *a = &w->agents[i];
    struct routing_presence_news news = {.agent = str_c(a->id),
                                         .presence = a->presence,
                                         .since_ms = a->since,
                                         .last_end_ms = a->last_end,
                                         .missed = a->missed,
                                         .lost_ms = a->lost};
    router_presence(w->r, &news, w->now);
}

static void tell_agent(struct world *w, int i) {
    struct w_agent *a = &w->agents[i];
    struct routing_membership queues[QUEUES];
    struct tl_named_int skills[SKILLS], channels[CHANNELS];
    struct routing_agent news = {.id = str_c(a->id), .units = a->units, .lost_after_ms = 1800000};
    size_t n = 0;
    for (int q = 0; q < QUEUES; q++)
        if (a->member[q])
            queues[n++] =
                (struct routing_membership){.queue = queue_names[q], .tier = 1, .weight = 1};
    news.queues = queues;
    news.queues_n = n;
    for (int s = 0; s < SKILLS; s++)
        skills[s] = (struct tl_named_int){skill_names[s], a->level[s]};
    for (int c = 0; c < CHANNELS; c++)
        channels[c] = (struct tl_named_int){channel_names[c], a->channel_max[c]};
    news.skills = (struct tl_ints){skills, SKILLS};
    news.channels = (struct tl_ints){channels, CHANNELS};
    router_set_agent(w->r, &news, w->now);
}

/* ---- what is true ---- */

static int64_t load_of(struct world *w, int a, int channel, bool *wrapping) {
    int64_t n = 0;
    *wrapping = false;
    for (int i = 0; i < TASKS; i++) {
        struct w_task *t = &w->tasks[i];
        if (!t->used || t->agent != a)
            continue;
        if (channel < 0)
            n += channel_weight[t->channel];
        else
            n += t->channel == channel;
        *wrapping |= t->state == ROUTING_WRAPUP;
    }
    return n;
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

static bool able(struct world *w, int i, const struct w_task *t) {
    struct w_agent *a = &w->agents[i];
    bool wrapping;
    if (!here(a) || w->queues[t->queue].paused || !skilled(a, t))
        return false;
    if (!a->member[t->queue] && !(t->wish == ROUTING_WISH_TRANSFER && t->wish_agent == i))
        return false;
    int64_t units = load_of(w, i, -1, &wrapping);
    return !wrapping && units + channel_weight[t->channel] <= a->units &&
           load_of(w, i, t->channel, &wrapping) < a->channel_max[t->channel];
}

static bool refused(const struct world *w, int i, const struct w_task *t) {
    return t->excluded[i] > w->now;
}

static bool may_wait_for_wish(struct world *w, const struct w_task *t) {
    if (!t->wish || !here(&w->agents[t->wish_agent]))
        return false;
    int64_t wait = w->queues[t->queue].sticky_wait_ms;
    if (t->wish == ROUTING_WISH_TRANSFER && !wait)
        wait = ROUTING_DIRECT_WAIT_MS;
    return w->now < t->wish_from + wait;
}

static void nobody_is_overloaded(struct world *w) {
    for (int i = 0; i < AGENTS; i++) {
        bool wrapping;
        struct routing_load load;
        int64_t units = load_of(w, i, -1, &wrapping);
        assert_true(units <= w->agents[i].units);
        assert_true(router_load(w->r, str_c(w->agents[i].id), &load));
        assert_int_equal(load.units, units);
    }
}

static void no_pair_is_left(struct world *w) {
    size_t open = 0;
    for (int i = 0; i < TASKS; i++) {
        struct w_task *t = &w->tasks[i];
        open += t->used;
        if (!t->used || t->state != ROUTING_WAITING || t->put_off)
            continue;
        assert_false(t->pending);
        for (int a = 0; a < AGENTS; a++)
            if (able(w, a, t) && !refused(w, a, t) && w->agents[a].member[t->queue] &&
                !may_wait_for_wish(w, t))
                fail_msg("seed: task %s waits though %s could have it", t->id, w->agents[a].id);
    }
    assert_int_equal(router_tasks(w->r), open);
}

static int64_t worth(const struct world *w, const struct w_task *t) {
    const struct routing_queue *q = &w->queues[t->queue];
    int64_t aged = t->priority + (w->now - t->created) / q->ageing_every_ms * q->ageing_by;
    int64_t cap = t->priority > q->ageing_cap ? t->priority : q->ageing_cap;
    return aged < cap ? aged : cap;
}

/* Before the offer is carried out, so the agent does not hold it yet. Only where all is told at
 * once. */
static void choice_is_the_best(struct world *w, struct w_task *t, int chosen,
                               const struct routing_decision *d) {
    bool wrapping;
    struct w_agent *c = &w->agents[chosen];
    if (strncmp(d->reason, "longest", 7) && strncmp(d->reason, "least", 5))
        return;
    int64_t units = load_of(w, chosen, -1, &wrapping);
    size_t count = 0;
    for (int i = 0; i < AGENTS; i++) {
        struct w_agent *a = &w->agents[i];
        if (!a->member[t->queue] || !able(w, i, t) || refused(w, i, t))
            continue;
        count++;
        int64_t other = load_of(w, i, -1, &wrapping);
        if (w->queues[t->queue].strategy == 1)
            assert_true(units <= other);
        else
            assert_true(units * a->units <= other * c->units);
        if (units * a->units == other * c->units && units == other)
            assert_true(c->idle_since <= a->idle_since);
    }
    assert_int_equal(d->able, count);
    for (int i = 0; i < TASKS; i++) {
        struct w_task *other = &w->tasks[i];
        if (other->used && other != t && other->state == ROUTING_WAITING && !other->wish &&
            !other->put_off && w->agents[chosen].member[other->queue] && able(w, chosen, other) &&
            !refused(w, chosen, other))
            assert_true(worth(w, other) < worth(w, t) ||
                        (worth(w, other) == worth(w, t) && other->created >= t->created));
    }
}

#endif
