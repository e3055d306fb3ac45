/* routing/calendar.c - see calendar.h.
 *
 * All questions walk the same row of open spans in UTC, in order and without overlap. The spans of
 * a day come from its local windows. Since a clock may jump (by a whole day in the Pacific), the
 * spans of neighbouring days can come out of order: those at hand are kept sorted, and the first
 * is given once no day still to come can begin before it.
 */
#include "routing/calendar.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>
#include <touchline/kit/zone.h>

enum {
    DAY_S = 86400,
    DAY_MS = 86400000,
    AROUND_DAYS = 3, /* a local day and what comes of it in UTC lie so near each other */
    PENDING_MAX = (2 * AROUND_DAYS + 4) * CALENDAR_WINDOWS_MAX,
};

struct calendar {
    struct str id;
    struct zone *zone;
    struct calendar_day week[7];
    int64_t *holidays; /* sorted */
    size_t holidays_n;
    struct calendar_special *special; /* sorted */
    size_t special_n;
};

static int by_day(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_special(const void *a, const void *b) {
    return by_day(&((const struct calendar_special *)a)->day,
                  &((const struct calendar_special *)b)->day);
}

struct calendar *calendar_new(const struct calendar_facts *facts) {
    struct calendar *c = NEW(struct calendar);
    c->id = str_make(mem_dup(facts->id.p, facts->id.n), facts->id.n);
    c->zone = facts->take_zone;
    memcpy(c->week, facts->week, sizeof c->week);
    c->holidays_n = facts->holidays_n;
    c->holidays = mem_new((facts->holidays_n + 1) * sizeof *c->holidays);
    for (size_t i = 0; i < facts->holidays_n; i++)
        c->holidays[i] = facts->holidays[i];
    c->special_n = facts->special_n;
    c->special = mem_new((facts->special_n + 1) * sizeof *c->special);
    for (size_t i = 0; i < facts->special_n; i++)
        c->special[i] = facts->special[i];
    qsort(c->holidays, c->holidays_n, sizeof *c->holidays, by_day);
    qsort(c->special, c->special_n, sizeof *c->special, by_special);
    return c;
}

void calendar_free(struct calendar *c) {
    if (!c)
        return;
    free((char *)(uintptr_t)c->id.p);
    zone_free(c->zone);
    free(c->holidays);
    free(c->special);
    free(c);
}

struct str calendar_id(const struct calendar *c) {
    return c->id;
}

static const struct calendar_day *day_of(const struct calendar *c, int64_t day) {
    static const struct calendar_day closed;
    const struct calendar_special wanted = {.day = day};
    const struct calendar_special *s =
        bsearch(&wanted, c->special, c->special_n, sizeof *c->special, by_special);
    if (s)
        return &s->as;
    if (bsearch(&day, c->holidays, c->holidays_n, sizeof *c->holidays, by_day))
        return &closed;
    return &c->week[((day + 3) % 7 + 7) % 7]; /* 1970-01-01 was a Thursday */
}

/* ---- the row of open spans ---- */

struct span {
    int64_t from_ms, to_ms;
};
struct walk {
    const struct calendar *c;
    int64_t day, quiet_until; /* the next to be looked at; without a span until then it is over */
    struct span pending[PENDING_MAX];
    size_t n;
};

static int64_t day_at(int64_t ms) {
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

/* So that nothing that ends after from_ms is missed. */
static void walk_begin(struct walk *w, const struct calendar *c, int64_t from_ms) {
    w->c = c;
    w->day = day_at(from_ms) - AROUND_DAYS;
    w->quiet_until = day_at(from_ms) + CALENDAR_CLOSED_DAYS + 1;
    w->n = 0;
}

static void walk_add(struct walk *w, struct span s) {
    size_t i = w->n;
    if (s.to_ms <= s.from_ms || w->n == PENDING_MAX)
        return;
    for (; i > 0 && w->pending[i - 1].from_ms > s.from_ms; i--)
        w->pending[i] = w->pending[i - 1];
    w->pending[i] = s;
    w->n++;
}

static void walk_day(struct walk *w) {
    const struct calendar_day *d = day_of(w->c, w->day);
    int64_t midnight_s = w->day * DAY_S;
    for (size_t i = 0; i < d->n; i++)
        walk_add(w, (struct span){
                        zone_to_utc_ms(w->c->zone, (midnight_s + d->windows[i].open_s) * 1000),
                        zone_to_utc_ms(w->c->zone, (midnight_s + d->windows[i].close_s) * 1000)});
    w->day++;
}

/* Days are looked at until none still to come can begin before `ms`. */
static bool walk_settled(const struct walk *w, int64_t ms) {
    return (w->day - 2) * DAY_MS > ms;
}

/* The next span, what touches or overlaps it taken in. false: closed for CALENDAR_CLOSED_DAYS. */
static bool walk_next(struct walk *w, struct span *out) {
    while (!w->n || !walk_settled(w, w->pending[0].from_ms)) {
        if (!w->n && w->day > w->quiet_until)
            return false;
        walk_day(w);
    }
    *out = w->pending[0];
    size_t used = 1;
    for (;; used++) {
        while (!walk_settled(w, out->to_ms) && w->n < PENDING_MAX - CALENDAR_WINDOWS_MAX)
            walk_day(w);
        if (used == w->n || w->pending[used].from_ms > out->to_ms)
            break;
        if (w->pending[used].to_ms > out->to_ms)
            out->to_ms = w->pending[used].to_ms;
        if (out->to_ms - out->from_ms > AROUND_DAYS * (int64_t)DAY_MS) {
            used++; /* always open: given in pieces, so that what is at hand stays bounded */
            break;
        }
    }
    memmove(w->pending, w->pending + used, (w->n - used) * sizeof *w->pending);
    w->n -= used;
    for (size_t i = 0; i < w->n && w->pending[i].from_ms < out->to_ms; i++) { /* of a piece */
        w->pending[i].from_ms = out->to_ms;
        if (w->pending[i].to_ms < out->to_ms)
            w->pending[i].to_ms = out->to_ms;
    }
    w->quiet_until = day_at(out->to_ms) + CALENDAR_CLOSED_DAYS + 1;
    return true;
}

/* The first span that ends after `ms`. */
static bool walk_to(struct walk *w, int64_t ms, struct span *out) {
    do {
        if (!walk_next(w, out))
            return false;
    } while (out->to_ms <= ms);
    return true;
}

/* ---- the questions ---- */

static bool never(const struct calendar *c, struct fault *f) {
    return fault_set(f, FAULT_STATE, "calendar", "calendar %.*s never opens", STR_ARG(c->id));
}

bool calendar_next_open(const struct calendar *c, int64_t at_ms, int64_t *out_ms, struct fault *f) {
    struct walk w;
    struct span s = {at_ms, 0};
    if (c) {
        walk_begin(&w, c, at_ms);
        if (!walk_to(&w, at_ms, &s))
            return never(c, f);
    }
    *out_ms = s.from_ms > at_ms ? s.from_ms : at_ms;
    return true;
}

bool calendar_is_open(const struct calendar *c, int64_t at_ms) {
    struct walk w;
    struct span s;
    if (!c)
        return true;
    walk_begin(&w, c, at_ms);
    return walk_to(&w, at_ms, &s) && s.from_ms <= at_ms;
}

bool calendar_due(const struct calendar *c, int64_t start_ms, int64_t open_ms, int64_t *out_ms,
                  struct fault *f) {
    struct walk w;
    struct span s;
    int64_t left = open_ms > 0 ? open_ms : 0;
    if (!c) {
        *out_ms = start_ms + left;
        return true;
    }
    walk_begin(&w, c, start_ms);
    if (!walk_to(&w, start_ms, &s))
        return never(c, f);
    if (s.from_ms < start_ms)
        s.from_ms = start_ms;
    while (s.to_ms - s.from_ms < left) {
        left -= s.to_ms - s.from_ms;
        if (!walk_next(&w, &s))
            return never(c, f);
        if (s.from_ms - start_ms > CALENDAR_REACH_DAYS * (int64_t)DAY_MS)
            return fault_set(f, FAULT_STATE, "calendar", "calendar %.*s opens too seldom for that",
                             STR_ARG(c->id));
    }
    *out_ms = s.from_ms + left;
    return true;
}

int64_t calendar_open_between(const struct calendar *c, int64_t from_ms, int64_t to_ms) {
    struct walk w;
    struct span s;
    int64_t sum = 0;
    if (!c || to_ms <= from_ms)
        return to_ms > from_ms ? to_ms - from_ms : 0;
    walk_begin(&w, c, from_ms);
    for (bool more = walk_to(&w, from_ms, &s); more && s.from_ms < to_ms; more = walk_next(&w, &s))
        sum += (s.to_ms < to_ms ? s.to_ms : to_ms) - (s.from_ms > from_ms ? s.from_ms : from_ms);
    return sum;
}
