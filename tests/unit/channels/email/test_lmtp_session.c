/* test_lmtp_session.c - bytes in, replies out: commands in and out of turn, and the end of a mail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "email/lmtp_session.h"

enum { MAX_BYTES = 2000 };

static struct lmtp_budget budget;
static struct buf mails; /* each mail taken, then "|" */

static bool find(void *ctx, struct str address, struct str *out) {
    (void)ctx;
    if (str_starts(address, str_c("support")))
        *out = str_c("support");
    else if (str_starts(address, str_c("sales")))
        *out = str_c("sales");
    else
        return false;
    return true;
}

static struct lmtp_session *session_new(size_t max_bytes) {
    budget = (struct lmtp_budget){.max_bytes = 4 * max_bytes};
    buf_clear(&mails);
    buf_init(&mails, 64 << 20);
    return lmtp_session_new(&(struct lmtp_options){
        .host_name = STR("mx"), .max_bytes = max_bytes, .budget = &budget, .find = find});
}

static void take_mail(struct lmtp_session *s, enum tl_status status) {
    assert_true(buf_add(&mails, lmtp_session_mail(s)) && buf_add_byte(&mails, '|'));
    lmtp_session_outcome(s, str_c("support"), status, str_c("p_1"));
    lmtp_session_outcome(s, str_c("sales"), status, str_c("p_2"));
}

/* Feeds in pieces of `step` bytes, keeps every mail with that status, gathers the replies. */
static void feed(struct lmtp_session *s, struct str in, size_t step, enum tl_status status,
                 struct buf *replies) {
    struct buf *said = lmtp_session_replies(s);
    while (in.n) {
        size_t taken = lmtp_session_feed(s, str_upto(in, step));
        in = str_from(in, taken);
        assert_true(buf_add(replies, buf_str(said)));
        bool moved = taken || said->n;
        buf_reset(said);
        if (lmtp_session_state(s) == LMTP_WAIT)
            take_mail(s, status);
        else if (!moved)
            break;
    }
    assert_true(buf_add(replies, buf_str(said)));
    buf_reset(said);
}

#define LHLO "LHLO me\r\n"
#define LHLO_OK                                                                                    \
    "220 mx LMTP Touchline\r\n250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"        \
    "250-SIZE 2000\r\n250 ENHANCEDSTATUSCODES\r\n"
#define TO_SUPPORT "MAIL FROM:<a@b.c>\r\nRCPT TO:<support@x>\r\n"
#define TO_SUPPORT_OK "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n"
#define GO "354 end with CR LF . CR LF\r\n"
#define KEPT "250 2.0.0 p_1 kept\r\n"

/* Behind LHLO; `mails` as the host would get them. */
static const struct {
    const char *what, *in, *out, *mails;
} cases[] = {
    {"a mail", TO_SUPPORT "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n",
     TO_SUPPORT_OK GO KEPT "221 2.0.0 bye\r\n", "Subject: x\r\n\r\nhi\r\n|"},
    {"three recipients, one unknown, one mailbox twice",
     "MAIL FROM:<>\r\nRCPT TO:<support@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<sales@x>\r\nRCPT "
     "TO:<support+1@x>\r\nDATA\r\nhi\r\n.\r\n",
     "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n550 5.1.1 no such mailbox\r\n250 2.1.5 "
     "recipient "
     "ok\r\n250 2.1.5 recipient ok\r\n" GO KEPT "250 2.0.0 p_2 kept\r\n" KEPT,
     "hi\r\n|"},
    {"SMTP's greetings are refused", "EHLO me\r\nHELO me\r\n",
     "500 5.5.1 this is LMTP: say LHLO\r\n500 5.5.1 this is LMTP: say LHLO\r\n", ""},
    {"DATA without a recipient", "MAIL FROM:<a@b.c>\r\nRCPT TO:<who@x>\r\nDATA\r\nRSET\r\nDATA\r\n",
     "250 2.1.0 sender ok\r\n550 5.1.1 no such mailbox\r\n503 5.5.1 no valid recipients\r\n250 "
     "2.0.0 "
     "ok\r\n503 5.5.1 no valid recipients\r\n",
     ""},
    {"commands out of turn", "RCPT TO:<support@x>\r\nMAIL FROM:<a@b.c>\r\nMAIL FROM:<a@b.c>\r\n",
     "503 5.5.1 MAIL first\r\n250 2.1.0 sender ok\r\n503 5.5.1 LHLO first, and one mail at a "
     "time\r\n",
     ""},
    {"parameters",
     "MAIL FROM:<a@b.c> SIZE=10 BODY=8BITMIME SMTPUTF8\r\nRSET\r\nMAIL FROM:<a@b.c> "
     "SIZE=2001\r\nMAIL FROM:<a@b.c> SIZE=99999999999999999999\r\nMAIL FROM:<a@b.c> SIZE=x\r\nMAIL "
     "FROM:<a@b.c> BODY=9BIT\r\nMAIL FROM:<a@b.c> RET=FULL\r\nMAIL FROM:<a@b.c>SIZE=1\r\nRCPT "
     "TO:<support@x> NOTIFY=NEVER\r\n",
     "250 2.1.0 sender ok\r\n250 2.0.0 ok\r\n552 5.3.4 mail is too large\r\n552 5.3.4 mail is too "
     "large\r\n501 5.5.4 SIZE needs a number\r\n501 5.5.4 BODY is 7BIT or 8BITMIME\r\n555 5.5.4 "
     "unknown "
     "parameter\r\n501 5.5.4 MAIL FROM:<address>\r\n503 5.5.1 MAIL first\r\n",
     ""},
    {"addresses",
     "MAIL FROM:<a b@c>\r\nMAIL FROM:<@r,@s:a@b.c>\r\nRSET\r\nMAIL FROM:<\"a>b\"@c.d>\r\nMAIL "
     "FROM:<\xc3\xbc@x>\r\nMAIL FROM:<\xc3\xbc@x> SMTPUTF8\r\n",
     "501 5.1.7 bad sender address\r\n250 2.1.0 sender ok\r\n250 2.0.0 ok\r\n501 5.1.7 bad sender "
     "address\r\n553 5.6.7 address needs SMTPUTF8\r\n250 2.1.0 sender ok\r\n",
     ""},
    {"unknown commands and bytes that no command has", "BDAT 5\r\nNO\001OP\r\nNOOP\n\r\nmail\r\n",
     "500 5.5.2 unknown command\r\n500 5.5.2 bytes that no command has\r\n500 5.5.2 a line ends "
     "with CR "
     "LF\r\n500 5.5.2 unknown command\r\n501 5.5.4 MAIL FROM:<address>\r\n",
     ""},
    {"dots are unstuffed", TO_SUPPORT "DATA\r\n..\r\n.a\r\n...\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     ".\r\na\r\n..\r\n|"},
    {"an empty mail", TO_SUPPORT "DATA\r\n.\r\n", TO_SUPPORT_OK GO KEPT, "|"},
    {"LF . LF is no end", TO_SUPPORT "DATA\r\nhi\n.\nMAIL FROM:<evil@x>\r\n.\r\n",
     TO_SUPPORT_OK GO KEPT, "hi\n.\nMAIL FROM:<evil@x>\r\n|"},
    {"CRLF . LF is no end", TO_SUPPORT "DATA\r\nhi\r\n.\nRCPT TO:<support@x>\r\n.\r\n",
     TO_SUPPORT_OK GO KEPT, "hi\r\n\nRCPT TO:<support@x>\r\n|"},
    {"LF . CRLF is no end", TO_SUPPORT "DATA\r\nhi\n.\r\nDATA\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "hi\n.\r\nDATA\r\n|"},
    {"CR . CR is no end", TO_SUPPORT "DATA\r\nhi\r.\rx\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "hi\r.\rx\r\n|"},
    {"CR . CRLF is no end", TO_SUPPORT "DATA\r\nhi\r.\r\nx\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "hi\r.\r\nx\r\n|"},
    {"CRLF . CR is no end", TO_SUPPORT "DATA\r\nhi\r\n.\rx\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "hi\r\n\rx\r\n|"},
    {"CRLF . CR CR LF is no end", TO_SUPPORT "DATA\r\nhi\r\n.\r\r\nx\r\n.\r\n",
     TO_SUPPORT_OK GO KEPT, "hi\r\n\r\r\nx\r\n|"},
    {"CR CRLF . CRLF is one", TO_SUPPORT "DATA\r\nhi\r\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "hi\r\r\n|"},
    {"our own loop", TO_SUPPORT "DATA\r\nX-touchline-loop: 1\r\n\r\nhi\r\n.\r\nNOOP\r\n",
     TO_SUPPORT_OK GO "554 5.4.6 mail goes round in a loop\r\n250 2.0.0 ok\r\n", ""},
    {"a loop field in the body is text",
     TO_SUPPORT "DATA\r\na: b\r\n\r\nX-Touchline-Loop: 1\r\n.\r\n", TO_SUPPORT_OK GO KEPT,
     "a: b\r\n\r\nX-Touchline-Loop: 1\r\n|"},
    {"two mails in one connection", TO_SUPPORT "DATA\r\n1\r\n.\r\n" TO_SUPPORT "DATA\r\n2\r\n.\r\n",
     TO_SUPPORT_OK GO KEPT TO_SUPPORT_OK GO KEPT, "1\r\n|2\r\n|"},
};

static void every_case_is_answered_as_written(void **state) {
    static const size_t steps[] = {1, 2, 3, 7, 100000};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < COUNT(steps); j++) {
            struct lmtp_session *s = session_new(MAX_BYTES);
            struct buf replies, expected;
            buf_init(&replies, 1 << 20);
            buf_init(&expected, 1 << 20);
            assert_true(buf_add_c(&expected, LHLO_OK) && buf_add_c(&expected, cases[i].out));
            feed(s, str_c(LHLO), steps[j], TL_KEPT, &replies);
            feed(s, str_c(cases[i].in), steps[j], TL_KEPT, &replies);
            if (!str_eq(buf_str(&replies), buf_str(&expected)) ||
                !str_is(buf_str(&mails), cases[i].mails))
                fail_msg("%s (steps of %zu):\n%s\nmails: %s", cases[i].what, steps[j],
                         buf_c(&replies), buf_c(&mails));
            buf_clear(&replies);
            buf_clear(&expected);
            lmtp_session_free(s);
            assert_int_equal(budget.used_bytes, 0);
        }
    }
    buf_clear(&mails);
}

static size_t times(struct str text, const char *what) {
    size_t n = 0;
    for (const char *at = text.p; at && (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* Feeds `head`, then `piece` n times, then `tail`; gives the replies. */
static struct buf flood(size_t max_bytes, const char *head, const char *piece, size_t n,
                        const char *tail, enum tl_status status) {
    struct lmtp_session *s = session_new(max_bytes);
    struct buf replies, in;
    buf_init(&replies, 16 << 20);
    buf_init(&in, 64 << 20);
    assert_true(buf_add_c(&in, head));
    for (size_t i = 0; i < n; i++)
        assert_true(buf_add_c(&in, piece));
    assert_true(buf_add_c(&in, tail));
    feed(s, buf_str(&in), 65536, status, &replies);
    buf_clear(&in);
    lmtp_session_free(s);
    assert_int_equal(budget.used_bytes, 0);
    buf_clear(&mails);
    return replies;
}

static void each_outcome_has_its_reply(void **state) {
    static const struct {
        enum tl_status status;
        const char *reply;
    } outcomes[] = {{TL_APPLIED, "250 2.0.0 p_1 kept\r\n"},
                    {TL_KEPT, "250 2.0.0 p_1 kept\r\n"},
                    {TL_DUPLICATE, "250 2.0.0 p_1 kept already\r\n"},
                    {TL_MISMATCH, "250 2.0.0 p_1 kept already\r\n"},
                    {TL_BUSY, "452 4.3.1 cannot keep it now\r\n"},
                    {TL_FAILED, "451 4.3.0 cannot keep it now\r\n"},
                    {TL_REFUSED, "554 5.6.0 not accepted\r\n"}};
    (void)state;
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        struct buf out =
            flood(MAX_BYTES, LHLO TO_SUPPORT "DATA\r\nhi\r\n.\r\n", "", 0, "", outcomes[i].status);
        if (!str_ends(buf_str(&out), str_c(outcomes[i].reply)))
            fail_msg("status %d: %s", outcomes[i].status, buf_c(&out));
        buf_clear(&out);
    }
}

static void a_mail_above_the_size_is_refused_once_it_has_ended(void **state) {
    (void)state;
    struct buf out = flood(MAX_BYTES, LHLO TO_SUPPORT "RCPT TO:<sales@x>\r\nDATA\r\n",
                           "123456789\r\n", 200, ".\r\nNOOP\r\n", TL_KEPT);
    assert_true(
        str_ends(buf_str(&out), str_c(GO "552 5.3.4 mail is too large\r\n552 5.3.4 mail is too "
                                         "large\r\n250 2.0.0 ok\r\n")));
    buf_clear(&out);
    out = flood(2002, LHLO TO_SUPPORT "DATA\r\n", "123456789\r\n", 182, ".\r\n", TL_KEPT);
    assert_true(str_ends(buf_str(&out), str_c(KEPT))); /* exactly the limit */
    buf_clear(&out);
}

static void more_mail_than_all_sessions_may_hold_is_put_off(void **state) {
    (void)state;
    struct lmtp_session *s = session_new(MAX_BYTES);
    struct buf replies;
    buf_init(&replies, 1 << 16);
    budget.max_bytes = 10;
    feed(s, str_c(LHLO TO_SUPPORT "DATA\r\n123456789abcdef\r\n.\r\n"), 4, TL_KEPT, &replies);
    assert_true(str_ends(buf_str(&replies), str_c("452 4.3.1 too much mail under way\r\n")));
    lmtp_session_free(s);
    buf_clear(&replies);
    buf_clear(&mails);
    assert_int_equal(budget.used_bytes, 0);
}

static void fifty_one_received_fields_are_a_loop(void **state) {
    (void)state;
    struct buf out = flood(100000, LHLO TO_SUPPORT "DATA\r\n", "Received: x\r\n y\r\n", 50,
                           "\r\n.\r\n", TL_KEPT);
    assert_true(str_ends(buf_str(&out), str_c(KEPT)));
    buf_clear(&out);
    out = flood(100000, LHLO TO_SUPPORT "DATA\r\n", "Received: x\r\n y\r\n", 51, "\r\n.\r\n",
                TL_KEPT);
    assert_true(str_ends(buf_str(&out), str_c("554 5.4.6 mail goes round in a loop\r\n")));
    buf_clear(&out);
}

static void floods_end(void **state) {
    (void)state;
    struct buf out = flood(MAX_BYTES, LHLO, "NOOP\r\n", 10000, "", TL_KEPT);
    assert_true(str_ends(buf_str(&out), str_c("421 4.7.0 too many commands without a mail\r\n")));
    buf_clear(&out);
    out = flood(MAX_BYTES, LHLO, "HACK\r\n", 1000, "", TL_KEPT);
    assert_int_equal(times(buf_str(&out), "500 5.5.2"), LMTP_BAD_MAX);
    assert_true(str_ends(buf_str(&out), str_c("421 4.7.0 too many errors\r\n")));
    buf_clear(&out);
    out = flood(MAX_BYTES, LHLO "MAIL FROM:<>\r\n", "RCPT TO:<support@x>\r\n", 1500,
                "DATA\r\nx\r\n.\r\n", TL_KEPT);
    assert_int_equal(times(buf_str(&out), "250 2.1.5"), 1000);
    assert_int_equal(times(buf_str(&out), "452 4.5.3"), 500);
    assert_int_equal(times(buf_str(&out), "p_1 kept"), 1000);
    buf_clear(&out);
}

static void a_line_of_five_thousand_bytes_is_answered_once(void **state) {
    (void)state;
    struct buf out = flood(MAX_BYTES, LHLO "NOOP ", "0123456789", 500, "\r\nNOOP\r\n", TL_KEPT);
    assert_true(
        str_ends(buf_str(&out), str_c("CODES\r\n500 5.5.2 line is too long\r\n250 2.0.0 ok\r\n")));
    buf_clear(&out);
}

static void nothing_is_read_while_a_mail_waits_for_its_outcome(void **state) {
    (void)state;
    struct lmtp_session *s = session_new(MAX_BYTES);
    struct str in = str_c(LHLO TO_SUPPORT "DATA\r\nhi\r\n.\r\nQUIT\r\n");
    assert_int_equal(lmtp_session_feed(s, in), in.n - 6);
    assert_int_equal(lmtp_session_state(s), LMTP_WAIT);
    assert_int_equal(lmtp_session_feed(s, str_from(in, in.n - 6)), 0);
    buf_reset(lmtp_session_replies(s));
    lmtp_session_outcome(s, str_c("sales"), TL_KEPT, str_c("p_9")); /* not one of its mailboxes */
    assert_int_equal(lmtp_session_state(s), LMTP_WAIT);
    lmtp_session_outcome(s, str_c("support"), TL_KEPT, str_c("p_1"));
    assert_string_equal(buf_c(lmtp_session_replies(s)), KEPT);
    assert_int_equal(lmtp_session_feed(s, str_from(in, in.n - 6)), 6);
    assert_int_equal(lmtp_session_state(s), LMTP_CLOSED);
    lmtp_session_free(s);
}

static void ten_megabytes_of_dots_take_no_time(void **state) {
    (void)state;
    clock_t begun = clock();
    struct buf out =
        flood(32 << 20, LHLO TO_SUPPORT "DATA\r\n", "..\r\n.\r.\n", 1 << 20, "\r\n.\r\n", TL_KEPT);
    assert_true(str_ends(buf_str(&out), str_c(KEPT)));
    buf_clear(&out);
    assert_true(clock() - begun < CLOCKS_PER_SEC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_answered_as_written),
        cmocka_unit_test(each_outcome_has_its_reply),
        cmocka_unit_test(a_mail_above_the_size_is_refused_once_it_has_ended),
        cmocka_unit_test(more_mail_than_all_sessions_may_hold_is_put_off),
        cmocka_unit_test(fifty_one_received_fields_are_a_loop),
        cmocka_unit_test(floods_end),
        cmocka_unit_test(a_line_of_five_thousand_bytes_is_answered_once),
        cmocka_unit_test(nothing_is_read_while_a_mail_waits_for_its_outcome),
        cmocka_unit_test(ten_megabytes_of_dots_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
