/* roster/people.c - our own copy of agents, queues and units: the file's goes with the next reload.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/buf.h>

#include "roster/roster.h"

static struct tl_strs copy_strs(struct arena *a, struct tl_strs from) {
    struct str *items = arena_new(a, (from.n + 1) * sizeof *items);
    for (size_t i = 0; i < from.n; i++)
        items[i] = arena_str(a, from.items[i]);
    return (struct tl_strs){items, from.n};
}

static struct tl_ints copy_ints(struct arena *a, struct tl_ints from) {
    struct tl_named_int *items = arena_new(a, (from.n + 1) * sizeof *items);
    for (size_t i = 0; i < from.n; i++)
        items[i] = (struct tl_named_int){arena_str(a, from.items[i].name), from.items[i].value};
    return (struct tl_ints){items, from.n};
}

static struct tl_items copy_memberships(struct arena *a, struct tl_items from) {
    const struct membership_config *m = from.items;
    struct membership_config *items = arena_new(a, (from.n + 1) * sizeof *items);
    for (size_t i = 0; i < from.n; i++)
        items[i] = (struct membership_config){arena_str(a, m[i].id), m[i].tier, m[i].weight};
    return (struct tl_items){items, from.n};
}

static struct tl_items copy_steps(struct arena *a, struct tl_items from) {
    const struct step_config *s = from.items;
    struct step_config *items = arena_new(a, (from.n + 1) * sizeof *items);
    for (size_t i = 0; i < from.n; i++) {
        items[i] = s[i];
        items[i].after = arena_str(a, s[i].after);
        items[i].relax = copy_ints(a, s[i].relax);
        items[i].add_queues = copy_strs(a, s[i].add_queues);
        items[i].move_to = arena_str(a, s[i].move_to);
        items[i].notify = copy_strs(a, s[i].notify);
    }
    return (struct tl_items){items, from.n};
}

static struct agent_config copy_agent(struct arena *a, const struct agent_config *from) {
    return (struct agent_config){.id = arena_str(a, from->id),
                                 .memberships = copy_memberships(a, from->memberships),
                                 .name = arena_str(a, from->name),
                                 .role = from->role,
                                 .queues = copy_strs(a, from->queues),
                                 .skills = copy_ints(a, from->skills),
                                 .capacity = copy_ints(a, from->capacity),
                                 .lost_after_ms = from->lost_after_ms,
                                 .takes_tasks = from->takes_tasks};
}

/* One line a queue, so that any daemon may move a task of any queue in one call. */
static char *rules_text(const struct people *p) {
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    for (size_t i = 0; i < p->queues_n; i++) {
        const struct queue_config *q = &p->queues[i];
        bool ok = buf_addf(&b, "%.*s %lld %lld %lld %lld %d\n", STR_ARG(q->id),
                           (long long)q->wrapup.default_ms, (long long)q->wrapup.call_ms,
                           (long long)q->offer.reject_holdoff_ms, (long long)q->offer.start_by_ms,
                           q->offer.penalise_reject);
        assert(ok);
    }
    if (!b.p)
        return mem_dup("", 0);
    return buf_steal(&b, NULL);
}

struct people *people_new(const struct roster_config *c) {
    struct people *p = NEW(struct people);
    const struct agent_config *agents = c->agents->items;
    const struct queue_config *queues = c->queues->items;
    arena_init(&p->arena);
    p->agents_n = c->agents->n;
    p->agents = arena_new(&p->arena, (p->agents_n + 1) * sizeof *p->agents);
    for (size_t i = 0; i < p->agents_n; i++) {
        p->agents[i] = copy_agent(&p->arena, &agents[i]);
        map_put(&p->agent_by_id, p->agents[i].id, &p->agents[i]);
    }
    p->queues_n = c->queues->n;
    p->queues = arena_new(&p->arena, (p->queues_n + 1) * sizeof *p->queues);
    for (size_t i = 0; i < p->queues_n; i++) {
        p->queues[i] = queues[i];
        p->queues[i].id = arena_str(&p->arena, queues[i].id);
        map_put(&p->queue_by_id, p->queues[i].id, &p->queues[i]);
        p->queues[i].name = arena_str(&p->arena, queues[i].name);
        p->queues[i].service_level = arena_str(&p->arena, queues[i].service_level);
        p->queues[i].steps = copy_steps(&p->arena, queues[i].steps);
    }
    p->units = copy_ints(&p->arena, *c->units);
    for (size_t i = 0; c->blocks && i < CHANNELS_KNOWN; i++)
        p->blocks.by[i] = copy_strs(&p->arena, c->blocks->by[i]);
    p->hard_wait_ms = c->key_accounts ? c->key_accounts->hard_wait_ms : 0;
    p->german = c->german;
    p->rules = rules_text(p);
    return p;
}

void people_free(struct people *p) {
    if (!p)
        return;
    free(p->rules);
    map_clear(&p->agent_by_id);
    map_clear(&p->queue_by_id);
    arena_clear(&p->arena);
    free(p);
}

const struct agent_config *people_agent(const struct people *p, struct str id) {
    return map_get(&p->agent_by_id, id);
}

const struct queue_config *people_queue(const struct people *p, struct str id) {
    return map_get(&p->queue_by_id, id);
}

const struct step_config *people_step(const struct people *p, struct str queue, size_t i) {
    const struct queue_config *q = people_queue(p, queue);
    const struct step_config *steps = q ? q->steps.items : NULL;
    return q && i < q->steps.n ? &steps[i] : NULL;
}

bool people_share(struct tl_strs a, struct tl_strs b) {
    for (size_t i = 0; i < a.n; i++)
        for (size_t k = 0; k < b.n; k++)
            if (str_eq(a.items[i], b.items[k]))
                return true;
    return b.n == 0;
}
