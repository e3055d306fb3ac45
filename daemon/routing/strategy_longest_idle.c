/* routing/strategy_longest_idle.c - who has waited longest for work.
 *
 * With several tasks at once "idle" means nothing while one has any, so the share of his capacity
 * that is in use comes first; among equals the one whose last work, wrap-up or entry into available
 * lies furthest back; then the id.
 */
#include "routing/router_priv.h"

bool routing_longest_idle_before(const struct member *x, const struct member *y) {
    const struct agent *a = x->agent, *b = y->agent;
    int64_t mine = a->units * b->units_max, other = b->units * a->units_max;
    if (mine != other)
        return mine < other;
    if (a->idle_since_ms != b->idle_since_ms)
        return a->idle_since_ms < b->idle_since_ms;
    return routing_agent_id_before(a, b);
}
