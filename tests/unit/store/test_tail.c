/* store/tail.c and store/subscription.c against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

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

/* What a tail told: values of the entries, one letter each, and 'R' for a reset. */
static struct {
    char text[64];
    bool enough;
    size_t want;
} told;

static void tell(char c) {
    size_t n = strlen(told.text);
    assert_true(n + 1 < sizeof told.text);
    told.text[n] = c;
    told.enough = n + 1 >= told.want;
}

static void on_entry(void *arg, struct str id, const struct store_reply *fields) {
    (void)arg;
    assert_true(id.n > 2);
    assert_int_equal(fields->n, 2);
    tell(fields->items[1].str.p[0]);
}

static void on_reset(void *arg) {
    (void)arg;
    tell('R');
}

static void expect(const char *text) {
    told.want = strlen(text);
    told.enough = strlen(told.text) >= told.want;
    run_until(b.loop, &told.enough, 3000);
    assert_string_equal(told.text, text);
}

static struct store_tail *tail_from(const char *from) {
    memset(&told, 0, sizeof told);
    return store_tail_new(b.store, str_c("{r}:log"), str_c(from), on_entry, on_reset, NULL);
}

static void a_tail_tells_new_entries_in_order(void **state) {
    (void)state;
    ask(&b, "XADD {r}:log * v o");
    struct store_tail *t = tail_from("$");
    run_for(&b, 200);
    ask(&b, "XADD {r}:log * v a");
    ask(&b, "XADD {r}:log * v b");
    expect("ab");
    store_tail_free(t);
}

static void a_tail_from_the_beginning_of_a_stream_that_is_not_there_yet(void **state) {
    (void)state;
    struct store_tail *t = tail_from("0");
    run_for(&b, 200);
    ask(&b, "XADD {r}:log * v a");
    expect("a");
    store_tail_free(t);
}

static void a_tail_goes_on_where_it_was_after_a_restart(void **state) {
    (void)state;
    struct store_tail *t = tail_from("0");
    ask(&b, "XADD {r}:log * v a");
    expect("a");
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
    ask(&b, "XADD {r}:log * v b");
    expect("ab");
    store_tail_free(t);
}

static void a_trimmed_stream_resets_the_tail(void **state) {
    (void)state;
    struct store_tail *t = tail_from("0");
    ask(&b, "XADD {r}:log * v a");
    expect("a");
    store_tail_free(t);
    ask(&b, "XADD {r}:log * v b");
    ask(&b, "XADD {r}:log * v c");
    ask(&b, "XTRIM {r}:log MAXLEN 1");
    t = tail_from("1-1"); /* long before what is there */
    run_for(&b, 200);
    ask(&b, "XADD {r}:log * v d");
    expect("Rd");
    store_tail_free(t);
}

static void an_emptied_server_resets_the_tail(void **state) {
    (void)state;
    struct store_tail *t = tail_from("0");
    ask(&b, "XADD {r}:log 9999999999999-0 v a");
    expect("a");
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    char aof[100];
    snprintf(aof, sizeof aof, "%s/appendonlydir", sv.dir);
    folder_remove(aof);
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
    expect("aR");
    ask(&b, "XADD {r}:log * v b");
    expect("aRb");
    store_tail_free(t);
}

static struct store_tail *freed_inside;
static void on_entry_free(void *arg, struct str id, const struct store_reply *fields) {
    on_entry(arg, id, fields);
    store_tail_free(freed_inside);
}

static void a_tail_may_be_freed_inside_its_callback(void **state) {
    (void)state;
    memset(&told, 0, sizeof told);
    ask(&b, "XADD {r}:log * v a");
    ask(&b, "XADD {r}:log * v b");
    freed_inside =
        store_tail_new(b.store, str_c("{r}:log"), str_c("0"), on_entry_free, on_reset, NULL);
    expect("a");
    run_for(&b, 100);
    assert_string_equal(told.text, "a");
}

/* ---- channels ---- */

static void on_message(void *arg, struct str channel, struct str payload) {
    assert_true(str_is(channel, "{c1}"));
    (void)payload;
    tell(*(const char *)arg);
}

static void subscribed(int n) {
    for (int i = 0; i < 200; i++) {
        struct asked a = ask(&b, "PUBSUB SHARDCHANNELS");
        if ((int)a.n == n)
            return;
        run_for(&b, 5);
    }
    fail_msg("not subscribed to %d channels", n);
}

static void every_listener_of_a_channel_is_told(void **state) {
    (void)state;
    memset(&told, 0, sizeof told);
    struct store_subscription *x = store_subscribe(b.store, str_c("{c1}"), on_message, "x");
    struct store_subscription *y = store_subscribe(b.store, str_c("{c1}"), on_message, "y");
    struct store_subscription *z = store_subscribe(b.store, str_c("{c2}"), on_message, "z");
    subscribed(2);
    ask(&b, "SPUBLISH {c1} hello");
    expect("xy");
    store_unsubscribe(x);
    ask(&b, "SPUBLISH {c1} again");
    expect("xyy");
    store_unsubscribe(y);
    subscribed(1);
    store_unsubscribe(z);
}

static void subscriptions_survive_a_restart(void **state) {
    (void)state;
    memset(&told, 0, sizeof told);
    struct store_subscription *x = store_subscribe(b.store, str_c("{c1}"), on_message, "x");
    subscribed(1);
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    server_start(&sv, durable_options);
    assert_true(run_until_state(&b, STORE_UP, 6000));
    subscribed(1);
    ask(&b, "SPUBLISH {c1} hello");
    expect("x");
    store_unsubscribe(x);
}

static struct store_subscription *pair[2];
static void on_message_end_both(void *arg, struct str channel, struct str payload) {
    on_message(arg, channel, payload);
    store_unsubscribe(pair[0]);
    store_unsubscribe(pair[1]);
    pair[0] = pair[1] = NULL;
}

static void a_listener_may_end_all_of_them_inside(void **state) {
    (void)state;
    memset(&told, 0, sizeof told);
    pair[0] = store_subscribe(b.store, str_c("{c1}"), on_message_end_both, "x");
    pair[1] = store_subscribe(b.store, str_c("{c1}"), on_message_end_both, "y");
    subscribed(1);
    ask(&b, "SPUBLISH {c1} hello");
    expect("x");
    subscribed(0);
    assert_string_equal(told.text, "x");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_tail_tells_new_entries_in_order),
        WITH(a_tail_from_the_beginning_of_a_stream_that_is_not_there_yet),
        WITH(a_tail_goes_on_where_it_was_after_a_restart),
        WITH(a_trimmed_stream_resets_the_tail),
        WITH(an_emptied_server_resets_the_tail),
        WITH(a_tail_may_be_freed_inside_its_callback),
        WITH(every_listener_of_a_channel_is_told),
        WITH(subscriptions_survive_a_restart),
        WITH(a_listener_may_end_all_of_them_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
