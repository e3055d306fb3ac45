/* kit/urlencoded.c - forms and percent-coding. */
#include <touchline/kit/urlencoded.h>

#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/utf8.h>

/* RFC 3986 2.3 */
#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

static bool escape_at(struct str s, size_t i, char *out) {
    uint8_t byte;
    if (s.n - i < 3 || !hex_decode(str_make(s.p + i + 1, 2), &byte, 1))
        return false;
    *out = (char)byte;
    return true;
}

/* Decodes a name or value: '+' is a space, a bad escape stays as it is, bad UTF-8 is mended. */
static struct str decode(struct arena *a, struct str s) {
    char *bytes = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '+')
            c = ' ';
        else if (c == '%' && escape_at(s, i, &c))
            i += 2;
        bytes[n++] = c;
    }
    struct str raw = str_make(bytes, n);
    if (utf8_valid(raw) && !memchr(bytes, 0, n))
        return raw;
    cleanup(buf_clear) struct buf mended;
    buf_init(&mended, n * 3); /* the replacement has three bytes */
    bool ok = utf8_mend(&mended, raw);
    return ok ? arena_str(a, buf_str(&mended)) : str_make("", 0);
}

bool urlencoded_parse(struct arena *a, struct str body, struct pair *out, size_t max, size_t *out_n,
                      struct fault *f) {
    size_t n = 0;
    while (body.n) {
        struct str value = str_cut(&body, '&');
        if (!value.n)
            continue;
        if (n == max)
            return fault_set(f, FAULT_INPUT, "", "more than %zu fields", max);
        struct str name = str_cut(&value, '=');
        out[n].name = decode(a, name);
        out[n].value = decode(a, value);
        n++;
    }
    *out_n = n;
    return true;
}

bool percent_decode(struct buf *out, struct str s) {
    if (!s.n)
        return true;
    char *to = buf_reserve(out, s.n);
    if (!to)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (!escape_at(s, i, &c) || !c) {
                *to = '\0'; /* nothing was added */
                return false;
            }
            i += 2;
        }
        to[n++] = c;
    }
    buf_commit(out, n);
    return true;
}

bool percent_encode(struct buf *out, struct str s) {
    static const char digits[] = "0123456789ABCDEF";
    if (!s.n)
        return true;
    if (s.n > SIZE_MAX / 3)
        return false;
    size_t escaped = 0;
    for (size_t i = 0; i < s.n; i++)
        escaped += !s.p[i] || !strchr(UNRESERVED, s.p[i]);
    char *to = buf_reserve(out, s.n + 2 * escaped);
    if (!to)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c && strchr(UNRESERVED, c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    buf_commit(out, s.n + 2 * escaped);
    return true;
}

bool segment_plain(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return name.n && name.p[0] != '.';
}
