/* base/thread.c - starting threads; each knows its own name. */
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

static _Thread_local enum thread_id mine;

struct thread {
    pthread_t handle;
    enum thread_id id;
    void (*run)(void *arg);
    void *arg;
};

static const char *name_of(enum thread_id id) {
    static const char *const names[] = {
        [THREAD_LOOP] = "loop",
        [THREAD_SPOOL] = "spool",
        [THREAD_SPOOL_READER] = "spool-reader",
        [THREAD_EGRESS] = "egress",
        [THREAD_BLOB] = "blob",
    };
    return names[id];
}

static void *enter(void *arg) {
    struct thread *t = arg;
    thread_set(t->id);
    t->run(t->arg);
    return NULL;
}

void *thread_start(enum thread_id id, void (*run)(void *arg), void *arg) {
    struct thread *t = NEW(struct thread);
    *t = (struct thread){.id = id, .run = run, .arg = arg};
    /* Signals belong to the main thread's loop; a new thread inherits this mask. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&t->handle, NULL, enter, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        fprintf(stderr, "level=error event=thread.start name=%s errno=%d\n", name_of(id), error);
        abort();
    }
    pthread_setname_np(t->handle, name_of(id));
    return t;
}

void thread_join(void *thread) {
    struct thread *t = thread;
    if (!t)
        return;
    pthread_join(t->handle, NULL);
    free(t);
}

void thread_set(enum thread_id id) {
    mine = id;
}

bool thread_is(enum thread_id id) {
    return mine == id;
}
