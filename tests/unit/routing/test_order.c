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

/* Two wait, of which only one can be had: the first of `order` in the queue. */
static void first_is(struct fixture *x, enum routing_order order, struct routing_task *first,
                     struct routing_task *second, const char *why) {
    struct routing_queue q = queue_of("support");
    q.order = order;
    q.handle_ms = 60000;
    q.call_handle_ms = 600000;
    agent(x, "anna", 1, 5, T0);
    router_set_queue(x->r, &q, T0);
    presence(x, "anna", ROUTING_AWAY, T0);
    router_task(x->r, second, T0 + 3600000);
    router_task(x->r, first, T0 + 3600000);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 3600000);
    offered(x, first, "anna", why, T0 + 3600000);
    router_task_gone(x->r, first->id, T0 + 3600000);
    offered(x, second, "anna", why, T0 + 3600000);
    router_task_gone(x->r, second->id, T0 + 3600000);
}

static void score_counts_waiting_in_fractions_and_without_a_cap(void **state) {
    struct fixture *x = *state;
    struct routing_task old = task_of(x, "t_1", T0), nine = task_of(x, "t_2", T0 + 1800000);
    old.priority = 7;  /* 7 + 60 min / 10 min = 13 */
    nine.priority = 9; /* 9 + 3 */
    first_is(x, ROUTING_SCORE, &old, &nine, "longest idle of 1 able");
    old = task_of(x, "t_3", T0);
    nine = task_of(x, "t_4", T0 + 540000); /* 9.1 minutes later: a priority of 1 more is less */
    nine.priority = 6;
    first_is(x, ROUTING_SCORE, &nine, &old, "longest idle of 1 able");
    old = task_of(x, "t_5", T0);
    nine = task_of(x, "t_6", T0 + 660000);
    nine.priority = 6;
    first_is(x, ROUTING_SCORE, &old, &nine, "longest idle of 1 able");
}

static void lifo_is_newest_first_whatever_the_priority(void **state) {
    struct fixture *x = *state;
    struct routing_task old = task_of(x, "t_1", T0), young = task_of(x, "t_2", T0 + 1);
    old.priority = 10;
    young.priority = 1;
    first_is(x, ROUTING_LIFO, &young, &old, "longest idle of 1 able");
}

static void slack_is_what_is_left_less_what_it_takes(void **state) {
    struct fixture *x = *state;
    struct routing_task mail = task_of(x, "t_1", T0), call = task_of(x, "t_2", T0),
                        none = task_of(x, "t_3", T0);
    mail.due_ms = T0 + 7200000;
    call.due_ms = T0 + 7200000 + 500000; /* later, but it takes ten minutes */
    call.channel = str_c("call");
    none.priority = 10;
    first_is(x, ROUTING_SLACK, &call, &mail, "longest idle of 1 able");
    mail.state = ROUTING_WAITING;
    mail.agent = STR_NONE;
    mail.rev = ++x->rev;
    first_is(x, ROUTING_SLACK, &mail, &none, "longest idle of 1 able");
}

static void the_heavier_queue_goes_first_whatever_waits_in_the_other(void **state) {
    struct fixture *x = *state;
    struct routing_queue q = queue_of("callbacks");
    q.weight = 2;
    router_set_queue(x->r, &q, T0);
    agent(x, "anna", 1, 5, T0);
    struct routing_task urgent = task_of(x, "t_1", T0), heavy = task_of(x, "t_2", T0 + 1000);
    urgent.priority = 10;
    heavy.priority = 1;
    heavy.queue = str_c("callbacks");
    router_task(x->r, &urgent, T0 + 1000);
    router_task(x->r, &heavy, T0 + 1000);
    presence(x, "anna", ROUTING_AVAILABLE, T0 + 1000);
    offered(x, &heavy, "anna", "longest idle of 1 able", T0 + 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(age_raises_priority_up_to_the_cap),
        CASE(a_refused_task_keeps_its_place),
        CASE(score_counts_waiting_in_fractions_and_without_a_cap),
        CASE(lifo_is_newest_first_whatever_the_priority),
        CASE(slack_is_what_is_left_less_what_it_takes),
        CASE(the_heavier_queue_goes_first_whatever_waits_in_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
