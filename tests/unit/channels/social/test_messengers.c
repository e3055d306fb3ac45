/* Telegram, LINE and Viber: signatures, what their makers document, batches, replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

static const struct hook_config telegram = {.secret = STR("tok"), .send = {.token = STR("4:x")}},
                                line = {.secret = STR("channel"), .send = {.token = STR("T")}},
                                viber = {.secret = STR("auth"),
                                         .welcome = STR("Hello"),
                                         .send = {.token = STR("auth"), .sender = STR("Desk")}};

/* ---- signatures ---- */

static void lines_signature_is_base64_of_the_raw_body(void **state) {
    (void)state;
    lab_hmac(&provider_line, &line, "x-line-signature", "", SIGNATURE_SHA256, SIGNATURE_BASE64);
}

static void vibers_signature_is_hex_of_the_raw_body(void **state) {
    (void)state;
    lab_hmac(&provider_viber, &viber, "X-Viber-Content-Signature", "", SIGNATURE_SHA256,
             SIGNATURE_HEX);
}

static void telegrams_token_is_compared_whole(void **state) {
    (void)state;
    static const char *const bad[] = {"", "to", "tokk", "TOK", " tok", "tok ", "kot", "sha256=tok"};
    lab_begin(&telegram, "POST", str_c("{}"));
    assert_int_equal(lab_status(&provider_telegram), 401);
    for (size_t i = 0; i < COUNT(bad); i++) {
        lab_begin(&telegram, "POST", str_c("{}"));
        lab_header("X-Telegram-Bot-Api-Secret-Token", str_c(bad[i]));
        assert_int_equal(lab_status(&provider_telegram), 401);
    }
    lab_begin(&telegram, "POST", str_c("{}"));
    lab_header("x-telegram-bot-api-secret-token", str_c("tok"));
    assert_int_equal(lab_status(&provider_telegram), 200);
}

static void the_makers_vectors_verify(void **state) {
    (void)state;
    static const struct {
        const char *scheme, *header;
        const struct provider *provider;
    } schemes[] = {{"line", "x-line-signature", &provider_line},
                   {"viber", "X-Viber-Content-Signature", &provider_viber}};
    json_t *vectors = lab_load("signature-vectors/vectors.json"), *v;
    size_t i, n = 0, good = 0;
    json_array_foreach(vectors, i, v) {
        for (size_t k = 0; k < COUNT(schemes); k++) {
            if (strcmp(at(v, "scheme"), schemes[k].scheme) != 0)
                continue;
            const struct hook_config c = {.secret = jget_str(v, "secret")};
            lab_begin(&c, "POST", jget_str(v, "body"));
            lab_header(schemes[k].header,
                       jget_str(json_object_get(v, "headers"), schemes[k].header));
            good += lab_status(schemes[k].provider) == 200;
            n++;
        }
    }
    print_message("corpus signature-vectors (line, viber): %zu of %zu\n", good, n);
    assert_true(n > 0 && good == n);
    json_decref(vectors);
}

/* ---- LINE ---- */

static void every_event_of_lines_own_samples_is_read(void **state) {
    (void)state;
    static const char *const files[] = {"line/text/webhook.json", "line/v3/text/webhook.json"};
    size_t n = 0, right = 0;
    for (size_t f = 0; f < COUNT(files); f++) {
        json_t *root = lab_load(files[f]), *events = json_object_get(root, "events");
        for (size_t i = 0; i < json_array_size(events); i++) {
            struct taken t;
            json_t *one =
                json_pack("{s:s, s:[O]}", "destination", "x", "events", json_array_get(events, i));
            char *text = json_dumps(one, 0);
            const char *type = at(json_array_get(events, i), "type");
            bool ok = lab_read("line", "{}", str_c(text), &t) && t.bad == 0 &&
                      json_array_size(t.items) == 1;
            const json_t *tp = json_array_get(t.items, 0);
            bool message = strcmp(type, "message") == 0 || strcmp(type, "messageEdited") == 0 ||
                           strcmp(type, "unsend") == 0;
            ok = ok && strcmp(at(tp, "kind"), message ? "message" : "other") == 0 &&
                 json_is_true(json_object_get(tp, "deleted")) == (strcmp(type, "unsend") == 0);
            if (!ok)
                print_message("line: %s %zu (%s) is read otherwise: %s\n", files[f], i, type, text);
            right += ok;
            n++;
            free(text);
            json_decref(one);
            json_decref(t.items);
        }
        json_decref(root);
    }
    print_message("corpus line: %zu of %zu\n", right, n);
    assert_true(right == n);
}

static const char line_batch[] =
    "{\"destination\":\"d\",\"events\":["
    "{\"type\":\"message\",\"webhookEventId\":\"e1\",\"timestamp\":1462629479859,\"mode\":"
    "\"active\",\"replyToken\":\"r1\",\"source\":{\"type\":\"group\",\"groupId\":\"G\",\"userId\":"
    "\"U\"},\"message\":{\"id\":\"7\",\"type\":\"image\",\"contentProvider\":{\"type\":\"line\"}}},"
    "{\"nothing\":1},"
    "{\"type\":\"unsend\",\"webhookEventId\":\"e2\",\"timestamp\":1462629480000,\"source\":{"
    "\"type\":\"user\",\"userId\":\"U\"},\"unsend\":{\"messageId\":\"7\"}},"
    "{\"type\":\"message\",\"mode\":\"standby\",\"timestamp\":1,\"source\":{\"userId\":\"U\"},"
    "\"message\":{\"id\":\"8\",\"type\":\"sticker\",\"keywords\":[\"Love\",\"You\"],"
    "\"quotedMessageId\":\"7\"}}]}";

static void a_bad_event_of_line_leaves_its_siblings(void **state) {
    (void)state;
    struct taken t;
    assert_true(lab_read("line", "{}", str_c(line_batch), &t));
    assert_int_equal(json_array_size(t.items), 3);
    assert_int_equal(t.bad, 1);
    const json_t *image = json_array_get(t.items, 0), *gone = json_array_get(t.items, 1),
                 *sticker = json_array_get(t.items, 2);
    assert_string_equal(at(image, "source_id"), "line:7");
    assert_string_equal(at(image, "thread"), "G");
    assert_string_equal(at(image, "from.social.id"), "U");
    assert_string_equal(at(image, "attachments.0.fetch"), "id:7");
    assert_string_equal(at(gone, "source_id"), "line:7");
    assert_true(json_is_true(json_object_get(gone, "deleted")));
    assert_true(jget_int(gone, "revision", 0) > jget_int(image, "revision", 0));
    assert_string_equal(at(sticker, "text"), "Love, You");
    assert_string_equal(at(sticker, "in_reply_to.0"), "line:7");
    assert_string_equal(at(sticker, "auto"), "notification");
    json_decref(t.items);
}

static void a_reply_of_line_uses_its_token_while_it_lives_then_pushes(void **state) {
    (void)state;
    const char *why;
    json_t *tp = json_pack("{s:s, s:[{s:{s:s}}]}", "text", "yes", "to", "social", "id", "U");
    json_t *fresh = json_pack("{s:s, s:{s:s, s:s}}", "received_at", "2027-01-15T07:59:30.000Z",
                              "data", "chat_id", "G", "reply_token", "r1");
    json_t *old = json_pack("{s:s, s:{s:s, s:s}}", "received_at", "2027-01-15T07:50:00.000Z",
                            "data", "chat_id", "G", "reply_token", "r1");
    const struct hook_request *r = lab_write(&provider_line, &line, tp, fresh, &why);
    assert_non_null(r);
    assert_true(str_is(r->url, "https://api.line.me/v2/bot/message/reply"));
    assert_false(r->repeatable);
    assert_true(str_is(
        r->body, "{\"replyToken\":\"r1\",\"messages\":[{\"type\":\"text\",\"text\":\"yes\"}]}"));
    r = lab_write(&provider_line, &line, tp, old, &why);
    assert_non_null(r);
    assert_true(str_is(r->url, "https://api.line.me/v2/bot/message/push"));
    assert_true(r->repeatable);
    assert_int_equal(lab_sent_header(r, "X-Line-Retry-Key").n, 36);
    assert_true(str_is(lab_sent_header(r, "Authorization"), "Bearer T"));
    assert_true(
        str_is(r->body, "{\"to\":\"G\",\"messages\":[{\"type\":\"text\",\"text\":\"yes\"}]}"));
    struct tl_sent_result out;
    assert_int_equal(lab_answered(&provider_line, TL_SENT_NEVER,
                                  "{\"message\":\"The retry key is already accepted\","
                                  "\"sentMessages\":[{\"id\":\"9\"}]}",
                                  &out),
                     TL_SENT);
    assert_true(str_is(out.provider_id, "line:9"));
    assert_int_equal(
        lab_answered(&provider_line, TL_SENT_NEVER, "{\"message\":\"Invalid reply token\"}", &out),
        TL_SENT_RETRY);
    assert_int_equal(lab_answered(&provider_line, TL_SENT_RETRY,
                                  "{\"message\":\"You have reached your monthly limit.\"}", &out),
                     TL_SENT_NEVER);
    json_decref(tp);
    json_decref(fresh);
    json_decref(old);
}

static void a_long_reply_of_line_is_several_messages(void **state) {
    (void)state;
    const char *why;
    char *text = calloc(1, 25002);
    memset(text, 'a', 12000);
    json_t *tp = json_pack("{s:s, s:[{s:{s:s}}]}", "text", text, "to", "social", "id", "U");
    const struct hook_request *r = lab_write(&provider_line, &line, tp, NULL, &why);
    json_t *body = json_loadb(r->body.p, r->body.n, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(body, "messages")), 3);
    json_decref(body);
    memset(text, 'a', 25001);
    json_object_set_new(tp, "text", json_string(text));
    assert_null(lab_write(&provider_line, &line, tp, NULL, &why));
    assert_non_null(strstr(why, "5000"));
    json_decref(tp);
    free(text);
}

/* ---- Viber ---- */

static void every_callback_of_vibers_own_samples_is_read(void **state) {
    (void)state;
    json_t *all = lab_load("viber/payloads.json"), *v;
    size_t i, right = 0, n = 0;
    json_array_foreach(all, i, v) {
        struct taken t;
        const json_t *payload = json_object_get(v, "payload");
        const char *event = at(payload, "event");
        char *text = json_dumps(payload, 0);
        bool nobody = strcmp(event, "webhook") == 0;
        bool ok = lab_read("viber", "{}", str_c(text), &t) && t.bad == 0 &&
                  json_array_size(t.items) == (nobody ? 0 : 1);
        const json_t *tp = json_array_get(t.items, 0);
        if (strcmp(event, "message") == 0)
            ok = ok && strcmp(at(tp, "text"), "HI!") == 0 &&
                 strcmp(at(tp, "message_id"), "viber:912661846655238145") == 0;
        if (strcmp(event, "seen") == 0)
            ok = ok && strcmp(at(tp, "update.delivery.state"), "read") == 0;
        if (!ok)
            print_message("viber: %zu (%s) is read otherwise: %s\n", i, event, text);
        right += ok;
        n++;
        free(text);
        json_decref(t.items);
    }
    print_message("corpus viber: %zu of %zu\n", right, n);
    assert_true(right == n);
    json_decref(all);
}

static void a_token_beyond_53_bits_is_kept_to_the_last_digit(void **state) {
    (void)state;
    struct taken t;
    assert_true(lab_read("viber", "{}",
                         str_c("{\"event\":\"delivered\",\"timestamp\":1457764197627,"
                               "\"message_token\":4912661846655238145,\"user_id\":\"u=\"}"),
                         &t));
    assert_string_equal(at(json_array_get(t.items, 0), "update.message_id"),
                        "viber:4912661846655238145");
    json_decref(t.items);
    assert_true(lab_read("viber", "{}",
                         str_c("{\"event\":\"seen\",\"message_token\":18446744073709551615,"
                               "\"user_id\":\"u=\"}"),
                         &t));
    assert_string_equal(at(json_array_get(t.items, 0), "update.message_id"),
                        "viber:18446744073709551615");
    json_decref(t.items);
}

static void whoever_opens_the_chat_is_told_something(void **state) {
    (void)state;
    const struct str body = STR("{\"event\":\"conversation_started\",\"message_token\":\"1\"}");
    struct buf mac;
    buf_init(&mac, 100);
    assert_true(signature_hmac_make(viber.secret, SIGNATURE_SHA256, SIGNATURE_HEX, &body, 1, &mac));
    lab_begin(&viber, "POST", body);
    lab_header("X-Viber-Content-Signature", buf_str(&mac));
    struct hook_verdict v = provider_viber.judge(&lab.call);
    assert_int_equal(v.action, HOOK_KEEP);
    assert_string_equal(v.type, "application/json");
    assert_true(
        str_is(v.body, "{\"sender\":{\"name\":\"Desk\"},\"type\":\"text\",\"text\":\"Hello\"}"));
    buf_clear(&mac);
}

static void vibers_refusal_inside_a_200_is_one(void **state) {
    (void)state;
    struct tl_sent_result out;
    const char *why;
    json_t *tp = json_pack("{s:s, s:[{s:{s:s}}]}", "text", "yes", "to", "social", "id", "u=");
    const struct hook_request *r = lab_write(&provider_viber, &viber, tp, NULL, &why);
    assert_true(str_is(r->url, "https://chatapi.viber.com/pa/send_message"));
    assert_true(str_is(lab_sent_header(r, "X-Viber-Auth-Token"), "auth"));
    assert_int_equal(lab_answered(&provider_viber, TL_SENT,
                                  "{\"status\":0,\"status_message\":\"ok\",\"message_token\":"
                                  "5741311803571721087}",
                                  &out),
                     TL_SENT);
    assert_true(str_is(out.provider_id, "viber:5741311803571721087"));
    assert_int_equal(lab_answered(&provider_viber, TL_SENT,
                                  "{\"status\":6,\"status_message\":\"notSubscribed\"}", &out),
                     TL_SENT_NEVER);
    assert_true(str_is(out.code, "6"));
    assert_int_equal(lab_answered(&provider_viber, TL_SENT,
                                  "{\"status\":12,\"status_message\":\"tooManyRequests\"}", &out),
                     TL_SENT_RETRY);
    json_decref(tp);
}

/* ---- Telegram ---- */

static json_t *one(const char *provider, const char *body, struct taken *t) {
    if (!lab_read(provider, "{}", str_c(body), t) || json_array_size(t->items) != 1)
        fail_msg("%s: %zu read, %zu bad %s", body, json_array_size(t->items), t->bad, t->reason);
    return json_array_get(t->items, 0);
}

static void a_photo_of_telegram_is_named_by_its_largest_size(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp = one(
        "telegram",
        "{\"update_id\":1,\"message\":{\"message_id\":5,\"date\":1631132077,\"chat\":{\"id\":-100,"
        "\"type\":\"supergroup\",\"title\":\"G\"},\"from\":{\"id\":23,\"first_name\":\"A\"},"
        "\"media_group_id\":\"m1\",\"caption\":\"see\",\"photo\":[{\"file_id\":\"small\"},"
        "{\"file_id\":\"large\"}],\"is_topic_message\":true,\"message_thread_id\":9}}",
        &t);
    assert_string_equal(at(tp, "attachments.0.fetch"), "id:large");
    assert_string_equal(at(tp, "text"), "see");
    assert_string_equal(at(tp, "thread"), "-100/9");
    assert_string_equal(at(tp, "data.media_group_id"), "m1");
    json_decref(t.items);
}

static void a_hidden_link_is_shown_by_its_utf16_place(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp = one(
        "telegram",
        "{\"update_id\":1,\"message\":{\"message_id\":5,\"date\":1,\"chat\":{\"id\":2,\"type\":"
        "\"private\"},\"from\":{\"id\":2,\"first_name\":\"A\"},\"text\":\"\\ud83d\\ude00 here "
        "now\",\"entities\":[{\"type\":\"text_link\",\"offset\":3,\"length\":4,\"url\":"
        "\"https://x.org\"},{\"type\":\"text_link\",\"offset\":-1,\"length\":4,\"url\":\"x\"}]}}",
        &t);
    assert_string_equal(at(tp, "text"), "\xf0\x9f\x98\x80 here <https://x.org> now");
    json_decref(t.items);
}

static void reactions_edits_and_deletions_are_revisions(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp = one("telegram",
                           "{\"update_id\":1,\"message_reaction\":{\"chat\":{\"id\":2},\"message_"
                           "id\":5,\"user\":{\"id\":3},\"date\":100,\"old_reaction\":[{\"type\":"
                           "\"emoji\",\"emoji\":\"x\"}],\"new_reaction\":[]}}",
                           &t);
    assert_string_equal(at(tp, "source_id"), "reaction:telegram:2:5:3");
    assert_true(json_is_true(json_object_get(tp, "deleted")));
    assert_string_equal(at(tp, "in_reply_to.0"), "telegram:2:5");
    json_decref(t.items);
    assert_true(lab_read("telegram", "{}",
                         str_c("{\"update_id\":1,\"deleted_business_messages\":{\"business_"
                               "connection_id\":\"b\",\"chat\":{\"id\":2,\"first_name\":\"A\"},"
                               "\"message_ids\":[5,6,\"x\"]}}"),
                         &t));
    assert_int_equal(json_array_size(t.items), 2);
    assert_int_equal(t.bad, 1);
    assert_string_equal(at(json_array_get(t.items, 1), "source_id"), "telegram:business:2:6");
    json_decref(t.items);
}

static void what_the_owner_of_a_business_writes_himself_is_outbound(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp = one("telegram",
                           "{\"update_id\":1,\"business_message\":{\"business_connection_id\":"
                           "\"b\",\"message_id\":5,\"date\":1,\"chat\":{\"id\":2,\"type\":"
                           "\"private\",\"first_name\":\"Jana\"},\"from\":{\"id\":9,\"first_name\":"
                           "\"Owner\"},\"text\":\"hello\"}}",
                           &t);
    assert_string_equal(at(tp, "direction"), "outbound");
    assert_string_equal(at(tp, "to.0.social.id"), "2");
    json_decref(t.items);
}

static void updates_of_every_kind_are_kept(void **state) {
    (void)state;
    static const char *const kinds[] = {
        "inline_query",         "chosen_inline_result", "callback_query",
        "shipping_query",       "pre_checkout_query",   "poll",
        "poll_answer",          "my_chat_member",       "chat_member",
        "chat_join_request",    "chat_boost",           "business_connection",
        "removed_chat_boost",   "purchased_paid_media", "message_reaction_count",
        "something_of_tomorrow"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char body[300];
        struct taken t;
        snprintf(body, sizeof body,
                 "{\"update_id\":%zu,\"%s\":{\"id\":\"1\",\"from\":{\"id\":3,\"first_name\":\"A\"},"
                 "\"chat\":{\"id\":4},\"date\":100}}",
                 i + 1, kinds[i]);
        const json_t *tp = one("telegram", body, &t);
        assert_string_equal(at(tp, "kind"), "other");
        assert_string_equal(at(tp, "data.update"), kinds[i]);
        json_decref(t.items);
    }
}

static void the_samples_of_a_helpdesk_are_read(void **state) {
    (void)state;
    static const struct {
        const char *file, *provider;
    } files[] = {
        {"chatwoot/payloads/services__telegram__incoming_message_service_spec.json", "telegram"},
        {"chatwoot/payloads/services__telegram__update_message_service_spec.json", "telegram"},
        {"chatwoot/payloads/services__line__incoming_message_service_spec.json", "line"},
        {"chatwoot/payloads/services__line__send_on_line_service_spec.json", "line"}};
    size_t n = 0, right = 0;
    for (size_t f = 0; f < COUNT(files); f++) {
        json_t *root = lab_load(files[f].file), *items = json_object_get(root, "items"), *v;
        size_t i;
        json_array_foreach(items, i, v) {
            const json_t *payload = json_object_get(v, "payload");
            struct taken t;
            /* Parts of a payload only, or the body of a request that goes out. */
            if (!json_object_get(payload, "update_id") && !json_object_get(payload, "events"))
                continue;
            char *text = json_dumps(payload, 0);
            bool ok = lab_read(files[f].provider, "{}", str_c(text), &t) && t.bad == 0 &&
                      json_array_size(t.items) > 0;
            if (!ok)
                print_message("%s %zu is read otherwise: %s\n", files[f].file, i, t.reason);
            right += ok;
            n++;
            free(text);
            json_decref(t.items);
        }
        json_decref(root);
    }
    print_message("corpus chatwoot (telegram, line): %zu of %zu\n", right, n);
    assert_true(right == n && n > 0);
}

static void telegrams_replies_know_topic_business_and_limits(void **state) {
    (void)state;
    const char *why;
    json_t *tp = json_pack("{s:s}", "text", "yes");
    json_t *answered =
        json_pack("{s:{s:s, s:s, s:b, s:i, s:s}}", "data", "chat_id", "-100", "message_id", "5",
                  "is_topic_message", 1, "message_thread_id", 9, "business_connection_id", "b");
    const struct hook_request *r = lab_write(&provider_telegram, &telegram, tp, answered, &why);
    assert_true(str_is(r->url, "https://api.telegram.org/bot4:x/sendMessage"));
    assert_true(str_is(r->body, "{\"chat_id\":\"-100\",\"text\":\"yes\",\"reply_parameters\":{"
                                "\"message_id\":5,\"allow_sending_without_reply\":true},"
                                "\"message_thread_id\":9,\"business_connection_id\":\"b\"}"));
    char text[4098] = "";
    memset(text, 'a', 4097);
    json_object_set_new(tp, "text", json_string(text));
    assert_null(lab_write(&provider_telegram, &telegram, tp, answered, &why));
    assert_non_null(strstr(why, "4096"));
    struct tl_sent_result out;
    lab_answered(&provider_telegram, TL_SENT_RETRY,
                 "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests\","
                 "\"parameters\":{\"retry_after\":7}}",
                 &out);
    assert_int_equal(out.retry_after_ms, 7000);
    json_decref(tp);
    json_decref(answered);
}

/* ---- many ---- */

static void of_a_thousand_events_the_bad_one_alone_is_bad(void **state) {
    (void)state;
    struct buf b;
    struct taken t;
    buf_init(&b, 1 << 20);
    assert_true(buf_add_c(&b, "{\"events\":["));
    for (int i = 0; i < 1000; i++)
        assert_true(i == 500 ? buf_add_c(&b, ",{\"type\":\"message\"}")
                             : buf_addf(&b,
                                        "%s{\"type\":\"message\",\"source\":{\"userId\":\"U\"},"
                                        "\"message\":{\"id\":\"%d\",\"type\":\"text\",\"text\":"
                                        "\"t\"}}",
                                        i ? "," : "", i));
    assert_true(buf_add_c(&b, "]}"));
    assert_true(lab_read("line", "{}", buf_str(&b), &t));
    assert_int_equal(json_array_size(t.items), 999);
    assert_int_equal(t.bad, 1);
    json_decref(t.items);
    buf_clear(&b);
}

int main(void) {
#define TEST(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        TEST(lines_signature_is_base64_of_the_raw_body),
        TEST(vibers_signature_is_hex_of_the_raw_body),
        TEST(telegrams_token_is_compared_whole),
        TEST(the_makers_vectors_verify),
        TEST(every_event_of_lines_own_samples_is_read),
        TEST(a_bad_event_of_line_leaves_its_siblings),
        TEST(a_reply_of_line_uses_its_token_while_it_lives_then_pushes),
        TEST(a_long_reply_of_line_is_several_messages),
        TEST(every_callback_of_vibers_own_samples_is_read),
        TEST(a_token_beyond_53_bits_is_kept_to_the_last_digit),
        TEST(whoever_opens_the_chat_is_told_something),
        TEST(vibers_refusal_inside_a_200_is_one),
        TEST(a_photo_of_telegram_is_named_by_its_largest_size),
        TEST(a_hidden_link_is_shown_by_its_utf16_place),
        TEST(reactions_edits_and_deletions_are_revisions),
        TEST(what_the_owner_of_a_business_writes_himself_is_outbound),
        TEST(updates_of_every_kind_are_kept),
        TEST(the_samples_of_a_helpdesk_are_read),
        TEST(telegrams_replies_know_topic_business_and_limits),
        TEST(of_a_thousand_events_the_bad_one_alone_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
