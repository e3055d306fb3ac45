/* kit/zone.c against what Python's zoneinfo says (zone_table.py), and by hand where that is not
 * installed. TOUCHLINE_ZONES: how many zones (50). */
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

/* A local time of a zone, in UTC, as text. */
static const char *utc_of(const char *name, const char *local) {
    static char text[DATE_RFC3339_MAX];
    int64_t ms;
    struct zone *z = zone_open(str_c(name));
    assert_non_null(z);
    assert_true(date_parse(str_c(local), &ms));
    date_format(zone_to_utc_ms(z, ms), text);
    zone_free(z);
    return text;
}

static void local_times_are_read_on_both_edges_of_summer(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"Europe/Berlin", "2026-01-15T09:00:00Z", "2026-01-15T08:00:00.000Z"},
        {"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59.000Z"},
        {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00.000Z"}, /* skipped: 03:30 */
        {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00.000Z"},
        {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00.000Z"}, /* the first */
        {"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00.000Z"},
        {"Australia/Sydney", "2026-10-04T02:15:00Z", "2026-10-03T16:15:00.000Z"},
        {"Asia/Kathmandu", "2026-05-01T00:00:00Z", "2026-04-30T18:15:00.000Z"},
        {"Europe/Berlin", "2190-07-01T12:00:00Z", "2190-07-01T10:00:00.000Z"},
        {"Europe/Berlin", "2190-12-01T12:00:00Z", "2190-12-01T11:00:00.000Z"},
        {"America/New_York", "2400-07-01T12:00:00Z", "2400-07-01T16:00:00.000Z"},
        {"UTC", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(utc_of(rows[i][0], rows[i][1]), rows[i][2]);
}

static void a_time_that_is_there_twice_has_two_answers(void **state) {
    (void)state;
    struct zone *z = zone_open(str_c("Europe/Berlin"));
    int64_t fold, gap, both[2];
    assert_true(date_parse(str_c("2026-10-25T02:30:00Z"), &fold) &&
                date_parse(str_c("2026-03-29T02:30:00Z"), &gap));
    zone_both_utc_ms(z, fold, both);
    assert_true(both[0] == fold - 7200000 && both[1] == fold - 3600000);
    zone_both_utc_ms(z, gap, both);
    assert_true(both[0] == gap - 3600000 && both[1] == both[0]);
    zone_free(z);
}

static void a_name_that_climbs_or_is_no_zone_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"../../../etc/passwd", "Europe//Berlin", "/etc/localtime",
                                        "Europe/Berlyn",       "Europe",         "tzdata.zi"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_null(zone_open(str_c(names[i])));
}

/* ---- the table ---- */

struct table {
    struct zone *zone;
    char name[80];
    size_t zones, lines, wrong;
};

static void check_line(struct table *t, const char *line) {
    long long a, b, c;
    int64_t both[2];
    if (line[0] == 'Z') {
        zone_free(t->zone);
        assert_int_equal(sscanf(line, "Z %79s", t->name), 1);
        t->zone = zone_open(str_c(t->name));
        assert_non_null(t->zone);
        t->zones++;
    } else if (sscanf(line, "U %lld %lld", &a, &b) == 2) {
        if (zone_offset_s(t->zone, a) != b && t->wrong++ < 20)
            printf("%s: %lld is %d east, not %lld\n", t->name, a, zone_offset_s(t->zone, a), b);
    } else {
        assert_int_equal(sscanf(line, "L %lld %lld %lld", &a, &b, &c), 3);
        zone_both_utc_ms(t->zone, a * 1000, both);
        if ((both[0] != b * 1000 || both[1] != c * 1000) && t->wrong++ < 20)
            printf("%s: local %lld is %lld and %lld, not %lld and %lld\n", t->name, a,
                   (long long)both[0] / 1000, (long long)both[1] / 1000, b, c);
    }
    t->lines++;
}

static void zones_are_as_python_sees_them(void **state) {
    (void)state;
    const char *wanted = getenv("TOUCHLINE_ZONES");
    char command[128], line[160];
    snprintf(command, sizeof command, "python3 tests/unit/kit/zone_table.py %d",
             wanted ? atoi(wanted) : 50);
    if (system("python3 -c 'import zoneinfo; zoneinfo.ZoneInfo(\"Europe/Berlin\")' 2>/dev/null")) {
        printf("no python3 with zoneinfo: not compared\n");
        skip();
    }
    FILE *p = popen(command, "r");
    assert_non_null(p);
    struct table t = {.zone = NULL};
    while (fgets(line, sizeof line, p))
        check_line(&t, line);
    zone_free(t.zone);
    assert_int_equal(pclose(p), 0);
    printf("%zu zones, %zu moments, %zu differ\n", t.zones, t.lines - t.zones, t.wrong);
    assert_true(t.zones > 0 && t.wrong == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_times_are_read_on_both_edges_of_summer),
        cmocka_unit_test(a_time_that_is_there_twice_has_two_answers),
        cmocka_unit_test(a_name_that_climbs_or_is_no_zone_is_refused),
        cmocka_unit_test(zones_are_as_python_sees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
