/* tests/unit/spool/test_retention.c - what goes when, and what never goes too early. */
#include <dirent.h>

#include "fixture.h"

static const int64_t day = 86400000;

static struct record *aged(const char *id, int64_t days) {
    struct record *r = record_of(id, "aaaa", 0);
    r->received_ms = clock_wall_ms() - days * day;
    return r;
}

/* Retention runs as soon as the writer does. */
static void reopen(struct world *w) {
    world_close(w);
    world_open(w);
}

static size_t in_window(struct world *w) {
    world_forget_records(w);
    ASK(w, spool_ask_window(w->s, 0, 4096, on_records, w));
    assert_false(w->records_failed);
    return w->records_n;
}

static void an_old_record_goes_only_applied_confirmed_and_moved(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, aged("p_young", 0));
    /* The young one stands first here, so that the others are behind it; it must not hide them. */
    reopen(w);
    push_wait(w, aged("p_old", 2));
    push_wait(w, aged("p_pending", 2));
    struct record *r = aged("p_held", 2);
    r->flags = RECORD_KEEP_RAW;
    r->body = record_keep(r, str_c("raw"));
    push_wait(w, r);
    push_wait(w, aged("p_bad", 2));
    push_wait(w, aged("p_unconfirmed", 2));
    static const uint64_t applied[] = {1, 2, 4, 6};
    for (size_t i = 0; i < COUNT(applied); i++)
        spool_note_applied(w->s, applied[i]);
    spool_note_quarantine(w->s, 5, str_c("p_bad"), str_c("piece"), str_c("bad"));
    spool_note_applied(w->s, 5);
    spool_note_confirmed(w->s, 5, 1);
    reopen(w);
    assert_int_equal(in_window(w), 6); /* by arrival: nothing goes before the young one does */
    assert_int_equal(push_wait(w, aged("p_last", 0)), SPOOL_KEPT);
}

static void old_records_go_and_the_stuck_among_them_stay(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, aged("p_1", 2));
    push_wait(w, aged("p_pending", 2));
    struct record *r = aged("p_held", 2);
    r->flags = RECORD_KEEP_RAW;
    r->body = record_keep(r, str_c("raw"));
    push_wait(w, r);
    push_wait(w, aged("p_bad", 2));
    push_wait(w, aged("p_5", 2));
    push_wait(w, aged("p_unconfirmed", 2));
    static const uint64_t applied[] = {1, 3, 4, 5, 6};
    for (size_t i = 0; i < COUNT(applied); i++)
        spool_note_applied(w->s, applied[i]);
    spool_note_quarantine(w->s, 4, str_c("p_bad"), str_c("piece"), str_c("bad"));
    spool_note_confirmed(w->s, 5, 1);
    reopen(w);
    WAIT_FOR(w, in_window(w) == 4);
    static const uint64_t left[] = {2, 3, 4, 6};
    for (size_t i = 0; i < COUNT(left); i++)
        assert_int_equal(w->records[i]->seq, left[i]);
    /* Gone from the window, yet known, and its receipt there. */
    assert_int_equal(push_wait(w, aged("p_1", 0)), SPOOL_KNOWN);
    ask_receipt(w, "p_1");
    assert_non_null(strstr(w->answer, "\"state\":\"applied\""));
    spool_note_moved(w->s, 3);
    reopen(w);
    WAIT_FOR(w, in_window(w) == 3);
}

static void numbers_go_on_when_all_records_have_gone(void **state) {
    struct world *w = *state;
    w->config.keep_receipts_ms = day;
    world_open(w);
    for (int i = 0; i < 3; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push_wait(w, aged(id, 2));
        spool_note_applied(w->s, (uint64_t)i + 1);
    }
    spool_note_confirmed(w->s, 3, 1);
    reopen(w);
    WAIT_FOR(w, in_window(w) == 0);
    reopen(w);
    assert_int_equal(push_wait(w, aged("p_0", 0)), SPOOL_KEPT); /* its receipt has gone as well */
    assert_int_equal(last_seq(w), 4);
}

static void a_big_body_goes_with_its_record(void **state) {
    struct world *w = *state;
    char path[128];
    world_open(w);
    struct record *r = aged("p_1", 2);
    char *body = mem_new(BIG_BODY + 1);
    r->body = record_keep(r, str_make(body, BIG_BODY + 1));
    free(body);
    push_wait(w, r);
    snprintf(path, sizeof path, "%s/bodies/0000000000000001", w->spool);
    assert_int_equal(access(path, F_OK), 0);
    spool_note_applied(w->s, 1);
    spool_note_confirmed(w->s, 1, 1);
    reopen(w);
    WAIT_FOR(w, in_window(w) == 0);
    WAIT_FOR(w, access(path, F_OK) != 0);
}

static void receipts_and_what_is_like_them_go_by_their_own_age(void **state) {
    struct world *w = *state;
    w->config.keep_receipts_ms = 30 * day;
    world_open(w);
    push_wait(w, aged("p_old", 31));
    push_wait(w, aged("p_new", 29));
    char id[40];
    int64_t now = clock_wall_ms();
    snprintf(id, sizeof id, "%lld-0", (long long)(now - 31 * day));
    spool_note_event(w->s, now - 31 * day, str_c(id), str_c("{\"old\":1}"));
    snprintf(id, sizeof id, "%lld-0", (long long)(now - 29 * day));
    spool_note_event(w->s, now - 29 * day, str_c(id), str_c("{\"new\":1}"));
    reopen(w);
    for (int i = 0; i < 200; i++) {
        ask_receipt(w, "p_old");
        if (w->answer_absent)
            break;
    }
    assert_true(w->answer_absent);
    ask_receipt(w, "p_new");
    assert_false(w->answer_absent);
    ASK(w, spool_ask_events(w->s, 0, INT64_MAX, on_json, w));
    assert_string_equal(w->answer, "{\"new\":1}\n");
    /* Not applied: the record itself stays, whatever its age. */
    assert_int_equal(in_window(w), 2);
}

static void turn_clock(struct world *w, int64_t ms) {
    char path[96];
    snprintf(path, sizeof path, "%s/clock", w->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%lld\n", (long long)ms);
    fclose(f);
    setenv("TOUCHLINE_CLOCK", path, 1);
}

static bool sleeping_is_over(int64_t *until) {
    return clock_mono_ms() >= *until;
}

static void a_clock_behind_the_last_run_stops_retention(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, aged("p_1", 2));
    spool_note_applied(w->s, 1);
    spool_note_confirmed(w->s, 1, 1);
    reopen(w);
    WAIT_FOR(w, in_window(w) == 0); /* a run that did something notes its time */
    world_close(w);
    turn_clock(w, -3600000);
    int64_t until = clock_mono_ms() + 1100; /* how often the clock looks at its file */
    WAIT_FOR(w, sleeping_is_over(&until));
    world_open(w);
    push_wait(w, aged("p_2", 2));
    spool_note_applied(w->s, 2);
    spool_note_confirmed(w->s, 2, 1);
    reopen(w);
    assert_int_equal(in_window(w), 1);
    world_turn(w);
    assert_int_equal(in_window(w), 1);
    turn_clock(w, 3600000);
    until = clock_mono_ms() + 1100;
    WAIT_FOR(w, sleeping_is_over(&until));
    reopen(w);
    WAIT_FOR(w, in_window(w) == 0);
    unsetenv("TOUCHLINE_CLOCK");
}

static void near_its_size_confirmed_records_of_the_window_go_first(void **state) {
    struct world *w = *state;
    world_open(w);
    char *text = mem_new(20000);
    memset(text, 'x', 20000);
    for (int i = 0; i < 370; i++) { /* some 7.6 MiB */
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        struct record *r = aged(id, 0);
        r->body = record_keep(r, str_make(text, 20000));
        push(w, r);
    }
    free(text);
    WAIT_FOR(w, w->done_n == 370);
    for (uint64_t seq = 2; seq <= 300; seq++)
        spool_note_applied(w->s, seq);
    spool_note_confirmed(w->s, 370, 1);
    w->config.max_bytes = 8 << 20; /* nine tenths are fewer */
    reopen(w);
    WAIT_FOR(w, in_window(w) < 370);
    assert_true(in_window(w) > 200);         /* no more than it takes */
    assert_int_equal(w->records[0]->seq, 1); /* never what is not applied */
    ask_pending(w);
    assert_int_equal(w->records_n, 71);
    assert_int_equal(push_wait(w, aged("p_more", 0)), SPOOL_KEPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(an_old_record_goes_only_applied_confirmed_and_moved),
        SPOOL_TEST(old_records_go_and_the_stuck_among_them_stay),
        SPOOL_TEST(numbers_go_on_when_all_records_have_gone),
        SPOOL_TEST(a_big_body_goes_with_its_record),
        SPOOL_TEST(receipts_and_what_is_like_them_go_by_their_own_age),
        SPOOL_TEST(a_clock_behind_the_last_run_stops_retention),
        SPOOL_TEST(near_its_size_confirmed_records_of_the_window_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
