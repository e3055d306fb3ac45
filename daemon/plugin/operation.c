/* plugin/operation.c - operations: begun, told about, ended, gone on with.
 *
 *   RUNNING ──end(ok)──► DONE                 the mark is forgotten
 *      │────end(!ok)───► FAILED               the mark stays: the same again goes on
 *      │────cancel, end► CANCELLED            likewise
 *      └────channel stops► INTERRUPTED        likewise
 *
 * The mark lies among the spool's cursors, under a name that no channel's can have.
 */
#include "plugin/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "base/log.h"
#include "plugin/plugin_priv.h"
#include "spool/spool.h"
#include "touchpoint/id.h"

enum {
    OPERATIONS_MAX = 64, /* of them the oldest that have ended go */
    ITEMS_MAX = 10000,
    ITEMS_BYTES = 4 << 20,
    SAVED_ITEMS = 1000,
    SAVED_BYTES = 256 << 10,
    SAVE_EVERY_MS = 1000,
    SAVED_FOR_MS = 24 * 3600 * 1000,
    NAME_MAX_BYTES = 400,
};

enum state { RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED };

struct tl_operation {
    struct link link; /* host's, newest last */
    struct plugin_host *host;
    struct tl_channel *ch; /* who works on it; NULL: the daemon itself, or ended */
    struct arena arena;
    char id[OPERATION_ID_MAX];
    struct str kind, source, since;
    int64_t since_ms, started_ms, ended_ms, saved_ms;
    enum state state;
    bool cancelled, resumed;
    bool abandoned; /* the host has gone: freed at its end */
    uint64_t done, total, items_dropped;
    struct buf mark, outcome; /* outcome: summary (DONE), reason */
    struct str *items;
    size_t items_n, items_room;
};

static const char *const state_names[] = {[RUNNING] = "running",
                                          [DONE] = "done",
                                          [FAILED] = "failed",
                                          [CANCELLED] = "cancelled",
                                          [INTERRUPTED] = "interrupted"};

/* ---- where it was left ---- */

static bool saved_name(const struct tl_operation *op, char out[NAME_MAX_BYTES]) {
    int n = snprintf(out, NAME_MAX_BYTES, "=operation/%.*s/%.*s", STR_ARG(op->kind),
                     STR_ARG(op->source));
    return n > 0 && n < NAME_MAX_BYTES;
}

static void forget(struct tl_operation *op) {
    char name[NAME_MAX_BYTES];
    if (saved_name(op, name))
        spool_note_cursor(op->host->parts.spool, str_c(name), str_c(""));
}

static void save(struct tl_operation *op) {
    char name[NAME_MAX_BYTES];
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, SAVED_BYTES);
    if (!op->mark.n || !saved_name(op, name))
        return;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "since", op->since);
    jwrite_int(&w, "since_ms", op->since_ms);
    jwrite_int(&w, "at_ms", clock_wall_ms());
    jwrite_str(&w, "mark", buf_str(&op->mark));
    jwrite_int(&w, "done", (int64_t)op->done);
    jwrite_open(&w, "items", '[');
    for (size_t i = 0; i < op->items_n && i < SAVED_ITEMS && b.n < SAVED_BYTES / 2; i++)
        jwrite_raw(&w, NULL, op->items[i]);
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    op->saved_ms = clock_mono_ms();
    if (w.ok)
        spool_note_cursor(op->host->parts.spool, str_c(name), buf_str(&b));
}

static void item_add(struct tl_operation *op, struct str json) {
    if (op->items_n == ITEMS_MAX || op->arena.used_bytes + json.n > ITEMS_BYTES) {
        op->items_dropped++;
        return;
    }
    if (op->items_n == op->items_room) {
        op->items_room = op->items_room ? op->items_room * 2 : 16;
        op->items = mem_grow(op->items, op->items_room * sizeof *op->items);
    }
    op->items[op->items_n++] = arena_str(&op->arena, json);
}

/* What the same work left behind, if it is not too long ago. */
static void go_on(struct tl_operation *op) {
    char name[NAME_MAX_BYTES];
    cleanup(mem_freep) char *text = mem_new(SAVED_BYTES);
    cleanup(json_freep) json_t *j = NULL;
    size_t n = 0, i;
    json_t *item;
    if (!saved_name(op, name) ||
        !spool_cursor_get(op->host->parts.spool, str_c(name), text, SAVED_BYTES, &n) || !n ||
        !jread_parse(str_make(text, n), SAVED_BYTES, &j, NULL))
        return;
    int64_t age = clock_wall_ms() - jget_int(j, "at_ms", 0);
    struct str mark = jget_str(j, "mark"), since = jget_str(j, "since");
    if (!str_eq(since, op->since) || age > SAVED_FOR_MS || !mark.n || !buf_add(&op->mark, mark))
        return;
    op->resumed = true;
    op->since_ms = jget_int(j, "since_ms", op->since_ms);
    op->done = (uint64_t)jget_int(j, "done", 0);
    json_array_foreach(json_object_get(j, "items"), i, item) {
        cleanup(buf_clear) struct buf line;
        buf_init(&line, SAVED_BYTES);
        if (jread_dump(&line, item))
            item_add(op, buf_str(&line));
    }
}

/* ---- one of them ---- */

static void operation_free(struct tl_operation *op) {
    link_remove(&op->link);
    buf_clear(&op->mark);
    buf_clear(&op->outcome);
    free(op->items);
    arena_clear(&op->arena);
    free(op);
}

static struct tl_operation *operation_new(struct plugin_host *h, struct tl_channel *ch,
                                          const struct operation_request *r, struct str source) {
    struct tl_operation *op = NEW(struct tl_operation);
    struct id random;
    bytes_random(random.b, sizeof random.b);
    op->host = h;
    op->ch = ch;
    arena_init(&op->arena);
    buf_init(&op->mark, 64 << 10);
    buf_init(&op->outcome, 64 << 10);
    snprintf(op->id, sizeof op->id, "%s", id_write('o', random).c);
    op->kind = arena_str(&op->arena, r->kind);
    op->source = arena_str(&op->arena, source);
    op->since = arena_str(&op->arena, r->since.p ? r->since : str_c(""));
    op->since_ms = r->since_ms;
    op->started_ms = clock_wall_ms();
    list_push(&h->operations, &op->link);
    h->operations_n++;
    if (r->anew)
        forget(op);
    else
        go_on(op);
    return op;
}

/* The oldest that have ended make room. */
static void operations_trim(struct plugin_host *h) {
    list_each (l, &h->operations) {
        struct tl_operation *op = container_of(l, struct tl_operation, link);
        if (h->operations_n < OPERATIONS_MAX)
            return;
        if (op->state == RUNNING)
            continue;
        operation_free(op);
        h->operations_n--;
    }
}

static struct tl_operation *running_on(struct plugin_host *h, struct str source) {
    list_each (l, &h->operations) {
        struct tl_operation *op = container_of(l, struct tl_operation, link);
        if (op->state == RUNNING && str_eq(op->source, source))
            return op;
    }
    return NULL;
}

static struct tl_operation *find(struct plugin_host *h, struct str id) {
    list_each (l, &h->operations) {
        struct tl_operation *op = container_of(l, struct tl_operation, link);
        if (str_is(id, op->id))
            return op;
    }
    return NULL;
}

/* A RUNNING one moves once. */
static void end_as(struct tl_operation *op, enum state state, struct str outcome) {
    op->state = state;
    op->ended_ms = clock_wall_ms();
    op->ch = NULL;
    if (!buf_add(&op->outcome, outcome))
        buf_reset(&op->outcome);
    if (state == DONE)
        forget(op);
    else
        save(op);
    log_info("operation.end", "id=%s kind=%.*s source=%s state=%s items=%zu", op->id,
             STR_ARG(op->kind), log_value(op->source), state_names[state], op->items_n);
}

/* ---- the host's table ---- */

bool host_operation_progress(struct tl_operation *op, uint64_t done, uint64_t total,
                             struct str mark) {
    op->done = done;
    op->total = total;
    if (mark.p && !op->abandoned) {
        buf_reset(&op->mark);
        if (!buf_add(&op->mark, mark))
            buf_reset(&op->mark);
        if (clock_mono_ms() - op->saved_ms >= SAVE_EVERY_MS)
            save(op);
    }
    return !op->cancelled && !op->abandoned;
}

/* What is no JSON object would spoil the whole answer. */
void host_operation_item(struct tl_operation *op, struct str json) {
    cleanup(json_freep) json_t *j = NULL;
    if (jread_parse(json, 64 << 10, &j, NULL) && json_is_object(j))
        item_add(op, json);
    else
        op->items_dropped++;
}

void host_operation_end(struct tl_operation *op, bool ok, struct str summary_or_reason) {
    cleanup(json_freep) json_t *j = NULL;
    if (op->abandoned)
        operation_free(op);
    else if (op->cancelled)
        end_as(op, CANCELLED, str_c("the operator ended it"));
    else if (!ok)
        end_as(op, FAILED, summary_or_reason);
    else if (jread_parse(summary_or_reason, 64 << 10, &j, NULL) && json_is_object(j))
        end_as(op, DONE, summary_or_reason);
    else
        end_as(op, DONE, str_c("{}"));
}

/* ---- beginning ---- */

struct tl_operation *operation_begin(struct plugin_host *h, const struct operation_request *r,
                                     enum operation_begun *out, char out_id[OPERATION_ID_MAX]) {
    const struct tl_operation *other = running_on(h, r->source);
    if (other) {
        snprintf(out_id, OPERATION_ID_MAX, "%s", other->id);
        *out = OPERATION_UNDER_WAY;
        return NULL;
    }
    operations_trim(h);
    struct tl_operation *op = operation_new(h, NULL, r, r->source);
    snprintf(out_id, OPERATION_ID_MAX, "%s", op->id);
    log_info("operation.begin", "id=%s kind=%.*s source=%s resumed=%s", op->id, STR_ARG(op->kind),
             log_value(op->source), op->resumed ? "yes" : "no");
    *out = OPERATION_BEGUN;
    return op;
}

struct str operation_mark(const struct tl_operation *op) {
    return op->resumed ? buf_str(&op->mark) : STR_NONE;
}

int64_t operation_since_ms(const struct tl_operation *op) {
    return op->since_ms;
}

struct str operation_source(const struct tl_operation *op) {
    return op->source;
}

/* The channel may end it at once, also before it returns. */
static bool hand_over(struct tl_operation *op, struct tl_channel *ch) {
    if (!ch || !ch->instance || !ch->plugin.operate)
        return false;
    struct str mark = operation_mark(op);
    const struct tl_operate what = {.size = sizeof what,
                                    .kind = op->kind,
                                    .source = op->source,
                                    .since_ms = op->since_ms,
                                    .mark = arena_str(&op->arena, mark)};
    op->ch = ch;
    return ch->plugin.operate(ch->instance, op, &what);
}

enum operation_begun plugin_host_operate(struct plugin_host *h, const struct operation_request *r,
                                         char out_id[OPERATION_ID_MAX]) {
    char full[SOURCE_NAME_MAX];
    struct operation_request whole = *r;
    enum operation_begun begun = source_resolve(h, r->source, full);
    if (begun != OPERATION_BEGUN)
        return begun;
    whole.source = str_c(full);
    struct tl_operation *op = operation_begin(h, &whole, &begun, out_id);
    if (!op || hand_over(op, channel_of_source(h, whole.source)))
        return begun;
    op->ch = NULL;
    if (str_is(r->kind, "reconcile")) {
        reconcile_by_ledger(h, op);
        return begun;
    }
    operation_free(op);
    h->operations_n--;
    return OPERATION_NOT_HERE;
}

/* ---- telling ---- */

static void write_items(struct jwrite *w, const struct tl_operation *op, size_t from,
                        size_t limit) {
    size_t i = from;
    jwrite_open(w, "items", '[');
    for (; i < op->items_n && i - from < limit; i++)
        jwrite_raw(w, NULL, op->items[i]);
    jwrite_close(w, ']');
    char next[24];
    snprintf(next, sizeof next, "%zu", i);
    jwrite_c(w, "next", i < op->items_n ? next : NULL);
    jwrite_int(w, "items_not_kept", (int64_t)op->items_dropped);
}

bool plugin_host_operation(struct plugin_host *h, struct str id, size_t from, size_t limit,
                           struct buf *out) {
    const struct tl_operation *op = find(h, id);
    struct jwrite w;
    if (!op)
        return false;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "id", op->id);
    jwrite_str(&w, "kind", op->kind);
    jwrite_str(&w, "source", op->source.n ? op->source : STR_NONE);
    jwrite_c(&w, "state", state_names[op->state]);
    jwrite_time(&w, "since", op->since_ms > 0 ? op->since_ms : -1);
    jwrite_int(&w, "done", (int64_t)op->done);
    if (op->total)
        jwrite_int(&w, "total", (int64_t)op->total);
    else
        jwrite_c(&w, "total", NULL);
    jwrite_time(&w, "started_at", op->started_ms);
    jwrite_time(&w, "ended_at", op->ended_ms ? op->ended_ms : -1);
    jwrite_bool(&w, "resumed", op->resumed);
    if (op->state == DONE)
        jwrite_raw(&w, "summary", buf_str(&op->outcome));
    else
        jwrite_c(&w, "summary", NULL);
    jwrite_str(&w, "reason",
               op->state == DONE || op->state == RUNNING ? STR_NONE : buf_str(&op->outcome));
    write_items(&w, op, from, limit);
    jwrite_close(&w, '}');
    return w.ok;
}

bool plugin_host_operation_cancel(struct plugin_host *h, struct str id) {
    struct tl_operation *op = find(h, id);
    if (op)
        op->cancelled |= op->state == RUNNING;
    return op != NULL;
}

/* ---- a channel stops ---- */

void operations_interrupt(struct plugin_host *h, const struct tl_channel *ch) {
    list_each (l, &h->operations) {
        struct tl_operation *op = container_of(l, struct tl_operation, link);
        if (op->state == RUNNING && op->ch == ch)
            end_as(op, INTERRUPTED, str_c("the channel was stopped"));
    }
}

bool plugin_host_operates(struct plugin_host *h, struct str source) {
    return running_on(h, source) != NULL;
}

void operations_clear(struct plugin_host *h) {
    struct link *l;
    while ((l = list_first(&h->operations))) {
        struct tl_operation *op = container_of(l, struct tl_operation, link);
        link_remove(l);
        if (op->state != RUNNING) {
            operation_free(op);
            continue;
        }
        save(op); /* work of the daemon's own, whose answer comes later */
        op->abandoned = true;
        op->host = NULL;
    }
    h->operations_n = 0;
}
