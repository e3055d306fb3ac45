/* delivery/board.c - a supervisor's stream: his queues' figures and their agents, as they change.
 *
 *   log entry ──► what may have changed, noted ──BOARD_MS──► asked once for all boards ──► each is
 * sent what differs from what it was sent last
 *
 * So a burst of moves costs two questions, and a board is never behind by more than it can bear: a
 * slow reader is dropped by http/. Where asking takes long, the pause between questions grows with
 * it.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "delivery/delivery_priv.h"

enum {
    BOARD_MS = 500,
    BOARD_SHARE = 10, /* asking takes at most one part of so many of the time */
    AGENTS_NAMED_MAX = 500,
    BOARD_JSON_MAX = 64 << 20,
};

/* One stream. Lives until its connection is gone and no question is under way. */
struct board {
    struct link link;
    struct delivery *d;
    struct http_stream *http; /* NULL: over */
    char *who;
    struct tl_strs queues; /* copies; none: all */
    struct map sent;       /* struct sent by "q ID" or "a ID" */
    json_t *snapshot;      /* its queues, while its agents are asked for */
    uint64_t began;        /* the log's changes before its snapshot was asked for */
    bool live;
    size_t refs;
};

/* What it was sent last of one queue or agent. */
struct sent {
    uint64_t hash;
    char key[];
};

/* An agent of whom something was told. */
struct noted {
    char id[1];
};

/* ---- life ---- */

static void board_unref(struct board *b) {
    if (--b->refs > 0)
        return;
    size_t at = 0;
    for (struct sent *s; (s = map_next(&b->sent, &at));)
        free(s);
    map_clear(&b->sent);
    for (size_t i = 0; i < b->queues.n; i++)
        free((char *)b->queues.items[i].p);
    free((struct str *)b->queues.items);
    json_decref(b->snapshot);
    delivery_unref(b->d);
    free(b->who);
    free(b);
}

static void board_over(struct board *b) {
    if (!b->http)
        return;
    b->http = NULL;
    b->live = false;
    link_remove(&b->link);
    board_unref(b);
}

static void on_gone(void *arg) {
    board_over(arg);
}

static void board_end(struct board *b) {
    struct http_stream *http = b->http;
    board_over(b);
    http_stream_close(http);
}

/* ---- telling ---- */

static bool sees(const struct board *b, const json_t *queues) {
    size_t i;
    const json_t *q;
    if (!b->queues.n)
        return true;
    json_array_foreach(
        queues, i,
        q) for (size_t k = 0; k < b->queues.n;
                k++) if (json_is_string(q) &&
                         str_eq(b->queues.items[k],
                                str_make(json_string_value(q), json_string_length(q)))) return true;
    return false;
}

static bool shows_queue(const struct board *b, struct str id) {
    for (size_t i = 0; i < b->queues.n; i++)
        if (str_eq(b->queues.items[i], id))
            return true;
    return b->queues.n == 0;
}

/* Time passing changes no queue. */
static uint64_t hash_of(const json_t *one) {
    cleanup(buf_clear) struct buf b;
    cleanup(json_freep) json_t *copy = json_copy((json_t *)one);
    buf_init(&b, EVENT_MAX);
    json_object_del(copy, "longest_wait_s");
    json_object_del(copy, "figures"); /* shares drift with the staff's time */
    return jread_dump(&b, copy) ? hash64(buf_str(&b)) : 0;
}

/* Whether it differs from what was sent, which is remembered. */
static bool is_news(struct board *b, char kind, const json_t *one) {
    struct str id = jget_str(one, "id");
    uint64_t hash = hash_of(one);
    struct sent *s = mem_new(sizeof *s + id.n + 3);
    s->key[0] = kind;
    s->key[1] = ' ';
    memcpy(s->key + 2, id.p, id.n);
    struct sent *had = map_get(&b->sent, str_make(s->key, id.n + 2));
    if (!had) {
        s->hash = hash;
        map_put(&b->sent, str_make(s->key, id.n + 2), s);
        return true;
    }
    free(s);
    bool changed = had->hash != hash;
    had->hash = hash;
    return changed;
}

static void tell(struct board *b, const char *event, const json_t *one) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, BOARD_JSON_MAX);
    if (b->http && jread_dump(&text, one) &&
        !http_stream_send(b->http, STR_NONE, event, buf_str(&text)))
        b->live = false; /* too slow, or gone: on_gone follows */
}

/* ---- how one begins ---- */

static void note_all(struct delivery *d);

static void begin_again(void *arg);

static void on_first_agents(void *arg, struct str json) {
    struct board *b = arg;
    cleanup(json_freep) json_t *j = NULL;
    size_t i;
    json_t *one;
    if (b->http && !jread_parse(json, BOARD_JSON_MAX, &j, NULL)) {
        begin_again(b);
    } else if (b->http) {
        json_object_set(b->snapshot, "agents", json_object_get(j, "items"));
        json_array_foreach(json_object_get(b->snapshot, "queues"), i, one) is_news(b, 'q', one);
        json_array_foreach(json_object_get(b->snapshot, "agents"), i, one) is_news(b, 'a', one);
        b->live = true;
        tell(b, "snapshot", b->snapshot);
        json_decref(b->snapshot);
        b->snapshot = NULL;
        if (b->d->board_changes != b->began)
            note_all(b->d); /* what changed meanwhile was not told to it */
    }
    board_unref(b);
}

static void on_first_queues(void *arg, struct str json) {
    struct board *b = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (b->http && !jread_parse(json, BOARD_JSON_MAX, &j, NULL)) {
        begin_again(b);
    } else if (b->http) {
        json_decref(b->snapshot);
        b->snapshot = json_object();
        json_object_set(b->snapshot, "queues", json_object_get(j, "items"));
        b->refs++;
        b->d->hooks.agents(b->d->hooks.ctx, b->queues, on_first_agents, b);
    }
    board_unref(b);
}

static void begin(struct board *b) {
    b->live = false;
    b->began = b->d->board_changes;
    b->refs++;
    b->d->hooks.queues(b->d->hooks.ctx, b->queues, on_first_queues, b);
}

/* No answer was had: the client comes again and begins anew. */
static void begin_again(void *arg) {
    board_end(arg);
}

/* ---- what changes ---- */

static void ask_agents(struct delivery *d);

static void asked(struct delivery *d) {
    int64_t took = clock_mono_ms() - d->board_asked_ms;
    d->board_asking = false;
    d->board_wait_ms = took * BOARD_SHARE > BOARD_MS ? took * BOARD_SHARE : BOARD_MS;
    if (d->board_noted && d->board_timer)
        loop_timer_set(d->board_timer, d->board_wait_ms);
    delivery_unref(d);
}

static bool shows(const struct board *b, char kind, const json_t *one) {
    return kind == 'a' ? sees(b, json_object_get(one, "queues"))
                       : shows_queue(b, jget_str(one, "id"));
}

/* Each board is told what it shows and does not know yet; kind: 'a' agents, 'q' queues. */
static void tell_all(struct delivery *d, struct str json, char kind, const char *event) {
    cleanup(json_freep) json_t *j = NULL;
    const json_t *items, *one;
    size_t i;
    if (!jread_parse(json, BOARD_JSON_MAX, &j, NULL))
        return;
    items = json_object_get(j, "items");
    list_each (l, &d->boards) {
        struct board *b = container_of(l, struct board, link);
        json_array_foreach(items, i, one) if (b->live && shows(b, kind, one) &&
                                              is_news(b, kind, one)) tell(b, event, one);
    }
}

static void on_agents(void *arg, struct str json) {
    tell_all(arg, json, 'a', "agent");
    asked(arg);
}

static void on_queues(void *arg, struct str json) {
    tell_all(arg, json, 'q', "queue");
    ask_agents(arg);
}

static void noted_clear(struct delivery *d) {
    size_t at = 0;
    for (struct noted *n; (n = map_next(&d->board_agents, &at));)
        free(n);
    map_clear(&d->board_agents);
    d->board_all_agents = false;
}

static void ask_agents(struct delivery *d) {
    if (d->board_all_agents) {
        noted_clear(d);
        d->hooks.agents(d->hooks.ctx, (struct tl_strs){0}, on_agents, d);
        return;
    }
    struct str *ids = mem_new((d->board_agents.n + 1) * sizeof *ids);
    size_t n = 0, at = 0;
    for (struct noted *one; (one = map_next(&d->board_agents, &at));)
        ids[n++] = str_c(one->id);
    d->hooks.agents_named(d->hooks.ctx, (struct tl_strs){ids, n}, on_agents, d);
    free(ids);
    noted_clear(d);
}

static void ask(void *arg) {
    struct delivery *d = arg;
    if (d->board_asking || link_alone(&d->boards))
        return;
    d->board_asking = true;
    d->board_noted = false;
    d->board_asked_ms = clock_mono_ms();
    delivery_ref(d);
    d->hooks.queues(d->hooks.ctx, (struct tl_strs){0}, on_queues, d);
}

/* Something has changed: looked at soon, with all else that changes until then. */
static void note(struct delivery *d) {
    d->board_changes++;
    if (!d->board_noted && !d->board_asking && d->board_timer)
        loop_timer_set(d->board_timer, d->board_wait_ms);
    d->board_noted = true;
}

static void note_all(struct delivery *d) {
    d->board_all_agents = true;
    note(d);
}

void board_entry(struct delivery *d, const struct route_entry *e) {
    if (link_alone(&d->boards)) {
        d->board_changes++;
        return;
    }
    if (e->agent.n && !d->board_all_agents && !map_get(&d->board_agents, e->agent)) {
        struct noted *n = mem_new(sizeof *n + e->agent.n);
        memcpy(n->id, e->agent.p, e->agent.n);
        map_put(&d->board_agents, str_make(n->id, e->agent.n), n);
        d->board_all_agents = d->board_agents.n >= AGENTS_NAMED_MAX;
    }
    note(d);
}

/* ---- the room's ---- */

void board_open(struct delivery *d) {
    link_init(&d->boards);
    d->board_wait_ms = BOARD_MS;
    d->board_timer = loop_timer_new(d->loop, BOARD_MS, ask, d);
    loop_timer_stop(d->board_timer);
}

void board_close(struct delivery *d) {
    loop_timer_free(d->board_timer);
    d->board_timer = NULL;
    noted_clear(d);
}

void board_reset(struct delivery *d) {
    list_each (l, &d->boards)
        begin(container_of(l, struct board, link));
}

void board_end_of(struct delivery *d, struct str who) {
    list_each (l, &d->boards) {
        struct board *b = container_of(l, struct board, link);
        if (!who.p || str_is(who, b->who))
            board_end(b);
    }
}

void delivery_boards_end(struct delivery *d) {
    board_end_of(d, STR_NONE);
}

void delivery_board(struct delivery *d, struct http_request *take_r, struct tl_strs queues) {
    struct board *b = NEW(struct board);
    struct str who = http_who(take_r)->name;
    struct str *copies = mem_new((queues.n + 1) * sizeof *copies);
    for (size_t i = 0; i < queues.n; i++)
        copies[i] = str_make(mem_dup(queues.items[i].p, queues.items[i].n), queues.items[i].n);
    delivery_ref(d);
    *b = (struct board){.d = d,
                        .who = mem_dup(who.p, who.n), /* gone with the request */
                        .queues = {copies, queues.n},
                        .refs = 1};
    link_init(&b->link);
    b->http = http_stream_open(take_r, on_gone, b);
    if (!b->http) {
        board_unref(b);
        return;
    }
    list_push(&d->boards, &b->link);
    begin(b);
}
