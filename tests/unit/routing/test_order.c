/* routing: which of several tasks goes first. */
#include "fixture.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(age_raises_priority_up_to_the_cap),
        CASE(a_refused_task_keeps_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
