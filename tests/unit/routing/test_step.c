/* routing: the steps of a queue; deadlines as Twilio TaskRouter counts them. */
#include "fixture.h"

/* Twilio TaskRouter's example: targets of 10 s each, an offer at 3 s that nobody answers for 5 s.
 * The time that it took is not given back: the next deadlines are 10 and 20, not 18. */
static void a_step_counts_from_the_entry_also_over_offers(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {{.after_ms = 10000}, {.after_ms = 20000}};
    struct routing_queue q = queue_of("support");
    q.offer_ms = 5000;
    q.steps = steps;
    q.steps_n = 2;
    router_set_queue(x->r, &q, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    nothing(x, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 3000);
    offered(x, &t, "anna", "longest idle of 1 able", T0 + 3000);
    assert_int_equal(t.until_ms, T0 + 8000);
    comes_back(x, &t, "offer expired", T0 + 8000);
    presence(x, "anna", ROUTING_AWAY, T0 + 8000);
    for (uint32_t i = 0; i < 2; i++) {
        int64_t at = T0 + 10000 * (i + 1);
        nothing(x, at - 1);
        assert_int_equal(router_next_ms(x->r), at);
        decide(x, at);
        assert_int_equal(x->n, 1);
        assert_int_equal(x->d[0].what, ROUTING_STEP);
        assert_int_equal(x->d[0].step, i);
        t.steps |= 1u << i;
        becomes(x, &t, ROUTING_WAITING, at);
        router_answer(x->r, t.id, ROUTING_DONE, at);
    }
    nothing(x, T0 + DAY_MS); /* each once */
}

/* The next router knows from the task which steps it has taken, and when the next one is due. */
static void the_next_router_takes_no_step_twice(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {{.after_ms = 10000}, {.after_ms = 20000}};
    struct routing_queue q = queue_of("support");
    q.steps = steps;
    q.steps_n = 2;
    router_set_queue(x->r, &q, T0 + 15000);
    struct routing_task t = task_of(x, "t_1", T0);
    t.steps = 1;
    router_task(x->r, &t, T0 + 15000);
    nothing(x, T0 + 15000);
    assert_int_equal(router_next_ms(x->r), T0 + 20000);
    decide(x, T0 + 20000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].step, 1);
}

static void a_step_need_not_be_waited_for_with_nobody_there(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {
        {.after_ms = 60000, .skip_if_none_available = true}};
    struct routing_queue q = queue_of("support");
    q.steps = steps;
    q.steps_n = 1;
    router_set_queue(x->r, &q, T0);
    agent(x, "anna", 1, 5, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task busy = task_of(x, "t_0", T0), t = task_of(x, "t_1", T0);
    busy.agent = str_c("anna");
    busy.state = ROUTING_ACCEPTED;
    router_task(x->r, &busy, T0);
    router_task(x->r, &t, T0);
    nothing(x, T0 + 1000); /* she is there, if busy */
    presence(x, "anna", ROUTING_AWAY, T0 + 2000);
    decide(x, T0 + 2000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_STEP);
    assert_string_equal(x->d[0].reason, "step 1: nobody is available");
}

/* "So many wait" is asked of who comes, and once: not of those who were there before him. */
static void who_comes_to_a_long_queue_takes_the_step(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {{.waiting = 2}};
    struct routing_queue q = queue_of("support");
    q.steps = steps;
    q.steps_n = 1;
    router_set_queue(x->r, &q, T0);
    struct routing_task first = task_of(x, "t_1", T0 + 1000), second = task_of(x, "t_2", T0 + 2000);
    router_task(x->r, &first, T0 + 1000);
    nothing(x, T0 + 1000);
    router_task(x->r, &second, T0 + 2000);
    decide(x, T0 + 2000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_STEP);
    assert_true(str_eq(x->d[0].task, second.id));
    assert_string_equal(x->d[0].reason, "step 1: 2 wait");
}

static void when_all_have_refused_the_next_step_comes_early(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {{.after_ms = 600000}};
    struct routing_queue q = queue_of("support");
    q.steps = steps;
    q.steps_n = 1;
    router_set_queue(x->r, &q, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    const struct routing_excluded out[] = {{STR("anna"), T0 + 900000}};
    t.excluded = out;
    t.excluded_n = 1;
    router_task(x->r, &t, T0);
    nothing(x, T0 + ROUTING_ALL_REJECTED_MS - 1);
    decide(x, T0 + ROUTING_ALL_REJECTED_MS);
    assert_true(x->n >= 1);
    assert_int_equal(x->d[0].what, ROUTING_STEP);
    assert_string_equal(x->d[0].reason, "step 1: all have refused it");
}

static void a_share_of_the_deadline_counts_from_where_its_clock_began(void **state) {
    struct fixture *x = *state;
    static const struct routing_step steps[] = {{.after_percent = 80}};
    struct routing_queue q = queue_of("support");
    q.steps = steps;
    q.steps_n = 1;
    router_set_queue(x->r, &q, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    t.due_from_ms = T0 - 50000;
    t.due_ms = T0 + 50000;
    router_task(x->r, &t, T0);
    nothing(x, T0 + 29999);
    decide(x, T0 + 30000);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_STEP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_step_counts_from_the_entry_also_over_offers),
        CASE(the_next_router_takes_no_step_twice),
        CASE(a_step_need_not_be_waited_for_with_nobody_there),
        CASE(who_comes_to_a_long_queue_takes_the_step),
        CASE(when_all_have_refused_the_next_step_comes_early),
        CASE(a_share_of_the_deadline_counts_from_where_its_clock_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
