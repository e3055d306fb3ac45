/* routing/service_level.h - what was promised for a task: its clocks, from facts.
 *
 *   first_response  begin ──► an agent's first reply; what answers by itself does not count
 *   next_response   after that: the oldest message that nobody answered ──► a reply
 *   update          an agent's last reply ──► his next
 *   resolve         begin ──► end; rests while the conversation is pending
 *   acknowledge     begin ──► an agent takes it, or replies
 *
 * Nothing is stored but facts, so another level, calendar or queue keeps what has elapsed: each
 * deadline is counted anew from where its clock began. Called by: dispatch/clocks.c. Pure.
 */
#ifndef ROUTING_SERVICE_LEVEL_H
#define ROUTING_SERVICE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/str.h>

struct calendar;

enum service_clock {
    SERVICE_FIRST_RESPONSE,
    SERVICE_NEXT_RESPONSE,
    SERVICE_UPDATE,
    SERVICE_RESOLVE,
    SERVICE_ACKNOWLEDGE,
    SERVICE_CLOCKS,
};
/* As the contract calls them: "first_response". */
const char *service_clock_name(enum service_clock c);

struct service_level {
    struct str id;
    const struct calendar *calendar; /* NULL: around the clock */
    struct {
        int64_t within_ms;    /* open time; 0: does not run */
        int64_t warn_percent; /* 0: no warning */
    } clocks[SERVICE_CLOCKS];
    bool rests_pending; /* pause_on: [pending] */
};

/* Wall clock in ms; 0: that has not come about. */
enum { SERVICE_PAUSES_MAX = 16 };
struct service_facts {
    int64_t created_ms;
    int64_t asked_ms; /* the oldest message that nobody has answered */
    int64_t replied_ms, last_reply_ms, taken_ms;
    int64_t wanted_ms; /* a rule's own deadline of the first response, before the level's */
    struct {
        int64_t from_ms, to_ms;
    } pauses[SERVICE_PAUSES_MAX]; /* in order */
    size_t pauses_n;
    int64_t paused_from_ms; /* pending since */
};

enum service_state { SERVICE_OFF, SERVICE_RESTS, SERVICE_OK, SERVICE_WARN, SERVICE_BREACHED };
struct service_due {
    enum service_state state;
    int64_t due_ms, warn_ms; /* while it runs; warn 0: none */
};
/* level NULL: only a rule's own deadline counts. A calendar that never opens has no deadline. */
struct service_due service_due(const struct service_level *level, const struct service_facts *facts,
                               enum service_clock clock, int64_t now_ms);

/* The earliest deadline of those that run, also one that is over, and when its clock began; 0:
 * none. */
int64_t service_next(const struct service_level *level, const struct service_facts *facts,
                     int64_t now_ms, int64_t *out_from_ms);

#endif
