/* kit/date.c against known values and the C library's own calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include <touchline/kit/date.h>

static void formats_agree_with_the_c_library(void **state) {
    (void)state;
    /* From the year 0 to 9999 in steps that meet all hours, days and leap years. */
    for (int64_t s = -62167219200; s < 253402300800; s += 86400 * 53 + 7331) {
        time_t t = (time_t)s;
        struct tm tm;
        char want[64], got[64];
        gmtime_r(&t, &tm);
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        date_format(s * 1000 + 7, got);
        assert_string_equal(got, want);
        int64_t back;
        assert_true(date_parse(str_c(got), &back));
        assert_true(back == s * 1000 + 7);
        strftime(want, sizeof want, "%a, %d %b ", &tm);
        date_format_http(s * 1000, got);
        assert_memory_equal(got, want, strlen(want));
        date_format_mail(s * 1000, got);
        assert_true(date_parse_mail(str_c(got), &back));
        assert_true(back == s * 1000);
    }
}

static void instants_outside_four_digit_years_are_clamped(void **state) {
    (void)state;
    char text[DATE_RFC3339_MAX];
    date_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    date_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void the_headers_of_http_and_mail_are_written_as_their_rfcs_show(void **state) {
    (void)state;
    char text[40];
    date_format_http(784111777000, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    date_format_mail(1795420800000, text);
    assert_string_equal(text, "Mon, 23 Nov 2026 08:00:00 +0000");
    assert_int_equal(date_days(1970, 1, 1), 0);
    assert_int_equal(date_days(2000, 3, 1), 11017);
}

static void rfc_3339_is_read_with_any_offset_and_fraction(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-23T08:00:00.000Z", 1795420800000},
        {"2026-11-23 08:00:00z", 1795420800000},
        {"2026-11-23t09:30:00.5+01:30", 1795420800500},
        {"2026-11-23T00:00:00.123999-08:00", 1795420800123},
        {"2026-11-23T08:00:00.1234567890123456789Z", 1795420800123},
        {"1990-12-31T23:59:60Z", 662687999000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2026-11-23T08:00:00-00:00", 1795420800000},
        {"2023-02-29T00:00:00Z", -1},
        {"1900-02-29T00:00:00Z", -1},
        {"2026-11-23T08:00:00", -1},
        {"2026-11-23", -1},
        {"2026-11-23T08:00Z", -1},
        {"2026-11-23T08:00:00.Z", -1},
        {"2026-11-23T24:00:00Z", -1},
        {"2026-11-23T08:60:00Z", -1},
        {"2026-11-23T08:00:61Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-11-23T08:00:00+24:00", -1},
        {"2026-11-23T08:00:00+0100", -1},
        {"2026-11-23T08:00:00Z ", -1},
        {"+026-11-23T08:00:00Z", -1},
        {"20026-11-23T08:00:00Z", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = -1;
        bool ok = date_parse(str_c(cases[i].text), &ms);
        if (ok != (cases[i].ms >= 0) || ms != cases[i].ms)
            fail_msg("%s gave %lld", cases[i].text, (long long)ms);
    }
}

static void mail_dates_are_read_as_rfc_5322_and_its_elders_write_them(void **state) {
    (void)state;
    static const struct {
        const char *text, *same; /* NULL: refused */
    } cases[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06Z"},
        {"Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37Z"},
        {"Thu, 13 Feb 1969 23:32:54 -0330", "1969-02-14T03:02:54Z"},
        {"Thu,\r\n\t13\r\n\t  Feb\r\n\t    1969\r\n\t23:32\r\n\t\t\t-0330 (Newfoundland Time)",
         "1969-02-14T03:02:00Z"},
        {"21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"},
        {"21 Nov 49 09:55:06 UT", "2049-11-21T09:55:06Z"},
        {"21 Nov 050 09:55:06 UT", "1950-11-21T09:55:06Z"},
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06Z"},
        {"Mon, 23 Nov 2026 08:00:00 PDT", "2026-11-23T15:00:00Z"},
        {"Mon, 23 Nov 2026 08:00:00 EST", "2026-11-23T13:00:00Z"},
        {"Mon, 23 Nov 2026 08:00:00 Z", "2026-11-23T08:00:00Z"},
        {"Mon, 23 Nov 2026 08:00:00 A", "2026-11-23T08:00:00Z"},
        {"Mon, 23 Nov 2026 08:00:00 MESZ", "2026-11-23T08:00:00Z"},
        {"mon 23 NOV 2026 8:00 +0000 (a (nested \\) one))", "2026-11-23T08:00:00Z"},
        {"(early) 23 Nov 2026 08:00:60 +0000", "2026-11-23T08:00:59Z"},
        {"Mon, 23 Nov 2026 08:00:00", NULL},
        {"Mon, 23 Nov 2026 08:00:00 +00", NULL},
        {"Mon, 23 Nov 2026 08:00:00 +0000 x", NULL},
        {"Mon, 23 Nov 2026 08:00:00 +0000 (open", NULL},
        {"Mon, 31 Nov 2026 08:00:00 +0000", NULL},
        {"Mon, 23 Foo 2026 08:00:00 +0000", NULL},
        {"Mon, 23 Nov 20261 08:00:00 +0000", NULL},
        {"2026-11-23T08:00:00Z", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ms = 0, want = 0;
        bool ok = date_parse_mail(str_c(cases[i].text), &ms);
        if (cases[i].same)
            assert_true(date_parse(str_c(cases[i].same), &want));
        if (ok != (cases[i].same != NULL) || ms != want)
            fail_msg("%s gave %d %lld", cases[i].text, ok, (long long)ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_agree_with_the_c_library),
        cmocka_unit_test(instants_outside_four_digit_years_are_clamped),
        cmocka_unit_test(the_headers_of_http_and_mail_are_written_as_their_rfcs_show),
        cmocka_unit_test(rfc_3339_is_read_with_any_offset_and_fraction),
        cmocka_unit_test(mail_dates_are_read_as_rfc_5322_and_its_elders_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
