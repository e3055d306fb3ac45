/* store/canned.h - canned answers in the slot {r}; functions/task_canned.lua.
 *
 * An answer is a JSON object with its id and without its rev, which is added where it is read.
 */
#ifndef STORE_CANNED_H
#define STORE_CANNED_H

#include <stdint.h>

#include "store/answer.h"
#include "store/store.h"

enum canned_mode { CANNED_NEW, CANNED_PUT, CANNED_DROP, CANNED_AGAIN /* a record, applied */ };
struct canned {
    struct str id, json; /* json absent: deleted */
    enum canned_mode mode;
    int64_t if_rev; /* -1: any */
    int64_t rev;    /* AGAIN */
};
/* OK with rev; NOT_FOUND, STALE; CONFLICT "too-many". */
void store_canned_put(struct store *s, const struct canned *c, answer_fn *done, void *arg);
void store_canned_get(struct store *s, struct str id, answer_fn *done, void *arg);
/* OK: {"items","next"}, by id. */
void store_canned_list(struct store *s, size_t limit, struct str cursor, answer_fn *done,
                       void *arg);

#endif
