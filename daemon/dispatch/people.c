/* dispatch/people.c - our own copy of agents, queues and units: the file's goes with the next
 * reload. */
#include <stdlib.h>
#include <string.h>

#include "dispatch/dispatch_priv.h"

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

static struct agent_config copy_agent(struct arena *a, const struct agent_config *from) {
    return (struct agent_config){.id = arena_str(a, from->id),
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
        bool ok =
            buf_addf(&b, "%.*s %lld %lld %lld\n", STR_ARG(q->id), (long long)q->wrapup.default_ms,
                     (long long)q->wrapup.call_ms, (long long)q->offer.reject_holdoff_ms);
        assert(ok);
    }
    if (!b.p)
        return mem_dup("", 0);
    return buf_steal(&b, NULL);
}

struct people *people_new(const struct dispatch_config *c) {
    struct people *p = NEW(struct people);
    const struct agent_config *agents = c->agents->items;
    const struct queue_config *queues = c->queues->items;
    arena_init(&p->arena);
    p->agents_n = c->agents->n;
    p->agents = arena_new(&p->arena, (p->agents_n + 1) * sizeof *p->agents);
    for (size_t i = 0; i < p->agents_n; i++)
        p->agents[i] = copy_agent(&p->arena, &agents[i]);
    p->queues_n = c->queues->n;
    p->queues = arena_new(&p->arena, (p->queues_n + 1) * sizeof *p->queues);
    for (size_t i = 0; i < p->queues_n; i++) {
        p->queues[i] = queues[i];
        p->queues[i].id = arena_str(&p->arena, queues[i].id);
        p->queues[i].name = arena_str(&p->arena, queues[i].name);
        p->queues[i].service_level = arena_str(&p->arena, queues[i].service_level);
    }
    p->units = copy_ints(&p->arena, *c->units);
    p->german = c->german;
    p->rules = rules_text(p);
    return p;
}

void people_free(struct people *p) {
    if (!p)
        return;
    free(p->rules);
    arena_clear(&p->arena);
    free(p);
}

const struct agent_config *people_agent(const struct people *p, struct str id) {
    for (size_t i = 0; i < p->agents_n; i++)
        if (str_eq(p->agents[i].id, id))
            return &p->agents[i];
    return NULL;
}

const struct queue_config *people_queue(const struct people *p, struct str id) {
    for (size_t i = 0; i < p->queues_n; i++)
        if (str_eq(p->queues[i].id, id))
            return &p->queues[i];
    return NULL;
}

bool people_share(struct tl_strs a, struct tl_strs b) {
    for (size_t i = 0; i < a.n; i++)
        for (size_t k = 0; k < b.n; k++)
            if (str_eq(a.items[i], b.items[k]))
                return true;
    return b.n == 0;
}

static void tell_agent(struct router *r, const struct agent_config *a, int64_t now_ms) {
    struct routing_membership *memberships = mem_new((a->queues.n + 1) * sizeof *memberships);
    for (size_t i = 0; i < a->queues.n; i++)
        memberships[i] =
            (struct routing_membership){.queue = a->queues.items[i], .tier = 1, .weight = 1};
    struct routing_agent news = {.id = a->id,
                                 .queues = memberships,
                                 .queues_n = a->queues.n,
                                 .skills = a->skills,
                                 .units = agent_units(a),
                                 .lost_after_ms = a->lost_after_ms};
    struct tl_named_int *channels = mem_new((a->capacity.n + 1) * sizeof *channels);
    for (size_t i = 0; i < a->capacity.n; i++)
        if (!str_is(a->capacity.items[i].name, "units"))
            channels[news.channels.n++] = a->capacity.items[i];
    news.channels.items = channels;
    router_set_agent(r, &news, now_ms);
    free(channels);
    free(memberships);
}

static void tell_queue(struct router *r, const struct queue_config *q, int64_t now_ms) {
    router_set_queue(r,
                     &(struct routing_queue){.id = q->id,
                                             .strategy = (enum routing_strategy)q->strategy,
                                             .ageing_every_ms = q->ageing.every_ms,
                                             .ageing_by = q->ageing.by,
                                             .ageing_cap = q->ageing.cap,
                                             .offer_ms = q->offer.timeout_ms,
                                             .call_offer_ms = q->offer.call_ms,
                                             .missed_limit = q->offer.missed_limit,
                                             .missed_holdoff_ms = q->offer.missed_holdoff_ms,
                                             .sticky_window_ms = q->sticky.window_ms,
                                             .sticky_wait_ms = q->sticky.wait_ms},
                     now_ms);
}

struct router *people_router(const struct people *p, int64_t now_ms) {
    struct router *r = router_new();
    for (size_t i = 0; i < p->queues_n; i++)
        tell_queue(r, &p->queues[i], now_ms);
    for (size_t i = 0; i < p->agents_n; i++)
        if (p->agents[i].takes_tasks)
            tell_agent(r, &p->agents[i], now_ms);
    return r;
}
