/* replay/figures.c - outcomes into figures, by queue. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "replay/replay_priv.h"

struct tally {
    struct replay_queue *q;
    int64_t *waits; /* s */
    size_t n;
};

void replay_figures_clear(struct replay_figures *f) {
    arena_clear(&f->arena);
    *f = (struct replay_figures){0};
}

const struct replay_queue *replay_figures_queue(const struct replay_figures *f, const char *id) {
    for (size_t i = 0; i < f->queues_n; i++)
        if (strcmp(f->queues[i].id, id) == 0)
            return &f->queues[i];
    return NULL;
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const struct replay_queue *)a)->id, ((const struct replay_queue *)b)->id);
}

static void add_name(struct replay_figures *f, const char *id) {
    if (!replay_figures_queue(f, id))
        f->queues[f->queues_n++].id = arena_str(&f->arena, str_c(id)).p;
}

/* Queues of the file, and those that tasks were in. */
static void names(struct replay_figures *f, const struct people *p, const struct outcome *o,
                  size_t n) {
    size_t room = p->queues_n + 1, others = 0;
    for (size_t i = 0; i < n; i++)
        others += people_queue(p, str_c(o[i].queue)) == NULL;
    f->queues = arena_new(&f->arena, (room + others + 1) * sizeof *f->queues);
    for (size_t i = 0; i < p->queues_n; i++)
        f->queues[f->queues_n++].id = arena_str(&f->arena, p->queues[i].id).p;
    for (size_t i = 0; i < n && others; i++)
        add_name(f, o[i].queue);
    qsort(f->queues, f->queues_n, sizeof *f->queues, by_id);
    f->queues[f->queues_n++].id = "*";
}

static int64_t due_of(const struct service_level *level, const struct replay_task *t,
                      enum service_clock clock, int64_t now_ms) {
    struct service_facts facts = {.created_ms = t->created_ms, .wanted_ms = t->wanted_ms};
    return service_due(level, &facts, clock, now_ms).due_ms;
}

/* Later than promised, or not at all before the end of the span. */
static bool broken(int64_t due_ms, int64_t came_ms, int64_t to_ms) {
    return due_ms && (came_ms ? came_ms > due_ms : to_ms > due_ms);
}

static void count_one(struct tally *y, const struct service_level *level, const struct outcome *o,
                      int64_t to_ms) {
    struct replay_queue *q = y->q;
    const struct replay_task *t = o->task;
    int64_t due = due_of(level, t, SERVICE_FIRST_RESPONSE, to_ms);
    q->tasks++;
    if (o->taken_ms) {
        q->taken++;
        q->promised += due != 0;
        q->within += due && o->taken_ms <= due;
        y->waits[y->n++] = (o->taken_ms - t->created_ms) / 1000;
    } else if (o->left_ms) {
        q->left++;
        q->left_within += due && o->left_ms <= due;
    }
    if (o->left_ms)
        return;
    q->breaches[0] += broken(due, o->replied_ms, to_ms);
    q->breaches[1] += broken(due_of(level, t, SERVICE_RESOLVE, to_ms), o->ended_ms, to_ms);
    q->breaches[2] += broken(due_of(level, t, SERVICE_ACKNOWLEDGE, to_ms), o->taken_ms, to_ms);
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void percentiles(struct tally *y) {
    if (y->n == 0)
        return;
    qsort(y->waits, y->n, sizeof *y->waits, by_size);
    y->q->wait_p50_s = y->waits[(y->n - 1) * 50 / 100];
    y->q->wait_p95_s = y->waits[(y->n - 1) * 95 / 100];
    y->q->wait_p99_s = y->waits[(y->n - 1) * 99 / 100];
    y->q->wait_max_s = y->waits[y->n - 1];
}

static bool serves(const struct people *p, const char *agent, const char *queue) {
    const struct agent_config *a = people_agent(p, str_c(agent));
    for (size_t i = 0; a && i < a->queues.n; i++)
        if (str_is(a->queues.items[i], queue))
            return true;
    return a && strcmp(queue, "*") == 0;
}

static void count_time(struct replay_queue *q, const struct people *p, const struct worked *worked,
                       size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!serves(p, worked[i].agent, q->id))
            continue;
        q->busy_ms += worked[i].busy_ms;
        q->available_ms += worked[i].available_ms;
    }
}

static size_t place_of(const struct replay_figures *f, const char *id) {
    size_t low = 0, high = f->queues_n - 1;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(f->queues[mid].id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void replay_count(const struct people *p, const struct times *t, int64_t to_ms,
                  const struct outcome *outcomes, size_t n, const struct worked *worked,
                  size_t worked_n, struct replay_figures *out) {
    *out = (struct replay_figures){0};
    arena_init(&out->arena);
    names(out, p, outcomes, n);
    struct tally *tallies = mem_new(out->queues_n * sizeof *tallies);
    for (size_t i = 0; i < out->queues_n; i++)
        tallies[i] = (struct tally){&out->queues[i], mem_new((n + 1) * sizeof(int64_t)), 0};
    for (size_t i = 0; i < n; i++) {
        const struct service_level *level = times_level(t, p, str_c(outcomes[i].queue));
        count_one(&tallies[place_of(out, outcomes[i].queue)], level, &outcomes[i], to_ms);
        count_one(&tallies[out->queues_n - 1], level, &outcomes[i], to_ms);
    }
    for (size_t i = 0; i < out->queues_n; i++) {
        percentiles(&tallies[i]);
        count_time(tallies[i].q, p, worked, worked_n);
        free(tallies[i].waits);
    }
    free(tallies);
}

void replay_recorded(const struct replay_record *r, const struct people *p, const struct times *t,
                     struct replay_figures *out) {
    struct outcome *o = mem_new((r->tasks_n + 1) * sizeof *o);
    struct worked *worked = mem_new((r->agents.n + 1) * sizeof *worked);
    size_t n = 0, at = 0;
    for (size_t i = 0; i < r->tasks_n; i++) {
        const struct replay_task *k = r->tasks[i];
        o[i] = (struct outcome){k,           k->taken_queue ? k->taken_queue : k->queue,
                                k->taken_ms, k->replied_ms,
                                k->ended_ms, k->left_ms};
    }
    for (const struct replay_agent *a; (a = map_next(&r->agents, &at));)
        worked[n++] = (struct worked){a->id, a->busy_ms, a->available_ms};
    replay_count(p, t, r->to_ms, o, r->tasks_n, worked, n, out);
    free(worked);
    free(o);
}
