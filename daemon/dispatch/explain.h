/* dispatch/explain.h - an explanation in words.
 *
 *   task ──► explain.c ──routing_explain──► the router's facts ──► JSON, its sentences by
 * explain_text.c
 */
#ifndef DISPATCH_EXPLAIN_H
#define DISPATCH_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>

#include "routing/explain.h"

/* What stands in a sentence. */
struct said {
    struct str agent, other, queue, channel, thing, word, task;
    int64_t count, whole, have, want, until_ms, idle_ms, other_idle_ms;
};
bool explain_say(struct buf *out, const char *code, bool german, const struct said *v) must_check;
struct str explain_strategy(enum routing_strategy strategy, bool german);

struct people;
/* The contract's answer about a task (as it shows it), by what the router knows; what its next step
 * does is told by `p`, which may be NULL. */
bool explain_write(struct router *r, const struct people *p, struct str task, bool german,
                   struct buf *out) must_check;

#endif
