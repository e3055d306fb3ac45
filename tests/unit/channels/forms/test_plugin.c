/* forms/plugin.c: a request's way to its answer, also across a reload and a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../host.h"
#include "forms/form.h"

#define URLENCODED STR("application/x-www-form-urlencoded")

static const struct tl_pair pairs[] = {{STR("email"), STR("from.email")},
                                       {STR("message"), STR("text")}};
static const struct str message[] = {STR("message")};
static const struct tl_strs groups[] = {{message, 1}};
static const struct str origins[] = {STR("https://www.example.org")};
static const struct form_config contact = {.name = STR("contact"),
                                           .fields = {pairs, COUNT(pairs)},
                                           .required = {groups, 1},
                                           .honeypot = STR("website"),
                                           .origins = {origins, 1},
                                           .rate = {2, 60000}};
static const struct tl_items one = {&contact, 1};

static struct tl_request request(const char *body) {
    return (struct tl_request){.body = str_c(body),
                               .peer = STR("192.0.2.1"),
                               .param = STR("contact"),
                               .headers = {{STR("Content-Type"), URLENCODED}}};
}

static void add_header(struct tl_request *req, const char *name, const char *value) {
    size_t i = 0;
    while (req->headers[i].name.p)
        i++;
    req->headers[i] = (struct tl_header){str_c(name), str_c(value)};
}

static void post_and_end(struct tl_request *req, enum tl_status status, const char *pointer) {
    size_t n = paper.entries_n;
    paper_request("POST", req);
    assert_int_equal(paper.entries_n, n + 1);
    assert_int_equal(req->status, 0);
    paper_done(n, status, pointer, "because");
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no %s in:\n%s", part, text);
}

static void each_outcome_has_its_answer(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum tl_status status;
        const char *pointer;
        int answer;
        const char *says;
    } cases[] = {
        {"email=a@b.de&message=Hi", TL_APPLIED, NULL, 201, "{\"id\":\"p_1\"}"},
        {"email=a@b.de&message=Hi", TL_DUPLICATE, NULL, 200, "{\"id\":\"p_1\"}"},
        {"email=a@b.de&message=Hi", TL_KEPT, NULL, 202, "{\"id\":\"p_1\"}"},
        {"website=x&message=Hi", TL_KEPT, NULL, 201, "{\"id\":\"p_1\"}"},
        {"email=a@b.de&message=Hi", TL_MISMATCH, NULL, 422, "\"idempotency-mismatch\""},
        {"email=a@b.de&message=Hi", TL_REFUSED, "/from/email", 422, "\"pointer\":\"/email\""},
        {"email=a@b.de&message=Hi", TL_REFUSED, "/from", 422, "\"pointer\":\"\""},
        {"email=a@b.de&message=Hi", TL_BUSY, NULL, 503, "\"title\":\"Service Unavailable\""},
        {"email=a@b.de&message=Hi", TL_FAILED, NULL, 503, "\"code\":\"unavailable\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *forms = paper_start(&one);
        struct tl_request req = request(cases[i].body);
        post_and_end(&req, cases[i].status, cases[i].pointer);
        assert_int_equal(req.status, cases[i].answer);
        assert_has(req.answer, cases[i].says);
        assert_int_equal(strstr(req.answer_headers, "Retry-After") != NULL, req.status == 503);
        assert_int_equal(paper.entries[0].flags,
                         strstr(cases[i].body, "website") ? TL_ENTRY_QUARANTINE : 0);
        assert_string_equal(paper.entries[0].source, "forms:contact");
        touchline_plugin.stop(forms);
    }
}

static void the_key_is_the_forms_own_then_the_headers_then_what_was_sent(void **state) {
    (void)state;
    static const struct {
        const char *body, *header, *source_id;
    } cases[] = {{"message=Hi&submission_id=s1", "h1", "s1"},
                 {"message=Hi&submission_id=", "h1", "h1"},
                 {"message=Hi", "h1", "h1"},
                 {"message=Hi", "", ""},
                 {"message=Hi", NULL, ""}};
    void *forms = paper_start(&one);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_request req = request(cases[i].body);
        req.peer = (struct str)STR("127.0.0.1");
        if (cases[i].header)
            add_header(&req, "Idempotency-Key", cases[i].header);
        post_and_end(&req, TL_APPLIED, NULL);
        assert_string_equal(paper.entries[i].source_id, cases[i].source_id);
        assert_int_equal(paper.entries[i].bucket[0] != '\0', cases[i].source_id[0] == '\0');
    }
    touchline_plugin.stop(forms);
}

static void a_page_that_names_itself_must_be_listed(void **state) {
    (void)state;
    static const struct {
        const char *name, *value;
        int status; /* 0: taken */
    } cases[] = {{"Origin", "https://www.example.org", 0},
                 {"Origin", "https://evil.example", 403},
                 {"Origin", "null", 403},
                 {"Referer", "https://www.example.org/contact", 0},
                 {"Referer", "https://evil.example/?https://www.example.org", 403},
                 {"Accept", "text/html", 0}};
    void *forms = paper_start(&one);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_request req = request("message=Hi");
        req.peer = (struct str)STR("::1");
        add_header(&req, cases[i].name, cases[i].value);
        paper_request("POST", &req);
        assert_int_equal(req.status, cases[i].status);
        if (cases[i].status)
            continue;
        paper_done(paper.entries_n - 1, TL_APPLIED, NULL, NULL);
        assert_int_equal(strstr(req.answer_headers,
                                "Access-Control-Allow-Origin: "
                                "https://www.example.org\nVary: Origin") != NULL,
                         i == 0);
    }
    touchline_plugin.stop(forms);
}

static void a_preflight_names_what_may_come(void **state) {
    (void)state;
    void *forms = paper_start(&one);
    struct tl_request req = request("");
    add_header(&req, "Origin", "https://www.example.org");
    paper_request("OPTIONS", &req);
    assert_int_equal(req.status, 204);
    assert_has(req.answer_headers, "Access-Control-Allow-Methods: POST\n");
    assert_has(req.answer_headers, "Access-Control-Max-Age: 600\n");
    struct tl_request foreign = request(""), none = request(""), unknown = request("");
    add_header(&foreign, "Origin", "https://evil.example");
    paper_request("OPTIONS", &foreign);
    assert_int_equal(foreign.status, 403);
    paper_request("OPTIONS", &none);
    assert_int_equal(none.status, 403);
    unknown.param = (struct str)STR("other");
    paper_request("OPTIONS", &unknown);
    assert_int_equal(unknown.status, 404);
    touchline_plugin.stop(forms);
}

static void a_browser_is_sent_on_and_a_script_gets_json(void **state) {
    (void)state;
    static const struct {
        const char *accept;
        int status;
    } cases[] = {{"text/html,*/*", 303},
                 {"application/json", 201},
                 {"Application/JSON, */*", 201},
                 {"*/*", 303}};
    struct form_config c = contact;
    c.redirect = (struct str)STR("https://www.example.org/thanks");
    const struct tl_items all = {&c, 1};
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *forms = paper_start(&all);
        struct tl_request req = request("message=Hi");
        add_header(&req, "Accept", cases[i].accept);
        post_and_end(&req, TL_APPLIED, NULL);
        assert_int_equal(req.status, cases[i].status);
        if (req.status == 303)
            assert_has(req.answer_headers, "Location: https://www.example.org/thanks\n");
        touchline_plugin.stop(forms);
    }
}

static void the_third_of_a_network_waits_and_loopback_never(void **state) {
    (void)state;
    void *forms = paper_start(&one);
    for (int i = 0; i < 3; i++) {
        struct tl_request req = request("message=Hi"), own = request("message=Hi");
        paper_request("POST", &req);
        assert_int_equal(req.status, i == 2 ? 429 : 0);
        if (i == 2) {
            assert_has(req.answer_headers, "Retry-After: 31\n");
            assert_has(req.answer_headers, "RateLimit-Limit: 2\n");
            assert_has(req.answer_headers, "RateLimit-Remaining: 0\n");
        }
        own.peer = (struct str)STR("127.0.0.1");
        paper_request("POST", &own);
        assert_int_equal(own.status, 0);
    }
    touchline_plugin.stop(forms); /* with all of them under way */
}

static void a_reload_in_between_takes_the_form_away(void **state) {
    (void)state;
    const struct tl_items none = {NULL, 0};
    struct form_config *old = NEW(struct form_config);
    *old = contact;
    old->redirect = (struct str)STR("https://www.example.org/thanks");
    struct tl_items *all = NEW(struct tl_items);
    *all = (struct tl_items){old, 1};
    void *forms = paper_start(all);
    struct tl_request first = request("message=Hi"), second = request("message=Hi");
    paper_request("POST", &first);
    paper_request("POST", &second);
    assert_true(touchline_plugin.reload(forms, &none));
    free(old);
    free(all);
    paper_done(0, TL_APPLIED, NULL, NULL);
    assert_int_equal(first.status, 201);
    paper_done(1, TL_REFUSED, "/text", "too long");
    assert_int_equal(second.status, 422);
    touchline_plugin.stop(forms);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_has_its_answer),
        cmocka_unit_test(the_key_is_the_forms_own_then_the_headers_then_what_was_sent),
        cmocka_unit_test(a_page_that_names_itself_must_be_listed),
        cmocka_unit_test(a_preflight_names_what_may_come),
        cmocka_unit_test(a_browser_is_sent_on_and_a_script_gets_json),
        cmocka_unit_test(the_third_of_a_network_waits_and_loopback_never),
        cmocka_unit_test(a_reload_in_between_takes_the_form_away),
    };
    return cmocka_run_group_tests_name("forms/plugin", tests, NULL, NULL);
}
