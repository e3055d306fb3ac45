/* ingest/pulses.h - the pulse of every source: counted, looked at, kept in the spool, told.
 *
 * Who falls silent, or comes back, is told once in the log; /readyz, /metrics and /v1/sources show
 * it. Loop thread.
 */
#ifndef INGEST_PULSES_H
#define INGEST_PULSES_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/plugin.h>

struct config_check;
struct loop;
struct pulses;
struct spool;

struct alarm_config { /* section `alarm` */
    bool silence;
    int64_t unlikely, least_ms, history_ms;
    struct tl_pairs sources; /* a longest silence, or no */
};
extern const struct tl_key alarm_keys[];
void alarm_check(const void *section, struct config_check *c);

/* config NULL: nothing is judged. */
struct pulses *pulses_open(struct loop *loop, struct spool *spool,
                           const struct alarm_config *config);
void pulses_reload(struct pulses *all, const struct alarm_config *config);
/* Keeps what was learned. */
void pulses_close(struct pulses *all);
/* Something new was kept of this source. */
void pulses_arrival(struct pulses *all, struct str source, bool usual);

struct pulse_state {
    struct str source;
    int64_t last_ms, silent_since_ms; /* 0: never; not silent */
    double expected;                  /* arrivals usual in the time since the last one */
};
typedef void pulse_state_fn(void *arg, const struct pulse_state *state);
/* Every source of which anything came. */
void pulses_each(const struct pulses *all, pulse_state_fn *found, void *arg);

#endif
