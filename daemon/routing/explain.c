/* routing/explain.c - asks the match's own predicates, one after the other, and keeps what they
 * say. Nothing is decided here, and nothing that is asked by is changed.
 */
#include "routing/explain.h"

#include <stdlib.h>
#include <string.h>

#include "routing/router_priv.h"

/* ---- one agent ---- */

static int64_t wrapup_until_ms(const struct agent *a) {
    int64_t until = 0;
    list_each (l, &a->work) {
        const struct task *t = container_of(l, struct hold, of_agent)->task;
        if (t->state == ROUTING_WRAPUP && t->until_ms > until)
            until = t->until_ms;
    }
    return until;
}

/* A channel that he holds and that keeps this one away. */
static struct str blocking(const struct router *r, const struct agent *a, size_t channel) {
    for (size_t i = 0; i < r->channels.n; i++)
        if (a->open[i] && r->blocks[i] >> channel & 1)
            return str_c(r->channels.text[i]);
    return STR_NONE;
}

static enum routing_why why_full(const struct router *r, const struct agent *a,
                                 const struct class *c, struct routing_candidate *out) {
    enum routing_why why = routing_agent_full(a, c);
    if (why == ROUTING_WHY_UNITS) {
        out->have = a->units;
        out->want = a->units_max;
    } else if (why == ROUTING_WHY_CHANNEL) {
        out->have = (int64_t)a->open[c->channel];
        out->want = a->channel_max[c->channel];
    } else if (why == ROUTING_WHY_BLOCKED) {
        out->thing = blocking(r, a, c->channel);
    }
    return why;
}

static enum routing_why why_tier(const struct router *r, const struct task *t,
                                 const struct member *m, struct routing_candidate *out) {
    int64_t open = m ? routing_queue_tier(m->queue, t, r->now_ms) : ROUTING_TIERS_MAX;
    if (!m || m->tier <= open)
        return ROUTING_WHY_NOT;
    out->have = m->tier;
    out->want = open;
    out->until_ms = t->entered_ms + (m->tier - 1) * m->queue->rule.tier_wait_ms;
    return ROUTING_WHY_TIER;
}

static enum routing_why why_not(const struct router *r, const struct task *t, const struct class *c,
                                const struct agent *a, const struct member *m,
                                struct routing_candidate *out) {
    if (routing_task_is_held_by(t, a))
        return ROUTING_WHY_HOLDER;
    const struct need *lack = routing_agent_lacks(a, c);
    if (a->known && lack) {
        out->thing = str_c(t->needs[lack - c->needs].skill);
        out->have = routing_agent_level(a, lack->skill);
        out->want = lack->min;
        return ROUTING_WHY_SKILL;
    }
    enum routing_why why = routing_agent_absent(a);
    if (why != ROUTING_WHY_NOT)
        return why;
    out->until_ms = routing_task_excluded_until_ms(t, a, r->now_ms);
    if (out->until_ms)
        return ROUTING_WHY_EXCLUDED;
    if (a->wrapping > 0) {
        out->until_ms = wrapup_until_ms(a);
        return ROUTING_WHY_WRAPUP;
    }
    why = why_full(r, a, c, out);
    return why == ROUTING_WHY_NOT ? why_tier(r, t, m, out) : why;
}

static struct routing_candidate candidate(const struct router *r, const struct task *t,
                                          const struct class *c, const struct agent *a,
                                          const struct member *m) {
    struct routing_candidate one = {.agent = str_c(a->id),
                                    .units = a->units,
                                    .units_max = a->units_max,
                                    .idle_since_ms = a->idle_since_ms,
                                    .tier = m ? m->tier : 0,
                                    .skill_sum = -routing_best_skill_cost(a, c),
                                    .skill_spare = routing_enough_skill_cost(a, c),
                                    .turn = m ? m->turn : 0,
                                    .queue = m ? str_c(m->queue->id) : STR_NONE,
                                    .agent_at = a,
                                    .member_at = m};
    one.why = why_not(r, t, c, a, m, &one);
    return one;
}

/* ---- all of them ---- */

/* Members of the task's own queue before those of added ones, then as they are asked. */
static bool asked_before(const struct routing_candidate *x, const struct routing_candidate *y,
                         const struct class *c) {
    const struct member *a = x->member_at, *b = y->member_at;
    if (!a || !b || a->queue != b->queue)
        return a && (!b || (a->queue == c->queue && b->queue != c->queue));
    return routing_ready_before(c, a, b);
}

/* Who has it, the best, the others who could by the strategy; then by reason. */
static bool stands_before(const struct routing_candidate *x, const struct routing_candidate *y,
                          const struct class *c) {
    if (x->why != y->why) {
        bool x_has = x->why == ROUTING_WHY_HOLDER, y_has = y->why == ROUTING_WHY_HOLDER;
        return x_has != y_has ? x_has : x->why < y->why;
    }
    return x->why == ROUTING_WHY_NOT ? asked_before(x, y, c)
                                     : routing_agent_id_before(x->agent_at, y->agent_at);
}

static void sort(struct routing_candidate *list, struct routing_candidate *spare, size_t n,
                 const struct class *c) {
    size_t half = n / 2, left = 0, right = half, at = 0;
    if (n < 2)
        return;
    sort(list, spare, half, c);
    sort(list + half, spare, n - half, c);
    while (left < half || right < n)
        spare[at++] = right == n || (left < half && !stands_before(&list[right], &list[left], c))
                          ? list[left++]
                          : list[right++];
    memcpy(list, spare, n * sizeof *list);
}

static bool listed(const struct routing_explained *e, const struct agent *a) {
    for (size_t i = 0; i < e->candidates_n; i++)
        if (e->candidates[i].agent_at == a)
            return true;
    return false;
}

static void list_one(const struct router *r, const struct task *t, const struct class *c,
                     const struct agent *a, const struct member *m, struct routing_explained *e) {
    if (a && !listed(e, a))
        e->candidates[e->candidates_n++] = candidate(r, t, c, a, m);
}

static size_t members_of(const struct queue *q) {
    size_t n = 0;
    list_each (l, &q->members)
        n++;
    return n;
}

/* Members of its queues, and who need not be one: who has it, who is waited for. */
static void ask_candidates(const struct router *r, const struct task *t, const struct class *c,
                           struct routing_explained *e) {
    const struct queue *queues[1 + ROUTING_ADDED_MAX] = {t->queue};
    size_t n = t->holds_n + 1;
    for (size_t i = 0; i < t->added_n; i++)
        queues[1 + i] = t->added[i];
    for (size_t i = 0; i <= t->added_n; i++)
        n += members_of(queues[i]);
    e->candidates = mem_new((n + 1) * sizeof *e->candidates);
    for (size_t i = 0; i <= t->added_n; i++)
        list_each (l, &queues[i]->members) {
            const struct member *m = container_of(l, struct member, of_queue);
            list_one(r, t, c, m->agent, m, e);
        }
    for (size_t i = 0; i < t->holds_n; i++)
        list_one(r, t, c, t->holds[i].agent, NULL, e);
    list_one(r, t, c, t->wish, NULL, e);
    struct routing_candidate *spare = mem_new((n + 1) * sizeof *spare);
    sort(e->candidates, spare, e->candidates_n, c);
    free(spare);
    for (size_t i = t->holds_n == 0; i < e->candidates_n; i++)
        if (e->candidates[i].why == ROUTING_WHY_NOT)
            e->candidates[i].why = ROUTING_WHY_STRATEGY;
    for (size_t i = 0; i < e->candidates_n; i++)
        e->count[e->candidates[i].why]++;
    e->strategy = t->queue->rule.strategy;
}

/* ---- a task that waits ---- */

/* As it stands, or would stand in its pool. */
static struct stand stand_of(struct router *r, const struct task *t) {
    struct stand s = t->home;
    routing_stand_rank(r, &s);
    return s;
}

static void ask_place(struct router *r, const struct task *t, struct routing_explained *e) {
    struct stand mine = stand_of(r, t), nearest = {.task = NULL};
    list_each (l, &r->all) {
        const struct task *o = container_of(l, struct task, of_router);
        if (o == t || o->queue != t->queue || o->state != ROUTING_WAITING)
            continue;
        struct stand other = stand_of(r, o);
        if (!routing_stand_before(r, &other, &mine))
            continue;
        if (e->order == ROUTING_STRICT && routing_task_worth(o, o->queue, r->now_ms) <= e->worth)
            e->older++;
        else
            e->urgent++;
        if (!nearest.task || routing_stand_before(r, &nearest, &other))
            nearest = other;
    }
    if (nearest.task)
        e->next = str_c(nearest.task->id);
}

static void ask_steps(const struct task *t, struct routing_explained *e) {
    size_t step = 0;
    e->step_ms = routing_step_next_ms(t, &step);
    e->step = e->step_ms == INT64_MAX ? 0 : step + 1;
    for (size_t i = 0; i < t->queue->rule.steps_n; i++)
        e->steps_taken += t->steps >> i & 1;
    for (size_t i = 0; i < t->added_n; i++)
        e->added[e->added_n++] = str_c(t->added[i]->id);
}

static void ask_wish(const struct router *r, const struct task *t, struct routing_explained *e) {
    if (!t->wish || !routing_wish_holds(r, t))
        return;
    e->wish_agent = str_c(t->wish->id);
    e->wish_until_ms = routing_wish_until_ms(r, t);
    e->wish_key = t->wish_kind == ROUTING_WISH_KEY || t->wish_kind == ROUTING_WISH_KEY_HARD;
    e->wish_deputy = t->wish_deputy;
}

static void ask_waiting(struct router *r, const struct task *t, struct routing_explained *e) {
    e->waiting = true;
    e->under_way = t->pending;
    e->put_off_ms = t->put_off_ms > r->now_ms ? t->put_off_ms : 0;
    ask_wish(r, t, e);
    e->all_refused = routing_match_all_refused(r, t);
    /* A router that has just begun has not armed it: then the first holdoff to end is the latest.
     */
    e->ask_again_ms = t->timer.place ? t->timer.due_ms : INT64_MAX;
    for (size_t i = 0; i < t->excluded_n; i++)
        if (t->excluded[i].until_ms < e->ask_again_ms)
            e->ask_again_ms = t->excluded[i].until_ms;
    e->order = t->queue->rule.order;
    e->worth = routing_task_worth(t, t->queue, r->now_ms);
    e->priority = t->priority;
    struct stand mine = stand_of(r, t);
    e->slack_ms = routing_stand_slack_ms(r, &mine);
    ask_place(r, t, e);
    ask_steps(t, e);
}

bool routing_explain(struct router *r, struct str id, struct routing_explained *out) {
    struct task *t = map_get(&r->tasks, id);
    *out = (struct routing_explained){.now_ms = r->now_ms, .slack_ms = INT64_MAX};
    if (!t)
        return false;
    /* Only who waits has a class; for the others it is looked up and given back. */
    struct class *c = routing_class_take(r, t, t->queue, NULL);
    out->queue = str_c(t->queue->id);
    out->channel = str_c(r->channels.text[t->channel]);
    out->weight = t->weight;
    out->queue_known = t->queue->known;
    out->paused = t->queue->known && !routing_queue_offers(t->queue);
    ask_candidates(r, t, c, out);
    if (t->state == ROUTING_WAITING)
        ask_waiting(r, t, out);
    routing_class_release(c);
    return true;
}

void routing_explained_clear(struct routing_explained *e) {
    free(e->candidates);
    *e = (struct routing_explained){0};
}
