/* dispatch/view.c - agents and queues as the contract shows them: what the file says, and what is
 * so now. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"

enum { AGENT_JSON_MAX = 1 << 20, LIST_JSON_MAX = 64 << 20, CHANNELS_SHOWN = 32 };

/* A question of one agent, or of those that share a queue. */
struct view {
    struct owed *owed;
    char **ids;
    size_t n;
    bool one;
};

static void view_free(struct view *v) {
    for (size_t i = 0; i < v->n; i++)
        free(v->ids[i]);
    free(v->ids);
    free(v);
}

/* ---- one agent ---- */

struct load {
    struct str channel;
    int64_t open;
};

static size_t loads_of(const struct agent_config *a, const struct agent_now *now,
                       struct load out[CHANNELS_SHOWN]) {
    size_t n = 0;
    for (size_t i = 0; i < a->capacity.n && n < CHANNELS_SHOWN; i++)
        if (!str_is(a->capacity.items[i].name, "units"))
            out[n++] = (struct load){.channel = a->capacity.items[i].name};
    for (size_t i = 0; i < now->held_n; i++) {
        size_t k = 0;
        while (k < n && !str_eq(out[k].channel, now->held[i].channel))
            k++;
        if (k == n && n < CHANNELS_SHOWN)
            out[n++] = (struct load){.channel = now->held[i].channel};
        if (k < n)
            out[k].open++;
    }
    return n;
}

static int64_t units_held(const struct agent_now *now) {
    int64_t units = 0;
    for (size_t i = 0; i < now->held_n; i++)
        units += now->held[i].weight;
    return units;
}

static void write_load(struct jwrite *w, const struct agent_config *a,
                       const struct agent_now *now) {
    struct load loads[CHANNELS_SHOWN];
    char name[64];
    size_t n = loads_of(a, now, loads);
    jwrite_open(w, "load", '{');
    jwrite_int(w, "units", units_held(now));
    jwrite_int(w, "capacity", agent_units(a));
    jwrite_open(w, "channels", '{');
    for (size_t i = 0; i < n; i++) {
        int64_t max = agent_tasks_max(a, loads[i].channel);
        snprintf(name, sizeof name, "%.*s", STR_ARG(loads[i].channel));
        jwrite_open(w, name, '{');
        jwrite_int(w, "open", loads[i].open);
        jwrite_int(w, "max", max < agent_units(a) ? max : agent_units(a));
        jwrite_close(w, '}');
    }
    jwrite_close(w, '}');
    jwrite_close(w, '}');
}

static void write_agent(struct jwrite *w, const struct dispatch *d, const struct agent_config *a,
                        const struct agent_now *now) {
    char name[80];
    const struct route_presence *p = &now->presence;
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "id", a->id);
    jwrite_str(w, "name", a->name);
    jwrite_open(w, "presence", '{');
    jwrite_str(w, "state", p->state);
    jwrite_str(w, "reason", p->reason.n ? p->reason : STR_NONE);
    jwrite_time(w, "since", p->since_ms ? p->since_ms : d->opened_ms);
    jwrite_close(w, '}');
    jwrite_open(w, "queues", '[');
    for (size_t i = 0; i < a->queues.n; i++)
        jwrite_str(w, NULL, a->queues.items[i]);
    jwrite_close(w, ']');
    jwrite_open(w, "skills", '{');
    for (size_t i = 0; i < a->skills.n; i++) {
        snprintf(name, sizeof name, "%.*s", STR_ARG(a->skills.items[i].name));
        jwrite_int(w, name, a->skills.items[i].value);
    }
    jwrite_close(w, '}');
    write_load(w, a, now);
    jwrite_open(w, "tasks", '[');
    for (size_t i = 0; i < now->held_n; i++)
        jwrite_str(w, NULL, now->held[i].task);
    jwrite_close(w, ']');
    jwrite_bool(w, "connected", p->lost_ms == 0);
    jwrite_close(w, '}');
}

static void on_agents(void *arg, bool ok, const struct agent_now *agents, size_t n) {
    struct view *v = arg;
    struct owed *o = v->owed;
    const struct dispatch *d = o->waits.d;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, v->one ? AGENT_JSON_MAX : LIST_JSON_MAX);
    jwrite_init(&w, &b);
    if (!v->one) {
        jwrite_open(&w, NULL, '{');
        jwrite_open(&w, "items", '[');
    }
    bool any = false;
    for (size_t i = 0; ok && d && i < n; i++) {
        const struct agent_config *a =
            people_agent(d->people, str_c(v->ids[i])); /* it may have gone meanwhile */
        if (a)
            write_agent(&w, d, a, &agents[i]);
        any |= a != NULL;
    }
    if (!v->one) {
        jwrite_close(&w, ']');
        jwrite_null(&w, "next");
        jwrite_close(&w, '}');
    }
    if (!ok || !w.ok)
        owed_tell(o, &(struct answer){.kind = ANSWER_LATER, .code = "store-unavailable"});
    else if (v->one && !any)
        owed_tell(o, &(struct answer){.kind = ANSWER_NOT_FOUND});
    else
        owed_tell(o, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    view_free(v);
}

static struct view *view_new(struct dispatch *d, size_t max, bool one, answer_fn *done, void *arg) {
    struct view *v = NEW(struct view);
    v->owed = owed_new(d, done, arg);
    v->ids = mem_new((max + 1) * sizeof *v->ids);
    v->one = one;
    return v;
}

static void view_add(struct view *v, struct str id) {
    v->ids[v->n++] = mem_dup(id.p, id.n);
}

static void view_ask(struct dispatch *d, struct view *v) {
    struct str *ids = mem_new((v->n + 1) * sizeof *ids);
    for (size_t i = 0; i < v->n; i++)
        ids[i] = str_c(v->ids[i]);
    store_agents_now(d->store, ids, v->n, on_agents, v);
    free(ids);
}

void dispatch_agent(struct dispatch *d, struct str agent, answer_fn *done, void *arg) {
    struct view *v = view_new(d, 1, true, done, arg);
    if (!people_agent(d->people, agent)) {
        owed_later(v->owed, ANSWER_NOT_FOUND, NULL, NULL, NULL);
        view_free(v);
        return;
    }
    view_add(v, agent);
    view_ask(d, v);
}

void dispatch_agents(struct dispatch *d, struct tl_strs queues, answer_fn *done, void *arg) {
    const struct people *p = d->people;
    struct view *v = view_new(d, p->agents_n, false, done, arg);
    for (size_t i = 0; i < p->agents_n; i++)
        if (people_share(p->agents[i].queues, queues))
            view_add(v, p->agents[i].id);
    view_ask(d, v);
}

void dispatch_agents_named(struct dispatch *d, struct tl_strs ids, answer_fn *done, void *arg) {
    struct view *v = view_new(d, ids.n, false, done, arg);
    for (size_t i = 0; i < ids.n; i++)
        if (people_agent(d->people, ids.items[i]))
            view_add(v, ids.items[i]);
    view_ask(d, v);
}
