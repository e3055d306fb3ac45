/* tests/unit/spool/test_notes.c - what became of records: marks, receipts, quarantine, outbox,
 * archives. */
#include "fixture.h"

static void an_applied_record_is_no_longer_pending_also_after_a_restart(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 10; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push_wait(w, record_of(id, "aaaa", 0));
    }
    static const uint64_t applied[] = {7, 1, 3, 2, 9, 9, 77};
    for (size_t i = 0; i < COUNT(applied); i++)
        spool_note_applied(w->s, applied[i]);
    ask_pending(w); /* behind the notes */
    static const uint64_t left[] = {4, 5, 6, 8, 10};
    assert_int_equal(w->records_n, COUNT(left));
    for (size_t i = 0; i < COUNT(left); i++)
        assert_int_equal(w->records[i]->seq, left[i]);
    world_close(w);
    world_open(w);
    ask_pending(w);
    assert_int_equal(w->records_n, COUNT(left));
    struct spool_figures n;
    spool_figures(w->s, &n);
    assert_int_equal(n.last_seq, 10);
    assert_int_equal(n.pending, 5);
    assert_int_equal(n.applied, 5);
}

static void notes_alone_are_committed_within_a_moment(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    spool_note_applied(w->s, 1);
    struct spool_figures n;
    WAIT_FOR(w, (spool_figures(w->s, &n), n.pending == 0));
}

static void pending_ones_come_in_order_from_where_it_is_asked_and_so_many(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 20; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        push_wait(w, record_of(id, "aaaa", 0));
    }
    ASK(w, spool_ask_pending(w->s, 5, 3, on_records, w));
    assert_int_equal(w->records_n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w->records[i]->seq, 6 + i);
    world_forget_records(w);
    spool_note_applied(w->s, 7);
    ASK(w, spool_ask_window(w->s, 5, 100, on_records, w));
    assert_int_equal(w->records_n, 15); /* applied or not */
    world_forget_records(w);
    ASK(w, spool_ask_pending(w->s, 20, 3, on_records, w));
    assert_int_equal(w->records_n, 0);
    assert_false(w->records_failed);
}

static void a_receipt_tells_each_step_in_order(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = record_of("p_1", "aaaa", 0);
    r->received_ms = 1764000000000;
    push_wait(w, r);
    ask_receipt(w, "p_1");
    assert_string_equal(w->answer,
                        "{\"id\":\"p_1\",\"state\":\"kept\",\"steps\":[{\"at\":"
                        "\"2025-11-24T16:00:00.000Z\",\"step\":\"kept\",\"detail\":\"spool 1\"}]}");
    spool_note_applied(w->s, 1);
    spool_note_step(w->s, str_c("p_1"), 1764000000001, "applied", STR_NONE);
    spool_note_step(w->s, str_c("p_1"), 1764000000001, "contact", str_c("c_9"));
    ask_receipt(w, "p_1");
    assert_string_equal(
        w->answer,
        "{\"id\":\"p_1\",\"state\":\"applied\",\"steps\":["
        "{\"at\":\"2025-11-24T16:00:00.000Z\",\"step\":\"kept\",\"detail\":\"spool 1\"},"
        "{\"at\":\"2025-11-24T16:00:00.001Z\",\"step\":\"applied\",\"detail\":null},"
        "{\"at\":\"2025-11-24T16:00:00.001Z\",\"step\":\"contact\",\"detail\":\"c_9\"}]}");
    spool_note_step(w->s, str_c("p_1"), 1764000000002, "offered", str_c("anna\t\n\"\xff"));
    ask_receipt(w, "p_1");
    assert_non_null(strstr(w->answer, "\"step\":\"offered\",\"detail\":\"anna"));
    assert_non_null(strstr(w->answer, "\"state\":\"applied\""));
    ask_receipt(w, "p_2");
    assert_true(w->answer_absent);
}

static void a_receipt_survives_a_restart_and_knows_steps_of_strangers(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    spool_note_step(w->s, str_c("p_1"), 5, "task", str_c("t_1"));
    spool_note_step(w->s, str_c("p_other"), 6, "offered", str_c("ben"));
    world_close(w);
    world_open(w);
    ask_receipt(w, "p_1");
    assert_non_null(strstr(w->answer, "t_1"));
    ask_receipt(w, "p_other");
    assert_non_null(strstr(w->answer, "\"state\":\"offered\""));
    assert_non_null(strstr(w->answer, "ben"));
    /* Its record came later. */
    assert_int_equal(push_wait(w, record_of("p_other", "aaaa", 0)), SPOOL_KEPT);
}

static void steps_without_end_stop_at_a_bound(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    for (int i = 0; i < 5000; i++)
        spool_note_step(w->s, str_c("p_1"), i, "offered", str_c("anna, ben and clara by turns"));
    ask_receipt(w, "p_1");
    assert_false(w->answer_absent);
    assert_non_null(strstr(w->answer, "\"step\":\"kept\""));
    assert_int_equal(w->s->notes_dropped, 0);
}

static void a_quarantined_record_waits_for_the_operator(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = record_of("p_1", "aaaa", 0);
    r->flags = RECORD_QUARANTINED;
    r->received_ms = 1764000000000;
    r->reason = record_keep(r, str_c("honeypot"));
    r->body = record_keep(r, str_c("12345"));
    push_wait(w, r);
    push_wait(w, record_of("p_2", "aaaa", 0));
    spool_note_quarantine(w->s, 2, str_c("p_2"), STR_NONE, str_c("cannot be read"));
    ask_pending(w);
    assert_int_equal(w->records_n, 0);
    ASK(w, spool_ask_window(w->s, 0, 100, on_records, w));
    assert_int_equal(w->records_n, 0); /* replay does not bring it back */
    ASK(w, spool_ask_quarantine(w->s, 50, STR_NONE, on_json, w));
    assert_non_null(strstr(w->answer, "{\"items\":[{\"id\":\"p_2\",\"source\":\"push:crm\""));
    assert_non_null(strstr(w->answer, "\"received_at\":\"2025-11-24T16:00:00.000Z\",\"reason\":"
                                      "\"honeypot\",\"size\":21}],\"next\":null}"));
    ask_receipt(w, "p_1");
    assert_non_null(strstr(w->answer, "\"state\":\"quarantined\""));
    assert_non_null(strstr(w->answer, "\"step\":\"quarantined\",\"detail\":\"honeypot\""));
    struct spool_figures n;
    spool_figures(w->s, &n);
    assert_int_equal(n.quarantined, 2);
    assert_int_equal(n.pending, 0);
}

static void a_page_of_quarantine_leads_to_the_next(void **state) {
    struct world *w = *state;
    char cursor[16];
    world_open(w);
    for (int i = 0; i < 5; i++) {
        snprintf(cursor, sizeof cursor, "p_%d", i);
        push_wait(w, record_of(cursor, "aaaa", 0));
        spool_note_quarantine(w->s, (uint64_t)i + 1, str_c(cursor), STR_NONE, str_c("bad"));
    }
    ASK(w, spool_ask_quarantine(w->s, 2, STR_NONE, on_json, w));
    assert_non_null(strstr(w->answer, "p_4"));
    assert_non_null(strstr(w->answer, "p_3"));
    assert_null(strstr(w->answer, "p_2"));
    assert_int_equal(sscanf(strstr(w->answer, "\"next\":"), "\"next\":\"%15[0-9]", cursor), 1);
    ASK(w, spool_ask_quarantine(w->s, 3, str_c(cursor), on_json, w));
    assert_non_null(strstr(w->answer, "p_2"));
    assert_non_null(strstr(w->answer, "p_0"));
    assert_null(strstr(w->answer, "p_3"));
    assert_non_null(strstr(w->answer, "\"next\":null"));
}

static void retrying_makes_it_pending_and_dropping_forgets_it(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = record_of("p_1", "aaaa", 0);
    r->flags = RECORD_QUARANTINED;
    r->reason = record_keep(r, str_c("honeypot"));
    push_wait(w, r);
    push_wait(w, record_of("p_2", "aaaa", 0));
    spool_note_quarantine(w->s, 2, str_c("p_2"), STR_NONE, str_c("bad"));
    ASK(w, spool_quarantine_retry(w->s, str_c("p_1"), on_json, w));
    assert_string_equal(w->answer, "{}");
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
    assert_int_equal(w->records[0]->seq, 1);
    assert_int_equal(w->records[0]->flags & RECORD_QUARANTINED, 0);
    ask_receipt(w, "p_1");
    assert_non_null(strstr(w->answer, "\"state\":\"kept\""));
    assert_non_null(strstr(w->answer, "retried"));
    ASK(w, spool_quarantine_drop(w->s, str_c("p_2"), on_json, w));
    assert_string_equal(w->answer, "{}");
    ASK(w, spool_quarantine_drop(w->s, str_c("p_2"), on_json, w));
    assert_true(w->answer_absent);
    ask_receipt(w, "p_2");
    assert_non_null(strstr(w->answer, "\"state\":\"dropped\""));
    world_forget_records(w);
    ASK(w, spool_ask_window(w->s, 1, 10, on_records, w));
    assert_int_equal(w->records_n, 0);
    assert_int_equal(push_wait(w, record_of("p_2", "aaaa", 0)), SPOOL_KNOWN);
    struct spool_figures n;
    spool_figures(w->s, &n);
    assert_int_equal(n.quarantined, 0);
    assert_int_equal(n.pending, 1);
}

static void a_bad_piece_is_set_apart_while_its_record_is_applied(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_batch", "aaaa", 0));
    for (int i = 0; i < 2; i++) /* noted again after a crash: once */
        spool_note_quarantine(w->s, 1, str_c("p_item"), str_c("{\"odd\":1}"), str_c("no sender"));
    spool_note_quarantine(w->s, 1, str_c("p_item"), str_c("{\"odd\":2}"), str_c("no sender"));
    spool_note_applied(w->s, 1);
    struct spool_figures n;
    WAIT_FOR(w, (spool_figures(w->s, &n), n.quarantined == 2 && n.pending == 0));
    ASK(w, spool_ask_quarantine(w->s, 50, STR_NONE, on_json, w));
    assert_non_null(strstr(w->answer, "\"size\":9"));
    ASK(w, spool_ask_window(w->s, 0, 10, on_records, w));
    assert_int_equal(w->records_n, 1);
    ASK(w, spool_quarantine_retry(w->s, str_c("p_item"), on_json, w));
    ask_pending(w);
    assert_int_equal(w->records_n, 1);
    spool_figures(w->s, &n);
    assert_int_equal(n.quarantined, 0);
}

static void a_reply_makes_its_outbox_row_in_the_same_commit(void **state) {
    struct world *w = *state;
    world_open(w);
    struct record *r = record_of("p_out", "aaaa", 0);
    r->kind = RECORD_REPLY;
    r->received_ms = 1000;
    r->head = record_keep(r, str_c("{\"text\":\"answer\"}"));
    r->body = record_keep(r, str_c("{\"text\":\"question\"}"));
    push_wait(w, r);
    ASK(w, spool_ask_outbox(w->s, 999, 10, on_outbox, w));
    assert_int_equal(w->rows_n, 0);
    ASK(w, spool_ask_outbox(w->s, 1000, 10, on_outbox, w));
    assert_int_equal(w->rows_n, 1);
    assert_string_equal(w->row_id, "p_out");
    assert_string_equal(w->row_head, "{\"text\":\"answer\"}");
    assert_string_equal(w->row_reply_to, "{\"text\":\"question\"}");
    spool_note_outbox(w->s, str_c("p_out"), OUTBOX_QUEUED, 1, 5000, STR_NONE, str_c("later"));
    ASK(w, spool_ask_outbox(w->s, 4999, 10, on_outbox, w));
    assert_int_equal(w->rows_n, 0);
    ASK(w, spool_ask_outbox(w->s, 5000, 10, on_outbox, w));
    assert_int_equal(w->rows_n, 1);
    assert_int_equal(w->row_attempts, 1);
    struct spool_figures n;
    spool_figures(w->s, &n);
    assert_int_equal(n.outbox, 1);
    spool_note_outbox(w->s, str_c("p_out"), OUTBOX_SENT, 2, 0, str_c("wamid.1"), STR_NONE);
    ASK(w, spool_ask_outbox(w->s, INT64_MAX, 10, on_outbox, w));
    assert_int_equal(w->rows_n, 0);
    static const char *const names[] = {"p_out", "wamid.1"};
    for (size_t i = 0; i < COUNT(names); i++) {
        ASK(w, spool_ask_sent(w->s, str_c(names[i]), on_outbox, w));
        assert_int_equal(w->rows_n, 1);
        assert_int_equal(w->row_state, OUTBOX_SENT);
        assert_string_equal(w->row_provider, "wamid.1");
    }
    ASK(w, spool_ask_sent(w->s, str_c("wamid.2"), on_outbox, w));
    assert_int_equal(w->rows_n, 0);
    spool_figures(w->s, &n);
    assert_int_equal(n.outbox, 0);
}

static void an_alias_leads_to_its_ids(void **state) {
    struct world *w = *state;
    world_open(w);
    spool_note_alias(w->s, str_c("<a@example.org>"), str_c("p_1"));
    spool_note_alias(w->s, str_c("<a@example.org>"), str_c("p_2"));
    spool_note_alias(w->s, str_c("<a@example.org>"), str_c("p_1"));
    ASK(w, spool_ask_alias(w->s, str_c("<a@example.org>"), on_json, w));
    assert_string_equal(w->answer, "{\"ids\":[\"p_2\",\"p_1\"]}");
    ASK(w, spool_ask_alias(w->s, str_c("<b@example.org>"), on_json, w));
    assert_true(w->answer_absent);
}

static void an_idempotency_key_keeps_its_first_answer(void **state) {
    struct world *w = *state;
    world_open(w);
    ASK(w, spool_ask_idem(w->s, str_c("k"), on_json, w));
    assert_true(w->answer_absent);
    spool_note_idem(w->s, str_c("k"), str_c("h"), str_c("201 {}"));
    spool_note_idem(w->s, str_c("k"), str_c("other"), str_c("200 {}"));
    ASK(w, spool_ask_idem(w->s, str_c("k"), on_json, w));
    assert_string_equal(w->answer, "{\"hash\":\"h\",\"answer\":\"201 {}\"}");
}

static void archived_events_come_once_each_in_the_streams_order(void **state) {
    struct world *w = *state;
    world_open(w);
    spool_note_event(w->s, 1000, str_c("1000-10"), str_c("{\"n\":3}"));
    spool_note_event(w->s, 1000, str_c("1000-2"), str_c("{\"n\":2}"));
    spool_note_event(w->s, 999, str_c("999-0"), str_c("{\"n\":1}"));
    spool_note_event(w->s, 1000, str_c("1000-2"), str_c("{\"n\":2}"));
    spool_note_event(w->s, 2000, str_c("2000-0"), str_c("{\"n\":4}"));
    ASK(w, spool_ask_events(w->s, 999, 2000, on_json, w));
    assert_string_equal(w->answer, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    ASK(w, spool_ask_events(w->s, 0, INT64_MAX, on_json, w));
    assert_non_null(strstr(w->answer, "{\"n\":4}\n"));
    ASK(w, spool_ask_events(w->s, 3000, 4000, on_json, w));
    assert_string_equal(w->answer, "");
}

static void what_was_confirmed_is_known_after_a_restart(void **state) {
    struct world *w = *state;
    uint64_t seq = 9;
    int64_t epoch = 9;
    world_open(w);
    spool_confirmed(w->s, &seq, &epoch);
    assert_int_equal(seq, 0);
    assert_int_equal(epoch, 0);
    spool_note_confirmed(w->s, 5, 17);
    spool_note_confirmed(w->s, 6, 18);
    world_close(w);
    world_open(w);
    spool_confirmed(w->s, &seq, &epoch);
    assert_int_equal(seq, 6);
    assert_int_equal(epoch, 18);
}

static void a_record_is_found_by_id_the_newest_revision_of_the_touchpoint_first(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, record_of("p_1", "aaaa", 0));
    push_wait(w, record_of("p_1", "bbbb", 1));
    struct record *r = record_of("p_1", "cccc", 7);
    r->kind = RECORD_DELIVERY;
    push_wait(w, r);
    ASK(w, spool_ask_record(w->s, str_c("p_1"), on_records, w));
    assert_int_equal(w->records_n, 1);
    assert_int_equal(w->records[0]->seq, 2);
    world_forget_records(w);
    ASK(w, spool_ask_record(w->s, str_c("p_2"), on_records, w));
    assert_int_equal(w->records_n, 0);
    assert_false(w->records_failed);
}

static void an_erasure_enters_the_ledger_once_and_stays(void **state) {
    struct world *w = *state;
    world_open(w);
    const uint8_t a[16] = {0xab, 1}, never[16] = {9};
    uint32_t count = 9;
    int64_t last = 9;
    for (int i = 0; i < 2; i++) {
        struct record *r = record_of("c_1", "aaaa", 0);
        r->kind = RECORD_ERASE;
        r->head = record_keep(r, str_c("{\"contact\":\"c_1\",\"identities\":["
                                       "\"ab010000000000000000000000000000\"],"
                                       "\"at\":\"2025-11-24T16:00:00.000Z\"}"));
        assert_int_equal(push_wait(w, r), i ? SPOOL_KNOWN : SPOOL_KEPT);
    }
    struct record *again = record_of("c_1b", "aaaa", 0);
    again->kind = RECORD_ERASE;
    again->received_ms = 5;
    again->head =
        record_keep(again, str_c("{\"identities\":[\"ab010000000000000000000000000000\"]}"));
    push_wait(w, again);
    for (int i = 0; i < 2; i++) {
        spool_erased(w->s, a, &count, &last);
        assert_int_equal(count, 2);
        assert_int_equal(last, 1764000000000);
        spool_erased(w->s, never, &count, &last);
        assert_int_equal(count, 0);
        world_close(w);
        world_open(w);
    }
}

static void an_erasure_that_cannot_be_read_is_refused_whole(void **state) {
    struct world *w = *state;
    world_open(w);
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"identities\":7}",
                                      "{\"identities\":[7]}",
                                      "{\"identities\":[\"ab\"]}",
                                      "{\"identities\":[],\"at\":\"yesterday\"}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct record *r = record_of("c_1", "aaaa", 0);
        r->kind = RECORD_ERASE;
        r->head = record_keep(r, str_c(bad[i]));
        struct fault f = {0};
        assert_false(spool_push(w->s, r, on_done, w, &f));
        assert_int_equal(f.kind, FAULT_INPUT);
    }
    ask_pending(w);
    assert_int_equal(w->records_n, 0);
    assert_int_equal(w->done_n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(an_applied_record_is_no_longer_pending_also_after_a_restart),
        SPOOL_TEST(notes_alone_are_committed_within_a_moment),
        SPOOL_TEST(pending_ones_come_in_order_from_where_it_is_asked_and_so_many),
        SPOOL_TEST(a_receipt_tells_each_step_in_order),
        SPOOL_TEST(a_receipt_survives_a_restart_and_knows_steps_of_strangers),
        SPOOL_TEST(steps_without_end_stop_at_a_bound),
        SPOOL_TEST(a_quarantined_record_waits_for_the_operator),
        SPOOL_TEST(a_page_of_quarantine_leads_to_the_next),
        SPOOL_TEST(retrying_makes_it_pending_and_dropping_forgets_it),
        SPOOL_TEST(a_bad_piece_is_set_apart_while_its_record_is_applied),
        SPOOL_TEST(a_reply_makes_its_outbox_row_in_the_same_commit),
        SPOOL_TEST(an_alias_leads_to_its_ids),
        SPOOL_TEST(an_idempotency_key_keeps_its_first_answer),
        SPOOL_TEST(archived_events_come_once_each_in_the_streams_order),
        SPOOL_TEST(what_was_confirmed_is_known_after_a_restart),
        SPOOL_TEST(a_record_is_found_by_id_the_newest_revision_of_the_touchpoint_first),
        SPOOL_TEST(an_erasure_enters_the_ledger_once_and_stays),
        SPOOL_TEST(an_erasure_that_cannot_be_read_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
