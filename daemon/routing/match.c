/* routing/match.c - which task for an agent, which agent for a task.
 *
 * Both ways lead to the same pair: from a task, its best agent is looked for; would that agent,
 * were he asked, rather have a better task, that one goes first. Tasks only get better on this way,
 * so it ends.
 */
#include "routing/router_priv.h"

enum { HOPS_MAX = 64 }; /* queues of different orders may be compared in a ring */

/* ---- the best task of an agent ---- */

struct choice {
    struct router *r;
    struct agent *a;
    const struct member *m; /* NULL: what waits for him alone */
    struct stand *best;
};

static bool may_have(const struct choice *x, const struct stand *s) {
    const struct task *t = s->task;
    return !routing_task_excludes(t, x->a, x->r->now_ms) &&
           (!x->m || x->m->tier <= routing_queue_tier(x->m->queue, t, x->r->now_ms));
}

/* The first of a pool that he may have, where it stands before the best so far. */
static void pool_best(struct choice *x, const struct pool *p) {
    for (struct stand *s = p->first; s;) {
        if (x->best && !routing_stand_before(x->r, s, x->best))
            return;
        if (may_have(x, s)) {
            x->best = s;
            return;
        }
        struct tree_node *next = routing_tree_after(&p->stands, &s->node);
        s = next ? container_of(next, struct stand, node) : NULL;
    }
}

static bool skip_head(void *ctx, const struct tree_node *n) {
    const struct choice *x = ctx;
    const struct pool *p = container_of(n, const struct pool, node);
    const struct ready_sum *can = &x->a->can;
    return p->least_weight > can->free || !(p->channels & can->channels) ||
           (p->skills & ~can->skills);
}

static bool visit_head(void *ctx, struct tree_node *n) {
    struct choice *x = ctx;
    struct pool *p = container_of(n, struct pool, node);
    if (x->best && !routing_stand_before(x->r, p->first, x->best))
        return false;
    if (!routing_agent_fits(x->a, p->class))
        return true;
    p->class->starved = false;
    pool_best(x, p);
    return true;
}

static struct stand *best_task(struct router *r, struct agent *a) {
    struct choice x = {.r = r, .a = a};
    if (!a->ready)
        return NULL;
    for (size_t i = 0; i < a->members_n; i++) {
        x.m = &a->members[i];
        /* The best bands first: of the others mostly the first head alone is looked at. */
        for (size_t band = BANDS; band-- > 0 && routing_queue_offers(x.m->queue);)
            routing_tree_walk(&x.m->queue->heads[band],
                              &(struct tree_walk){&x, skip_head, NULL, visit_head});
    }
    x.m = NULL;
    list_each (l, &a->held) {
        const struct class *c = container_of(l, struct class, of_queue);
        for (size_t band = 0; band < BANDS; band++)
            if (c->pools[band] && routing_queue_offers(c->queue) && routing_agent_fits(a, c))
                pool_best(&x, c->pools[band]);
    }
    return x.best;
}

/* ---- the best agents of a task ---- */

static size_t wanted(const struct queue *q) {
    int64_t to = q->rule.offer_to;
    if (to <= 0)
        to = q->rule.strategy == ROUTING_BROADCAST ? ROUTING_OFFERS_MAX : 1;
    return to < ROUTING_OFFERS_MAX ? (size_t)to : ROUTING_OFFERS_MAX;
}

static bool pick(struct router *r, struct task *t, struct stand *s, struct match *out) {
    struct class *c = s->class;
    if (!routing_queue_offers(c->queue) || c->starved)
        return false;
    out->by = s;
    out->to.n = out->to.able = 0;
    out->to.want = wanted(c->queue);
    out->to.fit = out->to.more = false;
    routing_ready_pick(r, t, c, &out->to);
    c->starved = !out->to.fit;
    return out->to.n > 0;
}

static bool pick_held(struct router *r, struct task *t, struct match *out) {
    struct agent *a = t->wish;
    if (!routing_queue_offers(t->queue) || !a->ready || !routing_agent_fits(a, t->held.class) ||
        routing_task_excludes(t, a, r->now_ms))
        return false;
    out->by = &t->held;
    out->to.items[0] = (struct pick){a, NULL};
    out->to.n = out->to.able = 1;
    out->to.more = false;
    return true;
}

/* Members of its own queue before those of queues that steps have added, in their order. */
static bool best_agents(struct router *r, struct task *t, struct match *out) {
    out->task = t;
    if (t->place == PLACE_HELD)
        return pick_held(r, t, out);
    if (t->place != PLACE_POOL)
        return false;
    if (pick(r, t, &t->home, out))
        return true;
    for (size_t i = 0; i < t->added_n; i++)
        if (pick(r, t, &t->more[i], out))
            return true;
    return false;
}

bool routing_match_from_task(struct router *r, struct task *t, struct match *out) {
    for (int hops = 0;; hops++) {
        if (!best_agents(r, t, out))
            return false;
        struct agent *a = out->to.items[0].agent;
        if (hops == HOPS_MAX || (link_alone(&a->dirty) && link_alone(&r->untried)))
            return true; /* nothing better waits for him */
        struct stand *better = best_task(r, a);
        if (!better || better->task == t || !routing_stand_before(r, better, out->by))
            return true;
        t = better->task;
    }
}

bool routing_match_from_agent(struct router *r, struct agent *a, struct match *out) {
    struct stand *s = best_task(r, a);
    return s && routing_match_from_task(r, s->task, out);
}

/* ---- nobody ---- */

static bool asks_refused(const struct router *r, const struct task *t, const struct queue *q,
                         bool *any) {
    list_each (l, &q->members) {
        const struct agent *a = container_of(l, struct member, of_queue)->agent;
        if (!routing_agent_here(a) || !routing_agent_skilled(a, t->home.class))
            continue;
        if (!routing_task_excludes(t, a, r->now_ms))
            return false;
        *any = true;
    }
    return true;
}

bool routing_match_all_refused(const struct router *r, const struct task *t) {
    bool any = false;
    if (!asks_refused(r, t, t->queue, &any))
        return false;
    for (size_t i = 0; i < t->added_n; i++)
        if (!asks_refused(r, t, t->added[i], &any))
            return false;
    return any;
}
