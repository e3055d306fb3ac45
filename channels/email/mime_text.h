/* mime_text.h - strings of a mail as ours: lines, names of files, what a type is called. Pure. */
#ifndef EMAIL_MIME_TEXT_H
#define EMAIL_MIME_TEXT_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* CRLF and lone CR become LF. */
struct str mime_unix_lines(struct arena *a, struct str s);

/* A header value, unfolded and decoded (RFC 2047), on one line. charset is that of the body, for
 * raw 8-bit that is no UTF-8; NULL: not known. */
struct str mime_header_text(struct arena *a, struct str value, const char *charset);

/* A name for a file: without path, controls and characters that turn the direction. */
struct str mime_file_name(struct arena *a, struct str name);

/* ".png" of "image/png"; ".bin" for what is not known. */
struct str mime_extension(struct str type);

#endif
