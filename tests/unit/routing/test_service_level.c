/* routing/service_level.c: each clock, and the faults of others that it must not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/own.h>

#include "routing/calendar.h"
#include "routing/service_level.h"

enum { HOUR = 3600000 };
#define BEGIN (INT64_C(1795420800000)) /* Monday, 2026-11-23 08:00 UTC */

static const struct service_level gold = {.id = STR("gold"),
                                          .clocks = {[SERVICE_FIRST_RESPONSE] = {HOUR, 75},
                                                     [SERVICE_NEXT_RESPONSE] = {2 * HOUR, 0},
                                                     [SERVICE_UPDATE] = {HOUR / 2, 0},
                                                     [SERVICE_RESOLVE] = {10 * HOUR, 50},
                                                     [SERVICE_ACKNOWLEDGE] = {HOUR / 4, 0}},
                                          .rests_pending = true};

static void first_response_runs_to_the_first_reply(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN, .asked_ms = BEGIN};
    struct service_due d = service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN);
    assert_int_equal(d.state, SERVICE_OK);
    assert_true(d.due_ms == BEGIN + HOUR && d.warn_ms == BEGIN + HOUR / 4 * 3);
    assert_int_equal(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, d.warn_ms).state, SERVICE_WARN);
    assert_int_equal(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, d.due_ms).state,
                     SERVICE_BREACHED);
    f.replied_ms = f.last_reply_ms = BEGIN + 5;
    assert_int_equal(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN + 6).state, SERVICE_OFF);
}

/* zammad#5177: before the first reply no update deadline may stand in the first one's place. */
static void before_the_first_reply_only_that_is_waited_for(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN, .asked_ms = BEGIN, .taken_ms = BEGIN + 1};
    assert_int_equal(service_due(&gold, &f, SERVICE_UPDATE, BEGIN).state, SERVICE_OFF);
    assert_int_equal(service_due(&gold, &f, SERVICE_NEXT_RESPONSE, BEGIN).state, SERVICE_OFF);
    assert_true(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN).due_ms == BEGIN + HOUR);
    f.replied_ms = f.last_reply_ms = BEGIN + HOUR;
    assert_int_equal(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN).state, SERVICE_OFF);
    assert_true(service_due(&gold, &f, SERVICE_UPDATE, BEGIN).due_ms == BEGIN + HOUR + HOUR / 2);
}

/* Request Tracker's rule: later messages do not begin it anew, so `asked` stays the oldest. */
static void next_response_counts_from_the_oldest_unanswered_message(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN,
                              .replied_ms = BEGIN + 1,
                              .last_reply_ms = BEGIN + 1,
                              .asked_ms = BEGIN + HOUR};
    assert_true(service_due(&gold, &f, SERVICE_NEXT_RESPONSE, BEGIN + HOUR).due_ms ==
                BEGIN + 3 * HOUR);
    f.asked_ms = 0;
    assert_int_equal(service_due(&gold, &f, SERVICE_NEXT_RESPONSE, BEGIN).state, SERVICE_OFF);
}

static void resolve_rests_while_pending_and_goes_on_with_what_was_left(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN, .paused_from_ms = BEGIN + 4 * HOUR};
    assert_int_equal(service_due(&gold, &f, SERVICE_RESOLVE, BEGIN + 30 * HOUR).state,
                     SERVICE_RESTS);
    f.paused_from_ms = 0;
    f.pauses_n = 1;
    f.pauses[0].from_ms = BEGIN + 4 * HOUR;
    f.pauses[0].to_ms = BEGIN + 30 * HOUR;
    struct service_due d = service_due(&gold, &f, SERVICE_RESOLVE, BEGIN + 30 * HOUR);
    assert_true(d.due_ms == BEGIN + 36 * HOUR && d.warn_ms == BEGIN + 31 * HOUR);
    /* It was over before the pause began: that stays so. */
    f.pauses[0].from_ms = BEGIN + 11 * HOUR;
    assert_true(service_due(&gold, &f, SERVICE_RESOLVE, BEGIN + 31 * HOUR).due_ms ==
                BEGIN + 10 * HOUR);
    struct service_level hard = gold;
    hard.rests_pending = false;
    f.pauses[0].from_ms = BEGIN + HOUR;
    assert_true(service_due(&hard, &f, SERVICE_RESOLVE, BEGIN).due_ms == BEGIN + 10 * HOUR);
}

/* glpi#15605: another level keeps what has elapsed. */
static void another_level_keeps_what_has_elapsed(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN, .pauses_n = 1};
    struct service_level silver = gold;
    f.pauses[0].from_ms = BEGIN + 2 * HOUR;
    f.pauses[0].to_ms = BEGIN + 5 * HOUR;
    silver.clocks[SERVICE_RESOLVE].within_ms = 20 * HOUR;
    assert_true(service_due(&gold, &f, SERVICE_RESOLVE, BEGIN).due_ms == BEGIN + 13 * HOUR);
    assert_true(service_due(&silver, &f, SERVICE_RESOLVE, BEGIN).due_ms == BEGIN + 23 * HOUR);
}

static void a_rule_has_the_last_word_on_the_first_response(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN, .wanted_ms = BEGIN + 4 * HOUR};
    struct service_due d = service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN);
    assert_true(d.due_ms == BEGIN + 4 * HOUR && d.warn_ms == BEGIN + 3 * HOUR);
    d = service_due(NULL, &f, SERVICE_FIRST_RESPONSE, BEGIN);
    assert_true(d.due_ms == BEGIN + 4 * HOUR && d.warn_ms == 0);
    assert_int_equal(service_due(NULL, &f, SERVICE_RESOLVE, BEGIN).state, SERVICE_OFF);
}

static void taking_it_acknowledges(void **state) {
    (void)state;
    struct service_facts f = {.created_ms = BEGIN};
    assert_true(service_due(&gold, &f, SERVICE_ACKNOWLEDGE, BEGIN).due_ms == BEGIN + HOUR / 4);
    f.taken_ms = BEGIN + 1;
    assert_true(service_due(&gold, &f, SERVICE_ACKNOWLEDGE, BEGIN).due_ms == 0);
    assert_true(service_due(&gold, &f, SERVICE_FIRST_RESPONSE, BEGIN).due_ms == BEGIN + HOUR);
}

static void a_calendar_that_never_opens_has_no_deadline(void **state) {
    (void)state;
    struct calendar *never = calendar_new(&(struct calendar_facts){.id = str_c("never")});
    struct service_level l = gold;
    struct service_facts f = {.created_ms = BEGIN};
    l.calendar = never;
    for (int c = 0; c < SERVICE_CLOCKS; c++)
        assert_int_equal(service_due(&l, &f, (enum service_clock)c, BEGIN).state, SERVICE_OFF);
    calendar_free(never);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_response_runs_to_the_first_reply),
        cmocka_unit_test(before_the_first_reply_only_that_is_waited_for),
        cmocka_unit_test(next_response_counts_from_the_oldest_unanswered_message),
        cmocka_unit_test(resolve_rests_while_pending_and_goes_on_with_what_was_left),
        cmocka_unit_test(another_level_keeps_what_has_elapsed),
        cmocka_unit_test(a_rule_has_the_last_word_on_the_first_response),
        cmocka_unit_test(taking_it_acknowledges),
        cmocka_unit_test(a_calendar_that_never_opens_has_no_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
