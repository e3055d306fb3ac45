/* delivery/desk.c - what an agent's stream begins with: the entries since his last one, or a
 * snapshot.
 *
 *   Last-Event-ID ──► entries after it ──too old──► snapshot ──► what came meanwhile ──► live
 */
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/loop.h"
#include "delivery/delivery_priv.h"

enum { RETRY_MS = 500 };

struct waiting_entry {
    struct link link;
    struct arena arena;
    struct str id;
    struct route_entry entry;
};

/* ---- entries that wait ---- */

void desk_hold(struct stream *s, struct str id, const struct route_entry *e) {
    if (s->pending_n >= PENDING_MAX)
        return; /* far behind: the snapshot is asked again below, by its id */
    struct waiting_entry *w = NEW(struct waiting_entry);
    arena_init(&w->arena);
    w->id = arena_str(&w->arena, id);
    w->entry = *e;
    struct str *const texts[] = {&w->entry.type,    &w->entry.agent,  &w->entry.queue,
                                 &w->entry.task_id, &w->entry.reason, &w->entry.state,
                                 &w->entry.json,    &w->entry.own};
    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = arena_str(&w->arena, *texts[i]);
    list_push(&s->pending, &w->link);
    s->pending_n++;
}

static void waiting_free(struct stream *s, struct waiting_entry *w) {
    link_remove(&w->link);
    s->pending_n--;
    arena_clear(&w->arena);
    free(w);
}

void desk_forget(struct stream *s) {
    list_each (it, &s->pending)
        waiting_free(s, container_of(it, struct waiting_entry, link));
}

static void go_live(struct stream *s) {
    bool missed = s->pending_n >= PENDING_MAX;
    s->state = STREAM_LIVE;
    list_each (it, &s->pending) {
        struct waiting_entry *w = container_of(it, struct waiting_entry, link);
        if (!missed)
            stream_entry(s, w->id, &w->entry);
        waiting_free(s, w);
    }
    if (missed)
        desk_snapshot(s);
}

/* ---- snapshot ---- */

static void retry(void *arg) {
    struct stream *s = arg;
    loop_timer_free(s->retry);
    s->retry = NULL;
    desk_snapshot(s);
}

static void later(struct stream *s) {
    if (s->http && !s->retry)
        s->retry = loop_timer_new(s->delivery->loop, RETRY_MS, retry, s);
}

static void write_offer(struct jwrite *w, const json_t *task, struct str text) {
    const json_t *offer = json_object_get(task, "offer");
    jwrite_open(w, NULL, '{');
    jwrite_raw(w, "task", text);
    jwrite_int(w, "offer", jget_int(offer, "n", 0));
    jwrite_str(w, "expires_at", jget_str(offer, "expires_at"));
    jwrite_close(w, '}');
}

/* Offers apart from the rest; both get a watch on their contact's timeline. */
static void write_tasks(struct stream *s, struct jwrite *w, const struct str *tasks, size_t n,
                        bool offers) {
    jwrite_open(w, offers ? "offers" : "tasks", '[');
    for (size_t i = 0; i < n; i++) {
        cleanup(json_freep) json_t *j = NULL;
        if (!jread_parse(tasks[i], EVENT_MAX, &j, NULL) ||
            str_is(jget_str(j, "state"), "offered") != offers)
            continue;
        if (offers)
            write_offer(w, j, tasks[i]);
        else
            jwrite_raw(w, NULL, tasks[i]);
        watch_task(s, tasks[i]);
    }
    jwrite_close(w, ']');
}

static void on_desk(void *arg, bool ok, struct str from, const struct str *tasks, size_t n) {
    struct stream *s = arg;
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, EVENT_MAX);
    jwrite_init(&w, &b);
    if (ok && s->http) {
        jwrite_open(&w, NULL, '{');
        jwrite_raw(&w, "agent", s->snapshot_agent);
        write_tasks(s, &w, tasks, n, false);
        write_tasks(s, &w, tasks, n, true);
        jwrite_close(&w, '}');
        if (w.ok && stream_send(s, from, "snapshot", buf_str(&b)))
            go_live(s);
    } else {
        later(s);
    }
    stream_unref(s);
}

static void on_agent(void *arg, struct str json) {
    struct stream *s = arg;
    if (json.p && s->http) {
        free((char *)s->snapshot_agent.p);
        s->snapshot_agent = str_make(mem_dup(json.p, json.n), json.n);
        stream_ref(s);
        store_desk(s->delivery->store, str_c(s->agent), on_desk, s);
    } else {
        later(s);
    }
    stream_unref(s);
}

void desk_snapshot(struct stream *s) {
    struct delivery *d = s->delivery;
    if (!s->http)
        return;
    s->state = STREAM_CATCHING_UP;
    stream_ref(s);
    d->hooks.agent(d->hooks.ctx, str_c(s->agent), on_agent, s);
}

/* ---- resuming ---- */

static void on_after_entry(void *arg, struct str id, const struct route_entry *e) {
    stream_entry(arg, id, e);
}

/* What he holds now, for its contacts' timelines only. */
static void on_desk_watches(void *arg, bool ok, struct str from, const struct str *tasks,
                            size_t n) {
    struct stream *s = arg;
    (void)from;
    for (size_t i = 0; ok && s->http && i < n; i++)
        watch_task(s, tasks[i]);
    stream_unref(s);
}

static void on_after(void *arg, bool ok) {
    struct stream *s = arg;
    if (!s->http) {
        stream_unref(s);
        return;
    }
    if (ok) {
        go_live(s);
        stream_ref(s);
        store_desk(s->delivery->store, str_c(s->agent), on_desk_watches, s);
    } else {
        desk_snapshot(s);
    }
    stream_unref(s);
}

void desk_resume(struct stream *s, struct str last_event_id) {
    stream_ref(s);
    store_route_after(s->delivery->store, last_event_id, on_after_entry, on_after, s);
}
