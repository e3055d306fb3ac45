/* functions/task_clock.lua and task_figures.lua on a real server: what clocks are counted from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include <touchline/kit/buf.h>

#include "desk.h"

#define BEGIN (INT64_C(1700000000123)) /* when wanted() asks */

static int64_t fact(const char *name) {
    return jget_int(got.own, name, -1);
}

/* As the lease holder sees it; `due` of SERVICE_CLOCKS, none shown. */
static void see(const char *id) {
    static const int64_t dues[5] = {BEGIN + 1000, 0, 0, BEGIN + 9000, 0};
    got_new();
    store_route_dues(b->store, fence, BEGIN, str_c(id), dues, 5, on_route, NULL);
    got_wait(b);
}

static void replied(const char *conversation, int64_t at_ms) {
    got_new();
    store_task_replied(b->store, at_ms, str_c(conversation), at_ms, on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
}

static void rests(const char *conversation, int64_t at_ms, bool on) {
    got_new();
    store_task_rests(b->store, at_ms, str_c(conversation), at_ms, on, on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
}

static void told(const char *id, int clock, bool breach) {
    got_new();
    store_route_told(b->store, fence, BEGIN, str_c(id), clock, breach, str_c("told"), on_route,
                     NULL);
    got_wait(b);
}

static void the_oldest_question_stands_until_somebody_replies(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1"), again = wanted("t_2", "p_2", "v_1");
    want(b, &w);
    again.at_ms = BEGIN + 500;
    want(b, &again);
    see("t_1");
    assert_true(fact("asked") == BEGIN && fact("replied") == 0);
    replied("v_1", BEGIN + 600);
    replied("v_1", BEGIN + 600); /* applied again */
    see("t_1");
    assert_true(fact("asked") == 0 && fact("replied") == BEGIN + 600);
    int64_t rev = fact("rev");
    replied("v_1", BEGIN + 900);
    see("t_1");
    assert_true(fact("replied") == BEGIN + 600 && fact("last_reply") == BEGIN + 900);
    assert_int_equal(fact("rev"), rev + 1);
    replied("v_none", BEGIN);
}

static void shown_deadlines_are_no_change_of_the_task(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    want(b, &w);
    see("t_1");
    assert_int_equal(fact("rev"), 1);
    get(b, "t_1");
    const json_t *due = json_object_get(got.json, "due");
    assert_int_equal(json_object_size(due), 2);
    assert_true(str_is(jget_str(due, "resolve"), "2023-11-14T22:13:29.123Z"));
}

static void a_pause_is_kept_and_ends_when_the_customer_writes(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1"), again = wanted("t_2", "p_2", "v_1");
    want(b, &w);
    rests("v_1", BEGIN + 100, true);
    rests("v_1", BEGIN + 200, true);
    see("t_1");
    assert_true(fact("paused_from") == BEGIN + 100);
    again.at_ms = BEGIN + 500;
    want(b, &again);
    rests("v_1", BEGIN + 100, true); /* replayed: it was over */
    rests("v_1", BEGIN + 400, false);
    see("t_1");
    const json_t *pauses = json_object_get(got.own, "pauses");
    assert_int_equal(fact("paused_from"), 0);
    assert_int_equal(json_array_size(pauses), 1);
    assert_true(json_number_value(json_array_get(json_array_get(pauses, 0), 1)) ==
                (double)(BEGIN + 500));
}

static void a_warning_and_a_breach_are_told_once(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    want(b, &w);
    told("t_1", 3, false);
    assert_int_equal(got.route, ROUTE_DONE);
    told("t_1", 3, false);
    assert_int_equal(got.route, ROUTE_STALE);
    told("t_1", 3, true);
    assert_int_equal(got.route, ROUTE_DONE);
    assert_int_equal(fact("told"), 3 << 6);
    told("t_1", 0, true); /* after a breach no warning */
    told("t_1", 0, false);
    assert_int_equal(got.route, ROUTE_STALE);
    assert_int_equal(json_array_size(json_object_get(got.json, "history")), 4);
    fence++;
    told("t_1", 1, true);
    assert_int_equal(got.route, ROUTE_FENCE);
    fence--;
}

/* Written by a daemon that knew no clocks. */
static void a_task_of_before_is_read(void **state) {
    (void)state;
    static const char record[] =
        "{\"id\":\"t_1\",\"conversation\":\"v_1\",\"contact\":\"c_jana\",\"skills\":[],\"tags\":[],"
        "\"history\":[],\"_own\":{\"id\":\"t_1\",\"rev\":3,\"state\":\"waiting\",\"queue\":"
        "\"support\",\"channel\":\"email\",\"priority\":5,\"n\":0,\"created\":1700000000123,"
        "\"till\":0,\"due\":1700000001123,\"weight\":0,\"wish\":null,\"wish_agent\":null,"
        "\"wish_seen\":0,\"wish_from\":0,\"x\":{},\"last\":{},\"took\":[]}}";
    got_new();
    store_task_put(b->store, str_c(record), on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    get(b, "t_1");
    assert_true(str_is(jget_str(json_object_get(got.json, "due"), "first_response"),
                       "2023-11-14T22:13:21.123Z"));
    see("t_1");
    assert_true(fact("asked") == 0 && fact("told") == 0 && fact("paused_from") == 0);
}

static void on_figures(void *arg, bool ok, const struct queue_now *q, size_t n) {
    struct queue_now *out = arg;
    assert_true(ok && n == 1);
    *out = q[0];
    got.done = true;
}

/* One taken in time, one late, one ended without anybody. */
static void figures_count_what_was_taken_and_what_was_not(void **state) {
    (void)state;
    static const struct str support = STR("support");
    static const char *const ids[][3] = {
        {"t_1", "p_1", "v_1"}, {"t_2", "p_2", "v_2"}, {"t_3", "p_3", "v_3"}};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct task_wanted w = wanted(ids[i][0], ids[i][1], ids[i][2]);
        struct task_move m = moving(ids[i][0], i < 2 ? "accept" : "settle", "anna");
        w.due_ms = BEGIN + 2000;
        want(b, &w);
        m.now_ms = i ? BEGIN + 10000 : BEGIN + 1000;
        m.lead = i == 2;
        if (i < 2)
            assert_int_equal(offer(b, fence, ids[i][0], 1, "anna"), ROUTE_DONE);
        do_move(b, &m);
        assert_int_equal(got.kind, ANSWER_OK);
    }
    struct queue_now now;
    got_new();
    store_queues_now(b->store, &support, 1, on_figures, &now);
    got_wait(b);
    assert_int_equal(now.taken, 2);
    assert_int_equal(now.taken_within, 1);
    assert_int_equal(now.left, 1);
    assert_int_equal(now.left_within, 0);
    assert_int_equal(now.taken_all, 2);
    assert_int_equal(now.left_all, 1);
    assert_true(now.wait_s[0] >= 1 && now.wait_s[0] <= 2);
    assert_true(now.wait_s[2] >= 10 && now.wait_s[2] <= 16);
}

static struct queue_now figures(void) {
    static const struct str support = STR("support");
    struct queue_now now;
    got_new();
    store_queues_now(b->store, &support, 1, on_figures, &now);
    got_wait(b);
    return now;
}

/* Time between two looks, by the server's clock; a long sleep and another's fence add nothing. */
static void occupancy_is_sampled_by_the_lease_holder_alone(void **state) {
    (void)state;
    const struct queue_staff staff = {.queue = STR("support"), .busy = 3, .available = 1};
    store_figures_sample(b->store, fence, &staff, 1);
    assert_int_equal(figures().busy_ms, 0); /* the first look has none before it */
    for (struct queue_now now = figures(); !now.free_ms; now = figures())
        store_figures_sample(b->store, fence, &staff, 1);
    struct queue_now seen = figures();
    assert_int_equal(seen.busy_ms, 3 * seen.free_ms);
    assert_true(seen.free_ms <= 15000);
    for (int i = 0; i < 20; i++)
        store_figures_sample(b->store, fence + 1, &staff, 1);
    assert_int_equal(figures().free_ms, seen.free_ms);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_oldest_question_stands_until_somebody_replies),
        CASE(shown_deadlines_are_no_change_of_the_task),
        CASE(a_pause_is_kept_and_ends_when_the_customer_writes),
        CASE(a_warning_and_a_breach_are_told_once),
        CASE(a_task_of_before_is_read),
        CASE(figures_count_what_was_taken_and_what_was_not),
        CASE(occupancy_is_sampled_by_the_lease_holder_alone),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
