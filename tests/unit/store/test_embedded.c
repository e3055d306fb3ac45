/* The private redis-server: starts, holds its lock, comes again when killed, ends with its parent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "server.h"
#include "store/store_priv.h"

static char dir[256];
static struct bench b;

static void open_embedded(struct bench *bench) {
    struct store_config config = {.embedded = {.present = true, .maxmemory_bytes = 64 << 20}};
    bench_open_at(bench, NULL, dir, &config, 0);
}

/* A deep folder: a unix socket's path has only 108 bytes. */
static int setup(void **state) {
    (void)state;
    char base[64] = "/tmp/tl-embedded-XXXXXX";
    assert_non_null(mkdtemp(base));
    snprintf(dir, sizeof dir,
             "%s/a folder whose name is much longer than what the path of a unix "
             "domain socket may hold in all, with spaces",
             base);
    assert_int_equal(mkdir(dir, 0700), 0);
    b = (struct bench){0};
    open_embedded(&b);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char base[32];
    bench_close(&b);
    snprintf(base, sizeof base, "%.*s", (int)strlen("/tmp/tl-embedded-XXXXXX"), dir);
    folder_remove(base);
    return 0;
}

static bool lock_is_free(void) {
    char path[300];
    snprintf(path, sizeof path, "%s/redis.lock", dir);
    int fd = open(path, O_RDWR);
    bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_free;
}

static void it_starts_within_a_second_with_the_right_settings(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 1000));
    assert_int_equal(b.downs, 0);
    assert_int_equal(ask(&b, "SET a 1").faulted, false);
    struct asked a = ask(&b, "CONFIG GET maxmemory");
    assert_int_equal(a.n, 2);
    assert_false(lock_is_free());
}

static void a_killed_server_comes_again_with_its_data(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 2000));
    ask(&b, "SET a 1");
    pid_t first = (pid_t)store_embedded_pid(b.store->embedded);
    kill(first, SIGKILL);
    assert_true(run_until_state(&b, STORE_DOWN, 1000));
    assert_true(run_until_state(&b, STORE_UP, 3000));
    assert_int_not_equal(store_embedded_pid(b.store->embedded), first);
    assert_string_equal(ask(&b, "GET a").text, "1");
    assert_false(b.went_back);
}

static void a_second_daemon_waits_for_the_first_ones_server(void **state) {
    (void)state;
    struct bench second = {0};
    assert_true(run_until_state(&b, STORE_UP, 2000));
    open_embedded(&second);
    run_for(&second, 600);
    assert_int_not_equal(second.state, STORE_UP);
    assert_int_equal(store_embedded_pid(second.store->embedded), 0);
    bench_close(&b);
    assert_true(run_until_state(&second, STORE_UP, 6000));
    bench_close(&second);
    open_embedded(&b); /* for the teardown */
}

static void closing_ends_the_server_and_frees_the_lock(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 2000));
    pid_t pid = (pid_t)store_embedded_pid(b.store->embedded);
    bench_close(&b);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_true(lock_is_free());
    open_embedded(&b);
}

/* A daemon that is killed: its server goes by itself and the next daemon finds all of it. */
static void the_server_dies_with_its_parent(void **state) {
    (void)state;
    bench_close(&b);
    pid_t daemon = fork();
    if (daemon == 0) {
        struct bench child = {0};
        open_embedded(&child);
        if (!run_until_state(&child, STORE_UP, 3000) || ask(&child, "SET a 7").faulted)
            _exit(1);
        raise(SIGKILL);
    }
    int status;
    waitpid(daemon, &status, 0);
    assert_true(WIFSIGNALED(status));
    open_embedded(&b);
    assert_true(run_until_state(&b, STORE_UP, 3000));
    assert_string_equal(ask(&b, "GET a").text, "7");
}

static void it_has_a_process_group_of_its_own(void **state) {
    (void)state;
    assert_true(run_until_state(&b, STORE_UP, 2000));
    pid_t pid = (pid_t)store_embedded_pid(b.store->embedded);
    assert_int_equal(getpgid(pid), pid);
}

static void a_server_that_cannot_start_says_where_to_look(void **state) {
    (void)state;
    char path[400];
    assert_true(run_until_state(&b, STORE_UP, 2000));
    bench_close(&b);
    b = (struct bench){0};
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.manifest", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("this is no manifest\n", f);
    fclose(f);
    open_embedded(&b);
    for (int i = 0; i < 300 && !strstr(b.why, "redis.log"); i++)
        run_for(&b, 10);
    assert_non_null(strstr(b.why, "redis.log"));
    assert_int_equal(b.state, STORE_DOWN);
}

static void a_folder_that_cannot_be_made_is_refused(void **state) {
    (void)state;
    struct store_config config = {0};
    struct store *s;
    struct loop *l = loop_new();
    struct fault f = {0};
    assert_false(store_open(l, &config, STR_NONE, str_c("/proc/nowhere/redis"), str_c("f"), 0, NULL,
                            &s, &f));
    assert_int_equal(f.kind, FAULT_SYSTEM);
    loop_free(l);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(it_starts_within_a_second_with_the_right_settings),
        WITH(a_killed_server_comes_again_with_its_data),
        WITH(a_second_daemon_waits_for_the_first_ones_server),
        WITH(closing_ends_the_server_and_frees_the_lock),
        WITH(the_server_dies_with_its_parent),
        WITH(it_has_a_process_group_of_its_own),
        WITH(a_server_that_cannot_start_says_where_to_look),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
