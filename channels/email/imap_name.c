/* imap_name.c - URL and modified UTF-7. */
#include "imap_name.h"

#include <touchline/kit/base64.h>
#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

enum { NAME_MAX_BYTES = 1000 };

static bool host_fits(struct str host) {
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] <= 0x20 || host.p[i] >= 0x7f || strchr("@?#;\"<>\\", host.p[i]))
            return false;
    return host.n > 0;
}

bool imap_url_read(struct str url, struct imap_place *out) {
    static const struct str plain = STR("imap://"), safe = STR("imaps://");
    size_t scheme = str_starts(url, safe) ? safe.n : str_starts(url, plain) ? plain.n : 0;
    if (!scheme)
        return false;
    ptrdiff_t slash = str_find(str_from(url, scheme), '/');
    size_t end = slash < 0 ? url.n : scheme + (size_t)slash;
    *out = (struct imap_place){.server = str_upto(url, end),
                               .folder = str_from(url, slash < 0 ? end : end + 1),
                               .tls = scheme == safe.n};
    return host_fits(str_make(url.p + scheme, end - scheme)) && str_find(out->folder, ';') < 0 &&
           str_find(out->folder, '?') < 0;
}

/* Code units of what is not ASCII, in base 64 with ',' for '/'. */
static bool shifted_add(struct buf *out, const struct buf *units) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, 4 * NAME_MAX_BYTES);
    if (!base64_encode(&text, buf_str(units)))
        return false;
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '/')
            text.p[i] = ',';
    return buf_add_byte(out, '&') && buf_add(out, buf_str(&text)) && buf_add_byte(out, '-');
}

static bool unit_add(struct buf *units, uint32_t unit) {
    return buf_add_byte(units, (char)(unit >> 8)) && buf_add_byte(units, (char)unit);
}

static bool code_point_add(struct buf *units, uint32_t c) {
    if (c < 0x10000)
        return unit_add(units, c);
    c -= 0x10000;
    return unit_add(units, 0xd800 + (c >> 10)) && unit_add(units, 0xdc00 + (c & 0x3ff));
}

static bool ascii_add(struct buf *out, char c) {
    if (c == '&')
        return buf_add_c(out, "&-");
    if ((c == '"' || c == '\\') && !buf_add_byte(out, '\\'))
        return false;
    return buf_add_byte(out, c);
}

bool imap_name_write(struct buf *out, struct str name) {
    cleanup(buf_clear) struct buf units;
    buf_init(&units, 4 * NAME_MAX_BYTES);
    const char *p = name.p, *end = name.p + name.n;
    if (!name.n || name.n > NAME_MAX_BYTES || !utf8_valid(name) || !buf_add_byte(out, '"'))
        return false;
    while (p < end) {
        uint32_t c = utf8_next(&p, end);
        bool ascii = c < 0x7f;
        if (c < 0x20 || c == 0x7f || (!ascii && !code_point_add(&units, c)))
            return false;
        if (units.n && (ascii || p == end)) {
            if (!shifted_add(out, &units))
                return false;
            buf_reset(&units);
        }
        if (ascii && !ascii_add(out, (char)c))
            return false;
    }
    return buf_add_byte(out, '"');
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool imap_folder_write(struct buf *out, struct str encoded) {
    cleanup(buf_clear) struct buf name;
    buf_init(&name, NAME_MAX_BYTES);
    for (size_t i = 0; i < encoded.n; i++) {
        char c = encoded.p[i];
        if (c == '%') {
            int high = i + 2 < encoded.n ? hex(encoded.p[i + 1]) : -1;
            int low = i + 2 < encoded.n ? hex(encoded.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!buf_add_byte(&name, c))
            return false;
    }
    return imap_name_write(out, name.n ? buf_str(&name) : str_c("INBOX"));
}
