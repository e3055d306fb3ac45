/* routing/wish.c - one agent before all others: who had the contact last, who is to have it after a
 * transfer or a snooze, who manages the account.
 *
 *   last, snooze   while he is there and serves the queue, for the queue's sticky wait
 *   transfer       while he is there, whatever he serves
 *   key            the manager while he is there, then the deputy likewise
 *   key, hard      the manager, there or not, for the hard wait; then the deputy while he is there
 *
 * Whether he has room is asked only when the wait is over: room is what is waited for.
 */
#include "routing/router_priv.h"

static bool is_key(const struct task *t) {
    return t->wish_kind == ROUTING_WISH_KEY || t->wish_kind == ROUTING_WISH_KEY_HARD;
}

/* The manager's, before the deputy's begins. */
static int64_t first_wait_ms(const struct router *r, const struct task *t) {
    int64_t sticky = t->queue->rule.sticky_wait_ms;
    if (t->wish_kind == ROUTING_WISH_KEY_HARD)
        return r->hard_wait_ms;
    return t->wish_kind == ROUTING_WISH_TRANSFER && sticky == 0 ? ROUTING_DIRECT_WAIT_MS : sticky;
}

int64_t routing_wish_until_ms(const struct router *r, const struct task *t) {
    int64_t until = t->wish_from_ms + first_wait_ms(r, t);
    return t->wish_deputy ? until + t->queue->rule.sticky_wait_ms : until;
}

bool routing_wish_is_over(const struct router *r, const struct task *t) {
    return t->place == PLACE_HELD && routing_wish_until_ms(r, t) <= r->now_ms;
}

/* He serves the queue, or is meant whatever he serves. */
static bool is_meant(const struct task *t) {
    if (t->wish_kind == ROUTING_WISH_TRANSFER || is_key(t))
        return true;
    if (t->wish_kind == ROUTING_WISH_LAST &&
        t->created_ms - t->wish_seen_ms > t->queue->rule.sticky_window_ms)
        return false;
    return routing_agent_member(t->wish, t->queue) != NULL;
}

bool routing_wish_holds(const struct router *r, const struct task *t) {
    const struct agent *a = t->wish;
    const struct class *c = t->home.class;
    if (!a || !a->known || !routing_agent_skilled(a, c) || routing_task_excludes(t, a, r->now_ms) ||
        !is_meant(t))
        return false;
    bool over = routing_wish_until_ms(r, t) <= r->now_ms;
    if (t->wish_kind == ROUTING_WISH_KEY_HARD && !t->wish_deputy && !over)
        return true;
    return routing_agent_here(a) && (!over || (a->ready && routing_agent_fits(a, c)));
}

void routing_wish_next(struct task *t) {
    bool deputy = is_key(t) && !t->wish_deputy && t->deputy;
    t->wish = deputy ? t->deputy : NULL;
    t->wish_deputy = t->wish_deputy || deputy;
}

const char *routing_wish_word(const struct task *t) {
    static const char *const said[] = {
        [ROUTING_WISH_NONE] = "",
        [ROUTING_WISH_LAST] = "sticky: last agent",
        [ROUTING_WISH_TRANSFER] = "transferred to this agent",
        [ROUTING_WISH_SNOOZE] = "snoozed by this agent",
        [ROUTING_WISH_KEY] = "key account: manager",
        [ROUTING_WISH_KEY_HARD] = "key account: manager",
    };
    return t->wish_deputy ? "key account: deputy" : said[t->wish_kind];
}
