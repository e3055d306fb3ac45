/* routing/router.h - who gets which task, when, and why. Pure: events and a clock in, decisions
 * out.
 *
 *   task, agent, stream, answer ──► router ──► router_decide(now): offer, return, end, wake, away
 *                                     └──────► router_next_ms: when to ask again at the latest
 *
 * The router believes what it is told: a task as it stands (with its rev; older news is dropped),
 * an agent's presence. What it decides is carried out elsewhere, may be refused there, and is
 * answered by router_answer; until then nothing else is decided about that task. So it can be
 * rebuilt at any time from tasks and presences alone, and run in a simulator with a clock turned by
 * hand.
 *
 * Times are milliseconds of one clock that the caller keeps (since 1970, for they stand in the
 * tasks too). Strings that are handed in are copied. Called by: dispatch/, the simulator.
 */
#ifndef ROUTING_ROUTER_H
#define ROUTING_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/plugin.h>
#include <touchline/str.h>

struct router;

struct router *router_new(void);
void router_free(struct router *r);

/* ---- what the operator says ---- */
enum {
    ROUTING_OFFER_LOST_MS =
        5000, /* an agent's last stream has ended: his offers return after this */
    ROUTING_CALL_LOST_MS = 60000, /* … calls that he had accepted after this */
    ROUTING_ALL_REJECTED_MS =
        60000, /* everybody present has refused a task: all are asked again after this */
    ROUTING_DIRECT_WAIT_MS =
        600000, /* a task handed to one agent waits for him so long, unless the queue says */
};

/* config/people.h says what an operator writes; the same words here. */
struct routing_agent {
    struct str id;
    struct tl_strs queues;
    struct tl_ints skills;   /* name -> level */
    struct tl_ints channels; /* name -> tasks of it at once; absent: units only */
    int64_t units;           /* open work in all */
    int64_t lost_after_ms;
};
struct routing_queue {
    struct str id;
    int64_t strategy; /* row of queue.c's table */
    bool paused;      /* nothing is offered */
    int64_t ageing_every_ms, ageing_by, ageing_cap;
    int64_t offer_ms, call_offer_ms; /* call 0: as offer */
    int64_t missed_limit, missed_holdoff_ms;
    int64_t sticky_window_ms, sticky_wait_ms;
};
/* Adds or changes. An agent or queue that is dropped stays known while tasks name it: his offers
 * and his work return, its tasks wait. */
void router_set_agent(struct router *r, const struct routing_agent *a, int64_t now_ms);
void router_drop_agent(struct router *r, struct str id, int64_t now_ms);
void router_set_queue(struct router *r, const struct routing_queue *q, int64_t now_ms);
void router_drop_queue(struct router *r, struct str id, int64_t now_ms);
/* A queue's rule stays, but for `paused`; one that nobody knows stays unknown. */
void router_pause_queue(struct router *r, struct str id, bool paused, int64_t now_ms);
/* Names of the routing_strategies, in the order of the table; NULL ends. */
const char *router_strategy(size_t i);

/* ---- what happens ---- */
enum routing_presence { ROUTING_OFFLINE, ROUTING_AWAY, ROUTING_AVAILABLE };

struct routing_presence_news {
    struct str agent;
    enum routing_presence presence;
    int64_t since_ms;    /* of this presence */
    int64_t last_end_ms; /* when his last task or wrap-up ended; 0: unknown */
    int64_t missed;      /* offers in a row that he let pass */
    int64_t lost_ms;     /* since when he has no stream; 0: he has one, or never had */
};
void router_presence(struct router *r, const struct routing_presence_news *news, int64_t now_ms);
/* His first stream has come (lost_ms 0), or his last one ended then. */
void router_stream(struct router *r, struct str agent, int64_t lost_ms, int64_t now_ms);

/*  WAITING   in its queue's pool, in the place that its age and priority give; nobody has it
 *  OFFERED   reserved: agent, offer, until_ms (expires) are set; counts in his load
 *  ACCEPTED  the agent works on it
 *  WRAPUP    done for the customer; the agent is not free for anything until until_ms
 *  SNOOZED   nobody has it until until_ms
 *  GONE      done or canceled: forgotten */
enum routing_state {
    ROUTING_WAITING,
    ROUTING_OFFERED,
    ROUTING_ACCEPTED,
    ROUTING_WRAPUP,
    ROUTING_SNOOZED,
    ROUTING_GONE
};

/* Why one agent should have it before all others. */
enum routing_wish {
    ROUTING_WISH_NONE,
    ROUTING_WISH_LAST /* had the contact last */,
    ROUTING_WISH_TRANSFER,
    ROUTING_WISH_SNOOZE
};

struct routing_need {
    struct str skill;
    int64_t min;
};
struct routing_excluded {
    struct str agent;
    int64_t until_ms;
};
struct routing_task {
    struct str id, queue, channel;
    int64_t rev;
    enum routing_state state;
    int64_t weight;   /* units that it takes */
    int64_t priority; /* 1 to 10, higher first */
    int64_t created_ms;
    const struct routing_need *needs;
    size_t needs_n;
    struct str agent;
    int64_t offer; /* number of the last offer */
    int64_t until_ms;
    const struct routing_excluded *excluded; /* who refused or missed it */
    size_t excluded_n;
    enum routing_wish wish;
    struct str wish_agent;
    int64_t wish_seen_ms; /* LAST: when he had the contact */
    int64_t wish_from_ms; /* waiting for him counts from here */
};
void router_task(struct router *r, const struct routing_task *t, int64_t now_ms);
void router_task_gone(struct router *r, struct str id, int64_t now_ms);

/* ---- what it decides ---- */
enum routing_what {
    ROUTING_OFFER,  /* task to agent, until expires_ms */
    ROUTING_RETURN, /* task back into its queue from agent: cause */
    ROUTING_END,    /* wrap-up is over: done */
    ROUTING_WAKE,   /* snoozed long enough: waiting */
    ROUTING_REST,   /* presence of agent becomes away("missed") */
};
enum routing_cause {
    ROUTING_EXPIRED,
    ROUTING_NOT_AVAILABLE,
    ROUTING_DISCONNECTED,
    ROUTING_UNKNOWN_AGENT
};

enum { ROUTING_REASON_MAX = 96 };
/* Views hold until the next call of the router. */
struct routing_decision {
    enum routing_what what;
    struct str task, agent;
    int64_t rev, offer; /* as the router knows them; OFFER: the last one's number */
    int64_t expires_ms; /* OFFER */
    int64_t weight;     /* OFFER */
    int64_t units,
        channel_max;          /* OFFER: of the agent, to be checked again where it is carried out */
    bool ask_again;           /* OFFER: everybody had refused, exclusions are forgotten */
    size_t able;              /* OFFER: how many could have had it (counted up to a bound) */
    enum routing_cause cause; /* RETURN */
    int64_t exclude_until_ms; /* RETURN: not to this agent before; 0: he may have it again */
    char reason[ROUTING_REASON_MAX]; /* for the task's history */
};
/* What is due at now, at most max; 0: nothing. With max of them there may be more. */
size_t router_decide(struct router *r, int64_t now_ms, struct routing_decision *out, size_t max);
/* When something is due at the latest; INT64_MAX: only after an event. */
int64_t router_next_ms(const struct router *r);

/* A decision about this task was carried out, or not. What came of it has been told by router_task
 * before. */
enum routing_answer {
    ROUTING_DONE,
    ROUTING_STALE, /* the task had changed: decide anew */
    ROUTING_LATER, /* refused otherwise: not again within a second */
};
void router_answer(struct router *r, struct str task, enum routing_answer answer, int64_t now_ms);

/* ---- for figures and tests ---- */
struct routing_load {
    enum routing_presence presence;
    bool ready; /* may get something of some queue */
    int64_t units;
    size_t tasks;
};
bool router_load(const struct router *r, struct str agent, struct routing_load *out);
size_t router_tasks(const struct router *r);
#endif
