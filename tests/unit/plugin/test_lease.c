/* plugin/lease.c over a real store: one holder of two daemons, kept while the store is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/server.h"
#include "channel.h"
#include "plugin/plugin_priv.h"

static struct server sv;
static struct bench b;
static struct folder folder;
static struct plugin_host *hosts[2];
static struct tl_channel *channels[2];

/* How often each was told, and what last. */
static struct told {
    int n;
    bool held, some;
} told[2];

static void on_changed(void *arg, bool held) {
    struct told *t = arg;
    t->n++;
    t->held = held;
    t->some = true;
}

static int setup(void **state) {
    (void)state;
    b = (struct bench){0};
    memset(told, 0, sizeof told);
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    folder_new(&folder);
    channel_build(&folder, "fifth",
                  CHANNEL_HEAD "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name "
                               "= STR(\"fifth\"), .keys = keys, .config_bytes = sizeof(struct "
                               "config), .start = start, .stop = stop };\n");
    for (int i = 0; i < 2; i++) {
        struct tl_strs folders = {.items = &folder.str, .n = 1};
        struct fault f;
        hosts[i] = plugin_host_new();
        host_join(hosts[i], &(struct plugin_parts){.loop = b.loop, .store = b.store});
        channels[i] = channel_load(hosts[i], str_c("fifth"), &folders, &f);
        assert_non_null(channels[i]);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++)
        plugin_host_free(hosts[i]);
    bench_close(&b);
    server_free(&sv);
    folder_free(&folder);
    return 0;
}

static struct tl_lease *lease(int i) {
    return host_lease(channels[i], str_c("support"), on_changed, &told[i]);
}

static void one_of_two_holds_it_and_the_other_takes_over(void **state) {
    (void)state;
    struct tl_lease *first = lease(0);
    assert_int_equal(told[0].n, 0);
    assert_true(run_until(b.loop, &told[0].held, 3000));
    struct tl_lease *second = lease(1);
    run_for(&b, 200);
    assert_int_equal(told[1].n, 0);
    host_lease_release(first);
    assert_true(run_until(b.loop, &told[1].held, 5000));
    assert_int_equal(told[0].n, 1);
    host_lease_release(second);
}

static void it_is_kept_while_the_store_is_away_and_not_won_then(void **state) {
    (void)state;
    struct tl_lease *first = lease(0);
    assert_true(run_until(b.loop, &told[0].held, 3000));
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    struct tl_lease *second = lease(1);
    run_for(&b, 300);
    assert_int_equal(told[0].n, 1);
    assert_int_equal(told[1].n, 0);
    host_lease_release(second);
    host_lease_release(first);
}

static void one_released_while_it_is_asked_for_tells_nothing(void **state) {
    (void)state;
    kill(sv.pid, SIGSTOP);
    struct tl_lease *first = lease(0);
    run_for(&b, 100); /* asked, not answered */
    host_lease_release(first);
    kill(sv.pid, SIGCONT);
    run_for(&b, 200);
    assert_int_equal(told[0].n, 0);
    struct tl_lease *second = lease(1);
    assert_true(run_until(b.loop, &told[1].held, 5000));
    host_lease_release(second);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(one_of_two_holds_it_and_the_other_takes_over),
        WITH(it_is_kept_while_the_store_is_away_and_not_won_then),
        WITH(one_released_while_it_is_asked_for_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
