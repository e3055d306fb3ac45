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
    link_init(&a->held);
    map_put(&r->agents, str_make(a->id, id.n), a);
    list_push(&r->everybody, &a->of_router);
    return a;
}

void routing_agent_free(struct agent *a) {
    if (!a)
        return;
    routing_agent_out(a);
    free(a->members);
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
    if (a->presence == ROUTING_DRAINING)
        return ROUTING_WHY_DRAINING;
    return a->lost_ms ? ROUTING_WHY_LOST : ROUTING_WHY_NOT;
}

bool routing_agent_here(const struct agent *a) {
    return routing_agent_absent(a) == ROUTING_WHY_NOT;
}

const struct member *routing_agent_member(const struct agent *a, const struct queue *q) {
    for (size_t i = 0; i < a->members_n; i++)
        if (a->members[i].queue == q)
            return &a->members[i];
    return NULL;
}

/* ---- ready or not ---- */

void routing_agent_out(struct agent *a) {
    for (size_t i = 0; i < a->members_n; i++)
        routing_tree_remove(&a->members[i].queue->ready, &a->members[i].node);
    a->ready = false;
}

static void count_presence(struct router *r, struct agent *a) {
    bool here = routing_agent_here(a);
    bool present = a->known && a->presence != ROUTING_OFFLINE && !a->lost_ms;
    int more_here = here - a->counted_here, more_present = present - a->counted_present;
    a->counted_here = here;
    a->counted_present = present;
    for (size_t i = 0; i < a->members_n && (more_here || more_present); i++)
        routing_queue_presence(r, &a->members[i], more_here, more_present);
}

static void count_room(const struct router *r, struct agent *a) {
    uint32_t blocked = 0;
    a->can.free = a->units_max - a->units;
    a->can.channels = 0;
    for (size_t i = 0; i < CHANNELS; i++) {
        if ((int64_t)a->open[i] < a->channel_max[i])
            a->can.channels |= 1u << i;
        if (a->open[i])
            blocked |= r->blocks[i];
    }
    a->blocked = blocked;
    a->can.channels &= ~blocked;
}

void routing_agent_in(struct router *r, struct agent *a, bool abler) {
    count_presence(r, a);
    count_room(r, a);
    a->ready = routing_agent_here(a) && a->wrapping == 0 && a->units < a->units_max;
    for (size_t i = 0; i < a->members_n && a->ready; i++) {
        struct member *m = &a->members[i];
        if (m->turn < m->queue->turn && !routing_queue_strategy(m->queue)->ring)
            m->turn = m->queue->turn; /* the row did not wait for him */
        routing_tree_insert(&m->queue->ready, &m->node);
    }
    if (a->ready && abler && link_alone(&a->dirty))
        list_push(&r->dirty, &a->dirty);
    if (a->presence == ROUTING_DRAINING && a->known && a->work_n == 0 && link_alone(&a->resting))
        list_push(&r->resting, &a->resting);
}

/* ---- what he can do ---- */

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
    if (a->blocked >> c->channel & 1)
        return ROUTING_WHY_BLOCKED;
    if (a->can.free < c->weight)
        return ROUTING_WHY_UNITS;
    return (int64_t)a->open[c->channel] >= a->channel_max[c->channel] ? ROUTING_WHY_CHANNEL
                                                                      : ROUTING_WHY_NOT;
}

bool routing_agent_fits(const struct agent *a, const struct class *c) {
    return routing_agent_full(a, c) == ROUTING_WHY_NOT && routing_agent_skilled(a, c);
}

/* ---- what he has ---- */

void routing_agent_load(struct router *r, struct hold *h) {
    struct agent *a = h->agent;
    const struct task *t = h->task;
    routing_agent_out(a);
    a->units += t->weight;
    a->open[t->channel]++;
    a->wrapping += t->state == ROUTING_WRAPUP;
    list_push(&a->work, &h->of_agent);
    a->work_n++;
    routing_agent_in(r, a, false);
}

void routing_agent_unload(struct router *r, struct hold *h, bool ended) {
    struct agent *a = h->agent;
    const struct task *t = h->task;
    routing_agent_out(a);
    a->units -= t->weight;
    a->open[t->channel]--;
    a->wrapping -= t->state == ROUTING_WRAPUP;
    link_remove(&h->of_agent);
    a->work_n--;
    if (ended && a->idle_since_ms < r->now_ms)
        a->idle_since_ms = r->now_ms;
    routing_agent_in(r, a, true);
}

void routing_agent_idle_now(struct router *r, struct agent *a) {
    if (a->idle_since_ms >= r->now_ms)
        return;
    routing_agent_out(a);
    a->idle_since_ms = r->now_ms;
    routing_agent_in(r, a, true);
}

static void held_anew(struct router *r, struct agent *a) {
    for (struct link *l; (l = list_first(&a->held));) /* settling may put them back */
        routing_task_refresh(r, routing_class_first(container_of(l, struct class, of_queue)));
}

/* What he has may have come due, and what waits for him is to be looked at again. */
static void agent_changed(struct router *r, struct agent *a) {
    list_each (l, &a->work)
        routing_task_arm(r, container_of(l, struct hold, of_agent)->task);
    if (!routing_agent_here(a))
        held_anew(r, a);
}

/* ---- what the operator says ---- */

static void take_levels(struct router *r, struct agent *a, const struct tl_ints *skills) {
    free(a->levels);
    for (size_t i = 0; i < skills->n; i++)
        routing_names_number(&r->skills, skills->items[i].name, SIZE_MAX);
    a->levels_n = r->skills.n;
    a->levels = mem_new((a->levels_n + 1) * sizeof *a->levels);
    a->can.skills = 0;
    for (size_t i = 0; i < skills->n; i++) {
        size_t skill = routing_names_number(&r->skills, skills->items[i].name, SIZE_MAX);
        a->levels[skill] = skills->items[i].value;
        a->can.skills |= routing_skill_bits(skill, skills->items[i].value);
    }
}

static void leave_queues(struct router *r, struct agent *a) {
    routing_agent_out(a);
    for (size_t i = 0; i < a->members_n; i++) {
        struct member *m = &a->members[i];
        link_remove(&m->of_queue);
        routing_queue_presence(r, m, -(int)a->counted_here, -(int)a->counted_present);
    }
    a->counted_here = a->counted_present = false;
}

/* Whoever stays in a queue keeps his place in its ring; who is new goes to the end. */
static void take_queues(struct router *r, struct agent *a, const struct routing_agent *news) {
    struct member *old = a->members;
    size_t old_n = a->members_n;
    leave_queues(r, a);
    a->members = mem_new((news->queues_n + 1) * sizeof *a->members);
    a->members_n = news->queues_n;
    for (size_t i = 0; i < news->queues_n; i++) {
        const struct routing_membership *said = &news->queues[i];
        struct member *m = &a->members[i];
        m->agent = a;
        m->queue = routing_queue_get(r, said->queue);
        m->tier = said->tier < 1                   ? 1
                  : said->tier > ROUTING_TIERS_MAX ? ROUTING_TIERS_MAX
                                                   : said->tier;
        m->weight = said->weight;
        for (size_t k = 0; k < old_n; k++)
            if (old[k].queue == m->queue) {
                m->position = old[k].position;
                m->turn = old[k].turn;
            }
        if (!m->position)
            routing_queue_join(m->queue, m);
        list_push(&m->queue->members, &m->of_queue);
    }
    free(old);
}

/* A waiting task may need a skill that was known to nobody: classes are made anew, so all leave
 * before any enters. */
static void reclassify(struct router *r) {
    list_each (l, &r->all) {
        struct task *t = container_of(l, struct task, of_router);
        if (t->state == ROUTING_WAITING && t->needs_n > 0)
            routing_task_leave(r, t);
    }
    list_each (l, &r->all) {
        struct task *t = container_of(l, struct task, of_router);
        if (t->state == ROUTING_WAITING && t->needs_n > 0)
            routing_task_enter(r, t);
    }
}

static void take_channels(struct router *r, struct agent *a, const struct tl_ints *channels) {
    for (size_t i = 0; i < CHANNELS; i++)
        a->channel_max[i] = INT64_MAX;
    for (size_t i = 0; i < channels->n; i++)
        a->channel_max[routing_names_number(&r->channels, channels->items[i].name, CHANNELS)] =
            channels->items[i].value;
}

void router_set_agent(struct router *r, const struct routing_agent *news, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = routing_agent_get(r, news->id);
    size_t skills_before = r->skills.n;
    take_queues(r, a, news);
    a->known = true;
    take_levels(r, a, &news->skills);
    a->units_max = news->units > 0 ? news->units : 1;
    a->lost_after_ms = news->lost_after_ms;
    take_channels(r, a, &news->channels);
    if (r->skills.n != skills_before)
        reclassify(r);
    routing_agent_in(r, a, true);
    agent_changed(r, a);
    held_anew(r, a); /* he may serve other queues, or know less */
}

void router_drop_agent(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct agent *a = map_get(&r->agents, id);
    if (!a)
        return;
    leave_queues(r, a);
    free(a->members);
    a->members = NULL;
    a->members_n = 0;
    a->known = false;
    agent_changed(r, a);
}

void router_set_blocks(struct router *r, const struct routing_block *blocks, size_t n,
                       int64_t now_ms) {
    r->now_ms = now_ms;
    memset(r->blocks, 0, sizeof r->blocks);
    for (size_t i = 0; i < n; i++) {
        uint32_t *mask =
            &r->blocks[routing_names_number(&r->channels, blocks[i].channel, CHANNELS)];
        for (size_t k = 0; k < blocks[i].blocked.n; k++) {
            struct str name = blocks[i].blocked.items[k];
            *mask |= str_is(name, "all") ? UINT32_MAX
                                         : 1u << routing_names_number(&r->channels, name, CHANNELS);
        }
    }
    list_each (l, &r->everybody) {
        struct agent *a = container_of(l, struct agent, of_router);
        routing_agent_out(a);
        routing_agent_in(r, a, true);
    }
}

/* ---- what happens ---- */

void routing_agent_set(struct router *r, struct agent *a, enum routing_presence p) {
    routing_agent_out(a);
    a->presence = p;
    routing_agent_in(r, a, false);
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
    if (news->presence != ROUTING_DRAINING)
        link_remove(&a->resting);
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
