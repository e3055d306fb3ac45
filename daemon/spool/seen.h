/* spool/seen.h - from an id's key to its receipts, without a random page written for each record.
 *
 *   adding ──commit──► fresh (hash) ──full──► sorted ──a slice a group──► table seen(key, n)
 *
 * Ids are hashes: an index kept with every row would write a page of its own for each record. So
 * new rows stand in memory first (they are read again at open: rows beyond meta's "indexed") and
 * enter the index sorted, many to a page. Writer thread; the reader is given the rows in memory
 * with the question.
 */
#ifndef SPOOL_SEEN_H
#define SPOOL_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/fault.h>

struct db;

struct seen_entry {
    int64_t key, n; /* n 0: slot is free */
};
struct seen {
    struct seen_entry *fresh; /* open addressing, several of one key */
    size_t fresh_n, fresh_room;
    struct seen_entry *sorted; /* by key; up to sorted_at they are in the table */
    size_t sorted_n, sorted_at;
    /* the open transaction */
    struct seen_entry *adding;
    size_t adding_n, adding_room, folded_to;
};

/* Everything anew from the file. */
bool seen_load(struct seen *s, struct db *d, struct fault *f) must_check;
void seen_clear(struct seen *s);
/* A row of the open transaction. */
void seen_add(struct seen *s, int64_t key, int64_t n);
/* All rows that may bear the key, in no order, some perhaps twice; those in memory only without a
 * db. */
bool seen_find(const struct seen *s, struct db *d, int64_t key, struct arena *a, int64_t **out,
               size_t *out_n, struct fault *f) must_check;
/* Moves a slice into the table, as part of the open transaction. */
bool seen_fold(struct seen *s, struct db *d, struct fault *f) must_check;
/* The transaction was committed, or not; also before the next one begins. */
void seen_settle(struct seen *s, bool committed);

#endif
