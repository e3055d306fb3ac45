/* spool/reader.c - the reader thread: questions answered from a read-only connection.
 *
 * Each question is one transaction under a second: a longer one would keep the log from being
 * reset. A question that fails is asked once more on a new connection and then told as failed.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { QUESTION_MS = 1000, STEPS_BETWEEN = 10000 };

/* SQLite asks between steps of its machine. */
static int overdue(void *arg) {
    const struct reader *r = arg;
    return clock_mono_ms() > r->deadline_ms;
}

static bool attach(struct reader *r, struct fault *f) {
    unsigned generation = atomic_load(&r->spool->generation);
    if (r->open && generation == r->generation)
        return true;
    db_close(&r->db);
    r->open = db_open_reader(&r->db, r->spool->folder.db_path, f);
    r->generation = generation;
    if (r->open)
        sqlite3_progress_handler(r->db.handle, STEPS_BETWEEN, overdue, r);
    return r->open;
}

static bool read_by_kind(struct reader *r, struct question *q, struct fault *f) {
    static bool (*const readers[])(struct reader *, struct question *, struct fault *) = {
        [ASK_PENDING] = read_records,       [ASK_WINDOW] = read_records,
        [ASK_RECORD] = read_records,        [ASK_RECEIPT] = read_receipt,
        [ASK_QUARANTINE] = read_quarantine, [ASK_ALIAS] = read_alias,
        [ASK_OUTBOX] = read_outbox,         [ASK_SENT] = read_outbox,
        [ASK_EVENTS] = read_events,         [ASK_IDEM] = read_idem,
        [ASK_PLACES] = read_places,         [ASK_KNOWN] = read_known,
        [ASK_TALLIES] = read_tallies,       [ASK_KEPT] = read_kept,
        [ASK_MEDIA] = read_media,
    };
    r->deadline_ms = clock_mono_ms() + QUESTION_MS;
    if (!db_simple(&r->db, SQL_BEGIN_READ, f))
        return false;
    bool ok = readers[q->ask](r, q, f);
    if (ok)
        ok = db_simple(&r->db, SQL_COMMIT, f);
    if (!ok)
        db_rollback(&r->db);
    return ok;
}

/* Empties what a first try may have gathered. */
static void forget_answer(struct question *q) {
    for (size_t i = 0; i < q->n && q->records; i++)
        record_free(q->records[i]);
    q->records = NULL;
    q->rows = NULL;
    q->places = NULL;
    q->known = NULL;
    q->media = NULL;
    q->n = q->room = 0;
    q->found = false;
    buf_reset(&q->json);
}

static bool answer(struct reader *r, struct question *q, struct fault *f) {
    if (attach(r, f) && read_by_kind(r, q, f))
        return true;
    forget_answer(q);
    db_close(&r->db);
    r->open = false;
    return false;
}

void question_free(struct question *q) {
    if (!q)
        return;
    forget_answer(q);
    buf_clear(&q->json);
    arena_clear(&q->arena);
    free(q);
}

void reader_run(void *arg) {
    must_run_on(THREAD_SPOOL_READER);
    struct reader *r = arg;
    for (;;) {
        void *item = NULL;
        if (!queue_wait(r->spool->questions, &item, 1, -1))
            continue;
        struct job *j = item;
        if (j->kind == JOB_STOP) {
            free(j);
            break;
        }
        struct question *q = container_of(j, struct question, job);
        struct fault f;
        if (!answer(r, q, &f) && !answer(r, q, &f)) {
            q->failed = true;
            log_warn("spool.question", "failed=%d reason=%s", (int)q->ask, log_fault(&f));
        }
        queue_push_always(r->spool->answers, j);
    }
    db_close(&r->db);
}
