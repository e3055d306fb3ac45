/* tests/unit/spool/test_open.c - opening: lock, version, corruption, links, what a stop leaves. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

static void path_of(const struct world *w, const char *name, char out[128]) {
    snprintf(out, 128, "%s/%s", w->spool, name);
}

static void overwrite(const struct world *w, const char *name, off_t at, size_t n) {
    char path[128], junk[4096];
    path_of(w, name, path);
    memset(junk, 0x5a, sizeof junk);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (; n > sizeof junk; n -= sizeof junk, at += (off_t)sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    assert_int_equal(pwrite(fd, junk, n, at), n);
    close(fd);
}

static size_t matching(const struct world *w, const char *pattern) {
    char path[128];
    glob_t g;
    path_of(w, pattern, path);
    size_t n = glob(path, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    globfree(&g);
    return n;
}

static void the_folder_is_made_for_the_owner_alone(void **state) {
    struct world *w = *state;
    struct stat st;
    char path[128];
    world_open(w);
    assert_int_equal(stat(w->spool, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    path_of(w, "spool.db", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(spool_health(w->s), SPOOL_OK);
}

static void a_second_daemon_is_refused(void **state) {
    struct world *w = *state;
    struct spool *second = NULL;
    struct fault f = {0};
    world_open(w);
    assert_false(spool_open(w->loop, str_c(w->spool), &w->config, &second, &f));
    assert_int_equal(f.kind, FAULT_STATE);
    assert_string_equal(f.place, "lock");
    world_close(w);
    world_open(w);
}

static void run_sql(const struct world *w, const char *text) {
    char path[128];
    sqlite3 *h = NULL;
    path_of(w, "spool.db", path);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
}

static void a_newer_major_schema_is_refused_and_left_alone(void **state) {
    struct world *w = *state;
    struct fault f = {0};
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    world_close(w);
    run_sql(w, "PRAGMA user_version = 2000");
    assert_false(world_try_open(w, &f));
    assert_int_equal(f.kind, FAULT_STATE);
    assert_string_equal(f.place, "schema");
    assert_int_equal(matching(w, "*corrupt*"), 0);
    run_sql(w, "PRAGMA user_version = 1007"); /* a newer minor only adds */
    world_open(w);
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
}

static void a_file_that_is_no_database_is_set_aside_whole(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    world_close(w);
    overwrite(w, "spool.db", 0, 100);
    world_open(w);
    assert_true(spool_was_unclean(w->s));
    assert_int_equal(matching(w, "spool.db.corrupt-*Z"), 1);
    assert_int_equal(matching(w, "bodies.corrupt-*"), 1);
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 0)), SPOOL_KEPT);
    world_close(w);
    world_open(w);
    assert_false(spool_was_unclean(w->s));
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
}

/* The child dies as a daemon does under kill -9: acknowledged, not closed. */
static void child_keeps_and_dies(struct world *w, int records) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        /* A fresh loop: the parent's eventfds are not the child's. */
        w->loop = loop_new();
        world_open(w);
        for (int i = 0; i < records; i++) {
            char id[32];
            snprintf(id, sizeof id, "p_%d", i);
            push_wait(w, record_of(id, "aaaa", 0));
        }
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void an_unclean_stop_is_known_and_checked_and_loses_nothing(void **state) {
    struct world *w = *state;
    child_keeps_and_dies(w, 50);
    world_open(w);
    assert_true(spool_was_unclean(w->s));
    ask_pending(w);
    assert_int_equal(w->records_n, 50);
    world_close(w);
    world_open(w);
    assert_false(spool_was_unclean(w->s));
}

static void keep_many(struct world *w, int from, int to) {
    size_t before = w->done_n;
    for (int i = from; i < to; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        struct record *r = record_of(id, "aaaa", 0);
        r->cursor = record_keep(r, str_c("sip/log"));
        r->cursor_value = record_keep(r, str_c(id));
        push(w, r);
    }
    WAIT_FOR(w, w->done_n == before + (size_t)(to - from));
}

/* On which page a table begins, and what its content starts with is of no matter. */
static int64_t root_of(const struct world *w, const char *table) {
    char path[128], text[128];
    sqlite3 *h = NULL;
    sqlite3_stmt *s = NULL;
    path_of(w, "spool.db", path);
    snprintf(text, sizeof text, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, text, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t page = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(h);
    return page;
}

static void what_quick_check_finds_broken_is_set_aside_while_running(void **state) {
    struct world *w = *state;
    world_open(w);
    keep_many(w, 0, 400);
    for (uint64_t seq = 1; seq <= 300; seq++)
        spool_note_applied(w->s, seq);
    world_close(w);
    run_sql(w, "UPDATE meta SET value = 0 WHERE name = 'clean'");
    overwrite(w, "spool.db", (root_of(w, "alias") - 1) * 4096, 4096); /* not read at open */
    world_open(w);
    WAIT_FOR(w, matching(w, "spool.db.corrupt-*Z") >= 1);
    WAIT_FOR(w, spool_health(w->s) == SPOOL_OK);
    assert_int_equal(push_wait(w, record_of("p_new", "aaaa", 0)), SPOOL_KEPT);
    assert_int_equal(last_seq(w), 401); /* numbers go on */
    ask_pending(w);                     /* the reader reads the new file */
    assert_false(w->records_failed);
    assert_int_equal(w->records_n, 101); /* what was not applied came along */
    assert_int_equal(w->records[0]->seq, 301);
    assert_true(str_is(w->records[99]->id, "p_399"));
    assert_int_equal(push_wait(w, record_of("p_399", "aaaa", 0)), SPOOL_KNOWN);
}

static void of_a_file_broken_at_open_the_readable_part_comes_along(void **state) {
    struct world *w = *state;
    char value[16];
    size_t n = 0;
    world_open(w);
    keep_many(w, 0, 400);
    struct record *big = record_of("p_big", "aaaa", 0);
    char *body = mem_new(BIG_BODY + 1);
    big->body = record_keep(big, str_make(body, BIG_BODY + 1));
    free(body);
    push_wait(w, big);
    struct record *r = record_of("p_q", "aaaa", 0);
    r->flags = RECORD_QUARANTINED;
    r->reason = record_keep(r, str_c("odd"));
    push_wait(w, r);
    world_close(w);
    overwrite(w, "spool.db", (root_of(w, "pending") - 1) * 4096, 4096); /* counted at open */
    world_open(w);
    assert_int_equal(matching(w, "spool.db.corrupt-*Z"), 1);
    ask_pending(w);
    assert_int_equal(w->records_n, 401);
    assert_int_equal(w->records[400]->body.n, BIG_BODY + 1);
    ASK(w, spool_ask_quarantine(w->s, 10, STR_NONE, on_json, w));
    assert_non_null(strstr(w->answer, "\"id\":\"p_q\""));
    assert_true(spool_cursor_get(w->s, str_c("sip/log"), value, sizeof value, &n));
    assert_true(str_is(str_make(value, n), "p_399"));
    assert_int_equal(push_wait(w, record_of("p_new", "aaaa", 0)), SPOOL_KEPT);
    assert_int_equal(last_seq(w), 403);
}

static void a_link_in_place_of_the_database_is_not_followed(void **state) {
    struct world *w = *state;
    char path[128], target[128];
    struct fault f = {0};
    world_open(w);
    world_close(w);
    path_of(w, "spool.db", path);
    snprintf(target, sizeof target, "%s/elsewhere", w->dir);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_false(world_try_open(w, &f));
    assert_int_equal(f.kind, FAULT_SYSTEM);
}

static void a_folder_reached_through_a_link_is_used(void **state) {
    struct world *w = *state;
    char target[128];
    snprintf(target, sizeof target, "%s/private", w->dir);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, w->spool), 0);
    world_open(w);
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 0)), SPOOL_KEPT);
}

static void a_folder_that_others_may_write_is_refused(void **state) {
    struct world *w = *state;
    struct fault f = {0};
    assert_int_equal(mkdir(w->spool, 0700), 0);
    assert_int_equal(chmod(w->spool, 0770), 0);
    assert_false(world_try_open(w, &f));
    assert_int_equal(f.kind, FAULT_SYSTEM);
    assert_non_null(strstr(f.reason, "written by others"));
}

static void closing_commits_what_is_queued_and_tells(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 500; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push(w, record_of(id, "aaaa", 0));
    }
    spool_note_applied(w->s, 1);
    spool_ask_receipt(w->s, str_c("p_1"), on_json, w);
    assert_int_equal(w->done_n, 0);
    world_close(w);
    assert_int_equal(w->done_n, 500);
    assert_true(w->answered);
    world_open(w);
    ask_pending(w);
    assert_int_equal(w->records_n, 499);
}

static void only_queued_records_up_to_a_bound_are_taken(void **state) {
    struct world *w = *state;
    struct fault f = {0};
    size_t taken = 0, refused = 0;
    world_open(w);
    for (int i = 0; i < INBOX_MAX + 100; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        if (spool_push(w->s, record_of(id, "aaaa", 0), on_done, w, &f))
            taken++;
        else
            refused++;
    }
    assert_int_equal(taken, INBOX_MAX);
    assert_int_equal(refused, 100);
    assert_int_equal(f.kind, FAULT_BUSY);
    WAIT_FOR(w, w->done_n == taken);
    assert_int_equal(push_wait(w, record_of("p_more", "aaaa", 0)), SPOOL_KEPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(the_folder_is_made_for_the_owner_alone),
        SPOOL_TEST(a_second_daemon_is_refused),
        SPOOL_TEST(a_newer_major_schema_is_refused_and_left_alone),
        SPOOL_TEST(a_file_that_is_no_database_is_set_aside_whole),
        SPOOL_TEST(an_unclean_stop_is_known_and_checked_and_loses_nothing),
        SPOOL_TEST(what_quick_check_finds_broken_is_set_aside_while_running),
        SPOOL_TEST(of_a_file_broken_at_open_the_readable_part_comes_along),
        SPOOL_TEST(a_link_in_place_of_the_database_is_not_followed),
        SPOOL_TEST(a_folder_reached_through_a_link_is_used),
        SPOOL_TEST(a_folder_that_others_may_write_is_refused),
        SPOOL_TEST(closing_commits_what_is_queued_and_tells),
        SPOOL_TEST(only_queued_records_up_to_a_bound_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
