/* store/task_route.c - the router's lease, its writes, and what it begins with;
 * functions/task_route.lua. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>

#include "store/task_priv.h"

/* ---- lease ---- */

static void on_lease(void *arg, const struct store_reply *r, const struct fault *f) {
    char json[128];
    if (f || r->type != STORE_ARRAY || r->n != 3) {
        task_later(arg, f);
        return;
    }
    int n = snprintf(json, sizeof json, "{\"held\":%s,\"fence\":%lld,\"left_ms\":%lld}",
                     task_item_int(r, 0) ? "true" : "false", (long long)task_item_int(r, 1),
                     (long long)task_item_int(r, 2));
    task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = str_make(json, (size_t)n)});
}

void store_route_lease(struct store *s, struct str holder, int64_t ms, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg(&a, holder);
    task_arg_int(&a, ms);
    task_call(s, "route_lease", false, &a, on_lease, task_question_new(done, arg));
}

void store_route_leave(struct store *s, struct str holder) {
    task_call_many(s, "route_leave", false, &holder, 1, task_said, NULL);
}

/* ---- decisions carried out ---- */

struct carried {
    route_fn *done;
    void *arg;
};

static struct carried *carried_new(route_fn *done, void *arg) {
    struct carried *c = NEW(struct carried);
    *c = (struct carried){done, arg};
    return c;
}

static void on_carried(void *arg, const struct store_reply *r, const struct fault *f) {
    static const struct {
        const char *said;
        enum route_code code;
    } codes[] = {
        {"ok", ROUTE_DONE}, {"stale", ROUTE_STALE}, {"later", ROUTE_LATER}, {"fence", ROUTE_FENCE}};
    struct carried c = *(struct carried *)arg;
    struct route_result out = {.code = ROUTE_LOST};
    free(arg);
    for (size_t i = 0; !f && i < COUNT(codes); i++)
        if (str_is(task_item(r, 0), codes[i].said))
            out = (struct route_result){codes[i].code, task_item(r, 1), task_item(r, 2)};
    if (c.done)
        c.done(c.arg, &out);
}

void task_carried(struct store *s, const char *name, const struct task_args *a, route_fn *done,
                  void *arg) {
    task_call(s, name, false, a, on_carried, carried_new(done, arg));
}

enum { OFFER_ARGS = 10, OFFER_EACH = 3, OFFERED_MAX = 50, STEP_LINES_MAX = 64 << 10 };

void store_route_offer(struct store *s, int64_t fence, int64_t now_ms, const struct route_offer *o,
                       route_fn *done, void *arg) {
    struct str v[OFFER_ARGS + OFFER_EACH * OFFERED_MAX];
    char text[COUNT(v)][24];
    size_t n = 0, to_n = o->to_n < OFFERED_MAX ? o->to_n : OFFERED_MAX;
    v[n++] = store_int(fence, text[0]);
    v[n++] = store_int(now_ms, text[1]);
    v[n++] = o->task;
    v[n++] = store_int(o->rev, text[2]);
    v[n++] = store_int(o->expires_ms, text[3]);
    v[n++] = store_int(o->weight, text[4]);
    v[n++] = o->reason;
    v[n++] = str_c(o->ask_again ? "1" : "0");
    v[n++] = o->turn_queue.n ? o->turn_queue : str_c("");
    v[n++] = store_int(o->turn, text[5]);
    for (size_t i = 0; i < to_n; i++) {
        v[n] = o->to[i].agent;
        v[n + 1] = store_int(o->to[i].units, text[n + 1]);
        v[n + 2] = store_int(o->to[i].channel_max, text[n + 2]);
        n += OFFER_EACH;
    }
    task_call_many(s, "route_offer", false, v, n, on_carried, carried_new(done, arg));
}

void store_route_step(struct store *s, int64_t fence, int64_t now_ms, const struct route_step *t,
                      route_fn *done, void *arg) {
    struct task_args a = {0};
    cleanup(buf_clear) struct buf relax, add;
    bool ok = true;
    buf_init(&relax, STEP_LINES_MAX);
    buf_init(&add, STEP_LINES_MAX);
    for (size_t i = 0; i < t->relax.n; i++)
        ok = ok && buf_addf(&relax, "%.*s %lld\n", STR_ARG(t->relax.items[i].name),
                            (long long)t->relax.items[i].value);
    for (size_t i = 0; i < t->add.n; i++)
        ok = ok && buf_addf(&add, "%.*s\n", STR_ARG(t->add.items[i]));
    assert(ok); /* the configuration bounds both */
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, t->task);
    task_arg_int(&a, t->rev);
    task_arg_int(&a, t->step);
    task_arg(&a, buf_str(&relax));
    task_arg(&a, buf_str(&add));
    task_arg_int(&a, t->raise);
    task_arg(&a, t->move_to);
    task_arg(&a, str_c(t->notify_supervisors ? "1" : "0"));
    task_arg(&a, t->reason);
    task_call(s, "route_step", false, &a, on_carried, carried_new(done, arg));
}

void store_route_return(struct store *s, int64_t fence, int64_t now_ms,
                        const struct route_return *b, route_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, b->task);
    task_arg(&a, b->agent);
    task_arg_int(&a, b->offer);
    task_arg(&a, str_c(b->why));
    task_arg(&a, b->reason);
    task_arg_int(&a, b->exclude_until_ms);
    task_arg(&a, str_c(b->penalise ? "1" : "0"));
    task_call(s, "route_return", false, &a, on_carried, carried_new(done, arg));
}

static void simple(struct store *s, const char *name, int64_t fence, int64_t now_ms,
                   struct str what, struct str reason, route_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, what);
    task_arg(&a, reason);
    task_call(s, name, false, &a, on_carried, carried_new(done, arg));
}

void store_route_end(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                     struct str reason, route_fn *done, void *arg) {
    simple(s, "route_end", fence, now_ms, task, reason, done, arg);
}

void store_route_wake(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                      struct str reason, route_fn *done, void *arg) {
    simple(s, "route_wake", fence, now_ms, task, reason, done, arg);
}

void store_route_rest(struct store *s, int64_t fence, int64_t now_ms, struct str agent,
                      struct str reason, const char *state, route_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, agent);
    task_arg(&a, reason);
    task_arg(&a, str_c(state));
    task_call(s, "route_rest", false, &a, on_carried, carried_new(done, arg));
}

void store_route_trim(struct store *s, int64_t fence, int64_t now_ms, int64_t keep_log_ms) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg_int(&a, keep_log_ms);
    task_call(s, "route_trim", false, &a, task_said, NULL);
}

/* ---- everything, for a router that begins ----
 * The log's end is noted first. What changes while the pieces are read stands in the log after it,
 * and older news than what was read are known by their revision. */

enum { PRESENCE_FIELDS = 7 };

struct snapshot {
    struct store *store;
    struct route_snapshot to;
    char from[64];
};

static void snapshot_end(struct snapshot *take_sn, bool ok) {
    take_sn->to.done(take_sn->to.ctx, ok, str_c(take_sn->from));
    free(take_sn);
}

static void on_tasks(void *arg, const struct store_reply *r, const struct fault *f);

static void snapshot_step(struct snapshot *sn, struct str cursor) {
    task_call_many(sn->store, "route_tasks", true, &cursor, 1, on_tasks, sn);
}

static void on_tasks(void *arg, const struct store_reply *r, const struct fault *f) {
    struct snapshot *sn = arg;
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        snapshot_end(sn, false);
        return;
    }
    for (size_t i = 1; i < r->n; i++)
        sn->to.task(sn->to.ctx, task_item(r, i));
    if (str_is(task_item(r, 0), "0"))
        snapshot_end(sn, true);
    else
        snapshot_step(sn, task_item(r, 0));
}

enum { TURN_FIELDS = 3 };

static void on_turns(void *arg, const struct store_reply *r, const struct fault *f) {
    struct snapshot *sn = arg;
    if (f || r->type != STORE_ARRAY) {
        snapshot_end(sn, false);
        return;
    }
    for (size_t i = 0; i + TURN_FIELDS <= r->n; i += TURN_FIELDS)
        sn->to.turn(sn->to.ctx, task_item(r, i), task_item(r, i + 1), task_item_int(r, i + 2));
    snapshot_step(sn, str_c("0"));
}

static void on_start(void *arg, const struct store_reply *r, const struct fault *f) {
    struct snapshot *sn = arg;
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        snapshot_end(sn, false);
        return;
    }
    snprintf(sn->from, sizeof sn->from, "%.*s", STR_ARG(task_item(r, 0)));
    for (size_t i = 1; i + PRESENCE_FIELDS <= r->n; i += PRESENCE_FIELDS)
        sn->to.presence(sn->to.ctx, &(struct route_presence){.agent = task_item(r, i),
                                                             .state = task_item(r, i + 1),
                                                             .reason = task_item(r, i + 2),
                                                             .since_ms = task_item_int(r, i + 3),
                                                             .ended_ms = task_item_int(r, i + 4),
                                                             .missed = task_item_int(r, i + 5),
                                                             .lost_ms = task_item_int(r, i + 6)});
    task_call_many(sn->store, "route_turns", true, NULL, 0, on_turns, sn);
}

void store_route_snapshot(struct store *s, const struct route_snapshot *to) {
    struct snapshot *sn = NEW(struct snapshot);
    sn->store = s;
    sn->to = *to;
    task_call_many(s, "route_start", true, NULL, 0, on_start, sn);
}
