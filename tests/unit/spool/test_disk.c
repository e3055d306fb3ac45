/* tests/unit/spool/test_disk.c - a full disk, a failing one, big bodies beside the rows. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"

/* Set by the test, asked by the writer. */
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct statvfs disk;

static int say_disk(const char *path, struct statvfs *out) {
    (void)path;
    pthread_mutex_lock(&disk_lock);
    *out = disk;
    pthread_mutex_unlock(&disk_lock);
    return 0;
}

/* 1,000 GiB with so much of blocks and inodes free, in parts of a thousand. */
static void disk_is(unsigned blocks, unsigned inodes) {
    const uint64_t all = (uint64_t)1000 << 30 >> 12;
    pthread_mutex_lock(&disk_lock);
    disk = (struct statvfs){.f_frsize = 4096,
                            .f_blocks = all,
                            .f_bavail = all / 1000 * blocks,
                            .f_files = 1000000,
                            .f_favail = 1000 * inodes};
    pthread_mutex_unlock(&disk_lock);
}

static int disk_setup(void **state) {
    disk_is(500, 500);
    spool_statvfs = say_disk;
    return world_setup(state);
}

static int disk_teardown(void **state) {
    spool_statvfs = statvfs;
    return world_teardown(state);
}

static struct record *with_body(const char *id, size_t n) {
    struct record *r = record_of(id, "aaaa", 0);
    char *body = mem_new(n + 1);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)(i * 31 + id[2]);
    r->body = record_keep(r, str_make(body, n));
    free(body);
    return r;
}

static size_t bodies(const struct world *w) {
    char path[128];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/bodies", w->spool);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static bool try_push(struct world *w, const char *id, struct fault *f) {
    return spool_push(w->s, record_of(id, "aaaa", 0), on_done, w, f);
}

static void below_five_percent_nothing_is_taken_until_above_eight(void **state) {
    struct world *w = *state;
    struct fault f = {0};
    static const struct {
        unsigned blocks, inodes;
        enum spool_state then;
    } steps[] = {
        {50, 500, SPOOL_OK},   {49, 500, SPOOL_FULL}, {60, 500, SPOOL_FULL},
        {80, 500, SPOOL_OK},   {60, 500, SPOOL_OK},   {500, 49, SPOOL_FULL},
        {500, 79, SPOOL_FULL}, {500, 80, SPOOL_OK},   {500, 60, SPOOL_OK},
    };
    disk_is(500, 500);
    world_open(w);
    push_wait(w, record_of("p_0", "aaaa", 0));
    for (size_t i = 0; i < COUNT(steps); i++) {
        disk_is(steps[i].blocks, steps[i].inodes);
        /* An idle writer looks when it is woken; a full one by itself. */
        int64_t until = clock_mono_ms() + PATIENCE_MS;
        while (spool_health(w->s) != steps[i].then && clock_mono_ms() < until) {
            spool_note_applied(w->s, 1);
            world_turn(w);
        }
        assert_int_equal(spool_health(w->s), steps[i].then);
        char id[32];
        snprintf(id, sizeof id, "p_s%zu", i);
        assert_int_equal(try_push(w, id, &f), steps[i].then == SPOOL_OK);
        if (steps[i].then == SPOOL_FULL)
            assert_int_equal(f.kind, FAULT_BUSY);
    }
}

static void a_record_that_meets_a_full_disk_in_the_queue_is_refused(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_0", "aaaa", 0));
    disk_is(10, 500);
    enum spool_verdict verdict = SPOOL_KEPT;
    for (int i = 0; i < 1000 && verdict != SPOOL_REFUSED; i++) {
        char id[32];
        struct fault f;
        snprintf(id, sizeof id, "p_%d", i);
        if (!try_push(w, id, &f))
            break; /* known outside already */
        WAIT_FOR(w, w->done_n == (size_t)i + 2);
        verdict = w->verdicts[w->done_n - 1];
        world_turn(w);
    }
    WAIT_FOR(w, spool_health(w->s) == SPOOL_FULL);
    /* Notes go on: draining is what frees space. */
    spool_note_applied(w->s, 1);
    ask_pending(w);
    assert_true(w->records_n == 0 || w->records[0]->seq > 1);
    disk_is(500, 500);
    WAIT_FOR(w, spool_health(w->s) == SPOOL_OK);
    assert_int_equal(push_wait(w, record_of("p_after", "aaaa", 0)), SPOOL_KEPT);
}

static void a_big_body_that_would_fill_the_disk_is_refused_alone(void **state) {
    struct world *w = *state;
    disk_is(500, 500);
    disk.f_blocks = 300u << 8; /* 300 MiB, all but 256 MiB and a little of it taken */
    disk.f_bavail = 257u << 8;
    world_open(w);
    assert_int_equal(push_wait(w, with_body("p_big", 4 << 20)), SPOOL_REFUSED);
    assert_int_equal(w->fault.kind, FAULT_BUSY);
    assert_int_equal(bodies(w), 0);
    assert_int_equal(push_wait(w, record_of("p_small", "aaaa", 0)), SPOOL_KEPT);
}

static void above_its_size_the_spool_refuses_and_says_so(void **state) {
    struct world *w = *state;
    w->config.max_bytes = 1 << 20;
    world_open(w);
    for (int i = 0; i < 40; i++) {
        char id[32];
        struct fault f;
        snprintf(id, sizeof id, "p_%d", i);
        if (!spool_push(w->s, with_body(id, 100000), on_done, w, &f))
            break;
        WAIT_FOR(w, w->done_n == (size_t)i + 1);
        usleep(10000); /* the guard looks ten times a second */
    }
    WAIT_FOR(w, spool_health(w->s) == SPOOL_FULL);
    struct spool_config wider = w->config;
    wider.max_bytes = (int64_t)1 << 30;
    spool_reconfigure(w->s, &wider);
    WAIT_FOR(w, spool_health(w->s) == SPOOL_OK);
}

static void file_limit(rlim_t bytes) {
    struct rlimit l;
    getrlimit(RLIMIT_FSIZE, &l);
    l.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void a_failed_commit_acknowledges_nothing_and_recovers(void **state) {
    struct world *w = *state;
    struct fault f;
    size_t kept = 0, refused = 0;
    signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    assert_int_equal(push_wait(w, record_of("p_first", "aaaa", 0)), SPOOL_KEPT);
    file_limit(400000);
    for (int i = 0; i < 400 && spool_health(w->s) == SPOOL_OK; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        if (!spool_push(w->s, with_body(id, 20000), on_done, w, &f))
            break;
        WAIT_FOR(w, w->done_n == (size_t)i + 2);
    }
    for (size_t i = 0; i < w->done_n; i++) {
        kept += w->verdicts[i] == SPOOL_KEPT;
        refused += w->verdicts[i] == SPOOL_REFUSED;
    }
    size_t all = w->done_n;
    WAIT_FOR(w, spool_health(w->s) == SPOOL_FAILING);
    assert_true(refused > 0);
    assert_int_equal(w->fault.kind, FAULT_SYSTEM);
    assert_false(try_push(w, "p_while", &f));
    assert_int_equal(f.kind, FAULT_BUSY);
    spool_note_applied(w->s, 1); /* kept until it can be written */
    file_limit(RLIM_INFINITY);
    WAIT_FOR(w, spool_health(w->s) == SPOOL_OK);
    ask_pending(w);
    assert_int_equal(w->records_n, kept - 1);
    for (size_t i = 0; i < w->records_n; i++)
        assert_true(w->records[i]->seq > 1 && w->records[i]->seq <= kept);
    /* Those that were refused come again. */
    for (size_t i = 1; i < all; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%zu", i - 1);
        enum spool_verdict now = push_wait(w, with_body(id, 20000));
        assert_int_equal(now, w->verdicts[i] == SPOOL_KEPT ? SPOOL_KNOWN : SPOOL_KEPT);
    }
}

static void a_big_body_lies_beside_the_row_and_comes_back_whole(void **state) {
    struct world *w = *state;
    world_open(w);
    static const size_t sizes[] = {0, 1, BIG_BODY, BIG_BODY + 1, 3 << 20};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%zu", i);
        assert_int_equal(push_wait(w, with_body(id, sizes[i])), SPOOL_KEPT);
    }
    assert_int_equal(bodies(w), 2);
    push_wait(w, with_body("p_4", 3 << 20)); /* known: no file more */
    assert_int_equal(bodies(w), 2);
    world_close(w);
    world_open(w);
    ask_pending(w);
    assert_int_equal(w->records_n, COUNT(sizes));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%zu", i);
        struct record *r = with_body(id, sizes[i]);
        assert_true(str_eq(r->body, w->records[i]->body));
        assert_non_null(w->records[i]->body.p);
        record_free(r);
    }
}

static void a_body_without_its_row_is_swept_at_open(void **state) {
    struct world *w = *state;
    char path[160];
    world_open(w);
    push_wait(w, with_body("p_1", BIG_BODY + 1));
    world_close(w);
    static const char *const names[] = {"00000000000000ff", "0000000000000001.tmp", "odd"};
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/bodies/%s", w->spool, names[i]);
        fclose(fopen(path, "w"));
    }
    world_open(w);
    assert_int_equal(bodies(w), 1);
    ask_pending(w);
    assert_int_equal(w->records[0]->body.n, BIG_BODY + 1);
}

static void dropping_from_quarantine_takes_the_body_along(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = with_body("p_1", BIG_BODY + 1);
    r->flags = RECORD_QUARANTINED;
    r->reason = record_keep(r, str_c("odd"));
    push_wait(w, r);
    assert_int_equal(bodies(w), 1);
    ASK(w, spool_quarantine_drop(w->s, str_c("p_1"), on_json, w));
    assert_int_equal(bodies(w), 0);
}

static void an_answer_of_records_stays_within_eight_mib(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 6; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push_wait(w, with_body(id, 3 << 20));
    }
    uint64_t after = 0;
    size_t all = 0;
    for (int i = 0; i < 6 && all < 6; i++) {
        world_forget_records(w);
        ASK(w, spool_ask_pending(w->s, after, 100, on_records, w));
        assert_in_range(w->records_n, 1, 4);
        all += w->records_n;
        after = w->records[w->records_n - 1]->seq;
    }
    assert_int_equal(all, 6);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, disk_setup, disk_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        DISK_TEST(below_five_percent_nothing_is_taken_until_above_eight),
        DISK_TEST(a_record_that_meets_a_full_disk_in_the_queue_is_refused),
        DISK_TEST(a_big_body_that_would_fill_the_disk_is_refused_alone),
        DISK_TEST(above_its_size_the_spool_refuses_and_says_so),
        DISK_TEST(a_failed_commit_acknowledges_nothing_and_recovers),
        DISK_TEST(a_big_body_lies_beside_the_row_and_comes_back_whole),
        DISK_TEST(a_body_without_its_row_is_swept_at_open),
        DISK_TEST(dropping_from_quarantine_takes_the_body_along),
        DISK_TEST(an_answer_of_records_stays_within_eight_mib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
