/* http/chunked.h - strict decoder of the chunked transfer coding (RFC 9112 7.1). Pure.
 *
 *   SIZE [;EXT] CRLF DATA CRLF ... 0 CRLF [TRAILER CRLF]... CRLF
 *
 * Sizes are 1 to 16 hexadecimal digits without sign or blank, every line ends in CRLF, extensions
 * are short and ignored, trailers are checked and ignored.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include <stdint.h>

#include <touchline/str.h>

enum {
    CHUNK_DIGITS_MAX = 16,
    CHUNK_EXTENSION_MAX = 256,
    CHUNK_TRAILERS_MAX = 8192,
    CHUNK_TRAILER_LINES_MAX = 100,
};

enum chunked_place {
    CHUNKED_SIZE,     /* digits */
    CHUNKED_EXT,      /* after ';', up to CR */
    CHUNKED_SIZE_LF,  /* the LF that ends the size line */
    CHUNKED_BYTES,    /* `left` bytes of data */
    CHUNKED_BYTES_CR, /* CR after the data */
    CHUNKED_BYTES_LF,
    CHUNKED_LINE,  /* begin of a trailer line, or the CR of the last one */
    CHUNKED_NAME,  /* within a trailer's name */
    CHUNKED_VALUE, /* within its value */
    CHUNKED_VALUE_LF,
    CHUNKED_END_LF,
    CHUNKED_ENDED,
    CHUNKED_BROKEN,
};

struct chunked {
    enum chunked_place place;
    uint64_t left;
    unsigned digits, extension_bytes, trailer_bytes, trailer_lines;
};

enum chunked_step {
    CHUNKED_MORE,  /* all input is eaten */
    CHUNKED_SIZED, /* a chunk of c->left bytes begins: the caller may refuse it */
    CHUNKED_DATA,  /* *out is a piece of the body */
    CHUNKED_DONE,  /* the body has ended; what is left of *in belongs to the next request */
    CHUNKED_BAD,
};

void chunked_init(struct chunked *c);
/* Eats from *in until there is something to say. *out views the input. */
enum chunked_step chunked_next(struct chunked *c, struct str *in, struct str *out);

#endif
