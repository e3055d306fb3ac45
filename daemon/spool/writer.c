/* spool/writer.c - the spool thread: gather, commit, tell; and its connection.
 *
 *   loop ──push──► [inbox, bounded] ──► thread: BEGIN … COMMIT ──► [answers] ──eventfd──► done()
 *
 * Invariants
 *  (1) done() without error runs only after COMMIT returned SQLITE_OK.
 *  (2) A COMMIT that failed is not tried again on the same connection: a second fsync may report
 *      success for pages that were dropped. The connection is made anew, the group written again.
 *  (3) Only this connection writes and checkpoints.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { SET_ASIDE_EVERY_MS = 60000, BURST = 8 };

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages) {
    (void)handle, (void)name;
    struct writer *w = arg;
    w->wal_pages = pages;
    return SQLITE_OK;
}

static bool known_body(void *arg, uint64_t seq) {
    struct writer *w = arg;
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECORD_BIG, NULL);
    int64_t big = 1; /* not known for certain: it stays */
    if (s) {
        sqlite3_bind_int64(s, 1, (int64_t)seq);
        if (!db_number(&w->db, SQL_RECORD_BIG, 0, &big, NULL))
            big = 1;
    }
    return big > 0;
}

/* What the file holds, into memory. */
static bool count(struct writer *w, struct fault *f) {
    int64_t last = 0, noted = 0, confirmed = 0;
    if (!seen_load(&w->seen, &w->db, f) || !db_number(&w->db, SQL_LAST_SEQ, 0, &last, f) ||
        !db_meta_get(&w->db, "last_seq", 0, &noted, f) ||
        !db_meta_get(&w->db, "confirmed_seq", 0, &confirmed, f) ||
        !db_number(&w->db, SQL_PENDING_COUNT, 0, &w->now.pending, f) ||
        !db_number(&w->db, SQL_QUARANTINE_COUNT, 0, &w->now.quarantined, f) ||
        !db_number(&w->db, SQL_OUTBOX_COUNT, 0, &w->now.outbox, f))
        return false;
    w->last_seq = (uint64_t)(last > noted ? last : noted);
    w->confirmed_seq = (uint64_t)confirmed;
    return true;
}

static bool attach(struct writer *w, struct fault *f) {
    if (!db_open_writer(&w->db, w->spool->folder.db_path, f) || !count(w, f))
        return false;
    sqlite3_wal_hook(w->db.handle, on_commit, w);
    return folder_sync(&w->spool->folder, f);
}

bool writer_set_aside(struct writer *w, const char *why, struct fault *f) {
    char stamp[FOLDER_STAMP];
    db_close(&w->db);
    if (!folder_set_aside(&w->spool->folder, stamp, f))
        return false;
    log_error("spool.set_aside", "file=spool.db.corrupt-%s %s", stamp, why);
    uint64_t last = w->last_seq;
    if (!attach(w, f) || !salvage(w, stamp, f) || !count(w, f)) {
        db_close(&w->db);
        return false;
    }
    if (last > w->last_seq)
        w->last_seq = last; /* numbers that were given out are not given again */
    w->retention_after = 0;
    w->now.bodies_bytes = folder_bodies_sweep(&w->spool->folder, known_body, w);
    atomic_fetch_add(&w->spool->generation, 1);
    return true;
}

/* At most once a minute: a broken disk would fill with files set aside. */
static bool attach_or_set_aside(struct writer *w, struct fault *f) {
    if (!db_is_corrupt(&w->db) && attach(w, f))
        return true;
    bool corrupt = db_is_corrupt(&w->db);
    int64_t now = clock_mono_ms();
    db_close(&w->db);
    w->db.code = 0;
    if (!corrupt)
        return false;
    if (w->set_aside_ms && now < w->set_aside_ms)
        return fault_set(f, FAULT_SYSTEM, "spool.db", "broken again within a minute");
    w->set_aside_ms = now + SET_ASIDE_EVERY_MS;
    char why[FAULT_REASON_MAX];
    snprintf(why, sizeof why, "%s", log_fault(f));
    return writer_set_aside(w, why, f);
}

bool writer_open(struct writer *w, struct fault *f) {
    link_init(&w->left_notes);
    w->guard = (struct guard){.path = w->spool->folder.path, .max_bytes = w->config.max_bytes};
    unsigned generation = atomic_load(&w->spool->generation);
    if (!attach_or_set_aside(w, f))
        return false;
    int64_t clean = 1;
    if (!db_meta_get(&w->db, "clean", 1, &clean, f) || !db_meta_set(&w->db, "clean", 0, f))
        return false;
    w->spool->unclean = !clean || generation != atomic_load(&w->spool->generation);
    w->now.bodies_bytes = folder_bodies_sweep(&w->spool->folder, known_body, w);
    guard_look(&w->guard, clock_mono_ms(), writer_used_bytes(w));
    writer_publish(w);
    return true;
}

bool writer_reopen(struct writer *w, struct fault *f) {
    int code = w->db.code;
    db_close(&w->db);
    w->db.code = code;
    w->wal_pages = 0;
    w->retention_after = 0;
    int64_t bodies = w->now.bodies_bytes;
    w->now = (struct tally){.bodies_bytes = bodies};
    if (!attach_or_set_aside(w, f))
        return false;
    log_warn("spool.reopened", "last_seq=%llu", (unsigned long long)w->last_seq);
    return true;
}

void writer_close(struct writer *w) {
    struct fault f;
    if (w->db.handle && !w->failing && !db_meta_set(&w->db, "clean", 1, &f))
        log_warn("spool.close", "%s", log_fault(&f));
    db_close(&w->db);
    seen_clear(&w->seen);
    free(w->drops);
    tallies_forget(w);
    free(w->tallies);
    while (list_first(&w->left_notes)) {
        struct job *j = container_of(list_first(&w->left_notes), struct job, link);
        link_remove(&j->link);
        spool_notes_free(container_of(j, struct notes, job));
    }
}

void writer_publish(struct writer *w) {
    struct spool *s = w->spool;
    enum spool_state state = w->failing ? SPOOL_FAILING : w->guard.refusing ? SPOOL_FULL : SPOOL_OK;
    atomic_store(&s->state, state);
    atomic_store(&s->last_seq, w->last_seq);
    atomic_store(&s->pending, (uint64_t)w->now.pending);
    atomic_store(&s->quarantined, (uint64_t)w->now.quarantined);
    atomic_store(&s->outbox, (uint64_t)w->now.outbox);
    atomic_store(&s->free_bytes, w->guard.free_bytes);
}

void writer_fail(struct writer *w, const struct fault *why) {
    if (!w->failing)
        log_error("spool.failing", "%s", log_fault(why));
    w->failing = true;
    writer_publish(w);
}

bool writer_begin(struct writer *w, struct fault *f) {
    w->delta = (struct tally){0};
    w->next_seq = w->last_seq;
    w->bodies_written = false;
    w->drops_n = 0;
    tallies_forget(w);
    seen_settle(&w->seen, false);
    return db_simple(&w->db, SQL_BEGIN_WRITE, f);
}

bool writer_commit(struct writer *w, struct fault *f) {
    bool ok =
        (w->next_seq == w->last_seq || db_meta_set(&w->db, "last_seq", (int64_t)w->next_seq, f)) &&
        (!w->bodies_written || folder_bodies_sync(&w->spool->folder, f)) &&
        db_simple(&w->db, SQL_COMMIT, f);
    if (!ok)
        return false;
    w->last_seq = w->next_seq;
    seen_settle(&w->seen, true);
    w->now.pending += w->delta.pending;
    w->now.quarantined += w->delta.quarantined;
    w->now.outbox += w->delta.outbox;
    w->now.bodies_bytes += w->delta.bodies_bytes;
    for (size_t i = 0; i < w->drops_n; i++)
        folder_body_drop(&w->spool->folder, w->drops[i]);
    w->drops_n = 0;
    return true;
}

void writer_rollback(struct writer *w) {
    db_rollback(&w->db);
    w->drops_n = 0;
}

void writer_drop_body(struct writer *w, uint64_t seq, int64_t bytes) {
    if (w->drops_n == w->drops_room) {
        w->drops_room = w->drops_room ? w->drops_room * 2 : 64;
        w->drops = mem_grow(w->drops, w->drops_room * sizeof *w->drops);
    }
    w->drops[w->drops_n++] = seq;
    w->delta.bodies_bytes -= bytes;
}

static size_t job_bytes(const struct job *j) {
    if (j->kind == JOB_PUSH)
        return container_of(j, struct push, job)->bytes;
    return j->kind == JOB_NOTES ? container_of(j, struct notes, job)->bytes : 0;
}

/* How many of what was taken make the next group. */
static size_t group_size(const struct writer *w) {
    size_t n = 0, bytes = 0;
    while (n < w->taken_n && (!n || bytes + job_bytes(w->taken[n]) <= GROUP_BYTES))
        bytes += job_bytes(w->taken[n++]);
    return n;
}

static bool take(struct writer *w, int wait_ms) {
    void *items[GROUP_MAX];
    size_t room = GROUP_MAX - w->taken_n;
    size_t n = wait_ms ? queue_wait(w->spool->inbox, items, room, wait_ms)
                       : queue_take(w->spool->inbox, items, room);
    for (size_t i = 0; i < n; i++)
        w->taken[w->taken_n++] = items[i];
    return n > 0;
}

/* Those who were answered just now may be sending the next ones: where they came in numbers, a
 * moment's wait makes one commit of two. */
static void gather(struct writer *w) {
    take(w, w->taken_n ? 0 : writer_patience_ms(w));
    for (int i = 0; i < GROUP_WAIT_MS && w->burst >= BURST && w->taken_n &&
                    w->taken_n < w->burst / 2 && !w->stopping;
         i++)
        if (!take(w, 1))
            break;
    w->group_n = group_size(w);
}

void writer_run(void *arg) {
    must_run_on(THREAD_SPOOL);
    struct writer *w = arg;
    while (!w->stopping || w->taken_n) {
        gather(w);
        bool idle = !w->group_n;
        if (!idle)
            group_run(w);
        if (!w->stopping)
            writer_upkeep(w, idle);
    }
}
