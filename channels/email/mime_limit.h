/* mime_limit.h - what GMime is given of a mail: counted first, since it takes time and memory for
 * every header line and part there is (200,000 header lines: half a second and 100 MB, measured).
 */
#ifndef EMAIL_MIME_LIMIT_H
#define EMAIL_MIME_LIMIT_H

#include "mime.h"

enum { LIMIT_HEADER_LINES = 1000, LIMIT_BOUNDARY_LINES = 2000 };

/* Writes the mail's own Content-* fields and as much of its body as is within the limits; the
 * rest is not read, with a warning. */
void mime_limit(const struct headers *top, struct buf *out, struct warnings *w);

#endif
