/* spool/notes_write.c - one batch of notes into the open transaction. Every note may come twice. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool pending_del(struct writer *w, uint64_t from, uint64_t to, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_PENDING_DEL, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)from);
    sqlite3_bind_int64(s, 2, (int64_t)to);
    if (!db_run(&w->db, s, f))
        return false;
    w->delta.pending -= sqlite3_changes(w->db.handle);
    return true;
}

/* In runs without gaps: mostly one delete for a whole batch. */
static bool applied_write(struct writer *w, const struct notes *b, struct fault *f) {
    if (b->applied_n)
        qsort(b->applied, b->applied_n, sizeof *b->applied, by_number);
    for (size_t i = 0; i < b->applied_n;) {
        size_t end = i + 1;
        while (end < b->applied_n && b->applied[end] <= b->applied[end - 1] + 1)
            end++;
        if (!pending_del(w, b->applied[i], b->applied[end - 1], f))
            return false;
        i = end;
    }
    return true;
}

/* A receipt without a record here: steps of what another daemon took in. */
static bool stray_add(struct writer *w, struct str id, struct str lines, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECEIPT_ADD, f);
    if (!s)
        return false;
    db_bind_text(s, 1, id);
    sqlite3_bind_int(s, 2, 0);
    sqlite3_bind_int(s, 3, 0);
    sqlite3_bind_int64(s, 5, 0);
    sqlite3_bind_int64(s, 6, clock_wall_ms());
    db_bind_text(s, 7, lines);
    if (!db_run(&w->db, s, f))
        return false;
    seen_add(&w->seen, db_key(id), sqlite3_last_insert_rowid(w->db.handle));
    return true;
}

/* The newest receipt of the id; 0: none. */
static bool receipt_of(struct writer *w, struct str id, int64_t *out_n, int64_t *out_length,
                       struct fault *f) {
    struct arena a;
    arena_init(&a);
    int64_t *rows = NULL;
    size_t n = 0;
    bool ok = seen_find(&w->seen, &w->db, db_key(id), &a, &rows, &n, f);
    *out_n = 0;
    for (size_t i = 0; ok && i < n; i++) {
        sqlite3_stmt *s = rows[i] > *out_n ? db_statement(&w->db, SQL_STEPS_GET, f) : NULL;
        if (!s) {
            ok = rows[i] <= *out_n;
            continue;
        }
        sqlite3_bind_int64(s, 1, rows[i]);
        enum db_step step = db_step(&w->db, s, f);
        if (step == DB_ROW && str_eq(db_column(s, 0), id)) {
            *out_n = rows[i];
            *out_length = sqlite3_column_int64(s, 1);
        }
        if (step == DB_ROW)
            db_done(s);
        ok = step != DB_FAILED;
    }
    arena_clear(&a);
    return ok;
}

bool steps_write(struct writer *w, struct str id, struct str lines, struct fault *f) {
    int64_t n = 0, length = 0;
    if (!receipt_of(w, id, &n, &length, f))
        return false;
    if (!n)
        return stray_add(w, id, lines, f);
    if (length + (int64_t)lines.n > STEPS_BYTES)
        return true; /* a task offered around for days: its beginning is kept */
    sqlite3_stmt *s = db_statement(&w->db, SQL_STEPS_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, n);
    db_bind_text(s, 2, lines);
    return db_run(&w->db, s, f);
}

static bool write_steps(struct writer *w, const struct note *n, struct fault *f) {
    cleanup(buf_clear) struct buf lines;
    buf_init(&lines, STEPS_BYTES);
    for (const struct step *at = n->steps; at; at = at->next)
        if (!buf_add(&lines, at->line))
            break;
    return steps_write(w, n->id, buf_str(&lines), f);
}

static bool write_quarantine(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_QUARANTINE_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)n->seq);
    db_bind_text(s, 2, n->id);
    db_bind_blob(s, 3, n->a);
    db_bind_text(s, 4, n->b);
    sqlite3_bind_int64(s, 5, n->at_ms);
    if (!db_run(&w->db, s, f))
        return false;
    int added = sqlite3_changes(w->db.handle);
    w->delta.quarantined += added;
    return (!added || tally_quarantined(w, n->seq, f)) &&
           (n->a.p || pending_del(w, n->seq, n->seq, f));
}

static bool write_moved(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_HELD_DEL, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)n->seq);
    return db_run(&w->db, s, f);
}

static bool write_event(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_EVENT_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)n->seq);
    db_bind_text(s, 2, n->a);
    return db_run(&w->db, s, f);
}

static bool write_alias(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_ALIAS_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(n->a));
    db_bind_text(s, 2, n->a);
    db_bind_text(s, 3, n->id);
    sqlite3_bind_int64(s, 4, n->at_ms);
    return db_run(&w->db, s, f);
}

/* How many of this id wait in the outbox: 1 or 0. */
static bool outbox_waits(struct writer *w, struct str id, int64_t *out, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_OUTBOX_STATE, f);
    if (!s)
        return false;
    db_bind_text(s, 1, id);
    int64_t state = 0;
    if (!db_number(&w->db, SQL_OUTBOX_STATE, -1, &state, f))
        return false;
    *out = state == OUTBOX_QUEUED;
    return true;
}

static bool write_outbox(struct writer *w, const struct note *n, struct fault *f) {
    int64_t before = 0, after = 0;
    if (!outbox_waits(w, n->id, &before, f))
        return false;
    sqlite3_stmt *s = db_statement(&w->db, SQL_OUTBOX_SET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, n->id);
    sqlite3_bind_int(s, 2, (int)n->state);
    sqlite3_bind_int64(s, 3, n->attempts);
    sqlite3_bind_int64(s, 4, n->at_ms);
    db_bind_text(s, 5, n->a);
    db_bind_text(s, 6, n->b);
    if (!db_run(&w->db, s, f) || !outbox_waits(w, n->id, &after, f))
        return false;
    w->delta.outbox += after - before;
    return true;
}

/* The first answer stands. */
static bool write_idem(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_IDEM_FIND, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(n->id));
    db_bind_text(s, 2, n->id);
    enum db_step step = db_step(&w->db, s, f);
    if (step == DB_ROW)
        db_done(s);
    if (step != DB_END)
        return step == DB_ROW;
    s = db_statement(&w->db, SQL_IDEM_ADD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(n->id));
    db_bind_text(s, 2, n->id);
    db_bind_text(s, 3, n->a);
    db_bind_text(s, 4, n->b);
    sqlite3_bind_int64(s, 5, n->at_ms);
    return db_run(&w->db, s, f);
}

static bool write_cursor(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_CURSOR_SET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, n->id);
    db_bind_text(s, 2, n->a.p ? n->a : str_c(""));
    return db_run(&w->db, s, f);
}

bool notes_write(struct writer *w, const struct notes *b, struct fault *f) {
    must_run_on(THREAD_SPOOL);
    static bool (*const writers[])(struct writer *, const struct note *, struct fault *) = {
        [NOTE_STEPS] = write_steps, [NOTE_QUARANTINE] = write_quarantine,
        [NOTE_MOVED] = write_moved, [NOTE_EVENT] = write_event,
        [NOTE_ALIAS] = write_alias, [NOTE_OUTBOX] = write_outbox,
        [NOTE_IDEM] = write_idem,   [NOTE_CURSOR] = write_cursor,
        [NOTE_MEDIA] = media_write, [NOTE_MEDIA_STATE] = media_state_write,
    };
    if (!applied_write(w, b, f))
        return false;
    list_each (at, &b->list) {
        const struct note *n = container_of(at, struct note, link);
        if (!writers[n->kind](w, n, f))
            return false;
    }
    if (!b->confirmed)
        return true;
    w->confirmed_seq = b->confirmed_seq;
    return db_meta_set(&w->db, "confirmed_seq", (int64_t)b->confirmed_seq, f) &&
           db_meta_set(&w->db, "confirmed_epoch", b->confirmed_epoch, f);
}
