/* kit/base64.h - base64 (RFC 4648), standard and URL alphabets. */
#ifndef TOUCHLINE_KIT_BASE64_H
#define TOUCHLINE_KIT_BASE64_H

#include <stdbool.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

bool base64_encode(struct buf *out, struct str data) must_check;
bool base64url_encode(struct buf *out, struct str data) must_check; /* no padding */
/* Strict: false on any other byte or wrong padding, nothing added then. Both alphabets are taken;
 * padding may be missing where `lenient`. */
bool base64_decode(struct buf *out, struct str s, bool lenient) must_check;

#endif
