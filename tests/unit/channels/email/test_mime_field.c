/* test_mime_field.c - parameters and names of files, as RFC 2231 has them and as they are met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/buf.h>

#include "email/mime_decode.h"
#include "email/mime_field.h"
#include "email/mime_text.h"

/* value NULL: there is no such parameter. */
static const struct {
    const char *field, *word, *name, *value;
} fields[] = {
    {"text/plain; charset=utf-8", "text/plain", "charset", "utf-8"},
    {"TEXT/Plain ; CHARSET = \"UTF-8\"", "text/plain", "charset", "UTF-8"},
    {"text/plain; charset=us-ascii (Plain text)", "text/plain", "charset", "us-ascii"},
    {"text/plain (hello) ; charset=x", "text/plain", "charset", "x"},
    {"text/plain charset=utf-8", "text/plain", "charset", "utf-8"},
    {"text/html; charset", "text/html", "charset", NULL},
    {"text/html;; charset=a;", "text/html", "charset", "a"},
    {"text/plain; charset=a format=flowed", "text/plain", "charset", "a"},
    {"text/plain; charset=a format=flowed", "text/plain", "format", "flowed"},
    {"text/plain; charset=\"a\" format=flowed", "text/plain", "format", "flowed"},
    {"text/plain; charset=\"a; format=flowed", "text/plain", "charset", "a"},
    {"text/plain; charset=\"a; format=flowed", "text/plain", "format", "flowed"},
    {"", "", "charset", NULL},
    {"=x", "", "charset", NULL},
    {"attachment; filename=two words.pdf", "attachment", "filename", "two words.pdf"},
    {"attachment; filename=report (1).pdf; size=1", "attachment", "filename", "report (1).pdf"},
    {"filename=\"a.pdf\"", "", "filename", "a.pdf"},
    {"attachment; filename=\"a \\\"b\\\".pdf\"", "attachment", "filename", "a \"b\".pdf"},
    {"attachment; filename=\"a \"b\" c.pdf\"; size=1", "attachment", "filename", "a \"b\" c.pdf"},
    {"attachment; filename=\"a;b.pdf\"", "attachment", "filename", "a;b.pdf"},
    {"attachment; filename=\"long\r\n name.pdf\"", "attachment", "filename", "long name.pdf"},
    /* RFC 2231 */
    {"a; n*=utf-8''%e2%82%ac.pdf", "a", "n", "€.pdf"},
    {"a; n*=iso-8859-1'de'%e4.pdf", "a", "n", "ä.pdf"},
    {"a; n=plain; n*=utf-8''%c3%a4", "a", "n", "ä"},
    {"a; n*0=a; n*1=b; n*2=c", "a", "n", "abc"},
    {"a; n*1=b; n*0=a; n*10=k; n*2=c", "a", "n", "abck"},
    {"a; n*0*=utf-8''%c3; n*1*=%a4; n*2=%20", "a", "n", "ä%20"},
    {"a; n*0*=utf-8''%c3%a4; n*2*=c", "a", "n", "äc"},
    {"a; n*=utf-8'%c3%a4", "a", "n", "ä"},
    {"a; n*=%c3%a4", "a", "n", "ä"},
    {"a; n*=don't 100%", "a", "n", "don't 100%"},
    {"a; n*=nonsense''%e4", "a", "n", "ä"},
    {"a; boundary*0=x; boundary*1=y", "a", "boundary", "xy"},
    /* encoded words where none may stand */
    {"a; n=\"=?utf-8?B?w6Q=?=.pdf\"", "a", "n", "ä.pdf"},
    {"a; n==?utf-8?Q?one=20x.pdf?=", "a", "n", "one x.pdf"},
    {"a; n=\"=?utf-8?Q?a_?=\r\n =?utf-8?Q?b?=\"", "a", "n", "a b"},
    {"a; n*0=\"=?utf-8?Q?ab\"; n*1=\"cd?=.pdf\"", "a", "n", "abcd.pdf"},
    {"a; n=\"=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=\"", "a", "n", "こん"},
    /* raw 8-bit */
    {"a; n=\"\xc3\xa4\"", "a", "n", "ä"},
    {"a; n=\"\xe4\"", "a", "n", "ä"},
};

static void parameters_are_read_as_they_are_met(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct arena a;
        struct mime_field f;
        arena_init(&a);
        mime_field_read(&a, str_c(fields[i].field), &f);
        struct str value = mime_field_param(&a, &f, fields[i].name, NULL);
        if (!str_is(f.word, fields[i].word) || !!value.p != !!fields[i].value ||
            !str_eq(value, str_c(fields[i].value)))
            fail_msg("%s: word %.*s, %s is %.*s", fields[i].field, STR_ARG(f.word), fields[i].name,
                     STR_ARG(value));
        arena_clear(&a);
    }
}

static void raw_8bit_is_in_the_charset_of_the_text(void **state) {
    struct arena a;
    struct mime_field f;
    (void)state;
    arena_init(&a);
    mime_field_read(&a, str_c("a; n=\"\xd0\xd2\"; m=\"\xc3\xa4\""), &f);
    assert_true(str_is(mime_field_param(&a, &f, "n", "koi8-r"), "пр"));
    assert_true(str_is(mime_field_param(&a, &f, "m", "koi8-r"), "ä"));
    arena_clear(&a);
}

static void names_of_files_do_no_harm(void **state) {
    static const struct {
        const char *given, *name;
    } cases[] = {{"a.pdf", "a.pdf"},
                 {"/etc/passwd", "passwd"},
                 {"C:\\dir\\file.pdf", "file.pdf"},
                 {"../../x", "x"},
                 {"..", ""},
                 {".htaccess", "htaccess"},
                 {"a\x01\x7f.pdf", "a  .pdf"},
                 {"x\xe2\x80\xae"
                  "fdp.exe",
                  "x fdp.exe"},
                 {"  a  ", "a"},
                 {"dir/", "dir"},
                 {"", ""}};
    struct arena a;
    (void)state;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str got = mime_file_name(&a, str_c(cases[i].given));
        if (!str_is(got, cases[i].name))
            fail_msg("%s gives %.*s", cases[i].given, STR_ARG(got));
    }
    char name[600];
    memset(name, 'x', sizeof name);
    memcpy(name + sizeof name - 5, ".docx", 5);
    struct str cut = mime_file_name(&a, str_make(name, sizeof name));
    assert_true(cut.n == 200 && str_ends(cut, str_c(".docx")));
    arena_clear(&a);
}

/* Each is a field whose parts could be looked at again and again. */
static void no_field_takes_more_passes_than_it_may_have_parameters(void **state) {
    static const char *const pieces[] = {"; a=\"",   "; a=b", ";", "\"(",
                                         "; a*0*=%", " a=(",  "=", "\\\""};
    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct arena a;
        struct buf value;
        struct mime_field f;
        arena_init(&a);
        buf_init(&value, 1 << 20);
        assert_true(buf_add_c(&value, "text/plain"));
        while (value.n < 64 * 1024)
            assert_true(buf_add_c(&value, pieces[i]));
        mime_field_read(&a, buf_str(&value), &f);
        assert_true(f.n <= MIME_PARAMS_MAX);
        assert_true(a.used_bytes < 1024 * 1024);
        (void)mime_field_param(&a, &f, "a", NULL);
        buf_clear(&value);
        arena_clear(&a);
    }
}

static void transfer_encodings_take_whatever_comes(void **state) {
    static const struct {
        const char *coding, *in, *out;
    } cases[] = {{"base64", "aGVsbG8=", "hello"},
                 {"BASE64 ", "aGVs bG8h\r\n!d29ybGQ", "hello!world"},
                 {"base64", "aGVsbG8=aGVsbG8=\r\naGk=", "hellohellohi"},
                 {"base64", "aGk=\r\n-- \r\nA list's footer, in words\r\naGk=", "hihi"},
                 {"(x) \"base64\"", "aGk", "hi"},
                 {"quoted-printable", "a=3D=3db", "a==b"},
                 {"Quoted-Printable; x", "a=XX=", "a=XX"},
                 {"quoted_printable", "soft=  \r\nend", "softend"},
                 {"quoted-printable", "a \t\r\nb=\n\nc", "a\r\nb\nc"},
                 {"quoted-printable", "=", ""},
                 {"x-uuencode", "begin 644 x\r\n#0V%T\r\n`\r\nend\r\nmore", "Cat"},
                 {"x-uuencode", "#0V%T\r\n`\r\n", "Cat"},
                 {"7bit", "a=3D", "a=3D"},
                 {"x-what", "a=3D", "a=3D"},
                 {"", "a", "a"}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        buf_init(&out, 1000);
        mime_decode(&out, str_c(cases[i].in), mime_coding_of(str_c(cases[i].coding)));
        if (!str_is(buf_str(&out), cases[i].out))
            fail_msg("%s: %s gives %.*s", cases[i].coding, cases[i].in, STR_ARG(buf_str(&out)));
        buf_clear(&out);
    }
    assert_int_equal(mime_coding_of(str_c("x-what")), MIME_CODING_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_read_as_they_are_met),
        cmocka_unit_test(raw_8bit_is_in_the_charset_of_the_text),
        cmocka_unit_test(names_of_files_do_no_harm),
        cmocka_unit_test(no_field_takes_more_passes_than_it_may_have_parameters),
        cmocka_unit_test(transfer_encodings_take_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
