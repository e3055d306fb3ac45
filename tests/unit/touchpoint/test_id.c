/* Derived ids: the same gives the same, a token proves itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "touchpoint/id.h"

static void the_same_event_gives_the_same_id_and_no_other(void **state) {
    (void)state;
    struct id_maker *m = id_maker_new(str_c("secret")), *n = id_maker_new(str_c("other"));
    struct id a = id_touchpoint(m, str_c("push:crm"), str_c("1"));
    struct id b = id_touchpoint(m, str_c("push:crm"), str_c("1"));
    struct id c = id_touchpoint(m, str_c("push:crm1"), str_c(""));
    struct id d = id_touchpoint(n, str_c("push:crm"), str_c("1"));
    assert_memory_equal(a.b, b.b, ID_BYTES);
    assert_memory_not_equal(a.b, c.b, ID_BYTES);
    assert_memory_not_equal(a.b, d.b, ID_BYTES);
    id_maker_free(m);
    id_maker_free(n);
}

static void an_id_reads_back_from_its_text(void **state) {
    (void)state;
    struct id_maker *m = id_maker_new(str_c("secret"));
    struct id a = id_touchpoint(m, str_c("x"), str_c("1")), b;
    struct id_text t = id_write('p', a);
    assert_int_equal(strlen(t.c), 28);
    assert_true(id_read(str_c(t.c), 'p', &b));
    assert_memory_equal(a.b, b.b, ID_BYTES);
    assert_false(id_read(str_c(t.c), 'c', &b));
    assert_false(id_read(str_c("p_"), 'p', &b));
    t.c[5] = 'u'; /* not of the alphabet */
    assert_false(id_read(str_c(t.c), 'p', &b));
    id_maker_free(m);
}

static void a_new_life_is_a_new_contact(void **state) {
    (void)state;
    struct id_maker *m = id_maker_new(str_c("secret"));
    struct id key = id_identity(m, str_c("email"), str_c("a@b.c"));
    struct id first = id_contact(m, str_c("email"), str_c("a@b.c"), 0);
    struct id second = id_contact(m, str_c("email"), str_c("a@b.c"), 1);
    assert_memory_equal(key.b, first.b, ID_BYTES);
    assert_memory_not_equal(first.b, second.b, ID_BYTES);
    id_maker_free(m);
}

static void a_token_proves_itself_and_a_changed_one_does_not(void **state) {
    (void)state;
    struct id_maker *m = id_maker_new(str_c("secret"));
    struct arena a;
    arena_init(&a);
    struct id p = id_touchpoint(m, str_c("x"), str_c("1")), v = id_conversation(p), v2, p2;
    struct str token = id_token(m, &a, v, p);
    assert_true(token.n <= 76);
    struct str id = arena_strf(&a, "<%.*s@example.org>", STR_ARG(token));
    assert_true(id_token_read(m, id, &v2, &p2));
    assert_memory_equal(v.b, v2.b, ID_BYTES);
    assert_memory_equal(p.b, p2.b, ID_BYTES);
    for (size_t i = 1; i <= token.n; i++) {
        struct str bad = arena_str(&a, id);
        ((char *)bad.p)[i] = bad.p[i] == '7' ? '8' : '7';
        if (id_token_read(m, bad, &v2, &p2))
            fail_msg("byte %zu may be changed", i);
    }
    assert_false(id_token_read(m, str_c("<abc@example.org>"), &v2, &p2));
    arena_clear(&a);
    id_maker_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_event_gives_the_same_id_and_no_other),
        cmocka_unit_test(an_id_reads_back_from_its_text),
        cmocka_unit_test(a_new_life_is_a_new_contact),
        cmocka_unit_test(a_token_proves_itself_and_a_changed_one_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
