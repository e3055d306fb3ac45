/* http/problem.c: refusals as RFC 9457 wants them, and as the contract does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "door.h"

static struct door door;

static int setup(void **state) {
    (void)state;
    door_open(&door);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    door_close(&door);
    return 0;
}

static void a_problem_as_text_is_whole_or_not_there(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 200);
    assert_true(buf_add_c(&b, "x"));
    assert_true(http_problem_text(&b, 422, "invalid", "/a/\"b", "too\tlong"));
    assert_string_equal(
        buf_c(&b), "x{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
                   "\"code\":\"invalid\",\"detail\":\"too\\tlong\","
                   "\"errors\":[{\"pointer\":\"/a/\\\"b\",\"detail\":\"too\\tlong\"}]}");
    size_t before = b.n;
    assert_false(http_problem_text(&b, 422, "invalid", NULL, "does not fit"));
    assert_int_equal(b.n, before);
    buf_clear(&b);
}

/* The problem that a kind of fault gives; *out_head gets the header. */
static json_t *problem_of(const char *kind, int status, struct buf *in) {
    char request[200];
    snprintf(
        request, sizeof request,
        "GET /v1/me/fault?kind=%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer dev-anna\r\n\r\n",
        kind);
    assert_int_equal(client_once(&door, request, in), status);
    const char *body = strstr(buf_c(in), "\r\n\r\n") + 4;
    json_t *problem = json_loads(body, 0, NULL);
    assert_non_null(problem);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
    assert_true(client_has(in, "Content-Type: application/problem+json\r\n"));
    return problem;
}

static void each_kind_of_fault_has_its_status(void **state) {
    (void)state;
    static const struct {
        const char *kind, *code, *detail;
        int status;
        bool retry;
    } cases[] = {
        {"input", "invalid", "no @", 422, false},
        {"state", "conflict", "the task is done", 409, false},
        {"busy", "busy", "the spool is full", 503, true},
        {"system", "unavailable", "This cannot be done at the moment.", 503, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf in;
        buf_init(&in, 1 << 16);
        json_t *problem = problem_of(cases[i].kind, cases[i].status, &in);
        assert_string_equal(json_string_value(json_object_get(problem, "code")), cases[i].code);
        assert_string_equal(json_string_value(json_object_get(problem, "detail")), cases[i].detail);
        assert_int_equal(client_has(&in, "Retry-After: "), cases[i].retry);
        json_decref(problem);
    }
}

static void several_faults_are_told_with_their_pointers(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in;
    buf_init(&in, 1 << 16);
    json_t *problem = problem_of("list", 422, &in);
    json_t *errors = json_object_get(problem, "errors");
    assert_int_equal(json_array_size(errors), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "pointer")),
                        "/from/email");
    assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 1), "detail")),
                        "a \"quoted\" word");
    json_decref(problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_as_text_is_whole_or_not_there),
        cmocka_unit_test_setup_teardown(each_kind_of_fault_has_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(several_faults_are_told_with_their_pointers, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
