/* routing/strategy_least_load.c - who has the least open work now, in units; never a count of the
 * day or of a life. */
#include "routing/router_priv.h"

bool routing_least_load_before(const struct member *x, const struct member *y) {
    const struct agent *a = x->agent, *b = y->agent;
    if (a->units != b->units)
        return a->units < b->units;
    if (a->idle_since_ms != b->idle_since_ms)
        return a->idle_since_ms < b->idle_since_ms;
    return routing_agent_id_before(a, b);
}
