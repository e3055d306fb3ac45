/* test_imap_reader.c - responses and what stands in them: whole, in pieces, broken; and a
 * collection of what real servers said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

#include "email/imap_reader.h"
#include "email/imap_value.h"

enum { LITERAL_MAX = 1 << 20, FILE_MAX = 4 << 20 };
static const char corpus[] = "../shared/corpora/mailkit-imap";

static struct imap_reader reader;

static int setup(void **state) {
    (void)state;
    imap_reader_init(&reader, LITERAL_MAX);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    imap_reader_clear(&reader);
    return 0;
}

/* The first response of `in`, fed in pieces of `most`; gives what was left. */
static struct str feed(struct str in, size_t most, struct imap_response *out) {
    do {
        size_t n = imap_reader_feed(&reader, str_upto(in, most));
        in = str_from(in, n);
    } while (in.n && reader.state == IMAP_MORE);
    assert_int_equal(reader.state, IMAP_READY);
    imap_reader_response(&reader, out);
    return in;
}

static void check_str(struct str a, const char *b) {
    if (!str_is(a, b))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(a), b);
}

static void one_response_is_taken_at_a_time(void **state) {
    (void)state;
    struct imap_response r;
    struct str in = STR("* 12 EXISTS\r\nT1 OK [READ-ONLY] done\r\n+ idling\r\n* BYE so long\n");
    in = feed(in, SIZE_MAX, &r);
    assert_int_equal(r.kind, IMAP_UNTAGGED);
    assert_true(r.numbered && r.number == 12);
    check_str(r.word, "EXISTS");
    in = feed(in, 3, &r);
    assert_int_equal(r.kind, IMAP_TAGGED);
    check_str(r.tag, "T1");
    check_str(r.code, "READ-ONLY");
    check_str(r.text, "done");
    in = feed(in, 1, &r);
    assert_int_equal(r.kind, IMAP_CONTINUE);
    check_str(r.text, "idling");
    in = feed(in, SIZE_MAX, &r);
    check_str(r.word, "BYE");
    check_str(r.text, "so long");
    assert_int_equal(in.n, 0);
}

static void what_stands_in_a_mail_ends_nothing(void **state) {
    (void)state;
    static const char body[] = "A004 OK FETCH completed\r\n)\r\n* BYE\r\n{99999999999}\r\n\"(";
    char text[256];
    for (size_t most = 1; most < 40; most++) {
        struct imap_response r;
        struct imap_fetch f;
        int n =
            snprintf(text, sizeof text,
                     "* 1 FETCH (FLAGS (\\Seen $x) BODY[] {%zu}\r\n%s UID 7 RFC822.SIZE %zu)\r\n",
                     strlen(body), body, strlen(body));
        assert_int_equal(feed(str_make(text, (size_t)n), most, &r).n, 0);
        assert_true(imap_fetch_read(&reader, r.args, &f));
        check_str(f.body.bytes, body);
        assert_false(f.body.cut);
        assert_int_equal(f.uid, 7);
        assert_int_equal(f.size, strlen(body));
    }
}

static void every_form_of_a_literal_is_counted(void **state) {
    (void)state;
    static const char *const forms[] = {"{3}", "{3+}", "~{3}", "~{3+}", "{003}"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        char text[128];
        struct imap_response r;
        struct imap_fetch f;
        snprintf(text, sizeof text,
                 "* 1 FETCH (BODY[HEADER] %s\r\na\r\n BODY[TEXT]<0> {0}\r\n)\r\n", forms[i]);
        assert_int_equal(feed(str_c(text), SIZE_MAX, &r).n, 0);
        assert_true(imap_fetch_read(&reader, r.args, &f));
        check_str(f.header.bytes, "a\r\n");
        assert_int_equal(f.text.token, IMAP_STRING);
        assert_int_equal(f.text.bytes.n, 0);
    }
}

static void words_for_people_hold_no_literals(void **state) {
    (void)state;
    static const char *const lines[] = {"* OK so much {5}\r\n",   "T1 NO {5}\r\n", "+ {5}\r\n",
                                        "* BAD [ALERT] {5+}\r\n", "{5}\r\n",       "* \r\n"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct imap_response r;
        assert_int_equal(feed(str_c(lines[i]), 2, &r).n, 0);
    }
}

static void beyond_its_ceiling_a_literal_is_cut_and_the_rest_still_read(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in;
    struct imap_response r;
    struct imap_fetch f;
    buf_init(&in, 4 * LITERAL_MAX);
    assert_true(buf_addf(&in, "* 1 FETCH (BODY[] {%d}\r\n", LITERAL_MAX + 5));
    char *to = buf_reserve(&in, LITERAL_MAX + 5);
    memset(to, 'x', LITERAL_MAX + 5);
    buf_commit(&in, LITERAL_MAX + 5);
    assert_true(buf_add_c(&in, " UID 9)\r\n"));
    assert_int_equal(feed(buf_str(&in), 4096, &r).n, 0);
    assert_true(imap_fetch_read(&reader, r.args, &f));
    assert_int_equal(f.uid, 9);
    assert_int_equal(f.body.bytes.n, LITERAL_MAX);
    assert_true(f.body.cut);
}

static void what_has_no_bounds_breaks_it(void **state) {
    (void)state;
    static const char *const bad[] = {"* 1 FETCH (BODY[] {99999999999}\r\n",
                                      "* 1 FETCH (BODY[] {4294967296}\r\n"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(imap_reader_feed(&reader, str_c(bad[i])), strlen(bad[i]));
        assert_int_equal(reader.state, IMAP_BROKEN);
        teardown(NULL);
        setup(NULL);
    }
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (size_t n = 0; n <= IMAP_TEXT_MAX / sizeof block && reader.state == IMAP_MORE; n++)
        imap_reader_feed(&reader, str_make(block, sizeof block));
    assert_int_equal(reader.state, IMAP_BROKEN);
}

static void search_is_read_in_both_forms(void **state) {
    (void)state;
    static const struct {
        const char *line;
        size_t n; /* SIZE_MAX: refused */
        uint32_t first, last;
    } cases[] = {
        {"* SEARCH\r\n", 0, 0, 0},
        {"* SEARCH 9 3 3 7\r\n", 3, 3, 9},
        {"* SEARCH 2 5 (MODSEQ 917162500)\r\n", 2, 2, 5},
        {"* ESEARCH (TAG \"T1\") UID ALL 1:3,7,10:9\r\n", 6, 1, 10},
        {"* ESEARCH UID COUNT 3 ALL 4294967295\r\n", 1, 4294967295u, 4294967295u},
        {"* ESEARCH (TAG \"T1\") UID\r\n", 0, 0, 0},
        {"* ESEARCH (TAG \"T1\") UID ALL 1:4294967295\r\n", SIZE_MAX, 0, 0},
        {"* SEARCH 1 x\r\n", SIZE_MAX, 0, 0},
        {"* SEARCH 4294967296\r\n", SIZE_MAX, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct imap_response r;
        struct imap_uids u = {0};
        feed(str_c(cases[i].line), SIZE_MAX, &r);
        bool ok = imap_search_read(&reader, &r, &u, 1000);
        imap_uids_sort(&u);
        assert_int_equal(ok ? u.n : SIZE_MAX, cases[i].n);
        if (ok && u.n) {
            assert_int_equal(u.items[0], cases[i].first);
            assert_int_equal(u.items[u.n - 1], cases[i].last);
        }
        imap_uids_clear(&u);
    }
}

static void sets_of_uids_are_written_short_and_within_bounds(void **state) {
    (void)state;
    static const uint32_t uids[] = {1, 2, 3, 7, 9, 10, 4294967295u};
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1000);
    assert_int_equal(imap_uids_write(uids, COUNT(uids), &b, 1000), COUNT(uids));
    assert_string_equal(buf_c(&b), "1:3,7,9:10,4294967295");
    buf_reset(&b);
    assert_int_equal(imap_uids_write(uids, COUNT(uids), &b, 24), 3);
    assert_string_equal(buf_c(&b), "1:3");
}

static void dates_of_arrival_and_odd_items_are_read(void **state) {
    (void)state;
    struct imap_response r;
    struct imap_fetch f;
    feed((struct str)STR(
             "* 5 FETCH (INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" UID 1 "
             "BODY[HEADER.FIELDS (DATE \"X]Y\")] \"a\\\"b\" X-GM-LABELS (\"\\\\Inbox\" a) "
             "BODY[] \"qu\\\\o\" MODSEQ (12))\r\n"),
         5, &r);
    assert_true(imap_fetch_read(&reader, r.args, &f));
    assert_true(f.arrived_ms == INT64_C(836732665000));
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 100);
    assert_true(imap_value_add(&b, &f.body));
    assert_string_equal(buf_c(&b), "qu\\o");
    static const char *const bad[] = {"* 1 FETCH (UID 1\r\n",    "* 1 FETCH UID 1\r\n",
                                      "* 1 FETCH (UID \"1)\r\n", "* 1 FETCH (UID 1) (\r\n",
                                      "* 1 FETCH (BODY[ 1)\r\n", "* 1 FETCH (FLAGS (a)\r\n"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        feed(str_c(bad[i]), SIZE_MAX, &r);
        if (imap_fetch_read(&reader, r.args, &f))
            fail_msg("taken: %s", bad[i]);
    }
}

/* ---- the collection ---- */

/* NULL, or why this response was not understood. */
static const char *judge(const struct imap_response *r) {
    struct imap_walk w;
    struct imap_value v;
    struct imap_fetch f;
    struct imap_uids u = {0};
    if (r->kind == IMAP_JUNK)
        return "no response";
    if (r->kind != IMAP_UNTAGGED || !r->args.p)
        return NULL;
    imap_walk_begin(&w, &reader, r->args);
    while (imap_walk_next(&w, &v) != IMAP_END)
        if (v.token == IMAP_BAD)
            return "its arguments cannot be read";
    if (w.literal != reader.literals_n)
        return "a literal nobody asked for";
    if (str_is(r->word, "FETCH") && !imap_fetch_read(&reader, r->args, &f))
        return "not a FETCH";
    bool ok =
        !str_ends(r->word, (struct str)STR("SEARCH")) || imap_search_read(&reader, r, &u, 100000);
    imap_uids_clear(&u);
    return ok ? NULL : "not a SEARCH";
}

/* As it went over the wire: with CR LF, and a tag. */
static void wire_of(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n; i++) {
        bool lone = text.p[i] == '\n' && (!i || text.p[i - 1] != '\r');
        assert_true((!lone || buf_add_byte(out, '\r')) &&
                    buf_add_byte(out, text.p[i] == '#' ? '7' : text.p[i]));
    }
}

static const char *replay(struct str in, size_t most) {
    while (in.n) {
        struct imap_response r;
        do
            in = str_from(in, imap_reader_feed(&reader, str_upto(in, most)));
        while (in.n && reader.state == IMAP_MORE);
        if (reader.state != IMAP_READY)
            return reader.state == IMAP_MORE ? "it does not end" : reader.why;
        imap_reader_response(&reader, &r);
        const char *why = judge(&r);
        if (why)
            return why;
    }
    return NULL;
}

/* A mail comes back byte for byte. */
static const char *carry(struct str mail, size_t most) {
    cleanup(buf_clear) struct buf b;
    struct imap_response r;
    struct imap_fetch f;
    buf_init(&b, FILE_MAX);
    if (!buf_addf(&b, "* 1 FETCH (UID 1 BODY[] {%zu}\r\n", mail.n) || !buf_add(&b, mail) ||
        !buf_add_c(&b, ")\r\n"))
        return "larger than the test";
    if (feed(buf_str(&b), most, &r).n || !imap_fetch_read(&reader, r.args, &f))
        return "not read";
    return str_eq(f.body.bytes, mail) ? NULL : "other bytes";
}

static void play_file(const char *folder, const char *name, int *all, int *right) {
    char path[600];
    cleanup(buf_clear) struct buf text, wire;
    buf_init(&text, FILE_MAX);
    buf_init(&wire, 2 * FILE_MAX);
    snprintf(path, sizeof path, "%s/%s/%s", corpus, folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *to = buf_reserve(&text, FILE_MAX / 2);
    buf_commit(&text, fread(to, 1, FILE_MAX / 2, f));
    fclose(f);
    wire_of(buf_str(&text), &wire);
    bool mail = strstr(name, ".msg") != NULL;
    for (size_t most = 1; most < 9; most += 7) {
        imap_reader_clear(&reader);
        imap_reader_init(&reader, FILE_MAX);
        const char *why = mail ? carry(buf_str(&text), most) : replay(buf_str(&wire), most);
        ++*all;
        if (why)
            printf("%s/%s: %s\n", folder, name, why);
        else
            ++*right;
    }
}

static void what_real_servers_said_is_read(void **state) {
    (void)state;
    static const char *const folders[] = {"common", "dovecot"};
    int all = 0, right = 0;
    for (size_t i = 0; i < COUNT(folders); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", corpus, folders[i]);
        DIR *d = opendir(path);
        if (!d) {
            printf("corpus mailkit-imap is not here\n");
            skip();
        }
        for (struct dirent *e; (e = readdir(d));)
            if (strstr(e->d_name, ".txt") || strstr(e->d_name, ".msg"))
                play_file(folders[i], e->d_name, &all, &right);
        closedir(d);
    }
    printf("corpus mailkit-imap: %d of %d\n", right / 2, all / 2);
    assert_int_equal(right, all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_response_is_taken_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stands_in_a_mail_ends_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(every_form_of_a_literal_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(words_for_people_hold_no_literals, setup, teardown),
        cmocka_unit_test_setup_teardown(beyond_its_ceiling_a_literal_is_cut_and_the_rest_still_read,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_bounds_breaks_it, setup, teardown),
        cmocka_unit_test_setup_teardown(search_is_read_in_both_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(sets_of_uids_are_written_short_and_within_bounds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(dates_of_arrival_and_odd_items_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_real_servers_said_is_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
