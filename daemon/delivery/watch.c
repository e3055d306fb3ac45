/* delivery/watch.c - timelines: of the contacts of an agent's tasks, and of those he names.
 *
 * A contact is watched once, however many streams look at it; the touchpoint is read once and
 * handed to all.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "delivery/delivery_priv.h"
#include "store/read.h"
#include "store/watch.h"

enum { LOOKS_MAX = 200 };

struct watch {
    struct link link;
    struct delivery *delivery;
    struct store_watch *store;
    struct link looks; /* struct look, by_watch */
    char contact[40];
};

/* A touchpoint being read for a contact; the watch may end meanwhile. */
struct reading {
    struct delivery *delivery;
    char contact[40];
};

static struct watch *watch_find(struct delivery *d, struct str contact) {
    list_each (it, &d->watches) {
        struct watch *w = container_of(it, struct watch, link);
        if (str_is(contact, w->contact))
            return w;
    }
    return NULL;
}

static void on_touchpoint(void *arg, const struct answer *a) {
    struct reading *r = arg;
    struct watch *w = watch_find(r->delivery, str_c(r->contact));
    cleanup(buf_clear) struct buf b;
    struct jwrite j;
    buf_init(&b, EVENT_MAX);
    jwrite_init(&j, &b);
    jwrite_open(&j, NULL, '{');
    jwrite_c(&j, "contact", r->contact);
    if (a->kind == ANSWER_OK)
        jwrite_raw(&j, "touchpoint", a->json);
    jwrite_close(&j, '}');
    struct stream *last = NULL;
    if (w && a->kind == ANSWER_OK && j.ok)
        list_each (it, &w->looks) {
            struct stream *s = container_of(it, struct look, by_watch)->stream;
            if (s != last && s->state == STREAM_LIVE)
                stream_send(s, STR_NONE, "timeline", buf_str(&b));
            last = s;
        }
    free(r);
}

static void on_change(void *arg, struct str contact, struct str touchpoint) {
    struct watch *w = arg;
    struct reading *r = NEW(struct reading);
    (void)contact;
    r->delivery = w->delivery;
    snprintf(r->contact, sizeof r->contact, "%s", w->contact);
    store_get_touchpoint(w->delivery->store, touchpoint, on_touchpoint, r);
}

static struct watch *watch_new(struct delivery *d, struct str contact) {
    struct watch *w = NEW(struct watch);
    w->delivery = d;
    link_init(&w->looks);
    snprintf(w->contact, sizeof w->contact, "%.*s", STR_ARG(contact));
    w->store = store_watch_new(d->store, contact, on_change, w);
    list_push(&d->watches, &w->link);
    return w;
}

static void look_free(struct look *l) {
    struct watch *w = l->watch;
    link_remove(&l->link);
    link_remove(&l->by_watch);
    free(l);
    if (!link_alone(&w->looks))
        return;
    link_remove(&w->link);
    store_watch_free(w->store);
    free(w);
}

void watch_contact(struct stream *s, struct str contact, struct str task_id) {
    size_t n = 0;
    list_each (it, &s->looks) {
        struct look *l = container_of(it, struct look, link);
        if (str_is(task_id, l->task) && str_is(contact, l->watch->contact))
            return;
        n++;
    }
    if (n >= LOOKS_MAX || !contact.n || contact.n >= sizeof((struct watch *)0)->contact)
        return;
    struct watch *w = watch_find(s->delivery, contact);
    struct look *l = NEW(struct look);
    l->stream = s;
    l->watch = w ? w : watch_new(s->delivery, contact);
    snprintf(l->task, sizeof l->task, "%.*s", STR_ARG(task_id));
    list_push(&s->looks, &l->link);
    /* Beside its others, so that a stream hears of a change once. */
    list_each (it, &l->watch->looks)
        if (container_of(it, struct look, by_watch)->stream == s) {
            link_insert_before(it, &l->by_watch);
            return;
        }
    list_push(&l->watch->looks, &l->by_watch);
}

void watch_drop(struct stream *s, struct str task_id) {
    list_each (it, &s->looks) {
        struct look *l = container_of(it, struct look, link);
        if (str_is(task_id, l->task))
            look_free(l);
    }
}

void watch_clear(struct stream *s) {
    list_each (it, &s->looks)
        look_free(container_of(it, struct look, link));
}

void watch_task(struct stream *s, struct str task_json) {
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(task_json, EVENT_MAX, &j, NULL))
        return;
    struct str state = jget_str(j, "state"), id = jget_str(j, "id");
    bool held = str_is(jget_str(j, "agent"), s->agent) &&
                (str_is(state, "offered") || str_is(state, "accepted") || str_is(state, "wrapup"));
    if (held)
        watch_contact(s, jget_str(j, "contact"), id);
    else
        watch_drop(s, id);
}
