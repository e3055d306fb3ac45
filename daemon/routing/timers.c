/* routing/timers.c - see timers.h. A task has one timer, so the heap is no larger than the tasks.
 */
#include "routing/timers.h"

#include <stdlib.h>

#include <touchline/kit/own.h>

static void put(struct timers *t, size_t place, struct timer *it) {
    t->heap[place - 1] = it;
    it->place = place;
}

static void sift_up(struct timers *t, struct timer *it, size_t place) {
    while (place > 1 && t->heap[place / 2 - 1]->due_ms > it->due_ms) {
        put(t, place, t->heap[place / 2 - 1]);
        place /= 2;
    }
    put(t, place, it);
}

static void sift_down(struct timers *t, struct timer *it, size_t place) {
    for (size_t child; (child = place * 2) <= t->n; place = child) {
        if (child < t->n && t->heap[child]->due_ms < t->heap[child - 1]->due_ms)
            child++;
        if (t->heap[child - 1]->due_ms >= it->due_ms)
            break;
        put(t, place, t->heap[child - 1]);
    }
    put(t, place, it);
}

void routing_timers_clear(struct timers *t) {
    free(t->heap);
    *t = (struct timers){0};
}

void routing_timer_stop(struct timers *t, struct timer *it) {
    size_t place = it->place;
    if (place == 0)
        return;
    struct timer *last = t->heap[--t->n];
    it->place = 0;
    if (last == it)
        return;
    if (place > 1 && t->heap[place / 2 - 1]->due_ms > last->due_ms)
        sift_up(t, last, place);
    else
        sift_down(t, last, place);
}

void routing_timer_arm(struct timers *t, struct timer *it, int64_t due_ms) {
    routing_timer_stop(t, it);
    if (due_ms == INT64_MAX)
        return;
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->heap = mem_grow(t->heap, t->room * sizeof *t->heap);
    }
    it->due_ms = due_ms;
    t->n++;
    sift_up(t, it, t->n);
}

struct timer *routing_timers_take(struct timers *t, int64_t now_ms) {
    if (t->n == 0 || t->heap[0]->due_ms > now_ms)
        return NULL;
    struct timer *it = t->heap[0];
    routing_timer_stop(t, it);
    return it;
}

int64_t routing_timers_next_ms(const struct timers *t) {
    return t->n ? t->heap[0]->due_ms : INT64_MAX;
}
