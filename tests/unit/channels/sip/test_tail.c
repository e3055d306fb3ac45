/* Following a log: rename, truncation, restart, and lines that are too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sip/tail.h"

struct lines {
    char text[4096];
    size_t n;
    int truncated, copied, lost, cut;
};

static void take(void *arg, struct str line, const struct tail_place *place, bool cut) {
    struct lines *l = arg;
    (void)place;
    l->cut += cut;
    if (!cut)
        l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%.*s|", STR_ARG(line));
}

static void note(void *arg, enum tail_event what) {
    struct lines *l = arg;
    l->truncated += what == TAIL_TRUNCATED;
    l->copied += what == TAIL_TRUNCATED_COPIED;
    l->lost += what == TAIL_LOST;
}

/* A folder of its own, with the log's path and those of its rotated forms. */
struct folder {
    char dir[64], log[128], one[128], two[128];
};

static void folder_open(struct folder *f) {
    snprintf(f->dir, sizeof f->dir, "/tmp/touchline-tail-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->one, sizeof f->one, "%s/log.1", f->dir);
    snprintf(f->two, sizeof f->two, "%s/log.2", f->dir);
}

static void folder_close(struct folder *f) {
    unlink(f->log);
    unlink(f->one);
    unlink(f->two);
    rmdir(f->dir);
}

/* Sets when it was written, `s` seconds into the test: rotated files are told by it. */
static void written(const char *path, time_t s) {
    const struct timespec times[2] = {{1795420800 + s, 0}, {1795420800 + s, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void append(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_log_is_followed_across_rename_truncation_and_restart(void **state) {
    (void)state;
    char dir[] = "/tmp/touchline-tail-XXXXXX", path[256], old[256], place[TAIL_PLACE_MAX];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(old, sizeof old, "%s/log.1", dir);
    struct lines got = {0};
    struct tail t;
    tail_open(&t, str_c(path), STR_NONE, &got, take, note);
    tail_step(&t, 1 << 20, 0); /* not there yet */
    append(path, "one\ntwo\nhal");
    tail_step(&t, 1 << 20, 0);
    assert_string_equal(got.text, "one|two|");
    append(path, "f\n");
    rename(path, old);
    append(old, "late\n");
    append(path, "new\n");
    for (int i = 0; i < 4; i++)
        tail_step(&t, 1 << 20, 0);
    assert_string_equal(got.text, "one|two|half|late|new|");
    assert_int_equal(truncate(path, 0), 0);
    append(path, "x\n");
    tail_step(&t, 1 << 20, 0);
    assert_string_equal(got.text, "one|two|half|late|new|x|");
    assert_int_equal(got.truncated, 1);
    tail_step(&t, 1 << 20, TAIL_OLD_MS + 1); /* the renamed one is done with */
    struct tail_place here = tail_here(&t);
    struct str kept = tail_place_write(&here, place);
    tail_clear(&t);
    append(path, "y\n");
    rename(path, old);
    append(path, "z\n");
    got = (struct lines){0};
    tail_open(&t, str_c(path), kept, &got, take, note);
    for (int i = 0; i < 4; i++)
        tail_step(&t, 1 << 20, 0);
    assert_string_equal(got.text, "y|z|");
    assert_int_equal(got.lost, 0);
    tail_clear(&t);
    unlink(path);
    unlink(old);
    rmdir(dir);
}

static void a_line_that_is_too_long_is_cut_and_reading_goes_on(void **state) {
    (void)state;
    char dir[] = "/tmp/touchline-tail-XXXXXX", path[256];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    char *big = malloc(300000);
    memset(big, 'a', 300000);
    big[299999] = '\0';
    append(path, big);
    append(path, "\nnext\n");
    struct lines got = {0};
    struct tail t;
    tail_open(&t, str_c(path), STR_NONE, &got, take, note);
    tail_step(&t, 1 << 20, 0);
    assert_int_equal(got.cut, 1);
    assert_string_equal(got.text, "next|");
    tail_clear(&t);
    free(big);
    unlink(path);
    rmdir(dir);
}

static void look(struct tail *t, int64_t now_ms) {
    for (int i = 0; i < 6; i++)
        tail_step(t, 1 << 20, now_ms);
}

static void a_log_that_was_rotated_twice_between_two_looks_is_read_whole(void **state) {
    (void)state;
    struct folder f;
    struct lines got = {0};
    struct tail t;
    folder_open(&f);
    append(f.log, "one\n");
    written(f.log, 1);
    tail_open(&t, str_c(f.log), STR_NONE, &got, take, note);
    look(&t, 0);
    append(f.log, "two\n");
    rename(f.log, f.two);
    written(f.two, 2);
    append(f.log, "three\n");
    rename(f.log, f.one);
    written(f.one, 3);
    append(f.log, "four\n");
    look(&t, 100);
    assert_string_equal(got.text, "one|two|three|four|");
    tail_clear(&t);
    folder_close(&f);
}

static void a_log_that_was_rotated_twice_while_nobody_looked_is_read_whole(void **state) {
    (void)state;
    struct folder f;
    struct lines got = {0};
    struct tail t;
    char place[TAIL_PLACE_MAX];
    folder_open(&f);
    append(f.log, "one\n");
    written(f.log, 1);
    tail_open(&t, str_c(f.log), STR_NONE, &got, take, note);
    look(&t, 0);
    struct tail_place here = tail_here(&t);
    struct str kept = tail_place_write(&here, place);
    tail_clear(&t);
    for (int gone = 0; gone < 2; gone++) { /* the file of the place is there, then it is not */
        append(f.log, gone ? "five\n" : "two\n");
        rename(f.log, gone ? f.one : f.two);
        written(gone ? f.one : f.two, gone ? 5 : 2);
        if (!gone) {
            append(f.log, "three\n");
            rename(f.log, f.one);
            written(f.one, 3);
        }
        append(f.log, gone ? "six\n" : "four\n");
        written(f.log, gone ? 6 : 4);
        got = (struct lines){0};
        if (gone)
            unlink(f.two);
        tail_open(&t, str_c(f.log), kept, &got, take, note);
        look(&t, 0);
        tail_clear(&t);
        assert_string_equal(got.text, gone ? "four|five|six|" : "two|three|four|");
        assert_int_equal(got.lost, gone);
    }
    folder_close(&f);
}

static void what_copytruncate_took_away_is_read_from_the_copy(void **state) {
    (void)state;
    struct folder f;
    struct lines got = {0};
    struct tail t;
    folder_open(&f);
    append(f.log, "one\n");
    tail_open(&t, str_c(f.log), STR_NONE, &got, take, note);
    look(&t, 0);
    append(f.one, "one\ntwo\n"); /* the copy, made after a line that was not read yet */
    assert_int_equal(truncate(f.log, 0), 0);
    append(f.log, "x\n");
    look(&t, 0);
    assert_string_equal(got.text, "one|x|two|");
    assert_int_equal(got.copied, 1);
    tail_clear(&t);
    folder_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_followed_across_rename_truncation_and_restart),
        cmocka_unit_test(a_log_that_was_rotated_twice_between_two_looks_is_read_whole),
        cmocka_unit_test(a_log_that_was_rotated_twice_while_nobody_looked_is_read_whole),
        cmocka_unit_test(what_copytruncate_took_away_is_read_from_the_copy),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_reading_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
