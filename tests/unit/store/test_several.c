/* store/task_route: an offer to several, steps, turns, drained agents, untouched work, deputies; on
 * a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include <touchline/kit/buf.h>

#include "desk.h"

enum { NOW = 500, LATER = 900000 };
static const int64_t BEGUN = 1700000000000;

static int64_t turn_seen;

static enum route_code offer_two(const char *task, int64_t rev) {
    struct route_offer o = offering(task, rev, "anna");
    offer_to[1] = (struct route_offered){str_c("ben"), 10, INT64_MAX};
    o.to_n = 2;
    o.turn_queue = str_c("support");
    o.turn = 7;
    got_new();
    store_route_offer(b->store, fence, BEGUN + NOW, &o, on_route, NULL);
    got_wait(b);
    return got.route;
}

static void to_both(const char *task) {
    struct task_wanted w = wanted(task, task + 2, task + 1);
    want(b, &w);
    assert_int_equal(offer_two(task, 1), ROUTE_DONE);
}

static enum route_code give_back(const char *task, const char *agent, const char *why) {
    struct route_return r = {.task = str_c(task),
                             .agent = str_c(agent),
                             .reason = str_c(why),
                             .why = why,
                             .offer = 1,
                             .exclude_until_ms = BEGUN + LATER + 60000};
    got_new();
    store_route_return(b->store, fence, BEGUN + LATER, &r, on_route, NULL);
    got_wait(b);
    return got.route;
}

static void of_several_the_first_to_accept_has_it(void **state) {
    (void)state;
    to_both("t_v1");
    assert_true(json_is_null(json_object_get(got.json, "agent")));
    const json_t *agents = json_object_get(json_object_get(got.json, "offer"), "agents");
    assert_int_equal(json_array_size(agents), 2);
    move(b, "t_v1", "accept", "ben", 1);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(text(got.json, "agent"), "ben");
    move(b, "t_v1", "accept", "anna", 1);
    assert_int_equal(got.kind, ANSWER_CONFLICT);
    assert_string_equal(got.code, "stale-offer");
}

static void who_rejects_leaves_it_to_the_others(void **state) {
    (void)state;
    to_both("t_v1");
    move(b, "t_v1", "reject", "anna", 1);
    assert_string_equal(text(got.json, "state"), "offered");
    assert_string_equal(text(got.json, "agent"), "ben");
    assert_true(json_object_get(json_object_get(got.own, "x"), "anna") != NULL);
    move(b, "t_v1", "reject", "ben", 1);
    assert_string_equal(text(got.json, "state"), "waiting");
}

static void an_expiry_takes_it_from_all_and_counts_for_each(void **state) {
    (void)state;
    to_both("t_v1");
    assert_int_equal(give_back("t_v1", "anna", "expired"), ROUTE_DONE);
    assert_string_equal(text(got.json, "state"), "waiting");
    assert_int_equal(json_object_size(json_object_get(got.own, "x")), 2);
    to_both("t_v2");
    assert_int_equal(give_back("t_v2", "anna", "not available"), ROUTE_DONE);
    assert_string_equal(text(got.json, "state"), "offered");
    assert_string_equal(text(got.json, "agent"), "ben");
    assert_int_equal(give_back("t_v2", "anna", "not available"), ROUTE_STALE);
}

static void who_has_no_room_is_left_out_of_an_offer(void **state) {
    (void)state;
    presence(b, "anna", "away");
    struct task_wanted w = wanted("t_v1", "v1", "_v1");
    want(b, &w);
    assert_int_equal(offer_two("t_v1", 1), ROUTE_DONE);
    assert_string_equal(text(got.json, "agent"), "ben");
    presence(b, "ben", "draining");
    w = wanted("t_v2", "v2", "_v2");
    want(b, &w);
    assert_int_equal(offer_two("t_v2", 1), ROUTE_LATER);
}

static void on_presence(void *ctx, const struct route_presence *p) {
    (void)ctx;
    (void)p;
}
static void on_turn(void *ctx, struct str queue, struct str agent, int64_t turn) {
    (void)ctx;
    assert_true(str_is(queue, "support"));
    assert_true(str_is(agent, "anna"));
    turn_seen = turn;
}
static void on_task(void *ctx, struct str own) {
    (void)ctx;
    (void)own;
}
static void on_all(void *ctx, bool ok, struct str from) {
    (void)from;
    assert_true(ok);
    *(bool *)ctx = true;
}

static void whose_turn_it_was_is_kept(void **state) {
    (void)state;
    bool done = false;
    to_both("t_v1");
    turn_seen = 0;
    store_route_snapshot(b->store,
                         &(struct route_snapshot){&done, on_presence, on_turn, on_task, on_all});
    assert_true(run_until(b->loop, &done, 5000));
    assert_int_equal(turn_seen, 7);
}

static enum route_code step(const char *task, int64_t rev, int64_t number,
                            const struct route_step *what) {
    struct route_step s = *what;
    s.task = str_c(task);
    s.rev = rev;
    s.step = number;
    s.reason = str_c("step: waited 60 s");
    got_new();
    store_route_step(b->store, fence, BEGUN + LATER, &s, on_route, NULL);
    got_wait(b);
    return got.route;
}

static void a_step_is_taken_once_with_its_reason(void **state) {
    (void)state;
    static const struct tl_named_int lower[] = {{STR("de"), 2}, {STR("en"), 9}};
    static const struct str more[] = {STR("callbacks"), STR("support"), STR("callbacks")};
    struct task_wanted w = wanted("t_v1", "v1", "_v1");
    want(b, &w);
    const struct route_step relax = {.relax = {lower, 2}, .raise = 7, .add = {more, 3}};
    assert_int_equal(step("t_v1", 1, 3, &relax), ROUTE_DONE);
    const json_t *need = json_array_get(json_object_get(got.json, "skills"), 0);
    assert_int_equal(jget_int(need, "min", 0), 2);
    assert_int_equal(jget_int(got.json, "priority", 0), 10);
    assert_int_equal(json_array_size(json_object_get(got.own, "added")), 1);
    assert_int_equal(jget_int(got.own, "steps", 0), 8);
    assert_string_equal(text(history(-1), "reason"), "step: waited 60 s");
    assert_int_equal(step("t_v1", 2, 3, &relax), ROUTE_STALE);
    static const struct tl_named_int none[] = {{STR("de"), 0}};
    assert_int_equal(step("t_v1", 2, 0, &(struct route_step){.relax = {none, 1}}), ROUTE_DONE);
    assert_int_equal(json_array_size(json_object_get(got.json, "skills")), 0);
    assert_int_equal(step("t_v1", 3, 1, &(struct route_step){.move_to = str_c("callbacks")}),
                     ROUTE_DONE);
    assert_string_equal(text(got.json, "queue"), "callbacks");
    assert_int_equal(jget_int(got.own, "steps", -1), 0);
    assert_int_equal(json_array_size(json_object_get(got.own, "added")), 0);
    assert_int_equal(jget_int(got.own, "entered", 0), BEGUN + LATER);
    assert_int_equal(jget_int(got.own, "created", 0), BEGUN + 123); /* its place stays */
}

static void only_who_waits_takes_a_step(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    assert_int_equal(step("t_v1", 2, 0, &(struct route_step){.raise = 1}), ROUTE_STALE);
}

static void who_has_drained_goes_offline(void **state) {
    (void)state;
    presence(b, "anna", "draining");
    got_new();
    store_route_rest(b->store, fence, BEGUN, str_c("anna"), str_c("missed"), "away", on_route,
                     NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_STALE); /* he was not available */
    got_new();
    store_route_rest(b->store, fence, BEGUN, str_c("anna"), str_c("drained"), "offline", on_route,
                     NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_DONE);
    assert_int_equal(offer(b, fence, "t_v1", 1, "anna"), ROUTE_STALE);
}

#define STARTING "support 0 -1 600000 5000 1\n"

static void accept_starting(const char *task) {
    struct task_wanted w = wanted(task, task + 2, task + 1);
    want(b, &w);
    assert_int_equal(offer(b, fence, task, 1, "anna"), ROUTE_DONE);
    struct task_move m = moving(task, "accept", "anna");
    m.rules = str_c(STARTING);
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_int_equal(jget_int(got.own, "till", 0), 1700000100000 + 5000);
}

static void accepted_work_that_nobody_touches_comes_back(void **state) {
    (void)state;
    accept_starting("t_v1");
    assert_int_equal(give_back("t_v1", "anna", "untouched"), ROUTE_DONE);
    assert_string_equal(text(got.json, "state"), "waiting");
    accept_starting("t_v2");
    got_new();
    store_task_touched(b->store, BEGUN + NOW, str_c("_v2"), on_answer, NULL);
    got_wait(b);
    assert_int_equal(give_back("t_v2", "anna", "untouched"), ROUTE_STALE);
    assert_string_equal(state_now(b, "t_v2"), "accepted");
}

static void a_key_accounts_task_goes_on_to_the_deputy(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_v1", "v1", "_v1");
    w.sticky_agent = str_c("anna");
    w.wish = "key-hard";
    w.deputy = str_c("ben");
    want(b, &w);
    assert_int_equal(offer(b, fence, "t_v1", 1, "anna"), ROUTE_DONE);
    assert_string_equal(text(got.own, "wish"), "key-hard");
    assert_string_equal(text(got.own, "deputy"), "ben");
    move(b, "t_v1", "reject", "anna", 1);
    assert_string_equal(text(got.own, "wish"), "key");
    assert_string_equal(text(got.own, "wish_agent"), "ben");
    assert_int_equal(offer(b, fence, "t_v1", 3, "ben"), ROUTE_DONE);
    move(b, "t_v1", "reject", "ben", 2);
    assert_string_equal(text(got.own, "wish_agent"), "null");
}

static void what_is_new_of_a_task_survives_its_record(void **state) {
    (void)state;
    static const struct str more[] = {STR("callbacks")};
    cleanup(buf_clear) struct buf record, json, own;
    struct task_wanted w = wanted("t_v1", "v1", "_v1");
    w.sticky_agent = str_c("anna");
    w.wish = "key";
    w.deputy = str_c("ben");
    want(b, &w);
    assert_int_equal(step("t_v1", 1, 2, &(struct route_step){.add = {more, 1}}), ROUTE_DONE);
    assert_int_equal(offer_two("t_v1", 2), ROUTE_DONE);
    buf_init(&record, 1 << 16);
    buf_init(&json, 1 << 16);
    buf_init(&own, 1 << 16);
    assert_true(jread_dump(&json, got.json) && jread_dump(&own, got.own));
    assert_true(store_task_record(buf_str(&json), buf_str(&own), &record));
    ask(b, "FLUSHALL");
    presence(b, "anna", "available");
    got_new();
    store_task_put(b->store, buf_str(&record), on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    fence = lease(b, "router-1", 60000);
    assert_int_equal(give_back("t_v1", "ben", "not available"), ROUTE_DONE);
    assert_string_equal(text(got.json, "agent"), "anna");
    assert_int_equal(jget_int(got.own, "steps", 0), 4);
    assert_string_equal(text(got.own, "deputy"), "ben");
    assert_int_equal(json_array_size(json_object_get(got.own, "added")), 1);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(of_several_the_first_to_accept_has_it),
        CASE(who_rejects_leaves_it_to_the_others),
        CASE(an_expiry_takes_it_from_all_and_counts_for_each),
        CASE(who_has_no_room_is_left_out_of_an_offer),
        CASE(whose_turn_it_was_is_kept),
        CASE(a_step_is_taken_once_with_its_reason),
        CASE(only_who_waits_takes_a_step),
        CASE(who_has_drained_goes_offline),
        CASE(accepted_work_that_nobody_touches_comes_back),
        CASE(a_key_accounts_task_goes_on_to_the_deputy),
        CASE(what_is_new_of_a_task_survives_its_record),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
