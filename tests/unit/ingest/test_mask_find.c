/* Card numbers and IBANs by their check digits, in text and in bytes as they came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "base/clock.h"
#include "ingest/mask_find.h"

struct sample {
    const char *text, *found; /* NULL: nothing */
    bool raw;
};

static void judge(const struct sample *s,
                  bool (*find)(struct str, size_t, bool, struct mask_span *)) {
    struct mask_span at;
    struct str text = str_c(s->text);
    bool found = find(text, 0, s->raw, &at);
    if (found != (s->found != NULL))
        fail_msg("%s: %s", s->text, found ? "found something" : "found nothing");
    if (found && !str_is(str_make(text.p + at.begin, at.end - at.begin), s->found))
        fail_msg("%s: found %.*s", s->text, (int)(at.end - at.begin), text.p + at.begin);
}

static void a_card_is_known_by_its_check_digit_however_it_is_written(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"4111111111111111", "4111111111111111", false},
        {"my card 4111 1111 1111 1111, thanks", "4111 1111 1111 1111", false},
        {"5555-5555-5555-4444", "5555-5555-5555-4444", false},
        {"amex 3782 822463 10005.", "3782 822463 10005", false},
        {"4222222222222 (13)", "4222222222222", false},
        {"6304000000000000000", "6304000000000000000", false},
        {"6304 0000 0000 0000 000 1", "6304 0000 0000 0000 000", false},
        {"4111\xC2\xA0"
         "1111\xC2\xA0"
         "1111\xC2\xA0"
         "1111",
         "4111\xC2\xA0"
         "1111\xC2\xA0"
         "1111\xC2\xA0"
         "1111",
         false},
        {"<b>4111&nbsp;1111&nbsp;1111&nbsp;1111</b>", "4111&nbsp;1111&nbsp;1111&nbsp;1111", false},
        {"order 12 4111 1111 1111 1111", "4111 1111 1111 1111", false},
        {"Visa4111111111111111", "4111111111111111", false},
        {"4111111111111112", NULL, false},
        {"0000 0000 0000 0000", NULL, false},
        {"41111111111111111111111", NULL, false},
        {"411111111111", NULL, false},
        {"4111  1111 1111 1111", NULL, false},
        {"call +49 4111 1111 1111 111 now", NULL, false},
        {"2026-11-23 08:00:00.000", NULL, false},
        {"550e8400-e29b-41d4-a716-446655440000", NULL, false},
        {"", NULL, false},
        {"card=4111+1111+1111+1111&x=1", "4111+1111+1111+1111", true},
        {"card=%204111%201111%201111%201111", "4111%201111%201111%201111", true},
        {"4111 1111=\r\n 1111 1111", NULL, true},
        {"4111 1111=\r\n1111 1111", "4111 1111=\r\n1111 1111", true},
        {"411111111=\r\n1111111", "411111111=\r\n1111111", true},
        {"{\"t\":\"4111\\u00a01111\\u00a01111\\u00a01111\"}",
         "4111\\u00a01111\\u00a01111\\u00a01111", true},
    };
    for (size_t i = 0; i < COUNT(samples); i++)
        judge(&samples[i], mask_find_card);
}

static void an_iban_is_known_by_country_length_and_remainder(void **state) {
    (void)state;
    static const struct sample samples[] = {
        {"DE89 3704 0044 0532 0130 00 und mehr", "DE89 3704 0044 0532 0130 00", false},
        {"DE89370400440532013000", "DE89370400440532013000", false},
        {"iban:gb82 west 1234 5698 7654 32", "gb82 west 1234 5698 7654 32", false},
        {"GB82-WEST-1234-5698-7654-32", "GB82-WEST-1234-5698-7654-32", false},
        {"NO9386011117947", "NO9386011117947", false},
        {"FR1420041010050500013M02606", "FR1420041010050500013M02606", false},
        {"MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S", false},
        {"DE88370400440532013000", NULL, false},
        {"DE8937040044053201300", NULL, false},
        {"XDE89370400440532013000", NULL, false},
        {"DE893704004405320130001", NULL, false},
        {"ZZ89370400440532013000", NULL, false},
        {"DE", NULL, false},
        {"iban=DE89+3704+0044+0532+0130+00&", "DE89+3704+0044+0532+0130+00", true},
    };
    for (size_t i = 0; i < COUNT(samples); i++)
        judge(&samples[i], mask_find_iban);
}

static void rows_of_digits_without_end_take_linear_time(void **state) {
    (void)state;
    enum { N = 4 << 20 };
    static const char *const fills[] = {"1", "1 ", "12345678 ", "DE89", "DE89 ", "4111 1111 1111 "};
    char *text = mem_new(N);
    for (size_t f = 0; f < COUNT(fills); f++) {
        size_t n = strlen(fills[f]);
        for (size_t i = 0; i < N; i++)
            text[i] = fills[f][i % n];
        int64_t began = clock_mono_ms();
        struct mask_span at = {0, 0};
        struct str all = str_make(text, N);
        while (mask_find_card(all, at.end, f % 2, &at))
            continue;
        at = (struct mask_span){0, 0};
        while (mask_find_iban(all, at.end, f % 2, &at))
            continue;
        assert_true(clock_mono_ms() - began < 20000);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_known_by_its_check_digit_however_it_is_written),
        cmocka_unit_test(an_iban_is_known_by_country_length_and_remainder),
        cmocka_unit_test(rows_of_digits_without_end_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
