/* delivery/delivery.c - agents' streams: who is connected, and which entry of {r}:log is whose.
 *
 * An event's id is the log entry's; a timeline event bears the last one's, so that resuming after
 * it misses nothing.
 */
#include "delivery/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "delivery/delivery_priv.h"
#include "http/http.h"

/* ---- one stream ---- */

void stream_ref(struct stream *s) {
    s->refs++;
}

void stream_unref(struct stream *s) {
    if (--s->refs)
        return;
    desk_forget(s);
    free((char *)s->snapshot_agent.p);
    free(s);
}

static size_t streams_of(const struct delivery *d, const char *agent) {
    size_t n = 0;
    list_each (it, &d->streams)
        n += strcmp(container_of(it, struct stream, link)->agent, agent) == 0;
    return n;
}

/* Out of the list; what is under way still holds it. */
static void stream_end(struct stream *s) {
    struct delivery *d = s->delivery;
    link_remove(&s->link);
    s->http = NULL;
    loop_timer_free(s->retry);
    s->retry = NULL;
    watch_clear(s);
    if (streams_of(d, s->agent) == 0)
        d->hooks.streams(d->hooks.ctx, str_c(s->agent), false);
    stream_unref(s);
}

static void on_gone(void *arg) {
    stream_end(arg);
}

bool stream_send(struct stream *s, struct str id, const char *event, struct str json) {
    if (!s->http)
        return false;
    if (id.n && id.n < sizeof s->last_id)
        snprintf(s->last_id, sizeof s->last_id, "%.*s", STR_ARG(id));
    return http_stream_send(s->http, str_c(s->last_id), event, json);
}

/* ---- entries of the log ---- */

static void write_revoke(struct jwrite *w, const struct route_entry *e) {
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "task", e->task_id);
    jwrite_int(w, "offer", e->offer);
    jwrite_str(w, "reason", e->reason);
    jwrite_close(w, '}');
}

static void write_offer(struct jwrite *w, const struct route_entry *e) {
    jwrite_open(w, NULL, '{');
    jwrite_raw(w, "task", e->json);
    jwrite_int(w, "offer", e->offer);
    jwrite_time(w, "expires_at", e->until_ms);
    jwrite_close(w, '}');
}

static void write_presence(struct jwrite *w, const struct route_entry *e) {
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "agent", e->agent);
    jwrite_str(w, "state", e->state);
    jwrite_str(w, "reason", e->reason.n ? e->reason : STR_NONE);
    jwrite_close(w, '}');
}

/* "ms-seq" as two numbers; entries are sent in their order, each once. */
static bool is_after(struct str id, const char *last) {
    uint64_t a = 0, b = 0, c = 0, d = 0;
    char text[LOG_ID_MAX];
    snprintf(text, sizeof text, "%.*s", STR_ARG(id));
    if (!*last || sscanf(text, "%" SCNu64 "-%" SCNu64, &a, &b) != 2 ||
        sscanf(last, "%" SCNu64 "-%" SCNu64, &c, &d) != 2)
        return true;
    return a > c || (a == c && b > d);
}

static void send_entry(struct stream *s, struct str id, const struct route_entry *e) {
    static const struct {
        const char *type;
        void (*write)(struct jwrite *w, const struct route_entry *e);
    } kinds[] = {{"offer", write_offer}, {"revoke", write_revoke}, {"presence", write_presence}};
    if (str_is(e->type, "task")) {
        stream_send(s, id, "task", e->json);
        return;
    }
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!str_is(e->type, kinds[i].type))
            continue;
        cleanup(buf_clear) struct buf b;
        struct jwrite w;
        buf_init(&b, EVENT_MAX);
        jwrite_init(&w, &b);
        kinds[i].write(&w, e);
        if (w.ok)
            stream_send(s, id, kinds[i].type, buf_str(&b));
        metric_add_label(METRIC_SSE_EVENTS, kinds[i].type, 1);
    }
}

void stream_entry(struct stream *s, struct str id, const struct route_entry *e) {
    if (!s->http || !is_after(id, s->last_id))
        return;
    if (str_is(e->agent, s->agent)) {
        send_entry(s, id, e);
        if (e->json.n && s->http)
            watch_task(s, e->json);
        else if (str_is(e->type, "revoke"))
            watch_drop(s, e->task_id);
    } else if (id.n < sizeof s->last_id) {
        snprintf(s->last_id, sizeof s->last_id, "%.*s", STR_ARG(id));
    }
}

static void on_entry(void *arg, struct str id, const struct route_entry *e) {
    struct delivery *d = arg;
    list_each (it, &d->streams) {
        struct stream *s = container_of(it, struct stream, link);
        if (s->state == STREAM_LIVE)
            stream_entry(s, id, e);
        else
            desk_hold(s, id, e);
    }
}

/* Entries may have been missed: everyone gets a snapshot again. */
static void on_reset(void *arg) {
    struct delivery *d = arg;
    list_each (it, &d->streams) {
        struct stream *s = container_of(it, struct stream, link);
        if (s->state == STREAM_LIVE) {
            s->last_id[0] = '\0';
            desk_snapshot(s);
        }
    }
}

/* ---- the room ---- */

bool delivery_open(struct loop *loop, struct store *store, const struct delivery_hooks *hooks,
                   struct delivery **out, struct fault *f) {
    struct delivery *d = NEW(struct delivery);
    (void)f;
    d->loop = loop;
    d->store = store;
    d->hooks = *hooks;
    link_init(&d->streams);
    link_init(&d->watches);
    d->log = store_route_log(store, STR_NONE, on_entry, on_reset, d);
    *out = d;
    return true;
}

/* Questions under way may still answer: their streams live until then, the room as long. */
void delivery_end_all(struct delivery *d) {
    list_each (it, &d->streams) {
        struct stream *s = container_of(it, struct stream, link);
        http_stream_close(s->http);
        stream_end(s);
    }
    store_route_log_free(steal(&d->log));
}

void delivery_close(struct delivery *d) {
    if (!d)
        return;
    delivery_end_all(d);
    free(d);
}

void delivery_stream(struct delivery *d, struct http_request *take_r, struct str agent,
                     struct str contact) {
    struct stream *s = NEW(struct stream);
    char last[LOG_ID_MAX] = "";
    struct str last_event_id = http_header(take_r, "Last-Event-ID");
    struct str names = contact;
    s->delivery = d;
    s->refs = 1;
    s->state = STREAM_CATCHING_UP;
    link_init(&s->pending);
    link_init(&s->looks);
    snprintf(s->agent, sizeof s->agent, "%.*s", STR_ARG(agent));
    if (last_event_id.n && last_event_id.n < sizeof last)
        snprintf(last, sizeof last, "%.*s", STR_ARG(last_event_id));
    while (names.n)
        watch_contact(s, str_trim(str_cut(&names, ',')), str_c(""));
    s->http = http_stream_open(take_r, on_gone, s);
    if (!s->http) {
        watch_clear(s);
        stream_unref(s);
        return;
    }
    bool first = streams_of(d, s->agent) == 0;
    list_push(&d->streams, &s->link);
    if (first)
        d->hooks.streams(d->hooks.ctx, str_c(s->agent), true);
    if (*last)
        desk_resume(s, str_c(last));
    else
        desk_snapshot(s);
}

void delivery_end(struct delivery *d, struct str agent) {
    list_each (it, &d->streams) {
        struct stream *s = container_of(it, struct stream, link);
        if (!str_is(agent, s->agent))
            continue;
        http_stream_close(s->http);
        stream_end(s);
    }
}
