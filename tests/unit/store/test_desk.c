/* store/desk, store/statistics: what supervisors do, and figures of the day, on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include "desk.h"

#include "store/desk.h"

#define DAWN INT64_C(1699920000000) /* 2023-11-14 */
#define NEXT_DAWN INT64_C(1700006400000)
#define BEGUN INT64_C(1700000000000) /* when setup() said that anna is available */

static void statistics(int64_t now_ms) {
    got_new();
    store_statistics(b->store, now_ms, str_c("anna"), on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
}

static int64_t figure(const char *key) {
    return jget_int(got.json, key, -1);
}

static int64_t spent(const char *key) {
    return jget_int(json_object_get(got.json, "presence"), key, -1);
}

static void put(const char *state, int64_t now_ms) {
    got_new();
    store_presence_put(b->store, now_ms, str_c("anna"), str_c(state), STR_NONE, on_answer, NULL);
    got_wait(b);
}

static void move_at(const char *task, const char *name, int64_t now_ms) {
    struct task_move m = moving(task, name, "anna");
    m.now_ms = now_ms;
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_OK);
}

static void what_an_agent_did_is_counted_once(void **state) {
    (void)state;
    accepted_by("t_v1", "anna"); /* at BEGUN + 100 s */
    move_at("t_v1", "complete", BEGUN + 400000);
    move_at("t_v1", "complete", BEGUN + 500000); /* again: counts no more */
    struct task_wanted w = wanted("t_2", "p_2", "v_2");
    w.queue = str_c("callbacks");
    w.channel = str_c("call");
    want(b, &w);
    offer(b, fence, "t_2", 1, "anna");
    move_at("t_2", "accept", BEGUN + 500000);
    move_at("t_2", "complete", BEGUN + 560000);
    got_new();
    store_route_end(b->store, fence, BEGUN + 600000, str_c("t_2"), str_c("over"), on_route, NULL);
    got_wait(b);
    offered_to("t_v3", "anna");
    move_at("t_v3", "reject", BEGUN + 600000);
    offered_to("t_v4", "anna");
    struct route_return r = {.task = str_c("t_v4"),
                             .agent = str_c("anna"),
                             .reason = str_c("offer expired"),
                             .why = "expired",
                             .offer = 1};
    got_new();
    store_route_return(b->store, fence, BEGUN + 700000, &r, on_route, NULL);
    got_wait(b);
    accepted_by("t_v5", "anna");
    move_at("t_v5", "release", BEGUN + 800000); /* begun, not done */
    statistics(BEGUN + 900000);
    assert_int_equal(figure("accepted"), 3);
    assert_int_equal(figure("completed"), 2);
    assert_int_equal(figure("rejected"), 1);
    assert_int_equal(figure("missed"), 1);
    const json_t *handling = json_object_get(got.json, "handling");
    assert_int_equal(jget_int(handling, "tasks", 0), 2);
    assert_int_equal(jget_int(handling, "mean_s", 0), (300 + 100) / 2);
    struct asked left = ask(b, "HLEN {r}:got");
    assert_int_equal(left.integer, 0);
}

static void time_by_presence_is_told_day_by_day(void **state) {
    (void)state;
    statistics(BEGUN + 60000);
    assert_int_equal(spent("available_s"), 60);
    assert_string_equal(text(got.json, "from"), "2023-11-14T00:00:00.000Z");
    put("away", BEGUN + 1000000);
    statistics(BEGUN + 3600000);
    assert_int_equal(spent("available_s"), 1000);
    assert_int_equal(spent("away_s"), 2600);
    assert_int_equal(spent("offline_s"), 0);
    statistics(NEXT_DAWN + 60000); /* it goes on over midnight */
    assert_int_equal(spent("available_s"), 0);
    assert_int_equal(spent("away_s"), 60);
    put("available", NEXT_DAWN + 120000);
    statistics(NEXT_DAWN + 180000);
    assert_int_equal(spent("away_s"), 120);
    assert_int_equal(spent("available_s"), 60);
    struct asked day = ask(b, "HGET {r}:st:19675:anna away");
    assert_string_equal(day.text, "5400000");
    put("offline", NEXT_DAWN + 40 * (NEXT_DAWN - DAWN)); /* forgotten at work: the last days */
    struct asked kept = ask(b, "EXISTS {r}:st:19715:anna {r}:st:19710:anna");
    struct asked past = ask(b, "EXISTS {r}:st:19700:anna");
    assert_int_equal(kept.integer, 2);
    assert_int_equal(past.integer, 0);
}

static void a_pause_is_told_and_written_down_once(void **state) {
    (void)state;
    struct queue_pause p = {.queue = str_c("support"),
                            .who = str_c("clara"),
                            .reason = str_c("training"),
                            .on = true,
                            .now_ms = BEGUN};
    for (int i = 0; i < 2; i++) {
        got_new();
        store_queue_pause(b->store, &p, on_answer, NULL);
        got_wait(b);
        assert_int_equal(got.kind, ANSWER_OK);
        assert_int_equal(got.repeated, i == 1);
    }
    got_new();
    const struct str others[] = {STR("callbacks")}, own[] = {STR("support")};
    store_audit(b->store, &(struct audit_query){.queues = {others, 1}, .limit = 10}, on_answer,
                NULL);
    got_wait(b);
    assert_int_equal(json_array_size(json_object_get(got.json, "items")), 0);
    got_new();
    store_audit(b->store, &(struct audit_query){.queues = {own, 1}, .limit = 10}, on_answer, NULL);
    got_wait(b);
    const json_t *items = json_object_get(got.json, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(text(json_array_get(items, 0), "what"), "queue.pause");
    assert_string_equal(text(json_array_get(items, 0), "why"), "training");
    assert_string_equal(text(json_array_get(items, 0), "at"), "2023-11-14T22:13:20.000Z");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_an_agent_did_is_counted_once),
        CASE(time_by_presence_is_told_day_by_day),
        CASE(a_pause_is_told_and_written_down_once),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
