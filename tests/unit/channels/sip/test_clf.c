/* The SIP Common Log Format: lines to what they say of a call, over the RFC's own records too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "said.h"
#include "sip/calls.h"

static const char sample[] =
    "1328821153.010\tRORUU\t1 INVITE\t-\tsip:192.0.2.10\t192.0.2.10:5060\t192.0.2.200:56485\t"
    "sip:192.0.2.10\t-\tsip:1001@example.com:5060\tDL88360fa5fc\t"
    "DL70dff590c1-1079051554@example.com\tS1781761-88\tC67651-11";

static void a_record_is_split_at_its_tabs(void **state) {
    (void)state;
    struct said s;
    said_init(&s, "UTC");
    assert_int_equal(said_one_line(&s, &format_clf, NULL, str_c(sample)), FORMAT_LINE);
    assert_true(str_is(s.lines[0].call_id, "DL70dff590c1-1079051554@example.com"));
    assert_int_equal(s.lines[0].kind, LINE_BEGIN);
    assert_int_equal(s.lines[0].at_ms, 1328821153010);
    assert_true(str_is(s.lines[0].caller, "sip:1001@example.com:5060"));
    assert_true(str_is(s.lines[0].callee, "sip:192.0.2.10"));
    said_clear(&s);
}

static void lines_that_are_no_record_are_passed_over_or_kept(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum format_verdict verdict;
    } cases[] = {
        {"A000100,0053005C005E006D007D008F009E00A000BA00C700EB00F70100", FORMAT_NOTHING},
        {"A0", FORMAT_NOTHING},
        {"", FORMAT_NOTHING},
        {"# a comment", FORMAT_NOTHING},
        {"B000100,0053", FORMAT_BAD}, /* a version we do not know */
        {"1328821153.010", FORMAT_BAD},
        {"1328821153.010\tRORUU\t1 INVITE\t-", FORMAT_BAD},
        {"1328821153.x\tRORUU\t1 INVITE\t-\t-\t-\t-\t-\t-\t-\t-\tid\t-\t-", FORMAT_BAD},
        {"1328821153.010\tRORUU\t1 INVITE\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-", FORMAT_BAD},
        {"1328821153.010\trORUU\t1 INVITE\t-\t-\t-\t-\t-\t-\t-\t-\tid\t-\t-", FORMAT_BAD},
        {"1328821153.010\tRORUU\t1 OPTIONS\t-\t-\t-\t-\t-\t-\t-\t-\tid\t-\t-", FORMAT_NOTHING},
        {"1328821153\tRSRWE\t1 INVITE\t?\t-\t-\t-\t?\t-\t?\t-\t%2D\t-\t-\t00@00000000,0004,00,abcd",
         FORMAT_LINE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct said s;
        said_init(&s, "UTC");
        enum format_verdict v = said_one_line(&s, &format_clf, NULL, str_c(cases[i].line));
        if (v != cases[i].verdict || (v == FORMAT_BAD && !s.why))
            fail_msg("\"%s\": %d, not %d", cases[i].line, v, cases[i].verdict);
        if (v == FORMAT_LINE)
            assert_true(str_is(s.lines[0].call_id, "-"));
        said_clear(&s);
    }
}

/* ---- the RFCs' records ---- */

static json_t *load(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "../shared/corpora/rfc-sipclf/%s", name);
    json_t *all = json_load_file(path, 0, NULL);
    if (!all) {
        print_message("skipped: no collected records beside this tree\n");
        skip();
    }
    return all;
}

static const char *member(const json_t *r, const char *key) {
    return json_string_value(json_object_get(r, key));
}

/* What the RFC shows as columns, as a server would write it. */
static struct str line_of(struct arena *a, const json_t *r) {
    return arena_strf(a, "%s\t%sO%cUU\t%s %s\t%s\t%s\t%s:%s\t%s:%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s",
                      member(r, "Timestamp"), member(r, "Message Type"),
                      *member(r, "Directionality") - 32, member(r, "CSeq-Number"),
                      member(r, "CSeq-Method"), member(r, "Status"), member(r, "R-URI"),
                      member(r, "Destination-address"), member(r, "Destination-port"),
                      member(r, "Source-address"), member(r, "Source-port"), member(r, "To"),
                      member(r, "To tag"), member(r, "From"), member(r, "From tag"),
                      member(r, "Call-ID"), member(r, "Server-Txn"), member(r, "Client-Txn"));
}

static bool is_read_right(const struct said *s, enum format_verdict v, const json_t *r) {
    const char *method = member(r, "CSeq-Method");
    bool request = *member(r, "Message Type") == 'R';
    if (strcmp(method, "INVITE") != 0 && (strcmp(method, "CANCEL") != 0 || !request))
        return v == FORMAT_NOTHING;
    if (strcmp(method, "CANCEL") == 0) /* the proxy's own, to the other branch */
        return v == FORMAT_NOTHING;
    if (v != FORMAT_LINE)
        return false;
    const struct call_line *l = &s->lines[0];
    int code = atoi(member(r, "Status"));
    bool final = l->kind == LINE_FINAL,
         towards_caller = *member(r, "Directionality") == 's' || *member(r, "Server-Txn") == '-';
    /* Of three records of the forked call the RFC prints another word behind the Call-ID. */
    struct str id = str_c(member(r, "Call-ID"));
    return str_eq(l->call_id, str_cut(&id, ' ')) && str_is(l->caller, member(r, "From")) &&
           (code < 200 || l->code == code) && final == (code >= 200 && towards_caller);
}

static void the_rfcs_records_are_read(void **state) {
    (void)state;
    cleanup(json_freep) json_t *all = load("rfc6872-examples.json");
    cleanup(json_freep) json_t *optional = load("rfc6873-optional-fields.json");
    size_t i, right = 0, n = 0;
    json_t *r;
    json_array_foreach(all, i, r) {
        struct said s;
        said_init(&s, "UTC");
        struct str line = line_of(&s.arena, r);
        bool ok = is_read_right(&s, said_one_line(&s, &format_clf, NULL, line), r);
        n++;
        right += ok;
        if (!ok)
            print_message("  rfc-sipclf: %.*s\n", STR_ARG(line));
        said_clear(&s);
    }
    json_array_foreach(optional, i, r) { /* whatever length they claim */
        struct said s;
        said_init(&s, "UTC");
        struct str line = arena_strf(&s.arena, "%s\t%s", sample, member(r, "raw"));
        n++;
        right += said_one_line(&s, &format_clf, NULL, line) == FORMAT_LINE;
        said_clear(&s);
    }
    print_message("corpus rfc-sipclf: %zu of %zu\n", right, n);
    assert_true(right * 100 >= n * 97);
}

struct told {
    size_t n;
    struct {
        enum call_outcome outcome;
        int64_t start_ms, answer_ms;
        size_t legs;
    } calls[8];
};

static void tell(void *arg, struct call *c) {
    struct told *t = arg;
    assert_true(t->n < 8);
    t->calls[t->n].outcome = call_outcome(c);
    t->calls[t->n].start_ms = c->start_ms;
    t->calls[t->n].answer_ms = call_answer_ms(c);
    t->calls[t->n].legs = c->legs_n;
    t->n++;
}

/* Its 200 is the caller's; the 487 of the branch that lost says nothing against it. */
static void the_rfcs_forked_call_is_answered_once(void **state) {
    (void)state;
    cleanup(json_freep) json_t *all = load("rfc6872-examples.json");
    struct calls *calls = calls_new();
    struct told told = {0};
    struct arena a;
    size_t i;
    json_t *r;
    arena_init(&a);
    json_array_foreach(all, i, r) {
        struct said s;
        if (strncmp(member(r, "section"), "9.4", 3) != 0)
            continue;
        said_init(&s, "UTC");
        struct str line = line_of(&a, r);
        if (said_one_line(&s, &format_clf, NULL, line) == FORMAT_LINE)
            (void)calls_add(calls, &s.lines[0], line, (struct call_origin){.place = NULL}, 0);
        said_clear(&s);
    }
    const struct call_line bye = {.kind = LINE_BYE,
                                  .call_id = STR("tr-88h@example.com"),
                                  .at_ms = 1275930808000,
                                  .start_ms = -1,
                                  .answer_ms = -1,
                                  .end_ms = -1};
    (void)calls_add(calls, &bye, str_c("bye"), (struct call_origin){.place = NULL}, 0);
    calls_tick(calls, 60000, tell, &told);
    assert_int_equal(told.n, 1);
    assert_int_equal(told.calls[0].outcome, CALL_ANSWERED);
    assert_int_equal(told.calls[0].start_ms, 1275930743699);
    assert_int_equal(told.calls[0].answer_ms, 1275930748000);
    calls_free(calls);
    arena_clear(&a);
}

static void the_rfcs_own_bytes_are_read_line_by_line(void **state) {
    (void)state;
    FILE *in = fopen("../shared/corpora/rfc-sipclf/rfc6873-record.clf", "rb");
    if (!in) {
        print_message("skipped: no collected records beside this tree\n");
        skip();
    }
    char text[512];
    struct str rest = str_make(text, fread(text, 1, sizeof text, in));
    fclose(in);
    struct said s;
    said_init(&s, "UTC");
    assert_int_equal(said_one_line(&s, &format_clf, NULL, str_cut(&rest, '\n')), FORMAT_NOTHING);
    assert_int_equal(said_one_line(&s, &format_clf, NULL, str_cut(&rest, '\n')), FORMAT_LINE);
    assert_true(str_is(s.lines[0].call_id, "DL70dff590c1-1079051554@example.com"));
    said_clear(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_split_at_its_tabs),
        cmocka_unit_test(lines_that_are_no_record_are_passed_over_or_kept),
        cmocka_unit_test(the_rfcs_records_are_read),
        cmocka_unit_test(the_rfcs_forked_call_is_answered_once),
        cmocka_unit_test(the_rfcs_own_bytes_are_read_line_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
