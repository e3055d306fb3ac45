/* sip/calls.c - see calls.h.
 *
 * Invariants
 *  (1) Every id of a call stands in one bucket and in the call's own list.
 *  (2) The list of an origin is in the order of the places in it: the head is needed longest.
 */
#include "calls.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>

#include "call.h"

enum {
    BUCKETS = 4096,
    CALLS_MAX = 100000,
    BYTES_MAX = 128 * 1024 * 1024,
    LOOK_MAX = 256,
    IDS_MAX = 64, /* of one call */
    FORGET_MS = 30 * 1000,
    FORGET_RECORD_MS = 10 * 60 * 1000, /* records of its other legs come when those end */
};

struct call_id {
    struct link bucket, of_call;
    struct call *call;
    size_t n;
    char text[];
};

struct calls {
    struct link all; /* by first line */
    struct link origins[ORIGINS_MAX];
    struct link buckets[BUCKETS];
    size_t n, bytes;
    uint64_t order;
};

struct calls *calls_new(void) {
    struct calls *c = NEW(struct calls);
    link_init(&c->all);
    for (size_t i = 0; i < ORIGINS_MAX; i++)
        link_init(&c->origins[i]);
    for (size_t i = 0; i < BUCKETS; i++)
        link_init(&c->buckets[i]);
    return c;
}

/* What counts of a call against the ceiling. */
static size_t weigh(const struct call *call) {
    return sizeof *call + call->raw.room + call->arena.used_bytes + call->seen_room * 8 +
           call->legs_room * sizeof *call->legs;
}

static void id_free(struct call_id *id) {
    link_remove(&id->bucket);
    link_remove(&id->of_call);
    free(id);
}

static void forget(struct calls *c, struct call *call) {
    c->bytes -= weigh(call);
    link_remove(&call->link);
    for (size_t i = 0; i < ORIGINS_MAX; i++)
        link_remove(&call->origins[i].link);
    list_each (it, &call->ids)
        id_free(container_of(it, struct call_id, of_call));
    call_free(call);
    c->n--;
}

void calls_free(struct calls *c) {
    if (!c)
        return;
    list_each (it, &c->all)
        forget(c, container_of(it, struct call, link));
    free(c);
}

static struct link *bucket_of(struct calls *c, struct str id) {
    return &c->buckets[hash64(id) % BUCKETS];
}

struct call *calls_find(struct calls *c, struct str id) {
    list_each (it, bucket_of(c, id)) {
        struct call_id *one = container_of(it, struct call_id, bucket);
        if (str_eq(str_make(one->text, one->n), id))
            return one->call;
    }
    return NULL;
}

static void name(struct calls *c, struct call *call, struct str id) {
    size_t n = 0;
    list_each (it, &call->ids)
        n++;
    if (n >= IDS_MAX)
        return;
    struct call_id *one = mem_new(sizeof *one + id.n);
    one->call = call;
    one->n = id.n;
    memcpy(one->text, id.p, id.n);
    list_push(&call->ids, &one->of_call);
    list_push(bucket_of(c, id), &one->bucket);
}

/* Makes room: the oldest that has been told long ago, else the oldest of all. */
static void forget_one(struct calls *c) {
    size_t looked = 0;
    list_each (it, &c->all) {
        struct call *call = container_of(it, struct call, link);
        if (call->was_told && !call->dirty && !call->in_flight) {
            forget(c, call);
            return;
        }
        if (++looked == LOOK_MAX)
            break;
    }
    forget(c, container_of(c->all.next, struct call, link));
}

static struct call *begin(struct calls *c, struct str id, int64_t now_ms) {
    while (c->n && (c->n >= CALLS_MAX || c->bytes >= BYTES_MAX))
        forget_one(c);
    struct call *call = call_new(id, now_ms);
    list_push(&c->all, &call->link);
    name(c, call, id);
    if (!str_eq(call->id, id))
        name(c, call, call->id);
    c->n++;
    c->bytes += weigh(call);
    return call;
}

/* ---- two that are one ---- */

static void move_origins(struct call *to, struct call *from) {
    for (size_t i = 0; i < ORIGINS_MAX; i++) {
        uint64_t theirs = from->origins[i].order, ours = to->origins[i].order;
        if (!theirs || (ours && ours < theirs))
            continue;
        link_insert_before(&from->origins[i].link, &to->origins[i].link);
        to->origins[i].first = from->origins[i].first;
        to->origins[i].order = theirs;
    }
}

/* The one that has been told keeps its name, else the older one. Two that both have been told stay
 * two: nothing is taken back from a timeline on a late hint. */
static struct call *join(struct calls *c, struct call *a, struct call *b) {
    if (a == b || (a->was_told && b->was_told))
        return a;
    bool swap = b->was_told || (!a->was_told && b->born_ms < a->born_ms);
    struct call *into = swap ? b : a, *other = swap ? a : b;
    c->bytes -= weigh(into);
    call_absorb(into, other);
    list_each (it, &other->ids) {
        struct call_id *id = container_of(it, struct call_id, of_call);
        id->call = into;
        list_push(&into->ids, &id->of_call);
    }
    move_origins(into, other);
    into->dirty |= other->dirty;
    c->bytes += weigh(into);
    forget(c, other);
    return into;
}

static struct call *call_of(struct calls *c, const struct call_line *line, int64_t now_ms) {
    struct call *call = calls_find(c, line->call_id);
    for (size_t i = 0; i < LINKS_MAX; i++) {
        if (!line->links[i].n)
            continue;
        struct call *linked = calls_find(c, line->links[i]);
        if (linked)
            call = call ? join(c, call, linked) : linked;
    }
    if (!call)
        call = begin(c, line->call_id, now_ms);
    else if (!calls_find(c, line->call_id))
        name(c, call, line->call_id);
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (line->links[i].n && !calls_find(c, line->links[i]))
            name(c, call, line->links[i]);
    return call;
}

static void hold_place(struct calls *c, struct call *call, struct call_origin from) {
    if (!from.place || from.index >= ORIGINS_MAX || call->origins[from.index].order)
        return;
    call->origins[from.index].first = *from.place;
    call->origins[from.index].order = ++c->order;
    list_push(&c->origins[from.index], &call->origins[from.index].link);
}

struct call *calls_add(struct calls *c, const struct call_line *line, struct str raw,
                       struct call_origin from, int64_t now_ms) {
    struct call *call = call_of(c, line, now_ms);
    hold_place(c, call, from);
    c->bytes -= weigh(call);
    if (call_is_news(call, raw)) {
        call_add_line(call, line);
        call->quiet_since_ms = now_ms;
        call->dirty = true;
        if (buf_add(&call->raw, raw)) /* a call of thousands of lines keeps its first ones */
            (void)!buf_add_byte(&call->raw, '\n');
    }
    c->bytes += weigh(call);
    return call;
}

/* ---- telling and forgetting ---- */

static int64_t forget_ms(const struct call *call) {
    return call->has_record || call->ended ? FORGET_RECORD_MS : FORGET_MS;
}

void calls_tick(struct calls *c, int64_t now_ms, void (*tell)(void *arg, struct call *call),
                void *arg) {
    list_each (it, &c->all) {
        struct call *call = container_of(it, struct call, link);
        int64_t quiet = now_ms - call->quiet_since_ms, settle = call_settles_ms(call);
        bool lost = settle < 0 && now_ms - call->born_ms > call->lives_ms;
        if (call->in_flight)
            continue;
        if (call->dirty && (call->urgent || (settle >= 0 && quiet >= settle) || lost)) {
            call->dirty = call->urgent = false;
            call->in_flight = call->was_told = true;
            tell(arg, call);
        } else if ((!call->dirty || call_is_tail_only(call)) && quiet >= forget_ms(call)) {
            forget(c, call);
        }
    }
}

void calls_told(struct calls *c, struct str id, bool again) {
    struct call *call = calls_find(c, id);
    if (!call)
        return;
    call->in_flight = false;
    call->dirty |= again;
}

/* The call in whose `origins[origin]` this link stands. */
static struct call *of_origin(const struct link *l, size_t origin) {
    const size_t at =
        offsetof(struct call, origins) + origin * sizeof((struct call *)0)->origins[0];
    return (struct call *)(void *)((char *)(uintptr_t)l - at);
}

const struct tail_place *calls_needed(const struct calls *c, size_t origin) {
    const struct link *first = origin < ORIGINS_MAX ? list_first(&c->origins[origin]) : NULL;
    return first ? &of_origin(first, origin)->origins[origin].first : NULL;
}

void calls_drop_origin(struct calls *c, size_t origin) {
    if (origin >= ORIGINS_MAX)
        return;
    list_each (it, &c->origins[origin]) {
        of_origin(it, origin)->origins[origin].order = 0;
        link_remove(it);
    }
}

size_t calls_count(const struct calls *c) {
    return c->n;
}
