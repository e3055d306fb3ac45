/* base/loop.h - the event loop of a thread and its reaper.
 *
 * A _close of an object marks it, stops its events and hands it to loop_reap; the reaper frees it
 * in an event queued behind those already active, at the same priority.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <event2/event.h>
#include <stdint.h>

#include <touchline/kit/list.h>

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l); /* reaps what is left first */
struct event_base *loop_base(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);

/* free_fn(object) runs once, later, on this loop. */
typedef void reap_fn(void *object);
void loop_reap(struct loop *l, void *object, reap_fn *free_fn);
/* fn(arg) runs once, later, on this loop: for "never from inside the call that registered it". */
void loop_later(struct loop *l, void (*fn)(void *arg), void *arg);

struct loop_timer;
/* One shot; fires once unless freed before. Freeing in the callback is allowed. */
struct loop_timer *loop_timer_new(struct loop *l, int64_t after_ms, void (*fire)(void *arg),
                                  void *arg);
/* Arms again from now. */
void loop_timer_set(struct loop_timer *t, int64_t after_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

#endif
