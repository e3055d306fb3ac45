/* routing/queue.c - queues, their classes of tasks, the order of waiting, the table of
 * routing_strategies.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/buf.h>

#include "routing/router_priv.h"

enum { CLASS_KEY_MAX = 4096 };

/* A strategy is the order of the ready members. Names as in config.md, in the order of config's
 * choice. */
const struct strategy routing_strategies[] = {
    {"longest-idle", "longest idle", routing_longest_idle_before},
    {"least-load", "least load", routing_least_load_before},
    {NULL, NULL, NULL},
};

const char *router_strategy(size_t i) {
    return i < COUNT(routing_strategies) ? routing_strategies[i].name : NULL;
}

const struct strategy *routing_queue_strategy(const struct queue *q) {
    size_t row = (size_t)q->rule.strategy;
    return &routing_strategies[row < COUNT(routing_strategies) - 1 ? row : 0];
}

static const struct member *member_of(const struct tree_node *n) {
    return container_of(n, const struct member, node);
}

static bool member_before(const struct tree_node *x, const struct tree_node *y) {
    const struct member *a = member_of(x), *b = member_of(y);
    return routing_queue_strategy(a->queue)->before(a->agent, b->agent);
}

const char *router_order(size_t i) {
    static const char *const names[] = {"strict", "score", "slack", "lifo"};
    return i < COUNT(names) ? names[i] : NULL;
}

struct queue *routing_queue_get(struct router *r, struct str id) {
    struct queue *q = map_get(&r->queues, id);
    if (q)
        return q;
    q = NEW(struct queue);
    q->id = mem_dup(id.p, id.n);
    routing_tree_init(&q->ready, member_before);
    link_init(&q->members);
    link_init(&q->classes);
    map_put(&r->queues, str_make(q->id, id.n), q);
    return q;
}

void routing_queue_free(struct queue *q) {
    if (!q)
        return;
    map_clear(&q->class_by_key);
    free(q->id);
    free(q);
}

bool routing_queue_offers(const struct queue *q) {
    return q->known && !q->rule.paused;
}

/* ---- the order of waiting ---- */

static struct task *task_of(const struct tree_node *n) {
    return container_of(n, struct task, node);
}

static bool older(const struct task *a, const struct task *b) {
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms;
    return strcmp(a->id, b->id) < 0;
}

static bool node_older(const struct tree_node *a, const struct tree_node *b) {
    return older(task_of(a), task_of(b));
}

int64_t routing_task_worth(const struct task *t, int64_t now_ms) {
    const struct routing_queue *rule = &t->queue->rule;
    int64_t waited = now_ms - t->created_ms;
    if (rule->ageing_every_ms <= 0 || rule->ageing_by <= 0 || waited <= 0 ||
        t->priority >= rule->ageing_cap)
        return t->priority;
    int64_t steps = waited / rule->ageing_every_ms, room = rule->ageing_cap - t->priority;
    /* The cap is a small number, so dividing keeps the product from running over. */
    return steps > room / rule->ageing_by ? rule->ageing_cap
                                          : t->priority + steps * rule->ageing_by;
}

bool routing_task_before(const struct task *a, const struct task *b, int64_t now_ms) {
    int64_t mine = routing_task_worth(a, now_ms), other = routing_task_worth(b, now_ms);
    return mine != other ? mine > other : older(a, b);
}

void routing_pool_init(struct pool *p) {
    for (size_t i = 0; i < BANDS; i++)
        routing_tree_init(&p->band[i], node_older);
    p->n = 0;
}

void routing_pool_add(struct pool *p, struct task *t) {
    t->band = t->priority < 1 ? 0 : t->priority > BANDS ? BANDS - 1 : (size_t)t->priority - 1;
    routing_tree_insert(&p->band[t->band], &t->node);
    p->n++;
}

void routing_pool_drop(struct pool *p, struct task *t) {
    routing_tree_remove(&p->band[t->band], &t->node);
    p->n--;
}

/* ---- classes ---- */

/* A key that would not fit makes a class of its own for the task. */
static void class_key(const struct task *t, struct buf *key) {
    bool ok = buf_addf(key, "%zu/%lld", t->channel, (long long)t->weight);
    for (size_t i = 0; ok && i < t->needs_n; i++)
        ok = buf_addf(key, "/%s=%lld", t->needs[i].skill, (long long)t->needs[i].min);
    if (!ok) {
        buf_reset(key);
        ok = buf_addf(key, "task %s", t->id);
    }
    (void)ok;
}

static struct class *class_new(struct router *r, const struct task *t, struct str key) {
    struct class *c = NEW(struct class);
    c->key = mem_dup(key.p, key.n);
    c->queue = t->queue;
    c->channel = t->channel;
    c->weight = t->weight;
    c->needs = mem_new((t->needs_n + 1) * sizeof *c->needs);
    c->needs_n = t->needs_n;
    for (size_t i = 0; i < t->needs_n; i++) {
        void *number = map_get(&r->skills.map, str_c(t->needs[i].skill));
        c->needs[i] = (struct need){.skill = number ? (size_t)(uintptr_t)number - 1 : SKILL_UNKNOWN,
                                    .min = t->needs[i].min};
    }
    routing_pool_init(&c->pool);
    c->starved_at = UINT64_MAX;
    list_push(&t->queue->classes, &c->of_queue);
    map_put(&t->queue->class_by_key, str_make(c->key, key.n), c);
    return c;
}

struct class *routing_class_take(struct router *r, struct task *t) {
    cleanup(buf_clear) struct buf key;
    buf_init(&key, CLASS_KEY_MAX);
    class_key(t, &key);
    struct class *c = map_get(&t->queue->class_by_key, buf_str(&key));
    if (!c)
        c = class_new(r, t, buf_str(&key));
    c->users++;
    return c;
}

void routing_class_release(struct class *c) {
    if (!c || --c->users > 0)
        return;
    map_take(&c->queue->class_by_key, str_c(c->key));
    link_remove(&c->of_queue);
    free(c->needs);
    free(c->key);
    free(c);
}
