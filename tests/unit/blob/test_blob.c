/* tests/unit/blob/test_blob.c - blobs in a directory: in, out, again, erased, exported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/thread.h"
#include "blob/blob_priv.h"

struct world {
    char dir[64], blobs[80];
    struct loop *loop;
    struct blob_store *b;
    size_t answers, good;
    char *bytes;
    size_t bytes_n;
    bool absent;
};

static const char sha[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

static void turn_until(struct world *w, size_t answers) {
    int64_t until = clock_mono_ms() + 10000;
    while (w->answers < answers && clock_mono_ms() < until) {
        struct timeval tv = {.tv_usec = 1000};
        event_base_loopexit(loop_base(w->loop), &tv);
        event_base_dispatch(loop_base(w->loop));
    }
    assert_int_equal(w->answers, answers);
}

static int setup(void **state) {
    struct world *w = NEW(struct world);
    thread_set(THREAD_LOOP);
    log_setup(0);
    snprintf(w->dir, sizeof w->dir, "/tmp/blob-test-XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    snprintf(w->blobs, sizeof w->blobs, "%s/state/blobs", w->dir);
    w->loop = loop_new();
    struct fault f;
    if (!blob_open(w->loop, str_c(w->blobs), &w->b, &f))
        return -1;
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    blob_close(w->b);
    loop_free(w->loop);
    free(w->bytes);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    int status = system(command);
    free(w);
    return status;
}

static void on_put(void *arg, bool ok) {
    struct world *w = arg;
    assert_true(thread_is(THREAD_LOOP));
    w->answers++;
    w->good += ok;
}

static void on_get(void *arg, struct str bytes) {
    struct world *w = arg;
    w->answers++;
    w->absent = !bytes.p;
    free(w->bytes);
    w->bytes = mem_dup(bytes.p ? bytes.p : "", bytes.n);
    w->bytes_n = bytes.n;
}

static bool put_wait(struct world *w, const char *id, const char *part, struct str bytes) {
    size_t good = w->good;
    blob_put(w->b, str_c(id), str_c(part), bytes, on_put, w);
    turn_until(w, w->answers + 1);
    return w->good > good;
}

static void get_wait(struct world *w, const char *id, const char *part, size_t max) {
    blob_get(w->b, str_c(id), str_c(part), max, on_get, w);
    turn_until(w, w->answers + 1);
}

static int files_n;
static char file_path[256];
static int count_file(const char *path, const struct stat *st, int type) {
    (void)st;
    if (type == FTW_F) {
        files_n++;
        snprintf(file_path, sizeof file_path, "%s", path);
    }
    return 0;
}
static int files(const struct world *w) {
    files_n = 0;
    assert_int_equal(ftw(w->blobs, count_file, 8), 0);
    return files_n;
}

static void bytes_come_back_as_they_went_in(void **state) {
    struct world *w = *state;
    struct str bytes = str_make("From: a\r\n\0\xff", 11);
    assert_true(put_wait(w, "p_1", "raw", bytes));
    get_wait(w, "p_1", "raw", 1000);
    assert_false(w->absent);
    assert_int_equal(w->bytes_n, 11);
    assert_memory_equal(w->bytes, bytes.p, 11);
    assert_int_equal(files(w), 1);
    assert_non_null(strstr(file_path, "/p_1.raw.zst"));
}

static void an_empty_blob_is_there_and_one_never_put_is_not(void **state) {
    struct world *w = *state;
    assert_true(put_wait(w, "p_1", "raw", str_make("", 0)));
    get_wait(w, "p_1", "raw", 10);
    assert_false(w->absent);
    assert_int_equal(w->bytes_n, 0);
    get_wait(w, "p_1", sha, 10);
    assert_true(w->absent);
    get_wait(w, "p_2", "raw", 10);
    assert_true(w->absent);
}

static void the_same_again_is_harmless_and_raw_is_replaced(void **state) {
    struct world *w = *state;
    assert_true(put_wait(w, "p_1", "raw", str_c("first")));
    assert_true(put_wait(w, "p_1", "raw", str_c("second")));
    assert_true(put_wait(w, "p_1", sha, str_c("test")));
    assert_true(put_wait(w, "p_1", sha, str_c("test")));
    assert_int_equal(files(w), 2);
    get_wait(w, "p_1", "raw", 1000);
    assert_string_equal(w->bytes, "second");
    get_wait(w, "p_1", sha, 1000);
    assert_string_equal(w->bytes, "test");
}

static void a_name_that_could_leave_the_folder_is_refused(void **state) {
    struct world *w = *state;
    static const char *const bad[] = {
        "",      "../x",
        "a/b",   "A",
        ".",     "a.b",
        "a b",   "\xc3\xa4",
        "p_1\n", "00000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(put_wait(w, bad[i], "raw", str_c("x")));
        assert_false(put_wait(w, "p_1", bad[i], str_c("x")));
        get_wait(w, bad[i], "raw", 10);
        assert_true(w->absent);
        size_t good = w->good;
        blob_erase(w->b, str_c(bad[i]), on_put, w);
        turn_until(w, w->answers + 1);
        assert_int_equal(w->good, good);
    }
}

static void a_blob_above_the_callers_bound_is_not_given_out(void **state) {
    struct world *w = *state;
    size_t n = 3 << 20;
    char *big = mem_new(n);
    memset(big, 'x', n);
    assert_true(put_wait(w, "p_1", "raw", str_make(big, n)));
    get_wait(w, "p_1", "raw", n - 1);
    assert_true(w->absent);
    get_wait(w, "p_1", "raw", n);
    assert_false(w->absent);
    assert_int_equal(w->bytes_n, n);
    assert_memory_equal(w->bytes, big, n);
    free(big);
}

static void a_broken_file_is_not_given_out(void **state) {
    struct world *w = *state;
    assert_true(
        put_wait(w, "p_1", "raw", str_c("a body long enough to be cut in the middle of it")));
    assert_int_equal(files(w), 1);
    struct stat st;
    assert_int_equal(stat(file_path, &st), 0);
    assert_int_equal(truncate(file_path, st.st_size - 3), 0);
    get_wait(w, "p_1", "raw", 1000);
    assert_true(w->absent);
    assert_int_equal(truncate(file_path, 0), 0);
    get_wait(w, "p_1", "raw", 1000);
    assert_true(w->absent);
}

static void erasing_takes_all_parts_of_one_touchpoint_and_no_others(void **state) {
    struct world *w = *state;
    assert_true(put_wait(w, "p_1", "raw", str_c("a")));
    assert_true(put_wait(w, "p_1", sha, str_c("b")));
    assert_true(put_wait(w, "p_11", "raw", str_c("c")));
    size_t good = w->good;
    blob_erase(w->b, str_c("p_1"), on_put, w);
    blob_erase(w->b, str_c("p_1"), on_put, w);
    blob_erase(w->b, str_c("p_never"), on_put, w);
    turn_until(w, w->answers + 3);
    assert_int_equal(w->good, good + 3);
    assert_int_equal(files(w), 1);
    get_wait(w, "p_11", "raw", 10);
    assert_string_equal(w->bytes, "c");
}

static void an_export_writes_the_bytes_to_a_new_file_only(void **state) {
    struct world *w = *state;
    char path[100], text[32] = "";
    snprintf(path, sizeof path, "%s/out", w->dir);
    assert_true(put_wait(w, "p_1", sha, str_c("attachment")));
    for (size_t i = 0; i < 2; i++) {
        size_t good = w->good;
        blob_export(w->b, str_c("p_1"), str_c(sha), str_c(path), on_put, w);
        turn_until(w, w->answers + 1);
        assert_int_equal(w->good, good + (i == 0));
    }
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "attachment");
    blob_export(w->b, str_c("p_2"), str_c(sha), str_c("/tmp/never"), on_put, w);
    turn_until(w, w->answers + 1);
    assert_int_not_equal(access("/tmp/never", F_OK), 0);
}

static void what_is_queued_is_finished_and_answered_at_close(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 300; i++) {
        char id[16];
        snprintf(id, sizeof id, "p_%d", i);
        blob_put(w->b, str_c(id), str_c("raw"), str_c("x"), on_put, w);
    }
    assert_int_equal(w->answers, 0);
    blob_close(w->b);
    w->b = NULL;
    assert_int_equal(w->answers, 300);
    assert_int_equal(w->good, 300);
    assert_int_equal(files(w), 300);
}

static void beyond_the_bound_a_put_is_answered_with_failure(void **state) {
    struct world *w = *state;
    size_t n = BLOB_QUEUE_MAX * 2;
    for (size_t i = 0; i < n; i++)
        blob_put(w->b, str_c("p_1"), str_c("raw"), str_c("x"), on_put, w);
    turn_until(w, n);
    assert_int_equal(w->good, BLOB_QUEUE_MAX);
    assert_true(put_wait(w, "p_1", "raw", str_c("x")));
}

static void a_failed_write_leaves_nothing_and_says_so(void **state) {
    struct world *w = *state;
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    bool ok = put_wait(w, "p_1", "raw", str_c("more than ten bytes, packed or not: 0123456789"));
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(ok);
    assert_int_equal(files(w), 0);
    assert_true(put_wait(w, "p_1", "raw", str_c("now")));
}

static void a_folder_that_anyone_may_write_is_refused(void **state) {
    struct world *w = *state;
    char path[100];
    snprintf(path, sizeof path, "%s/open", w->dir);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    struct blob_store *b = NULL;
    struct fault f = {0};
    assert_false(blob_open(w->loop, str_c(path), &b, &f));
    assert_int_equal(f.kind, FAULT_SYSTEM);
    assert_null(b);
}

static size_t sweep(const struct world *w, int64_t now_ms) {
    struct blob_dir dir;
    struct fault f;
    size_t n = 0;
    assert_true(blob_dir_open(&dir, str_c(w->blobs), &f));
    for (unsigned i = 0; i < 256; i++)
        n += blob_expire_sweep(&dir, i, now_ms);
    blob_dir_close(&dir);
    return n;
}

static void what_has_an_end_is_removed_after_it_and_nothing_else(void **state) {
    enum { HOUR_MS = 3600 * 1000 };
    struct world *w = *state;
    int64_t now = clock_wall_ms();
    assert_true(put_wait(w, "p_1", "raw", str_c("for ever")));
    blob_put_until(w->b, str_c("p_2"), str_c("raw"), str_c("an hour"), now + HOUR_MS, on_put, w);
    turn_until(w, w->answers + 1);
    assert_int_equal(sweep(w, now + HOUR_MS / 2), 0);
    assert_int_equal(files(w), 2);
    assert_int_equal(sweep(w, now + HOUR_MS + 1000), 1);
    assert_int_equal(sweep(w, now + 1000LL * 24 * HOUR_MS), 0);
    assert_int_equal(files(w), 1);
    assert_non_null(strstr(file_path, "/p_1.raw.zst"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(bytes_come_back_as_they_went_in),
        T(an_empty_blob_is_there_and_one_never_put_is_not),
        T(the_same_again_is_harmless_and_raw_is_replaced),
        T(a_name_that_could_leave_the_folder_is_refused),
        T(a_blob_above_the_callers_bound_is_not_given_out),
        T(a_broken_file_is_not_given_out),
        T(erasing_takes_all_parts_of_one_touchpoint_and_no_others),
        T(an_export_writes_the_bytes_to_a_new_file_only),
        T(what_is_queued_is_finished_and_answered_at_close),
        T(beyond_the_bound_a_put_is_answered_with_failure),
        T(a_failed_write_leaves_nothing_and_says_so),
        T(a_folder_that_anyone_may_write_is_refused),
        T(what_has_an_end_is_removed_after_it_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
