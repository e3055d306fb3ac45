/* What is known of a source: its places, which ids were taken in, what its days brought. */
#include "fixture.h"

struct page {
    size_t n;
    char first[64], last[64], id[64];
    bool failed;
};
static struct page page;
static bool known[8];
static size_t known_n;

static void on_places(void *arg, const struct tl_place *places, size_t n) {
    struct world *w = arg;
    w->answered = true;
    page = (struct page){.n = n, .failed = !places};
    if (!n)
        return;
    snprintf(page.first, sizeof page.first, "%.*s", STR_ARG(places[0].place));
    snprintf(page.last, sizeof page.last, "%.*s", STR_ARG(places[n - 1].place));
    snprintf(page.id, sizeof page.id, "%.*s", STR_ARG(places[0].id));
}

static void on_known(void *arg, const bool *list, size_t n) {
    struct world *w = arg;
    w->answered = true;
    assert_non_null(list);
    known_n = n;
    memcpy(known, list, n * sizeof *list);
}

static struct record *placed(const char *source, const char *id, const char *content,
                             const char *place) {
    struct record *r = record_of(id, content, 0);
    r->source = record_keep(r, str_c(source));
    r->place = record_keep(r, str_c(place));
    return r;
}

static void places_after(struct world *w, const char *source, const char *after) {
    ASK(w, spool_ask_places(w->s, str_c(source), str_c(after), on_places, w));
}

static void a_place_is_kept_with_its_record_and_of_what_is_known_already(void **state) {
    struct world *w = *state;
    world_open(w);
    assert_int_equal(push_wait(w, placed("email:a", "p_1", "x", "1/0001")), SPOOL_KEPT);
    assert_int_equal(push_wait(w, placed("email:a", "p_1", "x", "2/0007")), SPOOL_KNOWN);
    assert_int_equal(push_wait(w, placed("email:a", "p_1", "other", "2/0008")), SPOOL_MISMATCH);
    assert_int_equal(push_wait(w, placed("email:b", "p_2", "x", "1/0001")), SPOOL_KEPT);
    assert_int_equal(push_wait(w, placed("email:a", "p_3", "x", "")), SPOOL_KEPT);
    for (int again = 0; again < 2; again++) {
        places_after(w, "email:a", "");
        assert_int_equal(page.n, 2);
        assert_string_equal(page.first, "1/0001");
        assert_string_equal(page.last, "2/0007");
        assert_string_equal(page.id, "p_1");
        places_after(w, "email:a", "1/0001");
        assert_int_equal(page.n, 1);
        places_after(w, "email:c", "");
        assert_true(page.n == 0 && !page.failed);
        world_close(w); /* and from the disk */
        world_open(w);
    }
}

static void a_thousand_places_are_a_page(void **state) {
    struct world *w = *state;
    world_open(w);
    for (int i = 0; i < 1234; i++) {
        char id[24], place[24];
        snprintf(id, sizeof id, "p_%d", i);
        snprintf(place, sizeof place, "1/%06d", 1233 - i);
        push(w, placed("email:a", id, "x", place));
    }
    WAIT_FOR(w, w->done_n == 1234);
    places_after(w, "email:a", "");
    assert_int_equal(page.n, 1000);
    assert_string_equal(page.last, "1/000999");
    places_after(w, "email:a", page.last);
    assert_int_equal(page.n, 234);
    assert_string_equal(page.last, "1/001233");
}

static void what_was_taken_in_is_known_also_before_it_is_indexed(void **state) {
    struct world *w = *state;
    const struct str ids[] = {STR("p_1"), STR("p_2"), STR("p_3"), STR("p_stray")};
    world_open(w);
    push_wait(w, placed("email:a", "p_1", "x", ""));
    struct record *r = placed("email:a", "p_3", "x", "");
    r->kind = RECORD_DELIVERY; /* news of one is not the one itself */
    push_wait(w, r);
    spool_note_step(w->s, str_c("p_stray"), 1, "task", STR_NONE);
    for (int again = 0; again < 2; again++) {
        ASK(w, spool_ask_known(w->s, ids, COUNT(ids), on_known, w));
        assert_int_equal(known_n, COUNT(ids));
        assert_true(known[0] && !known[1] && !known[2] && known[3]);
        world_close(w);
        world_open(w);
    }
}

static void a_day_is_counted_by_source_and_what_became_of_it(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, placed("email:a", "p_1", "x", ""));
    push_wait(w, placed("email:a", "p_1", "x", ""));
    push_wait(w, placed("email:a", "p_1", "y", ""));
    struct record *r = placed("email:a", "p_2", "x", "");
    r->flags = RECORD_QUARANTINED;
    r->reason = record_keep(r, str_c("bad"));
    push_wait(w, r);
    push_wait(w, placed("push:crm:https://a.example", "p_3", "x", ""));
    push_wait(w, placed("push:crm:https://b.example", "p_4", "x", ""));
    spool_note_quarantine(w->s, last_seq(w), str_c("p_4"), STR_NONE, str_c("later"));
    ASK(w, spool_ask_tallies(w->s, 0, on_json, w));
    assert_string_equal(
        w->answer, "{\"items\":[{\"source\":\"email:a\",\"received\":4,\"kept\":2,\"duplicate\":1,"
                   "\"quarantined\":1},{\"source\":\"push:crm\",\"received\":2,\"kept\":2,"
                   "\"duplicate\":0,\"quarantined\":1}]}");
    ASK(w, spool_ask_tallies(w->s, clock_wall_ms() + 2 * 86400000, on_json, w));
    assert_string_equal(w->answer, "{\"items\":[]}");
}

static void the_window_tells_where_each_record_of_a_source_stands(void **state) {
    struct world *w = *state;
    world_open(w);
    push_wait(w, placed("forms:a", "p_1", "x", ""));
    spool_note_applied(w->s, last_seq(w));
    push_wait(w, placed("forms:a", "p_2", "x", ""));
    push_wait(w, placed("forms:a", "p_3", "x", ""));
    spool_note_quarantine(w->s, last_seq(w), str_c("p_3"), STR_NONE, str_c("why"));
    push_wait(w, placed("forms:b", "p_4", "x", ""));
    ASK(w, spool_ask_kept(w->s, str_c("forms:a"), 0, 0, on_json, w));
    assert_string_equal(
        w->answer,
        "{\"items\":[{\"id\":\"p_1\",\"raw\":false,\"update\":false,\"state\":\"applied\","
        "\"reason\":null},{\"id\":\"p_2\",\"raw\":false,\"update\":false,\"state\":\"pending\","
        "\"reason\":null},{\"id\":\"p_3\",\"raw\":false,\"update\":false,\"state\":\"quarantined\","
        "\"reason\":\"why\"}],\"next\":0}");
}

static void a_cursor_may_be_set_without_a_record(void **state) {
    struct world *w = *state;
    char out[16];
    size_t n = 0;
    world_open(w);
    spool_note_cursor(w->s, str_c("=x/a"), str_c("one"));
    spool_note_cursor(w->s, str_c("=x/a"), str_c("two"));
    for (int again = 0; again < 2; again++) {
        assert_true(spool_cursor_get(w->s, str_c("=x/a"), out, sizeof out, &n));
        assert_true(n == 3 && memcmp(out, "two", 3) == 0);
        world_close(w);
        world_open(w);
    }
}

/* As the first version left it. */
static void a_spool_of_the_first_version_gets_its_new_tables(void **state) {
    struct world *w = *state;
    struct db d = {0};
    struct fault f;
    char path[128];
    world_open(w);
    push_wait(w, placed("email:a", "p_1", "x", "1/1"));
    world_close(w);
    snprintf(path, sizeof path, "%s/spool.db", w->spool);
    assert_true(db_open_writer(&d, path, &f));
    assert_true(db_exec(&d,
                        "DROP TABLE places; DROP TABLE tallies; DROP TABLE media;"
                        " PRAGMA user_version = 1000",
                        &f));
    db_close(&d);
    world_open(w);
    assert_int_equal(push_wait(w, placed("email:a", "p_1", "x", "2/1")), SPOOL_KNOWN);
    places_after(w, "email:a", "");
    assert_int_equal(page.n, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(a_place_is_kept_with_its_record_and_of_what_is_known_already),
        SPOOL_TEST(a_thousand_places_are_a_page),
        SPOOL_TEST(what_was_taken_in_is_known_also_before_it_is_indexed),
        SPOOL_TEST(a_day_is_counted_by_source_and_what_became_of_it),
        SPOOL_TEST(the_window_tells_where_each_record_of_a_source_stands),
        SPOOL_TEST(a_cursor_may_be_set_without_a_record),
        SPOOL_TEST(a_spool_of_the_first_version_gets_its_new_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
