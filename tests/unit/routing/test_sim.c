/* routing: the whole router in a made-up world (world.h), by seed.
 *
 * With all told at once, each choice is checked against a search by hand. With news late and out of
 * order: when all is told and nothing is under way, nobody may be overloaded and no task wait that
 * somebody could have.
 */
#include "world.h"

/* ---- carrying out ---- */

static struct w_task *find(struct world *w, const char *id) {
    for (int i = 0; i < TASKS; i++)
        if (w->tasks[i].used && !strcmp(w->tasks[i].id, id))
            return &w->tasks[i];
    return NULL;
}

static int find_agent(struct world *w, const char *id) {
    for (int i = 0; i < AGENTS; i++)
        if (!strcmp(w->agents[i].id, id))
            return i;
    return -1;
}

static void ends(struct world *w, struct w_task *t) {
    if (t->agent >= 0 && (t->state == ROUTING_ACCEPTED || t->state == ROUTING_WRAPUP))
        w->agents[t->agent].last_end = w->agents[t->agent].idle_since = w->now;
}

static void to_waiting(struct world *w, struct w_task *t) {
    ends(w, t);
    t->state = ROUTING_WAITING;
    t->agent = -1;
    t->waits_since = w->now;
}

static enum routing_answer carry_offer(struct world *w, struct w_task *t, int a,
                                       const struct routing_decision *d) {
    if (t->state != ROUTING_WAITING || t->rev != d->rev)
        return ROUTING_STALE;
    if (!w->at_once && roll(20) == 0)
        return ROUTING_LATER;
    bool wrapping;
    if (load_of(w, a, -1, &wrapping) + d->weight > d->to[0].units)
        return ROUTING_LATER;
    if (refused(w, a, t))
        assert_true(d->ask_again);
    if (w->at_once)
        choice_is_the_best(w, t, a, d);
    t->state = ROUTING_OFFERED;
    t->agent = a;
    t->offer++;
    t->until = d->expires_ms;
    if (d->ask_again)
        memset(t->excluded, 0, sizeof t->excluded);
    w->offers++;
    return ROUTING_DONE;
}

static enum routing_answer carry_return(struct world *w, struct w_task *t, int a,
                                        const struct routing_decision *d) {
    if ((t->state != ROUTING_OFFERED && t->state != ROUTING_ACCEPTED) || t->agent != a ||
        t->offer != d->offer)
        return ROUTING_STALE;
    if (t->state == ROUTING_ACCEPTED && d->cause == ROUTING_EXPIRED)
        return ROUTING_STALE;
    assert_true(t->returned_offer < t->offer);
    if (d->cause == ROUTING_EXPIRED) {
        assert_true(t->until <= w->now);
        w->agents[a].missed++;
    }
    if (d->exclude_until_ms)
        t->excluded[a] = d->exclude_until_ms;
    to_waiting(w, t);
    t->wish = ROUTING_WISH_NONE;
    t->returned_offer = (int)t->offer;
    w->returns++;
    return ROUTING_DONE;
}

static void carry(struct world *w, const struct w_job *j) {
    const struct routing_decision *d = &j->d;
    int a = find_agent(w, j->agent);
    if (d->what == ROUTING_REST) {
        w->agents[a].presence = ROUTING_AWAY;
        w->agents[a].since = w->now;
        w->agents[a].missed = 0;
        w->rests++;
        tell_presence(w, a);
        return;
    }
    struct w_task *t = find(w, j->task), gone = {0};
    enum routing_answer answer = ROUTING_STALE;
    snprintf(gone.id, sizeof gone.id, "%s", j->task);
    gone.state = ROUTING_GONE;
    gone.agent = -1;
    if (!t) {
        later(w, (struct w_late){.kind = LATE_ANSWER, .task = gone, .answer = answer});
        return;
    }
    if (d->what == ROUTING_OFFER)
        answer = carry_offer(w, t, a, d);
    else if (d->what == ROUTING_RETURN)
        answer = carry_return(w, t, a, d);
    else if (d->what == ROUTING_END && t->state == ROUTING_WRAPUP) {
        ends(w, t);
        t->state = ROUTING_GONE;
        t->agent = -1;
        answer = ROUTING_DONE;
    } else if (d->what == ROUTING_WAKE && t->state == ROUTING_SNOOZED) {
        to_waiting(w, t);
        answer = ROUTING_DONE;
    }
    struct w_task then = *t;
    if (answer == ROUTING_DONE) {
        changed(w, t);
        then = *t;
    }
    later(w, (struct w_late){.kind = LATE_ANSWER, .task = then, .answer = answer});
}

static void decide(struct world *w) {
    struct routing_decision out[8];
    size_t n;
    do {
        /* What is decided at once sees what was carried out: one at a time. */
        size_t max = w->at_once ? 1 : COUNT(out);
        n = router_decide(w->r, w->now, out, max);
        for (size_t i = 0; i < n; i++) {
            struct w_job j = {.d = out[i]};
            snprintf(j.task, sizeof j.task, "%.*s", STR_ARG(out[i].task));
            snprintf(j.agent, sizeof j.agent, "%.*s", STR_ARG(out[i].agent));
            struct w_task *t = find(w, j.task);
            if (t) {
                assert_false(t->pending); /* one decision a task at a time */
                t->pending = true;
            }
            if (w->at_once) {
                carry(w, &j);
            } else {
                assert_true(w->jobs_n < LATE_MAX);
                w->jobs[w->jobs_n++] = j;
            }
        }
        if (n < max)
            assert_true(router_next_ms(w->r) > w->now);
        if (n < max)
            break;
    } while (n);
}

static void carry_one(struct world *w) {
    if (w->jobs_n == 0)
        return;
    struct w_job j = w->jobs[0];
    memmove(&w->jobs[0], &w->jobs[1], --w->jobs_n * sizeof j);
    carry(w, &j);
}

/* ---- what happens ---- */

static void new_task(struct world *w) {
    for (int i = 0; i < TASKS; i++) {
        struct w_task *t = &w->tasks[i];
        if (t->used)
            continue;
        *t = (struct w_task){.used = true,
                             .agent = -1,
                             .queue = (int)roll(QUEUES),
                             .channel = (int)roll(CHANNELS),
                             .priority = 1 + roll(10),
                             .created = w->now - roll(100000),
                             .waits_since = w->now};
        snprintf(t->id, sizeof t->id, "t_%d", w->made++);
        for (int s = 0; s < SKILLS; s++)
            t->min[s] = roll(4) ? 0 : 1 + roll(5);
        if (roll(3) == 0) {
            t->wish = ROUTING_WISH_LAST;
            t->wish_agent = (int)roll(AGENTS);
            t->wish_seen = w->now - roll(1000000);
            t->wish_from = t->created;
        }
        changed(w, t);
        return;
    }
}

static void move_task(struct world *w, struct w_task *t) {
    int a = t->agent;
    switch (t->state) {
    case ROUTING_OFFERED:
        if (roll(4)) {
            t->state = ROUTING_ACCEPTED;
        } else {
            t->excluded[a] = w->now + 600000;
            t->wish = ROUTING_WISH_NONE;
            to_waiting(w, t);
        }
        w->agents[a].missed = 0;
        break;
    case ROUTING_ACCEPTED:
        ends(w, t);
        switch (roll(6)) {
        case 0:
            t->queue = (int)roll(QUEUES);
            t->excluded[a] = w->now + 600000;
            to_waiting(w, t);
            break;
        case 1:
            t->wish = ROUTING_WISH_TRANSFER;
            t->wish_agent = (int)roll(AGENTS);
            t->wish_from = w->now;
            to_waiting(w, t);
            break;
        case 2:
            t->state = ROUTING_SNOOZED;
            t->until = w->now + roll(100000);
            t->wish = ROUTING_WISH_SNOOZE;
            t->wish_agent = a;
            t->wish_from = t->until;
            t->agent = -1;
            break;
        case 3:
            t->state = ROUTING_WRAPUP;
            t->until = w->now + roll(60000);
            break;
        default:
            t->state = ROUTING_GONE;
            t->agent = -1;
        }
        break;
    case ROUTING_WAITING:
    case ROUTING_SNOOZED:
        if (roll(10)) {
            t->priority = 1 + roll(10);
        } else {
            t->state = ROUTING_GONE;
        }
        break;
    case ROUTING_WRAPUP:
        ends(w, t);
        t->state = ROUTING_GONE;
        t->agent = -1;
        break;
    case ROUTING_GONE:
        return;
    }
    changed(w, t);
}

static void change_agent(struct world *w, int i) {
    struct w_agent *a = &w->agents[i];
    switch (roll(8)) {
    case 0:
        a->lost = a->lost ? 0 : w->now;
        router_stream(w->r, str_c(a->id), a->lost, w->now);
        return;
    case 1:
        a->member[roll(QUEUES)] ^= true;
        a->level[roll(SKILLS)] = roll(8);
        tell_agent(w, i);
        return;
    default: {
        enum routing_presence was = a->presence;
        a->presence = roll(4) ? ROUTING_AVAILABLE : roll(2) ? ROUTING_AWAY : ROUTING_OFFLINE;
        a->since = w->now;
        a->missed = 0;
        if (a->presence == ROUTING_AVAILABLE && was != ROUTING_AVAILABLE)
            a->idle_since = w->now;
        tell_presence(w, i);
    }
    }
}

static void something_happens(struct world *w) {
    uint32_t dice = roll(100);
    if (dice < 25) {
        new_task(w);
    } else if (dice < 75) {
        struct w_task *t = &w->tasks[roll(TASKS)];
        if (t->used)
            move_task(w, t);
    } else if (dice < 80) {
        change_agent(w, (int)roll(AGENTS));
    } else if (dice < 81) {
        struct routing_queue *q = &w->queues[roll(QUEUES)];
        q->paused = !q->paused && roll(3) == 0;
        q->strategy = roll(2);
        router_set_queue(w->r, q, w->now);
    } else {
        w->now += roll(20) ? roll(2000) : roll(100000);
    }
}

static void quiet(struct world *w) {
    do {
        decide(w);
        while (w->jobs_n)
            carry_one(w);
        while (w->late_n)
            deliver_one(w);
        decide(w);
    } while (w->jobs_n || w->late_n);
    nobody_is_overloaded(w);
    no_pair_is_left(w);
}

static struct world *world_new(bool at_once) {
    struct world *w = NEW(struct world);
    w->r = router_new();
    w->at_once = at_once;
    w->now = 1800000000000;
    for (int q = 0; q < QUEUES; q++) {
        w->queues[q] = (struct routing_queue){.id = queue_names[q],
                                              .strategy = q % 2,
                                              .offer_ms = 120000,
                                              .call_offer_ms = 30000,
                                              .missed_limit = 3,
                                              .missed_holdoff_ms = 120000,
                                              .ageing_every_ms = 600000,
                                              .ageing_by = 1,
                                              .ageing_cap = 8,
                                              .sticky_window_ms = 500000,
                                              .sticky_wait_ms = q == 3 ? 0 : 60000};
        router_set_queue(w->r, &w->queues[q], w->now);
    }
    for (int i = 0; i < AGENTS; i++) {
        struct w_agent *a = &w->agents[i];
        snprintf(a->id, sizeof a->id, "agent%02d", i);
        a->units = 5 + roll(10);
        for (int q = 0; q < QUEUES; q++)
            a->member[q] = roll(2);
        for (int s = 0; s < SKILLS; s++)
            a->level[s] = roll(8);
        for (int c = 0; c < CHANNELS; c++)
            a->channel_max[c] = 1 + roll(5);
        tell_agent(w, i);
    }
    return w;
}

static void run(bool at_once, uint32_t first_seed, int worlds) {
    for (int n = 0; n < worlds; n++) {
        seed = first_seed + (uint32_t)n;
        struct world *w = world_new(at_once);
        for (int i = 0; i < EVENTS / worlds; i++) {
            something_happens(w);
            if (roll(3))
                decide(w);
            if (!at_once) {
                for (uint32_t k = roll(4); k; k--)
                    carry_one(w);
                for (uint32_t k = roll(4); k; k--)
                    deliver_one(w);
            }
            if (i % (at_once ? 5 : 50) == 0)
                quiet(w);
        }
        quiet(w);
        print_message("%zu offers, %zu came back, %zu rests\n", w->offers, w->returns, w->rests);
        assert_true(w->offers > 1000 && w->returns > 10);
        router_free(w->r);
        free(w);
    }
}

static void every_choice_is_the_best_there_was(void **state) {
    (void)state;
    run(true, 1001, 4);
}

static void late_news_lose_nothing_and_double_nothing(void **state) {
    (void)state;
    run(false, 2001, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_choice_is_the_best_there_was),
        cmocka_unit_test(late_news_lose_nothing_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
