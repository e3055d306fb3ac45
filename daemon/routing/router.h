/* routing/router.h - who gets which task, when, and why. Pure: events and a clock in, decisions
 * out.
 *
 *   task, agent, stream, answer ──► router ──► router_decide(now): offer, return, step, end, wake, …
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
    ROUTING_OFFERS_MAX = 50, /* agents that are offered one task at a time */
    ROUTING_STEPS_MAX = 32,  /* of one queue */
    ROUTING_ADDED_MAX = 8,   /* queues that steps add to one task */
    ROUTING_TIERS_MAX = 10,
};

/* config/people.h says what an operator writes; the same words here. */
struct routing_membership {
    struct str queue;
    int64_t tier;   /* 1 to ROUTING_TIERS_MAX: lower ones are asked first */
    int64_t weight; /* strategy weighted: his share; from 1 */
};
struct routing_agent {
    struct str id;
    const struct routing_membership *queues;
    size_t queues_n;
    struct tl_ints skills;   /* name -> level */
    struct tl_ints channels; /* name -> tasks of it at once; absent: units only */
    int64_t units;           /* open work in all */
    int64_t lost_after_ms;
};

enum routing_strategy {
    ROUTING_LONGEST_IDLE,
    ROUTING_LEAST_LOAD,
    ROUTING_ROUND_ROBIN,  /* the ring of the members, after the one who was offered last */
    ROUTING_WEIGHTED,     /* in turn, each by his weight in the queue */
    ROUTING_BROADCAST,    /* to several at once, in the order of longest idle */
    ROUTING_BEST_SKILL,   /* the highest sum of the levels that are asked for */
    ROUTING_ENOUGH_SKILL, /* the least that is enough: keeps experts free */
    ROUTING_STRATEGIES
};
enum routing_order {
    ROUTING_STRICT, /* priority with ageing, then age */
    ROUTING_SCORE,  /* priority plus ageing_by for each ageing_every waited, in fractions, uncapped
                     */
    ROUTING_SLACK, /* least open time to the deadline, less the expected handle time; then strict */
    ROUTING_LIFO,  /* the newest first, whatever its priority */
};
/* When a step of a queue is due, for each task that waits, once; all that is set must hold of
 * after_ms or after_percent, and `waiting` alone. What it does is told back with the task. */
struct routing_step {
    int64_t after_ms;      /* age in the queue; with neither percent nor waiting */
    int64_t after_percent; /* of the open time from due_from to due; 0: not so */
    int64_t waiting;       /* so many wait in the queue, the one that has just come included; 0 */
    bool skip_if_none_available; /* at once while no agent of the queue is available */
};
struct calendar;
struct routing_queue {
    struct str id;
    enum routing_strategy strategy;
    enum routing_order order;
    bool paused;    /* nothing is offered */
    int64_t weight; /* between queues of one agent: the higher first */
    int64_t ageing_every_ms, ageing_by, ageing_cap;
    int64_t offer_ms, call_offer_ms; /* call 0: as offer */
    int64_t offer_to;                /* agents at a time; 0: 1, with broadcast as many as may be */
    int64_t missed_limit, missed_holdoff_ms;
    bool penalise_reject; /* who refuses or misses an offer is idle from then on only */
    int64_t sticky_window_ms, sticky_wait_ms;
    int64_t
        tier_wait_ms; /* tier n opens after n - 1 of these, or with nobody there below; 0: all */
    int64_t handle_ms, call_handle_ms; /* expected, for SLACK; call 0: as handle */
    const struct calendar *calendar;   /* of its deadlines; NULL: around the clock. Must live as
                                        * long as the router, or until it is set anew */
    const struct routing_step *steps;  /* copied */
    size_t steps_n;
};
/* Holding a task of `channel` keeps offers of `blocked` away. "all": of every channel. */
struct routing_block {
    struct str channel;
    struct tl_strs blocked;
};
void router_set_blocks(struct router *r, const struct routing_block *blocks, size_t n,
                       int64_t now_ms);
/* How long a key account waits for his manager at most; before that for nobody else. */
void router_set_hard_wait(struct router *r, int64_t hard_wait_ms);
/* Adds or changes. An agent or queue that is dropped stays known while tasks name it: his offers
 * and his work return, its tasks wait. */
void router_set_agent(struct router *r, const struct routing_agent *a, int64_t now_ms);
void router_drop_agent(struct router *r, struct str id, int64_t now_ms);
void router_set_queue(struct router *r, const struct routing_queue *q, int64_t now_ms);
void router_drop_queue(struct router *r, struct str id, int64_t now_ms);
/* A queue's rule stays, but for `paused`; one that nobody knows stays unknown. */
void router_pause_queue(struct router *r, struct str id, bool paused, int64_t now_ms);
/* Names of the strategies and orders as config.md has them, in the order of the enums; NULL ends.
 */
const char *router_strategy(size_t i);
const char *router_order(size_t i);
/* Whose turn it was, of a queue by round robin or weight: as an OFFER told it, kept outside so that
 * the next router goes on from there. Told in any order before the first decision. */
void router_turn(struct router *r, struct str queue, struct str agent, int64_t turn);

/* ---- what happens ---- */
/* DRAINING: gets nothing new, keeps what he has, and is offline once that has ended. */
enum routing_presence { ROUTING_OFFLINE, ROUTING_AWAY, ROUTING_AVAILABLE, ROUTING_DRAINING };

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
 *  OFFERED   reserved: agent (and `more`, where it is offered to several), offer, until_ms
 *            (expires) are set; counts in the load of each
 *  ACCEPTED  the agent works on it; until_ms, where set: untouched until then, it comes back
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
    ROUTING_WISH_SNOOZE,
    ROUTING_WISH_KEY, /* manager of a key account where he is there, then the deputy, then all */
    ROUTING_WISH_KEY_HARD, /* the same, but up to the hard wait also while he is not there */
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
    int64_t entered_ms; /* into this queue: steps and tiers count from here; 0: as created */
    const struct routing_need *needs;
    size_t needs_n;
    const struct str *added; /* further queues whose agents may have it, added by steps */
    size_t added_n;
    uint32_t steps;              /* bit i: step i of its queue has been taken */
    int64_t due_ms, due_from_ms; /* its next deadline, and when that clock began; 0: none */
    struct str agent;
    const struct str *more; /* OFFERED: to these too */
    size_t more_n;
    int64_t offer; /* number of the last offer */
    int64_t until_ms;
    const struct routing_excluded *excluded; /* who refused or missed it */
    size_t excluded_n;
    enum routing_wish wish;
    struct str wish_agent;
    struct str deputy;    /* KEY: after the manager; may be absent */
    int64_t wish_seen_ms; /* LAST: when he had the contact */
    int64_t wish_from_ms; /* waiting for him counts from here */
};
void router_task(struct router *r, const struct routing_task *t, int64_t now_ms);
void router_task_gone(struct router *r, struct str id, int64_t now_ms);

/* ---- what it decides ---- */
enum routing_what {
    ROUTING_OFFER,  /* task to those of `to`, until expires_ms: one call carries all or none */
    ROUTING_RETURN, /* task back into its queue from agent: cause. EXPIRED: from all who have the
                     * offer; another cause leaves it with the others who have it */
    ROUTING_END,    /* wrap-up is over: done */
    ROUTING_WAKE,   /* snoozed long enough: waiting */
    ROUTING_STEP,   /* a waiting task takes step `step` of its queue */
    ROUTING_REST,   /* presence of agent becomes away("missed") */
    ROUTING_LEAVE,  /* presence of agent, who was draining and has nothing left, becomes offline */
};
enum routing_cause {
    ROUTING_EXPIRED,
    ROUTING_NOT_AVAILABLE,
    ROUTING_DISCONNECTED,
    ROUTING_UNKNOWN_AGENT,
    ROUTING_UNTOUCHED, /* accepted, and nothing done about it */
};

enum { ROUTING_REASON_MAX = 96 };
/* An agent of an OFFER; units and channel_max are his, to be checked again where it is carried out.
 */
struct routing_offered {
    struct str agent;
    int64_t units, channel_max;
};
/* Views hold until the next call of the router. */
struct routing_decision {
    enum routing_what what;
    struct str task, agent;           /* OFFER: the first of `to` */
    int64_t rev, offer;               /* as the router knows them; OFFER: the last one's number */
    int64_t expires_ms;               /* OFFER */
    int64_t weight;                   /* OFFER */
    const struct routing_offered *to; /* OFFER */
    size_t to_n;
    struct str turn_queue; /* OFFER: whose turn moved to `agent`, for router_turn; absent: none's */
    int64_t turn;
    struct str queue;                /* STEP: of the task */
    size_t step;                     /* STEP */
    bool penalise;                   /* RETURN: who let it pass is idle from now on only */
    bool ask_again;                  /* OFFER: everybody had refused, exclusions are forgotten */
    size_t able;                     /* OFFER: how many could have had it (counted up to a bound) */
    enum routing_cause cause;        /* RETURN */
    int64_t exclude_until_ms;        /* RETURN: not to this agent before; 0: he may have it again */
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
