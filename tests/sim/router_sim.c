/* sim/router_sim - the whole router in a made-up world (world.h), by seed, in virtual time.
 *
 *   router_sim [--mode once|late|two] [--seed N] [--events M] [--worlds K]
 *
 * once  all is told at once: each choice is held against a search over all that is true (model.h)
 * late  news come late and out of order, routers begin anew: whenever all is told and nothing is
 *       under way, nobody has too much and nothing waits that somebody could have
 * two   two routers at once, the lease moves at random, and the old one goes on deciding
 *
 * After each event no task has two owners and no agent is over his capacity; nothing is lost; each
 * timer takes effect once and not early. A failure prints the seed that shows it again.
 */
#include <getopt.h>

#include "carry.h"

/* ---- what happens ---- */

static void new_task(struct world *w) {
    int at = 0;
    while (at < TASKS && w->tasks[at].used)
        at++;
    if (at == TASKS)
        return;
    struct w_task *t = &w->tasks[at];
    *t = (struct w_task){.used = true,
                         .channel = (int)roll(CHANNELS),
                         .priority = 1 + roll(10),
                         .created = w->now - roll(100000),
                         .waits_since = w->now,
                         .deputy = NOBODY};
    for (int i = 0; i < DESKS; i++)
        w->desks[i].pending[at] = w->desks[i].put_off[at] = false;
    snprintf(t->id, sizeof t->id, "t_%d", w->made++);
    into_queue(w, t, (int)roll(QUEUES));
    t->entered = t->created;
    for (int s = 0; s < SKILLS; s++)
        t->min[s] = roll(4) ? 0 : 1 + roll(5);
    if (roll(2)) {
        t->due_from = t->created;
        t->due = w->now + roll(20) * HOUR_MS / 2;
    }
    if (roll(3) == 0) {
        static const enum routing_wish kinds[] = {ROUTING_WISH_LAST, ROUTING_WISH_KEY,
                                                  ROUTING_WISH_KEY_HARD};
        t->wish = kinds[roll(3)];
        t->wish_agent = (int)roll(AGENTS);
        t->wish_seen = w->now - roll(1000000);
        t->wish_from = t->created;
        if (t->wish != ROUTING_WISH_LAST && roll(2))
            t->deputy = (int)roll(AGENTS);
    }
    changed(w, t);
}

static void answer_offer(struct world *w, struct w_task *t) {
    int a = t->agents[roll((uint32_t)t->n)];
    if (roll(4)) {
        t->agents[0] = a; /* the first to accept has it */
        t->n = 1;
        t->state = ROUTING_ACCEPTED;
        t->until = w->queues[t->queue].start_by ? w->now + w->queues[t->queue].start_by : 0;
    } else {
        if (w->queues[t->queue].rule.penalise_reject)
            idle_now(w, a);
        exclude(w, t, a, w->now + 600000);
        if (t->n > 1)
            leaves(t, a);
        else
            to_waiting(w, t);
    }
    w->agents[a].missed = 0;
}

static void go_on(struct world *w, struct w_task *t) {
    int a = t->agents[0];
    switch (roll(7)) {
    case 0:
        t->excluded[a] = w->now + 600000;
        to_waiting(w, t);
        t->wish = ROUTING_WISH_NONE;
        into_queue(w, t, (int)roll(QUEUES));
        break;
    case 1:
        to_waiting(w, t);
        t->wish = ROUTING_WISH_TRANSFER;
        t->wish_agent = (int)roll(AGENTS);
        t->wish_from = w->now;
        break;
    case 2:
        work_ends(w, t);
        t->state = ROUTING_SNOOZED;
        t->until = w->now + 1 + roll(100000);
        t->wish = ROUTING_WISH_SNOOZE;
        t->wish_agent = a;
        t->wish_from = t->until;
        t->n = 0;
        break;
    case 3:
        t->state = ROUTING_WRAPUP;
        t->until = w->now + 1 + roll(60000);
        break;
    case 4:
        t->until = 0; /* begun */
        break;
    default:
        gone(w, t);
    }
}

static void move_task(struct world *w, struct w_task *t) {
    switch (t->state) {
    case ROUTING_OFFERED:
        answer_offer(w, t);
        break;
    case ROUTING_ACCEPTED:
        go_on(w, t);
        break;
    case ROUTING_WAITING:
        if (roll(10)) {
            t->priority = 1 + roll(10);
            break;
        }
        gone(w, t);
        break;
    case ROUTING_SNOOZED:
    case ROUTING_WRAPUP:
        gone(w, t);
        break;
    case ROUTING_GONE:
        return;
    }
    changed(w, t);
}

static void each_desk(struct world *w, void (*say)(struct world *, struct desk *, int), int arg) {
    for (int i = 0; i < DESKS; i++)
        if (w->desks[i].r)
            say(w, &w->desks[i], arg);
}

static void say_queue(struct world *w, struct desk *d, int q) {
    router_set_queue(d->r, &w->queues[q].rule, w->now);
}

static void say_blocks(struct world *w, struct desk *d, int unused) {
    (void)unused;
    tell_blocks(w, d);
}

static void change_member(struct world *w, int i) {
    struct w_agent *a = &w->agents[i];
    int q = (int)roll(QUEUES);
    a->member[q] = !a->member[q];
    a->tier[q] = 1 + roll(3);
    a->turn[q] = 0;
    a->joined[q] = a->member[q] ? ++w->queues[q].joined : 0;
    a->level[roll(SKILLS)] = roll(8);
    each_desk(w, tell_agent, i);
}

static void change_agent(struct world *w, int i) {
    struct w_agent *a = &w->agents[i];
    if (roll(8) == 0) {
        change_member(w, i);
        return;
    }
    if (roll(7) == 0) {
        a->lost = a->lost || roll(4) ? 0 : w->now;
    } else {
        enum routing_presence was = a->presence;
        static const enum routing_presence often[] = {ROUTING_AVAILABLE, ROUTING_AVAILABLE,
                                                      ROUTING_AVAILABLE, ROUTING_AWAY,
                                                      ROUTING_OFFLINE,   ROUTING_DRAINING};
        a->presence = often[roll(COUNT(often))];
        a->since = a->presence == was ? a->since : w->now;
        a->missed = 0;
        if (a->presence == ROUTING_AVAILABLE && was != ROUTING_AVAILABLE)
            a->idle_since = w->now;
    }
    presence_changed(w, i);
}

static void make_steps(const struct world *w, struct w_queue *q) {
    q->rule.steps = q->steps;
    q->rule.steps_n = roll(STEPS + 1);
    for (size_t i = 0; i < STEPS; i++) {
        q->steps[i] = (struct routing_step){.after_ms = 1000 + roll(200000)};
        if (roll(4) == 0)
            q->steps[i] = (struct routing_step){.waiting = 2 + roll(8)};
        else if (roll(3) == 0)
            q->steps[i] = (struct routing_step){.after_percent = 1 + roll(99)};
        else
            q->steps[i].skip_if_none_available = roll(3) == 0;
        q->does[i].skill = roll(2) ? (int)roll(SKILLS) : NOBODY;
        q->does[i].level = roll(3);
        q->does[i].raise = roll(3);
        q->does[i].add = !w->mixed || roll(3) ? NOBODY : (int)roll(QUEUES);
        q->does[i].move_to = roll(5) ? NOBODY : (int)roll(QUEUES);
    }
}

/* A rule of its own, drawn anew: as at a reload. */
static void make_rule(struct world *w, int at) {
    struct w_queue *q = &w->queues[at];
    q->rule =
        (struct routing_queue){.id = queue_names[at],
                               .strategy = (enum routing_strategy)roll(ROUTING_STRATEGIES),
                               .order = (enum routing_order)(w->mixed ? roll(4) : first_seed % 4),
                               .paused = roll(8) == 0,
                               .weight = 1 + roll(2),
                               .offer_ms = 120000,
                               .call_offer_ms = 30000,
                               .offer_to = roll(3),
                               .missed_limit = 3,
                               .missed_holdoff_ms = 120000,
                               .penalise_reject = roll(2),
                               .ageing_every_ms = 600000,
                               .ageing_by = 1,
                               .ageing_cap = 8,
                               .sticky_window_ms = 500000,
                               .sticky_wait_ms = roll(3) * 30000,
                               .tier_wait_ms = roll(2) * 20000,
                               .handle_ms = roll(3) * 600000,
                               .call_handle_ms = roll(2) * 60000,
                               .calendar = roll(2) ? w->office : NULL};
    q->start_by = roll(3) * 60000;
    make_steps(w, q);
}

static void take_over(struct world *w) {
    struct desk *next = &w->desks[w->desks[0].fence == w->fence ? 1 : 0];
    next->fence = ++w->fence;
    desk_begin(w, next);
    w->takeovers++;
}

static void begin_anew(struct world *w) {
    for (int i = 0; i < DESKS; i++)
        if (w->desks[i].r && w->desks[i].fence == w->fence) {
            desk_begin(w, &w->desks[i]);
            w->takeovers++;
        }
}

static void something_happens(struct world *w, bool two) {
    uint32_t dice = roll(1000);
    w->events++;
    if (dice < 250) {
        new_task(w);
    } else if (dice < 740) {
        struct w_task *t = &w->tasks[roll(TASKS)];
        if (t->used)
            move_task(w, t);
    } else if (dice < 800) {
        change_agent(w, (int)roll(AGENTS));
    } else if (dice < 806) {
        int q = (int)roll(QUEUES);
        make_rule(w, q);
        each_desk(w, say_queue, q);
    } else if (dice < 808) {
        w->blocks[roll(CHANNELS)][roll(CHANNELS)] ^= true;
        each_desk(w, say_blocks, 0);
    } else if (dice < 811) {
        if (two)
            take_over(w);
        else
            begin_anew(w);
    } else {
        w->now += roll(20) ? roll(2000) : roll(100000);
    }
}

/* ---- a run ---- */

static bool busy(const struct world *w) {
    for (int i = 0; i < DESKS; i++)
        if (w->desks[i].r && (w->desks[i].jobs_n || w->desks[i].late_n))
            return true;
    return false;
}

static void quiet(struct world *w) {
    do {
        for (int i = 0; i < DESKS; i++) {
            struct desk *d = &w->desks[i];
            decide(w, d);
            while (d->r && d->jobs_n)
                carry_one(w, d);
            while (d->r && d->late_n)
                deliver_one(w, d);
            decide(w, d);
        }
    } while (busy(w));
    for (int i = 0; i < DESKS; i++) {
        struct desk *d = &w->desks[i];
        if (!d->r || d->fence != w->fence)
            continue;
        load_is_known(w, d);
        nobody_lingers(w);
        no_pair_is_left(w, d);
        nothing_is_overdue(w, d);
    }
}

static struct world *world_new(bool at_once) {
    struct world *w = NEW(struct world);
    struct calendar_facts office = {.id = STR("office")};
    the_world = w;
    for (int d = 0; d < 5; d++)
        office.week[d] = (struct calendar_day){2, {{8 * 3600, 12 * 3600}, {13 * 3600, 17 * 3600}}};
    w->office = calendar_new(&office);
    w->at_once = at_once;
    w->mixed = first_seed / 4 % 2; /* seeds 1 to 8 see each order both ways */
    w->now = 1800000000000;
    w->fence = w->desks[0].fence = 1;
    for (int q = 0; q < QUEUES; q++)
        make_rule(w, q);
    for (int i = 0; i < AGENTS; i++) {
        struct w_agent *a = &w->agents[i];
        snprintf(a->id, sizeof a->id, "agent%02d", i);
        a->units = 5 + roll(10);
        for (int q = 0; q < QUEUES; q++) {
            a->member[q] = roll(2);
            a->tier[q] = 1 + roll(3);
            a->weight[q] = 1 + roll(4);
        }
        for (int s = 0; s < SKILLS; s++)
            a->level[s] = roll(8);
        for (int c = 0; c < CHANNELS; c++)
            a->channel_max[c] = 1 + roll(5);
    }
    w->blocks[2][0] = w->blocks[2][1] = w->blocks[2][2] = true;
    desk_begin(w, &w->desks[0]);
    return w;
}

static void run(const char *mode, size_t events) {
    bool at_once = !strcmp(mode, "once"), two = !strcmp(mode, "two");
    struct world *w = world_new(at_once);
    w->mode = mode;
    for (size_t i = 0; i < events; i++) {
        something_happens(w, two);
        if (at_once)
            wishes_lapse(w);
        for (int d = 0; d < DESKS; d++) {
            if (roll(3))
                decide(w, &w->desks[d]);
            for (uint32_t k = at_once ? 0 : roll(4); k; k--)
                carry_one(w, &w->desks[d]);
            for (uint32_t k = at_once ? 0 : roll(4); k; k--)
                deliver_one(w, &w->desks[d]);
        }
        owners_are_sound(w);
        nobody_is_overloaded(w);
        if (i % (at_once ? 5 : 50) == 0)
            quiet(w);
    }
    quiet(w);
    printf("%-4s seed %u: %zu events, %zu offers, %zu came back, %zu steps, %zu wrap-ups and %zu "
           "snoozes ended, %zu rests, %zu takeovers, %zu refused\n",
           mode, first_seed, w->events, w->offers, w->returns, w->steps, w->ends, w->wakes,
           w->rests, w->takeovers, w->refused);
    for (int i = 0; i < DESKS; i++)
        router_free(w->desks[i].r);
    calendar_free(w->office);
    free(w);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"mode", required_argument, NULL, 'm'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"worlds", required_argument, NULL, 'w'},
                                            {NULL, 0, NULL, 0}};
    const char *modes[] = {"once", "late", "two"}, *mode = NULL;
    unsigned long seed_of = 1, events = 20000, worlds = 1, runs = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'm')
            mode = optarg;
        else if (c == 's')
            seed_of = strtoul(optarg, NULL, 10);
        else if (c == 'e')
            events = strtoul(optarg, NULL, 10);
        else if (c == 'w')
            worlds = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    for (size_t m = 0; m < COUNT(modes); m++)
        for (unsigned long k = 0; (!mode || !strcmp(mode, modes[m])) && k < worlds; k++, runs++) {
            first_seed = seed = (uint32_t)(seed_of + k);
            for (int i = 0; i < 20; i++)
                roll(2); /* small seeds begin alike */
            run(modes[m], events);
        }
    printf("%lu passed, 0 failed\n", runs);
    return runs ? 0 : 2;
}
