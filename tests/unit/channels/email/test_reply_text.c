/* test_reply_text.c - what stays of a reply, and that no text makes it slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include <touchline/kit/buf.h>

#include "email/reply_text.h"
#include "email/reply_words.h"

static const struct {
    const char *text, *reply;
} cases[] = {
    {"Hi\n\nOn Mon, 1 Nov 2026, Jana wrote:\n> a\n> b\n", "Hi"},
    {"Hi\r\n-- \r\nJana\r\nACME", "Hi"},
    {"Danke\n\nAm 01.11.2026 um 10:00 schrieb Jana:\n> a", "Danke"},
    {"Merci\n\nLe lun. 1 nov. 2026 \xc3\xa0 10:00, Jana <j@x.y> a \xc3\xa9"
     "crit :\n\n> a",
     "Merci"},
    {"Oui\n\n-----Message d'origine-----\nDe : x", "Oui"},
    {"Text\n\nVon: A <a@b>\nGesendet: heute\nAn: B\nBetreff: C\n\nalt", "Text"},
    {"a\n\n> quoted\n\nmy answer\n\n> more\n", "a\n\n> quoted\n\nmy answer"},
    {"> only a quote\n", "> only a quote"},
    {"Sent from my iPhone", "Sent from my iPhone"},
    {"Ja\n\nVon meinem iPhone gesendet", "Ja"},
    {"##- Please type your reply above this line -##\nx",
     "##- Please type your reply above this line -##\nx"},
    {"new\n##- Please type your reply above this line -##\nold", "new"},
    {"one\n\n\n\n\n\ntwo", "one\n\n\ntwo"},
    {"Price -- 10 euro\n- first\n- second", "Price -- 10 euro\n- first\n- second"},
    {"From: here\nto: there", "From: here\nto: there"},
    {"", ""},
    {"\n\n \n", ""},
};

static void quotes_and_signatures_are_taken_off(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        arena_init(&a);
        struct str got = reply_text(&a, str_c(cases[i].text));
        if (!str_is(got, cases[i].reply))
            fail_msg("%s\n gives    %.*s\n expected %s", cases[i].text, STR_ARG(got),
                     cases[i].reply);
        arena_clear(&a);
    }
}

static void a_hundred_thousand_lines_take_no_time(void **state) {
    static const char *const lines[] = {"\n",
                                        "> x\n",
                                        ">\n",
                                        "On 1 Nov wrote\n",
                                        "On 1 Nov 2026 Jana wrote:\n",
                                        "From: x\n",
                                        "--\n",
                                        "x\n\n",
                                        "From: a\nTo: b\n",
                                        "____\n",
                                        "Sent from my x\n",
                                        "> a\nb\n",
                                        "1 wrote:\n\n",
                                        "-x\n\n",
                                        ">>>>>>>>>>>>>>>>",
                                        "On 1 Nov 2026 Jana wrote:\n\n\n\n\n> a\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct buf text;
        struct arena a;
        arena_init(&a);
        buf_init(&text, 8 << 20);
        for (int n = 0; n < 100000; n++)
            assert_true(buf_add_c(&text, lines[i]));
        clock_t begun = clock();
        reply_text(&a, buf_str(&text));
        if (clock() - begun > CLOCKS_PER_SEC)
            fail_msg("%s: %ld ms", lines[i], (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC));
        buf_clear(&text);
        arena_clear(&a);
    }
}

static void words_of_mail_programs_are_told_from_prose(void **state) {
    (void)state;
    assert_true(reply_is_attribution(str_c("On 1 Nov, Jana wrote:")));
    assert_false(reply_is_attribution(str_c("On that day I wrote:")));
    assert_false(reply_is_attribution(str_c("I wrote 3 letters.")));
    assert_true(reply_is_divider(str_c("---------- Forwarded message ---------")));
    assert_false(reply_is_divider(str_c("the original message")));
    assert_int_equal(reply_field(str_c("*Gesendet:* heute")), REPLY_FIELD_DATE);
    assert_int_equal(reply_field(str_c("> Oggetto : x")), REPLY_FIELD_SUBJECT);
    assert_int_equal(reply_field(str_c("Note: x")), REPLY_FIELD_NONE);
    assert_true(reply_is_device(str_c("Sent from Mail for Windows")));
    assert_false(reply_is_device(str_c("Sent from my desk, it is easier there than on the phone")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_and_signatures_are_taken_off),
        cmocka_unit_test(a_hundred_thousand_lines_take_no_time),
        cmocka_unit_test(words_of_mail_programs_are_told_from_prose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
