/* kit/urlencoded.h - application/x-www-form-urlencoded and percent-coding (WHATWG URL 5.1). Pure.
 */
#ifndef TOUCHLINE_KIT_URLENCODED_H
#define TOUCHLINE_KIT_URLENCODED_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

struct pair {
    struct str name, value;
};

/* All pairs in order, decoded to valid UTF-8 (bad bytes as U+FFFD), in the arena. Fault INPUT:
 * more than max pairs. */
bool urlencoded_parse(struct arena *a, struct str body, struct pair *out, size_t max, size_t *out_n,
                      struct fault *f) must_check;
/* %XX decoded strictly, '+' kept: for paths and ce- headers. false: bad escape, or %00. */
bool percent_decode(struct buf *out, struct str s) must_check;
/* Everything but RFC 3986 unreserved is escaped. */
bool percent_encode(struct buf *out, struct str s) must_check;
/* A name that can be a segment of a path as it stands: letters, digits, - _ and ., not first a dot.
 */
bool segment_plain(struct str name);

#endif
