/* routing/explain.h - why a task is where it is, by the router's own predicates.
 *
 * What stands here is facts; dispatch/explain_text.c says them. Every "no" of the match is one of
 * the reasons below, told by the very function that the match asks.
 *
 * Called by: dispatch/explain.c, tests.
 */
#ifndef ROUTING_EXPLAIN_H
#define ROUTING_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/str.h>

#include "routing/router.h"

/* What speaks against an agent, in the order in which it is told: the first that holds. */
enum routing_why {
    ROUTING_WHY_NOT, /* nothing: he could have it */
    ROUTING_WHY_HOLDER,
    ROUTING_WHY_UNKNOWN,
    ROUTING_WHY_SKILL,
    ROUTING_WHY_OFFLINE,
    ROUTING_WHY_AWAY,
    ROUTING_WHY_DRAINING,
    ROUTING_WHY_LOST,
    ROUTING_WHY_EXCLUDED,
    ROUTING_WHY_WRAPUP,
    ROUTING_WHY_BLOCKED,
    ROUTING_WHY_UNITS,
    ROUTING_WHY_CHANNEL,
    ROUTING_WHY_TIER,
    ROUTING_WHY_STRATEGY, /* he could have it, and another comes first, or has it */
    ROUTING_WHYS
};

/* Views hold until the router's next call. */
struct routing_candidate {
    struct str agent;
    enum routing_why why;
    int64_t until_ms;   /* EXCLUDED, WRAPUP, TIER (opens then); 0: not known */
    struct str thing;   /* SKILL: the first that he lacks; BLOCKED: the channel that he holds */
    int64_t have, want; /* SKILL, UNITS (used, of all), CHANNEL (open, at most), TIER (his, open) */
    int64_t units, units_max, idle_since_ms;    /* what the strategies compare */
    int64_t tier, skill_sum, skill_spare, turn; /* likewise; turn: how many are before him */
    struct str queue;                           /* through which he may have it */
    const void *agent_at, *member_at;           /* of explain.c */
};

struct routing_explained {
    struct str queue, channel;
    int64_t weight, now_ms;
    bool queue_known, paused;
    enum routing_strategy strategy;
    struct routing_candidate *candidates; /* the best first, then who else fits, then by reason */
    size_t candidates_n, count[ROUTING_WHYS];
    bool waiting;
    /* Of a waiting task: */
    bool under_way;          /* a decision about it is being carried out */
    int64_t put_off_ms;      /* it was refused: not tried before; 0: not so */
    struct str wish_agent;   /* it waits for him, … */
    int64_t wish_until_ms;   /* … so long */
    bool all_refused;        /* everybody present who could; asked again … */
    int64_t ask_again_ms;    /* … then */
    size_t urgent, older;    /* who stands before it in its queue: worth more, or as old or older */
    int64_t worth, priority; /* with ageing, and without */
    struct str next;         /* the one right before it */
    enum routing_order order;
    int64_t slack_ms; /* INT64_MAX: the order does not ask for it, or no deadline */
    bool wish_deputy, wish_key;
    size_t step;     /* the next by time, from 1; 0: none */
    int64_t step_ms; /* when */
    size_t steps_taken;
    struct str added[ROUTING_ADDED_MAX]; /* queues that steps have added */
    size_t added_n;
};
/* false: the router does not know the task. */
bool routing_explain(struct router *r, struct str task, struct routing_explained *out);
void routing_explained_clear(struct routing_explained *e);

#endif
