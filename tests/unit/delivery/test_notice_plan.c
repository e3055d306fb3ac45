/* delivery/notice_plan: pauses between attempts, and what a webhook says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/jread.h>

#include "delivery/notices_priv.h"

#define MINUTE 60000
#define HOUR 3600000

static void events_are_tried_over_three_days(void **state) {
    (void)state;
    static const int64_t due[] = {5000,      5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                  10 * HOUR, 14 * HOUR,  20 * HOUR,   24 * HOUR};
    for (size_t i = 0; i < COUNT(due); i++) {
        assert_int_equal(notice_pause_ms(str_c("task"), (int64_t)i + 1, 0), due[i]);
        assert_int_equal(notice_pause_ms(str_c("revoke"), (int64_t)i + 1, 0), due[i]);
    }
    assert_int_equal(notice_pause_ms(str_c("task"), COUNT(due) + 1, 0), -1);
    assert_int_equal(notice_pause_ms(str_c("task"), INT64_MAX, 0), -1);
    assert_int_equal(notice_pause_ms(str_c("task"), COUNT(due) + 1, 1000), -1);
}

static void an_offer_is_tried_while_it_stands(void **state) {
    (void)state;
    static const int64_t due[] = {5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000};
    for (size_t i = 0; i < COUNT(due); i++)
        assert_int_equal(notice_pause_ms(str_c("offer"), (int64_t)i + 1, 0), due[i]);
    assert_int_equal(notice_pause_ms(str_c("offer"), 300, 0), 300000);
    assert_int_equal(notice_pause_ms(str_c("offer"), 301, 0), -1);
}

static void a_longer_pause_that_is_asked_for_is_kept(void **state) {
    (void)state;
    assert_int_equal(notice_pause_ms(str_c("task"), 1, 60000), 60000);
    assert_int_equal(notice_pause_ms(str_c("task"), 2, 60000), 5 * MINUTE);
    assert_int_equal(notice_pause_ms(str_c("offer"), 1, 1000), 5000);
    assert_int_equal(notice_pause_ms(str_c("task"), 1, INT64_C(7) * 24 * HOUR), 24 * HOUR);
}

static void the_body_is_that_of_the_entry(void **state) {
    (void)state;
    const struct notice n = {.key = STR("webhook 1700000000123-4"),
                             .type = STR("revoke"),
                             .json = STR("{\"task\":\"t_1\",\"offer\":2,\"reason\":\"expired\"}")};
    struct arena arena;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, 1024);
    assert_true(notice_hook_body(&b, &n));
    assert_string_equal(buf_c(&b),
                        "{\"type\":\"revoke\",\"timestamp\":\"2023-11-14T22:13:20.123Z\",\"data\":"
                        "{\"task\":\"t_1\",\"offer\":2,\"reason\":\"expired\"}}");
    assert_true(str_is(notice_id(&arena, n.key), "n_1700000000123-4"));
    assert_true(str_find(notice_id(&arena, n.key), '.') < 0); /* no dot: it parts what is signed */
    buf_clear(&b);
    arena_clear(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_tried_over_three_days),
        cmocka_unit_test(an_offer_is_tried_while_it_stands),
        cmocka_unit_test(a_longer_pause_that_is_asked_for_is_kept),
        cmocka_unit_test(the_body_is_that_of_the_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
