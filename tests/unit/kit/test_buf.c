/* kit/buf.c, kit/arena.c, kit/own.c: ceilings, and memory freed whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>

static void an_addition_beyond_the_ceiling_is_refused_whole(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 8);
    assert_true(buf_add_c(&b, "12345"));
    assert_false(buf_add_c(&b, "6789"));
    assert_false(buf_addf(&b, "%d", 6789));
    assert_string_equal(buf_c(&b), "12345");
    assert_true(buf_add_c(&b, "678"));
    assert_false(buf_add_byte(&b, '9'));
    assert_int_equal(b.n, 8);
    assert_string_equal(buf_c(&b), "12345678");
}

static void a_buffer_without_room_takes_nothing_but_nothing(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 0);
    assert_true(buf_add(&b, str_make("", 0)));
    assert_false(buf_add_byte(&b, 'x'));
    assert_string_equal(buf_c(&b), "");
}

static void consumed_bytes_make_room_again(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 4);
    assert_true(buf_add_c(&b, "abcd"));
    buf_consume(&b, 3);
    assert_string_equal(buf_c(&b), "d");
    assert_true(buf_add_c(&b, "efg"));
    assert_string_equal(buf_c(&b), "defg");
    buf_reset(&b);
    assert_string_equal(buf_c(&b), "");
}

static void reserved_room_counts_once_committed(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1000);
    char *at = buf_reserve(&b, 600);
    assert_non_null(at);
    memset(at, 'x', 600);
    assert_int_equal(b.n, 0);
    buf_commit(&b, 600);
    assert_int_equal(b.n, 600);
    assert_int_equal(b.p[600], 0);
    assert_null(buf_reserve(&b, 401));
    assert_non_null(buf_reserve(&b, 400));
}

static void stolen_bytes_end_in_a_nul_and_leave_the_buffer_empty(void **state) {
    (void)state;
    struct buf b;
    size_t n;
    buf_init(&b, 16);
    assert_true(buf_add_c(&b, "mine"));
    char *p = buf_steal(&b, &n);
    assert_string_equal(p, "mine");
    assert_int_equal(n, 4);
    assert_int_equal(b.n, 0);
    free(p);
    p = buf_steal(&b, NULL); /* of an empty one, too */
    assert_string_equal(p, "");
    free(p);
    buf_clear(&b);
}

static void json_strings_escape_what_json_and_script_need(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\""},
        {"Wei\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "\"Wei\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"a\xe2\x80\xa8\xe2\x80\xa9z", "\"a\\u2028\\u2029z\""},
        {"\xe2\x80\xa7", "\"\xe2\x80\xa7\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 100);
        assert_true(buf_add_json(&b, str_c(cases[i].in)));
        assert_string_equal(buf_c(&b), cases[i].out);
    }
}

static void a_json_string_that_does_not_fit_leaves_nothing_behind(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 8);
    assert_true(buf_add_c(&b, "ab"));
    assert_false(buf_add_json(&b, str_c("cd\nef"))); /* 8 bytes with its quotes */
    assert_string_equal(buf_c(&b), "ab");
    assert_true(buf_add_json(&b, str_c("cd\n")));
    assert_string_equal(buf_c(&b), "ab\"cd\\n\"");
}

static void arena_memory_is_zeroed_aligned_and_counted(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = arena_new(&a, n);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
            p[i] = 0xff;
        }
    }
    assert_true(a.used_bytes >= 300 * 299 / 2);
    memset(arena_new(&a, 1 << 20), 1, 1 << 20);
    arena_clear(&a);
    assert_int_equal(a.used_bytes, 0);
    arena_clear(&a);
}

static void arena_strings_keep_absence_and_end_in_a_nul(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    assert_null(arena_str(&a, STR_NONE).p);
    struct str empty = arena_str(&a, str_make("x", 0));
    assert_non_null(empty.p);
    assert_string_equal(empty.p, "");
    assert_string_equal(arena_str(&a, str_make("abcdef", 3)).p, "abc");
    struct str s = arena_strf(&a, "%s-%d", "n", 42);
    assert_string_equal(s.p, "n-42");
    assert_int_equal(s.n, 4);
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_addition_beyond_the_ceiling_is_refused_whole),
        cmocka_unit_test(a_buffer_without_room_takes_nothing_but_nothing),
        cmocka_unit_test(consumed_bytes_make_room_again),
        cmocka_unit_test(reserved_room_counts_once_committed),
        cmocka_unit_test(stolen_bytes_end_in_a_nul_and_leave_the_buffer_empty),
        cmocka_unit_test(json_strings_escape_what_json_and_script_need),
        cmocka_unit_test(a_json_string_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_counted),
        cmocka_unit_test(arena_strings_keep_absence_and_end_in_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
