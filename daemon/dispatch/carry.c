/* dispatch/carry.c - what the router decides, to {r}, and what became of it, back to the router. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

/* A decision under way. */
struct carried {
    struct waits waits;
    uint32_t life;
    enum routing_what what;
    char task[64];
};

/* As agents are told why an offer was taken back. */
static const char *const whys[] = {
    [ROUTING_EXPIRED] = "expired",           [ROUTING_NOT_AVAILABLE] = "not available",
    [ROUTING_DISCONNECTED] = "disconnected", [ROUTING_UNKNOWN_AGENT] = "not configured",
    [ROUTING_UNTOUCHED] = "untouched",
};

static void count_refusal(const struct route_result *r) {
    if (r->code == ROUTE_FENCE)
        metric_add_label(METRIC_TASK_REFUSED, "fence", 1);
    else if (r->code == ROUTE_STALE)
        metric_add_label(METRIC_TASK_REFUSED, "rev", 1);
}

static void settle(struct dispatch *d, const struct carried *c, const struct route_result *r) {
    static const enum routing_answer answers[] = {
        [ROUTE_DONE] = ROUTING_DONE, [ROUTE_STALE] = ROUTING_STALE, [ROUTE_LATER] = ROUTING_LATER};
    int64_t now = clock_wall_ms();
    if (c->what == ROUTING_REST || c->what == ROUTING_LEAVE)
        return; /* its entry in the log tells */
    if (r->own.n)
        feed_task(d, r->own);
    else {
        clocks_gone(d, str_c(c->task));
        router_task_gone(d->router, str_c(c->task), now);
    }
    router_answer(d->router, str_c(c->task), answers[r->code], now);
}

static void on_carried(void *arg, const struct route_result *r) {
    struct carried c = *(struct carried *)arg;
    struct dispatch *d = waits_end(&((struct carried *)arg)->waits);
    free(arg);
    if (!d || d->life != c.life)
        return;
    d->carried--;
    count_refusal(r);
    switch (r->code) {
    case ROUTE_DONE:
    case ROUTE_STALE:
    case ROUTE_LATER:
        settle(d, &c, r);
        carry_soon(d);
        break;
    case ROUTE_FENCE:
        lease_lost(d, "a newer router writes");
        break;
    case ROUTE_LOST:
        lease_restart(d, "a decision was not answered");
        break;
    }
}

static void carry_offer(struct dispatch *d, const struct routing_decision *x, int64_t now,
                        struct carried *c) {
    struct route_offered to[ROUTING_OFFERS_MAX];
    for (size_t i = 0; i < x->to_n; i++)
        to[i] = (struct route_offered){x->to[i].agent, x->to[i].units, x->to[i].channel_max};
    store_route_offer(d->store, d->fence, now,
                      &(struct route_offer){.task = x->task,
                                            .reason = str_c(x->reason),
                                            .rev = x->rev,
                                            .expires_ms = x->expires_ms,
                                            .weight = x->weight,
                                            .ask_again = x->ask_again,
                                            .to = to,
                                            .to_n = x->to_n,
                                            .turn_queue = x->turn_queue,
                                            .turn = x->turn},
                      on_carried, c);
}

static void carry_return(struct dispatch *d, const struct routing_decision *x, int64_t now,
                         struct carried *c) {
    store_route_return(d->store, d->fence, now,
                       &(struct route_return){.task = x->task,
                                              .agent = x->agent,
                                              .reason = str_c(x->reason),
                                              .why = whys[x->cause],
                                              .offer = x->offer,
                                              .exclude_until_ms = x->exclude_until_ms,
                                              .penalise = x->penalise},
                       on_carried, c);
}

/* What the step does stands in the file: the router knows only when. */
static void carry_step(struct dispatch *d, const struct routing_decision *x, int64_t now,
                       struct carried *c) {
    const struct step_config *s = people_step(d->people, x->queue, x->step);
    struct route_step step = {
        .task = x->task, .reason = str_c(x->reason), .rev = x->rev, .step = (int64_t)x->step};
    if (s) {
        step.relax = s->relax;
        step.add = s->add_queues;
        step.raise = s->raise;
        step.move_to = s->move_to;
        step.notify_supervisors = s->notify.n > 0;
    }
    store_route_step(d->store, d->fence, now, &step, on_carried, c);
}

static void carry(struct dispatch *d, const struct routing_decision *x, int64_t now) {
    struct carried *c = NEW(struct carried);
    struct str reason = str_c(x->reason);
    bool leave = x->what == ROUTING_LEAVE;
    waits_begin(d, &c->waits);
    c->life = d->life;
    c->what = x->what;
    snprintf(c->task, sizeof c->task, "%.*s", STR_ARG(x->task));
    d->carried++;
    switch (x->what) {
    case ROUTING_OFFER:
        carry_offer(d, x, now, c);
        break;
    case ROUTING_RETURN:
        carry_return(d, x, now, c);
        break;
    case ROUTING_END:
        store_route_end(d->store, d->fence, now, x->task, reason, on_carried, c);
        break;
    case ROUTING_WAKE:
        store_route_wake(d->store, d->fence, now, x->task, reason, on_carried, c);
        break;
    case ROUTING_STEP:
        carry_step(d, x, now, c);
        break;
    case ROUTING_REST:
    case ROUTING_LEAVE:
        log_info("agent.rest", "agent=%s reason=%s", log_value(x->agent), x->reason);
        store_route_rest(d->store, d->fence, now, x->agent, reason, leave ? "offline" : "away",
                         on_carried, c);
        break;
    }
}

void carry_turn(void *arg) {
    struct dispatch *d = arg;
    struct routing_decision decisions[DECISIONS];
    int64_t next = TURN_MS;
    if (d->phase == PHASE_ROUTING && d->carried < CARRIED_MAX && lease_is_fresh(d)) {
        int64_t now = clock_wall_ms(), began = clock_mono_us();
        size_t n = router_decide(d->router, now, decisions, DECISIONS);
        for (size_t i = 0; i < n; i++)
            carry(d, &decisions[i], now);
        metric_add(METRIC_ROUTER_DECISIONS, n);
        metric_observe_us(METRIC_ROUTER_STEP, clock_mono_us() - began);
        int64_t due = router_next_ms(d->router);
        next = due <= now ? 0 : due - now < TURN_MS ? due - now : TURN_MS;
    }
    loop_timer_set(d->turn_timer, next);
}

void carry_soon(struct dispatch *d) {
    loop_timer_set(d->turn_timer, 0);
}
