/* charset.c - iconv, with two converters of our own in front of it for what glibc has not:
 * iso-2022-jp with the signs its makers added, and HZ.
 */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/utf8.h>

#include "charset_name.h"

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

enum jis_set { JIS_ASCII, JIS_KANJI, JIS_KATAKANA, JIS_SUPPLEMENT };

/* s begins with ESC. *out_bytes is the length of the sequence. */
static enum jis_set jis_set_of(struct str s, size_t *out_bytes) {
    *out_bytes = s.n < 3 ? s.n : 3;
    if (s.n >= 3 && s.p[1] == '(' && s.p[2] == 'I')
        return JIS_KATAKANA;
    if (s.n < 3 || s.p[1] != '$')
        return JIS_ASCII;
    if (s.p[2] != '(' || s.n < 4)
        return JIS_KANJI;
    *out_bytes = 4;
    return s.p[3] == 'D' ? JIS_SUPPLEMENT : JIS_KANJI;
}

/* Escape sequences of iso-2022-jp become the shifts of EUC-JP (RFC 1468, RFC 2237, and half-width
 * katakana). A line end ends any shift. */
static void jis_to_euc(struct buf *out, struct str s) {
    enum jis_set set = JIS_ASCII;
    for (size_t i = 0, n; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == 27) {
            set = jis_set_of(str_from(s, i), &n);
            i += n - 1;
            continue;
        }
        if (c == '\r' || c == '\n')
            set = JIS_ASCII;
        bool shifted = set != JIS_ASCII && c > 32 && c < 127;
        if (shifted && set != JIS_KANJI)
            (void)!buf_add_byte(out, set == JIS_KATAKANA ? '\x8e' : '\x8f');
        (void)!buf_add_byte(out, (char)(shifted ? c | 0x80 : c));
        if (shifted && set != JIS_KATAKANA && i + 1 < s.n && s.p[i + 1] != 27)
            (void)!buf_add_byte(out, (char)(s.p[++i] | 0x80));
    }
}

/* "~{…~}" (RFC 1843). */
static void hz_to_gb(struct buf *out, struct str s) {
    bool shifted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : 0;
        if (c == '~' && (next == '{' || next == '}' || next == '~' || next == '\n')) {
            shifted = next == '{' || (shifted && next != '}');
            if (next == '~')
                (void)!buf_add_byte(out, '~');
            i++;
            continue;
        }
        shifted = shifted && c != '\n';
        (void)!buf_add_byte(out, (char)(shifted && c > 32 ? c | 0x80 : c));
    }
}

static iconv_t open_name(const char *name) {
    if (!strcmp(name, "iso-2022-jp"))
        name = "euc-jp-ms";
    else if (!strcmp(name, "hz"))
        name = "gb18030";
    return *name ? iconv_open("UTF-8", name) : (iconv_t)-1;
}

bool charset_known(const char *declared) {
    char name[CHARSET_NAME_MAX + 1];
    charset_name(declared, name);
    iconv_t how = open_name(name);
    if (how != (iconv_t)-1)
        iconv_close(how);
    return how != (iconv_t)-1;
}

static bool is_ascii(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 128 || s.p[i] == 0 || s.p[i] == 27)
            return false;
    return true;
}

/* Said to be UTF-8 and is not, without one character of it that could not be chance: somebody wrote
 * Latin and said UTF-8. A character cut off at the end does not count against it. */
static bool is_no_utf8(struct str s) {
    const char *p = s.p, *end = s.p + s.n;
    bool bad = false;
    while (p < end) {
        const char *before = p;
        uint32_t c = utf8_next(&p, end);
        if (c != 0xFFFD && c >= 128)
            return false;
        bad = bad || (c == 0xFFFD && end - before > 3);
    }
    return bad;
}

/* Some say UTF-16 of UTF-8; of the real one every line end has a zero byte. */
static bool is_wide(const char *name, struct str bytes) {
    enum { SURE = 16 };
    return (!strncmp(name, "utf-16", 6) || !strncmp(name, "utf-32", 6)) &&
           (bytes.n < SURE || memchr(bytes.p, 0, bytes.n) || !utf8_valid(bytes));
}

/* Charsets of which a text that is valid UTF-8 is hardly ever: Latin, and those of seven bits. */
static bool may_be_utf8(const char *name) {
    static const char *const names[] = {"",   "windows-1252", "iso-8859-15", "iso-2022-jp",
                                        "hz", "utf-7"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return !strncmp(name, "iso-2022", 8);
}

static bool has_8bit(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 128)
            return true;
    return false;
}

/* The name by which the bytes are read; UTF-8 where they are that. */
static const char *choose(struct str bytes, const char *name) {
    bool utf8 = !strcmp(name, "utf-8");
    if (may_be_utf8(name) && has_8bit(bytes) && utf8_valid(bytes))
        return "utf-8"; /* said to be Latin or nothing, and is UTF-8: nobody writes such Latin */
    if (!*name && memmem(bytes.p, bytes.n, "\033$", 2))
        return "iso-2022-jp"; /* it announces itself */
    if (!*name || (utf8 && is_no_utf8(bytes)))
        return "windows-1252";
    return name;
}

/* Valid UTF-8 that the named charset cannot be: somebody changed the text and not its name. */
static bool is_utf8_after_all(struct str bytes, struct str converted) {
    return converted.n && utf8_valid(bytes) && has_8bit(bytes) &&
           memmem(converted.p, converted.n, "\xef\xbf\xbd", 3) != NULL;
}

/* false: the name is not known. */
static bool convert_named(struct buf *out, struct str bytes, const char *name) {
    cleanup(buf_clear) struct buf shifted;
    iconv_t how = open_name(name);
    buf_init(&shifted, 2 * bytes.n + 16);
    if (how == (iconv_t)-1)
        return false;
    if (!strcmp(name, "iso-2022-jp"))
        jis_to_euc(&shifted, bytes);
    else if (!strcmp(name, "hz"))
        hz_to_gb(&shifted, bytes);
    (void)!convert(out, shifted.n ? buf_str(&shifted) : bytes, how);
    iconv_close(how);
    return true;
}

struct str charset_to_utf8(struct arena *a, struct str bytes, const char *declared,
                           bool *out_known) {
    cleanup(buf_clear) struct buf raw, mended;
    char declared_name[CHARSET_NAME_MAX + 1] = "";
    buf_init(&raw, bytes.n * 4 + 64);
    buf_init(&mended, bytes.n * 12 + 256);
    if (declared)
        charset_name(declared, declared_name);
    *out_known = true;
    bool wide = is_wide(declared_name, bytes);
    bool shifts = !strcmp(declared_name, "utf-7") || !strcmp(declared_name, "hz");
    if (!shifts && !wide && is_ascii(bytes))
        return arena_str(a, bytes.p ? bytes : (struct str)STR(""));
    const char *name =
        strncmp(declared_name, "utf-16", 6) || wide ? choose(bytes, declared_name) : "utf-8";
    if (strcmp(name, "utf-8") != 0) {
        *out_known = convert_named(&raw, bytes, name);
        if (is_utf8_after_all(bytes, buf_str(&raw)))
            buf_reset(&raw);
        if (!*out_known && !utf8_valid(bytes))
            (void)convert_named(&raw, bytes, "windows-1252");
        bytes = raw.n ? buf_str(&raw) : bytes;
    }
    (void)!utf8_mend(&mended, bytes);
    struct str text = buf_str(&mended);
    return arena_str(a, str_starts(text, str_c("\xef\xbb\xbf")) ? str_from(text, 3) : text);
}

struct str charset_field_to_utf8(struct arena *a, struct str bytes, const char *around) {
    char name[CHARSET_NAME_MAX + 1] = "";
    bool known;
    if (around)
        charset_name(around, name);
    bool plain = !strncmp(name, "utf-", 4) || utf8_valid(bytes); /* no field is written in UTF-16 */
    return charset_to_utf8(a, bytes, plain ? NULL : around, &known);
}
