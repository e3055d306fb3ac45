/* sim/world.h - a made-up world for the router: what is true, and how it is told.
 *
 * The world plays store and agents: it holds what is true, carries decisions out or refuses them
 * (carry.h), and tells each router what has become of it, at once or late and out of order. What
 * must hold is judged from the words of the routing semantics alone (model.h), by search, not by
 * the router's own code. A run is one seed: the same again is the same run.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "routing/calendar.h"
#include "routing/router.h"

enum {
    AGENTS = 14,
    QUEUES = 5,
    SKILLS = 3,
    CHANNELS = 3,
    TASKS = 90,
    STEPS = 3,
    DESKS = 2,
    LATE_MAX = 4096,
    NOBODY = -1,
};
#define HOUR_MS INT64_C(3600000)

static const struct str queue_names[QUEUES] = {STR("support"), STR("sales"), STR("callbacks"),
                                               STR("vip"), STR("backup")};
static const struct str skill_names[SKILLS] = {STR("de"), STR("en"), STR("billing")};
static const struct str channel_names[CHANNELS] = {STR("email"), STR("chat"), STR("call")};
static const int64_t channel_weight[CHANNELS] = {1, 3, 10};

struct w_agent {
    char id[24];
    bool member[QUEUES];
    int64_t tier[QUEUES], weight[QUEUES], joined[QUEUES], turn[QUEUES]; /* joined: in the ring */
    int64_t level[SKILLS], channel_max[CHANNELS], units;
    enum routing_presence presence;
    int64_t since, last_end, lost, missed, idle_since;
};
struct w_task {
    char id[24];
    bool used;
    int64_t rev;
    enum routing_state state;
    int queue, channel, n; /* n: who has it or is offered it */
    int agents[AGENTS];
    int64_t priority, created, entered, offer, until, due, due_from, min[SKILLS];
    int64_t excluded[AGENTS];
    enum routing_wish wish;
    int wish_agent, deputy;
    int64_t wish_seen, wish_from;
    uint32_t steps;
    bool added[QUEUES];
    int64_t came_as, returned_offer; /* came_as: how many waited then, itself too */
    int64_t waits_since, stage_rev;
    int stage; /* whose turn it is of those who are waited for (wishes.h), as of stage_rev */
};
struct w_queue {
    struct routing_queue rule;
    struct routing_step steps[STEPS];
    /* What the steps do; the router knows only when. */
    struct {
        int skill, add, move_to; /* NOBODY: not that */
        int64_t level, raise;
    } does[STEPS];
    int64_t joined, cursor, start_by;
};
struct w_late {
    enum { LATE_TASK, LATE_ANSWER, LATE_PRESENCE } kind;
    struct w_task task;
    enum routing_answer answer;
    struct w_agent agent;
};
struct w_job {
    struct routing_decision d;
    struct routing_offered to[ROUTING_OFFERS_MAX];
    char task[24], agent[24], to_id[ROUTING_OFFERS_MAX][24];
    int64_t fence;
};
/* A router, what it has not been told yet, and what it has decided. */
struct desk {
    struct router *r; /* NULL: it has none */
    int64_t fence;
    struct w_late late[LATE_MAX];
    size_t late_n;
    struct w_job jobs[LATE_MAX];
    size_t jobs_n;
    bool pending[TASKS], put_off[TASKS];
};
struct world {
    const char *mode;
    int64_t now, fence;
    bool at_once, mixed; /* queues of different orders, steps that add queues */
    struct desk desks[DESKS];
    struct w_agent agents[AGENTS];
    struct w_task tasks[TASKS];
    struct w_queue queues[QUEUES];
    bool blocks[CHANNELS][CHANNELS];
    struct calendar *office;
    int made;
    size_t events, offers, returns, rests, steps, ends, wakes, takeovers, refused;
};

static uint32_t seed, first_seed;
static struct world *the_world;
static uint32_t roll(uint32_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

/* The seed is all that is needed to see it again. */
#define CHECK(what, ...)                                                                           \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #what);                               \
            printf(__VA_ARGS__);                                                                   \
            printf("\n  event %zu; again: router_sim --mode %s --seed %u --events %zu\n",          \
                   the_world->events, the_world->mode, first_seed, the_world->events);             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* ---- telling a router ---- */

static void tell_task(struct world *w, struct desk *d, const struct w_task *t) {
    struct routing_need needs[SKILLS];
    struct routing_excluded excluded[AGENTS];
    struct str added[QUEUES], more[AGENTS];
    struct routing_task news = {.id = str_c(t->id),
                                .queue = queue_names[t->queue],
                                .channel = channel_names[t->channel],
                                .rev = t->rev,
                                .state = t->state,
                                .weight = channel_weight[t->channel],
                                .priority = t->priority,
                                .created_ms = t->created,
                                .entered_ms = t->entered,
                                .due_ms = t->due,
                                .due_from_ms = t->due_from,
                                .steps = t->steps,
                                .needs = needs,
                                .added = added,
                                .more = more,
                                .offer = t->offer,
                                .until_ms = t->until,
                                .excluded = excluded,
                                .wish = t->wish,
                                .wish_seen_ms = t->wish_seen,
                                .wish_from_ms = t->wish_from};
    for (int i = 0; i < SKILLS; i++)
        if (t->min[i])
            needs[news.needs_n++] =
                (struct routing_need){.skill = skill_names[i], .min = t->min[i]};
    for (int i = 0; i < AGENTS; i++)
        if (t->excluded[i])
            excluded[news.excluded_n++] = (struct routing_excluded){.agent = str_c(w->agents[i].id),
                                                                    .until_ms = t->excluded[i]};
    for (int i = 0; i < QUEUES; i++)
        if (t->added[i])
            added[news.added_n++] = queue_names[i];
    if (t->n)
        news.agent = str_c(w->agents[t->agents[0]].id);
    for (int i = 1; i < t->n; i++)
        more[news.more_n++] = str_c(w->agents[t->agents[i]].id);
    if (t->wish) {
        news.wish_agent = str_c(w->agents[t->wish_agent].id);
        news.deputy = t->deputy >= 0 ? str_c(w->agents[t->deputy].id) : STR_NONE;
    }
    router_task(d->r, &news, w->now);
}

static void tell_presence(struct world *w, struct desk *d, const struct w_agent *a) {
    router_presence(d->r,
                    &(struct routing_presence_news){.agent = str_c(a->id),
                                                    .presence = a->presence,
                                                    .since_ms = a->since,
                                                    .last_end_ms = a->last_end,
                                                    .missed = a->missed,
                                                    .lost_ms = a->lost},
                    w->now);
}

static void tell_agent(struct world *w, struct desk *d, int i) {
    struct w_agent *a = &w->agents[i];
    struct routing_membership queues[QUEUES];
    struct tl_named_int skills[SKILLS], channels[CHANNELS];
    struct routing_agent news = {
        .id = str_c(a->id), .queues = queues, .units = a->units, .lost_after_ms = 1800000};
    for (int q = 0; q < QUEUES; q++)
        if (a->member[q])
            queues[news.queues_n++] =
                (struct routing_membership){queue_names[q], a->tier[q], a->weight[q]};
    for (int s = 0; s < SKILLS; s++)
        skills[s] = (struct tl_named_int){skill_names[s], a->level[s]};
    for (int c = 0; c < CHANNELS; c++)
        channels[c] = (struct tl_named_int){channel_names[c], a->channel_max[c]};
    news.skills = (struct tl_ints){skills, SKILLS};
    news.channels = (struct tl_ints){channels, CHANNELS};
    router_set_agent(d->r, &news, w->now);
}

static void tell_blocks(struct world *w, struct desk *d) {
    struct routing_block blocks[CHANNELS];
    struct str names[CHANNELS][CHANNELS];
    for (int i = 0; i < CHANNELS; i++) {
        size_t n = 0;
        for (int k = 0; k < CHANNELS; k++)
            if (w->blocks[i][k])
                names[i][n++] = channel_names[k];
        blocks[i] = (struct routing_block){channel_names[i], {names[i], n}};
    }
    router_set_blocks(d->r, blocks, CHANNELS, w->now);
}

/* News that all routers hear, each in its own time. */
static void later(struct world *w, struct desk *d, const struct w_late *l);

static void tell_all(struct world *w, const struct w_late *l) {
    for (int i = 0; i < DESKS; i++)
        if (w->desks[i].r)
            later(w, &w->desks[i], l);
}

static void changed(struct world *w, struct w_task *t) {
    t->rev++;
    tell_all(w, &(struct w_late){.kind = LATE_TASK, .task = *t});
    if (t->state == ROUTING_GONE)
        t->used = false;
}

static void presence_changed(struct world *w, int i) {
    tell_all(w, &(struct w_late){.kind = LATE_PRESENCE, .agent = w->agents[i]});
}

static int task_index(const struct world *w, const char *id) {
    for (int i = 0; i < TASKS; i++)
        if (w->tasks[i].used && !strcmp(w->tasks[i].id, id))
            return i;
    return NOBODY;
}

static int agent_index(const struct world *w, const char *id) {
    for (int i = 0; i < AGENTS; i++)
        if (!strcmp(w->agents[i].id, id))
            return i;
    return NOBODY;
}

static void deliver(struct world *w, struct desk *d, const struct w_late *l) {
    if (l->kind == LATE_TASK) {
        tell_task(w, d, &l->task);
    } else if (l->kind == LATE_PRESENCE) {
        tell_presence(w, d, &l->agent);
    } else {
        int at = task_index(w, l->task.id);
        router_answer(d->r, str_c(l->task.id), l->answer, w->now);
        if (at >= 0) {
            d->pending[at] = false;
            d->put_off[at] = l->answer == ROUTING_LATER;
        }
    }
}

static void later(struct world *w, struct desk *d, const struct w_late *l) {
    if (w->at_once) {
        deliver(w, d, l);
        return;
    }
    CHECK(d->late_n < LATE_MAX, "the world tells too late");
    d->late[d->late_n++] = *l;
}

/* News come in order; an answer may overtake them, but tells the task as it then is before. */
static void deliver_one(struct world *w, struct desk *d) {
    size_t at = 0;
    if (!d->r || d->late_n == 0)
        return;
    if (roll(4) == 0)
        for (size_t i = 0; i < d->late_n; i++)
            if (d->late[i].kind == LATE_ANSWER) {
                at = i;
                break;
            }
    struct w_late l = d->late[at];
    memmove(&d->late[at], &d->late[at + 1], (--d->late_n - at) * sizeof l);
    if (l.kind == LATE_ANSWER)
        tell_task(w, d, &l.task);
    deliver(w, d, &l);
}

/* A ring that begins stands in the order of the agents, after the one whose turn was last. */
static void rings_begin(struct world *w) {
    for (int q = 0; q < QUEUES; q++) {
        int64_t highest = 0;
        w->queues[q].joined = w->queues[q].cursor = 0;
        for (int i = 0; i < AGENTS; i++) {
            struct w_agent *a = &w->agents[i];
            if (!a->member[q])
                continue;
            a->joined[q] = ++w->queues[q].joined;
            if (a->turn[q] >= highest && a->turn[q] &&
                w->queues[q].rule.strategy == ROUTING_ROUND_ROBIN) {
                highest = a->turn[q];
                w->queues[q].cursor = a->joined[q];
            }
        }
    }
}

/* A router that begins: it is told what is so, and nothing of what was. */
static void desk_begin(struct world *w, struct desk *d) {
    router_free(d->r);
    d->r = router_new();
    d->late_n = d->jobs_n = 0;
    memset(d->pending, 0, sizeof d->pending);
    memset(d->put_off, 0, sizeof d->put_off);
    router_set_hard_wait(d->r, 90000);
    tell_blocks(w, d);
    for (int q = 0; q < QUEUES; q++)
        router_set_queue(d->r, &w->queues[q].rule, w->now);
    rings_begin(w);
    for (int i = 0; i < AGENTS; i++)
        tell_agent(w, d, i);
    for (int i = 0; i < AGENTS; i++)
        for (int q = 0; q < QUEUES; q++)
            if (w->agents[i].member[q] && w->agents[i].turn[q])
                router_turn(d->r, queue_names[q], str_c(w->agents[i].id), w->agents[i].turn[q]);
    for (int i = 0; i < AGENTS; i++)
        tell_presence(w, d, &w->agents[i]);
    for (int i = 0; i < TASKS; i++) {
        w->tasks[i].stage_rev = -1;
        if (w->tasks[i].used)
            tell_task(w, d, &w->tasks[i]);
    }
}

#endif
