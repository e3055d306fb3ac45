/* ingest/pulse.h - whether a source lives: what usually comes in each hour of the week, and when
 * nothing has come for so long that chance alone does not explain it. Pure.
 *
 *   arrivals ──► count of this hour ──end of hour──► rate[hour of the week] (EWMA)
 *   time without any × rate ──► missed ──► P(nothing) = e^(-missed / spread)
 *
 * Hours are UTC's; where summer time moves the day, the smaller of an hour and its neighbours' mean
 * is what is expected of it. Hours in which nobody watched, or in which the source is silent, teach
 * nothing.
 */
#ifndef INGEST_PULSE_H
#define INGEST_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum { PULSE_HOURS = 168 };

struct pulse {
    float rates[PULSE_HOURS]; /* usual arrivals of an hour; below 0: not known yet */
    double spread;            /* how much more the counts vary than by chance; 1: not at all */
    int64_t hours;            /* learned so far */
    int64_t hour, count;      /* the hour being counted, since 1970 */
    bool whole;               /* it was watched from its beginning */
    int64_t began_ms, seen_ms, last_ms; /* watched since; looked at; last arrival (0: none yet) */
    double missed;                      /* arrivals usual in the time since the last one */
    bool silent;
    int64_t silent_since_ms;
};

struct pulse_rules {
    double unlikely;    /* one in so many silences is let pass as chance */
    int64_t least_ms;   /* never silent before */
    int64_t history_ms; /* learned before */
    int64_t longest_ms; /* > 0: this instead of what was learned; < 0: never silent */
};
enum pulse_change { PULSE_SAME, PULSE_BEGAN, PULSE_ENDED };

void pulse_init(struct pulse *p, int64_t now_ms);
/* usual false: old things taken in now; they show that it lives, and teach nothing. */
enum pulse_change pulse_arrival(struct pulse *p, int64_t now_ms, bool usual);
/* To be called every few minutes at least: longer pauses count as not watched. */
enum pulse_change pulse_look(struct pulse *p, int64_t now_ms, const struct pulse_rules *rules);
/* As text, and back; it goes on at now_ms as not watched in between. */
bool pulse_save(const struct pulse *p, struct buf *out) must_check;
bool pulse_load(struct pulse *p, struct str saved, int64_t now_ms) must_check;

#endif
