/* sip/calls.c - see calls.h. */
#include "calls.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>

enum {
    BUCKETS = 4096,
    CALLS_MAX = 100000,
    RAW_MAX = 256 * 1024,
    SETTLE_MS = 1000,
    SETTLE_MISSED_MS = 4000,
    FORGET_MS = 30 * 1000,
    OPEN_MAX_MS = 6 * 3600 * 1000,
};

struct calls {
    struct link all; /* by first line: the head is needed longest */
    struct link buckets[BUCKETS];
    size_t n;
};

struct calls *calls_new(void) {
    struct calls *c = NEW(struct calls);
    link_init(&c->all);
    for (size_t i = 0; i < BUCKETS; i++)
        link_init(&c->buckets[i]);
    return c;
}

static void forget(struct calls *c, struct call *call) {
    link_remove(&call->link);
    link_remove(&call->by_id);
    buf_clear(&call->raw);
    arena_clear(&call->arena);
    free(call);
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

static struct call *find(struct calls *c, struct str id) {
    list_each (it, bucket_of(c, id)) {
        struct call *call = container_of(it, struct call, by_id);
        if (str_eq(call->id, id))
            return call;
    }
    return NULL;
}

static struct call *begin(struct calls *c, struct str id, const struct tail_place *place,
                          int64_t now_ms) {
    if (c->n >= CALLS_MAX) /* the oldest has been told long ago, or never will be */
        forget(c, container_of(c->all.next, struct call, link));
    struct call *call = NEW(struct call);
    arena_init(&call->arena);
    buf_init(&call->raw, RAW_MAX);
    call->id = arena_str(&call->arena, id);
    call->first = *place;
    call->born_ms = now_ms;
    call->start_ms = call->answer_ms = call->end_ms = -1;
    list_push(&c->all, &call->link);
    list_push(bucket_of(c, id), &call->by_id);
    c->n++;
    return call;
}

/* ---- what a line adds ---- */

static bool is_new(struct call *call, struct str raw) {
    uint64_t h = hash64(raw);
    for (size_t i = 0; i < call->lines && i < COUNT(call->seen); i++)
        if (call->seen[i] == h)
            return false;
    if (call->lines < COUNT(call->seen))
        call->seen[call->lines] = h;
    call->lines++;
    return true;
}

static void earlier(int64_t *t, int64_t v) {
    if (v >= 0 && (*t < 0 || v < *t))
        *t = v;
}

static void later(int64_t *t, int64_t v) {
    if (v > *t)
        *t = v;
}

static void once(struct call *call, struct str *to, struct str v) {
    if (!to->n && v.n)
        *to = arena_str(&call->arena, v);
}

static void add_final(struct call *call, const struct call_line *l) {
    if (l->code == 401 || l->code == 407) /* asked for a password: no answer yet */
        return;
    bool success = l->code >= 200 && l->code < 300;
    if (success || call->final_code < 200 || call->final_code >= 300)
        call->final_code = l->code;
    if (success) {
        earlier(&call->answer_ms, l->at_ms);
        call->voicemail |= l->voicemail;
        call->target = arena_str(&call->arena, l->target);
    } else {
        later(&call->end_ms, l->at_ms);
    }
}

static void add_record(struct call *call, const struct call_line *l) {
    earlier(&call->start_ms, l->start_ms);
    later(&call->end_ms, l->end_ms);
    if (call->has_record && l->rank <= call->rank)
        return;
    call->has_record = true;
    call->rank = l->rank;
    call->outcome = l->outcome;
    call->answer_ms = l->answer_ms;
    call->target = arena_str(&call->arena, l->target);
}

static void add(struct call *call, const struct call_line *l) {
    once(call, &call->caller, l->caller);
    once(call, &call->callee, l->callee);
    if (l->kind != LINE_RECORD && l->kind != LINE_CDR)
        earlier(&call->start_ms, l->at_ms);
    switch (l->kind) {
    case LINE_MISSED:
        call->missed_once = true;
        call->missed_code = l->code;
        later(&call->end_ms, l->at_ms);
        break;
    case LINE_FINAL:
        add_final(call, l);
        break;
    case LINE_CANCEL:
        call->cancelled = true;
        later(&call->end_ms, l->at_ms);
        break;
    case LINE_BYE:
        call->said_bye = true;
        later(&call->end_ms, l->at_ms);
        break;
    case LINE_CDR:
        call->has_cdr = true;
        earlier(&call->start_ms, l->start_ms);
        if (l->end_ms > l->start_ms)
            later(&call->end_ms, l->end_ms);
        break;
    case LINE_RECORD:
        add_record(call, l);
        break;
    }
}

void calls_add(struct calls *c, const struct call_line *line, struct str raw,
               const struct tail_place *place, int64_t now_ms) {
    struct call *call = find(c, line->call_id);
    if (!call)
        call = begin(c, line->call_id, place, now_ms);
    if (!is_new(call, raw))
        return;
    add(call, line);
    call->quiet_since_ms = now_ms;
    call->dirty = true;
    if (!buf_add(&call->raw, raw) || !buf_add_byte(&call->raw, '\n'))
        return; /* a call of thousands of lines keeps its first ones */
}

/* ---- how it went ---- */

static enum call_outcome by_code(int code) {
    switch (code) {
    case 487:
        return CALL_ABANDONED;
    case 408:
    case 480:
        return CALL_NO_ANSWER;
    case 486:
    case 600:
        return CALL_BUSY;
    case 403:
    case 603:
    case 607:
        return CALL_REJECTED;
    default:
        return CALL_FAILED;
    }
}

enum call_outcome call_outcome(const struct call *c) {
    if (c->has_record)
        return c->outcome;
    if (c->final_code >= 200 && c->final_code < 300)
        return c->voicemail ? CALL_VOICEMAIL : CALL_ANSWERED;
    int code = c->final_code ? c->final_code : c->missed_code;
    if (code)
        return by_code(code);
    if (c->cancelled)
        return CALL_ABANDONED;
    return c->said_bye || (c->has_cdr && c->end_ms > c->start_ms) ? CALL_ANSWERED : CALL_FAILED;
}

int call_code(const struct call *c) {
    return c->final_code ? c->final_code : c->missed_code;
}

const char *call_outcome_name(enum call_outcome o) {
    static const char *const names[] = {
        [CALL_ANSWERED] = "answered",   [CALL_ABANDONED] = "abandoned",
        [CALL_NO_ANSWER] = "no-answer", [CALL_BUSY] = "busy",
        [CALL_REJECTED] = "rejected",   [CALL_FAILED] = "failed",
        [CALL_VOICEMAIL] = "voicemail",
    };
    return names[o];
}

/* ---- telling and forgetting ---- */

/* Only that somebody hung up: the tail of a call whose lines before the kept place are not read
 * again, or of one older than the log. It says nothing of who called. */
static bool is_tail_only(const struct call *c) {
    return c->said_bye && !c->has_record && !c->has_cdr && !c->final_code && !c->missed_once &&
           !c->cancelled;
}

/* How long its lines must rest before it is told; -1: it has not ended. */
static int64_t settles_after(const struct call *c) {
    if (is_tail_only(c))
        return -1;
    if (c->has_record || c->said_bye || c->has_cdr)
        return SETTLE_MS;
    if (c->final_code >= 300)
        return SETTLE_MS;
    if (c->final_code)
        return -1; /* answered and talking */
    return c->missed_once || c->cancelled ? SETTLE_MISSED_MS : -1;
}

void calls_tick(struct calls *c, int64_t now_ms, void (*tell)(void *arg, struct call *call),
                void *arg) {
    list_each (it, &c->all) {
        struct call *call = container_of(it, struct call, link);
        int64_t quiet = now_ms - call->quiet_since_ms, settle = settles_after(call);
        bool lost = settle < 0 && now_ms - call->born_ms > OPEN_MAX_MS;
        if (call->in_flight)
            continue;
        if (call->dirty && ((settle >= 0 && quiet >= settle) || lost)) {
            call->dirty = false;
            call->in_flight = true;
            tell(arg, call);
        } else if ((!call->dirty || is_tail_only(call)) && quiet >= FORGET_MS) {
            forget(c, call);
        }
    }
}

void calls_told(struct calls *c, struct str id, bool again) {
    struct call *call = find(c, id);
    if (!call)
        return;
    call->in_flight = false;
    call->dirty |= again;
}

const struct tail_place *calls_needed(const struct calls *c) {
    const struct link *first = list_first(&c->all);
    return first ? &container_of(first, struct call, link)->first : NULL;
}

size_t calls_count(const struct calls *c) {
    return c->n;
}
