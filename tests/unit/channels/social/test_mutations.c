/* Good deliveries, broken: every prefix, and random changes. Nothing crashes, what is emitted is
 * JSON, and a delivery that gives nothing says why. MUTATIONS=100000 asks for more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <time.h>

#include "reading.h"

enum { SEED_MAX = 64 * 1024, SLOW_MS = 1000 };

static const struct {
    const char *provider, *meta, *body;
} seeds[] = {
    {"whatsapp", "{}",
     "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":"
     "\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":\"106\"},\"contacts\":[{"
     "\"profile\":"
     "{\"name\":\"J\"},\"wa_id\":\"4930\",\"user_id\":\"US.1\"}],\"messages\":[{\"id\":\"w1\","
     "\"from\":\"4930\",\"timestamp\":\"1700000000\",\"type\":\"edit\",\"edit\":{"
     "\"original_message_id\":\"w0\",\"message\":{\"type\":\"image\",\"image\":{\"id\":\"5\","
     "\"mime_type\":\"image/png\",\"caption\":\"c\"}}}},{\"id\":\"w2\",\"from\":\"4930\",\"type\":"
     "\"order\",\"order\":{\"product_items\":[{\"product_retailer_id\":\"A\",\"quantity\":2}]}}],"
     "\"statuses\":[{\"id\":\"w9\",\"status\":\"failed\",\"recipient_id\":\"4930\",\"errors\":[{"
     "\"code\":1}]}],\"calls\":[{\"id\":\"c\",\"from\":\"4930\",\"event\":\"terminate\"}]}}]}]}"},
    {"messenger", "{}",
     "{\"object\":\"page\",\"entry\":[{\"id\":\"P\",\"time\":1700000000123,\"messaging\":[{"
     "\"sender\":{\"id\":\"7\"},\"recipient\":{\"id\":\"P\"},\"timestamp\":1,\"message\":{\"mid\":"
     "\"m\",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":\"https://x\"}},{\"type\":"
     "\"location\",\"payload\":{\"coordinates\":{\"lat\":1,\"long\":2}}}]}},{\"sender\":{\"id\":"
     "\"7\"},\"read\":{\"watermark\":1}}],\"changes\":[{\"field\":\"feed\",\"value\":{\"item\":"
     "\"comment\",\"verb\":\"edited\",\"comment_id\":\"c\",\"from\":{\"id\":\"7\"}}}]}]}"},
    {"instagram", "{}",
     "{\"object\":\"instagram\",\"entry\":[{\"id\":\"P\",\"time\":1,\"changes\":[{\"field\":"
     "\"mentions\",\"value\":{\"media_id\":\"M\"}},{\"field\":\"comments\",\"value\":{\"id\":\"c\","
     "\"from\":{\"id\":\"7\",\"username\":\"j\"},\"media\":{\"id\":\"M\"}}}]}]}"},
    {"x", "{}",
     "{\"for_user_id\":\"1\",\"tweet_create_events\":[{\"id_str\":\"5\",\"created_at\":"
     "\"Wed Aug 27 13:08:45 +0000 2008\",\"text\":\"t\",\"user\":{\"id_str\":\"2\"}}],"
     "\"direct_message_events\":[{\"id\":\"9\",\"message_create\":{\"sender_id\":\"2\",\"target\":{"
     "\"recipient_id\":\"1\"},\"message_data\":{\"text\":\"x\"}}}],\"users\":{\"2\":{\"id\":\"2\","
     "\"name\":\"J\"}}}"},
    {"x", "{}",
     "{\"data\":{\"event_uuid\":\"u\",\"filter\":{\"user_id\":\"1\"},\"event_type\":"
     "\"post.mention.create\",\"payload\":{\"data\":{\"id\":\"5\",\"author_id\":\"2\",\"text\":"
     "\"t\","
     "\"referenced_tweets\":[{\"type\":\"quoted\",\"id\":\"4\"}]},\"includes\":{\"users\":[{\"id\":"
     "\"2\"}]}}}}"},
    {"slack", "{\"sender\":\"B\"}",
     "{\"type\":\"event_callback\",\"team_id\":\"T\",\"event_id\":\"E\",\"event_time\":1,\"event\":"
     "{"
     "\"type\":\"message\",\"subtype\":\"message_changed\",\"channel\":\"C\",\"ts\":\"2.0\","
     "\"message\":{\"user\":\"U\",\"ts\":\"1.0\",\"thread_ts\":\"0.5\",\"text\":\"<https://x|y> "
     "&lt; <@U1> <!here>\",\"files\":[{\"url_private\":\"https://files.slack.com/a\"}]}}}"},
    {"slack", "{}",
     "payload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U%22%7D%2C"
     "%22actions%22%3A%5B%7B%22action_ts%22%3A%221.5%22%7D%5D%7D"},
    {"discord", "{}",
     "{\"type\":2,\"id\":\"175928847299117063\",\"application_id\":\"A\",\"token\":\"t\","
     "\"member\":{"
     "\"user\":{\"id\":\"7\"}},\"data\":{\"name\":\"ask\",\"options\":[{\"name\":\"a\",\"value\":1."
     "5},"
     "{\"name\":\"b\",\"options\":[{\"name\":\"c\",\"value\":true}]}]}}"},
    {"discord", "{}",
     "{\"version\":1,\"application_id\":\"A\",\"type\":1,\"event\":{\"type\":\"LOBBY_MESSAGE_"
     "CREATE\","
     "\"timestamp\":\"2024-10-18T18:41:21.109604\",\"data\":{\"id\":\"5\",\"author\":{\"id\":\"7\"}"
     ","
     "\"attachments\":[{\"url\":\"https://cdn\"}]}}}"},
    {"twilio", "{\"type\":\"application/x-www-form-urlencoded\"}",
     "MessageSid=SM1&From=whatsapp%3A%2B4930123456&Body=H%C3%A4&NumMedia=2&MediaUrl0=https%3A%2F%"
     "2Fx"
     "&MediaContentType0=image%2Fpng&Latitude=1&Longitude=2&ProfileName=J"},
    {"standard", "{\"delivery_id\":\"d\"}",
     "{\"type\":\"m\",\"timestamp\":\"2026-11-20T08:00:00Z\",\"data\":[{\"channel\":\"chat\"},7]}"},
};

/* xorshift: the same changes each time. */
static uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int64_t mono_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* In memory that ends where it ends. */
static void try_it(size_t seed, const char *bytes, size_t n, bool *out_told) {
    char *exact = malloc(n ? n : 1);
    struct taken t;
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    int64_t began = mono_ms();
    bool read = read_as(seeds[seed].provider, seeds[seed].meta, str_make(exact, n), &t);
    assert_true(mono_ms() - began < SLOW_MS);
    assert_true(read || t.bad);
    *out_told = json_array_size(t.items) || t.bad;
    json_decref(t.items);
    free(exact);
}

static void every_prefix_is_read_or_told(void **state) {
    (void)state;
    bool told;
    for (size_t i = 0; i < COUNT(seeds); i++)
        for (size_t n = 0; n <= strlen(seeds[i].body); n++)
            try_it(i, seeds[i].body, n, &told);
}

/* Bytes changed, dropped, doubled; the signs that carry the grammar more often than others. */
static size_t mutate(uint64_t *random, const char *from, char *to) {
    static const char signs[] = "{}[]\",:\\0-9tfn%&=<>|u\x00\xff\x80";
    size_t n = strlen(from), changes = 1 + random_next(random) % 6;
    memcpy(to, from, n);
    for (size_t i = 0; i < changes && n; i++) {
        size_t at = random_next(random) % n, length = 1 + random_next(random) % 20;
        if (length > n - at)
            length = n - at;
        switch (random_next(random) % 4) {
        case 0:
            to[at] = signs[random_next(random) % (sizeof signs - 1)];
            break;
        case 1:
            to[at] = (char)random_next(random);
            break;
        case 2:
            memmove(to + at, to + at + length, n - at - length);
            n -= length;
            break;
        default:
            memmove(to + at + length, to + at, n - at);
            n += length;
        }
    }
    return n;
}

static void random_changes_are_read_or_told(void **state) {
    (void)state;
    const char *asked = getenv("MUTATIONS");
    size_t all = asked ? strtoul(asked, NULL, 10) : 5000, silent = 0;
    uint64_t random = 0x9e3779b97f4a7c15;
    char *bytes = malloc(SEED_MAX);
    for (size_t i = 0; i < all; i++) {
        size_t seed = i % COUNT(seeds);
        bool told;
        try_it(seed, bytes, mutate(&random, seeds[seed].body, bytes), &told);
        silent += !told;
    }
    free(bytes);
    print_message("%zu mutations, %zu of them deliveries of nothing\n", all, silent);
    assert_true(silent * 10 < all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_is_read_or_told),
        cmocka_unit_test(random_changes_are_read_or_told),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
