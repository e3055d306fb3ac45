/* worker/pool.c - jobs wait for children; children are started when jobs wait.
 *
 *   worker_read ─► kind.waiting ─► child (kind.busy) ─► done()
 *
 * The kinds are apart: slow SMTP never keeps mail from being read.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "worker/wire.h"
#include "worker/worker_priv.h"

enum {
    WAITING_MAX = 4096,
    WAITING_BYTES_MAX = 256 << 20, /* a kind; jobs carry whole mails */
    RETRY_MS = 200,
    RETRIES_MAX = 25, /* five seconds without a child, then jobs fail */
    PASSWORD_DEADLINE_MS = 10000,
};

static void job_free(struct job *j) {
    if (!j)
        return;
    if (j->secret && j->frame.p)
        sodium_memzero(j->frame.p, j->frame.room);
    buf_clear(&j->frame);
    free(j);
}

static void job_freep(struct job **j) {
    job_free(*j);
}

void job_finish(struct job *take_job, const struct worker_answer *answer) {
    if (take_job->started_us)
        metric_observe_us(METRIC_WORKER_TIME, clock_mono_us() - take_job->started_us);
    const char *result = answer->killed ? "killed" : answer->ok ? "ok" : "failed";
    metric_add_label(METRIC_WORKER_JOBS, result, 1);
    take_job->done(take_job->arg, answer);
    job_free(take_job);
}

void job_fail(struct job *take_job, bool killed, const char *reason) {
    struct worker_answer answer = {.killed = killed, .reason = reason};
    job_finish(take_job, &answer);
}

static void count_waiting(struct kind *k) {
    metric_set_label(METRIC_WORKER_QUEUE, k->name, (int64_t)k->waiting_n);
}

static struct job *take_waiting(struct kind *k) {
    struct job *j = container_of(list_first(&k->waiting), struct job, link);
    link_remove(&j->link);
    k->waiting_n--;
    k->waiting_bytes -= j->frame.n;
    count_waiting(k);
    return j;
}

static void on_retry(void *arg) {
    kind_dispatch(arg);
}

/* No child could be started (descriptors, processes, memory): again shortly, and after a while the
 * oldest job is told, since somebody may wait for it. */
static void start_failed(struct kind *k, int error) {
    if (++k->failures > RETRIES_MAX && list_first(&k->waiting)) {
        char reason[128];
        snprintf(reason, sizeof reason, "no worker could be started: %s", strerrordesc_np(error));
        job_fail(take_waiting(k), false, reason);
    }
    loop_timer_set(k->retry, RETRY_MS);
}

void kind_dispatch(struct kind *k) {
    while (!k->pool->closing && list_first(&k->waiting)) {
        if (!list_first(&k->idle)) {
            if (k->children >= k->pool->max)
                return;
            if (!child_start(k)) {
                start_failed(k, errno);
                return;
            }
            k->failures = 0;
        }
        child_give(container_of(list_first(&k->idle), struct child, link), take_waiting(k));
    }
}

static void start_waiting(void *arg) {
    struct worker_pool *p = arg;
    for (int i = 0; i < WORKER_POOLS; i++)
        kind_dispatch(&p->kinds[i]);
}

/* The job goes to a child in a later turn, so done never comes from inside the caller. */
static bool push(struct worker_pool *p, enum worker_pool_kind kind, struct job *take_job,
                 struct fault *f) {
    cleanup(job_freep) struct job *j = take_job;
    struct kind *k = &p->kinds[kind];
    if (p->closing || k->waiting_n >= WAITING_MAX ||
        k->waiting_bytes + j->frame.n > WAITING_BYTES_MAX)
        return fault_set(f, FAULT_BUSY, "", "too much waits for a worker");
    list_push(&k->waiting, &j->link);
    k->waiting_n++;
    k->waiting_bytes += j->frame.n;
    count_waiting(k);
    (void)steal(&j);
    loop_later(p->loop, start_waiting, p);
    return true;
}

static struct job *job_new(uint32_t deadline_ms, worker_done_fn *done, void *arg) {
    struct job *j = NEW(struct job);
    *j = (struct job){.deadline_ms = deadline_ms, .done = done, .arg = arg};
    buf_init(&j->frame, WIRE_JOB_MAX);
    return j;
}

static bool add_strs(struct buf *b, const struct str *s, size_t n) {
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = wire_add_str(b, s[i]);
    return ok;
}

static bool too_large(struct fault *f) {
    return fault_set(f, FAULT_INPUT, "", "more than %d bytes for a worker", WIRE_JOB_MAX);
}

bool worker_read(struct worker_pool *p, struct str plugin, const struct tl_read *in,
                 uint32_t deadline_ms, worker_done_fn *done, void *arg, struct fault *f) {
    cleanup(job_freep) struct job *j = job_new(deadline_ms, done, arg);
    const struct str strs[] = {plugin,   in->source, in->source_id, in->format,
                               in->meta, in->body,   in->region};
    size_t at;
    if (!wire_begin(&j->frame, WIRE_READ, &at) || !add_strs(&j->frame, strs, COUNT(strs)) ||
        !wire_add_int(&j->frame, in->received_ms))
        return too_large(f);
    wire_end(&j->frame, at);
    return push(p, WORKER_READ, steal(&j), f);
}

bool worker_work(struct worker_pool *p, struct str plugin, struct str kind, struct str payload,
                 uint32_t deadline_ms, worker_done_fn *done, void *arg, struct fault *f) {
    cleanup(job_freep) struct job *j = job_new(deadline_ms, done, arg);
    const struct str strs[] = {plugin, kind, payload};
    size_t at;
    j->secret = true; /* it may carry the relay's password */
    if (!wire_begin(&j->frame, WIRE_WORK, &at) || !add_strs(&j->frame, strs, COUNT(strs)))
        return too_large(f);
    wire_end(&j->frame, at);
    return push(p, WORKER_SEND, steal(&j), f);
}

static bool password_job(struct worker_pool *p, enum wire_type type, const struct str *strs,
                         size_t n, worker_done_fn *done, void *arg, struct fault *f) {
    cleanup(job_freep) struct job *j = job_new(PASSWORD_DEADLINE_MS, done, arg);
    size_t at, bytes = WIRE_HEAD;
    j->secret = true;
    for (size_t i = 0; i < n; i++)
        bytes += 4 + strs[i].n;
    /* Room for all of it at once: growing would leave copies of the password behind. */
    if (bytes > WIRE_JOB_MAX || !buf_reserve(&j->frame, bytes) ||
        !wire_begin(&j->frame, type, &at) || !add_strs(&j->frame, strs, n))
        return too_large(f);
    wire_end(&j->frame, at);
    return push(p, WORKER_PASSWORD, steal(&j), f);
}

bool worker_password_verify(struct worker_pool *p, struct str phc, struct str password,
                            worker_done_fn *done, void *arg, struct fault *f) {
    const struct str strs[] = {phc, password};
    return password_job(p, WIRE_VERIFY, strs, COUNT(strs), done, arg, f);
}

bool worker_password_hash(struct worker_pool *p, struct str password, worker_done_fn *done,
                          void *arg, struct fault *f) {
    return password_job(p, WIRE_HASH, &password, 1, done, arg, f);
}

bool worker_open(struct loop *loop, const struct tl_strs *plugin_folders, uint32_t max,
                 struct worker_pool **out, struct fault *f) {
    static const char *const names[WORKER_POOLS] = {
        [WORKER_READ] = "read", [WORKER_SEND] = "send", [WORKER_PASSWORD] = "password"};
    if (max < 1)
        return fault_set(f, FAULT_INPUT, "", "at least one worker is needed");
    struct worker_pool *p = NEW(struct worker_pool);
    p->loop = loop;
    p->max = max;
    p->folders_n = plugin_folders->n;
    p->folders = mem_new((p->folders_n + 1) * sizeof *p->folders);
    for (size_t i = 0; i < p->folders_n; i++)
        p->folders[i] = mem_dup(plugin_folders->items[i].p, plugin_folders->items[i].n);
    for (int i = 0; i < WORKER_POOLS; i++) {
        struct kind *k = &p->kinds[i];
        k->pool = p;
        k->name = names[i];
        link_init(&k->idle);
        link_init(&k->busy);
        link_init(&k->dying);
        link_init(&k->waiting);
        k->retry = loop_timer_new(loop, RETRY_MS, on_retry, k);
        loop_timer_stop(k->retry);
    }
    *out = p;
    return true;
}

static void free_children(struct link *head) {
    list_each (it, head)
        child_free(container_of(it, struct child, link));
}

static void pool_free(void *object) {
    struct worker_pool *p = object;
    for (size_t i = 0; i < p->folders_n; i++)
        free(p->folders[i]);
    free(p->folders);
    free(p);
}

void worker_close(struct worker_pool *p) {
    if (!p)
        return;
    p->closing = true;
    for (int i = 0; i < WORKER_POOLS; i++) {
        struct kind *k = &p->kinds[i];
        while (list_first(&k->waiting))
            job_fail(take_waiting(k), false, "the daemon is stopping");
        list_each (it, &k->busy) {
            struct child *c = container_of(it, struct child, link);
            job_fail(steal(&c->job), true, "the daemon is stopping");
        }
        free_children(&k->idle);
        free_children(&k->busy);
        free_children(&k->dying);
        loop_timer_free(k->retry);
    }
    loop_reap(p->loop, p, pool_free); /* start_waiting may still be due */
}
