/* plugin/service.c - the host's small services: log, counters, health, timers, cursors. */
#include "plugin/plugin_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "spool/spool.h"

struct event_base *host_event_base(struct tl_channel *ch) {
    return loop_base(ch->host->parts.loop);
}

void host_log(struct tl_channel *ch, enum tl_level level, const char *event, const char *text) {
    static const enum log_level levels[] = {
        [TL_ERROR] = LOG_ERROR, [TL_WARN] = LOG_WARN, [TL_INFO] = LOG_INFO, [TL_DEBUG] = LOG_DEBUG};
    bool known = (size_t)level < COUNT(levels) && level >= TL_ERROR;
    log_event(known ? levels[level] : LOG_INFO, event, "channel=%s %s", ch->name, text ? text : "");
}

void host_count(struct tl_channel *ch, const char *name, const char *label, uint64_t n) {
    metric_plugin_add(ch->name, name, label, n);
}

/* A channel that names more parts than there is room for is not shown in all of them. */
static struct part *part_of(struct tl_channel *ch, struct str name) {
    name = str_upto(name, PART_NAME_MAX);
    for (size_t i = 0; i < ch->parts_n; i++)
        if (str_is(name, ch->parts[i].name))
            return &ch->parts[i];
    if (ch->parts_n == PARTS_MAX)
        return NULL;
    struct part *p = &ch->parts[ch->parts_n++];
    snprintf(p->name, sizeof p->name, "%.*s", STR_ARG(name));
    return p;
}

enum tl_health channel_health(const struct tl_channel *ch) {
    enum tl_health worst = ch->instance ? TL_OK : TL_DOWN;
    for (size_t i = 0; i < ch->parts_n; i++)
        if (ch->parts[i].state > worst)
            worst = ch->parts[i].state;
    return worst;
}

void host_health(struct tl_channel *ch, struct str part, enum tl_health state, const char *detail) {
    struct part *p = part_of(ch, part);
    if (!p || state < TL_OK || state > TL_DOWN)
        return;
    if (p->state != state)
        log_event(state == TL_OK ? LOG_INFO : LOG_WARN, "plugin.health",
                  "channel=%s part=%s state=%s", ch->name, log_value(str_c(p->name)),
                  state == TL_OK         ? "ok"
                  : state == TL_DEGRADED ? "degraded"
                                         : "down");
    p->state = state;
    snprintf(p->detail, sizeof p->detail, "%s", detail ? detail : "");
    metric_set_label(METRIC_CHANNEL_HEALTH, ch->name, TL_DOWN - channel_health(ch));
    char label[PLUGIN_NAME_MAX + PART_NAME_MAX + 2];
    snprintf(label, sizeof label, "%s:%s", ch->name, p->name);
    metric_set_label(METRIC_PART_HEALTH, label, TL_DOWN - state);
}

/* ---- cursors ---- */

bool cursor_name(struct tl_channel *ch, struct str name, char out[CURSOR_NAME_MAX]) {
    int n = snprintf(out, CURSOR_NAME_MAX, "%s/%.*s", ch->name, STR_ARG(name));
    return n > 0 && n < CURSOR_NAME_MAX;
}

bool host_cursor(struct tl_channel *ch, struct str name, char *out, size_t max, size_t *out_n) {
    char full[CURSOR_NAME_MAX];
    return cursor_name(ch, name, full) &&
           spool_cursor_get(ch->host->parts.spool, str_c(full), out, max, out_n);
}

/* ---- timers ---- */

struct tl_timer {
    struct link link;
    struct loop_timer *timer;
    uint32_t every_ms; /* 0: once */
    tl_timer_fn *fire;
    void *arg;
};

static void on_timer(void *arg) {
    struct tl_timer *t = arg;
    if (t->every_ms)
        loop_timer_set(t->timer, t->every_ms);
    t->fire(t->arg); /* may free t */
}

struct tl_timer *host_timer(struct tl_channel *ch, uint32_t after_ms, bool again, tl_timer_fn *fire,
                            void *arg) {
    struct tl_timer *t = NEW(struct tl_timer);
    t->every_ms = again ? (after_ms ? after_ms : 1) : 0;
    t->fire = fire;
    t->arg = arg;
    list_push(&ch->timers, &t->link);
    t->timer = loop_timer_new(ch->host->parts.loop, after_ms, on_timer, t);
    return t;
}

void host_timer_free(struct tl_timer *t) {
    if (!t)
        return;
    link_remove(&t->link);
    loop_timer_free(t->timer);
    free(t);
}

void timers_clear(struct tl_channel *ch) {
    struct link *l;
    while ((l = list_first(&ch->timers)))
        host_timer_free(container_of(l, struct tl_timer, link));
}
