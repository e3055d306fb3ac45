/* sip/calls.h - from lines to calls: what belongs to one call, when it has ended, how it went.
 *
 * A line (a log's line, a posted record, a SIP message) says something of one call. Several ids may
 * name that call (the links of its lines); two calls that turn out to be one become one. A call is
 * told once it has ended and its lines have settled; a later line tells it again with a higher
 * revision, which rests on its lines alone: reading the same lines again, in any order, gives the
 * same revision and content.
 *
 *   line ──► call (by any id) ──ended, 1 s quiet──► told ──quiet──► forgotten
 *                              └─missed only, 4 s──┘
 *                              └─BYE only──────────────30 s quiet──► forgotten
 * Until it is forgotten a call holds back the place that may be kept as read, so that a restart
 * reads its lines again. Memory is bounded by the number of calls and by their bytes: beyond it the
 * oldest that has been told is forgotten.
 */
#ifndef SIP_CALLS_H
#define SIP_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>

#include "tail.h"

enum call_outcome {
    CALL_ANSWERED, /* a person talked */
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
    LINE_CDR,    /* a summary: times and numbers, no outcome */
    LINE_RECORD, /* one leg whole, judged by its format: outcome and rank */
    LINE_BEGIN,  /* it began at at_ms; ends nothing (INVITE, CHAN_START, ENTERQUEUE) */
    LINE_NOTE,   /* adds what it knows (a transfer, a queue, an answer); ends nothing */
    LINE_TALK,   /* a person is connected from at_ms on (a bridge, a queue's CONNECT) */
    LINE_END,    /* all is over at at_ms; outcome and rank where it judges (rank > 0) */
};

/* How well a line knows how the call went: of several the highest decides, of equals the one that
 * was later in time. In tens, so that a format may refine. */
enum line_rank {
    RANK_NONE = 0,
    RANK_FAILED = 10,  /* could not be set up */
    RANK_MISSED = 20,  /* rang, or could have: 20 busy, 22 rejected, 24 no answer, 26 given up */
    RANK_MACHINE = 30, /* only a machine answered (a menu, a queue's music): given up there */
    RANK_LEG = 40,     /* answered by another leg of ours (Local/…), which tells more */
    RANK_VOICEMAIL = 50,
    RANK_ANSWERED = 60, /* by a phone */
    RANK_QUEUE = 70,    /* the queue's own word: connected to an agent, or given up */
};

enum call_direction {
    DIRECTION_UNKNOWN,
    DIRECTION_INBOUND,
    DIRECTION_OUTBOUND,
    DIRECTION_INTERNAL,
};

enum { LINKS_MAX = 6, LEGS_MAX = 16 };

/* What one line says; views into the line or the reader's arena. Absent strings, -1 times and 0
 * numbers: it does not say. Times in ms since 1970 UTC. Begin with CALL_LINE_INIT(kind). */
struct call_line {
    enum line_kind kind;
    struct str call_id;          /* what the touchpoint is named by, if it comes first */
    struct str links[LINKS_MAX]; /* other ids of the same call (linkedid, call_uuid, bridge_uuid) */
    struct str leg;              /* which leg of the call it speaks of (uniqueid, uuid, to-tag) */
    struct str caller, callee, target; /* raw; target: who was rung in the end */
    struct str display;                /* the caller's name as it was sent */
    bool withheld;                     /* the caller asked for privacy */
    /* How well it knows who called whom: the highest decides (the leg that came in says it better
     * than the one to the agent). 0: as well as any. */
    int weight;
    enum call_direction direction;
    struct str context; /* dialplan context it came in by; the operator says which are a trunk's */
    int code, q850;     /* SIP, ISDN */
    int64_t at_ms, start_ms, answer_ms, end_ms; /* at: of the line's own event */
    enum call_outcome outcome;                  /* where rank > 0 */
    int rank;                                   /* enum line_rank */
    bool voicemail;                             /* LINE_FINAL: the target is a mailbox */
    bool transfer;                              /* it was handed on */
    bool no_leg;                                /* of the call as a whole: counts as no leg */
    struct str queue, agent, recording;
    const struct str *targets; /* who else was rung, a leg each (repeated keys of OpenSIPS) */
    size_t targets_n;
    int64_t expires_ms; /* LINE_BEGIN: told so long after it even if nothing ends it; 0: 6 h */
};
#define CALL_LINE_INIT(k)                                                                          \
    ((struct call_line){.kind = (k), .at_ms = -1, .start_ms = -1, .answer_ms = -1, .end_ms = -1})

struct call_leg {
    struct str id, target, agent;
    int64_t start_ms, answer_ms, end_ms;
    enum call_outcome outcome; /* where rank > 0 */
    int rank, code, q850;
};

enum { ORIGINS_MAX = 8 };

struct call {
    struct link link;
    struct link ids; /* every id that names it */
    struct arena arena;
    struct {
        struct link link;
        struct tail_place first; /* where its first line of that origin begins */
        uint64_t order;          /* of those places; 0: none */
    } origins[ORIGINS_MAX];
    struct buf raw; /* its lines, as they came */
    uint64_t *seen; /* hashes of its lines */
    size_t seen_room, lines;
    struct str id; /* the touchpoint's */
    struct str caller, callee, target, display, context, queue, agent, recording;
    int weight;
    int64_t people_ms; /* when the line was that says who called whom */
    enum call_direction direction;
    struct call_leg *legs; /* the first LEGS_MAX */
    size_t legs_n, legs_room;
    int64_t start_ms, answer_ms, talk_ms, end_ms; /* talk: a person, by LINE_TALK */
    int64_t quiet_since_ms, born_ms, lives_ms; /* lives: told so long after birth at the latest */
    int missed_code, final_code, judged_code, q850; /* judged: of the record that decided */
    enum call_outcome outcome;                      /* where rank > 0 */
    int rank;
    int64_t judged_ms;           /* when the line was that decided */
    int64_t missed_ms, final_ms; /* when a branch, when all of it failed last */
    bool withheld, transfer, voicemail;
    bool has_record, has_cdr, began, ended, cancelled, said_bye, missed_once;
    bool dirty, in_flight; /* to be told; being told */
    bool urgent;           /* to be told at once: somebody waits for it */
    bool was_told;
};

struct calls;
struct calls *calls_new(void);
void calls_free(struct calls *c);

/* Where a line comes from: which of the followed files (below ORIGINS_MAX) and where in it. place
 * NULL: nowhere that could be read again. */
struct call_origin {
    size_t index;
    const struct tail_place *place;
};
/* Takes one line in and returns its call, which lives until the next calls_tick or calls_add.
 * now_ms is monotonic. */
struct call *calls_add(struct calls *c, const struct call_line *line, struct str raw,
                       struct call_origin from, int64_t now_ms);
/* Tells what has settled (tell marks it in flight until calls_told), forgets what is done with. */
void calls_tick(struct calls *c, int64_t now_ms, void (*tell)(void *arg, struct call *call),
                void *arg);
/* The call may have gone meanwhile: found by its id. again: it could not be kept, tell it anew. */
void calls_told(struct calls *c, struct str id, bool again);
struct call *calls_find(struct calls *c, struct str id);
/* How it went, by all its lines. */
enum call_outcome call_outcome(const struct call *c);
int call_code(const struct call *c);
/* Grows with each different line and with what is known better. */
int64_t call_revision(const struct call *c);
/* When the person (or the mailbox) was reached; -1: never. */
int64_t call_answer_ms(const struct call *c);
const char *call_outcome_name(enum call_outcome o);
/* The first place of that origin that is still needed; NULL: none. */
const struct tail_place *calls_needed(const struct calls *c, size_t origin);
/* That file is no longer followed: nothing holds its places. */
void calls_drop_origin(struct calls *c, size_t origin);
size_t calls_count(const struct calls *c);

#endif
