/* blob/blob.h - raw bytes and attachments after the spool: a directory, later S3.
 *
 * A blob belongs to a touchpoint and is found by touchpoint id and part: "raw", or the SHA-256 of
 * an attachment. Files: DIR/ab/cd/<id>.<part>.zst, written under a temporary name, fsynced,
 * renamed, the folder fsynced by batch. Work is done on a thread of its own; answers come on the
 * loop.
 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct loop;
struct blob_store;

struct blob_config {      /* section `blobs` */
    struct str directory; /* relative to state */
    struct tl_pairs keep; /* channel -> duration or "no" */
};
extern const struct tl_key blob_keys[];
/* The section's check: each of `keep` is a duration or "no". */
struct config_check;
void blob_check(const void *section, struct config_check *c);

bool blob_open(struct loop *loop, struct str directory, struct blob_store **out, struct fault *f)
    must_check;
void blob_close(struct blob_store *b); /* finishes what is queued; blocks: shutdown only */

/* Ids and parts are [a-z0-9_]{1,64}; others, and jobs beyond the queue's bound, are answered with
 * false or absent like any failure. Every callback comes once, on the loop, never from inside the
 * call. */

/* ok: durable. Same id and part again: harmless; a part that is no hash is replaced. */
typedef void blob_put_fn(void *arg, bool ok);
void blob_put(struct blob_store *b, struct str id, struct str part, struct str bytes,
              blob_put_fn *done, void *arg);
/* As blob_put, removed some hours after until_ms (wall clock); 0: kept for ever. */
void blob_put_until(struct blob_store *b, struct str id, struct str part, struct str bytes,
                    int64_t until_ms, blob_put_fn *done, void *arg);
/* bytes absent: not here. Views are valid inside the call. */
typedef void blob_get_fn(void *arg, struct str bytes);
void blob_get(struct blob_store *b, struct str id, struct str part, size_t max_bytes,
              blob_get_fn *done, void *arg);
/* All parts of a touchpoint. */
void blob_erase(struct blob_store *b, struct str id, blob_put_fn *done, void *arg);
/* Path of a file that holds the decompressed bytes for a child (attachments of replies); it must
 * not exist yet, and the caller unlinks it. At most 256 MiB. */
void blob_export(struct blob_store *b, struct str id, struct str part, struct str path,
                 blob_put_fn *done, void *arg);

#endif
