/* http/bytes.h - which byte may stand where, as one table (RFC 9110 5.5, 5.6.2; RFC 3986 3.3, 3.4).
 *
 * Pure. Used by the reader, the chunk decoder and the replies.
 */
#ifndef HTTP_BYTES_H
#define HTTP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/str.h>

enum {
    BYTE_TOKEN = 1, /* method, field name */
    BYTE_VALUE = 2, /* field value: HTAB, SP, visible ASCII, 0x80 to 0xff */
    BYTE_PATH = 4,  /* pchar, '/', and '%' that begins an escape */
    BYTE_QUERY = 8, /* what browsers leave unescaped in a query, and '%' */
    BYTE_DIGIT = 16,
    BYTE_HEX = 32,
    BYTE_VISIBLE = 64, /* 0x21 to 0x7e */
    BYTE_HOST = 128,   /* of a registered name or an IPv4 address */
};

extern const uint8_t byte_class[256];

static inline bool byte_is(char c, uint8_t which) {
    return byte_class[(uint8_t)c] & which;
}
/* All bytes of s are of one of these classes; true when empty. */
bool bytes_all(struct str s, uint8_t which);
/* Value of a hexadecimal digit; the caller has checked that it is one. */
static inline unsigned byte_hex(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

#endif
