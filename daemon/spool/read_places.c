/* spool/read_places.c - what is known of a source: its places, which ids were taken in, what its
 * days brought, what the replay window still holds of it. */
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "spool/spool_priv.h"

enum { KEPT_SCAN = 4000 /* records looked at in one question */ };

bool read_places(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_PLACES, f);
    if (!s)
        return false;
    q->places = arena_new(&q->arena, (q->max + 1) * sizeof *q->places);
    db_bind_text(s, 1, q->text);
    db_bind_text(s, 2, q->from_text);
    sqlite3_bind_int64(s, 3, (int64_t)q->max);
    enum db_step step = DB_END;
    while (q->n < q->max && (step = db_step(&r->db, s, f)) == DB_ROW)
        q->places[q->n++] = (struct tl_place){.place = arena_str(&q->arena, db_column(s, 0)),
                                              .id = arena_str(&q->arena, db_column(s, 1))};
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}

/* Effects under the id say nothing of the touchpoint; a receipt without a record (class 0) is one
 * of what another daemon took in. */
static bool is_receipt_of(struct reader *r, int64_t row, struct str id, bool *out,
                          struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_RECEIPT_GET, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, row);
    enum db_step step = db_step(&r->db, s, f);
    if (step == DB_ROW) {
        *out = *out || (str_eq(db_column(s, 0), id) && sqlite3_column_int(s, 1) <= 1);
        db_done(s);
    }
    return step != DB_FAILED;
}

bool read_known(struct reader *r, struct question *q, struct fault *f) {
    static const struct seen nothing_in_memory;
    q->known = arena_new(&q->arena, (q->wanted_n + 1) * sizeof *q->known);
    for (size_t i = 0; i < q->wanted_n; i++) {
        const struct wanted *id = &q->wanted[i];
        int64_t *rows = NULL;
        size_t n = 0;
        q->known[i] = false;
        if (!seen_find(&nothing_in_memory, &r->db, db_key(id->id), &q->arena, &rows, &n, f))
            return false;
        for (size_t k = 0; k < n + id->late_n && !q->known[i]; k++)
            if (!is_receipt_of(r, k < n ? rows[k] : id->late[k - n], id->id, &q->known[i], f))
                return false;
    }
    return true;
}

bool read_tallies(struct reader *r, struct question *q, struct fault *f) {
    static const char *const names[] = {"received", "kept", "duplicate", "quarantined"};
    sqlite3_stmt *s = db_statement(&r->db, SQL_TALLIES, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, q->from_ms / 86400000);
    struct jwrite j;
    jwrite_init(&j, &q->json);
    jwrite_open(&j, NULL, '{');
    jwrite_open(&j, "items", '[');
    enum db_step step;
    while ((step = db_step(&r->db, s, f)) == DB_ROW) {
        jwrite_open(&j, NULL, '{');
        jwrite_str(&j, "source", db_column(s, 0));
        for (int i = 0; i < (int)COUNT(names); i++)
            jwrite_int(&j, names[i], sqlite3_column_int64(s, 1 + i));
        jwrite_close(&j, '}');
    }
    jwrite_close(&j, ']');
    jwrite_close(&j, '}');
    q->found = true;
    return step == DB_END && (j.ok || fault_set(f, FAULT_SYSTEM, "tallies", "too long"));
}

static void write_kept(struct jwrite *j, sqlite3_stmt *s) {
    struct str reason = db_column(s, 6);
    jwrite_open(j, NULL, '{');
    jwrite_str(j, "id", db_column(s, 1));
    jwrite_bool(j, "raw", sqlite3_column_int(s, 3) == RECORD_RAW);
    jwrite_bool(j, "update", sqlite3_column_int(s, 7));
    jwrite_c(j, "state",
             sqlite3_column_int(s, 5) ? "pending"
             : reason.p               ? "quarantined"
                                      : "applied");
    jwrite_str(j, "reason", reason);
    jwrite_close(j, '}');
}

bool read_kept(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_KEPT_OF, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)q->after);
    sqlite3_bind_int64(s, 2, KEPT_SCAN);
    struct jwrite j;
    jwrite_init(&j, &q->json);
    jwrite_open(&j, NULL, '{');
    jwrite_open(&j, "items", '[');
    int64_t last = 0;
    size_t n = 0;
    enum db_step step;
    while ((step = db_step(&r->db, s, f)) == DB_ROW) {
        int kind = sqlite3_column_int(s, 3);
        n++;
        last = sqlite3_column_int64(s, 0);
        if ((kind == RECORD_TOUCHPOINT || kind == RECORD_RAW) &&
            sqlite3_column_int64(s, 4) >= q->from_ms && str_eq(db_column(s, 2), q->text))
            write_kept(&j, s);
    }
    jwrite_close(&j, ']');
    jwrite_int(&j, "next", n == KEPT_SCAN ? last : 0);
    jwrite_close(&j, '}');
    q->found = true;
    return step == DB_END && (j.ok || fault_set(f, FAULT_SYSTEM, "kept", "too long"));
}
