/* What each platform's requests are worth: its handshake, its makers' signature vectors, a good
 * signature, and eight bad ones; what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/webhook.h>

#include "../host.h"
#include "reading.h"
#include "social/signature.h"
#include "social/twilio.h"

enum { SIGNED_MAX = 2048 };
static const int64_t now_ms = 1795420800000;
static const char now_s[] = "1795420800";

static const char standard_secret[] = "whsec_dG91Y2hsaW5l", plain_secret[] = "signing-secret";
static unsigned char discord_key[crypto_sign_SECRETKEYBYTES];
static char discord_hex[2 * crypto_sign_PUBLICKEYBYTES + 1];

/* ---- a signature of each platform ---- */

struct signing {
    struct str body, url;
    const char *secret, *time;
    bool tampered; /* signed, then changed */
    char signature[SIGNED_MAX];
};

static void mac(struct signing *s, enum signature_hash hash, enum signature_coding coding,
                const char *prefix, const struct str *pieces, size_t n) {
    struct buf b;
    buf_init(&b, SIGNED_MAX);
    assert_true(buf_add_c(&b, prefix) &&
                signature_hmac_make(str_c(s->secret), hash, coding, pieces, n, &b));
    snprintf(s->signature, sizeof s->signature, "%s", buf_c(&b));
    buf_clear(&b);
}

static void sign_meta(struct signing *s) {
    mac(s, SIGNATURE_SHA256, SIGNATURE_HEX, "sha256=", &s->body, 1);
}
static void sign_x(struct signing *s) {
    mac(s, SIGNATURE_SHA256, SIGNATURE_BASE64, "sha256=", &s->body, 1);
}
static void sign_slack(struct signing *s) {
    const struct str pieces[] = {STR("v0:"), str_c(s->time), STR(":"), s->body};
    mac(s, SIGNATURE_SHA256, SIGNATURE_HEX, "v0=", pieces, 4);
}
static void sign_twilio(struct signing *s) {
    struct arena a;
    arena_init(&a);
    struct str what = twilio_signed(&a, s->url, s->body);
    mac(s, SIGNATURE_SHA1, SIGNATURE_BASE64, "", &what, 1);
    arena_clear(&a);
}
static void sign_discord(struct signing *s) {
    unsigned char given[crypto_sign_BYTES];
    char text[SIGNED_MAX];
    int n = snprintf(text, sizeof text, "%s%.*s", s->time, STR_ARG(s->body));
    unsigned char other[crypto_sign_SECRETKEYBYTES], unused[crypto_sign_PUBLICKEYBYTES];
    crypto_sign_keypair(unused, other);
    crypto_sign_detached(given, NULL, (unsigned char *)text, (unsigned long long)n,
                         strcmp(s->secret, plain_secret) == 0 ? discord_key : other);
    hex_encode(given, sizeof given, s->signature);
}
static void sign_standard(struct signing *s) {
    struct buf b;
    buf_init(&b, SIGNED_MAX);
    const char *secret = strcmp(s->secret, plain_secret) == 0 ? standard_secret : "whsec_b3RoZXI=";
    assert_true(webhook_sign(str_c(secret), str_c("msg_1"), atoll(s->time), s->body, &b));
    snprintf(s->signature, sizeof s->signature, "%s", buf_c(&b));
    buf_clear(&b);
}

static const struct platform {
    const char *name, *header, *time_header, *body, *type;
    void (*sign)(struct signing *s);
    bool hex;
    int status;
    const char *answer;
} platforms[] = {
    {"whatsapp", "X-Hub-Signature-256", NULL, "{\"entry\":[]}", "application/json", sign_meta, true,
     200, ""},
    {"messenger", "X-Hub-Signature-256", NULL, "{\"entry\":[]}", "application/json", sign_meta,
     true, 200, ""},
    {"instagram", "X-Hub-Signature-256", NULL, "{\"entry\":[]}", "application/json", sign_meta,
     true, 200, ""},
    {"x", "x-twitter-webhooks-signature", NULL, "{\"data\":{}}", "application/json", sign_x, false,
     200, ""},
    {"slack", "X-Slack-Signature", "X-Slack-Request-Timestamp",
     "{\"type\":\"event_callback\",\"event_id\":\"Ev1\"}", "application/json", sign_slack, true,
     200, ""},
    {"twilio", "X-Twilio-Signature", NULL, "MessageSid=SM1&Body=Hi+there&From=%2B4930",
     "application/x-www-form-urlencoded", sign_twilio, false, 200, "<Response/>"},
    {"discord", "X-Signature-Ed25519", "X-Signature-Timestamp",
     "{\"version\":1,\"type\":1,\"event\":{\"type\":\"X\"}}", "application/json", sign_discord,
     true, 204, ""},
    {"standard", "webhook-signature", "webhook-timestamp", "{\"data\":{}}", "application/json",
     sign_standard, false, 200, ""},
};

static struct hook_config hooks[COUNT(platforms)];
static const struct tl_items all = {hooks, COUNT(hooks)};

static int setup(void **state) {
    (void)state;
    unsigned char public[crypto_sign_PUBLICKEYBYTES];
    static const char *const choices[] = {
        "whatsapp", "telegram", "standard", "messenger", "instagram", "x",       "line",
        "slack",    "viber",    "twilio",   "mastodon",  "websub",    "discord", "generic"};
    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(public, discord_key);
    hex_encode(public, sizeof public, discord_hex);
    for (size_t i = 0; i < COUNT(platforms); i++) {
        const char *name = platforms[i].name;
        hooks[i] = (struct hook_config){
            .name = str_c(name),
            .secret = str_c(strcmp(name, "standard") ? plain_secret : standard_secret),
            .previous_secret = str_c(strcmp(name, "standard") ? "old-secret" : NULL),
            .verify = STR("verify"),
            .key = str_c(discord_hex)};
        for (size_t k = 0; k < COUNT(choices); k++)
            if (strcmp(choices[k], name) == 0)
                hooks[i].provider = (int64_t)k;
        assert_string_equal(hook_provider(hooks[i].provider)->name, name);
    }
    return 0;
}

/* ---- asking ---- */

static struct tl_request post(const struct platform *p, const struct signing *s,
                              const char *signature) {
    struct tl_request req = {.body = s->body, .param = str_c(p->name), .url = s->url};
    req.headers[0] = (struct tl_header){str_c(p->header), str_c(signature)};
    req.headers[1] = (struct tl_header){STR("Content-Type"), str_c(p->type)};
    if (p->time_header)
        req.headers[2] = (struct tl_header){str_c(p->time_header), str_c(s->time)};
    req.headers[3] = (struct tl_header){STR("webhook-id"), STR("msg_1")};
    paper.now_ms = now_ms;
    paper_request("POST", &req);
    return req;
}

static struct signing sign(const struct platform *p, const char *secret, const char *time) {
    struct signing s = {.body = str_c(p->body),
                        .url = STR("https://contact.example/hooks/h"),
                        .secret = secret,
                        .time = time};
    p->sign(&s);
    return s;
}

static void eight_bad_signatures_are_401_and_nothing_is_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(platforms); i++) {
        const struct platform *p = &platforms[i];
        struct signing s = sign(p, plain_secret, now_s), other = sign(p, "another-secret", now_s);
        char cut[SIGNED_MAX], changed[SIGNED_MAX], longer[SIGNED_MAX + 1], body[SIGNED_MAX];
        snprintf(cut, sizeof cut, "%.*s", (int)strlen(s.signature) - 2, s.signature);
        snprintf(longer, sizeof longer, "%s0", s.signature);
        snprintf(changed, sizeof changed, "%s", s.signature);
        size_t last = strlen(changed) - 5;
        changed[last] = changed[last] == 'a' ? 'b' : 'a';
        const char *const bad[] = {NULL, "", "sha256=", cut, changed, longer, other.signature};
        void *social = paper_start(&all);
        for (size_t k = 0; k < COUNT(bad); k++)
            assert_int_equal(post(p, &s, bad[k]).status, 401);
        snprintf(body, sizeof body, "%s ", p->body);
        s.body = str_c(body); /* the eighth: good, of other bytes */
        assert_int_equal(post(p, &s, s.signature).status, 401);
        assert_int_equal(paper.entries_n, 0);
        touchline_plugin.stop(social);
    }
}

static void what_is_too_old_or_from_the_future_is_refused(void **state) {
    (void)state;
    static const char *const times[] = {"1795420499", "1795421101",  "",
                                        "x",          "-1795420800", "17954208000000"};
    for (size_t i = 0; i < COUNT(platforms); i++) {
        const struct platform *p = &platforms[i];
        if (!p->time_header)
            continue;
        void *social = paper_start(&all);
        for (size_t k = 0; k < COUNT(times); k++) {
            struct signing s = sign(p, plain_secret, times[k]);
            assert_int_equal(post(p, &s, s.signature).status, 401);
        }
        struct signing edge = sign(p, plain_secret, "1795420501");
        assert_int_equal(post(p, &edge, edge.signature).status, 0);
        touchline_plugin.stop(social);
    }
}

static void the_secret_before_is_good_while_the_platform_changes_over(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(platforms); i++) {
        if (strcmp(platforms[i].name, "discord") == 0 || strcmp(platforms[i].name, "standard") == 0)
            continue;
        void *social = paper_start(&all);
        struct signing s = sign(&platforms[i], "old-secret", now_s);
        assert_int_equal(post(&platforms[i], &s, s.signature).status, 0);
        touchline_plugin.stop(social);
    }
}

static void hex_is_good_in_either_case(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(platforms); i++) {
        if (!platforms[i].hex)
            continue;
        struct signing s = sign(&platforms[i], plain_secret, now_s);
        char *from = strchr(s.signature, '=');
        for (char *c = from ? from : s.signature; *c; c++)
            if (*c >= 'a' && *c <= 'f')
                *c = (char)(*c - 32);
        void *social = paper_start(&all);
        assert_int_equal(post(&platforms[i], &s, s.signature).status, 0);
        touchline_plugin.stop(social);
    }
}

/* ---- handshakes ---- */

static void a_good_one_is_kept_and_acknowledged_as_the_platform_wants_it(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(platforms); i++) {
        const struct platform *p = &platforms[i];
        void *social = paper_start(&all);
        struct signing s = sign(p, plain_secret, now_s);
        struct tl_request req = {.body = s.body, .param = str_c(p->name), .url = s.url};
        req.headers[0] = (struct tl_header){str_c(p->header), str_c(s.signature)};
        req.headers[1] = (struct tl_header){STR("Content-Type"), str_c(p->type)};
        if (p->time_header)
            req.headers[2] = (struct tl_header){str_c(p->time_header), str_c(s.time)};
        req.headers[3] = (struct tl_header){STR("webhook-id"), STR("msg_1")};
        paper.now_ms = now_ms;
        paper_request("POST", &req);
        assert_int_equal(paper.entries_n, 1);
        assert_string_equal(paper.entries[0].body, p->body);
        paper_done(0, TL_KEPT, NULL, NULL);
        assert_int_equal(req.status, p->status);
        assert_string_equal(req.answer, p->answer);
        touchline_plugin.stop(social);
    }
}

static const struct platform *platform(const char *name) {
    for (size_t i = 0; i < COUNT(platforms); i++)
        if (strcmp(platforms[i].name, name) == 0)
            return &platforms[i];
    fail_msg("no %s", name);
    return NULL;
}

static void signed_handshakes_are_answered_and_not_kept(void **state) {
    (void)state;
    static const struct {
        const char *name, *body;
        int status;
        const char *type, *answer;
    } cases[] = {
        {"slack", "{\"type\":\"url_verification\",\"challenge\":\"3eZbrw1a\"}", 200,
         "text/plain; charset=utf-8", "3eZbrw1a"},
        {"discord", "{\"type\":1,\"id\":\"1\",\"application_id\":\"2\"}", 200, "application/json",
         "{\"type\":1}"},
        {"discord", "{\"version\":1,\"application_id\":\"2\",\"type\":0}", 204, "application/json",
         ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *social = paper_start(&all);
        struct platform p = *platform(cases[i].name);
        p.body = cases[i].body;
        struct signing s = sign(&p, plain_secret, now_s), bad = sign(&p, "another", now_s);
        struct tl_request req = post(&p, &s, s.signature);
        assert_int_equal(req.status, cases[i].status);
        assert_string_equal(req.type, cases[i].type);
        assert_string_equal(req.answer, cases[i].answer);
        assert_int_equal(post(&p, &s, bad.signature).status, 401);
        assert_int_equal(paper.entries_n, 0);
        touchline_plugin.stop(social);
    }
}

static void an_interaction_is_put_off_by_its_kind(void **state) {
    (void)state;
    static const struct {
        const char *body, *answer;
    } cases[] = {{"{\"type\":2,\"id\":\"1\"}", "{\"type\":5}"},
                 {"{\"type\":3,\"id\":\"1\"}", "{\"type\":6}"},
                 {"{\"type\":4,\"id\":\"1\"}", "{\"type\":8,\"data\":{\"choices\":[]}}"},
                 {"{\"type\":5,\"id\":\"1\"}", "{\"type\":5}"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *social = paper_start(&all);
        struct platform p = *platform("discord");
        p.body = cases[i].body;
        struct signing s = sign(&p, plain_secret, now_s);
        struct tl_request req = {.body = s.body, .param = STR("discord")};
        req.headers[0] = (struct tl_header){str_c(p.header), str_c(s.signature)};
        req.headers[1] = (struct tl_header){str_c(p.time_header), str_c(s.time)};
        paper.now_ms = now_ms;
        paper_request("POST", &req);
        assert_true(strncmp(paper.entries[0].source_id, "delivery:1:", 11) == 0);
        paper_done(0, TL_KEPT, NULL, NULL);
        assert_int_equal(req.status, 200);
        assert_string_equal(req.answer, cases[i].answer);
        touchline_plugin.stop(social);
    }
}

static void xs_crc_is_the_tokens_hmac(void **state) {
    (void)state;
    static const struct {
        const char *query;
        int status;
    } cases[] = {{"crc_token=challenge", 200}, {"crc_token=", 403}, {"", 403}};
    void *social = paper_start(&all);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_request req = {.param = STR("x"), .query = str_c(cases[i].query)};
        paper_request("GET", &req);
        assert_int_equal(req.status, cases[i].status);
        if (req.status != 200)
            continue;
        struct str token = STR("challenge");
        struct buf want;
        buf_init(&want, 200);
        assert_true(buf_add_c(&want, "{\"response_token\":\"sha256=") &&
                    signature_hmac_make(str_c(plain_secret), SIGNATURE_SHA256, SIGNATURE_BASE64,
                                        &token, 1, &want) &&
                    buf_add_c(&want, "\"}"));
        assert_string_equal(req.answer, buf_c(&want));
        assert_string_equal(req.type, "application/json");
        buf_clear(&want);
    }
    touchline_plugin.stop(social);
}

static void metas_handshake_is_that_of_all_its_platforms(void **state) {
    (void)state;
    static const char *const names[] = {"whatsapp", "messenger", "instagram"};
    static const struct {
        const char *query;
        int status;
    } cases[] = {{"hub.mode=subscribe&hub.challenge=115&hub.verify_token=verify", 200},
                 {"hub.mode=subscribe&hub.challenge=115&hub.verify_token=verif", 403},
                 {"hub.mode=subscribe&hub.challenge=115", 403},
                 {"hub.challenge=115&hub.verify_token=verify", 403}};
    void *social = paper_start(&all);
    for (size_t n = 0; n < COUNT(names); n++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct tl_request req = {.param = str_c(names[n]), .query = str_c(cases[i].query)};
            paper_request("GET", &req);
            assert_int_equal(req.status, cases[i].status);
            assert_string_equal(req.answer, req.status == 200 ? "115" : "handshake");
        }
    struct tl_request none = {.param = STR("twilio")};
    paper_request("GET", &none);
    assert_int_equal(none.status, 405);
    touchline_plugin.stop(social);
}

/* ---- Twilio's address ---- */

static bool twilio_good(const char *called, const char *configured, const char *signed_url,
                        const char *query, const char *type, const char *body) {
    struct hook_config hook = hooks[5];
    const struct tl_items one = {&hook, 1};
    struct signing s = {.body = str_c(type[12] == 'x' ? body : ""),
                        .url = str_c(signed_url),
                        .secret = plain_secret};
    sign_twilio(&s);
    hook.url = str_c(configured);
    void *social = paper_start(&one);
    struct tl_request req = {
        .body = str_c(body), .param = STR("twilio"), .url = str_c(called), .query = str_c(query)};
    req.headers[0] = (struct tl_header){STR("x-twilio-signature"), str_c(s.signature)};
    req.headers[1] = (struct tl_header){STR("Content-Type"), str_c(type)};
    paper_request("POST", &req);
    bool good = req.status == 0;
    assert_true(good || req.status == 401);
    touchline_plugin.stop(social);
    return good;
}

static void twilios_address_is_as_twilio_called_it(void **state) {
    (void)state;
    static const char form[] = "application/x-www-form-urlencoded", json[] = "application/json";
    static const struct {
        const char *called, *configured, *signed_url, *query;
        bool good;
    } cases[] = {
        {"https://c.example/h", NULL, "https://c.example/h", "", true},
        {"https://c.example/h", NULL, "https://c.example:443/h", "", true},
        {"https://c.example:443/h", NULL, "https://c.example/h", "", true},
        {"http://c.example/h", NULL, "http://c.example:80/h", "", true},
        {"http://c.example:8480/h", "https://c.example/h", "https://c.example/h", "", true},
        {"http://c.example:8480/h?a=b", "https://c.example/h", "https://c.example/h?a=b", "a=b",
         true},
        {"http://c.example:8480/h", NULL, "https://c.example/h", "", false},
        {"https://c.example/h", NULL, "https://d.example/h", "", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(twilio_good(cases[i].called, cases[i].configured, cases[i].signed_url,
                                     cases[i].query, form, "B=2&A=1&A=1&A=0"),
                         cases[i].good);
    /* A JSON body stands in the address by its hash. */
    static const char body[] = "{\"property\": \"value\", \"boolean\": true}";
    static const char hash[] =
        "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    char url[200];
    snprintf(url, sizeof url, "https://c.example/h?%s", hash);
    assert_true(twilio_good(url, NULL, url, hash, json, body));
    assert_false(twilio_good(url, NULL, url, hash, json, "{}"));
    assert_false(twilio_good("https://c.example/h", NULL, "https://c.example/h", "", json, body));
}

/* ---- the makers' vectors ---- */

static bool vector_good(const json_t *v, const char *scheme) {
    struct str secret = jget_str(v, "secret"), body = jget_str(v, "body");
    const struct hook_config c = {.secret = secret};
    const json_t *h = json_object_get(v, "headers");
    if (strcmp(scheme, "slack") == 0) {
        const struct str pieces[] = {jget_str(v, "signed_prefix"), body};
        return signature_hmac(&c, SIGNATURE_SHA256, SIGNATURE_HEX, pieces, 2,
                              str_from(jget_str(h, "X-Slack-Signature"), 3));
    }
    if (strcmp(scheme, "line") == 0)
        return signature_hmac(&c, SIGNATURE_SHA256, SIGNATURE_BASE64, &body, 1,
                              jget_str(h, "x-line-signature"));
    if (strcmp(scheme, "viber") == 0)
        return signature_hmac(&c, SIGNATURE_SHA256, SIGNATURE_HEX, &body, 1,
                              jget_str(h, "X-Viber-Content-Signature"));
    if (strncmp(scheme, "x-hub", 5) == 0)
        return signature_meta(&c, jget_str(h, "X-Hub-Signature-256"), body);
    if (strncmp(scheme, "twilio", 6) == 0) {
        cleanup(arena_clear) struct arena a;
        cleanup(buf_clear) struct buf form;
        json_t *params = json_object_get(v, "params"), *value;
        const char *name;
        arena_init(&a);
        buf_init(&form, 4096);
        json_object_foreach(params, name, value) {
            assert_true((!form.n || buf_add_byte(&form, '&')) &&
                        percent_encode(&form, str_c(name)) && buf_add_byte(&form, '=') &&
                        percent_encode(&form, str_c(json_string_value(value))));
        }
        struct str what = twilio_signed(&a, jget_str(v, "url"), buf_str(&form));
        return signature_hmac(&c, SIGNATURE_SHA1, SIGNATURE_BASE64, &what, 1,
                              jget_str(h, "X-Twilio-Signature"));
    }
    const struct standard_headers s = {jget_str(h, "webhook-id"), jget_str(h, "webhook-timestamp"),
                                       jget_str(h, "webhook-signature")};
    int64_t at_ms = strtoll(at(h, "webhook-timestamp"), NULL, 10) * 1000;
    return signature_standard(secret, &s, body, at_ms) == SIGNATURE_GOOD;
}

static void the_makers_vectors_verify(void **state) {
    (void)state;
    json_t *vectors = load("signature-vectors/vectors.json"), *v;
    size_t i, right = 0;
    if (!vectors) {
        print_message("skipped: the corpora are not here (%s)\n", corpora);
        skip();
    }
    json_array_foreach(vectors, i, v) {
        const char *scheme = at(v, "scheme");
        bool good = vector_good(v, scheme);
        if (!good)
            print_message("corpus signature-vectors: %s (%zu) differs\n", scheme, i);
        right += good;
    }
    print_message("corpus signature-vectors: %zu of %zu\n", right, json_array_size(vectors));
    assert_int_equal(right, json_array_size(vectors));
    json_decref(vectors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_bad_signatures_are_401_and_nothing_is_kept),
        cmocka_unit_test(what_is_too_old_or_from_the_future_is_refused),
        cmocka_unit_test(the_secret_before_is_good_while_the_platform_changes_over),
        cmocka_unit_test(hex_is_good_in_either_case),
        cmocka_unit_test(a_good_one_is_kept_and_acknowledged_as_the_platform_wants_it),
        cmocka_unit_test(signed_handshakes_are_answered_and_not_kept),
        cmocka_unit_test(an_interaction_is_put_off_by_its_kind),
        cmocka_unit_test(xs_crc_is_the_tokens_hmac),
        cmocka_unit_test(metas_handshake_is_that_of_all_its_platforms),
        cmocka_unit_test(twilios_address_is_as_twilio_called_it),
        cmocka_unit_test(the_makers_vectors_verify),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
