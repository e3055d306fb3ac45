/* store/subscription.c - sharded channels: one connection for all of them, many listeners a
 * channel.
 *
 * The hub lives with the first subscription. Whoever needs to miss nothing reads the data again
 * after a loss; a message is only the sign to look (client-output-buffer-limit cuts slow readers).
 * RESP2 on a subscribed connection: every answer is an array whose first item names it.
 */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>

#include "base/clock.h"
#include "base/loop.h"

enum { BUCKETS = 1024, PING_MS = 5000, AGAIN_MS = 200 };

struct channel {
    struct link link; /* in its bucket */
    struct link listeners;
    bool busy; /* a message is being told */
    size_t name_n;
    char name[];
};

struct store_subscription {
    struct link link; /* in its channel's listeners */
    struct store_hub *hub;
    struct channel *channel;
    store_message_fn *message;
    void *arg;
};

struct store_hub {
    struct store *store;
    struct store_follower follower;
    struct store_conn *conn;
    struct loop_timer *timer; /* PING while connected, the next attempt else */
    int64_t heard_ms;
    bool open, followed;
    struct link buckets[BUCKETS];
};

/* ---- channels ---- */

static struct link *bucket_of(struct store_hub *h, struct str name) {
    return &h->buckets[hash64(name) % BUCKETS];
}

static struct channel *channel_find(struct store_hub *h, struct str name) {
    struct link *bucket = bucket_of(h, name);
    list_each (l, bucket) {
        struct channel *c = container_of(l, struct channel, link);
        if (str_eq(str_make(c->name, c->name_n), name))
            return c;
    }
    return NULL;
}

static void tell_server(struct store_hub *h, const char *command, const struct channel *c) {
    struct str argv[] = {str_c(command), c ? str_make(c->name, c->name_n) : STR_NONE};
    size_t wire_n;
    char *wire = h->open ? store_wire(argv, c ? 2 : 1, &wire_n) : NULL;
    if (!wire)
        return;
    store_conn_send(h->conn, str_make(wire, wire_n));
    free(wire);
}

static struct channel *channel_new(struct store_hub *h, struct str name) {
    struct channel *c = mem_new(sizeof *c + name.n);
    link_init(&c->listeners);
    c->name_n = name.n;
    memcpy(c->name, name.p, name.n);
    list_push(bucket_of(h, name), &c->link);
    tell_server(h, "SSUBSCRIBE", c);
    return c;
}

static void channel_drop_idle(struct store_hub *h, struct channel *c) {
    if (c->busy || list_first(&c->listeners))
        return;
    tell_server(h, "SUNSUBSCRIBE", c);
    link_remove(&c->link);
    free(c);
}

/* ---- the connection ---- */

static void hub_again(struct store_hub *h) {
    store_conn_close(h->conn);
    h->conn = NULL;
    h->open = false;
    loop_timer_set(h->timer, AGAIN_MS);
}

static void on_open(void *ctx) {
    struct store_hub *h = ctx;
    h->open = true;
    h->heard_ms = clock_mono_ms();
    for (size_t i = 0; i < BUCKETS; i++)
        list_each (l, &h->buckets[i])
            tell_server(h, "SSUBSCRIBE", container_of(l, struct channel, link));
    loop_timer_set(h->timer, PING_MS);
}

/* A listener may end any subscription, its own too, or make new ones: so those still to be told
 * wait in a list of their own. */
static void deliver(struct channel *c, struct str payload) {
    struct link due, *l;
    link_init(&due);
    while ((l = list_first(&c->listeners)))
        list_push(&due, l);
    while ((l = list_first(&due))) {
        struct store_subscription *sub = container_of(l, struct store_subscription, link);
        list_push(&c->listeners, l);
        sub->message(sub->arg, str_make(c->name, c->name_n), payload);
    }
}

static void on_reply(void *ctx, const struct store_reply *r) {
    struct store_hub *h = ctx;
    h->heard_ms = clock_mono_ms();
    if (r->type == STORE_ERROR) {
        hub_again(h);
        return;
    }
    if (r->type != STORE_ARRAY || r->n != 3 || !str_is(r->items[0].str, "smessage"))
        return; /* "ssubscribe", "sunsubscribe", "pong" */
    struct channel *c = channel_find(h, r->items[1].str);
    if (!c)
        return;
    c->busy = true;
    deliver(c, r->items[2].str);
    c->busy = false;
    channel_drop_idle(h, c);
}

static void on_closed(void *ctx, const char *why) {
    struct store_hub *h = ctx;
    (void)why;
    h->conn = NULL;
    h->open = false;
    loop_timer_set(h->timer, AGAIN_MS);
}

static void on_timer(void *arg) {
    struct store_hub *h = arg;
    if (!h->conn && h->followed) {
        struct store_conn_events events = {h, on_open, on_reply, on_closed};
        h->conn = store_conn_new(h->store, &events);
    } else if (h->open && clock_mono_ms() - h->heard_ms > PING_MS + STORE_SILENCE_MS) {
        hub_again(h);
    } else if (h->open) {
        tell_server(h, "PING", NULL);
        loop_timer_set(h->timer, PING_MS);
    }
}

static void follow(void *ctx, bool up) {
    struct store_hub *h = ctx;
    h->followed = up;
    h->open = false;
    store_conn_close(h->conn);
    h->conn = NULL;
    if (up)
        loop_timer_set(h->timer, 0);
    else
        loop_timer_stop(h->timer);
}

/* ---- the hub ---- */

static struct store_hub *hub_new(struct store *s) {
    struct store_hub *h = NEW(struct store_hub);
    h->store = s;
    for (size_t i = 0; i < BUCKETS; i++)
        link_init(&h->buckets[i]);
    h->timer = loop_timer_new(s->loop, 0, on_timer, h);
    loop_timer_stop(h->timer);
    h->follower = (struct store_follower){.ctx = h, .follow = follow};
    store_follow(s, &h->follower);
    return h;
}

void store_hub_free(struct store_hub *h) {
    if (!h)
        return;
    store_unfollow(&h->follower);
    store_conn_close(h->conn);
    loop_timer_free(h->timer);
    for (size_t i = 0; i < BUCKETS; i++)
        list_each (l, &h->buckets[i]) {
            struct channel *c = container_of(l, struct channel, link);
            list_each (m, &c->listeners)
                free(container_of(m, struct store_subscription, link));
            free(c);
        }
    free(h);
}

struct store_subscription *store_subscribe(struct store *s, struct str channel,
                                           store_message_fn *message, void *arg) {
    struct store_subscription *sub = NEW(struct store_subscription);
    if (!s->hub)
        s->hub = hub_new(s);
    *sub = (struct store_subscription){.hub = s->hub, .message = message, .arg = arg};
    sub->channel = channel_find(s->hub, channel);
    if (!sub->channel)
        sub->channel = channel_new(s->hub, channel);
    list_push(&sub->channel->listeners, &sub->link);
    return sub;
}

void store_unsubscribe(struct store_subscription *sub) {
    if (!sub)
        return;
    link_remove(&sub->link);
    channel_drop_idle(sub->hub, sub->channel);
    free(sub);
}
