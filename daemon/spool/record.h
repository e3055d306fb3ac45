/* spool/record.h - one record of the spool: an effect that must not be lost.
 *
 * A record is written once and never changed; what becomes of it (applied, quarantined) stands
 * beside it. Effects are keyed and versioned, so applying twice or in another order does no harm.
 */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/list.h>
#include <touchline/str.h>

enum record_kind {
    RECORD_TOUCHPOINT = 1, /* head: touchpoint JSON, judged already; body: raw bytes or absent */
    RECORD_RAW = 2,        /* head: {"format","meta"}; body: bytes for a channel's read */
    RECORD_REPLY = 3,      /* head: outbound touchpoint JSON; body: inbound one that it answers, or
                            * absent;      an outbox entry is made in the same commit */
    RECORD_DELIVERY = 4,   /* head: delivery update JSON of an outbound touchpoint */
    RECORD_TASK =
        5, /* head: task as it stands after a move, with its rev: absolute, keyed by task and rev */
    RECORD_CONTACT = 6, /* head: PATCH, merge, split, link, suggestion: {"op":…, "rev":…} */
    RECORD_CONVERSATION = 7, /* head: status, owner, note: {"op":…, "rev":…} */
    RECORD_ERASE = 8, /* head: {"contact","identities":[hmac…],"at"}; also enters the ledger. hmac:
                       * 16 bytes as 26 characters of base 32 or 32 of hex */
    RECORD_CANNED = 10, /* head: a canned answer as it stands: {"id","answer" or absent,"rev"} */
    RECORD_MEDIA = 9,   /* head: an attachment fetched, or why it was not: {"id","fetch",…} */
};

enum {
    RECORD_QUARANTINED = 1, /* goes to quarantine at once, with `reason` */
    RECORD_KEEP_RAW = 2,    /* body moves to the blob store once applied */
    RECORD_WAS_BYTES = 4,   /* read before it was kept: its id names its content */
};

/* Owned by whoever holds it; freed by record_free. All views lie in the arena. */
struct record {
    struct link link; /* for whoever holds it */
    struct arena arena;
    uint64_t seq; /* set by the commit; order of the spool, from 1 */
    enum record_kind kind;
    uint32_t flags;
    struct str id;     /* "p_…" or other id text that receipts are asked by */
    struct str source; /* "email:support" */
    struct str source_id;
    uint8_t
        content[8]; /* first bytes of the content's hash: same id, other content is told apart */
    int64_t revision;
    int64_t received_ms;
    struct str head; /* JSON, by kind */
    struct str body; /* raw bytes; above 256 KiB they lie in a file beside the row */
    struct str cursor, cursor_value; /* "CHANNEL/NAME" set in the same commit */
    struct str reason;
    struct str place; /* where it stood in its source; also written when it is known already */
    /* Idempotency of the HTTP request that made it, or absent: key and the answer to give again. */
    struct str idem_key, idem_hash, idem_answer;
};

struct record *record_new(enum record_kind kind);
void record_free(struct record *r);
/* Copies s into the record's memory. */
struct str record_keep(struct record *r, struct str s);

#endif
