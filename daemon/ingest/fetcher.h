/* ingest/fetcher.h - who fetches attachments that a touchpoint only names: declared here, handed in
 * by main.c (plugin/media.c). */
#ifndef INGEST_FETCHER_H
#define INGEST_FETCHER_H

#include <touchline/plugin.h>

/* Once in any case, on the loop, never from inside fetch, before the asker closes. Views live until
 * it returns. */
typedef void fetched_fn(void *arg, const struct tl_attached *result);

struct fetcher {
    void *ctx;
    void (*fetch)(void *ctx, const struct tl_attach *what, fetched_fn *done, void *arg);
};

#endif
