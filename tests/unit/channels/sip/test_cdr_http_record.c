/* The generic call record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "said.h"

static void a_whole_record_is_read(void **state) {
    (void)state;
    static const char text[] =
        "{\"call_id\":\"x-1\",\"direction\":\"inbound\",\"caller\":{\"e164\":\"+4930123456\","
        "\"display\":\"Jana\"},\"callee\":\"+4930555\",\"start\":\"2025-11-24T16:00:00.000Z\","
        "\"answer\":1764000005,\"end\":1764000020123,\"disposition\":\"answered\",\"sip_code\":200,"
        "\"q850\":16,\"queue\":\"support\",\"agent\":\"anna\",\"recording\":\"/r/1.wav\","
        "\"transfer\":true,\"more\":{\"is\":\"ignored\"}}";
    struct said s;
    said_init(&s, "UTC");
    assert_int_equal(said_document(&s, &format_json, str_c(text)), FORMAT_LINE);
    const struct call_line *l = &s.lines[0];
    assert_int_equal(s.n, 1);
    assert_true(str_is(l->call_id, "x-1") && str_is(l->caller, "+4930123456"));
    assert_true(str_is(l->display, "Jana") && str_is(l->callee, "+4930555"));
    assert_int_equal(l->direction, DIRECTION_INBOUND);
    assert_int_equal(l->start_ms, 1764000000000);
    assert_int_equal(l->answer_ms, 1764000005000);
    assert_int_equal(l->end_ms, 1764000020123);
    assert_int_equal(l->outcome, CALL_ANSWERED);
    assert_int_equal(l->code, 200);
    assert_int_equal(l->q850, 16);
    assert_true(str_is(l->queue, "support") && str_is(l->agent, "anna"));
    assert_true(str_is(l->recording, "/r/1.wav") && l->transfer);
    said_clear(&s);
}

static void how_it_went_is_said_or_worked_out(void **state) {
    (void)state;
    static const struct {
        const char *more;
        enum call_outcome outcome;
    } cases[] = {
        {"\"disposition\":\"NO ANSWER\"", CALL_NO_ANSWER},
        {"\"disposition\":\"no-answer\"", CALL_NO_ANSWER},
        {"\"disposition\":\"Busy\"", CALL_BUSY},
        {"\"disposition\":\"abandoned\"", CALL_ABANDONED},
        {"\"disposition\":\"voicemail\"", CALL_VOICEMAIL},
        {"\"sip_code\":\"486\"", CALL_BUSY},
        {"\"sip_code\":487", CALL_ABANDONED},
        {"\"sip_code\":503", CALL_FAILED},
        {"\"duration\":20,\"talk\":15", CALL_ANSWERED},
        {"\"duration\":20,\"talk\":0", CALL_NO_ANSWER},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct said s;
        said_init(&s, "UTC");
        struct str text =
            arena_strf(&s.arena, "{\"call_id\":\"x\",\"start\":1764000000,%s}", cases[i].more);
        (void)said_document(&s, &format_json, text);
        if (s.n != 1 || s.lines[0].outcome != cases[i].outcome)
            fail_msg("%s: %s", cases[i].more, s.n ? call_outcome_name(s.lines[0].outcome) : s.why);
        said_clear(&s);
    }
}

static void a_bad_record_does_not_take_its_siblings_along(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t good, bad;
    } cases[] = {
        {"[{\"call_id\":\"a\",\"start\":1764000000},{\"start\":1},7,"
         "{\"call_id\":\"b\",\"start\":\"2025-11-24 17:00:00\"}]",
         2, 2},
        {"{\"call_id\":\"a\",\"start\":1764000000}\n\n{\"call_id\":\"b\"}\nno\n"
         "{\"call_id\":\"c\",\"start\":1764000000}",
         2, 2},
        {"{\"call_id\":\"a\",\"start\":1764000000,\"disposition\":\"maybe\"}", 0, 1},
        {"{\"call_id\":\"a\",\"start\":\"soon\"}", 0, 1},
        {"{\"call_id\":\"a\",\"start\":-5}", 0, 1},
        {"{\"call_id\":\"\",\"start\":1764000000}", 0, 1},
        {"nothing", 0, 1},
        {"[]", 0, 0},
        {"{\"call_id\":{},\"start\":[]}", 0, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct said s;
        said_init(&s, "Europe/Berlin");
        (void)said_document(&s, &format_json, str_c(cases[i].text));
        if (s.n != cases[i].good || s.bad != cases[i].bad)
            fail_msg("%s: %zu good, %zu bad", cases[i].text, s.n, s.bad);
        said_clear(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_record_is_read),
        cmocka_unit_test(how_it_went_is_said_or_worked_out),
        cmocka_unit_test(a_bad_record_does_not_take_its_siblings_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
