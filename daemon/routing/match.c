/* routing/match.c - which task for an agent, which agent for a task.
 *
 * Both ways lead to the same pair: from a task, its best agent is looked for; would that agent,
 * were he asked, rather have a better task, that one goes first. Tasks only get better on this way,
 * so it ends.
 */
#include "routing/router_priv.h"

static struct task *task_of(struct tree_node *n) {
    return container_of(n, struct task, node);
}

/* The best of a pool for an agent that may have its class (or each single task, when asked). */
static void pool_best(struct router *r, struct pool *p, const struct agent *a, bool ask_each,
                      struct task **best) {
    if (p->n == 0)
        return;
    for (size_t band = 0; band < BANDS; band++) {
        for (struct tree_node *n = routing_tree_first(&p->band[band]); n;
             n = routing_tree_after(&p->band[band], n)) {
            struct task *t = task_of(n);
            if (*best && !routing_task_before(t, *best, r->now_ms))
                break;
            if (ask_each && (!routing_agent_fits(a, t->class) || !routing_queue_offers(t->queue)))
                continue;
            if (!routing_task_excludes(t, a, r->now_ms)) {
                *best = t;
                break;
            }
        }
    }
}

static struct task *best_task(struct router *r, struct agent *a) {
    struct task *best = NULL;
    if (!a->ready)
        return NULL;
    for (size_t i = 0; i < a->members_n; i++) {
        struct queue *q = a->members[i].queue;
        if (!routing_queue_offers(q))
            continue;
        list_each (l, &q->classes) {
            struct class *c = container_of(l, struct class, of_queue);
            if (c->pool.n && routing_agent_fits(a, c))
                pool_best(r, &c->pool, a, false, &best);
        }
    }
    pool_best(r, &a->held, a, true, &best);
    return best;
}

static struct agent *best_agent(struct router *r, struct task *t, size_t *able) {
    struct queue *q = t->queue;
    *able = 0;
    if (!routing_queue_offers(q))
        return NULL;
    if (t->place == PLACE_HELD) {
        *able = 1;
        return t->wish->ready && routing_agent_fits(t->wish, t->class) ? t->wish : NULL;
    }
    if (t->class->starved_at == q->changes)
        return NULL;
    struct agent *best = NULL;
    size_t beyond = 0;
    for (struct tree_node *n = routing_tree_first(&q->ready); n && beyond < ABLE_COUNT_MAX;
         n = routing_tree_after(&q->ready, n)) {
        struct agent *a = container_of(n, struct member, node)->agent;
        beyond += best != NULL;
        if (!routing_agent_fits(a, t->class) || routing_task_excludes(t, a, r->now_ms))
            continue;
        (*able)++;
        if (!best)
            best = a;
    }
    if (!best && t->excluded_n == 0)
        t->class->starved_at = q->changes;
    return best;
}

bool routing_match_from_task(struct router *r, struct task *t, struct match *out) {
    for (;;) {
        size_t able;
        struct agent *a = best_agent(r, t, &able);
        if (!a)
            return false;
        *out = (struct match){.task = t, .agent = a, .able = able};
        if (link_alone(&a->dirty) &&
            link_alone(&r->untried)) /* then nothing better waits for him */
            return true;
        struct task *better = best_task(r, a);
        if (!better || better == t || !routing_task_before(better, t, r->now_ms))
            return true;
        t = better;
    }
}

bool routing_match_from_agent(struct router *r, struct agent *a, struct match *out) {
    struct task *t = best_task(r, a);
    return t && routing_match_from_task(r, t, out);
}

bool routing_match_all_refused(const struct router *r, const struct task *t) {
    bool any = false;
    list_each (l, &t->queue->members) {
        const struct agent *a = container_of(l, struct member, of_queue)->agent;
        if (!routing_agent_here(a) || !routing_agent_skilled(a, t->class))
            continue;
        if (!routing_task_excludes(t, a, r->now_ms))
            return false;
        any = true;
    }
    return any;
}
