/* routing/strategy_weighted.c - each in turn, one of weight 3 three times as often.
 *
 * Everybody stands in a row, and each offer moves him back by the inverse of his weight. Who was
 * not able for a while comes back where the row has got to, not with all the turns that he missed.
 */
#include "routing/router_priv.h"

bool routing_weighted_before(const struct member *a, const struct member *b) {
    return a->turn != b->turn ? a->turn < b->turn : routing_agent_id_before(a->agent, b->agent);
}
