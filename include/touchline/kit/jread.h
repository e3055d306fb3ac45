/* kit/jread.h - JSON in, strictly: jansson with our limits, and faults that name the place.
 *
 * Refused: duplicate keys, bad UTF-8, \u0000, trailing bytes, NaN, numbers out of range, depth
 * above 64, more than max bytes. A leading byte order mark is skipped. Pointers are RFC 6901.
 */
#ifndef TOUCHLINE_KIT_JREAD_H
#define TOUCHLINE_KIT_JREAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { JREAD_DEPTH_MAX = 64 };

/* Parses a whole document; the caller owns *out (json_decref). Fault INPUT, place "line:column". */
bool jread_parse(struct str text, size_t max_bytes, json_t **out, struct fault *f) must_check;

/* A member read while an object is walked. `at` is the pointer of the object, for the fault.
 * Absent or null gives the absent string / def. false: another type. */
bool jread_str(const json_t *o, const char *key, const char *at, struct str *out, struct fault *f)
    must_check;
bool jread_int(const json_t *o, const char *key, const char *at, int64_t def, int64_t *out,
               struct fault *f) must_check;
bool jread_bool(const json_t *o, const char *key, const char *at, bool def, bool *out,
                struct fault *f) must_check;

/* Views without faults, for what we wrote ourselves: absent, null and wrong types give the default.
 */
struct str jget_str(const json_t *o, const char *key);
int64_t jget_int(const json_t *o, const char *key, int64_t def);
bool jget_bool(const json_t *o, const char *key, bool def);

/* By RFC 6901 pointer ("/a/0/b"); borrowed, NULL where it leads nowhere. */
json_t *jread_at(const json_t *root, struct str pointer);
/* By dotted path ("from.email"); object members only. */
json_t *jread_path(const json_t *root, struct str path);

/* Compact JSON text appended; false: full. */
bool jread_dump(struct buf *out, const json_t *v) must_check;
json_t *jstr(struct str s);  /* a JSON string (absent: null), bad UTF-8 mended; new reference */
void json_freep(json_t **j); /* for cleanup() */

#endif
