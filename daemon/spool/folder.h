/* spool/folder.h - the spool's folder: ours alone, locked, its big bodies, what was set aside.
 *
 *   DIR/lock  DIR/spool.db  DIR/bodies/<seq in hex>  DIR/spool.db.corrupt-TIME
 * DIR/bodies.corrupt-TIME
 *
 * The descriptors are made at open and stay valid until close, so any thread may use bodies_fd.
 */
#ifndef SPOOL_FOLDER_H
#define SPOOL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/fault.h>
#include <touchline/str.h>

struct folder {
    char *path, *db_path; /* without symbolic links */
    int fd, bodies_fd, lock_fd;
};

/* Makes what is missing, 0700, and fsyncs it. Faults: SYSTEM; STATE (place "lock"): another daemon.
 */
bool folder_open(struct folder *d, struct str dir, struct fault *f) must_check;
void folder_close(struct folder *d);
/* What was created reaches the disk. */
bool folder_sync(struct folder *d, struct fault *f) must_check;
enum { FOLDER_STAMP = 32 };
/* Renames the database and its bodies to spool.db.corrupt-STAMP and bodies.corrupt-STAMP; a new,
 * empty folder of bodies takes the place. No connection may be open for writing. */
bool folder_set_aside(struct folder *d, char out_stamp[FOLDER_STAMP], struct fault *f) must_check;

/* ---- big bodies ---- */
/* Durable but for the folder's own entry: folder_bodies_sync once a group. Written again: replaced.
 */
bool folder_body_write(struct folder *d, uint64_t seq, struct str body, struct fault *f) must_check;
bool folder_bodies_sync(struct folder *d, struct fault *f) must_check;
/* Into the arena; the size was noted in the row. */
bool folder_body_read(struct folder *d, uint64_t seq, size_t bytes, struct arena *a,
                      struct str *out, struct fault *f) must_check;
void folder_body_drop(struct folder *d, uint64_t seq);
/* Calls known for every body there; those it does not know are removed. Returns the bytes that
 * stay. */
int64_t folder_bodies_sweep(struct folder *d, bool (*known)(void *arg, uint64_t seq), void *arg);

#endif
