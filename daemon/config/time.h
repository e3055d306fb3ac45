/* config/time.h - what the file says of business time: calendars and service levels.
 *
 * The tables fill structs; what no table can say (a week's windows, special days, holidays from
 * files) is read from the nodes by calendar_read. Called by: dispatch/, ingest/rules.c.
 */
#ifndef CONFIG_TIME_H
#define CONFIG_TIME_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct config_check;
struct config_node;

enum { TIME_WINDOWS_MAX = 16, HOLIDAYS_MAX = 20000 };

/* calendars: */
struct calendar_config {
    struct str id, zone; /* zone absent: UTC */
    const struct config_node *week, *special;
    struct tl_strs holidays; /* paths */
};
/* Seconds of the local day; close beyond 86400 reaches into the next one. */
struct time_window {
    int32_t open_s, close_s;
};
struct time_day {
    size_t n;
    struct time_window windows[TIME_WINDOWS_MAX];
};
struct time_special {
    int64_t day; /* since 1970-01-01 */
    struct time_day as;
};
struct calendar_said {
    struct time_day week[7]; /* Monday first */
    struct time_special *special;
    size_t special_n;
    int64_t *holidays; /* days since 1970-01-01 */
    size_t holidays_n;
};
/* What a calendar says, faults told to `check`, or left out where it is NULL. The config must live.
 */
void calendar_read(const struct calendar_config *c, struct config_check *check,
                   struct calendar_said *out);
void calendar_said_clear(struct calendar_said *said);

/* The days that an iCalendar file (RFC 5545) closes: events of whole days with their rules, until
 * 2100. Others are left alone, and events that are cancelled. Appends to days. Faults: INPUT, the
 * place is FILE:LINE; SYSTEM. */
bool holidays_read(const char *path, int64_t **io_days, size_t *io_n, struct fault *f) must_check;

/* service_levels: */
struct level_clock {
    int64_t within_ms;    /* 0: this clock does not run */
    int64_t warn_percent; /* of it; 0: no warning */
};
struct level_config {
    struct str id, calendar; /* calendar absent: around the clock */
    struct level_clock first_response, next_response, update, resolve, acknowledge;
    struct tl_strs pause_on;
};

extern const struct tl_key calendar_keys[], level_keys[];
void calendars_check(const void *calendars, struct config_check *c);
void levels_check(const void *levels, struct config_check *c);

#endif
