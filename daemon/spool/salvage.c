/* spool/salvage.c - carries over what can still be read of a database that was set aside.
 *
 * What was acknowledged and not applied yet must not be lost with it: pending and quarantined
 * records go first in importance, then cursors, ledger, outbox, keys and the last number. Where the
 * list of pending ones cannot be read, every record counts as pending: applying twice does no harm.
 * The file set aside is not changed. What is lost for certain is the receipts of what was applied.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "spool/spool_priv.h"

#define RECORD_COLUMNS                                                                             \
    "seq, kind, flags, received, revision, big, id, source, source_id, content, reason, head, "    \
    "body"
enum { COLUMN_BIG = 5 };

/* Read through a connection of its own: one that met a broken page writes no more in that
 * transaction. */
struct salvage {
    struct writer *w;
    sqlite3 *old;
    int bodies; /* folder of those set aside, or -1 */
    size_t records, failures;
};

static sqlite3_stmt *prepare(sqlite3 *h, const char *text, int64_t seq) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(h, text, -1, &s, NULL) != SQLITE_OK)
        return NULL;
    if (sqlite3_bind_parameter_count(s) > 0)
        sqlite3_bind_int64(s, 1, seq);
    return s;
}

/* The row at which `from` stands, as the values of `into`. */
static bool insert_row(sqlite3_stmt *into, sqlite3_stmt *from) {
    for (int i = 0; i < sqlite3_column_count(from); i++)
        sqlite3_bind_value(into, i + 1, sqlite3_column_value(from, i));
    bool ok = sqlite3_step(into) == SQLITE_DONE;
    db_done(into);
    return ok;
}

/* Rows as far as they can be read; broken ones after the first are not found. */
static bool copy_rows(struct salvage *v, const char *select, const char *insert, int64_t seq) {
    sqlite3_stmt *from = prepare(v->old, select, seq);
    sqlite3_stmt *into = prepare(v->w->db.handle, insert, 0);
    int code = from && into ? SQLITE_ROW : SQLITE_ERROR;
    while (code == SQLITE_ROW) {
        code = sqlite3_step(from);
        if (code == SQLITE_ROW && !insert_row(into, from))
            code = SQLITE_ERROR;
    }
    sqlite3_finalize(from);
    sqlite3_finalize(into);
    return code == SQLITE_DONE;
}

/* The file stays where it was set aside, too. */
static bool body_link(struct salvage *v, int64_t seq) {
    char name[20];
    snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)seq);
    return v->bodies >= 0 &&
           (linkat(v->bodies, name, v->w->spool->folder.bodies_fd, name, 0) == 0 ||
            errno == EEXIST);
}

static bool run_for(struct salvage *v, const char *text, int64_t seq) {
    sqlite3_stmt *s = prepare(v->w->db.handle, text, seq);
    bool ok = s && sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    return ok;
}

/* With its receipt, by which the same event is known again. */
static bool copy_record(struct salvage *v, int64_t seq) {
    static const char add[] = "INSERT OR IGNORE INTO records(" RECORD_COLUMNS
                              ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    sqlite3_stmt *from =
        prepare(v->old, "SELECT " RECORD_COLUMNS " FROM records WHERE seq = ?1", seq);
    sqlite3_stmt *into = prepare(v->w->db.handle, add, 0);
    bool ok = from && into && sqlite3_step(from) == SQLITE_ROW &&
              (!sqlite3_column_int64(from, COLUMN_BIG) || body_link(v, seq)) &&
              insert_row(into, from);
    bool added = ok && sqlite3_changes(v->w->db.handle);
    sqlite3_finalize(from);
    sqlite3_finalize(into);
    if (!added)
        return ok;
    v->records++;
    return run_for(v,
                   "INSERT INTO receipts(id, class, revision, content, seq, at) SELECT id,"
                   " CASE WHEN kind <= 3 THEN 1 ELSE kind END, revision, content, seq, received"
                   " FROM records WHERE seq = ?1",
                   seq);
}

/* Each sequence that the query gives, as far as it can be read. false: not to its end. */
static bool each(struct salvage *v, const char *query, bool (*take)(struct salvage *, int64_t)) {
    sqlite3_stmt *s = prepare(v->old, query, 0);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    while (code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code == SQLITE_ROW && !take(v, sqlite3_column_int64(s, 0)))
            v->failures++;
    }
    sqlite3_finalize(s);
    return code == SQLITE_DONE;
}

static bool take_quarantined(struct salvage *v, int64_t seq) {
    return copy_record(v, seq) &&
           copy_rows(
               v, "SELECT seq, id, piece, reason, at FROM quarantine WHERE seq = ?1",
               "INSERT INTO quarantine(seq, id, piece, reason, at) VALUES(?1, ?2, ?3, ?4, ?5)",
               seq);
}

static bool take_pending(struct salvage *v, int64_t seq) {
    return copy_record(v, seq) &&
           run_for(v,
                   "INSERT OR IGNORE INTO pending SELECT seq FROM records WHERE seq = ?1 AND NOT"
                   " EXISTS (SELECT 1 FROM quarantine WHERE seq = ?1 AND piece IS NULL)",
                   seq);
}

static void copy_all(struct salvage *v) {
    static const struct {
        const char *select, *insert;
    } tables[] = {
        {"SELECT name, value FROM meta WHERE name IN ('last_seq', 'confirmed_seq',"
         " 'confirmed_epoch', 'retention_ms')",
         "INSERT OR IGNORE INTO meta VALUES(?1, ?2)"},
        {"SELECT name, value FROM cursors", "INSERT OR IGNORE INTO cursors VALUES(?1, ?2)"},
        {"SELECT identity, count, last FROM ledger",
         "INSERT OR IGNORE INTO ledger VALUES(?1, ?2, ?3)"},
        {"SELECT id, source, state, attempts, next, queued, provider, diagnostic, head, reply_to"
         " FROM outbox",
         "INSERT OR IGNORE INTO outbox VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
        {"SELECT source, place, id, at FROM places",
         "INSERT OR IGNORE INTO places VALUES(?1, ?2, ?3, ?4)"},
        {"SELECT source, day, received, kept, duplicate, quarantined FROM tallies",
         "INSERT OR IGNORE INTO tallies VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
        {"SELECT key, id, source, channel, word, revision, received, state, attempts, next, since,"
         " result FROM media",
         "INSERT OR IGNORE INTO media VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
        {"SELECT n, key, name, hash, answer, at FROM idem",
         "INSERT OR IGNORE INTO idem VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
    };
    for (size_t i = 0; i < COUNT(tables); i++)
        v->failures += !copy_rows(v, tables[i].select, tables[i].insert, 0);
    v->failures += !each(v, "SELECT DISTINCT seq FROM quarantine", take_quarantined);
    if (each(v, "SELECT seq FROM pending", take_pending))
        return;
    v->failures++;
    if (!each(v, "SELECT seq FROM records ORDER BY seq", take_pending))
        (void)each(v, "SELECT seq FROM records ORDER BY seq DESC", take_pending);
}

/* For writing, since a log beside it may have to be recovered; but nothing is copied into the file.
 */
static bool open_old(struct salvage *v, const char *path) {
    int code = sqlite3_open_v2(
        path, &v->old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
    if (code == SQLITE_OK)
        sqlite3_db_config(v->old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return code == SQLITE_OK;
}

bool salvage(struct writer *w, const char *stamp, struct fault *f) {
    struct salvage v = {.w = w, .bodies = -1};
    char path[PATH_MAX], bodies[64];
    snprintf(path, sizeof path, "%s/spool.db.corrupt-%s", w->spool->folder.path, stamp);
    snprintf(bodies, sizeof bodies, "bodies.corrupt-%s", stamp);
    v.bodies = openat(w->spool->folder.fd, bodies, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = true;
    if (open_old(&v, path)) {
        ok = db_exec(&w->db, "BEGIN IMMEDIATE", f);
        if (ok) {
            copy_all(&v);
            ok = folder_bodies_sync(&w->spool->folder, f) && db_exec(&w->db, "COMMIT", f);
        }
        if (!ok)
            db_rollback(&w->db);
    }
    sqlite3_close(v.old);
    if (v.bodies >= 0)
        close(v.bodies);
    log_error("spool.salvage", "records=%zu failures=%zu", v.records, v.failures);
    return ok;
}
