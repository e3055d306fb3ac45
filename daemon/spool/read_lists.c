/* spool/read_lists.c - quarantine, aliases, outbox, events, idempotency keys: rows into answers. */
#include <stdlib.h>
#include <string.h>

#include <touchline/touchpoint.h>

#include "spool/spool_priv.h"

static void write_entry(struct jwrite *j, sqlite3_stmt *s) {
    jwrite_open(j, NULL, '{');
    jwrite_str(j, "id", db_column(s, 1));
    jwrite_str(j, "source", db_column(s, 2));
    jwrite_time(j, "received_at", sqlite3_column_int64(s, 3));
    jwrite_str(j, "reason", db_column(s, 4));
    jwrite_int(j, "size", sqlite3_column_int64(s, 5));
    jwrite_close(j, '}');
}

bool read_quarantine(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_QUARANTINE_LIST, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, q->after ? (int64_t)q->after : INT64_MAX);
    sqlite3_bind_int64(s, 2, (int64_t)q->max + 1);
    struct jwrite j;
    jwrite_init(&j, &q->json);
    jwrite_open(&j, NULL, '{');
    jwrite_open(&j, "items", '[');
    size_t n = 0;
    int64_t last = 0;
    enum db_step step;
    while ((step = db_step(&r->db, s, f)) == DB_ROW && n++ < q->max) {
        last = sqlite3_column_int64(s, 0);
        write_entry(&j, s);
    }
    if (step == DB_FAILED)
        return false;
    jwrite_close(&j, ']');
    char next[24];
    snprintf(next, sizeof next, "%lld", (long long)last);
    jwrite_c(&j, "next", step == DB_ROW ? next : NULL);
    jwrite_close(&j, '}');
    if (step == DB_ROW)
        db_done(s);
    q->found = true;
    return j.ok || fault_set(f, FAULT_SYSTEM, "quarantine", "too long");
}

bool read_alias(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_ALIAS_FIND, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(q->text));
    db_bind_text(s, 2, q->text);
    struct jwrite j;
    jwrite_init(&j, &q->json);
    jwrite_open(&j, NULL, '{');
    jwrite_open(&j, "ids", '[');
    enum db_step step;
    while ((step = db_step(&r->db, s, f)) == DB_ROW) {
        q->found = true;
        jwrite_str(&j, NULL, db_column(s, 0));
    }
    jwrite_close(&j, ']');
    jwrite_close(&j, '}');
    return step == DB_END && (j.ok || fault_set(f, FAULT_SYSTEM, "alias", "too long"));
}

static void row_read(struct question *q, sqlite3_stmt *s) {
    if (q->n == q->room) {
        size_t room = q->room ? q->room * 2 : 16;
        struct outbox_row *grown = arena_new(&q->arena, room * sizeof *grown);
        if (q->n)
            memcpy(grown, q->rows, q->n * sizeof *grown);
        q->rows = grown;
        q->room = room;
    }
    q->rows[q->n++] = (struct outbox_row){
        .id = arena_str(&q->arena, db_column(s, 0)),
        .source = arena_str(&q->arena, db_column(s, 1)),
        .head = arena_str(&q->arena, db_column(s, 2)),
        .reply_to = arena_str(&q->arena, db_column(s, 3)),
        .attempts = (uint32_t)sqlite3_column_int64(s, 4),
        .next_ms = sqlite3_column_int64(s, 5),
        .queued_ms = sqlite3_column_int64(s, 6),
        .state = (enum outbox_state)sqlite3_column_int(s, 7),
        .provider_id = arena_str(&q->arena, db_column(s, 8)),
    };
}

bool read_outbox(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s =
        db_statement(&r->db, q->ask == ASK_SENT ? SQL_OUTBOX_SENT : SQL_OUTBOX_DUE, f);
    if (!s)
        return false;
    if (q->ask == ASK_SENT) {
        db_bind_text(s, 1, q->text);
    } else {
        sqlite3_bind_int64(s, 1, q->to_ms);
        sqlite3_bind_int64(s, 2, (int64_t)q->max);
    }
    enum db_step step = DB_END;
    while (q->arena.used_bytes < ANSWER_BYTES && (step = db_step(&r->db, s, f)) == DB_ROW)
        row_read(q, s);
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}

bool read_events(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_EVENTS, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)((uint64_t)q->from_ms << 20));
    sqlite3_bind_int64(s, 2, (int64_t)((uint64_t)q->to_ms << 20));
    q->found = true;
    bool room = true;
    enum db_step step = DB_END;
    while (room && (step = db_step(&r->db, s, f)) == DB_ROW) {
        struct str json = db_column(s, 0);
        room = json.n + 1 <= q->json.max - q->json.n && buf_add(&q->json, json) &&
               buf_add_byte(&q->json, '\n');
    }
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}

bool read_idem(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_IDEM_FIND, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, db_key(q->text));
    db_bind_text(s, 2, q->text);
    enum db_step step = db_step(&r->db, s, f);
    if (step != DB_ROW)
        return step == DB_END;
    q->found = true;
    struct jwrite j;
    jwrite_init(&j, &q->json);
    jwrite_open(&j, NULL, '{');
    jwrite_str(&j, "hash", db_column(s, 0));
    jwrite_str(&j, "answer", db_column(s, 1));
    jwrite_close(&j, '}');
    db_done(s);
    return j.ok || fault_set(f, FAULT_SYSTEM, "idem", "too long");
}
