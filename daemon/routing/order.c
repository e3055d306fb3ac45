/* routing/order.c - which of two waiting tasks stands before the other.
 *
 * Within a band of a queue the order does not change with time: by key, age, id. What changes with
 * time (ageing, open time of different calendars) is compared between the first of the bands and
 * queues only.
 */
#include <string.h>

#include "routing/calendar.h"
#include "routing/router_priv.h"

int64_t routing_task_worth(const struct task *t, const struct queue *q, int64_t now_ms) {
    const struct routing_queue *rule = &q->rule;
    int64_t waited = now_ms - t->created_ms;
    if (rule->ageing_every_ms <= 0 || rule->ageing_by <= 0 || waited <= 0 ||
        t->priority >= rule->ageing_cap)
        return t->priority;
    int64_t steps = waited / rule->ageing_every_ms, room = rule->ageing_cap - t->priority;
    /* The cap is a small number, so dividing keeps the product from running over. */
    return steps > room / rule->ageing_by ? rule->ageing_cap
                                          : t->priority + steps * rule->ageing_by;
}

/* ---- keys ---- */

/* Open time between the router's base and an instant; before the base it is negative. */
static int64_t open_ms(const struct router *r, const struct queue *q, int64_t at_ms) {
    const struct calendar *c = q->rule.calendar;
    return at_ms >= r->base_ms ? calendar_open_between(c, r->base_ms, at_ms)
                               : -calendar_open_between(c, at_ms, r->base_ms);
}

static int64_t handle_ms(const struct task *t, const struct queue *q) {
    return t->is_call && q->rule.call_handle_ms > 0 ? q->rule.call_handle_ms : q->rule.handle_ms;
}

/* Higher scores first: priority + by * waited / every, as far as it differs between two tasks. */
static int64_t score_key(const struct task *t, const struct queue *q) {
    int64_t every = q->rule.ageing_every_ms > 0 ? q->rule.ageing_every_ms : 1;
    int64_t by = q->rule.ageing_every_ms > 0 ? q->rule.ageing_by : 0;
    return t->created_ms * by - t->priority * every;
}

void routing_stand_rank(struct router *r, struct stand *s) {
    const struct task *t = s->task;
    const struct queue *q = s->class->queue;
    enum routing_order order = q->rule.order;
    s->band = BAND_KEYED;
    if (order == ROUTING_SCORE) {
        s->key = score_key(t, q);
    } else if (order == ROUTING_LIFO) {
        s->key = -t->created_ms;
    } else if (order == ROUTING_SLACK && t->due_ms) {
        s->key = open_ms(r, q, t->due_ms) - handle_ms(t, q);
    } else {
        s->key = t->created_ms;
        s->band = t->priority < 1            ? 0
                  : t->priority > BAND_KEYED ? BAND_KEYED - 1
                                             : (size_t)t->priority - 1;
    }
}

bool routing_stand_older(const struct stand *a, const struct stand *b) {
    const struct task *x = a->task, *y = b->task;
    if (a->key != b->key)
        return a->key < b->key;
    if (x->created_ms != y->created_ms)
        return x->created_ms < y->created_ms;
    return strcmp(x->id, y->id) < 0;
}

/* ---- comparing ---- */

int64_t routing_stand_slack_ms(struct router *r, const struct stand *s) {
    struct queue *q = s->class->queue;
    if (q->rule.order != ROUTING_SLACK || s->band != BAND_KEYED)
        return INT64_MAX;
    if (q->slack_at_ms != r->now_ms) {
        q->slack_at_ms = r->now_ms;
        q->slack_ms = open_ms(r, q, r->now_ms);
    }
    return s->key - q->slack_ms;
}

/* In thousandths. */
static int64_t score(const struct router *r, const struct stand *s) {
    const struct routing_queue *rule = &s->class->queue->rule;
    int64_t waited = r->now_ms - s->task->created_ms;
    int64_t gained = rule->ageing_every_ms > 0 && waited > 0
                         ? waited * rule->ageing_by * 1000 / rule->ageing_every_ms
                         : 0;
    return s->task->priority * 1000 + gained;
}

static bool older(const struct task *a, const struct task *b) {
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms;
    return strcmp(a->id, b->id) < 0;
}

static bool strict_before(const struct router *r, const struct stand *a, const struct stand *b) {
    int64_t mine = routing_task_worth(a->task, a->class->queue, r->now_ms),
            other = routing_task_worth(b->task, b->class->queue, r->now_ms);
    return mine != other ? mine > other : older(a->task, b->task);
}

/* In different queues of one order; in queues of different orders the strict one decides. */
static bool across(struct router *r, const struct stand *a, const struct stand *b,
                   enum routing_order order) {
    int64_t mine = 0, other = 0;
    switch (order) {
    case ROUTING_STRICT:
        break;
    case ROUTING_SCORE:
        mine = score(r, b);
        other = score(r, a);
        break;
    case ROUTING_SLACK:
        mine = routing_stand_slack_ms(r, a);
        other = routing_stand_slack_ms(r, b);
        break;
    case ROUTING_LIFO:
        mine = b->task->created_ms;
        other = a->task->created_ms;
        break;
    }
    return mine != other ? mine < other : strict_before(r, a, b);
}

bool routing_stand_before(struct router *r, const struct stand *a, const struct stand *b) {
    const struct queue *p = a->class->queue, *q = b->class->queue;
    if (p->rule.weight != q->rule.weight)
        return p->rule.weight > q->rule.weight;
    if (p != q)
        return across(r, a, b, p->rule.order == q->rule.order ? p->rule.order : ROUTING_STRICT);
    if ((a->band == BAND_KEYED) != (b->band == BAND_KEYED)) /* slack: those with a deadline */
        return a->band == BAND_KEYED;
    return a->band == BAND_KEYED ? routing_stand_older(a, b) : strict_before(r, a, b);
}
