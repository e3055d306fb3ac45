/* ingest/intake.h - to the spool and acknowledged: the narrow door for everything taken in.
 *
 *   take ──► id, size ──► spool_push ──commit──► kept ──pipeline──► applied ──► done, or after
 * await_ms with KEPT
 */
#ifndef INGEST_INTAKE_H
#define INGEST_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct intake;
struct touchpoint;

enum intake_verdict {
    INTAKE_APPLIED,   /* 201 */
    INTAKE_DUPLICATE, /* 200: known; outcome given when the store could say it, else as KEPT */
    INTAKE_KEPT,      /* 202 */
    INTAKE_MISMATCH,  /* 422 idempotency-mismatch */
    INTAKE_BUSY,      /* 503 */
    INTAKE_FAILED,    /* 503: our disk */
};
struct intake_outcome {
    enum intake_verdict verdict;
    struct str id;                          /* "p_…" */
    struct str contact, conversation, task; /* APPLIED, DUPLICATE; task absent: none */
    const struct fault *fault;              /* BUSY, FAILED */
};
/* Once, on the loop, never from inside the call. */
typedef void intake_done_fn(void *arg, const struct intake_outcome *o);

/* A touchpoint judged already (push, form, finished call). raw may be absent. cursor:
 * "CHANNEL/NAME" or absent. */
struct intake_touchpoint {
    struct touchpoint *take_touchpoint;
    struct str raw, cursor, cursor_value;
    struct str place;      /* where it stood in its source; may be absent */
    struct str quarantine; /* reason: keep it, but in quarantine */
    uint32_t await_ms;     /* 0: KEPT as soon as committed */
    bool late;             /* an operator has it taken in now; it came long ago */
    bool was_bytes;        /* read before it was kept: its id names its content */
};
void intake_take(struct intake *in, const struct intake_touchpoint *what, intake_done_fn *done,
                 void *arg);

/* Bytes to be read later by the channel's reader. */
struct intake_raw {
    struct str channel; /* plugin's name */
    struct str source, source_id, format, meta, body, cursor, cursor_value, place, quarantine;
    int64_t received_ms;
    uint32_t await_ms;
    bool late; /* as above */
};
void intake_take_raw(struct intake *in, const struct intake_raw *what, intake_done_fn *done,
                     void *arg);

#endif
