/* charset.c - iconv with the names and the mistakes met in mail (WHATWG Encoding, labels). */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/utf8.h>

static const struct {
    const char *declared, *means;
} aliases[] = {
    {"us-ascii", "windows-1252"},
    {"ascii", "windows-1252"},
    {"ansi_x3.4-1968", "windows-1252"},
    {"iso-8859-1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"cp-850", "cp850"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"iso-8859-8-e", "iso-8859-8"},
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},
    {"chinesebig5", "big5-hkscs"},
    {"big5", "big5-hkscs"},
    {"ks_c_5601-1987", "cp949"},
    {"ks_c_5601", "cp949"},
    {"euc-kr", "cp949"},
    {"shift_jis", "cp932"},
    {"shift-jis", "cp932"},
    {"x-sjis", "cp932"},
    {"windows-31j", "cp932"},
    {"iso-2022-jp", "iso-2022-jp-3"},
    {"x-euc-jp", "euc-jp"},
    {"unicode-1-1-utf-7", "utf-7"},
    {"unicode-1-1-utf-8", "utf-8"},
    {"utf8", "utf-8"},
    {"uft-8", "utf-8"},
    {"utf-8n", "utf-8"},
    {"utf", "utf-8"},
    {"x-mac-roman", "macintosh"},
    {"macroman", "macintosh"},
    {"windows-874", "cp874"},
    {"cp1252", "windows-1252"},
    {"x-cp1252", "windows-1252"},
};

const char *charset_name(const char *declared) {
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (!strcasecmp(declared, aliases[i].declared))
            return aliases[i].means;
    return declared;
}

/* Converts piece by piece through a small window; a byte that fits nowhere becomes U+FFFD. */
static bool convert(struct buf *out, struct str in, iconv_t how) {
    char window[4096];
    char *from = (char *)(uintptr_t)in.p;
    size_t left = in.n;
    while (left) {
        char *to = window;
        size_t room = sizeof window;
        size_t got = iconv(how, &from, &left, &to, &room);
        int error = errno;
        if (!buf_add(out, str_make(window, (size_t)(to - window))))
            return false;
        if (got != (size_t)-1 || error == E2BIG)
            continue;
        if (!utf8_add(out, 0xFFFD))
            return false;
        if (error != EILSEQ)
            return true; /* an unfinished character at the end */
        from++;
        left--;
    }
    return true;
}

static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 128 || s.p[i] == 0 || s.p[i] == 27)
            return false;
    return true;
}

struct str charset_to_utf8(struct arena *a, struct str bytes, const char *declared,
                           bool *out_known) {
    cleanup(buf_clear) struct buf raw, mended;
    buf_init(&raw, bytes.n * 4 + 64);
    buf_init(&mended, bytes.n * 12 + 256);
    const char *name = declared && *declared ? charset_name(declared) : NULL;
    bool utf7 = name && !strcasecmp(name, "utf-7");
    bool wide = name && !strncasecmp(name, "utf-16", 6);
    *out_known = true;
    if (!utf7 && !wide && is_ascii(bytes))
        return arena_str(a, bytes);
    if (!name && memmem(bytes.p, bytes.n, "\033$", 2))
        name = "iso-2022-jp-3"; /* it announces itself */
    bool western = !name || !strcasecmp(name, "windows-1252");
    if ((western && utf8_valid(bytes)) || (name && !strcasecmp(name, "utf-8")))
        name = "utf-8"; /* said to be Latin or nothing, and is UTF-8: nobody writes such Latin */
    if (!name || strcasecmp(name, "utf-8") != 0) {
        iconv_t how = iconv_open("UTF-8", name ? name : "windows-1252");
        if (how == (iconv_t)-1) {
            *out_known = false;
            how = utf8_valid(bytes) ? (iconv_t)-1 : iconv_open("UTF-8", "windows-1252");
        }
        if (how != (iconv_t)-1) {
            bool ok = convert(&raw, bytes, how);
            iconv_close(how);
            bytes = ok || raw.n ? buf_str(&raw) : bytes;
        }
    }
    (void)!utf8_mend(&mended, bytes);
    return arena_str(a, buf_str(&mended));
}
