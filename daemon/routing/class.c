/* routing/class.c - classes of tasks that the same agents may have, and the pools they wait in. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/buf.h>

#include "routing/router_priv.h"

enum { CLASS_KEY_MAX = 4096, BITS_A_SKILL = 3, SKILLS_TOLD_APART = 64 / BITS_A_SKILL };

/* Some levels of a skill as bits: who has a level has the bits of all below. Skills beyond those
 * that can be told apart share bits, so that bits say who cannot, never who can. */
uint64_t routing_skill_bits(size_t skill, int64_t level) {
    uint64_t bits =
        (uint64_t)(level >= 1) | (uint64_t)(level >= 4) << 1 | (uint64_t)(level >= 7) << 2;
    return skill == SKILL_UNKNOWN ? 0 : bits << skill % SKILLS_TOLD_APART * BITS_A_SKILL;
}

/* ---- pools ---- */

static struct pool *pool_of(struct tree_node *n) {
    return container_of(n, struct pool, node);
}

static bool stand_older(const struct tree_node *a, const struct tree_node *b) {
    return routing_stand_older(container_of(a, const struct stand, node),
                               container_of(b, const struct stand, node));
}

static bool head_before(const struct tree_node *a, const struct tree_node *b) {
    return routing_stand_older(container_of(a, const struct pool, node)->first,
                               container_of(b, const struct pool, node)->first);
}

static void head_add(struct pool *p, const struct tree_node *branch) {
    const struct pool *o = container_of(branch, const struct pool, node);
    if (o->least_weight < p->least_weight)
        p->least_weight = o->least_weight;
    p->channels |= o->channels;
    p->skills &= o->skills;
}

static void head_sum(struct tree_node *n) {
    struct pool *p = pool_of(n);
    p->least_weight = p->class->weight;
    p->channels = 1u << p->class->channel;
    p->skills = p->class->skills;
    if (n->left)
        head_add(p, n->left);
    if (n->right)
        head_add(p, n->right);
}

void routing_heads_init(struct queue *q) {
    for (size_t i = 0; i < BANDS; i++)
        routing_tree_init(&q->heads[i], head_before, head_sum);
}

static struct pool *pool_get(struct class *c, size_t band) {
    if (!c->pools[band]) {
        struct pool *p = NEW(struct pool);
        p->class = c;
        routing_tree_init(&p->stands, stand_older, NULL);
        c->pools[band] = p;
    }
    return c->pools[band];
}

/* A class that waits for one agent is found through him, not through the queue's heads. */
void routing_stand_enter(struct router *r, struct stand *s) {
    struct class *c = s->class;
    routing_stand_rank(r, s);
    struct pool *p = pool_get(c, s->band);
    struct tree *heads = &c->queue->heads[s->band];
    if (c->n++ == 0)
        c->starved = false;
    bool first = !p->first || routing_stand_older(s, p->first);
    if (first)
        routing_tree_remove(heads, &p->node);
    routing_tree_insert(&p->stands, &s->node);
    if (first) {
        p->first = s;
        if (!c->holder)
            routing_tree_insert(heads, &p->node);
    }
}

void routing_stand_leave(struct stand *s) {
    if (!s->node.in)
        return;
    struct class *c = s->class;
    struct pool *p = c->pools[s->band];
    struct tree *heads = &c->queue->heads[s->band];
    bool first = p->first == s;
    if (first)
        routing_tree_remove(heads, &p->node);
    routing_tree_remove(&p->stands, &s->node);
    c->n--;
    if (!first)
        return;
    struct tree_node *next = routing_tree_first(&p->stands);
    p->first = next ? container_of(next, struct stand, node) : NULL;
    if (next && !c->holder)
        routing_tree_insert(heads, &p->node);
}

struct task *routing_class_first(const struct class *c) {
    for (size_t i = 0; i < BANDS; i++)
        if (c->pools[i] && c->pools[i]->first)
            return c->pools[i]->first->task;
    return NULL;
}

/* ---- classes ---- */

/* A key that would not fit makes a class of its own for the task. */
static void class_key(const struct task *t, const struct agent *holder, struct buf *key) {
    bool ok = buf_addf(key, "%zu/%lld", t->channel, (long long)t->weight);
    for (size_t i = 0; ok && i < t->needs_n; i++)
        ok = buf_addf(key, "/%s=%lld", t->needs[i].skill, (long long)t->needs[i].min);
    if (ok && holder)
        ok = buf_addf(key, "@%s", holder->id);
    if (!ok) {
        buf_reset(key);
        ok = buf_addf(key, "task %s%s", holder ? "@" : "", t->id);
    }
    (void)ok;
}

static struct class *class_new(struct router *r, const struct task *t, struct queue *q,
                               struct agent *holder, struct str key) {
    struct class *c = NEW(struct class);
    c->key = mem_dup(key.p, key.n);
    c->queue = q;
    c->holder = holder;
    c->channel = t->channel;
    c->weight = t->weight;
    c->needs = mem_new((t->needs_n + 1) * sizeof *c->needs);
    c->needs_n = t->needs_n;
    for (size_t i = 0; i < t->needs_n; i++) {
        void *number = map_get(&r->skills.map, str_c(t->needs[i].skill));
        c->needs[i] = (struct need){.skill = number ? (size_t)(uintptr_t)number - 1 : SKILL_UNKNOWN,
                                    .min = t->needs[i].min};
        c->skills |= routing_skill_bits(c->needs[i].skill, c->needs[i].min);
    }
    list_push(holder ? &holder->held : &q->classes, &c->of_queue);
    map_put(&q->class_by_key, str_make(c->key, key.n), c);
    return c;
}

struct class *routing_class_take(struct router *r, struct task *t, struct queue *q,
                                 struct agent *holder) {
    cleanup(buf_clear) struct buf key;
    buf_init(&key, CLASS_KEY_MAX);
    class_key(t, holder, &key);
    struct class *c = map_get(&q->class_by_key, buf_str(&key));
    if (!c)
        c = class_new(r, t, q, holder, buf_str(&key));
    c->users++;
    return c;
}

void routing_class_release(struct class *c) {
    if (!c || --c->users > 0)
        return;
    map_take(&c->queue->class_by_key, str_c(c->key));
    link_remove(&c->of_queue);
    for (size_t i = 0; i < BANDS; i++)
        free(c->pools[i]);
    free(c->needs);
    free(c->key);
    free(c);
}
