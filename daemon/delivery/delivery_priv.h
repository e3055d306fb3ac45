/* delivery/delivery_priv.h - what the room's files share.
 *
 *   delivery.c  opens, closes; agents and their streams
 *   board.c     a supervisor's stream of queues and agents
 *   desk.c      one stream: begins (snapshot, or where it was left), sends, keeps back what comes
 * meanwhile event.c     entries of the log to the streams that may see them watch.c     timelines:
 * the contacts that streams look at
 *
 * An event's id is that of the log's entry before which nothing is missing; a timeline's has "/MS"
 * behind it, when the touchpoint was received, so that timelines can be resumed too.
 *
 *   STARTING ──agent, tasks, then snapshot or what came after Last-Event-ID──► LIVE
 *      ▲                                                                        │
 *      └──────────────── the log has a hole ───────────────────────────────────┘
 */
#ifndef DELIVERY_DELIVERY_PRIV_H
#define DELIVERY_DELIVERY_PRIV_H

#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "base/loop.h"
#include "config/people.h"
#include "delivery/delivery.h"
#include "http/http.h"
#include "store/route.h"
#include "store/watch.h"

enum {
    LOG_ID_MAX = 48,
    EVENT_ID_MAX = 80,
    EVENT_MAX = 4 << 20,
    PENDING_MAX = 1000, /* events kept back for a stream that begins */
    PENDING_BYTES_MAX = 200 * 1024,
    CONTACTS_MAX = 64, /* looked at by one stream */
    AGAIN_MS = 1000,
};

struct delivery {
    struct loop *loop;
    struct store *store;
    struct delivery_hooks hooks;
    struct notices *notices; /* or NULL */
    struct route_log *log;
    char position[LOG_ID_MAX]; /* of the log: all before has been told; "" before the first entry */
    struct store_watch *nobody; /* delivery.c */
    struct map agents;          /* struct desk_agent */
    struct link streams;        /* all of them */
    struct link leaders;        /* supervisors' among them */
    struct map watches;         /* struct watch by contact */
    size_t refs;                /* the opener's, and one a question under way */
    bool ending;                /* says nothing of streams that go now */

    /* board.c */
    struct link boards; /* struct board */
    struct loop_timer *board_timer;
    struct map board_agents; /* struct noted: of whom something was told since it was asked */
    bool board_all_agents, board_noted, board_asking;
    uint64_t board_changes;
    int64_t board_asked_ms, board_wait_ms;
};

/* An agent with at least one stream here. */
struct desk_agent {
    char *id;
    struct link streams;
};

struct pending {
    struct link link;
    char id[EVENT_ID_MAX];
    char event[16];
    bool by_log; /* its id is an entry's: dropped where the snapshot holds it already */
    size_t n;
    char json[];
};

/* One stream. Lives until its connection is gone and no question is under way. */
struct desk {
    struct link link, of_agent, of_leaders;
    struct delivery *d;
    struct desk_agent *agent;
    struct http_stream *http; /* NULL: over */
    bool leads;               /* a supervisor: sees what happens in his queues */
    char *queues;             /* lines "\nQUEUE\n" of the agent as last asked */
    char *agent_json;
    bool live, hanging_up;
    char after[LOG_ID_MAX];  /* sent up to here */
    char resume[LOG_ID_MAX]; /* Last-Event-ID; "": none */
    int64_t resume_ms;       /* timelines from here */
    struct link pending;
    size_t pending_n, pending_bytes;
    struct link interests; /* struct interest, watch.c */
    size_t interests_n;
    struct loop_timer *again;
    size_t refs;
};

/* ---- delivery.c ---- */
void delivery_ref(struct delivery *d);
void delivery_unref(struct delivery *d);
void desk_over(struct desk *k); /* its connection is gone, or is to go */

/* ---- desk.c ---- */
void desk_begin(struct desk *k);
void desk_ref(struct desk *k);
void desk_unref(struct desk *k);
/* Sends, or keeps back while the stream begins. log_id absent: no entry of the log. */
void desk_event(struct desk *k, struct str log_id, struct str event_id, const char *event,
                struct str json);
/* Order of two ids of the log. */
int log_id_compare(struct str a, struct str b);
bool log_id_read(struct str s, uint64_t *out_ms, uint64_t *out_n) must_check;

/* ---- event.c ---- */
void event_tell(struct desk *k, struct str id, const struct route_entry *e); /* if it may see it */
void event_entry(void *delivery, struct str id, const struct route_entry *e);
bool event_offer(struct buf *out, struct str task_json, int64_t offer, int64_t expires_ms)
    must_check;

/* ---- board.c ---- */
void board_open(struct delivery *d);
void board_close(struct delivery *d);
void board_entry(struct delivery *d, const struct route_entry *e);
void board_reset(struct delivery *d);                  /* all begin again */
void board_end_of(struct delivery *d, struct str who); /* absent: all */

/* ---- watch.c ---- */
/* task absent: named by the client. */
void watch_add(struct desk *k, struct str contact, struct str task);
void watch_drop_task(struct desk *k, struct str task);
void watch_drop_all(struct desk *k, bool named_too);
void watch_task(
    struct desk *k,
    struct str task_json); /* by its state and agent: look at its contact, or no longer */
void watch_resume(struct desk *k, int64_t after_ms); /* what came onto the timelines since then */

#endif
