/* dispatch/presence.c - presence as agents put it, and who has streams at this daemon.
 *
 * Streams are told to {r} again and again while they are open; a daemon that dies stops telling,
 * and its agents are lost when the time is over. What was put here is remembered, so that a store
 * that comes back empty learns it again: agents keep working and need not notice.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "dispatch/dispatch_priv.h"

struct seen_agent {
    struct link link; /* in dispatch->seen */
    char *id;
    bool connected;
    char *state, *reason; /* as last put here; state NULL: never */
    int64_t since_ms;
};

static struct seen_agent *seen_get(struct dispatch *d, struct str id) {
    struct seen_agent *s = map_get(&d->streams, id);
    if (s)
        return s;
    s = NEW(struct seen_agent);
    s->id = mem_dup(id.p, id.n);
    list_push(&d->seen, &s->link);
    map_put(&d->streams, str_make(s->id, id.n), s);
    return s;
}

static void tell_streams(struct dispatch *d) {
    struct str *agents = mem_new((d->streams.n + 1) * sizeof *agents);
    size_t n = 0;
    list_each (l, &d->seen) {
        struct seen_agent *s = container_of(l, struct seen_agent, link);
        if (s->connected)
            agents[n++] = str_c(s->id);
    }
    store_streams_put(d->store, clock_wall_ms(), str_c(d->holder), STREAM_TTL_MS, agents, n);
    free(agents);
}

static void beat(void *arg) {
    struct dispatch *d = arg;
    loop_timer_set(d->beat_timer, STREAM_BEAT_MS);
    if (d->running)
        tell_streams(d);
}

void presence_open(struct dispatch *d) {
    link_init(&d->seen);
    d->beat_timer = loop_timer_new(d->loop, STREAM_BEAT_MS, beat, d);
}

void presence_close(struct dispatch *d) {
    loop_timer_free(d->beat_timer);
    list_each (l, &d->seen) {
        struct seen_agent *s = container_of(l, struct seen_agent, link);
        link_remove(l);
        free(s->id);
        free(s->state);
        free(s->reason);
        free(s);
    }
    map_clear(&d->streams);
}

void presence_again(struct dispatch *d) {
    list_each (l, &d->seen) {
        struct seen_agent *s = container_of(l, struct seen_agent, link);
        if (s->state)
            store_presence_back(d->store, &(struct route_presence){.agent = str_c(s->id),
                                                                   .state = str_c(s->state),
                                                                   .reason = str_c(s->reason),
                                                                   .since_ms = s->since_ms});
    }
    tell_streams(d);
}

void dispatch_streams(struct dispatch *d, struct str agent, bool connected) {
    struct seen_agent *s = seen_get(d, agent);
    if (s->connected == connected)
        return;
    s->connected = connected;
    if (connected)
        store_streams_put(d->store, clock_wall_ms(), str_c(d->holder), STREAM_TTL_MS, &agent, 1);
    else
        store_stream_end(d->store, clock_wall_ms(), str_c(d->holder), agent);
}

/* ---- put ---- */

struct putting {
    struct owed *owed;
    char *agent, *state, *reason;
};

void presence_remember(struct dispatch *d, struct str agent, struct str state, struct str reason) {
    struct seen_agent *s = seen_get(d, agent);
    free(s->state);
    free(s->reason);
    s->state = mem_dup(state.p, state.n);
    s->reason = mem_dup(reason.p, reason.n);
    s->since_ms = clock_wall_ms();
}

static void on_put(void *arg, const struct answer *a) {
    struct putting *p = arg;
    struct owed *o = p->owed;
    struct dispatch *d = o->waits.d;
    if (!d || a->kind != ANSWER_OK) {
        owed_tell(o, a);
    } else {
        presence_remember(d, str_c(p->agent), str_c(p->state), str_c(p->reason));
        dispatch_agent(d, str_c(p->agent), o->done, o->arg);
        waits_end(&o->waits);
        free(o);
    }
    free(p->agent);
    free(p->state);
    free(p->reason);
    free(p);
}

void dispatch_presence(struct dispatch *d, struct str agent, struct str state, struct str reason,
                       answer_fn *done, void *arg) {
    struct owed *o = owed_new(d, done, arg);
    if (!people_agent(d->people, agent)) {
        owed_later(o, ANSWER_NOT_FOUND, NULL, NULL, NULL);
        return;
    }
    struct putting *p = NEW(struct putting);
    p->owed = o;
    p->agent = mem_dup(agent.p, agent.n);
    p->state = mem_dup(state.p, state.n);
    p->reason = mem_dup(reason.p ? reason.p : "", reason.n);
    store_presence_put(d->store, clock_wall_ms(), agent, state, reason, on_put, p);
}
