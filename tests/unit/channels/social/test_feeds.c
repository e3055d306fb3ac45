/* WebSub's feeds and any JSON by a map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include <touchline/kit/hash.h>

#include "lab.h"
#include "social/feed.h"

static const struct str topics[] = {
    STR("https://www.youtube.com/xml/feeds/videos.xml?channel_id=C")};
static const struct hook_config websub = {
    .name = STR("videos"), .secret = STR("s"), .topics = {topics, COUNT(topics)}};

/* ---- WebSub ---- */

static int intent(const char *mode, const char *topic, struct str *out_body) {
    static struct pair pairs[4];
    lab_begin(&websub, "GET", STR_NONE);
    pairs[0] = (struct pair){STR("hub.mode"), str_c(mode)};
    pairs[1] = (struct pair){STR("hub.topic"), str_c(topic)};
    pairs[2] = (struct pair){STR("hub.challenge"), STR("c1")};
    pairs[3] = (struct pair){STR("hub.lease_seconds"), STR("864000")};
    lab.call.pairs = pairs;
    lab.call.pairs_n = COUNT(pairs);
    struct hook_verdict v = provider_websub.judge(&lab.call);
    *out_body = v.body;
    return v.status;
}

static void only_our_topics_are_confirmed_and_none_is_given_up(void **state) {
    (void)state;
    struct str body;
    assert_int_equal(intent("subscribe", topics[0].p, &body), 200);
    assert_true(str_is(body, "c1"));
    assert_int_equal(intent("subscribe", "https://else.example/feed", &body), 404);
    assert_int_equal(intent("unsubscribe", topics[0].p, &body), 404);
    assert_int_equal(intent("unsubscribe", "https://else.example/feed", &body), 200);
    assert_int_equal(intent("denied", topics[0].p, &body), 200);
    assert_int_equal(intent("", topics[0].p, &body), 404);
}

static void a_hub_may_sign_with_any_of_four_hashes(void **state) {
    (void)state;
    static const struct {
        const char *prefix;
        enum signature_hash hash;
    } methods[] = {{"sha1=", SIGNATURE_SHA1},
                   {"sha256=", SIGNATURE_SHA256},
                   {"sha384=", SIGNATURE_SHA384},
                   {"sha512=", SIGNATURE_SHA512}};
    for (size_t i = 0; i < COUNT(methods); i++)
        lab_hmac(&provider_websub, &websub, "X-Hub-Signature", methods[i].prefix, methods[i].hash,
                 SIGNATURE_HEX);
    lab_begin(&websub, "POST", str_c("x"));
    lab_header("X-Hub-Signature", str_c("md5=00"));
    assert_int_equal(lab_status(&provider_websub), 401);
}

static const char youtube[] =
    "<feed xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" "
    "xmlns=\"http://www.w3.org/2005/Atom\" "
    "xmlns:at=\"http://purl.org/atompub/tombstones/1.0\"><title>YouTube video feed</title>"
    "<author><name>Feed</name></author>"
    "<entry><id>yt:video:V1</id><yt:videoId>V1</yt:videoId><yt:channelId>C</yt:channelId>"
    "<title>A &amp; B</title><link rel=\"alternate\" href=\"http://y/watch?v=V1\"/>"
    "<author><name>Jana</name><uri>http://y/channel/C</uri></author>"
    "<published>2015-03-06T21:40:57+00:00</published><updated>2015-03-09T19:05:24.552394234+00:00"
    "</updated></entry>"
    "<entry><id>tag:2</id><title>T</title><content type=\"html\">&lt;p&gt;Hi&lt;/p&gt;</content>"
    "</entry><entry><title>no id</title></entry>"
    "<at:deleted-entry ref=\"yt:video:V0\" when=\"2015-03-10T00:00:00Z\"/></feed>";

static void entries_and_tombstones_of_a_feed_are_read(void **state) {
    (void)state;
    struct taken t;
    assert_true(lab_read("websub", "{}", str_c(youtube), &t));
    assert_int_equal(json_array_size(t.items), 3);
    assert_int_equal(t.bad, 1);
    const json_t *v = json_array_get(t.items, 0), *e = json_array_get(t.items, 1),
                 *gone = json_array_get(t.items, 2);
    assert_string_equal(at(v, "source_id"), "yt:video:V1");
    assert_string_equal(at(v, "subject"), "A & B");
    assert_string_equal(at(v, "from.social.network"), "youtube");
    assert_string_equal(at(v, "from.name"), "Jana");
    assert_string_equal(at(v, "auto"), "notification");
    assert_int_equal(jget_int(v, "revision", 0), 1425927924552);
    assert_string_equal(at(e, "text"), "Hi");
    assert_string_equal(at(e, "from.name"), "Feed");
    assert_string_equal(at(gone, "source_id"), "yt:video:V0");
    assert_true(json_is_true(json_object_get(gone, "deleted")));
    json_decref(t.items);
}

static void rss_is_read_too(void **state) {
    (void)state;
    struct taken t;
    assert_true(lab_read("websub", "{}",
                         str_c("<rss version=\"2.0\"><channel><title>C</title><item><title>T"
                               "</title><link>https://x.org/1</link><guid>g1</guid><pubDate>Mon, "
                               "23 Nov 2026 08:00:00 GMT</pubDate><description>D</description>"
                               "</item></channel></rss>"),
                         &t));
    const json_t *e = json_array_get(t.items, 0);
    assert_string_equal(at(e, "source_id"), "g1");
    assert_string_equal(at(e, "text"), "D");
    assert_string_equal(at(e, "at"), "2026-11-23T08:00:00.000Z");
    json_decref(t.items);
}

static void a_feed_with_entities_or_without_an_end_keeps_what_came_before(void **state) {
    (void)state;
    struct taken t;
    assert_false(lab_read("websub", "{}",
                          str_c("<!DOCTYPE f [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><f>&b;"
                                "</f>"),
                          &t));
    assert_int_equal(json_array_size(t.items), 0);
    assert_true(t.bad > 0);
    json_decref(t.items);
    struct str cut = str_upto(str_c(youtube), sizeof youtube - 20);
    assert_true(lab_read("websub", "{}", cut, &t));
    assert_true(json_array_size(t.items) >= 2);
    json_decref(t.items);
}

/* ---- generic ---- */

static const struct tl_pair map[] = {
    {STR("items"), STR("/events")},      {STR("id"), STR("/id")},
    {STR("text"), STR("/body/text")},    {STR("from.name"), STR("/who/name")},
    {STR("from.id"), STR("/who/nr")},    {STR("from.network"), STR("acme")},
    {STR("at"), STR("/time")},           {STR("data.order"), STR("/order")},
    {STR("tags"), STR("/labels")},       {STR("channel"), STR("chat")},
    {STR("attachments"), STR("/files")},
};

static struct hook_config generic(int64_t algorithm, int64_t encoding, const char *prefix) {
    return (struct hook_config){.secret = STR("s3"),
                                .map = {map, COUNT(map)},
                                .sign = {.header = STR("X-Sign"),
                                         .algorithm = algorithm,
                                         .encoding = encoding,
                                         .prefix = str_c(prefix),
                                         .window_ms = 300000}};
}

static void any_hash_coding_and_prefix_is_understood(void **state) {
    (void)state;
    static const enum signature_hash hashes[] = {SIGNATURE_SHA256, SIGNATURE_SHA1,
                                                 SIGNATURE_SHA512};
    for (int64_t h = 0; h < 3; h++)
        for (int64_t e = 0; e < 2; e++) {
            const struct hook_config c = generic(h, e, "v1=");
            lab_hmac(&provider_generic, &c, "X-Sign", "v1=", hashes[h],
                     e ? SIGNATURE_BASE64 : SIGNATURE_HEX);
        }
    struct hook_config token = generic(4, 0, "");
    lab_begin(&token, "POST", str_c("{}"));
    lab_header("X-Sign", str_c("s3"));
    assert_int_equal(lab_status(&provider_generic), 200);
    lab_begin(&token, "POST", str_c("{}"));
    lab_header("X-Sign", str_c("s4"));
    assert_int_equal(lab_status(&provider_generic), 401);
}

static void a_timestamp_is_signed_and_grows_old(void **state) {
    (void)state;
    struct hook_config c = generic(0, 0, "");
    c.sign.timestamp = str_c("X-Time");
    c.sign.signs = str_c("{timestamp}.{body}");
    static const struct {
        const char *at;
        int status;
    } cases[] = {{"1800000000", 200}, {"1799999800", 200}, {"1799999600", 401},
                 {"1800000301", 401}, {"", 401},           {"soon", 401}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct str body = STR("{}"), dot = STR("."),
                         pieces[] = {str_c(cases[i].at), dot, body};
        struct buf mac;
        buf_init(&mac, 100);
        assert_true(
            signature_hmac_make(c.secret, SIGNATURE_SHA256, SIGNATURE_HEX, pieces, 3, &mac));
        lab_begin(&c, "POST", body);
        lab_header("X-Sign", buf_str(&mac));
        lab_header("X-Time", str_c(cases[i].at));
        assert_int_equal(lab_status(&provider_generic), cases[i].status);
        buf_clear(&mac);
    }
}

static void an_ed25519_key_verifies(void **state) {
    (void)state;
    unsigned char public[32], secret[64], bytes[64];
    char key[65], given[129];
    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(public, secret);
    crypto_sign_detached(bytes, NULL, (const unsigned char *)"{}", 2, secret);
    hex_encode(public, 32, key);
    hex_encode(bytes, 64, given);
    struct hook_config c = generic(3, 0, "");
    c.key = str_c(key);
    lab_begin(&c, "POST", str_c("{}"));
    lab_header("X-Sign", str_c(given));
    assert_int_equal(lab_status(&provider_generic), 200);
    given[5] = given[5] == 'a' ? 'b' : 'a';
    lab_begin(&c, "POST", str_c("{}"));
    lab_header("X-Sign", str_c(given));
    assert_int_equal(lab_status(&provider_generic), 401);
}

static const char notes[] =
    "{\"map\":{\"items\":\"/events\",\"id\":\"/id\",\"text\":\"/body/text\",\"from.name\":"
    "\"/who/name\",\"from.id\":\"/who/nr\",\"from.network\":\"acme\",\"at\":\"/time\","
    "\"data.order\":\"/order\",\"tags\":\"/labels\",\"channel\":\"chat\",\"attachments\":"
    "\"/files\"}}";

static void what_the_pointers_name_becomes_a_touchpoint(void **state) {
    (void)state;
    struct taken t;
    assert_true(
        lab_read("generic", notes,
                 str_c("{\"events\":[{\"id\":17,\"body\":{\"text\":\"Hi\"},\"who\":{\"name\":"
                       "\"Jana\",\"nr\":4711},\"time\":1795420800,\"order\":{\"nr\":1},"
                       "\"labels\":[\"a\",2],\"files\":[\"https://x.org/a.png\"]},"
                       "{\"id\":18,\"who\":{\"nr\":1}},{\"id\":19,\"body\":{\"text\":\"x\"}},"
                       "7,{\"id\":{},\"body\":{\"text\":\"x\"},\"who\":{\"nr\":1}}]}"),
                 &t));
    assert_int_equal(json_array_size(t.items), 1);
    assert_int_equal(t.bad, 4);
    const json_t *tp = json_array_get(t.items, 0);
    assert_string_equal(at(tp, "source_id"), "17");
    assert_string_equal(at(tp, "channel"), "chat");
    assert_string_equal(at(tp, "from.social.id"), "4711");
    assert_string_equal(at(tp, "from.social.network"), "acme");
    assert_string_equal(at(tp, "at"), "2026-11-23T08:00:00.000Z");
    assert_int_equal(json_integer_value(jread_at(tp, str_c("/data/order/nr"))), 1);
    assert_string_equal(at(tp, "tags.1"), "2");
    assert_string_equal(at(tp, "attachments.0.fetch"), "https://x.org/a.png");
    json_decref(t.items);
}

static void a_pointer_that_leads_nowhere_is_named(void **state) {
    (void)state;
    struct taken t;
    assert_true(
        lab_read("generic", notes, str_c("{\"events\":[{\"id\":18,\"who\":{\"nr\":1}}]}"), &t));
    assert_string_equal(t.reason, "text: /body/text leads nowhere");
    json_decref(t.items);
    assert_true(lab_read("generic", notes, str_c("{\"other\":[]}"), &t));
    assert_string_equal(t.reason, "items: the pointer leads nowhere");
    json_decref(t.items);
}

static void a_map_that_cannot_be_meant_is_refused_by_name(void **state) {
    (void)state;
    static const struct tl_pair bad[][1] = {{{STR("form.email"), STR("/a")}},
                                            {{STR("from.email"), STR("/a~2")}},
                                            {{STR("text"), STR("/a")}}};
    const char *key;
    struct hook_config c = generic(0, 0, "");
    assert_null(provider_generic.fault(&c, &key));
    for (size_t i = 0; i < COUNT(bad); i++) {
        c.map = (struct tl_pairs){bad[i], 1};
        assert_non_null(provider_generic.fault(&c, &key));
        assert_string_equal(key, "map");
    }
    c.sign.header = STR_NONE;
    assert_non_null(provider_generic.fault(&c, &key));
    assert_string_equal(key, "sign");
}

static void of_a_thousand_items_the_bad_one_alone_is_bad(void **state) {
    (void)state;
    struct buf b;
    struct taken t;
    buf_init(&b, 1 << 20);
    assert_true(buf_add_c(&b, "{\"events\":["));
    for (int i = 0; i < 1000; i++)
        assert_true(buf_addf(&b, "%s{\"id\":%d,%s\"who\":{\"nr\":%d}}", i ? "," : "", i,
                             i == 500 ? "" : "\"body\":{\"text\":\"x\"},", i));
    assert_true(buf_add_c(&b, "]}"));
    assert_true(lab_read("generic", notes, buf_str(&b), &t));
    assert_int_equal(json_array_size(t.items), 999);
    assert_int_equal(t.bad, 1);
    json_decref(t.items);
    buf_clear(&b);
}

int main(void) {
#define TEST(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        TEST(only_our_topics_are_confirmed_and_none_is_given_up),
        TEST(a_hub_may_sign_with_any_of_four_hashes),
        TEST(entries_and_tombstones_of_a_feed_are_read),
        TEST(rss_is_read_too),
        TEST(a_feed_with_entities_or_without_an_end_keeps_what_came_before),
        TEST(any_hash_coding_and_prefix_is_understood),
        TEST(a_timestamp_is_signed_and_grows_old),
        TEST(an_ed25519_key_verifies),
        TEST(what_the_pointers_name_becomes_a_touchpoint),
        TEST(a_pointer_that_leads_nowhere_is_named),
        TEST(a_map_that_cannot_be_meant_is_refused_by_name),
        TEST(of_a_thousand_items_the_bad_one_alone_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
