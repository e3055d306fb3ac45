/* worker/process.c - one child: start, talk, deadline, death.
 *
 * A child is started by posix_spawn, so without copying the daemon's memory; it limits itself
 * (child.c). Its end is seen by a pidfd. Whatever it does against the rules ends it: the next job
 * gets a new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "worker/wire.h"
#include "worker/worker_priv.h"

enum { IDLE_MS = 60000, CHUNK = 64 * 1024, SOCKET_FD = 3, KEEP_BYTES = 1 << 20 };

static void count_children(const struct kind *k) {
    metric_set_label(METRIC_WORKER_CHILDREN, k->name, (int64_t)k->children);
}

/* Only what a channel's libraries need; secrets in the daemon's environment stay there. */
static void pick_environment(char **out, size_t max) {
    static const char *const names[] = {
        "PATH=",          "TZ=",           "LANG=",         "LC_ALL=",
        "SSL_CERT_FILE=", "SSL_CERT_DIR=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
        "TSAN_OPTIONS=",  "LSAN_OPTIONS=", "GCOV_PREFIX=",  "GCOV_PREFIX_STRIP="};
    size_t n = 0;
    for (char **e = environ; *e && n + 1 < max; e++)
        for (size_t i = 0; i < COUNT(names); i++)
            if (strncmp(*e, names[i], strlen(names[i])) == 0 && n + 1 < max)
                out[n++] = *e;
    out[n] = NULL;
}

static int spawn(const struct kind *k, int socket, pid_t *out_pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all;
    char *env[32], title[64], flag[] = "--worker";
    char **argv = mem_new((k->pool->folders_n + 3) * sizeof *argv);
    snprintf(title, sizeof title, "touchlined-%s", k->name);
    argv[0] = title;
    argv[1] = flag;
    memcpy(argv + 2, k->pool->folders, k->pool->folders_n * sizeof *argv);
    pick_environment(env, COUNT(env));
    sigfillset(&all); /* until the child has chosen what to ignore */
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    int error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    error = error ? error : posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    error = error ? error : posix_spawn_file_actions_adddup2(&files, socket, SOCKET_FD);
    error = error ? error : posix_spawn_file_actions_addclosefrom_np(&files, SOCKET_FD + 1);
    error = error ? error : posix_spawnattr_setsigmask(&attr, &all);
    error = error ? error : posix_spawnattr_setsigdefault(&attr, &all);
    error = error ? error
                  : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = error ? error : posix_spawn(out_pid, "/proc/self/exe", &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free(argv);
    return error;
}

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_ended(evutil_socket_t fd, short what, void *arg);
static void on_timer(void *arg);

bool child_start(struct kind *k) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    pid_t pid;
    int pidfd = -1, error = spawn(k, pair[1], &pid);
    close(pair[1]);
    if (!error && (pidfd = pidfd_open(pid, 0)) < 0) {
        error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    if (error) {
        close(pair[0]);
        errno = error;
        return false;
    }
    struct event_base *base = loop_base(k->pool->loop);
    struct child *c = NEW(struct child);
    *c = (struct child){.kind = k, .pid = pid, .fd = pair[0], .pidfd = pidfd};
    evutil_make_socket_nonblocking(c->fd);
    buf_init(&c->in, WIRE_ANSWER_MAX + CHUNK);
    c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
    c->ended = event_new(base, c->pidfd, EV_READ, on_ended, c);
    c->timer = loop_timer_new(k->pool->loop, IDLE_MS, on_timer, c);
    event_add(c->readable, NULL);
    event_add(c->ended, NULL);
    list_push(&k->idle, &c->link);
    k->children++;
    count_children(k);
    metric_add_label(METRIC_WORKER_STARTS, k->name, 1);
    return true;
}

/* Frees everything but the process, which has ended. */
static void child_destroy(void *object) {
    struct child *c = object;
    event_free(c->readable);
    event_free(c->writable);
    event_free(c->ended);
    loop_timer_free(c->timer);
    close(c->fd);
    close(c->pidfd);
    buf_clear(&c->in);
    free(c);
}

void child_close(struct child *c) {
    if (c->closed)
        return;
    assert(!c->job);
    c->closed = true;
    event_del(c->readable);
    event_del(c->writable);
    loop_timer_stop(c->timer);
    link_remove(&c->link);
    list_push(&c->kind->dying, &c->link);
    c->kind->children--;
    count_children(c->kind);
    kill(c->pid, SIGKILL); /* not reaped yet, so the number is still its own */
}

void child_free(struct child *c) {
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    link_remove(&c->link);
    child_destroy(c);
}

static void describe_end(int status, char *out, size_t room, bool *out_killed) {
    *out_killed = WIFSIGNALED(status);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        snprintf(out, room, "the worker used up its CPU time");
    else if (WIFSIGNALED(status))
        snprintf(out, room, "the worker was ended by signal %d", WTERMSIG(status));
    else
        snprintf(out, room, "the worker ended with status %d", WEXITSTATUS(status));
}

/* The process is gone: a zombie to be taken, a job to be told why, a place to be filled. */
static void on_ended(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct child *c = arg;
    struct kind *k = c->kind;
    int status = 0;
    if (waitpid(c->pid, &status, WNOHANG) == 0) {
        event_add(c->ended, NULL);
        return;
    }
    struct job *j = steal(&c->job);
    if (!c->closed) {
        c->closed = true;
        k->children--;
        count_children(k);
    }
    link_remove(&c->link);
    event_del(c->readable);
    event_del(c->writable);
    loop_timer_stop(c->timer);
    loop_reap(k->pool->loop, c, child_destroy);
    if (j) {
        char reason[96];
        bool killed;
        describe_end(status, reason, sizeof reason, &killed);
        job_fail(j, killed, reason);
    }
    kind_dispatch(k);
}

/* It broke the rules or the deadline. Its job ends now, its process when the system gets to it. */
static void child_kill(struct child *c, const char *reason) {
    struct kind *k = c->kind;
    struct job *j = steal(&c->job);
    child_close(c);
    if (j)
        job_fail(j, true, reason);
    kind_dispatch(k);
}

static void on_timer(void *arg) {
    struct child *c = arg;
    char reason[64];
    if (!c->job) {
        child_close(c);
        return;
    }
    snprintf(reason, sizeof reason, "took longer than %u ms", c->job->deadline_ms);
    child_kill(c, reason);
}

/* ---- Giving ---- */

static void write_more(struct child *c) {
    while (c->job && c->written < c->job->frame.n) {
        struct str rest = str_from(buf_str(&c->job->frame), c->written);
        ssize_t done = send(c->fd, rest.p, rest.n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            if (errno == EAGAIN)
                event_add(c->writable, NULL);
            return; /* else it has gone, which the pidfd tells with the reason */
        }
        c->written += (size_t)done;
    }
    event_del(c->writable);
}

static void on_writable(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    write_more(arg);
}

void child_give(struct child *c, struct job *take_job) {
    c->job = take_job;
    c->job->started_us = clock_mono_us();
    c->written = c->seen = c->items = 0;
    link_remove(&c->link);
    list_push(&c->kind->busy, &c->link);
    loop_timer_set(c->timer, c->job->deadline_ms);
    write_more(c);
}

/* ---- Taking ---- */

static bool read_item(const struct wire_frame *frame, struct worker_item *out) {
    struct str payload = frame->payload;
    *out = (struct worker_item){0};
    switch (frame->type) {
    case WIRE_TOUCHPOINT:
    case WIRE_ANSWER:
        out->type = frame->type == WIRE_ANSWER ? WORKER_ANSWER : WORKER_TOUCHPOINT;
        return wire_take_str(&payload, &out->bytes) && !payload.n;
    case WIRE_BLOB:
    case WIRE_BAD:
        out->type = frame->type == WIRE_BLOB ? WORKER_BLOB : WORKER_BAD;
        return wire_take_str(&payload, &out->ref_or_reason) &&
               wire_take_str(&payload, &out->bytes) && !payload.n;
    default:
        return false;
    }
}

/* All frames are there and were checked as they came; now they stay where they are. */
static void answer_job(struct child *c, const struct wire_frame *done) {
    struct str payload = done->payload, why, rest = buf_str(&c->in);
    int64_t ok;
    if (!wire_take_str(&payload, &why) || !wire_take_int(&payload, &ok) || payload.n ||
        c->written < c->job->frame.n) {
        child_kill(c, "the worker broke the protocol");
        return;
    }
    struct fault printable = {0}; /* cuts, and replaces what would not print */
    (void)fault_set(&printable, FAULT_STATE, "", "%.*s", STR_ARG(why));
    struct worker_item *items = mem_new(c->items * sizeof *items);
    struct wire_frame frame;
    for (size_t i = 0; i < c->items; i++)
        if (wire_next(&rest, WIRE_ANSWER_MAX, &frame) != WIRE_FRAME ||
            !read_item(&frame, &items[i]))
            assert(!"a frame was checked and is another now");
    struct worker_answer answer = {
        .items = items, .n = c->items, .ok = ok == 1, .reason = ok == 1 ? NULL : printable.reason};
    struct kind *k = c->kind;
    loop_timer_set(c->timer, IDLE_MS);
    job_finish(steal(&c->job), &answer);
    free(items);
    if (c->in.room > KEEP_BYTES)
        buf_clear(&c->in);
    else
        buf_reset(&c->in);
    if (!c->closed) {
        link_remove(&c->link);
        list_push_front(&k->idle, &c->link); /* the others may grow tired */
    }
    kind_dispatch(k);
}

/* Looks at the frames that came; false: nothing more to be done with this child now. */
static bool take_frames(struct child *c) {
    for (;;) {
        struct str rest = str_from(buf_str(&c->in), c->seen);
        struct wire_frame frame;
        struct worker_item item;
        switch (wire_next(&rest, WIRE_ANSWER_MAX, &frame)) {
        case WIRE_MORE:
            return true;
        case WIRE_BROKEN:
            child_kill(c, "the worker broke the protocol");
            return false;
        case WIRE_FRAME:
            break;
        }
        if (frame.type == WIRE_DONE && !rest.n) {
            answer_job(c, &frame);
            return false;
        }
        if (!read_item(&frame, &item) || c->items == WIRE_ITEMS_MAX) {
            child_kill(c, "the worker broke the protocol");
            return false;
        }
        c->items++;
        c->seen = c->in.n - rest.n;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct child *c = arg;
    char *to = buf_reserve(&c->in, CHUNK);
    if (!to) {
        child_kill(c, "the worker's answer is too large");
        return;
    }
    ssize_t got = recv(fd, to, CHUNK, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        /* The pidfd tells how it ended; a child that only closed its socket is ended here. */
        event_del(c->readable);
        kill(c->pid, SIGKILL);
        return;
    }
    buf_commit(&c->in, (size_t)got);
    if (!c->job) {
        child_kill(c, "the worker spoke unasked");
        return;
    }
    take_frames(c);
}
