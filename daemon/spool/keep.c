/* spool/keep.c - one record into the open transaction, or what is already here instead.
 *
 *   idem key known?  ──► REPEATED | IDEM_MISMATCH
 *   id known?        ──► KNOWN | MISMATCH
 *   else                 body file, row, receipt, pending or quarantine, cursor, outbox, ledger ──►
 * KEPT
 *
 * Ids are told apart by class: the touchpoint's own records are one, each kind of effect another,
 * so that a delivery state under a touchpoint's id is not taken for an edit of it.
 */
#include "base/clock.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { CLASS_TOUCHPOINT = 1 };

static int class_of(enum record_kind kind) {
    return kind <= RECORD_REPLY ? CLASS_TOUCHPOINT : (int)kind;
}

static struct str content_of(const struct record *r) {
    return str_make((const char *)r->content, sizeof r->content);
}

/* What the receipts say about an id. */
struct seen_id {
    bool any, exact, same_exact, same_any, tried;
    int64_t highest;
    uint64_t seq;
};

/* One receipt into what is known of the id so far. */
static void seen_row(const struct push *p, sqlite3_stmt *s, struct seen_id *out) {
    const struct record *r = p->record;
    if (!str_eq(db_column(s, 0), r->id) || sqlite3_column_int(s, 1) != class_of(r->kind))
        return;
    int64_t revision = sqlite3_column_int64(s, 2);
    bool same = str_eq(db_column(s, 3), content_of(r));
    uint64_t seq = (uint64_t)sqlite3_column_int64(s, 4);
    if (revision == r->revision) {
        out->exact = true;
        out->same_exact = same;
        out->tried = p->tried && seq == p->tried;
    }
    out->same_any |= same;
    if (revision == r->revision || (!out->exact && (!out->any || revision >= out->highest)))
        out->seq = seq;
    if (!out->any || revision > out->highest)
        out->highest = revision;
    out->any = true;
}

static bool seen_look(struct writer *w, struct push *p, struct seen_id *out, struct fault *f) {
    *out = (struct seen_id){0};
    int64_t *rows = NULL;
    size_t n = 0;
    if (!seen_find(&w->seen, &w->db, db_key(p->record->id), &p->record->arena, &rows, &n, f))
        return false;
    for (size_t i = 0; i < n; i++) {
        sqlite3_stmt *s = db_statement(&w->db, SQL_RECEIPT_GET, f);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, rows[i]);
        enum db_step step = db_step(&w->db, s, f);
        if (step == DB_FAILED)
            return false;
        if (step == DB_ROW) {
            seen_row(p, s, out);
            db_done(s);
        }
    }
    return true;
}

static enum spool_verdict seen_verdict(const struct seen_id *seen, const struct record *r) {
    if (seen->exact)
        return seen->same_exact ? SPOOL_KNOWN : SPOOL_MISMATCH;
    if (!seen->any || r->revision > seen->highest)
        return SPOOL_KEPT;
    /* A revision below ours that never came: of an effect it is one more of them, absolute and
     * keyed; of a touchpoint it is outdated. */
    if (class_of(r->kind) != CLASS_TOUCHPOINT)
        return SPOOL_KEPT;
    return seen->same_any ? SPOOL_KNOWN : SPOOL_MISMATCH;
}

/* SPOOL_KEPT where the key is new. */
static bool idem_look(struct writer *w, struct push *p, enum spool_verdict *out, struct fault *f) {
    struct record *r = p->record;
    *out = SPOOL_KEPT;
    if (!r->idem_key.n)
        return true;
    sqlite3_stmt *s = db_statement(&w->db, SQL_IDEM_FIND, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(r->idem_key));
    db_bind_text(s, 2, r->idem_key);
    enum db_step step = db_step(&w->db, s, f);
    if (step == DB_ROW) {
        bool same = str_eq(db_column(s, 0), r->idem_hash);
        *out = same ? SPOOL_REPEATED : SPOOL_IDEM_MISMATCH;
        if (same)
            p->answer = record_keep(r, db_column(s, 1));
        db_done(s);
    }
    return step != DB_FAILED;
}

static bool idem_add(struct writer *w, const struct record *r, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_IDEM_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(r->idem_key));
    db_bind_text(s, 2, r->idem_key);
    db_bind_text(s, 3, r->idem_hash);
    db_bind_text(s, 4, r->idem_answer);
    sqlite3_bind_int64(s, 5, clock_wall_ms());
    return db_run(&w->db, s, f);
}

static bool record_add(struct writer *w, const struct record *r, bool big, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECORD_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)r->seq);
    sqlite3_bind_int(s, 2, (int)r->kind);
    sqlite3_bind_int64(s, 3, r->flags);
    sqlite3_bind_int64(s, 4, r->received_ms);
    sqlite3_bind_int64(s, 5, r->revision);
    sqlite3_bind_int64(s, 6, big ? (int64_t)r->body.n : 0);
    db_bind_text(s, 7, r->id);
    db_bind_text(s, 8, r->source);
    db_bind_text(s, 9, r->source_id);
    db_bind_blob(s, 10, content_of(r));
    db_bind_text(s, 11, r->reason);
    db_bind_text(s, 12, r->head);
    db_bind_blob(s, 13, big ? STR_NONE : r->body);
    return db_run(&w->db, s, f);
}

static bool receipt_add(struct writer *w, const struct record *r, struct str steps,
                        struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECEIPT_ADD, f);
    if (!s)
        return false;
    db_bind_text(s, 1, r->id);
    sqlite3_bind_int(s, 2, class_of(r->kind));
    sqlite3_bind_int64(s, 3, r->revision);
    db_bind_blob(s, 4, content_of(r));
    sqlite3_bind_int64(s, 5, (int64_t)r->seq);
    sqlite3_bind_int64(s, 6, r->received_ms);
    db_bind_text(s, 7, steps);
    if (!db_run(&w->db, s, f))
        return false;
    seen_add(&w->seen, db_key(r->id), sqlite3_last_insert_rowid(w->db.handle));
    return true;
}

static bool mark_add(struct writer *w, enum sql mark, uint64_t seq, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, mark, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)seq);
    return db_run(&w->db, s, f);
}

static bool quarantine_add(struct writer *w, const struct record *r, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_QUARANTINE_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)r->seq);
    db_bind_text(s, 2, r->id);
    db_bind_text(s, 4, r->reason);
    sqlite3_bind_int64(s, 5, r->received_ms);
    w->delta.quarantined++;
    return db_run(&w->db, s, f);
}

static bool outbox_add(struct writer *w, const struct record *r, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_OUTBOX_ADD, f);
    if (!s)
        return false;
    db_bind_text(s, 1, r->id);
    db_bind_text(s, 2, r->source);
    sqlite3_bind_int64(s, 3, r->received_ms);
    db_bind_text(s, 4, r->head);
    db_bind_text(s, 5, r->body);
    if (!db_run(&w->db, s, f))
        return false;
    w->delta.outbox += sqlite3_changes(w->db.handle);
    return true;
}

static bool ledger_write(struct writer *w, const struct push *p, struct fault *f) {
    for (size_t i = 0; i < p->erased_n; i++) {
        sqlite3_stmt *s = db_statement(&w->db, SQL_LEDGER_ADD, f);
        if (!s)
            return false;
        db_bind_blob(s, 1, str_make((const char *)p->erased[i], LEDGER_ID));
        sqlite3_bind_int64(s, 2, p->erased_ms);
        if (!db_run(&w->db, s, f))
            return false;
    }
    return true;
}

static bool cursor_write(struct writer *w, const struct record *r, struct fault *f) {
    if (!r->cursor.n)
        return true;
    sqlite3_stmt *s = db_statement(&w->db, SQL_CURSOR_SET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, r->cursor);
    db_bind_text(s, 2, r->cursor_value.p ? r->cursor_value : str_c(""));
    return db_run(&w->db, s, f);
}

/* Where the new record stands first, and what its receipt says of that. */
static bool standing_add(struct writer *w, const struct record *r, struct fault *f) {
    if (!(r->flags & RECORD_QUARANTINED)) {
        w->delta.pending++;
        return receipt_add(w, r, STR_NONE, f) && mark_add(w, SQL_PENDING_ADD, r->seq, f);
    }
    cleanup(buf_clear) struct buf line;
    spool_step_line(&line, r->received_ms, "quarantined", r->reason);
    return receipt_add(w, r, buf_str(&line), f) && quarantine_add(w, r, f);
}

static bool add_all(struct writer *w, struct push *p, struct fault *f) {
    struct record *r = p->record;
    bool big = r->body.n > BIG_BODY;
    r->seq = ++w->next_seq;
    if (big) {
        if (!folder_body_write(&w->spool->folder, r->seq, r->body, f))
            return false;
        w->bodies_written = true;
        w->delta.bodies_bytes += (int64_t)r->body.n;
    }
    w->delta.records++;
    return record_add(w, r, big, f) && standing_add(w, r, f) &&
           (!(r->flags & RECORD_KEEP_RAW) || !r->body.n || mark_add(w, SQL_HELD_ADD, r->seq, f)) &&
           (r->kind != RECORD_REPLY || outbox_add(w, r, f)) && ledger_write(w, p, f) &&
           (!r->idem_key.n || idem_add(w, r, f)) && cursor_write(w, r, f) && place_write(w, r, f);
}

bool keep_record(struct writer *w, struct push *p, struct fault *f) {
    must_run_on(THREAD_SPOOL);
    struct record *r = p->record;
    struct seen_id seen;
    if (!seen_look(w, p, &seen, f))
        return false;
    if (seen.tried) {
        /* The COMMIT that reported a failure had reached the disk after all. */
        r->seq = p->tried;
        p->verdict = SPOOL_KEPT;
        return true;
    }
    if (!idem_look(w, p, &p->verdict, f))
        return false;
    if (p->verdict != SPOOL_KEPT)
        return true;
    p->verdict = seen_verdict(&seen, r);
    tally_push(w, p);
    if (p->verdict == SPOOL_KEPT)
        return add_all(w, p, f);
    r->seq = seen.seq;
    return p->verdict != SPOOL_KNOWN || (cursor_write(w, r, f) && place_write(w, r, f));
}
