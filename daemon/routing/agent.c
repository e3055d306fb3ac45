/* routing/agent.c - agents: what they can do, whether they are ready, what they have in hand. */
#include <stdlib.h>
#include <string.h>

#include "routing/router_priv.h"

bool routing_agent_id_before(const struct agent *a, const struct agent *b) {
    return strcmp(a->id, b->id) < 0;
}

struct agent *routing_agent_get(struct router *r, struct str id) {
    struct agent *a = map_get(&r->agents, id);
    if (a)
        return a;
    a = NEW(struct agent);
    a->id = mem_dup(id.p, id.n);
    a->units_max = 1;
    link_init(&a->work);
    routing_pool_init(&a->held);
    map_put(&r->agents, str_make(a->id, id.n), a);
    return a;
}

static void members_clear(struct agent *a) {
    routing_agent_out(a);
    for (size_t i = 0; i < a->members_n; i++)
        link_remove(&a->members[i].of_queue);
    free(a->members);
    a->members = NULL;
    a->members_n = 0;
}

void routing_agent_free(struct agent *a) {
    if (!a)
        return;
    members_clear(a);
    free(a->levels);
    free(a->id);
    free(a);
}

enum routing_why routing_agent_absent(const struct agent *a) {
    if (!a->known)
        return ROUTING_WHY_UNKNOWN;
    if (a->presence == ROUTING_OFFLINE)
        return ROUTING_WHY_OFFLINE;
    if (a->presence == ROUTING_AWAY)
        return ROUTING_WHY_AWAY;
    return a->lost_ms ? ROUTING_WHY_LOST : ROUTING_WHY_NOT;
}

bool routing_agent_here(const struct agent *a) {
    return routing_agent_absent(a) == ROUTING_WHY_NOT;
}

void routing_agent_out(struct agent *a) {
    for (size_t i = 0; i < a->members_n; i++)
        routing_tree_remove(&a->members[i].queue->ready, &a->members[i].node);
    a->ready = false;
}

void routing_agent_in(struct router *r, struct agent *a, bool abler) {
    a->ready = routing_agent_here(a) && a->wrapping == 0 && a->units < a->units_max;
    if (!a->ready)
        return;
    for (size_t i = 0; i < a->members_n; i++) {
        routing_tree_insert(&a->members[i].queue->ready, &a->members[i].node);
        a->members[i].queue->changes += abler;
    }
    if (abler && link_alone(&a->dirty))
        list_push(&r->dirty, &a->dirty);
}

int64_t routing_agent_level(const struct agent *a, size_t skill) {
    return skill < a->levels_n ? a->levels[skill] : 0;
}

const struct need *routing_agent_lacks(const struct agent *a, const struct class *c) {
    for (size_t i = 0; i < c->needs_n; i++)
        /* min 0 asks for nothing, also of a skill that nobody knows. */
        if (routing_agent_level(a, c->needs[i].skill) < c->needs[i].min)
            return &c->needs[i];
    return NULL;
}

bool routing_agent_skilled(const struct agent *a, const struct class *c) {
    return routing_agent_lacks(a, c) == NULL;
}

enum routing_why routing_agent_full(const struct agent *a, const struct class *c) {
    if (a->units + c->weight > a->units_max)
        return ROUTING_WHY_UNITS;
    return (int64_t)a->open[c->channel] >= a->channel_max[c->channel] ? ROUTING_WHY_CHANNEL
                                                                      : ROUTING_WHY_NOT;
}

bool routing_agent_fits(const struct agent *a, const struct class *c) {
    return routing_agent_full(a, c) == ROUTING_WHY_NOT && routing_agent_skilled(a, c);
}

void routing_agent_load(struct router *r, struct task *t) {
    struct agent *a = t->agent;
    routing_agent_out(a);
    a->units += t->weight;
    a->open[t->channel]++;
    a->wrapping += t->state == ROUTING_WRAPUP;
    list_push(&a->work, &t->of_agent);
    a->work_n++;
    routing_agent_in(r, a, false);
}

void routing_agent_unload(struct router *r, struct task *t, bool ended) {
    struct agent *a = t->agent;
    routing_agent_out(a);
    a->units -= t->weight;
    a->open[t->channel]--;
    a->wrapping -= t->state == ROUTING_WRAPUP;
    link_remove(&t->of_agent);
    a->work_n--;
    if (ended && a->idle_since_ms < r->now_ms)
        a->idle_since_ms = r->now_ms;
    routing_agent_in(r, a, true);
}

/* Whatever waits for him goes back to its queue's pool when he is not here; what he has may have
 * come due. */
static void agent_changed(struct router *r, struct agent *a) {
    list_each (l, &a->work)
        routing_task_arm(r, container_of(l, struct task, of_agent));
    if (routing_agent_here(a))
        return;
    for (size_t i = 0; i < BANDS; i++)
        for (struct tree_node *n; (n = routing_tree_first(&a->held.band[i]));)
            routing_task_refresh(r, container_of(n, struct task, node), true);
}

static void take_levels(struct router *r, struct agent *a, const struct tl_ints *skills) {
    free(a->levels);
    for (size_t i = 0; i < skills->n; i++)
        routing_names_number(&r->skills, skills->items[i].name, SIZE_MAX);
    a->levels_n = r->skills.n;
    a->levels = mem_new((a->levels_n + 1) * sizeof *a->levels);
    for (size_t i = 0; i < skills->n; i++)
        a->levels[routing_names_number(&r->skills, skills->items[i].name, SIZE_MAX)] =
            skills->items[i].value;
}

static void take_queues(struct router *r, struct agent *a, const struct routing_agent *news) {
    a->members = mem_new((news->queues_n + 1) * sizeof *a->members);
    a->members_n = news->queues_n;
    for (size_t i = 0; i < news->queues_n; i++) {
        struct member *m = &a->members[i];
        m->agent = a;
        m->queue = routing_queue_get(r, news->queues[i].queue);
        list_push(&m->queue->members, &m->of_queue);
    }
}

/* A waiting task may need a skill that was known to nobody: classes are made anew, so all leave
 * before any enters. */
static void reclassify(struct router *r) {
    size_t at = 0;
    for (struct task *t; (t = map_next(&r->tasks, &at));)
        if (t->state == ROUTING_WAITING && t->needs_n > 0)
            routing_task_leave(r, t);
    at = 0;
    for (struct task *t; (t = map_next(&r->tasks, &at));)
        if (t->state == ROUTING_WAITING && t->needs_n > 0)
            routing_task_enter(r, t);
}

void router_set_agent(struct router *r, const struct routing_agent *news, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = routing_agent_get(r, news->id);
    size_t skills_before = r->skills.n;
    members_clear(a);
    a->known = true;
    take_levels(r, a, &news->skills);
    take_queues(r, a, news);
    a->units_max = news->units > 0 ? news->units : 1;
    a->lost_after_ms = news->lost_after_ms;
    for (size_t i = 0; i < CHANNELS; i++)
        a->channel_max[i] = INT64_MAX;
    for (size_t i = 0; i < news->channels.n; i++)
        a->channel_max[routing_names_number(&r->channels, news->channels.items[i].name, CHANNELS)] =
            news->channels.items[i].value;
    if (r->skills.n != skills_before)
        reclassify(r);
    routing_agent_in(r, a, true);
    agent_changed(r, a);
}

void router_drop_agent(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = map_get(&r->agents, id);
    if (!a)
        return;
    members_clear(a);
    a->known = false;
    agent_changed(r, a);
}

void routing_agent_rest(struct router *r, struct agent *a) {
    routing_agent_out(a);
    a->presence = ROUTING_AWAY;
    agent_changed(r, a);
}

void router_presence(struct router *r, const struct routing_presence_news *news, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = routing_agent_get(r, news->agent);
    bool entered = news->presence == ROUTING_AVAILABLE && a->presence != ROUTING_AVAILABLE;
    routing_agent_out(a);
    a->presence = news->presence;
    a->missed = news->missed;
    a->lost_ms = news->lost_ms;
    if (news->last_end_ms > a->idle_since_ms)
        a->idle_since_ms = news->last_end_ms;
    if (entered && news->since_ms > a->idle_since_ms)
        a->idle_since_ms = news->since_ms;
    routing_agent_in(r, a, true);
    agent_changed(r, a);
}

void router_stream(struct router *r, struct str agent, int64_t lost_ms, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = routing_agent_get(r, agent);
    routing_agent_out(a);
    a->lost_ms = lost_ms;
    routing_agent_in(r, a, true);
    agent_changed(r, a);
}

bool router_load(const struct router *r, struct str agent, struct routing_load *out) {
    const struct agent *a = map_get(&r->agents, agent);
    if (!a)
        return false;
    *out = (struct routing_load){
        .presence = a->presence, .ready = a->ready, .units = a->units, .tasks = a->work_n};
    return true;
}
