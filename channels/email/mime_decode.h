/* mime_decode.h - the transfer encodings of a part (RFC 2045 6), and uuencode. Pure, linear. */
#ifndef EMAIL_MIME_DECODE_H
#define EMAIL_MIME_DECODE_H

#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum mime_coding {
    MIME_CODING_NONE, /* 7bit, 8bit, binary, or not said */
    MIME_CODING_QUOTED,
    MIME_CODING_BASE64,
    MIME_CODING_UU,
    MIME_CODING_UNKNOWN, /* as if there were none */
};

/* By the value of Content-Transfer-Encoding, with comments, quotes and typing errors. */
enum mime_coding mime_coding_of(struct str value);

/* Appends the bytes; what is no part of the encoding is passed over. What no longer fits is left
 * out. */
void mime_decode(struct buf *out, struct str s, enum mime_coding coding);

/* Appends the bytes of a run of base64: garbage passed over, padding may be missing or stand
 * in the middle. */
void mime_decode_base64(struct buf *out, struct str s);

#endif
