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

struct router;

/* What speaks against an agent, in the order in which it is told: the first that holds. */
enum routing_why {
    ROUTING_WHY_NOT, /* nothing: he could have it */
    ROUTING_WHY_HOLDER,
    ROUTING_WHY_UNKNOWN,
    ROUTING_WHY_SKILL,
    ROUTING_WHY_OFFLINE,
    ROUTING_WHY_AWAY,
    ROUTING_WHY_LOST,
    ROUTING_WHY_EXCLUDED,
    ROUTING_WHY_WRAPUP,
    ROUTING_WHY_UNITS,
    ROUTING_WHY_CHANNEL,
    ROUTING_WHY_STRATEGY, /* he could have it, and another comes first, or has it */
    ROUTING_WHYS
};

/* Views hold until the router's next call. */
struct routing_candidate {
    struct str agent;
    enum routing_why why;
    int64_t until_ms;   /* EXCLUDED, WRAPUP; 0: not known */
    struct str skill;   /* SKILL: the first that he lacks */
    int64_t have, want; /* SKILL, UNITS (used, of all), CHANNEL (open, at most) */
    int64_t units, units_max, idle_since_ms; /* what the strategies compare */
    const void *order;                       /* of explain.c */
};

struct routing_explained {
    struct str queue, channel;
    int64_t weight, now_ms;
    bool queue_known, paused;
    const char *strategy;                 /* as told: "longest idle" */
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
};
/* false: the router does not know the task. */
bool routing_explain(struct router *r, struct str task, struct routing_explained *out);
void routing_explained_clear(struct routing_explained *e);

#endif
