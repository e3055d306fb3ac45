/* plugin/host.c - the channels' life, and the table that each of them is given. */
#include "plugin/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "config/config.h"
#include "plugin/plugin_priv.h"

enum { PATH_BYTES_MAX = 4096 };

const struct tl_host plugin_host_table = {
    .abi_major = TL_ABI_MAJOR,
    .abi_minor = TL_ABI_MINOR,
    .size = sizeof(struct tl_host),
    .event_base = host_event_base,
    .log = host_log,
    .count = host_count,
    .health = host_health,
    .now_ms = clock_wall_ms,
    .mono_ms = clock_mono_ms,
    .submit = host_submit,
    .cursor = host_cursor,
    .lease = host_lease,
    .lease_release = host_lease_release,
    .timer = host_timer,
    .timer_free = host_timer_free,
    .route = host_route,
    .request = host_request,
    .request_header = host_request_header,
    .request_param = host_request_param,
    .reply = host_reply,
    .problem = host_problem,
    .fetch = host_fetch,
    .work = host_work,
    .sent = host_sent,
    .operation_progress = host_operation_progress,
    .operation_item = host_operation_item,
    .operation_end = host_operation_end,
    .ledger = host_ledger,
    .known = host_known,
    .stream = host_stream,
    .stream_write = host_stream_write,
    .stream_hold = host_stream_hold,
    .stream_close = host_stream_close,
    .attached = host_attached,
};

/* ---- what is under way ---- */

void *pending_new(struct plugin_host *h, struct tl_channel *ch, size_t bytes) {
    struct pending *p = mem_new(bytes);
    p->host = h;
    p->ch = ch;
    list_push(ch ? &ch->pendings : &h->idle, &p->link);
    return p;
}

void pending_free(struct pending *p) {
    link_remove(&p->link);
    free(p);
}

void pending_soon(struct pending *p, void (*tell)(struct pending *take_p)) {
    p->tell = tell;
    list_push(&p->host->soon, &p->link);
    if (p->host->soon_timer)
        loop_timer_set(p->host->soon_timer, 0);
}

static void tell_all(void *arg) {
    struct plugin_host *h = arg;
    struct link now, *l;
    link_init(&now);
    while ((l = list_first(&h->soon)))
        list_push(&now, l);
    while ((l = list_first(&now))) {
        struct pending *p = container_of(l, struct pending, link);
        link_remove(l);
        p->tell(p);
    }
}

/* The channel is gone: nothing of it may be called any more. */
static void pendings_orphan(struct link *list, const struct tl_channel *ch) {
    list_each (l, list) {
        struct pending *p = container_of(l, struct pending, link);
        if (ch && p->ch != ch)
            continue;
        p->ch = NULL;
        if (p->orphaned && p->tell == NULL)
            p->orphaned(p);
        else if (!p->orphaned)
            p->dead = true;
    }
}

/* The host is gone: whoever answers only frees. */
static void pendings_kill(struct link *list) {
    struct link *l;
    while ((l = list_first(list))) {
        container_of(l, struct pending, link)->dead = true;
        link_remove(l);
    }
}

/* ---- folders ---- */

struct plugin_host *plugin_host_new(void) {
    struct plugin_host *h = NEW(struct plugin_host);
    char exe[PATH_BYTES_MAX], path[PATH_BYTES_MAX + 64];
    uint8_t random[16];
    link_init(&h->channels);
    link_init(&h->soon);
    link_init(&h->idle);
    link_init(&h->operations);
    bytes_random(random, sizeof random);
    hex_encode(random, sizeof random, h->holder);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    static const char *const beside[] = {"channels", "../lib/touchline/channels"};
    for (size_t i = 0; i < COUNT(beside); i++) {
        snprintf(path, sizeof path, "%s/%s", exe, beside[i]);
        h->folders[i] = mem_dup(path, strlen(path));
        h->folder_strs[i] = str_c(h->folders[i]);
    }
    return h;
}

struct tl_strs plugin_host_folders(struct plugin_host *h, const struct tl_strs *configured) {
    if (configured && configured->n)
        return *configured;
    return (struct tl_strs){.items = h->folder_strs, .n = COUNT(h->folder_strs)};
}

const struct tl_plugin *plugin_host_find(void *host, struct str name, const struct tl_strs *folders,
                                         struct fault *out_why) {
    struct tl_channel *ch = channel_load(host, name, folders, out_why);
    return ch ? &ch->plugin : NULL;
}

/* ---- life ---- */

static bool channel_start(struct tl_channel *ch, const void *config, struct fault *f) {
    ch->config = config;
    ch->parts_n = 0;
    ch->instance = ch->plugin.start(&plugin_host_table, ch, config);
    if (!ch->instance)
        return fault_set(f, FAULT_SYSTEM, ch->name,
                         "the channel could not start; the log says why");
    metric_set_label(METRIC_CHANNEL_HEALTH, ch->name, TL_DOWN - channel_health(ch));
    log_info("plugin.started", "channel=%s", ch->name);
    return true;
}

static void channel_stop(struct tl_channel *ch) {
    if (!ch->instance)
        return;
    void *instance = ch->instance;
    ch->instance = NULL;
    ch->plugin.stop(instance);
    operations_interrupt(ch->host, ch);
    routes_retire(ch);
    leases_clear(ch);
    timers_clear(ch);
    streams_clear(ch);
    pendings_orphan(&ch->pendings, NULL);
    pendings_orphan(&ch->host->soon, ch);
    log_info("plugin.stopped", "channel=%s", ch->name);
}

static bool start_named(struct plugin_host *h, const struct config *config, struct fault *f) {
    const struct tl_strs *names = config_channels(config);
    for (size_t i = 0; i < names->n; i++) {
        struct tl_channel *ch = channel_find(h, names->items[i]);
        const void *part = config_channel(config, names->items[i]);
        if (!ch || !part)
            return fault_set(f, FAULT_STATE, "channels", "channel %.*s was not loaded",
                             STR_ARG(names->items[i]));
        if (!ch->instance && !channel_start(ch, part, f))
            return false;
    }
    return true;
}

void host_join(struct plugin_host *h, const struct plugin_parts *parts) {
    h->parts = *parts;
    h->soon_timer = loop_timer_new(parts->loop, 0, tell_all, h);
}

bool plugin_host_start(struct plugin_host *h, const struct plugin_parts *parts,
                       const struct config *config, struct fault *f) {
    host_join(h, parts);
    return start_named(h, config, f);
}

static bool channel_reload(struct tl_channel *ch, const void *config) {
    if (ch->plugin.reload && !ch->plugin.reload(ch->instance, config))
        return false;
    if (!ch->plugin.reload)
        log_warn("plugin.reload",
                 "channel=%s reason=\"takes a new configuration only when started\"", ch->name);
    return true;
}

/* Those already changed go back to what they had: all or none. */
static void reload_undo(struct plugin_host *h, const struct tl_channel *until) {
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        if (ch == until)
            return;
        if (ch->instance && !channel_reload(ch, ch->config))
            log_error("plugin.reload", "channel=%s reason=\"cannot go back\"", ch->name);
    }
}

bool plugin_host_reload(struct plugin_host *h, const struct config *config, struct fault *f) {
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        const void *part = config_channel(config, str_c(ch->name));
        if (!ch->instance || !part || channel_reload(ch, part))
            continue;
        reload_undo(h, ch);
        return fault_set(f, FAULT_STATE, ch->name,
                         "the channel keeps its old configuration; the log says why");
    }
    if (!start_named(h, config, f)) {
        reload_undo(h, NULL);
        return false;
    }
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        const void *part = config_channel(config, str_c(ch->name));
        if (part)
            ch->config = part;
        else
            channel_stop(ch); /* not named any more */
    }
    return true;
}

void plugin_host_drain(struct plugin_host *h) {
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        if (ch->instance && ch->plugin.drain)
            ch->plugin.drain(ch->instance);
    }
}

void plugin_host_free(struct plugin_host *h) {
    if (!h)
        return;
    list_each (l, &h->channels) {
        struct tl_channel *ch = container_of(l, struct tl_channel, link);
        channel_stop(ch);
        pendings_kill(&ch->pendings);
        routes_clear(ch);
        channel_free(ch);
    }
    pendings_kill(&h->idle);
    list_each (l, &h->soon)
        container_of(l, struct pending, link)->dead = true;
    tell_all(h);
    operations_clear(h);
    loop_timer_free(h->soon_timer);
    for (size_t i = 0; i < COUNT(h->folders); i++)
        free(h->folders[i]);
    free(h);
}

/* ---- acknowledgements ---- */

bool plugin_host_acknowledges(struct plugin_host *h, struct str source,
                              struct tl_acknowledge *out) {
    struct tl_channel *ch = channel_of_source(h, source);
    *out = (struct tl_acknowledge){.size = sizeof *out};
    return ch && ch->instance && ch->plugin.acknowledge &&
           ch->plugin.acknowledge(ch->instance, source, out);
}

/* ---- /readyz ---- */

static void describe_channel(struct jwrite *w, const struct tl_channel *ch) {
    static const char *const names[] = {
        [TL_OK] = "ok", [TL_DEGRADED] = "degraded", [TL_DOWN] = "down"};
    jwrite_open(w, ch->name, '{');
    jwrite_c(w, "state", names[channel_health(ch)]);
    jwrite_open(w, "parts", '{');
    for (size_t i = 0; i < ch->parts_n; i++) {
        jwrite_open(w, ch->parts[i].name, '{');
        jwrite_c(w, "state", names[ch->parts[i].state]);
        jwrite_c(w, "detail", ch->parts[i].detail);
        jwrite_close(w, '}');
    }
    jwrite_close(w, '}');
    jwrite_close(w, '}');
}

bool plugin_host_describe(struct plugin_host *h, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    list_each (l, &h->channels)
        describe_channel(&w, container_of(l, struct tl_channel, link));
    return w.ok;
}
