/* test_auto.c - each signal of automatic mail, and that people are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "email/auto.h"

static const struct {
    const char *header, *from;
    bool null_sender;
    enum auto_class class;
} cases[] = {
    {"Subject: x\n", "jana@example.org", false, AUTO_NONE},
    {"Auto-Submitted: no\n", "jana@example.org", false, AUTO_NONE},
    {"Auto-Submitted: No (really)\n", "jana@example.org", false, AUTO_NONE},
    {"auto-submitted: Auto-Replied; owner=x\n", "jana@example.org", false, AUTO_REPLY},
    {"Auto-Submitted: auto-generated (x)\n", "jana@example.org", false, AUTO_NOTIFICATION},
    {"Auto-Submitted: auto-notified\n", "jana@example.org", false, AUTO_NOTIFICATION},
    {"Auto-Submitted: (a note) auto-generated\n", "jana@example.org", false, AUTO_NOTIFICATION},
    {"Auto-Submitted: (a note) no\n", "jana@example.org", false, AUTO_NONE},
    {"X-Touchline-Loop: x\n", "jana@example.org", false, AUTO_REPLY},
    {"Auto-Submitted: something new\n", "jana@example.org", false, AUTO_REPLY},
    {"X-Autoreply: yes\n", "jana@example.org", false, AUTO_REPLY},
    {"X-Autoreply: no\n", "jana@example.org", false, AUTO_NONE},
    {"X-Precedence: bulk\n", "jana@example.org", false, AUTO_LIST},
    {"X-Precedence: auto_reply\n", "jana@example.org", false, AUTO_REPLY},
    {"X-Autorespond: x\n", "jana@example.org", false, AUTO_REPLY},
    {"X-Mail-Autoreply: x\n", "jana@example.org", false, AUTO_REPLY},
    {"Precedence: auto_reply\n", "jana@example.org", false, AUTO_REPLY},
    {"Precedence: Bulk\n", "jana@example.org", false, AUTO_LIST},
    {"Precedence: list\n", "jana@example.org", false, AUTO_LIST},
    {"Precedence: junk\n", "jana@example.org", false, AUTO_LIST},
    {"Precedence: first-class\n", "jana@example.org", false, AUTO_NONE},
    {"List-Id: <a.b>\n", "jana@example.org", false, AUTO_LIST},
    {"List-Unsubscribe: <mailto:a@b>\n", "jana@example.org", false, AUTO_LIST},
    {"List-Id: <a.b>\nAuto-Submitted: auto-replied\n", "jana@example.org", false, AUTO_REPLY},
    {"Feedback-ID: x\n", "jana@example.org", false, AUTO_NOTIFICATION},
    {"X-Loop: x\n", "jana@example.org", false, AUTO_NOTIFICATION},
    {"X-Auto-Response-Suppress: OOF\n", "jana@example.org", false, AUTO_NONE},
    {"Subject: x\n", "MAILER-DAEMON@example.org", false, AUTO_BOUNCE},
    {"Subject: x\n", "no-reply@example.org", false, AUTO_NOTIFICATION},
    {"Subject: x\n", "owner-list@example.org", false, AUTO_LIST},
    {"Subject: x\n", "list-request@example.org", false, AUTO_LIST},
    {"Subject: x\n", "noreplyanna@example.org", false, AUTO_NONE},
    {"Subject: x\n", "jana@example.org", true, AUTO_REPLY},
    {"Return-Path: <>\n", "jana@example.org", false, AUTO_REPLY},
};

static void each_signal_gives_its_class(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct headers h;
        arena_init(&a);
        headers_read(&a, str_c(cases[i].header), &h);
        enum auto_class got = auto_classify(&h, str_c(cases[i].from), cases[i].null_sender);
        if (got != cases[i].class)
            fail_msg("%s from %s: %d, expected %d", cases[i].header, cases[i].from, got,
                     cases[i].class);
        arena_clear(&a);
    }
}

static void who_wants_no_answer_is_heard(void **state) {
    static const struct {
        const char *header;
        bool suppressed;
    } all[] = {{"X-Auto-Response-Suppress: DR, OOF\n", true},
               {"X-Auto-Response-Suppress: All\n", true},
               {"X-Auto-Response-Suppress: autoreply\n", true},
               {"X-Auto-Response-Suppress: RN, NRN\n", false},
               {"Subject: x\n", false}};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        struct arena a;
        struct headers h;
        arena_init(&a);
        headers_read(&a, str_c(all[i].header), &h);
        assert_int_equal(auto_suppressed(&h), all[i].suppressed);
        arena_clear(&a);
    }
}

static void every_class_but_none_has_a_word(void **state) {
    (void)state;
    assert_null(auto_name(AUTO_NONE));
    for (int c = AUTO_NONE + 1; c < AUTO_CLASSES; c++)
        assert_non_null(auto_name((enum auto_class)c));
}

static void an_absence_note_is_told_by_its_subject(void **state) {
    (void)state;
    assert_int_equal(auto_subject(str_c("Automatic reply: x"), AUTO_NOTIFICATION), AUTO_REPLY);
    assert_int_equal(auto_subject(str_c("Réponse automatique : x"), AUTO_NONE), AUTO_REPLY);
    assert_int_equal(auto_subject(str_c("Automatic reply: x"), AUTO_LIST), AUTO_LIST);
    assert_int_equal(auto_subject(str_c("Re: Automatic reply: x"), AUTO_NONE), AUTO_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_gives_its_class),
        cmocka_unit_test(an_absence_note_is_told_by_its_subject),
        cmocka_unit_test(who_wants_no_answer_is_heard),
        cmocka_unit_test(every_class_but_none_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
