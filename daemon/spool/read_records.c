/* spool/read_records.c - records out of their rows, with their bodies. */
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

static sqlite3_stmt *statement_of(struct reader *r, const struct question *q, struct fault *f) {
    enum sql id = q->ask == ASK_PENDING  ? SQL_RECORDS_PENDING
                  : q->ask == ASK_WINDOW ? SQL_RECORDS_WINDOW
                                         : SQL_RECORD_BY_ID;
    sqlite3_stmt *s = db_statement(&r->db, id, f);
    if (!s)
        return NULL;
    if (q->ask == ASK_RECORD) {
        sqlite3_bind_int64(s, 1, db_key(q->text));
        db_bind_text(s, 2, q->text);
    } else {
        sqlite3_bind_int64(s, 1, (int64_t)q->after);
        sqlite3_bind_int64(s, 2, (int64_t)q->max);
    }
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
