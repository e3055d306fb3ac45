/* test_mail_date.c - dates as they are met; the same instant in each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/own.h>

#include "email/mail_date.h"

enum { HOUR_MS = 3600 * 1000 };
static const int64_t seven = 1795417200000; /* 2026-11-23T07:00:00Z */

static void a_date_is_read_in_whatever_order_it_stands(void **state) {
    static const char *const dates[] = {
        "Mon, 23 Nov 2026 07:00:00 +0000",
        "23 Nov 2026 07:00 +0000",
        "Mon, 23 Nov 26 07:00:00 GMT",
        "Mon, 23 Nov 126 07:00:00 GMT",
        "Mon (day), 23 Nov (month) 2026 07:00:00 +0000 (UTC)",
        "Mon, 23 Nov 2026 02:00:00 EST",
        "Monday, 23 November 2026 07:00:00 +0000",
        "Mon, 23-Nov-2026 07:00:00 GMT",
        "Mon Nov 23 07:00:00 2026",
        "Mon Nov 23 08:00:00 CET 2026",
        "2026-11-23 07:00:00 +0000",
        "2026-11-23T07:00:00.500Z",
        "2026-11-23T08:00:00+01:00",
        "Mon, 23 Nov 2026 07.00.00 +0000",
        "Mon, 23 Nov 2026 07:00:00",
        "Mon, 23 Nov 2026 08:00:00 GMT+0100",
        "Mon, 23 Nov 2026 08:00:00 +01:00",
        "Mon, 23 Nov 2026 01:00:00 -600",
        "Mon, 23 Nov 2026 7:0:0 +0000",
        "Mon, 23 Nov 2026, 07:00:00 \"GMT\"",
        "Mo, 23 Nov 2026 07:00:00 +0000",
        "Nov 23, 2026 7:00 AM",
        "Nov 23, 2026 7:00am",
        "Mon, 23 Nov 2026 16:00:00 JST",
        "23 Nov 2026 07:00:00 AM",
        "23-11-2026 07:00:00",
        "Mon, 23 Nov 2026 09:00:00 0200",
        "Mon, 23 Nov 2026 02:00:00 --0500",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        int64_t ms = 0;
        if (!mail_date(str_c(dates[i]), &ms) || ms / 1000 * 1000 != seven)
            fail_msg("%s: %lld hours off", dates[i], (long long)((ms - seven) / HOUR_MS));
    }
}

static void months_are_known_in_other_languages(void **state) {
    static const char *const dates[] = {"mar., 5 mai 2026 07:00:00 +0000",
                                        "Di, 5 Mai 2026 07:00:00 +0000", "5 maj 2026 07:00"};
    static const int64_t may = 1777964400000; /* 2026-05-05T07:00:00Z */
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        int64_t ms = 0;
        if (!mail_date(str_c(dates[i]), &ms) || ms != may)
            fail_msg("%s: %lld", dates[i], (long long)ms);
    }
}

static void what_is_no_date_is_none(void **state) {
    static const char *const dates[] = {"",
                                        "yesterday",
                                        "07:00:00",
                                        "23 Nov",
                                        "11/23/2026 07:00",
                                        "99 Nov 2026 07:00:00 +0000",
                                        "23 Nov 2026 99:00:00 +0000",
                                        "23 Nov 2026 07:00:00 +9999",
                                        "((((((((",
                                        "- - - -",
                                        "2026-",
                                        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22"};
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        int64_t ms;
        if (mail_date(str_c(dates[i]), &ms))
            fail_msg("%s is taken for %lld", dates[i], (long long)ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_read_in_whatever_order_it_stands),
        cmocka_unit_test(months_are_known_in_other_languages),
        cmocka_unit_test(what_is_no_date_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
