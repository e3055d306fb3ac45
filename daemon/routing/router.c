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
    link_init(&r->all);
    link_init(&r->everybody);
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
        routing_task_leave(r, t);
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

void router_set_hard_wait(struct router *r, int64_t hard_wait_ms) {
    r->hard_wait_ms = hard_wait_ms;
}

/* ---- decisions ---- */

static void offer_reason(const struct match *m, char out[ROUTING_REASON_MAX]) {
    const struct task *t = m->task;
    const struct queue *q = m->by->class->queue;
    if (t->place == PLACE_HELD) {
        snprintf(out, ROUTING_REASON_MAX, "%s", routing_wish_word(t));
        return;
    }
    size_t able = m->to.able;
    int n = snprintf(out, ROUTING_REASON_MAX, "%s%s of %s%zu able",
                     t->ask_again ? "asked again after all had refused: " : "",
                     routing_queue_strategy(q)->word, m->to.more ? "more than " : "",
                     m->to.more ? able - 1 : able);
    if (q != t->queue && n < ROUTING_REASON_MAX)
        n += snprintf(out + n, ROUTING_REASON_MAX - (size_t)n, " in %s", q->id);
    if (m->to.n > 1 && n < ROUTING_REASON_MAX)
        snprintf(out + n, ROUTING_REASON_MAX - (size_t)n, ", to %zu", m->to.n);
}

static void decide_offer(struct router *r, const struct match *m, struct routing_decision *out) {
    struct task *t = m->task;
    struct member *chosen = m->to.items[0].member;
    const struct routing_queue *rule = &t->queue->rule;
    routing_decision_of(t, ROUTING_OFFER, out);
    out->expires_ms =
        r->now_ms + (t->is_call && rule->call_offer_ms > 0 ? rule->call_offer_ms : rule->offer_ms);
    out->weight = t->weight;
    out->ask_again = t->ask_again;
    out->able = m->to.able;
    offer_reason(m, out->reason);
    if (chosen && routing_queue_strategy(chosen->queue)->turns) {
        routing_agent_out(chosen->agent);
        routing_queue_turn(chosen);
        routing_agent_in(r, chosen->agent, false);
        out->turn_queue = str_c(chosen->queue->id);
        out->turn = chosen->turn;
    }
    routing_task_suppose(r, t, &m->to, out->expires_ms);
    out->to = t->offered;
    out->to_n = t->holds_n;
    out->agent = t->offered[0].agent;
}

static bool decide_rest(struct router *r, struct routing_decision *out) {
    for (struct link *l; (l = list_first(&r->resting));) {
        struct agent *a = container_of(l, struct agent, resting);
        bool drained = a->presence == ROUTING_DRAINING && a->work_n == 0;
        link_remove(l);
        if (!drained && a->presence != ROUTING_AVAILABLE)
            continue;
        *out = (struct routing_decision){.what = drained ? ROUTING_LEAVE : ROUTING_REST,
                                         .agent = str_c(a->id)};
        snprintf(out->reason, sizeof out->reason, "%s", drained ? "drained" : "missed");
        routing_agent_set(r, a, drained ? ROUTING_OFFLINE : ROUTING_AWAY);
        return true;
    }
    return false;
}

/* All are in their pools before any is tried: the best of several that came at once goes first. */
static bool try_next(struct router *r, struct routing_decision *out) {
    struct match m;
    struct task *t = container_of(list_first(&r->untried), struct task, fresh);
    link_remove(&t->fresh);
    if (!routing_match_from_task(r, t, &m)) {
        if (routing_wish_is_over(r, t)) {
            routing_wish_next(t);
            routing_task_refresh(r, t);
        }
        return false;
    }
    if (m.task != t) /* a better one took that agent: there may be another for this */
        list_push(&r->untried, &t->fresh);
    decide_offer(r, &m, out);
    return true;
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

/* Whoever became able is served before those that just came are tried: then a class for which
 * nobody was found has nobody. */
static bool decide_match(struct router *r, struct routing_decision *out) {
    for (;;) {
        for (struct link *l; (l = list_first(&r->fresh));)
            routing_task_settle(r, container_of(l, struct task, fresh));
        if (decide_dirty(r, out))
            return true;
        if (link_alone(&r->untried))
            return false;
        if (try_next(r, out))
            return true;
    }
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
        if (decide_rest(r, &out[n]) || decide_due(r, &out[n]) || decide_match(r, &out[n]))
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
