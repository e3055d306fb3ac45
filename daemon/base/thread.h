/* base/thread.h - which thread this is, and that a function runs where it must. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>

enum thread_id { THREAD_LOOP = 1, THREAD_SPOOL, THREAD_SPOOL_READER, THREAD_EGRESS, THREAD_BLOB };

/* Starts a joinable thread with all signals blocked; ends the process when it cannot. */
void *thread_start(enum thread_id id, void (*run)(void *arg), void *arg);
void thread_join(void *thread);
/* The main thread calls this once. */
void thread_set(enum thread_id id);
bool thread_is(enum thread_id id);
#define must_run_on(id) assert(thread_is(id))

#endif
