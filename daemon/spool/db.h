/* spool/db.h - one connection to spool.db and its prepared statements.
 *
 * A connection belongs to one thread. Every failure is a fault (SYSTEM, place "spool.db") and
 * leaves SQLite's code in `code`, so that the writer can tell a corrupt file from a full disk.
 */
#ifndef SPOOL_DB_H
#define SPOOL_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/str.h>

enum sql {
#define SQL(id, text) SQL_##id,
#include "spool/sql.def"
#undef SQL
    SQL_COUNT
};

/* user_version: major * 1000 + minor. A newer minor only adds, so n reads n+1; a newer major is
 * refused. */
enum { SPOOL_SCHEMA_MAJOR = 1, SPOOL_SCHEMA = SPOOL_SCHEMA_MAJOR * 1000 + 2 };

struct db {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_COUNT];
    int code; /* SQLite's extended code of the last failure */
};

/* Opens for writing; makes the schema in a new file. Faults: SYSTEM; STATE, place "schema". */
bool db_open_writer(struct db *d, const char *path, struct fault *f) must_check;
/* Read-only; the file must exist. */
bool db_open_reader(struct db *d, const char *path, struct fault *f) must_check;
/* Also of one half opened or closed already. */
void db_close(struct db *d);
/* Whether the last failure says that the file's content is broken. */
bool db_is_corrupt(const struct db *d);

bool db_exec(struct db *d, const char *text, struct fault *f) must_check;
/* Ready to be bound; NULL: fault. */
sqlite3_stmt *db_statement(struct db *d, enum sql id, struct fault *f);
/* Steps a statement that gives no rows, and frees its bindings. */
bool db_run(struct db *d, sqlite3_stmt *s, struct fault *f) must_check;
enum db_step { DB_ROW, DB_END, DB_FAILED };
/* The statement is reset after END and FAILED; leave earlier by db_done. */
enum db_step db_step(struct db *d, sqlite3_stmt *s, struct fault *f) must_check;
void db_done(sqlite3_stmt *s);
/* BEGIN, COMMIT and the like. */
bool db_simple(struct db *d, enum sql id, struct fault *f) must_check;
/* First column of the first row; def where there is none. */
bool db_number(struct db *d, enum sql id, int64_t def, int64_t *out, struct fault *f) must_check;
/* Ends whatever transaction is open. */
void db_rollback(struct db *d);

/* Borrowed until the statement has run; absent becomes NULL. */
void db_bind_text(sqlite3_stmt *s, int at, struct str v);
void db_bind_blob(sqlite3_stmt *s, int at, struct str v);
/* Valid until the next step; NULL is absent. */
struct str db_column(sqlite3_stmt *s, int at);

bool db_meta_get(struct db *d, const char *name, int64_t def, int64_t *out, struct fault *f)
    must_check;
bool db_meta_set(struct db *d, const char *name, int64_t value, struct fault *f) must_check;

/* The number by which a text is found: FNV-1a, the same in every run. */
int64_t db_key(struct str s);

#endif
