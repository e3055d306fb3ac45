/* ingest/budget.c - how much of one person's mail makes work: beyond it, it is kept and tagged.
 *
 * Two programs that answer each other, or one that has gone mad, must not fill the queues. What is
 * counted is the timeline itself, so that it holds over restarts and for every daemon.
 */
#include <touchline/kit/jread.h>

#include "base/metrics.h"
#include "ingest/ingest_priv.h"

struct budgeting {
    struct unit *u;
    void (*next)(struct unit *u);
};

static void tag(struct unit *u) {
    json_t *tags = json_object_get(u->tp->json, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++)
        if (!strcmp(json_string_value(json_array_get(tags, i)), "flood"))
            return;
    json_array_append_new(tags, json_string("flood"));
    metric_add(METRIC_FLOODED, 1);
}

static void counted(void *arg, const struct fault *fault, int64_t n) {
    struct budgeting *b = arg;
    struct unit *u = b->u;
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    u->is_flood = n >= u->g->parts.correspondent.count;
    if (u->is_flood)
        tag(u);
    b->next(u);
}

void unit_budget(struct unit *u, void (*next)(struct unit *u)) {
    const struct tl_rate *rate = &u->g->parts.correspondent;
    u->is_flood = false;
    if (!rate->count || !unit_is_letter(u) || u->is_new_contact || u->look.applied) {
        next(u);
        return;
    }
    const struct recent what = {.from_ms = u->tp->at_ms - rate->per_ms,
                                .to_ms = u->tp->at_ms,
                                .at_most = rate->count,
                                .channel = u->tp->channel,
                                .but = u->tp->id};
    struct budgeting *b = arena_new(&u->arena, sizeof *b);
    *b = (struct budgeting){u, next};
    store_recent(u->g->parts.store, u->contact, &what, counted, b);
}
