/* base/queue.c - a ring of pointers under a mutex.
 *
 * The eventfd is made when a loop first asks for it; it is readable exactly while items wait, so a
 * loop may take a part and is called again for the rest.
 */
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { ROOM_FIRST = 16 };

/* Any thread. `lock` guards everything below it. */
struct queue {
    size_t max;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **items; /* ring of `room`, n of them in use from `first` on */
    size_t first, n, room;
    int fd; /* -1: no loop reads here */
};

struct queue *queue_new(size_t max) {
    struct queue *q = NEW(struct queue);
    q->max = max;
    q->fd = -1;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void queue_free(struct queue *q) {
    if (!q)
        return;
    if (q->fd >= 0)
        close(q->fd);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
}

static void fd_raise(struct queue *q) {
    uint64_t one = 1;
    if (q->fd >= 0 && write(q->fd, &one, sizeof one) < 0)
        assert(errno == EAGAIN); /* raised already */
}

static void fd_lower(struct queue *q) {
    uint64_t count;
    if (q->fd >= 0 && read(q->fd, &count, sizeof count) < 0)
        assert(errno == EAGAIN);
}

static void grow(struct queue *q) {
    size_t room = q->room ? q->room * 2 : ROOM_FIRST;
    void **items = mem_new(room * sizeof *items);
    for (size_t i = 0; i < q->n; i++)
        items[i] = q->items[(q->first + i) % q->room];
    free(q->items);
    q->items = items;
    q->room = room;
    q->first = 0;
}

static bool push(struct queue *q, void *item, size_t max) {
    pthread_mutex_lock(&q->lock);
    bool taken = q->n < max;
    if (taken) {
        if (q->n == q->room)
            grow(q);
        q->items[(q->first + q->n) % q->room] = item;
        if (q->n++ == 0)
            fd_raise(q);
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

bool queue_push(struct queue *q, void *item) {
    return push(q, item, q->max);
}

void queue_push_always(struct queue *q, void *item) {
    push(q, item, SIZE_MAX);
}

static size_t take_locked(struct queue *q, void **out, size_t max) {
    size_t n = q->n < max ? q->n : max;
    for (size_t i = 0; i < n; i++)
        out[i] = q->items[(q->first + i) % q->room];
    if (!n)
        return 0;
    q->first = (q->first + n) % q->room;
    q->n -= n;
    if (!q->n)
        fd_lower(q);
    return n;
}

size_t queue_take(struct queue *q, void **out, size_t max) {
    pthread_mutex_lock(&q->lock);
    size_t n = take_locked(q, out, max);
    pthread_mutex_unlock(&q->lock);
    return n;
}

size_t queue_wait(struct queue *q, void **out, size_t max, int wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    if (wait_ms > 0) {
        until.tv_sec += wait_ms / 1000;
        until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
    }
    pthread_mutex_lock(&q->lock);
    int error = 0;
    while (!q->n && !error)
        error = wait_ms < 0 ? pthread_cond_wait(&q->filled, &q->lock)
                            : pthread_cond_timedwait(&q->filled, &q->lock, &until);
    size_t n = take_locked(q, out, max);
    pthread_mutex_unlock(&q->lock);
    return n;
}

size_t queue_length(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    size_t n = q->n;
    pthread_mutex_unlock(&q->lock);
    return n;
}

int queue_fd(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    if (q->fd < 0) {
        q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (q->fd < 0) {
            perror("level=error event=queue.eventfd");
            abort(); /* at start only: a queue without a bell never wakes its loop */
        }
        if (q->n)
            fd_raise(q);
    }
    int fd = q->fd;
    pthread_mutex_unlock(&q->lock);
    return fd;
}
