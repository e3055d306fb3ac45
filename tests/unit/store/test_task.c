/* store/task*: work asked for, moves, records and lists, on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include <touchline/kit/buf.h>

#include "desk.h"

static void a_task_looks_as_the_contract_says(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    w.due_ms = 1700003600000;
    w.previous_hint = str_c("t_0");
    w.repeat = 4;
    want(b, &w);
    assert_string_equal(text(got.json, "id"), "t_1");
    assert_true(jget_bool(got.json, "created", false));
    offer(b, fence, "t_1", 1, "anna");
    get(b, "t_1");
    cleanup(json_freep) json_t *expected =
        got_parse(str_c("{\"id\":\"t_1\",\"rev\":2,\"conversation\":\"v_1\",\"contact\":\"c_jana\","
                        "\"touchpoint\":\"p_1\","
                        "\"previous\":\"t_0\",\"queue\":\"support\",\"channel\":\"email\","
                        "\"subject\":\"Order 1234 / \\\"quoted\\\"\","
                        "\"priority\":5,\"skills\":[{\"name\":\"de\",\"min\":3}],\"tags\":[],"
                        "\"state\":\"offered\",\"agent\":\"anna\","
                        "\"offer\":{\"n\":1,\"expires_at\":\"2023-11-14T22:15:20.000Z\"},\"created_"
                        "at\":\"2023-11-14T22:13:20.123Z\","
                        "\"due\":{\"first_response\":\"2023-11-14T23:13:20.000Z\"},\"snoozed_"
                        "until\":null,\"disposition\":null,"
                        "\"note\":null,\"repeat\":4}"));
    cleanup(json_freep) json_t *first = json_incref((json_t *)history(0)),
                               *last = json_incref((json_t *)history(1));
    assert_string_equal(text(first, "reason"), "touchpoint asked for an answer");
    assert_string_equal(text(last, "from"), "waiting");
    assert_string_equal(text(last, "to"), "offered");
    assert_string_equal(text(last, "agent"), "anna");
    assert_string_equal(text(last, "reason"), "longest idle of 2 able");
    assert_string_equal(text(last, "at"), "2023-11-14T22:13:20.500Z");
    json_object_del(got.json, "history");
    if (!json_equal(got.json, expected))
        fail_msg("%s", json_dumps(got.json, 0));
    assert_int_equal(got.rev, 2);
}

static void dates_come_out_right(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {951782399999, "2000-02-28T23:59:59.999Z"},  {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868800000, "2000-03-01T00:00:00.000Z"},  {1709164800000, "2024-02-29T00:00:00.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"}, {1, "1970-01-01T00:00:00.001Z"},
        {1798761599000, "2026-12-31T23:59:59.000Z"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char id[8];
        snprintf(id, sizeof id, "t_%zu", i);
        struct task_wanted w = wanted(id, id, NULL);
        w.at_ms = cases[i].ms;
        want(b, &w);
        get(b, id);
        assert_string_equal(text(got.json, "created_at"), cases[i].text);
    }
}

static void asking_twice_is_asking_once(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    want(b, &w);
    want(b, &w);
    assert_false(jget_bool(got.json, "created", true));
    get(b, "t_1");
    assert_int_equal(got.rev, 1);
}

static void a_conversation_has_one_open_task(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    struct task_wanted again = wanted("t_2", "p_2", "_v1");
    again.priority = 9;
    for (int i = 0; i < 2; i++) { /* repeated: as once */
        want(b, &again);
        assert_string_equal(text(got.json, "id"), "t_v1");
        assert_false(jget_bool(got.json, "created", true));
    }
    get(b, "t_v1");
    assert_int_equal(got.rev, 4);
    assert_int_equal(jget_int(got.json, "priority", 0), 9);
    assert_string_equal(text(got.json, "state"), "accepted");
    assert_string_equal(text(history(-1), "reason"), "customer wrote again");
    assert_string_equal(state_now(b, "t_2"), "none");
}

static void after_done_a_new_one_names_the_previous(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    struct task_wanted absorbed = wanted("t_2", "p_2", "_v1"), next = wanted("t_3", "p_3", "_v1");
    want(b, &absorbed);
    move(b, "t_v1", "complete", "anna", 0);
    assert_string_equal(text(got.json, "state"), "done");
    want(b, &absorbed);
    assert_string_equal(text(got.json, "state"), "done");
    want(b, &next);
    assert_true(jget_bool(got.json, "created", false));
    get(b, "t_3");
    assert_string_equal(text(got.json, "previous"), "t_v1");
    struct task_wanted first = wanted("t_v1", "v1", "_v1");
    want(b, &first);
    assert_string_equal(text(got.json, "state"), "done");
}

static void only_the_one_to_whom_it_is_offered_accepts(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    move(b, "t_v1", "accept", "ben", 1);
    assert_int_equal(got.kind, ANSWER_CONFLICT);
    assert_string_equal(got.code, "stale-offer");
    move(b, "t_v1", "accept", "anna", 2);
    assert_string_equal(got.code, "stale-offer");
    move(b, "t_v1", "complete", "anna", 0);
    assert_string_equal(got.code, "wrong-state");
    assert_string_equal(got.detail, "the task is offered");
    move(b, "t_v1", "accept", "anna", 0);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_false(got.repeated);
    assert_int_equal(got.rev, 3);
    assert_string_equal(text(got.json, "state"), "accepted");
    assert_true(json_is_null(json_object_get(got.json, "offer")));
}

static void a_move_repeated_has_taken_effect_once(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    for (int i = 0; i < 4; i++) { /* with its offer's number, or without */
        move(b, "t_v1", "accept", "anna", i % 2);
        assert_int_equal(got.kind, ANSWER_OK);
        assert_int_equal(got.repeated, i > 0);
        assert_int_equal(got.rev, 3);
    }
    move(b, "t_v1", "accept", "ben", 1);
    assert_string_equal(got.code, "stale-offer");
    for (int i = 0; i < 2; i++) {
        struct task_move m = moving("t_v1", "transfer", "anna");
        m.to_queue = str_c("callbacks");
        do_move(b, &m);
        assert_int_equal(got.kind, ANSWER_OK);
        assert_int_equal(got.repeated, i);
        assert_string_equal(text(got.json, "queue"), "callbacks");
        assert_string_equal(text(got.json, "state"), "waiting");
    }
    move(b, "t_v1", "complete", "anna", 0);
    assert_string_equal(got.code, "wrong-state");
}

static void a_refusal_repeated_is_known_after_others_had_it(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    struct task_move m = moving("t_v1", "reject", "anna");
    m.offer = 1;
    m.reason = str_c("no time");
    do_move(b, &m);
    assert_string_equal(text(got.json, "state"), "waiting");
    assert_string_equal(text(history(-1), "reason"), "rejected: no time");
    assert_string_equal(text(history(-1), "agent"), "anna");
    assert_int_equal(jget_int(json_object_get(got.own, "x"), "anna", 0), 1700000700000);
    assert_int_equal(offer(b, fence, "t_v1", 3, "ben"), ROUTE_DONE);
    move(b, "t_v1", "accept", "ben", 2);
    assert_int_equal(got.kind, ANSWER_OK);
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_true(got.repeated);
    assert_string_equal(text(got.json, "agent"), "ben");
}

static void wrap_up_follows_where_the_queue_has_one(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    w.queue = str_c("wrapping");
    want(b, &w);
    offer(b, fence, "t_1", 1, "anna");
    move(b, "t_1", "accept", "anna", 1);
    struct task_move m = moving("t_1", "complete", "anna");
    m.disposition = str_c("sold");
    m.note = str_c("two of them");
    do_move(b, &m);
    assert_string_equal(text(got.json, "state"), "wrapup");
    assert_string_equal(text(got.json, "disposition"), "sold");
    assert_int_equal(jget_int(got.own, "till", 0), m.now_ms + 20000);
    do_move(b, &m);
    assert_true(got.repeated);
    presence(b, "anna", "available");
    assert_string_equal(state_now(b, "t_1"), "done");
    assert_string_equal(text(got.json, "note"), "two of them");
    assert_string_equal(text(history(-1), "reason"), "wrap-up ended by anna");
}

static void strangers_learn_nothing_and_leaders_may(void **state) {
    (void)state;
    static const struct str other[] = {STR("sales")};
    offered_to("t_v1", "anna");
    struct task_move m = moving("t_v1", "transfer", "clara");
    m.to_agent = str_c("ben");
    m.queues = (struct tl_strs){other, 1};
    m.lead = true;
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_NOT_FOUND);
    m.queues = (struct tl_strs){0};
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_NOT_FOUND);
    m.everywhere = true;
    do_move(b, &m);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(got.held_by, "anna");
    assert_string_equal(text(got.own, "wish_agent"), "ben");
    assert_string_equal(text(history(-1), "reason"), "transferred by clara to ben");
    move(b, "t_nope", "accept", "anna", 0);
    assert_int_equal(got.kind, ANSWER_NOT_FOUND);
}

static void record_of(char *out, size_t max) {
    cleanup(buf_clear) struct buf record;
    char *json = json_dumps(got.json, JSON_COMPACT), *own = json_dumps(got.own, JSON_COMPACT);
    buf_init(&record, 1 << 16);
    assert_true(store_task_record(str_c(json), str_c(own), &record));
    snprintf(out, max, "%s", buf_c(&record));
    free(json);
    free(own);
}

static bool put(const char *record) {
    got_new();
    store_task_put(b->store, str_c(record), on_answer, NULL);
    got_wait(b);
    return got.kind == ANSWER_OK && !got.repeated;
}

static void records_rebuild_an_empty_store_in_any_order(void **state) {
    (void)state;
    char accepted[8192], done[8192], waiting[8192];
    accepted_by("t_v1", "anna");
    record_of(accepted, sizeof accepted);
    struct task_wanted first = wanted("t_v1", "v1", "_v1"), absorbed = wanted("t_2", "p_2", "_v1");
    want(b, &absorbed);
    move(b, "t_v1", "complete", "anna", 0);
    record_of(done, sizeof done);
    get(b, "t_v1");
    cleanup(json_freep) json_t *before = json_incref(got.json);
    offered_to("t_v3", "ben");
    move(b, "t_v3", "reject", "ben", 1);
    record_of(waiting, sizeof waiting);
    ask(b, "FLUSHALL");
    assert_true(put(accepted));
    assert_string_equal(state_now(b, "t_v1"), "accepted");
    assert_true(put(done));
    assert_false(put(accepted));
    assert_false(put(done));
    want(b, &first);
    assert_string_equal(text(got.json, "state"), "done");
    want(b, &absorbed);
    assert_string_equal(text(got.json, "state"), "done");
    get(b, "t_v1");
    assert_true(json_equal(got.json, before));
    ask(b, "FLUSHALL");
    assert_true(put(done));
    assert_false(put(accepted));
    assert_true(put(waiting));
    get(b, "t_v3");
    assert_string_equal(text(got.json, "state"), "waiting");
    assert_int_equal(got.rev, 3);
    assert_false(put("{\"id\":\"t_v1\"}"));
    assert_int_equal(got.kind, ANSWER_REFUSED);
    assert_false(put("no json"));
}

static size_t list(struct task_query q, char *next, size_t max) {
    got_new();
    store_task_list(b->store, &q, on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    snprintf(next, max, "%s", text(got.json, "next"));
    return json_array_size(json_object_get(got.json, "items"));
}

static void lists_go_by_pages_over_open_and_done(void **state) {
    (void)state;
    char id[16], next[128] = "";
    for (int i = 0; i < 25; i++) {
        snprintf(id, sizeof id, "t_%02d", i);
        struct task_wanted w = wanted(id, id, NULL);
        w.at_ms += i / 5;
        w.queue = str_c(i % 5 == 0 ? "callbacks" : "support");
        want(b, &w);
    }
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "t_%02d", i * 2);
        offer(b, fence, id, 1, "anna");
        move(b, id, "accept", "anna", 1);
        if (i < 3)
            move(b, id, "complete", "anna", 0);
    }
    size_t seen = 0, pages = 0;
    bool was[25] = {false};
    do {
        struct task_query q = {.limit = 4, .cursor = str_c(next)};
        char cursor[128];
        seen += list(q, cursor, sizeof cursor);
        const json_t *items = json_object_get(got.json, "items"), *one;
        size_t i;
        json_array_foreach(items, i, one) {
            int n = atoi(text(one, "id") + 2);
            assert_false(was[n]);
            was[n] = true;
        }
        snprintf(next, sizeof next, "%s", cursor);
        pages++;
    } while (strcmp(next, "null") && pages < 20);
    assert_int_equal(seen, 25);
    assert_int_equal(
        list((struct task_query){.state = str_c("done"), .limit = 100}, next, sizeof next), 3);
    assert_int_equal(
        list((struct task_query){.agent = str_c("anna"), .limit = 100}, next, sizeof next), 5);
    assert_int_equal(list((struct task_query){.queue = str_c("callbacks"),
                                              .state = str_c("waiting"),
                                              .limit = 100},
                          next, sizeof next),
                     4);
    static const struct str only[] = {STR("callbacks")};
    assert_int_equal(
        list((struct task_query){.queues = {only, 1}, .limit = 100}, next, sizeof next), 5);
    assert_string_equal(next, "null");
    assert_int_equal(
        list((struct task_query){.cursor = str_c("what ever"), .limit = 100}, next, sizeof next),
        25);
}

static void what_is_erased_leaves_no_words(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    offered_to("t_v2", "ben");
    move(b, "t_v1", "complete", "anna", 0);
    got_new();
    store_task_forget(b->store, str_c("c_jana"), on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    static const char *const ids[] = {"t_v1", "t_v2"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        get(b, ids[i]);
        assert_true(json_is_null(json_object_get(got.json, "subject")));
        assert_true(json_is_null(json_object_get(got.json, "contact")));
        struct task_wanted again = wanted(ids[i], ids[i] + 2, ids[i] + 1);
        want(b, &again);
        assert_false(jget_bool(got.json, "created", true));
    }
    assert_string_equal(state_now(b, "t_v2"), "canceled");
}

static void a_merged_contact_takes_its_tasks_along(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    got_new();
    store_task_moved(b->store, str_c("c_jana"), str_c("c_other"), on_answer, NULL);
    got_wait(b);
    get(b, "t_v1");
    assert_string_equal(text(got.json, "contact"), "c_other");
    assert_string_equal(text(got.json, "state"), "accepted");
}

static void by_hand_makes_one_unless_one_is_open(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", NULL, "v_1"), x = wanted("t_2", NULL, "v_1");
    w.touchpoint = STR_NONE;
    got_new();
    store_task_hand(b->store, &w, str_c("by ops"), on_moved, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    assert_true(json_is_null(json_object_get(got.json, "touchpoint")));
    got_new();
    store_task_hand(b->store, &x, str_c("by ops"), on_moved, NULL);
    got_wait(b);
    assert_string_equal(got.code, "task-open");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_task_looks_as_the_contract_says),
        CASE(dates_come_out_right),
        CASE(asking_twice_is_asking_once),
        CASE(a_conversation_has_one_open_task),
        CASE(after_done_a_new_one_names_the_previous),
        CASE(only_the_one_to_whom_it_is_offered_accepts),
        CASE(a_move_repeated_has_taken_effect_once),
        CASE(a_refusal_repeated_is_known_after_others_had_it),
        CASE(wrap_up_follows_where_the_queue_has_one),
        CASE(strangers_learn_nothing_and_leaders_may),
        CASE(records_rebuild_an_empty_store_in_any_order),
        CASE(lists_go_by_pages_over_open_and_done),
        CASE(what_is_erased_leaves_no_words),
        CASE(a_merged_contact_takes_its_tasks_along),
        CASE(by_hand_makes_one_unless_one_is_open),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
