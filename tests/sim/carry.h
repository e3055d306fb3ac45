/* sim/carry.h - what routers decide, carried out or refused as the store does it. */
#ifndef SIM_CARRY_H
#define SIM_CARRY_H

#include "model.h"
#include "wishes.h"

static void idle_now(struct world *w, int a) {
    w->agents[a].last_end = w->agents[a].idle_since = w->now;
}

static void work_ends(struct world *w, const struct w_task *t) {
    if (t->state == ROUTING_ACCEPTED || t->state == ROUTING_WRAPUP)
        idle_now(w, t->agents[0]);
}

static void to_waiting(struct world *w, struct w_task *t) {
    work_ends(w, t);
    t->state = ROUTING_WAITING;
    t->n = 0;
    t->until = 0;
    t->waits_since = w->now;
}

static void gone(struct world *w, struct w_task *t) {
    work_ends(w, t);
    t->state = ROUTING_GONE;
    t->n = 0;
}

/* The wish goes on to the deputy of a key account, or ends. */
static void refused(struct world *w, struct w_task *t, int a) {
    bool key = t->wish == ROUTING_WISH_KEY || t->wish == ROUTING_WISH_KEY_HARD;
    if (key && t->wish_agent != a)
        return;
    if (key && t->deputy >= 0) {
        t->wish = ROUTING_WISH_KEY;
        t->wish_agent = t->deputy;
        t->deputy = NOBODY;
        t->wish_from = w->now;
    } else {
        t->wish = ROUTING_WISH_NONE;
    }
}

static void into_queue(struct world *w, struct w_task *t, int queue) {
    t->queue = queue;
    t->entered = w->now;
    t->steps = 0;
    memset(t->added, 0, sizeof t->added);
    t->came_as = 1;
    for (int i = 0; i < TASKS; i++)
        t->came_as += w->tasks[i].used && &w->tasks[i] != t && w->tasks[i].queue == queue &&
                      w->tasks[i].state == ROUTING_WAITING;
}

static bool has_room(const struct world *w, int a, const struct w_task *t,
                     const struct routing_offered *o) {
    return load_of(w, a, -1) + channel_weight[t->channel] <= o->units &&
           load_of(w, a, t->channel) < o->channel_max;
}

static enum routing_answer carry_offer(struct world *w, struct w_task *t, struct w_job *j) {
    const struct routing_decision *d = &j->d;
    if (t->state != ROUTING_WAITING || t->rev != d->rev)
        return ROUTING_STALE;
    if (!w->at_once && roll(20) == 0)
        return ROUTING_LATER;
    if (w->at_once) {
        wishes_lapse(w); /* a rest may have been decided in between */
        wish_is_kept(w, t, agent_index(w, j->agent), d->reason);
        choice_is_the_best(w, t, agent_index(w, j->agent), d);
    }
    int able[AGENTS], n = 0;
    for (size_t i = 0; i < d->to_n; i++) {
        int a = agent_index(w, j->to_id[i]);
        CHECK(!holds(t, a), "%s twice", j->to_id[i]);
        if (here(&w->agents[a]) && has_room(w, a, t, &j->to[i]))
            able[n++] = a;
        CHECK(t->excluded[a] <= w->now || d->ask_again || !w->at_once, "%s has refused %s",
              j->to_id[i], t->id);
    }
    if (!n)
        return ROUTING_LATER;
    if (d->turn_queue.n)
        for (int q = 0; q < QUEUES; q++)
            if (str_eq(queue_names[q], d->turn_queue)) {
                w->agents[able[0]].turn[q] = d->turn;
                if (w->queues[q].rule.strategy == ROUTING_ROUND_ROBIN)
                    w->queues[q].cursor = w->agents[agent_index(w, j->agent)].joined[q];
            }
    t->state = ROUTING_OFFERED;
    memcpy(t->agents, able, sizeof able);
    t->n = n;
    t->offer++;
    t->until = d->expires_ms;
    if (d->ask_again)
        memset(t->excluded, 0, sizeof t->excluded);
    w->offers++;
    return ROUTING_DONE;
}

static void leaves(struct w_task *t, int a) {
    for (int i = 0; i < t->n; i++)
        if (t->agents[i] == a) {
            memmove(&t->agents[i], &t->agents[i + 1], (size_t)(--t->n - i) * sizeof *t->agents);
            return;
        }
}

static void exclude(struct world *w, struct w_task *t, int a, int64_t until) {
    if (until)
        t->excluded[a] = until;
    refused(w, t, a);
}

static void expire(struct world *w, struct w_task *t, const struct routing_decision *d) {
    CHECK(t->until <= w->now, "%s came back %lld ms early", t->id, (long long)(t->until - w->now));
    CHECK(t->returned_offer < t->offer, "offer %lld of %s came back twice", (long long)t->offer,
          t->id);
    for (int i = 0; i < t->n; i++) {
        struct w_agent *a = &w->agents[t->agents[i]];
        a->missed++;
        if (w->queues[t->queue].rule.penalise_reject)
            idle_now(w, t->agents[i]);
        exclude(w, t, t->agents[i], d->exclude_until_ms);
    }
    t->returned_offer = t->offer;
    to_waiting(w, t);
}

static enum routing_answer carry_return(struct world *w, struct w_task *t, int a,
                                        const struct routing_decision *d) {
    bool offered = t->state == ROUTING_OFFERED;
    if ((!offered && t->state != ROUTING_ACCEPTED) || !holds(t, a) || t->offer != d->offer)
        return ROUTING_STALE;
    if (d->cause == ROUTING_UNTOUCHED && (offered || !t->until || t->until > w->now))
        return ROUTING_STALE;
    if (!offered && d->cause == ROUTING_EXPIRED)
        return ROUTING_STALE;
    w->returns++;
    if (d->cause == ROUTING_EXPIRED) {
        expire(w, t, d);
        return ROUTING_DONE;
    }
    exclude(w, t, a, d->exclude_until_ms);
    if (offered && t->n > 1)
        leaves(t, a);
    else
        to_waiting(w, t);
    return ROUTING_DONE;
}

static enum routing_answer carry_step(struct world *w, struct w_task *t,
                                      const struct routing_decision *d) {
    struct w_queue *q = &w->queues[t->queue];
    const struct routing_step *s = &q->steps[d->step];
    if (t->state != ROUTING_WAITING || t->rev != d->rev || t->steps >> d->step & 1)
        return ROUTING_STALE;
    CHECK(!w->at_once || d->step < q->rule.steps_n, "%s has no step %zu", t->id, d->step);
    if (!w->at_once) /* decided by the rule of before */
        ;
    else if (s->waiting)
        CHECK(t->came_as >= s->waiting, "%s came as the %lld", t->id, (long long)t->came_as);
    else
        CHECK(step_at(w, t, (int)d->step) <= w->now || all_refused(w, t), "%s takes %s too early",
              t->id, d->reason);
    t->steps |= 1u << d->step;
    int skill = q->does[d->step].skill, add = q->does[d->step].add;
    if (skill >= 0 && t->min[skill] > q->does[d->step].level)
        t->min[skill] = q->does[d->step].level;
    if (add >= 0 && add != t->queue)
        t->added[add] = true;
    t->priority += q->does[d->step].raise;
    if (t->priority > 10)
        t->priority = 10;
    if (q->does[d->step].move_to >= 0) {
        into_queue(w, t, q->does[d->step].move_to);
        t->came_as = 0; /* moved by a step: it makes nothing too many */
    }
    w->steps++;
    return ROUTING_DONE;
}

static enum routing_answer carry_time(struct world *w, struct w_task *t,
                                      const struct routing_decision *d) {
    if (d->what == ROUTING_END && t->state == ROUTING_WRAPUP) {
        CHECK(t->until <= w->now, "the wrap-up of %s ends early", t->id);
        gone(w, t);
        w->ends++;
        return ROUTING_DONE;
    }
    if (d->what == ROUTING_WAKE && t->state == ROUTING_SNOOZED) {
        CHECK(t->until <= w->now, "%s wakes early", t->id);
        to_waiting(w, t);
        w->wakes++;
        return ROUTING_DONE;
    }
    return ROUTING_STALE;
}

static void carry_presence(struct world *w, int a, bool leave) {
    struct w_agent *who = &w->agents[a];
    if (who->presence != (leave ? ROUTING_DRAINING : ROUTING_AVAILABLE))
        return;
    CHECK(!leave || w->desks[0].late_n || load_of(w, a, -1) == 0, "%s has work left", who->id);
    who->presence = leave ? ROUTING_OFFLINE : ROUTING_AWAY;
    who->since = w->now;
    who->missed = 0;
    w->rests++;
    presence_changed(w, a);
}

static void carry(struct world *w, struct desk *d, struct w_job *j) {
    struct w_task none = {.state = ROUTING_GONE};
    enum routing_answer answer = ROUTING_STALE;
    if (j->fence < w->fence) { /* another leads: whatever this one decided is refused */
        w->refused++;
        router_free(d->r);
        d->r = NULL;
        return;
    }
    if (j->d.what == ROUTING_REST || j->d.what == ROUTING_LEAVE) {
        carry_presence(w, agent_index(w, j->agent), j->d.what == ROUTING_LEAVE);
        return;
    }
    int at = task_index(w, j->task);
    struct w_task *t = at >= 0 ? &w->tasks[at] : &none;
    snprintf(none.id, sizeof none.id, "%s", j->task);
    if (at >= 0 && j->d.what == ROUTING_OFFER)
        answer = carry_offer(w, t, j);
    else if (at >= 0 && j->d.what == ROUTING_RETURN)
        answer = carry_return(w, t, agent_index(w, j->agent), &j->d);
    else if (at >= 0 && j->d.what == ROUTING_STEP)
        answer = carry_step(w, t, &j->d);
    else if (at >= 0)
        answer = carry_time(w, t, &j->d);
    struct w_task then = *t;
    if (answer == ROUTING_DONE) {
        changed(w, t);
        then = *t;
    }
    if (d->r)
        later(w, d, &(struct w_late){.kind = LATE_ANSWER, .task = then, .answer = answer});
}

static void carry_one(struct world *w, struct desk *d) {
    if (!d->r || d->jobs_n == 0)
        return;
    struct w_job j = d->jobs[0];
    memmove(&d->jobs[0], &d->jobs[1], --d->jobs_n * sizeof j);
    for (size_t i = 0; i < j.d.to_n; i++)
        j.to[i].agent = str_c(j.to_id[i]);
    carry(w, d, &j);
}

static void take(struct world *w, struct desk *d, const struct routing_decision *x) {
    struct w_job *j = &d->jobs[d->jobs_n++];
    *j = (struct w_job){.d = *x, .fence = d->fence};
    snprintf(j->task, sizeof j->task, "%.*s", STR_ARG(x->task));
    snprintf(j->agent, sizeof j->agent, "%.*s", STR_ARG(x->agent));
    for (size_t i = 0; i < x->to_n; i++) {
        j->to[i] = x->to[i];
        snprintf(j->to_id[i], sizeof j->to_id[i], "%.*s", STR_ARG(x->to[i].agent));
    }
    for (int q = 0; q < QUEUES; q++) /* its own views end with the next call */
        if (str_eq(queue_names[q], x->turn_queue))
            j->d.turn_queue = queue_names[q];
    int at = task_index(w, j->task);
    if (at >= 0 && x->task.n) {
        CHECK(!d->pending[at], "two decisions about %s", j->task);
        d->pending[at] = true;
    }
}

static void decide(struct world *w, struct desk *d) {
    struct routing_decision out[8];
    /* What is decided at once sees what was carried out: one at a time. */
    size_t max = w->at_once ? 1 : COUNT(out), n = max;
    while (d->r && n == max && d->jobs_n + COUNT(out) < LATE_MAX) {
        n = router_decide(d->r, w->now, out, max);
        for (size_t i = 0; i < n; i++)
            take(w, d, &out[i]);
        if (n < max)
            CHECK(router_next_ms(d->r) > w->now, "it has more to say");
        while (w->at_once && d->jobs_n)
            carry_one(w, d);
    }
}

#endif
