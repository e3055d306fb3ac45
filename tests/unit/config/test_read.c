/* Every type of key: what it takes, and how it refuses, with the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

struct inner {
    struct str name;
    int64_t level;
};
struct all {
    struct str str, address, path, ref, secret;
    bool yes;
    int64_t number, size, duration, choice, share;
    struct tl_strs strs, refs;
    struct tl_pairs strmap;
    struct tl_groups groups;
    struct tl_rate rate;
    struct inner map;
    struct tl_items list;
    const struct config_node *node;
    struct tl_ints intmap;
};

#define AT(member) .offset = offsetof(struct all, member)
static const struct tl_key inner_keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = offsetof(struct inner, name),
     .min = 1,
     .help = "what it is called"},
    {.name = "level",
     .type = TL_KEY_INT,
     .offset = offsetof(struct inner, level),
     .min = 1,
     .max = 10,
     .preset = "5"},
    {0},
};
static const struct tl_key all_keys[] = {
    {.name = "str", .type = TL_KEY_STR, AT(str), .min = 2, .max = 5},
    {.name = "yes", .type = TL_KEY_BOOL, AT(yes), .preset = "yes"},
    {.name = "number", .type = TL_KEY_INT, AT(number), .min = -5, .max = 9},
    {.name = "size", .type = TL_KEY_SIZE, AT(size), .min = 1024, .max = 1 << 20, .preset = "64KiB"},
    {.name = "duration", .type = TL_KEY_DURATION, AT(duration), .min = 1000, .preset = "10m"},
    {.name = "address", .type = TL_KEY_ADDRESS, AT(address)},
    {.name = "path", .type = TL_KEY_PATH, AT(path)},
    {.name = "secret", .type = TL_KEY_SECRET, AT(secret)},
    {.name = "choice", .type = TL_KEY_CHOICE, AT(choice), .choices = "red|green|blue"},
    {.name = "strs", .type = TL_KEY_STRS, AT(strs), .max = 3, .preset = "[a, b]"},
    {.name = "refs", .type = TL_KEY_STRS, .flags = TL_KEY_UNIQUE, AT(refs), .choices = "things"},
    {.name = "strmap", .type = TL_KEY_STRMAP, AT(strmap)},
    {.name = "groups", .type = TL_KEY_GROUPS, AT(groups)},
    {.name = "rate", .type = TL_KEY_RATE, AT(rate)},
    {.name = "map",
     .type = TL_KEY_MAP,
     AT(map),
     .sub = inner_keys,
     .sub_bytes = sizeof(struct inner)},
    {.name = "list",
     .type = TL_KEY_LIST,
     AT(list),
     .max = 3,
     .sub = inner_keys,
     .sub_bytes = sizeof(struct inner)},
    {.name = "ref", .type = TL_KEY_REF, AT(ref), .choices = "things"},
    {.name = "node", .type = TL_KEY_NODE, AT(node)},
    {.name = "share", .type = TL_KEY_SHARE, AT(share)},
    {.name = "intmap", .type = TL_KEY_INTMAP, AT(intmap), .min = 1, .max = 10, .choices = "queues"},
    {0},
};
static const struct tl_key things_keys[] = {{.name = "things", .type = TL_KEY_STRS}, {0}};
static const struct config_section sections[] = {
    {"all", all_keys, sizeof(struct all), 0, NULL},
    {"things", things_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},
    {"queues", inner_keys, sizeof(struct inner), CONFIG_SECTION_LIST, NULL},
    {0},
};

#define THINGS "things: [chair, table]\nqueues: [{name: support}, {name: callbacks}]\n"

static const struct all *load(struct lab *lab, const char *text) {
    lab_open(lab);
    lab_write(lab, "secret", "hidden words\n", 0600);
    lab_write(lab, "touchline.yml", text, 0644);
    lab_load(lab, sections, NULL, NULL);
    assert_string_equal(lab->told, "");
    return config_get(lab->config, "all");
}

static void each_type_is_read(void **state) {
    (void)state;
    struct lab lab;
    const struct all *a =
        load(&lab, THINGS
             "all:\n  str: 12:30\n  yes: no\n  number: -3\n  size: 1MiB\n  duration: 1500ms\n"
             "  address: '[::1]:80'\n  path: file:x/y\n  secret: file:secret\n  choice: blue\n"
             "  strs: [1, yes, \"\"]\n  refs: table\n  strmap: {a: b, c: 1}\n"
             "  groups: [a, [b, c]]\n  rate: 10/1m\n  map: {name: m, level: 3}\n"
             "  list: [{name: x}, {name: y, level: 9}]\n  ref: chair\n  node: {k: [v]}\n"
             "  share: 80%\n  intmap: {support: 7}\n");
    char path[128];
    snprintf(path, sizeof path, "%s/x/y", lab.folder);
    assert_true(str_is(a->str, "12:30"));
    assert_false(a->yes);
    assert_int_equal(a->number, -3);
    assert_int_equal(a->size, 1 << 20);
    assert_int_equal(a->duration, 1500);
    assert_true(str_is(a->address, "[::1]:80"));
    assert_true(str_is(a->path, path));
    assert_true(str_is(a->secret, "hidden words"));
    assert_int_equal(a->choice, 2);
    assert_int_equal(a->strs.n, 3);
    assert_true(str_is(a->strs.items[1], "yes"));
    assert_int_equal(a->refs.n, 1);
    assert_int_equal(a->strmap.n, 2);
    assert_true(str_is(a->strmap.items[1].value, "1"));
    assert_int_equal(a->groups.n, 2);
    assert_int_equal(a->groups.items[0].n, 1);
    assert_true(str_is(a->groups.items[1].items[1], "c"));
    assert_int_equal(a->rate.count, 10);
    assert_int_equal(a->rate.per_ms, 60000);
    assert_true(str_is(a->map.name, "m"));
    assert_int_equal(a->list.n, 2);
    const struct inner *items = a->list.items;
    assert_int_equal(items[0].level, 5);
    assert_int_equal(items[1].level, 9);
    assert_true(str_is(a->ref, "chair"));
    assert_int_equal(config_node_kind(a->node), CONFIG_MAP);
    assert_int_equal(config_node_count(config_node_get(a->node, "k")), 1);
    assert_int_equal(a->share, 80);
    assert_true(str_is(a->intmap.items[0].name, "support"));
    assert_int_equal(a->intmap.items[0].value, 7);
    lab_close(&lab);
}

static void what_is_absent_has_its_preset_or_zero(void **state) {
    (void)state;
    struct lab lab;
    const struct all *a = load(&lab, "# nothing\n");
    assert_true(a->yes);
    assert_int_equal(a->size, 65536);
    assert_int_equal(a->duration, 600000);
    assert_int_equal(a->strs.n, 2);
    assert_true(str_is(a->strs.items[1], "b"));
    assert_null(a->str.p);
    assert_null(a->node);
    assert_null(a->map.name.p); /* required inside of what is absent itself is not asked for */
    assert_int_equal(a->map.level, 5);
    lab_close(&lab);
}

static void each_wrong_value_is_refused_at_its_place(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"str: x", "8: str has 1 bytes; allowed are 2 to 5"},
        {"str: äöü", "8: str has 6 bytes; allowed are 2 to 5"},
        {"str: [a]", "8: str is a list; allowed is a single value"},
        {"str: {a: b}", "8: str is a mapping; allowed is a single value"},
        {"str:", "7: str has no value"},
        {"str: ~", "8: str has no value"},
        {"str: \"a\\nb\"",
         "8: str holds a line end or another control character; allowed is one line"},
        {"yes: maybe", "8: yes: \"maybe\" is neither yes nor no; allowed are yes, no, true, false"},
        {"yes: \"yes\"", "8: yes: \"yes\" is neither yes nor no; allowed are yes, no, true, false, "
                         "without quotes"},
        {"number: 10", "11: number: \"10\" is not a whole number from -5 to 9"},
        {"number: -6", "11: number: \"-6\" is not a whole number from -5 to 9"},
        {"number: 1.5", "11: number: \"1.5\" is not a whole number from -5 to 9"},
        {"number: 99999999999999999999",
         "11: number: \"99999999999999999999\" is not a whole number from -5 to 9"},
        {"size: 64KB", "9: size: \"64KB\" is not a size (64KiB 10MiB 4GiB) from 1KiB to 1MiB"},
        {"size: 2MiB", "9: size: \"2MiB\" is not a size (64KiB 10MiB 4GiB) from 1KiB to 1MiB"},
        {"duration: 10",
         "13: duration: \"10\" is not a duration (500ms 30s 10m 4h 7d) of at least 1s"},
        {"duration: 999999999999999y", "13: duration: \"999999999999999y\" is not a duration "
                                       "(500ms 30s 10m 4h 7d) of at least 1s"},
        {"address: localhost", "12: address: \"localhost\" is not an address; allowed are "
                               "HOST:PORT, [::1]:PORT and unix:PATH"},
        {"address: localhost:65536",
         "12: address: \"localhost:65536\" is not an address; a port is "
         "a number from 0 (any that is free) to 65535"},
        {"address: ::1:80", "12: address: \"::1:80\" is not an address; no host stands before the "
                            "port; allowed are a name, 127.0.0.1, [::1]"},
        {"address: 'unix:'", "12: address: \"unix:\" is not an address; unix: needs a path"},
        {"path: 'file:'", "9: path has no value; allowed is a path"},
        {"secret: hunter2", "11: secret: a secret is never written here; allowed are file:PATH and "
                            "credential:NAME"},
        {"choice: gren", "11: choice \"gren\" is not allowed here; did you mean \"green\"?"},
        {"choice: yellow", "11: choice \"yellow\" is not allowed here; allowed: red, green, blue"},
        {"strs: [a, b, c, d]", "9: strs has 4 entries; allowed are 0 to 3"},
        {"strs: {a: b}", "9: strs is a mapping; allowed is a list of single values"},
        {"strs: [a, [b]]", "13: strs is a list; allowed is a single value"},
        {"refs: [tabel]", "10: thing \"tabel\" is not defined; did you mean \"table\"?"},
        {"refs: [bed]", "10: thing \"bed\" is not defined; allowed: chair, table"},
        {"refs: [table, table]", "17: refs names \"table\" twice"},
        {"strmap: [a]", "11: strmap is no mapping; allowed is { name: value, ... }"},
        {"strmap: {a: [b]}", "15: strmap is a list; allowed is a single value"},
        {"groups: a",
         "11: groups is no list; allowed is a list of names or of lists of names: [a, [b, c]]"},
        {"groups: [a, []]", "15: groups has an empty list in it"},
        {"rate: 10", "9: rate: \"10\" is not a rate; allowed are 10/1m (so many in a time) and no"},
        {"map: 5", "8: map is a single value; allowed is a mapping of keys to values"},
        {"map: {level: 1}", "8: name is missing: what it is called"},
        {"map: {name: x, levle: 1}", "18: unknown key \"levle\" in map; did you mean \"level\"?"},
        {"map: {name: x, height: 1}", "18: unknown key \"height\" in map; allowed: name, level"},
        {"list: {name: x}", "9: list is no list; allowed is a list of mappings: - { ... }"},
        {"list: [{name: x}, {name: x}]",
         "28: name of two list is the same; the first stands at line 4"},
        {"ref: sofa", "8: thing \"sofa\" is not defined; allowed: chair, table"},
        {"share: 101%", "10: share: \"101%\" is not a share (80%) of at least 0%"},
        {"intmap: {suport: 5}", "12: queue \"suport\" is not defined; did you mean \"support\"?"},
        {"intmap: {support: 11}", "21: support: \"11\" is not a whole number from 1 to 10"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[512], told[1024];
        snprintf(text, sizeof text, THINGS "all:\n  %s\n", cases[i][0]);
        snprintf(told, sizeof told, "touchline.yml:4:%s\n", cases[i][1]);
        lab_tells(sections, text, told);
    }
}

static void all_faults_are_told_at_once_in_order(void **state) {
    (void)state;
    lab_tells(sections,
              THINGS "all:\n  duration: 5x\n  sise: 1KiB\n  number: a\nqeues: []\nother: 1\n",
              "touchline.yml:4:13: duration: \"5x\" is not a duration (500ms 30s 10m 4h 7d) of at "
              "least 1s\n"
              "touchline.yml:5:3: unknown key \"sise\" in all; did you mean \"size\"?\n"
              "touchline.yml:6:11: number: \"a\" is not a whole number from -5 to 9\n"
              "touchline.yml:7:1: unknown key \"qeues\"; did you mean \"queues\"?\n"
              "touchline.yml:8:1: unknown key \"other\"; allowed are the sections of "
              "touchline.yml(5)\n");
}

static void a_fault_quotes_what_was_written_printable_and_short(void **state) {
    (void)state;
    lab_tells(sections, "all: {choice: \"\\e[31m\\u202E\\u009b\"}\n",
              "touchline.yml:1:15: choice holds a line end or another control character; allowed "
              "is one line\n");
    lab_tells(
        sections, "all: {choice: \"\\u202Ex\\u009b\"}\n",
        "touchline.yml:1:15: choice \"?x?\" is not allowed here; allowed: red, green, blue\n");
    lab_tells(
        sections,
        "all: {choice: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
        "touchline.yml:1:15: choice "
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is not allowed "
        "here; allowed: red, green, blue\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_read),
        cmocka_unit_test(what_is_absent_has_its_preset_or_zero),
        cmocka_unit_test(each_wrong_value_is_refused_at_its_place),
        cmocka_unit_test(all_faults_are_told_at_once_in_order),
        cmocka_unit_test(a_fault_quotes_what_was_written_printable_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
