/* roster/router.c - tells a router what the file says. */
#include <stdlib.h>

#include <touchline/kit/own.h>

#include "roster/roster.h"

static void tell_agent(struct router *r, const struct agent_config *a, int64_t now_ms) {
    const struct membership_config *m = a->memberships.items;
    struct routing_membership *queues = mem_new((a->memberships.n + 1) * sizeof *queues);
    struct tl_named_int *channels = mem_new((a->capacity.n + 1) * sizeof *channels);
    struct routing_agent news = {.id = a->id,
                                 .queues = queues,
                                 .queues_n = a->memberships.n,
                                 .skills = a->skills,
                                 .units = agent_units(a),
                                 .lost_after_ms = a->lost_after_ms};
    for (size_t i = 0; i < a->memberships.n; i++)
        queues[i] = (struct routing_membership){m[i].id, m[i].tier, m[i].weight};
    for (size_t i = 0; i < a->capacity.n; i++)
        if (!str_is(a->capacity.items[i].name, "units"))
            channels[news.channels.n++] = a->capacity.items[i];
    news.channels.items = channels;
    router_set_agent(r, &news, now_ms);
    free(channels);
    free(queues);
}

static void tell_queue(struct router *r, const struct people *p, const struct times *t,
                       const struct queue_config *q, int64_t now_ms) {
    const struct service_level *level = times_level(t, p, q->id);
    const struct step_config *said = q->steps.items;
    struct routing_step steps[QUEUE_STEPS_MAX] = {{0}};
    for (size_t i = 0; i < q->steps.n && i < QUEUE_STEPS_MAX; i++)
        steps[i] = (struct routing_step){said[i].after_ms > 0 ? said[i].after_ms : 0,
                                         said[i].after_percent, said[i].waiting,
                                         said[i].skip_if_none_available};
    router_set_queue(r,
                     &(struct routing_queue){.id = q->id,
                                             .strategy = (enum routing_strategy)q->strategy,
                                             .order = (enum routing_order)q->order,
                                             .weight = q->weight,
                                             .ageing_every_ms = q->ageing.every_ms,
                                             .ageing_by = q->ageing.by,
                                             .ageing_cap = q->ageing.cap,
                                             .offer_ms = q->offer.timeout_ms,
                                             .call_offer_ms = q->offer.call_ms,
                                             .offer_to = q->offer.to,
                                             .missed_limit = q->offer.missed_limit,
                                             .missed_holdoff_ms = q->offer.missed_holdoff_ms,
                                             .penalise_reject = q->offer.penalise_reject,
                                             .sticky_window_ms = q->sticky.window_ms,
                                             .sticky_wait_ms = q->sticky.wait_ms,
                                             .tier_wait_ms = q->tier_wait_ms,
                                             .handle_ms = q->handle_time.default_ms,
                                             .call_handle_ms = q->handle_time.call_ms,
                                             .calendar = level ? level->calendar : NULL,
                                             .steps = steps,
                                             .steps_n = q->steps.n},
                     now_ms);
}

static void tell_blocks(struct router *r, const struct people *p, int64_t now_ms) {
    struct routing_block blocks[CHANNELS_KNOWN];
    size_t n = 0;
    for (size_t i = 0; i < CHANNELS_KNOWN; i++)
        if (p->blocks.by[i].n && !str_is(p->blocks.by[i].items[0], "none"))
            blocks[n++] = (struct routing_block){str_c(channel_name(i)), p->blocks.by[i]};
    router_set_blocks(r, blocks, n, now_ms);
}

struct router *roster_router(const struct people *p, const struct times *t, int64_t now_ms) {
    struct router *r = router_new();
    router_set_hard_wait(r, p->hard_wait_ms);
    tell_blocks(r, p, now_ms);
    for (size_t i = 0; i < p->queues_n; i++)
        tell_queue(r, p, t, &p->queues[i], now_ms);
    for (size_t i = 0; i < p->agents_n; i++)
        if (p->agents[i].takes_tasks)
            tell_agent(r, &p->agents[i], now_ms);
    return r;
}
