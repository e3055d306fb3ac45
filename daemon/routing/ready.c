/* routing/ready.c - who of a queue's ready members may have a task, the best first.
 *
 * The members stand in the order of tier and strategy, so the first who fits is the best; where the
 * strategy weighs skills, all who fit in the lowest tier are compared. How many could have had it
 * is counted beside, up to a bound.
 */
#include <string.h>

#include "routing/router_priv.h"

/* ---- sums ---- */

static void sum_add(struct ready_sum *sum, const struct tree_node *branch) {
    const struct ready_sum *o = &container_of(branch, const struct member, node)->sum;
    if (o->free > sum->free)
        sum->free = o->free;
    sum->channels |= o->channels;
    sum->skills |= o->skills;
}

void routing_ready_sum(struct tree_node *n) {
    struct member *m = container_of(n, struct member, node);
    m->sum = m->agent->can;
    if (n->left)
        sum_add(&m->sum, n->left);
    if (n->right)
        sum_add(&m->sum, n->right);
}

/* ---- search ---- */

struct search {
    const struct router *r;
    const struct task *t;
    const struct class *c;
    struct picks *out;
    int64_t (*cost)(const struct agent *a, const struct class *c);
    int64_t costs[ROUTING_OFFERS_MAX];
    int64_t tier, tier_max; /* tier: of the ring that is walked, 0: no ring */
    int64_t after, until;   /* positions in the ring */
    size_t looks;
};

static bool skip(void *ctx, const struct tree_node *n) {
    const struct search *s = ctx;
    const struct ready_sum *sum = &container_of(n, const struct member, node)->sum;
    return sum->free < s->c->weight || !(sum->channels >> s->c->channel & 1) ||
           (s->c->skills & ~sum->skills);
}

/* Where he stands among those found: before whoever costs more, within a tier. */
static size_t place_of(const struct search *s, const struct member *m, int64_t cost) {
    const struct picks *out = s->out;
    size_t at = out->n;
    while (at > 0 && s->cost && out->items[at - 1].member->tier == m->tier &&
           s->costs[at - 1] > cost)
        at--;
    return at;
}

static void keep(struct search *s, struct member *m) {
    struct picks *out = s->out;
    int64_t cost = s->cost ? s->cost(m->agent, s->c) : 0;
    size_t at = place_of(s, m, cost);
    out->able++;
    if (at >= out->want)
        return;
    if (out->n < out->want)
        out->n++;
    memmove(&out->items[at + 1], &out->items[at], (out->n - 1 - at) * sizeof *out->items);
    memmove(&s->costs[at + 1], &s->costs[at], (out->n - 1 - at) * sizeof *s->costs);
    out->items[at] = (struct pick){m->agent, m};
    s->costs[at] = cost;
}

/* Those who are to have it are known, and the count of the others is long enough. */
static bool enough(struct search *s, const struct member *m) {
    struct picks *out = s->out;
    if (out->n < out->want || (s->cost && out->items[out->n - 1].member->tier == m->tier))
        return false;
    out->more = out->able > ABLE_COUNT_MAX || ++s->looks > LOOKS_MAX;
    return out->more;
}

static bool visit(void *ctx, struct tree_node *n) {
    struct search *s = ctx;
    struct member *m = container_of(n, struct member, node);
    if (s->tier && (m->tier > s->tier || m->position > s->until))
        return false;
    if (enough(s, m))
        return false;
    if (!routing_agent_fits(m->agent, s->c))
        return true;
    s->out->fit = true;
    if (m->tier > s->tier_max)
        return false;
    if (!routing_task_excludes(s->t, m->agent, s->r->now_ms))
        keep(s, m);
    return true;
}

static bool passed(void *ctx, const struct tree_node *n) {
    const struct search *s = ctx;
    const struct member *m = container_of(n, const struct member, node);
    return m->tier < s->tier || (m->tier == s->tier && m->position <= s->after);
}

/* Each tier's part of the ring after the cursor, then the one up to it. */
static void walk_rings(struct search *s, const struct queue *q) {
    struct tree_walk w = {s, skip, passed, visit};
    for (s->tier = 1; s->tier <= ROUTING_TIERS_MAX; s->tier++) {
        s->after = q->cursor;
        s->until = INT64_MAX;
        routing_tree_walk(&q->ready, &w);
        s->after = 0;
        s->until = q->cursor;
        routing_tree_walk(&q->ready, &w);
    }
}

void routing_ready_pick(struct router *r, const struct task *t, const struct class *c,
                        struct picks *out) {
    const struct queue *q = c->queue;
    const struct strategy *strategy = routing_queue_strategy(q);
    struct search s = {.r = r,
                       .t = t,
                       .c = c,
                       .out = out,
                       .cost = c->needs_n ? strategy->cost : NULL,
                       .tier_max = routing_queue_tier(q, t, r->now_ms)};
    if (strategy->ring)
        walk_rings(&s, q);
    else
        routing_tree_walk(&q->ready, &(struct tree_walk){&s, skip, NULL, visit});
}

bool routing_ready_before(const struct class *c, const struct member *a, const struct member *b) {
    const struct strategy *s = routing_queue_strategy(c->queue);
    if (a->tier != b->tier)
        return a->tier < b->tier;
    if (s->cost && c->needs_n && s->cost(a->agent, c) != s->cost(b->agent, c))
        return s->cost(a->agent, c) < s->cost(b->agent, c);
    if (s->ring && (a->position > c->queue->cursor) != (b->position > c->queue->cursor))
        return a->position > c->queue->cursor;
    return s->before(a, b);
}
