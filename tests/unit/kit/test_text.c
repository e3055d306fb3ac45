/* kit/utf8.c, kit/base64.c, kit/csv.c, kit/urlencoded.c: tables of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/csv.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

#define R "\xef\xbf\xbd"

static void bad_utf8_is_mended_as_browsers_do(void **state) {
    (void)state;
    /* The replacements of WHATWG's decoder (also Unicode 3.9, tables 3-8 to 3-11). */
    static const struct {
        struct str in;
        const char *out;
        bool valid;
    } cases[] = {
        {STR(""), "", true},
        {STR("abc"), "abc", true},
        {STR("Wei\xc3\x9f"), "Wei\xc3\x9f", true},
        {STR("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf", true},
        {STR("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), R R R R R R R R "A", false},
        {STR("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), R R R R R R R R "A", false},
        {STR("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), R R R R R "A" R R "B", false},
        {STR("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), R R R R "A", false},
        {STR("a\xe2\x82"), "a" R, false},
        {STR("\xc3"), R, false},
        {STR("\xf5\x80\x80\x80"), R R R R, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 100);
        assert_true(utf8_mend(&b, cases[i].in));
        assert_string_equal(buf_c(&b), cases[i].out);
        assert_int_equal(utf8_valid(cases[i].in), cases[i].valid);
        assert_true(utf8_valid(buf_str(&b)));
    }
}

static void a_nul_is_mended_too(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 100);
    assert_true(utf8_mend(&b, (struct str)STR("a\0b")));
    assert_string_equal(buf_c(&b), "a" R "b");
    assert_true(utf8_valid((struct str)STR("a\0b"))); /* well-formed all the same */
}

static void mending_into_too_little_room_adds_nothing(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 6);
    assert_true(buf_add_c(&b, "ab"));
    assert_false(utf8_mend(&b, str_c("c\xff"
                                     "d")));
    assert_string_equal(buf_c(&b), "ab");
    assert_true(utf8_mend(&b, str_c("c\xff")));
    assert_string_equal(buf_c(&b), "abc" R);
}

static void every_code_point_survives_writing_and_reading(void **state) {
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 97) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 4);
        assert_true(utf8_add(&b, c));
        const char *p = b.p;
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        assert_int_equal(utf8_next(&p, b.p + b.n), surrogate ? 0xfffd : c);
        assert_ptr_equal(p, b.p + b.n);
    }
}

static void reading_bad_bytes_moves_one_at_a_time(void **state) {
    (void)state;
    const char bad[] = "\xe1\x80", *p = bad;
    assert_int_equal(utf8_next(&p, bad + 2), 0xfffd);
    assert_ptr_equal(p, bad + 1);
}

static void a_cut_never_goes_through_a_character(void **state) {
    (void)state;
    struct str s = STR("a\xe2\x82\xac\xf0\x9f\x98\x80");
    static const size_t lengths[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 8};
    for (size_t n = 0; n < COUNT(lengths); n++)
        assert_int_equal(utf8_upto(s, n).n, lengths[n]);
}

static void one_line_has_no_controls_and_turns_no_text_around(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 100);
    assert_true(utf8_one_line(&b, str_c("a\r\nBcc: b\t\x7f\xc2\x85"
                                        "c\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6\xe2\x81\xa9"
                                        "d\xff\xc3\x9f")));
    assert_string_equal(buf_c(&b), "a  Bcc: b   c    d" R "\xc3\x9f");
}

static void base64_follows_the_vectors_of_rfc_4648(void **state) {
    (void)state;
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t i = 0; i < COUNT(plain); i++) {
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 16);
        assert_true(base64_encode(&b, str_c(plain[i])));
        assert_string_equal(buf_c(&b), coded[i]);
        buf_reset(&b);
        assert_true(base64_decode(&b, str_c(coded[i]), false));
        assert_string_equal(buf_c(&b), plain[i]);
        buf_reset(&b);
        size_t bare = strcspn(coded[i], "=");
        assert_int_equal(base64_decode(&b, str_make(coded[i], bare), false), bare % 4 == 0);
        buf_reset(&b);
        assert_true(base64_decode(&b, str_make(coded[i], bare), true));
        assert_string_equal(buf_c(&b), plain[i]);
    }
}

static void both_alphabets_of_base64_are_read(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 16);
    assert_true(base64url_encode(&b, str_c("\xfb\xff\xfe\xfb")));
    assert_string_equal(buf_c(&b), "-__--w");
    buf_reset(&b);
    assert_true(base64_decode(&b, str_c("-__--w"), true));
    assert_string_equal(buf_c(&b), "\xfb\xff\xfe\xfb");
    buf_reset(&b);
    assert_true(base64_decode(&b, str_c("+//++w=="), false));
    assert_string_equal(buf_c(&b), "\xfb\xff\xfe\xfb");
}

static void broken_base64_is_refused_and_adds_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {"Z", "Zg=",  "Zg===", "Zg==Zg==", "Zm 9v",   "Zm9v\n",
                                      "=", "====", "Zm=v",  "Z===",     "Zm9\xff", "Zm8=="};
    for (size_t i = 0; i < COUNT(bad); i++)
        for (int lenient = 0; lenient < 2; lenient++) {
            cleanup(buf_clear) struct buf b;
            buf_init(&b, 100);
            assert_true(buf_add_c(&b, "x"));
            assert_false(base64_decode(&b, str_c(bad[i]), lenient));
            assert_string_equal(buf_c(&b), "x");
        }
}

static void csv_records_split_as_asterisk_writes_them(void **state) {
    (void)state;
    static const struct {
        const char *line, *joined; /* fields with '|' after each; NULL: refused */
    } cases[] = {
        {"", "|"},
        {"a,b,c", "a|b|c|"},
        {",,", "|||"},
        {"\"a,b\",c", "a,b|c|"},
        {"\"\"\"Anna\"\" <100>\",\"100\",,5", "\"Anna\" <100>|100||5|"},
        {"\"\",\"\"", "||"},
        {"a\"b,c", "a\"b|c|"},
        {"\"line\nbreak\",x", "line\nbreak|x|"},
        {"\"open", NULL},
        {"\"open\"\"", NULL},
        {"\"a\"b,c", NULL},
        {"1,2,3,4,5,6,7,8,9", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(arena_clear) struct arena a;
        struct str out[8];
        size_t n;
        arena_init(&a);
        bool ok = csv_split(&a, str_c(cases[i].line), ',', out, COUNT(out), &n);
        assert_int_equal(ok, cases[i].joined != NULL);
        if (!ok)
            continue;
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 1000);
        for (size_t k = 0; k < n; k++)
            assert_true(buf_addf(&b, "%.*s|", STR_ARG(out[k])));
        assert_string_equal(buf_c(&b), cases[i].joined);
    }
}

static void forms_decode_as_the_url_standard_says(void **state) {
    (void)state;
    static const struct {
        const char *body, *joined;
    } cases[] = {
        {"", ""},
        {"a=1&b=2", "a=1;b=2;"},
        {"&&a=1&&", "a=1;"},
        {"a", "a=;"},
        {"=x", "=x;"},
        {"a=b=c", "a=b=c;"},
        {"na+me=J%C3%BCrgen+W%2b", "na me=J\xc3\xbcrgen W+;"},
        {"a=%zz%4&b=%", "a=%zz%4;b=%;"},
        {"a=%ff%C3", "a=" R R ";"},
        {"a=%00", "a=" R ";"},
        {"a;b=1", "a;b=1;"},
        {"a=1&a=2", "a=1;a=2;"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(arena_clear) struct arena a;
        cleanup(buf_clear) struct buf b;
        struct pair out[4];
        size_t n;
        arena_init(&a);
        buf_init(&b, 1000);
        assert_true(urlencoded_parse(&a, str_c(cases[i].body), out, COUNT(out), &n, NULL));
        for (size_t k = 0; k < n; k++)
            assert_true(buf_addf(&b, "%.*s=%.*s;", STR_ARG(out[k].name), STR_ARG(out[k].value)));
        assert_string_equal(buf_c(&b), cases[i].joined);
    }
}

static void a_form_of_too_many_fields_is_refused(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    struct pair out[2];
    size_t n = 99;
    struct fault f = {0};
    arena_init(&a);
    assert_false(urlencoded_parse(&a, str_c("a=1&b=2&c=3"), out, 2, &n, &f));
    assert_int_equal(f.kind, FAULT_INPUT);
    assert_int_equal(n, 99);
    assert_true(urlencoded_parse(&a, str_c("a=1&b=2&"), out, 2, &n, &f));
}

static void percent_coding_is_strict_and_goes_both_ways(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1000);
    assert_true(percent_encode(&b, str_c("a b/c~d+\xc3\x9f%")));
    assert_string_equal(buf_c(&b), "a%20b%2Fc~d%2B%C3%9F%25");
    cleanup(buf_clear) struct buf back;
    buf_init(&back, 1000);
    assert_true(percent_decode(&back, buf_str(&b)));
    assert_string_equal(buf_c(&back), "a b/c~d+\xc3\x9f%");
    static const char *const bad[] = {"%", "%4", "%zz", "a%00b", "%%41"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        buf_reset(&back);
        assert_false(percent_decode(&back, str_c(bad[i])));
        assert_string_equal(buf_c(&back), "");
    }
    assert_true(percent_decode(&back, str_c("a+b")));
    assert_string_equal(buf_c(&back), "a+b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_utf8_is_mended_as_browsers_do),
        cmocka_unit_test(a_nul_is_mended_too),
        cmocka_unit_test(mending_into_too_little_room_adds_nothing),
        cmocka_unit_test(every_code_point_survives_writing_and_reading),
        cmocka_unit_test(reading_bad_bytes_moves_one_at_a_time),
        cmocka_unit_test(a_cut_never_goes_through_a_character),
        cmocka_unit_test(one_line_has_no_controls_and_turns_no_text_around),
        cmocka_unit_test(base64_follows_the_vectors_of_rfc_4648),
        cmocka_unit_test(both_alphabets_of_base64_are_read),
        cmocka_unit_test(broken_base64_is_refused_and_adds_nothing),
        cmocka_unit_test(csv_records_split_as_asterisk_writes_them),
        cmocka_unit_test(forms_decode_as_the_url_standard_says),
        cmocka_unit_test(a_form_of_too_many_fields_is_refused),
        cmocka_unit_test(percent_coding_is_strict_and_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
