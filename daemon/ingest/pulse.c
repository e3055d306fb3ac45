/* ingest/pulse.c - learning what is usual, and judging silence by it. */
#include "ingest/pulse.h"

#include <math.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

enum { HOUR_MS = 3600000, UNWATCHED_MS = 15 * 60000, SAVED_MAX = 16384, SPREAD_MAX = 50 };
static const double learn_rate = 0.3, learn_spread = 0.02;

/* 1970 began on a Thursday; where the week begins does not matter. */
static int slot_of(int64_t hour) {
    return (int)(hour % PULSE_HOURS);
}

static double known(const struct pulse *p, int64_t hour) {
    float r = p->rates[slot_of(hour + PULSE_HOURS)];
    return r < 0 ? 0 : (double)r;
}

static double expected(const struct pulse *p, int64_t hour) {
    double own = known(p, hour);
    double around = (known(p, hour - 1) + own + known(p, hour + 1)) / 3;
    return own < around ? own : around;
}

static void begin_hour(struct pulse *p, int64_t hour, bool whole) {
    p->hour = hour;
    p->count = 0;
    p->whole = whole;
}

void pulse_init(struct pulse *p, int64_t now_ms) {
    *p = (struct pulse){.spread = 1, .began_ms = now_ms, .seen_ms = now_ms};
    for (int i = 0; i < PULSE_HOURS; i++)
        p->rates[i] = -1;
    begin_hour(p, now_ms / HOUR_MS, false);
}

/* The hour is over. One burst must not make the next week's silence out of an ordinary hour. */
static void learn(struct pulse *p) {
    float *rate = &p->rates[slot_of(p->hour)];
    double n = (double)p->count;
    if (!p->whole || p->silent)
        return;
    p->hours++;
    if (*rate < 0) {
        *rate = (float)n;
        return;
    }
    double r = (double)*rate;
    if (n > 4 * r + 20)
        n = 4 * r + 20;
    /* Hours in which next to nothing comes say nothing of how much it varies. */
    double odd = (n - r) * (n - r) / (r > 1 ? r : 1);
    p->spread += learn_spread * (r < 1 ? r : 1) * (odd - p->spread);
    p->spread = p->spread < 1 ? 1 : p->spread > SPREAD_MAX ? SPREAD_MAX : p->spread;
    *rate = (float)(r + learn_rate * (n - r));
}

/* Up to now, hour by hour. */
static void advance(struct pulse *p, int64_t now_ms) {
    if (now_ms < p->seen_ms || now_ms - p->seen_ms > UNWATCHED_MS) {
        p->seen_ms = now_ms;
        begin_hour(p, now_ms / HOUR_MS, false);
        return;
    }
    while (p->seen_ms < now_ms) {
        int64_t end = (p->hour + 1) * HOUR_MS;
        int64_t to = end < now_ms ? end : now_ms;
        p->missed += expected(p, p->hour) * (double)(to - p->seen_ms) / HOUR_MS;
        p->seen_ms = to;
        if (to == end) {
            learn(p);
            begin_hour(p, p->hour + 1, true);
        }
    }
}

enum pulse_change pulse_arrival(struct pulse *p, int64_t now_ms, bool usual) {
    bool was = p->silent;
    advance(p, now_ms);
    p->count += usual;
    p->last_ms = now_ms;
    p->missed = 0;
    p->silent = false;
    p->silent_since_ms = 0;
    return was ? PULSE_ENDED : PULSE_SAME;
}

static bool is_silent(const struct pulse *p, const struct pulse_rules *r) {
    int64_t quiet_ms = p->seen_ms - (p->last_ms > p->began_ms ? p->last_ms : p->began_ms);
    if (r->longest_ms)
        return r->longest_ms > 0 && quiet_ms >= r->longest_ms;
    return p->hours * HOUR_MS >= r->history_ms && quiet_ms >= r->least_ms &&
           p->missed / p->spread >= log(r->unlikely);
}

enum pulse_change pulse_look(struct pulse *p, int64_t now_ms, const struct pulse_rules *rules) {
    bool was = p->silent;
    advance(p, now_ms);
    /* What was judged silent stays so until something comes, or the rules change. */
    bool off = rules->longest_ms < 0 || (rules->longest_ms > 0 && !is_silent(p, rules));
    p->silent = !off && (was || is_silent(p, rules));
    if (p->silent == was)
        return PULSE_SAME;
    p->silent_since_ms = p->silent ? (p->last_ms ? p->last_ms : p->began_ms) : 0;
    return p->silent ? PULSE_BEGAN : PULSE_ENDED;
}

bool pulse_save(const struct pulse *p, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_int(&w, "spread", (int64_t)(p->spread * 1000));
    jwrite_int(&w, "hours", p->hours);
    jwrite_int(&w, "began", p->began_ms);
    jwrite_int(&w, "last", p->last_ms);
    jwrite_int(&w, "missed", (int64_t)(p->missed * 1000));
    jwrite_int(&w, "silent", p->silent_since_ms);
    jwrite_open(&w, "rates", '[');
    for (int i = 0; i < PULSE_HOURS; i++)
        jwrite_int(&w, NULL, p->rates[i] < 0 ? -1 : (int64_t)((double)p->rates[i] * 100 + 0.5));
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    return w.ok;
}

bool pulse_load(struct pulse *p, struct str saved, int64_t now_ms) {
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(saved, SAVED_MAX, &j, NULL))
        return false;
    const json_t *rates = json_object_get(j, "rates");
    if (json_array_size(rates) != PULSE_HOURS)
        return false;
    pulse_init(p, now_ms);
    p->spread = (double)jget_int(j, "spread", 1000) / 1000;
    p->hours = jget_int(j, "hours", 0);
    p->began_ms = jget_int(j, "began", now_ms);
    p->last_ms = jget_int(j, "last", 0);
    p->missed = (double)jget_int(j, "missed", 0) / 1000;
    p->silent_since_ms = jget_int(j, "silent", 0);
    p->silent = p->silent_since_ms != 0;
    for (size_t i = 0; i < PULSE_HOURS; i++) {
        json_int_t r = json_integer_value(json_array_get(rates, i));
        p->rates[i] = r < 0 ? -1 : (float)((double)r / 100);
    }
    p->spread = p->spread >= 1 && p->spread <= SPREAD_MAX ? p->spread : 1;
    return true;
}
