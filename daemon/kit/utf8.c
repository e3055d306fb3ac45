/* kit/utf8.c - UTF-8 by the table of well-formed sequences (Unicode 3.9, table 3-7). */
#include <touchline/kit/utf8.h>

#define BAD UINT32_MAX
#define REPLACEMENT "\xef\xbf\xbd"

/* Decodes at p, n > 0. Returns how many bytes belong together: a character, or with *out_cp BAD
 * the longest start of one that could have become one (the WHATWG decoder's maximal subpart). */
static size_t step(const unsigned char *p, size_t n, uint32_t *out_cp) {
    *out_cp = p[0];
    if (p[0] < 0x80)
        return 1;
    *out_cp = BAD;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 1;
    size_t more = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    unsigned char low = 0x80, high = 0xbf; /* only the second byte is bound tighter */
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    uint32_t cp = p[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if (i == n || p[i] < low || p[i] > high)
            return i;
        cp = cp << 6 | (p[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *out_cp = cp;
    return more + 1;
}

bool utf8_valid(struct str s) {
    const unsigned char *p = (const unsigned char *)s.p;
    size_t left = s.n;
    while (left) {
        uint32_t cp;
        size_t n = step(p, left, &cp);
        if (cp == BAD)
            return false;
        p += n;
        left -= n;
    }
    return true;
}

/* Appends s with every character that `replace` names exchanged; all or nothing. */
static bool add_mapped(struct buf *out, struct str s, const char *(*replace)(uint32_t cp)) {
    size_t before = out->n, done = 0, i = 0;
    while (i < s.n) {
        uint32_t cp;
        size_t n = step((const unsigned char *)s.p + i, s.n - i, &cp);
        const char *instead = replace(cp);
        if (instead) {
            if (!buf_add(out, str_make(s.p + done, i - done)) || !buf_add_c(out, instead))
                goto full;
            done = i + n;
        }
        i += n;
    }
    if (buf_add(out, str_from(s, done)))
        return true;
full:
    out->n = before;
    if (out->p)
        out->p[before] = '\0';
    return false;
}

static const char *mend_one(uint32_t cp) {
    return cp == BAD || cp == 0 ? REPLACEMENT : NULL;
}

bool utf8_mend(struct buf *out, struct str s) {
    return add_mapped(out, s, mend_one);
}

static const char *line_one(uint32_t cp) {
    if (cp == BAD)
        return REPLACEMENT;
    bool bends = cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029 ||
                 (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
    return bends ? " " : NULL;
}

bool utf8_one_line(struct buf *out, struct str s) {
    return add_mapped(out, s, line_one);
}

uint32_t utf8_next(const char **p, const char *end) {
    uint32_t cp;
    size_t n = step((const unsigned char *)*p, (size_t)(end - *p), &cp);
    *p += cp == BAD ? 1 : n;
    return cp == BAD ? 0xfffd : cp;
}

bool utf8_add(struct buf *out, uint32_t c) {
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    static const unsigned char first[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(first[n] | c);
    return buf_add(out, str_make(b, n));
}

struct str utf8_upto(struct str s, size_t n_bytes) {
    if (s.n <= n_bytes)
        return s;
    size_t n = n_bytes;
    /* At most three steps back over continuation bytes; more are no character anyway. */
    for (int back = 0; back < 3 && n && ((unsigned char)s.p[n] & 0xc0) == 0x80; back++)
        n--;
    return str_make(s.p, n);
}
