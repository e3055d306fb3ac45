/* tests/unit/spool/test_keep.c - what a commit says of a record. */
#include "fixture.h"

static void a_new_record_is_kept_and_numbered_from_one(void **state) {
    struct world *w = *state;
    world_open(w);
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 0)), SPOOL_KEPT);
    assert_int_equal(last_seq(w), 1);
    assert_int_equal(push_wait(w, record_of("p_2", "aaaa", 0)), SPOOL_KEPT);
    assert_int_equal(last_seq(w), 2);
}

static void done_never_comes_from_inside_push(void **state) {
    struct world *w = *state;
    world_open(w);
    push(w, record_of("p_1", "aaaa", 0));
    assert_int_equal(w->done_n, 0);
    WAIT_FOR(w, w->done_n == 1);
}

static void the_same_id_and_content_is_known(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    push_wait(w, record_of("p_2", "aaaa", 0));
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 0)), SPOOL_KNOWN);
    assert_int_equal(last_seq(w), 1);
}

static void the_same_id_with_other_content_is_a_mismatch(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    assert_int_equal(push_wait(w, record_of("p_1", "bbbb", 0)), SPOOL_MISMATCH);
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
}

static void a_higher_revision_is_kept_and_a_lower_one_judged_by_its_content(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    assert_int_equal(push_wait(w, record_of("p_1", "cccc", 2)), SPOOL_KEPT);
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 0)), SPOOL_KNOWN);
    assert_int_equal(last_seq(w), 1);
    assert_int_equal(push_wait(w, record_of("p_1", "bbbb", 0)), SPOOL_MISMATCH);
    assert_int_equal(push_wait(w, record_of("p_1", "aaaa", 1)), SPOOL_KNOWN);
    assert_int_equal(push_wait(w, record_of("p_1", "bbbb", 1)), SPOOL_MISMATCH);
    assert_int_equal(push_wait(w, record_of("p_1", "cccc", 2)), SPOOL_KNOWN);
    assert_int_equal(push_wait(w, record_of("p_1", "bbbb", 3)), SPOOL_KEPT);
}

static void effects_of_an_id_do_not_collide_with_its_touchpoint(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    struct record *r = record_of("p_1", "bbbb", 0);
    r->kind = RECORD_DELIVERY;
    assert_int_equal(push_wait(w, r), SPOOL_KEPT);
    r = record_of("t_1", "aaaa", 5);
    r->kind = RECORD_TASK;
    assert_int_equal(push_wait(w, r), SPOOL_KEPT);
    r = record_of("t_1", "bbbb", 4); /* came late, but it is a move of its own */
    r->kind = RECORD_TASK;
    assert_int_equal(push_wait(w, r), SPOOL_KEPT);
    r = record_of("t_1", "bbbb", 4);
    r->kind = RECORD_TASK;
    assert_int_equal(push_wait(w, r), SPOOL_KNOWN);
}

static struct record *keyed(const char *id, const char *key, const char *hash) {
    struct record *r = record_of(id, "aaaa", 0);
    r->idem_key = record_keep(r, str_c(key));
    r->idem_hash = record_keep(r, str_c(hash));
    r->idem_answer = record_keep(r, str_c("{\"id\":\"first\"}"));
    return r;
}

static void a_repeated_request_gets_the_first_answer(void **state) {
    struct world *w = *state;
    world_open(w);
    assert_int_equal(push_wait(w, keyed("p_1", "k", "h")), SPOOL_KEPT);
    assert_int_equal(push_wait(w, keyed("p_9", "k", "h")), SPOOL_REPEATED);
    assert_string_equal(w->answer, "{\"id\":\"first\"}");
    assert_int_equal(push_wait(w, keyed("p_1", "k", "other")), SPOOL_IDEM_MISMATCH);
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
}

static void answers_come_in_the_order_of_push_and_numbers_with_them(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 1000; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push(w, record_of(id, "aaaa", 0));
    }
    WAIT_FOR(w, w->done_n == 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(w->seqs[i], i + 1);
}

static void the_same_id_twice_in_one_group_is_kept_once(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 100; i++)
        push(w, record_of("p_1", "aaaa", 0));
    WAIT_FOR(w, w->done_n == 100);
    assert_int_equal(w->verdicts[0], SPOOL_KEPT);
    for (size_t i = 1; i < 100; i++)
        assert_int_equal(w->verdicts[i], SPOOL_KNOWN);
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
}

static void a_record_comes_back_as_it_went_in(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = record_of("p_1", "aaaabbbb", 3);
    r->kind = RECORD_RAW;
    r->flags = RECORD_KEEP_RAW;
    r->received_ms = 1764000000123;
    r->body = record_keep(r, str_make("a\0b\r\n\xff", 6));
    push_wait(w, r);
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
    r = w->records[0];
    assert_int_equal(r->seq, 1);
    assert_int_equal(r->kind, RECORD_RAW);
    assert_int_equal(r->flags, RECORD_KEEP_RAW);
    assert_int_equal(r->revision, 3);
    assert_int_equal(r->received_ms, 1764000000123);
    assert_true(str_is(r->id, "p_1"));
    assert_true(str_is(r->source, "push:crm"));
    assert_true(str_is(r->source_id, "crm-1"));
    assert_true(str_is(r->head, "{\"text\":\"hello\"}"));
    assert_memory_equal(r->content, "aaaabbbb", 8);
    assert_int_equal(r->body.n, 6);
    assert_memory_equal(r->body.p, "a\0b\r\n\xff", 6);
    assert_null(r->reason.p);
}

static void a_cursor_moves_with_the_commit_and_survives(void **state) {
    struct world *w = *state;
    char value[16];
    size_t n = 0;
    world_open(w);
    assert_false(spool_cursor_get(w->s, str_c("email/INBOX"), value, sizeof value, &n));
    struct record *r = record_of("p_1", "aaaa", 0);
    r->cursor = record_keep(r, str_c("email/INBOX"));
    r->cursor_value = record_keep(r, str_c("17:4"));
    push_wait(w, r);
    r = record_of("p_1", "aaaa", 0); /* known, and yet read on */
    r->cursor = record_keep(r, str_c("email/INBOX"));
    r->cursor_value = record_keep(r, str_c("17:5"));
    assert_int_equal(push_wait(w, r), SPOOL_KNOWN);
    r = record_of("p_1", "bbbb", 0);
    r->cursor = record_keep(r, str_c("email/INBOX"));
    r->cursor_value = record_keep(r, str_c("17:6"));
    assert_int_equal(push_wait(w, r), SPOOL_MISMATCH);
    assert_true(spool_cursor_get(w->s, str_c("email/INBOX"), value, sizeof value, &n));
    assert_true(str_is(str_make(value, n), "17:5"));
    world_close(w);
    world_open(w);
    assert_true(spool_cursor_get(w->s, str_c("email/INBOX"), value, sizeof value, &n));
    assert_true(str_is(str_make(value, n), "17:5"));
    assert_false(spool_cursor_get(w->s, str_c("email/INBOX"), value, 3, &n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(a_new_record_is_kept_and_numbered_from_one),
        SPOOL_TEST(done_never_comes_from_inside_push),
        SPOOL_TEST(the_same_id_and_content_is_known),
        SPOOL_TEST(the_same_id_with_other_content_is_a_mismatch),
        SPOOL_TEST(a_higher_revision_is_kept_and_a_lower_one_judged_by_its_content),
        SPOOL_TEST(effects_of_an_id_do_not_collide_with_its_touchpoint),
        SPOOL_TEST(a_repeated_request_gets_the_first_answer),
        SPOOL_TEST(answers_come_in_the_order_of_push_and_numbers_with_them),
        SPOOL_TEST(the_same_id_twice_in_one_group_is_kept_once),
        SPOOL_TEST(a_record_comes_back_as_it_went_in),
        SPOOL_TEST(a_cursor_moves_with_the_commit_and_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
