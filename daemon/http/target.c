/* http/target.c - checks what a request names: path, query, host. Pure (RFC 9112 3.2, RFC 3986 3).
 *
 * A path that means something else to the next reader is refused here, so that routes compare
 * decoded segments without a second thought.
 */
#include <touchline/kit/utf8.h>

#include "http/bytes.h"
#include "http/reader.h"

static bool escape_at(struct str s, size_t i, unsigned char *out) {
    if (s.n - i < 3 || !byte_is(s.p[i + 1], BYTE_HEX) || !byte_is(s.p[i + 2], BYTE_HEX))
        return false;
    *out = (unsigned char)(byte_hex(s.p[i + 1]) << 4 | byte_hex(s.p[i + 2]));
    return true;
}

/* Decodes a path into out (as large as the path); false: something no path may hold. */
static bool path_decode(struct str path, char *out, size_t *out_n) {
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (!byte_is(path.p[i], BYTE_PATH))
            return false;
        unsigned char c = (unsigned char)path.p[i];
        if (c == '%') {
            if (!escape_at(path, i, &c) || c < 0x20 || c == 0x7f || c == '/' || c == '\\')
                return false;
            i += 2;
        }
        out[n++] = (char)c;
    }
    *out_n = n;
    return true;
}

static bool segments_plain(struct str path) {
    struct str rest = str_from(path, 1);
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        if (str_is(segment, ".") || str_is(segment, ".."))
            return false;
    }
    return true;
}

static bool path_check(struct str path) {
    char decoded[READER_TARGET_MAX];
    size_t n;
    if (!path.n || path.p[0] != '/' || path.n > sizeof decoded || (path.n > 1 && path.p[1] == '/'))
        return false;
    if (!path_decode(path, decoded, &n))
        return false;
    struct str plain = str_make(decoded, n);
    return segments_plain(plain) && utf8_valid(plain);
}

static bool query_check(struct str query) {
    for (size_t i = 0; i < query.n; i++) {
        unsigned char c;
        if (!byte_is(query.p[i], BYTE_QUERY))
            return false;
        if (query.p[i] == '%' && (!escape_at(query, i, &c) || c == 0))
            return false;
    }
    return true;
}

bool target_check(struct str t, struct span *out_path, struct span *out_query) {
    struct str query = t, path = str_cut(&query, '?');
    if (!path_check(path) || !query_check(query))
        return false;
    *out_path = (struct span){0, (uint32_t)path.n};
    *out_query = (struct span){query.p ? (uint32_t)path.n + 1 : 0, (uint32_t)query.n};
    return true;
}

static bool port_check(struct str port) {
    return port.n >= 1 && port.n <= 5 && bytes_all(port, BYTE_DIGIT);
}

static bool bracketed_check(struct str host) {
    ptrdiff_t end = str_find(host, ']');
    if (end < 3)
        return false;
    struct str address = str_make(host.p + 1, (size_t)end - 1);
    for (size_t i = 0; i < address.n; i++)
        if (!byte_is(address.p[i], BYTE_HEX) && address.p[i] != ':' && address.p[i] != '.')
            return false;
    struct str rest = str_from(host, (size_t)end + 1);
    return !rest.n || (rest.p[0] == ':' && port_check(str_from(rest, 1)));
}

bool host_check(struct str host) {
    if (!host.n || host.n > 255 + 6)
        return false;
    if (host.p[0] == '[')
        return bracketed_check(host);
    struct str port = host, name = str_cut(&port, ':');
    return name.n && bytes_all(name, BYTE_HOST) && (!port.p || port_check(port));
}
