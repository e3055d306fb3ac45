/* Numbers as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include <touchline/kit/csv.h>

#include <touchline/kit/phone.h>

#include "touchpoint/touchpoint_priv.h"

static void numbers_become_e164(void **state) {
    (void)state;
    static const struct {
        const char *raw, *region, *e164; /* NULL: none */
    } cases[] = {
        {"030 1234567", "DE", "+49301234567"},
        {"+49 (0)30 / 123 45-67", "DE", "+49301234567"},
        {"0049 30 1234567", "DE", "+49301234567"},
        {"(030) 123.4567", "DE", "+49301234567"},
        {"tel:+49-30-1234567;ext=5", "DE", "+49301234567"},
        {"whatsapp:+14155238886", "DE", "+14155238886"},
        {"+44 20 7946 0123", "DE", "+442079460123"},
        {"020 7946 0123", "GB", "+442079460123"},
        {"(415) 523-8886", "US", "+14155238886"},
        {"1 415 523 8886", "US", "+14155238886"},
        {"011 49 30 1234567", "US", "+49301234567"},
        {"06 698 12345", "IT",
         "+3906698"
         "12345"},
        {"8 (495) 123-45-67", "RU", "+74951234567"},
        {"06 1 234 5678", "HU", "+3612345678"},
        {"\xd9\xa0\xd9\xa3\xd9\xa0 1234567", "DE", "+49301234567"}, /* Arabic-Indic 030 */
        {"030\xc2\xa0"
         "1234567",
         "DE", "+49301234567"},
        {"1701234567", "DE", "+491701234567"},
        {"491701234567", "DE", "+491701234567"},
        {"030 1234567 x12", "DE", "+49301234567"},
        {"110", "DE", NULL},
        {"100", "DE", NULL},
        {"1234567", "DE", NULL},
        {"anonymous", "DE", NULL},
        {"*31#0301234567", "DE", NULL},
        {"", "DE", NULL},
        {"+", "DE", NULL},
        {"+0123456789", "DE", NULL},
        {"+999123456789", "DE", NULL},
        {"+4930123456789012345678", "DE", NULL},
        {"030 1234567", "", NULL},
        {"030-CALL-NOW", "DE", NULL},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str out = {0};
        bool ok = phone_normalise(&a, str_c(cases[i].raw), str_c(cases[i].region), &out);
        if (ok != (cases[i].e164 != NULL) || (ok && !str_is(out, cases[i].e164)))
            fail_msg("%s in %s: %.*s, not %s", cases[i].raw, cases[i].region, STR_ARG(out),
                     cases[i].e164 ? cases[i].e164 : "none");
    }
    arena_clear(&a);
}

static void one_person_has_one_number_however_it_is_spelt(void **state) {
    (void)state;
    static const struct {
        const char *region, *one, *spellings[8];
    } cases[] = {
        {"BR",
         "+5511987654321",
         {"+55 11 98765-4321", "+55 11 8765-4321", "551187654321", "(11) 98765-4321",
          "0 15 11 98765-4321", "011 98765-4321", "whatsapp:+551187654321"}},
        {"BR", "+551133334444", {"+55 11 3333-4444", "(11) 3333-4444", "0 21 11 3333-4444"}},
        {"MX",
         "+523312345678",
         {"+52 1 33 1234 5678", "+52 33 1234 5678", "5213312345678", "044 33 1234 5678",
          "01 33 1234 5678", "33 1234 5678"}},
        {"AR",
         "+541112345678",
         {"+54 9 11 1234-5678", "+54 11 1234-5678", "5491112345678", "011 15 1234-5678",
          "011 1234 5678", "+54 11 15 1234 5678"}},
        {"AR", "+543435551212", {"+54 9 343 555 1212", "0343 15 555 1212"}},
        {"AR", "+543715654320", {"+54 9 3715 65 4320", "03715 15 65 4320"}},
        {"DE",
         "+4930123456",
         {"+49 0 30 123456", "+49 (0)30 123456", "0049 30 123456", "030/123456",
          "tel:+49-30-123456;phone-context=example.com"}},
        {"BY", "+375152450911", {"8 0152 45-09-11", "+375 152 45 09 11"}},
        {"IT", "+390236618300", {"+39 02-36618 300", "02-36618 300"}},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < 8 && cases[i].spellings[k]; k++) {
            struct str out = {0};
            bool ok =
                phone_by_rules(&a, str_c(cases[i].spellings[k]), str_c(cases[i].region), &out);
            if (!ok || !str_is(out, cases[i].one))
                fail_msg("%s in %s: \"%.*s\", not %s", cases[i].spellings[k], cases[i].region,
                         STR_ARG(out), cases[i].one);
        }
    arena_clear(&a);
}

static void what_can_be_read_in_two_ways_is_left_unread(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"00493012345678", "TH"}, /* carrier 004 to 93, or 00 to 49 */
        {"00441212345678", "SG"},
    };
    struct arena a;
    struct str out;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_false(phone_by_rules(&a, str_c(cases[i][0]), str_c(cases[i][1]), &out));
    arena_clear(&a);
}

enum { COLUMNS = 8, MISSES_SHOWN = 20 };

static FILE *collected(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "../shared/corpora/phone-e164/%s", name);
    FILE *in = fopen(path, "r");
    if (!in) {
        print_message("skipped: no collected numbers beside this tree\n");
        skip();
    }
    return in;
}

struct score {
    const char *name;
    size_t right, all;
};

static void judge(struct score *s, bool ok, struct str said, const char *raw, struct str region,
                  struct str due) {
    s->all++;
    if (ok && str_eq(said, due))
        s->right++;
    else if (s->all - s->right <= MISSES_SHOWN)
        print_message("  %s: %s in %.*s: \"%.*s\", not %.*s\n", s->name, raw, STR_ARG(region),
                      ok ? (int)said.n : 0, ok ? said.p : "", STR_ARG(due));
}

/* Each number as it is written with its code, from abroad, and at home. */
static void judge_spellings(struct arena *a, const struct str *f, struct str national,
                            struct str abroad, struct score *rules, struct score *both) {
    const char *raws[] = {
        arena_strf(a, "%.*s", STR_ARG(f[4])).p,
        abroad.n ? arena_strf(a, "%.*s%.*s%.*s", STR_ARG(abroad), STR_ARG(f[1]), STR_ARG(f[3])).p
                 : NULL,
        national.p ? arena_strf(a, "%.*s%.*s", STR_ARG(national), STR_ARG(f[3])).p : NULL,
    };
    struct str due = phone_canonical(a, f[4]), out;
    for (size_t i = 0; i < COUNT(raws); i++) {
        if (!raws[i])
            continue;
        bool ok = phone_by_rules(a, str_c(raws[i]), f[0], &out);
        judge(rules, ok, out, raws[i], f[0], due);
        ok = phone_normalise(a, str_c(raws[i]), f[0], &out);
        judge(both, ok, out, raws[i], f[0], due);
    }
}

static void the_collected_numbers_are_read_as_their_authors_read_them(void **state) {
    (void)state;
    FILE *in = collected("example-numbers.tsv");
    char line[512];
    struct score rules = {.name = "phone-e164 (own rules)"},
                 both = {.name = "phone-e164 (with libphonenumber)"};
    struct arena a;
    arena_init(&a);
    while (fgets(line, sizeof line, in)) {
        struct str f[COLUMNS];
        size_t n;
        struct str kept = arena_str(&a, str_trim(str_c(line)));
        if (!csv_split(&a, kept, '\t', f, COLUMNS, &n) || n < 5 || f[4].p[0] != '+')
            continue;
        if (f[4].n < 8 || f[4].n > 16) /* services of fewer digits make no contact */
            continue;
        const struct phone_region *r = phone_region_find(f[0]);
        struct str ways = r ? str_c(r->international) : STR_NONE;
        judge_spellings(&a, f, r && *r->national ? str_c(r->national) : STR_NONE,
                        str_cut(&ways, ' '), &rules, &both);
    }
    fclose(in);
    arena_clear(&a);
    print_message("corpus %s: %zu of %zu\n", rules.name, rules.right, rules.all);
    if (phone_library_here())
        print_message("corpus %s: %zu of %zu\n", both.name, both.right, both.all);
    else
        print_message("skipped: phone-e164 with libphonenumber, which is not built here\n");
    assert_true(rules.all > 400);
    assert_true(rules.right * 100 >= rules.all * 97);
    assert_true(both.right >= rules.right);
}

/* Country code and prefix dialled at home of each territory; where several prefixes lead abroad,
 * ours are among them. */
static void the_collected_prefixes_stand_in_our_table(void **state) {
    (void)state;
    FILE *in = collected("dialling-prefixes.tsv");
    char line[4096];
    size_t right = 0, all = 0;
    struct arena a;
    arena_init(&a);
    while (fgets(line, sizeof line, in)) {
        struct str rest = str_c(line), region = str_cut(&rest, '\t'), code = str_cut(&rest, '\t');
        struct str abroad = str_cut(&rest, '\t'), preferred = str_cut(&rest, '\t'),
                   national = str_cut(&rest, '\t');
        if (str_is(region, "region"))
            continue;
        all++;
        const struct phone_region *r = phone_region_find(region);
        bool plain = str_is(abroad, "00") || str_is(abroad, "011");
        bool ok = r ? str_is(code, r->code) && str_is(national, r->national) &&
                          (!plain || str_is(abroad, r->international))
                    : phone_code_known(code);
        right += ok;
        if (!ok)
            print_message("  phone-e164 prefixes: %.*s %.*s abroad %.*s (%.*s) at home %.*s\n",
                          STR_ARG(region), STR_ARG(code), STR_ARG(abroad), STR_ARG(preferred),
                          STR_ARG(national));
    }
    fclose(in);
    arena_clear(&a);
    print_message("corpus phone-e164 prefixes: %zu of %zu\n", right, all);
    assert_true(all > 250 && right * 100 >= all * 97);
}

static void the_library_reads_what_our_rules_leave(void **state) {
    (void)state;
    if (!phone_library_here()) {
        print_message("skipped: libphonenumber is not built here\n");
        skip();
    }
    struct arena a;
    struct str out;
    arena_init(&a);
    assert_false(phone_by_rules(&a, str_c("12345678"), str_c("BE"), &out));
    assert_true(phone_normalise(&a, str_c("12345678"), str_c("BE"), &out));
    assert_true(str_is(out, "+3212345678"));
    assert_true(phone_library_read(&a, str_c("030 1234567"), STR_NONE, 49, &out));
    assert_true(str_is(out, "+49301234567"));
    assert_false(phone_library_read(&a, str_c("1234567"), str_c("DE"), 0, &out));
    assert_false(phone_library_read(&a, str_c("nobody"), str_c("DE"), 0, &out));
    arena_clear(&a);
}

static void addresses_have_one_form(void **state) {
    (void)state;
    static const struct {
        const char *raw, *out;
    } cases[] = {
        {"Jana@Example.ORG", "jana@example.org"},
        {" a.b+c@localhost ", "a.b+c@localhost"},
        {"j\xc3\xa4na@m\xc3\xbcller.de", "j\xc3\xa4na@xn--mller-kva.de"},
        {"a@b@c.de", NULL},
        {"a@", NULL},
        {"@b", NULL},
        {"a", NULL},
        {"a b@c.de", NULL},
        {"a@b..c", NULL},
        {"a@-b.c", NULL},
        {"a@b_c.de", NULL},
        {"a@[127.0.0.1]", NULL},
        {"\"a b\"@c.de", NULL},
        {"a\xe2\x80\xae@c.de", NULL},
        {"a@b>,<c@d", NULL},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str out = {0};
        bool ok = email_normalise(&a, str_c(cases[i].raw), &out);
        if (ok != (cases[i].out != NULL) || (ok && !str_is(out, cases[i].out)))
            fail_msg("%s: %.*s", cases[i].raw, STR_ARG(out));
    }
    arena_clear(&a);
}

static void a_query_names_an_identity(void **state) {
    (void)state;
    struct arena a;
    struct identity who;
    struct fault f;
    arena_init(&a);
    assert_true(identity_parse(&a, str_c("phone: 49301234567"), str_c("DE"), &who, &f));
    assert_true(str_is(who.value, "+49301234567"));
    assert_true(identity_parse(&a, str_c("crm:4711:x"), str_c("DE"), &who, &f));
    assert_true(str_is(who.value, "4711:x"));
    assert_false(identity_parse(&a, str_c("email:nobody"), str_c("DE"), &who, &f));
    assert_false(identity_parse(&a, str_c("no kind"), str_c("DE"), &who, &f));
    assert_false(identity_parse(&a, str_c("CRM:1"), str_c("DE"), &who, &f));
    assert_false(identity_parse(&a, str_c("crm:"), str_c("DE"), &who, &f));
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_become_e164),
        cmocka_unit_test(one_person_has_one_number_however_it_is_spelt),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_left_unread),
        cmocka_unit_test(the_collected_numbers_are_read_as_their_authors_read_them),
        cmocka_unit_test(the_collected_prefixes_stand_in_our_table),
        cmocka_unit_test(the_library_reads_what_our_rules_leave),
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(a_query_names_an_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
