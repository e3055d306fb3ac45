/* kit/utf8.h - UTF-8: check, mend, cut, fold. */
#ifndef TOUCHLINE_KIT_UTF8_H
#define TOUCHLINE_KIT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

/* Well-formed (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF. */
bool utf8_valid(struct str s);
/* Appends s with each bad byte sequence as U+FFFD (WHATWG's maximal subparts), NUL as U+FFFD. */
bool utf8_mend(struct buf *out, struct str s) must_check;
/* Decodes one code point at *p < end and moves on; a bad byte gives 0xFFFD and moves one. */
uint32_t utf8_next(const char **p, const char *end);
bool utf8_add(struct buf *out, uint32_t code_point) must_check;
/* At most n bytes, not through a character. */
struct str utf8_upto(struct str s, size_t n_bytes);
/* One line for headers and logs: controls, bidi controls (U+202A..E, U+2066..9) and line separators
 * become a space. */
bool utf8_one_line(struct buf *out, struct str s) must_check;

#endif
