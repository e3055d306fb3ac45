/* delivery/desk.c - one stream: how it begins, and what is sent on it.
 *
 * The log is followed while the beginning is asked for, so nothing falls between: what comes
 * meanwhile is kept back, and of it what the snapshot (or what was resumed) holds already is
 * dropped by its id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "delivery/delivery_priv.h"

/* ---- ids of the log: MS-N ---- */

bool log_id_read(struct str s, uint64_t *out_ms, uint64_t *out_n) {
    uint64_t parts[2] = {0, 0};
    size_t part = 0, digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '-' && part == 0 && digits) {
            part = 1;
            digits = 0;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 18)
            return false;
        parts[part] = parts[part] * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (part != 1 || !digits)
        return false;
    *out_ms = parts[0];
    *out_n = parts[1];
    return true;
}

int log_id_compare(struct str a, struct str b) {
    uint64_t x[2] = {0, 0}, y[2] = {0, 0};
    if (!log_id_read(a, &x[0], &x[1]) || !log_id_read(b, &y[0], &y[1]))
        return 0;
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return x[1] == y[1] ? 0 : x[1] < y[1] ? -1 : 1;
}

/* ---- life ---- */

static void pending_clear(struct desk *k) {
    list_each (l, &k->pending) {
        link_remove(l);
        free(container_of(l, struct pending, link));
    }
    k->pending_n = k->pending_bytes = 0;
}

void desk_ref(struct desk *k) {
    k->refs++;
}

void desk_unref(struct desk *k) {
    if (--k->refs > 0)
        return;
    struct delivery *d = k->d;
    pending_clear(k);
    free(k->queues);
    free(k->agent_json);
    free(k);
    delivery_unref(d);
}

static void hang_up_now(void *arg) {
    struct desk *k = arg;
    struct http_stream *http = k->http;
    if (http) {
        desk_over(k);
        http_stream_close(http);
    }
    desk_unref(k);
}

/* Ends it from our side, later, for whoever tells an event walks over streams: the client comes
 * again and begins anew. */
static void hang_up(struct desk *k) {
    if (k->hanging_up)
        return;
    k->hanging_up = true;
    desk_ref(k);
    loop_later(k->d->loop, hang_up_now, k);
}

/* ---- sending ---- */

static void keep_back(struct desk *k, bool by_log, struct str event_id, const char *event,
                      struct str json) {
    if (k->pending_n >= PENDING_MAX || k->pending_bytes + json.n > PENDING_BYTES_MAX) {
        hang_up(k);
        return;
    }
    struct pending *p = mem_new(sizeof *p + json.n);
    p->by_log = by_log;
    p->n = json.n;
    memcpy(p->json, json.p, json.n);
    snprintf(p->id, sizeof p->id, "%.*s", STR_ARG(event_id));
    snprintf(p->event, sizeof p->event, "%s", event);
    list_push(&k->pending, &p->link);
    k->pending_n++;
    k->pending_bytes += json.n;
}

static void send_now(struct desk *k, struct str event_id, const char *event, struct str json) {
    if (k->http && !http_stream_send(k->http, event_id, event, json))
        k->live = false; /* too slow, or gone: on_gone follows */
}

void desk_event(struct desk *k, struct str log_id, struct str event_id, const char *event,
                struct str json) {
    if (!k->http || k->hanging_up)
        return;
    if (!k->live) {
        keep_back(k, log_id.p != NULL, event_id, event, json);
        return;
    }
    if (log_id.p && log_id_compare(log_id, str_c(k->after)) <= 0)
        return;
    if (log_id.p)
        snprintf(k->after, sizeof k->after, "%.*s", STR_ARG(log_id));
    send_now(k, event_id, event, json);
}

/* All that was kept back, then on as it comes. */
static void go_live(struct desk *k) {
    k->live = true;
    list_each (l, &k->pending) {
        struct pending *p = container_of(l, struct pending, link);
        link_remove(l);
        struct str id = str_c(p->id);
        if (k->live)
            desk_event(k, p->by_log ? id : STR_NONE, id, p->event, str_make(p->json, p->n));
        free(p);
    }
    k->pending_n = k->pending_bytes = 0;
    if (k->live && k->resume[0])
        watch_resume(k, k->resume_ms);
    k->resume[0] = 0;
}

/* ---- beginning ---- */

static void begin_again(void *arg) {
    desk_begin(arg);
}

/* The store is away: asked again until it is back; the client hears comments meanwhile. */
static void try_later(struct desk *k) {
    if (!k->again)
        k->again = loop_timer_new(k->d->loop, AGAIN_MS, begin_again, k);
    else
        loop_timer_set(k->again, AGAIN_MS);
}

static bool snapshot_text(struct buf *out, const struct desk *k, const struct str *tasks,
                          size_t n) {
    cleanup(buf_clear) struct buf offers;
    bool ok = true, first_task = true, first_offer = true;
    buf_init(&offers, EVENT_MAX);
    ok = buf_add_c(out, "{\"agent\":") && buf_add_c(out, k->agent_json) &&
         buf_add_c(out, ",\"tasks\":[");
    for (size_t i = 0; ok && i < n; i++) {
        cleanup(json_freep) json_t *j = NULL;
        if (!jread_parse(tasks[i], tasks[i].n, &j, NULL))
            continue;
        const json_t *offer = json_object_get(j, "offer");
        bool *first = offer && !json_is_null(offer) ? &first_offer : &first_task;
        struct buf *to = first == &first_offer ? &offers : out;
        ok = *first || buf_add_byte(to, ',');
        *first = false;
        if (to == out)
            ok = ok && buf_add(out, tasks[i]);
        else
            ok = ok && buf_addf(to, "{\"task\":%.*s,\"offer\":%lld,\"expires_at\":\"%s\"}",
                                STR_ARG(tasks[i]), (long long)jget_int(offer, "n", 0),
                                json_string_value(json_object_get(offer, "expires_at")));
    }
    return ok && buf_add_c(out, "],\"offers\":[") && buf_add(out, buf_str(&offers)) &&
           buf_add_c(out, "]}");
}

static void on_missed(void *arg, struct str id, const struct route_entry *e) {
    struct desk *k = arg;
    if (k->http) {
        k->live = true; /* for this one: it goes before what was kept back */
        event_tell(k, id, e);
        k->live = false;
    }
}

static void on_resumed(void *arg, bool ok) {
    struct desk *k = arg;
    if (k->http && ok) {
        go_live(k);
    } else if (k->http) { /* too old, or too much: a snapshot instead */
        k->resume[0] = 0;
        desk_begin(k);
    }
    desk_unref(k);
}

static void on_desk(void *arg, bool ok, struct str from, const struct str *tasks, size_t n) {
    struct desk *k = arg;
    cleanup(buf_clear) struct buf text;
    buf_init(&text, EVENT_MAX);
    if (k->http && !ok) {
        try_later(k);
    } else if (k->http) {
        watch_drop_all(k, false);
        for (size_t i = 0; i < n; i++)
            watch_task(k, tasks[i]);
        if (k->resume[0]) {
            snprintf(k->after, sizeof k->after, "%s", k->resume);
            desk_ref(k);
            store_route_after(k->d->store, str_c(k->resume), on_missed, on_resumed, k);
        } else if (snapshot_text(&text, k, tasks, n)) {
            snprintf(k->after, sizeof k->after, "%.*s", STR_ARG(from));
            send_now(k, from, "snapshot", buf_str(&text));
            go_live(k);
        } else {
            hang_up(k);
        }
    }
    desk_unref(k);
}

/* "\nQUEUE\n…": what a supervisor sees. */
static void take_queues(struct desk *k, const json_t *agent) {
    struct buf b;
    const json_t *list = json_object_get(agent, "queues"), *one;
    size_t i;
    buf_init(&b, EVENT_MAX);
    bool ok = buf_add_byte(&b, '\n');
    json_array_foreach(list, i, one) ok =
        ok && buf_add_c(&b, json_is_string(one) ? json_string_value(one) : "") &&
        buf_add_byte(&b, '\n');
    free(k->queues);
    k->queues = ok ? buf_steal(&b, NULL) : NULL;
    buf_clear(&b);
}

static void on_agent(void *arg, struct str json) {
    struct desk *k = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (k->http && !jread_parse(json, json.n, &j, NULL)) {
        try_later(k);
    } else if (k->http) {
        free(k->agent_json);
        k->agent_json = mem_dup(json.p, json.n);
        take_queues(k, j);
        desk_ref(k);
        store_desk(k->d->store, str_c(k->agent->id), on_desk, k);
    }
    desk_unref(k);
}

void desk_begin(struct desk *k) {
    if (!k->http)
        return;
    k->live = false;
    desk_ref(k);
    k->d->hooks.agent(k->d->hooks.ctx, str_c(k->agent->id), on_agent, k);
}
