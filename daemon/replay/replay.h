/* replay/replay.h - recorded days through the router again, under a virtual clock.
 *
 *   archive's lines ──► record ──┬──► figures as they were
 *                                └──► run(people, times): arrivals and presences as recorded, the
 *                                     router's decisions carried out at once ──► figures
 *
 * Pure and without chance: the same record and configuration give the same figures. What the model
 * takes over from the record, and what it cannot know, is told in docs/simulate.md.
 *
 * Called by: cli/simulate.c, tests, the benchmark.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/fault.h>
#include <touchline/kit/map.h>

#include "roster/roster.h"

enum { REPLAY_NEEDS_MAX = 8 };

struct replay_need {
    const char *skill;
    int64_t min;
};
/* A task as it was asked for, and what became of it; times in ms, 0: did not come about. */
struct replay_task {
    const char *id, *queue, *channel, *wish, *wish_agent, *deputy;
    int64_t priority, created_ms, wanted_ms, wish_seen_ms;
    struct replay_need needs[REPLAY_NEEDS_MAX];
    size_t needs_n;
    /* as recorded */
    const char *taken_by, *taken_queue;
    int64_t offered_ms, taken_ms, replied_ms, ended_ms;
    int64_t left_ms; /* ended, and no agent had ever taken it */
};
struct replay_presence {
    int64_t at_ms;
    const char *agent;
    enum routing_presence presence;
    bool lost; /* without a stream */
};
struct replay_agent { /* as recorded */
    const char *id;
    enum routing_presence presence;
    bool lost;
    int64_t open, since_ms, busy_ms, available_ms;
};
struct replay_record {
    struct arena arena;
    int64_t from_ms, to_ms;     /* tasks created in between; presences also before */
    struct replay_task **tasks; /* by their creation */
    size_t tasks_n, tasks_room;
    struct replay_presence *presences;
    size_t presences_n, presences_room;
    struct map by_id, agents; /* struct replay_task, struct replay_agent */
    size_t ignored;           /* lines of kinds that are not known, or about what was not seen */
};
void replay_record_init(struct replay_record *r, int64_t from_ms, int64_t to_ms);
void replay_record_clear(struct replay_record *r);
/* One line of the archive, in the order of time. Faults: INPUT, it is no JSON object. */
bool replay_record_line(struct replay_record *r, struct str line, struct fault *f) must_check;
/* After the last line: closes what is open at to_ms. */
void replay_record_end(struct replay_record *r);

/* ---- figures ---- */
enum { REPLAY_BREACHES = 3 }; /* first_response, resolve, acknowledge */
struct replay_queue {
    const char *id;
    int64_t tasks, taken, within, promised; /* promised: of taken, those with a deadline */
    int64_t left, left_within;
    int64_t wait_p50_s, wait_p95_s, wait_p99_s, wait_max_s;
    int64_t breaches[REPLAY_BREACHES];
    int64_t busy_ms, available_ms; /* of its agents */
};
struct replay_figures {
    struct arena arena;
    struct replay_queue *queues; /* by id, then all of them, id "*" */
    size_t queues_n;
};
void replay_figures_clear(struct replay_figures *f);
const struct replay_queue *replay_figures_queue(const struct replay_figures *f, const char *id);

/* As it was, with the promises of these levels. */
void replay_recorded(const struct replay_record *r, const struct people *p, const struct times *t,
                     struct replay_figures *out);
/* As it would have been. */
void replay_run(const struct replay_record *r, const struct people *p, const struct times *t,
                struct replay_figures *out);

#endif
