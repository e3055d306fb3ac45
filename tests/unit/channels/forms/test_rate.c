/* forms/rate.c: how often one network may send, under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <touchline/kit/own.h>

#include "forms/rate.h"

static const struct tl_rate ten_a_minute = {10, 60000};

static struct rate_verdict take(struct rate_table *t, const char *form, const char *network,
                                int64_t now_ms) {
    return rate_take(t, ten_a_minute, str_c(form), str_c(network), now_ms);
}

static void ten_pass_and_the_eleventh_waits_for_its_share_of_the_minute(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new();
    for (int i = 0; i < 10; i++) {
        struct rate_verdict v = take(t, "contact", "192.0.2.1", 1000);
        assert_true(v.allowed);
        assert_int_equal(v.limit, 10);
        assert_int_equal(v.remaining, 9 - i);
        assert_int_equal(v.reset_s, 6 * (i + 1) + 1);
    }
    struct rate_verdict v = take(t, "contact", "192.0.2.1", 1000);
    assert_false(v.allowed);
    assert_int_equal(v.remaining, 0);
    assert_int_equal(v.reset_s, 7);
    assert_false(take(t, "contact", "192.0.2.1", 6999).allowed);
    assert_true(take(t, "contact", "192.0.2.1", 7001).allowed);
    assert_false(take(t, "contact", "192.0.2.1", 7001).allowed);
    rate_table_free(t);
}

static void a_bucket_never_holds_more_than_its_limit(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new();
    int taken = 0;
    assert_true(take(t, "contact", "192.0.2.1", 0).allowed);
    while (take(t, "contact", "192.0.2.1", 3600000).allowed)
        taken++;
    assert_int_equal(taken, 10);
    rate_table_free(t);
}

static void networks_and_forms_count_apart(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new();
    for (int i = 0; i < 11; i++)
        (void)take(t, "contact", "192.0.2.1", 0);
    assert_false(take(t, "contact", "192.0.2.1", 0).allowed);
    assert_true(take(t, "contact", "192.0.2.2", 0).allowed);
    assert_true(take(t, "support", "192.0.2.1", 0).allowed);
    rate_table_free(t);
}

static void without_a_rate_all_pass_and_nothing_is_told(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new();
    for (int i = 0; i < 1000; i++) {
        struct tl_rate none = {0, i % 2 ? 60000 : 0};
        struct rate_verdict v = rate_take(t, none, str_c("a"), str_c("b"), 0);
        assert_true(v.allowed);
        assert_int_equal(v.limit, 0);
    }
    rate_table_free(t);
}

static void a_flood_of_networks_forgets_but_never_refuses_a_new_one(void **state) {
    (void)state;
    struct rate_table *t = rate_table_new();
    char network[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(network, sizeof network, "n%d", i);
        assert_true(take(t, "contact", network, i).allowed);
    }
    rate_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_pass_and_the_eleventh_waits_for_its_share_of_the_minute),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_limit),
        cmocka_unit_test(networks_and_forms_count_apart),
        cmocka_unit_test(without_a_rate_all_pass_and_nothing_is_told),
        cmocka_unit_test(a_flood_of_networks_forgets_but_never_refuses_a_new_one),
    };
    return cmocka_run_group_tests_name("forms/rate", tests, NULL, NULL);
}
