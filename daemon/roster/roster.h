/* roster/roster.h - who works, in which queues, and when: the file's word on it, as the router
 * takes it.
 *
 * Our own copies of agents, queues, units, calendars and service levels: the file's go with the
 * next reload. No clock, no loop, no store: the daemon's router and one that replays recorded days
 * are told the same by the same functions.
 *
 * Called by: dispatch/, replay/.
 */
#ifndef ROSTER_ROSTER_H
#define ROSTER_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/map.h>
#include <touchline/plugin.h>

#include "config/people.h"
#include "config/time.h"
#include "routing/calendar.h"
#include "routing/router.h"
#include "routing/service_level.h"

/* Sections of the file; those that may be NULL mean that it says nothing of them. */
struct roster_config {
    const struct tl_items *agents, *queues; /* struct agent_config, struct queue_config */
    const struct tl_ints *units;
    bool german;                               /* explanations, where nothing else is asked for */
    const struct tl_items *calendars, *levels; /* config/time.h; NULL: none */
    const struct blocks_config *blocks;        /* NULL: none */
    const struct key_accounts_config *key_accounts; /* NULL: no wait */
};

/* ---- people.c ---- */
struct people {
    struct arena arena;
    struct agent_config *agents;
    size_t agents_n;
    struct queue_config *queues;
    size_t queues_n;
    struct map agent_by_id, queue_by_id;
    struct tl_ints units;
    struct blocks_config blocks;
    int64_t hard_wait_ms;
    bool german;
    char *rules; /* lines for store_task_move */
};
struct people *people_new(const struct roster_config *c);
void people_free(struct people *p);
const struct agent_config *people_agent(const struct people *p, struct str id); /* NULL: none */
const struct queue_config *people_queue(const struct people *p, struct str id);
/* Step i of a queue; NULL: it has none. */
const struct step_config *people_step(const struct people *p, struct str queue, size_t i);
bool people_share(struct tl_strs a, struct tl_strs b); /* a queue in common; b empty: all */

/* ---- times.c ---- */
struct times {
    struct arena arena;
    struct calendar **calendars;
    size_t calendars_n;
    struct service_level *levels;
    size_t levels_n;
};
struct times *times_new(const struct roster_config *c);
void times_free(struct times *t);
const struct calendar *times_calendar(const struct times *t, struct str id); /* NULL: none */
/* What a queue's tasks are promised; NULL: nothing. */
const struct service_level *times_level(const struct times *t, const struct people *p,
                                        struct str queue);

/* ---- router.c ---- */
/* A router that knows them all. It looks at the calendars of `t`, which must live as long. */
struct router *roster_router(const struct people *p, const struct times *t, int64_t now_ms);

/* ---- task.c ---- */
enum { ROSTER_NEEDS_MAX = 32, ROSTER_EXCLUDED_MAX = 256 };
/* Views into the JSON that it was read from, and into itself: not to be copied. */
struct roster_task {
    struct routing_task task;
    struct routing_need needs[ROSTER_NEEDS_MAX];
    struct routing_excluded excluded[ROSTER_EXCLUDED_MAX];
    struct str added[ROUTING_ADDED_MAX], more[ROUTING_OFFERS_MAX];
};
/* own: store/route.h. now_ms: for its next deadline. */
void roster_task_read(const json_t *own, const struct people *p, const struct times *t,
                      int64_t now_ms, struct roster_task *out);
struct service_facts roster_facts(const json_t *own);

#endif
