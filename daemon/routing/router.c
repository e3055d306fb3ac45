/* routing/router.c - the turn: settle what is fresh, serve who became abler, then look at the
 * clock. */
#include "routing/router.h"

#include <stdio.h>
#include <stdlib.h>

#include "routing/router_priv.h"

size_t routing_names_number(struct names *n, struct str name, size_t max) {
    void *number = map_get(&n->map, name);
    if (number)
        return (size_t)(uintptr_t)number - 1;
    if (n->n + 1 >= max)
        return max - 1;
    n->text = mem_grow(n->text, (n->n + 1) * sizeof *n->text);
    n->text[n->n] = mem_dup(name.p, name.n);
    map_put(&n->map, str_make(n->text[n->n], name.n), (void *)(uintptr_t)(n->n + 1));
    return n->n++;
}

static void names_clear(struct names *n) {
    for (size_t i = 0; i < n->n; i++)
        free(n->text[i]);
    free(n->text);
    map_clear(&n->map);
}

struct router *router_new(void) {
    struct router *r = NEW(struct router);
    link_init(&r->fresh);
    link_init(&r->untried);
    link_init(&r->dirty);
    link_init(&r->resting);
    return r;
}

void router_free(struct router *r) {
    if (!r)
        return;
    size_t at = 0;
    for (struct task *t; (t = map_next(&r->tasks, &at));) {
        routing_class_release(t->class);
        routing_task_free(t);
    }
    at = 0;
    for (struct agent *a; (a = map_next(&r->agents, &at));)
        routing_agent_free(a);
    at = 0;
    for (struct queue *q; (q = map_next(&r->queues, &at));)
        routing_queue_free(q);
    map_clear(&r->tasks);
    map_clear(&r->agents);
    map_clear(&r->queues);
    names_clear(&r->skills);
    names_clear(&r->channels);
    routing_timers_clear(&r->timers);
    free(r);
}

/* Members stand in the tree by its strategy: all are taken out while it changes, and asked again
 * afterwards, for another rule may allow what the old one did not. */
static void queue_change(struct router *r, struct queue *q, const struct routing_queue *rule) {
    list_each (l, &q->members)
        routing_agent_out(container_of(l, struct member, of_queue)->agent);
    q->known = rule != NULL;
    if (rule) {
        q->rule = *rule;
        q->rule.id = STR_NONE;
    }
    list_each (l, &q->members)
        routing_agent_in(r, container_of(l, struct member, of_queue)->agent, true);
}

void router_set_queue(struct router *r, const struct routing_queue *news, int64_t now_ms) {
    r->now_ms = now_ms;
    queue_change(r, routing_queue_get(r, news->id), news);
}

void router_drop_queue(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct queue *q = map_get(&r->queues, id);
    if (q)
        queue_change(r, q, NULL);
}

void router_pause_queue(struct router *r, struct str id, bool paused, int64_t now_ms) {
    r->now_ms = now_ms;
    struct queue *q = map_get(&r->queues, id);
    if (!q || !q->known || q->rule.paused == paused)
        return;
    struct routing_queue rule = q->rule;
    rule.paused = paused;
    queue_change(r, q, &rule);
}

/* ---- decisions ---- */

static void offer_reason(const struct match *m, const char *word, char out[ROUTING_REASON_MAX]) {
    const struct task *t = m->task;
    if (t->place == PLACE_HELD) {
        static const char *const said[] = {
            [ROUTING_WISH_NONE] = "",
            [ROUTING_WISH_LAST] = "sticky: last agent",
            [ROUTING_WISH_TRANSFER] = "transferred to this agent",
            [ROUTING_WISH_SNOOZE] = "snoozed by this agent",
        };
        snprintf(out, ROUTING_REASON_MAX, "%s", said[t->wish_kind]);
        return;
    }
    snprintf(out, ROUTING_REASON_MAX, "%s%s of %s%zu able",
             t->ask_again ? "asked again after all had refused: " : "", word,
             m->able > ABLE_COUNT_MAX ? "more than " : "",
             m->able > ABLE_COUNT_MAX ? (size_t)ABLE_COUNT_MAX : m->able);
}

static void decide_offer(struct router *r, const struct match *m, struct routing_decision *out) {
    struct task *t = m->task;
    struct agent *a = m->agent;
    const struct routing_queue *rule = &t->queue->rule;
    t->offered = (struct routing_offered){str_c(a->id), a->units_max, a->channel_max[t->channel]};
    *out = (struct routing_decision){
        .what = ROUTING_OFFER,
        .task = str_c(t->id),
        .agent = str_c(a->id),
        .rev = t->rev,
        .offer = t->offer,
        .expires_ms = r->now_ms + (t->is_call && rule->call_offer_ms > 0 ? rule->call_offer_ms
                                                                         : rule->offer_ms),
        .weight = t->weight,
        .to = &t->offered,
        .to_n = 1,
        .ask_again = t->ask_again,
        .able = m->able,
    };
    offer_reason(m, routing_queue_strategy(t->queue)->word, out->reason);
    routing_task_suppose(r, t, a, out->expires_ms);
}

static bool decide_rest(struct router *r, struct routing_decision *out) {
    struct link *l = list_first(&r->resting);
    if (!l)
        return false;
    struct agent *a = container_of(l, struct agent, resting);
    link_remove(l);
    *out = (struct routing_decision){.what = ROUTING_REST, .agent = str_c(a->id)};
    snprintf(out->reason, sizeof out->reason, "missed");
    routing_agent_rest(r, a);
    return true;
}

/* All are in their pools before any is tried: the best of several that came at once goes first. */
static bool try_next(struct router *r, struct routing_decision *out) {
    struct match m;
    struct task *t = container_of(list_first(&r->untried), struct task, fresh);
    link_remove(&t->fresh);
    if (!routing_match_from_task(r, t, &m)) {
        if (routing_task_waited_enough(r, t))
            routing_task_refresh(r, t, true);
        return false;
    }
    if (m.task != t) /* a better one took that agent: there may be another for this */
        list_push(&r->untried, &t->fresh);
    decide_offer(r, &m, out);
    return true;
}

static bool decide_fresh(struct router *r, struct routing_decision *out) {
    for (;;) {
        for (struct link *l; (l = list_first(&r->fresh));)
            routing_task_settle(r, container_of(l, struct task, fresh));
        if (link_alone(&r->untried))
            return false;
        if (try_next(r, out))
            return true;
    }
}

static bool decide_dirty(struct router *r, struct routing_decision *out) {
    for (struct link *l; (l = list_first(&r->dirty));) {
        struct match m;
        if (routing_match_from_agent(r, container_of(l, struct agent, dirty), &m)) {
            decide_offer(r, &m, out);
            return true;
        }
        link_remove(l);
    }
    return false;
}

static bool decide_due(struct router *r, struct routing_decision *out) {
    for (struct timer *it; (it = routing_timers_take(&r->timers, r->now_ms));)
        if (routing_task_due(r, container_of(it, struct task, timer), out))
            return true;
    return false;
}

size_t router_decide(struct router *r, int64_t now_ms, struct routing_decision *out, size_t max) {
    r->now_ms = now_ms;
    size_t n = 0;
    while (n < max) {
        if (decide_rest(r, &out[n]) || decide_due(r, &out[n]) || decide_fresh(r, &out[n]) ||
            decide_dirty(r, &out[n]))
            n++;
        else if (routing_timers_next_ms(&r->timers) >
                 now_ms) /* settling may have armed one that is due */
            break;
    }
    return n;
}

int64_t router_next_ms(const struct router *r) {
    if (!link_alone(&r->fresh) || !link_alone(&r->untried) || !link_alone(&r->dirty) ||
        !link_alone(&r->resting))
        return r->now_ms;
    return routing_timers_next_ms(&r->timers);
}

size_t router_tasks(const struct router *r) {
    return r->tasks.n;
}
