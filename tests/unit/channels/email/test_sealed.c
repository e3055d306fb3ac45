/* test_sealed.c - parts of a kind of their own: signed from within, encrypted, TNEF, invitations,
 * PGP armour; each alone and as part of a mail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/base64.h>

#include "email/calendar.h"
#include "email/pgp.h"
#include "email/smime.h"
#include "email/tnef.h"
#include "mail_check.h"

/* Of "Content-Type: text/plain; charset=utf-8 … Gr=C3=BC=C3=9Fe", by OpenSSL. */
static const char signed_der[] = "MIIBMQYJKoZIhvcNAQcCoIIBIjCCAR4CAQExDTALBglghkgBZQMEAgEweAYJKoZIh"
                                 "vcNAQcBoGsEaUNvbnRlbnQtVHlwZTog"
                                 "dGV4dC9wbGFpbjsgY2hhcnNldD11dGYtOA0KQ29udGVudC1UcmFuc2Zlci1FbmNvZ"
                                 "GluZzogcXVvdGVkLXByaW50YWJsZQ0K"
                                 "DQpHcj1DMz1CQz1DMz05RmUNCjGBjzCBjAIBATAkMAwxCjAIBgNVBAMMAXQCFDmmT"
                                 "V9e6dqmoE0drZ6KRNR3eEWWMAsGCWCG"
                                 "SAFlAwQCATAKBggqhkjOPQQDAgRIMEYCIQCiyzY/"
                                 "WzzGcVzQCUMrQ10oYzHI4wDVV9+HQOZvXZ1w+gIhAPXVOJ3D4WZ4LjG9"
                                 "hvRBt944UEfXmzGCvSeZ3fDkUuVr";
/* The same, streamed: lengths are indefinite. */
static const char streamed_der[] = "MIAGCSqGSIb3DQEHAqCAMIACAQExDTALBglghkgBZQMEAgEwgAYJKoZIhvcNAQc"
                                   "BoIAkgARpQ29udGVudC1UeXBlOiB0ZXh0"
                                   "L3BsYWluOyBjaGFyc2V0PXV0Zi04DQpDb250ZW50LVRyYW5zZmVyLUVuY29kaW5"
                                   "nOiBxdW90ZWQtcHJpbnRhYmxlDQoNCkdy"
                                   "PUMzPUJDPUMzPTlGZQ0KAAAAAAAAMYGPMIGMAgEBMCQwDDEKMAgGA1UEAwwBdAI"
                                   "UOaZNX17p2qagTR2tnopE1Hd4RZYwCwYJ"
                                   "YIZIAWUDBAIBMAoGCCqGSM49BAMCBEgwRgIhAPdieF9c8lRrz9ICjNrKf8xSxJX"
                                   "6wj+u0XQN485FcGLzAiEAtRnxLilOmid3"
                                   "y/0jD2smgXkEM25786amJw3h2KIU1vQAAAAAAAA=";
/* The same, encrypted. */
static const char enveloped_der[] =
    "MIIBdgYJKoZIhvcNAQcDoIIBZzCCAWMCAQAxgb4wgbsCAQAwJDAMMQowCAYDVQQDDAF0AhRcX7OLNspL+awp9a0ydRf+"
    "FPc+"
    "NzANBgkqhkiG9w0BAQEFAASBgAyrs7nQnnAKZmi+2mExp/aWVFNjPKegFNWDo4F9AUAo7CYLmOilW/"
    "DJnZDl1dYA8el7Zrhy"
    "KxD1/DFKHyXnQJFHRGKyYdDG21/"
    "3ZvUD+VAtSAgMh68DwOilJJAoo5gsKcOLQSMlznb1jVD9k8ShxVAqZGGQKjxMxB2FPIzT"
    "g/BVMIGcBgkqhkiG9w0BBwEwHQYJYIZIAWUDBAECBBAPWiiPeLPV9mzPFElL1Qr0gHDH5vmAP4S/"
    "VPillhTblBatRFvZzpeI"
    "KeiA4GQDlx4xqVdj5tA/"
    "vq19Omq9VShp8goP4Yc2Lk53aXZyLgKDE+NzMeYKcVNw10XhQOMary9Ld9qtNBz0TV89J54hhbqe"
    "lBeXAQ7hKHZfLBM1BBuD5Phy";
/* A body, HTML, "Käse liste.pdf" of a type, and b.txt of none. */
static const char winmail[] =
    "eJ8+IgEAAQaQCAAEAAAAAAABAAEAAQeQBgAIAAAA5AQAAAAAAADoAAEMgAIABgAAAEdy/"
    "N9lAPkCAQOQBgAcAAAAAQAAAAIB"
    "ExABAAAACgAAADxwPmhpPC9wPgAAAAYDAgKQBgAOAAAAAAAAAAAAAAAAAAAAAAAAAAIQgAEADAAAAEtTRUxJfjEuUERGAC"
    "8D"
    "Ag+"
    "ABgAEAAAAJVBERv8AAgWQBgCUAAAABAAAAAMAIQ4HAAAAHwAHNwEAAAAeAAAASwDkAHMAZQAgAGwAaQBzAHQAZQAuAHAA"
    "ZABmAAAAAAAfAA43AQAAACAAAABhAHAAcABsAGkAYwBhAHQAaQBvAG4ALwBwAGQAZgAAAB8QAYAAAAAAAAAAAAAAAAAAAA"
    "AA"
    "AAAAAAUAAAACAAAABAAAAGEAAAAEAAAAYgAAAG0OAgKQBgAOAAAAAAAAAAAAAAAAAAAAAAAAAAIQgAEABgAAAGIudHh0AP"
    "AB"
    "Ag+ABgADAAAAdHdvWgE=";

#define HEAD "From: a@b.c\r\nDate: Mon, 23 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@x>\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
#define CODED "\r\nContent-Transfer-Encoding: base64\r\n\r\n"
#define EVENT                                                                                      \
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nDTSTART:"                   \
    "19700101T000000\r\n"                                                                          \
    "END:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=de:Gr\xc3\xbc\r\n \xc3\x9f"                 \
    "e\\, you\r\nDTSTART;TZID=\"Europe/Berlin\":20261201T100000\r\nDTEND:20261201T110000Z\r\n"     \
    "ORGANIZER;CN=\"J: W\":mailto:j@w.de\r\nLOCATION:Room 1\r\nBEGIN:VALARM\r\nSUMMARY:no\r\n"     \
    "END:VALARM\r\nUID:u1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

/* "#field": length of a list; "~" in front: contains. */
static const struct {
    const char *what, *mail, *coded, *tail, *field, *value;
} mails[] = {
    {"signed from within",
     HEAD "Content-Type: application/pkcs7-mime; smime-type=signed-data" CODED, signed_der, "",
     "text", "Grüße\n"},
    {"its flag", HEAD "Content-Type: application/pkcs7-mime" CODED, signed_der, "", "data.signed",
     "unverified"},
    {"kept too", HEAD "Content-Type: application/x-pkcs7-mime; name=smime.p7m" CODED, signed_der,
     "", "attachments", "~smime.p7m"},
    {"streamed", HEAD "Content-Type: application/pkcs7-mime" CODED, streamed_der, "", "text",
     "Grüße\n"},
    {"encrypted", HEAD "Content-Type: application/pkcs7-mime; smime-type=enveloped-data" CODED,
     enveloped_der, "", "text", "[encrypted]"},
    {"encrypted, kept", HEAD "Content-Type: application/pkcs7-mime" CODED, enveloped_der, "",
     "#attachments", "1"},
    {"encrypted, said", HEAD "Content-Type: application/pkcs7-mime" CODED, enveloped_der, "",
     "warnings", "~not opened"},
    {"no CMS at all", HEAD "Content-Type: application/pkcs7-mime" CODED, "aGVsbG8=", "", "text",
     "[encrypted]"},
    {"a detached signature",
     HEAD
     "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: "
     "application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--b--\r\n",
     "", "", "text", "hello"},
    {"PGP/MIME",
     HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: "
          "application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: "
          "application/octet-stream\r\n\r\nx\r\n--b--\r\n",
     "", "", "text", "[encrypted]"},
    {"armour", HEAD "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n-----END PGP MESSAGE-----\r\n",
     "", "", "text", "[encrypted]\n"},
    {"armour, kept",
     HEAD "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nabc\r\n-----END PGP MESSAGE-----\r\n", "", "",
     "attachments", "~encrypted.asc"},
    {"the text beside TNEF",
     MIXED "\r\nhello\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat" CODED, winmail,
     "\r\n--b--\r\n", "text", "hello"},
    {"TNEF and its files", MIXED "\r\nhello\r\n--b\r\nContent-Type: application/ms-tnef" CODED,
     winmail, "\r\n--b--\r\n", "#attachments", "3"},
    {"a name in TNEF", HEAD "Content-Type: application/octet-stream; name=WINMAIL.DAT" CODED,
     winmail, "", "attachments", "~\"name\":\"Käse liste.pdf\",\"type\":\"application/pdf\""},
    {"TNEF alone gives its text", HEAD "Content-Type: application/ms-tnef" CODED, winmail, "",
     "text", "Grüße"},
    {"and its HTML", HEAD "Content-Type: application/ms-tnef" CODED, winmail, "", "html",
     "<p>hi</p>"},
    {"TNEF that is none", HEAD "Content-Type: application/ms-tnef" CODED, "aGVsbG8=", "",
     "warnings", "~TNEF"},
    {"an invitation", HEAD "Content-Type: text/calendar; method=REQUEST\r\n\r\n" EVENT, "", "",
     "data.calendar.summary", "Grüße, you"},
    {"its method", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "data.calendar.method",
     "REQUEST"},
    {"its time", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "data.calendar.start",
     "2026-12-01T10:00:00"},
    {"its zone", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "data.calendar.timezone",
     "Europe/Berlin"},
    {"its end", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "data.calendar.end",
     "2026-12-01T11:00:00Z"},
    {"who invites", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "",
     "data.calendar.organizer", "j@w.de"},
    {"in words", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "text",
     "Invitation: Grüße, you\n2026-12-01T10:00:00 Europe/Berlin, Room 1\n"},
    {"attached", HEAD "Content-Type: text/calendar\r\n\r\n" EVENT, "", "", "attachments",
     "~invite.ics"},
    {"beside a text",
     HEAD "Content-Type: multipart/alternative; "
          "boundary=b\r\n\r\n--b\r\n\r\ncome\r\n--b\r\nContent-Type: "
          "text/calendar\r\n\r\n" EVENT "--b--",
     "", "", "text", "come"},
};

static void each_is_read_or_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(mails); i++) {
        struct buf mail;
        char got[4000] = "null";
        buf_init(&mail, 100000);
        assert_true(buf_add_c(&mail, mails[i].mail) && buf_add_c(&mail, mails[i].coded) &&
                    buf_add_c(&mail, mails[i].tail));
        struct mail_read m = mail_read(buf_str(&mail), NULL);
        const json_t *member = jread_path(m.touchpoint, str_c(mails[i].field));
        if (mails[i].field[0] == '#') {
            snprintf(got, sizeof got, "%zu",
                     json_array_size(json_object_get(m.touchpoint, mails[i].field + 1)));
        } else if (json_is_string(member)) {
            snprintf(got, sizeof got, "%s", json_string_value(member));
        } else if (member) {
            char *dump = json_dumps(member, JSON_COMPACT);
            snprintf(got, sizeof got, "%s", dump);
            free(dump);
        }
        bool right = mails[i].value[0] == '~' ? strstr(got, mails[i].value + 1) != NULL
                                              : !strcmp(got, mails[i].value);
        if (m.touchpoints != 1 || !right)
            fail_msg("%s: %s is %s, expected %s", mails[i].what, mails[i].field, got,
                     mails[i].value);
        assert_int_equal(m.blobs, json_array_size(json_object_get(m.touchpoint, "attachments")));
        mail_read_clear(&m);
        buf_clear(&mail);
    }
}

static void armour_is_taken_off_a_signed_text(void **state) {
    static const struct {
        const char *in, *out; /* NULL: no armour */
    } cases[] = {
        {"hello\n", NULL},
        {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n- -- \nJana\n-----BEGIN PGP "
         "SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n",
         "Hello\n-- \nJana\n"},
        {"before\n-----BEGIN PGP SIGNED MESSAGE-----\n\nHello\n-----BEGIN PGP SIGNATURE-----\nabc\n"
         "-----END PGP SIGNATURE-----\nbehind\n",
         "before\nHello\nbehind\n"},
        {"-----BEGIN PGP SIGNED MESSAGE-----\n\nHello\n-----BEGIN PGP SIGNATURE-----\nabc\n",
         "Hello\nabc\n"},
        {"> -----BEGIN PGP SIGNED MESSAGE-----\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct str inner = STR_NONE;
        arena_init(&a);
        enum pgp_armour armour = pgp_open(&a, str_c(cases[i].in), &inner);
        assert_int_equal(armour, cases[i].out ? PGP_SIGNED : PGP_NONE);
        if (!str_eq(inner, str_c(cases[i].out)))
            fail_msg("%s gives %.*s", cases[i].in, STR_ARG(inner));
        arena_clear(&a);
    }
}

static void on_file(void *ctx, struct str name, struct str type, struct str bytes) {
    (void)name, (void)type, (void)bytes;
    ++*(size_t *)ctx;
}

/* Both readers are fed every prefix, and every byte turned. */
static void cut_and_broken_binaries_do_no_harm(void **state) {
    static const char *const given[] = {winmail, signed_der, streamed_der, enveloped_der};
    (void)state;
    for (size_t i = 0; i < COUNT(given); i++) {
        struct buf bytes;
        buf_init(&bytes, 10000);
        assert_true(base64_decode(&bytes, str_c(given[i]), true));
        for (size_t n = 0; n < 2 * bytes.n; n++) {
            struct arena a;
            struct tnef found;
            struct str entity;
            size_t files = 0, at = n / 2;
            char *copy = mem_dup(bytes.p, bytes.n); /* an end that the sanitizer sees */
            struct str view = str_make(copy, n % 2 ? at : bytes.n);
            copy[at] = n % 2 ? copy[at] : (char)~copy[at];
            arena_init(&a);
            (void)tnef_read(&a, view, on_file, &files, &found);
            (void)smime_open(&a, view, &entity);
            assert_true(files <= 2);
            arena_clear(&a);
            mem_freep(&copy);
        }
        buf_clear(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_read_or_kept),
        cmocka_unit_test(armour_is_taken_off_a_signed_text),
        cmocka_unit_test(cut_and_broken_binaries_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
