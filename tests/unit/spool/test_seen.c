/* tests/unit/spool/test_seen.c - ids are known from memory, from the index, and across restarts. */
#include "fixture.h"

enum { MANY = 80000 }; /* more than two turns of what stands in memory */

static size_t kept, known, other, under_way;

static void on_many(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                    struct str answer, const struct fault *fault) {
    (void)arg, (void)r, (void)keep, (void)answer, (void)fault;
    under_way--;
    kept += verdict == SPOOL_KEPT;
    known += verdict == SPOOL_KNOWN;
    other += verdict != SPOOL_KEPT && verdict != SPOOL_KNOWN;
}

static void push_many(struct world *w, int from, int to) {
    kept = known = other = 0;
    for (int i = from; i < to; i++) {
        char id[32];
        snprintf(id, sizeof id, "p_%d", i);
        while (under_way >= 2000)
            world_turn(w);
        struct fault f;
        assert_true(spool_push(w->s, record_of(id, "aaaa", 0), on_many, NULL, &f));
        under_way++;
    }
    int64_t until = clock_mono_ms() + 60000;
    while (under_way && clock_mono_ms() < until)
        world_turn(w);
    assert_int_equal(under_way, 0);
    assert_int_equal(other, 0);
}

static void each_id_is_known_again_wherever_it_stands(void **state) {
    struct world *w = *state;
    world_open(w);
    push_many(w, 0, MANY);
    assert_int_equal(kept, MANY);
    push_many(w, 0, MANY);
    assert_int_equal(known, MANY);
    world_close(w);
    world_open(w);
    push_many(w, 0, MANY + 1000);
    assert_int_equal(known, MANY);
    assert_int_equal(kept, 1000);
    static const char *const ids[] = {"p_0", "p_40000", "p_79999", "p_80999"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        ask_receipt(w, ids[i]);
        assert_non_null(strstr(w->answer, ids[i]));
        world_forget_records(w);
        ASK(w, spool_ask_record(w->s, str_c(ids[i]), on_records, w));
        assert_int_equal(w->records_n, 1);
        assert_true(str_is(w->records[0]->id, ids[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(each_id_is_known_again_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
