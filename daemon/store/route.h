/* store/route.h - what the router's body, agents and their streams ask of the slot {r}.
 *
 * Beside store/task.h, for dispatch/ and delivery/. A task comes as `json`, which the contract
 * shows, and as `own`, which the router needs:
 * {"id","rev","state","queue","channel","touchpoint","priority","skills","agent","n" (last offer),
 * "created","till" (ms; by state: offer expires, wrap-up or snooze ends),"due","weight" (0: nobody
 * holds it), "wish"
 * last|transfer|snooze|key|key-hard,"wish_agent","wish_seen","wish_from","deputy", "entered" (into
 * its queue),"steps" (bits taken),"added" [queue],"more" [agent],"x" {agent: excluded until
 * ms},"last","took"} and what clocks are counted from (functions/task_clock.lua):
 * {"asked","replied","last_reply","taken","paused_from","pauses" [[from,to]],"told","dues"}.
 */
#ifndef STORE_ROUTE_H
#define STORE_ROUTE_H

#include <stdint.h>

#include <touchline/plugin.h>

#include "store/answer.h"
#include "store/store.h"
#include "store/task.h"

struct buf;
struct store_tail;

/* ---- moves of people ---- */
struct task_move {
    struct str task, actor;
    const char *move; /* accept reject complete transfer release snooze settle */
    bool lead;        /* may move others' work */
    bool everywhere;  /* of all queues; else only of `queues` (and what he has held) */
    struct tl_strs queues;
    int64_t offer; /* 0: the one that is open */
    struct str reason, disposition, note, to_queue, to_agent;
    int64_t until_ms;
    struct str rules; /* lines "QUEUE WRAP CALLWRAP HOLDOFF START_BY PENALISE\n", ms; CALLWRAP -1:
                       * as WRAP; PENALISE 1 or 0 */
    int64_t now_ms;
};
struct task_moved {
    enum answer_kind kind; /* OK, NOT_FOUND, CONFLICT, LATER */
    bool repeated;
    const char *code; /* CONFLICT: "stale-offer", "wrong-state", "task-open" */
    const char *detail;
    struct str json, own, held_by; /* held_by: who had it before */
    int64_t rev;
};
typedef void task_moved_fn(void *arg, const struct task_moved *m); /* once, later */
void store_task_move(struct store *s, const struct task_move *m, task_moved_fn *done, void *arg);
/* A task by hand, w->task its id. CONFLICT "task-open": the conversation has one. */
void store_task_hand(struct store *s, const struct task_wanted *w, struct str reason,
                     task_moved_fn *done, void *arg);
/* What is committed: json with own as its member "_own". */
bool store_task_record(struct str json, struct str own, struct buf *out) must_check;

/* ---- the router's lease and writes ---- */
/* OK: {"held": bool, "fence": n, "left_ms": n}. */
void store_route_lease(struct store *s, struct str holder, int64_t ms, answer_fn *done, void *arg);
void store_route_leave(struct store *s, struct str holder);

enum route_code {
    ROUTE_DONE,
    ROUTE_STALE, /* the task is not as the router thought; own tells how it is */
    ROUTE_LATER, /* the agent has no room, or is not available */
    ROUTE_FENCE, /* another router has the lease */
    ROUTE_LOST,  /* no answer: what became of it is unknown */
};
struct route_result {
    enum route_code code;
    struct str own, json; /* empty: no longer open */
};
typedef void route_fn(void *arg, const struct route_result *r); /* once, later */

struct route_offered {
    struct str agent;
    int64_t units, channel_max;
};
struct route_offer {
    struct str task, reason;
    int64_t rev, expires_ms, weight;
    bool ask_again;
    const struct route_offered *to; /* those who can have it then get it; nobody: LATER */
    size_t to_n;
    struct str turn_queue; /* it was the first one's turn there; absent: nobody's */
    int64_t turn;
};
/* why "expired": from all who have the offer; "untouched": what was accepted. Otherwise from him
 * alone. */
struct route_return {
    struct str task, agent, reason;
    const char *why; /* as agents are told */
    int64_t offer, exclude_until_ms;
    bool penalise; /* they are idle from now on only */
};
/* A waiting task takes a step of its queue, once. */
struct route_step {
    struct str task, reason;
    int64_t rev, step;    /* from 0 */
    struct tl_ints relax; /* smallest levels from now on, 0: not asked for */
    struct tl_strs add;   /* queues */
    int64_t raise;        /* priority by so much */
    struct str move_to;   /* absent: it stays */
    bool notify_supervisors;
};
void store_route_offer(struct store *s, int64_t fence, int64_t now_ms, const struct route_offer *o,
                       route_fn *done, void *arg);
void store_route_return(struct store *s, int64_t fence, int64_t now_ms,
                        const struct route_return *b, route_fn *done, void *arg);
void store_route_step(struct store *s, int64_t fence, int64_t now_ms, const struct route_step *t,
                      route_fn *done, void *arg);
void store_route_end(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                     struct str reason, route_fn *done, void *arg);
void store_route_wake(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                      struct str reason, route_fn *done, void *arg);
/* Deadlines as people are shown them, in the order of enum service_clock, 0: none; no change of the
 * task. */
void store_route_dues(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                      const int64_t *dues, size_t n, route_fn *done, void *arg);
/* A warning or a breach of a clock, told once. */
void store_route_told(struct store *s, int64_t fence, int64_t now_ms, struct str task, int clock,
                      bool breach, struct str reason, route_fn *done, void *arg);
/* state "away": he was available; "offline": he was draining. */
void store_route_rest(struct store *s, int64_t fence, int64_t now_ms, struct str agent,
                      struct str reason, const char *state, route_fn *done, void *arg);
/* Ended tasks older than the window, log entries older than keep_log_ms. done may be NULL, here and
 * below. */
void store_route_trim(struct store *s, int64_t fence, int64_t now_ms, int64_t keep_log_ms);

/* Everything, for a router that begins: `turn` as offers told them, `task` for each open one,
 * `presence` for each agent known, then done: from is the log's id from which changes follow. ok
 * false: no answer, begin again. */
struct route_presence {
    struct str agent, state, reason;
    int64_t since_ms, ended_ms, missed, lost_ms;
};
struct route_snapshot {
    void *ctx;
    void (*presence)(void *ctx, const struct route_presence *p);
    void (*turn)(void *ctx, struct str queue, struct str agent, int64_t turn);
    void (*task)(void *ctx, struct str own);
    void (*done)(void *ctx, bool ok, struct str from);
};
void store_route_snapshot(struct store *s, const struct route_snapshot *to);

/* ---- the log ---- */
struct store_reply;
/* An entry as it was told; absent fields are absent strings or 0. */
struct route_entry {
    struct str type; /* offer revoke task presence stream queue notice */
    struct str agent, queue, task_id, reason, state, json, own;
    int64_t offer, until_ms, since_ms, ended_ms, missed, lost_ms;
};
typedef void route_entry_fn(void *arg, struct str entry_id, const struct route_entry *e);
/* From after `from`, or from now on where it is absent. reset: entries may have been missed. */
struct route_log;
struct route_log *store_route_log(struct store *s, struct str from, route_entry_fn *entry,
                                  void (*reset)(void *arg), void *arg);
void store_route_log_free(struct route_log *take_log);
/* Entries after an id: each to `entry`, then done with ok; false: that id is too old, or of another
 * log, or too much has happened since. */
void store_route_after(struct store *s, struct str id, route_entry_fn *entry,
                       void (*done)(void *arg, bool ok), void *arg);

/* ---- agents ---- */
/* OK: {"state","reason","since"}. Ends his wrap-ups. */
void store_presence_put(struct store *s, int64_t now_ms, struct str agent, struct str state,
                        struct str reason, answer_fn *done, void *arg);
/* Only where none is known: after the store came back without it. */
void store_presence_back(struct store *s, const struct route_presence *p);
/* The agents that have a stream at this daemon, told at least every ttl/3; who is not told for ttl
 * is gone. */
void store_streams_put(struct store *s, int64_t now_ms, struct str daemon, int64_t ttl_ms,
                       const struct str *agents, size_t n);
void store_stream_end(struct store *s, int64_t now_ms, struct str daemon, struct str agent);
void store_streams_sweep(struct store *s, int64_t fence, int64_t now_ms);

struct agent_now {
    struct route_presence presence;
    const struct store_held {
        struct str task, channel;
        int64_t weight;
    } * held;
    size_t held_n;
};
/* In the order asked; ok false: no answer. */
typedef void agents_now_fn(void *arg, bool ok, const struct agent_now *agents, size_t n);
void store_agents_now(struct store *s, const struct str *agents, size_t n, agents_now_fn *done,
                      void *arg);
struct queue_now {
    int64_t waiting, offered, accepted, oldest_ms; /* oldest 0: none waits */
    int64_t paused_ms;                             /* 0: it is not */
    struct str paused_by, paused_reason;
    /* The last 24 hours: taken by an agent, ended without one, both also within the deadline of the
     * first response; and within what seconds 50, 95 and 99 % had been taken. */
    int64_t taken, taken_within, left, left_within, wait_s[3];
    /* Likewise, with a deadline or not; and ms of its agents with work and without. */
    int64_t taken_all, left_all, busy_ms, free_ms;
};
/* Agents of one queue as the lease holder sees them. */
struct queue_staff {
    struct str queue;
    int64_t busy, available;
};
/* Adds the time since the last look, at most 15 s of it, to the hour's figures of all queues. */
void store_figures_sample(struct store *s, int64_t fence, const struct queue_staff *staff,
                          size_t n);
typedef void queues_now_fn(void *arg, bool ok, const struct queue_now *queues, size_t n);
void store_queues_now(struct store *s, const struct str *queues, size_t n, queues_now_fn *done,
                      void *arg);
/* The last 24 hours one by one, the oldest first, those in which something was: when each began,
 * and of queue_now the members that count a span. */
typedef void queue_hours_fn(void *arg, bool ok, const int64_t *began_ms,
                            const struct queue_now *hours, size_t n);
void store_queue_hours(struct store *s, struct str queue, queue_hours_fn *done, void *arg);
/* What he holds, and the log's id from which changes follow. */
typedef void desk_fn(void *arg, bool ok, struct str from, const struct str *tasks, size_t n);
void store_desk(struct store *s, struct str agent, desk_fn *done, void *arg);

#endif
