/* Several files as one: lists joined, mappings merged, single values in one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

static const struct tl_key list_keys[] = {{.name = "list", .type = TL_KEY_STRS}, {0}};
static const struct tl_key map_keys[] = {
    {.name = "a", .type = TL_KEY_STR, .offset = 0},
    {.name = "b", .type = TL_KEY_STR, .offset = sizeof(struct str)},
    {0},
};
static const struct config_section sections[] = {
    {"list", list_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},
    {"map", map_keys, 2 * sizeof(struct str), 0, NULL},
    {0},
};

static void lists_are_joined_and_mappings_merged_in_the_order_of_names(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_folder(&lab, "conf.d");
    lab_write(&lab, "touchline.yml", "include: conf.d/*.yml\nlist: [one]\nmap: {a: x}\n", 0644);
    lab_write(&lab, "conf.d/20.yml", "list: [three]\nmap: {b: y}\n", 0644);
    lab_write(&lab, "conf.d/10.yml", "list: [two]\n", 0644);
    lab_write(&lab, "conf.d/30.yml", "# nothing\n", 0644);
    lab_write(&lab, "conf.d/other.txt", "list: [no]\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, "");
    const struct tl_strs *list = config_get(lab.config, "list");
    const struct str *map = config_get(lab.config, "map");
    assert_int_equal(list->n, 3);
    assert_true(str_is(list->items[1], "two"));
    assert_true(str_is(list->items[2], "three"));
    assert_true(str_is(map[0], "x") && str_is(map[1], "y"));
    lab_close(&lab);
}

static void a_single_value_in_two_files_is_refused_with_both_places(void **state) {
    (void)state;
    struct lab lab;
    char told[512];
    lab_open(&lab);
    lab_folder(&lab, "conf.d");
    lab_write(&lab, "touchline.yml", "map:\n  a: x\ninclude: [conf.d/a.yml]\n", 0644);
    lab_write(&lab, "conf.d/a.yml", "\nmap: {a: y}\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    snprintf(told, sizeof told,
             "conf.d/a.yml:2:7: \"a\" stands already at %s:2; a single value may stand in one "
             "place\n",
             lab.path);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

static void faults_name_the_file_they_stand_in(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_folder(&lab, "conf.d");
    lab_write(&lab, "touchline.yml", "include: conf.d/*.yml\nmap: {c: 1}\n", 0644);
    lab_write(&lab, "conf.d/a.yml", "lst: [x]\n", 0644);
    lab_write(&lab, "conf.d/b.yml", "include: c.yml\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, "touchline.yml:2:7: unknown key \"c\" in map; allowed: a, b\n"
                                  "conf.d/a.yml:1:1: unknown key \"lst\"; did you mean \"list\"?\n"
                                  "conf.d/b.yml:1:10: include is allowed in the main file only\n");
    lab_close(&lab);
}

static void a_file_that_cannot_be_taken_in_is_told_where_it_is_named(void **state) {
    (void)state;
    lab_tells(sections, "include: missing.yml\n",
              "touchline.yml:1:10: include: \"missing.yml\" does not exist; allowed is a path or a "
              "list of them\n");
    lab_tells(sections, "include: conf.d/*.yml\n", "");
    lab_tells(sections, "include: {a: b}\n",
              "touchline.yml:1:10: include: \"\" is no path; allowed is a path or a list of "
              "them\n");
}

static void a_broken_file_hides_no_faults_of_form_in_others(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", "include: [a.yml, b.yml]\n", 0644);
    lab_write(&lab, "a.yml", "list: [\n", 0644);
    lab_write(&lab, "b.yml", "list: *x\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_non_null(strstr(lab.told, "a.yml:2:1: not YAML"));
    assert_non_null(strstr(lab.told, "b.yml:1:7: aliases"));
    lab_close(&lab);
}

static void a_file_that_takes_in_itself_ends(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", "include: '*.yml'\nlist: [a]\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, "touchline.yml:1:10: include is allowed in the main file only\n");
    lab_close(&lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_joined_and_mappings_merged_in_the_order_of_names),
        cmocka_unit_test(a_single_value_in_two_files_is_refused_with_both_places),
        cmocka_unit_test(faults_name_the_file_they_stand_in),
        cmocka_unit_test(a_file_that_cannot_be_taken_in_is_told_where_it_is_named),
        cmocka_unit_test(a_broken_file_hides_no_faults_of_form_in_others),
        cmocka_unit_test(a_file_that_takes_in_itself_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
