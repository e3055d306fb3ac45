/* Signatures by their makers' vectors; deliveries of the corpora and of our own to touchpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/webhook.h>

#include "reading.h"
#include "social/signature.h"

static void the_makers_vectors_verify_and_every_change_fails(void **state) {
    (void)state;
    json_t *vectors = load("signature-vectors/vectors.json"), *v;
    size_t i, seen = 0;
    if (!vectors) {
        print_message("skipped: the corpora are not here (%s)\n", corpora);
        skip();
    }
    json_array_foreach(vectors, i, v) {
        if (strcmp(at(v, "scheme"), "standard-webhooks") != 0)
            continue;
        const json_t *h = json_object_get(v, "headers");
        struct standard_headers headers = {jget_str(h, "webhook-id"),
                                           jget_str(h, "webhook-timestamp"),
                                           jget_str(h, "webhook-signature")};
        struct str secret = jget_str(v, "secret"), body = jget_str(v, "body");
        int64_t now = strtoll(at(h, "webhook-timestamp"), NULL, 10) * 1000;
        assert_int_equal(signature_standard(secret, &headers, body, now), SIGNATURE_GOOD);
        assert_int_equal(signature_standard(secret, &headers, str_upto(body, body.n - 1), now),
                         SIGNATURE_BAD);
        assert_int_equal(signature_standard(secret, &headers, body, now + 301000), SIGNATURE_STALE);
        assert_int_equal(signature_standard(secret, &headers, body, now - 301000), SIGNATURE_STALE);
        headers.signature = str_upto(headers.signature, headers.signature.n - 2);
        assert_int_equal(signature_standard(secret, &headers, body, now), SIGNATURE_BAD);
        seen++;
    }
    assert_true(seen > 0);
    json_decref(vectors);
}

static void an_id_with_a_dot_is_no_id(void **state) {
    (void)state;
    const struct standard_headers h = {STR("a.1"), STR("1000"), STR("v1,AAAA")};
    assert_int_equal(signature_standard(str_c("whsec_AAAA"), &h, str_c("{}"), 1000000),
                     SIGNATURE_BAD_ID);
}

static void of_several_signatures_one_must_fit(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_true(buf_add_c(&b, "v1,AAAA v1a,BBBB v2,CCCC "));
    assert_true(webhook_sign(str_c("whsec_c2VjcmV0"), str_c("id1"), 1000, str_c("{}"), &b));
    const struct standard_headers h = {STR("id1"), STR("1000"), buf_str(&b)};
    assert_int_equal(signature_standard(str_c("whsec_c2VjcmV0"), &h, str_c("{}"), 1000000),
                     SIGNATURE_GOOD);
    buf_clear(&b);
}

static void metas_signature_is_hex_of_the_raw_body_by_either_secret(void **state) {
    (void)state;
    static const struct hook_config now = {.secret = STR("dev-secret")},
                                    changing = {.secret = STR("new"),
                                                .previous_secret = STR("dev-secret")},
                                    none = {0};
    uint8_t mac[32];
    char header[80] = "sha256=";
    struct str body = STR("{\"a\": \"\\u00e9\"}");
    hmac_sha256_once(str_c("dev-secret"), body, mac);
    hex_encode(mac, sizeof mac, header + 7);
    assert_true(signature_meta(&now, str_c(header), body));
    assert_true(signature_meta(&changing, str_c(header), body));
    assert_false(signature_meta(&now, str_c(header), str_c("{\"a\":\"\\u00e9\"}")));
    assert_false(signature_meta(&now, str_c("sha256=5d15e8f16a0b1b4b7fb1a2d5b5b4c1ee"), body));
    assert_false(signature_meta(&now, str_upto(str_c(header), 70), body));
    assert_false(signature_meta(&now, str_from(str_c(header), 7), body));
    assert_false(signature_meta(&now, STR_NONE, body));
    assert_false(signature_meta(&none, str_c(header), body));
    for (char *p = header + 7; *p; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 32);
    assert_true(signature_meta(&now, str_c(header), body));
    header[7] ^= 1;
    assert_false(signature_meta(&now, str_c(header), body));
}

static void a_whatsapp_delivery_holds_messages_and_statuses(void **state) {
    (void)state;
    static const char body[] =
        "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{"
        "\"field\":\"messages\",\"value\":{"
        "\"messaging_product\":\"whatsapp\",\"metadata\":{\"phone_number_id\":\"106\"},"
        "\"contacts\":[{\"profile\":{\"name\":\"Jana\"},\"wa_id\":\"4930123456\"}],"
        "\"messages\":[{\"id\":\"wamid.1\",\"from\":\"4930123456\",\"timestamp\":\"1795420800\","
        "\"type\":\"text\",\"text\":{\"body\":\"Hi\"},"
        "\"context\":{\"id\":\"wamid.0\"}},{\"type\":\"text\"},"
        "{\"id\":\"wamid.2\",\"from\":\"4930123456\",\"timestamp\":\"1795420801\",\"type\":"
        "\"reaction\",\"reaction\":{\"message_id\":\"wamid.0\","
        "\"emoji\":\"x\"}}],"
        "\"statuses\":[{\"id\":\"wamid.9\",\"status\":\"failed\",\"timestamp\":\"1795420802\","
        "\"recipient_id\":\"4930123456\","
        "\"errors\":[{\"code\":131047,\"title\":\"Re-engagement message\"}]}]}}]}]}";
    struct taken t;
    assert_true(read_body("whatsapp", str_c(body), &t));
    assert_int_equal(json_array_size(t.items), 3);
    assert_int_equal(t.bad, 1);
    const json_t *m = json_array_get(t.items, 0), *r = json_array_get(t.items, 1),
                 *s = json_array_get(t.items, 2);
    assert_string_equal(at(m, "from.phone"), "+4930123456");
    assert_string_equal(at(m, "from.name"), "Jana");
    assert_string_equal(at(m, "text"), "Hi");
    assert_string_equal(at(m, "at"), "2026-11-23T08:00:00.000Z");
    assert_string_equal(json_string_value(json_array_get(json_object_get(m, "in_reply_to"), 0)),
                        "wamid.0");
    assert_string_equal(at(r, "kind"), "reaction");
    assert_string_equal(at(s, "update.delivery.state"), "failed");
    assert_string_equal(at(s, "update.delivery.code"), "131047");
    json_decref(t.items);
}

static void telegram_edits_are_revisions_of_their_message(void **state) {
    (void)state;
    static const char first[] = "{\"update_id\":1,\"message\":{\"message_id\":7,\"date\":"
                                "1795420800,\"chat\":{\"id\":42,\"type\":\"private\"},"
                                "\"from\":{\"id\":42,\"is_bot\":false,\"first_name\":\"Jana\","
                                "\"username\":\"jw\"},\"text\":\"Hi\"}}";
    static const char edit[] = "{\"update_id\":2,\"edited_message\":{\"message_id\":7,\"date\":"
                               "1795420800,\"edit_date\":1795420900,"
                               "\"chat\":{\"id\":42,\"type\":\"private\"},\"from\":{\"id\":42,"
                               "\"first_name\":\"Jana\"},\"text\":\"Ho\"}}";
    struct taken a, b;
    assert_true(read_body("telegram", str_c(first), &a));
    assert_true(read_body("telegram", str_c(edit), &b));
    const json_t *m = json_array_get(a.items, 0), *e = json_array_get(b.items, 0);
    assert_string_equal(at(m, "source_id"), at(e, "source_id"));
    assert_string_equal(at(m, "from.social.id"), "42");
    assert_int_equal(jget_int(e, "revision", 0), 1795420900);
    assert_string_equal(at(e, "text"), "Ho");
    json_decref(a.items);
    json_decref(b.items);
}

static void what_is_no_delivery_is_refused_whole(void **state) {
    (void)state;
    static const struct {
        const char *provider, *body;
    } cases[] = {{"whatsapp", "[]"},
                 {"whatsapp", "{"},
                 {"telegram", "{}"},
                 {"standard", "{\"type\":\"x\"}"},
                 {"nobody", "{}"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct taken t;
        assert_false(read_body(cases[i].provider, str_c(cases[i].body), &t));
        assert_int_equal(json_array_size(t.items), 0);
        assert_int_equal(t.bad, 1);
        json_decref(t.items);
    }
}

static void the_data_of_a_standard_webhook_is_the_push_object(void **state) {
    (void)state;
    struct taken t;
    assert_true(read_body("standard",
                          str_c("{\"type\":\"m\",\"timestamp\":\"2026-11-23T08:00:00Z\",\"data\":{"
                                "\"id\":\"x1\",\"channel\":\"chat\"}}"),
                          &t));
    const json_t *m = json_array_get(t.items, 0);
    assert_string_equal(at(m, "source_id"), "x1");
    assert_string_equal(at(m, "at"), "2026-11-23T08:00:00Z");
    json_decref(t.items);
    assert_true(read_body("standard", str_c("{\"data\":[{\"channel\":\"chat\"},7]}"), &t));
    assert_int_equal(json_array_size(t.items), 1);
    assert_int_equal(t.bad, 1);
    json_decref(t.items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_makers_vectors_verify_and_every_change_fails),
        cmocka_unit_test(an_id_with_a_dot_is_no_id),
        cmocka_unit_test(of_several_signatures_one_must_fit),
        cmocka_unit_test(metas_signature_is_hex_of_the_raw_body_by_either_secret),
        cmocka_unit_test(a_whatsapp_delivery_holds_messages_and_statuses),
        cmocka_unit_test(telegram_edits_are_revisions_of_their_message),
        cmocka_unit_test(what_is_no_delivery_is_refused_whole),
        cmocka_unit_test(the_data_of_a_standard_webhook_is_the_push_object),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
