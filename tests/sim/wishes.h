/* sim/wishes.h - who is waited for, judged offer by offer where all is told at once.
 *
 * A wish lapses when whoever is meant is not worth waiting for (gone, unskilled, has refused): the
 * deputy of a key account is next, then all. While it has not lapsed nobody else may be offered the
 * task; and an offer for the sake of a wish must have one.
 */
#ifndef SIM_WISHES_H
#define SIM_WISHES_H

#include "model.h"

enum { STAGE_FIRST, STAGE_DEPUTY, STAGE_ALL };

static bool is_key(const struct w_task *t) {
    return t->wish == ROUTING_WISH_KEY || t->wish == ROUTING_WISH_KEY_HARD;
}

static int wished(const struct w_task *t) {
    return t->stage == STAGE_FIRST ? t->wish_agent : t->deputy;
}

static int64_t wished_until(const struct world *w, const struct w_task *t) {
    int64_t sticky = sticky_wait(w, t), wait = sticky;
    if (t->wish == ROUTING_WISH_KEY_HARD)
        wait = 90000;
    else if (t->wish == ROUTING_WISH_TRANSFER && !sticky)
        wait = ROUTING_DIRECT_WAIT_MS;
    return t->wish_from + wait + (t->stage == STAGE_DEPUTY ? sticky : 0);
}

/* Serves the queue, and had the contact lately; a transfer or an account is for him in any case. */
static bool is_meant(const struct world *w, const struct w_task *t, int a) {
    if (t->wish == ROUTING_WISH_TRANSFER || is_key(t))
        return true;
    return w->agents[a].member[t->queue] &&
           (t->wish != ROUTING_WISH_LAST ||
            t->created - t->wish_seen <= w->queues[t->queue].rule.sticky_window_ms);
}

static bool holds_for(const struct world *w, const struct w_task *t) {
    int a = wished(t);
    bool hard = t->wish == ROUTING_WISH_KEY_HARD && t->stage == STAGE_FIRST;
    return a >= 0 && is_meant(w, t, a) && worth_waiting(w, t, a, hard) &&
           w->now < wished_until(w, t);
}

/* After each event, for a lapse is for good until the task changes. */
static void wishes_lapse(struct world *w) {
    for (int i = 0; i < TASKS; i++) {
        struct w_task *t = &w->tasks[i];
        if (!t->used || t->state != ROUTING_WAITING || !t->wish)
            continue;
        if (t->stage_rev != t->rev)
            t->stage = STAGE_FIRST;
        t->stage_rev = t->rev;
        while (t->stage < STAGE_ALL && !holds_for(w, t))
            t->stage = t->stage == STAGE_FIRST && is_key(t) ? STAGE_DEPUTY : STAGE_ALL;
    }
}

static bool says_wish(const char *reason) {
    return !strncmp(reason, "sticky", 6) || !strncmp(reason, "transferred", 11) ||
           !strncmp(reason, "snoozed", 7) || !strncmp(reason, "key", 3);
}

static void wish_is_kept(const struct world *w, const struct w_task *t, int a, const char *reason) {
    bool waits = t->wish && t->stage_rev == t->rev && t->stage < STAGE_ALL;
    /* The first is asked once more when his wait ends. */
    CHECK(!waits || a == wished(t) || (says_wish(reason) && a == t->wish_agent),
          "%s waits for %s, not for %s (%s)", t->id, w->agents[wished(t)].id, w->agents[a].id,
          reason);
    if (!says_wish(reason))
        return;
    CHECK(t->wish && (a == t->wish_agent || (is_key(t) && a == t->deputy)), "%s: %s", t->id,
          reason);
    CHECK(is_meant(w, t, a) && fit(w, a, t) && !w->queues[t->queue].rule.paused &&
              t->excluded[a] <= w->now,
          "%s may not have %s (%s)", w->agents[a].id, t->id, reason);
}

#endif
