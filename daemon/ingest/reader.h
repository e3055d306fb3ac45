/* ingest/reader.h - who turns kept bytes into touchpoints: declared here, handed in by main.c
 * (plugin/host.c). */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/str.h>

struct record;

struct read_item {
    enum { READ_TOUCHPOINT = 1, READ_BLOB, READ_BAD } type;
    struct str ref;   /* BLOB: its name in the next touchpoint; BAD: the reason */
    struct str bytes; /* touchpoint JSON, blob, bad piece */
};
/* ok false: nothing can be read; again: the child died or overran, one more try is worth it. Once,
 * on the loop. */
typedef void read_done_fn(void *arg, const struct read_item *items, size_t n, bool ok, bool again,
                          const char *reason);

struct reader {
    void *ctx;
    /* r lives until done. */
    void (*read)(void *ctx, const struct record *r, read_done_fn *done, void *arg);
};

#endif
