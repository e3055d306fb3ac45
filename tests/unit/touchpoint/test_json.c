/* What a push may say, what it may not, and what is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/jread.h>

#include "touchpoint/touchpoint.h"

static struct id_maker *ids;

static const struct touchpoint_origin push = {
    .source = STR("push:crm"),
    .received_ms = 1795507200000, /* 2026-11-24T16:00:00Z */
    .region = STR("DE"),
    .push = true,
};

static struct touchpoint *read_as(const struct touchpoint_origin *origin, const char *text,
                                  struct fault_list *faults) {
    cleanup(json_freep) json_t *j = NULL;
    struct touchpoint *tp = NULL;
    struct fault f;
    fault_list_init(faults, 50);
    assert_true(jread_parse(str_c(text), 1 << 20, &j, &f));
    if (!touchpoint_read(ids, j, origin, &tp, faults))
        assert_null(tp);
    return tp;
}

static struct touchpoint *good(const struct touchpoint_origin *origin, const char *text) {
    cleanup(fault_list_clear) struct fault_list faults;
    struct touchpoint *tp = read_as(origin, text, &faults);
    if (!tp)
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    return tp;
}

/* ---- what is refused, and where ---- */

static void each_fault_names_its_place(void **state) {
    (void)state;
    static const struct {
        const char *json, *pointer;
    } cases[] = {
        {"[]", ""},
        {"{\"from\":{\"email\":\"a@b.c\"}}", "/channel"},
        {"{\"channel\":\"pigeon\",\"from\":{\"email\":\"a@b.c\"}}", "/channel"},
        {"{\"channel\":\"chat\",\"kind\":\"x\",\"from\":{\"email\":\"a@b.c\"}}", "/kind"},
        {"{\"channel\":\"chat\"}", "/from"},
        {"{\"channel\":\"chat\",\"from\":\"jana\"}", "/from"},
        {"{\"channel\":\"chat\",\"from\":{\"name\":\"Jana\"}}", "/from"},
        {"{\"channel\":\"chat\",\"from\":{\"phone\":\"110\"}}", "/from"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"jana\"}}", "/from/email"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b\\r\\nBcc: c@d\"}}", "/from/email"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b>,c@d\"}}", "/from/email"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\",\"name\":\"x\\ny\"}}", "/from/name"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":1}}", "/from/email"},
        {"{\"channel\":\"chat\",\"from\":{\"external\":{\"email\":\"1\"}}}",
         "/from/external/email"},
        {"{\"channel\":\"chat\",\"from\":{\"external\":{\"whatsapp\":\"1\"}}}",
         "/from/external/whatsapp"},
        {"{\"channel\":\"chat\",\"from\":{\"external\":{\"crm\":4711}}}", "/from/external/crm"},
        {"{\"channel\":\"chat\",\"from\":{\"external\":{\"CRM\":\"1\"}}}", "/from/external"},
        {"{\"channel\":\"chat\",\"from\":{\"social\":{\"network\":\"x\"}}}", "/from/social/id"},
        {"{\"channel\":\"chat\",\"from\":{\"social\":{\"id\":\"1\"}}}", "/from/social/network"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"subject\":\"a\\nb\"}", "/subject"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"at\":\"soon\"}", "/at"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"at\":7}", "/at"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"priority\":11}", "/priority"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"priority\":\"5\"}", "/priority"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"revision\":-1}", "/revision"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"id\":\"\"}", "/id"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"id\":4}", "/id"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"contact_id\":\"c_1\"}",
         "/contact_id"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"received_at\":null}",
         "/received_at"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"a/b~\":1}", "/a~1b~0"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"tags\":[1]}", "/tags/0"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},\"attachments\":[{\"name\":\"a\"}]}",
         "/attachments/0/data"},
        {"{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},"
         "\"attachments\":[{\"data\":\"not base64!\"}]}",
         "/attachments/0/data"},
        {"{\"channel\":\"call\",\"from\":{\"phone\":\"+4930123456\"},\"call\":{\"disposition\":\"?"
         "\"}}",
         "/call/disposition"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(fault_list_clear) struct fault_list faults;
        cleanup(touchpoint_freep) struct touchpoint *tp = read_as(&push, cases[i].json, &faults);
        if (tp || faults.n != 1)
            fail_msg("%s: %zu faults", cases[i].json, faults.n);
        assert_string_equal(faults.items[0].place, cases[i].pointer);
        assert_int_equal(faults.items[0].kind, FAULT_INPUT);
    }
}

static void all_faults_are_told_at_once(void **state) {
    (void)state;
    cleanup(fault_list_clear) struct fault_list faults;
    assert_null(read_as(&push, "{\"channel\":\"?\",\"priority\":0,\"bogus\":1}", &faults));
    assert_int_equal(faults.n, 4); /* and no `from` */
}

static void an_id_of_256_bytes_is_refused_one_of_255_not(void **state) {
    (void)state;
    char text[512], id[257];
    memset(id, 'x', 256);
    id[256] = '\0';
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"}}", id);
    cleanup(fault_list_clear) struct fault_list faults;
    assert_null(read_as(&push, text, &faults));
    assert_string_equal(faults.items[0].place, "/id");
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"}}", id + 1);
    cleanup(touchpoint_freep) struct touchpoint *tp = good(&push, text);
    assert_true(tp->own_id);
}

/* ---- what is kept ---- */

static const char *const example =
    "{\"id\":\"crm-4711\",\"channel\":\"chat\",\"kind\":\"message\",\"direction\":\"inbound\","
    "\"at\":\"2026-11-23T08:00:00.000Z\","
    "\"from\":{\"name\":\"Jana Wei\\u00df\",\"email\":\"Jana@Example.org\",\"phone\":\"030 "
    "1234567\","
    "\"social\":{\"network\":\"instagram\",\"id\":\"17841400000\",\"handle\":\"jana.w\"},"
    "\"external\":{\"crm\":\"4711\"}},"
    "\"to\":{\"address\":\"support@example.com\"},\"subject\":\"Order 1234\","
    "\"text\":\"Where is it?\",\"html\":null,\"language\":\"en\",\"thread\":\"order-1234\","
    "\"in_reply_to\":null,"
    "\"attachments\":[{\"name\":\"../a.png\",\"type\":\"Image/PNG\",\"data\":\"aGVsbG8=\"}],"
    "\"tags\":[\"vip\"],\"priority\":5,\"data\":{\"order\":1234}}";

static const char *member(const json_t *j, const char *path) {
    return json_string_value(jread_path(j, str_c(path)));
}

static void the_contracts_example_is_normalised(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *tp = good(&push, example);
    assert_int_equal(tp->identities_n, 4);
    static const char *const order[] = {"crm", "instagram", "email", "phone"};
    for (size_t i = 0; i < 4; i++)
        assert_true(str_is(tp->identities[i].kind, order[i]));
    assert_true(str_is(tp->identities[2].value, "jana@example.org"));
    assert_true(str_is(tp->identities[3].value, "+49301234567"));
    assert_false(tp->identities[0].verified);
    assert_string_equal(member(tp->json, "source"), "push:crm");
    assert_string_equal(member(tp->json, "source_id"), "crm-4711");
    assert_string_equal(member(tp->json, "at"), "2026-11-23T08:00:00.000Z");
    assert_string_equal(member(tp->json, "from.phone"), "030 1234567");
    assert_true(json_is_false(jread_path(tp->json, str_c("from.verified"))));
    const json_t *to = json_object_get(tp->json, "to");
    assert_int_equal(json_array_size(to), 1);
    assert_string_equal(member(json_array_get(to, 0), "email"), "support@example.com");
    assert_true(json_is_array(json_object_get(tp->json, "in_reply_to")));
    const json_t *a = json_array_get(json_object_get(tp->json, "attachments"), 0);
    assert_string_equal(member(a, "name"), "a.png");
    assert_string_equal(member(a, "type"), "image/png");
    assert_int_equal(jget_int(a, "size", 0), 5);
    assert_null(json_object_get(a, "data"));
    assert_int_equal(tp->blobs_n, 1);
    assert_true(str_is(buf_str(&tp->blobs[0].bytes), "hello"));
}

static void the_stored_form_has_every_member_of_the_contract(void **state) {
    (void)state;
    static const char *const names[] = {
        "id",          "contact",     "conversation", "source",    "source_id",  "at",
        "received_at", "channel",     "kind",         "direction", "from",       "to",
        "cc",          "reply_to",    "subject",      "text",      "reply_text", "html",
        "language",    "attachments", "auto",         "delivery",  "call",       "message_id",
        "in_reply_to", "references",  "tags",         "warnings",  "data",       "priority",
        "revision",    "deleted",     "thread"};
    cleanup(touchpoint_freep) struct touchpoint *tp = good(&push, example);
    cleanup(buf_clear) struct buf text;
    cleanup(json_freep) json_t *j = NULL;
    buf_init(&text, 1 << 20);
    assert_true(touchpoint_write(tp, str_c("c_x"), STR_NONE, &text));
    assert_true(jread_parse(buf_str(&text), 1 << 20, &j, NULL));
    for (size_t i = 0; i < COUNT(names); i++)
        if (!json_object_get(j, names[i]))
            fail_msg("%s is missing", names[i]);
    assert_string_equal(member(j, "contact"), "c_x");
    assert_true(json_is_null(json_object_get(j, "conversation")));
}

static void a_trusted_source_verifies_what_it_says(void **state) {
    (void)state;
    struct touchpoint_origin origin = push;
    origin.trusted = true;
    cleanup(touchpoint_freep) struct touchpoint *tp = good(&origin, example);
    for (size_t i = 0; i < tp->identities_n; i++) {
        assert_true(tp->identities[i].verified);
        assert_true(str_is(tp->identities[i].evidence, "adapter"));
    }
}

static void a_pusher_cannot_verify_himself(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&push, "{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\",\"verified\":true}}");
    assert_false(tp->identities[0].verified);
}

static void a_platform_vouches_for_its_own_id_only(void **state) {
    (void)state;
    struct touchpoint_origin origin = push;
    origin.push = false;
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&origin, "{\"source_id\":\"1\",\"channel\":\"social\",\"from\":{\"verified\":true,"
                      "\"email\":\"a@b.c\",\"social\":{\"network\":\"telegram\",\"id\":\"7\"}}}");
    assert_true(tp->identities[0].verified);
    assert_true(str_is(tp->identities[0].kind, "telegram"));
    assert_false(tp->identities[1].verified);
}

static void a_time_far_ahead_is_clamped_and_named(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&push, "{\"channel\":\"chat\",\"from\":{\"email\":\"a@b.c\"},"
                    "\"at\":\"2106-01-01T00:00:00Z\"}");
    assert_int_equal(tp->at_ms, push.received_ms);
    assert_true(tp->at_clamped);
    assert_int_equal(json_array_size(json_object_get(tp->json, "warnings")), 1);
}

static void the_same_said_in_another_order_is_the_same(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *a = good(
        &push, "{\"id\":\"1\",\"channel\":\"chat\",\"text\":\"x\",\"from\":{\"email\":\"a@b.c\"}}");
    cleanup(touchpoint_freep) struct touchpoint *b =
        good(&push, "{\"from\":{\"email\":\"a@b.c\"},\"text\":\"x\",\"channel\":\"chat\","
                    "\"revision\":4,\"id\":\"1\"}");
    cleanup(touchpoint_freep) struct touchpoint *c = good(
        &push, "{\"id\":\"1\",\"channel\":\"chat\",\"text\":\"y\",\"from\":{\"email\":\"a@b.c\"}}");
    assert_memory_equal(a->content, b->content, 8);
    assert_memory_not_equal(a->content, c->content, 8);
    assert_memory_equal(a->id.b, c->id.b, ID_BYTES);
}

static void outbound_ones_are_about_whom_they_went_to(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&push, "{\"channel\":\"chat\",\"direction\":\"outbound\","
                    "\"from\":{\"email\":\"us@b.c\"},\"to\":{\"email\":\"jana@example.org\"}}");
    assert_int_equal(tp->identities_n, 1);
    assert_true(str_is(tp->identities[0].value, "jana@example.org"));
}

static void a_mail_with_a_broken_from_is_kept_with_warnings(void **state) {
    (void)state;
    struct touchpoint_origin origin = push;
    origin.push = false;
    origin.source_id = str_c("abc");
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&origin, "{\"channel\":\"email\",\"from\":{\"email\":\"not an address\","
                      "\"name\":\"a\\r\\nb\"},\"at\":\"nonsense\",\"whatever\":1}");
    assert_int_equal(tp->identities_n, 0);
    assert_string_equal(member(tp->json, "from.name"), "a  b");
    assert_int_equal(json_array_size(json_object_get(tp->json, "warnings")), 2);
    assert_false(tp->own_id);
}

static void references_come_nearest_first(void **state) {
    (void)state;
    struct touchpoint_origin origin = push;
    origin.push = false;
    origin.source_id = str_c("abc");
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&origin, "{\"channel\":\"email\",\"from\":{\"email\":\"a@b.c\"},"
                      "\"message_id\":\"<me@x>\",\"references\":[\"<1@x>\",\"<2@x>\",\"<me@x>\"],"
                      "\"in_reply_to\":[\"<2@x>\",\"<3@x>\"]}");
    assert_int_equal(tp->references_n, 3);
    assert_true(str_is(tp->references[0], "2@x"));
    assert_true(str_is(tp->references[1], "1@x"));
    assert_true(str_is(tp->references[2], "3@x"));
}

static void a_delivery_update_names_its_message(void **state) {
    (void)state;
    struct touchpoint_origin origin = push;
    origin.push = false;
    cleanup(touchpoint_freep) struct touchpoint *tp =
        good(&origin, "{\"update\":{\"message_id\":\"wamid.1\",\"at\":\"2026-11-23T08:00:00Z\","
                      "\"delivery\":{\"state\":\"read\"}}}");
    assert_true(str_is(tp->update_of, "wamid.1"));
    assert_true(str_is(tp->delivery_state, "read"));
}

static void what_was_saved_comes_back_the_same(void **state) {
    (void)state;
    cleanup(touchpoint_freep) struct touchpoint *tp = good(&push, example), *back = NULL;
    cleanup(buf_clear) struct buf saved, a, b;
    struct fault f;
    buf_init(&saved, 1 << 20);
    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    assert_true(touchpoint_save(tp, &saved));
    if (!touchpoint_load(buf_str(&saved), &back, &f))
        fail_msg("%s %s", f.place, f.reason);
    assert_true(touchpoint_write(tp, STR_NONE, STR_NONE, &a));
    assert_true(touchpoint_write(back, STR_NONE, STR_NONE, &b));
    assert_string_equal(buf_c(&a), buf_c(&b));
    assert_int_equal(back->identities_n, tp->identities_n);
    assert_memory_equal(back->content, tp->content, 8);
    assert_int_equal(back->blobs_n, 1);
    assert_true(str_is(buf_str(&back->blobs[0].bytes), "hello"));
    assert_int_equal(back->at_ms, tp->at_ms);
}

static int setup(void **state) {
    (void)state;
    ids = id_maker_new(str_c("secret"));
    return 0;
}
static int teardown(void **state) {
    (void)state;
    id_maker_free(ids);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_names_its_place),
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(an_id_of_256_bytes_is_refused_one_of_255_not),
        cmocka_unit_test(the_contracts_example_is_normalised),
        cmocka_unit_test(the_stored_form_has_every_member_of_the_contract),
        cmocka_unit_test(a_trusted_source_verifies_what_it_says),
        cmocka_unit_test(a_pusher_cannot_verify_himself),
        cmocka_unit_test(a_platform_vouches_for_its_own_id_only),
        cmocka_unit_test(a_time_far_ahead_is_clamped_and_named),
        cmocka_unit_test(the_same_said_in_another_order_is_the_same),
        cmocka_unit_test(outbound_ones_are_about_whom_they_went_to),
        cmocka_unit_test(a_mail_with_a_broken_from_is_kept_with_warnings),
        cmocka_unit_test(references_come_nearest_first),
        cmocka_unit_test(a_delivery_update_names_its_message),
        cmocka_unit_test(what_was_saved_comes_back_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
