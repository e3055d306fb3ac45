/* kit/zone.h - local times to UTC and back, by the system's zone files (RFC 8536). Pure but for
 * reading the file once; a zone that is open may be read by several threads. */
#ifndef TOUCHLINE_KIT_ZONE_H
#define TOUCHLINE_KIT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/str.h>

struct zone;

/* name: "Europe/Berlin"; absent or "UTC": no offset. NULL: no such zone. */
struct zone *zone_open(struct str name);
void zone_free(struct zone *z);
/* So many seconds east of UTC at an instant, also far in the future (z NULL: 0). */
int32_t zone_offset_s(const struct zone *z, int64_t utc_s);
/* A local wall time, given as if it were UTC, to UTC (z NULL: it is UTC). Of a time that is there
 * twice the first; one that is skipped moves forward by what was skipped. */
int64_t zone_to_utc_ms(const struct zone *z, int64_t local_ms);
/* Both of a time that is there twice; else twice the same. */
void zone_both_utc_ms(const struct zone *z, int64_t local_ms, int64_t out[2]);

#endif
