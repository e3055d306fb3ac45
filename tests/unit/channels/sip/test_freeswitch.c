/* FreeSWITCH's records, in each of the ways it writes and posts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/urlencoded.h>

#include "said.h"

/* Members behind "uuid" of a leg that came in at 1764000000 and ended 20 s later. */
static const char *json_of(struct arena *a, const char *more, const char *direction) {
    return arena_strf(
               a,
               "{\"core-uuid\":\"c\",\"channel_data\":{\"state\":\"CS_REPORTING\"},\"variables\":{"
               "\"uuid\":\"leg-1\",\"call_uuid\":\"call-1\",\"direction\":\"%s\","
               "\"start_stamp\":\"2025-11-24%%2017%%3A00%%3A00\",\"start_epoch\":\"1764000000\","
               "\"end_epoch\":\"1764000020\",\"end_uepoch\":\"1764000020123456\","
               "\"caller_id_name\":\"J%%C3%%A4na%%20%%22W%%22\",\"caller_id_number\":\"%%"
               "2B4930123456\","
               "\"destination_number\":\"100\"%s%s},\"callflow\":[{\"caller_profile\":{"
               "\"destination_number\":\"100\"}},{\"caller_profile\":{\"destination_number\":"
               "\"4930555\",\"caller_id_number\":\"%%2B4930123456\",\"caller_id_name\":\"\"},"
               "\"times\":{\"created_time\":\"1764000000000000\"}}]}",
               direction, *more ? "," : "", more)
        .p;
}

static void each_outcome_is_read_from_a_leg(void **state) {
    (void)state;
    static const struct {
        const char *more;
        enum call_outcome outcome;
    } cases[] = {
        {"\"answer_epoch\":\"1764000005\",\"hangup_cause\":\"NORMAL_CLEARING\","
         "\"bridge_uuid\":\"leg-2\",\"last_app\":\"bridge\"",
         CALL_ANSWERED},
        {"\"answer_epoch\":\"0\",\"hangup_cause\":\"ORIGINATOR_CANCEL\"", CALL_ABANDONED},
        {"\"answer_epoch\":\"0\",\"hangup_cause\":\"NORMAL_CLEARING\","
         "\"sip_hangup_disposition\":\"recv_cancel\"",
         CALL_ABANDONED},
        {"\"answer_epoch\":\"0\",\"hangup_cause\":\"NO_ANSWER\"", CALL_NO_ANSWER},
        {"\"hangup_cause\":\"NO_USER_RESPONSE\"", CALL_NO_ANSWER},
        {"\"hangup_cause\":\"ALLOTTED_TIMEOUT\"", CALL_NO_ANSWER},
        {"\"hangup_cause\":\"USER_BUSY\",\"sip_term_status\":\"486\"", CALL_BUSY},
        {"\"hangup_cause\":\"CALL_REJECTED\"", CALL_REJECTED},
        {"\"hangup_cause\":\"UNALLOCATED_NUMBER\"", CALL_FAILED},
        {"\"hangup_cause\":\"NO_ROUTE_DESTINATION\"", CALL_FAILED},
        {"\"answer_epoch\":\"1764000005\",\"hangup_cause\":\"NORMAL_CLEARING\","
         "\"last_app\":\"voicemail\"",
         CALL_VOICEMAIL},
        {"\"answer_epoch\":\"1764000001\",\"cc_queue\":\"support@default\",\"cc_cause\":\"cancel\","
         "\"cc_cancel_reason\":\"BREAK_OUT\",\"last_app\":\"callcenter\"",
         CALL_ABANDONED},
        {"\"answer_epoch\":\"1764000001\",\"cc_queue\":\"support@default\",\"cc_cause\":\"cancel\","
         "\"cc_cancel_reason\":\"TIMEOUT\",\"last_app\":\"callcenter\"",
         CALL_NO_ANSWER},
        {"\"answer_epoch\":\"1764000001\",\"cc_queue\":\"support@default\",\"cc_cause\":"
         "\"answered\","
         "\"cc_agent\":\"anna@default\"",
         CALL_ANSWERED},
        {"\"answer_epoch\":\"1764000001\",\"last_app\":\"ivr\"", CALL_ABANDONED},
        {"\"answer_epoch\":\"1764000001\",\"last_app\":\"bridge\","
         "\"originate_disposition\":\"USER_BUSY\"",
         CALL_BUSY},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct said s;
        said_init(&s, "UTC");
        (void)said_document(&s, &format_freeswitch,
                            str_c(json_of(&s.arena, cases[i].more, "inbound")));
        if (s.n != 1 || s.lines[0].outcome != cases[i].outcome)
            fail_msg("%s: %s, not %s", cases[i].more,
                     s.n ? call_outcome_name(s.lines[0].outcome) : s.why,
                     call_outcome_name(cases[i].outcome));
        said_clear(&s);
    }
}

static void check(const struct call_line *l) {
    assert_true(str_is(l->call_id, "call-1"));
    assert_true(str_is(l->leg, "leg-1"));
    assert_true(str_is(l->caller, "+4930123456"));
    assert_true(str_is(l->callee, "4930555")); /* what was dialled, not where it was sent on */
    assert_int_equal(l->start_ms, 1764000000000);
    assert_int_equal(l->answer_ms, 1764000005000);
    assert_int_equal(l->end_ms, 1764000020123);
    assert_int_equal(l->outcome, CALL_ANSWERED);
}

static const char answered[] = "\"answer_epoch\":\"1764000005\",\"last_app\":\"bridge\","
                               "\"bridge_uuid\":\"leg-2\",\"hangup_cause\":\"NORMAL_CLEARING\","
                               "\"hangup_cause_q850\":\"16\",\"sip_term_status\":\"200\"";

static void json_is_read_in_each_envelope(void **state) {
    (void)state;
    for (int way = 0; way < 6; way++) {
        struct said s;
        cleanup(buf_clear) struct buf body;
        said_init(&s, "UTC");
        buf_init(&body, 64 * 1024);
        struct str json = str_c(json_of(&s.arena, answered, "inbound"));
        assert_true(way == 0 || way == 5 || buf_add_c(&body, "cdr="));
        switch (way) {
        case 0: /* as it is */
        case 1: /* plaintext */
            assert_true(buf_add(&body, json));
            break;
        case 2:
            assert_true(percent_encode(&body, json));
            break;
        case 3:
            assert_true(base64_encode(&body, json));
            break;
        case 4: { /* base64 whose '+' and '=' were escaped */
            cleanup(buf_clear) struct buf plain;
            buf_init(&plain, 64 * 1024);
            assert_true(base64_encode(&plain, json));
            assert_true(percent_encode(&body, buf_str(&plain)));
            break;
        }
        default:
            assert_true(buf_add_c(&body, "uuid=a_leg-1&cdr="));
            assert_true(percent_encode(&body, json));
        }
        assert_int_equal(said_document(&s, &format_freeswitch, buf_str(&body)), FORMAT_LINE);
        assert_int_equal(s.n, 1);
        check(&s.lines[0]);
        assert_true(str_is(s.lines[0].display, "J\xc3\xa4na \"W\""));
        assert_int_equal(s.lines[0].q850, 16);
        assert_int_equal(s.lines[0].code, 200);
        said_clear(&s);
    }
}

static void values_that_are_not_coded_stay_as_they_are(void **state) {
    (void)state;
    static const char plain[] =
        "{\"variables\":{\"uuid\":\"u\",\"start_stamp\":\"2025-11-24 17:00:00\",\"caller_id_name\":"
        "\"100%25 sure\",\"caller_id_number\":\"+4930123456\",\"destination_number\":\"100\","
        "\"hangup_cause\":\"USER_BUSY\",\"end_stamp\":\"2025-11-24 17:00:07\"}}";
    struct said s;
    said_init(&s, "Europe/Berlin");
    assert_int_equal(said_document(&s, &format_freeswitch, str_c(plain)), FORMAT_LINE);
    assert_true(str_is(s.lines[0].display, "100%25 sure"));
    assert_int_equal(s.lines[0].start_ms, 1764000000000); /* 17:00 of a winter's day in Berlin */
    assert_int_equal(s.lines[0].end_ms, 1764000007000);
    assert_true(str_is(s.lines[0].call_id, "u"));
    said_clear(&s);
}

static const char xml[] =
    "<?xml version=\"1.0\"?>\n<cdr core-uuid=\"c\"><channel_data><state>CS_REPORTING</state>"
    "</channel_data><variables><uuid>leg-1</uuid><call_uuid>call-1</call_uuid>"
    "<direction>inbound</direction><start_stamp>2025-11-24%2017%3A00%3A00</start_stamp>"
    "<start_epoch>1764000000</start_epoch><answer_epoch>1764000005</answer_epoch>"
    "<end_uepoch>1764000020123456</end_uepoch><bridge_uuid>leg-2</bridge_uuid>"
    "<caller_id_name>A%20%26%20B</caller_id_name><last_app>bridge</last_app>"
    "<hangup_cause>NORMAL_CLEARING</hangup_cause></variables><app_log/>"
    "<callflow dialplan=\"XML\"><caller_profile><caller_id_number>%2B4930123456</caller_id_number>"
    "<destination_number>100</destination_number><originatee><originatee_caller_profile>"
    "<destination_number>sofia</destination_number></originatee_caller_profile></originatee>"
    "</caller_profile></callflow><callflow><caller_profile><caller_id_name>A%20%26%20B"
    "</caller_id_name><destination_number>4930555</destination_number></caller_profile>"
    "</callflow></cdr>";

static void xml_is_read_in_each_envelope(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct said s;
        cleanup(buf_clear) struct buf body;
        said_init(&s, "UTC");
        buf_init(&body, 64 * 1024);
        assert_true(way == 0 || buf_add_c(&body, "cdr="));
        assert_true(way == 2   ? percent_encode(&body, str_c(xml))
                    : way == 3 ? base64_encode(&body, str_c(xml))
                               : buf_add(&body, str_c(xml)));
        assert_int_equal(said_document(&s, &format_freeswitch, buf_str(&body)), FORMAT_LINE);
        check(&s.lines[0]);
        assert_true(str_is(s.lines[0].display, "A & B"));
        said_clear(&s);
    }
}

static void xml_that_would_expand_is_refused(void **state) {
    (void)state;
    static const char *const bombs[] = {
        "<?xml version=\"1.0\"?><!DOCTYPE cdr [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>"
        "<cdr><variables><uuid>&b;</uuid></variables></cdr>",
        "<!DOCTYPE cdr SYSTEM \"file:///etc/passwd\"><cdr/>",
        "<cdr><variables><uuid>1</uuid>",
        "<html><body/></html>",
        "<cdr>&xxe;</cdr>",
    };
    for (size_t i = 0; i < COUNT(bombs); i++) {
        struct said s;
        said_init(&s, "UTC");
        assert_int_equal(said_document(&s, &format_freeswitch, str_c(bombs[i])), FORMAT_BAD);
        assert_non_null(s.why);
        said_clear(&s);
    }
    struct said s;
    cleanup(buf_clear) struct buf deep;
    said_init(&s, "UTC");
    buf_init(&deep, 1 << 20);
    assert_true(buf_add_c(&deep, "<cdr>"));
    for (int i = 0; i < 50000; i++)
        assert_true(buf_add_c(&deep, "<a>"));
    assert_int_equal(said_document(&s, &format_freeswitch, buf_str(&deep)), FORMAT_BAD);
    said_clear(&s);
}

static void what_is_no_record_is_bad_with_a_reason(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "hello",
        "{",
        "{}",
        "[]",
        "cdr=",
        "cdr=%7B",
        "cdr=!!!",
        "cdr=e30=",
        "{\"variables\":{\"uuid\":\"u\"}}",
        "{\"variables\":[]}",
        "{\"variables\":{\"uuid\":{}}}",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct said s;
        said_init(&s, "UTC");
        if (said_document(&s, &format_freeswitch, str_c(cases[i])) != FORMAT_BAD || !s.why)
            fail_msg("\"%s\" was taken", cases[i]);
        said_clear(&s);
    }
}

static void legs_of_one_call_name_it(void **state) {
    (void)state;
    struct said s;
    said_init(&s, "UTC");
    (void)said_document(&s, &format_freeswitch,
                        str_c(json_of(&s.arena,
                                      "\"hangup_cause\":\"LOSE_RACE\",\"answer_epoch\":\"0\","
                                      "\"dialed_user\":\"ben\"",
                                      "outbound")));
    assert_true(str_is(s.lines[0].call_id, "call-1"));
    assert_true(str_is(s.lines[0].links[0], "leg-1"));
    assert_true(str_is(s.lines[0].target, "ben"));
    assert_true(s.lines[0].rank <= RANK_FAILED); /* says nothing against the one that was faster */
    said_clear(&s);
}

static void a_csv_line_is_cut_from_both_ends(void **state) {
    (void)state;
    static const struct {
        const char *line, *name;
        enum call_outcome outcome;
    } cases[] = {
        {"\"Jana\",\"+4930123456\",\"100\",\"default\",\"2025-11-24 17:00:00\",\"2025-11-24 "
         "17:00:05\",\"2025-11-24 17:00:20\",\"20\",\"15\",\"NORMAL_CLEARING\",\"u-1\",\"u-2\","
         "\"\",\"PCMA\",\"PCMA\"",
         "Jana", CALL_ANSWERED},
        {"\"O\"Brien, \"Pat\", \",\"+4930123456\",\"100\",\"default\",\"2025-11-24 17:00:00\",\"\","
         "\"2025-11-24 17:00:20\",\"20\",\"0\",\"USER_BUSY\",\"u-1\",\"\",\"\",\"\",\"\"",
         "O\"Brien, \"Pat\", ", CALL_BUSY},
        {"\"a\",\"b\",\"+4930123456\",\"100\",\"default\",\"2025-11-24 17:00:00\",\"\","
         "\"2025-11-24 17:00:20\",\"20\",\"0\",\"NO_ANSWER\",\"u-1\",\"\",\"\",\"\",\"\"",
         "a\",\"b", CALL_NO_ANSWER},
    };
    struct said s;
    for (size_t i = 0; i < COUNT(cases); i++) {
        said_init(&s, "Europe/Berlin");
        if (said_one_line(&s, &format_freeswitch_csv, NULL, str_c(cases[i].line)) != FORMAT_LINE)
            fail_msg("%s: %s", cases[i].line, s.why);
        assert_true(str_is(s.lines[0].display, cases[i].name));
        assert_true(str_is(s.lines[0].caller, "+4930123456"));
        assert_true(str_is(s.lines[0].call_id, "u-1"));
        assert_int_equal(s.lines[0].outcome, cases[i].outcome);
        assert_int_equal(s.lines[0].start_ms, 1764000000000);
        said_clear(&s);
    }
    static const struct str names[] = {STR("uuid"), STR("start_epoch"), STR("hangup_cause")};
    static const struct tl_strs columns = {names, 3};
    said_init(&s, "UTC");
    assert_int_equal(said_one_line(&s, &format_freeswitch_csv, &columns,
                                   str_c("u-9,1764000000,\"CALL_REJECTED\"")),
                     FORMAT_LINE);
    assert_int_equal(s.lines[0].outcome, CALL_REJECTED);
    assert_int_equal(said_one_line(&s, &format_freeswitch_csv, NULL, str_c("\"a\",\"b\"")),
                     FORMAT_BAD);
    assert_int_equal(said_one_line(&s, &format_freeswitch_csv, NULL, str_c("")), FORMAT_NOTHING);
    said_clear(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_is_read_from_a_leg),
        cmocka_unit_test(json_is_read_in_each_envelope),
        cmocka_unit_test(values_that_are_not_coded_stay_as_they_are),
        cmocka_unit_test(xml_is_read_in_each_envelope),
        cmocka_unit_test(xml_that_would_expand_is_refused),
        cmocka_unit_test(what_is_no_record_is_bad_with_a_reason),
        cmocka_unit_test(legs_of_one_call_name_it),
        cmocka_unit_test(a_csv_line_is_cut_from_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
