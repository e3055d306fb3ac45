/* http/routes.c: which route a path finds, and what else stands there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"
#include "http/routes.h"

static void serve(void *ctx, struct http_request *r) {
    (void)ctx, (void)r;
}

static const struct http_route table[] = {
    {"GET", "/healthz", ALLOW_NONE, 0, serve, ""},
    {"GET", "/v1/contacts", ALLOW_STAFF, 0, serve, ""},
    {"POST", "/v1/contacts", ALLOW_STAFF, 0, serve, ""},
    {"GET", "/v1/contacts/{id}", ALLOW_STAFF, 0, serve, ""},
    {"GET", "/v1/contacts/{id}/timeline", ALLOW_STAFF, 0, serve, ""},
    {"POST", "/v1/contacts/{id}/suggestions/{n}/confirm", ALLOW_STAFF, 0, serve, ""},
    {"DELETE", "/v1/contacts/recent", ALLOW_STAFF, 0, serve, ""},
    {"GET", "/v1/contacts/recent/old", ALLOW_STAFF, 0, serve, ""},
    {"POST", "/forms/{form}", ALLOW_NONE, ROUTE_PUBLIC, serve, ""},
};

static struct routes *routes;

static int setup(void **state) {
    (void)state;
    routes = routes_new();
    for (size_t i = 0; i < COUNT(table); i++)
        if (!routes_add(routes, &table[i], NULL))
            return 1;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    routes_free(routes);
    return 0;
}

static bool wanted(const void *public_too, const struct http_route *what) {
    return *(const bool *)public_too || !(what->flags & ROUTE_PUBLIC);
}

/* The pattern found, "405" or "404". */
static const char *find(struct arena *a, const char *method, const char *path, bool public_too,
                        struct route_found *out) {
    routes_find(routes, a, str_c(method), str_c(path), wanted, &public_too, out);
    return out->route ? out->route->what->pattern : out->others ? "405" : "404";
}

static void paths_find_their_routes(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *pattern;
    } cases[] = {
        {"GET", "/healthz", "/healthz"},
        {"HEAD", "/healthz", "/healthz"},
        {"POST", "/healthz", "405"},
        {"GET", "/healthz/", "404"},
        {"GET", "/", "404"},
        {"GET", "/v1", "404"},
        {"POST", "/v1/contacts", "/v1/contacts"},
        {"HEAD", "/v1/contacts", "/v1/contacts"},
        {"GET", "/v1/%63ontacts", "/v1/contacts"},
        {"GET", "/v1/contacts/", "404"},
        {"GET", "/v1/contacts/c_1", "/v1/contacts/{id}"},
        {"GET", "/v1/contacts/recent", "405"},
        {"GET", "/v1/contacts/recent/timeline", "/v1/contacts/{id}/timeline"},
        {"GET", "/v1/contacts/recent/old", "/v1/contacts/recent/old"},
        {"GET", "/v1/contacts//timeline", "404"},
        {"GET", "/v1/contacts/c/timeline/x", "404"},
        {"POST", "/v1/contacts/c/suggestions/2/confirm",
         "/v1/contacts/{id}/suggestions/{n}/confirm"},
        {"POST", "/forms/contact", "/forms/{form}"},
        {"PATCH", "/forms/contact", "405"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct route_found found;
        arena_init(&a);
        assert_string_equal(find(&a, cases[i].method, cases[i].path, true, &found),
                            cases[i].pattern);
        arena_clear(&a);
    }
}

static void parameters_are_decoded_in_order(void **state) {
    (void)state;
    struct arena a;
    struct route_found found;
    arena_init(&a);
    find(&a, "POST", "/v1/contacts/c%5F%c3%a4/suggestions/2/confirm", true, &found);
    assert_int_equal(found.route->names_n, 2);
    assert_true(str_is(found.route->names[0], "id") && str_is(found.values[0], "c_\xc3\xa4"));
    assert_true(str_is(found.route->names[1], "n") && str_is(found.values[1], "2"));
    arena_clear(&a);
}

static void what_a_listener_does_not_serve_is_not_there(void **state) {
    (void)state;
    struct arena a;
    struct route_found found;
    arena_init(&a);
    assert_string_equal(find(&a, "POST", "/forms/contact", false, &found), "404");
    arena_clear(&a);
}

static void a_taken_route_is_refused_whatever_its_parameter_is_called(void **state) {
    (void)state;
    const struct http_route same = {"GET", "/v1/contacts/{other}", ALLOW_STAFF, 0, serve, ""};
    const struct http_route crowded = {"GET", "/{a}/{b}/{c}/{d}/{e}", ALLOW_STAFF, 0, serve, ""};
    const struct http_route relative = {"GET", "v1", ALLOW_STAFF, 0, serve, ""};
    assert_false(routes_add(routes, &same, NULL));
    assert_false(routes_add(routes, &crowded, NULL));
    assert_false(routes_add(routes, &relative, NULL));
}

static void allow_lists_the_methods_with_head(void **state) {
    (void)state;
    struct arena a;
    struct route_found found;
    struct buf text;
    arena_init(&a);
    buf_init(&text, 200);
    find(&a, "PUT", "/v1/contacts", true, &found);
    assert_true(routes_allow(found.others, &text));
    assert_string_equal(buf_c(&text), "GET, POST, HEAD");
    buf_clear(&text);
    arena_clear(&a);
}

static void count(void *arg, const struct http_route *what) {
    (void)what;
    ++*(size_t *)arg;
}

static void all_routes_are_walked_once(void **state) {
    (void)state;
    size_t n = 0;
    routes_each(routes, count, &n);
    assert_int_equal(n, COUNT(table));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(paths_find_their_routes),
        TEST(parameters_are_decoded_in_order),
        TEST(what_a_listener_does_not_serve_is_not_there),
        TEST(a_taken_route_is_refused_whatever_its_parameter_is_called),
        TEST(allow_lists_the_methods_with_head),
        TEST(all_routes_are_walked_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
