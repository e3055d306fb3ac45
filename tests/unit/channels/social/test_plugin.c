/* social: a delivery's way to its answer, what of the configuration cannot be meant, and the
 * requests that carry replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "../host.h"
#include "social/hook.h"
#include "social/signature.h"

static const char whsec[] = "whsec_dG91Y2hsaW5l";
static const struct hook_config hooks[] = {
    {.name = STR("wa"),
     .provider = PROVIDER_WHATSAPP,
     .secret = STR("app"),
     .verify = STR("v1"),
     .send = {.token = STR("token"), .sender = STR("106"), .base = STR("http://127.0.0.1:1")}},
    {.name = STR("tg"),
     .provider = PROVIDER_TELEGRAM,
     .secret = STR("tok"),
     .send = {.token = STR("4:x")}},
    {.name = STR("own"),
     .provider = PROVIDER_STANDARD,
     .secret = STR("whsec_dG91Y2hsaW5l"),
     .send = {.base = STR("https://crm.example/in")}},
};
static const struct tl_items all = {hooks, COUNT(hooks)};

static struct tl_request request(const char *hook, const char *body) {
    return (struct tl_request){.body = str_c(body), .param = str_c(hook)};
}

static void sign_meta(struct tl_request *req, char header[80]) {
    uint8_t mac[SHA256_BYTES];
    hmac_sha256_once(str_c("app"), req->body, mac);
    memcpy(header, "sha256=", 7);
    hex_encode(mac, sizeof mac, header + 7);
    req->headers[0] = (struct tl_header){STR("X-Hub-Signature-256"), str_c(header)};
}

static void a_delivery_is_200_once_it_is_kept_and_503_when_not(void **state) {
    (void)state;
    static const struct {
        enum tl_status status;
        int answer;
    } cases[] = {{TL_KEPT, 200},     {TL_DUPLICATE, 200}, {TL_APPLIED, 200},
                 {TL_MISMATCH, 200}, {TL_BUSY, 503},      {TL_FAILED, 503}};
    void *social = paper_start(&all);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char header[80];
        struct tl_request req = request("wa", "not even JSON");
        sign_meta(&req, header);
        paper_request("POST", &req);
        assert_int_equal(req.status, 0);
        assert_string_equal(paper.entries[i].source, "social:wa");
        assert_string_equal(paper.entries[i].body, "not even JSON");
        assert_true(strncmp(paper.entries[i].source_id, "delivery:", 9) == 0);
        paper_done(i, cases[i].status, NULL, NULL);
        assert_int_equal(req.status, cases[i].answer);
        assert_int_equal(strstr(req.answer_headers, "Retry-After") != NULL, req.status == 503);
    }
    touchline_plugin.stop(social);
}

static void what_is_signed_otherwise_is_not_kept(void **state) {
    (void)state;
    static const struct {
        const char *hook, *header, *value;
        int status;
    } cases[] = {
        {"wa", "X-Hub-Signature-256", "sha256=00", 401},
        {"wa", "X-Hub-Signature", "sha1=00", 401},
        {"wa", "X-Telegram-Bot-Api-Secret-Token", "tok", 401},
        {"tg", "X-Telegram-Bot-Api-Secret-Token", "toK", 401},
        {"tg", "X-Telegram-Bot-Api-Secret-Token", "", 401},
        {"own", "webhook-signature", "v1,AAAA", 401},
        {"nobody", "X-Hub-Signature-256", "sha256=00", 404},
    };
    void *social = paper_start(&all);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_request req = request(cases[i].hook, "{}");
        req.headers[0] = (struct tl_header){str_c(cases[i].header), str_c(cases[i].value)};
        paper_request("POST", &req);
        assert_int_equal(req.status, cases[i].status);
    }
    assert_int_equal(paper.entries_n, 0);
    touchline_plugin.stop(social);
}

static void the_handshake_gives_the_challenge_back_to_who_knows_the_token(void **state) {
    (void)state;
    static const struct {
        const char *hook, *query;
        int status;
        const char *answer;
    } cases[] = {
        {"wa", "hub.mode=subscribe&hub.verify_token=v1&hub.challenge=1%3C2", 200, "1<2"},
        {"wa", "hub.mode=subscribe&hub.verify_token=v2&hub.challenge=1", 403, "handshake"},
        {"wa", "hub.mode=unsubscribe&hub.verify_token=v1&hub.challenge=1", 403, "handshake"},
        {"wa", "hub.mode=subscribe&hub.verify_token=v1", 403, "handshake"},
        {"wa", "", 403, "handshake"},
        {"tg", "hub.mode=subscribe&hub.verify_token=v1&hub.challenge=1", 405, ""},
        {"nobody", "", 404, "not-found"},
    };
    void *social = paper_start(&all);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_request req = request(cases[i].hook, "");
        req.query = str_c(cases[i].query);
        paper_request("GET", &req);
        assert_int_equal(req.status, cases[i].status);
        assert_string_equal(req.answer, cases[i].answer);
    }
    touchline_plugin.stop(social);
}

static void a_stop_with_deliveries_under_way_forgets_them(void **state) {
    (void)state;
    char header[80];
    void *social = paper_start(&all);
    struct tl_request req = request("wa", "{}");
    sign_meta(&req, header);
    paper_request("POST", &req);
    assert_int_equal(paper.entries_n, 1);
    touchline_plugin.stop(social);
    assert_int_equal(req.status, 0);
}

/* ---- configuration ---- */

static char told[500];
static void report(void *ctx, struct str path, const char *reason) {
    (void)ctx;
    size_t n = strlen(told);
    assert_true(reason[0]);
    snprintf(told + n, sizeof told - n, "%.*s|", STR_ARG(path));
}

static void what_cannot_be_meant_is_told_at_its_place(void **state) {
    (void)state;
    const struct hook_config bad[] = {
        {.name = STR("a/b"), .provider = PROVIDER_TELEGRAM, .secret = STR("x")},
        {.name = STR("own"), .provider = PROVIDER_STANDARD, .secret = STR("touchline-secret!")},
        {.name = STR("own2"), .provider = PROVIDER_STANDARD, .secret = STR("whpk_AAAA")},
        {.name = STR("wa"),
         .provider = PROVIDER_WHATSAPP,
         .secret = STR("x"),
         .send = {.token = STR("t")}},
    };
    const struct tl_items wrong = {bad, COUNT(bad)};
    told[0] = '\0';
    assert_true(touchline_plugin.check(&all, report, NULL));
    assert_string_equal(told, "");
    assert_false(touchline_plugin.check(&wrong, report, NULL));
    assert_string_equal(told, "0/name|1/secret|2/secret|3/send/sender|");
}

/* ---- replies ---- */

static struct hook_request reply(struct arena *a, size_t hook, const char *touchpoint,
                                 const char *reply_to, const char **out_why) {
    struct hook_request r = {0};
    json_t *tp = json_loads(touchpoint, 0, NULL), *to = json_loads(reply_to, 0, NULL);
    assert_non_null(tp);
    const struct provider *p = hook_provider(hooks[hook].provider);
    const struct hook_reply reply = {.config = &hooks[hook],
                                     .touchpoint = tp,
                                     .answered = to,
                                     .id = STR("p_1"),
                                     .now_ms = 1795420800000};
    *out_why = p->refuses(a, &reply);
    if (!*out_why)
        *out_why = p->write(a, &reply, &r);
    json_decref(tp);
    json_decref(to);
    return r;
}

static void assert_json(struct str got, const char *want) {
    json_t *g = json_loadb(got.p, got.n, 0, NULL), *w = json_loads(want, 0, NULL);
    if (!json_equal(g, w))
        fail_msg("%.*s\n is not %s", STR_ARG(got), want);
    json_decref(g);
    json_decref(w);
}

static void each_platform_is_asked_in_its_own_way(void **state) {
    (void)state;
    struct arena a;
    const char *why;
    arena_init(&a);
    struct hook_request r = reply(&a, 0, "{\"to\":[{\"phone\":\"+4930123456\"}],\"text\":\"Hi\"}",
                                  "{\"message_id\":\"wamid.1\"}", &why);
    assert_true(str_is(r.url, "http://127.0.0.1:1/106/messages"));
    assert_true(str_is(r.headers[1].value, "Bearer token") && !r.repeatable);
    assert_json(r.body, "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\","
                        "\"to\":\"4930123456\",\"type\":\"text\",\"text\":{\"body\":\"Hi\"},"
                        "\"biz_opaque_callback_data\":\"p_1\","
                        "\"context\":{\"message_id\":\"wamid.1\"}}");
    r = reply(&a, 1, "{\"to\":[{\"social\":{\"id\":\"42\"}}],\"text\":\"Hi\"}",
              "{\"data\":{\"chat_id\":\"-7\",\"message_id\":\"9\"}}", &why);
    assert_true(str_is(r.url, "https://api.telegram.org/bot4:x/sendMessage"));
    assert_json(r.body, "{\"chat_id\":\"-7\",\"text\":\"Hi\",\"reply_parameters\":"
                        "{\"message_id\":9,\"allow_sending_without_reply\":true}}");
    r = reply(&a, 1, "{\"to\":[{\"social\":{\"id\":\"42\"}}],\"text\":\"Hi\"}", "{}", &why);
    assert_json(r.body, "{\"chat_id\":\"42\",\"text\":\"Hi\"}");
    arena_clear(&a);
}

static void an_own_system_gets_a_signed_webhook_without_our_paths(void **state) {
    (void)state;
    struct arena a;
    const char *why;
    arena_init(&a);
    struct hook_request r =
        reply(&a, 2,
              "{\"at\":\"2026-11-23T08:00:00.000Z\",\"text\":\"Hi\",\"attachments\":"
              "[{\"name\":\"a.png\",\"path\":\"/var/lib/x\"}]}",
              "{}", &why);
    assert_true(str_is(r.url, "https://crm.example/in") && r.repeatable);
    assert_json(r.body,
                "{\"type\":\"touchpoint.outbound\",\"timestamp\":"
                "\"2026-11-23T08:00:00.000Z\",\"data\":{\"at\":\"2026-11-23T08:00:00.000Z\","
                "\"text\":\"Hi\",\"attachments\":[{\"name\":\"a.png\"}]}}");
    const struct standard_headers h = {r.headers[1].value, r.headers[2].value, r.headers[3].value};
    assert_int_equal(signature_standard(str_c(whsec), &h, r.body, 1795420800000), SIGNATURE_GOOD);
    r = reply(&a, 2, "{\"text\":\"Hi\"}", "{}", &why);
    assert_json(r.body, "{\"type\":\"touchpoint.outbound\",\"data\":{\"text\":\"Hi\"}}");
    arena_clear(&a);
}

static void what_cannot_be_sent_tells_the_agent_why(void **state) {
    (void)state;
    static const struct {
        size_t hook;
        const char *touchpoint, *says;
    } cases[] = {
        {0, "{\"to\":[{\"phone\":\"+49\"}]}", "text only"},
        {0, "{\"to\":[],\"text\":\"Hi\"}", "number"},
        {1, "{\"text\":\"Hi\"}", "chat"},
        {1, "{\"to\":[{\"social\":{\"id\":\"42\"}}]}", "text only"},
    };
    struct arena a;
    const char *why;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void)reply(&a, cases[i].hook, cases[i].touchpoint, "{}", &why);
        assert_non_null(why);
        assert_non_null(strstr(why, cases[i].says));
    }
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delivery_is_200_once_it_is_kept_and_503_when_not),
        cmocka_unit_test(what_is_signed_otherwise_is_not_kept),
        cmocka_unit_test(the_handshake_gives_the_challenge_back_to_who_knows_the_token),
        cmocka_unit_test(a_stop_with_deliveries_under_way_forgets_them),
        cmocka_unit_test(what_cannot_be_meant_is_told_at_its_place),
        cmocka_unit_test(each_platform_is_asked_in_its_own_way),
        cmocka_unit_test(an_own_system_gets_a_signed_webhook_without_our_paths),
        cmocka_unit_test(what_cannot_be_sent_tells_the_agent_why),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("social/plugin", tests, NULL, NULL);
}
