/* dispatch: explanations, situation by situation. docs/routing.md tells the same ten; each sentence
 * that is said here must stand there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <touchline/kit/jread.h>

#include "dispatch/explain.h"
#include "routing/router.h"

static const int64_t T0 = 1800000000000; /* 2027-01-15 08:00:00 UTC */
enum { MINUTE = 60000, PAGE_MAX = 1 << 20 };

struct fixture {
    struct router *r;
    int64_t now;
    char *page;
};

static struct routing_queue queue_of(void) {
    return (struct routing_queue){.id = STR("support"),
                                  .offer_ms = 120000,
                                  .missed_limit = 3,
                                  .missed_holdoff_ms = 120000,
                                  .ageing_every_ms = 600000,
                                  .ageing_by = 1,
                                  .ageing_cap = 8,
                                  .sticky_window_ms = 7 * INT64_C(86400000),
                                  .sticky_wait_ms = 10 * MINUTE};
}

static int setup(void **state) {
    struct fixture *x = NEW(struct fixture);
    x->r = router_new();
    x->now = T0 + 20 * MINUTE;
    FILE *f = fopen("docs/routing.md", "r");
    assert_non_null(f);
    x->page = mem_new(PAGE_MAX);
    x->page[fread(x->page, 1, PAGE_MAX - 1, f)] = '\0';
    fclose(f);
    const struct routing_queue q = queue_of();
    router_set_queue(x->r, &q, T0);
    *state = x;
    return 0;
}

static int teardown(void **state) {
    struct fixture *x = *state;
    router_free(x->r);
    free(x->page);
    free(x);
    return 0;
}

/* There since T0 and `minute`. */
static void agent(struct fixture *x, const char *id, int64_t de, enum routing_presence p,
                  int64_t minute) {
    static const struct routing_membership queue = {STR("support"), 1, 1};
    const struct tl_named_int skills[] = {{STR("de"), de}}, channels[] = {{STR("chat"), 1}};
    const struct routing_agent a = {.id = str_c(id),
                                    .queues = &queue,
                                    .queues_n = 1,
                                    .skills = {skills, de > 0},
                                    .channels = {channels, 1},
                                    .units = 3,
                                    .lost_after_ms = 1800000};
    router_set_agent(x->r, &a, T0);
    router_presence(x->r,
                    &(struct routing_presence_news){
                        .agent = a.id, .presence = p, .since_ms = T0 + minute * MINUTE},
                    T0 + minute * MINUTE);
}

static struct routing_task task(const char *id, const char *channel, int64_t weight,
                                int64_t minute) {
    return (struct routing_task){.id = str_c(id),
                                 .queue = STR("support"),
                                 .channel = str_c(channel),
                                 .rev = 1,
                                 .weight = weight,
                                 .priority = 5,
                                 .created_ms = T0 + minute * MINUTE,
                                 .wish_from_ms = T0 + minute * MINUTE};
}

static void held(struct fixture *x, const char *id, const char *channel, int64_t weight,
                 enum routing_state s, const char *by, int64_t until_ms) {
    struct routing_task t = task(id, channel, weight, 1);
    t.state = s;
    t.agent = str_c(by);
    t.until_ms = until_ms;
    router_task(x->r, &t, T0 + 2 * MINUTE);
}

static json_t *explain(struct fixture *x, const char *json, bool german) {
    json_t *j = NULL;
    struct buf b;
    buf_init(&b, PAGE_MAX);
    assert_true(explain_write(x->r, NULL, str_c(json), german, &b));
    assert_true(jread_parse(buf_str(&b), b.n, &j, NULL));
    buf_clear(&b);
    return j;
}

static size_t missing(const char *section, size_t n, const json_t *o, const char *member) {
    struct str text = jget_str(o, member);
    if (memmem(section, n, text.p, text.n))
        return 0;
    print_message("not in docs/routing.md: %s\n", text.p);
    return 1;
}

/* All that is said stands in the page's section of that number. */
static void stands_in(const struct fixture *x, int number, const json_t *en, const json_t *de) {
    char head[16];
    size_t i, faults = 0;
    const json_t *o;
    snprintf(head, sizeof head, "\n## %d. ", number);
    const char *from = strstr(x->page, head);
    assert_non_null(from);
    const char *to = strstr(from + 2, "\n## ");
    size_t n = to ? (size_t)(to - from) : strlen(from);
    json_array_foreach(json_object_get(en, "reasons"), i, o) faults += missing(from, n, o, "text");
    json_array_foreach(json_object_get(en, "candidates"), i, o) faults +=
        missing(from, n, o, "text");
    faults += missing(from, n, en, "summary") + missing(from, n, de, "summary");
    assert_int_equal(faults, 0);
}

static void has_reason(const json_t *en, const char *code) {
    size_t i;
    const json_t *o;
    json_array_foreach(json_object_get(en, "reasons"), i,
                       o) if (str_is(jget_str(o, "code"), code)) return;
    fail_msg("no reason %s", code);
}

static void waiting_is_told(struct fixture *x, int number, const struct routing_task *t,
                            const char *code, const char *reason) {
    static const char json[] =
        "{\"id\":\"t_1\",\"state\":\"waiting\",\"queue\":\"support\",\"channel\":\"chat\"}";
    struct routing_decision d[8];
    router_task(x->r, t, x->now);
    assert_int_equal(router_decide(x->r, x->now, d, COUNT(d)), 0);
    json_t *en = explain(x, json, false), *de = explain(x, json, true);
    assert_true(str_is(jget_str(json_array_get(json_object_get(en, "reasons"), 0), "code"), code));
    assert_string_equal(jget_str(de, "language").p, "de");
    has_reason(en, reason);
    bool ends = str_is(str_c(code), "all-refused") || str_is(str_c(code), "waits-for-agent");
    const json_t *first = json_array_get(json_object_get(en, "reasons"), 0);
    assert_int_equal(json_object_get(first, "until") != NULL, ends);
    stands_in(x, number, en, de);
    json_decref(en);
    json_decref(de);
}

static void nobody_is_there(void **state) {
    struct fixture *x = *state;
    const struct routing_task t = task("t_1", "chat", 1, 19);
    agent(x, "anna", 5, ROUTING_AWAY, 0);
    agent(x, "ben", 5, ROUTING_OFFLINE, 0);
    waiting_is_told(x, 1, &t, "nobody-free", "away");
}

static void nobody_has_the_skill(void **state) {
    struct fixture *x = *state;
    struct routing_task t = task("t_1", "chat", 1, 19);
    t.needs = &(struct routing_need){STR("de"), 5};
    t.needs_n = 1;
    agent(x, "anna", 3, ROUTING_AVAILABLE, 0);
    agent(x, "ben", 0, ROUTING_AVAILABLE, 0);
    waiting_is_told(x, 2, &t, "nobody-skilled", "lack-skill");
}

static void all_have_too_much_work_and_an_older_task_stands_before(void **state) {
    struct fixture *x = *state;
    const struct routing_task t = task("t_1", "email", 2, 19), other = task("t_0", "email", 2, 3);
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    held(x, "t_7", "email", 2, ROUTING_ACCEPTED, "anna", 0);
    router_task(x->r, &other, x->now);
    waiting_is_told(x, 3, &t, "nobody-free", "place-urgent");
}

static void the_channel_is_full(void **state) {
    struct fixture *x = *state;
    const struct routing_task t = task("t_1", "chat", 1, 5);
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    held(x, "t_7", "chat", 1, ROUTING_ACCEPTED, "anna", 0);
    waiting_is_told(x, 4, &t, "nobody-free", "channel-full");
}

static void the_only_agent_is_in_wrap_up(void **state) {
    struct fixture *x = *state;
    const struct routing_task t = task("t_1", "chat", 1, 19);
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    held(x, "t_7", "email", 1, ROUTING_WRAPUP, "anna", x->now + 90000);
    waiting_is_told(x, 5, &t, "nobody-free", "in-wrapup");
}

static void one_has_refused_it_and_the_other_is_full(void **state) {
    struct fixture *x = *state;
    const struct routing_excluded out = {STR("anna"), x->now + 10 * MINUTE};
    struct routing_task t = task("t_1", "chat", 1, 19);
    t.excluded = &out;
    t.excluded_n = 1;
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    agent(x, "ben", 5, ROUTING_AVAILABLE, 0);
    held(x, "t_7", "email", 3, ROUTING_ACCEPTED, "ben", 0);
    waiting_is_told(x, 6, &t, "nobody-free", "excluded");
}

static void all_have_refused_it(void **state) {
    struct fixture *x = *state;
    const struct routing_excluded out = {STR("anna"), x->now + 10 * MINUTE};
    struct routing_task t = task("t_1", "chat", 1, 19);
    t.excluded = &out;
    t.excluded_n = 1;
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    waiting_is_told(x, 7, &t, "all-refused", "excluded");
}

static void the_queue_is_paused(void **state) {
    struct fixture *x = *state;
    const struct routing_task t = task("t_1", "chat", 1, 19);
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    router_pause_queue(x->r, str_c("support"), true, x->now);
    waiting_is_told(x, 8, &t, "queue-paused", "place-first");
}

static void it_waits_for_who_had_the_contact_last(void **state) {
    struct fixture *x = *state;
    struct routing_task t = task("t_1", "chat", 1, 19);
    t.wish = ROUTING_WISH_LAST;
    t.wish_agent = str_c("anna");
    t.wish_seen_ms = T0;
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    agent(x, "ben", 5, ROUTING_AVAILABLE, 0);
    held(x, "t_7", "email", 3, ROUTING_ACCEPTED, "anna", 0);
    waiting_is_told(x, 9, &t, "waits-for-agent", "waits-for-agent");
}

static void why_this_agent(void **state) {
    static const char json[] =
        "{\"id\":\"t_1\",\"state\":\"waiting\",\"queue\":\"support\",\"channel\":\"chat\"}";
    static const char offered[] =
        "{\"id\":\"t_1\",\"state\":\"offered\",\"queue\":\"support\",\"channel\":\"chat\","
        "\"agent\":\"anna\",\"offer\":{\"n\":1,\"expires_at\":\"2027-01-15T08:22:00.000Z\"},"
        "\"history\":[{\"at\":\"2027-01-15T08:20:00.000Z\",\"from\":\"waiting\",\"to\":\"offered\","
        "\"agent\":\"anna\",\"reason\":\"longest idle of 2 able\"}]}";
    struct fixture *x = *state;
    struct routing_decision d[8];
    const struct routing_task t = task("t_1", "chat", 1, 19);
    agent(x, "anna", 5, ROUTING_AVAILABLE, 0);
    agent(x, "ben", 5, ROUTING_AVAILABLE, 5);
    agent(x, "carl", 5, ROUTING_OFFLINE, 0);
    router_task(x->r, &t, x->now);
    json_t *before = explain(x, json, false);
    const json_t *first = json_array_get(json_object_get(before, "candidates"), 0);
    const json_t *second = json_array_get(json_object_get(before, "candidates"), 1);
    assert_true(str_is(jget_str(second, "code"), "strategy"));
    assert_int_equal(router_decide(x->r, x->now, d, COUNT(d)), 1);
    assert_true(str_eq(d[0].agent, jget_str(first, "agent"))); /* as the router then decides */
    json_t *en = explain(x, offered, false), *de = explain(x, offered, true);
    json_array_extend(json_object_get(en, "candidates"), json_object_get(before, "candidates"));
    stands_in(x, 10, en, de);
    json_decref(before);
    json_decref(en);
    json_decref(de);
}

static void a_done_task_tells_its_history(void **state) {
    static const char json[] =
        "{\"id\":\"t_9\",\"state\":\"done\",\"queue\":\"support\",\"history\":[{\"at\":"
        "\"2027-01-15T08:20:00.000Z\",\"from\":\"accepted\",\"to\":\"done\",\"agent\":\"anna\","
        "\"reason\":\"completed\"}]}";
    json_t *en = explain(*state, json, false);
    const json_t *one = json_array_get(json_object_get(en, "reasons"), 0);
    assert_string_equal(jget_str(one, "text").p,
                        "2027-01-15 08:20:00: from accepted to done, agent anna; note: completed.");
    assert_int_equal(json_array_size(json_object_get(en, "candidates")), 0);
    json_decref(en);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_there),
        TEST(nobody_has_the_skill),
        TEST(all_have_too_much_work_and_an_older_task_stands_before),
        TEST(the_channel_is_full),
        TEST(the_only_agent_is_in_wrap_up),
        TEST(one_has_refused_it_and_the_other_is_full),
        TEST(all_have_refused_it),
        TEST(the_queue_is_paused),
        TEST(it_waits_for_who_had_the_contact_last),
        TEST(why_this_agent),
        TEST(a_done_task_tells_its_history),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
