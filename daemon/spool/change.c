/* spool/change.c - what an operator does to a quarantined entry: try it again, or forget it. */
#include "base/clock.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

/* One entry as it was found; several may bear one id (pieces of a batch). */
struct entry {
    int64_t n;
    uint64_t seq;
    bool whole;
};
enum {
    ENTRIES_MAX = 256
}; /* at a time; the answer tells nothing of the rest, asking again takes them */

static bool find(struct writer *w, struct str id, struct entry *out, size_t *out_n,
                 struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_QUARANTINE_FIND, f);
    if (!s)
        return false;
    db_bind_text(s, 1, id);
    *out_n = 0;
    enum db_step step = DB_END;
    while (*out_n < ENTRIES_MAX && (step = db_step(&w->db, s, f)) == DB_ROW)
        out[(*out_n)++] = (struct entry){
            .n = sqlite3_column_int64(s, 0),
            .seq = (uint64_t)sqlite3_column_int64(s, 1),
            .whole = sqlite3_column_int(s, 2),
        };
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}

static bool run_with(struct writer *w, enum sql id, int64_t value, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, id, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, value);
    return db_run(&w->db, s, f);
}

static bool number_of(struct writer *w, enum sql id, uint64_t seq, int64_t *out, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, id, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)seq);
    return db_number(&w->db, id, 0, out, f);
}

/* Back among the pending; a piece takes its whole record along, whose other pieces are known by
 * then. */
static bool retry(struct writer *w, const struct entry *e, struct fault *f) {
    if (!run_with(w, SQL_PENDING_ADD, (int64_t)e->seq, f))
        return false;
    w->delta.pending += sqlite3_changes(w->db.handle);
    return true;
}

/* A whole record goes at once: replay must not bring it back. */
static bool forget(struct writer *w, const struct entry *e, struct fault *f) {
    int64_t others = 0, big = 0;
    if (!e->whole)
        return true;
    if (!number_of(w, SQL_QUARANTINE_OF, e->seq, &others, f) ||
        !number_of(w, SQL_RECORD_BIG, e->seq, &big, f))
        return false;
    if (others)
        return true;
    if (big)
        writer_drop_body(w, e->seq, big);
    return run_with(w, SQL_RECORD_DEL, (int64_t)e->seq, f) &&
           run_with(w, SQL_HELD_DEL, (int64_t)e->seq, f);
}

bool change_write(struct writer *w, struct question *q, struct fault *f) {
    must_run_on(THREAD_SPOOL);
    struct entry entries[ENTRIES_MAX];
    size_t n = 0;
    q->found = false;
    if (!find(w, q->text, entries, &n, f))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!run_with(w, SQL_QUARANTINE_DEL, entries[i].n, f))
            return false;
        w->delta.quarantined--;
        if (!(q->ask == ASK_RETRY ? retry(w, &entries[i], f) : forget(w, &entries[i], f)))
            return false;
    }
    if (!n)
        return true;
    cleanup(buf_clear) struct buf line;
    spool_step_line(&line, clock_wall_ms(), q->ask == ASK_RETRY ? "retried" : "dropped", STR_NONE);
    q->found = true;
    buf_reset(&q->json);
    return buf_add_c(&q->json, "{}") && steps_write(w, q->text, buf_str(&line), f);
}
