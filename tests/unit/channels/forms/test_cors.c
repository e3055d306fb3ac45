/* forms/cors.c: which pages may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/own.h>

#include "forms/cors.h"

static const struct str items[] = {STR("https://www.example.org"), STR("http://localhost:*"),
                                   STR("http://[::1]:*"), STR("https://example.org:8443")};
static const struct tl_strs origins = {items, COUNT(items)};

static void only_what_is_listed_may_send(void **state) {
    (void)state;
    static const struct {
        const char *origin;
        bool allowed;
    } cases[] = {
        {"https://www.example.org", true},
        {"HTTPS://WWW.EXAMPLE.ORG", true},
        {"http://www.example.org", false},
        {"https://www.example.org:443", false},
        {"https://www.example.org.evil.example", false},
        {"https://evil.example/https://www.example.org", false},
        {"https://www.example.org/", false},
        {"https://example.org", false},
        {"https://example.org:8443", true},
        {"https://example.org:84430", false},
        {"http://localhost", true},
        {"http://localhost:3000", true},
        {"http://localhost:", false},
        {"http://localhost:30x", false},
        {"http://localhostx80", false},
        {"http://localhost.evil.example", false},
        {"http://localhost:1@evil.example", false},
        {"https://localhost:3000", false},
        {"http://[::1]:8080", true},
        {"null", false},
        {"", false},
        {"*", false},
    };
    const struct tl_strs none = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cors_allowed(&origins, str_c(cases[i].origin)) != cases[i].allowed)
            fail_msg("%s", cases[i].origin);
        assert_false(cors_allowed(&none, str_c(cases[i].origin)));
    }
}

static void the_origin_of_a_referer_ends_with_its_port(void **state) {
    (void)state;
    static const struct {
        const char *url, *origin; /* NULL: none */
    } cases[] = {
        {"https://www.example.org/contact?x=http://evil.example", "https://www.example.org"},
        {"https://www.example.org", "https://www.example.org"},
        {"http://localhost:3000?q", "http://localhost:3000"},
        {"http://localhost:3000#f", "http://localhost:3000"},
        {"/contact?x=https://www.example.org/", "/contact?x=https://www.example.org"},
        {"about:client", NULL},
        {"", NULL},
        {"://", "://"},
        {"x:/", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str origin = cors_origin_of(str_c(cases[i].url));
        assert_int_equal(origin.p != NULL, cases[i].origin != NULL);
        if (cases[i].origin && !str_is(origin, cases[i].origin))
            fail_msg("%s gave %.*s", cases[i].url, STR_ARG(origin));
    }
    assert_null(cors_origin_of(STR_NONE).p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_listed_may_send),
        cmocka_unit_test(the_origin_of_a_referer_ends_with_its_port),
    };
    return cmocka_run_group_tests_name("forms/cors", tests, NULL, NULL);
}
