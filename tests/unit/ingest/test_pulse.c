/* The pulse of a source under a turned clock: weeks of arrivals, and silences of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

#include "ingest/pulse.h"

enum { MINUTE = 60000, HOUR = 3600000, DAY = 24 * HOUR };
static const int64_t week_ms = (int64_t)7 * DAY;
static const int64_t monday = (int64_t)20416 * DAY; /* 2025-11-24 00:00 */
static const struct pulse_rules usual = {
    .unlikely = 100000, .least_ms = 15 * MINUTE, .history_ms = (int64_t)7 * DAY};

static uint64_t seed = 88172645463325252u;
static double chance(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static int arrivals(double mean) {
    double limit = exp(-mean), p = chance();
    int n = 0;
    for (; p > limit; n++)
        p *= chance();
    return n;
}

/* A week as an office has it: 20 an hour by day, next to nothing by night, little on Sundays. */
static double office(int64_t now_ms, double busy) {
    int64_t since = (now_ms - monday) % week_ms;
    int64_t day = since / DAY, hour = since % DAY / HOUR;
    bool open = hour >= 8 && hour < 18;
    if (day >= 5)
        return open ? busy / 20 : busy / 200;
    return open ? busy : busy / 100;
}

struct story {
    struct pulse pulse;
    int64_t now_ms;
    int began, ended;
    int64_t began_at;
};

static void note(struct story *s, enum pulse_change change) {
    s->began += change == PULSE_BEGAN;
    s->ended += change == PULSE_ENDED;
    if (change == PULSE_BEGAN)
        s->began_at = s->now_ms;
}

/* Minute by minute; busy 0: nothing comes. bursts: so many come together. */
static void live(struct story *s, int64_t for_ms, double busy, int bursts) {
    for (int64_t end = s->now_ms + for_ms; s->now_ms < end; s->now_ms += MINUTE) {
        int n = busy > 0 ? arrivals(office(s->now_ms, busy) / 60 / bursts) : 0;
        for (int i = 0; i < n * bursts; i++)
            note(s, pulse_arrival(&s->pulse, s->now_ms, true));
        note(s, pulse_look(&s->pulse, s->now_ms, &usual));
    }
}

static struct story begin(void) {
    struct story s = {.now_ms = monday};
    pulse_init(&s.pulse, s.now_ms);
    return s;
}

static void half_a_year_without_trouble_is_told_hardly_ever(void **state) {
    (void)state;
    static const double busy[] = {1, 5, 20, 200};
    for (size_t i = 0; i < COUNT(busy); i++) {
        struct story s = begin();
        live(&s, 26 * week_ms, busy[i], 1);
        print_message("%.0f an hour: %d alarms in 26 weeks\n", busy[i], s.began);
        assert_true(s.began <= 2);
    }
    struct story s = begin(); /* eight at a time: more varied than chance alone */
    live(&s, 26 * week_ms, 20, 8);
    print_message("in bursts: %d alarms in 26 weeks\n", s.began);
    assert_true(s.began <= 4);
}

static void a_channel_that_dies_by_day_is_told_within_the_hour_and_back_again(void **state) {
    (void)state;
    struct story s = begin();
    live(&s, 4 * week_ms + 10 * HOUR, 40, 1); /* a Monday, 10:00 */
    int before = s.began;
    assert_false(s.pulse.silent);
    int64_t died = s.now_ms;
    live(&s, 3 * HOUR, 0, 1);
    assert_true(s.pulse.silent && s.began == before + 1);
    assert_true(s.began_at - died <= HOUR && s.began_at - died >= 15 * MINUTE);
    assert_true(s.pulse.silent_since_ms <= died && s.pulse.silent_since_ms > died - HOUR);
    int ended = s.ended;
    live(&s, HOUR, 40, 1);
    assert_true(!s.pulse.silent && s.ended == ended + 1);
}

static void the_night_is_silent_and_nobody_is_told(void **state) {
    (void)state;
    struct story s = begin();
    live(&s, 3 * week_ms + 18 * HOUR, 40, 1);
    int before = s.began;
    live(&s, 13 * HOUR, 0, 1); /* not a single one by night: 18:00 to 07:00 */
    assert_int_equal(s.began, before);
    live(&s, 3 * HOUR, 0, 1); /* but by 10:00 */
    assert_int_equal(s.began, before + 1);
}

static void a_channel_that_dies_by_night_is_told_in_the_morning_and_stays_told(void **state) {
    (void)state;
    struct story s = begin();
    live(&s, 3 * week_ms + 22 * HOUR, 20, 1);
    int before = s.began;
    live(&s, 2 * week_ms, 0, 1);
    assert_int_equal(s.began, before + 1); /* once, however long */
    assert_true(s.pulse.silent);
    /* What was usual is not forgotten over it. */
    live(&s, 12 * HOUR, 20, 1);
    assert_false(s.pulse.silent);
    int again = s.began;
    live(&s, DAY, 0, 1);
    assert_int_equal(s.began, again + 1);
}

static void before_a_week_was_learned_nothing_is_told(void **state) {
    (void)state;
    struct story s = begin();
    live(&s, 4 * DAY + 12 * HOUR, 100, 1);
    live(&s, DAY, 0, 1);
    assert_int_equal(s.began, 0);
}

static void a_pause_of_the_daemon_is_nobodys_silence(void **state) {
    (void)state;
    struct story s = begin();
    char text[16384];
    struct buf b;
    live(&s, 3 * week_ms + 9 * HOUR, 40, 1);
    int before = s.began;
    buf_init(&b, sizeof text);
    assert_true(pulse_save(&s.pulse, &b));
    s.now_ms += 5 * HOUR; /* down in the midst of the day */
    assert_true(pulse_load(&s.pulse, buf_str(&b), s.now_ms));
    note(&s, pulse_look(&s.pulse, s.now_ms, &usual));
    live(&s, 4 * HOUR, 40, 1);
    assert_int_equal(s.began, before);
    live(&s, 3 * DAY + 16 * HOUR, 40, 1); /* and what was learned is there: dead on a Friday */
    before = s.began;
    buf_clear(&b);
    live(&s, DAY, 0, 1);
    assert_int_equal(s.began, before + 1);
    assert_false(pulse_load(&s.pulse, str_c("{}"), 0));
    assert_false(pulse_load(&s.pulse, str_c("x"), 0));
}

static void old_things_taken_in_at_once_teach_nothing(void **state) {
    (void)state;
    struct story s = begin();
    live(&s, 2 * week_ms + 3 * HOUR, 5, 1);
    for (int i = 0; i < 5000; i++) /* by night */
        note(&s, pulse_arrival(&s.pulse, s.now_ms, false));
    live(&s, week_ms - 3 * HOUR, 5, 1);
    int before = s.began;
    live(&s, 6 * HOUR, 0, 1); /* the same night a week later */
    assert_int_equal(s.began, before);
}

static void a_longest_silence_is_what_the_operator_says(void **state) {
    (void)state;
    struct pulse p;
    const struct pulse_rules four_hours = {.longest_ms = 4 * HOUR}, never = {.longest_ms = -1};
    pulse_init(&p, monday);
    assert_int_equal(pulse_look(&p, monday + 4 * HOUR - MINUTE, &four_hours), PULSE_SAME);
    assert_int_equal(pulse_look(&p, monday + 4 * HOUR, &four_hours), PULSE_BEGAN);
    assert_int_equal(pulse_look(&p, monday + 5 * HOUR, &four_hours), PULSE_SAME);
    assert_int_equal(pulse_arrival(&p, monday + 6 * HOUR, true), PULSE_ENDED);
    assert_int_equal(pulse_look(&p, monday + 10 * HOUR, &four_hours), PULSE_BEGAN);
    assert_int_equal(pulse_look(&p, monday + 10 * HOUR, &never), PULSE_ENDED);
    assert_int_equal(pulse_look(&p, monday + 90 * HOUR, &never), PULSE_SAME);
    /* A clock that goes back, or leaps, harms nothing. */
    assert_int_equal(pulse_look(&p, monday, &usual), PULSE_SAME);
    assert_int_equal(pulse_look(&p, monday + 500 * week_ms, &usual), PULSE_SAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_year_without_trouble_is_told_hardly_ever),
        cmocka_unit_test(a_channel_that_dies_by_day_is_told_within_the_hour_and_back_again),
        cmocka_unit_test(the_night_is_silent_and_nobody_is_told),
        cmocka_unit_test(a_channel_that_dies_by_night_is_told_in_the_morning_and_stays_told),
        cmocka_unit_test(before_a_week_was_learned_nothing_is_told),
        cmocka_unit_test(a_pause_of_the_daemon_is_nobodys_silence),
        cmocka_unit_test(old_things_taken_in_at_once_teach_nothing),
        cmocka_unit_test(a_longest_silence_is_what_the_operator_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
