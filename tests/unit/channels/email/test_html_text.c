/* test_html_text.c - what a person reads of HTML; crafted HTML takes no longer than its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "email/html_entity.h"
#include "email/html_text.h"

static const struct {
    const char *html, *text;
} cases[] = {
    {"<p>Hello <b>world</b></p><p>again</p>", "Hello world\n\nagain"},
    {"a<br>b<br/>c<br><br>d", "a\nb\nc\n\nd"},
    {"<div>a</div><div><br></div><div>b</div>", "a\n\nb"},
    {"  a \n\t b  ", "a b"},
    {"<pre>a\n  b</pre>c", "a\n  b\nc"},
    {"<ul><li>one<li>two</ul>", "* one\n* two"},
    {"<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"},
    {"On Monday wrote:<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d",
     "On Monday wrote:\n> a\n> b\n>> c\nd"},
    {"<a href=\"https://x.y/z\">here</a>.", "here <https://x.y/z>."},
    {"<a href='https://x.y/'>https://x.y/</a>", "https://x.y/"},
    {"<a href='javascript:alert(1)'>here</a>", "here"},
    {"<img alt='a &amp; b' src=x>", "a & b"},
    {"x<hr>y", "x\n________________________________\ny"},
    {"&lt;b&gt; &auml;&#228;&#xE4;&#128;&nbsp;&nope; &#0; &amp", "<b> äää€ &nope; \xef\xbf\xbd &"},
    {"a<script>if (a<b) '</p>' </script>b", "ab"},
    {"a<style>p { x: y }</style >b", "ab"},
    {"<title>t</title><!-- a > b --><!doctype html><?xml x?>c", "c"},
    {"<div style='Display : NONE'>hid<div>den</div></div>shown", "shown"},
    {"<span hidden>x</span>y<input hidden>z", "yz"},
    {"a <3 b < c", "a <3 b < c"},
    {"<a b='>'>x</a><scr<script>ipt>y", "xipt>y"},
    {"<svg><style><img src=x onerror=1></style></svg>z", "z"},
    {"x<unclosed", "x"},
    {"x<b title=\"never closed>y", "xy"},
    {"<a href='mailto:j@w.de?subject=x'>Jana</a> <a href='mailto:j@w.de'>j@w.de</a>",
     "Jana <j@w.de> j@w.de"},
    {"<div style='font: a, b, c, d; ddisplay : none'>x</div>a<p style='mso-hide : all;'>b</p>c",
     "ac"},
    {"a<p style='display:none'>never closed<b>b</b>", "anever closedb"},
    {"<iframe><p>x</iframe>y", "y"},
    {"<img alt = \"a > b\" src=x>", "a > b"},
    {"\xd9\x85\xdb\x8c&zwnj;\xd8\xae", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"},
    {"Hi&zwnj;&nbsp;&zwnj;&zwnj;x&commat;y", "Hi x@y"},
    {"a\xe2\x80\x8b"
     "b\xc2\xad",
     "ab"},
    {"", ""},
};

static void html_becomes_the_text_that_is_seen(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out;
        buf_init(&out, 1 << 16);
        html_text(&out, str_c(cases[i].html));
        if (!str_is(buf_str(&out), cases[i].text))
            fail_msg("%s\n gives    %s\n expected %s", cases[i].html, buf_c(&out), cases[i].text);
        buf_clear(&out);
    }
}

static void a_full_buffer_only_cuts(void **state) {
    struct buf out;
    (void)state;
    buf_init(&out, 10);
    html_text(&out, str_c("<p>\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"));
    assert_true(str_is(buf_str(&out), "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"));
    buf_clear(&out);
}

static void a_hundred_thousand_of_anything_take_no_time(void **state) {
    static const char *const pieces[] = {"<div>",        "</div>",     "<a href='http://x/'>t",
                                         "<style>",      "<!--",       "<a b='",
                                         "<blockquote>", "&amp",       "<",
                                         "<li>",         "<p hidden>", "<pre>\n",
                                         "</a>",         "<x y=\"z ",  "a=b "};
    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct buf html, out;
        buf_init(&html, 4 << 20);
        buf_init(&out, 1 << 20);
        assert_true(buf_add_c(&html, "<a "));
        for (int n = 0; n < 100000; n++)
            assert_true(buf_add_c(&html, pieces[i]));
        clock_t begun = clock();
        html_text(&out, buf_str(&html));
        if (clock() - begun > CLOCKS_PER_SEC)
            fail_msg("%s: %ld ms", pieces[i], (long)((clock() - begun) * 1000 / CLOCKS_PER_SEC));
        buf_clear(&html);
        buf_clear(&out);
    }
}

static void the_charset_of_a_meta_is_found(void **state) {
    (void)state;
    assert_true(str_is(
        html_charset(str_c("<meta http-equiv=x content='text/html; charset=koi8-r'>")), "koi8-r"));
    assert_true(str_is(html_charset(str_c("<META CHARSET=\"utf-8\">")), "utf-8"));
    assert_null(html_charset(str_c("<p>no")).p);
}

static void every_entity_is_found_by_its_name(void **state) {
    uint32_t c;
    (void)state;
    assert_int_equal(html_entity(str_c("&zwnj;"), &c), 6);
    assert_int_equal(c, 0x200C);
    assert_int_equal(html_entity(str_c("&AElig;"), &c), 7);
    assert_int_equal(c, 0xC6);
    assert_int_equal(html_entity(str_c("&ampx"), &c), 0);
    assert_int_equal(html_entity(str_c("&#xFFFFFFFFF;"), &c), 13);
    assert_int_equal(c, 0xFFFD);
    assert_int_equal(html_entity(str_c("&"), &c), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_becomes_the_text_that_is_seen),
        cmocka_unit_test(a_full_buffer_only_cuts),
        cmocka_unit_test(a_hundred_thousand_of_anything_take_no_time),
        cmocka_unit_test(the_charset_of_a_meta_is_found),
        cmocka_unit_test(every_entity_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
