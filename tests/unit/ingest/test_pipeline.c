/* From the spool to the timeline: once, whatever happens between. A real spool, a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"

static void the_same_push_twice_is_one_entry(void **state) {
    (void)state;
    assert_int_equal(push_chat("1", "jana@example.org", "hello"), INTAKE_APPLIED);
    char contact[32], conversation[32], task[32];
    strcpy(contact, h.contact);
    strcpy(conversation, h.conversation);
    strcpy(task, h.task);
    assert_true(strlen(contact) == 28 && strlen(conversation) == 28 && strlen(task) == 28);
    assert_int_equal(push_chat("1", "jana@example.org", "hello"), INTAKE_DUPLICATE);
    assert_string_equal(h.contact, contact);
    assert_string_equal(h.conversation, conversation);
    assert_string_equal(h.task, task);
    assert_int_equal(push_chat("1", "jana@example.org", "other"), INTAKE_MISMATCH);
    assert_int_equal(timeline_n(contact), 1);
    const json_t *t = get_task(task);
    assert_string_equal(json_string_value(json_object_get(t, "queue")), "support");
    assert_int_equal(jget_int(t, "priority", 0), 6);
}

static void messages_join_the_open_conversation_mails_begin_their_own(void **state) {
    (void)state;
    char first[32], task[32];
    push_chat("1", "jana@example.org", "a");
    strcpy(first, h.conversation);
    strcpy(task, h.task);
    push_chat("2", "jana@example.org", "b");
    assert_string_equal(h.conversation, first);
    assert_string_equal(h.task, task);
    push("{\"id\":\"3\",\"channel\":\"email\",\"from\":{\"email\":\"jana@example.org\"}}");
    assert_string_not_equal(h.conversation, first);
    /* resolved: the next message begins anew */
    act("conversation.patch", first, "{\"status\":\"resolved\"}");
    assert_int_equal(h.kind, ANSWER_OK);
    push_chat("4", "jana@example.org", "c");
    assert_string_not_equal(h.conversation, first);
}

static void a_thread_counts_within_its_contact(void **state) {
    (void)state;
    char first[32];
    push("{\"id\":\"1\",\"channel\":\"chat\",\"thread\":\"t\",\"from\":{\"email\":\"a@b.c\"}}");
    strcpy(first, h.conversation);
    push("{\"id\":\"2\",\"channel\":\"chat\",\"thread\":\"u\",\"from\":{\"email\":\"a@b.c\"}}");
    assert_string_not_equal(h.conversation, first);
    push("{\"id\":\"3\",\"channel\":\"chat\",\"thread\":\"t\",\"from\":{\"email\":\"a@b.c\"}}");
    assert_string_equal(h.conversation, first);
    push("{\"id\":\"4\",\"channel\":\"chat\",\"thread\":\"t\",\"from\":{\"email\":\"z@b.c\"}}");
    assert_string_not_equal(h.conversation, first);
}

static void a_reference_joins_only_its_own_contact(void **state) {
    (void)state;
    char first[32];
    push("{\"id\":\"1\",\"channel\":\"email\",\"message_id\":\"<1@x>\","
         "\"from\":{\"email\":\"a@b.c\"}}");
    strcpy(first, h.conversation);
    push("{\"id\":\"2\",\"channel\":\"email\",\"in_reply_to\":\"<1@x>\","
         "\"from\":{\"email\":\"a@b.c\"}}");
    assert_string_equal(h.conversation, first);
    push("{\"id\":\"3\",\"channel\":\"email\",\"in_reply_to\":\"<1@x>\","
         "\"from\":{\"email\":\"z@b.c\"}}");
    assert_string_not_equal(h.conversation, first);
    assert_int_equal(json_array_size(json_object_get(get_touchpoint(h.id), "warnings")), 1);
    /* what a push calls in_reply_to may be the id of another push */
    push("{\"id\":\"4\",\"channel\":\"email\",\"in_reply_to\":[\"2\"],"
         "\"from\":{\"email\":\"a@b.c\"}}");
    assert_string_equal(h.conversation, first);
}

static void a_revision_edits_and_a_lower_one_does_not(void **state) {
    (void)state;
    static const char form[] = "{\"id\":\"1\",\"revision\":%d,\"channel\":\"chat\",\"text\":\"%s\","
                               "\"from\":{\"email\":\"a@b.c\"}}";
    char json[300];
    snprintf(json, sizeof json, form, 0, "first");
    push(json);
    snprintf(json, sizeof json, form, 2, "third");
    assert_int_equal(push(json), INTAKE_APPLIED);
    snprintf(json, sizeof json, form, 1, "second");
    push(json);
    const json_t *tp = get_touchpoint(h.id);
    assert_string_equal(json_string_value(json_object_get(tp, "text")), "third");
    assert_int_equal(timeline_n(find("email:a@b.c")), 1);
}

static void two_claimed_identities_are_linked_and_marked(void **state) {
    (void)state;
    push("{\"id\":\"1\",\"channel\":\"form\",\"from\":{\"email\":\"a@b.c\",\"phone\":\"030 "
         "1234567\"}}");
    char contact[32];
    strcpy(contact, h.contact);
    assert_string_equal(find("phone:+49301234567"), contact);
    push("{\"id\":\"2\",\"channel\":\"call\",\"from\":{\"phone\":\"+49 30 1234567\"}}");
    assert_string_equal(h.contact, contact);
    const json_t *c = get_contact(contact);
    assert_int_equal(json_array_size(json_object_get(c, "identities")), 2);
    assert_int_equal(jget_int(c, "suggestions", -1), 1);
    bool marked = false;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(c, "identities"), i, one) {
        marked |=
            str_is(jget_str(one, "link"), "claimed") && str_is(jget_str(one, "kind"), "phone");
    }
    assert_true(marked);
}

static void a_claim_never_joins_a_verified_identity(void **state) {
    (void)state;
    push_as(true, 5000, "{\"id\":\"1\",\"channel\":\"chat\",\"from\":{\"email\":\"jana@b.c\"}}");
    char jana[32];
    strcpy(jana, h.contact);
    /* somebody fills in her address and a number of his own */
    push("{\"id\":\"2\",\"channel\":\"form\",\"from\":{\"email\":\"jana@b.c\",\"phone\":\"030 "
         "7654321\"}}");
    assert_string_equal(h.contact, jana);
    assert_true(json_is_false(jread_path(get_touchpoint(h.id), str_c("from.verified"))));
    assert_string_equal(find("phone:030 7654321"), "");
    assert_int_equal(jget_int(get_contact(jana), "suggestions", -1), 1);
    /* an agent confirms it */
    char op[200];
    snprintf(op, sizeof op, "{\"op\":\"confirm\",\"id\":\"%s\",\"n\":\"1\",\"by\":\"anna\"}", jana);
    h.done = false;
    ingest_action(h.ingest, str_c(op), on_house_answer, NULL);
    answered();
    assert_int_equal(h.kind, ANSWER_OK);
    assert_int_equal(jget_int(h.json, "suggestions", -1), 0);
    assert_string_equal(find("phone:030 7654321"), jana);
}

static void two_verified_contacts_are_one_by_a_verified_touchpoint(void **state) {
    (void)state;
    push_as(true, 5000, "{\"id\":\"1\",\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"}}");
    char older[32], younger[32];
    strcpy(older, h.contact);
    run_for(&(struct bench){.loop = h.loop}, 5);
    push_as(true, 5000,
            "{\"id\":\"2\",\"channel\":\"chat\",\"from\":{\"external\":{\"crm\":\"1\"}}}");
    strcpy(younger, h.contact);
    push_as(
        true, 5000,
        "{\"id\":\"3\",\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\",\"external\":{\"crm\":"
        "\"1\"}}}");
    assert_string_equal(h.contact, older);
    assert_int_equal(timeline_n(older), 3);
    assert_string_equal(json_string_value(json_object_get(get_contact(younger), "id")), older);
}

static void claimed_ones_are_only_suggested(void **state) {
    (void)state;
    push_chat("1", "a@b.c", "x");
    char a[32], phone[32];
    strcpy(a, h.contact);
    push("{\"id\":\"2\",\"channel\":\"call\",\"from\":{\"phone\":\"030 1234567\"}}");
    strcpy(phone, h.contact);
    push("{\"id\":\"3\",\"channel\":\"form\",\"from\":{\"email\":\"a@b.c\",\"phone\":\"030 "
         "1234567\"}}");
    assert_string_equal(h.contact, a);
    assert_string_not_equal(find("phone:030 1234567"), a);
    assert_int_equal(jget_int(get_contact(a), "suggestions", -1), 1);
    assert_int_equal(jget_int(get_contact(phone), "suggestions", -1), 1);
}

static void merged_by_hand_and_split_repetitions_stay_known(void **state) {
    (void)state;
    char a[32], z[32], body[64];
    push_chat("1", "a@b.c", "x");
    strcpy(a, h.contact);
    push_chat("2", "z@b.c", "y");
    strcpy(z, h.contact);
    snprintf(body, sizeof body, "{\"from\":\"%s\"}", z);
    const json_t *c = act("merge", a, body);
    assert_int_equal(h.kind, ANSWER_OK);
    assert_int_equal(jget_int(c, "parts", 0), 2);
    assert_int_equal(push_chat("2", "z@b.c", "y"), INTAKE_DUPLICATE);
    assert_string_equal(h.contact, a);
    push_chat("3", "z@b.c", "more");
    assert_string_equal(h.contact, a);
    assert_int_equal(timeline_n(z), 3);
    act("split", a, "{\"identities\":[\"email:z@b.c\"]}");
    assert_int_equal(h.kind, ANSWER_OK);
    assert_string_equal(find("email:z@b.c"), z);
    assert_int_equal(push_chat("1", "a@b.c", "x"), INTAKE_DUPLICATE);
    assert_int_equal(push_chat("2", "z@b.c", "y"), INTAKE_DUPLICATE);
    assert_string_equal(h.contact, z);
    size_t all = timeline_n(a);
    assert_int_equal(all + timeline_n(z), 3);
}

static void what_was_erased_stays_erased(void **state) {
    (void)state;
    char a[32];
    push("{\"id\":\"1\",\"channel\":\"form\",\"text\":\"x\",\"from\":{\"email\":\"a@b.c\","
         "\"phone\":\"030 1234567\"},\"attachments\":[{\"name\":\"n\",\"data\":\"aGVsbG8=\"}]}");
    strcpy(a, h.contact);
    push_chat("2", "a@b.c", "y");
    act("erase", a, "null");
    assert_int_equal(h.kind, ANSWER_OK);
    assert_true(run_until_true(is_applied, 5000));
    get_contact(a);
    assert_int_equal(h.kind, ANSWER_GONE);
    assert_string_equal(find("email:a@b.c"), "");
    assert_string_equal(find("phone:030 1234567"), "");
    assert_int_equal(push_chat("2", "a@b.c", "y"), INTAKE_DUPLICATE);
    assert_string_equal(h.contact, "");
    /* the same person again is a new contact */
    assert_int_equal(push_chat("3", "a@b.c", "z"), INTAKE_APPLIED);
    assert_string_not_equal(h.contact, a);
    char b[32];
    strcpy(b, h.contact);
    assert_string_equal(find("email:a@b.c"), b);
    assert_int_equal(timeline_n(b), 1);
    /* and after a loss of all of Redis nothing of before comes back */
    lose_redis();
    get_contact(a);
    assert_int_equal(h.kind, ANSWER_GONE);
    assert_string_equal(find("email:a@b.c"), b);
    assert_int_equal(timeline_n(b), 1);
    assert_string_equal(find("phone:030 1234567"), "");
}

static void an_empty_redis_is_filled_again(void **state) {
    (void)state;
    char a[32], z[32], c[32], task[32], body[64], note[32];
    push_chat("1", "a@b.c", "x");
    strcpy(a, h.contact);
    strcpy(task, h.task);
    act("conversation.note", h.conversation, "{\"text\":\"inside only\"}");
    assert_int_equal(h.kind, ANSWER_OK);
    snprintf(note, sizeof note, "%s", json_string_value(json_object_get(h.json, "id")));
    push_chat("2", "z@b.c", "y");
    strcpy(z, h.contact);
    push_chat("3", "c@b.c", "y");
    strcpy(c, h.contact);
    snprintf(body, sizeof body, "{\"from\":\"%s\"}", z);
    act("merge", a, body);
    snprintf(body, sizeof body, "{\"from\":\"%s\"}", c);
    act("merge", a, body);
    act("split", a, "{\"identities\":[\"email:c@b.c\"]}");
    assert_int_equal(h.kind, ANSWER_OK);
    act("patch", a, "{\"name\":\"Jana Wei\\u00df\",\"tags\":[\"vip\"],\"attributes\":{\"a\":1}}");
    assert_int_equal(h.kind, ANSWER_OK);
    int64_t rev = h.rev;
    act("create", "", "{\"name\":\"Otto\",\"identities\":[\"email:otto@b.c\",\"crm:7\"]}");
    assert_int_equal(h.kind, ANSWER_OK);
    char otto[32];
    strcpy(otto, find("crm:7"));
    assert_string_equal(find("email:otto@b.c"), otto);
    assert_true(run_until_true(is_applied, 5000));

    lose_redis();
    const json_t *j = get_contact(z);
    assert_int_equal(h.kind, ANSWER_OK);
    assert_string_equal(json_string_value(json_object_get(j, "id")), a);
    assert_int_equal(jget_int(j, "parts", 0), 2);
    assert_true(jget_int(j, "rev", 0) >= rev);
    assert_string_equal(json_string_value(json_object_get(j, "name")), "Jana Wei\xc3\x9f");
    assert_int_equal(json_array_size(json_object_get(j, "tags")), 1);
    assert_int_equal(timeline_n(a), 3);
    assert_string_equal(find("email:c@b.c"), c);
    assert_int_equal(timeline_n(c), 1);
    assert_string_equal(find("email:otto@b.c"), otto);
    assert_string_equal(json_string_value(json_object_get(get_touchpoint(note), "kind")), "note");
    assert_string_equal(json_string_value(json_object_get(get_task(task), "state")), "waiting");
    assert_int_equal(push_chat("2", "z@b.c", "y"), INTAKE_DUPLICATE);
    assert_string_equal(h.contact, a);
}

static void while_the_store_is_away_it_is_kept_and_applied_later(void **state) {
    (void)state;
    server_kill(&h.sv);
    assert_true(run_until_true(is_down, 5000));
    for (int i = 0; i < 20; i++) {
        char id[12];
        snprintf(id, sizeof id, "%d", i);
        assert_int_equal(push_chat(id, "a@b.c", "x"), INTAKE_KEPT);
    }
    server_start(&h.sv, durable_options);
    assert_true(run_until_true(is_up, 10000));
    assert_true(run_until_true(is_applied, 10000));
    assert_int_equal(timeline_n(find("email:a@b.c")), 20);
}

static bool blob_seen;
static void on_blob(void *arg, struct str bytes) {
    (void)arg;
    h.done = true;
    blob_seen = str_is(bytes, "hello");
}

static void an_attachment_lies_with_the_blobs(void **state) {
    (void)state;
    push("{\"id\":\"1\",\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"attachments\":"
         "[{\"name\":\"a.txt\",\"type\":\"text/plain\",\"data\":\"aGVsbG8=\"}]}");
    const json_t *a = json_array_get(json_object_get(get_touchpoint(h.id), "attachments"), 0);
    char sha[65];
    snprintf(sha, sizeof sha, "%s", json_string_value(json_object_get(a, "sha256")));
    h.done = false;
    blob_get(h.blobs, str_c(h.id), str_c(sha), 1000, on_blob, NULL);
    assert_true(run_until(h.loop, &h.done, 5000));
    assert_true(blob_seen);
}

static void a_daemon_that_died_goes_on_where_it_was(void **state) {
    (void)state;
    server_kill(&h.sv);
    assert_true(run_until_true(is_down, 5000));
    push_chat("1", "a@b.c", "x");
    house_close();
    server_start(&h.sv, durable_options);
    house_open();
    assert_true(run_until_true(is_up, 10000));
    assert_true(run_until_true(is_applied, 10000));
    assert_int_equal(timeline_n(find("email:a@b.c")), 1);
}

/* ---- many ---- */

enum { MANY = 1000, PERSONS = 40 };
static int taken;
static char contacts[PERSONS][32];

static void on_many(void *arg, const struct intake_outcome *o) {
    (void)arg;
    assert_true(o->verdict == INTAKE_APPLIED || o->verdict == INTAKE_KEPT);
    taken++;
}

static bool all_taken(void) {
    return taken == MANY;
}

static void a_thousand_with_redis_killed_between_are_there_once(void **state) {
    (void)state;
    size_t expected[PERSONS] = {0}, sum = 0;
    taken = 0;
    for (int i = 0; i < MANY; i++) {
        char json[300];
        int person = (i * 7919) % PERSONS;
        expected[person]++;
        snprintf(json, sizeof json,
                 "{\"id\":\"m%d\",\"channel\":\"%s\",\"from\":{\"email\":\"p%d@b.c\"},\"text\":"
                 "\"message %d\"}",
                 i, i % 3 ? "chat" : "email", person, i);
        const struct intake_touchpoint what = {.take_touchpoint = touchpoint_of(json, false),
                                               .await_ms = i % 2 ? 100 : 0};
        intake_take(ingest_intake(h.ingest), &what, on_many, NULL);
        if (i == 300 || i == 700)
            restart_redis();
        if (i % 10 == 0)
            run_for(&(struct bench){.loop = h.loop}, 1);
    }
    assert_true(run_until_true(all_taken, 20000));
    assert_true(run_until_true(is_up, 10000));
    assert_true(run_until_true(is_applied, 20000));
    for (int p = 0; p < PERSONS; p++) {
        char identity[32];
        snprintf(identity, sizeof identity, "email:p%d@b.c", p);
        strcpy(contacts[p], find(identity));
        size_t n = timeline_n(contacts[p]);
        assert_int_equal(n, expected[p]);
        assert_int_equal(
            jget_int(json_object_get(get_contact(contacts[p]), "counters"), "touchpoints", 0),
            expected[p]);
        sum += n;
    }
    assert_int_equal(sum, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_push_twice_is_one_entry),
        TEST(messages_join_the_open_conversation_mails_begin_their_own),
        TEST(a_thread_counts_within_its_contact),
        TEST(a_reference_joins_only_its_own_contact),
        TEST(a_revision_edits_and_a_lower_one_does_not),
        TEST(two_claimed_identities_are_linked_and_marked),
        TEST(a_claim_never_joins_a_verified_identity),
        TEST(two_verified_contacts_are_one_by_a_verified_touchpoint),
        TEST(claimed_ones_are_only_suggested),
        TEST(merged_by_hand_and_split_repetitions_stay_known),
        TEST(what_was_erased_stays_erased),
        TEST(an_empty_redis_is_filled_again),
        TEST(while_the_store_is_away_it_is_kept_and_applied_later),
        TEST(an_attachment_lies_with_the_blobs),
        TEST(a_daemon_that_died_goes_on_where_it_was),
        TEST(a_thousand_with_redis_killed_between_are_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
