/* forms/config.c: what of a form's configuration cannot be meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <touchline/kit/own.h>

#include "forms/config.h"
#include "forms/form.h"

static char told[1000];

static void report(void *ctx, struct str path, const char *reason) {
    (void)ctx;
    size_t n = strlen(told);
    assert_true(reason[0]);
    snprintf(told + n, sizeof told - n, "%.*s|", STR_ARG(path));
}

static void assert_told(const struct form_config *c, const char *expected) {
    const struct tl_items all = {c, 1};
    told[0] = '\0';
    bool ok = form_config_check(&all, report, NULL);
    assert_string_equal(told, expected);
    assert_int_equal(ok, expected[0] == '\0');
}

static void a_path_leads_into_a_touchpoint(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool known;
    } cases[] = {
        {"from.name", true},
        {"from.email", true},
        {"from.phone", true},
        {"subject", true},
        {"text", true},
        {"language", true},
        {"data.order", true},
        {"data.a.b.c", true},
        {"from.external.crm", true},
        {"from.external.c_1", true},
        {"data", false},
        {"data.", false},
        {"data..a", false},
        {"data.a.", false},
        {"from.external.", false},
        {"from.external.Crm", false},
        {"from.external.a.b", false},
        {"from.external.1a", false},
        {"from", false},
        {"id", false},
        {"priority", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tl_pair pair = {STR("x"), str_c(cases[i].path)};
        const struct form_config c = {.name = STR("a"), .fields = {&pair, 1}};
        assert_told(&c, cases[i].known ? "" : "0/fields/x|");
    }
}

static void two_fields_cannot_lie_within_each_other(void **state) {
    (void)state;
    static const struct tl_pair inside[] = {{STR("a"), STR("data.order")},
                                            {STR("b"), STR("data.order.number")}},
                                beside[] = {{STR("a"), STR("data.order")},
                                            {STR("b"), STR("data.order2")},
                                            {STR("c"), STR("data.order")}};
    const struct form_config c = {.name = STR("a"), .fields = {inside, 2}};
    const struct form_config d = {.name = STR("a"), .fields = {beside, 3}};
    assert_told(&c, "0/fields/b|");
    assert_told(&d, "");
}

static void every_fault_is_told_at_its_place(void **state) {
    (void)state;
    static const struct str first[] = {STR("email")}, second[] = {STR("fax"), STR("email")},
                            origins[] = {STR("https://a.example"),
                                         STR("a.example"),
                                         STR("https://a.example/"),
                                         STR("https://A.example"),
                                         STR("http://localhost:*"),
                                         STR("null"),
                                         STR("*")};
    static const struct tl_strs groups[] = {{first, 1}, {second, 2}};
    static const struct tl_pair fields[] = {{STR("email"), STR("from.email")}};
    const struct form_config c = {.name = STR("a/b"),
                                  .fields = {fields, 1},
                                  .required = {groups, 2},
                                  .origins = {origins, COUNT(origins)},
                                  .redirect = STR("javascript:alert(1)")};
    assert_told(&c, "0/name|0/required/1|0/origins/1|0/origins/2|0/origins/3|0/origins/5|"
                    "0/origins/6|0/redirect|");
}

static void a_maker_stands_in_for_the_map_and_only_some_sign(void **state) {
    (void)state;
    const struct form_config none = {.name = STR("a")}, made = {.name = STR("a"), .maker = 1},
                             signs = {.name = STR("a"), .maker = 4, .secret = STR("s")},
                             cannot = {.name = STR("a"), .maker = 1, .secret = STR("s")};
    assert_told(&none, "0/fields|");
    assert_told(&made, "");
    assert_told(&signs, "");
    assert_told(&cannot, "0/secret|");
}

static void a_redirect_is_an_address_without_line_ends(void **state) {
    (void)state;
    static const struct {
        const char *redirect;
        bool ok;
    } cases[] = {{"https://www.example.org/thanks?x=1", true},
                 {"http://a/", true},
                 {"/thanks", true},
                 {"", true},
                 {"https://a/\r\nX: 1", false},
                 {"ftp://a/", false},
                 {"https://", false},
                 {"/a\nb", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct form_config c = {
            .name = STR("a"), .maker = 1, .redirect = str_c(cases[i].redirect)};
        assert_told(&c, cases[i].ok ? "" : "0/redirect|");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_leads_into_a_touchpoint),
        cmocka_unit_test(two_fields_cannot_lie_within_each_other),
        cmocka_unit_test(every_fault_is_told_at_its_place),
        cmocka_unit_test(a_maker_stands_in_for_the_map_and_only_some_sign),
        cmocka_unit_test(a_redirect_is_an_address_without_line_ends),
    };
    return cmocka_run_group_tests_name("forms/config", tests, NULL, NULL);
}
