/* outbox/queue.c over a real store and a real spool: who is answered, what is kept, what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/jread.h>

#include "../store/server.h"
#include "base/thread.h"
#include "outbox/outbox_priv.h"
#include "store/body.h"
#include "store/contact.h"
#include "store/read.h"

static struct server sv;
static struct bench b;
static struct id_maker *ids;
static struct spool *spool;
static struct outbox *outbox;

/* ---- a channel that sends nothing yet, and has mail for these sources ---- */

static bool channel_who(void *ctx, struct str source, struct str *name, struct str *address) {
    (void)ctx;
    if (str_starts(source, str_c("social:"))) {
        *name = *address = STR_NONE;
        return true;
    }
    *name = str_c("Support");
    *address = str_c("support@example.com");
    return str_starts(source, str_c("email:")) || str_is(source, "agent:email") ||
           str_starts(source, str_c("forms:"));
}

static size_t sent_n;
static char sent_reply_to[4000];
static struct {
    void (*done)(void *arg, const struct tl_sent_result *result);
    void *arg;
} under_way[16];
/* As a platform whose window is over. */
static bool channel_refuses(void *ctx, const struct tl_outbound *what, char *out_why, size_t max) {
    (void)ctx;
    json_t *answered = json_loadb(what->reply_to.p, what->reply_to.n, 0, NULL);
    bool old = str_starts(jget_str(answered, "at"), str_c("2020-"));
    json_decref(answered);
    if (old && what->touchpoint.n)
        snprintf(out_why, max, "too late to answer");
    return old;
}

static void channel_send(void *ctx, const struct tl_outbound *what,
                         void (*sent)(void *arg, const struct tl_sent_result *result), void *arg) {
    (void)ctx;
    assert_true(sent_n < COUNT(under_way));
    under_way[sent_n].done = sent;
    under_way[sent_n++].arg = arg;
    snprintf(sent_reply_to, sizeof sent_reply_to, "%.*s", STR_ARG(what->reply_to));
}

static int setup(void **state) {
    (void)state;
    static const struct sender sender = {
        .who = channel_who, .refuses = channel_refuses, .send = channel_send};
    struct spool_config config = {(int64_t)1 << 30, 86400000, (int64_t)30 * 86400000};
    struct fault f = {0};
    char dir[100];
    thread_set(THREAD_LOOP);
    sent_n = 0;
    b = (struct bench){0};
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    ids = id_maker_new(str_c("secret"));
    assert_true(run_until_state(&b, STORE_UP, 3000));
    snprintf(dir, sizeof dir, "%s/spool", sv.dir);
    if (!spool_open(b.loop, str_c(dir), &config, &spool, &f) ||
        !outbox_open(b.loop, spool, NULL, b.store, ids, &sender, str_c("DE"), &outbox, &f))
        fail_msg("%s %s", f.place, f.reason);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    struct tl_sent_result none = {.size = sizeof none, .state = TL_SENT_RETRY};
    outbox_close(outbox);
    for (size_t i = 0; i < sent_n; i++)
        under_way[i].done(under_way[i].arg, &none);
    spool_close(spool);
    bench_close(&b);
    server_free(&sv);
    id_maker_free(ids);
    return 0;
}

/* ---- what ingest would have written ---- */

static bool done;
static struct appended appended;
static void on_append(void *arg, const struct fault *f, const struct appended *a) {
    (void)arg;
    assert_null(f);
    appended = *a;
    done = true;
}
static void on_claim(void *arg, const struct fault *f, enum claim_code code, struct id part) {
    (void)arg, (void)code, (void)part;
    assert_null(f);
    done = true;
}
static void on_ok(void *arg, const struct fault *f) {
    (void)arg;
    assert_null(f);
    done = true;
}
static void await_done(void) {
    assert_true(run_until(b.loop, &done, 5000));
    done = false;
}

static struct id contact;
static char contact_text[ID_TEXT], conversation_text[ID_TEXT];

/* One inbound touchpoint on the timeline; the conversation it lies in is left in the texts. */
static void arrived(const char *source, const char *source_id, const char *json) {
    cleanup(json_freep) json_t *j = NULL;
    cleanup(buf_clear) struct buf text, body;
    struct touchpoint_origin origin = {.source = str_c(source),
                                       .source_id = str_c(source_id),
                                       .received_ms = clock_wall_ms(),
                                       .region = str_c("DE")};
    struct fault_list faults;
    struct touchpoint *tp;
    char open[LOOK_FIELD_MAX];
    static const uint8_t content[4];
    fault_list_init(&faults, 4);
    assert_true(jread_parse(str_c(json), 1 << 20, &j, NULL));
    if (!touchpoint_read(ids, j, &origin, &tp, &faults))
        fail_msg("%s %s", faults.items[0].place, faults.items[0].reason);
    buf_init(&text, 1 << 20);
    buf_init(&body, 1 << 20);
    assert_true(touchpoint_write_body(tp, &text) && body_pack(buf_str(&text), &body));
    struct contact_identity who[IDENTITIES_MAX];
    for (size_t i = 0; i < tp->identities_n; i++)
        who[i] = (struct contact_identity){
            .hash = id_identity(ids, tp->identities[i].kind, tp->identities[i].value),
            .kind = tp->identities[i].kind,
            .value = tp->identities[i].value,
            .evidence = str_c("claimed"),
            .link = LINK_CONFIRMED};
    contact = who[0].hash;
    store_claim(b.store, tp->id, contact, content, 0, false, on_claim, NULL);
    await_done();
    const struct append a = {.part = contact,
                             .touchpoint = tp->id,
                             .at_ms = tp->at_ms,
                             .received_ms = tp->received_ms,
                             .inbound = true,
                             .channel = tp->channel,
                             .source = tp->source,
                             .body = buf_str(&body),
                             .mode = JOIN_LOOK,
                             .open_field = contact_open_field(tp->channel, tp->source, open),
                             .subject = tp->subject,
                             .identities = who,
                             .identities_n = tp->identities_n};
    store_append(b.store, &a, on_append, NULL);
    await_done();
    store_refer(b.store, appended.conversation, contact, tp->id, appended.conversation, on_ok,
                NULL);
    await_done();
    memcpy(contact_text, id_write('c', contact).c, ID_TEXT);
    memcpy(conversation_text, id_write('v', appended.conversation).c, ID_TEXT);
    touchpoint_free(tp);
}

/* ---- asking for a reply ---- */

static struct {
    enum answer_kind kind;
    bool repeated;
    char code[40], pointer[80], detail[200];
    json_t *json;
} got;

static void on_answer(void *arg, const struct answer *a) {
    (void)arg;
    assert_false(done);
    json_decref(got.json);
    memset(&got, 0, sizeof got);
    got.kind = a->kind;
    got.repeated = a->repeated;
    snprintf(got.code, sizeof got.code, "%s", a->code ? a->code : "");
    snprintf(got.pointer, sizeof got.pointer, "%s", a->pointer ? a->pointer : "");
    snprintf(got.detail, sizeof got.detail, "%s", a->detail ? a->detail : "");
    if (a->json.p)
        assert_true(jread_parse(a->json, 1 << 24, &got.json, NULL));
    done = true;
}

static void ask_reply(const struct outbox_reply *r) {
    outbox_reply(outbox, r, on_answer, NULL);
    assert_false(done);
    await_done();
}

static void reply(const char *body, const char *nonce) {
    const struct outbox_reply r = {.conversation = str_c(conversation_text),
                                   .body = str_c(body),
                                   .by = str_c("anna"),
                                   .by_name = str_c("Anna"),
                                   .nonce = str_c(nonce)};
    ask_reply(&r);
}

static void write_first(const char *channel, const char *to) {
    const struct outbox_reply r = {.contact = str_c(contact_text),
                                   .channel = str_c(channel),
                                   .to = str_c(to),
                                   .subject = str_c("News"),
                                   .body = str_c("{\"text\":\"Hello\"}"),
                                   .by = str_c("anna"),
                                   .nonce = str_c("n")};
    ask_reply(&r);
}

static void refused(const char *code, const char *pointer) {
    assert_int_equal(got.kind, ANSWER_REFUSED);
    assert_string_equal(got.code, code);
    assert_string_equal(got.pointer, pointer);
    assert_true(got.detail[0]);
}

static const char *at(const char *pointer) {
    const json_t *v = jread_at(got.json, str_c(pointer));
    return json_is_string(v) ? json_string_value(v) : "-";
}

static const char mail[] =
    "{\"channel\":\"email\",\"kind\":\"message\",\"from\":{\"name\":\"Jana\",\"email\":"
    "\"jana@example.org\"},\"subject\":\"Order\",\"text\":\"Where?\",\"message_id\":\"<a@b>\"}";

static void a_reply_is_kept_and_begun(void **state) {
    (void)state;
    arrived("email:support", "m1", mail);
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(at("/conversation"), conversation_text);
    assert_string_equal(at("/contact"), contact_text);
    assert_string_equal(at("/delivery/state"), "queued");
    assert_string_equal(at("/subject"), "Re: Order");
    assert_string_equal(at("/to/0/email"), "jana@example.org");
    assert_string_equal(at("/source"), "email:support");
    for (int i = 0; i < 200 && !sent_n; i++)
        run_for(&b, 10);
    assert_int_equal(sent_n, 1);
    assert_non_null(strstr(sent_reply_to, "\"message_id\":\"<a@b>\""));
}

static void the_same_key_is_the_same_reply(void **state) {
    (void)state;
    char id[40];
    arrived("email:support", "m1", mail);
    reply("{\"text\":\"Here\"}", "key");
    snprintf(id, sizeof id, "%s", at("/id"));
    reply("{\"text\":\"Here\"}", "key");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_true(got.repeated);
    assert_string_equal(at("/id"), id);
    reply("{\"text\":\"There\"}", "key");
    refused("idempotency-mismatch", "");
    reply("{\"text\":\"There\"}", "another");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_not_equal(at("/id"), id);
}

static void the_last_inbound_one_is_answered_never_another_identity(void **state) {
    (void)state;
    arrived("forms:contact", "f1",
            "{\"channel\":\"form\",\"from\":{\"name\":\"Jana\",\"email\":\"jana@example.org\","
            "\"phone\":\"+493012345\"},\"text\":\"Hi\"}");
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(at("/to/0/email"), "jana@example.org");
    assert_string_equal(at("/to/0/phone"), "-");
    assert_string_equal(at("/channel"), "form");
}

static void a_platform_is_answered_by_its_own_address(void **state) {
    (void)state;
    arrived("social:telegram", "t1",
            "{\"channel\":\"social\",\"from\":{\"name\":\"Jana\",\"social\":{\"network\":"
            "\"telegram\",\"id\":\"77\"}},\"text\":\"Hi\",\"message_id\":\"5\"}");
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(at("/to/0/social/id"), "77");
    assert_string_equal(at("/message_id"), "-");
    assert_string_equal(at("/in_reply_to/0"), "5");
    assert_string_equal(at("/from/name"), "Anna");
}

static void what_the_channel_refuses_is_told_and_not_kept(void **state) {
    (void)state;
    arrived(
        "social:whatsapp", "w1",
        "{\"channel\":\"social\",\"at\":\"2020-01-01T00:00:00Z\",\"from\":{\"phone\":"
        "\"+491701\",\"social\":{\"network\":\"whatsapp\",\"id\":\"491701\"}},\"text\":\"Hi\"}");
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_CONFLICT);
    assert_string_equal(got.code, "reply-refused");
    assert_string_equal(got.detail, "too late to answer");
    assert_int_equal(outbox_length(outbox), 0);
}

static void a_reply_without_a_way_is_refused(void **state) {
    (void)state;
    arrived("sip:switch", "c1",
            "{\"channel\":\"call\",\"kind\":\"missed_call\",\"from\":{\"phone\":\"+493012345\"}}");
    reply("{\"text\":\"Here\"}", "1");
    refused("no-way-out", "");
    arrived("forms:contact", "f1",
            "{\"channel\":\"form\",\"from\":{\"phone\":\"+493012345\"},\"text\":\"Call me\"}");
    reply("{\"text\":\"Here\"}", "1");
    refused("no-way-out", "");
}

static void a_broken_request_is_refused_at_its_place(void **state) {
    (void)state;
    arrived("email:support", "m1", mail);
    reply("{\"text\":\"\"}", "1");
    refused("invalid", "/text");
    reply("[]", "1");
    refused("invalid", "");
    reply("{", "1");
    refused("invalid", "");
    reply("{\"text\":\"a\",\"attachments\":[{\"data\":\"!\"}]}", "1");
    refused("invalid", "/attachments/0/data");
    assert_int_equal(outbox_length(outbox), 0);
}

static void nobody_knows_the_conversation(void **state) {
    (void)state;
    snprintf(conversation_text, sizeof conversation_text, "v_00000000000000000000000000");
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_NOT_FOUND);
}

static void without_a_store_it_is_tried_later(void **state) {
    (void)state;
    arrived("email:support", "m1", mail);
    server_kill(&sv);
    assert_true(run_until_state(&b, STORE_DOWN, 3000));
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_LATER);
}

/* ---- first messages ---- */

static void a_first_message_goes_to_one_of_the_contacts_identities(void **state) {
    (void)state;
    arrived("email:support", "m1", mail);
    write_first("email", "email:jana@example.org");
    if (got.kind != ANSWER_OK)
        fail_msg("%s %s", got.pointer, got.detail);
    assert_string_not_equal(at("/conversation"), conversation_text);
    assert_string_equal(at("/contact"), contact_text);
    assert_string_equal(at("/subject"), "News");
    assert_string_equal(at("/source"), "email:support");
    write_first("email", "email:other@example.org");
    refused("invalid", "/to");
    write_first("email", "nonsense");
    refused("invalid", "/to");
    write_first("social", "email:jana@example.org");
    refused("invalid", "/to");
    write_first("", "email:jana@example.org");
    refused("invalid", "/channel");
    write_first("email", "");
    refused("invalid", "/to");
}

static void mail_to_one_who_never_wrote_mail_goes_by_the_first_mailbox(void **state) {
    (void)state;
    arrived("forms:contact", "f1",
            "{\"channel\":\"form\",\"from\":{\"email\":\"jana@example.org\"},\"text\":\"Hi\"}");
    write_first("email", "email:jana@example.org");
    assert_int_equal(got.kind, ANSWER_OK);
    assert_string_equal(at("/source"), "agent:email");
}

static void a_draining_outbox_takes_nothing(void **state) {
    (void)state;
    arrived("email:support", "m1", mail);
    outbox_drain(outbox);
    reply("{\"text\":\"Here\"}", "1");
    assert_int_equal(got.kind, ANSWER_LATER);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_reply_is_kept_and_begun),
        WITH(the_same_key_is_the_same_reply),
        WITH(the_last_inbound_one_is_answered_never_another_identity),
        WITH(a_platform_is_answered_by_its_own_address),
        WITH(what_the_channel_refuses_is_told_and_not_kept),
        WITH(a_reply_without_a_way_is_refused),
        WITH(a_broken_request_is_refused_at_its_place),
        WITH(nobody_knows_the_conversation),
        WITH(without_a_store_it_is_tried_later),
        WITH(a_first_message_goes_to_one_of_the_contacts_identities),
        WITH(mail_to_one_who_never_wrote_mail_goes_by_the_first_mailbox),
        WITH(a_draining_outbox_takes_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(got.json);
    return failed;
}
