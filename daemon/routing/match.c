/* routing/match.c - which task for an agent, which agent for a task.
 *
 * Both ways lead to the same pair: from a task, its best agent is looked for; would that agent,
 * were he asked, rather have a better task, that one goes first. Tasks only get better on this way,
 * so it ends.
 */
#include "routing/router_priv.h"

enum { HOPS_MAX = 16 }; /* queues of different orders may be compared in a ring */

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

/* Of one queue by its own order; of several the best of each are held against each other. Where
 * both go by the same order, what is worse than the best so far need not be looked at. */
static void queue_best(struct choice *x, const struct queue *q) {
    struct stand *so_far = x->best;
    const struct queue *of = so_far ? so_far->class->queue : q;
    if (!routing_queue_offers(q) || q->rule.weight < of->rule.weight)
        return;
    if (q->rule.weight != of->rule.weight || q->rule.order != of->rule.order)
        x->best = NULL;
    /* The best bands first: of the others mostly the first head alone is looked at. */
    for (size_t band = BANDS; band-- > 0;)
        routing_tree_walk(&q->heads[band], &(struct tree_walk){x, skip_head, NULL, visit_head});
    if (so_far && (!x->best || routing_stand_before(x->r, so_far, x->best)))
        x->best = so_far;
}

static void held_best(struct choice *x) {
    x->m = NULL;
    list_each (l, &x->a->held) {
        const struct class *c = container_of(l, struct class, of_queue);
        for (size_t band = 0; band < BANDS; band++)
            if (c->pools[band] && routing_queue_offers(c->queue) && routing_agent_fits(x->a, c))
                pool_best(x, c->pools[band]);
    }
}

static struct stand *best_task(struct router *r, struct agent *a) {
    struct choice x = {.r = r, .a = a};
    if (!a->ready)
        return NULL;
    for (size_t i = 0; i < a->members_n; i++) {
        x.m = &a->members[i];
        queue_best(&x, x.m->queue);
    }
    held_best(&x);
    return x.best;
}

/* What he would rather have than this: the best of all, or, where queues of different orders are
 * held against each other, the best of its own queue. NULL: nothing. */
static struct stand *better_task(struct router *r, struct agent *a, const struct stand *than) {
    struct stand *best = best_task(r, a);
    struct choice x = {.r = r, .a = a, .m = routing_agent_member(a, than->class->queue)};
    if (best && best->task != than->task && routing_stand_before(r, best, than))
        return best;
    if (x.m)
        queue_best(&x, x.m->queue);
    return x.best && x.best->task != than->task && routing_stand_before(r, x.best, than) ? x.best
                                                                                         : NULL;
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

/* Somebody is known who could have it, through whichever of its queues. */
static void look_again(struct task *t) {
    t->home.class->starved = false;
    for (size_t i = 0; i < t->added_n && t->place == PLACE_POOL; i++)
        t->more[i].class->starved = false;
}

bool routing_match_from_task(struct router *r, struct task *t, struct match *out) {
    for (int hops = 0;; hops++) {
        if (!best_agents(r, t, out))
            return false;
        struct agent *a = out->to.items[0].agent;
        if (hops == HOPS_MAX || (link_alone(&a->dirty) && link_alone(&r->untried)))
            return true; /* nothing better waits for him */
        struct stand *better = better_task(r, a, out->by);
        if (!better)
            return true;
        t = better->task;
        look_again(t);
    }
}

bool routing_match_from_agent(struct router *r, struct agent *a, struct match *out) {
    struct stand *s = best_task(r, a);
    if (!s)
        return false;
    look_again(s->task);
    return routing_match_from_task(r, s->task, out);
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
