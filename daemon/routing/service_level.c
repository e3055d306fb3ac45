/* routing/service_level.c - see service_level.h. */
#include "routing/service_level.h"

#include <touchline/kit/own.h>

#include "routing/calendar.h"

const char *service_clock_name(enum service_clock c) {
    static const char *const names[] = {[SERVICE_FIRST_RESPONSE] = "first_response",
                                        [SERVICE_NEXT_RESPONSE] = "next_response",
                                        [SERVICE_UPDATE] = "update",
                                        [SERVICE_RESOLVE] = "resolve",
                                        [SERVICE_ACKNOWLEDGE] = "acknowledge"};
    return names[c];
}

static int64_t within(const struct service_level *l, enum service_clock clock) {
    return l ? l->clocks[clock].within_ms : 0;
}

/* When it began; 0: it does not run. Before the first reply only that is waited for, whatever else
 * was asked meanwhile: no other response clock may stand in its place. */
static int64_t began(const struct service_level *l, const struct service_facts *f,
                     enum service_clock clock) {
    switch (clock) {
    case SERVICE_FIRST_RESPONSE:
        return f->replied_ms ? 0 : f->created_ms;
    case SERVICE_NEXT_RESPONSE:
        return f->replied_ms || !(within(l, SERVICE_FIRST_RESPONSE) || f->wanted_ms) ? f->asked_ms
                                                                                     : 0;
    case SERVICE_UPDATE:
        return f->last_reply_ms;
    case SERVICE_RESOLVE:
        return f->created_ms;
    case SERVICE_ACKNOWLEDGE:
        return f->taken_ms || f->replied_ms ? 0 : f->created_ms;
    case SERVICE_CLOCKS:
        break;
    }
    return 0;
}

/* When so much open time has passed since the begin, pauses left out. false: it rests before that,
 * or the calendar never gives so much. */
static bool passes(const struct service_level *l, const struct service_facts *f, int64_t from,
                   int64_t open_ms, bool rests, int64_t *out_ms) {
    struct fault ignored;
    int64_t left = open_ms;
    for (size_t i = 0; rests && i < f->pauses_n; i++) {
        int64_t until = f->pauses[i].from_ms;
        int64_t open = calendar_open_between(l->calendar, from, until);
        if (open >= left && until > from)
            return calendar_due(l->calendar, from, left, out_ms, &ignored);
        left -= open;
        if (f->pauses[i].to_ms > from)
            from = f->pauses[i].to_ms;
    }
    if (rests && f->paused_from_ms &&
        (f->paused_from_ms <= from ||
         calendar_open_between(l->calendar, from, f->paused_from_ms) < left))
        return false;
    return calendar_due(l->calendar, from, left, out_ms, &ignored);
}

struct service_due service_due(const struct service_level *l, const struct service_facts *f,
                               enum service_clock clock, int64_t now_ms) {
    struct service_due due = {SERVICE_OFF, 0, 0};
    if (clock >= SERVICE_CLOCKS)
        return due;
    bool wanted = clock == SERVICE_FIRST_RESPONSE && f->wanted_ms;
    bool rests = clock == SERVICE_RESOLVE && l && l->rests_pending;
    int64_t from = began(l, f, clock), ms = within(l, clock);
    int64_t percent = l ? l->clocks[clock].warn_percent : 0;
    if (!from || (!ms && !wanted))
        return due;
    if (wanted)
        due.due_ms = f->wanted_ms;
    else if (!passes(l, f, from, ms, rests, &due.due_ms)) {
        due.state = rests && f->paused_from_ms ? SERVICE_RESTS : SERVICE_OFF;
        return due;
    }
    if (percent && wanted)
        due.warn_ms = from + (f->wanted_ms - from) / 100 * percent;
    else if (percent && !passes(l, f, from, ms / 100 * percent, rests, &due.warn_ms))
        due.warn_ms = 0;
    due.state = now_ms >= due.due_ms                   ? SERVICE_BREACHED
                : due.warn_ms && now_ms >= due.warn_ms ? SERVICE_WARN
                                                       : SERVICE_OK;
    return due;
}

int64_t service_next(const struct service_level *l, const struct service_facts *f, int64_t now_ms,
                     int64_t *out_from_ms) {
    int64_t next = 0;
    *out_from_ms = 0;
    for (int i = 0; i < SERVICE_CLOCKS; i++) {
        struct service_due due = service_due(l, f, (enum service_clock)i, now_ms);
        if (due.state < SERVICE_OK || (next && due.due_ms >= next))
            continue;
        next = due.due_ms;
        *out_from_ms = began(l, f, (enum service_clock)i);
    }
    return next;
}
