/* html_entity.h - character references: &amp; &#8364; &#x20ac; */
#ifndef EMAIL_HTML_ENTITY_H
#define EMAIL_HTML_ENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/str.h>

/* `at` begins with '&'. Gives the code point and how many bytes it took; 0 bytes: it is no
 * reference. */
size_t html_entity(struct str at, uint32_t *out_code_point);

#endif
