/* routing/due.c - what time brings: offers that ran out, agents that are gone, wrap-ups and snoozes
 * that are over, work that nobody touched, steps. */
#include <stdio.h>

#include "routing/router_priv.h"

void routing_decision_of(const struct task *t, enum routing_what what,
                         struct routing_decision *out) {
    *out = (struct routing_decision){
        .what = what, .task = str_c(t->id), .rev = t->rev, .offer = t->offer};
}

static bool give_back(struct task *t, const struct agent *a, enum routing_cause cause,
                      struct routing_decision *out, const char *reason) {
    routing_decision_of(t, ROUTING_RETURN, out);
    out->agent = str_c(a->id);
    out->cause = cause;
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    t->pending = true;
    return true;
}

/* Whoever is gone loses the offer; the others, where it was offered to several, keep it. */
static bool offer_left(struct router *r, struct task *t, const struct agent *a,
                       struct routing_decision *out) {
    if (!a->known)
        return give_back(t, a, ROUTING_UNKNOWN_AGENT, out, "agent is no longer configured");
    if (a->presence == ROUTING_AWAY || a->presence == ROUTING_OFFLINE)
        return give_back(t, a, ROUTING_NOT_AVAILABLE, out,
                         a->presence == ROUTING_AWAY ? "agent went away" : "agent went offline");
    if (a->lost_ms && a->lost_ms + ROUTING_OFFER_LOST_MS <= r->now_ms)
        return give_back(t, a, ROUTING_DISCONNECTED, out, "agent disconnected");
    return false;
}

static bool offered_due(struct router *r, struct task *t, struct routing_decision *out) {
    for (size_t i = 0; i < t->holds_n; i++)
        if (offer_left(r, t, t->holds[i].agent, out))
            return true;
    if (t->until_ms > r->now_ms)
        return false;
    routing_task_missed(t);
    give_back(t, t->holds[0].agent, ROUTING_EXPIRED, out, "offer expired");
    out->exclude_until_ms = r->now_ms + t->queue->rule.missed_holdoff_ms;
    out->penalise = t->queue->rule.penalise_reject;
    return true;
}

static bool accepted_due(struct router *r, struct task *t, struct routing_decision *out) {
    const struct agent *a = t->holds[0].agent;
    if (!a->known)
        return give_back(t, a, ROUTING_UNKNOWN_AGENT, out, "agent is no longer configured");
    if (t->until_ms && t->until_ms <= r->now_ms) {
        give_back(t, a, ROUTING_UNTOUCHED, out, "accepted, but nothing was done about it");
        out->exclude_until_ms = r->now_ms + t->queue->rule.missed_holdoff_ms;
        return true;
    }
    int64_t grace = t->is_call ? ROUTING_CALL_LOST_MS : a->lost_after_ms;
    if (a->lost_ms == 0 || a->lost_ms + grace > r->now_ms)
        return false;
    char reason[ROUTING_REASON_MAX];
    snprintf(reason, sizeof reason, "agent disconnected for %lld s",
             (long long)((r->now_ms - a->lost_ms) / 1000));
    return give_back(t, a, ROUTING_DISCONNECTED, out, reason);
}

static bool simple(struct task *t, enum routing_what what, struct routing_decision *out,
                   const char *reason) {
    routing_decision_of(t, what, out);
    if (t->holds_n)
        out->agent = str_c(t->holds[0].agent->id);
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    t->pending = true;
    return true;
}

/* Exclusions that are over, or all of them once everybody has refused for long enough: then the
 * next step comes early. true: some have gone. */
static bool forget_excluded(struct router *r, struct task *t) {
    size_t kept = 0;
    bool all =
        routing_match_all_refused(r, t) && t->waits_since_ms + ROUTING_ALL_REJECTED_MS <= r->now_ms;
    for (size_t i = 0; i < t->excluded_n && !all; i++)
        if (t->excluded[i].until_ms > r->now_ms)
            t->excluded[kept++] = t->excluded[i];
    bool fewer = kept < t->excluded_n;
    t->ask_again |= all;
    t->all_refused = all;
    t->excluded_n = kept;
    return fewer;
}

static bool waiting_due(struct router *r, struct task *t, struct routing_decision *out) {
    bool look = false;
    switch (t->place) {
    case PLACE_HELD:
        look = routing_wish_is_over(r, t);
        if (look)
            routing_wish_next(t);
        break;
    case PLACE_NONE:
        t->put_off_ms = 0;
        look = true;
        break;
    case PLACE_POOL:
        look = forget_excluded(r, t) || t->queue->rule.tier_wait_ms > 0 || t->added_n > 0;
        break;
    case PLACE_FRESH:
        break;
    }
    if (routing_step_due(r, t, out))
        return true;
    if (look)
        routing_task_refresh(r, t);
    return false;
}

bool routing_task_due(struct router *r, struct task *t, struct routing_decision *out) {
    bool decided = false;
    switch (t->state) {
    case ROUTING_WAITING:
        decided = waiting_due(r, t, out);
        break;
    case ROUTING_OFFERED:
        decided = offered_due(r, t, out);
        break;
    case ROUTING_ACCEPTED:
        decided = accepted_due(r, t, out);
        break;
    case ROUTING_WRAPUP:
        decided = simple(t, ROUTING_END, out, "wrap-up over");
        break;
    case ROUTING_SNOOZED:
        decided = simple(t, ROUTING_WAKE, out, "snoozed until now");
        break;
    case ROUTING_GONE:
        break;
    }
    routing_task_arm(r, t);
    return decided;
}
