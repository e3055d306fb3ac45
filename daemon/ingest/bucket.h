/* ingest/bucket.h - an id for what comes without one: the same body within ten minutes is the same.
 *
 * The id names the hash of what was sent and a bucket of 10 minutes of the arrival. A repetition
 * may fall into the next bucket, so the previous one is asked for first; the lookup is the spool's,
 * so the answer comes later.
 */
#ifndef INGEST_BUCKET_H
#define INGEST_BUCKET_H

#include <stdint.h>

#include <touchline/str.h>

struct id_maker;
struct spool;

enum { BUCKET_MS = 10 * 60 * 1000, BUCKET_ID_MAX = 96 };

/* id lives inside the call. Once, on the loop, never from inside. */
typedef void bucket_fn(void *arg, struct str source_id);
void bucket_id(struct spool *s, struct id_maker *ids, struct str source, struct str body,
               int64_t received_ms, bucket_fn *done, void *arg);

#endif
