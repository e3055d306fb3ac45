/* kit/multipart.h - multipart/form-data (RFC 7578), as browsers and scripts really send it. Pure.
 */
#ifndef TOUCHLINE_KIT_MULTIPART_H
#define TOUCHLINE_KIT_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/fault.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

struct multipart_part {
    struct str name;
    struct str filename; /* absent: a field. Path stripped, %22 %0D %0A undone, controls removed */
    struct str type;     /* of a file, lower case, without parameters */
    struct str body;     /* view into the input */
};

#define MULTIPART_MANY "parts" /* place of the fault that there are more than max */

/* content_type is the whole header value. Fault INPUT: no or bad boundary (1 to 70 characters), a
 * part without name, a header block above 8 KiB, nested multipart, no closing delimiter, more than
 * max parts. */
bool multipart_parse(struct arena *a, struct str content_type, struct str body,
                     struct multipart_part *out, size_t max, size_t *out_n, struct fault *f)
    must_check;

#endif
