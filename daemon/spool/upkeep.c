/* spool/upkeep.c - what the writer does between groups: checkpoints, retention, probing a failing
 * disk.
 *
 * A checkpoint copies when there is a pause, or at 16 MiB of log at the latest; beyond 64 MiB it
 * waits for the reader to leave. Each step is small, so that a group never waits long behind it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum {
    PAGE_BYTES = 4096,
    PROBE_MS = 500,
    GUARD_MS = 100,
    PAUSE_MS = 250, /* without work, then the log is copied */
    RETENTION_MS = 10000,
    RETENTION_BEHIND_MS = 20, /* while there is more to drop */
    GAUGES_MS = 1000,
    WAL_PAGES = 4096,
    WAL_PAGES_HARD = 16384,
    VACUUM_PAGES = 256,
};

/* What the spool holds; the log beside it (at most some 64 MiB) is the same pages on their way. */
int64_t writer_used_bytes(struct writer *w) {
    int64_t pages = 0, unused = 0;
    if (!w->db.handle || !db_number(&w->db, SQL_PAGE_COUNT, 0, &pages, NULL) ||
        !db_number(&w->db, SQL_FREE_COUNT, 0, &unused, NULL))
        return atomic_load(&w->spool->bytes);
    int64_t used = (pages - unused) * PAGE_BYTES + w->now.bodies_bytes;
    atomic_store(&w->spool->bytes, used);
    return used;
}

void writer_look(struct writer *w, bool at_once) {
    int64_t now = clock_mono_ms();
    if (!at_once && !guard_due(&w->guard, now))
        return;
    if (!guard_look(&w->guard, now, writer_used_bytes(w)))
        return;
    writer_publish(w);
    if (w->guard.refusing)
        log_warn("spool.full", "bytes=%lld free=%lld reason=%s",
                 (long long)atomic_load(&w->spool->bytes), (long long)w->guard.free_bytes,
                 log_fault(&w->guard.why));
    else
        log_info("spool.room", "free=%lld", (long long)w->guard.free_bytes);
}

int writer_patience_ms(const struct writer *w) {
    int64_t wait = w->retention_ms - clock_mono_ms();
    if (w->failing)
        return PROBE_MS;
    if (w->guard.refusing && wait > GUARD_MS)
        wait = GUARD_MS;
    if (w->wal_pages && wait > PAUSE_MS)
        wait = PAUSE_MS;
    return wait < 1 ? 1 : (int)wait;
}

/* One commit, to see whether there can be others. */
static void probe(struct writer *w) {
    struct fault f = {0};
    int64_t now = clock_mono_ms();
    if (now < w->probe_ms)
        return;
    w->probe_ms = now + PROBE_MS;
    if (!writer_reopen(w, &f) || !db_meta_set(&w->db, "clean", 0, &f)) {
        log_debug("spool.probe", "%s", log_fault(&f));
        return;
    }
    w->failing = false;
    log_info("spool.recovered", "last_seq=%llu", (unsigned long long)w->last_seq);
    writer_publish(w);
}

static void checkpoint(struct writer *w, bool idle) {
    bool hard = w->wal_pages > WAL_PAGES_HARD;
    int64_t now = clock_mono_ms();
    if (!w->wal_pages || (!idle && w->wal_pages < WAL_PAGES) || now < w->checkpoint_ms)
        return;
    w->checkpoint_ms = now + PAUSE_MS;
    int in_log = 0, copied = 0;
    int code = sqlite3_wal_checkpoint_v2(
        w->db.handle, NULL, hard ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &in_log,
        &copied);
    if ((code & 0xff) == SQLITE_BUSY)
        return; /* a reader holds it; later */
    if (code != SQLITE_OK) {
        struct fault f;
        w->db.code = code;
        fault_set(&f, FAULT_SYSTEM, "spool.db", "checkpoint: %s", sqlite3_errmsg(w->db.handle));
        writer_fail(w, &f);
    } else if (copied >= in_log) {
        w->wal_pages = 0;
    }
}

/* Pages left free go back to the file system, but for a quarter that the next records will take.
 * true: there are more of them. */
static bool vacuum(struct writer *w) {
    int64_t pages = 0, unused = 0;
    struct fault f;
    if (!db_number(&w->db, SQL_PAGE_COUNT, 0, &pages, &f) ||
        !db_number(&w->db, SQL_FREE_COUNT, 0, &unused, &f) || unused < 4 * VACUUM_PAGES ||
        unused < pages / 4)
        return false;
    char text[60];
    snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    if (db_exec(&w->db, text, &f))
        return true;
    writer_fail(w, &f);
    return false;
}

static void retain(struct writer *w, bool idle) {
    struct fault f;
    bool more = false;
    int64_t now = clock_mono_ms();
    if (now < w->retention_ms)
        return;
    if (!retention_run(w, &more, &f)) {
        writer_rollback(w);
        writer_fail(w, &f);
        return;
    }
    if (idle && !more)
        more = vacuum(w);
    w->retention_ms = now + (more ? RETENTION_BEHIND_MS : RETENTION_MS);
}

static void show(struct writer *w) {
    int64_t now = clock_mono_ms();
    if (now < w->gauges_ms)
        return;
    w->gauges_ms = now + GAUGES_MS;
    metric_set(METRIC_SPOOL_BYTES, writer_used_bytes(w));
    metric_set(METRIC_SPOOL_FREE_BYTES, w->guard.free_bytes);
    metric_set(METRIC_SPOOL_PENDING, w->now.pending);
    metric_set(METRIC_QUARANTINE_SIZE, w->now.quarantined);
    metric_set(METRIC_SPOOL_QUEUE, (int64_t)queue_length(w->spool->inbox));
    int64_t oldest = 0;
    if (db_number(&w->db, SQL_OLDEST_PENDING, 0, &oldest, NULL))
        metric_set(METRIC_SPOOL_OLDEST, oldest ? (clock_wall_ms() - oldest) / 1000 : 0);
}

void writer_upkeep(struct writer *w, bool idle) {
    must_run_on(THREAD_SPOOL);
    if (w->failing)
        probe(w);
    if (w->failing)
        return;
    if (list_first(&w->left_notes))
        group_run(w); /* nothing but them */
    if (idle || w->guard.refusing)
        writer_look(w, false);
    checkpoint(w, idle);
    retain(w, idle);
    show(w);
    writer_publish(w);
}
