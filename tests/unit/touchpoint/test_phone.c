/* Numbers as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include <touchline/kit/csv.h>

#include "touchpoint/touchpoint.h"

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

static void the_collected_numbers_read_with_their_plus(void **state) {
    (void)state;
    FILE *in = fopen("../shared/corpora/phone-e164/example-numbers.tsv", "r");
    if (!in) {
        print_message("skipped: no collected numbers beside this tree\n");
        skip();
    }
    char line[512];
    size_t read = 0, wrong = 0;
    struct arena a;
    arena_init(&a);
    while (fgets(line, sizeof line, in)) {
        struct str f[8], out;
        size_t n;
        if (!csv_split(&a, str_trim(str_c(line)), '\t', f, 8, &n) || n < 5 || f[4].p[0] != '+')
            continue;
        if (f[4].n < 8 || f[4].n > 16) /* services of fewer digits make no contact */
            continue;
        read++;
        if (!phone_normalise(&a, f[4], (struct str)STR("DE"), &out) || !str_eq(out, f[4]))
            wrong++;
    }
    fclose(in);
    arena_clear(&a);
    assert_true(read > 150);
    assert_int_equal(wrong, 0);
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
        cmocka_unit_test(the_collected_numbers_read_with_their_plus),
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(a_query_names_an_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
