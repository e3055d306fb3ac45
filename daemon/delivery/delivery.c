/* delivery/delivery.c - opens and closes the room; who has which streams. */
#include "delivery/delivery.h"

#include <stdio.h>
#include <stdlib.h>

#include "delivery/delivery_priv.h"
#include "delivery/notices.h"

void delivery_ref(struct delivery *d) {
    d->refs++;
}

void delivery_unref(struct delivery *d) {
    if (--d->refs > 0)
        return;
    map_clear(&d->agents);
    map_clear(&d->watches);
    free(d);
}

/* A contact that is nobody: looked at from the start, so that the connection for timelines is there
 * when a stream asks for one, and what comes right after its snapshot is not missed. */
static const struct str nobody = STR("c_00000000000000000000000000");

static void on_nobody(void *arg, struct str touchpoint) {
    (void)arg;
    (void)touchpoint;
}

/* Entries may have been missed: every stream begins again, with a snapshot. */
static void on_reset(void *arg) {
    struct delivery *d = arg;
    list_each (l, &d->streams) {
        struct desk *k = container_of(l, struct desk, link);
        k->resume[0] = 0;
        desk_begin(k);
    }
    board_reset(d);
    notices_ring(d->notices, STR_NONE);
}

void delivery_tells(struct delivery *d, struct notices *notices) {
    d->notices = notices;
}

bool delivery_open(struct loop *loop, struct store *store, const struct delivery_hooks *hooks,
                   struct delivery **out, struct fault *f) {
    (void)f;
    struct delivery *d = NEW(struct delivery);
    d->loop = loop;
    d->store = store;
    d->hooks = *hooks;
    d->refs = 1;
    link_init(&d->streams);
    link_init(&d->leaders);
    board_open(d);
    d->log = store_route_log(store, STR_NONE, event_entry, on_reset, d);
    d->nobody = store_watch_contact(store, nobody, on_nobody, d);
    *out = d;
    return true;
}

/* ---- agents ---- */

static struct desk_agent *agent_get(struct delivery *d, struct str id) {
    struct desk_agent *a = map_get(&d->agents, id);
    if (a)
        return a;
    a = NEW(struct desk_agent);
    a->id = mem_dup(id.p, id.n);
    link_init(&a->streams);
    map_put(&d->agents, str_make(a->id, id.n), a);
    return a;
}

static void agent_leave(struct delivery *d, struct desk *k) {
    struct desk_agent *a = k->agent;
    link_remove(&k->of_agent);
    k->agent = NULL;
    if (!link_alone(&a->streams))
        return;
    map_take(&d->agents, str_c(a->id));
    if (!d->ending) /* a daemon that stops says nothing: its agents come back to it, or to another
                     */
        d->hooks.streams(d->hooks.ctx, str_c(a->id), false);
    free(a->id);
    free(a);
}

void desk_over(struct desk *k) {
    struct delivery *d = k->d;
    if (!k->agent)
        return;
    k->http = NULL;
    k->live = false;
    watch_drop_all(k, true);
    link_remove(&k->link);
    link_remove(&k->of_leaders);
    agent_leave(d, k);
    loop_timer_free(k->again);
    k->again = NULL;
    desk_unref(k);
}

static void on_gone(void *arg) {
    desk_over(arg);
}

/* ---- streams ---- */

/* "LOGID" or "LOGID/MS" of ours; anything else begins with a snapshot. */
static void read_resume(struct desk *k, struct str last) {
    struct str rest = last, log = str_cut(&rest, '/');
    uint64_t ms, n, seen = 0;
    if (log.n >= sizeof k->resume || !log_id_read(log, &ms, &n))
        return;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] < '0' || rest.p[i] > '9' || i > 14)
            return;
        seen = seen * 10 + (uint64_t)(rest.p[i] - '0');
    }
    snprintf(k->resume, sizeof k->resume, "%.*s", STR_ARG(log));
    k->resume_ms = (int64_t)(rest.n ? seen : ms);
}

void delivery_stream(struct delivery *d, struct http_request *take_r, struct str agent,
                     struct str contact) {
    struct desk *k = NEW(struct desk);
    k->d = d;
    k->refs = 1;
    k->leads = http_who(take_r)->role == ROLE_SUPERVISOR;
    link_init(&k->pending);
    link_init(&k->interests);
    read_resume(k, http_header(take_r, "Last-Event-ID"));
    /* Both may lie in the request, which is gone once the stream is open. */
    char *who = mem_dup(agent.p, agent.n), *named = mem_dup(contact.p ? contact.p : "", contact.n);
    k->http = http_stream_open(take_r, on_gone, k);
    if (k->http) {
        k->agent = agent_get(d, str_c(who));
        bool first = link_alone(&k->agent->streams);
        list_push(&k->agent->streams, &k->of_agent);
        list_push(&d->streams, &k->link);
        if (k->leads)
            list_push(&d->leaders, &k->of_leaders);
        delivery_ref(d);
        if (first)
            d->hooks.streams(d->hooks.ctx, str_c(who), true);
        for (struct str rest = str_c(named); rest.p;) {
            struct str one = str_trim(str_cut(&rest, ','));
            if (one.n)
                watch_add(k, one, STR_NONE);
        }
        desk_begin(k);
    } else {
        free(k);
    }
    free(who);
    free(named);
}

static void end_stream(struct desk *k) {
    struct http_stream *http = k->http;
    desk_over(k);
    http_stream_close(http);
}

void delivery_end(struct delivery *d, struct str agent) {
    list_each (l, &d->streams) {
        struct desk *k = container_of(l, struct desk, link);
        if (str_is(agent, k->agent->id))
            end_stream(k);
    }
    board_end_of(d, agent);
}

void delivery_end_all(struct delivery *d) {
    d->ending = true;
    list_each (l, &d->streams)
        end_stream(container_of(l, struct desk, link));
    board_end_of(d, STR_NONE);
}

void delivery_close(struct delivery *d) {
    if (!d)
        return;
    d->ending = true;
    store_route_log_free(d->log);
    d->log = NULL;
    store_watch_end(d->nobody);
    delivery_end_all(d);
    board_close(d);
    delivery_unref(d);
}
