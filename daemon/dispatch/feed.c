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

/* A load under way: for one life of the router. */
struct load {
    struct waits waits;
    uint32_t life;
    char *from; /* of the log, from which changes follow */
};

static void tell_task(struct router *r, const struct people *p, const struct times *t,
                      const json_t *j) {
    struct roster_task read;
    int64_t now = clock_wall_ms();
    roster_task_read(j, p, t, now, &read);
    router_task(r, &read.task, now);
}

void feed_router_task(struct router *r, const struct people *p, const struct times *t,
                      struct str own) {
    cleanup(json_freep) json_t *j = NULL;
    if (own.n && jread_parse(own, own.n, &j, NULL))
        tell_task(r, p, t, j);
}

void feed_task(struct dispatch *d, struct str own) {
    cleanup(json_freep) json_t *j = NULL;
    if (!d->router || !own.n || !jread_parse(own, own.n, &j, NULL))
        return;
    struct str state = jget_str(j, "state");
    clocks_task(d, j, str_is(state, "done") || str_is(state, "canceled"));
    tell_task(d->router, d->people, d->times, j);
}

static enum routing_presence presence_of(struct str s) {
    return str_is(s, "available")  ? ROUTING_AVAILABLE
           : str_is(s, "draining") ? ROUTING_DRAINING
           : str_is(s, "away")     ? ROUTING_AWAY
                                   : ROUTING_OFFLINE;
}

void feed_router_presence(struct router *r, const struct route_presence *p) {
    struct routing_presence_news news = {.agent = p->agent,
                                         .presence = presence_of(p->state),
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

static void on_turn(void *ctx, struct str queue, struct str agent, int64_t turn) {
    struct dispatch *d = of_this_life(ctx);
    if (d)
        router_turn(d->router, queue, agent, turn);
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
    store_route_snapshot(d->store,
                         &(struct route_snapshot){l, on_presence, on_turn, on_task, on_all});
}

void feed_end(struct dispatch *d) {
    store_route_log_free(d->log);
    d->log = NULL;
}
