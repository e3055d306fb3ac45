/* forms/rate.c - see rate.h. A slot is taken over by another network once its bucket is full again,
 * or when it is the fullest of the few that a hash leads to: a flood of networks can only forget
 * limits, never use up memory. */
#include "rate.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/own.h>

enum { RATE_SLOTS = 8192, RATE_PROBES = 8 };

struct bucket {
    uint64_t key;
    int64_t at_ms;
    double tokens;
};

struct rate_table {
    struct bucket slots[RATE_SLOTS];
};

struct rate_table *rate_table_new(void) {
    return NEW(struct rate_table);
}
void rate_table_free(struct rate_table *t) {
    free(t);
}

static void refill(struct bucket *b, struct tl_rate rate, int64_t now_ms) {
    double gained = (double)(now_ms - b->at_ms) * (double)rate.count / (double)rate.per_ms;
    b->tokens += gained > 0 ? gained : 0;
    if (b->tokens > (double)rate.count)
        b->tokens = (double)rate.count;
    b->at_ms = now_ms;
}

static struct bucket *find(struct rate_table *t, uint64_t key, struct tl_rate rate,
                           int64_t now_ms) {
    struct bucket *fullest = NULL;
    for (size_t i = 0; i < RATE_PROBES; i++) {
        struct bucket *b = &t->slots[(key + i) % RATE_SLOTS];
        if (b->key == key) {
            refill(b, rate, now_ms);
            return b;
        }
        if (!b->key) {
            fullest = b;
            break;
        }
        if (!fullest || b->at_ms < fullest->at_ms)
            fullest = b;
    }
    *fullest = (struct bucket){.key = key, .at_ms = now_ms, .tokens = (double)rate.count};
    return fullest;
}

struct rate_verdict rate_take(struct rate_table *t, struct tl_rate rate, struct str form,
                              struct str network, int64_t now_ms) {
    struct rate_verdict v = {.allowed = true};
    if (rate.count <= 0 || rate.per_ms <= 0)
        return v;
    uint64_t key = (hash64(form) * 31 + hash64(network)) | 1;
    struct bucket *b = find(t, key, rate, now_ms);
    v.allowed = b->tokens >= 1;
    if (v.allowed)
        b->tokens -= 1;
    double each_ms = (double)rate.per_ms / (double)rate.count;
    double wait_ms =
        v.allowed ? ((double)rate.count - b->tokens) * each_ms : (1 - b->tokens) * each_ms;
    v.limit = rate.count;
    v.remaining = (int64_t)b->tokens;
    v.reset_s = (int64_t)(wait_ms / 1000) + 1;
    return v;
}
