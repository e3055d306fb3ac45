/* Kept bytes, replies and news of them: read, applied, put aside. A real spool, a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "ingest/reader.h"
#include "spool/record.h"

/* ---- a reader of lines: T JSON, B ref bytes, X bad piece; "crash" kills itself ---- */

struct line_read {
    read_done_fn *done;
    void *arg;
    char *text;
    bool crash;
};
static int crashes;

static void lines_done(void *arg) {
    struct line_read *l = arg;
    struct read_item items[64];
    size_t n = 0;
    struct str rest = str_c(l->text);
    while (rest.p && n < 64) {
        struct str line = str_cut(&rest, '\n');
        if (line.n < 2)
            continue;
        struct str value = str_from(line, 2), ref = STR_NONE;
        if (line.p[0] == 'B')
            ref = str_cut(&value, ' ');
        items[n] =
            (struct read_item){.ref = line.p[0] == 'X' ? str_c("unreadable") : ref, .bytes = value};
        items[n++].type = line.p[0] == 'T'   ? READ_TOUCHPOINT
                          : line.p[0] == 'B' ? READ_BLOB
                                             : READ_BAD;
    }
    l->done(l->arg, items, l->crash ? 0 : n, !l->crash, l->crash, "the child died");
    free(l->text);
    free(l);
}

static void lines_read(void *ctx, const struct record *r, read_done_fn *done, void *arg) {
    struct line_read *l = NEW(struct line_read);
    (void)ctx;
    l->done = done;
    l->arg = arg;
    l->text = mem_dup(r->body.p, r->body.n);
    l->crash = str_starts(r->body, (struct str)STR("crash"));
    crashes += l->crash;
    loop_later(h.loop, lines_done, l);
}

static int setup(void **state) {
    int r = house_setup_with(state, (struct reader){NULL, lines_read});
    crashes = 0;
    return r;
}

static enum intake_verdict take_raw(const char *source, const char *source_id, const char *body) {
    const struct intake_raw what = {.channel = STR("lines"),
                                    .source = str_c(source),
                                    .source_id = str_c(source_id),
                                    .format = STR("lines"),
                                    .meta = STR("{}"),
                                    .body = str_c(body),
                                    .await_ms = 5000};
    h.done = false;
    intake_take_raw(ingest_intake(h.ingest), &what, on_taken, NULL);
    assert_true(run_until(h.loop, &h.done, 10000));
    return h.outcome.verdict;
}

static const char mail[] =
    "T {\"channel\":\"email\",\"from\":{\"email\":\"jana@example.org\"},\"subject\":\"Order\","
    "\"message_id\":\"<1@x>\",\"text\":\"hello\"}";

static void kept_bytes_become_a_touchpoint_with_their_id(void **state) {
    (void)state;
    assert_int_equal(take_raw("email:support", "abc", mail), INTAKE_APPLIED);
    char id[32];
    strcpy(id, h.id);
    const json_t *tp = get_touchpoint(id);
    assert_string_equal(json_string_value(json_object_get(tp, "id")), id);
    assert_string_equal(json_string_value(json_object_get(tp, "source_id")), "abc");
    assert_int_equal(take_raw("email:support", "abc", "other trace"), INTAKE_DUPLICATE);
}

static bool raw_same;
static void on_raw(void *arg, struct str bytes) {
    (void)arg;
    h.done = true;
    raw_same = str_is(bytes, mail);
}

static void the_bytes_lie_with_the_blobs_afterwards(void **state) {
    (void)state;
    take_raw("email:support", "abc", mail);
    assert_true(run_until_true(is_applied, 5000));
    h.done = false;
    blob_get(h.blobs, str_c(h.id), str_c("raw"), 1 << 20, on_raw, NULL);
    assert_true(run_until(h.loop, &h.done, 5000));
    assert_true(raw_same);
}

static void one_bad_piece_does_not_lose_its_siblings(void **state) {
    (void)state;
    take_raw("social:wa", "batch",
             "T {\"source_id\":\"1\",\"channel\":\"social\",\"from\":{\"phone\":\"+4930123456\"}}\n"
             "X broken\n"
             "T {\"source_id\":\"2\",\"channel\":\"nonsense\"}\n"
             "T {\"source_id\":\"3\",\"channel\":\"social\",\"from\":{\"phone\":\"+4930123456\"}}");
    assert_true(run_until_true(is_applied, 5000));
    assert_int_equal(timeline_n(find("phone:+4930123456")), 2);
    struct spool_figures f;
    int64_t until = clock_mono_ms() + 5000;
    do {
        run_until_true(is_applied, 10);
        spool_figures(h.spool, &f);
    } while (f.quarantined < 2 && clock_mono_ms() < until);
    assert_int_equal(f.quarantined, 2);
}

static bool is_quarantined(void) {
    struct spool_figures f;
    spool_figures(h.spool, &f);
    return f.quarantined == 1 && f.pending == 0;
}

static void what_kills_its_reader_twice_is_put_aside_and_others_go_on(void **state) {
    (void)state;
    assert_int_equal(take_raw("email:support", "bad", "crash"), INTAKE_KEPT);
    assert_int_equal(crashes, 2);
    assert_true(run_until_true(is_quarantined, 5000));
    assert_int_equal(take_raw("email:support", "abc", mail), INTAKE_APPLIED);
}

static void attachments_come_beside_their_touchpoint(void **state) {
    (void)state;
    take_raw("email:support", "abc",
             "B r1 hello\n"
             "T {\"channel\":\"email\",\"from\":{\"email\":\"a@b.c\"},\"attachments\":[{\"name\":"
             "\"a.txt\",\"ref\":\"r1\"}]}");
    const json_t *a = json_array_get(json_object_get(get_touchpoint(h.id), "attachments"), 0);
    assert_int_equal(jget_int(a, "size", 0), 5);
    assert_int_equal(json_string_length(json_object_get(a, "sha256")), 64);
}

/* ---- replies ---- */

static char reply_id[32], message_id[128];

static void on_pushed(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                      struct str answer, const struct fault *fault) {
    (void)arg, (void)r, (void)keep, (void)answer, (void)fault;
    assert_int_equal(verdict, SPOOL_KEPT);
    h.done = true;
}

static void push_record(struct record *take_r) {
    struct fault f;
    h.done = false;
    assert_true(spool_push(h.spool, take_r, on_pushed, NULL, &f));
    assert_true(run_until(h.loop, &h.done, 5000));
    assert_true(run_until_true(is_applied, 5000));
}

/* As the outbox does it. */
static void reply(const char *contact, const char *conversation, const char *key) {
    struct touchpoint_origin origin = {.source = STR("email:support"),
                                       .source_id = str_c(key),
                                       .received_ms = clock_wall_ms(),
                                       .region = STR("DE"),
                                       .push = true};
    struct arena a;
    struct id v;
    struct fault_list faults;
    struct touchpoint *tp = NULL;
    arena_init(&a);
    fault_list_init(&faults, 4);
    assert_true(id_read(str_c(conversation), 'v', &v));
    struct id p = id_touchpoint(h.ids, origin.source, origin.source_id);
    snprintf(message_id, sizeof message_id, "<%s@example.org>", id_token(h.ids, &a, v, p).p);
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:{s:s},s:[{s:s}],s:s,s:s}", "channel", "email", "kind", "message",
                  "direction", "outbound", "from", "email", "support@localhost", "to", "email",
                  "jana@example.org", "text", "here it is", "message_id", message_id);
    assert_true(touchpoint_read(h.ids, j, &origin, &tp, &faults));
    tp->delivery = json_pack("{s:s}", "state", "queued");
    tp->delivery_state = str_c("queued");
    struct buf head;
    buf_init(&head, 1 << 20);
    assert_true(touchpoint_save(tp, &head));
    struct record *r = record_new(RECORD_REPLY);
    struct str text = arena_strf(&r->arena, "%.*s,\"_contact\":\"%s\",\"_conversation\":\"%s\"}",
                                 (int)head.n - 1, head.p, contact, conversation);
    snprintf(reply_id, sizeof reply_id, "%s", id_write('p', tp->id).c);
    r->id = record_keep(r, str_c(reply_id));
    r->source = record_keep(r, origin.source);
    r->source_id = record_keep(r, origin.source_id);
    r->head = text;
    r->received_ms = tp->received_ms;
    buf_clear(&head);
    touchpoint_free(tp);
    json_decref(j);
    arena_clear(&a);
    push_record(r);
}

static void news(const char *id, const char *state, const char *provider) {
    struct record *r = record_new(RECORD_DELIVERY);
    r->id = record_keep(r, str_c(id));
    r->source = record_keep(r, str_c("social:wa"));
    r->head = arena_strf(&r->arena,
                         "{\"update\":{\"id\":\"%s\",\"provider_id\":%s%s%s,\"delivery\":"
                         "{\"state\":\"%s\"}}}",
                         id, provider ? "\"" : "", provider ? provider : "null",
                         provider ? "\"" : "", state);
    r->revision = delivery_rank(str_c(state));
    memcpy(r->content, state, strlen(state) < 8 ? strlen(state) : 8);
    push_record(r);
}

static const char *delivery_of(const char *id) {
    return json_string_value(jread_path(get_touchpoint(id), str_c("delivery.state")));
}

static void a_reply_is_on_the_timeline_and_its_answer_comes_back_to_it(void **state) {
    (void)state;
    char contact[32], conversation[32];
    take_raw("email:support", "abc", mail);
    json_t *tp = json_deep_copy(get_touchpoint(h.id));
    snprintf(contact, sizeof contact, "%s", json_string_value(json_object_get(tp, "contact")));
    snprintf(conversation, sizeof conversation, "%s",
             json_string_value(json_object_get(tp, "conversation")));
    json_decref(tp);
    reply(contact, conversation, "r1");
    assert_int_equal(timeline_n(contact), 2);
    assert_string_equal(
        json_string_value(json_object_get(get_conversation(conversation), "status")), "pending");
    assert_string_equal(delivery_of(reply_id), "queued");
    news(reply_id, "sent", NULL);
    assert_string_equal(delivery_of(reply_id), "sent");

    /* the customer answers: same conversation, open again */
    char answer[400];
    snprintf(answer, sizeof answer,
             "T {\"channel\":\"email\",\"from\":{\"email\":\"jana@example.org\"},\"in_reply_to\":"
             "[\"%s\"],\"text\":\"thanks\"}",
             message_id);
    take_raw("email:support", "def", answer);
    assert_string_equal(json_string_value(json_object_get(get_touchpoint(h.id), "conversation")),
                        conversation);
    assert_string_equal(
        json_string_value(json_object_get(get_conversation(conversation), "status")), "open");

    /* a bounce by a machine finds the message that it is about */
    snprintf(answer, sizeof answer,
             "T {\"channel\":\"email\",\"auto\":\"bounce\",\"from\":{\"email\":"
             "\"mailer-daemon@mx.example.org\"},\"references\":[\"%s\"],\"delivery\":{\"state\":"
             "\"failed\",\"status\":\"5.1.1\"}}",
             message_id);
    take_raw("email:support", "ghi", answer);
    const json_t *bounce = get_touchpoint(h.id);
    assert_string_equal(json_string_value(json_object_get(bounce, "contact")), contact);
    assert_string_equal(json_string_value(json_object_get(bounce, "conversation")), conversation);
    int64_t until = clock_mono_ms() + 5000;
    while (strcmp(delivery_of(reply_id), "failed") != 0 && clock_mono_ms() < until)
        run_until_true(is_applied, 5);
    assert_string_equal(delivery_of(reply_id), "failed");
    assert_string_equal(find("email:mailer-daemon@mx.example.org"), "");
}

static void a_receipt_that_is_faster_than_our_own_answer_waits(void **state) {
    (void)state;
    char contact[32], conversation[32];
    push("{\"id\":\"1\",\"channel\":\"chat\",\"from\":{\"email\":\"jana@example.org\"}}");
    strcpy(contact, h.contact);
    strcpy(conversation, h.conversation);
    reply(contact, conversation, "r1");
    take_raw("social:wa", "hook1",
             "T {\"update\":{\"message_id\":\"wamid.1\",\"delivery\":{\"state\":\"read\"}}}");
    assert_string_equal(delivery_of(reply_id), "queued");
    struct record *r = record_new(RECORD_DELIVERY);
    r->id = record_keep(r, str_c(reply_id));
    r->source = record_keep(r, str_c("social:wa"));
    r->head = arena_strf(&r->arena,
                         "{\"update\":{\"id\":\"%s\",\"provider_id\":\"wamid.1\",\"delivery\":"
                         "{\"state\":\"sent\"}}}",
                         reply_id);
    r->revision = 2;
    struct fault f;
    h.done = false;
    assert_true(spool_push(h.spool, r, on_pushed, NULL, &f));
    assert_true(run_until(h.loop, &h.done, 5000));
    int64_t until = clock_mono_ms() + 10000;
    while (strcmp(delivery_of(reply_id), "read") != 0 && clock_mono_ms() < until)
        run_until_true(is_applied, 5);
    assert_string_equal(delivery_of(reply_id), "read");
}

static void replies_and_their_states_come_back_after_a_loss(void **state) {
    (void)state;
    char contact[32], conversation[32];
    push("{\"id\":\"1\",\"channel\":\"chat\",\"from\":{\"email\":\"jana@example.org\"}}");
    strcpy(contact, h.contact);
    strcpy(conversation, h.conversation);
    take_raw("email:support", "abc", mail);
    reply(contact, conversation, "r1");
    news(reply_id, "sent", NULL);
    lose_redis();
    assert_int_equal(timeline_n(contact), 3);
    assert_string_equal(delivery_of(reply_id), "sent");
}

/* ---- tasks ---- */

static void a_finished_task_is_its_conversations_and_stays_finished(void **state) {
    (void)state;
    char task[32], conversation[32], json[600];
    push_chat("1", "a@b.c", "x");
    strcpy(task, h.task);
    strcpy(conversation, h.conversation);
    json_t *t = json_deep_copy(get_task(task));
    json_object_set_new(t, "rev", json_integer(jget_int(t, "rev", 0) + 1));
    json_object_set_new(t, "state", json_string("done"));
    json_object_set_new(t, "agent", json_string("anna"));
    json_object_set_new(
        t, "_own",
        json_pack("{s:s,s:I,s:s,s:s,s:i,s:s,s:s,s:i,s:i,s:I,s:i,s:i,s:i,s:[],s:{},s:i,s:i}", "id",
                  task, "rev", (json_int_t)jget_int(t, "rev", 0), "queue", "support", "channel",
                  "chat", "priority", 6, "state", "done", "agent", "anna", "n", 1, "till", 0,
                  "created", (json_int_t)clock_wall_ms(), "due", 0, "weight", 1, "last", 0, "took",
                  "x", "wish_seen", 0, "wish_from", 0));
    char *text = json_dumps(t, JSON_COMPACT);
    struct record *r = record_new(RECORD_TASK);
    r->id = record_keep(r, str_c(task));
    r->head = record_keep(r, str_c(text));
    r->revision = jget_int(t, "rev", 0);
    push_record(r);
    free(text);
    json_decref(t);
    for (int lost = 0; lost < 2; lost++) {
        const json_t *v = get_conversation(conversation);
        assert_string_equal(json_string_value(json_object_get(v, "status")), "resolved");
        assert_string_equal(json_string_value(json_object_get(v, "owner")), "anna");
        assert_true(json_is_null(json_object_get(v, "task")));
        assert_string_equal(json_string_value(json_object_get(get_task(task), "state")), "done");
        if (!lost)
            lose_redis();
    }
    snprintf(json, sizeof json, "%s", task);
    push_chat("2", "a@b.c", "again");
    assert_string_not_equal(h.task, json);
    assert_string_equal(json_string_value(json_object_get(get_task(h.task), "previous")), json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, house_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(kept_bytes_become_a_touchpoint_with_their_id),
        TEST(the_bytes_lie_with_the_blobs_afterwards),
        TEST(one_bad_piece_does_not_lose_its_siblings),
        TEST(what_kills_its_reader_twice_is_put_aside_and_others_go_on),
        TEST(attachments_come_beside_their_touchpoint),
        TEST(a_reply_is_on_the_timeline_and_its_answer_comes_back_to_it),
        TEST(a_receipt_that_is_faster_than_our_own_answer_waits),
        TEST(replies_and_their_states_come_back_after_a_loss),
        TEST(a_finished_task_is_its_conversations_and_stays_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
