/* dispatch/view_queue.c - queues as supervisors see them: what waits, and who is there for it. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"

enum { LIST_JSON_MAX = 16 << 20 };

/* Queues first, then all agents. */
struct queues_view {
    struct owed *owed;
    char **ids;
    struct queue_now *queues;
    size_t n;
    struct arena texts; /* what the queues' views look at */
    char **agents;
    size_t agents_n;
    bool one;
};

/* Of those that take tasks: busy is who is available and has no unit left. */
struct staff {
    int64_t available, busy, away, offline;
};

static char **copy_ids(const struct str *ids, size_t n) {
    char **out = mem_new((n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = mem_dup(ids[i].p, ids[i].n);
    return out;
}

static void free_ids(char **ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
}

static void end(struct queues_view *v, const struct answer *a) {
    owed_tell(v->owed, a);
    free_ids(v->ids, v->n);
    free_ids(v->agents, v->agents_n);
    free(v->queues);
    arena_clear(&v->texts);
    free(v);
}

static void later(struct queues_view *v) {
    end(v, &(struct answer){.kind = ANSWER_LATER, .code = "store-unavailable"});
}

static bool serves(const struct agent_config *a, struct str queue) {
    for (size_t i = 0; i < a->queues.n; i++)
        if (str_eq(a->queues.items[i], queue))
            return a->takes_tasks;
    return false;
}

static void count_one(struct staff *s, const struct agent_config *a, const struct agent_now *now) {
    int64_t units = 0;
    for (size_t i = 0; i < now->held_n; i++)
        units += now->held[i].weight;
    if (str_is(now->presence.state, "away") || str_is(now->presence.state, "draining"))
        s->away++;
    else if (!str_is(now->presence.state, "available"))
        s->offline++;
    else if (units >= agent_units(a))
        s->busy++;
    else
        s->available++;
}

static struct staff staff_of(const struct queues_view *v, const struct people *p, struct str queue,
                             const struct agent_now *agents) {
    struct staff s = {0};
    for (size_t i = 0; i < v->agents_n; i++) {
        const struct agent_config *a = people_agent(p, str_c(v->agents[i]));
        if (a && serves(a, queue))
            count_one(&s, a, &agents[i]);
    }
    return s;
}

static void write_pause(struct jwrite *w, const struct queue_now *q) {
    if (!q->paused_ms) {
        jwrite_null(w, "paused");
        return;
    }
    jwrite_open(w, "paused", '{');
    jwrite_time(w, "since", q->paused_ms);
    jwrite_str(w, "by", q->paused_by);
    jwrite_str(w, "reason", q->paused_reason.n ? q->paused_reason : STR_NONE);
    jwrite_close(w, '}');
}

static void write_share(struct jwrite *w, const char *name, int64_t part, int64_t of) {
    char text[32];
    if (of <= 0) {
        jwrite_null(w, name);
        return;
    }
    int64_t thousandths = part * 1000 / of;
    snprintf(text, sizeof text, "%lld.%03lld", (long long)thousandths / 1000,
             (long long)thousandths % 1000);
    jwrite_raw(w, name, str_c(text));
}

/* Of the last 24 hours: sl of those that an agent took, sl2 with those that ended without one. */
static void write_level(struct jwrite *w, const struct service_level *level,
                        const struct queue_now *q) {
    int64_t target = level ? level->clocks[SERVICE_FIRST_RESPONSE].within_ms : 0;
    if (!target) {
        jwrite_null(w, "service_level");
        return;
    }
    jwrite_open(w, "service_level", '{');
    jwrite_int(w, "target_s", target / 1000);
    write_share(w, "sl", q->taken_within, q->taken);
    write_share(w, "sl2", q->taken_within + q->left_within, q->taken + q->left);
    jwrite_close(w, '}');
}

/* sl and sl2 are of the tasks that had a deadline, all else of all. */
static void write_members(struct jwrite *w, const struct queue_now *q) {
    static const char *const names[] = {"p50_s", "p95_s", "p99_s"};
    jwrite_int(w, "taken", q->taken_all);
    jwrite_int(w, "left", q->left_all);
    write_share(w, "abandonment", q->left_all, q->taken_all + q->left_all);
    jwrite_open(w, "wait", '{');
    for (size_t i = 0; i < COUNT(names); i++)
        if (q->taken_all)
            jwrite_int(w, names[i], q->wait_s[i]);
        else
            jwrite_null(w, names[i]);
    jwrite_close(w, '}');
    write_share(w, "sl", q->taken_within, q->taken);
    write_share(w, "sl2", q->taken_within + q->left_within, q->taken + q->left);
    write_share(w, "occupancy", q->busy_ms, q->busy_ms + q->free_ms);
}

static void write_figures(struct jwrite *w, const struct queue_now *q) {
    jwrite_open(w, "figures", '{');
    write_members(w, q);
    jwrite_close(w, '}');
}

static void write_queue(struct jwrite *w, struct str id, const struct queue_now *q,
                        const struct staff *s, const struct service_level *level) {
    int64_t waited = q->oldest_ms ? (clock_wall_ms() - q->oldest_ms) / 1000 : 0;
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "id", id);
    jwrite_int(w, "waiting", q->waiting);
    jwrite_int(w, "offered", q->offered);
    jwrite_int(w, "accepted", q->accepted);
    jwrite_time(w, "oldest_at", q->oldest_ms ? q->oldest_ms : -1);
    jwrite_int(w, "longest_wait_s", waited > 0 ? waited : 0);
    jwrite_open(w, "agents", '{');
    jwrite_int(w, "available", s->available);
    jwrite_int(w, "busy", s->busy);
    jwrite_int(w, "away", s->away);
    jwrite_int(w, "offline", s->offline);
    jwrite_close(w, '}');
    write_pause(w, q);
    write_level(w, level, q);
    write_figures(w, q);
    jwrite_close(w, '}');
}

static void on_agents(void *arg, bool ok, const struct agent_now *agents, size_t n) {
    struct queues_view *v = arg;
    const struct dispatch *d = v->owed->waits.d;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, LIST_JSON_MAX);
    if (!ok || !d || n != v->agents_n) {
        later(v);
        return;
    }
    jwrite_init(&w, &b);
    if (!v->one) {
        jwrite_open(&w, NULL, '{');
        jwrite_open(&w, "items", '[');
    }
    for (size_t i = 0; i < v->n; i++) {
        struct staff s = staff_of(v, d->people, str_c(v->ids[i]), agents);
        write_queue(&w, str_c(v->ids[i]), &v->queues[i], &s,
                    times_level(d->times, d->people, str_c(v->ids[i])));
    }
    if (!v->one) {
        jwrite_close(&w, ']');
        jwrite_null(&w, "next");
        jwrite_close(&w, '}');
    }
    if (w.ok)
        end(v, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    else
        later(v);
}

static void on_queues(void *arg, bool ok, const struct queue_now *queues, size_t n) {
    struct queues_view *v = arg;
    struct dispatch *d = v->owed->waits.d;
    if (!ok || !d || n != v->n) {
        later(v);
        return;
    }
    struct str *ids = mem_new((d->people->agents_n + 1) * sizeof *ids);
    for (size_t i = 0; i < d->people->agents_n; i++)
        ids[i] = d->people->agents[i].id;
    v->queues = mem_new((n + 1) * sizeof *v->queues);
    for (size_t i = 0; i < n; i++) {
        v->queues[i] = queues[i];
        v->queues[i].paused_by = arena_str(&v->texts, queues[i].paused_by);
        v->queues[i].paused_reason = arena_str(&v->texts, queues[i].paused_reason);
    }
    v->agents_n = d->people->agents_n;
    v->agents = copy_ids(ids, v->agents_n);
    store_agents_now(d->store, ids, v->agents_n, on_agents, v);
    free(ids);
}

static void ask(struct dispatch *d, const struct str *ids, size_t n, bool one, answer_fn *done,
                void *arg) {
    struct queues_view *v = NEW(struct queues_view);
    v->owed = owed_new(d, done, arg);
    v->one = one;
    v->n = n;
    v->ids = copy_ids(ids, n);
    arena_init(&v->texts);
    store_queues_now(d->store, ids, n, on_queues, v);
}

void dispatch_queues(struct dispatch *d, struct tl_strs queues, answer_fn *done, void *arg) {
    struct str *ids = mem_new((d->people->queues_n + 1) * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < d->people->queues_n; i++) {
        struct str id = d->people->queues[i].id;
        if (people_share((struct tl_strs){&id, 1}, queues))
            ids[n++] = id;
    }
    ask(d, ids, n, false, done, arg);
    free(ids);
}

void dispatch_queue(struct dispatch *d, struct str queue, answer_fn *done, void *arg) {
    if (people_queue(d->people, queue))
        ask(d, &queue, 1, true, done, arg);
    else
        owed_later(owed_new(d, done, arg), ANSWER_NOT_FOUND, NULL, NULL, NULL);
}

/* ---- by hour ---- */

static void on_hours(void *arg, bool ok, const int64_t *began_ms, const struct queue_now *hours,
                     size_t n) {
    struct owed *o = arg;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, LIST_JSON_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "items", '[');
    for (size_t i = 0; i < n; i++) {
        jwrite_open(&w, NULL, '{');
        jwrite_time(&w, "from", began_ms[i]);
        write_members(&w, &hours[i]);
        jwrite_close(&w, '}');
    }
    jwrite_close(&w, ']');
    jwrite_null(&w, "next");
    jwrite_close(&w, '}');
    if (ok && w.ok && o->waits.d)
        owed_tell(o, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    else
        owed_tell(o, &(struct answer){.kind = ANSWER_LATER, .code = "store-unavailable"});
}

void dispatch_queue_hours(struct dispatch *d, struct str queue, struct tl_strs queues,
                          answer_fn *done, void *arg) {
    struct owed *o = owed_new(d, done, arg);
    if (people_queue(d->people, queue) && people_share((struct tl_strs){&queue, 1}, queues))
        store_queue_hours(d->store, queue, on_hours, o);
    else
        owed_later(o, ANSWER_NOT_FOUND, NULL, NULL, NULL);
}
