/* The connection to a real redis-server: pipelining, losses, states, settings. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"
#include "store/store_priv.h"

static struct server sv;
static struct bench b;

static int setup(void **state) {
    (void)state;
    b = (struct bench){0};
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    bench_close(&b);
    server_free(&sv);
    return 0;
}

static int setup_folder(void **state) {
    (void)state;
    b = (struct bench){0};
    server_new(&sv);
    return 0;
}

static void a_command_is_answered(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    struct asked a = ask(&b, "SET a 1");
    assert_false(a.faulted);
    assert_int_equal(a.type, STORE_STATUS);
    a = ask(&b, "GET a");
    assert_string_equal(a.text, "1");
    a = ask(&b, "GET nothing");
    assert_int_equal(a.type, STORE_NIL);
}

static int answered, in_order;
static bool all_answered;
enum { PIPELINED = 5000 };

static void on_number(void *arg, const struct store_reply *r, const struct fault *f) {
    assert_null(f);
    in_order += r->integer == ++answered && arg == NULL;
    all_answered = answered == PIPELINED;
}

static void five_thousand_calls_are_answered_in_order(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    answered = in_order = 0;
    all_answered = false;
    struct str argv[] = {str_c("INCR"), str_c("n")};
    for (int i = 0; i < PIPELINED; i++)
        store_command(b.store, argv, 2, 1, on_number, NULL);
    assert_int_equal(answered, 0);
    assert_true(run_until(b.loop, &all_answered, 5000));
    assert_int_equal(in_order, PIPELINED);
}

static int busy, finished;
static void on_flood(void *arg, const struct store_reply *r, const struct fault *f) {
    (void)arg, (void)r;
    finished++;
    busy += f && f->kind == FAULT_BUSY;
}

static void beyond_window_and_queue_a_call_is_busy(void **state) {
    (void)state;
    enum { FLOOD = 20000, ROOM = 1024 + 16 * 1024 };
    assert_true(run_until_state(&b, STORE_UP, 3000));
    busy = finished = 0;
    struct str argv[] = {str_c("GET"), str_c("n")};
    for (int i = 0; i < FLOOD; i++)
        store_command(b.store, argv, 2, 1, on_flood, NULL);
    for (int i = 0; i < 500 && finished < FLOOD; i++)
        run_for(&b, 10);
    assert_int_equal(finished, FLOOD);
    assert_int_equal(busy, FLOOD - ROOM);
    assert_int_equal(b.downs, 0);
}

static void a_wrong_command_faults_that_call_alone(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    ask(&b, "SET a 1");
    struct asked a = ask(&b, "HGET a x");
    assert_true(a.faulted);
    assert_int_equal(a.fault.kind, FAULT_STATE);
    assert_non_null(strstr(a.fault.reason, "WRONGTYPE"));
    assert_int_equal(b.downs, 0);
    assert_string_equal(ask(&b, "GET a").text, "1");
}

static void a_killed_server_fails_what_is_under_way_and_comes_back(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    ask(&b, "SET kept 1");
    struct asked a = {0};
    struct str argv[] = {str_c("GET"), str_c("kept")};
    kill(sv.pid, SIGSTOP);
    store_command(b.store, argv, 2, 1, on_asked, &a);
    run_for(&b, 50);
    server_kill(&sv);
    assert_true(run_until(b.loop, &a.done, 1000));
    assert_int_equal(a.fault.kind, FAULT_BUSY);
    assert_int_equal(b.state, STORE_DOWN);
    a = ask(&b, "GET kept");
    assert_int_equal(a.fault.kind, FAULT_BUSY);
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
    assert_false(b.went_back);
    assert_string_equal(ask(&b, "GET kept").text, "1");
}

static void a_stopped_server_is_down_within_two_and_a_half_seconds(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    kill(sv.pid, SIGSTOP);
    int64_t from = clock_mono_ms();
    assert_true(run_until_state(&b, STORE_DOWN, 4000));
    int64_t took = clock_mono_ms() - from;
    assert_in_range(took, 1900, 2600);
    kill(sv.pid, SIGCONT);
    assert_true(run_until_state(&b, STORE_UP, 6000));
}

static void the_missing_library_is_loaded_and_the_call_sent_again(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    assert_false(ask(&b, "FUNCTION FLUSH").faulted);
    struct asked a = {0};
    struct str key = str_c("{s:x}"), args[] = {str_c("me"), str_c("1000")};
    store_function(b.store, "lease_take", false, &key, 1, args, 2, on_asked, &a);
    assert_true(run_until(b.loop, &a.done, 3000));
    assert_false(a.faulted);
    assert_int_equal(a.n, 3);
    assert_int_equal(b.downs, 0);
}

static void an_unknown_function_is_a_fault_of_that_call(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    struct asked a = {0};
    store_function(b.store, "nonsense", false, NULL, 0, NULL, 0, on_asked, &a);
    assert_true(run_until(b.loop, &a.done, 3000));
    assert_int_equal(a.fault.kind, FAULT_STATE);
    assert_int_equal(b.downs, 0);
}

static void a_full_memory_is_down_softly_and_ends_by_itself(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    ask(&b, "CONFIG SET maxmemory 1");
    struct asked a = ask(&b, "SET a 1");
    assert_int_equal(a.fault.kind, FAULT_BUSY);
    assert_true(run_until_state(&b, STORE_DOWN, 1000));
    assert_non_null(strstr(b.why, "OOM"));
    run_for(&b, 400);
    assert_int_equal(b.state, STORE_DOWN);
    server_kill(&sv);
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
}

static void an_emptied_server_went_back(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    bool done = false;
    store_close(b.store);
    struct store_config config = {0};
    struct store_events events = {&b, bench_state};
    char url[128], dir[80];
    struct fault f;
    (void)done;
    snprintf(url, sizeof url, "unix:%s", sv.socket);
    snprintf(dir, sizeof dir, "%s/d", sv.dir);
    b.hold = true;
    b.state = STORE_STARTING;
    assert_true(store_open(b.loop, &config, str_c(url), str_c(dir), str_c("fingerprint-1"), 40,
                           &events, &b.store, &f));
    assert_true(run_until_state(&b, STORE_RECOVER, 3000));
    assert_true(b.went_back);
    /* Calls are taken while recovering: the replay itself goes through them. */
    assert_false(ask(&b, "SET replayed 1").faulted);
    store_recovered(b.store);
    assert_int_equal(b.state, STORE_UP);
    /* Healed: the same daemon comes again and nothing went back. */
    b.hold = false;
    ask(&b, "PING");
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
    assert_false(b.went_back);
}

static bool durable_told, durable_ok;
static void on_durable(void *arg, bool ok) {
    (void)arg;
    durable_told = true;
    durable_ok = ok;
}

static void durable_is_told_two_seconds_later_with_its_epoch(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    ask(&b, "SET a 1");
    int64_t from = clock_mono_ms();
    durable_told = false;
    store_when_durable(b.store, on_durable, NULL);
    assert_true(run_until(b.loop, &durable_told, 6000));
    assert_true(durable_ok);
    assert_true(clock_mono_ms() - from >= 2000);
    assert_true(store_epoch(b.store) > 0);
}

static void durable_is_not_told_when_the_server_goes(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 3000));
    durable_told = false;
    store_when_durable(b.store, on_durable, NULL);
    run_for(&b, 300);
    server_kill(&sv);
    assert_true(run_until(b.loop, &durable_told, 3000));
    assert_false(durable_ok);
}

/* ---- refused at start ---- */

static void refused_with(const char *const *options, const char *name) {
    server_start(&sv, options);
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    if (strncmp(b.why, "refused:", 8) != 0 || !strstr(b.why, name))
        fail_msg("why is: %s", b.why);
    bench_close(&b);
    server_kill(&sv);
}

static void a_server_without_aof_is_refused_by_name(void **state) {
    (void)state;
    refused_with((const char *const[]){"--appendonly", "no", NULL}, "appendonly");
    server_free(&sv);
}

static void a_server_that_evicts_is_refused_by_name(void **state) {
    (void)state;
    refused_with(
        (const char *const[]){"--appendonly", "yes", "--maxmemory-policy", "allkeys-lru", NULL},
        "maxmemory-policy");
    server_free(&sv);
}

static void a_server_that_never_syncs_is_refused_by_name(void **state) {
    (void)state;
    refused_with((const char *const[]){"--appendonly", "yes", "--appendfsync", "no", NULL},
                 "appendfsync");
    server_free(&sv);
}

static void another_fingerprint_is_refused(void **state) {
    (void)state;
    struct fault f;
    struct store_config config = {0};
    struct store_events events = {&b, bench_state};
    char url[128];
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    store_close(b.store);
    snprintf(url, sizeof url, "unix:%s", sv.socket);
    assert_true(store_open(b.loop, &config, str_c(url), str_c(sv.dir), str_c("fingerprint-2"), 0,
                           &events, &b.store, &f));
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    assert_non_null(strstr(b.why, "refused: fingerprint"));
    bench_close(&b);
    server_free(&sv);
}

static void a_wrong_password_is_refused_and_a_right_one_taken(void **state) {
    (void)state;
    struct store_config config = {0};
    char url[160], dir[80];
    server_start(&sv,
                 (const char *const[]){"--appendonly", "yes", "--requirepass", "pass word", NULL});
    snprintf(url, sizeof url, "unix:%s", sv.socket);
    snprintf(dir, sizeof dir, "%s/d", sv.dir);
    config.password = str_c("wrong");
    bench_open_at(&b, url, dir, &config, 0);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    assert_non_null(strstr(b.why, "refused: AUTH"));
    bench_close(&b);
    config.password = str_c("pass word");
    b = (struct bench){0};
    bench_open_at(&b, url, dir, &config, 0);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    bench_close(&b);
    server_free(&sv);
}

static void no_server_is_down_with_its_reason(void **state) {
    (void)state;
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    assert_non_null(strstr(b.why, "No such file"));
    bench_close(&b);
    server_free(&sv);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define ALONE(test) cmocka_unit_test_setup(test, setup_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_command_is_answered),
        WITH(five_thousand_calls_are_answered_in_order),
        WITH(beyond_window_and_queue_a_call_is_busy),
        WITH(a_wrong_command_faults_that_call_alone),
        WITH(a_killed_server_fails_what_is_under_way_and_comes_back),
        WITH(a_stopped_server_is_down_within_two_and_a_half_seconds),
        WITH(the_missing_library_is_loaded_and_the_call_sent_again),
        WITH(an_unknown_function_is_a_fault_of_that_call),
        WITH(a_full_memory_is_down_softly_and_ends_by_itself),
        WITH(an_emptied_server_went_back),
        WITH(durable_is_told_two_seconds_later_with_its_epoch),
        WITH(durable_is_not_told_when_the_server_goes),
        ALONE(a_server_without_aof_is_refused_by_name),
        ALONE(a_server_that_evicts_is_refused_by_name),
        ALONE(a_server_that_never_syncs_is_refused_by_name),
        ALONE(another_fingerprint_is_refused),
        ALONE(a_wrong_password_is_refused_and_a_right_one_taken),
        ALONE(no_server_is_down_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
