/* Contacts on a real redis-server: entries once, pages, merging and splitting, erasing, finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/jread.h>

#include "server.h"
#include "store/body.h"
#include "store/contact.h"
#include "store/read.h"
#include "touchpoint/touchpoint.h"

static struct server sv;
static struct bench b;
static struct id_maker *ids;

/* ---- awaited calls ---- */

struct waited {
    bool done;
    struct fault fault;
    int code;
    struct appended appended;
    struct change change;
    struct id part;
    struct answer answer;
    json_t *json;
    size_t seen;
};

static struct waited w;

static void begin(void) {
    json_decref(w.json);
    w = (struct waited){0};
}

static void await_done(void) {
    assert_true(run_until(b.loop, &w.done, 5000));
    if (w.fault.kind)
        fail_msg("%s: %s", w.fault.place, w.fault.reason);
}

static void set(const struct fault *f) {
    assert_false(w.done);
    w.done = true;
    if (f)
        w.fault = *f;
}

static void on_append(void *arg, const struct fault *f, const struct appended *a) {
    (void)arg;
    w.appended = *a;
    set(f);
}
static void on_claim(void *arg, const struct fault *f, enum claim_code code, struct id part) {
    (void)arg;
    w.code = (int)code;
    w.part = part;
    set(f);
}
static void on_deliver(void *arg, const struct fault *f, enum deliver_code code) {
    (void)arg;
    w.code = (int)code;
    set(f);
}
static void on_alias(void *arg, const struct fault *f, enum alias_code code, struct id to) {
    (void)arg;
    w.code = (int)code;
    w.part = to;
    set(f);
}
static void on_change(void *arg, const struct fault *f, const struct change *c) {
    (void)arg;
    w.change = *c;
    set(f);
}
static void on_ok(void *arg, const struct fault *f) {
    (void)arg;
    set(f);
}
static void on_answer(void *arg, const struct answer *a) {
    (void)arg;
    w.answer = *a;
    if (a->json.p)
        assert_true(jread_parse(a->json, 1 << 24, &w.json, NULL));
    set(NULL);
}
static void on_each(void *arg, struct id id, struct str body) {
    (void)arg, (void)id;
    assert_true(body.n > 2);
    w.seen++;
}

static struct id id_of(const char *kind, const char *value) {
    return id_identity(ids, str_c(kind), str_c(value));
}

static struct id tp_of(int n) {
    char text[24];
    return id_touchpoint(ids, str_c("push:test"), store_int(n, text));
}

static struct contact_identity identity(const char *kind, const char *value, bool verified) {
    return (struct contact_identity){.hash = id_of(kind, value),
                                     .kind = str_c(kind),
                                     .value = str_c(value),
                                     .evidence = str_c("claimed"),
                                     .verified = verified,
                                     .link = LINK_CONFIRMED};
}

static struct appended append_as(struct id part, int n, int64_t at, enum join_mode mode,
                                 struct id conversation, const char *email) {
    cleanup(buf_clear) struct buf body;
    char open[LOOK_FIELD_MAX];
    struct contact_identity who = identity("email", email, false);
    buf_init(&body, 4096);
    assert_true(body_pack(str_c("\"source\":\"push:test\",\"text\":\"hello\",\"from\":{}"), &body));
    const struct append a = {
        .part = part,
        .touchpoint = tp_of(n),
        .at_ms = at,
        .received_ms = at,
        .inbound = true,
        .wants_task = true,
        .channel = str_c("chat"),
        .source = str_c("push:test"),
        .body = buf_str(&body),
        .mode = mode,
        .conversation = conversation,
        .open_field = contact_open_field(str_c("chat"), str_c("push:test"), open),
        .subject = str_c("Order"),
        .name = str_c("Jana Wei\xc3\x9f"),
        .identities = &who,
        .identities_n = 1,
    };
    begin();
    store_append(b.store, &a, on_append, NULL);
    await_done();
    return w.appended;
}

static struct appended append(struct id part, int n, int64_t at, const char *email) {
    static const struct id none;
    return append_as(part, n, at, JOIN_LOOK, none, email);
}

static void claim(int n, struct id part, const char *content, int64_t revision) {
    begin();
    store_claim(b.store, tp_of(n), part, (const uint8_t *)content, revision, true, on_claim, NULL);
    await_done();
}

static const json_t *contact(struct id id) {
    begin();
    store_get_contact(b.store, str_c(id_write('c', id).c), on_answer, NULL);
    await_done();
    return w.json;
}

static const json_t *timeline(struct id id, size_t limit, struct str cursor) {
    const struct timeline_query q = {.limit = limit, .cursor = cursor};
    begin();
    store_get_timeline(b.store, str_c(id_write('c', id).c), &q, on_answer, NULL);
    await_done();
    assert_int_equal(w.answer.kind, ANSWER_OK);
    return w.json;
}

static size_t timeline_length(struct id id) {
    return json_array_size(json_object_get(timeline(id, 500, STR_NONE), "items"));
}

static int setup(void **state) {
    (void)state;
    b = (struct bench){0};
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    ids = id_maker_new(str_c("secret"));
    assert_true(run_until_state(&b, STORE_UP, 3000));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    begin();
    bench_close(&b);
    server_free(&sv);
    id_maker_free(ids);
    return 0;
}

/* ---- tests ---- */

static void the_same_entry_is_appended_once(void **state) {
    (void)state;
    struct id c = id_of("email", "a@b.c");
    struct appended first = append(c, 1, 1000, "a@b.c");
    assert_int_equal(first.code, APPEND_NEW);
    assert_true(first.has_task && first.asks);
    struct appended again = append(c, 1, 1000, "a@b.c");
    assert_int_equal(again.code, APPEND_KNOWN);
    assert_memory_equal(first.conversation.b, again.conversation.b, ID_BYTES);
    assert_memory_equal(first.task.b, again.task.b, ID_BYTES);
    assert_int_equal(timeline_length(c), 1);
    const json_t *j = contact(c);
    assert_int_equal(jget_int(jread_path(j, str_c("counters")), "touchpoints", 0), 1);
    assert_string_equal(json_string_value(json_object_get(j, "name")), "Jana Wei\xc3\x9f");
    assert_int_equal(json_array_size(json_object_get(j, "conversations")), 1);
}

static void a_claim_tells_known_mismatch_and_revised(void **state) {
    (void)state;
    struct id c = id_of("email", "a@b.c"), d = id_of("email", "d@b.c");
    claim(1, c, "1234", 0);
    assert_int_equal(w.code, CLAIM_NEW);
    claim(1, d, "1234", 0);
    assert_int_equal(w.code, CLAIM_KNOWN);
    assert_memory_equal(w.part.b, c.b, ID_BYTES);
    claim(1, d, "4321", 0);
    assert_int_equal(w.code, CLAIM_MISMATCH);
    claim(1, d, "4321", 2);
    assert_int_equal(w.code, CLAIM_REVISED);
    claim(1, d, "1234", 1);
    assert_int_equal(w.code, CLAIM_KNOWN);
}

static void pages_are_in_order_and_miss_nothing(void **state) {
    (void)state;
    struct id c = id_of("email", "a@b.c");
    enum { N = 137 };
    for (int i = 0; i < N; i++) /* many at one moment */
        append(c, i, 1000 + (i / 10) * 5, "a@b.c");
    char cursor[100] = "";
    size_t seen = 0, pages = 0;
    do {
        const json_t *page = timeline(c, 10, cursor[0] ? str_c(cursor) : STR_NONE);
        const json_t *items = json_object_get(page, "items");
        seen += json_array_size(items);
        pages++;
        struct str next = jget_str(page, "next");
        snprintf(cursor, sizeof cursor, "%.*s", STR_ARG(next));
    } while (cursor[0]);
    assert_int_equal(seen, N);
    assert_int_equal(pages, 14);
}

static void two_are_merged_and_split_again(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c"), z = id_of("email", "z@b.c");
    for (int i = 0; i < 5; i++)
        append(a, i, 1000 + i, "a@b.c");
    for (int i = 5; i < 8; i++)
        append(z, i, 1000 + i, "z@b.c");
    const struct contact_change c = {.contact = a, .at_ms = 5000, .if_rev = -1, .explicit = true};
    for (int again = 0; again < 2; again++) {
        begin();
        store_merge(b.store, &c, z, on_change, NULL);
        await_done();
        assert_int_equal(w.change.code, again ? CHANGE_KNOWN : CHANGE_OK);
        assert_int_equal(timeline_length(a), 8);
        assert_int_equal(timeline_length(z), 8);
    }
    const json_t *j = contact(z);
    assert_string_equal(json_string_value(json_object_get(j, "id")), id_write('c', a).c);
    assert_int_equal(jget_int(j, "parts", 0), 2);
    assert_int_equal(json_array_size(json_object_get(j, "identities")), 2);
    assert_int_equal(jget_int(json_object_get(j, "counters"), "touchpoints", 0), 8);
    /* an entry keeps its place: known, whoever it is under now */
    assert_int_equal(append(z, 5, 1005, "z@b.c").code, APPEND_KNOWN);

    struct contact_change undo = c;
    undo.at_ms = 6000;
    begin();
    store_split(b.store, &undo, &z, 1, on_change, NULL);
    await_done();
    assert_int_equal(w.change.code, CHANGE_OK);
    assert_int_equal(timeline_length(a), 5);
    assert_int_equal(timeline_length(z), 3);
    assert_int_equal(jget_int(contact(a), "parts", 0), 1);
    /* the merge before it, applied again, changes nothing: the newest decision stands */
    begin();
    store_merge(b.store, &c, z, on_change, NULL);
    await_done();
    assert_int_equal(timeline_length(a), 5);
    assert_int_equal(timeline_length(z), 3);
}

static void what_an_agent_split_only_an_agent_joins(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c"), z = id_of("email", "z@b.c");
    append(a, 1, 1000, "a@b.c");
    append(z, 2, 1001, "z@b.c");
    struct contact_change c = {.contact = a, .at_ms = 5000, .if_rev = -1};
    begin();
    store_merge(b.store, &c, z, on_change, NULL);
    await_done();
    c.at_ms = 6000;
    begin();
    store_split(b.store, &c, &z, 1, on_change, NULL);
    await_done();
    c.at_ms = 7000;
    begin();
    store_merge(b.store, &c, z, on_change, NULL);
    await_done();
    assert_int_equal(w.change.code, CHANGE_REFUSED);
    c.explicit = true;
    begin();
    store_merge(b.store, &c, z, on_change, NULL);
    await_done();
    assert_int_equal(w.change.code, CHANGE_OK);
}

static void an_alias_leads_to_its_contact_and_may_be_let_go(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c"), p = id_of("phone", "+49301234567");
    append(a, 1, 1000, "a@b.c");
    begin();
    store_alias(b.store, p, a, false, LINK_CLAIMED, str_c("form"), 1000, on_alias, NULL);
    await_done();
    assert_int_equal(w.code, ALIAS_SET);
    begin();
    store_find_contact(b.store, p.b, on_answer, NULL);
    await_done();
    assert_string_equal(json_string_value(json_object_get(w.json, "id")), id_write('c', a).c);
    begin();
    store_alias(b.store, p, id_of("email", "z@b.c"), true, LINK_VERIFIED, str_c("x"), 1, on_alias,
                NULL);
    await_done();
    assert_int_equal(w.code, ALIAS_OTHER);
    assert_memory_equal(w.part.b, a.b, ID_BYTES);
}

static void an_erased_contact_leaves_marks_only(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c"), p = id_of("phone", "+49301234567");
    for (int i = 0; i < 250; i++) {
        claim(i, a, "1234", 0);
        append(a, i, 1000 + i, "a@b.c");
    }
    begin();
    store_alias(b.store, p, a, false, LINK_CLAIMED, str_c("form"), 1000, on_alias, NULL);
    await_done();
    const struct id both[] = {a, p};
    const struct erase e = {.contact = a, .identities = both, .identities_n = 2, .at_ms = 9000};
    begin();
    store_erase(b.store, &e, on_each, on_ok, NULL);
    await_done();
    assert_int_equal(w.seen, 250);
    contact(a);
    assert_int_equal(w.answer.kind, ANSWER_GONE);
    begin();
    store_get_touchpoint(b.store, str_c(id_write('p', tp_of(7)).c), on_answer, NULL);
    await_done();
    assert_int_equal(w.answer.kind, ANSWER_GONE);
    claim(7, a, "1234", 0);
    assert_int_equal(w.code, CLAIM_ERASED);
    assert_int_equal(append(a, 7, 1007, "a@b.c").code, APPEND_GONE);
    begin();
    store_find_contact(b.store, p.b, on_answer, NULL);
    await_done();
    assert_int_equal(w.answer.kind, ANSWER_NOT_FOUND);
}

static size_t search_n(const char *q) {
    begin();
    store_search_contacts(b.store, str_c(q), 50, STR_NONE, on_answer, NULL);
    await_done();
    assert_int_equal(w.answer.kind, ANSWER_OK);
    return json_array_size(json_object_get(w.json, "items"));
}

static void contacts_are_found_by_the_beginning_of_what_they_bear(void **state) {
    (void)state;
    struct id a = id_of("email", "jana@example.org"), z = id_of("email", "otto@example.org");
    append(a, 1, 1000, "jana@example.org");
    append(z, 2, 1000, "otto@example.org");
    const struct contact_identity of_a[] = {identity("email", "jana@example.org", false),
                                            identity("phone", "+49301234567", false)};
    const struct contact_identity of_z[] = {identity("email", "otto@example.org", false)};
    store_index(b.store, a, true, str_c("Jana Wei\xc3\x9f"), of_a, 2, str_c("DE"));
    store_index(b.store, z, true, str_c("Otto M\xc3\xbcller"), of_z, 1, str_c("DE"));
    assert_int_equal(search_n("jana"), 1);
    assert_int_equal(search_n("WEISS"), 1);
    assert_int_equal(search_n("wei\xc3\x9f jan"), 1);
    assert_int_equal(search_n("jana muller"), 0);
    assert_int_equal(search_n("mul"), 1);
    assert_int_equal(search_n("jana@exa"), 1);
    assert_int_equal(search_n("otto-m\xc3\xbc"), 1);
    assert_int_equal(search_n("+49 30 123"), 1);
    assert_int_equal(search_n("030/123"), 1);
    assert_int_equal(search_n("nobody"), 0);
    assert_int_equal(search_n("!"), 0);
    store_index(b.store, a, false, str_c("Jana Wei\xc3\x9f"), of_a, 2, str_c("DE"));
    assert_int_equal(search_n("jana"), 0);
}

static void a_conversation_shows_its_touchpoints_and_tasks(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c");
    for (int i = 1; i <= 3; i++) {
        claim(i, a, "1234", 0);
        append(a, i, 1000 + i, "a@b.c");
    }
    struct id v = w.appended.conversation;
    begin();
    store_get_conversation(b.store, str_c(id_write('v', v).c), 2, STR_NONE, on_answer, NULL);
    await_done();
    const json_t *items = jread_path(w.json, str_c("touchpoints.items"));
    assert_int_equal(json_array_size(items), 2);
    assert_true(jget_str(jread_path(w.json, str_c("touchpoints")), "next").n > 0);
    assert_string_equal(json_string_value(json_object_get(w.json, "status")), "open");
    assert_string_equal(json_string_value(json_object_get(w.json, "task")), id_write('t', v).c);
    struct conversation_task t = {.part = a,
                                  .conversation = v,
                                  .task = v,
                                  .finished = true,
                                  .resolves = true,
                                  .agent = str_c("anna"),
                                  .json = str_c("{\"id\":\"t\"}"),
                                  .at_ms = 2000};
    for (int again = 0; again < 2; again++) {
        begin();
        store_conversation_task(b.store, &t, on_ok, NULL);
        await_done();
    }
    begin();
    store_get_conversation(b.store, str_c(id_write('v', v).c), 50, STR_NONE, on_answer, NULL);
    await_done();
    assert_string_equal(json_string_value(json_object_get(w.json, "status")), "resolved");
    assert_string_equal(json_string_value(json_object_get(w.json, "owner")), "anna");
    assert_true(json_is_null(json_object_get(w.json, "task")));
    assert_int_equal(json_array_size(json_object_get(w.json, "tasks")), 1);
    /* what comes after begins anew, and knows the task before */
    struct appended next = append(a, 4, 3000, "a@b.c");
    assert_memory_not_equal(next.conversation.b, v.b, ID_BYTES);
    assert_true(next.has_previous);
    assert_memory_equal(next.previous.b, v.b, ID_BYTES);
    assert_int_equal(next.agent_ms, 2000);
}

static void a_delivery_state_never_steps_back(void **state) {
    (void)state;
    struct id a = id_of("email", "a@b.c");
    claim(1, a, "1234", 0);
    append(a, 1, 1000, "a@b.c");
    static const struct {
        const char *state;
        const char *shown;
    } steps[] = {{"queued", "queued"}, {"read", "read"}, {"delivered", "read"}, {"sent", "read"}};
    for (size_t i = 0; i < COUNT(steps); i++) {
        char json[64];
        snprintf(json, sizeof json, "{\"state\":\"%s\"}", steps[i].state);
        begin();
        store_deliver(b.store, a, tp_of(1), delivery_rank(str_c(steps[i].state)), str_c(json),
                      on_deliver, NULL);
        await_done();
        begin();
        store_get_touchpoint(b.store, str_c(id_write('p', tp_of(1)).c), on_answer, NULL);
        await_done();
        assert_string_equal(json_string_value(jread_path(w.json, str_c("delivery.state"))),
                            steps[i].shown);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_entry_is_appended_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_claim_tells_known_mismatch_and_revised, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_are_in_order_and_miss_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(two_are_merged_and_split_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_agent_split_only_an_agent_joins, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alias_leads_to_its_contact_and_may_be_let_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_erased_contact_leaves_marks_only, setup, teardown),
        cmocka_unit_test_setup_teardown(contacts_are_found_by_the_beginning_of_what_they_bear,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_conversation_shows_its_touchpoints_and_tasks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_delivery_state_never_steps_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
