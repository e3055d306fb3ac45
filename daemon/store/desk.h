/* store/desk.h - what supervisors do in the slot {r}, and what is written down of it.
 *
 * Beside store/route.h, for dispatch/ and api/; functions/task_desk.lua decides.
 */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include <stdint.h>

#include <touchline/plugin.h>

#include "store/answer.h"
#include "store/store.h"

/* A paused queue is offered to nobody; told by an entry "queue" of the log, state paused or open.
 * OK, also where it was so (repeated). */
struct queue_pause {
    struct str queue, who, reason;
    bool on;
    int64_t now_ms;
};
void store_queue_pause(struct store *s, const struct queue_pause *p, answer_fn *done, void *arg);
/* Those that are paused now. */
typedef void queues_paused_fn(void *arg, bool ok, const struct str *queues, size_t n);
void store_queues_paused(struct store *s, queues_paused_fn *done, void *arg);

/* Another's presence: unlike his own word it ends no wrap-up. queues: his, for the audit.
 * OK: {"state","reason","since"}. */
struct presence_force {
    struct str agent, who, state, reason;
    struct tl_strs queues;
    int64_t now_ms;
};
void store_presence_force(struct store *s, const struct presence_force *p, answer_fn *done,
                          void *arg);

/* OK: what an agent did today, a day of UTC: {"agent","from","accepted","completed","missed",
 * "rejected","handling": {"tasks","mean_s"},"presence": {"available_s","away_s","offline_s"}}. */
void store_statistics(struct store *s, int64_t now_ms, struct str agent, answer_fn *done,
                      void *arg);

/* OK: {"items": [{"id","at","who","what","task","agent","queues","why"}…], "next"}, the newest
 * first; only of `queues` (empty: all). */
struct audit_query {
    struct tl_strs queues;
    size_t limit;
    struct str cursor;
};
void store_audit(struct store *s, const struct audit_query *q, answer_fn *done, void *arg);

#endif
