/* SIP messages as they may be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/sip_message.h"

static void a_message_is_read_as_it_may_be_written(void **state) {
    (void)state;
    static const char text[] =
        "\r\nINVITE sip:+4930555@h;user=phone SIP/2.0\n"
        "VIA: SIP/2.0/TCP [2001:db8::1]:5060 ; branch = z9hG4bKx ;rport\n"
        "From:\t\"A \\\"B\\\" <c>, d\"\n  <sip:+4930123456@h;transport=tcp>\n\t;tag=88\n"
        "To: sip:+4930555@h;tag=t1\nCall-ID: x@y\ncseq: 0007   INVITE\n"
        "P-Asserted-Identity: \"J\" <sip:+4930999@h>, <tel:+49-30-999>\n"
        "Diversion: <sip:+4930777@h>;reason=unconditional, <sip:+4930778@h>\n"
        "Reason: SIP;cause=200;text=\"Call, completed; elsewhere\", Q.850 ;cause=26\n"
        "Privacy: none\n\nbody: From: x";
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct sip_message m;
    const char *why;
    assert_true(sip_message_read(&a, str_c(text), &m, &why));
    assert_true(m.request && str_is(m.method, "INVITE") && m.cseq == 7);
    assert_true(str_is(m.branch, "z9hG4bKx"));
    assert_true(str_is(m.from.display, "A \"B\" <c>, d"));
    assert_true(str_is(m.from.uri, "sip:+4930123456@h;transport=tcp"));
    assert_true(str_is(m.from_tag, "88"));
    assert_true(str_is(m.to.uri, "sip:+4930555@h") && str_is(m.to_tag, "t1"));
    assert_true(str_is(m.asserted.uri, "sip:+4930999@h"));
    assert_true(str_is(m.asserted_tel.uri, "tel:+49-30-999"));
    assert_true(str_is(m.diverted.uri, "sip:+4930777@h"));
    assert_int_equal(m.cause, 200);
    assert_int_equal(m.q850, 26);
    assert_false(m.privacy);
    assert_false(sip_message_read(&a, str_c("hello"), &m, &why));
    assert_false(sip_message_read(&a, str_c("SIP/2.0 200 OK\r\n\r\n"), &m, &why));
}

static void addresses_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text, *display, *uri, *tag;
    } cases[] = {
        {"<sip:a@h>;tag=1", "", "sip:a@h", "1"},
        {"sip:a@h;tag=1", "", "sip:a@h", "1"},
        {"\"x\" <sip:a@h;lr>;x=\";tag=2\";TAG=3", "x", "sip:a@h;lr", "3"},
        {"Jana W <sip:a@h> ; tag = 4 ", "Jana W", "sip:a@h", "4"},
        {"\"unclosed <sip:a@h>", "", "\"unclosed <sip:a@h>", ""},
        {"<sip:a@h", "", "sip:a@h", ""},
        {"", "", "", ""},
    };
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sip_address one = sip_address_read(&a, str_c(cases[i].text));
        struct str tag = sip_param(one.params, "tag");
        if (!str_is(one.display, cases[i].display) || !str_is(one.uri, cases[i].uri) ||
            !str_is(tag, cases[i].tag))
            fail_msg("%s: \"%.*s\" \"%.*s\" tag \"%.*s\"", cases[i].text, STR_ARG(one.display),
                     STR_ARG(one.uri), STR_ARG(tag));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_as_it_may_be_written),
        cmocka_unit_test(addresses_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
