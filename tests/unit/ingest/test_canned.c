/* ingest/canned: placeholders, replaced once and literally. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/canned.h"

static const struct canned_values values = {.contact_name = STR("Jana {agent.name}"),
                                            .agent_name = STR("Anna"),
                                            .conversation_subject = STR("")};

static void what_is_put_in_is_not_looked_at_again(void **state) {
    (void)state;
    static const struct {
        const char *text, *filled;
    } cases[] = {
        {"Hello {contact.name}, {agent.name}", "Hello Jana {agent.name}, Anna"},
        {"{agent.name}{agent.name}", "AnnaAnna"},
        {"{{agent.name}}", "{Anna}"},
        {"", ""},
        {"{", "{"},
        {"a {b} {\"json\": 1} {agent.name", "a {b} {\"json\": 1} {agent.name"},
        {"{Agent.Name} {% if %} {{x}} $(x)", "{Agent.Name} {% if %} {{x}} $(x)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cleanup(buf_clear) struct buf b;
        struct fault f = {0};
        buf_init(&b, 1000);
        assert_true(canned_check(str_c(cases[i].text), "/text", &f));
        assert_true(canned_fill(str_c(cases[i].text), &values, "/answer", &b, &f));
        assert_int_equal(b.n, strlen(cases[i].filled));
        assert_memory_equal(b.p ? b.p : "", cases[i].filled, b.n);
    }
}

static void what_has_no_value_is_refused_by_name(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    struct fault f = {0};
    buf_init(&b, 1000);
    assert_false(canned_fill(str_c("About {conversation.subject}"), &values, "/answer", &b, &f));
    assert_string_equal(f.place, "/answer");
    assert_string_equal(f.reason, "{conversation.subject} has no value here");
}

static void a_misspelt_name_of_ours_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"{contact.nmae}", "x {agent.} y", "{conversation.id}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fault f = {0};
        assert_false(canned_check(str_c(wrong[i]), "/text", &f));
        assert_string_equal(f.place, "/text");
    }
}

static void what_grows_beyond_its_bound_is_refused(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    struct fault f = {0};
    buf_init(&b, 10);
    assert_false(canned_fill(str_c("{contact.name}{contact.name}"), &values, "/answer", &b, &f));
    assert_string_equal(f.reason, "what came of it is too long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_is_not_looked_at_again),
        cmocka_unit_test(what_has_no_value_is_refused_by_name),
        cmocka_unit_test(a_misspelt_name_of_ours_is_refused),
        cmocka_unit_test(what_grows_beyond_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
