/* test_corpora_mail.c - collected mails and bounces against what their authors expect; prints how
 * many are right and which differ, and fails below the floor that is reached now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "mail_check.h"

#define CORPORA "../shared/corpora/"
enum {
    CHATWOOT_FLOOR = 100 /* percent */,
    READABLE_FLOOR = 97,
    STATUS_FLOOR = 55,
    HARD_FLOOR = 55,
    BOUNCES = 56
};

static bool corpus_absent(const char *folder) {
    char path[300];
    snprintf(path, sizeof path, CORPORA "%s", folder);
    DIR *d = opendir(path);
    if (!d)
        printf("no %s: skipped\n", path);
    else
        closedir(d);
    return !d;
}

static struct mail_read file_mail(const char *folder, const char *name) {
    char path[600];
    struct buf mail;
    buf_init(&mail, 64 << 20);
    snprintf(path, sizeof path, CORPORA "%s/%s", folder, name);
    assert_true(mail_file(path, &mail));
    struct mail_read m = mail_read(buf_str(&mail), "{}");
    buf_clear(&mail);
    return m;
}

/* What chatwoot's own tests say of its mails, in our words. `field` as a path; "#attachments"
 * counts,
 * "~" in front of the value: contains. */
static const struct {
    const char *file, *field, *value;
} chatwoot[] = {
    {"multiple_attachments.eml", "from.email", "test@gmail.com"},
    {"multiple_attachments.eml", "#attachments", "30"},
    {"attachments_without_filename.eml", "#attachments", "2"},
    {"auto_reply.eml", "auto", "auto-reply"},
    {"auto_reply_with_auto_submitted.eml", "auto", "notification"},
    {"references.eml", "reply_text", "References Email"},
    {"references.eml", "references", "~test-reference-id"},
    {"multiple_in_reply_to.eml", "in_reply_to",
     "~4e6e35f5a38b4_479f13bb90078171@small-app-01.mail"},
    {"reply.eml", "reply_text", "Let's talk about these images:"},
    {"reply.eml", "#attachments", "2"},
    {"mail_with_inline_images.eml", "text", "~HTML content and inline images"},
    {"mail_with_plain_text_and_inline_image.eml", "text",
     "~Let's add no HTML content here, just plain text and images"},
    {"mail_with_html_part_no_html_content.eml", "text", "~This is test message."},
    {"reply_to.eml", "reply_text", "Let's talk about these images:"},
    {"reply_to.eml", "reply_to", "~reply+someidmfdvkjdnkjciwyreowuero83@chatwoot.com"},
    {"reply_to.eml", "from.email", "sony@chatwoot.com"},
    {"in_reply_to.eml", "in_reply_to", "~0CB459E0-0336-41DA-BC88-E6E28C697DDB@chatwoot.com"},
    {"mail_with_quote.eml", "reply_text",
     "Yes, I am providing you step how to reproduce this issue"},
    {"support_in_reply_to.eml", "reply_to", "~sony@chatwoot.com"},
    {"support_1.eml", "from.email", "sony@chatwoot.com"},
    {"support_1.eml", "subject", "Get Paid to post an article"},
    {"support_1.eml", "html", "~We are providing you platform from here you can sell paid posts"},
    {"support.eml", "#attachments", "2"},
    {"support_without_sender_name.eml", "from.email", "sony@chatwoot.com"},
    {"support_uppercase.eml", "from.email", "SONY@CHATWOOT.COM"},
    {"group_sender_support.eml", "from.name", "ACME group"},
    {"group_sender_support.eml", "from.email", "jane@example.com"},
    {"mail_with_inline_images.eml", "html", "~cid:ii_lm7fuura0"},
    {"mail_with_inline_images.eml", "#files", "0"},
    {"mail_with_html_part_no_html_content.eml", "#files", "0"},
    {"mail_with_plain_text_and_inline_image.eml", "#files", "0"},
    {"attachments_without_filename.eml", "attachments", "~\"name\":\"attachment_1"},
    {"attachments_without_filename.eml", "attachments", "~\"name\":\"attachment_2"},
    {"attachments_without_text.eml", "text", ""},
    {"auto_reply_with_auto_submitted.eml", "from.email", "~@"},
    {"welcome.eml", "warnings", "~more than a week off"},
    {"welcome.eml", "#attachments", "2"},
    {"support_in_reply_to.eml", "from.email", "~@"},
    {"mail_with_invalid_to.eml", "to", "~vishnu@chatwoot.com"},
    {"mail_with_invalid_to_2.eml", "to", "~vishnu@chatwoot.com"},
    {"reply_mail_without_uuid.eml", "in_reply_to",
     "~conversation/6bdc3f4d-0bec-4515-a284-5d916fdde489/messages/123"},
    {"only_text.eml", "text", "~text only mail"},
    {"only_text.eml", "subject", "test text only mail"},
    {"only_html.eml", "text", "This is html only mail"},
    {"only_html.eml", "subject", "test html only mail"},
    {"only_attachments.eml", "text", ""},
    {"only_attachments.eml", "#attachments", "1"},
    {"only_attachments.eml", "subject", "only attachments"},
    {"html_and_attachments.eml", "reply_text", "This is html and attachments only mail"},
    {"html_and_attachments.eml", "#attachments", "1"},
    {"html_and_attachments.eml", "subject", "attachment with html"},
    {"mail_with_no_subject.eml", "subject", ""},
    {"mail_with_no_date.eml", "warnings", "~date missing"},
    {"mail_with_invalid_to.eml", "from.email", "mark@planetmars.com"},
    {"mail_with_invalid_to_2.eml", "from.email", "mark@planetmars.com"},
    {"welcome.eml", "subject", "Discussion: Let's debate these attachments"},
    {"welcome.eml", "text", "Let's talk about these images:\n\n"},
    {"welcome.eml", "in_reply_to", "~4e6e35f5a38b4_479f13bb90078178@small-app-01.mail"},
    {"welcome_html.eml", "subject",
     "Fwd: How good are you in English? How did you improve your English?"},
    {"welcome_html.eml", "reply_text",
     "~I'm learning English as a first language for the past 13 years, but to"},
    {"non_utf_encoded_mail.eml", "subject", "أهلين عميلنا الكريم"},
    {"non_utf_encoded_mail.eml", "reply_text",
     "~أنظروا، أنا أحتاجها فقط لتقوم بالتدقيق في مقالتي الشخصية"},
    {"reply_cc.eml", "in_reply_to", "[]"},
    {"reply_cc.eml", "cc", "~test@example.com"},
    {"notification.eml", "auto", "notification"},
    {"bounced_with_no_from.eml", "auto", "bounce"},
    {"bounced_with_no_from.eml", "delivery.recipient", "noreply@example-service.com"},
};

static bool field_right(const json_t *tp, const char *field, const char *value) {
    char count[16];
    bool contains = value[0] == '~';
    json_t *member = jread_path(tp, str_c(field));
    if (!strcmp(field, "#files")) { /* attachments that are not shown inside the text */
        const json_t *list = json_object_get(tp, "attachments");
        size_t n = 0;
        for (size_t i = 0; i < json_array_size(list); i++)
            n += !json_is_true(json_object_get(json_array_get(list, i), "inline"));
        snprintf(count, sizeof count, "%zu", n);
        return !strcmp(count, value);
    }
    if (field[0] == '#') {
        snprintf(count, sizeof count, "%zu", json_array_size(json_object_get(tp, field + 1)));
        return !strcmp(count, value);
    }
    char *text = json_is_string(member) ? strdup(json_string_value(member))
                                        : json_dumps(member, JSON_COMPACT);
    bool right = text && (contains ? strstr(text, value + 1) != NULL : !strcmp(text, value));
    free(text);
    return right;
}

static void chatwoots_mails_are_read_as_its_tests_expect(void **state) {
    size_t right = 0;
    (void)state;
    if (corpus_absent("chatwoot/eml"))
        skip();
    for (size_t i = 0; i < COUNT(chatwoot); i++) {
        struct mail_read m = file_mail("chatwoot/eml", chatwoot[i].file);
        assert_int_equal(m.touchpoints, 1);
        if (field_right(m.touchpoint, chatwoot[i].field, chatwoot[i].value))
            right++;
        else
            printf("  differs: %s %s\n", chatwoot[i].file, chatwoot[i].field);
        mail_read_clear(&m);
    }
    printf("corpus chatwoot: %zu of %zu\n", right, COUNT(chatwoot));
    assert_true(right * 100 >= COUNT(chatwoot) * CHATWOOT_FLOOR);
}

/* sisimai writes 5.0.0 or 5.0.9xx where the bounce itself gives no code: then any 5 or none is
 * right. */
static bool status_right(const char *got, const char *expected) {
    if (!strncmp(expected, "5.0.9", 5) || !strcmp(expected, "5.0.0"))
        return !*got || *got == '5';
    return !strcmp(got, expected);
}

/* Its "filtered" means an unknown user that was refused at an unknown moment: soft. */
static unsigned bounce_differs(const json_t *delivery, const json_t *first) {
    enum { STATUS = 1, HARD = 2, CODE = 4, REASON = 8 };
    unsigned differs = 0;
    if (strcmp(mail_text(delivery, "state"), "failed") ||
        !status_right(mail_text(delivery, "status"), mail_text(first, "dsn")))
        differs |= STATUS;
    if (strcmp(mail_text(delivery, "state"), "failed") ||
        json_is_true(json_object_get(delivery, "hard")) !=
            (json_integer_value(json_object_get(first, "hardbounce")) == 1))
        differs |= HARD;
    if (strcmp(mail_text(delivery, "code"), mail_text(first, "replycode")))
        differs |= CODE;
    if (strcmp(mail_text(delivery, "reason"), mail_text(first, "reason")))
        differs |= REASON;
    return differs;
}

static void bounces_are_read_as_sisimai_expects(void **state) {
    static const char *const what[] = {"status", "hard", "code", "reason"};
    size_t right[4] = {0}, whole = 0, total = 0, feedback = 0;
    const char *name;
    json_t *expected, *all = json_load_file(CORPORA "sisimai/expected.json", 0, NULL);
    (void)state;
    if (corpus_absent("sisimai"))
        skip();
    json_object_foreach(all, name, expected) {
        struct mail_read m = file_mail("sisimai", name);
        const json_t *first = json_array_get(expected, 0),
                     *delivery = json_object_get(m.touchpoint, "delivery");
        assert_int_equal(m.touchpoints, 1);
        if (!strcmp(mail_text(first, "reason"), "feedback")) {
            feedback += !strcmp(mail_text(m.touchpoint, "auto"), "feedback");
        } else {
            unsigned differs = bounce_differs(delivery, first);
            for (size_t i = 0; i < COUNT(what); i++)
                right[i] += !(differs & 1u << i);
            whole += !(differs & 7u);
            total++;
            if (differs)
                printf("  differs: %s:%s%s%s%s (%s, not %s)\n", name, differs & 1 ? " status" : "",
                       differs & 2 ? " hard" : "", differs & 4 ? " code" : "",
                       differs & 8 ? " reason" : "", mail_text(delivery, "reason"),
                       mail_text(first, "reason"));
        }
        mail_read_clear(&m);
    }
    json_decref(all);
    for (size_t i = 0; i < COUNT(what); i++)
        printf("sisimai: %s %zu of %zu\n", what[i], right[i], total);
    printf("corpus sisimai: %zu of %zu\n", whole + feedback, total + feedback);
    assert_int_equal(total, BOUNCES);
    assert_int_equal(feedback, 2);
    assert_true(right[0] >= STATUS_FLOOR && right[1] >= HARD_FLOOR);
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

/* One touchpoint, and somebody who reads it sees what was said: the text or an attachment, no byte
 * that was not understood, and a sender where the mail names one with a domain. */
static bool readable(const char *folder, const char *name, const char **out_why) {
    struct mail_read m = file_mail(folder, name);
    const json_t *tp = m.touchpoint;
    char *warnings = json_dumps(json_object_get(tp, "warnings"), 0);
    const char *text = mail_text(tp, "text");
    *out_why = m.touchpoints != 1 || m.bad ? "not one touchpoint"
               : !*text && !json_array_size(json_object_get(tp, "attachments")) ? "empty"
               : strstr(text, "\xef\xbf\xbd") ? "bytes not understood"
               : strstr(warnings, "charset")  ? "charset not known"
               : strstr(warnings, "no parts") ? "no parts"
                                              : NULL;
    free(warnings);
    mail_read_clear(&m);
    return !*out_why;
}

static void every_mail_is_readable(void **state) {
    static const struct {
        const char *folder, *end;
    } folders[] = {{"chatwoot/eml", ".eml"},
                   {"mime4j/mimetools-testmsgs", ".msg"},
                   {"mailkit-imap/common", ".msg"},
                   {"sisimai", ".eml"}};
    (void)state;
    for (size_t i = 0; i < COUNT(folders); i++) {
        char path[300];
        size_t n = 0, right = 0;
        snprintf(path, sizeof path, CORPORA "%s", folders[i].folder);
        DIR *d = corpus_absent(folders[i].folder) ? NULL : opendir(path);
        for (struct dirent *e; d && (e = readdir(d));) {
            const char *why;
            if (!ends_with(e->d_name, folders[i].end))
                continue;
            n++;
            if (readable(folders[i].folder, e->d_name, &why))
                right++;
            else
                printf("  differs: %s: %s\n", e->d_name, why);
        }
        if (d)
            closedir(d);
        printf("corpus %s, readable: %zu of %zu\n", folders[i].folder, right, n);
        assert_true(right * 100 >= n * READABLE_FLOOR);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chatwoots_mails_are_read_as_its_tests_expect),
        cmocka_unit_test(bounces_are_read_as_sisimai_expects),
        cmocka_unit_test(every_mail_is_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
