/* sip/plugin.c - call records of every make: each call once on the timeline, revised by later
 * records. See sip.h for how it is built.
 */
#include <stdlib.h>

#include <touchline/plugin.h>

#include "notice.h"
#include "recount.h"
#include "sip.h"

/* Reads what is new; a log with much to read gets a bounded share of a turn. */
static void look(void *arg) {
    struct sip *s = arg;
    if (s->drained)
        return;
    list_each (it, &s->sources)
        list_each (at, &container_of(it, struct source, link)->inputs) {
            struct input *input = container_of(at, struct input, link);
            list_each (f, &input->follows)
                follow_look((struct follow *)(void *)f);
            if (input->folder)
                folder_look(input->folder);
        }
}

static void tick(void *arg) {
    struct sip *s = arg;
    look(s);
    list_each (it, &s->sources)
        source_tick(container_of(it, struct source, link));
}

static struct source *source_named(struct sip *s, struct str name) {
    list_each (it, &s->sources) {
        struct source *source = container_of(it, struct source, link);
        if (str_eq(source->name, name))
            return source;
    }
    return source_new(s, name);
}

static void *sip_start(const struct tl_host *host, struct tl_channel *channel, const void *config) {
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    struct sip *s = NEW(struct sip);
    s->host = host;
    s->channel = channel;
    link_init(&s->sources);
    link_init(&s->closing);
    link_init(&s->operations);
    link_init(&s->posts);
    s->notice = notice_new(host->event_base(channel), look, s);
    for (size_t i = 0; i < all->n; i++)
        input_new(source_named(s, settings_source(&logs[i])), &logs[i]);
    s->timer = host->timer(channel, TICK_MS, true, tick, s);
    if (!post_route(s))
        host->log(channel, TL_ERROR, "sip.route", "reason=taken");
    return s;
}

static struct input *input_before(struct link *before, struct source *source,
                                  const struct log_config *c) {
    list_each (it, before) {
        struct input *input = container_of(it, struct input, link);
        if (input->source == source && input_is(input, c))
            return input;
    }
    return NULL;
}

/* What stays goes on where it is, with its new rules. */
static bool sip_reload(void *instance, const void *config) {
    struct sip *s = instance;
    const struct tl_items *all = config;
    const struct log_config *logs = all->items;
    struct link before;
    link_init(&before);
    list_each (it, &s->sources)
        list_each (at, &container_of(it, struct source, link)->inputs)
            list_push(&before, at);
    for (size_t i = 0; i < all->n; i++) {
        struct source *source = source_named(s, settings_source(&logs[i]));
        struct input *input = input_before(&before, source, &logs[i]);
        if (input) {
            input_configure(input, &logs[i]);
            list_push(&source->inputs, &input->link);
        } else {
            input_new(source, &logs[i]);
        }
    }
    list_each (it, &before)
        input_free(container_of(it, struct input, link));
    list_each (it, &s->sources) {
        struct source *source = container_of(it, struct source, link);
        if (link_alone(&source->inputs))
            source_close(source);
    }
    return true;
}

static bool sip_operate(void *instance, struct tl_operation *op, const struct tl_operate *what) {
    return recount_begin(instance, op, what);
}

static void sip_drain(void *instance) {
    struct sip *s = instance;
    s->drained = true;
}

static void sip_stop(void *take_instance) {
    struct sip *s = take_instance;
    recount_stop(s);
    s->host->timer_free(s->timer);
    notice_free(s->notice);
    list_each (it, &s->sources)
        source_close(container_of(it, struct source, link));
    post_stop(s);
    list_each (it, &s->closing)
        source_free(container_of(it, struct source, link));
    free(s);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("sip"),
    .summary = STR("call records: Asterisk, FreeSWITCH, Kamailio, OpenSIPS, SIP CLF, HEP"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = settings_keys,
    .config_bytes = sizeof(struct log_config),
    .check = settings_check,
    .start = sip_start,
    .reload = sip_reload,
    .drain = sip_drain,
    .stop = sip_stop,
    .operate = sip_operate,
};
