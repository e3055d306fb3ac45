/* blob/blob.c - the room's loop side and its thread: jobs there, answers back.
 *
 *   loop ──job──► [jobs, bounded] ──► thread: a batch, then its folders synced ──► [answers]
 * ──eventfd──► done()
 */
#include "blob/blob.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/queue.h"
#include "base/thread.h"
#include "blob/blob_priv.h"
#include "config/config.h"

enum { TAKE = 64, EXPORT_MAX = 256 << 20, SWEEP_MS = 60 * 1000 };

const struct tl_key blob_keys[] = {
    {.name = "directory",
     .type = TL_KEY_STR,
     .offset = offsetof(struct blob_config, directory),
     .min = 1,
     .max = 4096,
     .preset = "blobs",
     .help = "where raw bytes and attachments lie; relative to state"},
    {.name = "keep",
     .type = TL_KEY_STRMAP,
     .offset = offsetof(struct blob_config, keep),
     .help = "channel: how long its raw bytes are kept, or no"},
    {.name = NULL},
};

/* Owned by the loop thread; `dir` by the blob thread while it runs. */
struct blob_store {
    struct event *answers_event;
    struct queue *jobs, *answers;
    size_t under_way, bytes;
    bool closing;
    void *thread;
    struct blob_dir dir;
};

void blob_check(const void *section, struct config_check *c) {
    const struct blob_config *b = section;
    for (size_t i = 0; i < b->keep.n; i++) {
        const struct tl_pair *p = &b->keep.items[i];
        int64_t ms;
        if (!str_is(p->value, "no") && !config_read_duration(p->value, &ms))
            config_check_fault(c, p->value.p, "not a duration (\"90d\") and not no");
    }
}

static void job_free(struct blob_job *j) {
    buf_clear(&j->bytes);
    free(j->path);
    free(j);
}

static void answer(struct blob_store *b, struct blob_job *j) {
    b->under_way--;
    b->bytes -= j->kind == BLOB_PUT ? j->bytes.n : 0;
    if (j->kind == BLOB_GET)
        j->get(j->arg, j->ok ? buf_str(&j->bytes) : STR_NONE);
    else if (j->put)
        j->put(j->arg, j->ok);
    job_free(j);
}

static void on_answers(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct blob_store *b = arg;
    void *items[TAKE];
    size_t n = queue_take(b->answers, items, TAKE);
    for (size_t i = 0; i < n; i++)
        answer(b, items[i]);
}

/* Each folder of the batch once; a folder that cannot be synced takes back what was said of its
 * blobs. */
static void sync_folders(struct blob_job **jobs, size_t n) {
    struct stat st[BLOB_BATCH] = {0};
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->folder < 0)
            continue;
        size_t same = i;
        bool known = fstat(jobs[i]->folder, &st[i]) == 0;
        for (size_t k = 0; known && k < i && same == i; k++)
            if (jobs[k]->folder >= 0 && st[k].st_ino == st[i].st_ino)
                same = k;
        if (same == i ? fsync(jobs[i]->folder) != 0 : !jobs[same]->ok)
            jobs[i]->ok = false;
    }
    for (size_t i = 0; i < n; i++)
        if (jobs[i]->folder >= 0)
            close(jobs[i]->folder);
}

static void count(const struct blob_job *j) {
    if (j->kind != BLOB_PUT)
        return;
    metric_add_label(METRIC_BLOB_WRITES, j->ok ? "ok" : "failed", 1);
    if (j->ok)
        metric_add(METRIC_BLOB_BYTES, j->bytes.n);
}

static void run_batch(struct blob_store *b, struct blob_job **jobs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct fault f = {0};
        jobs[i]->folder = -1;
        blob_dir_do(&b->dir, jobs[i], &f);
        if (f.kind != FAULT_NONE)
            log_warn("blob.failed", "%s", log_fault(&f));
    }
    sync_folders(jobs, n);
    for (size_t i = 0; i < n; i++) {
        count(jobs[i]);
        queue_push_always(b->answers, jobs[i]);
    }
}

static void run(void *arg) {
    must_run_on(THREAD_BLOB);
    struct blob_store *b = arg;
    unsigned folder = 0;
    for (bool stop = false; !stop;) {
        void *items[BLOB_BATCH];
        struct blob_job *jobs[BLOB_BATCH];
        size_t taken = queue_wait(b->jobs, items, BLOB_BATCH, SWEEP_MS), n = 0;
        for (size_t i = 0; i < taken; i++) {
            struct blob_job *j = items[i];
            if (j->kind == BLOB_STOP) {
                stop = true;
                job_free(j);
            } else {
                jobs[n++] = j;
            }
        }
        run_batch(b, jobs, n);
        /* In quiet moments, a folder at a time: all of them within some hours. */
        if (!taken && blob_expire_sweep(&b->dir, folder++, clock_wall_ms()))
            log_info("blob.expired", "folder=%02x", (folder - 1) & 0xff);
    }
}

static void store_free(struct blob_store *b) {
    if (!b)
        return;
    if (b->answers_event)
        event_free(b->answers_event);
    queue_free(b->jobs);
    queue_free(b->answers);
    blob_dir_close(&b->dir);
    free(b);
}

static void store_freep(struct blob_store **b) {
    store_free(*b);
}

bool blob_open(struct loop *loop, struct str directory, struct blob_store **out, struct fault *f) {
    must_run_on(THREAD_LOOP);
    cleanup(store_freep) struct blob_store *b = NEW(struct blob_store);
    b->dir.fd = -1;
    b->jobs = queue_new(BLOB_QUEUE_MAX);
    b->answers = queue_new(BLOB_QUEUE_MAX);
    if (!blob_dir_open(&b->dir, directory, f))
        return false;
    b->answers_event =
        event_new(loop_base(loop), queue_fd(b->answers), EV_READ | EV_PERSIST, on_answers, b);
    if (!b->answers_event || event_add(b->answers_event, NULL) != 0)
        return fault_set(f, FAULT_SYSTEM, "blobs", "no event for the answers");
    b->thread = thread_start(THREAD_BLOB, run, b);
    *out = steal(&b);
    return true;
}

static struct blob_job *job_new(enum blob_job_kind kind, size_t max_bytes) {
    struct blob_job *j = NEW(struct blob_job);
    j->kind = kind;
    j->folder = -1;
    buf_init(&j->bytes, max_bytes);
    return j;
}

void blob_close(struct blob_store *b) {
    if (!b)
        return;
    must_run_on(THREAD_LOOP);
    b->closing = true;
    queue_push_always(b->jobs, job_new(BLOB_STOP, 0));
    thread_join(b->thread);
    while (queue_length(b->answers))
        on_answers(-1, 0, b);
    store_free(b);
}

/* Names become file names: letters, digits and _ alone. */
static bool name_take(struct str s, char out[BLOB_NAME_MAX + 1]) {
    if (!s.n || s.n > BLOB_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
        out[i] = c;
    }
    out[s.n] = '\0';
    return true;
}

/* What cannot be done is answered like the rest, later and not done. */
static void submit(struct blob_store *b, struct blob_job *take_j, bool sound) {
    must_run_on(THREAD_LOOP);
    size_t bytes = take_j->kind == BLOB_PUT ? take_j->bytes.n : 0;
    bool room = b->under_way < BLOB_QUEUE_MAX &&
                (!b->bytes || !bytes || b->bytes + bytes <= BLOB_QUEUE_BYTES);
    b->under_way++;
    b->bytes += bytes;
    queue_push_always(sound && room && !b->closing ? b->jobs : b->answers, take_j);
}

void blob_put(struct blob_store *b, struct str id, struct str part, struct str bytes,
              blob_put_fn *done, void *arg) {
    blob_put_until(b, id, part, bytes, 0, done, arg);
}

void blob_put_until(struct blob_store *b, struct str id, struct str part, struct str bytes,
                    int64_t until_ms, blob_put_fn *done, void *arg) {
    struct blob_job *j = job_new(BLOB_PUT, bytes.n);
    j->until_ms = until_ms;
    j->put = done;
    j->arg = arg;
    bool sound = name_take(id, j->id) && name_take(part, j->part) && buf_add(&j->bytes, bytes);
    submit(b, j, sound);
}

void blob_get(struct blob_store *b, struct str id, struct str part, size_t max_bytes,
              blob_get_fn *done, void *arg) {
    struct blob_job *j = job_new(BLOB_GET, max_bytes);
    j->get = done;
    j->arg = arg;
    bool sound = name_take(id, j->id) && name_take(part, j->part);
    submit(b, j, sound);
}

void blob_erase(struct blob_store *b, struct str id, blob_put_fn *done, void *arg) {
    struct blob_job *j = job_new(BLOB_ERASE, 0);
    j->put = done;
    j->arg = arg;
    bool sound = name_take(id, j->id);
    submit(b, j, sound);
}

void blob_export(struct blob_store *b, struct str id, struct str part, struct str path,
                 blob_put_fn *done, void *arg) {
    struct blob_job *j = job_new(BLOB_EXPORT, EXPORT_MAX);
    j->put = done;
    j->arg = arg;
    j->path = mem_dup(path.p, path.n);
    bool sound = path.n && name_take(id, j->id) && name_take(part, j->part);
    submit(b, j, sound);
}
