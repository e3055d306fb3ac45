/* Mastodon and ActivityPub: both signature forms, whose key it is, what an activity says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>

#include "../host.h"
#include "lab.h"
#include "social/activitypub.h"

#define OURS "https://contact.example.org/hooks/fedi"
#define ACTOR "https://far.example/users/jana"
#define NOW_MS 1800000000000

static struct hook_config hooks[] = {
    {.name = STR("fedi"),
     .provider = PROVIDER_MASTODON,
     .actor = STR(OURS),
     .send = {.token = STR("T"), .base = STR("https://our.example")}}};
static const struct tl_items all = {hooks, COUNT(hooks)};

/* ---- a host that fetches by hand ---- */

static struct {
    tl_fetched_fn *done;
    void *arg;
    char url[300], accept[100];
    bool private_allowed;
    size_t n;
} asked;

static void fetch(struct tl_channel *ch, const struct tl_fetch *what, tl_fetched_fn *done,
                  void *arg) {
    (void)ch;
    asked.done = done;
    asked.arg = arg;
    asked.private_allowed = what->private_allowed;
    snprintf(asked.url, sizeof asked.url, "%.*s", STR_ARG(what->url));
    asked.n++;
}

static void answer(int status, const char *body) {
    const struct tl_fetched f = {.size = sizeof f, .status = status, .body = str_c(body)};
    assert_non_null(asked.done);
    tl_fetched_fn *done = asked.done;
    asked.done = NULL;
    done(asked.arg, &f);
}

static EVP_PKEY *key, *other;
static char document[4000];
static void *social;

static void pem_of(EVP_PKEY *k, struct buf *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, k), 1);
    long n = BIO_get_mem_data(bio, &p);
    assert_true(buf_add(out, str_make(p, (size_t)n)));
    BIO_free(bio);
}

static int setup(void **state) {
    (void)state;
    static struct tl_host host;
    struct buf pem;
    host = paper_host;
    host.fetch = fetch;
    memset(&paper, 0, sizeof paper);
    memset(&asked, 0, sizeof asked);
    paper.now_ms = NOW_MS;
    key = EVP_RSA_gen(2048);
    other = EVP_RSA_gen(2048);
    buf_init(&pem, 4000);
    pem_of(key, &pem);
    json_t *doc =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "id", ACTOR, "type", "Person", "publicKey", "id",
                  ACTOR "#main-key", "owner", ACTOR, "publicKeyPem", buf_c(&pem));
    char *text = json_dumps(doc, 0);
    snprintf(document, sizeof document, "%s", text);
    free(text);
    json_decref(doc);
    buf_clear(&pem);
    social = touchline_plugin.start(&host, NULL, &all);
    assert_non_null(social);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    touchline_plugin.stop(social);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    return 0;
}

/* ---- signing as servers do ---- */

enum form { CAVAGE, MESSAGE };

struct signing {
    enum form form;
    EVP_PKEY *by;
    const char *body;
    int64_t at_ms;
    const char *list; /* what is signed; NULL: all that must be */
    char host[40], date[40], digest[100], signature[1200], input[400];
    struct tl_request req;
};

static void sign(EVP_PKEY *k, const char *base, struct buf *out) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char bytes[512];
    size_t n = sizeof bytes;
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k), 1);
    assert_int_equal(EVP_DigestSign(ctx, bytes, &n, (const unsigned char *)base, strlen(base)), 1);
    assert_true(base64_encode(out, str_make((char *)bytes, n)));
    EVP_MD_CTX_free(ctx);
}

static void sign_cavage(struct signing *s, const char *digest) {
    struct buf base, coded;
    const char *list = s->list ? s->list : "(request-target) host date digest content-type";
    char copy[200], *save;
    buf_init(&base, 4000);
    buf_init(&coded, 1000);
    snprintf(copy, sizeof copy, "%s", list);
    snprintf(s->digest, sizeof s->digest, "SHA-256=%s", digest);
    for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        const char *value = strcmp(name, "host") == 0           ? s->host
                            : strcmp(name, "date") == 0         ? s->date
                            : strcmp(name, "digest") == 0       ? s->digest
                            : strcmp(name, "content-type") == 0 ? "application/activity+json"
                                                                : "post /hooks/fedi";
        assert_true(buf_addf(&base, "%s%s: %s", base.n ? "\n" : "", name, value));
    }
    sign(s->by, buf_c(&base), &coded);
    snprintf(s->signature, sizeof s->signature,
             "keyId=\"" ACTOR
             "#main-key\",algorithm=\"rsa-sha256\",headers=\"%s\",signature=\"%s\"",
             list, buf_c(&coded));
    s->req.headers[2] = (struct tl_header){STR("Digest"), str_c(s->digest)};
    buf_clear(&base);
    buf_clear(&coded);
}

static void sign_message(struct signing *s, const char *digest) {
    struct buf base, coded;
    char params[300];
    buf_init(&base, 4000);
    buf_init(&coded, 1000);
    snprintf(s->digest, sizeof s->digest, "sha-256=:%s:", digest);
    snprintf(params, sizeof params,
             "(\"@method\" \"@target-uri\" \"content-digest\");created=%lld;keyid=\"" ACTOR
             "#main-key\";alg=\"rsa-v1_5-sha256\"",
             (long long)(s->at_ms / 1000));
    assert_true(buf_addf(&base,
                         "\"@method\": POST\n\"@target-uri\": " OURS "\n\"content-digest\": %s\n"
                         "\"@signature-params\": %s",
                         s->digest, params));
    sign(s->by, buf_c(&base), &coded);
    snprintf(s->signature, sizeof s->signature, "sig1=:%s:", buf_c(&coded));
    snprintf(s->input, sizeof s->input, "sig1=%s", params);
    s->req.headers[2] = (struct tl_header){STR("Content-Digest"), str_c(s->digest)};
    s->req.headers[5] = (struct tl_header){STR("Signature-Input"), str_c(s->input)};
    buf_clear(&base);
    buf_clear(&coded);
}

static void request_make(struct signing *s) {
    uint8_t digest[SHA256_BYTES];
    struct buf coded;
    buf_init(&coded, 100);
    sha256(str_c(s->body), digest);
    assert_true(base64_encode(&coded, str_make((char *)digest, sizeof digest)));
    snprintf(s->host, sizeof s->host, "contact.example.org");
    date_format_http(s->at_ms, s->date);
    s->req = (struct tl_request){
        .body = str_c(s->body), .param = STR("fedi"), .url = STR(OURS), .path = STR("/hooks/fedi")};
    s->req.headers[0] = (struct tl_header){STR("Host"), str_c(s->host)};
    s->req.headers[1] = (struct tl_header){STR("Date"), str_c(s->date)};
    s->req.headers[3] = (struct tl_header){STR("Content-Type"), STR("application/activity+json")};
    if (s->form == CAVAGE)
        sign_cavage(s, buf_c(&coded));
    else
        sign_message(s, buf_c(&coded));
    s->req.headers[4] = (struct tl_header){STR("Signature"), str_c(s->signature)};
    buf_clear(&coded);
}

static const char like[] =
    "{\"id\":\"https://far.example/a/1\",\"type\":\"Like\",\"actor\":\"" ACTOR
    "\",\"object\":\"" OURS "/1\"}";

/* Its status; entries that are kept are told so. */
static int post(struct signing *s, int document_status) {
    size_t before = paper.entries_n;
    request_make(s);
    paper_request("POST", &s->req);
    if (asked.done)
        answer(document_status, document);
    if (paper.entries_n > before)
        paper_done(before, TL_KEPT, NULL, NULL);
    return s->req.status;
}

/* ---- the tests ---- */

static void both_forms_of_a_good_signature_are_taken_and_the_key_is_kept(void **state) {
    (void)state;
    for (int form = CAVAGE; form <= MESSAGE; form++) {
        struct signing s = {.form = form, .by = key, .body = like, .at_ms = NOW_MS};
        assert_int_equal(post(&s, 200), 202);
    }
    assert_int_equal(asked.n, 1);
    assert_string_equal(asked.url, ACTOR);
    assert_false(asked.private_allowed);
    assert_int_equal(paper.entries_n, 2);
}

static void bad_signatures_are_401_and_nothing_is_kept(void **state) {
    (void)state;
    static const char hijack[] = "{\"id\":\"https://far.example/a/1\",\"type\":\"Like\",\"actor\":"
                                 "\"https://far.example/users/other\",\"object\":\"x\"}",
                      elsewhere[] = "{\"id\":\"https://else.example/a/1\",\"type\":\"Like\","
                                    "\"actor\":\"" ACTOR "\",\"object\":\"x\"}";
    struct signing cases[] = {
        {.form = CAVAGE, .by = other, .body = like, .at_ms = NOW_MS},
        {.form = MESSAGE, .by = other, .body = like, .at_ms = NOW_MS},
        {.form = CAVAGE, .by = key, .body = like, .at_ms = NOW_MS - 13 * 3600000},
        {.form = MESSAGE, .by = key, .body = like, .at_ms = NOW_MS - 13 * 3600000},
        {.form = CAVAGE, .by = key, .body = like, .at_ms = NOW_MS + 2 * 3600000},
        {.form = MESSAGE, .by = key, .body = like, .at_ms = NOW_MS + 2 * 3600000},
        {.form = CAVAGE, .by = key, .body = like, .at_ms = NOW_MS, .list = "host date digest"},
        {.form = CAVAGE,
         .by = key,
         .body = like,
         .at_ms = NOW_MS,
         .list = "(request-target) host date"},
        {.form = CAVAGE, .by = key, .body = hijack, .at_ms = NOW_MS},
        {.form = CAVAGE, .by = key, .body = elsewhere, .at_ms = NOW_MS},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (post(&cases[i], 200) != 401)
            fail_msg("case %zu: %d", i, cases[i].req.status);
    assert_int_equal(paper.entries_n, 0);
}

static void another_body_than_the_digest_says_is_401(void **state) {
    (void)state;
    for (int form = CAVAGE; form <= MESSAGE; form++) {
        struct signing s = {.form = form, .by = key, .body = like, .at_ms = NOW_MS};
        request_make(&s);
        s.req.body = str_c("{\"type\":\"Like\"}");
        paper_request("POST", &s.req);
        assert_int_equal(s.req.status, 401);
        assert_string_equal(s.req.answer, "digest");
    }
    struct tl_request none = {.body = str_c(like), .param = STR("fedi"), .url = STR(OURS)};
    paper_request("POST", &none);
    assert_int_equal(none.status, 401);
    assert_int_equal(asked.n, 0);
}

static void a_key_of_another_owner_or_host_says_nothing(void **state) {
    (void)state;
    struct signing s = {.form = CAVAGE, .by = key, .body = like, .at_ms = NOW_MS};
    char *owner = strstr(document, "\"owner\": \"https://far");
    assert_non_null(owner);
    memcpy(owner + 10, "https://bad", 11);
    assert_int_equal(post(&s, 200), 401);
}

static void the_deletion_of_somebody_unknown_is_202_and_nothing_is_kept(void **state) {
    (void)state;
    struct signing s = {.form = CAVAGE,
                        .by = key,
                        .body =
                            "{\"id\":\"" ACTOR "#delete\",\"type\":\"Delete\",\"actor\":\"" ACTOR
                            "\",\"object\":\"" ACTOR "\"}",
                        .at_ms = NOW_MS};
    assert_int_equal(post(&s, 410), 202);
    assert_int_equal(paper.entries_n, 0);
    s.body = like;
    assert_int_equal(post(&s, 410), 401);
    assert_int_equal(post(&s, 500), 503);
}

static void a_key_that_was_changed_is_fetched_again_once_it_is_not_new(void **state) {
    (void)state;
    struct signing s = {.form = CAVAGE, .by = key, .body = like, .at_ms = NOW_MS};
    assert_int_equal(post(&s, 200), 202);
    s.by = other;
    assert_int_equal(post(&s, 200), 401);
    assert_int_equal(asked.n, 1);
    paper.now_ms += 120000;
    assert_int_equal(post(&s, 200), 401);
    assert_int_equal(asked.n, 2);
}

static void the_actor_and_its_finger_are_shown(void **state) {
    (void)state;
    struct tl_request req = {.param = STR("fedi"), .url = STR(OURS)};
    paper_request("GET", &req);
    assert_int_equal(req.status, 200);
    assert_string_equal(req.type, "application/activity+json");
    assert_non_null(strstr(req.answer, "\"inbox\":\"" OURS "\""));
    struct tl_request finger = {.method = "GET",
                                .query = STR("resource=acct%3Afedi%40contact.example.org")};
    paper.routes[2].serve(paper.routes[2].arg, &finger);
    assert_int_equal(finger.status, 200);
    assert_non_null(strstr(finger.answer, "\"href\":\"" OURS "\""));
    struct tl_request nobody = {.method = "GET", .query = STR("resource=acct%3Ax%40y")};
    paper.routes[2].serve(paper.routes[2].arg, &nobody);
    assert_int_equal(nobody.status, 404);
}

/* ---- activities ---- */

static const char meta[] = "{\"actor\":\"" OURS "\"}";

#define NOTE(type, to, more)                                                                       \
    "{\"id\":\"https://far.example/a/2\",\"type\":\"" type "\",\"actor\":\"" ACTOR                 \
    "\",\"object\":{\"id\":\"https://far.example/n/"                                               \
    "1\",\"type\":\"Note\",\"attributedTo\":\"" ACTOR                                              \
    "\",\"content\":\"<p>Hi <a href=\\\"x\\\" class=\\\"u-url mention\\\">@fedi</a> &amp; you<br>" \
    "see <a href=\\\"https://x.org/a\\\">this</a></p>\",\"published\":\"2026-11-23T08:00:00Z\","   \
    "\"to\":" to ",\"inReplyTo\":\"" OURS "/7\"" more "}}"

static const json_t *read_one(const char *body, struct taken *t) {
    if (!lab_read("mastodon", meta, str_c(body), t) || json_array_size(t->items) != 1)
        fail_msg("%s: %zu read, %zu bad %s", body, json_array_size(t->items), t->bad, t->reason);
    return json_array_get(t->items, 0);
}

static void notes_to_us_are_mentions_or_messages_and_others_are_dropped(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp =
        read_one(NOTE("Create", "[\"https://www.w3.org/ns/activitystreams#Public\",\"" OURS "\"]",
                      ",\"attachment\":[{\"type\":\"Document\",\"mediaType\":\"image/png\",\"url\":"
                      "\"https://far.example/m.png\",\"name\":\"cat\"}]"),
                 &t);
    assert_string_equal(at(tp, "kind"), "mention");
    assert_string_equal(at(tp, "data.visibility"), "public");
    assert_string_equal(at(tp, "text"), "Hi @fedi & you\nsee this <https://x.org/a>");
    assert_string_equal(at(tp, "from.social.handle"), "jana@far.example");
    assert_string_equal(at(tp, "from.social.id"), ACTOR);
    assert_string_equal(at(tp, "in_reply_to.0"), OURS "/7");
    assert_string_equal(at(tp, "attachments.0.fetch"), "https://far.example/m.png");
    json_decref(t.items);
    tp = read_one(NOTE("Create", "[\"" OURS "\"]", ""), &t);
    assert_string_equal(at(tp, "kind"), "message");
    assert_string_equal(at(tp, "data.visibility"), "direct");
    json_decref(t.items);
    assert_true(lab_read("mastodon", meta,
                         str_c(NOTE("Create", "[\"https://else.example/users/x\"]", "")), &t));
    assert_int_equal(json_array_size(t.items) + t.bad, 0);
    json_decref(t.items);
}

static void edits_deletions_and_undone_likes_are_revisions(void **state) {
    (void)state;
    struct taken t;
    const json_t *tp =
        read_one(NOTE("Update", "[\"" OURS "\"]", ",\"updated\":\"2026-11-23T09:00:00Z\""), &t);
    assert_int_equal(jget_int(tp, "revision", 0), 1795424400000);
    json_decref(t.items);
    tp = read_one("{\"id\":\"https://far.example/d\",\"type\":\"Delete\",\"actor\":\"" ACTOR
                  "\",\"object\":{\"type\":\"Tombstone\",\"id\":\"https://far.example/n/1\"}}",
                  &t);
    assert_string_equal(at(tp, "source_id"), "https://far.example/n/1");
    assert_true(json_is_true(json_object_get(tp, "deleted")));
    json_decref(t.items);
    tp = read_one(like, &t);
    assert_string_equal(at(tp, "kind"), "reaction");
    assert_string_equal(at(tp, "in_reply_to.0"), OURS "/1");
    json_decref(t.items);
    tp = read_one("{\"id\":\"https://far.example/u\",\"type\":\"Undo\",\"actor\":\"" ACTOR
                  "\",\"object\":{\"id\":\"https://far.example/a/1\",\"type\":\"Like\"}}",
                  &t);
    assert_string_equal(at(tp, "source_id"), "https://far.example/a/1");
    assert_true(json_is_true(json_object_get(tp, "deleted")));
    json_decref(t.items);
}

static void what_another_host_said_is_not_this_actors(void **state) {
    (void)state;
    struct taken t;
    assert_true(lab_read("mastodon", meta,
                         str_c("{\"id\":\"https://far.example/d\",\"type\":\"Delete\",\"actor\":"
                               "\"" ACTOR "\",\"object\":\"https://else.example/n/1\"}"),
                         &t));
    assert_int_equal(json_array_size(t.items), 0);
    assert_int_equal(t.bad, 1);
    json_decref(t.items);
}

static void html_becomes_text_in_one_pass(void **state) {
    (void)state;
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"<p>a</p><p>b</p>", "a\n\nb"},
        {"a &lt;b&gt; &#39;c&#x27; &nope; & d", "a <b> 'c' &nope; & d"},
        {"1 < 2 and <3", "1 < 2 and <3"},
        {"<a href=\"https://x.org/abc\"><span>https://</span><span>x.org/abc</span></a>",
         "https://x.org/abc"},
        {"<ul><li>a</li><li>b</li></ul>", "- a\n- b"},
        {"", ""},
    };
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str s = activitypub_text(&a, str_c(cases[i].html));
        if (!str_is(s, cases[i].text))
            fail_msg("%s: %.*s", cases[i].html, STR_ARG(s));
    }
    size_t n = 2 << 20;
    char *many = malloc(n);
    memset(many, '<', n);
    assert_int_equal(activitypub_text(&a, str_make(many, n)).n, n);
    free(many);
    arena_clear(&a);
}

static void a_reply_is_a_status_that_keeps_the_mention(void **state) {
    (void)state;
    const char *why;
    json_t *tp = json_pack("{s:s, s:[{s:{s:s, s:s}}]}", "text", "yes", "to", "social", "id", ACTOR,
                           "handle", "jana@far.example");
    json_t *answered =
        json_pack("{s:s, s:{s:s}}", "message_id", "https://our.example/users/jana/statuses/115",
                  "data", "visibility", "public");
    const struct hook_request *r = lab_write(&provider_mastodon, &hooks[0], tp, answered, &why);
    assert_non_null(r);
    assert_true(str_is(r->url, "https://our.example/api/v1/statuses"));
    assert_true(str_is(r->body, "{\"status\":\"@jana@far.example yes\",\"visibility\":\"unlisted\","
                                "\"in_reply_to_id\":\"115\"}"));
    assert_true(str_is(lab_sent_header(r, "Idempotency-Key"), "p_1"));
    assert_true(r->repeatable);
    char text[500] = "";
    memset(text, 'a', 490);
    json_object_set_new(tp, "text", json_string(text));
    assert_null(lab_write(&provider_mastodon, &hooks[0], tp, answered, &why));
    assert_non_null(strstr(why, "500"));
    json_decref(tp);
    json_decref(answered);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(both_forms_of_a_good_signature_are_taken_and_the_key_is_kept),
        TEST(bad_signatures_are_401_and_nothing_is_kept),
        TEST(another_body_than_the_digest_says_is_401),
        TEST(a_key_of_another_owner_or_host_says_nothing),
        TEST(the_deletion_of_somebody_unknown_is_202_and_nothing_is_kept),
        TEST(a_key_that_was_changed_is_fetched_again_once_it_is_not_new),
        TEST(the_actor_and_its_finger_are_shown),
        cmocka_unit_test(notes_to_us_are_mentions_or_messages_and_others_are_dropped),
        cmocka_unit_test(edits_deletions_and_undone_likes_are_revisions),
        cmocka_unit_test(what_another_host_said_is_not_this_actors),
        cmocka_unit_test(html_becomes_text_in_one_pass),
        cmocka_unit_test(a_reply_is_a_status_that_keeps_the_mention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
