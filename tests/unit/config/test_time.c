/* Calendars and service levels: hours, special days, holidays from files, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/date.h>

#include "lab.h"

static const struct config_section sections[] = {CONFIG_OWN_SECTIONS, {0}};

#define EVENT(lines) "BEGIN:VEVENT\r\n" lines "END:VEVENT\r\n"
#define FILE_OF(events) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" events "END:VCALENDAR\r\n"

static void time_open(struct lab *lab, const char *text, const char *ics) {
    char whole[8192];
    lab_open(lab);
    lab_write(lab, "secret", "0123456789abcdef0123456789abcdef\n", 0600);
    lab_write(lab, "days.ics", ics, 0644);
    snprintf(whole, sizeof whole, "state: state\nsecret: file:secret\n%s", text);
    lab_write(lab, "touchline.yml", whole, 0644);
    lab_load(lab, sections, NULL, NULL);
}

static void time_tells(const char *text, const char *ics, const char *told) {
    struct lab lab;
    time_open(&lab, text, ics);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

static void a_week_has_ranges_nights_and_days_of_its_own(void **state) {
    (void)state;
    struct lab lab;
    struct calendar_said said;
    time_open(&lab,
              "calendars:\n- id: office\n  zone: Europe/Berlin\n"
              "  week: { mon-thu: [08:00-12:00, 13:00-17:30], fri: 08:00-14:00, Sat-sun: "
              "[22:00-06:00] }\n"
              "  special: { 2026-12-24: [08:00-12:00], 2026-12-31: closed }\n",
              "");
    assert_string_equal(lab.told, "");
    const struct tl_items *list = config_get(lab.config, "calendars");
    calendar_read(list->items, NULL, &said);
    for (int d = 0; d < 4; d++) {
        assert_int_equal(said.week[d].n, 2);
        assert_int_equal(said.week[d].windows[1].close_s, 17 * 3600 + 1800);
    }
    assert_int_equal(said.week[4].windows[0].open_s, 8 * 3600);
    assert_int_equal(said.week[6].windows[0].close_s, 30 * 3600);
    assert_int_equal(said.special_n, 2);
    assert_int_equal(said.special[0].day, date_days(2026, 12, 24));
    assert_int_equal(said.special[0].as.n, 1);
    assert_int_equal(said.special[1].as.n, 0);
    calendar_said_clear(&said);
    lab_close(&lab);
}

static void what_is_no_time_is_refused_at_its_place(void **state) {
    (void)state;
    time_tells("calendars:\n- id: a\n  zone: Europe/Berlyn\n  week: { mon: [8:00-12:00] }\n"
               "- id: b\n  week: { mon-thu: [08:00-12:00, 11:00-13:00], wed: closed, foo: closed "
               "}\n"
               "- id: c\n  week: { mon: closed }\n"
               "- id: d\n  week: { mon: [08:00-08:00] }\n  special: { 2026-02-30: closed }\n",
               "",
               "touchline.yml:5:9: is no time zone of this system; like Europe/Berlin\n"
               "touchline.yml:6:9: calendar a never opens\n"
               "touchline.yml:6:17: no hours; allowed are HH:MM-HH:MM, 00:00-24:00 for a whole "
               "day\n"
               "touchline.yml:8:34: these hours overlap others of the same day\n"
               "touchline.yml:8:48: a day of it has its hours already\n"
               "touchline.yml:8:61: no day; allowed are mon tue wed thu fri sat sun, and ranges: "
               "mon-thu\n"
               "touchline.yml:10:9: calendar c never opens\n"
               "touchline.yml:12:9: calendar d never opens\n"
               "touchline.yml:12:17: no hours; allowed are HH:MM-HH:MM, 00:00-24:00 for a whole "
               "day\n"
               "touchline.yml:13:14: no date; allowed is 2026-12-24\n");
}

static void levels_are_named_by_queues_and_name_calendars(void **state) {
    (void)state;
    struct lab lab;
    time_tells("calendars: [{id: office, week: {mon: 08:00-12:00}}]\n"
               "service_levels:\n- {id: gold, calendar: offise, resolve: {within: 2d}}\n"
               "- {id: odd, update: {warn: 80%}, pause_on: snoozed}\n"
               "queues: [{id: a, service_level: golt}]\n",
               "",
               "touchline.yml:5:24: calendar \"offise\" is not defined; did you mean \"office\"?\n"
               "touchline.yml:6:21: within is missing: so much open time of the calendar\n"
               "touchline.yml:6:44: pause_on \"snoozed\" is not allowed here; allowed: pending\n"
               "touchline.yml:7:33: service_level \"golt\" is not defined; did you mean "
               "\"gold\"?\n");
    time_tells("service_levels:\n- {id: none}\n", "",
               "touchline.yml:4:8: it has no clock; allowed are first_response, next_response, "
               "update, resolve and acknowledge\n");
    time_open(&lab,
              "service_levels: [{id: gold, first_response: {within: 1h, warn: 75%}}]\n"
              "queues: [{id: a, service_level: gold}, {id: b}]\n",
              "");
    assert_string_equal(lab.told, "");
    const struct tl_items *levels = config_get(lab.config, "service_levels"),
                          *queues = config_get(lab.config, "queues");
    const struct level_config *l = levels->items;
    const struct queue_config *q = queues->items;
    assert_int_equal(l->first_response.within_ms, 3600000);
    assert_int_equal(l->first_response.warn_percent, 75);
    assert_int_equal(l->resolve.within_ms, 0);
    assert_true(str_is(q[0].service_level, "gold") && !q[1].service_level.n);
    lab_close(&lab);
}

/* ---- holidays ---- */

static void days_are(const char *ics, size_t n, const char *const *dates) {
    struct lab lab;
    char path[256];
    int64_t *days = NULL, ms;
    size_t got = 0;
    struct fault f;
    lab_open(&lab);
    lab_write(&lab, "days.ics", ics, 0644);
    snprintf(path, sizeof path, "%s/days.ics", lab.folder);
    if (!holidays_read(path, &days, &got, &f))
        fail_msg("%s: %s", f.place, f.reason);
    assert_true(got >= n);
    for (size_t i = 0; i < n; i++) {
        assert_true(date_parse(str_c(dates[i]), &ms));
        assert_int_equal(days[i], ms / 86400000);
    }
    if (!n)
        assert_int_equal(got, 0);
    free(days);
    lab_close(&lab);
}

#define DAYS(ics, ...)                                                                             \
    days_are(FILE_OF(ics), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                 \
             (const char *[]){__VA_ARGS__})
#define T "T00:00:00Z"

static void events_of_whole_days_close_them(void **state) {
    (void)state;
    DAYS(EVENT("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\n"
               "SUMMARY:Weih\r\n nachten\r\n"),
         "2026-12-25" T, "2026-12-26" T);
    DAYS(EVENT("DTSTART;VALUE=DATE:20261225\r\n"), "2026-12-25" T);
    DAYS(EVENT("DTSTART;VALUE=DATE:20261225\r\nDURATION:P3D\r\n"), "2026-12-25" T, "2026-12-26" T,
         "2026-12-27" T);
    DAYS(EVENT("DTSTART;TZID=\"W: Berlin\":20261225T000000\r\nDTEND:20261226T000000\r\n"),
         "2026-12-25" T);
    /* Each year; the last Monday in May; with one left out and one beside it. */
    DAYS(EVENT("DTSTART;VALUE=DATE:20241003\r\nRRULE:FREQ=YEARLY\r\n"), "2024-10-03" T,
         "2025-10-03" T, "2026-10-03" T);
    DAYS(EVENT("DTSTART;VALUE=DATE:20240527\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\r\n"),
         "2024-05-27" T, "2025-05-26" T, "2026-05-25" T);
    DAYS(EVENT("DTSTART;VALUE=DATE:20240101\r\nRRULE:FREQ=YEARLY;COUNT=3\r\n"
               "EXDATE;VALUE=DATE:20250101\r\nRDATE;VALUE=DATE:20250102\r\n"),
         "2024-01-01" T, "2025-01-02" T, "2026-01-01" T);
    /* Not of whole days, called off, or of another component. */
    days_are(FILE_OF(EVENT("DTSTART:20261224T140000\r\nDTEND:20261224T180000\r\n") EVENT(
                 "DTSTART;VALUE=DATE:20261225\r\nSTATUS:CANCELLED\r\n") "BEGIN:VTIMEZONE\r\nBEGIN:"
                                                                        "STANDARD\r\nDTSTART:"
                                                                        "19700101T000000\r\n"
                                                                        "END:STANDARD\r\nEND:"
                                                                        "VTIMEZONE\r\n"),
             0, NULL);
}

static void a_fault_in_a_file_names_file_and_line(void **state) {
    (void)state;
    static const char text[] = "calendars:\n- id: a\n  week: { mon: 08:00-12:00 }\n"
                               "  holidays: [file:days.ics]\n";
    static const char *const rows[][2] = {
        {"hello\n", "days.ics:1: a line is NAME:VALUE\n"},
        {"X:1\n", "days.ics:1: no iCalendar file: it begins with BEGIN:VCALENDAR\n"},
        {"", "days.ics:1: no iCalendar file: it begins with BEGIN:VCALENDAR\n"},
        {FILE_OF(EVENT("DTSTART;VALUE=DATE:20261345\r\n")),
         "days.ics:4: no date; allowed is 20261224 and 20261224T000000\n"},
        {FILE_OF(EVENT("DTSTART:20261225\r\nSUMMARY:a\r\n b\r\nRRULE:FREQ=SOMETIMES\r\n")),
         "days.ics:7: RRULE is none; like FREQ=YEARLY\n"},
        {FILE_OF(EVENT("SUMMARY:x\r\n")), "days.ics:5: an event without DTSTART ends here\n"},
        {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\n",
         "days.ics:3: the file ends within a component\n"},
        {FILE_OF(EVENT("DTSTART:19700101\r\nRRULE:FREQ=DAILY\r\n")),
         "days.ics:6: the files close more than 20000 days\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char told[200];
        snprintf(told, sizeof told, "touchline.yml:6:14: %s", rows[i][1]);
        time_tells(text, rows[i][0], told);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_week_has_ranges_nights_and_days_of_its_own),
        cmocka_unit_test(what_is_no_time_is_refused_at_its_place),
        cmocka_unit_test(levels_are_named_by_queues_and_name_calendars),
        cmocka_unit_test(events_of_whole_days_close_them),
        cmocka_unit_test(a_fault_in_a_file_names_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
