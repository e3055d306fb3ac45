/* Kamailio and OpenSIPS: each way in which they account a call, over recorded and documented lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include <touchline/kit/jread.h>

#include "calls_check.h"
#include "sip/acc.h"

static const char kamailio[] = "../shared/corpora/kamailio-sipp",
                  opensips[] = "../shared/corpora/opensips";

/* ---- a recorded run of real calls ---- */

struct way {
    const char *name;
    const struct format *format;
    const char *files[4];
    const char *only; /* lines with this word alone, or all */
    bool numbers;     /* it says who called whom */
};

/* Lines that hold the word, and for tables their first line. */
static void keep_lines(char *text, const char *word) {
    char *to = text, *from = text;
    while (*from) {
        char *end = strchr(from, '\n');
        size_t n = end ? (size_t)(end - from) + 1 : strlen(from);
        if (memmem(from, n, word, strlen(word))) {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    *to = '\0';
}

static bool is_as_meant(const struct way *w, const struct call *c, json_t *one) {
    const char *meant = json_string_value(json_object_get(one, "intended_outcome"));
    double lasted = json_number_value(json_object_get(one, "cdr_duration"));
    /* 480 is the phone that is not there: it rang out, in the normal form's words. */
    if (strcmp(meant, "unavailable") == 0)
        meant = "no-answer";
    if (!c || strcmp(call_outcome_name(call_outcome(c)), meant) != 0)
        return false;
    if (w->numbers) {
        const char *caller = json_string_value(json_object_get(one, "caller_as_dialled")),
                   *callee = json_string_value(json_object_get(one, "callee"));
        if (!memmem(c->caller.p, c->caller.n, caller, strlen(caller)) ||
            !memmem(c->callee.p, c->callee.n, callee, strlen(callee)))
            return false;
    }
    /* Tables and acc_json keep whole seconds alone. */
    double talked = lasted > 0 ? (double)(c->end_ms - call_answer_ms(c)) / 1000 : lasted;
    return fabs(talked - lasted) < 1.1;
}

static bool right_by(const struct way *w, json_t *expected) {
    struct calls *calls = calls_new();
    struct found found = {0};
    json_t *one;
    size_t i, right = 0;
    for (size_t k = 0; k < COUNT(w->files) && w->files[k]; k++) {
        char *text = read_file(kamailio, w->files[k]);
        assert_non_null(text);
        if (w->only)
            keep_lines(text, w->only);
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(w->files[k], "."), w->files[k]);
        struct feeding how = {.format = w->format, .name = name};
        feed_all(calls, &how, str_c(text), 1000);
        assert_int_equal(how.bad, 0);
        free(text);
    }
    calls_tick(calls, 1000 + 10000, collect, &found);
    json_array_foreach(expected, i, one) {
        const char *id = json_string_value(json_object_get(one, "call_id"));
        bool ok = is_as_meant(w, by_id(&found, id), one);
        right += ok;
        if (!ok)
            print_message("differs: %s by %s\n", id, w->name);
    }
    print_message("corpus kamailio-sipp (%s): %zu of %zu\n", w->name, right,
                  json_array_size(expected));
    bool all = right == json_array_size(expected) && found.n == right;
    calls_free(calls);
    return all;
}

static void every_call_of_the_corpus_ends_as_its_author_meant(void **state) {
    (void)state;
    static const struct way ways[] = {
        {"syslog", &format_kamailio, {"syslog.log"}, NULL, true},
        {"acc lines", &format_kamailio, {"syslog.log"}, "ACC: ", true},
        {"json", &format_kamailio, {"syslog.log"}, "json_acc", true},
        {"tables",
         &format_kamailio_dbtext,
         {"acc.dbtext", "missed_calls.dbtext", "acc_cdrs.dbtext"},
         NULL,
         true},
        {"tables without cdrs",
         &format_kamailio_dbtext,
         {"missed_calls.dbtext", "acc.dbtext"},
         NULL,
         false},
    };
    char *text = read_file(kamailio, "expected.json");
    if (!text) {
        print_message("skipped: the corpora are not here (%s)\n", kamailio);
        skip();
    }
    json_t *expected = json_loads(text, 0, NULL);
    bool all = true;
    for (size_t i = 0; i < COUNT(ways); i++)
        all &= right_by(&ways[i], expected);
    assert_true(all);
    json_decref(expected);
    free(text);
}

static void the_documented_lines_of_opensips_mean_what_its_tutorial_says(void **state) {
    (void)state;
    static const struct {
        const char *id, *outcome; /* NULL: not told, only its end is there */
        int64_t talk_ms;          /* -1: unknown */
        size_t legs;
    } meant[] = {{"ezUcDyVPC9jgwtk35eamdhmIo31RSScI", NULL, -1, 0},
                 {"vonxx1.d4qh9nfPmFBpu46u7Vvq5c8re", NULL, -1, 0}, /* still talking */
                 {"182969767", "no-answer", 0, 0},
                 {"1766189979", "answered", 4250, 0},
                 {"604787970", "answered", 4762, 2}};
    char *text = read_file(opensips, "documented-acc-lines.log");
    if (!text) {
        print_message("skipped: the corpora are not here (%s)\n", opensips);
        skip();
    }
    struct calls *calls = calls_new();
    struct found found = {0};
    size_t right = 0;
    feed(calls, &format_opensips, NULL, str_c(text), 1000);
    calls_tick(calls, 11000, collect, &found);
    for (size_t i = 0; i < COUNT(meant); i++) {
        struct call *c = by_id(&found, meant[i].id);
        bool ok = !c == !meant[i].outcome;
        if (c && ok) {
            ok = strcmp(call_outcome_name(call_outcome(c)), meant[i].outcome) == 0 &&
                 c->legs_n == meant[i].legs;
            if (call_outcome(c) == CALL_ANSWERED)
                ok &= c->end_ms - call_answer_ms(c) == meant[i].talk_ms;
        }
        right += ok;
        if (!ok)
            print_message("differs: %s\n", meant[i].id);
    }
    struct call *several = by_id(&found, "604787970");
    assert_true(str_is(several->caller, "Alice") && str_is(several->callee, "Bob"));
    assert_true(str_is(several->target, "Charlie"));
    print_message("corpus opensips: %zu of %zu\n", right, COUNT(meant));
    assert_int_equal(right, COUNT(meant));
    calls_free(calls);
    free(text);
}

/* ---- single lines ---- */

static void values_end_only_where_a_field_begins(void **state) {
    (void)state;
    static const struct {
        const char *line, *name, *value;
    } cases[] = {
        {"r_uri=sip:127.0.0.1:15070;transport=UDP; src_ip=127.0.0.1", "r_uri",
         "sip:127.0.0.1:15070;transport=UDP"},
        {"r_uri=sip:127.0.0.1:15070;transport=UDP; src_ip=127.0.0.1", "src_ip", "127.0.0.1"},
        {"ua=Phone 1;x;2;own_field=7", "ua", "Phone 1;x;2"},
        {"ua=Phone 1;x;2;own_field=7", "own_field", "7"},
        {"src_user=a;dst_user=b", "dst_user", "b"},
        {"src_user=;dst_user=b", "src_user", ""},
        {"from_uri=<sip:a@b;user=phone;x=y>;to_uri=sip:c@d;lr=on", "from_uri",
         "<sip:a@b;user=phone;x=y>"},
        {"from_uri=<sip:a@b;user=phone;x=y>;to_uri=sip:c@d;lr=on", "to_uri", "sip:c@d;lr=on"},
        {"code=486;reason=Busy; Here;code=200", "code", "486"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct acc f;
        size_t at = 0;
        acc_split(str_c(cases[i].line), &f);
        while (at < f.n && !str_is(f.items[at].name, cases[i].name))
            at++;
        assert_true(at < f.n);
        if (!str_is(f.items[at].value, cases[i].value))
            fail_msg("%s: %.*s", cases[i].line, STR_ARG(f.items[at].value));
    }
}

static void missed_and_answered_tell_the_same_in_either_order(void **state) {
    (void)state;
    static const char missed[] = "ACC: call missed: timestamp=1795422885;method=INVITE;from_tag=a;"
                                 "to_tag=b;call_id=c1;code=408;reason=x;dst_user=agent-1\n",
                      answered[] = "ACC: transaction answered: timestamp=1795422890;method=INVITE;"
                                   "from_tag=a;to_tag=c;call_id=c1;code=200;reason=OK;"
                                   "dst_user=agent-2\n",
                      bye[] = "ACC: transaction answered: timestamp=1795422900;method=BYE;"
                              "from_tag=a;to_tag=c;call_id=c1;code=200;reason=OK\n";
    const char *const orders[][3] = {{missed, answered, bye},
                                     {bye, answered, missed},
                                     {answered, missed, bye},
                                     {bye, missed, answered}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct calls *calls = calls_new();
        struct found found = {0};
        for (size_t k = 0; k < 3; k++)
            feed(calls, &format_kamailio, NULL, str_c(orders[i][k]), (int64_t)k);
        calls_tick(calls, 5000, collect, &found);
        assert_int_equal(found.n, 1);
        const struct call *c = found.calls[0];
        assert_int_equal(call_outcome(c), CALL_ANSWERED);
        assert_int_equal(call_answer_ms(c), 1795422890000);
        assert_int_equal(c->end_ms, 1795422900000);
        assert_true(str_is(c->target, "agent-2"));
        assert_int_equal(c->legs_n, 2);
        calls_free(calls);
    }
}

static void rows_of_a_flat_store_are_paired_across_files(void **state) {
    (void)state;
    struct zone *utc = zone_open(STR_NONE);
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(
        calls, &format_kamailio_flat, utc,
        str_c("BYE|a|b|f1|200|OK|2026-11-23 08:35:17\nINVITE|a||f2|486|Busy \\| Here|1795422900\n"),
        0);
    feed(calls, &format_kamailio_flat, utc, str_c("INVITE|a|b|f1|200|OK|2026-11-23 08:35:07\n"), 1);
    calls_tick(calls, 9000, collect, &found);
    assert_int_equal(found.n, 2);
    assert_int_equal(call_outcome(by_id(&found, "f1")), CALL_ANSWERED);
    assert_int_equal(by_id(&found, "f1")->end_ms - call_answer_ms(by_id(&found, "f1")), 10000);
    assert_int_equal(call_outcome(by_id(&found, "f2")), CALL_BUSY);
    calls_free(calls);
    zone_free(utc);
}

static void an_event_of_opensips_is_read(void **state) {
    (void)state;
    struct calls *calls = calls_new();
    struct found found = {0};
    feed(calls, &format_opensips, NULL,
         str_c("{\"jsonrpc\":\"2.0\",\"method\":\"E_ACC_CDR\",\"params\":{\"method\":\"INVITE\","
               "\"callid\":\"e1\",\"sip_code\":\"200\",\"sip_reason\":\"OK\",\"time\":1795422885,"
               "\"duration\":7,\"setuptime\":3,\"created\":1795422882,\"caller\":\"+4930123\"}}\n"
               "{\"jsonrpc\":\"2.0\",\"method\":\"E_ACC_MISSED_EVENT\",\"params\":{\"method\":"
               "\"INVITE\",\"callid\":\"e2\",\"sip_code\":\"487\",\"time\":1795422885}}\n"),
         0);
    calls_tick(calls, 9000, collect, &found);
    assert_int_equal(found.n, 2);
    const struct call *c = by_id(&found, "e1");
    assert_int_equal(call_outcome(c), CALL_ANSWERED);
    assert_int_equal(c->start_ms, 1795422882000);
    assert_int_equal(c->end_ms, 1795422892000);
    assert_int_equal(call_outcome(by_id(&found, "e2")), CALL_ABANDONED);
    calls_free(calls);
}

static void a_line_that_cannot_be_read_is_bad_and_not_nothing(void **state) {
    (void)state;
    static const char *const lines[] = {
        "ACC: transaction answered: timestamp=1795422885;method=INVITE;code=200",
        "ACC: call missed: timestamp=1795422885;method=INVITE;call_id=x;code=2000",
        "start_time=tomorrow; end_time=1; duration=2; callid=x",
        "json_acc: {\"method\": \"INVITE\", \"callid\": \"x\", \"sip_code\": ",
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct calls *calls = calls_new();
        struct feeding how = {.format = &format_kamailio};
        feed_all(calls, &how, str_c(lines[i]), 0);
        assert_int_equal(how.bad, 1);
        calls_free(calls);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_the_corpus_ends_as_its_author_meant),
        cmocka_unit_test(the_documented_lines_of_opensips_mean_what_its_tutorial_says),
        cmocka_unit_test(values_end_only_where_a_field_begins),
        cmocka_unit_test(missed_and_answered_tell_the_same_in_either_order),
        cmocka_unit_test(rows_of_a_flat_store_are_paired_across_files),
        cmocka_unit_test(an_event_of_opensips_is_read),
        cmocka_unit_test(a_line_that_cannot_be_read_is_bad_and_not_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
