/* replay/run.c - the recorded arrivals and presences through a router of another configuration.
 *
 *   events by time: an arrival, a presence, an agent's answer to an offer, the end of his work, a
 *   customer who leaves ──► router ──► its decisions, carried out at once
 *
 * How long an answer and the work took is taken over from the record task by task; where a task was
 * never taken there, the median of its queue and channel stands in. Nothing is left to chance.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "replay/replay_priv.h"

enum event_kind { EVENT_PRESENCE, EVENT_ARRIVES, EVENT_LEAVES, EVENT_ACCEPTS, EVENT_ENDS };

struct event {
    int64_t at_ms;
    uint64_t n; /* of equal times the earlier made goes first */
    enum event_kind kind;
    size_t index;
    int64_t offer; /* ACCEPTS, ENDS: of this offer alone */
};

/* A task as it stands in this run. */
struct sim_task {
    const struct replay_task *of;
    struct outcome out;
    enum routing_state state;
    int64_t rev, offer, until_ms, entered_ms, priority, answer_ms, handle_ms;
    struct str queue, agent, more[ROUTING_OFFERS_MAX];
    size_t more_n;
    uint32_t steps;
    struct str added[ROUTING_ADDED_MAX];
    size_t added_n;
    struct routing_need needs[REPLAY_NEEDS_MAX];
    size_t needs_n;
    struct routing_excluded *excluded;
    size_t excluded_n;
};
struct sim_agent {
    struct str id;
    bool recorded, takes;
    enum routing_presence presence;
    bool lost;
    int64_t open, since_ms, busy_ms, available_ms, missed;
};
struct run {
    const struct replay_record *record;
    const struct people *p;
    const struct times *t;
    struct router *r;
    int64_t now_ms;
    struct event *heap;
    size_t n, room;
    uint64_t made;
    struct sim_task *tasks;
    struct map by_id; /* struct sim_task */
    struct sim_agent *agents;
    size_t agents_n;
    struct map by_agent;
};

/* ---- what is to come ---- */

static bool sooner(const struct event *a, const struct event *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->n < b->n;
}

static void push(struct run *x, int64_t at_ms, enum event_kind kind, size_t index, int64_t offer) {
    if (x->n == x->room) {
        x->room = x->room ? x->room * 2 : 1024;
        x->heap = mem_grow(x->heap, x->room * sizeof *x->heap);
    }
    struct event e = {at_ms, x->made++, kind, index, offer};
    size_t at = x->n++;
    for (; at > 0 && sooner(&e, &x->heap[(at - 1) / 2]); at = (at - 1) / 2)
        x->heap[at] = x->heap[(at - 1) / 2];
    x->heap[at] = e;
}

static struct event pop(struct run *x) {
    struct event first = x->heap[0], last = x->heap[--x->n];
    size_t at = 0;
    for (size_t child; (child = at * 2 + 1) < x->n; at = child) {
        if (child + 1 < x->n && sooner(&x->heap[child + 1], &x->heap[child]))
            child++;
        if (!sooner(&x->heap[child], &last))
            break;
        x->heap[at] = x->heap[child];
    }
    x->heap[at] = last;
    return first;
}

/* ---- telling the router ---- */

static enum routing_wish wish_of(const struct replay_task *t) {
    return !strcmp(t->wish, "last")       ? ROUTING_WISH_LAST
           : !strcmp(t->wish, "key")      ? ROUTING_WISH_KEY
           : !strcmp(t->wish, "key-hard") ? ROUTING_WISH_KEY_HARD
                                          : ROUTING_WISH_NONE;
}

static int64_t weight_of(const struct run *x, const struct sim_task *k) {
    return units_of(&x->p->units, str_c(k->of->channel));
}

static void tell(struct run *x, struct sim_task *k) {
    const struct replay_task *o = k->of;
    struct service_facts facts = {.created_ms = o->created_ms,
                                  .wanted_ms = o->wanted_ms,
                                  .taken_ms = k->out.taken_ms,
                                  .replied_ms = k->out.replied_ms};
    struct routing_task t = {.id = str_c(o->id),
                             .queue = k->queue,
                             .channel = str_c(o->channel),
                             .rev = ++k->rev,
                             .state = k->state,
                             .weight = weight_of(x, k),
                             .priority = k->priority,
                             .created_ms = o->created_ms,
                             .entered_ms = k->entered_ms,
                             .needs = k->needs,
                             .needs_n = k->needs_n,
                             .added = k->added,
                             .added_n = k->added_n,
                             .steps = k->steps,
                             .agent = k->agent,
                             .more = k->more,
                             .more_n = k->more_n,
                             .offer = k->offer,
                             .until_ms = k->until_ms,
                             .excluded = k->excluded,
                             .excluded_n = k->excluded_n,
                             .wish = k->offer ? ROUTING_WISH_NONE : wish_of(o),
                             .wish_agent = k->offer ? STR_NONE : str_c(o->wish_agent),
                             .deputy = str_c(o->deputy),
                             .wish_seen_ms = o->wish_seen_ms,
                             .wish_from_ms = o->created_ms};
    if (k->state == ROUTING_WAITING)
        t.due_ms =
            service_next(times_level(x->t, x->p, k->queue), &facts, x->now_ms, &t.due_from_ms);
    router_task(x->r, &t, x->now_ms);
}

static void passes(struct run *x, struct sim_agent *a) {
    int64_t from = a->since_ms > x->record->from_ms ? a->since_ms : x->record->from_ms;
    int64_t to = x->now_ms < x->record->to_ms ? x->now_ms : x->record->to_ms;
    if (to > from && a->open > 0)
        a->busy_ms += to - from;
    else if (to > from && a->presence == ROUTING_AVAILABLE && !a->lost)
        a->available_ms += to - from;
    a->since_ms = x->now_ms;
}

static void say_presence(struct run *x, struct sim_agent *a, enum routing_presence p, bool lost) {
    passes(x, a);
    a->presence = p;
    a->lost = lost;
    a->missed = 0;
    router_presence(
        x->r,
        &(struct routing_presence_news){
            .agent = a->id, .presence = p, .since_ms = x->now_ms, .lost_ms = lost ? x->now_ms : 0},
        x->now_ms);
}

/* Whom the record does not know is there while somebody of his queues is. */
static void follow_others(struct run *x) {
    for (size_t i = 0; i < x->agents_n; i++) {
        struct sim_agent *a = &x->agents[i];
        const struct agent_config *c = people_agent(x->p, a->id);
        bool there = false;
        if (a->recorded || !a->takes)
            continue;
        for (size_t k = 0; k < x->agents_n && !there; k++) {
            const struct agent_config *o = people_agent(x->p, x->agents[k].id);
            there = x->agents[k].recorded && x->agents[k].presence == ROUTING_AVAILABLE &&
                    !x->agents[k].lost && o && people_share(o->queues, c->queues);
        }
        if (there != (a->presence == ROUTING_AVAILABLE))
            say_presence(x, a, there ? ROUTING_AVAILABLE : ROUTING_OFFLINE, false);
    }
}

/* ---- what happens ---- */

static void to_waiting(struct run *x, struct sim_task *k) {
    k->state = ROUTING_WAITING;
    k->agent = STR_NONE;
    k->more_n = 0;
    k->until_ms = 0;
    tell(x, k);
}

static void work_ends(struct run *x, struct sim_task *k) {
    struct sim_agent *a = map_get(&x->by_agent, k->agent);
    if (a) {
        passes(x, a);
        a->open -= a->open > 0;
    }
}

static void gone(struct run *x, struct sim_task *k) {
    k->state = ROUTING_GONE;
    tell(x, k);
}

static void accepts(struct run *x, struct sim_task *k, size_t index) {
    struct sim_agent *a = map_get(&x->by_agent, k->agent);
    k->state = ROUTING_ACCEPTED;
    k->more_n = 0;
    k->until_ms = 0;
    k->out.taken_ms = x->now_ms;
    k->out.queue = k->queue.p; /* of the record, or of the file */
    if (k->of->replied_ms && k->of->taken_ms)
        k->out.replied_ms = x->now_ms + k->of->replied_ms - k->of->taken_ms;
    if (a) {
        passes(x, a);
        a->open++;
        a->missed = 0;
    }
    tell(x, k);
    push(x, x->now_ms + k->handle_ms, EVENT_ENDS, index, k->offer);
}

static void ends(struct run *x, struct sim_task *k) {
    const struct queue_config *q = people_queue(x->p, k->queue);
    int64_t wrap = q ? q->wrapup.default_ms : 0;
    if (q && !strcmp(k->of->channel, "call") && q->wrapup.call_ms >= 0)
        wrap = q->wrapup.call_ms;
    k->out.ended_ms = x->now_ms;
    if (wrap <= 0) {
        work_ends(x, k);
        gone(x, k);
        return;
    }
    k->state = ROUTING_WRAPUP;
    k->until_ms = x->now_ms + wrap;
    tell(x, k);
}

static void happens(struct run *x, const struct event *e) {
    struct sim_task *k = e->kind == EVENT_PRESENCE ? NULL : &x->tasks[e->index];
    if (e->kind == EVENT_PRESENCE) {
        const struct replay_presence *p = &x->record->presences[e->index];
        struct sim_agent *a = map_get(&x->by_agent, str_c(p->agent));
        if (a) {
            say_presence(x, a, p->presence, p->lost);
            follow_others(x);
        }
    } else if (e->kind == EVENT_ARRIVES) {
        tell(x, k);
    } else if (e->kind == EVENT_LEAVES && k->state == ROUTING_WAITING) {
        k->out.left_ms = x->now_ms;
        gone(x, k);
    } else if (e->kind == EVENT_ACCEPTS && k->state == ROUTING_OFFERED && k->offer == e->offer) {
        accepts(x, k, e->index);
    } else if (e->kind == EVENT_ENDS && k->state == ROUTING_ACCEPTED && k->offer == e->offer) {
        ends(x, k);
    }
}

/* ---- what the router decides ---- */

static void offered(struct run *x, struct sim_task *k, const struct routing_decision *d) {
    const struct agent_config *a = people_agent(x->p, d->agent);
    k->state = ROUTING_OFFERED;
    k->offer++;
    k->until_ms = d->expires_ms;
    k->agent = a ? a->id : STR_NONE;
    k->more_n = 0;
    for (size_t i = 1; i < d->to_n; i++)
        if ((a = people_agent(x->p, d->to[i].agent)))
            k->more[k->more_n++] = a->id;
    if (d->ask_again)
        k->excluded_n = 0;
    int64_t answer = k->answer_ms, most = d->expires_ms - x->now_ms;
    push(x,
         x->now_ms + (answer < most ? answer
                      : most > 0    ? most - 1
                                    : 0),
         EVENT_ACCEPTS, (size_t)(k - x->tasks), k->offer);
    tell(x, k);
}

static void returned(struct run *x, struct sim_task *k, const struct routing_decision *d) {
    const struct agent_config *a = people_agent(x->p, d->agent);
    if (k->state == ROUTING_ACCEPTED)
        work_ends(x, k);
    if (d->exclude_until_ms && a) {
        k->excluded = mem_grow(k->excluded, (k->excluded_n + 1) * sizeof *k->excluded);
        k->excluded[k->excluded_n++] = (struct routing_excluded){a->id, d->exclude_until_ms};
    }
    to_waiting(x, k);
}

static void relax(struct sim_task *k, const struct step_config *s) {
    size_t kept = 0;
    for (size_t i = 0; i < k->needs_n; i++) {
        struct routing_need need = k->needs[i];
        for (size_t n = 0; n < s->relax.n; n++)
            if (str_eq(s->relax.items[n].name, need.skill) && s->relax.items[n].value < need.min)
                need.min = s->relax.items[n].value;
        if (need.min > 0)
            k->needs[kept++] = need;
    }
    k->needs_n = kept;
}

/* As functions/task_route.lua does it. */
static void stepped(struct run *x, struct sim_task *k, const struct routing_decision *d) {
    const struct step_config *s = people_step(x->p, k->queue, d->step);
    k->steps |= 1u << d->step;
    if (s) {
        relax(k, s);
        for (size_t i = 0; i < s->add_queues.n && k->added_n < ROUTING_ADDED_MAX; i++)
            k->added[k->added_n++] = s->add_queues.items[i];
        k->priority = k->priority + s->raise > 10 ? 10 : k->priority + s->raise;
    }
    if (s && s->move_to.n) {
        k->queue = s->move_to;
        k->entered_ms = x->now_ms;
        k->steps = 0;
        k->added_n = 0;
    }
    tell(x, k);
}

static void carry(struct run *x, const struct routing_decision *d) {
    struct sim_task *k = map_get(&x->by_id, d->task);
    struct sim_agent *a = map_get(&x->by_agent, d->agent);
    switch (d->what) {
    case ROUTING_OFFER:
        offered(x, k, d);
        break;
    case ROUTING_RETURN:
        returned(x, k, d);
        break;
    case ROUTING_END:
        work_ends(x, k);
        gone(x, k);
        return;
    case ROUTING_STEP:
        stepped(x, k, d);
        break;
    case ROUTING_WAKE:
        to_waiting(x, k);
        break;
    case ROUTING_REST:
    case ROUTING_LEAVE:
        if (a)
            say_presence(x, a, d->what == ROUTING_REST ? ROUTING_AWAY : ROUTING_OFFLINE, a->lost);
        return;
    }
    router_answer(x->r, str_c(k->of->id), ROUTING_DONE, x->now_ms);
}

static void decide(struct run *x) {
    struct routing_decision d;
    while (router_decide(x->r, x->now_ms, &d, 1))
        carry(x, &d);
}

/* ---- a run ---- */

static void add_agent(struct run *x, struct str id, bool recorded, bool takes) {
    if (map_get(&x->by_agent, id))
        return;
    struct sim_agent *a = &x->agents[x->agents_n++];
    *a = (struct sim_agent){
        .id = id, .recorded = recorded, .takes = takes, .since_ms = x->record->from_ms};
    map_put(&x->by_agent, id, a);
}

static void begin(struct run *x) {
    const struct replay_record *r = x->record;
    struct replay_guesses g = {.n = 0};
    x->agents = mem_new((x->p->agents_n + 1) * sizeof *x->agents);
    for (size_t i = 0; i < x->p->agents_n; i++)
        add_agent(x, x->p->agents[i].id, map_get(&r->agents, x->p->agents[i].id) != NULL,
                  x->p->agents[i].takes_tasks);
    x->tasks = mem_new((r->tasks_n + 1) * sizeof *x->tasks);
    for (size_t i = 0; i < r->presences_n; i++)
        push(x, r->presences[i].at_ms, EVENT_PRESENCE, i, 0);
    for (size_t i = 0; i < r->tasks_n; i++) {
        const struct replay_task *t = r->tasks[i];
        struct sim_task *k = &x->tasks[i];
        const struct replay_guess *like = replay_guess(r, t, &g);
        *k = (struct sim_task){
            .of = t,
            .out = {.task = t, .queue = t->queue},
            .queue = str_c(t->queue),
            .entered_ms = t->created_ms,
            .priority = t->priority,
            .answer_ms =
                t->taken_ms && t->offered_ms ? t->taken_ms - t->offered_ms : like->answer_ms,
            .handle_ms = t->taken_ms && t->ended_ms ? t->ended_ms - t->taken_ms : like->handle_ms,
            .needs_n = t->needs_n};
        for (size_t n = 0; n < t->needs_n; n++)
            k->needs[n] = (struct routing_need){str_c(t->needs[n].skill), t->needs[n].min};
        map_put(&x->by_id, str_c(t->id), k);
        push(x, t->created_ms, EVENT_ARRIVES, i, 0);
        if (t->left_ms)
            push(x, t->left_ms, EVENT_LEAVES, i, 0);
    }
}

static void figures(struct run *x, struct replay_figures *out) {
    size_t n = x->record->tasks_n;
    struct outcome *o = mem_new((n + 1) * sizeof *o);
    struct worked *worked = mem_new((x->agents_n + 1) * sizeof *worked);
    x->now_ms = x->record->to_ms;
    for (size_t i = 0; i < n; i++)
        o[i] = x->tasks[i].out;
    for (size_t i = 0; i < x->agents_n; i++) {
        passes(x, &x->agents[i]);
        worked[i] =
            (struct worked){x->agents[i].id.p, x->agents[i].busy_ms, x->agents[i].available_ms};
    }
    replay_count(x->p, x->t, x->record->to_ms, o, n, worked, x->agents_n, out);
    free(worked);
    free(o);
}

void replay_run(const struct replay_record *r, const struct people *p, const struct times *t,
                struct replay_figures *out) {
    struct run x = {.record = r, .p = p, .t = t, .now_ms = r->from_ms};
    x.r = roster_router(p, t, r->from_ms);
    begin(&x);
    for (;;) {
        int64_t next = router_next_ms(x.r);
        if (x.n && x.heap[0].at_ms <= next)
            next = x.heap[0].at_ms;
        if (next >= r->to_ms)
            break;
        x.now_ms = next > x.now_ms ? next : x.now_ms;
        while (x.n && x.heap[0].at_ms <= x.now_ms) {
            struct event e = pop(&x);
            happens(&x, &e);
        }
        decide(&x);
    }
    figures(&x, out);
    router_free(x.r);
    for (size_t i = 0; i < r->tasks_n; i++)
        free(x.tasks[i].excluded);
    map_clear(&x.by_id);
    map_clear(&x.by_agent);
    free(x.agents);
    free(x.tasks);
    free(x.heap);
}
