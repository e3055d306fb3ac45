/* sip/calls.h - from lines to calls: what belongs to one call, when it has ended, how it went.
 *
 * A call is told once it has ended and its lines have settled; a later line tells it again with a
 * higher revision, which is the number of different lines it rests on: reading the same lines again
 * gives the same revision and content.
 *
 *   line ──► call (by id) ──ended, 1 s quiet──► told ──30 s quiet──► forgotten
 *                          └─missed only, 4 s──┘
 *                          └─BYE only──────────────────30 s quiet──► forgotten
 * Until it is forgotten a call holds back the place that may be kept as read, so that a restart
 * reads its lines again.
 */
#ifndef SIP_CALLS_H
#define SIP_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/list.h>

#include "tail.h"

enum call_outcome {
    CALL_ANSWERED,
    CALL_ABANDONED,
    CALL_NO_ANSWER,
    CALL_BUSY,
    CALL_REJECTED,
    CALL_FAILED,
    CALL_VOICEMAIL
};

enum line_kind {
    LINE_MISSED, /* a branch of an INVITE failed (another may follow) */
    LINE_FINAL,  /* the INVITE's final answer */
    LINE_CANCEL,
    LINE_BYE,
    LINE_CDR,    /* Kamailio's summary: times and numbers */
    LINE_RECORD, /* one leg whole, judged by its format (Asterisk) */
};

/* What one line says; views into the line. Times in ms since 1970 UTC, -1 unknown. */
struct call_line {
    enum line_kind kind;
    struct str call_id;
    struct str caller, callee, target; /* raw; target: who was rung in the end */
    int code;                          /* SIP */
    int64_t at_ms, start_ms, answer_ms, end_ms;
    enum call_outcome outcome; /* of a RECORD */
    int rank; /* of a RECORD: of several legs the highest tells how the call went */
    bool voicemail;
};

struct call {
    struct link link, by_id;
    struct arena arena;
    struct tail_place first; /* where its first line begins */
    struct buf raw;          /* its lines, as they came */
    uint64_t seen[64];       /* hashes of its lines */
    size_t lines;
    struct str id, caller, callee, target;
    int64_t start_ms, answer_ms, end_ms, quiet_since_ms, born_ms;
    int missed_code, final_code, rank;
    enum call_outcome outcome;
    bool has_record, cancelled, said_bye, has_cdr, missed_once, voicemail;
    bool dirty, in_flight; /* to be told; being told */
};

struct calls;
struct calls *calls_new(void);
void calls_free(struct calls *c);
/* Takes one line in. now_ms is monotonic. */
void calls_add(struct calls *c, const struct call_line *line, struct str raw,
               const struct tail_place *place, int64_t now_ms);
/* Tells what has settled (tell marks it in flight until calls_told), forgets what is done with. */
void calls_tick(struct calls *c, int64_t now_ms, void (*tell)(void *arg, struct call *call),
                void *arg);
/* The call may have gone meanwhile: found by its id. again: it could not be kept, tell it anew. */
void calls_told(struct calls *c, struct str id, bool again);
/* How it went, by all its lines. */
enum call_outcome call_outcome(const struct call *c);
int call_code(const struct call *c);
const char *call_outcome_name(enum call_outcome o);
/* The first place that is still needed; NULL: none. */
const struct tail_place *calls_needed(const struct calls *c);
size_t calls_count(const struct calls *c);

#endif
