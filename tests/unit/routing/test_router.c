/* routing: what the router decides of offers, agents and news, case by case; many are faults read
 * in other houses. */
#include "fixture.h"

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

static void the_next_router_gives_an_offer_the_time_that_is_left(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    t.state = ROUTING_OFFERED;
    t.agent = str_c("anna");
    t.offer = 7;
    t.until_ms = T0 + 120000;
    router_task(x->r, &t, T0 + 100000);
    nothing(x, T0 + 119999);
    assert_int_equal(router_next_ms(x->r), T0 + 120000);
    comes_back(x, &t, "offer expired", T0 + 120000);
    assert_int_equal(x->d[0].offer, 7);
    nothing(x, T0 + 120001); /* once */
}

/* Chatwoot: what is older than some hours is never assigned. */
static void a_stale_backlog_is_never_excluded(void **state) {
    struct fixture *x = *state;
    int64_t now = T0 + 400 * (int64_t)DAY_MS;
    presence(x, "anna", ROUTING_AVAILABLE, now);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, now);
    offered(x, &t, "anna", "longest idle of 1 able", now);
}

static void work_that_nobody_touches_comes_back_in_time(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    t.state = ROUTING_ACCEPTED;
    t.agent = str_c("anna");
    t.until_ms = T0 + 60000;
    router_task(x->r, &t, T0);
    nothing(x, T0 + 59999);
    comes_back(x, &t, "accepted, but nothing was done about it", T0 + 60000);
    assert_int_equal(x->d[0].cause, ROUTING_UNTOUCHED);
}

static void who_drains_keeps_what_he_has_and_is_offline_after_it(void **state) {
    struct fixture *x = *state;
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task work = task_of(x, "t_1", T0), offer = task_of(x, "t_2", T0),
                        t = task_of(x, "t_3", T0);
    work.agent = offer.agent = str_c("anna");
    work.state = ROUTING_ACCEPTED;
    offer.state = ROUTING_OFFERED;
    offer.until_ms = T0 + 120000;
    router_task(x->r, &work, T0);
    router_task(x->r, &offer, T0);
    presence(x, "anna", ROUTING_DRAINING, T0 + 1);
    router_task(x->r, &t, T0 + 1);
    nothing(x, T0 + 1);
    becomes(x, &offer, ROUTING_ACCEPTED, T0 + 2);
    router_task_gone(x->r, offer.id, T0 + 3);
    nothing(x, T0 + 3);
    router_task_gone(x->r, work.id, T0 + 4);
    decide(x, T0 + 4);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_LEAVE);
    assert_string_equal(x->d[0].agent.p, "anna");
    nothing(x, T0 + 5);
}

static void a_call_blocks_mails_and_a_mail_blocks_no_call(void **state) {
    struct fixture *x = *state;
    const struct str all[] = {STR("all")};
    router_set_blocks(x->r, &(struct routing_block){STR("call"), {all, 1}}, 1, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task mail = task_of(x, "t_1", T0), call = task_of(x, "t_2", T0),
                        late = task_of(x, "t_3", T0);
    call.channel = str_c("call");
    router_task(x->r, &mail, T0);
    offered(x, &mail, "anna", "longest idle of 1 able", T0);
    router_task(x->r, &call, T0 + 1);
    offered(x, &call, "anna", "longest idle of 1 able", T0 + 1);
    assert_int_equal(call.until_ms, T0 + 1 + 30000); /* who calls does not wait for minutes */
    router_task(x->r, &late, T0 + 2);
    nothing(x, T0 + 2);
    router_task_gone(x->r, call.id, T0 + 3);
    offered(x, &late, "anna", "longest idle of 1 able", T0 + 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(wrap_up_holds_in_all_queues_and_ends_by_itself),
        CASE(when_all_have_refused_all_are_asked_again),
        CASE(an_offer_that_runs_out_comes_back_and_three_mean_a_rest),
        CASE(whoever_answers_in_between_needs_no_rest),
        CASE(a_lost_agent_gives_back_offers_calls_and_mails_in_turn),
        CASE(who_comes_back_in_time_keeps_all),
        CASE(going_away_returns_offers_at_once_and_keeps_work),
        CASE(a_paused_queue_offers_nothing_until_it_goes_on),
        CASE(old_news_are_dropped),
        CASE(a_refused_offer_is_not_tried_again_at_once),
        CASE(a_dropped_agent_loses_his_work_and_a_dropped_queue_waits),
        CASE(the_next_router_gives_an_offer_the_time_that_is_left),
        CASE(a_stale_backlog_is_never_excluded),
        CASE(work_that_nobody_touches_comes_back_in_time),
        CASE(who_drains_keeps_what_he_has_and_is_offline_after_it),
        CASE(a_call_blocks_mails_and_a_mail_blocks_no_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
