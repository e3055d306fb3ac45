/* worker/worker_priv.h - what pool.c and process.c share. Everything here is the loop's. */
#ifndef WORKER_WORKER_PRIV_H
#define WORKER_WORKER_PRIV_H

#include <event2/event.h>
#include <sys/types.h>

#include "base/loop.h"
#include "worker/worker.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>

/* One job: a frame to be sent. In a pool's waiting list, or a child's own. */
struct job {
    struct link link;
    struct buf frame;
    uint32_t deadline_ms;
    bool secret; /* holds a password: wiped when freed */
    int64_t started_us;
    worker_done_fn *done;
    void *arg;
};

/* A running child. Idle: no job, in kind->idle. Busy: has a job, in kind->busy. Closed: in neither,
 * its job is gone; it waits in kind->dying until the process has ended, then for the reaper. */
struct child {
    struct link link;
    struct kind *kind;
    pid_t pid;
    int fd, pidfd;
    struct event *readable, *writable, *ended;
    struct loop_timer *timer; /* busy: the job's deadline; idle: the end of its patience */
    struct job *job;
    size_t written; /* of the job's frame */
    struct buf in;  /* the answer so far */
    size_t seen;    /* bytes of `in` that are whole, valid frames */
    size_t items;   /* how many */
    bool closed;
};

struct kind {
    struct worker_pool *pool;
    const char *name;
    struct link idle, busy, dying, waiting;
    uint32_t children; /* idle and busy */
    size_t waiting_n, waiting_bytes;
    struct loop_timer *retry; /* a child could not be started */
    uint32_t failures;        /* in a row */
};

struct worker_pool {
    struct loop *loop;
    char **folders; /* NULL at the end */
    size_t folders_n;
    uint32_t max;
    bool closing;
    struct kind kinds[WORKER_POOLS];
};

/* pool.c */
void job_finish(struct job *take_job, const struct worker_answer *answer);
void job_fail(struct job *take_job, bool killed, const char *reason);
void kind_dispatch(struct kind *k);

/* process.c */
/* Starts a child into kind->idle. false: the system has no room for one; errno tells. */
bool child_start(struct kind *k);
void child_give(struct child *c, struct job *take_job);
/* Kills it and hands it to the reaper once its process is gone. Its job must have ended before. */
void child_close(struct child *c);
/* For worker_close: waits for the process and frees at once. */
void child_free(struct child *c);

#endif
