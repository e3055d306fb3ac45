/* charset_name.c - names are compared without their punctuation: "ISO_8859-1", "iso88591" and "'Iso
 * 8859 1'" are one. Families that differ by a number alone (ISO 8859, Windows) need no row each. */
#include "charset_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

/* Left: squeezed. Right: for iconv. */
static const struct {
    const char *squeezed, *means;
} names[] = {
    {"utf", "utf-8"},
    {"utf8", "utf-8"},
    {"uft8", "utf-8"},
    {"ut8", "utf-8"},
    {"tf8", "utf-8"},
    {"uf8", "utf-8"},
    {"utf8n", "utf-8"},
    {"utf8mb4", "utf-8"},
    {"utf8bom", "utf-8"},
    {"unicode11utf8", "utf-8"},
    {"unicode20utf8", "utf-8"},
    {"xunicode20utf8", "utf-8"},
    {"xunicode11utf8", "utf-8"},
    {"cp65001", "utf-8"},
    {"windows65001", "utf-8"},
    {"utf7", "utf-7"},
    {"unicode11utf7", "utf-7"},
    {"unicode20utf7", "utf-7"},
    {"xunicode20utf7", "utf-7"},
    {"xunicode11utf7", "utf-7"},
    {"csunicode11utf7", "utf-7"},
    {"utf16", "utf-16"},
    {"utf16le", "utf-16le"},
    {"utf16be", "utf-16be"},
    {"unicode", "utf-16"},
    {"csunicode", "utf-16"},
    {"ucs2", "utf-16"},
    {"iso10646ucs2", "utf-16"},
    {"unicodefeff", "utf-16"},
    {"unicodefffe", "utf-16be"},
    {"utf32", "utf-32"},
    {"usascii", "windows-1252"},
    {"ascii", "windows-1252"},
    {"ansi", "windows-1252"},
    {"ansix341968", "windows-1252"},
    {"ansix34", "windows-1252"},
    {"ansix31101983", "windows-1252"}, /* means ANSI: the real one is that of telephones' text */
    {"iso646us", "windows-1252"},
    {"iso646", "windows-1252"},
    {"us", "windows-1252"},
    {"7bit", "windows-1252"},
    {"8bit", "windows-1252"},
    {"646", "windows-1252"},
    {"latin1", "windows-1252"},
    {"latin", "windows-1252"},
    {"l1", "windows-1252"},
    {"isolatin1", "windows-1252"},
    {"csisolatin1", "windows-1252"},
    {"isoir100", "windows-1252"},
    {"ibm819", "windows-1252"},
    {"cp819", "windows-1252"},
    {"western", "windows-1252"},
    {"windows28591", "windows-1252"},
    {"windows20127", "windows-1252"},
    {"latin2", "iso-8859-2"},
    {"l2", "iso-8859-2"},
    {"csisolatin2", "iso-8859-2"},
    {"isoir101", "iso-8859-2"},
    {"latin3", "iso-8859-3"},
    {"latin4", "iso-8859-4"},
    {"cyrillic", "iso-8859-5"},
    {"csisolatincyrillic", "iso-8859-5"},
    {"isoir144", "iso-8859-5"},
    {"arabic", "iso-8859-6"},
    {"asmo708", "iso-8859-6"},
    {"ecma114", "iso-8859-6"},
    {"csisolatinarabic", "iso-8859-6"},
    {"greek", "iso-8859-7"},
    {"greek8", "iso-8859-7"},
    {"ecma118", "iso-8859-7"},
    {"elot928", "iso-8859-7"},
    {"csisolatingreek", "iso-8859-7"},
    {"hebrew", "iso-8859-8"},
    {"visual", "iso-8859-8"},
    {"logical", "windows-1255"},
    {"csisolatinhebrew", "iso-8859-8"},
    {"latin5", "windows-1254"},
    {"l5", "windows-1254"},
    {"csisolatin5", "windows-1254"},
    {"latin6", "iso-8859-10"},
    {"latin9", "iso-8859-15"},
    {"l9", "iso-8859-15"},
    {"csisolatin9", "iso-8859-15"},
    {"latin10", "iso-8859-16"},
    {"tis620", "cp874"},
    {"thai", "cp874"},
    {"dos874", "cp874"},
    {"windows874", "cp874"},
    {"koi", "koi8-r"},
    {"koi8", "koi8-r"},
    {"koi8r", "koi8-r"},
    {"cskoi8r", "koi8-r"},
    {"koi8u", "koi8-u"},
    {"koi8ru", "koi8-u"},
    {"ibm866", "cp866"},
    {"866", "cp866"},
    {"csibm866", "cp866"},
    {"mac", "macintosh"},
    {"macroman", "macintosh"},
    {"xmacroman", "macintosh"},
    {"xmac", "macintosh"},
    {"csmacintosh", "macintosh"},
    {"xmaccyrillic", "mac-cyrillic"},
    {"xmacukrainian", "mac-uk"},
    {"xmacce", "mac-centraleurope"},
    {"gb2312", "gb18030"},
    {"gb231280", "gb18030"},
    {"csgb2312", "gb18030"},
    {"chinese", "gb18030"},
    {"csiso58gb231280", "gb18030"},
    {"isoir58", "gb18030"},
    {"gbk", "gb18030"},
    {"xgbk", "gb18030"},
    {"cp936", "gb18030"},
    {"ms936", "gb18030"},
    {"windows936", "gb18030"},
    {"euccn", "gb18030"},
    {"gb", "gb18030"},
    {"gb18030", "gb18030"},
    {"hz", "hz"},
    {"hzgb2312", "hz"},
    {"big5", "big5-hkscs"},
    {"cnbig5", "big5-hkscs"},
    {"csbig5", "big5-hkscs"},
    {"xxbig5", "big5-hkscs"},
    {"xbig5", "big5-hkscs"},
    {"chinesebig5", "big5-hkscs"},
    {"big5hkscs", "big5-hkscs"},
    {"big5eten", "big5-hkscs"},
    {"cp950", "big5-hkscs"},
    {"windows950", "big5-hkscs"},
    {"euckr", "cp949"},
    {"cseuckr", "cp949"},
    {"csksc56011987", "cp949"},
    {"isoir149", "cp949"},
    {"korean", "cp949"},
    {"ksc5601", "cp949"},
    {"ksc56011987", "cp949"},
    {"ksc56011989", "cp949"},
    {"ksc56011992", "cp949"},
    {"kscs56011987", "cp949"},
    {"kscc56011987", "cp949"},
    {"uhc", "cp949"},
    {"windows949", "cp949"},
    {"cp949", "cp949"},
    {"shiftjis", "cp932"},
    {"sjis", "cp932"},
    {"xsjis", "cp932"},
    {"csshiftjis", "cp932"},
    {"mskanji", "cp932"},
    {"ms932", "cp932"},
    {"windows31j", "cp932"},
    {"windows932", "cp932"},
    {"cswindows31j", "cp932"},
    {"eucjp", "euc-jp-ms"},
    {"xeucjp", "euc-jp-ms"},
    {"xeuc", "euc-jp-ms"},
    {"cseucpkdfmtjapanese", "euc-jp-ms"},
    {"iso2022jp", "iso-2022-jp"},
    {"csiso2022jp", "iso-2022-jp"},
    {"iso2022jp1", "iso-2022-jp"},
    {"iso2022jp2", "iso-2022-jp"},
    {"iso2022jp3", "iso-2022-jp"},
    {"iso2022jpms", "iso-2022-jp"},
    {"cp50220", "iso-2022-jp"},
    {"cp50221", "iso-2022-jp"},
    {"cp50222", "iso-2022-jp"},
    {"jis", "iso-2022-jp"},
    {"iso2022kr", "iso-2022-kr"},
    {"csiso2022kr", "iso-2022-kr"},
    {"iso2022cn", "iso-2022-cn-ext"},
    {"iso2022cnext", "iso-2022-cn-ext"},
    {"tcvn", "tcvn"},
    {"viscii", "viscii"},
};

/* Lower case, without punctuation, up to what stands behind a name ("utf-8; format=flowed"). */
static void squeeze(const char *declared, char out[CHARSET_NAME_MAX + 1]) {
    size_t n = 0;
    for (const char *p = declared; *p && n < CHARSET_NAME_MAX; p++) {
        if ((*p == ';' || *p == ',' || *p == ':' || *p == '(' || *p == '*') && n)
            break;
        if (isalnum((unsigned char)*p))
            out[n++] = (char)tolower((unsigned char)*p);
    }
    out[n] = 0;
}

/* "iso88592" is ISO-8859-2, and its bidirectional forms "iso88598i". */
static bool is_iso8859(const char *s, char out[CHARSET_NAME_MAX + 1]) {
    s += !strncmp(s, "x", 1);
    s += !strncmp(s, "cs", 2) ? 2 : 0;
    s += !strncmp(s, "iso", 3) ? 3 : 0;
    if (strncmp(s, "8859", 4) != 0 || !isdigit((unsigned char)s[4]))
        return false;
    long part = strtol(s + 4, NULL, 10);
    if (part < 1 || part > 16)
        return false;
    if (part == 1)
        snprintf(out, CHARSET_NAME_MAX, "windows-1252");
    else if (part == 9)
        snprintf(out, CHARSET_NAME_MAX, "windows-1254");
    else if (part == 11)
        snprintf(out, CHARSET_NAME_MAX, "cp874");
    else
        snprintf(out, CHARSET_NAME_MAX, "iso-8859-%ld", part);
    return true;
}

/* "cp1250", "win1250", "xcp1250" are windows-1250; other pages keep their number. */
static bool is_page(const char *s, char out[CHARSET_NAME_MAX + 1]) {
    static const char *const prefixes[] = {"windows", "window", "win", "xcp",
                                           "cp",      "ibm",    "ms",  "microsoftcp"};
    const char *digits = NULL;
    for (size_t i = 0; i < COUNT(prefixes) && !digits; i++) {
        size_t n = strlen(prefixes[i]);
        if (!strncmp(s, prefixes[i], n) && isdigit((unsigned char)s[n]))
            digits = s + n;
    }
    if (!digits && isdigit((unsigned char)s[0]))
        digits = s;
    if (!digits || strlen(digits) > 5 || strspn(digits, "0123456789") != strlen(digits))
        return false;
    snprintf(out, CHARSET_NAME_MAX, strcmp(digits, "1252") ? "cp%s" : "windows-%s", digits);
    return true;
}

void charset_name(const char *declared, char out[CHARSET_NAME_MAX + 1]) {
    char squeezed[CHARSET_NAME_MAX + 1];
    squeeze(declared, squeezed);
    for (size_t i = 0; i < COUNT(names); i++)
        if (!strcmp(names[i].squeezed, squeezed)) {
            snprintf(out, CHARSET_NAME_MAX, "%s", names[i].means);
            return;
        }
    if (is_iso8859(squeezed, out) || is_page(squeezed, out))
        return;
    size_t n = 0;
    for (const char *p = declared; *p && n < CHARSET_NAME_MAX; p++)
        if (isalnum((unsigned char)*p) || strchr("-_.:", *p))
            out[n++] = (char)tolower((unsigned char)*p);
    out[n] = 0;
}
