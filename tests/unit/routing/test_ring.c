/* routing: rings and shares: whose turn it is; many are faults read in other houses. */
#include "fixture.h"

enum { CREW = 1500 };
static char crew_ids[CREW][8];

/* n agents, each in support (and callbacks, where the tier is not 0), all available. */
static void crew(struct fixture *x, enum routing_strategy strategy, int n, int64_t callbacks_tier) {
    struct routing_queue q = queue_of("support"), other = queue_of("callbacks");
    q.strategy = other.strategy = strategy;
    router_set_queue(x->r, &q, T0);
    router_set_queue(x->r, &other, T0);
    for (int i = 0; i < n; i++) {
        snprintf(crew_ids[i], sizeof crew_ids[i], "a%05d", i);
        member(x, crew_ids[i], (struct routing_membership){STR("support"), 1, 1}, callbacks_tier,
               T0);
        presence(x, crew_ids[i], ROUTING_AVAILABLE, T0);
    }
}

/* Asterisk app_queue: position % 1000 is wrong beyond 1000 members. */
static void a_ring_of_more_than_a_thousand_gives_each_his_turn(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_ROUND_ROBIN, CREW, 0);
    for (int i = 0; i < 2 * CREW; i++)
        served(x, "t_1", "support", crew_ids[i % CREW], T0 + 1 + i);
}

/* mod_callcenter: the position is the agent's last call from whichever queue. */
static void what_other_queues_offer_does_not_move_the_ring(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_ROUND_ROBIN, 3, 1);
    served(x, "t_1", "support", crew_ids[0], T0 + 1);
    served(x, "t_2", "callbacks", crew_ids[0], T0 + 2);
    served(x, "t_3", "callbacks", crew_ids[1], T0 + 3);
    served(x, "t_4", "callbacks", crew_ids[2], T0 + 4);
    served(x, "t_5", "support", crew_ids[1], T0 + 5);
    served(x, "t_6", "callbacks", crew_ids[0], T0 + 6);
    served(x, "t_7", "support", crew_ids[2], T0 + 7);
}

static void the_ring_moves_on_with_the_offer_not_with_its_acceptance(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_ROUND_ROBIN, 3, 0);
    struct routing_task t = task_of(x, "t_1", T0);
    router_task(x->r, &t, T0);
    offered(x, &t, crew_ids[0], "round robin of 3 able", T0);
    const struct routing_excluded out[] = {{STR("a00000"), T0 + 600000}};
    t.excluded = out;
    t.excluded_n = 1;
    t.agent = STR_NONE;
    becomes(x, &t, ROUTING_WAITING, T0 + 1);
    offered(x, &t, crew_ids[1], "round robin of 2 able", T0 + 1);
    served(x, "t_2", "support", crew_ids[2], T0 + 2);
    served(x, "t_3", "support", crew_ids[0], T0 + 3);
}

static void who_joins_stands_at_the_end_and_who_leaves_moves_nobody(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_ROUND_ROBIN, 3, 0);
    served(x, "t_1", "support", crew_ids[0], T0 + 1);
    served(x, "t_2", "support", crew_ids[1], T0 + 2);
    router_drop_agent(x->r, str_c(crew_ids[1]), T0 + 3);
    member(x, "a", (struct routing_membership){STR("support"), 1, 1}, 0, T0 + 3);
    presence(x, "a", ROUTING_AVAILABLE, T0 + 3);
    served(x, "t_3", "support", crew_ids[2], T0 + 4);
    served(x, "t_4", "support", "a", T0 + 5);
    served(x, "t_5", "support", crew_ids[0], T0 + 6);
}

/* The next router goes on from what was kept of the turns. */
static void the_next_router_goes_on_with_the_ring(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_ROUND_ROBIN, 4, 0);
    int64_t turns[2];
    for (int i = 0; i < 2; i++) {
        served(x, "t_1", "support", crew_ids[i], T0 + 1 + i);
        assert_true(str_is(x->d[0].turn_queue, "support"));
        turns[i] = x->d[0].turn;
    }
    router_free(x->r);
    x->r = router_new();
    crew(x, ROUTING_ROUND_ROBIN, 4, 0);
    for (int i = 2; i-- > 0;) /* in any order */
        router_turn(x->r, str_c("support"), str_c(crew_ids[i]), turns[i]);
    served(x, "t_2", "support", crew_ids[2], T0 + 10);
}

/* After each offer nobody is more than one turn ahead or behind of his share. */
static void by_weight_each_gets_his_share_in_each_round(void **state) {
    struct fixture *x = *state;
    static const int64_t weights[] = {1, 2, 3, 5};
    int64_t got[COUNT(weights)] = {0}, sum = 0, all = 0;
    crew(x, ROUTING_WEIGHTED, COUNT(weights), 0);
    for (size_t i = 0; i < COUNT(weights); i++) {
        member(x, crew_ids[i], (struct routing_membership){STR("support"), 1, weights[i]}, 0, T0);
        sum += weights[i];
    }
    for (; all < 1000 * sum; all++) {
        struct routing_task t = task_of(x, "t_1", T0 + all);
        router_task(x->r, &t, T0 + all);
        decide(x, T0 + all);
        assert_int_equal(x->n, 1);
        got[atoi(x->d[0].agent.p + 1)]++;
        router_answer(x->r, t.id, ROUTING_DONE, T0 + all);
        router_task_gone(x->r, t.id, T0 + all);
        for (size_t i = 0; i < COUNT(weights) && (all + 1) % sum == 0; i++) {
            int64_t off = got[i] - (all + 1) / sum * weights[i];
            if (off < -1 || off > 1)
                fail_msg("after %lld offers %zu is %lld off", (long long)all + 1, i,
                         (long long)off);
        }
    }
}

static void who_comes_back_into_the_row_has_no_turns_to_catch_up(void **state) {
    struct fixture *x = *state;
    crew(x, ROUTING_WEIGHTED, 2, 0);
    presence(x, crew_ids[1], ROUTING_AWAY, T0);
    for (int i = 0; i < 100; i++)
        served(x, "t_1", "support", crew_ids[0], T0 + 1 + i);
    presence(x, crew_ids[1], ROUTING_AVAILABLE, T0 + 200);
    int64_t got = 0;
    for (int i = 0; i < 10; i++) {
        struct routing_task t = task_of(x, "t_2", T0 + 300 + i);
        router_task(x->r, &t, t.created_ms);
        decide(x, t.created_ms);
        got += x->d[0].agent.p[5] == '1';
        router_answer(x->r, t.id, ROUTING_DONE, t.created_ms);
        router_task_gone(x->r, t.id, t.created_ms);
    }
    assert_in_range(got, 4, 6);
}

/* Ten at once, each busy for another time: who has waited longest is next, so nobody starves. */
static void longest_idle_starves_nobody(void **state) {
    struct fixture *x = *state;
    int64_t last[10] = {0};
    crew(x, ROUTING_LONGEST_IDLE, 10, 0);
    for (int i = 0; i < 5000; i++) {
        struct routing_task t = task_of(x, "t_1", T0 + i);
        router_task(x->r, &t, t.created_ms);
        decide(x, t.created_ms);
        int who = atoi(x->d[0].agent.p + 1);
        router_answer(x->r, t.id, ROUTING_STALE, t.created_ms);
        t.agent = str_c(crew_ids[who]);
        becomes(x, &t, ROUTING_ACCEPTED, t.created_ms);
        router_task_gone(x->r, t.id, t.created_ms);
        last[who] = i;
        for (int k = 0; k < 10; k++)
            assert_true(i - last[k] <= 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_ring_of_more_than_a_thousand_gives_each_his_turn),
        CASE(what_other_queues_offer_does_not_move_the_ring),
        CASE(the_ring_moves_on_with_the_offer_not_with_its_acceptance),
        CASE(who_joins_stands_at_the_end_and_who_leaves_moves_nobody),
        CASE(the_next_router_goes_on_with_the_ring),
        CASE(by_weight_each_gets_his_share_in_each_round),
        CASE(who_comes_back_into_the_row_has_no_turns_to_catch_up),
        CASE(longest_idle_starves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
