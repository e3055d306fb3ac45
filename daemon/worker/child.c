/* worker/child.c - what a child does: limits itself, then job after job until the daemon is gone.
 *
 * One thread, blocking. Plugins are loaded from the folders named on the command line; nothing else
 * of the daemon is here: no configuration, no host, no descriptors but the socket and stderr.
 */
#include "worker/worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "worker/password.h"
#include "worker/wire.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
    SOCKET_FD = 3,
    MEMORY_MAX = 512 << 20,
    FILES_MAX = 64,
    CPU_S = 5, /* of one job */
    PLUGINS_MAX = 32,
    NAME_MAX_BYTES = 64,
};

struct child {
    char **folders; /* ends in NULL */
    struct {
        char name[NAME_MAX_BYTES];
        const struct tl_plugin *plugin;
    } loaded[PLUGINS_MAX];
    size_t loaded_n;
    struct buf in, out;
    size_t sent; /* bytes of answers of this job */
    bool too_much;
    char reason[256];
};

/* Where the system denies it (a sandbox), the deadline of the daemon still stands. */
static void limit(int what, rlim_t value) {
    struct rlimit r = {.rlim_cur = value, .rlim_max = value};
    (void)setrlimit(what, &r);
}

static void limit_process(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0); /* a core would hold somebody's mail */
    limit(RLIMIT_NOFILE, FILES_MAX);
#ifndef SANITIZED
    limit(RLIMIT_AS, MEMORY_MAX); /* shadow memory is larger than any limit */
#endif
    /* The daemon ends us when it has drained; a signal to the whole group must not come first. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* CPU time is counted over the life of the process, so the limit moves with each job. */
static void limit_job(void) {
    struct rusage used;
    struct rlimit r;
    if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &r) != 0)
        return;
    r.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + CPU_S;
    (void)setrlimit(RLIMIT_CPU, &r);
}

static bool write_all(struct str bytes) {
    while (bytes.n) {
        ssize_t done = write(SOCKET_FD, bytes.p, bytes.n);
        if (done < 0 && errno != EINTR)
            return false;
        bytes = str_from(bytes, done < 0 ? 0 : (size_t)done);
    }
    return true;
}

/* The daemon has gone: nobody is left to work for. */
static void send_or_end(struct child *c) {
    if (!write_all(buf_str(&c->out)))
        _exit(0);
    buf_reset(&c->out);
}

static void emit(struct child *c, enum wire_type type, const struct str *first, struct str second) {
    size_t at, bytes = second.n + (first ? first->n : 0) + 32;
    if (c->too_much || bytes > WIRE_ANSWER_MAX - c->sent) {
        c->too_much = true;
        return;
    }
    c->sent += bytes;
    if (!wire_begin(&c->out, type, &at) || (first && !wire_add_str(&c->out, *first)) ||
        !wire_add_str(&c->out, second)) {
        buf_reset(&c->out);
        c->too_much = true;
        return;
    }
    wire_end(&c->out, at);
    send_or_end(c);
}

static void emit_touchpoint(void *ctx, struct str json) {
    emit(ctx, WIRE_TOUCHPOINT, NULL, json);
}

static void emit_blob(void *ctx, struct str ref, struct str bytes) {
    emit(ctx, WIRE_BLOB, &ref, bytes);
}

static void emit_bad(void *ctx, struct str piece, const char *reason) {
    struct str why = str_c(reason ? reason : "");
    emit(ctx, WIRE_BAD, &why, piece);
}

static void emit_answer(void *ctx, struct str json) {
    emit(ctx, WIRE_ANSWER, NULL, json);
}

static struct tl_emit emit_of(struct child *c) {
    return (struct tl_emit){.size = sizeof(struct tl_emit),
                            .ctx = c,
                            .touchpoint = emit_touchpoint,
                            .blob = emit_blob,
                            .bad = emit_bad,
                            .answer = emit_answer};
}

static bool failed(struct child *c, const char *what, const char *detail) {
    snprintf(c->reason, sizeof c->reason, "%s%s", what, detail ? detail : "");
    return false;
}

static bool name_ok(struct str name) {
    if (!name.n || name.n >= NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

/* The first folder that holds NAME.so decides, as in the daemon. */
static const struct tl_plugin *load(struct child *c, const char *name) {
    for (char **folder = c->folders; *folder; folder++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s.so", *folder, name);
        if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0)
            continue;
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            failed(c, "cannot load the channel: ", dlerror());
            return NULL;
        }
        const struct tl_plugin *p = dlsym(handle, TL_PLUGIN_SYMBOL);
        if (!p || p->abi_major != TL_ABI_MAJOR || p->size < offsetof(struct tl_plugin, name)) {
            failed(c, "the channel is made for another version: ", name);
            return NULL;
        }
        return p;
    }
    failed(c, "no such channel: ", name);
    return NULL;
}

static const struct tl_plugin *plugin_of(struct child *c, struct str name) {
    for (size_t i = 0; i < c->loaded_n; i++)
        if (str_is(name, c->loaded[i].name))
            return c->loaded[i].plugin;
    if (!name_ok(name) || c->loaded_n == PLUGINS_MAX) {
        failed(c, "no such channel", NULL);
        return NULL;
    }
    char text[NAME_MAX_BYTES];
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    const struct tl_plugin *p = load(c, text);
    if (p) {
        memcpy(c->loaded[c->loaded_n].name, text, sizeof text);
        c->loaded[c->loaded_n++].plugin = p;
    }
    return p;
}

/* A member beyond the plugin's own size is absent. */
#define HAS(p, member)                                                                             \
    ((p)->size >= offsetof(struct tl_plugin, member) + sizeof((p)->member) && (p)->member)

static bool do_read(struct child *c, struct str job) {
    struct str plugin;
    struct tl_read in = {.size = sizeof in};
    if (!wire_take_str(&job, &plugin) || !wire_take_str(&job, &in.source) ||
        !wire_take_str(&job, &in.source_id) || !wire_take_str(&job, &in.format) ||
        !wire_take_str(&job, &in.meta) || !wire_take_str(&job, &in.body) ||
        !wire_take_str(&job, &in.region) || !wire_take_int(&job, &in.received_ms))
        return failed(c, "broken job", NULL);
    const struct tl_plugin *p = plugin_of(c, plugin);
    if (!p)
        return false;
    if (!HAS(p, read))
        return failed(c, "the channel does not read", NULL);
    struct tl_emit out = emit_of(c);
    return p->read(&in, &out) || failed(c, "cannot be read", NULL);
}

static bool do_work(struct child *c, struct str job) {
    struct str plugin, kind, payload;
    if (!wire_take_str(&job, &plugin) || !wire_take_str(&job, &kind) ||
        !wire_take_str(&job, &payload))
        return failed(c, "broken job", NULL);
    const struct tl_plugin *p = plugin_of(c, plugin);
    if (!p)
        return false;
    if (!HAS(p, work))
        return failed(c, "the channel has no work of this kind", NULL);
    struct tl_emit out = emit_of(c);
    return p->work(kind, payload, &out) || failed(c, "the work failed", NULL);
}

static bool do_verify(struct child *c, struct str job) {
    struct str phc, password;
    if (!wire_take_str(&job, &phc) || !wire_take_str(&job, &password))
        return failed(c, "broken job", NULL);
    return password_verify(phc, password) || failed(c, "does not match", NULL);
}

static bool do_hash(struct child *c, struct str job) {
    struct str password;
    char phc[PASSWORD_PHC_MAX];
    if (!wire_take_str(&job, &password) || !password_hash(password, phc))
        return failed(c, "cannot be hashed", NULL);
    emit_answer(c, str_c(phc));
    return true;
}

static void serve(struct child *c, const struct wire_frame *job) {
    static bool (*const jobs[])(struct child * c, struct str job) = {[WIRE_READ] = do_read,
                                                                     [WIRE_WORK] = do_work,
                                                                     [WIRE_VERIFY] = do_verify,
                                                                     [WIRE_HASH] = do_hash};
    c->sent = 0;
    c->too_much = false;
    c->reason[0] = '\0';
    limit_job();
    bool ok = (size_t)job->type < COUNT(jobs) && jobs[job->type](c, job->payload);
    if (c->too_much)
        ok = failed(c, "the answer is too large", NULL);
    size_t at;
    bool fits = wire_begin(&c->out, WIRE_DONE, &at) &&
                wire_add_str(&c->out, ok ? STR_NONE : str_c(c->reason)) &&
                wire_add_int(&c->out, ok);
    if (!fits)
        _exit(1);
    wire_end(&c->out, at);
    send_or_end(c);
}

/* false: the daemon has closed its end. */
static bool fill(struct buf *in) {
    for (;;) {
        char *to = buf_reserve(in, 64 * 1024);
        if (!to)
            return false;
        ssize_t got = read(SOCKET_FD, to, 64 * 1024);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            buf_commit(in, (size_t)got);
        return got > 0;
    }
}

int worker_child_main(int argc, char **argv) {
    static struct child c;
    limit_process();
    c.folders = argc > 2 ? argv + 2 : argv + argc;
    buf_init(&c.in, WIRE_JOB_MAX + 128 * 1024);
    buf_init(&c.out, WIRE_ANSWER_MAX + 1024);
    for (;;) {
        struct str rest = buf_str(&c.in);
        struct wire_frame job;
        enum wire_state state = wire_next(&rest, WIRE_JOB_MAX, &job);
        if (state == WIRE_BROKEN)
            return 1;
        if (state == WIRE_MORE) {
            if (!fill(&c.in))
                return 0;
            continue;
        }
        serve(&c, &job);
        /* One job at a time, so this is all there was; passwords go, and so do large buffers. */
        sodium_memzero(c.in.p, c.in.n);
        buf_clear(&c.in);
        buf_clear(&c.out);
    }
}
