/* base/queue.h - bounded queue between two threads; the only place with a lock.
 *
 * Carries pointers. The reading side either blocks (a worker thread) or is a loop, which is woken
 * by an eventfd. A push on a full queue returns false and the caller says BUSY outward.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/own.h>

struct queue;

struct queue *queue_new(size_t max);
void queue_free(struct queue *q); /* must be empty or its items owned elsewhere */
bool queue_push(struct queue *q, void *item) must_check;
/* Never refused, for answers that were made room for when their question was pushed. */
void queue_push_always(struct queue *q, void *item);
/* Takes up to max items without waiting; returns how many. */
size_t queue_take(struct queue *q, void **out, size_t max);
/* As queue_take, but waits up to wait_ms (-1: for ever) for the first one. */
size_t queue_wait(struct queue *q, void **out, size_t max, int wait_ms);
size_t queue_length(struct queue *q);
/* Readable while items wait (eventfd, owned by the queue): for a loop's event. */
int queue_fd(struct queue *q);

#endif
