/* touchpoint/touchpoint_priv.h - what the files of this room share. */
#ifndef TOUCHPOINT_PRIV_H
#define TOUCHPOINT_PRIV_H

#include "touchpoint/touchpoint.h"

struct phone_region {
    const char *region, *code, *international, *national;
    size_t min, max;
};
extern const struct phone_region phone_regions[];
extern const size_t phone_regions_n;
/* Of the country whose code the digits begin with; NULL: of none, or of a code that belongs to no
 * country and is known all the same. */
const struct phone_region *phone_region_of(struct str digits);
bool phone_code_known(struct str digits);
const struct phone_region *phone_region_find(struct str region);
/* As phone_normalise, by our own rules alone. */
bool phone_by_rules(struct arena *a, struct str raw, struct str region, struct str *out);

/* One touchpoint being read. `strict`: what is wrong is a fault; else it is mended and named in
 * the warnings, since a mail that came cannot be sent back for its header. */
struct reading {
    struct touchpoint *tp;
    const json_t *in;
    const struct touchpoint_origin *origin;
    struct fault_list *faults;
    json_t *warnings;
    bool strict;
};

enum { POINTER_MAX = 160 };

/* A fault at AT/KEY (key may be NULL). Returns false. */
bool reading_fault(struct reading *r, const char *at, const char *key, const char *format, ...)
    printf_like(4, 5);
void reading_warn(struct reading *r, const char *format, ...) printf_like(2, 3);

enum { TEXT_LINE = 1, TEXT_NOT_EMPTY = 2 };
/* A string member of at most max bytes; TEXT_LINE: without controls. Absent where it is absent,
 * null or could not be taken. Views into the input or the touchpoint's arena. */
struct str reading_str(struct reading *r, const json_t *o, const char *at, const char *key,
                       size_t max, int flags);

/* Person at `key`, as stored; NULL where it is absent or wrong. Identities found are added to the
 * touchpoint when `who` is set. */
json_t *person_read(struct reading *r, const json_t *in, const char *at, bool who);
/* A list of persons (one alone counts as a list of one), always an array. */
json_t *persons_read(struct reading *r, const char *key, bool who);

json_t *attachments_read(struct reading *r);
/* Fills tp->references from both lists as they stand in the header. */
void touchpoint_references(struct touchpoint *tp, const json_t *references,
                           const json_t *in_reply_to);
json_t *call_read(struct reading *r, const json_t *in);
json_t *reading_strings(struct reading *r, const char *key, size_t max_n, size_t max_bytes,
                        bool one_allowed);

/* Hash of what was said: all members but id, source_id and revision, whatever their order. */
void content_hash(const json_t *in, uint8_t out[8]);

#endif
