/* dispatch/lease.c - one daemon routes at a time.
 *
 *   IDLE ──lease won──► LOADING ──everything read──► ROUTING
 *     ▲                    │  ▲                         │
 *     └── lost, stopped ───┴──┴── begin again ──────────┘
 *
 * The lease is Redis's to give and lives by its clock. Who sleeps through it does no harm: each
 * write carries the fence. The router holds nothing that {r} does not, so whatever is in doubt (an
 * answer that did not come, a log with a hole) is settled by beginning again.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

static void stop_routing(struct dispatch *d) {
    feed_end(d);
    router_free(d->router);
    d->router = NULL;
    clocks_clear(d);
    d->carried = 0;
    d->life++;
    d->phase = PHASE_IDLE;
}

static void begin(struct dispatch *d) {
    d->life++;
    d->phase = PHASE_LOADING;
    d->router = roster_router(d->people, d->times, clock_wall_ms());
    feed_begin(d);
}

void lease_lost(struct dispatch *d, const char *why) {
    if (d->phase == PHASE_IDLE)
        return;
    log_info("router.stop", "fence=%lld reason=\"%s\"", (long long)d->fence, why);
    metric_set(METRIC_ROUTER_HELD, 0);
    stop_routing(d);
}

void lease_restart(struct dispatch *d, const char *why) {
    if (d->phase == PHASE_IDLE)
        return;
    log_info("router.again", "fence=%lld reason=\"%s\"", (long long)d->fence, why);
    stop_routing(d);
    loop_timer_set(d->lease_timer, 0); /* begins again once the lease is known to be ours still */
}

static void on_lease(void *arg, const struct answer *a) {
    struct waits *w = arg;
    struct dispatch *d = waits_end(w);
    cleanup(json_freep) json_t *j = NULL;
    free(w);
    if (!d)
        return;
    d->asked = false;
    if (!d->running || a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL))
        return;
    int64_t fence = jget_int(j, "fence", 0);
    if (!jget_bool(j, "held", false)) {
        int64_t left = jget_int(j, "left_ms", 0);
        lease_lost(d, "another daemon has the lease");
        if (left < LEASE_KEEP_MS) /* it may end before we would ask again */
            loop_timer_set(d->lease_timer, left + 1);
        return;
    }
    d->kept_ms = clock_mono_ms();
    if (d->phase != PHASE_IDLE && fence == d->fence)
        return;
    if (d->phase != PHASE_IDLE)
        stop_routing(d);
    d->fence = fence;
    metric_set(METRIC_ROUTER_HELD, 1);
    log_info("router.start", "fence=%lld", (long long)fence);
    begin(d);
}

bool lease_is_fresh(const struct dispatch *d) {
    return clock_mono_ms() - d->kept_ms <= LEASE_MS;
}

static void keep(void *arg) {
    struct dispatch *d = arg;
    loop_timer_set(d->lease_timer, LEASE_KEEP_MS);
    if (d->phase != PHASE_IDLE && !lease_is_fresh(d))
        lease_lost(d, "the store does not answer");
    if (!d->running || d->asked)
        return;
    struct waits *w = NEW(struct waits);
    waits_begin(d, w);
    d->asked = true;
    store_route_lease(d->store, str_c(d->holder), LEASE_MS, on_lease, w);
}

void lease_start(struct dispatch *d) {
    d->lease_timer = loop_timer_new(d->loop, LEASE_KEEP_MS, keep, d);
    d->turn_timer = loop_timer_new(d->loop, TURN_MS, carry_turn, d);
    d->clocks.timer = loop_timer_new(d->loop, TURN_MS, clocks_turn, d);
}

void lease_stop(struct dispatch *d) {
    bool held = d->phase != PHASE_IDLE;
    lease_lost(d, "the daemon stops");
    if (held)
        store_route_leave(d->store, str_c(d->holder));
    loop_timer_free(d->lease_timer);
    loop_timer_free(d->turn_timer);
    loop_timer_free(d->clocks.timer);
}
