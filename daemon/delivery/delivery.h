/* delivery/delivery.h - how a task reaches an agent: events on his streams.
 *
 * Reads {r}:log for offers, revokes, tasks and presence, and the contacts' channels for timelines.
 * An event's id is the log entry's; Last-Event-ID resumes from there, or a snapshot where that is
 * too old.
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include <stdbool.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct delivery;
struct http_request;
struct http_server;
struct loop;
struct notices;
struct store;

struct delivery_hooks {
    void *ctx;
    /* An agent's first stream has come, or his last has ended, at this daemon (dispatch_streams).
     */
    void (*streams)(void *ctx, struct str agent, bool connected);
    /* The contract's agent object (dispatch_agent), for snapshots. */
    void (*agent)(void *ctx, struct str agent, void (*done)(void *arg, struct str json), void *arg);
    /* The contract's lists of queues and of agents, for boards: of these queues (none: all), and of
     * agents by name. JSON absent: no answer. */
    void (*queues)(void *ctx, struct tl_strs queues, void (*done)(void *arg, struct str json),
                   void *arg);
    void (*agents)(void *ctx, struct tl_strs queues, void (*done)(void *arg, struct str json),
                   void *arg);
    void (*agents_named)(void *ctx, struct tl_strs ids, void (*done)(void *arg, struct str json),
                         void *arg);
};
bool delivery_open(struct loop *loop, struct store *store, const struct delivery_hooks *hooks,
                   struct delivery **out, struct fault *f) must_check;
/* Who is told of what the log says besides the streams; outlives the delivery. */
void delivery_tells(struct delivery *d, struct notices *notices);
/* Ends all streams; the room stays for answers under way. */
void delivery_end_all(struct delivery *d);
/* Once nothing can answer any more. */
void delivery_close(struct delivery *d);
/* Answers GET /v1/me/events. contact: further contacts whose timeline is wanted (query, may be
 * absent; must be allowed by the caller), several with commas. 429 above the streams an agent may
 * have (http/). */
void delivery_stream(struct delivery *d, struct http_request *take_r, struct str agent,
                     struct str contact);
/* Answers GET /v1/queues/events: these queues (none: all) and their agents. */
void delivery_board(struct delivery *d, struct http_request *take_r, struct tl_strs queues);
/* Ends all boards: who leads what may have changed, their clients come again. */
void delivery_boards_end(struct delivery *d);
/* Ends an agent's streams: session ended, role changed. */
void delivery_end(struct delivery *d, struct str agent);

#endif
