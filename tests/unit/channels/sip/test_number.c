/* Numbers as switches write them, by the rules of a trunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/number.h"

static const struct str ways[] = {STR("00")}, ways_us[] = {STR("011")}, ours[] = {STR("+4930555")};
static const struct trunk_config berlin = {.country = 49,
                                           .national = STR("0"),
                                           .international = {ways, 1},
                                           .inbound = {ours, 1},
                                           .extensions = STR("2-4")};
static const struct trunk_config newark = {
    .country = 1, .national = STR("1"), .international = {ways_us, 1}, .extensions = STR("2-4")};
static const struct trunk_config salta = {
    .country = 54, .national = STR("0"), .international = {ways, 1}, .extensions = STR("2-4")};

static void numbers_are_read_by_the_trunk(void **state) {
    (void)state;
    static const struct {
        const struct trunk_config *trunk;
        const char *raw;
        enum number_kind kind;
        const char *text;
    } cases[] = {
        {&berlin, "+4930123456", NUMBER_E164, "+4930123456"},
        {&berlin, "004930123456", NUMBER_E164, "+4930123456"},
        {&berlin, "030123456", NUMBER_E164, "+4930123456"},
        {&berlin, "sip:+4930123456@pstn.example.net;user=phone", NUMBER_E164, "+4930123456"},
        {&berlin, "sip:%2B4930123456@10.0.0.1:5060", NUMBER_E164, "+4930123456"},
        {&berlin, "\"Jana <1> \\\" Wei\xc3\x9f\" <sip:030123456@10.0.0.1>;tag=7", NUMBER_E164,
         "+4930123456"},
        {&berlin, "<sips:+49-30-12.34.56@h>", NUMBER_E164, "+4930123456"},
        {&berlin, "tel:+49-(0)30-123456;ext=7;isub=12", NUMBER_E164, "+4930123456"},
        {&berlin, "tel:7042;ext=1;phone-context=+4930555", NUMBER_E164, "+49305557042"},
        {&berlin, "tel:030-123456;phone-context=+49", NUMBER_E164, "+4930123456"},
        {&berlin, "0049 (0)30 123456", NUMBER_E164, "+4930123456"},
        {&berlin, "+0049 30 123456", NUMBER_E164, "+4930123456"},
        {&berlin, "++4930123456", NUMBER_E164, "+4930123456"},
        {&berlin, "tel:7042;phone-context=example.com", NUMBER_EXTENSION, "7042"},
        {&berlin, "sip:+4930123456;npdi;rn=+4930999@gw", NUMBER_E164, "+4930123456"},
        {&berlin, "sip:030123456:secret@gw", NUMBER_E164, "+4930123456"},
        {&berlin, "sip:030123456@[2001:db8::1]:5060", NUMBER_E164, "+4930123456"},
        {&berlin, "200", NUMBER_EXTENSION, "200"},
        {&berlin, "sip:anna@example.org", NUMBER_UNKNOWN, "anna"},
        {&berlin, "anonymous", NUMBER_WITHHELD, ""},
        {&berlin, "\"Anonymous\" <sip:anonymous@anonymous.invalid>", NUMBER_WITHHELD, ""},
        {&berlin, "sip:jana@anonymous.invalid", NUMBER_WITHHELD, ""},
        {&berlin, "Restricted", NUMBER_WITHHELD, ""},
        {&berlin, "", NUMBER_WITHHELD, ""},
        {&berlin, "+0301234567", NUMBER_UNKNOWN, "+0301234567"},
        {&newark, "4155238886", NUMBER_E164, "+14155238886"},
        {&newark, "14155238886", NUMBER_E164, "+14155238886"},
        {&newark, "0114930123456", NUMBER_E164, "+4930123456"},
        {&salta, "011151234-5678", NUMBER_E164, "+5491112345678"},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct number n = number_read(&a, cases[i].trunk, str_c(cases[i].raw));
        if (n.kind != cases[i].kind || !str_is(n.text, cases[i].text))
            fail_msg("\"%s\": kind %d \"%.*s\", not %d \"%s\"", cases[i].raw, n.kind,
                     STR_ARG(n.text), cases[i].kind, cases[i].text);
    }
    arena_clear(&a);
}

static void a_number_called_of_ours_is_inbound(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    struct number one = number_read(&a, &berlin, str_c("030 555 7042")),
                  other = number_read(&a, &berlin, str_c("030 999 7042"));
    assert_true(number_inbound(&berlin, &one));
    assert_false(number_inbound(&berlin, &other));
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_by_the_trunk),
        cmocka_unit_test(a_number_called_of_ours_is_inbound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
