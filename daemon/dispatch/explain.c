/* dispatch/explain.c - why a task is where it is: asks the router, tells what it says.
 *
 * The lease holder asks the router that decides. Any other daemon makes one of what {r} holds and
 * asks that: it knows the same and has the same predicates.
 */
#include "dispatch/explain.h"

#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"
#include "store/desk.h"

enum { EXPLAIN_JSON_MAX = 16 << 20, SENTENCE_MAX = 16 << 10 };

/* An answer being written. */
struct answering {
    struct jwrite w;
    bool german;
    const struct routing_explained *e;
    const struct people *people; /* what a step does stands in the file; NULL: it is not told */
    struct said said;
};

/* Codes of what speaks against an agent; one row serves "agent-…" and the count of such. */
static const char *const codes[ROUTING_WHYS] = {
    [ROUTING_WHY_NOT] = "agent-best",
    [ROUTING_WHY_HOLDER] = "agent-holder",
    [ROUTING_WHY_UNKNOWN] = "agent-not-configured",
    [ROUTING_WHY_SKILL] = "agent-lack-skill",
    [ROUTING_WHY_OFFLINE] = "agent-offline",
    [ROUTING_WHY_AWAY] = "agent-away",
    [ROUTING_WHY_DRAINING] = "agent-draining",
    [ROUTING_WHY_LOST] = "agent-disconnected",
    [ROUTING_WHY_EXCLUDED] = "agent-excluded",
    [ROUTING_WHY_WRAPUP] = "agent-in-wrapup",
    [ROUTING_WHY_BLOCKED] = "agent-blocked",
    [ROUTING_WHY_UNITS] = "agent-units-full",
    [ROUTING_WHY_CHANNEL] = "agent-channel-full",
    [ROUTING_WHY_TIER] = "agent-tier-closed",
    [ROUTING_WHY_STRATEGY] = "agent-strategy",
};
enum { AGENT_PREFIX = sizeof "agent-" - 1 };

static void write_text(struct answering *a, const char *key, const char *code) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, SENTENCE_MAX);
    a->w.ok = a->w.ok && explain_say(&b, code, a->german, &a->said);
    jwrite_str(&a->w, key, buf_str(&b));
}

static void reason_open(struct answering *a, const char *code) {
    jwrite_open(&a->w, NULL, '{');
    jwrite_c(&a->w, "code", code);
    write_text(a, "text", code);
}

static void reason(struct answering *a, const char *code) {
    reason_open(a, code);
    jwrite_close(&a->w, '}');
}

/* ---- a waiting task ---- */

/* What decides: the first that holds. */
static const char *waiting_code(const struct routing_explained *e) {
    size_t skilled = e->candidates_n - e->count[ROUTING_WHY_SKILL];
    if (!e->queue_known)
        return "unknown-queue";
    if (e->paused)
        return "queue-paused";
    if (!e->waiting || e->under_way)
        return "under-way";
    if (e->put_off_ms)
        return "put-off";
    if (e->wish_agent.n)
        return e->wish_deputy ? "waits-for-deputy"
               : e->wish_key  ? "waits-for-manager"
                              : "waits-for-agent";
    if (e->all_refused)
        return "all-refused";
    if (e->candidates_n == 0)
        return "no-agents";
    if (skilled == 0)
        return "nobody-skilled";
    return e->count[ROUTING_WHY_NOT] ? "soon" : "nobody-free";
}

static void say_waiting(struct answering *a, const char *code) {
    const struct routing_explained *e = a->e;
    struct str c = str_c(code);
    a->said.agent = e->wish_agent;
    a->said.whole = (int64_t)e->candidates_n;
    a->said.count = (int64_t)(e->count[ROUTING_WHY_NOT] + e->count[ROUTING_WHY_STRATEGY]);
    a->said.until_ms = str_is(c, "put-off")                ? e->put_off_ms
                       : str_starts(c, str_c("waits-for")) ? e->wish_until_ms
                       : str_is(c, "all-refused")          ? e->ask_again_ms
                                                           : 0;
}

/* How many one reason keeps away, who they are, and when the first of them is free of it. */
static void count_reason(struct answering *a, enum routing_why why) {
    const struct routing_explained *e = a->e;
    int64_t until = 0;
    for (size_t i = 0; i < e->candidates_n; i++)
        if (e->candidates[i].why == why && e->candidates[i].until_ms &&
            (!until || e->candidates[i].until_ms < until))
            until = e->candidates[i].until_ms;
    a->said.count = (int64_t)e->count[why];
    a->said.until_ms = until;
    reason_open(a, codes[why] + AGENT_PREFIX);
    jwrite_int(&a->w, "count", a->said.count);
    if (until)
        jwrite_time(&a->w, "until", until);
    jwrite_open(&a->w, "agents", '[');
    for (size_t i = 0; i < e->candidates_n; i++)
        if (e->candidates[i].why == why)
            jwrite_str(&a->w, NULL, e->candidates[i].agent);
    jwrite_close(&a->w, ']');
    jwrite_close(&a->w, '}');
}

static void place_reason_of(struct answering *a, const char *code, int64_t n) {
    a->said.count = n;
    reason_open(a, code);
    jwrite_int(&a->w, "count", a->said.count);
    jwrite_close(&a->w, '}');
}

static void place_reason(struct answering *a, const char *code, size_t n) {
    place_reason_of(a, code, (int64_t)n);
}

static void write_place(struct answering *a) {
    const struct routing_explained *e = a->e;
    if (e->urgent + e->older == 0)
        reason(a, "place-first");
    if (e->urgent)
        place_reason(a, e->order == ROUTING_STRICT ? "place-urgent" : "place-before", e->urgent);
    if (e->older)
        place_reason(a, "place-older", e->older);
    a->said.task = e->next;
    if (e->next.n)
        reason(a, "place-next");
    a->said.have = e->priority;
    a->said.want = e->worth;
    if (e->order == ROUTING_STRICT && e->worth > e->priority)
        reason(a, "aged");
    if (e->slack_ms != INT64_MAX)
        place_reason_of(a, "slack", e->slack_ms / 1000);
}

/* What steps have done for it, and when the next one is due. */
static void write_step(struct answering *a, const struct step_config *s) {
    for (size_t i = 0; i < s->relax.n; i++) {
        a->said.thing = s->relax.items[i].name;
        a->said.want = s->relax.items[i].value;
        reason(a, a->said.want ? "step-relaxes" : "step-drops");
    }
    for (size_t i = 0; i < s->add_queues.n; i++) {
        a->said.thing = s->add_queues.items[i];
        reason(a, "step-adds");
    }
    a->said.count = s->raise;
    if (s->raise)
        reason(a, "step-raises");
    a->said.thing = s->move_to;
    if (s->move_to.n)
        reason(a, "step-moves");
    if (s->notify.n)
        reason(a, "step-notifies");
}

static void write_steps(struct answering *a) {
    const struct routing_explained *e = a->e;
    const struct step_config *next;
    if (e->steps_taken)
        place_reason(a, "steps-taken", e->steps_taken);
    for (size_t i = 0; i < e->added_n; i++) {
        a->said.queue = e->added[i];
        reason(a, "step-added");
    }
    a->said.queue = e->queue;
    if (!e->step)
        return;
    a->said.count = (int64_t)e->step;
    a->said.until_ms = e->step_ms;
    reason_open(a, "next-step");
    jwrite_int(&a->w, "step", a->said.count);
    jwrite_time(&a->w, "until", e->step_ms);
    jwrite_close(&a->w, '}');
    if (a->people && (next = people_step(a->people, e->queue, e->step - 1)))
        write_step(a, next);
}

static void write_waiting(struct answering *a) {
    const struct routing_explained *e = a->e;
    const char *code = waiting_code(e);
    say_waiting(a, code);
    write_text(a, "summary", code);
    jwrite_open(&a->w, "reasons", '[');
    reason_open(a, code);
    if (a->said.until_ms)
        jwrite_time(&a->w, "until", a->said.until_ms);
    jwrite_close(&a->w, '}');
    for (size_t why = ROUTING_WHY_UNKNOWN; why < ROUTING_WHY_STRATEGY; why++)
        if (e->count[why])
            count_reason(a, (enum routing_why)why);
    if (e->waiting) {
        write_place(a);
        write_steps(a);
    }
    jwrite_close(&a->w, ']');
}

/* ---- another task: what its history tells ---- */

static int64_t moment_of(const json_t *o, const char *key) {
    int64_t ms = 0;
    return date_parse(jget_str(o, key), &ms) ? ms : 0;
}

static void say_step(struct answering *a, const json_t *step) {
    a->said.agent = jget_str(step, "agent");
    a->said.thing = jget_str(step, "from").n ? jget_str(step, "from") : str_c("-");
    a->said.task = jget_str(step, "to");
    a->said.word = jget_str(step, "reason").n ? jget_str(step, "reason") : str_c("-");
    a->said.until_ms = moment_of(step, "at");
}

static void write_history(struct answering *a, const json_t *history) {
    size_t i;
    const json_t *step;
    json_array_foreach(history, i, step) {
        say_step(a, step);
        reason(a, a->said.agent.n ? "history-agent" : "history");
    }
}

static void write_chosen(struct answering *a, const json_t *history) {
    for (size_t i = json_array_size(history); i-- > 0;) {
        const json_t *step = json_array_get(history, i);
        if (!str_is(jget_str(step, "to"), "offered"))
            continue;
        say_step(a, step);
        reason(a, "chosen");
        break;
    }
    reason(a, "as-of-now");
}

static void write_other(struct answering *a, const json_t *task, struct str state) {
    char code[16];
    const json_t *history = json_object_get(task, "history");
    bool held = str_is(state, "offered") || str_is(state, "accepted") || str_is(state, "wrapup");
    snprintf(code, sizeof code, "%.*s", STR_ARG(state));
    a->said.agent = jget_str(task, "agent");
    a->said.until_ms = str_is(state, "offered")
                           ? moment_of(json_object_get(task, "offer"), "expires_at")
                           : moment_of(task, "snoozed_until");
    if (str_is(state, "wrapup") && a->e)
        for (size_t i = 0; i < a->e->candidates_n; i++)
            if (a->e->candidates[i].why == ROUTING_WHY_HOLDER)
                a->said.until_ms = a->e->candidates[i].until_ms;
    write_text(a, "summary", code);
    jwrite_open(&a->w, "reasons", '[');
    if (held)
        write_chosen(a, history);
    else
        write_history(a, history);
    jwrite_close(&a->w, ']');
}

/* ---- every candidate ---- */

static bool by_skill(struct answering *a, const struct routing_candidate *c,
                     const struct routing_candidate *first) {
    bool best = a->e->strategy == ROUTING_BEST_SKILL;
    a->said.have = best ? c->skill_sum : c->skill_spare;
    a->said.want = best ? first->skill_sum : first->skill_spare;
    return (best || a->e->strategy == ROUTING_ENOUGH_SKILL) && a->said.have != a->said.want;
}

/* The criterion by which he comes after the first, and both values of it. */
static const char *say_beside(struct answering *a, const struct routing_candidate *c,
                              const struct routing_candidate *first) {
    bool held = first->why == ROUTING_WHY_HOLDER;
    a->said.other = first->agent;
    a->said.thing = c->queue;
    if (c->queue.n && first->queue.n && !str_eq(c->queue, first->queue))
        return "agent-added";
    a->said.have = c->tier;
    a->said.want = first->tier;
    if (c->tier > first->tier && first->tier)
        return "agent-tier";
    if (by_skill(a, c, first))
        return a->e->strategy == ROUTING_BEST_SKILL ? "agent-skill-sum" : "agent-skill-spare";
    if (!held && (a->e->strategy == ROUTING_ROUND_ROBIN || a->e->strategy == ROUTING_WEIGHTED))
        return "agent-turn";
    a->said.have = c->units;
    a->said.want = c->units_max;
    a->said.count = first->units;
    a->said.whole = first->units_max;
    a->said.idle_ms = c->idle_since_ms;
    a->said.other_idle_ms = first->idle_since_ms;
    return held ? "agent-beside" : "agent-strategy";
}

static void write_candidate(struct answering *a, const struct routing_candidate *c) {
    const char *text = codes[c->why];
    a->said.agent = c->agent;
    a->said.thing = c->thing;
    a->said.have = c->have;
    a->said.want = c->want;
    a->said.until_ms = c->until_ms;
    a->said.count = a->e->weight;
    if (c->why == ROUTING_WHY_STRATEGY)
        text = say_beside(a, c, &a->e->candidates[0]);
    jwrite_open(&a->w, NULL, '{');
    jwrite_str(&a->w, "agent", c->agent);
    jwrite_bool(&a->w, "fits",
                c->why == ROUTING_WHY_NOT || c->why == ROUTING_WHY_HOLDER ||
                    c->why == ROUTING_WHY_STRATEGY);
    jwrite_c(&a->w, "code", text + AGENT_PREFIX);
    write_text(a, "text", text);
    jwrite_close(&a->w, '}');
}

static void write_candidates(struct answering *a) {
    jwrite_open(&a->w, "candidates", '[');
    if (a->e)
        a->said.word = explain_strategy(a->e->strategy, a->german);
    for (size_t i = 0; a->e && i < a->e->candidates_n; i++)
        write_candidate(a, &a->e->candidates[i]);
    jwrite_close(&a->w, ']');
}

bool explain_write(struct router *r, const struct people *p, struct str task, bool german,
                   struct buf *out) {
    cleanup(json_freep) json_t *j = NULL;
    cleanup(routing_explained_clear) struct routing_explained e = {0};
    struct answering a = {.german = german, .people = p};
    if (!jread_parse(task, task.n, &j, NULL))
        return false;
    struct str state = jget_str(j, "state");
    bool waiting = str_is(state, "waiting");
    if (routing_explain(r, jget_str(j, "id"), &e))
        a.e = &e;
    else if (waiting)
        return false; /* it ended meanwhile: its news is on the way */
    a.said.queue = jget_str(j, "queue");
    a.said.channel = jget_str(j, "channel");
    jwrite_init(&a.w, out);
    jwrite_open(&a.w, NULL, '{');
    jwrite_str(&a.w, "task", jget_str(j, "id"));
    jwrite_str(&a.w, "state", state);
    jwrite_c(&a.w, "language", german ? "de" : "en");
    if (waiting)
        write_waiting(&a);
    else
        write_other(&a, j, state);
    write_candidates(&a);
    jwrite_close(&a.w, '}');
    return a.w.ok;
}

/* ---- the question ---- */

struct asked {
    struct owed *owed;
    struct router *router;
    const struct times *times; /* that the router looks at */
    char *task;
    bool german;
};

static void tell(struct owed *take_o, struct router *r, struct str task, bool german) {
    const struct dispatch *d = take_o->waits.d;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EXPLAIN_JSON_MAX);
    if (r && explain_write(r, d ? d->people : NULL, task, german, &b))
        owed_tell(take_o, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    else
        owed_tell(take_o, &(struct answer){.kind = ANSWER_LATER, .code = "store-unavailable"});
}

static void on_presence(void *ctx, const struct route_presence *p) {
    struct asked *q = ctx;
    feed_router_presence(q->router, p);
}

/* NULL: closed, or reloaded meanwhile; then its calendars have gone. */
static const struct dispatch *still(const struct asked *q) {
    const struct dispatch *d = q->owed->waits.d;
    return d && d->times == q->times ? d : NULL;
}

static void on_turn(void *ctx, struct str queue, struct str agent, int64_t turn) {
    struct asked *q = ctx;
    router_turn(q->router, queue, agent, turn);
}

static void on_task(void *ctx, struct str own) {
    struct asked *q = ctx;
    const struct dispatch *d = still(q);
    if (d)
        feed_router_task(q->router, d->people, d->times, own);
}

static void end(struct asked *take_q, bool ok) {
    tell(take_q->owed, ok && still(take_q) ? take_q->router : NULL, str_c(take_q->task),
         take_q->german);
    router_free(take_q->router);
    free(take_q->task);
    free(take_q);
}

static void on_paused(void *arg, bool ok, const struct str *queues, size_t n) {
    struct asked *q = arg;
    for (size_t i = 0; ok && i < n; i++)
        router_pause_queue(q->router, queues[i], true, clock_wall_ms());
    end(q, ok);
}

static void on_all(void *ctx, bool ok, struct str from) {
    struct asked *q = ctx;
    const struct dispatch *d = still(q);
    (void)from;
    if (ok && d)
        store_queues_paused(d->store, on_paused, q);
    else
        end(q, false);
}

void dispatch_explain(struct dispatch *d, struct str task, struct str language, answer_fn *done,
                      void *arg) {
    bool german = language.n ? str_is(language, "de") : d->people->german;
    struct owed *o = owed_new(d, done, arg);
    if (d->phase == PHASE_ROUTING) {
        tell(o, d->router, task, german);
        return;
    }
    struct asked *q = NEW(struct asked);
    q->owed = o;
    q->times = d->times;
    q->router = roster_router(d->people, d->times, clock_wall_ms());
    q->task = mem_dup(task.p, task.n);
    q->german = german;
    store_route_snapshot(d->store,
                         &(struct route_snapshot){q, on_presence, on_turn, on_task, on_all});
}
