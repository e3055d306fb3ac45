/* Rules from YAML: every operator, the order, and every fault at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "config/people.h"
#include "config/time.h"
#include "ingest/rules.h"

static const struct config_section sections[] = {
    {"queues", queue_keys, sizeof(struct queue_config), CONFIG_SECTION_LIST, NULL},
    {"skills", skills_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},
    {"calendars", calendar_keys, sizeof(struct calendar_config), CONFIG_SECTION_LIST, NULL},
    {"rules", rule_keys, sizeof(struct rule_config), CONFIG_SECTION_LIST, rules_check},
    {0},
};

static const char house[] = "skills: [de, en]\nqueues:\n  - id: support\n  - id: callbacks\n"
                            "calendars:\n  - {id: office, week: {mon: 08:00-12:00}}\n"
                            "  - {id: night, week: {mon: 20:00-24:00}}\n";

/* Only the office is open. */
static bool office_open(void *ctx, struct str calendar, int64_t at_ms) {
    (void)ctx;
    return str_is(calendar, "office") && at_ms == 1234;
}

static char file[] = "/tmp/touchline-rules-XXXXXX";

static bool load(const char *rules, struct config **out, struct fault_list *faults) {
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fprintf(f, "%srules:\n%s", house, rules);
    fclose(f);
    fault_list_init(faults, 50);
    return config_load(file, sections, NULL, NULL, NULL, out, faults);
}

static struct rule_outcome decide(const char *rules, const char *touchpoint, const char *contact) {
    struct config *c = NULL;
    struct fault_list faults;
    if (!load(rules, &c, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    struct rules *r = rules_new(config_get(c, "rules"));
    json_t *tp = json_loads(touchpoint, 0, NULL),
           *who = json_loads(contact ? contact : "{}", 0, NULL);
    const struct rule_facts facts = {.touchpoint = tp,
                                     .contact = who,
                                     .source = STR("email:support"),
                                     .at_ms = 1234,
                                     .calendars = {NULL, office_open}};
    static struct rule_outcome out;
    static char rule[64];
    rules_decide(r, &facts, &out);
    snprintf(rule, sizeof rule, "%.*s", STR_ARG(out.rule));
    out.rule = out.rule.p ? str_c(rule) : STR_NONE;
    json_decref(tp);
    json_decref(who);
    rules_free(r);
    config_free(c);
    fault_list_clear(&faults);
    return out;
}

static void a_condition_holds_as_it_says(void **state) {
    (void)state;
    static const char tp[] = "{\"channel\":\"email\",\"text\":\"Meine BESCHWERDE über "
                             "Sie\",\"auto\":null,\"priority\":5,\"language\":\"de\","
                             "\"from\":{\"email\":\"jana@example.de\",\"verified\":true},\"to\":[{"
                             "\"email\":\"a@x\"},{\"email\":\"b@x\"}],"
                             "\"tags\":[\"vip\",\"new\"],\"call\":{\"disposition\":\"busy\"},"
                             "\"data\":{\"order\":1234,\"a.b\":\"dot\"}}";
    static const struct {
        const char *when;
        bool holds;
    } cases[] = {
        {"{ channel: email }", true},
        {"{ channel: EMAIL }", true},
        {"{ now: { in: office } }", true},
        {"{ now: { in: night } }", false},
        {"{ now: { in: [night, office] } }", true},
        {"{ now: { not: { in: office } } }", false},
        {"{ now: { not: { in: night } }, channel: email }", true},
        {"{ channel: [form, email] }", true},
        {"{ channel: form }", false},
        {"{ text: { matches: \"(?i)beschwerde|complaint\" } }", true},
        {"{ text: { matches: \"^Beschwerde\" } }", false},
        {"{ from.email: { ends: .de } }", true},
        {"{ from.email: { starts: [x, jana] } }", true},
        {"{ from.verified: yes }", true},
        {"{ from.verified: no }", false},
        {"{ tags: { has: vip } }", true},
        {"{ tags: vip }", true},
        {"{ tags: { has: old } }", false},
        {"{ to.email: b@x }", true},
        {"{ priority: { above: 4, below: 6 } }", true},
        {"{ priority: { above: 5 } }", false},
        {"{ auto: { exists: no } }", true},
        {"{ auto: null }", true},
        {"{ subject: { exists: yes } }", false},
        {"{ channel: { not: [form, call] } }", true},
        {"{ text: { not: { matches: \"x{3}\" } } }", true},
        {"{ data.order: 1234 }", true},
        {"{ data.a.b: dot }", true},
        {"{ data.order: { above: 2000 } }", false},
        {"{ call.disposition: [abandoned, busy] }", true},
        {"{ contact.tags: { has: gold } }", true},
        {"{ contact.attributes.tier: gold }", true},
        {"{ source: \"email:support\" }", true},
        {"{ channel: email, any: [ { language: en }, { from.email: { ends: .de } } ] }", true},
        {"{ channel: email, any: [ { language: en }, { language: fr } ] }", false},
        {"{ conversation.status: open }", false},
        {"{ text: { matches: \"(a+)+$\" } }", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rules[512];
        snprintf(rules, sizeof rules, "  - name: r\n    when: %s\n    then: { queue: support }\n",
                 cases[i].when);
        struct rule_outcome o =
            decide(rules, tp, "{\"tags\":[\"gold\"],\"attributes\":{\"tier\":\"Gold\"}}");
        if (o.task != cases[i].holds)
            fail_msg("%s", cases[i].when);
    }
}

static void the_first_that_fits_decides_and_continue_goes_on(void **state) {
    (void)state;
    static const char rules[] =
        "  - { name: tag, when: { channel: email }, then: { tags: [a], priority: 9, due: 4h, "
        "skills: { de: 3 } }, continue: yes }\n"
        "  - { name: none, when: { auto: bounce }, then: { task: none } }\n"
        "  - { name: first, when: { channel: email }, then: { queue: callbacks, tags: [b] } }\n"
        "  - { name: second, then: { queue: support } }\n";
    struct rule_outcome o = decide(rules, "{\"channel\":\"email\"}", NULL);
    assert_true(o.task);
    assert_true(str_is(o.rule, "first"));
    assert_int_equal(o.priority, 9);
    assert_int_equal(o.due_ms, 4 * 3600 * 1000);
    assert_int_equal(o.skills_n, 1);
    assert_int_equal(o.tags_n, 2);
    o = decide(rules, "{\"channel\":\"email\",\"auto\":\"bounce\"}", NULL);
    assert_false(o.task);
    assert_true(str_is(o.rule, "none"));
    o = decide("  - { name: x, when: { channel: form }, then: { queue: support } }\n",
               "{\"channel\":\"email\"}", NULL);
    assert_false(o.task);
    assert_null(o.rule.p);
}

static void every_fault_is_told_at_its_place(void **state) {
    (void)state;
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"{ when: { chanel: email }, then: { queue: support } }", "channel"},
        {"{ when: { text: { match: x } }, then: { queue: support } }", "matches"},
        {"{ when: { text: { matches: \"(\" } }, then: { queue: support } }", "regular expression"},
        {"{ when: { priority: { above: x } }, then: { queue: support } }", "number"},
        {"{ when: { auto: { exists: maybe } }, then: { queue: support } }", "yes or no"},
        {"{ when: { any: x }, then: { queue: support } }", "list"},
        {"{ then: { queue: suport } }", "support"},
        {"{ then: { queue: support, skills: { dee: 3 } } }", "de"},
        {"{ then: { queue: support, priority: 11 } }", "1 to 10"},
        {"{ then: { queue: support, due: soon } }", "duration"},
        {"{ then: { task: some } }", "none"},
        {"{ then: { qeue: support } }", "queue"},
        {"{ when: { now: { in: offise } }, then: { queue: support } }", "office"},
        {"{ when: { now: office }, then: { queue: support } }", "in: CALENDAR"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char rules[256];
        struct config *c = NULL;
        struct fault_list faults;
        snprintf(rules, sizeof rules, "  - %s\n", cases[i].rule);
        bool ok = load(rules, &c, &faults);
        if (ok || faults.n != 1 || !strstr(faults.items[0].reason, cases[i].words) ||
            !strstr(faults.items[0].place, ":9:"))
            fail_msg("%s: %zu faults, first %s: %s", cases[i].rule, faults.n,
                     faults.n ? faults.items[0].place : "", faults.n ? faults.items[0].reason : "");
        fault_list_clear(&faults);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_holds_as_it_says),
        cmocka_unit_test(the_first_that_fits_decides_and_continue_goes_on),
        cmocka_unit_test(every_fault_is_told_at_its_place),
    };
    close(mkstemp(file));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    return failed;
}
