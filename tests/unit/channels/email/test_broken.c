/* test_broken.c - every prefix of good mails, and mutations of them: of each comes one touchpoint,
 * in time. EMAIL_MUTATIONS sets how many mutations (2,000), EMAIL_PREFIXES how many prefixes of a
 * mail of the corpora (8; 0: all), EMAIL_SEED where chance begins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <time.h>

#include "mail_check.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOW = 5 }; /* the sanitizers watch every byte */
#else
enum { SLOW = 1 };
#endif

enum { MAILS_MAX = 400, MAIL_MAX = 256 * 1024 };

#define HEAD                                                                                       \
    "Return-Path: <jana@example.org>\r\nReceived: from a by b; Mon, 23 Nov 2026 07:00:01 "         \
    "+0000\r\n"                                                                                    \
    "From: =?iso-8859-1?Q?Jana_Wei=DF?= <jana@example.org>\r\nTo: support@localhost\r\nDate: "     \
    "Mon, "                                                                                        \
    "23 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nSubject: "                       \
    "=?utf-8?B?R3LDvMOfZQ==?=\r\n"

static const char *const own[] = {
    HEAD
    "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =\r\nund \r\nmehr\r\n\r\n"
    "On Mon, We wrote:\r\n> quoted\r\n",
    HEAD
    "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\nold clients see this\r\n--o\r\n"
    "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\n"
    "Content-Type: text/html; charset=\"iso-8859-1\"\r\n\r\n<html><head><style>x</style></head>"
    "<p title='a'>caf\xe9 <a href=\"https://example.org/\">link</a><blockquote>q</blockquote>"
    "<img src=cid:p>\r\n--i--\r\n--o\r\nContent-Type: image/png; name*=utf-8''%C3%A4.png\r\n"
    "Content-ID: <p>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n--o\r\n"
    "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--o--\r\n",
    HEAD
    "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\n"
    "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n- - x\r\n-----BEGIN PGP "
    "SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n--c\r\nContent-Type: "
    "text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
    "SUMMARY:a\\, b\r\nDTSTART;TZID=\"Europe/Berlin\":20261201T100000\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n--c\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\neJ8+IgEAAgKQBgAEAAAAAAAAAAAAAhCAAQAGAAAAYS50eHQA"
    "AAACD4AGAAUAAABoZWxsbwAA\r\n--c\r\nContent-Type: application/pkcs7-mime\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nMIIBAgYJKoZIhvcNAQcCoIH0MIHxAgEBMQA=\r\n--c--\r\n",
    HEAD
    "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\n"
    "It failed.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
    "x\r\n\r\nFinal-Recipient: rfc822; a@b.c\r\nAction: failed\r\nStatus: 5.1.1\r\n--r\r\n"
    "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <2@x>\r\n--r--\r\n",
};

static long from_environment(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

static void read_one(struct str mail, const char *name, size_t at) {
    clock_t begun = clock();
    struct mail_read m = mail_read(mail, NULL);
    long ms = (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC);
    if (m.touchpoints != 1 || m.bad)
        fail_msg("%s, %zu: %zu touchpoints, %zu bad", name, at, m.touchpoints, m.bad);
    if (ms > 1000 * SLOW)
        fail_msg("%s, %zu: %ld ms", name, at, ms);
    mail_read_clear(&m);
}

/* ---- the mails ---- */

struct mails {
    struct buf items[MAILS_MAX];
    char names[MAILS_MAX][100];
    size_t n, from_corpora;
};

static void folder_add(struct mails *all, const char *folder, const char *end) {
    char path[600];
    snprintf(path, sizeof path, "../shared/corpora/%s", folder);
    DIR *d = opendir(path);
    if (!d)
        printf("no %s: skipped\n", path);
    for (struct dirent *e; d && (e = readdir(d)) && all->n < MAILS_MAX;) {
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 4, end) != 0)
            continue;
        snprintf(path, sizeof path, "../shared/corpora/%s/%.255s", folder, e->d_name);
        struct buf *mail = &all->items[all->n];
        buf_init(mail, MAIL_MAX);
        if (!mail_file(path, mail) || !mail->n)
            continue;
        snprintf(all->names[all->n++], sizeof all->names[0], "%.99s", e->d_name);
    }
    if (d)
        closedir(d);
}

static int mails_setup(void **state) {
    struct mails *all = NEW(struct mails);
    for (size_t i = 0; i < COUNT(own); i++) {
        buf_init(&all->items[all->n], MAIL_MAX);
        assert_true(buf_add_c(&all->items[all->n], own[i]));
        snprintf(all->names[all->n++], sizeof all->names[0], "own mail %zu", i);
    }
    all->from_corpora = all->n;
    folder_add(all, "chatwoot/eml", ".eml");
    folder_add(all, "mime4j/mimetools-testmsgs", ".msg");
    folder_add(all, "mailkit-imap/common", ".msg");
    folder_add(all, "sisimai", ".eml");
    *state = all;
    return 0;
}

static int mails_teardown(void **state) {
    struct mails *all = *state;
    for (size_t i = 0; i < all->n; i++)
        buf_clear(&all->items[i]);
    mem_freep(state);
    return 0;
}

/* ---- tests ---- */

static void every_prefix_gives_a_touchpoint(void **state) {
    struct mails *all = *state;
    long wanted = from_environment("EMAIL_PREFIXES", 8);
    size_t total = 0;
    for (size_t i = 0; i < all->n; i++) {
        struct str mail = buf_str(&all->items[i]);
        size_t step = i >= all->from_corpora && wanted ? mail.n / (size_t)wanted + 1 : 1;
        for (size_t n = 0; n <= mail.n; n += step, total++)
            read_one(str_upto(mail, n), all->names[i], n);
    }
    printf("%zu prefixes of %zu mails\n", total, all->n);
}

static uint64_t chance(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What breaks mail: bytes that mean something, pieces that are gone, doubled or elsewhere. */
static void mutate(struct buf *out, struct str mail, uint64_t *seed) {
    static const char *const pieces[] = {"--",
                                         "=?",
                                         "?=",
                                         "\r",
                                         "\n",
                                         "\r\n\r\n",
                                         "=",
                                         "\"",
                                         "<",
                                         ">",
                                         "(",
                                         ";",
                                         "%",
                                         "*0*=",
                                         "\xff\xfe",
                                         "\x1b$B",
                                         "boundary=",
                                         "Content-Type: multipart/mixed\r\n",
                                         "\xc3",
                                         "&#x41;",
                                         "charset=",
                                         "<!--",
                                         "<blockquote>",
                                         "-----BEGIN PGP SIGNED MESSAGE-----\n"};
    size_t at = chance(seed) % (mail.n + 1), n = chance(seed) % 64;
    const char *piece = pieces[chance(seed) % COUNT(pieces)];
    bool ok = buf_add(out, str_upto(mail, at));
    switch (chance(seed) % 6) {
    case 0: /* one byte, any */
        ok = ok && buf_add_byte(out, (char)chance(seed));
        ok = ok && buf_add(out, str_from(mail, at + 1));
        break;
    case 1: /* a piece is gone */
        ok = ok && buf_add(out, str_from(mail, at + n));
        break;
    case 2: /* and another one, doubled */
        ok =
            ok && buf_add(out, str_upto(str_from(mail, at), n)) && buf_add(out, str_from(mail, at));
        break;
    case 3: /* a NUL */
        ok = ok && buf_add_byte(out, 0) && buf_add(out, str_from(mail, at));
        break;
    default:
        ok = ok && buf_add_c(out, piece) && buf_add(out, str_from(mail, at));
        break;
    }
    assert_true(ok);
}

static void mutations_give_a_touchpoint(void **state) {
    struct mails *all = *state;
    long wanted = from_environment("EMAIL_MUTATIONS", 2000);
    uint64_t seed = (uint64_t)from_environment("EMAIL_SEED", 20261123);
    for (long i = 0; i < wanted; i++) {
        struct buf one, two;
        size_t which = chance(&seed) % all->n;
        uint64_t begun = seed;
        buf_init(&one, 2 * MAIL_MAX);
        buf_init(&two, 2 * MAIL_MAX);
        mutate(&one, buf_str(&all->items[which]), &seed);
        for (uint64_t more = chance(&seed) % 4; more; more--) {
            buf_reset(&two);
            mutate(&two, buf_str(&one), &seed);
            struct buf swap = one;
            one = two;
            two = swap;
        }
        read_one(buf_str(&one), all->names[which], (size_t)begun);
        buf_clear(&one);
        buf_clear(&two);
    }
    printf("%ld mutations of %zu mails\n", wanted, all->n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_gives_a_touchpoint),
        cmocka_unit_test(mutations_give_a_touchpoint),
    };
    return cmocka_run_group_tests(tests, mails_setup, mails_teardown);
}
