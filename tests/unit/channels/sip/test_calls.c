/* Lines to calls: the formats, how a call went, when it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calls_check.h"
#include "sip/number.h"

static void the_same_lines_again_raise_no_revision(void **state) {
    (void)state;
    static const char line[] =
        "x ACC: transaction answered: "
        "timestamp=1795422885;method=INVITE;from_tag=a;to_tag=b;call_id=c1;code=486;"
        "reason=Busy;src_user=+4930;dst_ouser=100";
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(calls, &format_kamailio, NULL, str_c(line), 0);
    feed(calls, &format_kamailio, NULL, str_c(line), 10);
    calls_tick(calls, 5000, collect, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.calls[0]->lines, 1);
    calls_told(calls, found.calls[0]->id, false);
    feed(calls, &format_kamailio, NULL, str_c(line), 5010);
    found.n = 0;
    calls_tick(calls, 9000, collect, &found);
    assert_int_equal(found.n, 0);
    calls_free(calls);
}

static void an_invite_with_487_is_abandoned_without_a_cancel_line(void **state) {
    (void)state;
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(calls, &format_kamailio, NULL,
         str_c("ACC: call missed: "
               "timestamp=1795422885;method=INVITE;from_tag=a;to_tag=b;call_id=c2;code=487;reason="
               "Request Terminated"),
         0);
    calls_tick(calls, 3900, collect, &found);
    assert_int_equal(found.n, 0); /* another branch may follow */
    calls_tick(calls, 4100, collect, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(call_outcome(found.calls[0]), CALL_ABANDONED);
    calls_free(calls);
}

static void a_call_that_is_talking_is_not_told_yet(void **state) {
    (void)state;
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(
        calls, &format_kamailio, NULL,
        str_c(
            "ACC: transaction answered: "
            "timestamp=1795422885;method=INVITE;from_tag=a;to_tag=b;call_id=c3;code=200;reason=OK"),
        0);
    calls_tick(calls, 600000, collect, &found);
    assert_int_equal(found.n, 0);
    assert_non_null(calls_needed(calls, 0));
    calls_free(calls);
}

static void a_bye_alone_is_the_tail_of_another_time(void **state) {
    (void)state;
    struct calls *calls = calls_new();
    struct found found = {0};
    static const char bye[] =
        "ACC: transaction answered: timestamp=1795422890;method=BYE;from_tag=a;"
        "to_tag=b;call_id=c4;code=200;reason=OK",
                      invite[] = "ACC: transaction answered: timestamp=1795422885;method=INVITE;"
                                 "from_tag=a;to_tag=b;call_id=c4;code=200;reason=OK";
    feed(calls, &format_kamailio, NULL, str_c(bye), 0);
    calls_tick(calls, 29999, collect, &found);
    assert_int_equal(found.n, 0);
    assert_int_equal(calls_count(calls), 1);
    calls_tick(calls, 30000, collect, &found);
    assert_int_equal(found.n, 0);
    assert_int_equal(calls_count(calls), 0);
    feed(calls, &format_kamailio, NULL, str_c(bye), 40000);
    feed(calls, &format_kamailio, NULL, str_c(invite), 41000);
    calls_tick(calls, 42000, collect, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(call_outcome(found.calls[0]), CALL_ANSWERED);
    calls_free(calls);
}

static void asterisk_records_end_as_they_say(void **state) {
    (void)state;
    static const struct {
        const char *line, *outcome;
        int64_t start_ms;
    } cases[] = {
        {"\"\",\"+4930123456\",\"100\",\"in\",\"\"\"A\"\" "
         "<+4930123456>\",\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"SIP/100,20\",\"2026-11-23 "
         "09:00:00\",\"2026-11-23 09:00:05\",\"2026-11-23 "
         "09:01:00\",60,55,\"ANSWERED\",\"DOCUMENTATION\",\"1795420800.1\",\"\"",
         "answered", 1795420800000},
        {"\"\",\"030123456\",\"100\",\"in\",\"x\",\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"SIP/"
         "100,20\",\"2026-11-23 09:00:00\",,\"2026-11-23 "
         "09:00:20\",20,0,\"NO ANSWER\",\"DOCUMENTATION\"",
         "no-answer", 1795420800000},
        {"\"\",\"030123456\",\"100\",\"in\",\"x\",\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"SIP/"
         "100,20\",\"2026-11-23 09:00:00\",\"\",\"2026-11-23 "
         "09:00:07\",7,0,\"NO ANSWER\",\"DOCUMENTATION\"",
         "abandoned", 1795420800000},
        {"\"\",\"030123456\",\"100\",\"in\",\"x\",\"SIP/"
         "t-1\",\"\",\"VoiceMail\",\"100@default\",\"2026-07-01 09:00:00\",\"2026-07-01 "
         "09:00:20\",\"2026-07-01 09:00:50\",50,30,\"ANSWERED\",\"DOCUMENTATION\"",
         "voicemail", 1782889200000},
        {"\"\",\"030123456\",\"100\",\"in\",\"x\",\"SIP/t-1\",\"SIP/100-2\",\"Dial\",\"SIP/"
         "100\",\"2026-11-23 09:00:00\",,\"2026-11-23 "
         "09:00:01\",1,0,\"BUSY\",\"DOCUMENTATION\"",
         "busy", 1795420800000},
        {"\"\",\"030123456\",\"100\",\"in\",\"x\",\"SIP/"
         "t-1\",\"\",\"Queue\",\"support\",\"2026-11-23 09:00:00\",\"2026-11-23 "
         "09:00:00\",\"2026-11-23 09:02:01\",121,121,\"ANSWERED\",\"DOCUMENTATION\"",
         "abandoned", 1795420800000},
    };
    struct zone *berlin = zone_open(str_c("Europe/Berlin"));
    assert_non_null(berlin);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct calls *calls = calls_new();
        struct found found = {0};
        feed(calls, &format_asterisk_csv, berlin, str_c(cases[i].line), 0);
        calls_tick(calls, 2000, collect, &found);
        assert_int_equal(found.n, 1);
        assert_string_equal(call_outcome_name(call_outcome(found.calls[0])), cases[i].outcome);
        assert_int_equal(found.calls[0]->start_ms, cases[i].start_ms);
        calls_free(calls);
    }
    zone_free(berlin);
}

static void numbers_follow_the_rules_of_their_trunk(void **state) {
    (void)state;
    static const struct str prefixes[] = {STR("00")};
    static const struct str inbound[] = {STR("+4420794601"), STR("100")};
    const struct trunk_config t = {.country = 49,
                                   .national = STR("0"),
                                   .international = {prefixes, 1},
                                   .inbound = {inbound, 2},
                                   .extensions = STR("2-4")};
    static const struct {
        const char *raw;
        enum number_kind kind;
        const char *text;
        bool inbound;
    } cases[] = {
        {"+4930123456", NUMBER_E164, "+4930123456", false},
        {"030123456", NUMBER_E164, "+4930123456", false},
        {"0044207946999", NUMBER_E164, "+44207946999", false},
        {"+442079460100", NUMBER_E164, "+442079460100", true},
        {"sip:%2B442079460100@host;user=phone", NUMBER_E164, "+442079460100", true},
        {"\"Alice\" <sip:+49 30 123-456@x>", NUMBER_E164, "+4930123456", false},
        {"tel:+1-415-555-0123;ext=7", NUMBER_E164, "+14155550123", false},
        {"100", NUMBER_EXTENSION, "100", true},
        {"1001", NUMBER_EXTENSION, "1001", false},
        {"anonymous", NUMBER_WITHHELD, "", false},
        {"", NUMBER_WITHHELD, "", false},
        {"agent-7", NUMBER_UNKNOWN, "agent-7", false},
        {"+12345678901234567", NUMBER_UNKNOWN, "+12345678901234567", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        arena_init(&a);
        struct number n = number_read(&a, &t, str_c(cases[i].raw));
        assert_int_equal(n.kind, cases[i].kind);
        assert_true(str_is(n.text, cases[i].text));
        assert_int_equal(number_inbound(&t, &n), cases[i].inbound);
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_lines_again_raise_no_revision),
        cmocka_unit_test(an_invite_with_487_is_abandoned_without_a_cancel_line),
        cmocka_unit_test(a_call_that_is_talking_is_not_told_yet),
        cmocka_unit_test(a_bye_alone_is_the_tail_of_another_time),
        cmocka_unit_test(asterisk_records_end_as_they_say),
        cmocka_unit_test(numbers_follow_the_rules_of_their_trunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
