/* store/tail.c - a stream followed on a connection of its own.
 *
 *   connected ──XINFO──► is what we have read still the past of this stream?
 *        │ yes                                              │ no: entries may be missing
 *        ▼                                                  ▼
 *   XREAD BLOCK from the last id ◄─────────────── reset(), from its end
 *
 * It lives and dies with the main connection, which finds out first that a server is silent; a
 * blocked read is answered at least every READ_BLOCK_MS, so its own silence is seen too.
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"

enum { READ_BLOCK_MS = 5000, READ_COUNT = 200, ID_MAX = 48, AGAIN_MS = 200 };

enum tail_step { TAIL_INFO, TAIL_LAST, TAIL_READ };

struct store_tail {
    struct store *store;
    struct store_follower follower;
    struct store_conn *conn;
    struct loop_timer *timer; /* silence while connected, the next attempt else */
    char *key;
    size_t key_n;
    char last[ID_MAX]; /* id of the last entry told; "$" before the first look */
    enum tail_step step;
    store_tail_fn *entry;
    void (*reset)(void *arg);
    void *arg;
    bool missed; /* reset() is due */
    bool closed, followed;
};

static void tail_send(struct store_tail *t, const struct str *argv, size_t n) {
    size_t wire_n;
    char *wire = store_wire(argv, n, &wire_n);
    if (!wire)
        return;
    store_conn_send(t->conn, str_make(wire, wire_n));
    free(wire);
    loop_timer_set(t->timer, READ_BLOCK_MS + STORE_SILENCE_MS);
}

static void ask_info(struct store_tail *t) {
    struct str argv[] = {str_c("XINFO"), str_c("STREAM"), str_make(t->key, t->key_n)};
    t->step = TAIL_INFO;
    tail_send(t, argv, COUNT(argv));
}

/* Is the entry that was told last still there? Then none after it has been trimmed. */
static void ask_last(struct store_tail *t) {
    struct str id = str_c(t->last);
    struct str argv[] = {str_c("XRANGE"), str_make(t->key, t->key_n), id, id};
    t->step = TAIL_LAST;
    tail_send(t, argv, COUNT(argv));
}

static void ask_entries(struct store_tail *t) {
    char ms[24], count[24];
    struct str argv[] = {str_c("XREAD"),
                         str_c("COUNT"),
                         store_int(READ_COUNT, count),
                         str_c("BLOCK"),
                         store_int(READ_BLOCK_MS, ms),
                         str_c("STREAMS"),
                         str_make(t->key, t->key_n),
                         str_c(t->last)};
    t->step = TAIL_READ;
    tail_send(t, argv, COUNT(argv));
}

static void keep_id(struct store_tail *t, struct str id) {
    snprintf(t->last, sizeof t->last, "%.*s", STR_ARG(str_upto(id, ID_MAX - 1)));
}

/* Entries may have been missed; goes on behind `from`. */
static void start_over(struct store_tail *t, struct str from) {
    t->missed = false;
    keep_id(t, from);
    if (t->reset)
        t->reset(t->arg);
    if (!t->closed && t->conn)
        ask_entries(t);
}

static struct str member(const struct store_reply *r, const char *name) {
    for (size_t i = 0; r->type == STORE_ARRAY && i + 1 < r->n; i += 2)
        if (str_is(r->items[i].str, name))
            return r->items[i + 1].str;
    return STR_NONE;
}

/* A stream without a key counts as empty. */
static void take_info(struct store_tail *t, const struct store_reply *r) {
    struct str end = member(r, "last-generated-id");
    bool missing = r->type == STORE_ERROR;
    if (missing)
        end = str_c("0-0");
    if (strcmp(t->last, "$") == 0 && !t->missed) {
        keep_id(t, end);
        ask_entries(t);
    } else if (strcmp(t->last, "0-0") == 0 || str_is(end, t->last)) {
        ask_entries(t);
    } else if (missing || t->missed) {
        start_over(t, end);
    } else {
        ask_last(t);
    }
}

static void take_last(struct store_tail *t, const struct store_reply *r) {
    if (r->type == STORE_ARRAY && r->n == 1) {
        ask_entries(t);
        return;
    }
    /* The end is looked up first: what comes after reset() must be told. */
    snprintf(t->last, sizeof t->last, "$");
    t->missed = true;
    ask_info(t);
}

static void take_entries(struct store_tail *t, const struct store_reply *r) {
    const struct store_reply *stream = r->type == STORE_ARRAY && r->n ? &r->items[0] : NULL;
    if (stream && stream->n == 2) {
        const struct store_reply *entries = &stream->items[1];
        for (size_t i = 0; i < entries->n && !t->closed; i++) {
            if (entries->items[i].n != 2)
                continue;
            keep_id(t, entries->items[i].items[0].str);
            t->entry(t->arg, str_c(t->last), &entries->items[i].items[1]);
        }
    }
    if (!t->closed && t->conn)
        ask_entries(t);
}

static void tail_again(struct store_tail *t) {
    store_conn_close(t->conn);
    t->conn = NULL;
    loop_timer_set(t->timer, AGAIN_MS);
}

static void on_reply(void *ctx, const struct store_reply *r) {
    struct store_tail *t = ctx;
    if (r->type == STORE_ERROR &&
        (t->step != TAIL_INFO || !str_starts(r->str, str_c("ERR no such")))) {
        tail_again(t);
        return;
    }
    switch (t->step) {
    case TAIL_INFO:
        take_info(t, r);
        break;
    case TAIL_LAST:
        take_last(t, r);
        break;
    case TAIL_READ:
        take_entries(t, r);
        break;
    }
}

static void on_open(void *ctx) {
    ask_info(ctx);
}

static void on_closed(void *ctx, const char *why) {
    struct store_tail *t = ctx;
    (void)why;
    t->conn = NULL;
    loop_timer_set(t->timer, AGAIN_MS);
}

static void on_timer(void *arg) {
    struct store_tail *t = arg;
    if (t->conn) {
        tail_again(t); /* silent */
    } else if (t->followed) {
        struct store_conn_events events = {t, on_open, on_reply, on_closed};
        t->conn = store_conn_new(t->store, &events);
        loop_timer_set(t->timer, READ_BLOCK_MS + STORE_SILENCE_MS);
    }
}

static void follow(void *ctx, bool up) {
    struct store_tail *t = ctx;
    t->followed = up;
    store_conn_close(t->conn);
    t->conn = NULL;
    if (up)
        loop_timer_set(t->timer, 0);
    else
        loop_timer_stop(t->timer);
}

struct store_tail *store_tail_new(struct store *s, struct str key, struct str from,
                                  store_tail_fn *entry, void (*reset)(void *arg), void *arg) {
    struct store_tail *t = NEW(struct store_tail);
    *t = (struct store_tail){.store = s, .entry = entry, .reset = reset, .arg = arg};
    t->key = mem_dup(key.p, key.n);
    t->key_n = key.n;
    keep_id(t, str_is(from, "0") ? str_c("0-0") : from);
    t->timer = loop_timer_new(s->loop, 0, on_timer, t);
    t->follower = (struct store_follower){.ctx = t, .follow = follow};
    loop_timer_stop(t->timer);
    store_follow(s, &t->follower);
    return t;
}

static void tail_free(void *object) {
    struct store_tail *t = object;
    free(t->key);
    free(t);
}

void store_tail_free(struct store_tail *t) {
    if (!t || t->closed)
        return;
    t->closed = true;
    store_unfollow(&t->follower);
    store_conn_close(t->conn);
    t->conn = NULL;
    loop_timer_free(t->timer);
    loop_reap(t->store->loop, t, tail_free);
}
