/* Replies: the request that each platform documents, what is refused in words before sending, what
 * its answers mean, and how fast they leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include "reading.h"
#include "social/pace.h"

static const int64_t now_ms = 1795420800000; /* 2026-11-23T08:00:00Z */
#define HOUR_AGO "\"direction\":\"inbound\",\"at\":\"2026-11-23T07:00:00.000Z\""
#define DAY_AGO "\"direction\":\"inbound\",\"at\":\"2026-11-22T07:00:00.000Z\""
#define WEEKS_AGO "\"direction\":\"inbound\",\"at\":\"2026-11-01T07:00:00.000Z\""
#define MINUTE_AGO "\"direction\":\"inbound\",\"at\":\"2026-11-23T07:59:00.000Z\""
#define SEND                                                                                       \
    .send = {                                                                                      \
        .token = STR("tok"), .sender = STR("106"), .user = STR("AC1"), .base = STR("http://api/")}

static const struct hook_config whatsapp = {.provider = PROVIDER_WHATSAPP, SEND},
                                messenger = {.provider = PROVIDER_MESSENGER, SEND},
                                instagram = {.provider = PROVIDER_INSTAGRAM, SEND},
                                x = {.provider = PROVIDER_X, SEND},
                                slack = {.provider = PROVIDER_SLACK, SEND},
                                discord = {.provider = PROVIDER_DISCORD, SEND},
                                twilio = {.provider = PROVIDER_TWILIO,
                                          .url = STR("https://c/hooks/sms"),
                                          SEND},
                                service = {.provider = PROVIDER_TWILIO,
                                           .secret = STR("auth"),
                                           .send = {.user = STR("AC1"), .sender = STR("MG1")}},
                                silent = {.provider = PROVIDER_DISCORD};

#define TO_ID "{\"to\":[{\"social\":{\"id\":\"7\"}}],\"text\":\"Hi & bye\"}"
#define TO_PHONE "{\"to\":[{\"phone\":\"+4930\"}],\"text\":\"Hi & bye\"}"

static const struct sent {
    const struct hook_config *c;
    const char *touchpoint, *answered, *url, *body; /* body NULL: refused, url is the reason */
} cases[] = {
    {&whatsapp, TO_PHONE, "{\"message_id\":\"w1\"," HOUR_AGO "}", "http://api/106/messages",
     "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"4930\","
     "\"type\":\"text\",\"text\":{\"body\":\"Hi & bye\"},\"biz_opaque_callback_data\":\"p_1\","
     "\"context\":{\"message_id\":\"w1\"}}"},
    {&whatsapp, TO_ID, "{" HOUR_AGO "}", "http://api/106/messages",
     "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"recipient\":\"7\","
     "\"type\":\"text\",\"text\":{\"body\":\"Hi & bye\"},\"biz_opaque_callback_data\":\"p_1\"}"},
    {&whatsapp, TO_PHONE, "{" DAY_AGO "}", "24 hours", NULL},
    {&whatsapp, "{\"to\":[{\"phone\":\"+4930\"}],\"text\":\"x\",\"attachments\":[{}]}", "{}",
     "text only", NULL},
    {&messenger, TO_ID, "{" HOUR_AGO "}", "http://api/106/messages",
     "{\"recipient\":{\"id\":\"7\"},\"messaging_type\":\"RESPONSE\",\"message\":{\"text\":"
     "\"Hi & bye\"}}"},
    {&messenger, TO_ID, "{" DAY_AGO "}", "http://api/106/messages",
     "{\"recipient\":{\"id\":\"7\"},\"messaging_type\":\"MESSAGE_TAG\",\"tag\":\"HUMAN_AGENT\","
     "\"message\":{\"text\":\"Hi & bye\"}}"},
    {&messenger, TO_ID, "{" WEEKS_AGO "}", "7 days", NULL},
    {&messenger, TO_ID, "{\"data\":{\"comment_id\":\"P_C\"}," WEEKS_AGO "}",
     "http://api/P_C/comments", "{\"message\":\"Hi & bye\"}"},
    {&instagram, TO_ID, "{" HOUR_AGO "}", "http://api/106/messages",
     "{\"recipient\":{\"id\":\"7\"},\"message\":{\"text\":\"Hi & bye\"}}"},
    {&instagram, TO_ID, "{\"data\":{\"comment_id\":\"c1\"}," HOUR_AGO "}", "http://api/c1/replies",
     "{\"message\":\"Hi & bye\"}"},
    {&instagram, TO_ID, "{\"data\":{\"media_id\":\"M\",\"comment_id\":\"c1\"}," HOUR_AGO "}",
     "http://api/106/mentions",
     "{\"message\":\"Hi & bye\",\"media_id\":\"M\",\"comment_id\":\"c1\"}"},
    {&instagram, TO_ID, "{\"data\":{\"comment_id\":\"../me\"}}", "no", NULL},
    {&x, TO_ID, "{" HOUR_AGO "}", "http://api/2/dm_conversations/with/7/messages",
     "{\"text\":\"Hi & bye\"}"},
    {&x, TO_ID, "{\"data\":{\"post_id\":\"99\"}}", "http://api/2/tweets",
     "{\"text\":\"Hi & bye\",\"reply\":{\"in_reply_to_tweet_id\":\"99\"}}"},
    {&x, TO_ID, "{\"data\":{\"encrypted\":true}}", "encrypted", NULL},
    {&slack, TO_ID, "{\"data\":{\"channel\":\"C1\",\"thread_ts\":\"1.0\"}}",
     "http://api/chat.postMessage",
     "{\"channel\":\"C1\",\"thread_ts\":\"1.0\",\"text\":\"Hi &amp; bye\"}"},
    {&slack, TO_ID, "{}", "http://api/chat.postMessage",
     "{\"channel\":\"7\",\"text\":\"Hi &amp; bye\"}"},
    {&discord, TO_ID,
     "{\"data\":{\"token\":\"t0k\",\"application_id\":\"A\",\"channel_id\":\"C\"}," MINUTE_AGO "}",
     "http://api/api/v10/webhooks/A/t0k",
     "{\"content\":\"Hi & bye\",\"allowed_mentions\":{\"parse\":[]}}"},
    {&discord, TO_ID,
     "{\"data\":{\"token\":\"t0k\",\"application_id\":\"A\",\"channel_id\":\"C\",\"message_id\":"
     "\"M\"}," HOUR_AGO "}",
     "http://api/api/v10/channels/C/messages",
     "{\"content\":\"Hi & bye\",\"allowed_mentions\":{\"parse\":[]},\"nonce\":\"p_1\","
     "\"enforce_nonce\":true,\"message_reference\":{\"message_id\":\"M\",\"fail_if_not_exists\":"
     "false}}"},
    {&silent, TO_ID, "{\"data\":{\"token\":\"t0k\",\"application_id\":\"A\"}," HOUR_AGO "}",
     "15 minutes", NULL},
    {&twilio, TO_PHONE, "{\"data\":{\"from\":\"+4930\",\"to\":\"+49301\"}," HOUR_AGO "}",
     "http://api/2010-04-01/Accounts/AC1/Messages.json",
     "To=%2B4930&From=106&Body=Hi%20%26%20bye&StatusCallback=https%3A%2F%2Fc%2Fhooks%2Fsms"},
    {&service, TO_PHONE,
     "{\"data\":{\"from\":\"whatsapp:+4930\",\"transport\":\"whatsapp\"}," HOUR_AGO "}",
     "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json",
     "To=whatsapp%3A%2B4930&MessagingServiceSid=MG1&Body=Hi%20%26%20bye"},
    {&service, TO_PHONE,
     "{\"data\":{\"from\":\"whatsapp:+4930\",\"transport\":\"whatsapp\"}," DAY_AGO "}", "24 hours",
     NULL},
};

static void each_platform_is_asked_as_it_documents(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct provider *p = hook_provider(cases[i].c->provider);
        struct arena a;
        struct hook_request out = {0};
        json_t *touchpoint = json_loads(cases[i].touchpoint, 0, NULL),
               *answered = json_loads(cases[i].answered, 0, NULL);
        assert_non_null(touchpoint);
        assert_non_null(answered);
        const struct hook_reply r = {.config = cases[i].c,
                                     .touchpoint = touchpoint,
                                     .answered = answered,
                                     .id = STR("p_1"),
                                     .now_ms = now_ms};
        arena_init(&a);
        const char *why = p->refuses(&a, &r);
        if (!cases[i].body) {
            if (!why || !strstr(why, cases[i].url))
                fail_msg("case %zu: %s", i, why ? why : "is not refused");
        } else {
            if (why)
                fail_msg("case %zu: %s", i, why);
            assert_null(p->write(&a, &r, &out));
            assert_string_equal(arena_str(&a, out.url).p, cases[i].url);
            json_t *got = json_loadb(out.body.p, out.body.n, 0, NULL),
                   *want = json_loads(cases[i].body, 0, NULL);
            if (want ? !json_equal(got, want) : !str_is(out.body, cases[i].body))
                fail_msg("case %zu: %.*s", i, STR_ARG(out.body));
            json_decref(got);
            json_decref(want);
        }
        json_decref(touchpoint);
        json_decref(answered);
        arena_clear(&a);
    }
}

static void what_is_too_long_is_told_with_the_limit(void **state) {
    (void)state;
    static const struct {
        const struct hook_config *c;
        size_t max;
    } limits[] = {{&whatsapp, 4096}, {&messenger, 2000}, {&slack, 40000}, {&twilio, 1600}};
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct arena a;
        char number[48];
        char *text = malloc(limits[i].max * 2 + 3);
        arena_init(&a);
        for (size_t k = 0; k <= limits[i].max; k++)
            memcpy(text + 2 * k, "é", 2);
        text[2 * limits[i].max + 2] = '\0';
        json_t *touchpoint = json_pack("{s:[{s:s, s:{s:s}}], s:s}", "to", "phone", "+4930",
                                       "social", "id", "7", "text", text);
        struct hook_reply r = {.config = limits[i].c, .touchpoint = touchpoint, .now_ms = now_ms};
        const char *why = hook_provider(limits[i].c->provider)->refuses(&a, &r);
        snprintf(number, sizeof number, "%zu characters", limits[i].max);
        assert_non_null(why);
        assert_non_null(strstr(why, number));
        text[2 * limits[i].max] = '\0';
        json_object_set_new(touchpoint, "text", json_string(text));
        assert_null(hook_provider(limits[i].c->provider)->refuses(&a, &r));
        json_decref(touchpoint);
        arena_clear(&a);
        free(text);
    }
}

static void an_answer_tells_the_id_or_why_not(void **state) {
    (void)state;
    static const struct {
        int64_t provider;
        const char *answer;
        enum tl_sent before, after;
        const char *id, *code;
    } answers[] = {
        {PROVIDER_WHATSAPP, "{\"messages\":[{\"id\":\"w\"}]}", TL_SENT, TL_SENT, "w", ""},
        {PROVIDER_WHATSAPP, "{\"error\":{\"code\":131047,\"message\":\"late\"}}", TL_SENT_NEVER,
         TL_SENT_NEVER, "", "131047"},
        {PROVIDER_WHATSAPP, "{\"error\":{\"code\":130429}}", TL_SENT_NEVER, TL_SENT_RETRY, "",
         "130429"},
        {PROVIDER_MESSENGER, "{\"recipient_id\":\"7\",\"message_id\":\"m\"}", TL_SENT, TL_SENT, "m",
         ""},
        {PROVIDER_MESSENGER, "{\"id\":\"c\"}", TL_SENT, TL_SENT, "c", ""},
        {PROVIDER_X, "{\"data\":{\"dm_event_id\":\"d\",\"dm_conversation_id\":\"1-2\"}}", TL_SENT,
         TL_SENT, "d", ""},
        {PROVIDER_X, "{\"data\":{\"id\":\"t\"}}", TL_SENT, TL_SENT, "t", ""},
        {PROVIDER_SLACK, "{\"ok\":true,\"channel\":\"C\",\"ts\":\"1.0\"}", TL_SENT, TL_SENT,
         "C:1.0", ""},
        {PROVIDER_SLACK, "{\"ok\":false,\"error\":\"channel_not_found\"}", TL_SENT, TL_SENT_NEVER,
         "", "channel_not_found"},
        {PROVIDER_SLACK, "{\"ok\":false,\"error\":\"ratelimited\"}", TL_SENT, TL_SENT_RETRY, "",
         "ratelimited"},
        {PROVIDER_DISCORD, "{\"id\":\"5\"}", TL_SENT, TL_SENT, "5", ""},
        {PROVIDER_DISCORD, "{\"code\":50007,\"message\":\"Cannot send\"}", TL_SENT_NEVER,
         TL_SENT_NEVER, "", "50007"},
        {PROVIDER_TWILIO, "{\"sid\":\"SM1\",\"status\":\"queued\",\"error_code\":null}", TL_SENT,
         TL_SENT, "SM1", ""},
        {PROVIDER_TWILIO, "{\"code\":21211,\"message\":\"Invalid 'To'\",\"status\":400}",
         TL_SENT_NEVER, TL_SENT_NEVER, "", "21211"},
    };
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct arena a;
        struct tl_sent_result r = {.size = sizeof r, .state = answers[i].before};
        json_t *answer = json_loads(answers[i].answer, 0, NULL);
        arena_init(&a);
        hook_provider(answers[i].provider)->answered(&a, answer, &r);
        json_decref(answer); /* what is told outlives it */
        if (r.state != answers[i].after || !str_is(r.provider_id, answers[i].id) ||
            !str_is(r.code, answers[i].code))
            fail_msg("case %zu: state %d, id %.*s, code %.*s", i, r.state, STR_ARG(r.provider_id),
                     STR_ARG(r.code));
        arena_clear(&a);
    }
}

static void a_hook_has_a_pace_of_its_own(void **state) {
    (void)state;
    struct pace p = {0}, none = {0};
    const struct tl_rate two = {2, 1000};
    assert_int_equal(pace_take(&p, two, 5000), 0);
    assert_int_equal(pace_take(&p, two, 5000), 0);
    assert_in_range(pace_take(&p, two, 5000), 500, 501);
    assert_int_equal(pace_take(&p, two, 5501), 0);
    pace_block(&p, 3000, 6000);
    pace_block(&p, 1000, 6000); /* the longer wait stands */
    assert_int_equal(pace_take(&p, two, 6000), 3000);
    assert_int_equal(pace_take(&p, two, 9000), 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(pace_take(&none, (struct tl_rate){0}, 1), 0);
}

static void a_token_goes_to_the_platforms_own_hosts_alone(void **state) {
    (void)state;
    static const char *const own[] = {"slack.com", NULL};
    static const struct {
        const char *url;
        bool ours;
    } urls[] = {{"https://files.slack.com/a", true},
                {"https://slack.com/a", true},
                {"http://files.slack.com/a", false},
                {"https://evilslack.com/a", false},
                {"https://evil.com/?files.slack.com/", false},
                {"https://evil.com?.slack.com", false},
                {"https://evil.com#.slack.com/", false},
                {"https://slack.com@evil.com/", false},
                {"https://evil.com\\.slack.com/", false},
                {"https://files.slack.com:8443/", false},
                {"http://api/x", true},
                {"http://api.evil/x", false},
                {"", false}};
    for (size_t i = 0; i < COUNT(urls); i++)
        if (hook_url_ours(&slack, str_c(urls[i].url), own) != urls[i].ours)
            fail_msg("%s", urls[i].url);
}

static void every_provider_of_the_choices_has_its_row(void **state) {
    (void)state;
    struct str names = STR(PROVIDER_CHOICES);
    for (int64_t i = 0; i < PROVIDERS_N; i++) {
        struct str name = str_cut(&names, '|');
        const struct provider *p = hook_provider(i);
        if (!p)
            continue; /* not in this build: the check says so */
        assert_true(str_is(name, p->name));
        assert_non_null(p->judge);
        assert_true(!p->read != !p->read_bytes);
        assert_true(!p->write == !p->answered);
        assert_true(!p->write || p->refuses);
    }
    assert_null(names.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_platform_is_asked_as_it_documents),
        cmocka_unit_test(what_is_too_long_is_told_with_the_limit),
        cmocka_unit_test(an_answer_tells_the_id_or_why_not),
        cmocka_unit_test(a_hook_has_a_pace_of_its_own),
        cmocka_unit_test(a_token_goes_to_the_platforms_own_hosts_alone),
        cmocka_unit_test(every_provider_of_the_choices_has_its_row),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
