/* ingest/profile.h - what people may write about a contact: checked, and merged into what is there.
 * Pure. */
#ifndef INGEST_PROFILE_H
#define INGEST_PROFILE_H

#include <jansson.h>

#include <touchline/kit/fault.h>

/* RFC 7396 over `current` (may be NULL); the new profile (new reference), or NULL with a fault
 * INPUT at its pointer. Members beyond the profile are refused by name, but those in `beside`
 * (names ending with NULL; may be NULL). */
json_t *profile_patch(const json_t *current, const json_t *patch, const char *const *beside,
                      struct fault *f);

#endif
