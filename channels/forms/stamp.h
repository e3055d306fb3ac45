/* forms/stamp.h - a signed time in a hidden field: how long somebody took to fill the form. Pure.
 *
 * "MS.HEX": milliseconds since 1970 and the HMAC-SHA256 of "FORM\nMS". A page made by a server can
 * write it itself with the same secret; any other fetches it by GET /forms/{form}.
 */
#ifndef FORMS_STAMP_H
#define FORMS_STAMP_H

#include <stdint.h>

#include <touchline/str.h>

enum { STAMP_MAX = 96 };
enum stamp_verdict { STAMP_GOOD, STAMP_FAST, STAMP_OLD, STAMP_BAD };

struct stamp_config {
    struct str field, secret; /* secret absent: no such check */
    int64_t least_ms, most_ms;
    bool required;
};

struct str stamp_write(struct str secret, struct str form, int64_t now_ms, char out[STAMP_MAX]);
enum stamp_verdict stamp_judge(const struct stamp_config *c, struct str form, struct str stamp,
                               int64_t now_ms);

#endif
