/* social: attachments fetched: which requests, with which token, what each answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../host.h"
#include "lab.h"

static struct hook_config hooks[] = {
    {.name = STR("tg"),
     .provider = PROVIDER_TELEGRAM,
     .secret = STR("s"),
     .send = {.token = STR("4:x")}},
    {.name = STR("line"),
     .provider = PROVIDER_LINE,
     .secret = STR("s"),
     .send = {.token = STR("T")}},
    {.name = STR("viber"), .provider = PROVIDER_VIBER, .secret = STR("s")},
    {.name = STR("near"),
     .provider = PROVIDER_VIBER,
     .secret = STR("s"),
     .send = {.base = STR("http://127.0.0.1:9000/api")}},
};
static const struct tl_items all = {hooks, COUNT(hooks)};

static struct {
    tl_fetched_fn *done;
    void *arg;
    char url[300], token[100];
    bool private_allowed;
    uint32_t max_bytes;
    size_t n;
} asked;
static struct {
    enum tl_sent state;
    char bytes[100], type[100], reason[200];
    int64_t retry_after_ms;
    size_t n;
} ended;

static void fetch(struct tl_channel *ch, const struct tl_fetch *what, tl_fetched_fn *done,
                  void *arg) {
    (void)ch;
    asked.done = done;
    asked.arg = arg;
    asked.private_allowed = what->private_allowed;
    asked.max_bytes = what->max_bytes;
    asked.token[0] = '\0';
    snprintf(asked.url, sizeof asked.url, "%.*s", STR_ARG(what->url));
    for (size_t i = 0; i < what->headers_n; i++)
        if (str_is_nocase(what->headers[i].name, "Authorization"))
            snprintf(asked.token, sizeof asked.token, "%.*s", STR_ARG(what->headers[i].value));
    asked.n++;
}

static void attached(struct tl_media *media, const struct tl_attached *r) {
    (void)media;
    ended.state = r->state;
    snprintf(ended.bytes, sizeof ended.bytes, "%.*s", STR_ARG(r->bytes));
    snprintf(ended.type, sizeof ended.type, "%.*s", STR_ARG(r->type));
    snprintf(ended.reason, sizeof ended.reason, "%s", r->reason ? r->reason : "");
    ended.retry_after_ms = r->retry_after_ms;
    ended.n++;
}

static void *social;

static int setup(void **state) {
    static struct tl_host host;
    (void)state;
    host = paper_host;
    host.fetch = fetch;
    host.attached = attached;
    memset(&paper, 0, sizeof paper);
    memset(&asked, 0, sizeof asked);
    memset(&ended, 0, sizeof ended);
    social = touchline_plugin.start(&host, NULL, &all);
    assert_non_null(social);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    touchline_plugin.stop(social);
    return 0;
}

static void attach(const char *source, const char *word) {
    const struct tl_attach what = {.size = sizeof what,
                                   .source = str_c(source),
                                   .touchpoint = STR("p_1"),
                                   .fetch = str_c(word),
                                   .max_bytes = 1000,
                                   .attempt = 1};
    touchline_plugin.attach(social, NULL, &what);
}

static void answer(int status, const char *body, const char *type, const char *location) {
    const struct tl_fetched f = {.size = sizeof f,
                                 .status = status,
                                 .body = str_c(status ? body : NULL),
                                 .error = str_c(status ? NULL : body),
                                 .retry_after_ms = status == 429 ? 5000 : 0,
                                 .type = str_c(type),
                                 .location = str_c(location)};
    tl_fetched_fn *done = asked.done;
    assert_non_null(done);
    asked.done = NULL;
    done(asked.arg, &f);
}

static void telegrams_file_takes_two_requests(void **state) {
    (void)state;
    attach("social:tg", "id:AgAC a");
    assert_string_equal(asked.url, "https://api.telegram.org/bot4:x/getFile?file_id=AgAC%20a");
    assert_int_equal(ended.n, 0);
    answer(200, "{\"ok\":true,\"result\":{\"file_path\":\"photos/f.jpg\"}}", NULL, NULL);
    assert_string_equal(asked.url, "https://api.telegram.org/file/bot4:x/photos/f.jpg");
    assert_int_equal(asked.max_bytes, 1000);
    answer(200, "JPG", "image/jpeg", NULL);
    assert_int_equal(ended.state, TL_SENT);
    assert_string_equal(ended.bytes, "JPG");
    assert_string_equal(ended.type, "image/jpeg");
}

static void a_path_that_climbs_is_not_followed(void **state) {
    (void)state;
    attach("social:tg", "id:A");
    answer(200, "{\"ok\":true,\"result\":{\"file_path\":\"../../bot4:x/close\"}}", NULL, NULL);
    assert_int_equal(ended.state, TL_SENT_NEVER);
    assert_int_equal(asked.n, 1);
}

static void lines_token_goes_to_line_alone(void **state) {
    (void)state;
    attach("social:line", "id:7");
    assert_string_equal(asked.url, "https://api-data.line.me/v2/bot/message/7/content");
    assert_string_equal(asked.token, "Bearer T");
    answer(202, "", NULL, NULL);
    assert_int_equal(ended.state, TL_SENT_RETRY);
    attach("social:line", "https://else.example/a.png");
    assert_string_equal(asked.url, "https://else.example/a.png");
    assert_string_equal(asked.token, "");
    answer(200, "PNG", NULL, NULL);
    assert_int_equal(ended.state, TL_SENT);
}

static void a_redirect_is_judged_anew_and_takes_no_token_along(void **state) {
    (void)state;
    attach("social:line", "id:7");
    answer(302, "", NULL, "https://cdn.example/a");
    assert_string_equal(asked.url, "https://cdn.example/a");
    assert_string_equal(asked.token, "");
    assert_false(asked.private_allowed);
    answer(302, "", NULL, "http://169.254.169.254/latest");
    assert_int_equal(ended.state, TL_SENT_NEVER);
    assert_int_equal(asked.n, 2);
    attach("social:viber", "https://a.example/1");
    for (int i = 0; i < 3; i++)
        answer(302, "", NULL, "https://a.example/1");
    answer(302, "", NULL, "https://a.example/1");
    assert_int_equal(ended.state, TL_SENT_NEVER);
}

static void private_addresses_are_open_below_the_operators_base_only(void **state) {
    (void)state;
    attach("social:near", "http://127.0.0.1:9000/files/1");
    assert_true(asked.private_allowed);
    answer(302, "", NULL, "https://127.0.0.1:9001/x");
    assert_false(asked.private_allowed);
    answer(0, "the address is not a public one", NULL, NULL);
    assert_int_equal(ended.state, TL_SENT_NEVER);
    size_t n = asked.n;
    attach("social:near", "http://127.0.0.1:9001/files/1");
    attach("social:near", "http://127.0.0.1:9000@169.254.169.254/x");
    attach("social:viber", "file:///etc/passwd");
    assert_int_equal(asked.n, n);
    assert_int_equal(ended.n, 4);
}

static void each_answer_means_again_or_never(void **state) {
    (void)state;
    static const struct {
        int status;
        enum tl_sent state;
    } cases[] = {{404, TL_SENT_NEVER}, {410, TL_SENT_NEVER}, {403, TL_SENT_NEVER},
                 {401, TL_SENT_RETRY}, {429, TL_SENT_RETRY}, {500, TL_SENT_RETRY},
                 {503, TL_SENT_RETRY}, {0, TL_SENT_RETRY}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        attach("social:viber", "https://a.example/1");
        answer(cases[i].status, "timed out", NULL, NULL);
        assert_int_equal(ended.state, cases[i].state);
        assert_int_equal(ended.retry_after_ms, cases[i].status == 429 ? 5000 : 0);
    }
    attach("social:viber", "https://a.example/1");
    answer(0, "the answer is larger than 1000 bytes", NULL, NULL);
    assert_int_equal(ended.state, TL_SENT_NEVER);
    attach("social:gone", "https://a.example/1");
    assert_int_equal(ended.state, TL_SENT_RETRY);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(telegrams_file_takes_two_requests),
        TEST(a_path_that_climbs_is_not_followed),
        TEST(lines_token_goes_to_line_alone),
        TEST(a_redirect_is_judged_anew_and_takes_no_token_along),
        TEST(private_addresses_are_open_below_the_operators_base_only),
        TEST(each_answer_means_again_or_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
