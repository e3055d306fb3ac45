/* header.h - walks the header fields of a mail as they stand, without copying.
 *
 * Line ends may be CRLF or LF, mixed. A field keeps its folds; header_unfold takes them out. Pure,
 * linear, used in the daemon (loops, own id) and in the child (everything else).
 */
#ifndef EMAIL_HEADER_H
#define EMAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum { HEADER_FIELDS_MAX = 10000, HEADER_VALUE_MAX = 64 * 1024 };

struct header_field {
    struct str name;  /* as written */
    struct str value; /* after the colon, folded, without the last line end */
    struct str whole; /* name to last line end */
};

/* `rest` is what has not been walked; after header_next returned false it is the body. */
struct header_walk {
    struct str rest;
};

/* Starts at the first field: an mbox "From " line in front is passed over. */
void header_begin(struct header_walk *w, struct str mail);
bool header_next(struct header_walk *w, struct header_field *out);
/* Whether a part begins with a header, if only an empty one; else it is all body. */
bool header_begins(struct str part);

/* All fields of one header, up to HEADER_FIELDS_MAX; what lies beyond is passed over. */
struct headers {
    struct header_field *items; /* in the arena */
    size_t n;
    bool cut;
    struct str body;
};
void headers_read(struct arena *a, struct str mail, struct headers *out);

/* The value of the first such field, trimmed and still folded; absent when there is none. */
struct str headers_get(const struct headers *h, const char *name);
size_t headers_count(const struct headers *h, const char *name);

/* One line: folds become what they are without their line end; at most HEADER_VALUE_MAX bytes. */
struct str header_unfold(struct arena *a, struct str value);

/* The next line of *rest without its end (CRLF or LF); *rest moves behind it. */
struct str header_line(struct str *rest);

#endif
