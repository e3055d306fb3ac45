/* kit/jread.c, kit/jwrite.c and kit/fault.c: strict in, escaped out, faults with places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

enum { MAX = 1 << 20 };

static json_t *parse(const char *text) {
    json_t *v = NULL;
    struct fault f = {0};
    if (!jread_parse(str_c(text), MAX, &v, &f))
        fail_msg("%s: %s %s", text, f.place, f.reason);
    return v;
}

static void what_is_not_strictly_json_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        struct str text;
        const char *place; /* NULL: anywhere */
    } cases[] = {
        {STR(""), "1:1"},
        {STR("   "), NULL},
        {STR("{"), "1:1"},
        {STR("{\"a\":1,}"), NULL},
        {STR("[1,2"), NULL},
        {STR("{\"a\":1,\n \"a\":2}"), NULL},
        {STR("{'a':1}"), NULL},
        {STR("{\"a\":1} x"), NULL},
        {STR("{}{}"), NULL},
        {STR("[1e999]"), NULL},
        {STR("[9223372036854775808]"), NULL},
        {STR("[NaN]"), NULL},
        {STR("[Infinity]"), NULL},
        {STR("[01]"), NULL},
        {STR("[+1]"), NULL},
        {STR("[1.]"), NULL},
        {STR("[\"\\u0000\"]"), NULL},
        {STR("{\"a\\u0000b\":1}"), NULL},
        {STR("[\"\\ud800\"]"), NULL},
        {STR("[\"\\udc00\\ud800\"]"), NULL},
        {STR("[\"\xff\"]"), NULL},
        {STR("[\"\xc0\xaf\"]"), NULL},
        {STR("[\"\xed\xa0\x80\"]"), NULL},
        {STR("[\"a\nb\"]"), NULL},
        {STR("[\"a\0b\"]"), NULL},
        {STR("{}\0"), NULL},
        {STR("// c\n{}"), NULL},
        {STR("{\n  \"a\": tru\n}"), "2:10"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v = NULL;
        struct fault f = {0};
        if (jread_parse(cases[i].text, MAX, &v, &f))
            fail_msg("taken: %s", cases[i].text.p);
        assert_null(v);
        assert_int_equal(f.kind, FAULT_INPUT);
        assert_true(strchr(f.place, ':') && f.reason[0]);
        if (cases[i].place)
            assert_string_equal(f.place, cases[i].place);
    }
}

static void a_refusal_never_echoes_the_input(void **state) {
    (void)state;
    json_t *v;
    struct fault f = {0};
    assert_false(jread_parse(str_c("{\"a\": secretword}"), MAX, &v, &f));
    assert_null(strstr(f.reason, "secret"));
    assert_false(jread_parse(str_c("{\"secretword\":1,\"secretword\":2}"), MAX, &v, &f));
    assert_null(strstr(f.reason, "secret"));
    assert_string_equal(f.reason, "a key stands twice in one object");
}

static void depth_ends_at_64_and_size_where_the_caller_says(void **state) {
    (void)state;
    char text[3 * 64 + 10];
    json_t *v;
    struct fault f = {0};
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_true(jread_parse(str_make(text, 128), MAX, &v, &f));
    json_decref(v);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_false(jread_parse(str_make(text, 130), MAX, &v, &f));
    assert_string_equal(f.place, "1:65");
    /* Brackets in strings are no depth. */
    memset(text, '[', 100);
    text[0] = '"';
    text[1] = '\\';
    text[2] = '"';
    text[99] = '"';
    assert_true(jread_parse(str_make(text, 100), MAX, &v, &f));
    json_decref(v);
    assert_false(jread_parse(str_c("[1,2]"), 4, &v, &f));
    assert_true(jread_parse(str_c("[1,2]"), 5, &v, &f));
    json_decref(v);
}

static void a_byte_order_mark_is_skipped(void **state) {
    (void)state;
    json_t *v = parse("\xef\xbb\xbf{\"a\":1}");
    assert_int_equal(jget_int(v, "a", 0), 1);
    json_decref(v);
}

static void members_are_read_by_type_and_faults_point_at_them(void **state) {
    (void)state;
    json_t *v = parse("{\"s\":\"x\",\"n\":null,\"i\":7,\"r\":7.0,\"h\":7.5,\"b\":true,\"a/~b\":1}");
    struct fault f = {0};
    struct str s;
    int64_t i;
    bool b;
    assert_true(jread_str(v, "s", "/p", &s, &f) && str_is(s, "x"));
    assert_true(jread_str(v, "n", "/p", &s, &f) && !s.p);
    assert_true(jread_str(v, "absent", "/p", &s, &f) && !s.p);
    assert_true(jread_int(v, "i", "", 3, &i, &f) && i == 7);
    assert_true(jread_int(v, "r", "", 3, &i, &f) && i == 7);
    assert_true(jread_int(v, "n", "", 3, &i, &f) && i == 3);
    assert_true(jread_bool(v, "b", "", false, &b, &f) && b);
    assert_true(jread_bool(v, "n", "", true, &b, &f) && b);
    assert_false(jread_int(v, "h", "/p", 3, &i, &f));
    assert_string_equal(f.place, "/p/h");
    assert_string_equal(f.reason, "must be a whole number");
    assert_false(jread_str(v, "a/~b", "", &s, &f));
    assert_string_equal(f.place, "/a~1~0b");
    assert_false(jread_bool(v, "s", "", false, &b, &f));
    assert_true(str_is(jget_str(v, "s"), "x") && !jget_str(v, "i").p);
    assert_true(jget_int(v, "s", -1) == -1 && jget_bool(v, "b", false));
    assert_true(jget_bool(NULL, "b", true) && !jget_str(NULL, "s").p);
    json_decref(v);
}

static void pointers_lead_where_rfc_6901_says(void **state) {
    (void)state;
    json_t *v =
        parse("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\"o\":{\"p\":{\"q\":5}}}");
    assert_ptr_equal(jread_at(v, str_c("")), v);
    assert_string_equal(json_string_value(jread_at(v, str_c("/foo/0"))), "bar");
    assert_int_equal(json_integer_value(jread_at(v, str_c("/"))), 0);
    assert_int_equal(json_integer_value(jread_at(v, str_c("/a~1b"))), 1);
    assert_int_equal(json_integer_value(jread_at(v, str_c("/m~0n"))), 8);
    assert_int_equal(json_integer_value(jread_at(v, str_c("/o/p/q"))), 5);
    static const char *const nowhere[] = {"foo",     "/foo/2",  "/foo/-",
                                          "/foo/00", "/foo/01", "/x",
                                          "/foo/0/", "/a~2b",   "/foo/1000000000000",
                                          "/foo/x"};
    for (size_t i = 0; i < COUNT(nowhere); i++)
        assert_null(jread_at(v, str_c(nowhere[i])));
    assert_int_equal(json_integer_value(jread_path(v, str_c("o.p.q"))), 5);
    assert_null(jread_path(v, str_c("o.x.q")));
    assert_null(jread_path(v, str_c("foo.0")));
    json_decref(v);
}

static void what_is_dumped_reads_back_the_same(void **state) {
    (void)state;
    const char *text = "{\"a\":[1,-9223372036854775808,0.1,1e+300,5e-324,1.0,true,false,null,"
                       "\"\\u007f\\u2028\xc3\x9f\"],\"\":{},\"z\":[]}";
    json_t *v = parse(text);
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1000);
    assert_true(jread_dump(&b, v));
    assert_string_equal(buf_c(&b),
                        "{\"a\":[1,-9223372036854775808,0.1,1e+300,4.94065645841247e-324,"
                        "1.0,true,false,null,\"\\u007f\\u2028\xc3\x9f\"],\"\":{},\"z\":[]}");
    json_t *again = parse(buf_c(&b));
    assert_true(json_equal(v, again));
    cleanup(buf_clear) struct buf small;
    buf_init(&small, 20);
    assert_false(jread_dump(&small, v));
    assert_int_equal(small.n, 0);
    json_decref(v);
    json_freep(&again);
    assert_null(again);
}

static void strings_of_ours_become_valid_json_whatever_they_hold(void **state) {
    (void)state;
    json_t *v = jstr((struct str)STR("a\xff\0b"));
    assert_string_equal(json_string_value(v), "a\xef\xbf\xbd\xef\xbf\xbd"
                                              "b");
    json_decref(v);
    assert_true(json_is_null(jstr(STR_NONE)));
}

static void the_writer_puts_commas_keys_and_nulls(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 1000);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "s", str_c("x\"y"));
    jwrite_str(&w, "bad", (struct str)STR("\xff"));
    jwrite_c(&w, "none", NULL);
    jwrite_int(&w, "i", INT64_MIN);
    jwrite_bool(&w, "b", false);
    jwrite_open(&w, "list", '[');
    jwrite_open(&w, NULL, '{');
    jwrite_close(&w, '}');
    jwrite_int(&w, NULL, 1);
    jwrite_raw(&w, NULL, str_c("{\"r\":1}"));
    jwrite_close(&w, ']');
    jwrite_time(&w, "at", 1795420800000);
    jwrite_time(&w, "never", -1);
    jwrite_null(&w, "z");
    jwrite_close(&w, '}');
    assert_true(w.ok);
    assert_string_equal(buf_c(&b),
                        "{\"s\":\"x\\\"y\",\"bad\":\"\xef\xbf\xbd\",\"none\":null,"
                        "\"i\":-9223372036854775808,\"b\":false,\"list\":[{},1,{\"r\":1}],"
                        "\"at\":\"2026-11-23T08:00:00.000Z\",\"never\":null,\"z\":null}");
}

static void a_full_buffer_shows_at_the_end(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 12);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "long", "0123456789");
    jwrite_int(&w, "i", 1);
    jwrite_close(&w, '}');
    assert_false(w.ok);
}

static void a_fault_shows_no_bytes_that_do_not_print(void **state) {
    (void)state;
    struct fault f = {0};
    assert_false(fault_set(&f, FAULT_INPUT, "/a\nb", "got %s", "x\r\x1b[31m\xff\xc3\x9f"));
    assert_string_equal(f.place, "/a?b");
    assert_string_equal(f.reason, "got x??[31m?\xc3\x9f");
    assert_false(fault_set(NULL, FAULT_INPUT, "", "nobody"));
    char big[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_false(fault_set(&f, FAULT_STATE, big, "%s", big));
    assert_int_equal(strlen(f.place), FAULT_PLACE_MAX - 1);
    assert_int_equal(strlen(f.reason), FAULT_REASON_MAX - 1);
    for (size_t i = 0; i + 2 < sizeof big; i += 2)
        memcpy(big + i, "\xc3\x9f", 2);
    assert_false(fault_set(&f, FAULT_STATE, "", "x%s", big));
    assert_true(utf8_valid(str_c(f.reason)));
    errno = ENOENT;
    assert_false(fault_sys(&f, "open", "spool"));
    assert_int_equal(f.error, ENOENT);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(f.reason, "spool: No such file or directory");
}

static void a_fault_list_counts_what_it_cannot_hold(void **state) {
    (void)state;
    struct fault_list l;
    fault_list_init(&l, 2);
    for (int i = 0; i < 5; i++)
        assert_false(fault_list_set(&l, FAULT_INPUT, "/x", "%d", i));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.dropped, 3);
    assert_string_equal(l.items[1].reason, "1");
    fault_list_clear(&l);
    assert_int_equal(l.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_strictly_json_is_refused_with_its_place),
        cmocka_unit_test(a_refusal_never_echoes_the_input),
        cmocka_unit_test(depth_ends_at_64_and_size_where_the_caller_says),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(members_are_read_by_type_and_faults_point_at_them),
        cmocka_unit_test(pointers_lead_where_rfc_6901_says),
        cmocka_unit_test(what_is_dumped_reads_back_the_same),
        cmocka_unit_test(strings_of_ours_become_valid_json_whatever_they_hold),
        cmocka_unit_test(the_writer_puts_commas_keys_and_nulls),
        cmocka_unit_test(a_full_buffer_shows_at_the_end),
        cmocka_unit_test(a_fault_shows_no_bytes_that_do_not_print),
        cmocka_unit_test(a_fault_list_counts_what_it_cannot_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
