/* ingest/ingest.c - the room opened, reloaded, drained and closed. */
#include "ingest/ingest.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "ingest/mask.h"
#include "ingest/pulses.h"

enum { CONFIRM_MS = 1000 };

static void restart(void *arg) {
    struct ingest *g = arg;
    jobs_start(g);
}

bool ingest_open(const struct ingest_parts *parts, const struct tl_items *rules,
                 struct ingest **out, struct fault *f) {
    struct ingest *g = NEW(struct ingest);
    (void)f;
    g->parts = *parts;
    link_init(&g->jobs);
    link_init(&g->waiting);
    link_init(&g->actions);
    link_init(&g->earlies);
    link_init(&g->echoes);
    g->rules = rules_new(rules);
    g->mask = mask_new(parts->mask, parts->ids);
    g->intake = intake_new(g);
    g->pulses = pulses_open(parts->loop, parts->spool, parts->alarm);
    g->restart_timer = loop_timer_new(parts->loop, CONFIRM_MS, restart, g);
    g->confirm_timer = loop_timer_new(parts->loop, CONFIRM_MS, confirm_tick, g);
    feed_open(g);
    media_open(g);
    *out = g;
    return true;
}

void ingest_reload(struct ingest *g, const struct tl_items *rules,
                   const struct ingest_parts *parts) {
    rules_free(g->rules); /* units have copied what was decided */
    g->rules = rules_new(rules);
    mask_free(g->mask);
    g->mask = mask_new(parts->mask, g->parts.ids);
    pulses_reload(g->pulses, parts->alarm);
    g->parts.region = parts->region;
    g->parts.link_claims = parts->link_claims;
    g->parts.episode_ms = parts->episode_ms;
    g->parts.keep = parts->keep;
    g->parts.fetch_max_bytes = parts->fetch_max_bytes;
    g->parts.correspondent = parts->correspondent;
}

void ingest_drain(struct ingest *g) {
    g->draining = true;
    list_each (it, &g->jobs) {
        waiters_release(container_of(it, struct job, link));
    }
}

bool ingest_idle(const struct ingest *g) {
    return g->running == 0 && link_alone(&g->actions);
}

const struct pulses *ingest_pulses(const struct ingest *g) {
    return g->pulses;
}

uint64_t ingest_backlog(const struct ingest *g) {
    struct spool_figures figures;
    spool_figures(g->parts.spool, &figures);
    return figures.pending;
}

void ingest_close(struct ingest *g) {
    if (!g)
        return;
    g->closing = true;
    feed_close(g);
    echoes_close(g);
    media_close(g);
    loop_timer_free(g->confirm_timer);
    loop_timer_free(g->restart_timer);
    actions_cancel(g);
    jobs_clear(g);
    early_clear(g);
    lanes_clear(&g->lanes);
    rules_free(g->rules);
    mask_free(g->mask);
    pulses_close(g->pulses);
    intake_free(g->intake);
    free(g);
}
