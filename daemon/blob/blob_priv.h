/* blob/blob_priv.h - the jobs between the loop and the blob thread, and the directory that does
 * them. */
#ifndef BLOB_BLOB_PRIV_H
#define BLOB_BLOB_PRIV_H

#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>

#include "blob/blob.h"

enum {
    BLOB_NAME_MAX = 64,           /* of an id, of a part */
    BLOB_BATCH = 64,              /* jobs between two syncs of the folders */
    BLOB_QUEUE_MAX = 1024,        /* jobs under way; beyond: not done */
    BLOB_QUEUE_BYTES = 128 << 20, /* of the bytes to be written likewise; always one */
};

enum blob_job_kind { BLOB_PUT, BLOB_GET, BLOB_ERASE, BLOB_EXPORT, BLOB_STOP };

/* Made on the loop, done on the blob thread, answered and freed on the loop. */
struct blob_job {
    enum blob_job_kind kind;
    char id[BLOB_NAME_MAX + 1], part[BLOB_NAME_MAX + 1];
    char *path;       /* EXPORT */
    int64_t until_ms; /* PUT: kept so long; 0: for ever */
    struct buf bytes; /* PUT: to be written; GET: what was read */
    blob_put_fn *put;
    blob_get_fn *get;
    void *arg;
    /* the answer */
    bool ok;
    int folder; /* to be synced before the answer, or -1 */
};

/* The directory backend. Blob thread only, but for open and close. */
struct blob_dir {
    int fd;
    unsigned tmp_n; /* for names of its own */
};
bool blob_dir_open(struct blob_dir *d, struct str path, struct fault *f) must_check;
void blob_dir_close(struct blob_dir *d);
/* Does the job but for the sync of its folder; fills ok and folder. Faults: SYSTEM, for the log. */
void blob_dir_do(struct blob_dir *d, struct blob_job *j, struct fault *f);

/* blob/expire.c: marks a file with its end; removes what is over in one of the 256 folders, and
 * says how many. */
bool blob_expire_mark(int folder, const char *name, int64_t until_ms) must_check;
size_t blob_expire_sweep(struct blob_dir *dir, unsigned nth, int64_t now_ms);

/* zstd, level 3. */
bool blob_pack(struct str bytes, struct buf *out) must_check;
/* false: broken, or more than out may hold. */
bool blob_unpack(struct str packed, struct buf *out) must_check;

#endif
