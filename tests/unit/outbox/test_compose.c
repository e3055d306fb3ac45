/* outbox/compose.c: who is written to, in which thread, with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <touchline/kit/jread.h>

#include "outbox/outbox_priv.h"

static struct id_maker *ids;

static int setup(void **state) {
    (void)state;
    ids = id_maker_new(str_c("a secret of the tests"));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    id_maker_free(ids);
    return 0;
}

static json_t *parse(const char *text) {
    json_t *j = NULL;
    struct fault f;
    if (!jread_parse(str_c(text), 1 << 20, &j, &f))
        fail_msg("%s: %s", text, f.reason);
    return j;
}

static const char inbound[] =
    "{\"direction\":\"inbound\",\"channel\":\"email\",\"source\":\"email:support\","
    "\"from\":{\"name\":\"Jana\",\"email\":\"jana@example.org\",\"phone\":\"030 1\"},"
    "\"subject\":\"Re: RE: Order\",\"message_id\":\"<a@b>\",\"references\":[\"<x@y>\",\"<z@y>\"],"
    "\"language\":\"de\"}";

/* Composes a reply to `inbound` (or NULL) by mail with the given body. */
static bool reply(const char *body, const char *answered, struct touchpoint **out,
                  struct fault *f) {
    cleanup(json_freep) json_t *b = parse(body), *in = answered ? parse(answered) : NULL;
    cleanup(json_freep) json_t *to = parse("{\"name\":\"Jana\",\"email\":\"jana@example.org\"}");
    struct composing c = {.ids = ids,
                          .region = str_c("DE"),
                          .source = str_c("email:support"),
                          .source_id = str_c("reply:1"),
                          .name = str_c("Support"),
                          .address = str_c("support@example.com"),
                          .by = str_c("anna"),
                          .channel = str_c("email"),
                          .body = b,
                          .answered = in,
                          .to = to,
                          .conversation = {{7}},
                          .begins = !answered,
                          .now_ms = 1700000000000};
    *f = (struct fault){0};
    return compose(&c, out, f);
}

static const char *member(const struct touchpoint *tp, const char *path) {
    static char text[400];
    cleanup(buf_clear) struct buf b;
    buf_init(&b, sizeof text - 1);
    const json_t *v = jread_at(tp->json, str_c(path));
    if (!v || !jread_dump(&b, v))
        return "-";
    snprintf(text, sizeof text, "%s", buf_c(&b));
    return text;
}

static void a_reply_to_mail_has_thread_subject_and_own_id(void **state) {
    (void)state;
    struct touchpoint *tp;
    struct fault f;
    struct id v, p;
    if (!reply("{\"text\":\"Here it is.\"}", inbound, &tp, &f))
        fail_msg("%s %s", f.place, f.reason);
    assert_string_equal(member(tp, "/direction"), "\"outbound\"");
    assert_string_equal(member(tp, "/kind"), "\"message\"");
    assert_string_equal(member(tp, "/subject"), "\"Re: Order\"");
    assert_string_equal(member(tp, "/in_reply_to"), "[\"<a@b>\"]");
    assert_string_equal(member(tp, "/references"), "[\"<x@y>\",\"<z@y>\",\"<a@b>\"]");
    assert_string_equal(member(tp, "/to/0/email"), "\"jana@example.org\"");
    assert_string_equal(member(tp, "/from/email"), "\"support@example.com\"");
    assert_string_equal(member(tp, "/agent"), "\"anna\"");
    assert_string_equal(member(tp, "/language"), "\"de\"");
    assert_true(str_is(tp->delivery_state, "queued"));
    assert_true(str_ends(tp->message_id, str_c("@example.com>")));
    assert_true(id_token_read(ids, tp->message_id, &v, &p));
    assert_int_equal(v.b[0], 7);
    assert_memory_equal(p.b, tp->id.b, ID_BYTES);
    assert_int_equal(tp->identities_n, 1);
    touchpoint_free(tp);
}

static void the_same_reply_has_the_same_id_and_content(void **state) {
    (void)state;
    struct touchpoint *a, *b, *c;
    struct fault f;
    assert_true(reply("{\"text\":\"Here\"}", inbound, &a, &f));
    assert_true(reply("{\"text\":\"Here\"}", inbound, &b, &f));
    assert_true(reply("{\"text\":\"There\"}", inbound, &c, &f));
    assert_memory_equal(a->id.b, b->id.b, ID_BYTES);
    assert_memory_equal(a->content, b->content, sizeof a->content);
    assert_true(str_eq(a->message_id, b->message_id));
    assert_memory_not_equal(a->content, c->content, sizeof a->content);
    touchpoint_free(a);
    touchpoint_free(b);
    touchpoint_free(c);
}

static void a_first_message_begins_its_own_conversation(void **state) {
    (void)state;
    struct touchpoint *tp;
    struct fault f;
    struct id v, p;
    assert_true(reply("{\"text\":\"Hello\",\"subject\":\"Your order\"}", NULL, &tp, &f));
    assert_string_equal(member(tp, "/subject"), "\"Your order\"");
    assert_string_equal(member(tp, "/in_reply_to"), "[]");
    assert_true(id_token_read(ids, tp->message_id, &v, &p));
    struct id own = id_conversation(tp->id);
    assert_memory_equal(v.b, own.b, ID_BYTES);
    touchpoint_free(tp);
}

static void a_wrong_body_is_refused_at_its_place(void **state) {
    (void)state;
    static const struct {
        const char *body, *place;
    } cases[] = {
        {"{}", "/text"},
        {"{\"text\":\"  \\n\"}", "/text"},
        {"{\"text\":7}", "/text"},
        {"{\"text\":\"a\",\"html\":[]}", "/html"},
        {"{\"text\":\"a\",\"subject\":\"two\\nlines\"}", "/subject"},
        {"{\"text\":\"a\",\"attachments\":[{\"name\":\"x\"}]}", "/attachments/0/data"},
        {"{\"text\":\"a\",\"attachments\":[{\"name\":\"x\",\"data\":\"?\"}]}",
         "/attachments/0/data"},
        {"{\"text\":\"a\",\"attachments\":{}}", "/attachments"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct touchpoint *tp;
        struct fault f;
        if (reply(cases[i].body, inbound, &tp, &f))
            fail_msg("%s was taken", cases[i].body);
        assert_int_equal(f.kind, FAULT_INPUT);
        assert_string_equal(f.place, cases[i].place);
    }
}

static void an_attachment_keeps_its_bytes_and_a_clean_name(void **state) {
    (void)state;
    struct touchpoint *tp;
    struct fault f;
    assert_true(reply("{\"attachments\":[{\"name\":\"../../etc/a.txt\",\"type\":\"text/plain\","
                      "\"data\":\"aGVsbG8=\"}]}",
                      inbound, &tp, &f));
    assert_int_equal(tp->blobs_n, 1);
    assert_string_equal(buf_c(&tp->blobs[0].bytes), "hello");
    assert_string_equal(member(tp, "/attachments/0/name"), "\"a.txt\"");
    touchpoint_free(tp);
}

static void many_references_keep_the_last_ones(void **state) {
    (void)state;
    char text[8000] = "{\"direction\":\"inbound\",\"message_id\":\"<last@b>\",\"references\":[";
    for (int i = 0; i < 120; i++)
        snprintf(text + strlen(text), 40, "%s\"<%d@b>\"", i ? "," : "", i);
    strcat(text, "]}");
    struct touchpoint *tp;
    struct fault f;
    assert_true(reply("{\"text\":\"a\"}", text, &tp, &f));
    const json_t *list = json_object_get(tp->json, "references");
    assert_int_equal(json_array_size(list), 51);
    assert_string_equal(json_string_value(json_array_get(list, 0)), "<70@b>");
    assert_string_equal(json_string_value(json_array_get(list, 50)), "<last@b>");
    touchpoint_free(tp);
}

/* ---- whom ---- */

static void the_newest_inbound_one_that_a_person_wrote_is_answered(void **state) {
    (void)state;
    cleanup(json_freep) json_t *items = parse(
        "[{\"id\":\"1\",\"direction\":\"outbound\",\"from\":{\"email\":\"a@b\"}},"
        "{\"id\":\"2\",\"direction\":\"inbound\",\"auto\":\"bounce\",\"from\":{\"email\":\"a@b\"}},"
        "{\"id\":\"3\",\"direction\":\"inbound\",\"kind\":\"note\",\"from\":{\"email\":\"a@b\"}},"
        "{\"id\":\"4\",\"direction\":\"inbound\",\"from\":{\"name\":\"nobody\"}},"
        "{\"id\":\"5\",\"direction\":\"inbound\",\"auto\":\"auto-reply\",\"from\":{\"email\":"
        "\"a@b\"}},{\"id\":\"6\",\"direction\":\"inbound\",\"from\":{\"email\":\"a@b\"}}]");
    assert_true(str_is(jget_str(compose_pick_answered(items), "id"), "5"));
    json_array_clear(items);
    assert_null(compose_pick_answered(items));
}

static void a_recipient_has_the_address_of_the_way_alone(void **state) {
    (void)state;
    static const struct {
        const char *person;
        bool mail;
        const char *to;
    } cases[] = {
        {"{\"name\":\"J\",\"email\":\"a@b\",\"phone\":\"1\",\"external\":{\"crm\":\"4\"}}", true,
         "{\"name\":\"J\",\"email\":\"a@b\"}"},
        {"{\"name\":\"J\",\"phone\":\"1\"}", true, NULL},
        {"{\"name\":\"J\",\"email\":\"a@b\"}", false, NULL},
        {"{\"name\":\"J\",\"email\":\"a@b\",\"phone\":\"1\"}", false,
         "{\"name\":\"J\",\"phone\":\"1\"}"},
        {"{\"name\":null,\"social\":{\"network\":\"telegram\",\"id\":\"7\"}}", false,
         "{\"social\":{\"network\":\"telegram\",\"id\":\"7\"}}"},
        {"{}", false, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(json_freep) json_t *person = parse(cases[i].person);
        cleanup(json_freep) json_t *to = compose_recipient(person, cases[i].mail);
        cleanup(json_freep) json_t *want = cases[i].to ? parse(cases[i].to) : NULL;
        if (!!to != !!want || (to && !json_equal(to, want)))
            fail_msg("case %zu", i);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_reply_to_mail_has_thread_subject_and_own_id),
        WITH(the_same_reply_has_the_same_id_and_content),
        WITH(a_first_message_begins_its_own_conversation),
        WITH(a_wrong_body_is_refused_at_its_place),
        WITH(an_attachment_keeps_its_bytes_and_a_clean_name),
        WITH(many_references_keep_the_last_ones),
        WITH(the_newest_inbound_one_that_a_person_wrote_is_answered),
        WITH(a_recipient_has_the_address_of_the_way_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
