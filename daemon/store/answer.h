/* store/answer.h - what became of a question or an action: one form for all rooms above.
 *
 * api/ turns the kind into a status in one table.
 */
#ifndef STORE_ANSWER_H
#define STORE_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/str.h>

enum answer_kind {
    ANSWER_OK,        /* json */
    ANSWER_NOT_FOUND, /* 404 */
    ANSWER_GONE,      /* 410: erased */
    ANSWER_CONFLICT,  /* 409: the state does not allow it; json may name the other one */
    ANSWER_STALE,     /* 412: If-Match */
    ANSWER_REFUSED,   /* 422: pointer and detail */
    ANSWER_FORBIDDEN, /* 403 */
    ANSWER_LATER,     /* 503: store away, spool full; nothing was done, or it is unknown */
};

struct answer {
    enum answer_kind kind;
    struct str json;     /* OK: the resource as the contract shows it; CONFLICT: members to add */
    const char *code;    /* stable code of a problem: "stale-offer" */
    const char *pointer; /* REFUSED */
    const char *detail;
    bool repeated; /* it had taken effect already */
    int64_t rev;   /* of the resource: its ETag; 0: none */
};
/* Once, on the loop, never from inside the call. Views are valid inside it. */
typedef void answer_fn(void *arg, const struct answer *a);

#endif
