/* ingest/bucket.c - see bucket.h. */
#include "ingest/bucket.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/own.h>

#include "spool/spool.h"
#include "touchpoint/id.h"

struct wait {
    bucket_fn *done;
    void *arg;
    char now[BUCKET_ID_MAX], before[BUCKET_ID_MAX];
};

static void name_bucket(char out[BUCKET_ID_MAX], const char *hash, int64_t bucket) {
    snprintf(out, BUCKET_ID_MAX, "body:%s:%lld", hash, (long long)bucket);
}

/* json: the receipt of the id in the previous bucket, absent where there is none. */
static void asked(void *arg, struct str json) {
    struct wait *w = arg;
    w->done(w->arg, str_c(json.p ? w->before : w->now));
    free(w);
}

void bucket_id(struct spool *s, struct id_maker *ids, struct str source, struct str body,
               int64_t received_ms, bucket_fn *done, void *arg) {
    struct wait *w = NEW(struct wait);
    w->done = done;
    w->arg = arg;
    uint8_t digest[SHA256_BYTES];
    char hash[SHA256_HEX + 1];
    sha256(body, digest);
    hex_encode(digest, sizeof digest, hash);
    int64_t bucket = received_ms / BUCKET_MS;
    name_bucket(w->now, hash, bucket);
    name_bucket(w->before, hash, bucket - 1);
    struct id_text id = id_write('p', id_touchpoint(ids, source, str_c(w->before)));
    spool_ask_receipt(s, str_c(id.c), asked, w);
}
