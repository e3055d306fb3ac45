/* spool/schema.c - the tables of spool.db.
 *
 * Records are written once; whether one is pending, held for its body or quarantined stands in
 * small tables beside it, so that a mark rewrites a page of numbers and not one of bodies. Small
 * columns stand before large ones: reading them touches no overflow page. `key` is db_key() of the
 * text beside it, eight bytes in the index instead of thirty.
 */
#include "spool/schema.h"

#include <stdio.h>

#include <touchline/kit/own.h>

#include "spool/db.h"

static const char tables[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE records(seq INTEGER PRIMARY KEY, kind INTEGER, flags INTEGER, received INTEGER,"
    " revision INTEGER, big INTEGER, id TEXT, source TEXT, source_id TEXT, content BLOB,"
    " reason TEXT, head TEXT, body BLOB);"
    "CREATE TABLE pending(seq INTEGER PRIMARY KEY);"
    "CREATE TABLE held(seq INTEGER PRIMARY KEY);"
    "CREATE TABLE receipts(n INTEGER PRIMARY KEY, id TEXT, class INTEGER, revision INTEGER,"
    " content BLOB, seq INTEGER, at INTEGER, steps TEXT);"
    "CREATE TABLE seen(key INTEGER, n INTEGER, PRIMARY KEY(key, n)) WITHOUT ROWID;"
    "CREATE TABLE quarantine(n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER, id TEXT, piece BLOB,"
    " reason TEXT, at INTEGER);"
    "CREATE INDEX quarantine_seq ON quarantine(seq);"
    "CREATE INDEX quarantine_id ON quarantine(id);"
    "CREATE TABLE cursors(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE ledger(identity BLOB PRIMARY KEY, count INTEGER, last INTEGER) WITHOUT ROWID;"
    "CREATE TABLE outbox(id TEXT PRIMARY KEY, source TEXT, state INTEGER, attempts INTEGER,"
    " next INTEGER, queued INTEGER, provider TEXT, diagnostic TEXT, head TEXT, reply_to TEXT);"
    "CREATE INDEX outbox_due ON outbox(next) WHERE state = 0;"
    "CREATE INDEX outbox_done ON outbox(queued) WHERE state != 0;"
    "CREATE INDEX outbox_provider ON outbox(provider) WHERE provider IS NOT NULL;"
    "CREATE TABLE idem(n INTEGER PRIMARY KEY, key INTEGER, name TEXT, hash TEXT, answer TEXT,"
    " at INTEGER);"
    "CREATE INDEX idem_key ON idem(key);"
    "CREATE TABLE alias(n INTEGER PRIMARY KEY, key INTEGER, name TEXT, id TEXT, at INTEGER);"
    "CREATE INDEX alias_key ON alias(key);"
    "CREATE TABLE events(n INTEGER PRIMARY KEY, json TEXT);";

/* What each minor added. */
static const char *const minors[] = {
    /* 1.1: what is known of a source */
    "CREATE TABLE places(source TEXT, place TEXT, id TEXT, at INTEGER,"
    " PRIMARY KEY(source, place)) WITHOUT ROWID;"
    "CREATE INDEX places_at ON places(at);"
    "CREATE TABLE tallies(source TEXT, day INTEGER, received INTEGER, kept INTEGER,"
    " duplicate INTEGER, quarantined INTEGER, PRIMARY KEY(source, day)) WITHOUT ROWID;",
    /* 1.2: attachments that are fetched later */
    "CREATE TABLE media(key TEXT PRIMARY KEY, id TEXT, source TEXT, channel TEXT,"
    " word TEXT, revision INTEGER, received INTEGER, state INTEGER, attempts INTEGER,"
    " next INTEGER, since INTEGER, result TEXT);"
    "CREATE INDEX media_due ON media(next) WHERE state = 0;"
    "CREATE INDEX media_done ON media(since) WHERE state = 1;",
};

static bool version(struct db *d, int64_t *out, struct fault *f) {
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(d->handle, "PRAGMA user_version", -1, &s, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    if (code == SQLITE_ROW)
        return true;
    d->code = code;
    return fault_set(f, FAULT_SYSTEM, "spool.db", "%s", sqlite3_errmsg(d->handle));
}

static bool add_minors(struct db *d, size_t from, struct fault *f) {
    for (size_t i = from; i < COUNT(minors); i++)
        if (!db_exec(d, minors[i], f))
            return false;
    return true;
}

bool schema_make(struct db *d, struct fault *f) {
    int64_t found = 0;
    if (!version(d, &found, f))
        return false;
    if (found / 1000 > SPOOL_SCHEMA_MAJOR)
        return fault_set(f, FAULT_STATE, "schema",
                         "spool.db was written by a newer version (schema %lld, known %d)",
                         (long long)found, SPOOL_SCHEMA);
    if (found >= SPOOL_SCHEMA)
        return true;
    char set_version[40];
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", SPOOL_SCHEMA);
    if (db_exec(d, "BEGIN IMMEDIATE", f) && (found || db_exec(d, tables, f)) &&
        add_minors(d, found ? (size_t)found % 1000 : 0, f) && db_exec(d, set_version, f) &&
        db_exec(d, "COMMIT", f))
        return true;
    db_rollback(d);
    return false;
}
