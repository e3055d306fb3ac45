/* charset.h - text in any charset to valid UTF-8. Runs in the child; linear. */
#ifndef EMAIL_CHARSET_H
#define EMAIL_CHARSET_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* Whether a declared name says anything to us. */
bool charset_known(const char *declared);

/* Always valid UTF-8, without NUL and byte order mark; what cannot be converted is U+FFFD. declared
 * may be NULL: UTF-8 if it is that, else windows-1252. *out_known false: the name says nothing to
 * us, it was guessed. */
struct str charset_to_utf8(struct arena *a, struct str bytes, const char *declared,
                           bool *out_known);

/* Of a header field: UTF-8 if it is that, else by `around`, the charset of the text below (NULL:
 * not known), else windows-1252. */
struct str charset_field_to_utf8(struct arena *a, struct str bytes, const char *around);

#endif
