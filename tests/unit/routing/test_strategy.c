/* routing: who of several is asked. */
#include "fixture.h"

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

/* Whoever is the first of his tier comes after the task: what waits must still know when he may be
 * asked. Found by the simulator: once, seed 7, event 28306. */
static void a_tier_opens_also_for_who_logged_in_after_the_task_came(void **state) {
    struct fixture *x = *state;
    struct routing_queue q = queue_of("support");
    q.tier_wait_ms = 20000;
    router_set_queue(x->r, &q, T0);
    member(x, "ben", (struct routing_membership){STR("support"), 2, 1}, 0, T0);
    presence(x, "anna", ROUTING_AWAY, T0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    nothing(x, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0 + 5000);
    nothing(x, T0 + 5000);
    nothing(x, T0 + 19999);
    assert_int_equal(router_next_ms(x->r), T0 + 20000);
    offered(x, &t, "ben", "longest idle of 1 able", T0 + 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(whoever_is_idle_longest_gets_it_also_after_weeks),
        CASE(going_away_and_back_does_not_help),
        CASE(load_comes_before_idleness),
        CASE(least_load_counts_open_work_only),
        CASE(a_skill_below_the_minimum_is_no_skill),
        CASE(a_tier_opens_also_for_who_logged_in_after_the_task_came),
        CASE(thousands_of_members_are_counted_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
