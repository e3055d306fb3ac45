/* routing/strategy_round_robin.c - each in turn: the ring of a queue's members in the order in
 * which they joined, begun after the one whose turn was last. The cursor is the queue's own: what
 * he gets from other queues does not move it. */
#include "routing/router_priv.h"

bool routing_round_robin_before(const struct member *a, const struct member *b) {
    return a->position < b->position;
}
