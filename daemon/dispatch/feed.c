/* dispatch/feed.c - what is so, to the router: everything once, then the log; and the log's
 * archive.
 *
 * The end of the log is noted before everything is read, so nothing falls between. What the log
 * then tells a second time is older than what was read and known by its revision.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "dispatch/dispatch_priv.h"
#include "store/desk.h"

enum { NEEDS_MAX = 32, EXCLUDED_MAX = 256 };

/* A load under way: for one life of the router. */
struct load {
    struct waits waits;
    uint32_t life;
    char *from; /* of the log, from which changes follow */
};

static enum routing_state state_of(struct str s) {
    static const struct {
        const char *name;
        enum routing_state state;
    } names[] = {{"waiting", ROUTING_WAITING},
                 {"offered", ROUTING_OFFERED},
                 {"accepted", ROUTING_ACCEPTED},
                 {"wrapup", ROUTING_WRAPUP},
                 {"snoozed", ROUTING_SNOOZED}};
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(s, names[i].name))
            return names[i].state;
    return ROUTING_GONE; /* done, canceled */
}

static enum routing_wish wish_of(struct str s) {
    return str_is(s, "last")       ? ROUTING_WISH_LAST
           : str_is(s, "transfer") ? ROUTING_WISH_TRANSFER
           : str_is(s, "snooze")   ? ROUTING_WISH_SNOOZE
                                   : ROUTING_WISH_NONE;
}

static size_t needs_of(const json_t *list, struct routing_need out[NEEDS_MAX]) {
    size_t n = 0, i;
    const json_t *one;
    json_array_foreach(list, i, one) if (n < NEEDS_MAX) out[n++] =
        (struct routing_need){.skill = jget_str(one, "name"), .min = jget_int(one, "min", 1)};
    return n;
}

static size_t excluded_of(json_t *x, struct routing_excluded out[EXCLUDED_MAX]) {
    size_t n = 0;
    const char *agent;
    json_t *until;
    json_object_foreach(x, agent, until) if (n < EXCLUDED_MAX) out[n++] = (struct routing_excluded){
        .agent = str_c(agent), .until_ms = (int64_t)json_number_value(until)};
    return n;
}

static void tell_task(struct router *r, const struct people *p, const json_t *j) {
    struct routing_need needs[NEEDS_MAX];
    struct routing_excluded excluded[EXCLUDED_MAX];
    struct routing_task t = {.id = jget_str(j, "id"),
                             .queue = jget_str(j, "queue"),
                             .channel = jget_str(j, "channel"),
                             .rev = jget_int(j, "rev", 0),
                             .state = state_of(jget_str(j, "state")),
                             .weight = jget_int(j, "weight", 0),
                             .priority = jget_int(j, "priority", 5),
                             .created_ms = jget_int(j, "created", 0),
                             .needs = needs,
                             .agent = jget_str(j, "agent"),
                             .offer = jget_int(j, "n", 0),
                             .until_ms = jget_int(j, "till", 0),
                             .excluded = excluded,
                             .wish = wish_of(jget_str(j, "wish")),
                             .wish_agent = jget_str(j, "wish_agent"),
                             .wish_seen_ms = jget_int(j, "wish_seen", 0),
                             .wish_from_ms = jget_int(j, "wish_from", 0)};
    t.needs_n = needs_of(json_object_get(j, "skills"), needs);
    t.excluded_n = excluded_of(json_object_get(j, "x"), excluded);
    if (t.weight <= 0) /* nobody holds it: it weighs what the configuration says today */
        t.weight = units_of(&p->units, t.channel);
    router_task(r, &t, clock_wall_ms());
}

void feed_router_task(struct router *r, const struct people *p, struct str own) {
    cleanup(json_freep) json_t *j = NULL;
    if (own.n && jread_parse(own, own.n, &j, NULL))
        tell_task(r, p, j);
}

void feed_task(struct dispatch *d, struct str own) {
    cleanup(json_freep) json_t *j = NULL;
    if (!d->router || !own.n || !jread_parse(own, own.n, &j, NULL))
        return;
    bool gone = state_of(jget_str(j, "state")) == ROUTING_GONE;
    clocks_task(d, j, gone);
    tell_task(d->router, d->people, j);
}

void feed_router_presence(struct router *r, const struct route_presence *p) {
    struct routing_presence_news news = {.agent = p->agent,
                                         .presence = str_is(p->state, "available")
                                                         ? ROUTING_AVAILABLE
                                                     : str_is(p->state, "away") ? ROUTING_AWAY
                                                                                : ROUTING_OFFLINE,
                                         .since_ms = p->since_ms,
                                         .last_end_ms = p->ended_ms,
                                         .missed = p->missed,
                                         .lost_ms = p->lost_ms};
    router_presence(r, &news, clock_wall_ms());
}

/* ---- the log ---- */

static void on_entry(void *arg, struct str id, const struct route_entry *e) {
    struct dispatch *d = arg;
    struct str rest = id, ms = str_cut(&rest, '-');
    int64_t at_ms = 0;
    for (size_t i = 0; i < ms.n && i < 15; i++)
        at_ms = at_ms * 10 + (ms.p[i] - '0');
    chronicle(d, id, at_ms, e);
    if (str_is(e->type, "presence")) {
        feed_router_presence(d->router, &(struct route_presence){.agent = e->agent,
                                                                 .state = e->state,
                                                                 .since_ms = e->since_ms,
                                                                 .ended_ms = e->ended_ms,
                                                                 .missed = e->missed,
                                                                 .lost_ms = e->lost_ms});
    } else if (str_is(e->type, "stream")) {
        router_stream(d->router, e->agent, e->lost_ms, clock_wall_ms());
    } else if (str_is(e->type, "queue")) {
        router_pause_queue(d->router, e->queue, str_is(e->state, "paused"), clock_wall_ms());
    } else {
        feed_task(d, e->own);
        if (str_is(e->reason, "wrapup")) /* nobody's move: it is recorded here */
            moves_record(d, e->json, e->own);
    }
    carry_soon(d);
}

static void on_reset(void *arg) {
    struct dispatch *d = arg;
    lease_restart(d, "the log may have a hole");
}

/* ---- everything ---- */

static struct dispatch *of_this_life(struct load *l) {
    return l->waits.d && l->waits.d->life == l->life ? l->waits.d : NULL;
}

static void on_presence(void *ctx, const struct route_presence *p) {
    struct dispatch *d = of_this_life(ctx);
    if (d)
        feed_router_presence(d->router, p);
}

static void on_task(void *ctx, struct str own) {
    struct dispatch *d = of_this_life(ctx);
    if (d)
        feed_task(d, own);
}

/* Read last: what changes after the log's end was noted stands in the log. */
static void on_paused(void *arg, bool ok, const struct str *queues, size_t n) {
    struct load *l = arg;
    struct dispatch *d = of_this_life(l);
    waits_end(&l->waits);
    if (d && !ok) {
        lease_restart(d, "not everything could be read");
    } else if (d) {
        for (size_t i = 0; i < n; i++)
            router_pause_queue(d->router, queues[i], true, clock_wall_ms());
        d->phase = PHASE_ROUTING;
        d->log = store_route_log(d->store, str_c(l->from), on_entry, on_reset, d);
        log_info("router.ready", "tasks=%zu", router_tasks(d->router));
        carry_soon(d);
    }
    free(l->from);
    free(l);
}

static void on_all(void *ctx, bool ok, struct str from) {
    struct load *l = ctx;
    struct dispatch *d = of_this_life(l);
    if (d && ok) {
        l->from = mem_dup(from.p, from.n);
        store_queues_paused(d->store, on_paused, l);
        return;
    }
    waits_end(&l->waits);
    free(l);
    if (d)
        lease_restart(d, "not everything could be read");
}

void feed_begin(struct dispatch *d) {
    struct load *l = NEW(struct load);
    waits_begin(d, &l->waits);
    l->life = d->life;
    store_route_snapshot(d->store, &(struct route_snapshot){l, on_presence, on_task, on_all});
}

void feed_end(struct dispatch *d) {
    store_route_log_free(d->log);
    d->log = NULL;
}
