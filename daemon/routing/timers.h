/* routing/timers.h - what is due when: a binary heap whose elements know where they stand. */
#ifndef ROUTING_TIMERS_H
#define ROUTING_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_ms;
    size_t place; /* in the heap, from 1; 0: not armed */
};
struct timers {
    struct timer **heap;
    size_t n, room;
};

void routing_timers_clear(struct timers *t);
void routing_timer_arm(struct timers *t, struct timer *it,
                       int64_t due_ms); /* again: moves; INT64_MAX: as routing_timer_stop */
void routing_timer_stop(struct timers *t, struct timer *it);
/* Takes out one that is due at now; NULL: none. */
struct timer *routing_timers_take(struct timers *t, int64_t now_ms);
int64_t routing_timers_next_ms(const struct timers *t); /* INT64_MAX: none */

#endif
