/* forms/maker*.c: what makers send, read into touchpoints; their signatures; times; captchas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "forms/maker.h"

#define JSON_TYPE "application/json"
#define URL_TYPE "application/x-www-form-urlencoded"

static int64_t maker_named(const char *name) {
    for (int64_t i = 1; maker_at(i); i++)
        if (strcmp(maker_at(i)->name, name) == 0)
            return i;
    fail_msg("no maker %s", name);
    return 0;
}

/* The touchpoint that comes of a body; the caller owns it. */
static json_t *made(const struct form_config *c, const char *type, const char *body,
                    struct form_data *d, struct arena *a) {
    cleanup(buf_clear) struct buf out;
    struct fault f = {0};
    int status;
    json_t *j = NULL;
    buf_init(&out, 1 << 20);
    if (!form_parse(a, maker_at(c->maker), str_c(type), str_c(body), d, &status, &f))
        fail_msg("%d %s", status, f.reason);
    assert_true(form_write(c, d, &out));
    assert_true(jread_parse(buf_str(&out), 1 << 20, &j, &f));
    return j;
}

static void assert_at(const json_t *j, const char *pointer, const char *value) {
    const json_t *v = jread_at(j, str_c(pointer));
    if (!json_is_string(v) || strcmp(json_string_value(v), value) != 0)
        fail_msg("%s is %s, not %s", pointer, json_is_string(v) ? json_string_value(v) : "absent",
                 value);
}

static const struct {
    const char *maker, *type, *body;
    const char *key;
    const char *expected[16]; /* pointer, value … */
} samples[] = {
    {"contact-form-7",
     URL_TYPE,
     "_wpcf7=42&_wpcf7_version=5.8&_wpcf7_unit_tag=x&your-name=Jana+Wei%C3%9F&your-email=j@example."
     "org"
     "&your-tel=030+1234567&your-subject=Order&your-message=Where%3F&colour=red",
     NULL,
     {"/from/name", "Jana Weiß", "/from/email", "j@example.org", "/from/phone", "030 1234567",
      "/subject", "Order", "/text", "Where?", "/data/colour", "red"}},
    {"formspree",
     JSON_TYPE,
     "{\"name\":\"J\",\"_replyto\":\"j@example.org\",\"_subject\":\"Hi\",\"message\":\"m\",\"_"
     "format\":"
     "\"plain\"}",
     NULL,
     {"/from/email", "j@example.org", "/subject", "Hi", "/text", "m"}},
    {"netlify",
     JSON_TYPE,
     "{\"id\":\"5b\",\"form_id\":\"f\",\"number\":3,\"created_at\":\"2026-11-23T08:00:00.000Z\","
     "\"data\":{\"name\":\"J\",\"email\":\"j@example.org\",\"message\":\"m\",\"ip\":\"192.0.2.9\"}"
     "}",
     "5b",
     {"/from/email", "j@example.org", "/text", "m", "/data/ip", "192.0.2.9", "/at",
      "2026-11-23T08:00:00.000Z"}},
    {"netlify",
     URL_TYPE,
     "form-name=contact&bot-field=&name=J&email=j@example.org&message=m",
     NULL,
     {"/from/name", "J", "/text", "m"}},
    {"typeform",
     JSON_TYPE,
     "{\"event_id\":\"E1\",\"event_type\":\"form_response\",\"form_response\":{\"form_id\":"
     "\"lT4Z3j\","
     "\"token\":\"a3a12ec6\",\"submitted_at\":\"2026-11-23T08:00:00Z\",\"hidden\":{\"order\":"
     "\"77\"},"
     "\"definition\":{\"fields\":[{\"id\":\"A\",\"title\":\"How do we reach "
     "you?\",\"type\":\"email\"},"
     "{\"id\":\"B\",\"title\":\"Which "
     "colours?\",\"type\":\"multiple_choice\"},{\"id\":\"C\",\"title\":"
     "\"Tell "
     "us\",\"type\":\"long_text\"}]},\"answers\":[{\"type\":\"email\",\"email\":\"j@example.org\","
     "\"field\":{\"id\":\"A\",\"ref\":\"r-a\",\"type\":\"email\"}},{\"type\":\"choices\","
     "\"choices\":{"
     "\"labels\":[\"red\",\"blue\"]},\"field\":{\"id\":\"B\",\"ref\":\"r-b\"}},{\"type\":\"text\","
     "\"text\":"
     "\"It broke\",\"field\":{\"id\":\"C\",\"ref\":\"r-c\"}}]}}",
     "a3a12ec6",
     {"/from/email", "j@example.org", "/text", "It broke", "/data/Which colours?", "red, blue",
      "/data/order", "77", "/at", "2026-11-23T08:00:00Z"}},
    {"tally",
     JSON_TYPE,
     "{\"eventId\":\"e\",\"eventType\":\"FORM_RESPONSE\",\"data\":{\"submissionId\":\"s-1\","
     "\"fields\":[{"
     "\"key\":\"q1\",\"label\":\"Mail\",\"type\":\"INPUT_EMAIL\",\"value\":\"j@example.org\"},{"
     "\"key\":\"q2\","
     "\"label\":\"Size\",\"type\":\"DROPDOWN\",\"value\":[\"id-2\"],\"options\":[{\"id\":\"id-1\","
     "\"text\":"
     "\"small\"},{\"id\":\"id-2\",\"text\":\"large\"}]}]}}",
     "s-1",
     {"/from/email", "j@example.org", "/data/Size", "large", "/text", "Size: large"}},
    {"jotform",
     URL_TYPE,
     "formID=1&submissionID=987&ip=192.0.2.1&rawRequest=%7B%22slug%22%3A%22x%22%2C%22q3_name%22%3A%"
     "7B%22"
     "first%22%3A%22Jana%22%2C%22last%22%3A%22Weiss%22%7D%2C%22q4_email%22%3A%22j%40example.org%22%"
     "2C%22"
     "q5_message%22%3A%22m%22%7D",
     "987",
     {"/from/email", "j@example.org", "/text", "m"}},
    {"google-forms",
     JSON_TYPE,
     "{\"responseId\":\"R\",\"lastSubmittedTime\":\"2026-11-23T08:00:00Z\",\"respondentEmail\":"
     "\"j@example.org\",\"answers\":{\"2a\":{\"questionId\":\"2a\",\"textAnswers\":{\"answers\":[{"
     "\"value\":"
     "\"Hello\"}]}}}}",
     "R",
     {"/from/email", "j@example.org", "/data/2a", "Hello", "/text", "2a: Hello"}},
    {"google-forms",
     JSON_TYPE,
     "{\"namedValues\":{\"Name\":[\"Jana\"],\"E-Mail\":[\"j@example.org\"],\"Nachricht\":["
     "\"Hallo\"]}}",
     NULL,
     {"/from/name", "Jana", "/from/email", "j@example.org", "/text", "Hallo"}},
    {"hubspot",
     JSON_TYPE,
     "{\"fields\":[{\"name\":\"firstname\",\"value\":\"Jana\"},{\"name\":\"lastname\",\"value\":"
     "\"Weiss\"},{"
     "\"name\":\"email\",\"value\":\"j@example.org\"}],\"context\":{\"pageUri\":\"https://"
     "example.org/\"}}",
     NULL,
     {"/from/name", "Jana Weiss", "/from/email", "j@example.org", "/data/pageUri",
      "https://example.org/"}},
    {"elementor",
     URL_TYPE,
     "form%5Bid%5D=1&fields%5Bemail%5D%5Bid%5D=email&fields%5Bemail%5D%5Btitle%5D=Mail&fields%"
     "5Bemail%5D"
     "%5Bvalue%5D=j@example.org&fields%5Bx7%5D%5Btitle%5D=Colour&fields%5Bx7%5D%5Bvalue%5D=red&"
     "meta%5Bdate"
     "%5D%5Bvalue%5D=now",
     NULL,
     {"/from/email", "j@example.org", "/data/Colour", "red"}},
    {"elementor",
     URL_TYPE,
     "form_fields%5Bname%5D=J&form_fields%5Bemail%5D=j@example.org&post_id=1",
     NULL,
     {"/from/name", "J", "/from/email", "j@example.org"}},
    {"wpforms",
     URL_TYPE,
     "wpforms%5Bfields%5D%5B1%5D=x&email=j@example.org",
     NULL,
     {"/data/1", "x", "/from/email", "j@example.org"}},
};

static void each_makers_submission_is_read(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct form_config c = {.name = STR("x"), .maker = maker_named(samples[i].maker)};
        cleanup(arena_clear) struct arena a;
        struct form_data d;
        arena_init(&a);
        cleanup(json_freep) json_t *j = made(&c, samples[i].type, samples[i].body, &d, &a);
        for (size_t k = 0; samples[i].expected[k]; k += 2)
            assert_at(j, samples[i].expected[k], samples[i].expected[k + 1]);
        if (samples[i].key)
            assert_true(str_is(d.key, samples[i].key));
    }
}

static void a_map_of_the_operators_names_what_no_rule_can_know(void **state) {
    (void)state;
    const struct tl_pair pairs[] = {{STR("1.3"), STR("from.name")},
                                    {STR("1.6"), STR("from.name")},
                                    {STR("3"), STR("from.email")},
                                    {STR("7"), STR("text")}};
    const struct form_config c = {
        .name = STR("x"), .maker = maker_named("gravity"), .fields = {pairs, COUNT(pairs)}};
    cleanup(arena_clear) struct arena a;
    struct form_data d;
    arena_init(&a);
    cleanup(json_freep) json_t *j = made(&c, JSON_TYPE,
                                         "{\"id\":\"512\",\"form_id\":\"9\",\"1.3\":\"Jana\",\"1."
                                         "6\":\"Weiss\",\"3\":\"j@example.org\","
                                         "\"7\":\"Hello\",\"source_url\":\"https://example.org\"}",
                                         &d, &a);
    assert_at(j, "/from/name", "Jana Weiss");
    assert_at(j, "/from/email", "j@example.org");
    assert_at(j, "/text", "Hello");
    assert_at(j, "/data/source_url", "https://example.org");
    assert_true(str_is(d.key, "512"));
}

static void every_prefix_of_a_body_is_read_or_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        const struct maker *m = maker_at(maker_named(samples[i].maker));
        size_t n = strlen(samples[i].body);
        for (size_t k = 0; k < n; k++) {
            cleanup(arena_clear) struct arena a;
            struct form_data d;
            struct fault f = {0};
            int status = 0;
            arena_init(&a);
            if (!form_parse(&a, m, str_c(samples[i].type), str_make(samples[i].body, k), &d,
                            &status, &f))
                assert_true((status == 400 || status == 422) && f.reason[0]);
        }
    }
}

/* ---- signatures ---- */

struct said {
    const char *names[2], *values[2];
};

static struct str header_of(void *ctx, const char *name) {
    const struct said *s = ctx;
    for (size_t i = 0; i < 2; i++)
        if (s->names[i] && strcmp(s->names[i], name) == 0)
            return str_c(s->values[i]);
    return STR_NONE;
}

static void hmac64(const char *key, struct str data, char out[64]) {
    uint8_t mac[SHA256_BYTES];
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 64);
    hmac_sha256_once(str_c(key), data, mac);
    assert_true(base64_encode(&b, str_make((const char *)mac, sizeof mac)));
    snprintf(out, 64, "%.*s", STR_ARG(buf_str(&b)));
}

static bool judged(const char *maker, const char *secret, const char *body, struct said *said,
                   int64_t now_ms) {
    const struct maker_request r = {.method = STR("POST"),
                                    .url = STR("https://example.org/forms/x"),
                                    .body = str_c(body),
                                    .header = header_of,
                                    .ctx = said,
                                    .now_ms = now_ms};
    return maker_at(maker_named(maker))->signature(str_c(secret), &r);
}

static void a_signature_over_the_raw_bytes_is_asked_of_makers_that_sign(void **state) {
    (void)state;
    char mac[64], with[80];
    hmac64("s3", (struct str)STR("{\"a\":1}"), mac);
    snprintf(with, sizeof with, "sha256=%s", mac);
    struct said typeform = {{"Typeform-Signature"}, {with}}, tally = {{"Tally-Signature"}, {mac}};
    struct said bare = {{"Typeform-Signature"}, {mac}}, none = {{NULL}, {NULL}};
    assert_true(judged("typeform", "s3", "{\"a\":1}", &typeform, 0));
    assert_false(judged("typeform", "s3", "{\"a\":2}", &typeform, 0));
    assert_false(judged("typeform", "other", "{\"a\":1}", &typeform, 0));
    assert_false(judged("typeform", "s3", "{\"a\":1}", &bare, 0));
    assert_false(judged("typeform", "s3", "{\"a\":1}", &none, 0));
    assert_true(judged("tally", "s3", "{\"a\":1}", &tally, 0));
    assert_false(judged("tally", "s3", "{\"a\":1} ", &tally, 0));
}

static void hubspots_signature_counts_for_five_minutes(void **state) {
    (void)state;
    char mac[64];
    const int64_t at = 1795420800000;
    hmac64("s3", (struct str)STR("POSThttps://example.org/forms/x{}1795420800000"), mac);
    struct said said = {{"X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"},
                        {mac, "1795420800000"}};
    assert_true(judged("hubspot", "s3", "{}", &said, at + 299000));
    assert_false(judged("hubspot", "s3", "{}", &said, at + 301000));
    said.values[1] = "1795420800001";
    assert_false(judged("hubspot", "s3", "{}", &said, at));
}

static void netlifys_token_names_the_bodys_hash(void **state) {
    (void)state;
    const char *body = "{}";
    uint8_t digest[SHA256_BYTES], mac[SHA256_BYTES];
    char hex[SHA256_HEX + 1], claims[200];
    cleanup(buf_clear) struct buf token;
    buf_init(&token, 1024);
    sha256(str_c(body), digest);
    hex_encode(digest, sizeof digest, hex);
    snprintf(claims, sizeof claims, "{\"iss\":\"netlify\",\"sha256\":\"%s\"}", hex);
    assert_true(base64url_encode(&token, (struct str)STR("{\"alg\":\"HS256\"}")) &&
                buf_add_byte(&token, '.') && base64url_encode(&token, str_c(claims)));
    hmac_sha256_once(str_c("s3"), buf_str(&token), mac);
    assert_true(buf_add_byte(&token, '.') &&
                base64url_encode(&token, str_make((const char *)mac, sizeof mac)) &&
                buf_add_byte(&token, '\0'));
    struct said said = {{"X-Webhook-Signature"}, {token.p}};
    assert_true(judged("netlify", "s3", body, &said, 0));
    assert_false(judged("netlify", "s3", "{} ", &said, 0));
    assert_false(judged("netlify", "other", body, &said, 0));
    said.values[0] = "eyJhbGciOiJub25lIn0.e30."; /* unsigned */
    assert_false(judged("netlify", "s3", body, &said, 0));
}

/* ---- the time, the redirect, the captcha ---- */

static void a_signed_time_tells_robots_from_people(void **state) {
    (void)state;
    const struct stamp_config c = {
        .secret = STR("s"), .field = STR("_time"), .least_ms = 3000, .most_ms = 60000};
    const struct str form = STR("contact"), other = STR("other");
    char text[STAMP_MAX], old[STAMP_MAX];
    struct str stamp = stamp_write(c.secret, form, 1000000, text);
    assert_int_equal(stamp_judge(&c, form, stamp, 1002999), STAMP_FAST);
    assert_int_equal(stamp_judge(&c, form, stamp, 1003000), STAMP_GOOD);
    assert_int_equal(stamp_judge(&c, form, stamp, 1060001), STAMP_OLD);
    assert_int_equal(stamp_judge(&c, other, stamp, 1003000), STAMP_BAD);
    assert_int_equal(stamp_judge(&c, form, STR_NONE, 1003000), STAMP_BAD);
    memcpy(old, text, sizeof old);
    old[0]++;
    assert_int_equal(stamp_judge(&c, form, str_make(old, stamp.n), 1003000), STAMP_BAD);
}

static void a_redirect_leads_only_where_the_operator_allows(void **state) {
    (void)state;
    const struct str hosts[] = {STR("www.example.org"), STR("http://localhost:3000")};
    const struct form_config c = {.name = STR("x"), .redirects = {hosts, COUNT(hosts)}};
    static const struct {
        const char *next;
        bool taken;
    } cases[] = {{"https://www.example.org/thanks?x=1", true},
                 {"https://WWW.example.org/", true},
                 {"http://localhost:3000/a", true},
                 {"http://www.example.org/", false},
                 {"https://www.example.org.evil.example/", false},
                 {"https://evil.example/?https://www.example.org/", false},
                 {"https://www.example.org@evil.example/", false},
                 {"https://evil.example\\@www.example.org/", false},
                 {"//evil.example/", false},
                 {"javascript:alert(1)//https://www.example.org/", false},
                 {"https://www.example.org/\r\nSet-Cookie: a=b", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct form_data d = {.fields_n = 1};
        d.fields[0] = (struct form_field){.name = STR("_next"), .value = str_c(cases[i].next)};
        if ((form_next(&c, &d).n > 0) != cases[i].taken)
            fail_msg("%s", cases[i].next);
    }
}

static void a_captchas_answer_counts_with_its_host_action_and_score(void **state) {
    (void)state;
    const struct str hosts[] = {STR("www.example.org")};
    const struct captcha_config c = {.hostnames = {hosts, 1}, .action = STR("send"), .score = 50};
    static const struct {
        const char *answer;
        enum captcha_verdict verdict;
    } cases[] = {
        {"{\"success\":true,\"hostname\":\"www.example.org\",\"action\":\"send\",\"score\":0.5}",
         CAPTCHA_PASSED},
        {"{\"success\":true,\"hostname\":\"www.example.org\",\"action\":\"send\"}", CAPTCHA_PASSED},
        {"{\"success\":true,\"hostname\":\"www.example.org\",\"action\":\"send\",\"score\":0.4}",
         CAPTCHA_REFUSED},
        {"{\"success\":true,\"hostname\":\"evil.example\",\"action\":\"send\"}", CAPTCHA_REFUSED},
        {"{\"success\":true,\"hostname\":\"www.example.org\",\"action\":\"login\"}",
         CAPTCHA_REFUSED},
        {"{\"success\":false,\"error-codes\":[\"timeout-or-duplicate\"]}", CAPTCHA_REFUSED},
        {"<html>gateway</html>", CAPTCHA_UNKNOWN},
        {"{}", CAPTCHA_UNKNOWN}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(captcha_judge(&c, str_c(cases[i].answer)), cases[i].verdict);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_makers_submission_is_read),
        cmocka_unit_test(a_map_of_the_operators_names_what_no_rule_can_know),
        cmocka_unit_test(every_prefix_of_a_body_is_read_or_refused),
        cmocka_unit_test(a_signature_over_the_raw_bytes_is_asked_of_makers_that_sign),
        cmocka_unit_test(hubspots_signature_counts_for_five_minutes),
        cmocka_unit_test(netlifys_token_names_the_bodys_hash),
        cmocka_unit_test(a_signed_time_tells_robots_from_people),
        cmocka_unit_test(a_redirect_leads_only_where_the_operator_allows),
        cmocka_unit_test(a_captchas_answer_counts_with_its_host_action_and_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
