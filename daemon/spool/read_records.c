/* spool/read_records.c - records out of their rows, with their bodies. */
#include <stdlib.h>
#include <string.h>

#include "spool/spool_priv.h"

/* r takes the row at which s stands. */
static bool record_read(struct reader *r, sqlite3_stmt *s, struct record *out, struct fault *f) {
    out->seq = (uint64_t)sqlite3_column_int64(s, 0);
    out->kind = (enum record_kind)sqlite3_column_int(s, 1);
    out->flags = (uint32_t)sqlite3_column_int64(s, 2) & ~(uint32_t)RECORD_QUARANTINED;
    out->received_ms = sqlite3_column_int64(s, 3);
    out->revision = sqlite3_column_int64(s, 4);
    int64_t big = sqlite3_column_int64(s, 5);
    out->id = record_keep(out, db_column(s, 6));
    out->source = record_keep(out, db_column(s, 7));
    out->source_id = record_keep(out, db_column(s, 8));
    struct str content = db_column(s, 9);
    if (content.n == sizeof out->content)
        memcpy(out->content, content.p, content.n);
    out->reason = record_keep(out, db_column(s, 10));
    out->head = record_keep(out, db_column(s, 11));
    if (big <= 0) {
        out->body = record_keep(out, db_column(s, 12));
        return true;
    }
    return folder_body_read(&r->spool->folder, out->seq, (size_t)big, &out->arena, &out->body, f);
}

static void add(struct question *q, struct record *take_r) {
    if (q->n == q->room) {
        size_t room = q->room ? q->room * 2 : 16;
        struct record **grown = arena_new(&q->arena, room * sizeof *grown);
        if (q->n)
            memcpy(grown, q->records, q->n * sizeof *grown);
        q->records = grown;
        q->room = room;
    }
    q->records[q->n++] = take_r;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

bool read_rows_of(struct reader *r, struct question *q, int64_t **out, size_t *out_n,
                  struct fault *f) {
    static const struct seen nothing_in_memory;
    int64_t *indexed = NULL;
    size_t n = 0, kept = 0;
    if (!seen_find(&nothing_in_memory, &r->db, db_key(q->text), &q->arena, &indexed, &n, f))
        return false;
    int64_t *rows = arena_new(&q->arena, (n + q->late_n + 1) * sizeof *rows);
    if (n)
        memcpy(rows, indexed, n * sizeof *rows);
    if (q->late_n)
        memcpy(rows + n, q->late, q->late_n * sizeof *rows);
    n += q->late_n;
    qsort(rows, n, sizeof *rows, by_number);
    for (size_t i = 0; i < n; i++)
        if (!kept || rows[i] != rows[kept - 1])
            rows[kept++] = rows[i];
    *out = rows;
    *out_n = kept;
    return true;
}

/* The receipt that names the record to show: the touchpoint's newest revision before any effect's.
 */
static bool best_of(struct reader *r, struct question *q, uint64_t *out_seq, struct fault *f) {
    int64_t *rows = NULL, revision = 0;
    size_t n = 0;
    int class = 0;
    *out_seq = 0;
    if (!read_rows_of(r, q, &rows, &n, f))
        return false;
    for (size_t i = 0; i < n; i++) {
        sqlite3_stmt *s = db_statement(&r->db, SQL_RECEIPT_GET, f);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, rows[i]);
        enum db_step step = db_step(&r->db, s, f);
        if (step == DB_FAILED)
            return false;
        if (step == DB_END)
            continue;
        int c = sqlite3_column_int(s, 1);
        int64_t v = sqlite3_column_int64(s, 2), seq = sqlite3_column_int64(s, 4);
        bool better = !*out_seq || c < class || (c == class && v >= revision);
        if (seq && better && str_eq(db_column(s, 0), q->text)) {
            class = c;
            revision = v;
            *out_seq = (uint64_t)seq;
        }
        db_done(s);
    }
    return true;
}

static sqlite3_stmt *statement_of(struct reader *r, struct question *q, struct fault *f) {
    static const enum sql ids[] = {[ASK_PENDING] = SQL_RECORDS_PENDING,
                                   [ASK_WINDOW] = SQL_RECORDS_WINDOW,
                                   [ASK_RECORD] = SQL_RECORD_BY_SEQ};
    uint64_t from = q->after;
    if (q->ask == ASK_RECORD && !best_of(r, q, &from, f))
        return NULL;
    sqlite3_stmt *s = db_statement(&r->db, ids[q->ask], f);
    if (!s)
        return NULL;
    sqlite3_bind_int64(s, 1, (int64_t)from);
    if (q->ask != ASK_RECORD)
        sqlite3_bind_int64(s, 2, (int64_t)q->max);
    return s;
}

bool read_records(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = statement_of(r, q, f);
    if (!s)
        return false;
    size_t bytes = 0;
    bool ok = true;
    enum db_step step = DB_END;
    while (ok && (!q->n || bytes < ANSWER_BYTES) && (step = db_step(&r->db, s, f)) == DB_ROW) {
        struct record *record = record_new(0);
        ok = record_read(r, s, record, f);
        bytes += record->arena.used_bytes;
        add(q, record);
    }
    if (step == DB_ROW)
        db_done(s);
    return ok && step != DB_FAILED;
}
