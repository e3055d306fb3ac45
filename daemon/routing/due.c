/* routing/due.c - what time brings: offers that ran out, agents that are gone, wrap-ups and snoozes
 * that are over. */
#include <stdio.h>

#include "routing/router_priv.h"

static bool give_back(struct task *t, enum routing_cause cause, struct routing_decision *out,
                      const char *reason) {
    *out = (struct routing_decision){.what = ROUTING_RETURN,
                                     .task = str_c(t->id),
                                     .agent = str_c(t->agent->id),
                                     .rev = t->rev,
                                     .offer = t->offer,
                                     .cause = cause};
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    t->pending = true;
    return true;
}

static bool offered_due(struct router *r, struct task *t, struct routing_decision *out) {
    const struct agent *a = t->agent;
    if (!a->known)
        return give_back(t, ROUTING_UNKNOWN_AGENT, out, "agent is no longer configured");
    if (a->presence != ROUTING_AVAILABLE)
        return give_back(t, ROUTING_NOT_AVAILABLE, out,
                         a->presence == ROUTING_AWAY ? "agent went away" : "agent went offline");
    if (a->lost_ms && a->lost_ms + ROUTING_OFFER_LOST_MS <= r->now_ms)
        return give_back(t, ROUTING_DISCONNECTED, out, "agent disconnected");
    if (t->until_ms > r->now_ms)
        return false;
    t->missed_by = t->agent;
    give_back(t, ROUTING_EXPIRED, out, "offer expired");
    out->exclude_until_ms = r->now_ms + t->queue->rule.missed_holdoff_ms;
    return true;
}

static bool accepted_due(struct router *r, struct task *t, struct routing_decision *out) {
    const struct agent *a = t->agent;
    if (!a->known)
        return give_back(t, ROUTING_UNKNOWN_AGENT, out, "agent is no longer configured");
    int64_t grace = t->is_call ? ROUTING_CALL_LOST_MS : a->lost_after_ms;
    if (a->lost_ms == 0 || a->lost_ms + grace > r->now_ms)
        return false;
    char reason[ROUTING_REASON_MAX];
    snprintf(reason, sizeof reason, "agent disconnected for %lld s",
             (long long)((r->now_ms - a->lost_ms) / 1000));
    return give_back(t, ROUTING_DISCONNECTED, out, reason);
}

static bool simple(struct task *t, enum routing_what what, struct routing_decision *out,
                   const char *reason) {
    *out = (struct routing_decision){
        .what = what, .task = str_c(t->id), .rev = t->rev, .offer = t->offer};
    if (t->agent)
        out->agent = str_c(t->agent->id);
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    t->pending = true;
    return true;
}

static void waiting_due(struct router *r, struct task *t) {
    if (t->place == PLACE_HELD || t->place == PLACE_NONE) {
        t->put_off_ms = 0;
        routing_task_refresh(r, t, t->place == PLACE_HELD);
        return;
    }
    size_t kept = 0;
    bool all =
        routing_match_all_refused(r, t) && t->waits_since_ms + ROUTING_ALL_REJECTED_MS <= r->now_ms;
    for (size_t i = 0; i < t->excluded_n && !all; i++)
        if (t->excluded[i].until_ms > r->now_ms)
            t->excluded[kept++] = t->excluded[i];
    bool fewer = kept < t->excluded_n;
    t->ask_again |= all;
    t->excluded_n = kept;
    if (fewer)
        routing_task_refresh(r, t, false);
}

bool routing_task_due(struct router *r, struct task *t, struct routing_decision *out) {
    bool decided = false;
    switch (t->state) {
    case ROUTING_WAITING:
        waiting_due(r, t);
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
