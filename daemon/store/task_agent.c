/* store/task_agent.c - agents and queues as they are now, presence, streams. */
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/touchpoint.h>

#include "store/task_priv.h"

enum { PRESENCE_JSON_MAX = 2048 };

/* ---- presence ---- */

void task_on_presence(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf json;
    struct jwrite w;
    buf_init(&json, PRESENCE_JSON_MAX);
    if (f || r->type != STORE_ARRAY || r->n != 3) {
        task_later(arg, f);
        return;
    }
    struct str reason = task_item(r, 1);
    jwrite_init(&w, &json);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "state", task_item(r, 0));
    jwrite_str(&w, "reason", reason.n ? reason : STR_NONE);
    jwrite_time(&w, "since", task_item_int(r, 2));
    jwrite_close(&w, '}');
    if (w.ok)
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&json)});
    else
        task_later(arg, NULL);
}

void store_presence_put(struct store *s, int64_t now_ms, struct str agent, struct str state,
                        struct str reason, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, now_ms);
    task_arg(&a, agent);
    task_arg(&a, state);
    task_arg(&a, reason);
    task_call(s, "presence", false, &a, task_on_presence, task_question_new(done, arg));
}

void store_presence_back(struct store *s, const struct route_presence *p) {
    struct task_args a = {0};
    task_arg(&a, p->agent);
    task_arg(&a, p->state);
    task_arg(&a, p->reason);
    task_arg_int(&a, p->since_ms);
    task_call(s, "presence_back", false, &a, task_said, NULL);
}

/* ---- streams ---- */

void store_streams_put(struct store *s, int64_t now_ms, struct str daemon, int64_t ttl_ms,
                       const struct str *agents, size_t n) {
    char now[24], ttl[24];
    if (n == 0)
        return;
    struct str *args = mem_new((n + 3) * sizeof *args);
    args[0] = store_int(now_ms, now);
    args[1] = daemon;
    args[2] = store_int(ttl_ms, ttl);
    for (size_t i = 0; i < n; i++)
        args[3 + i] = agents[i];
    task_call_many(s, "streams", false, args, n + 3, task_said, NULL);
    free(args);
}

void store_stream_end(struct store *s, int64_t now_ms, struct str daemon, struct str agent) {
    struct task_args a = {0};
    task_arg_int(&a, now_ms);
    task_arg(&a, daemon);
    task_arg(&a, agent);
    task_call(s, "stream_end", false, &a, task_said, NULL);
}

void store_streams_sweep(struct store *s, int64_t fence, int64_t now_ms) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_call(s, "streams_sweep", false, &a, task_said, NULL);
}

void store_figures_sample(struct store *s, int64_t fence, const struct queue_staff *staff,
                          size_t n) {
    struct arena mem;
    arena_init(&mem);
    struct str *args = arena_new(&mem, (3 * n + 1) * sizeof *args);
    args[0] = arena_strf(&mem, "%lld", (long long)fence);
    for (size_t i = 0; i < n; i++) {
        args[3 * i + 1] = staff[i].queue;
        args[3 * i + 2] = arena_strf(&mem, "%lld", (long long)staff[i].busy);
        args[3 * i + 3] = arena_strf(&mem, "%lld", (long long)staff[i].available);
    }
    task_call_many(s, "figures_sample", false, args, 3 * n + 1, task_said, NULL);
    arena_clear(&mem);
}

/* ---- views ---- */

struct view {
    agents_now_fn *agents;
    queues_now_fn *queues;
    queue_hours_fn *hours;
    desk_fn *desk;
    void *arg;
    size_t n;
};

static struct view *view_new(size_t n, void *arg) {
    struct view *v = NEW(struct view);
    v->n = n;
    v->arg = arg;
    return v;
}

static void agent_read(struct arena *mem, const struct store_reply *r, struct agent_now *out) {
    out->presence = (struct route_presence){.state = task_item(r, 0),
                                            .reason = task_item(r, 1),
                                            .since_ms = task_item_int(r, 2),
                                            .lost_ms = task_item_int(r, 3)};
    if (r->type != STORE_ARRAY || r->n < 5 || r->items[4].type != STORE_ARRAY)
        return;
    const struct store_reply *all = &r->items[4];
    struct store_held *held = arena_new(mem, (all->n / 2 + 1) * sizeof *held);
    for (size_t i = 0; i + 1 < all->n; i += 2) {
        struct str rest = task_item(all, i + 1), weight = str_cut(&rest, ' ');
        held[i / 2] = (struct store_held){
            .task = task_item(all, i), .channel = rest, .weight = task_int(weight)};
    }
    out->held = held;
    out->held_n = all->n / 2;
}

static void on_agents(void *arg, const struct store_reply *r, const struct fault *f) {
    struct view v = *(struct view *)arg;
    struct arena mem;
    free(arg);
    if (f || r->type != STORE_ARRAY || r->n != v.n) {
        v.agents(v.arg, false, NULL, 0);
        return;
    }
    arena_init(&mem);
    struct agent_now *all = arena_new(&mem, (v.n + 1) * sizeof *all);
    for (size_t i = 0; i < v.n; i++)
        agent_read(&mem, &r->items[i], &all[i]);
    v.agents(v.arg, true, all, v.n);
    arena_clear(&mem);
}

void store_agents_now(struct store *s, const struct str *agents, size_t n, agents_now_fn *done,
                      void *arg) {
    struct view *v = view_new(n, arg);
    v->agents = done;
    task_call_many(s, "agents", true, agents, n, on_agents, v);
}

/* Figures of a span, from item `at` on. */
static void figures_read(const struct store_reply *r, size_t at, struct queue_now *out) {
    int64_t *const places[] = {&out->taken,       &out->taken_within, &out->left,
                               &out->left_within, &out->wait_s[0],    &out->wait_s[1],
                               &out->wait_s[2],   &out->taken_all,    &out->left_all,
                               &out->busy_ms,     &out->free_ms};
    for (size_t i = 0; i < COUNT(places); i++)
        *places[i] = task_item_int(r, at + i);
}

static void on_queues(void *arg, const struct store_reply *r, const struct fault *f) {
    struct view v = *(struct view *)arg;
    free(arg);
    if (f || r->type != STORE_ARRAY || r->n != v.n) {
        v.queues(v.arg, false, NULL, 0);
        return;
    }
    struct queue_now *all = mem_new((v.n + 1) * sizeof *all);
    for (size_t i = 0; i < v.n; i++) {
        all[i] = (struct queue_now){.waiting = task_item_int(&r->items[i], 0),
                                    .offered = task_item_int(&r->items[i], 1),
                                    .accepted = task_item_int(&r->items[i], 2),
                                    .oldest_ms = task_item_int(&r->items[i], 3),
                                    .paused_ms = task_item_int(&r->items[i], 4),
                                    .paused_by = task_item(&r->items[i], 5),
                                    .paused_reason = task_item(&r->items[i], 6)};
        figures_read(&r->items[i], 7, &all[i]);
    }
    v.queues(v.arg, true, all, v.n);
    free(all);
}

static void on_hours(void *arg, const struct store_reply *r, const struct fault *f) {
    enum { HOURS_MAX = 25 };
    struct view v = *(struct view *)arg;
    int64_t began[HOURS_MAX];
    struct queue_now hours[HOURS_MAX] = {{0}};
    size_t n = 0;
    free(arg);
    for (; !f && r->type == STORE_ARRAY && n < r->n && n < HOURS_MAX; n++) {
        began[n] = task_item_int(&r->items[n], 0);
        figures_read(&r->items[n], 1, &hours[n]);
    }
    v.hours(v.arg, !f && r->type == STORE_ARRAY, began, hours, n);
}

void store_queue_hours(struct store *s, struct str queue, queue_hours_fn *done, void *arg) {
    struct view *v = view_new(1, arg);
    v->hours = done;
    task_call_many(s, "queue_hours", true, &queue, 1, on_hours, v);
}

void store_queues_now(struct store *s, const struct str *queues, size_t n, queues_now_fn *done,
                      void *arg) {
    struct view *v = view_new(n, arg);
    v->queues = done;
    task_call_many(s, "queues", true, queues, n, on_queues, v);
}

static void on_desk(void *arg, const struct store_reply *r, const struct fault *f) {
    struct view v = *(struct view *)arg;
    free(arg);
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        v.desk(v.arg, false, STR_NONE, NULL, 0);
        return;
    }
    struct str *tasks = mem_new(r->n * sizeof *tasks);
    for (size_t i = 1; i < r->n; i++)
        tasks[i - 1] = task_item(r, i);
    v.desk(v.arg, true, task_item(r, 0), tasks, r->n - 1);
    free(tasks);
}

void store_desk(struct store *s, struct str agent, desk_fn *done, void *arg) {
    struct view *v = view_new(0, arg);
    v->desk = done;
    task_call_many(s, "desk", true, &agent, 1, on_desk, v);
}
