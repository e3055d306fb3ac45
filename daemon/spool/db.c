/* spool/db.c - one connection to spool.db: opening, statements, faults. */
#include "spool/db.h"

#include <stddef.h>
#include <string.h>

#include "spool/schema.h"

static const char *const texts[SQL_COUNT] = {
#define SQL(id, text) text,
#include "spool/sql.def"
#undef SQL
};

enum { BUSY_MS = 1000 };

static bool db_fault(struct db *d, int code, struct fault *f) {
    d->code = code;
    fault_set(f, FAULT_SYSTEM, "spool.db", "%s (%d)",
              d->handle ? sqlite3_errmsg(d->handle) : sqlite3_errstr(code), code);
    if (f && d->handle)
        f->error = sqlite3_system_errno(d->handle);
    return false;
}

bool db_is_corrupt(const struct db *d) {
    int code = d->code & 0xff;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* SQLite's own locks are off: a connection stays on its thread. Only the first call counts. */
static void configure_once(void) {
    static bool configured;
    if (configured)
        return;
    configured = true;
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static bool open_with(struct db *d, const char *path, int flags, struct fault *f) {
    *d = (struct db){0};
    configure_once();
    int code = sqlite3_open_v2(
        path, &d->handle,
        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        return db_fault(d, code, f);
    sqlite3_busy_timeout(d->handle, BUSY_MS);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return true;
}

/* The mode is read back: without WAL nothing of what this room promises holds. */
static bool wal_on(struct db *d, struct fault *f) {
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(d->handle, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        code = str_is(db_column(s, 0), "wal") ? SQLITE_OK : SQLITE_CANTOPEN;
    sqlite3_finalize(s);
    return code == SQLITE_OK || db_fault(d, code, f);
}

bool db_open_writer(struct db *d, const char *path, struct fault *f) {
    /* auto_vacuum counts only before the first page is written, so it stands in front. */
    return open_with(d, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, f) &&
           db_exec(d, "PRAGMA auto_vacuum = INCREMENTAL", f) && wal_on(d, f) &&
           db_exec(d,
                   "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192;"
                   "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON",
                   f) &&
           schema_make(d, f);
}

bool db_open_reader(struct db *d, const char *path, struct fault *f) {
    if (!open_with(d, path, SQLITE_OPEN_READONLY, f))
        return false;
    /* Only the writing connection checkpoints, also at the end. */
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db_exec(d, "PRAGMA query_only = ON; PRAGMA cache_size = -2048", f);
}

void db_close(struct db *d) {
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close_v2(d->handle);
    int code = d->code;
    *d = (struct db){.code = code};
}

bool db_exec(struct db *d, const char *text, struct fault *f) {
    int code = sqlite3_exec(d->handle, text, NULL, NULL, NULL);
    return code == SQLITE_OK || db_fault(d, code, f);
}

sqlite3_stmt *db_statement(struct db *d, enum sql id, struct fault *f) {
    if (!d->handle) {
        fault_set(f, FAULT_SYSTEM, "spool.db", "not open");
        return NULL;
    }
    if (d->statements[id])
        return d->statements[id];
    int code = sqlite3_prepare_v3(d->handle, texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                  &d->statements[id], NULL);
    if (code != SQLITE_OK)
        db_fault(d, code, f);
    return d->statements[id];
}

void db_done(sqlite3_stmt *s) {
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

enum db_step db_step(struct db *d, sqlite3_stmt *s, struct fault *f) {
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW)
        return DB_ROW;
    if (code != SQLITE_DONE)
        db_fault(d, code, f);
    db_done(s);
    return code == SQLITE_DONE ? DB_END : DB_FAILED;
}

bool db_run(struct db *d, sqlite3_stmt *s, struct fault *f) {
    enum db_step step = db_step(d, s, f);
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}

bool db_simple(struct db *d, enum sql id, struct fault *f) {
    sqlite3_stmt *s = db_statement(d, id, f);
    return s && db_run(d, s, f);
}

bool db_number(struct db *d, enum sql id, int64_t def, int64_t *out, struct fault *f) {
    sqlite3_stmt *s = db_statement(d, id, f);
    if (!s)
        return false;
    enum db_step step = db_step(d, s, f);
    if (step == DB_FAILED)
        return false;
    *out = step == DB_ROW ? sqlite3_column_int64(s, 0) : def;
    db_done(s);
    return true;
}

void db_rollback(struct db *d) {
    /* A failure may have ended the transaction already; another one here changes nothing. */
    int code = d->code;
    if (d->handle && !sqlite3_get_autocommit(d->handle) && !db_simple(d, SQL_ROLLBACK, NULL))
        d->code = code;
    d->code = code;
}

void db_bind_text(sqlite3_stmt *s, int at, struct str v) {
    sqlite3_bind_text64(s, at, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *s, int at, struct str v) {
    sqlite3_bind_blob64(s, at, v.p, v.n, SQLITE_STATIC);
}

struct str db_column(sqlite3_stmt *s, int at) {
    if (sqlite3_column_type(s, at) == SQLITE_NULL)
        return STR_NONE;
    const char *p = sqlite3_column_blob(s, at);
    return str_make(p ? p : "", (size_t)sqlite3_column_bytes(s, at));
}

bool db_meta_get(struct db *d, const char *name, int64_t def, int64_t *out, struct fault *f) {
    sqlite3_stmt *s = db_statement(d, SQL_META_GET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, str_c(name));
    return db_number(d, SQL_META_GET, def, out, f);
}

bool db_meta_set(struct db *d, const char *name, int64_t value, struct fault *f) {
    sqlite3_stmt *s = db_statement(d, SQL_META_SET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, str_c(name));
    sqlite3_bind_int64(s, 2, value);
    return db_run(d, s, f);
}

int64_t db_key(struct str s) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return (int64_t)h;
}
