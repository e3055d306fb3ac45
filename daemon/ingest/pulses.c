/* ingest/pulses.c - the pulses of all sources. */
#include "ingest/pulses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/list.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "config/config.h"
#include "ingest/pulse.h"
#include "spool/spool.h"

enum { LOOK_MS = 30000, SAVE_EVERY_MS = 3600000, SOURCES_MAX = 512, SOURCE_MAX = 200 };
#define CURSOR "=pulse/"

const struct tl_key alarm_keys[] = {
    {.name = "silence",
     .type = TL_KEY_BOOL,
     .offset = offsetof(struct alarm_config, silence),
     .preset = "yes",
     .help = "tell when a source is silent at an hour of the week at which it usually is not"},
    {.name = "unlikely",
     .type = TL_KEY_INT,
     .offset = offsetof(struct alarm_config, unlikely),
     .min = 100,
     .max = 1000000000,
     .preset = "100000",
     .help = "only a silence that chance makes once in so many times"},
    {.name = "least",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct alarm_config, least_ms),
     .min = 60000,
     .max = (int64_t)30 * 86400000,
     .preset = "15m",
     .help = "shorter silences are never told"},
    {.name = "history",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct alarm_config, history_ms),
     .min = (int64_t)7 * 86400000,
     .max = (int64_t)366 * 86400000,
     .preset = "7d",
     .help = "how long a source is watched before its silence is told"},
    {.name = "sources",
     .type = TL_KEY_STRMAP,
     .offset = offsetof(struct alarm_config, sources),
     .max = 200,
     .help = "a longest silence of a source instead of what is usual, or no"},
    {.name = NULL},
};

/* "4h", or "no": below 0. */
static bool longest_read(struct str text, int64_t *out_ms) {
    bool watched = true;
    if (config_read_duration(text, out_ms))
        return *out_ms > 0;
    *out_ms = -1;
    return config_read_bool(text, &watched) && !watched;
}

void alarm_check(const void *section, struct config_check *c) {
    const struct alarm_config *a = section;
    for (size_t i = 0; i < a->sources.n; i++) {
        int64_t ms;
        const struct tl_pair *p = &a->sources.items[i];
        if (!p->name.n || !memchr(p->name.p, ':', p->name.n))
            config_check_fault(c, p->value.p,
                               "a source is called PLUGIN:INSTANCE, like "
                               "\"email:support\"");
        else if (!longest_read(p->value, &ms))
            config_check_fault(c, p->value.p, "a duration is expected, or no");
    }
}

struct watched {
    struct link link;
    struct pulse pulse;
    int64_t saved_ms;
    struct pulse_rules rules;
    char source[SOURCE_MAX + 1];
};

struct pulses {
    struct spool *spool;
    const struct alarm_config *config;
    struct loop_timer *timer;
    struct link list;
    struct watched *latest; /* of the last arrival */
    size_t n;
};

static struct pulse_rules rules_of(const struct alarm_config *c, const char *source) {
    struct pulse_rules r = {.longest_ms = -1};
    if (!c || !c->silence)
        return r;
    r = (struct pulse_rules){
        .unlikely = (double)c->unlikely, .least_ms = c->least_ms, .history_ms = c->history_ms};
    for (size_t i = 0; i < c->sources.n; i++)
        if (str_is(c->sources.items[i].name, source) &&
            !longest_read(c->sources.items[i].value, &r.longest_ms))
            r.longest_ms = 0;
    return r;
}

static struct watched *watched_new(struct pulses *all, struct str source) {
    struct watched *w = NEW(struct watched);
    snprintf(w->source, sizeof w->source, "%.*s", STR_ARG(source));
    pulse_init(&w->pulse, clock_wall_ms());
    w->saved_ms = clock_mono_ms();
    w->rules = rules_of(all->config, w->source);
    list_push(&all->list, &w->link);
    all->n++;
    return w;
}

static void save(struct pulses *all, struct watched *w) {
    char name[SOURCE_MAX + sizeof CURSOR];
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 16384);
    snprintf(name, sizeof name, CURSOR "%s", w->source);
    if (pulse_save(&w->pulse, &b))
        spool_note_cursor(all->spool, str_c(name), buf_str(&b));
    w->saved_ms = clock_mono_ms();
}

static void tell(struct pulses *all, struct watched *w, enum pulse_change change) {
    const struct pulse *p = &w->pulse;
    int64_t quiet_s = (p->seen_ms - (p->last_ms ? p->last_ms : p->began_ms)) / 1000;
    if (change == PULSE_SAME)
        return;
    if (change == PULSE_BEGAN)
        log_warn("source.silent", "source=%s for_s=%lld usual=%.1f", log_value(str_c(w->source)),
                 (long long)quiet_s, p->missed);
    else
        log_info("source.back", "source=%s", log_value(str_c(w->source)));
    metric_set_label(METRIC_SOURCE_SILENT, w->source, p->silent);
    save(all, w);
}

static void look(void *arg) {
    struct pulses *all = arg;
    int64_t now = clock_wall_ms();
    loop_timer_set(all->timer, LOOK_MS);
    list_each (l, &all->list) {
        struct watched *w = container_of(l, struct watched, link);
        tell(all, w, pulse_look(&w->pulse, now, &w->rules));
        if (clock_mono_ms() - w->saved_ms >= SAVE_EVERY_MS)
            save(all, w);
    }
}

static void load_one(void *arg, struct str name, struct str value) {
    struct pulses *all = arg;
    struct str source = str_from(name, sizeof CURSOR - 1);
    if (!source.n || source.n > SOURCE_MAX || all->n == SOURCES_MAX)
        return;
    struct watched *w = watched_new(all, source);
    if (!pulse_load(&w->pulse, value, clock_wall_ms()))
        pulse_init(&w->pulse, clock_wall_ms());
    metric_set_label(METRIC_SOURCE_SILENT, w->source, w->pulse.silent);
    metric_set_label(METRIC_SOURCE_LAST, w->source, w->pulse.last_ms / 1000);
}

struct pulses *pulses_open(struct loop *loop, struct spool *spool,
                           const struct alarm_config *config) {
    struct pulses *all = NEW(struct pulses);
    all->spool = spool;
    all->config = config;
    link_init(&all->list);
    spool_cursors(spool, str_c(CURSOR), load_one, all);
    all->timer = loop_timer_new(loop, LOOK_MS, look, all);
    return all;
}

void pulses_reload(struct pulses *all, const struct alarm_config *config) {
    all->config = config;
    list_each (l, &all->list) {
        struct watched *w = container_of(l, struct watched, link);
        w->rules = rules_of(config, w->source);
    }
    look(all);
}

void pulses_close(struct pulses *all) {
    struct link *l;
    while ((l = list_first(&all->list))) {
        struct watched *w = container_of(l, struct watched, link);
        save(all, w);
        link_remove(l);
        free(w);
    }
    loop_timer_free(all->timer);
    free(all);
}

/* PLUGIN:INSTANCE, whatever the events of a push call their source. */
static struct str watched_as(struct str source) {
    struct str rest = source;
    struct str plugin = str_cut(&rest, ':');
    return rest.p ? str_upto(str_make(source.p, plugin.n + 1 + str_cut(&rest, ':').n), SOURCE_MAX)
                  : STR_NONE;
}

static struct watched *find(struct pulses *all, struct str source) {
    if (all->latest && str_is(source, all->latest->source))
        return all->latest;
    list_each (l, &all->list) {
        struct watched *w = container_of(l, struct watched, link);
        if (str_is(source, w->source))
            return w;
    }
    return source.n && all->n < SOURCES_MAX ? watched_new(all, source) : NULL;
}

void pulses_arrival(struct pulses *all, struct str source, bool usual) {
    int64_t now = clock_wall_ms();
    struct watched *w = find(all, watched_as(source));
    if (!w)
        return;
    all->latest = w;
    bool first = !w->pulse.last_ms;
    bool same_second = w->pulse.last_ms / 1000 == now / 1000;
    tell(all, w, pulse_arrival(&w->pulse, now, usual));
    if (!same_second)
        metric_set_label(METRIC_SOURCE_LAST, w->source, now / 1000);
    if (first) {
        metric_set_label(METRIC_SOURCE_SILENT, w->source, 0);
        save(all, w);
    }
}

void pulses_each(const struct pulses *all, pulse_state_fn *found, void *arg) {
    list_each (l, (struct link *)&all->list) {
        const struct watched *w = container_of(l, struct watched, link);
        const struct pulse_state state = {.source = str_c(w->source),
                                          .last_ms = w->pulse.last_ms,
                                          .silent_since_ms =
                                              w->pulse.silent ? w->pulse.silent_since_ms : 0,
                                          .expected = w->pulse.missed};
        found(arg, &state);
    }
}
