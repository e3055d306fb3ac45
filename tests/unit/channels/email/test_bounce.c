/* test_bounce.c - reports of mail servers: what became of a mail, and which one it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "email/bounce_words.h"
#include "mail_check.h"

#define REPORT(kind)                                                                               \
    "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\nDate: Mon, 23 Nov 2026 "       \
    "07:00:00 +0000\r\n"                                                                           \
    "Message-ID: <r@mx>\r\nContent-Type: multipart/report; report-type=" kind                      \
    "; boundary=b\r\n\r\n"                                                                         \
    "--b\r\n\r\nSorry.\r\n"
#define STATUS                                                                                     \
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
#define ORIGINAL                                                                                   \
    "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: old\r\nMessage-ID: "                 \
    "<ours@x>\r\n\r\n--b--\r\n"

static const struct {
    const char *what, *mail;
    const char *automatic, *kind, *state, *status, *code, *recipient;
    int hard;
    size_t updates;
} cases[] = {
    {"a failure",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; jana@example.org\r\nAction: failed\r\nStatus: "
     "5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n User unknown\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.1.1", "550", "jana@example.org", true, 1},
    {"a delay is no failure",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; jana@example.org\r\nAction: delayed\r\nStatus: "
     "4.4.1\r\n\r\n" ORIGINAL,
     "notification", "message", "queued", "4.4.1", "", "jana@example.org", false, 0},
    {"a full mailbox is soft",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; jana@example.org\r\nAction: failed\r\nStatus: "
     "5.2.2\r\nDiagnostic-Code: smtp; 552 5.2.2 no room\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.2.2", "552", "jana@example.org", false, 1},
    {"a policy is soft",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; jana@example.org\r\nAction: failed\r\nStatus: "
     "5.7.1\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.7.1", "", "jana@example.org", false, 1},
    {"a vague status, a clear diagnostic",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822;<jana@example.org>\r\nAction: Failed\r\nStatus: "
     "5.0.0\r\nDiagnostic-Code: smtp; 550-5.1.1 gone\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.1.1", "550", "jana@example.org", true, 1},
    {"delivered",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; jana@example.org\r\nAction: delivered\r\nStatus: "
     "2.0.0\r\n\r\n" ORIGINAL,
     "receipt", "receipt", "delivered", "2.0.0", "", "jana@example.org", false, 1},
    {"two recipients",
     REPORT("delivery-status") STATUS
     "Final-Recipient: rfc822; a@b.c\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
     "Final-Recipient: rfc822; d@e.f\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.1.1", "", "a@b.c", true, 2},
    {"fields in another order",
     REPORT("delivery-status") STATUS
     "Action: failed\r\nStatus: 5.1.1\r\nFinal-Recipient: rfc822; a@b.c\r\n\r\n" ORIGINAL,
     "bounce", "message", "failed", "5.1.1", "", "a@b.c", true, 1},
    {"read",
     REPORT(
         "disposition-notification") "--b\r\nContent-Type: "
                                     "message/disposition-notification\r\n\r\nFinal-Recipient: "
                                     "rfc822; jana@example.org\r\nOriginal-Message-ID: "
                                     "<ours@x>\r\nDisposition: "
                                     "manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n",
     "receipt", "receipt", "read", "", "", "jana@example.org", false, 1},
    {"a complaint",
     REPORT("feedback-report") "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: "
                               "abuse\r\n\r\n" ORIGINAL,
     "feedback", "message", "", "", "", "", false, 0},
    {"plain words of a server",
     "From: MAILER-DAEMON@mx.example\r\nSubject: failure "
     "notice\r\n\r\nHi.\r\n\r\n<jana@example.org>:\r\n550 5.1.1 user "
     "unknown\r\n\r\n--- Below this line is a copy.\r\n\r\nReturn-Path: <us@x>\r\nMessage-ID: "
     "<ours@x>\r\n",
     "bounce", "message", "failed", "5.1.1", "550", "jana@example.org", true, 1},
    {"the same words of a person",
     "From: jana@example.org\r\nSubject: failure notice\r\n\r\n<jana@example.org>: 550 5.1.1 user "
     "unknown\r\n",
     "", "message", "", "", "", "", false, 0},
};

static void reports_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mail_read m = mail_read(str_c(cases[i].mail), NULL);
        const json_t *tp = m.touchpoint, *delivery = json_object_get(tp, "delivery");
        assert_int_equal(m.touchpoints, 1);
        bool right = !strcmp(mail_text(tp, "auto"), cases[i].automatic) &&
                     !strcmp(mail_text(tp, "kind"), cases[i].kind) &&
                     !strcmp(mail_text(delivery, "state"), cases[i].state) &&
                     !strcmp(mail_text(delivery, "status"), cases[i].status) &&
                     !strcmp(mail_text(delivery, "code"), cases[i].code) &&
                     !strcmp(mail_text(delivery, "recipient"), cases[i].recipient) &&
                     json_is_true(json_object_get(delivery, "hard")) == cases[i].hard &&
                     json_array_size(m.updates) == cases[i].updates;
        if (!right) {
            char *dump = json_dumps(tp, 0);
            fail_msg("%s: %zu updates, %s", cases[i].what, json_array_size(m.updates), dump);
        }
        mail_read_clear(&m);
    }
}

static void a_report_leads_to_the_mail_it_is_about(void **state) {
    struct mail_read m = mail_read(str_c(cases[0].mail), NULL);
    const json_t *update = json_array_get(m.updates, 0);
    (void)state;
    assert_string_equal(mail_text(update, "message_id"), "<ours@x>");
    assert_string_equal(mail_text(update, "delivery.state"), "failed");
    assert_string_equal(mail_text(update, "at"), "2026-11-23T07:00:00.000Z");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(m.touchpoint, "in_reply_to"), 0)),
        "<ours@x>");
    mail_read_clear(&m);
}

static void codes_are_told_from_other_numbers(void **state) {
    (void)state;
    assert_true(str_is(bounce_status(str_c("said: 5.1.1 no")), "5.1.1"));
    assert_null(bounce_status(str_c("host 5.1.1.7 and version 15.1.1")).p);
    assert_true(str_is(bounce_code(str_c("x 550-no")), "550"));
    assert_null(bounce_code(str_c("5500 and 599 and x550 and 550.5")).p);
}

static const struct {
    const char *what, *words;
    const char *status, *code, *reason, *state;
    int hard;
} plain[] = {
    {"qmail",
     "Hi. This is the qmail-send program at x.example.\nI'm afraid I wasn't able to deliver "
     "your message.\n\n<jana@example.org>:\n192.0.2.1 does not like recipient.\nRemote "
     "host said: 550 5.1.1 <jana@example.org>... User unknown\nGiving up on 192.0.2.1.\n",
     "5.1.1", "550", "userunknown", "failed", true},
    {"qmail, a domain",
     "<jana@example.org>:\nSorry, I couldn't find any host named example.org. "
     "(#5.1.2)\n",
     "5.1.2", "", "hostunknown", "failed", true},
    {"qmail, in the end",
     "<jana@example.org>:\nCNAME lookup failed temporarily. (#4.4.3)\nI'm not "
     "going to try again; this message has been in the queue too long.\n",
     "4.4.3", "", "expired", "failed", false},
    {"exim",
     "  jana@example.org\n    SMTP error from remote mail server after RCPT "
     "TO:<jana@example.org>:\n    host mx.example.org [192.0.2.1]: 550 Unknown user\n",
     "", "550", "userunknown", "failed", true},
    {"exim, after the content",
     "  jana@example.org\n    SMTP error from remote mail server after end "
     "of data:\n    host mx [192.0.2.1]: 550 Unknown user\n",
     "", "550", "filtered", "failed", false},
    {"a warning",
     "Message to <jana@example.org> was delayed for 4 hours. Delivery will be retried.\n "
     "421 4.4.1 timed out\n",
     "4.4.1", "421", "", "queued", false},
    {"a list of the blocked",
     "<jana@example.org>: host mx said: 554 5.7.1 Service unavailable; Client "
     "host [192.0.2.1] blocked using zen.spamhaus.org\n",
     "5.7.1", "554", "blocked", "failed", false},
    {"a user in another language",
     "<jana@example.org>: host mx said: 550 Destinataire inconnu (in reply to RCPT TO command)\n",
     "", "550", "userunknown", "failed", true},
    {"no room left", "<jana@example.org>: host mx said: 552 this user is exceeding their quota\n",
     "", "552", "mailboxfull", "failed", false},
    {"sent too fast",
     "<jana@example.org>: host mx said: 550 Client host rejected: Please try again slower\n", "",
     "550", "speeding", "failed", false},
    {"a host without a name",
     "<jana@example.org>: host mx said: 550 forward DNS entry does not point to the sender\n", "",
     "550", "requireptr", "failed", false},
};

static void an_empty_report_is_read_by_its_words(void **state) {
    struct mail_read m = mail_read(
        str_c("From: MAILER-DAEMON@x.example\nX-Failed-Recipients: jana@example.org\nSubject: "
              "Sorry\nContent-Type: multipart/report; report-type=delivery-status; "
              "boundary=b\n\n--b\n\nSomething happened.\n--b\nContent-Type: "
              "message/delivery-status\n\n\n--b--\n"),
        NULL);
    const json_t *delivery = json_object_get(m.touchpoint, "delivery");
    (void)state;
    assert_string_equal(mail_text(m.touchpoint, "auto"), "bounce");
    assert_string_equal(mail_text(delivery, "recipient"), "jana@example.org");
    assert_string_equal(mail_text(delivery, "state"), "failed");
    mail_read_clear(&m);
}

static void a_complaint_without_a_report_is_one(void **state) {
    struct mail_read m =
        mail_read(str_c("From: staff@x.example\nSubject: complaint about message from 192.0.2.1\n"
                        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
                        "message/rfc822\n\nX-HmXmrOriginalRecipient: jana@example.org\nMessage-ID: "
                        "<ours@x>\nSubject: News\n\nx\n--b--\n"),
                  NULL);
    (void)state;
    assert_string_equal(mail_text(m.touchpoint, "auto"), "feedback");
    mail_read_clear(&m);
}

static void plain_words_of_servers_are_understood(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(plain); i++) {
        char mail[2000];
        snprintf(mail, sizeof mail, "From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n%s",
                 plain[i].words);
        struct mail_read m = mail_read(str_c(mail), NULL);
        const json_t *delivery = json_object_get(m.touchpoint, "delivery");
        if (strcmp(mail_text(delivery, "state"), plain[i].state) ||
            strcmp(mail_text(delivery, "status"), plain[i].status) ||
            strcmp(mail_text(delivery, "code"), plain[i].code) ||
            strcmp(mail_text(delivery, "reason"), plain[i].reason) ||
            json_is_true(json_object_get(delivery, "hard")) != plain[i].hard) {
            char *dump = json_dumps(delivery, 0);
            fail_msg("%s: %s", plain[i].what, dump);
        }
        mail_read_clear(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_read),
        cmocka_unit_test(a_report_leads_to_the_mail_it_is_about),
        cmocka_unit_test(an_empty_report_is_read_by_its_words),
        cmocka_unit_test(a_complaint_without_a_report_is_one),
        cmocka_unit_test(plain_words_of_servers_are_understood),
        cmocka_unit_test(codes_are_told_from_other_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
