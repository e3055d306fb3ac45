/* What is not YAML, and what of YAML we don't take: each with its place, none a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

static const struct tl_key any_keys[] = {{.name = "any", .type = TL_KEY_NODE}, {0}};
static const struct config_section sections[] = {
    {"any", any_keys, sizeof(struct config_node *), CONFIG_SECTION_VALUE, NULL},
    {0},
};

static void what_yaml_has_and_we_do_not_is_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"any: &a 1\n", "1:6: anchors (&name) are not allowed; write the value out"},
        {"any: *a\n", "1:6: aliases (*name) are not allowed; write the value out"},
        {"any: !!str 1\n", "1:6: tags (!name) are not allowed; leave it away"},
        {"any: !x [1]\n", "1:6: tags (!name) are not allowed; leave it away"},
        {"any: {<<: {a: 1}}\n", "1:7: merge keys (<<) are not allowed; write the keys out"},
        {"any: 1\nany: 2\n", "2:1: key \"any\" stands here twice, first at line 1"},
        {"any: {a: 1, \"a\": 2}\n", "1:13: key \"a\" stands here twice, first at line 1"},
        {"any: {[a]: 1}\n", "1:7: a key must be a single word"},
        {"any: \"x\\0y\"\n", "1:6: a NUL character is not allowed"},
        {"any: 1\n---\nany: 2\n", "2:1: a second document; one is allowed in a file"},
        {"- any\n", "1:1: the file is no mapping; allowed are keys and values"},
        {"any\n", "1:1: the file is no mapping; allowed are keys and values"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char told[256];
        snprintf(told, sizeof told, "touchline.yml:%s\n", cases[i][1]);
        lab_tells(sections, cases[i][0], told);
    }
}

static void what_is_not_yaml_is_told_where_it_breaks(void **state) {
    (void)state;
    lab_tells(sections, "any: [1\n",
              "touchline.yml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow "
              "sequence that began at line 1, column 6\n");
    lab_tells(sections, "any: 1\n  other: 2\n",
              "touchline.yml:2:8: not YAML: mapping values are not allowed in this context\n");
    lab_tells(sections, "any:\n\t- 1\n",
              "touchline.yml:2:1: not YAML: found character that cannot start any token, while "
              "scanning for the next token that began at line 2, column 1\n");
    lab_tells(sections, "any: \x01\n", "touchline.yml:1:6: control characters are not allowed\n");
}

/* Writes bytes that may hold NUL, and compares what is told. */
static void tells_n(const char *text, size_t n, const char *told) {
    struct lab lab;
    lab_open(&lab);
    lab_write_n(&lab, "touchline.yml", text, n, 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

static void bytes_that_are_no_text_are_refused(void **state) {
    (void)state;
    tells_n("any: 1\n\xC3\xA4 \xFF", 11, "touchline.yml:2:3: not UTF-8\n");
    tells_n("any: a\0b\n", 9, "touchline.yml:1:7: control characters are not allowed\n");
    tells_n("a\0n\0y\0", 6, "touchline.yml:1:2: control characters are not allowed\n");
    tells_n("\xEF\xBB\xBF"
            "any: 1\n",
            10, "");
}

static void nesting_ends_at_32_levels_and_costs_nothing(void **state) {
    (void)state;
    static char text[1 << 19], told[128];
    strcpy(text, "any: ");
    for (int i = 0; i < 31; i++)
        strcat(text, "[");
    for (int i = 0; i < 31; i++)
        strcat(text, "]");
    lab_tells(sections, text, "");
    memset(text + 5, '[', sizeof text - 6);
    snprintf(told, sizeof told, "touchline.yml:1:%d: nested more than 32 levels deep\n", 5 + 32);
    lab_tells(sections, text, told);
}

static void a_file_ends_at_one_mebibyte(void **state) {
    (void)state;
    size_t n = (1 << 20) + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '#', n);
    tells_n(text, n - 1, "");
    tells_n(text, n, "touchline.yml:1:1: larger than 1 MiB\n");
    free(text);
}

static void many_keys_and_items_are_refused_not_searched(void **state) {
    (void)state;
    static char text[1 << 20];
    size_t n = (size_t)sprintf(text, "any: {");
    for (int i = 0; i < 5000; i++)
        n += (size_t)sprintf(text + n, "k%d: 1,", i);
    sprintf(text + n, "}\n");
    lab_tells(sections, text, "touchline.yml:1:6: more than 4096 keys in one mapping\n");
    n = (size_t)sprintf(text, "any: [");
    for (int i = 0; i < 10001; i++)
        n += (size_t)sprintf(text + n, "1,");
    sprintf(text + n, "]\n");
    lab_tells(sections, text, "touchline.yml:1:6: more than 10000 items in one list\n");
}

static void a_file_that_is_not_there_is_a_fault_at_its_head(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    assert_false(lab_load(&lab, sections, NULL, NULL));
    assert_string_equal(lab.told,
                        "touchline.yml:1:1: cannot be opened: No such file or directory\n");
    lab_folder(&lab, "touchline.yml");
    assert_false(lab_load(&lab, sections, NULL, NULL));
    assert_string_equal(lab.told, "touchline.yml:1:1: is not a regular file\n");
    lab_close(&lab);
}

static void several_faults_of_form_are_told_together(void **state) {
    (void)state;
    lab_tells(sections, "any: {a: 1, a: 2, <<: 3}\nother: &x !y 1\n",
              "touchline.yml:1:13: key \"a\" stands here twice, first at line 1\n"
              "touchline.yml:1:19: merge keys (<<) are not allowed; write the keys out\n"
              "touchline.yml:2:1: unknown key \"other\"; allowed are the sections of "
              "touchline.yml(5)\n"
              "touchline.yml:2:8: anchors (&name) are not allowed; write the value out\n"
              "touchline.yml:2:8: tags (!name) are not allowed; leave it away\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_yaml_has_and_we_do_not_is_refused),
        cmocka_unit_test(what_is_not_yaml_is_told_where_it_breaks),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(nesting_ends_at_32_levels_and_costs_nothing),
        cmocka_unit_test(a_file_ends_at_one_mebibyte),
        cmocka_unit_test(many_keys_and_items_are_refused_not_searched),
        cmocka_unit_test(a_file_that_is_not_there_is_a_fault_at_its_head),
        cmocka_unit_test(several_faults_of_form_are_told_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
