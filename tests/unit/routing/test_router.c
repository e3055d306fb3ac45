/* routing: what the router decides and says, case by case; many are faults read in other houses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "routing/router.h"

#define DAY_MS 86400000
static const int64_t T0 = 1800000000000;

struct fixture {
    struct router *r;
    struct routing_decision d[64];
    size_t n;
    int64_t rev;
};

static struct routing_queue queue_of(const char *id) {
    return (struct routing_queue){.id = str_c(id),
                                  .offer_ms = 120000,
                                  .call_offer_ms = 30000,
                                  .missed_limit = 3,
                                  .missed_holdoff_ms = 120000,
                                  .ageing_every_ms = 600000,
                                  .ageing_by = 1,
                                  .ageing_cap = 8,
                                  .sticky_window_ms = 7 * (int64_t)DAY_MS,
                                  .sticky_wait_ms = 600000};
}

static void agent(struct fixture *x, const char *id, int64_t units, int64_t de, int64_t now) {
    static const struct routing_membership both[] = {{STR("support"), 1, 1},
                                                     {STR("callbacks"), 1, 1}};
    const struct tl_named_int skills[] = {{STR("de"), de}};
    const struct routing_agent a = {.id = str_c(id),
                                    .queues = both,
                                    .queues_n = 2,
                                    .skills = {skills, 1},
                                    .units = units,
                                    .lost_after_ms = 1800000};
    router_set_agent(x->r, &a, now);
}

static void presence(struct fixture *x, const char *id, enum routing_presence p, int64_t now) {
    router_presence(
        x->r, &(struct routing_presence_news){.agent = str_c(id), .presence = p, .since_ms = now},
        now);
}

static struct routing_task task_of(struct fixture *x, const char *id, int64_t created) {
    return (struct routing_task){.id = str_c(id),
                                 .queue = str_c("support"),
                                 .channel = str_c("email"),
                                 .rev = ++x->rev,
                                 .weight = 1,
                                 .priority = 5,
                                 .created_ms = created,
                                 .wish_from_ms = created};
}

static void decide(struct fixture *x, int64_t now) {
    x->n = router_decide(x->r, now, x->d, COUNT(x->d));
    assert_true(x->n < COUNT(x->d));
}

/* The only decision is this offer; it is carried out. */
static void offered(struct fixture *x, struct routing_task *t, const char *to, const char *reason,
                    int64_t now) {
    decide(x, now);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_OFFER);
    assert_true(str_eq(x->d[0].task, t->id));
    assert_string_equal(x->d[0].agent.p, to);
    assert_string_equal(x->d[0].reason, reason);
    t->state = ROUTING_OFFERED;
    t->agent = str_c(to);
    t->rev = ++x->rev;
    t->offer++;
    t->until_ms = x->d[0].expires_ms;
    router_task(x->r, t, now);
    router_answer(x->r, t->id, ROUTING_DONE, now);
}

static void nothing(struct fixture *x, int64_t now) {
    decide(x, now);
    if (x->n)
        fail_msg("decided: %s", x->d[0].reason);
    assert_true(router_next_ms(x->r) > now);
}

static void becomes(struct fixture *x, struct routing_task *t, enum routing_state s, int64_t now) {
    t->state = s;
    t->rev = ++x->rev;
    router_task(x->r, t, now);
}

static void comes_back(struct fixture *x, struct routing_task *t, const char *reason, int64_t now) {
    decide(x, now);
    assert_true(x->n >= 1);
    assert_int_equal(x->d[0].what, ROUTING_RETURN);
    assert_string_equal(x->d[0].reason, reason);
    struct routing_excluded out = {t->agent, x->d[0].exclude_until_ms};
    t->excluded = &out;
    t->excluded_n = out.until_ms ? 1 : 0;
    t->agent = STR_NONE;
    becomes(x, t, ROUTING_WAITING, now);
    router_answer(x->r, t->id, ROUTING_DONE, now);
    t->excluded_n = 0;
}

static int setup(void **state) {
    struct fixture *x = NEW(struct fixture);
    x->r = router_new();
    struct routing_queue support = queue_of("support"), callbacks = queue_of("callbacks");
    router_set_queue(x->r, &support, T0);
    router_set_queue(x->r, &callbacks, T0);
    agent(x, "anna", 10, 5, T0);
    agent(x, "ben", 10, 0, T0);
    *state = x;
    return 0;
}

static int teardown(void **state) {
    struct fixture *x = *state;
    router_free(x->r);
    free(x);
    return 0;
}

static void whoever_is_idle_longest_gets_it_also_after_weeks(void **state) {
    struct fixture *x = *state;
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 20 * (int64_t)DAY_MS);
    struct routing_task t = task_of(x, "t_1", T0 + 30 * (int64_t)DAY_MS);
    router_task(x->r, &t, t.created_ms);
    offered(x, &t, "ben", "longest idle of 2 able", t.created_ms);
    assert_int_equal(t.until_ms, t.created_ms + 120000);
}

static void going_away_and_back_does_not_help(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0 + 1000);
    presence(x, "anna", ROUTING_AWAY, T0 + 2000);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 3000);
    struct routing_task t = task_of(x, "t_1", T0 + 4000);
    router_task(x->r, &t, T0 + 4000);
    offered(x, &t, "ben", "longest idle of 2 able", T0 + 4000);
}

static void load_comes_before_idleness(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0 + 1000);
    struct routing_task one = task_of(x, "t_1", T0 + 2000), two = task_of(x, "t_2", T0 + 3000);
    router_task(x->r, &one, T0 + 2000);
    offered(x, &one, "anna", "longest idle of 2 able", T0 + 2000);
    router_task(x->r, &two, T0 + 3000);
    offered(x, &two, "ben", "longest idle of 2 able", T0 + 3000);
}

static void least_load_counts_open_work_only(void **state) {
    struct fixture *x = *state;
    struct routing_queue q = queue_of("support");
    q.strategy = 1;
    router_set_queue(x->r, &q, T0);
    agent(x, "ben", 100, 0, T0); /* twice the work is still less of his capacity: not asked */
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 1);
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    struct routing_task one = task_of(x, "t_1", T0 + 2), two = task_of(x, "t_2", T0 + 3);
    router_task(x->r, &one, T0 + 2);
    offered(x, &one, "ben", "least load of 2 able", T0 + 2);
    router_task(x->r, &two, T0 + 3);
    offered(x, &two, "anna", "least load of 2 able", T0 + 3);
    router_task_gone(x->r, one.id, T0 + 4);
    struct routing_task three = task_of(x, "t_3", T0 + 5);
    router_task(x->r, &three, T0 + 5);
    offered(x, &three, "ben", "least load of 2 able", T0 + 5);
}

static void a_skill_below_the_minimum_is_no_skill(void **state) {
    struct fixture *x = *state;
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 1);
    const struct routing_need german[] = {{STR("de"), 5}}, better[] = {{STR("de"), 6}},
                              unknown[] = {{STR("klingon"), 1}};
    struct routing_task t = task_of(x, "t_1", T0 + 2), u = task_of(x, "t_2", T0 + 2);
    t.needs = german;
    t.needs_n = 1;
    router_task(x->r, &t, T0 + 2);
    offered(x, &t, "anna", "longest idle of 1 able", T0 + 2);
    u.needs = better;
    u.needs_n = 1;
    router_task(x->r, &u, T0 + 3);
    nothing(x, T0 + 3);
    u.needs = unknown;
    u.rev = ++x->rev;
    router_task(x->r, &u, T0 + 4);
    nothing(x, T0 + 4);
    const struct tl_named_int speaks[] = {{STR("klingon"), 1}};
    static const struct routing_membership support = {STR("support"), 1, 1};
    const struct routing_agent worf = {
        .id = str_c("worf"), .queues = &support, .queues_n = 1, .skills = {speaks, 1}, .units = 5};
    router_set_agent(x->r, &worf, T0 + 5);
    presence(x, "worf", ROUTING_AVAILABLE, T0 + 5);
    offered(x, &u, "worf", "longest idle of 1 able", T0 + 5);
}

static void wrap_up_holds_in_all_queues_and_ends_by_itself(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task call = task_of(x, "t_1", T0), mail = task_of(x, "t_2", T0 + 1000);
    call.state = ROUTING_WRAPUP;
    call.agent = str_c("anna");
    call.until_ms = T0 + 30000;
    call.queue = str_c("callbacks");
    router_task(x->r, &call, T0);
    router_task(x->r, &mail, T0 + 1000);
    nothing(x, T0 + 29999);
    decide(x, T0 + 30000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_END);
    router_task_gone(x->r, call.id, T0 + 30000);
    offered(x, &mail, "anna", "longest idle of 1 able", T0 + 30000);
}

static void a_refused_task_keeps_its_place(void **state) {
    struct fixture *x = *state;
    agent(x, "anna", 1, 5, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task old = task_of(x, "t_old", T0), young = task_of(x, "t_young", T0 + 1);
    router_task(x->r, &old, T0 + 1);
    router_task(x->r, &young, T0 + 1);
    offered(x, &old, "anna", "longest idle of 1 able", T0 + 1);
    const struct routing_excluded out[] = {{STR("anna"), T0 + 600000}};
    old.excluded = out;
    old.excluded_n = 1;
    old.agent = STR_NONE;
    becomes(x, &old, ROUTING_WAITING, T0 + 5000);
    offered(x, &young, "anna", "longest idle of 1 able", T0 + 5000);
    presence(x, "ben", ROUTING_AVAILABLE, T0 + 6000);
    offered(x, &old, "ben", "longest idle of 1 able", T0 + 6000);
}

static void when_all_have_refused_all_are_asked_again(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    const struct routing_excluded out[] = {{STR("anna"), T0 + 600000}};
    t.excluded = out;
    t.excluded_n = 1;
    router_task(x->r, &t, T0);
    nothing(x, T0 + ROUTING_ALL_REJECTED_MS - 1);
    offered(x, &t, "anna", "asked again after all had refused: longest idle of 1 able",
            T0 + ROUTING_ALL_REJECTED_MS);
    assert_true(x->d[0].ask_again);
}

static void an_offer_that_runs_out_comes_back_and_three_mean_a_rest(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    int64_t now = T0;
    for (int i = 0; i < 3; i++) {
        offered(x, &t, "anna", "longest idle of 1 able", now);
        nothing(x, now + 119999);
        comes_back(x, &t, "offer expired", now + 120000);
        assert_true(x->d[0].exclude_until_ms == now + 240000);
        now += 240000;
        if (i < 2)
            assert_true(router_next_ms(x->r) <= now);
    }
    decide(x, now - 120000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_REST);
    assert_string_equal(x->d[0].agent.p, "anna");
    assert_string_equal(x->d[0].reason, "missed");
    nothing(x, now + DAY_MS);
}

static void whoever_answers_in_between_needs_no_rest(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    int64_t now = T0;
    for (int i = 0; i < 5; i++) {
        offered(x, &t, "anna", "longest idle of 1 able", now);
        comes_back(x, &t, "offer expired", now + 120000);
        now += 240000;
        struct routing_task other = task_of(x, "t_2", now);
        router_task(x->r, &other, now);
        decide(x, now);
        assert_int_equal(x->n, 2);
        for (int k = 0; k < 2; k++)
            router_answer(x->r, x->d[k].task, ROUTING_STALE, now);
        other.agent = str_c("anna");
        becomes(x, &other, ROUTING_OFFERED, now);
        becomes(x, &other, ROUTING_ACCEPTED, now);
        router_task_gone(x->r, other.id, now);
    }
}

static void the_last_agent_is_waited_for_while_he_is_busy(void **state) {
    struct fixture *x = *state;
    agent(x, "anna", 1, 5, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    struct routing_task busy = task_of(x, "t_1", T0), t = task_of(x, "t_2", T0);
    busy.state = ROUTING_ACCEPTED;
    busy.agent = str_c("anna");
    router_task(x->r, &busy, T0);
    t.wish = ROUTING_WISH_LAST;
    t.wish_agent = str_c("anna");
    t.wish_seen_ms = T0 - DAY_MS;
    router_task(x->r, &t, T0);
    nothing(x, T0 + 1000);
    router_task_gone(x->r, busy.id, T0 + 2000);
    offered(x, &t, "anna", "sticky: last agent", T0 + 2000);
}

static void the_last_agent_is_not_waited_for_in_vain(void **state) {
    struct fixture *x = *state;
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    static const struct {
        enum routing_presence presence;
        int64_t seen_ms, units;
        int64_t from_ms; /* now - created */
    } cases[] = {
        {ROUTING_AWAY, DAY_MS, 10, 0},
        {ROUTING_OFFLINE, DAY_MS, 10, 0},
        {ROUTING_AVAILABLE, 8 * (int64_t)DAY_MS, 10, 0}, /* too long ago */
        {ROUTING_AVAILABLE, DAY_MS, 0, 600000},          /* waited long enough */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t now = T0 + (int64_t)i * 1000;
        agent(x, "anna", 1, 5, now);
        presence(x, "anna", cases[i].presence, now);
        struct routing_task busy = task_of(x, "t_busy", now), t = task_of(x, "t_2", now - 600000);
        busy.state = ROUTING_ACCEPTED;
        busy.agent = str_c("anna");
        if (cases[i].presence == ROUTING_AVAILABLE)
            router_task(x->r, &busy, now);
        t.created_ms = t.wish_from_ms = now - cases[i].from_ms;
        t.wish = ROUTING_WISH_LAST;
        t.wish_agent = str_c("anna");
        t.wish_seen_ms = now - cases[i].seen_ms;
        router_task(x->r, &t, now);
        offered(x, &t, "ben", "longest idle of 1 able", now);
        router_task_gone(x->r, t.id, now);
        router_task_gone(x->r, busy.id, now);
    }
}

static void whoever_leaves_is_no_longer_waited_for(void **state) {
    struct fixture *x = *state;
    agent(x, "anna", 1, 5, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    struct routing_task busy = task_of(x, "t_1", T0), t = task_of(x, "t_2", T0);
    busy.state = ROUTING_ACCEPTED;
    busy.agent = str_c("anna");
    router_task(x->r, &busy, T0);
    t.wish = ROUTING_WISH_TRANSFER;
    t.wish_agent = str_c("anna");
    router_task(x->r, &t, T0);
    nothing(x, T0);
    router_stream(x->r, str_c("anna"), T0 + 1000, T0 + 1000);
    offered(x, &t, "ben", "longest idle of 1 able", T0 + 1000);
}

static void a_lost_agent_gives_back_offers_calls_and_mails_in_turn(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task offer = task_of(x, "t_1", T0), call = task_of(x, "t_2", T0),
                        mail = task_of(x, "t_3", T0);
    offer.agent = call.agent = mail.agent = str_c("anna");
    offer.until_ms = T0 + 120000;
    call.channel = str_c("call");
    offer.state = ROUTING_OFFERED;
    call.state = mail.state = ROUTING_ACCEPTED;
    router_task(x->r, &offer, T0);
    router_task(x->r, &call, T0);
    router_task(x->r, &mail, T0);
    router_stream(x->r, str_c("anna"), T0, T0);
    nothing(x, T0 + 4999);
    comes_back(x, &offer, "agent disconnected", T0 + 5000);
    nothing(x, T0 + 59999);
    comes_back(x, &call, "agent disconnected for 60 s", T0 + 60000);
    nothing(x, T0 + 1799999);
    comes_back(x, &mail, "agent disconnected for 1800 s", T0 + 1800000);
    nothing(x, T0 + 1800000);
    router_stream(x->r, str_c("anna"), 0, T0 + 1900000);
    decide(x, T0 + 1900000);
    assert_int_equal(x->n, 3);
}

static void who_comes_back_in_time_keeps_all(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task offer = task_of(x, "t_1", T0);
    offer.agent = str_c("anna");
    offer.state = ROUTING_OFFERED;
    offer.until_ms = T0 + 120000;
    router_task(x->r, &offer, T0);
    router_stream(x->r, str_c("anna"), T0, T0);
    router_stream(x->r, str_c("anna"), 0, T0 + 4000);
    nothing(x, T0 + 119999);
    assert_int_equal(router_next_ms(x->r), T0 + 120000);
}

static void going_away_returns_offers_at_once_and_keeps_work(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task offer = task_of(x, "t_1", T0), work = task_of(x, "t_2", T0);
    offer.agent = work.agent = str_c("anna");
    offer.state = ROUTING_OFFERED;
    offer.until_ms = T0 + 120000;
    work.state = ROUTING_ACCEPTED;
    router_task(x->r, &offer, T0);
    router_task(x->r, &work, T0);
    presence(x, "anna", ROUTING_AWAY, T0 + 1000);
    comes_back(x, &offer, "agent went away", T0 + 1000);
    assert_true(x->d[0].exclude_until_ms == 0);
    nothing(x, T0 + DAY_MS);
}

static void age_raises_priority_up_to_the_cap(void **state) {
    struct fixture *x = *state;
    agent(x, "anna", 1, 5, T0);
    struct routing_task old = task_of(x, "t_old", T0), vip = task_of(x, "t_vip", T0 + 3600000),
                        six = task_of(x, "t_six", T0 + 3600000);
    old.priority = 5; /* 8 after an hour: the cap */
    vip.priority = 9;
    six.priority = 6;
    router_task(x->r, &old, T0 + 3600000);
    router_task(x->r, &vip, T0 + 3600000);
    router_task(x->r, &six, T0 + 3600000);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 3600000);
    offered(x, &vip, "anna", "longest idle of 1 able", T0 + 3600000);
    router_task_gone(x->r, vip.id, T0 + 3600000);
    offered(x, &old, "anna", "longest idle of 1 able", T0 + 3600000);
}

static void a_paused_queue_offers_nothing_until_it_goes_on(void **state) {
    struct fixture *x = *state;
    struct routing_queue q = queue_of("support");
    q.paused = true;
    router_set_queue(x->r, &q, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    nothing(x, T0 + 1);
    q.paused = false;
    router_set_queue(x->r, &q, T0 + 2);
    offered(x, &t, "anna", "longest idle of 1 able", T0 + 2);
}

static void old_news_are_dropped(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    offered(x, &t, "anna", "longest idle of 1 able", T0);
    t.rev--;
    t.state = ROUTING_WAITING;
    router_task(x->r, &t, T0 + 1);
    nothing(x, T0 + 1);
}

static void a_refused_offer_is_not_tried_again_at_once(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    decide(x, T0);
    assert_int_equal(x->n, 1);
    nothing(x, T0 + 60000); /* no second decision while one is under way */
    router_answer(x->r, t.id, ROUTING_LATER, T0 + 60000);
    nothing(x, T0 + 60999);
    offered(x, &t, "anna", "longest idle of 1 able", T0 + 61000);
}

static void a_dropped_agent_loses_his_work_and_a_dropped_queue_waits(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    t.agent = str_c("anna");
    t.state = ROUTING_ACCEPTED;
    router_task(x->r, &t, T0);
    router_drop_agent(x->r, str_c("anna"), T0 + 1);
    comes_back(x, &t, "agent is no longer configured", T0 + 1);
    router_drop_queue(x->r, str_c("support"), T0 + 2);
    presence(x, "ben", ROUTING_AVAILABLE, T0 + 2);
    nothing(x, T0 + 3);
    struct routing_queue q = queue_of("support");
    router_set_queue(x->r, &q, T0 + 4);
    offered(x, &t, "ben", "longest idle of 1 able", T0 + 4);
}

static void thousands_of_members_are_counted_up_to_a_bound(void **state) {
    struct fixture *x = *state;
    static char ids[1500][8];
    for (int i = 0; i < 1500; i++) {
        snprintf(ids[i], sizeof ids[i], "a%05d", i);
        agent(x, ids[i], 5, 0, T0);
        presence(x, ids[i], ROUTING_AVAILABLE, T0 + (i == 1234 ? 0 : 100 + i));
    }
    struct routing_task t = task_of(x, "t_1", T0 + 5000);
    router_task(x->r, &t, T0 + 5000);
    offered(x, &t, "a01234", "longest idle of more than 50 able", T0 + 5000);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(whoever_is_idle_longest_gets_it_also_after_weeks),
        CASE(going_away_and_back_does_not_help),
        CASE(load_comes_before_idleness),
        CASE(least_load_counts_open_work_only),
        CASE(a_skill_below_the_minimum_is_no_skill),
        CASE(wrap_up_holds_in_all_queues_and_ends_by_itself),
        CASE(a_refused_task_keeps_its_place),
        CASE(when_all_have_refused_all_are_asked_again),
        CASE(an_offer_that_runs_out_comes_back_and_three_mean_a_rest),
        CASE(whoever_answers_in_between_needs_no_rest),
        CASE(the_last_agent_is_waited_for_while_he_is_busy),
        CASE(the_last_agent_is_not_waited_for_in_vain),
        CASE(whoever_leaves_is_no_longer_waited_for),
        CASE(a_lost_agent_gives_back_offers_calls_and_mails_in_turn),
        CASE(who_comes_back_in_time_keeps_all),
        CASE(going_away_returns_offers_at_once_and_keeps_work),
        CASE(age_raises_priority_up_to_the_cap),
        CASE(a_paused_queue_offers_nothing_until_it_goes_on),
        CASE(old_news_are_dropped),
        CASE(a_refused_offer_is_not_tried_again_at_once),
        CASE(a_dropped_agent_loses_his_work_and_a_dropped_queue_waits),
        CASE(thousands_of_members_are_counted_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
