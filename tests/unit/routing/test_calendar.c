/* routing/calendar.c by hand, and against a plain model in Python (calendar_model.py).
 * TOUCHLINE_SPANS: how many random spans (4000). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/own.h>
#include <touchline/kit/zone.h>

#include "routing/calendar.h"

#define H(hours) ((int32_t)((hours)*3600))

static int64_t ms_of(const char *text) {
    int64_t ms;
    assert_true(date_parse(str_c(text), &ms));
    return ms;
}

/* Monday to Thursday 8 to 12 and 13 to 17:30, Friday 8 to 14, in Berlin; Christmas Eve until noon,
 * closed on the 25th and 26th. */
static struct calendar *office(void) {
    static const struct calendar_day day = {2, {{H(8), H(12)}, {H(13), H(17.5)}}};
    int64_t holidays[] = {date_days(2026, 12, 26), date_days(2026, 12, 25),
                          date_days(2026, 12, 24)};
    struct calendar_special eve = {date_days(2026, 12, 24), {1, {{H(8), H(12)}}}};
    struct calendar_facts f = {.id = str_c("office"),
                               .take_zone = zone_open(str_c("Europe/Berlin")),
                               .holidays = holidays,
                               .holidays_n = COUNT(holidays),
                               .special = &eve,
                               .special_n = 1};
    for (int i = 0; i < 4; i++)
        f.week[i] = day;
    f.week[4] = (struct calendar_day){1, {{H(8), H(14)}}};
    return calendar_new(&f);
}

static struct calendar *weekly(const char *zone, struct calendar_day every) {
    struct calendar_facts f = {.id = str_c("weekly"), .take_zone = zone_open(str_c(zone))};
    for (int i = 0; i < 7; i++)
        f.week[i] = every;
    return calendar_new(&f);
}

static const char *due_text(const struct calendar *c, const char *start, double hours) {
    static char text[DATE_RFC3339_MAX];
    static struct fault f;
    int64_t due;
    if (!calendar_due(c, ms_of(start), (int64_t)(hours * 3600000), &due, &f))
        return f.reason;
    date_format(due, text);
    return text;
}

static void a_deadline_counts_open_time_alone(void **state) {
    (void)state;
    static const struct {
        const char *start;
        double hours;
        const char *due;
    } rows[] = {
        {"2026-11-23T07:00:00Z", 1, "2026-11-23T08:00:00.000Z"}, /* 08:00 there: at once */
        {"2026-11-23T10:30:00Z", 1, "2026-11-23T12:30:00.000Z"}, /* over the break */
        {"2026-11-23T10:00:00Z", 1, "2026-11-23T11:00:00.000Z"}, /* to its begin, not its end */
        {"2026-11-23T20:00:00Z", 1, "2026-11-24T08:00:00.000Z"}, /* after hours */
        {"2026-11-27T12:30:00Z", 1, "2026-11-30T07:30:00.000Z"}, /* Friday: over the weekend */
        {"2026-11-28T09:00:00Z", 0, "2026-11-30T07:00:00.000Z"}, /* the first open instant */
        {"2026-12-24T10:00:00Z", 2, "2026-12-28T08:00:00.000Z"}, /* Eve, holidays, weekend */
        {"2026-03-27T12:00:00Z", 2, "2026-03-30T07:00:00.000Z"}, /* a weekend of 47 hours */
    };
    struct calendar *c = office();
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(due_text(c, rows[i].start, rows[i].hours), rows[i].due);
    assert_true(calendar_is_open(c, ms_of("2026-12-24T10:59:59Z")));
    assert_false(calendar_is_open(c, ms_of("2026-12-24T11:00:00Z")));
    assert_true(calendar_open_between(c, ms_of("2026-12-24T00:00:00Z"),
                                      ms_of("2026-12-29T00:00:00Z")) == H(12.5) * INT64_C(1000));
    assert_true(calendar_open_between(c, 5, 4) == 0);
    calendar_free(c);
}

/* frappe/helpdesk: `while remaining_target_time` has no end on a week without hours. */
static void a_calendar_that_never_opens_says_so_and_ends(void **state) {
    (void)state;
    struct fault f;
    int64_t ms;
    struct calendar *c = weekly("Europe/Berlin", (struct calendar_day){0});
    assert_string_equal(due_text(c, "2026-11-23T07:00:00Z", 1), "calendar weekly never opens");
    assert_false(calendar_next_open(c, 0, &ms, &f));
    assert_false(calendar_is_open(c, 0));
    assert_true(calendar_open_between(c, 0, INT64_C(4102444800000)) == 0);
    calendar_free(c);
    /* One hour, once: it opens, and then never again. */
    struct calendar_special once = {date_days(2026, 12, 1), {1, {{H(8), H(9)}}}};
    c = calendar_new(
        &(struct calendar_facts){.id = str_c("once"), .special = &once, .special_n = 1});
    assert_string_equal(due_text(c, "2026-11-23T07:00:00Z", 1), "2026-12-01T09:00:00.000Z");
    assert_string_equal(due_text(c, "2026-11-23T07:00:00Z", 1.5), "calendar once never opens");
    calendar_free(c);
    c = weekly("UTC", (struct calendar_day){1, {{H(8), H(8) + 1}}});
    assert_string_equal(due_text(c, "2026-11-23T07:00:00Z", 24),
                        "calendar weekly opens too seldom for that");
    calendar_free(c);
}

static void a_window_over_a_change_of_the_clock_is_as_long_as_it_is(void **state) {
    (void)state;
    struct calendar *c = weekly("Europe/Berlin", (struct calendar_day){1, {{H(1), H(4)}}});
    int64_t spring = ms_of("2026-03-28T23:00:00Z"), autumn = ms_of("2026-10-24T22:00:00Z");
    assert_true(calendar_open_between(c, spring, spring + H(23) * INT64_C(1000)) == H(2) * 1000);
    assert_true(calendar_open_between(c, autumn, autumn + H(25) * INT64_C(1000)) == H(4) * 1000);
    calendar_free(c);
    /* Edges that the clock skips move forward: 02:15 to 02:45 is 03:15 to 03:45, once. */
    c = weekly("Europe/Berlin", (struct calendar_day){2, {{H(2.25), H(2.75)}, {H(3.25), H(3.75)}}});
    assert_true(calendar_open_between(c, spring, spring + H(23) * INT64_C(1000)) == H(0.5) * 1000);
    calendar_free(c);
}

static void nights_and_days_without_end_are_walked(void **state) {
    (void)state;
    struct calendar *c = weekly("Europe/Berlin", (struct calendar_day){1, {{H(22), H(30)}}});
    assert_true(calendar_is_open(c, ms_of("2026-11-23T04:59:00Z")));
    assert_false(calendar_is_open(c, ms_of("2026-11-23T05:00:00Z")));
    assert_string_equal(due_text(c, "2026-11-23T12:00:00Z", 9), "2026-11-24T22:00:00.000Z");
    calendar_free(c);
    c = weekly("Europe/Berlin", (struct calendar_day){1, {{0, H(24)}}});
    assert_string_equal(due_text(c, "2026-01-01T00:00:00Z", 8760), "2027-01-01T00:00:00.000Z");
    calendar_free(c);
    assert_string_equal(due_text(NULL, "2026-01-01T00:00:00Z", 1), "2026-01-01T01:00:00.000Z");
}

/* ---- the model ---- */

enum { DAYS_MAX = 1000 };

struct model {
    struct calendar_facts facts;
    struct calendar_special special[DAYS_MAX];
    int64_t holidays[DAYS_MAX];
    struct calendar *calendar;
    size_t calendars, spans, wrong;
};

static void add_window(struct calendar_day *d, long long open, long long close) {
    assert_true(d->n < CALENDAR_WINDOWS_MAX);
    d->windows[d->n++] = (struct calendar_window){(int32_t)open, (int32_t)close};
}

static void tell(struct model *m, char kind, long long a, long long b, long long c) {
    struct calendar_facts *f = &m->facts;
    if (kind == 'W') {
        add_window(&f->week[a], b, c);
    } else if (kind == 'H') {
        m->holidays[f->holidays_n++] = a;
    } else {
        if (!f->special_n || m->special[f->special_n - 1].day != a)
            m->special[f->special_n++] = (struct calendar_special){.day = a};
        if (c)
            add_window(&m->special[f->special_n - 1].as, b, c);
    }
}

static void ask(struct model *m, char kind, long long a, long long b, long long want) {
    struct fault f;
    int64_t got = -1;
    if (!m->calendar)
        m->calendar = calendar_new(&m->facts);
    if (kind == 'B')
        got = calendar_open_between(m->calendar, a * 1000, b * 1000);
    else if (!calendar_due(m->calendar, a * 1000, b * 1000, &got, &f))
        printf("%s\n", f.reason);
    m->spans += kind == 'D';
    if (got != want * 1000 && m->wrong++ < 20)
        printf("%.*s: %c %lld %lld: %lld.%03lld, not %lld\n", STR_ARG(m->facts.id), kind, a, b,
               (long long)got / 1000, (long long)got % 1000, want);
}

static void take_line(struct model *m, const char *line) {
    static char zone[80];
    long long a, b = 0, c = 0;
    if (line[0] == 'C') {
        calendar_free(m->calendar);
        m->calendar = NULL;
        assert_int_equal(sscanf(line, "C %79s", zone), 1);
        m->facts = (struct calendar_facts){.id = str_c(zone),
                                           .take_zone = zone_open(str_c(zone)),
                                           .holidays = m->holidays,
                                           .special = m->special};
        m->calendars++;
        return;
    }
    assert_true(sscanf(line + 1, "%lld %lld %lld", &a, &b, &c) >= 1);
    if (line[0] == 'D' || line[0] == 'B')
        ask(m, line[0], a, b, c);
    else
        tell(m, line[0], a, b, c);
}

static void random_spans_are_as_the_model_says(void **state) {
    (void)state;
    const char *wanted = getenv("TOUCHLINE_SPANS");
    int spans = wanted ? atoi(wanted) : 4000, calendars = spans >= 50000 ? 50 : 8;
    char command[160], line[160];
    snprintf(command, sizeof command, "python3 tests/unit/routing/calendar_model.py %d %d 11",
             calendars, spans);
    if (system("python3 -c 'import zoneinfo; zoneinfo.ZoneInfo(\"Europe/Berlin\")' 2>/dev/null")) {
        printf("no python3 with zoneinfo: not compared\n");
        skip();
    }
    FILE *p = popen(command, "r");
    struct model *m = NEW(struct model);
    assert_non_null(p);
    while (fgets(line, sizeof line, p))
        take_line(m, line);
    assert_int_equal(pclose(p), 0);
    printf("%zu calendars, %zu spans, %zu differ\n", m->calendars, m->spans, m->wrong);
    assert_true(m->spans > 0 && m->wrong == 0);
    calendar_free(m->calendar);
    free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_counts_open_time_alone),
        cmocka_unit_test(a_calendar_that_never_opens_says_so_and_ends),
        cmocka_unit_test(a_window_over_a_change_of_the_clock_is_as_long_as_it_is),
        cmocka_unit_test(nights_and_days_without_end_are_walked),
        cmocka_unit_test(random_spans_are_as_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
