/* A reload: what differs, by value; what may not; and that a check finds the place of what it
 * holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

struct listener {
    struct str address;
    struct tl_strs hosts;
    struct {
        struct str key;
    } tls;
};
static const struct tl_key tls_keys[] = {{.name = "key", .type = TL_KEY_SECRET}, {0}};
static const struct tl_key listener_keys[] = {
    {.name = "address", .type = TL_KEY_ADDRESS, .flags = TL_KEY_REQUIRED},
    {.name = "hosts", .type = TL_KEY_STRS, .offset = offsetof(struct listener, hosts)},
    {.name = "tls",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct listener, tls),
     .sub = tls_keys,
     .sub_bytes = sizeof(struct str)},
    {0},
};
struct limits {
    int64_t wait_ms;
    struct tl_ints ints;
    struct tl_pairs pairs;
    struct tl_groups groups;
    const struct config_node *node;
};
static const struct tl_key limits_keys[] = {
    {.name = "wait", .type = TL_KEY_DURATION, .preset = "1m"},
    {.name = "ints", .type = TL_KEY_INTMAP, .offset = offsetof(struct limits, ints), .max = 9},
    {.name = "pairs", .type = TL_KEY_STRMAP, .offset = offsetof(struct limits, pairs)},
    {.name = "groups", .type = TL_KEY_GROUPS, .offset = offsetof(struct limits, groups)},
    {.name = "node", .type = TL_KEY_NODE, .offset = offsetof(struct limits, node)},
    {0},
};

/* Refuses what the table lets pass, by the member, the item and the bytes of a string. */
static void hosts_check(const void *section, struct config_check *c) {
    const struct tl_items *list = section;
    const struct listener *l = list->items;
    for (size_t i = 0; i < list->n; i++) {
        if (l[i].hosts.n == 1)
            config_check_fault(c, &l[i].hosts, "one host");
        for (size_t j = 0; j < l[i].hosts.n; j++)
            if (str_is(l[i].hosts.items[j], "bad"))
                config_check_fault(c, l[i].hosts.items[j].p, "a bad host");
        if (str_is(l[i].address, "a:9"))
            config_check_fault(c, &l[i], "an item");
    }
    if (list->n == 3)
        config_check_fault(c, list, "three");
    if (list->n == 4)
        config_check_fault(c, NULL, "four");
}

static const struct tl_key state_only[] = {{.name = "state", .type = TL_KEY_PATH}, {0}};
static const struct config_section sections[] = {
    {"state", state_only, sizeof(struct str), CONFIG_SECTION_VALUE | CONFIG_SECTION_FIXED, NULL},
    {"listen", listener_keys, sizeof(struct listener), CONFIG_SECTION_LIST | CONFIG_SECTION_FIXED,
     hosts_check},
    {"limits", limits_keys, sizeof(struct limits), 0, NULL},
    {0},
};

/* Loads first, then second beside it; what the second load tells. */
static void reload_tells(const char *first, const char *second, const char *told) {
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "key", "one", 0600);
    lab_write(&lab, "touchline.yml", first, 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, "");
    struct config *old = lab.config;
    lab.config = NULL;
    lab_write(&lab, "key", "two", 0600);
    lab_write(&lab, "touchline.yml", second, 0644);
    lab_load(&lab, sections, NULL, old);
    assert_string_equal(lab.told, told);
    config_free(old);
    lab_close(&lab);
}

static void what_is_fixed_may_not_change_but_grow(void **state) {
    (void)state;
    reload_tells("state: a\nlisten: [{address: 'a:1'}]\n",
                 "# moved\nlisten: [{address: 'a:1'}, {address: 'a:2'}]\nstate: ./a\n", "");
    reload_tells("state: a\n", "# moved\nstate: b\n",
                 "touchline.yml:2:8: state was changed; that takes a restart\n");
    reload_tells("state: a\n", "limits: {}\n",
                 "touchline.yml:1:1: state was changed; that takes a restart\n");
    reload_tells("listen: [{address: 'a:1'}, {address: 'a:2'}]\n",
                 "listen: [{address: 'a:2'}, {address: 'a:3'}]\n",
                 "touchline.yml:1:9: an entry of listen that is in use is gone; that takes a "
                 "restart, new entries are taken up\n");
    reload_tells("listen: [{address: 'a:1'}, {address: 'a:2'}]\n",
                 "listen: [{address: 'a:3'}, {address: 'a:2', hosts: [a, b]}, {address: 'a:1'}]\n"
                 "state: x\n",
                 "touchline.yml:1:9: three\n"
                 "touchline.yml:1:28: this entry of listen is in use and was changed; that takes a "
                 "restart, new entries are taken up\n"
                 "touchline.yml:2:8: state was changed; that takes a restart\n");
}

static void a_renewed_key_of_a_listener_is_no_change_of_it(void **state) {
    (void)state;
    reload_tells("listen: [{address: 'a:1', tls: {key: file:key}}]\n",
                 "listen: [{address: 'a:1', tls: {key: file:key}}]\n", "");
}

static void differs(const char *first, const char *second, const char *section, bool expected) {
    struct lab a, b;
    lab_open(&a);
    lab_open(&b);
    lab_write(&a, "key", "one", 0600);
    lab_write(&b, "key", "two", 0600);
    lab_write(&a, "touchline.yml", first, 0644);
    lab_write(&b, "touchline.yml", second, 0644);
    assert_true(lab_load(&a, sections, NULL, NULL));
    assert_true(lab_load(&b, sections, NULL, NULL));
    if (config_differs(a.config, b.config, section) != expected)
        fail_msg("%s against %s: %s", first, second, section);
    lab_close(&a);
    lab_close(&b);
}

static void a_difference_is_one_of_values(void **state) {
    (void)state;
    differs("limits: {wait: 60s}\n", "# other\n", "limits", false);
    differs("limits: {wait: 60s}\n", "limits: {wait: 61s}\n", "limits", true);
    differs("limits: {wait: 61s}\n", "limits: {wait: 61s}\nlisten: []\n", "limits", false);
    differs("limits: {ints: {a: 1}}\n", "limits: {ints: {a: 1}}\n", "limits", false);
    differs("limits: {ints: {a: 1}}\n", "limits: {ints: {a: 2}}\n", "limits", true);
    differs("limits: {pairs: {a: 1}}\n", "limits: {pairs: {b: 1}}\n", "limits", true);
    differs("limits: {groups: [a, [b]]}\n", "limits: {groups: [a, b]}\n", "limits", false);
    differs("limits: {groups: [a, [b]]}\n", "limits: {groups: [a, [b, c]]}\n", "limits", true);
    differs("limits: {node: [a, {b: c}]}\n", "limits:\n  node:\n    - a\n    - b: c\n", "limits",
            false);
    differs("limits: {node: [a, {b: c}]}\n", "limits: {node: [a, {b: 'c'}]}\n", "limits", true);
    differs("limits: {node: [a]}\n", "limits: {}\n", "limits", true);
    differs("listen: [{address: 'a:1'}]\n", "listen: [{address: 'a:1'}]\n", "listen", false);
    differs("listen: [{address: 'a:1'}]\n", "listen: [{address: 'a:2'}]\n", "listen", true);
    differs("listen: [{address: 'a:1'}]\n", "listen: []\n", "listen", true);
    differs("listen: [{address: 'a:1', tls: {key: file:key}}]\n",
            "listen: [{address: 'a:1', tls: {key: file:key}}]\n", "listen", true);
}

static void a_check_names_the_place_of_what_it_holds(void **state) {
    (void)state;
    lab_tells(sections, "listen:\n  - address: a:1\n    hosts: [only]\n",
              "touchline.yml:3:12: one host\n");
    lab_tells(sections, "listen:\n  - address: a:1\n    hosts: [good, bad]\n",
              "touchline.yml:3:19: a bad host\n");
    /* An item's address is also its first member's. */
    lab_tells(sections, "listen:\n  - address: a:1\n  - address: a:9\n",
              "touchline.yml:3:14: an item\n");
    lab_tells(sections, "listen: [{address: 'a:1'}, {address: 'a:2'}, {address: 'a:3'}]\n",
              "touchline.yml:1:9: three\n");
    lab_tells(sections,
              "listen: [{address: 'a:1'}, {address: 'a:2'}, {address: 'a:3'}, {address: 'a:4'}]\n",
              "touchline.yml:1:9: four\n");
}

static void a_section_with_faults_is_not_checked_further(void **state) {
    (void)state;
    lab_tells(sections, "listen:\n  - address: a:1\n    hosts: [only]\n    more: 1\n",
              "touchline.yml:4:5: unknown key \"more\" in listen; allowed: address, hosts, tls\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_fixed_may_not_change_but_grow),
        cmocka_unit_test(a_renewed_key_of_a_listener_is_no_change_of_it),
        cmocka_unit_test(a_difference_is_one_of_values),
        cmocka_unit_test(a_check_names_the_place_of_what_it_holds),
        cmocka_unit_test(a_section_with_faults_is_not_checked_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
