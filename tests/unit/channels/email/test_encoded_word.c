/* test_encoded_word.c - encoded words, charsets and flowed text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include <touchline/kit/buf.h>

#include "email/charset.h"
#include "email/encoded_word.h"
#include "email/text_flow.h"

static const struct {
    const char *in, *out;
} words[] = {
    {"plain", "plain"},
    {"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
    {"a =?utf-8?q?b?= c", "a b c"},
    {"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
    {"=?utf-8?Q?a_?=\t=?iso-8859-1?Q?=FC?=", "a ü"},
    {"=?utf-8?B?ww==?= =?UTF-8?B?nw==?=", "ß"},
    {"=?utf-8*de?Q?a?=", "a"},
    {"=?utf-8?B?YQ?=", "a"},
    {"=?utf-8?B?Y!W-E=?=", "aa"},
    {"=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "こん"},
    {"=?x-nonsense?Q?=FC?=", "ü"},
    {"=?utf-8?Q?two words?=", "two words"},
    {"=?utf-8?X?a?= =?utf-8?Q?", "=?utf-8?X?a?= =?utf-8?Q?"},
    {"=?utf-8?Q?=4?=", "=4"},
    {"=?utf-8?Q?"
     "?=x",
     "x"},
    {"1=2=3", "1=2=3"},
    {"=?utf-8?Q?Hello_World", "Hello World"}, /* the end got lost */
    {"=?utf-8?B?SGVsbG8=?", "Hello"},
    {"=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
    {"x=?utf-8?Q?=C3=BC?=y", "xüy"},
    {"\"=?utf-8?Q?=C3=BC?=\" z", "\"ü\" z"},
    {"=?utf-8?Q?really?=3F_yes?=", "really?? yes"},
    {"=?gb2312?B?xOO6w7XEysfN+A==?=", "你好的是网"},
    {"=?ks_c_5601-1987?B?sKE=?=", "가"},
    {"=?iso-2022-jp?B?GyRCJDM=?= =?iso-2022-jp?B?JHMbKEI=?=", "こん"},
    {"=?windows-1252?Q?=93x=94?=", "“x”"},
    {"=?utf-8?B?SGVs?= =?utf-8?B?bG8=?= there", "Hello there"},
    {"=?UTF-8?B?YSA=?=\t=?UTF-8?B?YiA=?=  =?UTF-8?Q?c?=", "a b c"},
    {"", ""},
};

static void encoded_words_are_decoded(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        struct arena a;
        arena_init(&a);
        struct str got = encoded_words(&a, str_c(words[i].in));
        if (!str_is(got, words[i].out))
            fail_msg("%s gives %.*s, expected %s", words[i].in, STR_ARG(got), words[i].out);
        arena_clear(&a);
    }
}

static void many_words_take_no_time(void **state) {
    static const char *const pieces[] = {"=?utf-8?Q?a?= ",
                                         "=?",
                                         "=?x?Q?",
                                         "=?utf-8?B?/",
                                         "=?a?q?"
                                         "?=",
                                         "="};
    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct arena a;
        struct buf text;
        arena_init(&a);
        buf_init(&text, 2 << 20);
        while (text.n < 64 * 1024)
            assert_true(buf_add_c(&text, pieces[i]));
        clock_t begun = clock();
        encoded_words(&a, buf_str(&text));
        assert_true(clock() - begun < CLOCKS_PER_SEC);
        buf_clear(&text);
        arena_clear(&a);
    }
}

static void charsets_are_what_people_mean_by_them(void **state) {
    static const struct {
        const char *bytes, *charset, *text;
        bool known;
    } cases[] = {
        {"\x93x\x94", "iso-8859-1", "“x”", true},
        {"Gr\xc3\xbc", "us-ascii", "Grü", true},
        {"Gr\xfc", "us-ascii", "Grü", true},
        {"Gr\xfc", NULL, "Grü", true},
        {"\xc3\xa4\xff z", "utf-8", "ä\xef\xbf\xbd z", true},
        {"Gr\xfc\xdf"
         "e an alle",
         "utf-8", "Grüße an alle", true},          /* said so, and is Latin */
        {"a\xc3", "utf-8", "a\xef\xbf\xbd", true}, /* cut off */
        {"\xef\xbb\xbfx", "utf-8", "x", true},
        {"Gr\xc3\xbc", "uft-8", "Grü", true},
        {"Gr\xc3\xbc", "'UTF8'", "Grü", true},
        {"Gr\xc3\xbc", "utf-8; format=flowed", "Grü", true},
        {"\xe4", "ISO_8859-1:1987", "ä", true},
        {"\x80", "latin1", "€", true},
        {"\xa4", "ISO-8859-15", "€", true},
        {"\xb1", "iso 8859-2", "ą", true},
        {"\xb1", "L2", "ą", true},
        {"\xe0", "iso-8859-8-i", "א", true},
        {"\xe1", "windows1251", "б", true},
        {"\xe1", "cp-1251", "б", true},
        {"\xe1", "x-cp1251", "б", true},
        {"\xc1", "koi8", "а", true},
        {"\xfd", "iso-8859-9", "ı", true},
        {"\xa1", "tis-620", "ก", true},
        {"\x82\xa0", "x-sjis", "あ", true},
        {"\xa4\xa2", "x-euc-jp", "あ", true},
        {"\xad\xa1", "euc-jp", "①", true},
        {"\x1b$B$\"\x1b(B", "iso-2022-jp", "あ", true},
        {"\x1b$B-!\x1b(B", "iso-2022-jp", "①", true}, /* of its makers */
        {"\x1b(I1\x1b(B", "ISO-2022-JP", "ｱ", true},
        {"\x1b$B$\"\x1b(B", NULL, "あ", true},
        {"\xe3\x81\x82", "iso-2022-jp", "あ", true}, /* said so, and is UTF-8 */
        {"\x81\x41", "cp949", "갂", true},
        {"\x81\x41", "euc-kr", "갂", true},
        {"\x81\x30\x81\x30", "gb2312", "\xc2\x80", true},
        {"\xa4\xa4", "big5", "中", true},
        {"~{<:Ky2;~}.", "hz-gb-2312", "己所不.", true},
        {"hi there all of you", "utf-16", "hi there all of you", true}, /* said so, and is ASCII */
        {"\xff\xfeh", "x-user-defined-nonsense", "ÿþh", false},
        {"\xc1\xd2", "KOI8-R", "ар", true},
        {"\xb0\xa1", "ks_c_5601-1987", "가", true},
        {"\xb0\xa1", "gb2312", "啊", true},
        {"\x82\xa0", "shift_jis", "あ", true},
        {"+AOQ-", "unicode-1-1-utf-7", "ä", true},
        {"+AOQ-", "utf-8", "+AOQ-", true},
        {"\xfc", "x-unknown", "ü", false},
        {"", "utf-8", "", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        bool known;
        arena_init(&a);
        struct str got = charset_to_utf8(&a, str_c(cases[i].bytes), cases[i].charset, &known);
        if (!str_is(got, cases[i].text) || known != cases[i].known)
            fail_msg("%s: %.*s, expected %s", cases[i].charset ? cases[i].charset : "none",
                     STR_ARG(got), cases[i].text);
        arena_clear(&a);
    }
}

static void flowed_lines_are_joined(void **state) {
    static const struct {
        const char *in, *out;
        bool delsp;
    } cases[] = {
        {"a \nb\nc\n", "a b\nc\n", false},
        {"a \nb\n", "ab\n", true},
        {"> a \n> b\nc\n", "> a b\nc\n", false},
        {"> a \nb\n", "> a \nb\n", false},
        {"-- \nme\n", "-- \nme\n", false},
        {" >quoted\n", ">quoted\n", false},
        {"a \n-- \nb\n", "a \n-- \nb\n", false},
        {"", "", false},
        {">>a\n", ">> a\n", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        arena_init(&a);
        struct str got = text_unflow(&a, str_c(cases[i].in), cases[i].delsp);
        if (!str_is(got, cases[i].out))
            fail_msg("\"%s\" gives \"%.*s\", expected \"%s\"", cases[i].in, STR_ARG(got),
                     cases[i].out);
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_words_are_decoded),
        cmocka_unit_test(many_words_take_no_time),
        cmocka_unit_test(charsets_are_what_people_mean_by_them),
        cmocka_unit_test(flowed_lines_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
