/* delivery/event.c - entries of the log to the streams that may see them.
 *
 * An agent sees his offers, what became of them, and the tasks that are or were his; a supervisor
 * what happens in his queues, as tasks.
 */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/touchpoint.h>

#include "delivery/delivery_priv.h"
#include "delivery/notices.h"

enum { SMALL_MAX = 8192 };

bool event_offer(struct buf *out, struct str task_json, int64_t offer, int64_t expires_ms) {
    char expires[DATE_RFC3339_MAX];
    date_format(expires_ms, expires);
    return buf_add_c(out, "{\"task\":") && buf_add(out, task_json) &&
           buf_addf(out, ",\"offer\":%lld,\"expires_at\":\"%s\"}", (long long)offer, expires);
}

static bool leads(const struct desk *k, struct str queue) {
    if (!k->leads || !k->queues || !queue.n)
        return false;
    for (const char *at = k->queues; (at = memmem(at, strlen(at), queue.p, queue.n)); at++)
        if (at[-1] == '\n' && at[queue.n] == '\n')
            return true;
    return false;
}

static void tell_offer(struct desk *k, struct str id, const struct route_entry *e) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, EVENT_MAX);
    if (event_offer(&b, e->json, e->offer, e->until_ms))
        desk_event(k, id, id, "offer", buf_str(&b));
}

static void tell_revoke(struct desk *k, struct str id, const struct route_entry *e) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, SMALL_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "task", e->task_id);
    jwrite_int(&w, "offer", e->offer);
    jwrite_str(&w, "reason", e->reason);
    jwrite_close(&w, '}');
    if (w.ok)
        desk_event(k, id, id, "revoke", buf_str(&b));
}

static void tell_presence(struct desk *k, struct str id, const struct route_entry *e) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, SMALL_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "agent", e->agent);
    jwrite_str(&w, "state", e->state);
    jwrite_str(&w, "reason", e->reason.n ? e->reason : STR_NONE);
    jwrite_close(&w, '}');
    if (w.ok)
        desk_event(k, id, id, "presence", buf_str(&b));
}

/* A step of a queue wants its supervisors to know. */
static void tell_notice(struct desk *k, struct str id, const struct route_entry *e) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, EVENT_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_raw(&w, "task", e->json);
    jwrite_str(&w, "queue", e->queue);
    jwrite_str(&w, "reason", e->reason);
    jwrite_close(&w, '}');
    if (w.ok)
        desk_event(k, id, id, "notice", buf_str(&b));
}

void event_tell(struct desk *k, struct str id, const struct route_entry *e) {
    bool own = e->agent.n && str_is(e->agent, k->agent->id);
    if (str_is(e->type, "presence")) {
        if (own || k->leads)
            tell_presence(k, id, e);
        return;
    }
    if (!own && !leads(k, e->queue))
        return;
    if (str_is(e->type, "notice"))
        tell_notice(k, id, e);
    else if (own && str_is(e->type, "offer"))
        tell_offer(k, id, e);
    else if (own && str_is(e->type, "revoke"))
        tell_revoke(k, id, e);
    else if (e->json.n)
        desk_event(k, id, id, "task", e->json);
    if (own && e->json.n && k->agent)
        watch_task(k, e->json);
}

void event_entry(void *arg, struct str id, const struct route_entry *e) {
    struct delivery *d = arg;
    snprintf(d->position, sizeof d->position, "%.*s", STR_ARG(id));
    board_entry(d, e);
    if (e->agent.n)
        notices_ring(d->notices, e->agent);
    /* Only streams that may see it are looked at: an agent's own, and the supervisors'. */
    struct desk_agent *a = e->agent.n ? map_get(&d->agents, e->agent) : NULL;
    if (a) {
        list_each (l, &a->streams)
            event_tell(container_of(l, struct desk, of_agent), id, e);
    }
    list_each (l, &d->leaders) {
        struct desk *k = container_of(l, struct desk, of_leaders);
        if (k->agent != a)
            event_tell(k, id, e);
    }
}
