/* Tokens, agents, queues, skills, units: presets, what follows from what, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

static const struct config_section sections[] = {CONFIG_OWN_SECTIONS, {0}};

static void people_open(struct lab *lab, const char *text) {
    char whole[8192];
    lab_open(lab);
    lab_write(lab, "secret", "0123456789abcdef0123456789abcdef\n", 0600);
    lab_write(lab, "one", "token-number-one\n", 0600);
    lab_write(lab, "two", "token-number-two\n", 0600);
    lab_write(lab, "bad", "token with spaces\n", 0600);
    lab_write(lab, "short", "five5\n", 0600);
    lab_write(lab, "whsec", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0600);
    lab_write(lab, "argon", "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA\n", 0600);
    snprintf(whole, sizeof whole, "state: state\nsecret: file:secret\n%s", text);
    lab_write(lab, "touchline.yml", whole, 0644);
    lab_load(lab, sections, NULL, NULL);
}

static void people_tell(const char *text, const char *told) {
    struct lab lab;
    people_open(&lab, text);
    assert_string_equal(lab.told, told);
    lab_close(&lab);
}

static void presets_are_those_of_the_manual(void **state) {
    (void)state;
    struct lab lab;
    people_open(&lab, "queues: [{id: support}]\nagents: [{id: anna, queues: support}]\n");
    assert_string_equal(lab.told, "");
    const struct tl_items *queues = config_get(lab.config, "queues");
    const struct queue_config *q = queues->items;
    assert_true(str_is(q->name, "support"));
    assert_int_equal(q->strategy, 0);
    assert_int_equal(q->ageing.every_ms, 600000);
    assert_int_equal(q->ageing.by, 1);
    assert_int_equal(q->ageing.cap, 8);
    assert_int_equal(q->offer.timeout_ms, 120000);
    assert_int_equal(q->offer.call_ms, 0);
    assert_int_equal(q->offer.to, 0);
    assert_int_equal(q->offer.missed_limit, 3);
    assert_int_equal(q->offer.missed_holdoff_ms, 120000);
    assert_int_equal(q->offer.reject_holdoff_ms, 600000);
    assert_int_equal(q->wrapup.default_ms, 0);
    assert_int_equal(q->wrapup.call_ms, -1);
    assert_int_equal(q->sticky.window_ms, 0);
    assert_int_equal(q->sticky.wait_ms, 600000);
    const struct tl_items *agents = config_get(lab.config, "agents");
    const struct agent_config *a = agents->items;
    assert_true(str_is(a->name, "anna"));
    assert_true(a->takes_tasks);
    assert_int_equal(a->lost_after_ms, 30 * 60000);
    assert_int_equal(agent_units(a), 10);
    assert_int_equal(agent_tasks_max(a, str_c("email")), INT64_MAX);
    assert_int_equal(a->notify.n, 1);
    const struct tl_ints *units = config_get(lab.config, "units");
    assert_int_equal(units_of(units, str_c("call")), 1);
    const struct identity_config *identity = config_get(lab.config, "identity");
    assert_int_equal(identity->link_claims, LINK_CLAIMS_YES);
    assert_int_equal(identity->phone.n, 2);
    assert_true(str_is(*(const struct str *)config_get(lab.config, "region"), "DE"));
    lab_close(&lab);
}

static void what_is_written_is_taken(void **state) {
    (void)state;
    struct lab lab;
    people_open(&lab, "queues:\n"
                      "  - id: s\n    name: Support\n    strategy: least-load\n    order: strict\n"
                      "    ageing: { every: 5m, by: 2, cap: 9 }\n"
                      "    offer: { timeout: 60s, call: 30s, to: 1 }\n"
                      "    wrapup: { default: 10s, call: 30s }\n"
                      "    sticky: { window: 7d, wait: 5m }\n"
                      "skills: [de, en]\n"
                      "agents:\n"
                      "  - { id: anna, name: Anna B, password: file:argon, token: file:one,\n"
                      "      email: a@example.org, role: supervisor, queues: [s],\n"
                      "      skills: { de: 5 }, capacity: { units: 7, email: 5 },\n"
                      "      notify: [stream], lost_after: 5m }\n"
                      "  - { id: clara, role: supervisor, queues: [s] }\n"
                      "tokens:\n"
                      "  - { name: crm, role: adapter, trust: verified, token: file:two,\n"
                      "      channels: [chat, letter] }\n"
                      "units: { call: 10, default: 2 }\n");
    assert_string_equal(lab.told, "");
    const struct queue_config *q =
        ((const struct tl_items *)config_get(lab.config, "queues"))->items;
    assert_int_equal(q->strategy, 1);
    assert_int_equal(q->wrapup.call_ms, 30000);
    assert_int_equal(q->sticky.window_ms, INT64_C(7) * 86400000);
    const struct agent_config *a =
        ((const struct tl_items *)config_get(lab.config, "agents"))->items;
    assert_true(a[0].takes_tasks); /* a supervisor with a capacity */
    assert_int_equal(agent_units(&a[0]), 7);
    assert_int_equal(agent_tasks_max(&a[0], str_c("email")), 5);
    assert_int_equal(a[0].skills.items[0].value, 5);
    assert_false(a[1].takes_tasks);
    const struct token_config *t =
        ((const struct tl_items *)config_get(lab.config, "tokens"))->items;
    assert_int_equal(token_role(t), ROLE_ADAPTER);
    assert_int_equal(t->trust, 1);
    assert_int_equal(t->channels.n, 2);
    const struct tl_ints *units = config_get(lab.config, "units");
    assert_int_equal(units_of(units, str_c("call")), 10);
    assert_int_equal(units_of(units, str_c("email")), 2);
    lab_close(&lab);
}

static void what_is_wrong_is_refused_at_its_place(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"queues: [{id: s}]\nagents: [{id: a, queues: [suport, s]}]",
         "4:27: queue \"suport\" is not defined; allowed: s"},
        {"queues: [{id: support}]\nagents: [{id: a, queues: [suport]}]",
         "4:27: queue \"suport\" is not defined; did you mean \"support\"?"},
        {"queues: [{id: s}]\nagents: [{id: a, queues: [{id: s, tier: 11}]}]",
         "4:41: tier: \"11\" is not a whole number from 1 to 10"},
        {"queues: [{id: s}]\nagents: [{id: a, queues: [{tier: 2}]}]",
         "4:27: id is missing: the queue"},
        {"queues: [{id: s}]\nagents: [{id: a, queues: [s, {id: s, weight: 2}]}]",
         "4:35: queues names \"s\" twice"},
        {"queues: [{id: s}, {id: s}]", "3:24: id of two queues is the same; the first stands at "
                                       "line 3"},
        {"queues: [{name: s}]", "3:10: id is missing: what rules, agents and tasks call the queue"},
        {"queues: [{id: a/b}]", "3:15: allowed are letters and digits, and . _ - after the first"},
        {"queues: [{id: s, colour: 1}]",
         "3:18: unknown key \"colour\" in queues; allowed: id, name, strategy, order, weight, "
         "tier_wait, ageing, offer, wrapup, handle_time, steps, sticky, service_level"},
        {"queues: [{id: s, strategy: round-robbin}]",
         "3:28: strategy \"round-robbin\" is not allowed here; did you mean \"round-robin\"?"},
        {"queues: [{id: s, order: random}]",
         "3:25: order \"random\" is not allowed here; allowed: strict, score, slack, lifo"},
        {"queues: [{id: s, offer: {to: 51}}]",
         "3:30: to: \"51\" is not a whole number from 1 to 50"},
        {"queues: [{id: s, steps: [{after: soon, raise: 1}]}]",
         "3:34: no time and no share; allowed are durations like 5m and shares like 80%"},
        {"queues: [{id: s, steps: [{raise: 1}]}]",
         "3:26: a step has one trigger: after or waiting"},
        {"queues: [{id: s, steps: [{after: 5m, waiting: 3, raise: 1}]}]",
         "3:34: a step has one trigger: after or waiting"},
        {"queues: [{id: s, steps: [{after: 80%}]}]",
         "3:34: this step does nothing; allowed: relax, add_queues, raise, move_to, notify"},
        {"queues: [{id: s, steps: [{after: 5m, move_to: s}]}]",
         "3:47: it is in this queue already"},
        {"queues: [{id: s, steps: [{after: 5m, add_queues: [s]}]}]",
         "3:50: its own queue need not be added"},
        {"queues: [{id: s, steps: [{after: 5m, relax: {de: 2}}]}]",
         "3:46: skill \"de\" is not defined; allowed: none, since none is defined"},
        {"queues: [{id: s, steps: [{waiting: 5, raise: 1, skip_if_none_available: yes}]}]",
         "3:73: only a step with `after` need not wait for it"},
        {"blocks: {call: [all, chat]}", "3:16: all and none stand alone"},
        {"blocks: {phone: all}",
         "3:10: unknown key \"phone\" in blocks; allowed: email, call, form, social, chat, sms, "
         "letter, fax, visit, web, other"},
        {"agents: [{id: a, skills: {de: 5}}]",
         "3:27: skill \"de\" is not defined; allowed: none, since none is defined"},
        {"skills: [de]\nagents: [{id: a, skills: {de: 11}}]",
         "4:31: de: \"11\" is not a whole number from 1 to 10"},
        {"agents: [{id: a, capacity: {mail: 1}}]",
         "3:29: capacity \"mail\" is not allowed here; did you mean \"email\"?"},
        {"agents: [{id: a, notify: [fax]}]",
         "3:27: notify \"fax\" is not allowed here; allowed: stream, mail, webhook"},
        {"agents: [{id: a, notify: [stream, mail]}]",
         "3:35: mail needs the agent's `email`\ntouchline.yml:3:35: mail needs `notices: { "
         "mailbox: …, base: https://… }`"},
        {"agents: [{id: a, email: a@b, notify: mail}]",
         "3:38: mail needs `notices: { mailbox: …, base: https://… }`"},
        {"agents: [{id: a, notify: [webhook]}]",
         "3:27: webhook needs `webhook: { url: …, secret: … }`"},
        {"agents: [{id: a, webhook: {url: 'https://x.example/'}}]",
         "3:27: secret is missing: what they are signed with (Standard Webhooks): whsec_ and "
         "base64, or base64 alone"},
        {"agents: [{id: a, webhook: {url: 'ftp://x.example/', secret: file:whsec}}]",
         "3:33: not an address; allowed is https://host/path"},
        {"agents: [{id: a, webhook: {url: 'https://u:p@x.example/', secret: file:whsec}}]",
         "3:33: not an address; allowed is https://host/path"},
        {"agents: [{id: a, webhook: {url: 'https://x.example/', secret: file:bad}}]",
         "3:63: holds no secret of Standard Webhooks: whsec_ and base64, or base64"},
        {"notices: {mailbox: support}",
         "3:20: mailbox \"support\" is not defined in channels.email"},
        {"notices: {base: 'https://x.example/?a='}",
         "3:17: links are appended to it: no ? may stand in it"},
        {"notices: {link_valid: 30s}",
         "3:23: link_valid: \"30s\" is not a duration (500ms 30s 10m 4h 7d) from 1m to 7d"},
        {"agents: [{id: a, password: file:one}]",
         "3:28: the file holds no argon2id string; make one with `touchline password`"},
        {"agents: [{id: a, email: nobody}]", "3:25: not an address; allowed is name@example.org"},
        {"agents: [{id: a, role: boss}]",
         "3:24: role \"boss\" is not allowed here; allowed: agent, supervisor"},
        {"tokens: [{name: x, role: agent, token: file:one}]",
         "3:26: role \"agent\" is not allowed here; allowed: adapter, operator"},
        {"tokens: [{name: x, role: operator, token: file:bad}]",
         "3:43: the token holds a character that cannot be sent; allowed are letters, digits and "
         "- . _ ~ + /"},
        {"tokens: [{name: x, role: operator, token: file:short}]",
         "3:43: token has 5 bytes; allowed are 6 to 512"},
        {"tokens: [{name: x, role: operator, token: file:one, channels: [chat]}]",
         "3:63: channels are an adapter's; an operator may do all"},
        {"tokens: [{name: x, role: adapter, token: file:one, channels: [phone]}]",
         "3:63: channels \"phone\" is not allowed here; allowed: email, call, form, social, chat, "
         "sms, letter, fax, visit, web, other"},
        {"tokens: [{name: x, role: adapter, token: file:one}]\nagents: [{id: a, token: file:one}]",
         "4:25: the same token stands already elsewhere; each needs its own"},
        {"units: {phone: 1}", "3:9: units \"phone\" is not allowed here; allowed: email, call, "
                              "form, social, chat, sms, letter, fax, visit, web, other, default"},
        {"region: de", "3:9: region is a country in two capital letters: DE"},
        {"region: DEU", "3:9: region has 3 bytes; allowed are 2 to 2"},
        {"retention: {}", "3:1: unknown key \"retention\"; allowed are the sections of "
                          "touchline.yml(5)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char told[512];
        snprintf(told, sizeof told, "touchline.yml:%s\n", cases[i][1]);
        people_tell(cases[i][0], told);
    }
}

static void several_tokens_may_share_a_name(void **state) {
    (void)state;
    people_tell("tokens:\n  - {name: crm, role: adapter, token: file:one}\n"
                "  - {name: crm, role: adapter, token: file:two}\n",
                "");
    people_tell("tokens:\n  - {name: crm, role: adapter, token: file:one}\n"
                "  - {name: crm, role: adapter, token: file:one}\n",
                "touchline.yml:5:39: the same token stands already elsewhere; each needs its "
                "own\n");
}

static void what_every_file_needs_is_asked_for_at_its_head(void **state) {
    (void)state;
    lab_tells(sections, "log: {level: debug}\n",
              "touchline.yml:1:1: state is missing: folder of the spool, the cursors and the "
              "blobs; local disk, kept and backed up\n"
              "touchline.yml:1:1: secret is missing: at least 16 random bytes that ids and tokens "
              "are keyed with; back it up: never changes\n");
}

static void every_key_is_described(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_true(config_describe(sections, &out));
    assert_non_null(strstr(buf_c(&out), "\n## queues\n"));
    assert_non_null(strstr(buf_c(&out), "| `queues[].offer.timeout` | duration, 1s to 1d | "
                                        "`120s` | an offer that nobody answers ends after this "
                                        "|\n"));
    assert_non_null(strstr(buf_c(&out), "| `state` | path | required | "));
    assert_non_null(strstr(buf_c(&out), "| `log.level` | one of `error`, `warn`, `info`, `debug` | "
                                        "`info` | "));
    buf_clear(&out);
    buf_init(&out, 100);
    assert_false(config_describe(sections, &out));
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_those_of_the_manual),
        cmocka_unit_test(what_is_written_is_taken),
        cmocka_unit_test(what_is_wrong_is_refused_at_its_place),
        cmocka_unit_test(several_tokens_may_share_a_name),
        cmocka_unit_test(what_every_file_needs_is_asked_for_at_its_head),
        cmocka_unit_test(every_key_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
