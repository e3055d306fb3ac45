/* test_read.c - a mail to a touchpoint: parts, charsets, dates, threads, and mails that were made
 * to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "mail_check.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOW = 1 }; /* the sanitizers watch every byte */
#else
enum { SLOW = 0 };
#endif

#define HEAD                                                                                       \
    "From: Jana <jana@example.org>\r\nDate: Mon, 23 Nov 2026 07:00:00 +0000\r\nMessage-ID: "       \
    "<1@x>\r\n"

/* `field` as a path; "#name" counts a list; "~" in front of the value: contains; "null". */
static const struct {
    const char *what, *mail, *field, *value;
} cases[] = {
    {"plain", HEAD "Subject: Hi\r\n\r\nText\r\n", "text", "Text\n"},
    {"sender", HEAD "\r\n", "from.email", "jana@example.org"},
    {"the date it bears", HEAD "\r\n", "at", "2026-11-23T07:00:00.000Z"},
    {"a date of last year", "From: a@b\r\nDate: Mon, 23 Nov 2025 07:00:00 +0000\r\n\r\n", "at",
     "null"},
    {"its warning", "From: a@b\r\nDate: Mon, 23 Nov 2025 07:00:00 +0000\r\n\r\n", "warnings",
     "~a week off"},
    {"no date", "From: a@b\r\n\r\n", "warnings", "~date missing"},
    {"no sender", "Subject: x\r\n\r\n", "from.email", "jana@example.org"}, /* the envelope's */
    {"several senders", "From: a@b.c, d@e.f\r\nSender: d@e.f\r\n\r\n", "from.email", "d@e.f"},
    {"a forged name stays a name", "From: \"boss@corp.example\" <x@evil.example>\r\n\r\n",
     "from.email", "x@evil.example"},
    {"encoded subject", HEAD "Subject: =?utf-8?Q?Gr=C3=BC?=\r\n =?utf-8?B?w59l?=\r\n\r\n",
     "subject", "Grüße"},
    {"a character split over two words", HEAD "Subject: =?utf-8?B?ww==?= =?utf-8?B?nw==?=\r\n\r\n",
     "subject", "ß"},
    {"raw latin subject",
     HEAD "Subject: Gr\xfc\xdf"
          "e\r\n\r\n",
     "subject", "Grüße"},
    {"controls in a subject", HEAD "Subject: =?utf-8?Q?a=0D=0ABcc:_x=1B=E2=80=AEb?=\r\n\r\n",
     "subject", "~a"},
    {"no subject", HEAD "\r\n", "subject", ""},
    {"quoted printable",
     HEAD "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
          "quoted-printable\r\n\r\nGr=FC=\r\n=DFe\r\n",
     "text", "Grüße\n"},
    {"japanese", HEAD "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s\x1b(B\r\n",
     "text", "こん\n"},
    {"unknown charset", HEAD "Content-Type: text/plain; charset=x-nonsense\r\n\r\nGr\xfc\r\n",
     "text", "Grü\n"},
    {"utf-7 only when declared", HEAD "\r\n+ADw-b+AD4-", "text", "+ADw-b+AD4-"},
    {"NUL bytes become marks", HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\na=00b",
     "text",
     "a\xef\xbf\xbd"
     "b"},
    {"flowed text",
     HEAD "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n> one \r\n> two\r\nthree "
          "\r\nfour\r\n",
     "text", "> onetwo\nthreefour\n"},
    {"HTML alone", HEAD "Content-Type: text/html\r\n\r\n<p>a<p>b", "text", "a\n\nb"},
    {"HTML kept", HEAD "Content-Type: text/html\r\n\r\n<p>a<p>b", "html", "<p>a<p>b"},
    {"text and HTML",
     HEAD "Content-Type: multipart/alternative; "
          "boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\nContent-Type: "
          "text/html\r\n\r\n<i>rich</i>\r\n--b--\r\n",
     "text", "plain"},
    {"a stub of a text",
     HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nYour client does not "
          "support "
          "HTML.\r\n--b\r\nContent-Type: text/html\r\n\r\n<i>rich</i>\r\n--b--\r\n",
     "text", "rich"},
    {"a picture inside",
     HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "text/html\r\n\r\n<img "
          "src=cid:p>\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <p>\r\n\r\nx\r\n--b--\r\n",
     "attachments", "~\"inline\":true,\"cid\":\"p\""},
    {"a file's name",
     HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "application/pdf\r\nContent-Disposition: "
          "attachment; filename*=utf-8''..%2Fr%C3%A4%00.pdf\r\n\r\nx\r\n--b--\r\n",
     "attachments", "~\"name\":\"rä"},
    {"text behind an attachment",
     HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: "
          "image/png\r\n\r\nx\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
     "text", "one\ntwo"},
    {"no end of parts", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nkept",
     "text", "kept"},
    {"no parts at all", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\njust text\r\n",
     "text", "~just text"},
    {"a charset in words", HEAD "Content-Type: text/plain; charset=\"uft-8\"\r\n\r\nGr\xc3\xbc",
     "text", "Grü"},
    {"UTF-8 that bears the name it had before",
     HEAD "Content-Type: text/plain; charset=big5\r\n\r\n\xe6\x82\xa8\xe5\xa5\xbd\xef\xbc\x81",
     "text", "您好！"},
    {"who wrote first, as Outlook shows it",
     HEAD "Subject: FW: x\r\n\r\nFrom: Ida [mailto:ida@example.org]\r\nSent: Monday\r\nTo: "
          "Jana\r\nSubject: x\r\n\r\nhi",
     "data.forwarded_from.email", "ida@example.org"},
    {"a charset nobody knows", HEAD "Content-Type: text/plain; charset=x-unknown\r\n\r\nGr\xfc",
     "text", "Grü"},
    {"and says so", HEAD "Content-Type: text/plain; charset=x-unknown\r\n\r\nGr\xfc", "warnings",
     "~charset is not known"},
    {"a byte order mark", HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\n\xef\xbb\xbfx",
     "text", "x"},
    {"CR CR LF", "From: a@b.c\r\r\nSubject: x\r\r\n\r\r\none\r\r\ntwo\r\r\n", "text", "one\ntwo\n"},
    {"mbox", "From a@b.c Mon Nov 23 07:00:00 2026\n" HEAD "\nFrom you\n>From me\n", "text",
     "From you\n>From me\n"},
    {"8-bit in a field, in the charset of the text",
     "From: a@b.c\r\nSubject: \xf0\xd2\xc9\xd7\xc5\xd4\r\nContent-Type: text/plain; "
     "charset=koi8-r\r\n\r\nx",
     "subject", "Привет"},
    {"8-bit in a field that is UTF-8",
     "From: a@b.c\r\nSubject: Gr\xc3\xbc\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx",
     "subject", "Grü"},
    {"a charset for the field in a part",
     "From: a@b.c\r\nSubject: \xf0\xd2\xc9\r\nContent-Type: multipart/mixed; "
     "boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx\r\n--b--",
     "subject", "При"},
    {"UTF-16 is never that of a field",
     HEAD "Subject: hi\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: "
          "base64\r\n\r\naABpAA==",
     "subject", "hi"},
    {"UTF-16",
     HEAD "Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: "
          "base64\r\n\r\naABpAA==",
     "text", "hi"},
    {"the root of related is named",
     HEAD "Content-Type: multipart/related; boundary=b; start=\"<r>\"\r\n\r\n--b\r\nContent-Type: "
          "text/html\r\nContent-ID: <q>\r\n\r\n<p>no\r\n--b\r\nContent-Type: "
          "text/html\r\nContent-ID: <r>\r\n\r\n<p>root\r\n--b--",
     "text", "root"},
    {"a picture in front of the root",
     HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "image/png\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>root\r\n--b--",
     "text", "root"},
    {"a picture elsewhere that the HTML shows",
     HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "text/html\r\n\r\n<img src='cid:p@x'>\r\n--b\r\nContent-Type: image/png\r\nContent-ID: "
          "<p@x>\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--",
     "attachments", "~\"inline\":true"},
    {"a file in related that nothing shows",
     HEAD "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "text/html\r\n\r\n<p>x\r\n--b\r\nContent-Type: application/pdf\r\nContent-ID: "
          "<p>\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--",
     "attachments", "~\"inline\":false"},
    {"a named face of an alternative",
     HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; "
          "name=mail.html\r\n\r\n<p>x\r\n--b--",
     "text", "x"},
    {"the mail inside gives its name",
     HEAD "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?a/=C3=A4?=\r\n\r\nx",
     "attachments", "~a-ä.eml"},
    {"a list that writes in its own name",
     "From: Team <team@example.org>\r\nX-Original-Sender: jana@example.org\r\n\r\n", "from.email",
     "jana@example.org"},
    {"a sender who is none of several", "From: a@b.c, d@e.f\r\nSender: g@h.i\r\n\r\n", "from.email",
     "g@h.i"},
    {"a name that shows an address", "From: \"boss@corp.example\" <x@evil.example>\r\n\r\n",
     "warnings", "~shows another address"},
    {"an address encoded as a whole", "From: =?utf-8?Q?J=C3=A4n_=3Cj=40x.y=3E?=\r\n\r\n",
     "from.email", "j@x.y"},
    {"an address without brackets", "From: Jana Wei\xc3\x9f jana@example.org\r\n\r\n", "from.email",
     "jana@example.org"},
    {"a quote that does not end", "From: \"Jan <j@x.y>\r\n\r\n", "from.email", "j@x.y"},
    {"a comma without quotes", "From: Weiss, Jana <j@x.y>\r\n\r\n", "from.name", "Weiss, Jana"},
    {"two, of which one is a name", "From: a@b.c\r\nTo: Support, <x@y.z>, q@r.s\r\n\r\n", "#to",
     "2"},
    {"a body that bears a name",
     HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; "
          "name=x.htm\r\n\r\n<p>hi\r\n--b--",
     "text", "hi"},
    {"HTML that says UTF-16 of itself",
     HEAD "Content-Type: text/html\r\n\r\n<meta charset=utf-16><p>gr\xc3\xbc", "text", "grü"},
    {"nobody", "From: undisclosed-recipients:;\r\n\r\n", "from.email", "jana@example.org"},
    {"an old zone and year", HEAD "Date: x\r\n\r\n", "at", "2026-11-23T07:00:00.000Z"},
    {"a date of old", "From: a@b.c\r\nDate: Mon (day), 23 Nov 26 02:00:00 EST\r\n\r\n", "at",
     "2026-11-23T07:00:00.000Z"},
    {"a date to come", "From: a@b.c\r\nDate: Mon, 23 Nov 2076 07:00:00 +0000\r\n\r\n", "at",
     "null"},
    {"a date that is none", "From: a@b.c\r\nDate: yesterday\r\n\r\n", "warnings",
     "~cannot be read"},
    {"a mail inside", HEAD "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx",
     "#attachments", "1"},
    {"encrypted",
     HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: "
          "application/octet-stream\r\n\r\nx\r\n--b--\r\n",
     "warnings", "~not opened"},
    {"unknown encoding", HEAD "Content-Transfer-Encoding: x-what\r\n\r\nabc", "text", "abc"},
    {"no header", "just words\r\nand more\r\n", "text", "just words\nand more\n"},
    {"nothing", "", "text", ""},
    {"Mac line ends", "From: a@b.c\rSubject: mac\r\rbody\r", "subject", "mac"},
    {"references", HEAD "References: <a@x> <b@x>\r\nIn-Reply-To: <b@x>\r\n\r\n", "references",
     "[\"<a@x>\",\"<b@x>\"]"},
    {"a reply", HEAD "\r\nyes\r\n\r\nOn Mon, 1 Nov 2026, We wrote:\r\n> no\r\n", "reply_text",
     "yes"},
    {"lists of people", HEAD "To: a@b.c, Team: d@e.f;\r\nCc: \"X, Y\" <g@h.i>, broken@\r\n\r\n",
     "#to", "2"},
    {"where an answer goes", HEAD "Reply-To: r@x.y\r\n\r\n", "reply_to", "~r@x.y"},
    {"an absence note", HEAD "Auto-Submitted: auto-replied\r\n\r\n", "auto", "auto-reply"},
    {"a person", HEAD "\r\n", "auto", "null"},
    {"who wants no automatic answer", HEAD "X-Auto-Response-Suppress: All\r\n\r\n",
     "data.no_auto_reply", "true"},
    {"the envelope", HEAD "\r\n", "envelope.to", "support@localhost"},
};

static void field_check(const char *what, const json_t *tp, const char *field, const char *value) {
    char text[4000] = "null", count[16];
    const json_t *member = jread_path(tp, str_c(field));
    if (json_is_string(member)) {
        snprintf(text, sizeof text, "%s", json_string_value(member));
    } else if (member) {
        char *dump = json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(text, sizeof text, "%s", dump);
        free(dump);
    }
    if (field[0] == '#') {
        snprintf(count, sizeof count, "%zu", json_array_size(json_object_get(tp, field + 1)));
        snprintf(text, sizeof text, "%s", count);
    }
    bool right = value[0] == '~' ? strstr(text, value + 1) != NULL : !strcmp(text, value);
    if (!right)
        fail_msg("%s: %s is %s, expected %s", what, field, text, value);
    for (const char *p = text; *p && !strcmp(field, "subject"); p++)
        if ((unsigned char)*p < 32 || !strncmp(p, "\xe2\x80\xae", 3))
            fail_msg("%s: a control in the subject", what);
}

static void each_mail_is_read_as_it_was_meant(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mail_read m = mail_read(str_c(cases[i].mail), NULL);
        if (m.touchpoints != 1 || m.bad)
            fail_msg("%s: %zu touchpoints", cases[i].what, m.touchpoints);
        field_check(cases[i].what, m.touchpoint, cases[i].field, cases[i].value);
        assert_int_equal(m.blobs, json_array_size(json_object_get(m.touchpoint, "attachments")));
        mail_read_clear(&m);
    }
}

/* head, piece n times, tail */
static const struct {
    const char *what, *head, *piece;
    size_t n;
    const char *tail, *warning; /* NULL: none expected */
} floods[] = {
    {"a line of 100 KB", HEAD "\r\n", "x", 100000, "", NULL},
    {"half a million To fields", HEAD, "To: a@b.c\r\n", 500000, "\r\nhi", "more header fields"},
    {"ten thousand addresses", HEAD "To: ", "a@b.c, ", 10000, "\r\n\r\nhi", "addresses"},
    {"half a million addresses", HEAD "To: ", "a@b.c, ", 500000, "\r\n\r\nhi", "addresses"},
    {"ten thousand fields", HEAD, "X: y\r\n", 10001, "\r\nhi", "more header fields"},
    {"a field of a megabyte", HEAD "Subject: ", "words ", 170000, "\r\n\r\nhi", NULL},
    {"a hundred levels", HEAD, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 100,
     "\r\nhi", "nested too deeply"},
    {"a thousand attachments", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
     "--b\r\nContent-Type: a/b\r\n\r\np\r\n", 900, "--b--\r\n", "more attachments"},
    {"open quotes in a type", HEAD "Content-Type: text/plain", "; a=\"", 12000, "\r\n\r\nhi", NULL},
    {"open tags", HEAD "Content-Type: text/html\r\n\r\n", "<a href=\"", 100000, "hi", NULL},
    {"hidden elements", HEAD "Content-Type: text/html\r\n\r\n", "<p style=display:none>", 100000,
     "hi", NULL},
    {"open comments in HTML", HEAD "Content-Type: text/html\r\n\r\n", "<!--", 200000, "hi", NULL},
    {"signed texts", HEAD "\r\n",
     "-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n-----BEGIN PGP SIGNATURE-----\n", 10000, "hi",
     "signature"},
    {"a hundred thousand colons", "From: ", ":", 100000, "\r\n\r\nhi", "addresses"},
    {"the same in a mail inside", HEAD "Content-Type: message/rfc822\r\n\r\nFrom: ", ":", 100000,
     "\r\n\r\nhi", NULL},
    {"ten thousand parts", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
     "--b\r\nX: y\r\n\r\np\r\n", 10000, "--b--\r\n", "more parts"},
    {"mail in mail in mail", HEAD, "Content-Type: message/rfc822\r\n\r\n", 100000, "hi", NULL},
    {"parts in parts", HEAD, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 20000,
     "\r\nhi", "nested too deeply"},
    {"a part of header only", HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
     "X: y\r\n", 300000, "\r\nhi", NULL},
    {"encoded words", "From: a@b\r\nSubject: ", "=?utf-8?Q?=C3=BC?= ", 5000, "\r\n\r\nhi", NULL},
    {"broken encoded words", "From: a@b\r\nSubject: ", "=?x?", 50000, "\r\n\r\nhi", NULL},
    {"parameters", HEAD "Content-Type: text/plain", "; a*0=b", 20000, "\r\n\r\nhi", NULL},
    {"open comments", "From: ", "(", 100000, "\r\n\r\nhi", NULL},
    {"open quotes", "From: ", "\"@", 50000, "\r\n\r\nhi", NULL},
    {"references", HEAD "References: ", "<a@b> ", 20000, "\r\n\r\nhi", NULL},
    {"nested HTML", HEAD "Content-Type: text/html\r\n\r\n", "<div>", 200000, "hi", NULL},
    {"empty lines", HEAD "\r\n", "\r\n", 1000000, "hi", NULL},
    {"a large text", HEAD "\r\n", "words and more words\r\n", 200000, "hi", "text is long"},
};

static void mails_made_to_hurt_give_a_touchpoint_in_time(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(floods); i++) {
        struct buf mail;
        buf_init(&mail, 32 << 20);
        assert_true(buf_add_c(&mail, floods[i].head));
        for (size_t n = 0; n < floods[i].n; n++)
            assert_true(buf_add_c(&mail, floods[i].piece));
        assert_true(buf_add_c(&mail, floods[i].tail));
        clock_t begun = clock();
        struct mail_read m = mail_read(buf_str(&mail), NULL);
        long ms = (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC);
        if (m.touchpoints != 1)
            fail_msg("%s: %zu touchpoints", floods[i].what, m.touchpoints);
        if (ms > 1000 * (SLOW ? 10 : 1))
            fail_msg("%s: %ld ms", floods[i].what, ms);
        if (floods[i].warning) {
            char *warnings = json_dumps(json_object_get(m.touchpoint, "warnings"), 0);
            if (!strstr(warnings, floods[i].warning))
                fail_msg("%s: warnings are %s", floods[i].what, warnings);
            free(warnings);
        }
        mail_read_clear(&m);
        buf_clear(&mail);
    }
}

static void a_mail_read_twice_says_the_same(void **state) {
    static const char mail[] = "From: a@b.c\r\nSubject: x\r\n\r\nbody"; /* neither date nor id */
    (void)state;
    struct mail_read one = mail_read(str_c(mail), NULL), two = mail_read(str_c(mail), NULL);
    assert_true(json_equal(one.touchpoint, two.touchpoint));
    assert_null(json_object_get(one.touchpoint, "at"));
    mail_read_clear(&one);
    mail_read_clear(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mail_is_read_as_it_was_meant),
        cmocka_unit_test(mails_made_to_hurt_give_a_touchpoint_in_time),
        cmocka_unit_test(a_mail_read_twice_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
