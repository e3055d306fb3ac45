/* social/mend.c - JSON that a strict reader refuses as a whole though one value in it is odd. Pure.
 *
 * A batch of a thousand must not be lost for one customer's half emoji. So what cannot be read is
 * written once more, in one pass, with
 *   \u0000 and lone surrogates (Meta cuts texts between the two halves)  as U+FFFD
 *   bad UTF-8, control characters inside strings                         as U+FFFD, \u00XX
 *   integers that no 64-bit number holds                                 as text, digit by digit
 * All else stays as it is: what is no JSON afterwards was none before.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "provider.h"

enum { BODY_MAX = 32 * 1024 * 1024, DIGITS_SAFE = 18 };

/* The code unit of "\uXXXX" at p, or -1. */
static int32_t unit_at(struct str s, size_t at) {
    uint8_t two[2];
    if (at + 6 > s.n || s.p[at] != '\\' || s.p[at + 1] != 'u' ||
        !hex_decode(str_make(s.p + at + 2, 4), two, 2))
        return -1;
    return two[0] << 8 | two[1];
}

static bool is_high(int32_t u) {
    return u >= 0xd800 && u < 0xdc00;
}
static bool is_low(int32_t u) {
    return u >= 0xdc00 && u < 0xe000;
}

/* One escape; *at moves past it. */
static bool add_escape(struct buf *out, struct str s, size_t *at) {
    int32_t u = unit_at(s, *at);
    size_t n = u >= 0 ? 6 : 2;
    if (is_high(u) && is_low(unit_at(s, *at + 6)))
        n = 12;
    else if (u == 0 || is_high(u) || is_low(u)) {
        *at += 6;
        return buf_add_c(out, "\\ufffd");
    }
    if (n > s.n - *at)
        n = s.n - *at;
    bool ok = buf_add(out, str_make(s.p + *at, n));
    *at += n;
    return ok;
}

/* A string with both quotes. */
static bool add_string(struct buf *out, struct str s, size_t *at) {
    bool ok = buf_add_byte(out, '"');
    ++*at;
    while (ok && *at < s.n && s.p[*at] != '"') {
        unsigned char c = (unsigned char)s.p[*at];
        if (c == '\\') {
            ok = add_escape(out, s, at);
        } else {
            ok = c < 0x20 ? buf_addf(out, "\\u%04x", c) : buf_add_byte(out, (char)c);
            ++*at;
        }
    }
    if (*at < s.n) {
        ok = ok && buf_add_byte(out, '"');
        ++*at;
    }
    return ok;
}

/* A number; quoted where it is an integer too long to be kept as one. */
static bool add_number(struct buf *out, struct str s, size_t *at) {
    size_t end = *at + (s.p[*at] == '-');
    bool integer = true;
    for (; end < s.n && s.p[end] && strchr("0123456789+-.eE", s.p[end]); end++)
        integer = integer && s.p[end] >= '0' && s.p[end] <= '9';
    struct str number = str_make(s.p + *at, end - *at);
    *at = end;
    if (!integer || number.n <= DIGITS_SAFE)
        return buf_add(out, number);
    return buf_add_byte(out, '"') && buf_add(out, number) && buf_add_byte(out, '"');
}

static bool mend(struct str s, struct buf *out) {
    bool ok = true;
    for (size_t i = 0; i < s.n && ok;) {
        char c = s.p[i];
        if (c == '"')
            ok = add_string(out, s, &i);
        else if (c == '-' || (c >= '0' && c <= '9'))
            ok = add_number(out, s, &i);
        else
            ok = buf_add_byte(out, s.p[i++]);
    }
    return ok;
}

static bool parse_mended(struct str body, json_t **out, struct fault *f) {
    cleanup(buf_clear) struct buf clean, mended;
    buf_init(&clean, BODY_MAX * 2);
    buf_init(&mended, BODY_MAX * 2);
    return utf8_mend(&clean, body) && mend(buf_str(&clean), &mended) &&
           jread_parse(buf_str(&mended), BODY_MAX * 2, out, f);
}

bool provider_parse(struct str body, json_t **out, struct fault *f) {
    return jread_parse(body, BODY_MAX, out, f) ||
           (body.n && body.n <= BODY_MAX && parse_mended(body, out, f));
}
