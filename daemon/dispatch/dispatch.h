/* dispatch/dispatch.h - the router's body: holds the lease, feeds events, carries out decisions.
 *
 * Any daemon may carry a move or a presence to Redis; only the one that holds the lease runs the
 * router and offers.
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "store/answer.h"

struct dispatch;
struct loop;
struct roster_config; /* roster/roster.h */
struct spool;
struct store;

bool dispatch_open(struct loop *loop, struct store *store, struct spool *spool,
                   const struct roster_config *config, struct dispatch **out, struct fault *f)
    must_check;
void dispatch_reload(struct dispatch *d, const struct roster_config *config);
/* Routing may begin (the store is recovered, no data loss unconfirmed), or must stop. */
void dispatch_run(struct dispatch *d, bool on);
void dispatch_close(struct dispatch *d); /* gives the lease away */

/* Who moves: an agent (his own tasks), a supervisor (tasks of his queues), an operator (all). */
struct dispatch_actor {
    struct str name;
    int role; /* enum role */
};
/* move: accept reject complete transfer release snooze; body: the request's JSON object. Decided by
 * Redis, committed as RECORD_TASK, then answered with the task. Conflicts: code "stale-offer",
 * "wrong-state" (detail says the state). */
void dispatch_move(struct dispatch *d, struct dispatch_actor who, struct str task, const char *move,
                   struct str body, answer_fn *done, void *arg);
/* By hand: {"conversation" or "contact","queue","subject","priority","skills","tags","due"}. */
void dispatch_create(struct dispatch *d, struct dispatch_actor who, struct str body,
                     answer_fn *done, void *arg);
/* What the task was for has come about: it ends with the reason as its disposition. NOT_FOUND: it
 * had ended before. */
void dispatch_settle(struct dispatch *d, struct str task, struct str reason, answer_fn *done,
                     void *arg);
/* state available|away|offline; answers the agent. */
void dispatch_presence(struct dispatch *d, struct str agent, struct str state, struct str reason,
                       answer_fn *done, void *arg);
/* Why the task is where it is; task: as store_task_get answers it; language "de", "en" or absent.
 * May answer before it returns. */
void dispatch_explain(struct dispatch *d, struct str task, struct str language, answer_fn *done,
                      void *arg);
/* The contract's agent; lists of agents and queues (only those of `queues`, empty: all). */
void dispatch_agent(struct dispatch *d, struct str agent, answer_fn *done, void *arg);
void dispatch_agents(struct dispatch *d, struct tl_strs queues, answer_fn *done, void *arg);
void dispatch_agents_named(struct dispatch *d, struct tl_strs ids, answer_fn *done, void *arg);
void dispatch_queues(struct dispatch *d, struct tl_strs queues, answer_fn *done, void *arg);
void dispatch_queue(struct dispatch *d, struct str queue, answer_fn *done, void *arg);
/* Its figures by hour; NOT_FOUND also where it is none of `queues` (empty: all). */
void dispatch_queue_hours(struct dispatch *d, struct str queue, struct tl_strs queues,
                          answer_fn *done, void *arg);
/* A queue of his is paused, or goes on: nothing of it is offered meanwhile. Answers the queue. */
void dispatch_pause(struct dispatch *d, struct dispatch_actor who, struct str queue, bool paused,
                    struct str reason, answer_fn *done, void *arg);
/* Another agent's presence, who shares a queue with him: state away|offline. Answers the agent. */
void dispatch_presence_force(struct dispatch *d, struct dispatch_actor who, struct str agent,
                             struct str state, struct str reason, answer_fn *done, void *arg);
/* false also where there is no such calendar. */
bool dispatch_calendar_open(const struct dispatch *d, struct str calendar, int64_t at_ms);
/* Streams of an agent in this daemon: the first and the last one; after the last, offers return
 * after 5 s … */
void dispatch_streams(struct dispatch *d, struct str agent, bool connected);

#endif
