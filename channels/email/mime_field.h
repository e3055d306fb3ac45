/* mime_field.h - a structured field, "word; name=value; …", taken apart (RFC 2045 5.1, RFC 2231).
 *
 * Read as it is met: values without quotes that hold spaces, quotes that never end, paths of
 * Windows, missing semicolons, encoded words where none may stand. Pure, in the child only, at most
 * MIME_PARAMS_MAX passes over a field.
 */
#ifndef EMAIL_MIME_FIELD_H
#define EMAIL_MIME_FIELD_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

enum { MIME_PARAMS_MAX = 100 };

/* One name=value as written; of "name*3*=value" the section is 3 and extended is true. */
struct mime_param {
    struct str name, value;
    int section; /* -1: the value is whole */
    bool extended;
};

struct mime_field {
    struct str word; /* lower case: "text/html", "attachment"; empty: there is none */
    struct mime_param *params;
    size_t n;
};

/* value: folded or not, without its name. All memory is the arena's. */
void mime_field_read(struct arena *a, struct str value, struct mime_field *out);

/* The value of a parameter in UTF-8, on one line; absent: there is no such one. charset is that of
 * the text around it, for raw 8-bit; NULL: not known. */
struct str mime_field_param(struct arena *a, const struct mime_field *f, const char *name,
                            const char *charset);

/* The value of a parameter that is a token (boundary, charset, format), as written; absent: none.
 */
struct str mime_field_token(struct arena *a, const struct mime_field *f, const char *name);

#endif
