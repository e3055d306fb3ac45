/* mime_part.h - the tree of a mail's parts, as views of it: nothing is copied, nothing decoded.
 *
 * A reader of our own, since the library's left out what broken mail holds (a part without header,
 * the end of unpadded base64), and had to be given less than there was to stay within time. Here
 * every part is what stands between its delimiters, whatever that is. Looks at each byte at most
 * once a level; bounded in parts and levels.
 */
#ifndef EMAIL_MIME_PART_H
#define EMAIL_MIME_PART_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

#include "header.h"
#include "mime_decode.h"
#include "mime_field.h"

enum { MIME_PARTS_MAX = 1000, MIME_DEPTH_MAX = 30 };

struct warnings; /* mime.h */

struct mime_part {
    struct str type;               /* "text/plain", lower case, always one */
    struct mime_field content;     /* Content-Type */
    struct mime_field disposition; /* Content-Disposition */
    struct str cid, location;      /* without brackets; absent: none */
    enum mime_coding coding;
    struct str header;                 /* as it stands, with its empty line */
    struct str body;                   /* still encoded */
    struct mime_part *children, *next; /* of a multipart; in their order */
    bool has_type;                     /* said, not assumed */
};

/* How much was done, for the bounds' tests. */
struct mime_work {
    size_t parts;
    size_t lines;         /* that begin with dashes, looked at */
    size_t scanned_bytes; /* by the search for them */
};

/* The tree of a mail whose own header is top. A multipart in which no parts are found becomes one
 * part of text. Never fails; what is left out is in the warnings. */
struct mime_part *mime_part_read(struct arena *a, const struct headers *top, struct warnings *w,
                                 struct mime_work *work);

/* The same of an entity that stands alone: header, empty line, body. */
struct mime_part *mime_part_read_entity(struct arena *a, struct str entity, struct warnings *w,
                                        struct mime_work *work);

bool mime_part_is_multipart(const struct mime_part *p);

#endif
