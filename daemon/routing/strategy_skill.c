/* routing/strategy_skill.c - who knows best what is asked for, or just enough of it.
 *
 * best-skill: the highest sum of the levels that the task asks for. enough-skill: the least above
 * what it asks for, so that experts stay free for what only they can do.
 */
#include "routing/router_priv.h"

int64_t routing_best_skill_cost(const struct agent *a, const struct class *c) {
    int64_t sum = 0;
    for (size_t i = 0; i < c->needs_n; i++)
        sum += routing_agent_level(a, c->needs[i].skill);
    return -sum;
}

int64_t routing_enough_skill_cost(const struct agent *a, const struct class *c) {
    int64_t sum = 0;
    for (size_t i = 0; i < c->needs_n; i++)
        sum += routing_agent_level(a, c->needs[i].skill) - c->needs[i].min;
    return sum;
}
