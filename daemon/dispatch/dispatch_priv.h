/* dispatch/dispatch_priv.h - what the router's body is made of.
 *
 *   lease.c     holding the lease: begin, keep, lose; one timer
 *   feed.c      what is so, to the router: everything once, then {r}:log
 *   chronicle.c what the log tells, for receipts, archive and figures
 *   carry.c     what the router decides, to {r}; what became of it, back to the router
 *   clocks.c    deadlines of service levels: shown, warned of, and their breach, each told once
 *   upkeep.c    what a lease holder does beside routing: streams that went, old entries, figures
 *   moves.c     an agent's move: body.c reads it, {r} decides, the spool keeps it, then it is
 * answered create.c    a task by hand presence.c  presence, and who has streams at this daemon
 *   supervise.c a supervisor's word: queues that rest, agents who are sent away
 *   explain.c   why a task is where it is, by the router; explain_text.c says it
 *   view.c      agents and queues as the contract shows them
 *
 * All of it lives on the loop. What waits for an answer of store or spool is a struct that begins
 * with struct waits; when the room closes first, it is orphaned and frees itself with the answer.
 */
#ifndef DISPATCH_DISPATCH_PRIV_H
#define DISPATCH_DISPATCH_PRIV_H

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "base/loop.h"
#include "dispatch/dispatch.h"
#include "roster/roster.h"
#include "routing/timers.h"
#include "spool/spool.h"
#include "store/route.h"
#include "store/store.h"

enum {
    LEASE_MS = 1500, /* a leader that dies is replaced after this, and what loading takes */
    LEASE_KEEP_MS = 400,
    STREAM_TTL_MS = 15000,
    STREAM_BEAT_MS = 5000,
    UPKEEP_MS = 5000,
    TURN_MS = 1000,    /* the clock may have been set: looked at once a second at least */
    DECISIONS = 32,    /* of one turn */
    CARRIED_MAX = 256, /* under way at a time */
    LOG_KEEP_MS = 3600000,
    TASK_JSON_MAX = 1 << 20,
    NAME_MAX_BYTES = 200,
};

/* ---- what waits for an answer ---- */
struct waits {
    struct link link;
    struct dispatch *d; /* NULL: orphaned */
};
void waits_begin(struct dispatch *d, struct waits *w);
/* Takes it out; NULL where it was orphaned. */
struct dispatch *waits_end(struct waits *w);

enum phase {
    PHASE_IDLE,    /* not the holder, or not to run: no router */
    PHASE_LOADING, /* the holder: everything is being read */
    PHASE_ROUTING, /* the router decides */
};

struct dispatch {
    struct loop *loop;
    struct store *store;
    struct spool *spool;
    struct people *people;
    struct times *times;
    char holder[33]; /* this daemon, this life */
    int64_t opened_ms;
    bool running;
    struct link waiting; /* struct waits */

    /* lease.c */
    enum phase phase;
    int64_t fence, kept_ms; /* when the lease was surely ours (monotonic) */
    bool asked;             /* a lease answer is awaited */
    uint32_t life;          /* counts routers: answers of an earlier one are not for this one */
    struct loop_timer *lease_timer;

    /* feed.c, carry.c */
    struct router *router;
    struct route_log *log;
    struct loop_timer *turn_timer;
    size_t carried;

    /* clocks.c */
    struct clocks {
        struct map tasks; /* struct clocked by id: those that have a deadline */
        struct timers timers;
        struct loop_timer *timer;
        size_t under_way;
    } clocks;

    /* upkeep.c */
    struct loop_timer *upkeep_timer;
    size_t upkeeps;

    /* presence.c */
    struct map streams; /* struct seen_agent by id */
    struct link seen;
    struct loop_timer *beat_timer;
};

/* ---- lease.c ---- */
void lease_start(struct dispatch *d);
void lease_stop(struct dispatch *d); /* gives it away */
void lease_restart(struct dispatch *d,
                   const char *why); /* the router begins again from what is so */
void lease_lost(struct dispatch *d, const char *why);
/* It was surely ours a moment ago: a daemon that slept through it decides nothing. */
bool lease_is_fresh(const struct dispatch *d);

/* ---- feed.c ---- */
void feed_begin(struct dispatch *d);
void feed_end(struct dispatch *d);
void feed_task(struct dispatch *d, struct str own); /* what is so of one task */
/* The same to any router: a second one, to explain by. */
void feed_router_task(struct router *r, const struct people *p, const struct times *t,
                      struct str own);
void feed_router_presence(struct router *r, const struct route_presence *p);

/* ---- chronicle.c ---- */
void chronicle(struct dispatch *d, struct str id, int64_t at_ms, const struct route_entry *e);

/* ---- carry.c ---- */
void carry_soon(struct dispatch *d); /* a turn, once those that are active are through */
void carry_turn(void *d);

/* ---- clocks.c: of service levels ---- */
/* What is so of a task (its own JSON, gone: it has ended). */
void clocks_task(struct dispatch *d, const json_t *own, bool gone);
void clocks_gone(struct dispatch *d, struct str task);
void clocks_clear(struct dispatch *d); /* with the router: the next one begins from what is so */
void clocks_turn(void *d);

/* ---- upkeep.c ---- */
void upkeep_start(struct dispatch *d);

/* ---- presence.c ---- */
void presence_open(struct dispatch *d);
void presence_close(struct dispatch *d);
void presence_again(struct dispatch *d); /* the store is back: it is told what it may have lost */

/* What was put, by himself or another: for a store that comes back without it. */
void presence_remember(struct dispatch *d, struct str agent, struct str state, struct str reason);

/* ---- moves.c ---- */
/* One answer owed to a caller above. */
struct owed {
    struct waits waits;
    answer_fn *done;
    void *arg;
    char *text; /* detail that must live until told */
    struct answer answer;
    char *leader, *move; /* of a move that may be one in another's work, else NULL */
};
struct owed *owed_new(struct dispatch *d, answer_fn *done, void *arg);
void owed_tell(struct owed *take_o, const struct answer *a);
/* From inside a call: told later. pointer and code are literals, detail is copied. */
void owed_later(struct owed *take_o, enum answer_kind kind, const char *code, const char *pointer,
                const char *detail);
/* What {r} decided: kept in the spool, then answered. */
void owed_moved(void *owed, const struct task_moved *m);
/* A record of it, awaited by nobody. */
void moves_record(struct dispatch *d, struct str json, struct str own);

/* ---- body.c: views into j; fault place is the pointer ---- */
struct move_body {
    int64_t offer, until_ms;
    struct str reason, disposition, note, queue, agent;
};
bool body_read_move(const struct people *p, const char *move, const json_t *j, int64_t now_ms,
                    struct move_body *out, struct fault *f) must_check;
struct create_body {
    struct str conversation, contact, queue, subject;
    int64_t priority, due_ms;
    struct buf skills, tags; /* JSON lists */
};
void create_body_init(struct create_body *b);
void create_body_clear(struct create_body *b);
bool body_read_create(const struct people *p, const json_t *j, struct create_body *out,
                      struct fault *f) must_check;

#endif
