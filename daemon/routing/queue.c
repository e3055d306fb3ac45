/* routing/queue.c - queues: the table of strategies, tiers, rings, and what the operator changes.
 */
#include <stdlib.h>
#include <string.h>

#include "routing/router_priv.h"

/* A strategy is the order of the ready members of a tier. In the order of enum routing_strategy. */
const struct strategy routing_strategies[] = {
    {"longest-idle", "longest idle", routing_longest_idle_before, NULL, false, false},
    {"least-load", "least load", routing_least_load_before, NULL, false, false},
    {"round-robin", "round robin", routing_round_robin_before, NULL, true, true},
    {"weighted", "by weight", routing_weighted_before, NULL, false, true},
    {"broadcast", "broadcast", routing_longest_idle_before, NULL, false, false},
    {"best-skill", "best skill", routing_longest_idle_before, routing_best_skill_cost, false,
     false},
    {"enough-skill", "enough skill", routing_longest_idle_before, routing_enough_skill_cost, false,
     false},
    {NULL, NULL, NULL, NULL, false, false},
};

const char *router_strategy(size_t i) {
    return i < COUNT(routing_strategies) ? routing_strategies[i].name : NULL;
}

const char *router_order(size_t i) {
    static const char *const names[] = {"strict", "score", "slack", "lifo"};
    return i < COUNT(names) ? names[i] : NULL;
}

const struct strategy *routing_queue_strategy(const struct queue *q) {
    size_t row = (size_t)q->rule.strategy;
    return &routing_strategies[row < ROUTING_STRATEGIES ? row : 0];
}

static bool member_before(const struct tree_node *x, const struct tree_node *y) {
    const struct member *a = container_of(x, const struct member, node),
                        *b = container_of(y, const struct member, node);
    if (a->tier != b->tier)
        return a->tier < b->tier;
    return routing_queue_strategy(a->queue)->before(a, b);
}

struct queue *routing_queue_get(struct router *r, struct str id) {
    struct queue *q = map_get(&r->queues, id);
    if (q)
        return q;
    q = NEW(struct queue);
    q->id = mem_dup(id.p, id.n);
    routing_tree_init(&q->ready, member_before, routing_ready_sum);
    routing_heads_init(q);
    link_init(&q->members);
    link_init(&q->classes);
    q->slack_at_ms = INT64_MIN;
    map_put(&r->queues, str_make(q->id, id.n), q);
    return q;
}

void routing_queue_free(struct queue *q) {
    if (!q)
        return;
    map_clear(&q->class_by_key);
    free(q->steps);
    free(q->id);
    free(q);
}

bool routing_queue_offers(const struct queue *q) {
    return q->known && !q->rule.paused;
}

/* ---- tiers ---- */

/* Who stands in a tier of which nobody is logged in is waited for by nobody. */
int64_t routing_queue_tier(const struct queue *q, const struct task *t, int64_t now_ms) {
    int64_t wait = q->rule.tier_wait_ms, waited = now_ms - t->entered_ms, tier = ROUTING_TIERS_MAX;
    bool anybody = false;
    if (wait <= 0)
        return ROUTING_TIERS_MAX;
    if (waited < wait * ROUTING_TIERS_MAX)
        tier = 1 + (waited > 0 ? waited / wait : 0);
    for (int64_t i = 1; i <= tier; i++)
        anybody = anybody || q->present[i];
    while (!anybody && tier < ROUTING_TIERS_MAX)
        anybody = q->present[++tier];
    return tier;
}

int64_t routing_queue_next_tier_ms(const struct queue *q, const struct task *t, int64_t now_ms) {
    int64_t wait = q->rule.tier_wait_ms;
    if (wait <= 0)
        return INT64_MAX;
    for (int64_t i = 2; i <= ROUTING_TIERS_MAX; i++)
        if (q->present[i] && t->entered_ms + (i - 1) * wait > now_ms)
            return t->entered_ms + (i - 1) * wait;
    return INT64_MAX;
}

/* The last one of a tier has gone: the next may be open for all that wait. */
static void ask_others(struct router *r, struct queue *q, int64_t tier) {
    list_each (l, &q->members) {
        struct member *m = container_of(l, struct member, of_queue);
        if (m->tier > tier && m->agent->ready && link_alone(&m->agent->dirty))
            list_push(&r->dirty, &m->agent->dirty);
    }
}

/* Nobody is available any more: steps that need not wait for that are due. Or the first of a tier
 * has come: its opening, for which nothing was due as long as it was empty, is now waited for. */
static void arm_all(struct router *r, struct queue *q) {
    list_each (l, &r->all) {
        struct task *t = container_of(l, struct task, of_router);
        if (t->queue == q && t->state == ROUTING_WAITING)
            routing_task_arm_sooner(r, t);
    }
}

void routing_queue_presence(struct router *r, struct member *m, int here, int present) {
    struct queue *q = m->queue;
    q->here += (size_t)here;
    q->present[m->tier] += (size_t)present;
    if (present < 0 && q->rule.tier_wait_ms > 0 && !q->present[m->tier])
        ask_others(r, q, m->tier);
    bool skips = false, first = present > 0 && q->present[m->tier] == 1;
    for (size_t i = 0; i < q->rule.steps_n; i++)
        skips = skips || q->steps[i].skip_if_none_available;
    if ((here < 0 && !q->here && skips) || (first && q->rule.tier_wait_ms > 0))
        arm_all(r, q);
}

/* ---- rings ---- */

enum { TURN_SCALE = 1000000 };

static int64_t share(const struct member *m) {
    return TURN_SCALE / (m->weight > 0 ? m->weight : 1);
}

/* At the end of the ring. By weight the first turn comes after half a share, so that those with
 * equal weights do not stand behind one with a larger one for a whole round. */
void routing_queue_join(struct queue *q, struct member *m) {
    m->position = ++q->joined;
    m->turn = routing_queue_strategy(q)->ring ? 0 : q->turn + share(m) / 2;
}

void routing_queue_turn(struct member *m) {
    struct queue *q = m->queue;
    if (routing_queue_strategy(q)->ring) {
        m->turn = ++q->turn;
        q->cursor = m->position;
        return;
    }
    if (m->turn < q->turn)
        m->turn = q->turn;
    q->turn = m->turn; /* the row has come so far */
    m->turn += share(m);
}

void router_turn(struct router *r, struct str queue, struct str agent, int64_t turn) {
    struct queue *q = map_get(&r->queues, queue);
    struct agent *a = map_get(&r->agents, agent);
    struct member *m = q && a ? (struct member *)routing_agent_member(a, q) : NULL;
    if (!m)
        return;
    routing_agent_out(a);
    m->turn = turn;
    if (routing_queue_strategy(q)->ring && turn >= q->turn) {
        q->turn = turn;
        q->cursor = m->position;
    } else if (!routing_queue_strategy(q)->ring && turn - share(m) > q->turn) {
        q->turn = turn - share(m);
    }
    routing_agent_in(r, a, true);
}

/* ---- what the operator says ---- */

static void take_rule(struct queue *q, const struct routing_queue *rule) {
    struct routing_step *steps = mem_new((rule->steps_n + 1) * sizeof *steps);
    size_t n = rule->steps_n < ROUTING_STEPS_MAX ? rule->steps_n : ROUTING_STEPS_MAX;
    if (n)
        memcpy(steps, rule->steps, n * sizeof *steps);
    free(q->steps);
    q->steps = steps;
    q->rule = *rule;
    q->rule.steps = steps;
    q->rule.steps_n = n;
    q->rule.id = STR_NONE;
    q->slack_at_ms = INT64_MIN;
}

static void members_out(struct queue *q) {
    list_each (l, &q->members)
        routing_agent_out(container_of(l, struct member, of_queue)->agent);
}

static void members_in(struct router *r, struct queue *q) {
    list_each (l, &q->members)
        routing_agent_in(r, container_of(l, struct member, of_queue)->agent, true);
}

static bool stands_in(const struct task *t, const struct queue *q) {
    bool in = t->queue == q;
    for (size_t i = 0; i < t->added_n; i++)
        in = in || t->added[i] == q;
    return in && t->state == ROUTING_WAITING;
}

/* Members stand in the tree by its strategy, tasks in pools by its order: all are taken out while
 * it changes, and asked again afterwards, for another rule may allow what the old one did not. */
void router_set_queue(struct router *r, const struct routing_queue *news, int64_t now_ms) {
    r->now_ms = now_ms;
    if (!r->base_ms)
        r->base_ms = r->began_ms = now_ms;
    struct queue *q = routing_queue_get(r, news->id);
    members_out(q);
    list_each (l, &r->all) {
        struct task *t = container_of(l, struct task, of_router);
        if (stands_in(t, q))
            routing_task_leave(r, t);
    }
    q->known = true;
    take_rule(q, news);
    list_each (l, &r->all) {
        struct task *t = container_of(l, struct task, of_router);
        if (stands_in(t, q))
            routing_task_enter(r, t);
    }
    members_in(r, q);
}

void router_drop_queue(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct queue *q = map_get(&r->queues, id);
    if (!q)
        return;
    q->known = false;
    q->rule.calendar = NULL;
    q->slack_at_ms = INT64_MIN;
}

void router_pause_queue(struct router *r, struct str id, bool paused, int64_t now_ms) {
    r->now_ms = now_ms;
    struct queue *q = map_get(&r->queues, id);
    if (!q || !q->known || q->rule.paused == paused)
        return;
    members_out(q);
    q->rule.paused = paused;
    members_in(r, q);
}
