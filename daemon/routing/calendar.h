/* routing/calendar.h - business time: when a calendar is open, and what follows for deadlines.
 *
 * A calendar is made from what an operator wrote and is never changed; a reload makes a new one.
 * Each edge of a window is turned to UTC by itself, so a window over a change of the clock is
 * longer or shorter; an edge that the clock skips moves forward, of two the first counts. Windows
 * that overlap count once. Called by: routing/service_level.c, dispatch/clocks.c. Pure.
 */
#ifndef ROUTING_CALENDAR_H
#define ROUTING_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/str.h>

struct zone;

enum {
    CALENDAR_WINDOWS_MAX = 16,   /* of one day */
    CALENDAR_CLOSED_DAYS = 400,  /* so long in a row without a window: it never opens */
    CALENDAR_REACH_DAYS = 10000, /* a deadline farther away than this is none */
};

/* Seconds of the local day; close beyond 86400 reaches into the next one, at most to its end. */
struct calendar_window {
    int32_t open_s, close_s;
};
struct calendar_day {
    size_t n; /* 0: closed */
    struct calendar_window windows[CALENDAR_WINDOWS_MAX];
};
struct calendar_special {
    int64_t day; /* since 1970-01-01 */
    struct calendar_day as;
};
/* What it is made from; all is copied but the zone. */
struct calendar_facts {
    struct str id;
    struct zone *take_zone;      /* NULL: UTC */
    struct calendar_day week[7]; /* Monday first */
    const int64_t *holidays;     /* days since 1970-01-01, in any order */
    size_t holidays_n;
    const struct calendar_special *special; /* before holidays and week */
    size_t special_n;
};
struct calendar;
struct calendar *calendar_new(const struct calendar_facts *facts);
void calendar_free(struct calendar *c);
struct str calendar_id(const struct calendar *c);

/* In all below a calendar that is NULL is open around the clock. */
bool calendar_is_open(const struct calendar *c, int64_t at_ms);
/* The instant itself where it is open. Faults: STATE "calendar X never opens". */
bool calendar_next_open(const struct calendar *c, int64_t at_ms, int64_t *out_ms, struct fault *f)
    must_check;
/* When so much open time has passed since start; nothing to wait for: the first open instant.
 * Faults: STATE, it never opens, or too seldom. */
bool calendar_due(const struct calendar *c, int64_t start_ms, int64_t open_ms, int64_t *out_ms,
                  struct fault *f) must_check;
/* Open time within [from, to); 0 where to is before from. */
int64_t calendar_open_between(const struct calendar *c, int64_t from_ms, int64_t to_ms);

#endif
