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
        const struct task *t = container_of(l, struct task, of_agent);
        if (t->state == ROUTING_WRAPUP && t->until_ms > until)
            until = t->until_ms;
    }
    return until;
}

static enum routing_why why_full(const struct agent *a, const struct class *c,
                                 struct routing_candidate *out) {
    enum routing_why why = routing_agent_full(a, c);
    if (why == ROUTING_WHY_UNITS) {
        out->have = a->units;
        out->want = a->units_max;
    } else if (why == ROUTING_WHY_CHANNEL) {
        out->have = (int64_t)a->open[c->channel];
        out->want = a->channel_max[c->channel];
    }
    return why;
}

static enum routing_why why_not(const struct router *r, const struct task *t, const struct class *c,
                                const struct agent *a, struct routing_candidate *out) {
    if (a == t->agent)
        return ROUTING_WHY_HOLDER;
    const struct need *lack = routing_agent_lacks(a, c);
    if (a->known && lack) {
        out->skill = str_c(t->needs[lack - c->needs].skill);
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
    return why_full(a, c, out);
}

static struct routing_candidate candidate(const struct router *r, const struct task *t,
                                          const struct class *c, const struct agent *a) {
    struct routing_candidate one = {.agent = str_c(a->id),
                                    .units = a->units,
                                    .units_max = a->units_max,
                                    .idle_since_ms = a->idle_since_ms,
                                    .order = a};
    one.why = why_not(r, t, c, a, &one);
    return one;
}

/* ---- all of them ---- */

/* Who has it, the best, the others who could by the strategy; then by reason. */
static bool stands_before(const struct routing_candidate *x, const struct routing_candidate *y,
                          const struct strategy *s) {
    if (x->why != y->why) {
        bool x_has = x->why == ROUTING_WHY_HOLDER, y_has = y->why == ROUTING_WHY_HOLDER;
        return x_has != y_has ? x_has : x->why < y->why;
    }
    return x->why == ROUTING_WHY_NOT ? s->before(x->order, y->order)
                                     : routing_agent_id_before(x->order, y->order);
}

static void sort(struct routing_candidate *list, struct routing_candidate *spare, size_t n,
                 const struct strategy *s) {
    size_t half = n / 2, left = 0, right = half, at = 0;
    if (n < 2)
        return;
    sort(list, spare, half, s);
    sort(list + half, spare, n - half, s);
    while (left < half || right < n)
        spare[at++] = right == n || (left < half && !stands_before(&list[right], &list[left], s))
                          ? list[left++]
                          : list[right++];
    memcpy(list, spare, n * sizeof *list);
}

static bool listed(const struct routing_explained *e, const struct agent *a) {
    for (size_t i = 0; i < e->candidates_n; i++)
        if (e->candidates[i].order == a)
            return true;
    return false;
}

static void ask_candidates(const struct router *r, const struct task *t, const struct class *c,
                           struct routing_explained *e) {
    const struct strategy *s = routing_queue_strategy(t->queue);
    const struct agent *more[] = {t->agent, t->wish}; /* who need not be of the queue */
    size_t n = COUNT(more);
    list_each (l, &t->queue->members)
        n++;
    e->candidates = mem_new((n + 1) * sizeof *e->candidates);
    list_each (l, &t->queue->members)
        e->candidates[e->candidates_n++] =
            candidate(r, t, c, container_of(l, struct member, of_queue)->agent);
    for (size_t i = 0; i < COUNT(more); i++)
        if (more[i] && !listed(e, more[i]))
            e->candidates[e->candidates_n++] = candidate(r, t, c, more[i]);
    struct routing_candidate *spare = mem_new((n + 1) * sizeof *spare);
    sort(e->candidates, spare, e->candidates_n, s);
    free(spare);
    bool held = t->agent != NULL;
    for (size_t i = !held; i < e->candidates_n; i++)
        if (e->candidates[i].why == ROUTING_WHY_NOT)
            e->candidates[i].why = ROUTING_WHY_STRATEGY;
    for (size_t i = 0; i < e->candidates_n; i++)
        e->count[e->candidates[i].why]++;
    e->strategy = s->word;
}

/* ---- a task that waits ---- */

static void ask_place(const struct router *r, const struct task *t, struct routing_explained *e) {
    const struct task *next = NULL;
    size_t at = 0;
    for (const struct task *o; (o = map_next(&r->tasks, &at));) {
        if (o == t || o->queue != t->queue || o->state != ROUTING_WAITING ||
            !routing_task_before(o, t, r->now_ms))
            continue;
        if (routing_task_worth(o, r->now_ms) > e->worth)
            e->urgent++;
        else
            e->older++;
        if (!next || routing_task_before(next, o, r->now_ms))
            next = o;
    }
    if (next)
        e->next = str_c(next->id);
}

static void ask_waiting(const struct router *r, const struct task *t, struct routing_explained *e) {
    e->waiting = true;
    e->under_way = t->pending;
    e->put_off_ms = t->put_off_ms > r->now_ms ? t->put_off_ms : 0;
    if (t->wish && routing_task_wish_holds(r, t)) {
        e->wish_agent = str_c(t->wish->id);
        e->wish_until_ms = routing_task_wish_until_ms(t);
    }
    e->all_refused = routing_match_all_refused(r, t);
    /* A router that has just begun has not armed it: then the first holdoff to end is the latest.
     */
    e->ask_again_ms = t->timer.place ? t->timer.due_ms : INT64_MAX;
    for (size_t i = 0; i < t->excluded_n; i++)
        if (t->excluded[i].until_ms < e->ask_again_ms)
            e->ask_again_ms = t->excluded[i].until_ms;
    e->worth = routing_task_worth(t, r->now_ms);
    e->priority = t->priority;
    ask_place(r, t, e);
}

bool routing_explain(struct router *r, struct str id, struct routing_explained *out) {
    struct task *t = map_get(&r->tasks, id);
    *out = (struct routing_explained){.now_ms = r->now_ms};
    if (!t)
        return false;
    /* Only who waits has a class; for the others it is looked up and given back. */
    struct class *c = routing_class_take(r, t);
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
