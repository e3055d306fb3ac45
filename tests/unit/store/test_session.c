/* store/session.c: sessions and leases end by Redis's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"
#include "store/session.h"

static struct server sv;
static struct bench b;

static int setup(void **state) {
    (void)state;
    b = (struct bench){0};
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    bench_close(&b);
    server_free(&sv);
    return 0;
}

static struct {
    bool done;
    enum answer_kind kind;
    char json[200];
} got;

static void on_answer(void *arg, const struct answer *a) {
    (void)arg;
    got.done = true;
    got.kind = a->kind;
    snprintf(got.json, sizeof got.json, "%.*s", STR_ARG(a->json));
}

static void expect(enum answer_kind kind, const char *json) {
    assert_true(run_until(b.loop, &got.done, 3000));
    got.done = false;
    assert_int_equal(got.kind, kind);
    if (json)
        assert_string_equal(got.json, json);
}

static const uint8_t anna[32] = {1, 2, 3}, ben[32] = {1, 2, 4};

static void a_session_is_found_by_its_token_alone(void **state) {
    (void)state;
    store_session_put(b.store, anna, str_c("anna"), 60000, on_answer, NULL);
    expect(ANSWER_OK, NULL);
    store_session_get(b.store, anna, 60000, on_answer, NULL);
    expect(ANSWER_OK, "{\"agent\":\"anna\"}");
    store_session_get(b.store, ben, 60000, on_answer, NULL);
    expect(ANSWER_NOT_FOUND, NULL);
    store_session_drop(b.store, anna, on_answer, NULL);
    expect(ANSWER_OK, NULL);
    store_session_get(b.store, anna, 60000, on_answer, NULL);
    expect(ANSWER_NOT_FOUND, NULL);
}

static void a_session_lives_on_by_use_and_ends_when_idle(void **state) {
    (void)state;
    store_session_put(b.store, anna, str_c("anna"), 300, on_answer, NULL);
    expect(ANSWER_OK, NULL);
    for (int i = 0; i < 4; i++) { /* 600 ms in all, never 300 idle */
        run_for(&b, 150);
        store_session_get(b.store, anna, 300, on_answer, NULL);
        expect(ANSWER_OK, NULL);
    }
    run_for(&b, 400);
    store_session_get(b.store, anna, 300, on_answer, NULL);
    expect(ANSWER_NOT_FOUND, NULL);
}

static void take(const char *holder, int64_t ms, const char *json) {
    store_lease_take(b.store, str_c("email:support"), str_c(holder), ms, on_answer, NULL);
    expect(ANSWER_OK, NULL);
    if (strncmp(got.json, json, strlen(json)) != 0)
        fail_msg("%s is not %s", got.json, json);
}

static void one_holds_a_lease_and_keeps_it_by_renewing(void **state) {
    (void)state;
    take("one", 5000, "{\"held\":true,\"fence\":1,\"left_ms\":5000}");
    take("two", 5000, "{\"held\":false,\"fence\":1,");
    take("one", 6000, "{\"held\":true,\"fence\":1,\"left_ms\":6000}");
}

static void a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence(void **state) {
    (void)state;
    take("one", 100, "{\"held\":true,\"fence\":1,");
    run_for(&b, 150);
    take("two", 5000, "{\"held\":true,\"fence\":2,");
    take("one", 5000, "{\"held\":false,\"fence\":2,");
}

static void a_lease_given_away_is_free_at_once(void **state) {
    (void)state;
    take("one", 5000, "{\"held\":true,\"fence\":1,");
    store_lease_drop(b.store, str_c("email:support"), str_c("two"), on_answer, NULL);
    expect(ANSWER_OK, NULL);
    take("two", 5000, "{\"held\":false,\"fence\":1,");
    store_lease_drop(b.store, str_c("email:support"), str_c("one"), on_answer, NULL);
    expect(ANSWER_OK, NULL);
    take("two", 5000, "{\"held\":true,\"fence\":2,");
}

static void a_lease_given_away_last_is_free_for_the_next(void **state) {
    (void)state;
    take("one", 30000, "{\"held\":true,\"fence\":1,");
    store_lease_drop(b.store, str_c("email:support"), str_c("one"), NULL, NULL);
    bench_close(&b);
    b = (struct bench){0};
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    take("two", 5000, "{\"held\":true,\"fence\":2,");
}

static void without_a_server_the_answer_is_later(void **state) {
    (void)state;
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    store_session_get(b.store, anna, 60000, on_answer, NULL);
    assert_false(got.done);
    expect(ANSWER_LATER, NULL);
    store_lease_take(b.store, str_c("x"), str_c("y"), 100, on_answer, NULL);
    expect(ANSWER_LATER, NULL);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_session_is_found_by_its_token_alone),
        WITH(a_session_lives_on_by_use_and_ends_when_idle),
        WITH(one_holds_a_lease_and_keeps_it_by_renewing),
        WITH(a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence),
        WITH(a_lease_given_away_is_free_at_once),
        WITH(a_lease_given_away_last_is_free_for_the_next),
        WITH(without_a_server_the_answer_is_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
