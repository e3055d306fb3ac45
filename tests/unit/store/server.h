/* A real redis-server for the tests of store/, in a directory of its own, and a store that talks to
 * it.
 *
 * Header only: each test program is one file. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_STORE_SERVER_H
#define TESTS_UNIT_STORE_SERVER_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "store/client.h"
#include "store/store.h"

struct server {
    char dir[64], socket[96];
    pid_t pid;
};

static inline void server_start(struct server *sv, const char *const *options) {
    const char *argv[64] = {"redis-server", "--port", "0",     "--save",    "",   "--unixsocket",
                            sv->socket,     "--dir",  sv->dir, "--logfile", "log"};
    size_t n = 11;
    for (; options && *options; options++)
        argv[n++] = *options;
    argv[n] = NULL;
    sv->pid = fork();
    assert_true(sv->pid >= 0);
    if (sv->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp("redis-server", (char *const *)argv);
        _exit(127);
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%s", sv->socket);
    for (int i = 0; i < 2000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        int ok = connect(fd, (struct sockaddr *)&un, sizeof un);
        close(fd);
        if (ok == 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    fail_msg("redis-server did not start");
}

static inline void server_new(struct server *sv) {
    snprintf(sv->dir, sizeof sv->dir, "/tmp/tl-store-XXXXXX");
    assert_non_null(mkdtemp(sv->dir));
    snprintf(sv->socket, sizeof sv->socket, "%s/s", sv->dir);
    sv->pid = 0;
}

static inline void server_kill(struct server *sv) {
    if (sv->pid) {
        kill(sv->pid, SIGKILL);
        waitpid(sv->pid, NULL, 0);
    }
    sv->pid = 0;
}

static inline void folder_remove(const char *dir) {
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", dir, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static inline void server_free(struct server *sv) {
    server_kill(sv);
    folder_remove(sv->dir);
}

static const char *const durable_options[] = {"--appendonly", "yes", NULL};

/* ---- a store beside it; recovers at once unless told otherwise ---- */
struct bench {
    struct loop *loop;
    struct store *store;
    enum store_state state;
    bool went_back, hold;
    int downs, recovers;
    char why[400];
};

static inline void bench_state(void *ctx, enum store_state state, bool went_back, int64_t epoch,
                               const char *why) {
    struct bench *b = ctx;
    (void)epoch;
    b->state = state;
    snprintf(b->why, sizeof b->why, "%s", why);
    if (state == STORE_DOWN)
        b->downs++;
    if (state == STORE_RECOVER) {
        b->recovers++;
        b->went_back = went_back;
        if (!b->hold)
            store_recovered(b->store);
    }
}

static inline void bench_open_at(struct bench *b, const char *url, const char *dir,
                                 const struct store_config *config, int64_t epoch) {
    struct fault f = {0};
    struct store_events events = {b, bench_state};
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    b->loop = loop_new();
    if (!store_open(b->loop, config, str_c(url), str_c(dir), str_c("fingerprint-1"), epoch, &events,
                    &b->store, &f))
        fail_msg("store_open: %s %s", f.place, f.reason);
}

static inline void bench_open(struct bench *b, struct server *sv) {
    struct store_config config = {0};
    char url[128], dir[80];
    snprintf(url, sizeof url, "unix:%s", sv->socket);
    snprintf(dir, sizeof dir, "%s/d", sv->dir);
    bench_open_at(b, url, dir, &config, 0);
}

static inline void bench_close(struct bench *b) {
    store_close(b->store);
    loop_free(b->loop);
}

static inline void bench_tick(void *arg) {
    (void)arg;
}

/* Runs the loop until *flag, at most ms. */
static inline bool run_until(struct loop *l, const bool *flag, int64_t ms) {
    int64_t until = clock_mono_ms() + ms;
    struct loop_timer *t = loop_timer_new(l, 5, bench_tick, NULL);
    while (!*flag && clock_mono_ms() < until) {
        loop_timer_set(t, 5);
        event_base_loop(loop_base(l), EVLOOP_ONCE);
    }
    loop_timer_free(t);
    return *flag;
}

static inline bool run_until_state(struct bench *b, enum store_state state, int64_t ms) {
    int64_t until = clock_mono_ms() + ms;
    bool never = false;
    while (b->state != state && clock_mono_ms() < until)
        run_until(b->loop, &never, 10);
    return b->state == state;
}

static inline void run_for(struct bench *b, int64_t ms) {
    bool never = false;
    run_until(b->loop, &never, ms);
}

/* ---- one call, awaited ---- */
struct asked {
    bool done;
    bool faulted;
    struct fault fault;
    int type;
    int64_t integer;
    size_t n;
    char text[512];
};

static inline void on_asked(void *arg, const struct store_reply *r, const struct fault *f) {
    struct asked *a = arg;
    a->done = true;
    a->faulted = f != NULL;
    if (f)
        a->fault = *f;
    if (!r)
        return;
    a->type = (int)r->type;
    a->integer = r->integer;
    a->n = r->n;
    snprintf(a->text, sizeof a->text, "%.*s", STR_ARG(r->str));
}

/* words separated by one space */
static inline struct asked ask(struct bench *b, const char *command) {
    struct str argv[32], rest = str_c(command);
    struct asked a = {0};
    size_t n = 0;
    while (rest.p)
        argv[n++] = str_cut(&rest, ' ');
    store_command(b->store, argv, n, 1, on_asked, &a);
    assert_false(a.done);
    assert_true(run_until(b->loop, &a.done, 5000));
    return a;
}

#endif
