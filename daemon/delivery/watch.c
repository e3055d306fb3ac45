/* delivery/watch.c - timelines: whoever looks at a contact is told what comes onto it, and who else
 * looks at it.
 *
 * A contact is subscribed once for all streams that look at it: those whose agent holds a task of
 * it, and those that named it. What is published is a sign; the touchpoint is read once and told to
 * all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "delivery/delivery_priv.h"
#include "store/read.h"

enum { RESUME_PAGE = 50 };

/* A contact that somebody looks at; by its id in delivery->watches. */
struct watch {
    struct delivery *d;
    char *contact;
    struct store_watch *source;
    struct link interests;
};

/* One stream's reason to look at one contact. */
struct interest {
    struct link of_watch, of_desk;
    struct watch *watch;
    struct desk *desk;
    char *task; /* NULL: named by the client */
};

/* A touchpoint being read for those who look; `only` for one stream that is resumed. */
struct reading {
    struct delivery *d;
    char *contact;
    struct desk *only;
    int64_t after_ms;
};

static struct reading *reading_new(struct delivery *d, const char *contact, struct desk *only) {
    struct reading *r = NEW(struct reading);
    r->d = d;
    r->contact = mem_dup(contact, strlen(contact));
    r->only = only;
    delivery_ref(d);
    if (only)
        desk_ref(only);
    return r;
}

static void reading_end(struct reading *r) {
    if (r->only)
        desk_unref(r->only);
    delivery_unref(r->d);
    free(r->contact);
    free(r);
}

/* ---- telling ---- */

static int64_t received_ms(struct str touchpoint) {
    cleanup(json_freep) json_t *j = NULL;
    int64_t ms = 0;
    if (jread_parse(touchpoint, touchpoint.n, &j, NULL) &&
        !date_parse(jget_str(j, "received_at"), &ms))
        ms = 0;
    return ms;
}

static void tell(struct desk *k, const char *contact, struct str touchpoint, int64_t at_ms) {
    cleanup(buf_clear) struct buf b;
    char id[EVENT_ID_MAX] = "";
    const char *position = k->live ? k->after : k->resume;
    if (log_id_compare(str_c(k->d->position), str_c(position)) > 0 && k->live)
        position = k->d->position; /* nothing before it was for this stream, or it was sent */
    if (position[0])
        snprintf(id, sizeof id, "%s/%lld", position, (long long)at_ms);
    buf_init(&b, EVENT_MAX);
    if (buf_addf(&b, "{\"contact\":\"%s\",\"touchpoint\":", contact) && buf_add(&b, touchpoint) &&
        buf_add_byte(&b, '}'))
        desk_event(k, STR_NONE, str_c(id), "timeline", buf_str(&b));
}

static void on_touchpoint(void *arg, const struct answer *a) {
    struct reading *r = arg;
    struct watch *w = map_get(&r->d->watches, str_c(r->contact));
    if (w && a->kind == ANSWER_OK) {
        int64_t at_ms = received_ms(a->json);
        struct desk *told = NULL;
        list_each (l, &w->interests) { /* a stream's interests in one contact stand together */
            struct desk *k = container_of(l, struct interest, of_watch)->desk;
            if (k != told)
                tell(k, r->contact, a->json, at_ms);
            told = k;
        }
    }
    reading_end(r);
}

static void on_touched(void *arg, struct str touchpoint) {
    struct watch *w = arg;
    store_get_touchpoint(w->d->store, touchpoint, on_touchpoint,
                         reading_new(w->d, w->contact, NULL));
}

/* To the others, once a stream: of himself he knows. Not resumed, it is over too soon. */
static void on_attention(void *arg, struct str agent, struct str json) {
    struct watch *w = arg;
    cleanup(buf_clear) struct buf b;
    struct desk *told = NULL;
    buf_init(&b, EVENT_MAX);
    if (json.n < 2 || !buf_addf(&b, "{\"contact\":\"%s\",", w->contact) ||
        !buf_add(&b, str_from(json, 1)))
        return;
    list_each (l, &w->interests) {
        struct desk *k = container_of(l, struct interest, of_watch)->desk;
        if (k != told && !str_is(agent, k->agent->id))
            desk_event(k, STR_NONE, STR_NONE, "attention", buf_str(&b));
        told = k;
    }
}

/* ---- looking ---- */

static void interest_end(struct interest *i) {
    struct watch *w = i->watch;
    link_remove(&i->of_watch);
    link_remove(&i->of_desk);
    i->desk->interests_n--;
    free(i->task);
    free(i);
    if (!link_alone(&w->interests))
        return;
    map_take(&w->d->watches, str_c(w->contact));
    store_watch_end(w->source);
    free(w->contact);
    free(w);
}

static struct watch *watch_get(struct delivery *d, struct str contact) {
    struct watch *w = map_get(&d->watches, contact);
    if (w)
        return w;
    w = NEW(struct watch);
    w->source = store_watch_contact(d->store, contact, on_touched, w);
    if (!w->source) { /* no id of a contact */
        free(w);
        return NULL;
    }
    store_watch_attention(w->source, on_attention);
    w->d = d;
    w->contact = mem_dup(contact.p, contact.n);
    link_init(&w->interests);
    map_put(&d->watches, str_make(w->contact, contact.n), w);
    return w;
}

static struct interest *interest_of(struct desk *k, struct str task) {
    list_each (l, &k->interests) {
        struct interest *i = container_of(l, struct interest, of_desk);
        if (i->task && str_is(task, i->task))
            return i;
    }
    return NULL;
}

void watch_add(struct desk *k, struct str contact, struct str task) {
    struct interest *had = task.p ? interest_of(k, task) : NULL;
    if (had && str_is(contact, had->watch->contact))
        return;
    if (had)
        interest_end(had);
    if (k->interests_n >= CONTACTS_MAX)
        return;
    struct watch *w = watch_get(k->d, contact);
    if (!w)
        return;
    struct interest *i = NEW(struct interest);
    i->watch = w;
    i->desk = k;
    i->task = task.p ? mem_dup(task.p, task.n) : NULL;
    /* Beside the same stream's other interests in this contact: it is told once. */
    struct link *at = &w->interests;
    list_each (l, &w->interests)
        if (container_of(l, struct interest, of_watch)->desk == k)
            at = l;
    link_insert_before(at, &i->of_watch);
    list_push(&k->interests, &i->of_desk);
    k->interests_n++;
}

void watch_drop_task(struct desk *k, struct str task) {
    struct interest *i = interest_of(k, task);
    if (i)
        interest_end(i);
}

void watch_drop_all(struct desk *k, bool named_too) {
    list_each (l, &k->interests) {
        struct interest *i = container_of(l, struct interest, of_desk);
        if (i->task || named_too)
            interest_end(i);
    }
}

void watch_task(struct desk *k, struct str task_json) {
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(task_json, task_json.n, &j, NULL))
        return;
    struct str state = jget_str(j, "state"), contact = jget_str(j, "contact"),
               id = jget_str(j, "id");
    bool held = str_is(state, "offered") || str_is(state, "accepted") || str_is(state, "wrapup");
    if (held && contact.n && str_is(jget_str(j, "agent"), k->agent->id))
        watch_add(k, contact, id);
    else
        watch_drop_task(k, id);
}

/* ---- what came while nobody looked ---- */

static void on_page(void *arg, const struct answer *a) {
    struct reading *r = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (r->only->http && a->kind == ANSWER_OK && jread_parse(a->json, a->json.n, &j, NULL)) {
        const json_t *items = json_object_get(j, "items");
        for (size_t i = json_array_size(items); i-- > 0;) { /* the oldest first */
            cleanup(buf_clear) struct buf b;
            const json_t *one = json_array_get(items, i);
            int64_t at_ms = 0;
            buf_init(&b, EVENT_MAX);
            if (!date_parse(jget_str(one, "received_at"), &at_ms) || at_ms <= r->after_ms ||
                !jread_dump(&b, one))
                continue;
            if (r->only->http)
                tell(r->only, r->contact, buf_str(&b), at_ms);
        }
    }
    reading_end(r);
}

void watch_resume(struct desk *k, int64_t after_ms) {
    const struct watch *last = NULL;
    const struct timeline_query q = {.limit = RESUME_PAGE};
    list_each (l, &k->interests) {
        const struct interest *i = container_of(l, struct interest, of_desk);
        if (i->watch == last)
            continue;
        last = i->watch;
        struct reading *r = reading_new(k->d, i->watch->contact, k);
        r->after_ms = after_ms;
        store_get_timeline(k->d->store, str_c(i->watch->contact), &q, on_page, r);
    }
}
