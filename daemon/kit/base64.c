/* kit/base64.c - base64 (RFC 4648, 4 and 5). */
#include <touchline/kit/base64.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool encode(struct buf *out, struct str data, const char *alphabet, bool pad) {
    const unsigned char *p = (const unsigned char *)data.p;
    size_t tail = data.n % 3;
    if (data.n > SIZE_MAX / 2)
        return false;
    size_t n = data.n / 3 * 4 + (tail ? (pad ? 4 : tail + 1) : 0);
    if (!n)
        return true;
    char *to = buf_reserve(out, n);
    if (!to)
        return false;
    for (size_t i = 0; i < data.n; i += 3) {
        size_t here = data.n - i < 3 ? data.n - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16;
        if (here > 1)
            bits |= (uint32_t)p[i + 1] << 8;
        if (here > 2)
            bits |= p[i + 2];
        for (size_t k = 0; k < 4; k++) {
            if (k <= here)
                *to++ = alphabet[bits >> (18 - 6 * k) & 63];
            else if (pad)
                *to++ = '=';
        }
    }
    buf_commit(out, n);
    return true;
}

bool base64_encode(struct buf *out, struct str data) {
    return encode(out, data, standard, true);
}

bool base64url_encode(struct buf *out, struct str data) {
    return encode(out, data, url, false);
}

static int value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct str s, bool lenient) {
    size_t padded = s.n;
    while (s.n && padded - s.n < 2 && s.p[s.n - 1] == '=')
        s.n--;
    if (s.n % 4 == 1)
        return false;
    bool padding_right = padded % 4 == 0;
    if (!padding_right && !(lenient && padded == s.n))
        return false;
    size_t n = s.n / 4 * 3 + (s.n % 4 ? s.n % 4 - 1 : 0);
    if (!n)
        return true;
    char *to = buf_reserve(out, n);
    if (!to)
        return false;
    uint32_t bits = 0;
    size_t written = 0;
    for (size_t i = 0; i < s.n; i++) {
        int v = value_of(s.p[i]);
        if (v < 0)
            goto bad; /* what was written lies beyond the content: nothing was added */
        bits = bits << 6 | (uint32_t)v;
        if (i % 4)
            to[written++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    buf_commit(out, n);
    return true;
bad:
    *to = '\0';
    return false;
}
