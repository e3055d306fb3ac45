/* mime_text.h - what mime.c needs of strings; shares GMime's types, so only files that use it
 * include this. */
#ifndef EMAIL_MIME_TEXT_H
#define EMAIL_MIME_TEXT_H

#include <gmime/gmime.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* Loose wherever mail is written loosely; free with g_mime_parser_options_free. */
GMimeParserOptions *mime_options(void);

/* A string of GMime's, freed here; NULL gives an empty one. Valid and on one line. */
struct str mime_take_line(struct arena *a, char *take_s);

/* CRLF and lone CR become LF. */
struct str mime_unix_lines(struct arena *a, struct str s);

/* ".png" of "image/png"; ".bin" for what is not known. */
struct str mime_extension(struct str type);

#endif
