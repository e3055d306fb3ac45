/* charset.h - text in any charset to valid UTF-8. Runs in the child; linear. */
#ifndef EMAIL_CHARSET_H
#define EMAIL_CHARSET_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* The name iconv knows, by what mail means with it: gb2312 is written as gb18030, iso-8859-1 as
 * windows-1252. Out of a static table, or the name itself. */
const char *charset_name(const char *declared);

/* Always valid UTF-8, without NUL; what cannot be converted is U+FFFD. declared may be NULL: UTF-8
 * if it is that, else windows-1252. *out_known false: the name says nothing to us, it was guessed.
 */
struct str charset_to_utf8(struct arena *a, struct str bytes, const char *declared,
                           bool *out_known);

#endif
