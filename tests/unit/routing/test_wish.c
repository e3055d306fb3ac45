/* routing: one agent before all others: the last one, the one after a transfer, a key account's. */
#include "fixture.h"

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

/* A reload may take from him what the task asks for. Found by the simulator: late, seed 7, event
 * 90351. */
static void whoever_loses_the_skill_is_no_longer_waited_for(void **state) {
    struct fixture *x = *state;
    agent(x, "anna", 1, 5, T0);
    presence(x, "anna", ROUTING_AVAILABLE, T0);
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    const struct routing_need german[] = {{STR("de"), 3}};
    struct routing_task busy = task_of(x, "t_1", T0), t = task_of(x, "t_2", T0);
    busy.state = ROUTING_ACCEPTED;
    busy.agent = str_c("anna");
    router_task(x->r, &busy, T0);
    t.needs = german;
    t.needs_n = 1;
    t.wish = ROUTING_WISH_LAST;
    t.wish_agent = str_c("anna");
    t.wish_seen_ms = T0 - DAY_MS;
    router_task(x->r, &t, T0);
    nothing(x, T0);
    agent(x, "ben", 1, 5, T0 + 1000);
    nothing(x, T0 + 1000);
    agent(x, "anna", 1, 0, T0 + 2000);
    offered(x, &t, "ben", "longest idle of 1 able", T0 + 2000);
}

/* The manager, there or not, for the hard wait; then the deputy; then all. */
static void a_hard_key_account_waits_for_its_manager_then_the_deputy(void **state) {
    struct fixture *x = *state;
    agent(x, "cleo", 1, 0, T0);
    router_set_hard_wait(x->r, 900000);
    presence(x, "ben", ROUTING_AVAILABLE, T0);
    presence(x, "cleo", ROUTING_AVAILABLE, T0);
    struct routing_task busy = task_of(x, "t_1", T0), t = task_of(x, "t_2", T0);
    busy.state = ROUTING_ACCEPTED;
    busy.agent = str_c("cleo");
    router_task(x->r, &busy, T0);
    t.wish = ROUTING_WISH_KEY_HARD;
    t.wish_agent = str_c("anna");
    t.deputy = str_c("cleo");
    router_task(x->r, &t, T0);
    nothing(x, T0 + 899999);
    nothing(x, T0 + 900000 + 599999);
    offered(x, &t, "ben", "longest idle of 1 able", T0 + 900000 + 600000);
    router_task_gone(x->r, t.id, T0 + 900000 + 600000);
    t = task_of(x, "t_3", T0);
    t.wish = ROUTING_WISH_KEY;
    t.wish_agent = str_c("anna");
    t.deputy = str_c("ben");
    router_task(x->r, &t, T0 + 1);
    offered(x, &t, "ben", "key account: deputy", T0 + 1);
    router_task_gone(x->r, t.id, T0 + 2);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 2);
    t.state = ROUTING_WAITING;
    t.agent = STR_NONE;
    t.rev = ++x->rev;
    router_task(x->r, &t, T0 + 2);
    offered(x, &t, "anna", "key account: manager", T0 + 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_last_agent_is_waited_for_while_he_is_busy),
        CASE(the_last_agent_is_not_waited_for_in_vain),
        CASE(whoever_loses_the_skill_is_no_longer_waited_for),
        CASE(whoever_leaves_is_no_longer_waited_for),
        CASE(a_hard_key_account_waits_for_its_manager_then_the_deputy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
