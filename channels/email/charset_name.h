/* charset_name.h - what is meant by the name of a charset (WHATWG Encoding 4.2, and what mail
 * adds). */
#ifndef EMAIL_CHARSET_NAME_H
#define EMAIL_CHARSET_NAME_H

#include <stddef.h>

enum { CHARSET_NAME_MAX = 40 };

/* Writes the name iconv knows, or one of the two that charset.c converts itself: "iso-2022-jp",
 * "hz". Spelling, quotes and what stands behind the name do not matter; iso-8859-1 is windows-1252,
 * gb2312 is gb18030. Empty: nothing is said. A name nobody knows stays, in lower case. */
void charset_name(const char *declared, char out[CHARSET_NAME_MAX + 1]);

#endif
