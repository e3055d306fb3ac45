/* forms/rate.h - how often one network may send: a bounded table of token buckets. */
#ifndef FORMS_RATE_H
#define FORMS_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/plugin.h>

struct rate_table;
struct rate_verdict {
    bool allowed;
    int64_t limit, remaining,
        reset_s; /* for RateLimit-* (seconds until one is free again, or all are) */
};

struct rate_table *rate_table_new(void);
void rate_table_free(struct rate_table *t);
/* Takes one from the bucket of this network and form. */
struct rate_verdict rate_take(struct rate_table *t, struct tl_rate rate, struct str form,
                              struct str network, int64_t now_ms);

#endif
