/* sip/call.c - see call.h. Each rule here gives the same whatever the order of the lines: times are
 * the earliest or latest, words are those of the line that knows best. */
#include "call.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>

enum {
    RAW_MAX = 1024 * 1024,
    ID_MAX = 200,
    SEEN_MAX = 1024,
    MACHINE_MS = 1000,
    SETTLE_MS = 1000,
    SETTLE_MISSED_MS = 4000,
    LIVES_MS = 6 * 3600 * 1000,
};

/* A touchpoint's own id is short and readable: another one is told by its hash. */
static struct str presentable(struct arena *a, struct str id) {
    bool plain = id.n <= ID_MAX;
    for (size_t i = 0; i < id.n && plain; i++)
        plain = id.p[i] > ' ' && id.p[i] < 0x7f;
    if (plain)
        return arena_str(a, id);
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    sha256(id, digest);
    hex_encode(digest, sizeof digest, hex);
    return arena_strf(a, "sha256:%s", hex);
}

struct call *call_new(struct str id, int64_t now_ms) {
    struct call *call = NEW(struct call);
    link_init(&call->ids);
    arena_init(&call->arena);
    buf_init(&call->raw, RAW_MAX);
    call->id = presentable(&call->arena, id);
    call->born_ms = call->quiet_since_ms = now_ms;
    call->lives_ms = LIVES_MS;
    call->start_ms = call->answer_ms = call->talk_ms = call->end_ms = call->judged_ms =
        call->missed_ms = call->final_ms = call->people_ms = -1;
    call->weight = -1;
    return call;
}

void call_free(struct call *call) {
    if (!call)
        return;
    buf_clear(&call->raw);
    arena_clear(&call->arena);
    free(call->seen);
    free(call->legs);
    free(call);
}

/* The next item of a list that grows by doubling up to max; NULL: full. */
static void *grown(void *items, size_t n, size_t *room, size_t bytes, size_t max,
                   void **out_items) {
    if (n >= max)
        return NULL;
    if (n == *room) {
        size_t more = *room ? *room * 2 : 4;
        char *bigger = mem_new(more * bytes);
        if (n)
            memcpy(bigger, items, n * bytes);
        free(items);
        *out_items = items = bigger;
        *room = more;
    }
    return (char *)items + n * bytes;
}

/* ---- what a line adds ---- */

bool call_is_news(struct call *call, struct str raw) {
    uint64_t h = hash64(raw);
    void *items = call->seen;
    for (size_t i = 0; i < call->lines; i++)
        if (call->seen[i] == h)
            return false;
    uint64_t *slot =
        grown(call->seen, call->lines, &call->seen_room, sizeof *call->seen, SEEN_MAX, &items);
    call->seen = items;
    if (slot) { /* a call of thousands of lines counts its first ones */
        *slot = h;
        call->lines++;
    }
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

static struct call_leg *leg_of(struct call *call, struct str id) {
    void *items = call->legs;
    for (size_t i = 0; i < call->legs_n && id.n; i++)
        if (str_eq(call->legs[i].id, id))
            return &call->legs[i];
    struct call_leg *leg =
        grown(call->legs, call->legs_n, &call->legs_room, sizeof *leg, LEGS_MAX, &items);
    call->legs = items;
    if (!leg)
        return NULL;
    call->legs_n++;
    *leg = (struct call_leg){
        .id = arena_str(&call->arena, id), .start_ms = -1, .answer_ms = -1, .end_ms = -1};
    return leg;
}

static bool is_success(int code) {
    return code >= 200 && code < 300;
}

static void add_to_leg(struct call *call, const struct call_line *l) {
    for (size_t i = 0; i < l->targets_n; i++) {
        struct call_leg *rung = leg_of(call, l->targets[i]);
        if (rung)
            once(call, &rung->target, l->targets[i]);
    }
    if (l->no_leg || (!l->leg.n && l->kind != LINE_RECORD))
        return;
    struct call_leg *leg = leg_of(call, l->leg);
    if (!leg)
        return;
    once(call, &leg->target, l->target);
    once(call, &leg->agent, l->agent);
    earlier(&leg->start_ms, l->start_ms);
    later(&leg->end_ms, l->end_ms);
    if (l->kind == LINE_TALK || (l->kind == LINE_FINAL && is_success(l->code)))
        earlier(&leg->answer_ms, l->at_ms);
    else
        earlier(&leg->answer_ms, l->answer_ms);
    if (l->rank > leg->rank) {
        leg->rank = l->rank;
        leg->outcome = l->outcome;
    }
    if (l->code)
        leg->code = l->code;
    if (l->q850)
        leg->q850 = l->q850;
}

/* Of equal ones the earlier says who called whom: what came first. */
static bool knows_better(const struct call *call, const struct call_line *l, int64_t at) {
    if (!l->caller.n && !l->callee.n)
        return false;
    return l->weight > call->weight ||
           (l->weight == call->weight && at >= 0 && at < call->people_ms);
}

static void add_people(struct call *call, const struct call_line *l) {
    int64_t at = l->start_ms >= 0 ? l->start_ms : l->at_ms;
    if (knows_better(call, l, at)) {
        call->people_ms = at;
        /* What the better one leaves open the other may still say. */
        struct str caller = call->caller, callee = call->callee;
        call->weight = l->weight;
        call->caller = l->caller.n ? arena_str(&call->arena, l->caller) : caller;
        call->callee = l->callee.n ? arena_str(&call->arena, l->callee) : callee;
        if (l->display.n)
            call->display = arena_str(&call->arena, l->display);
        if (l->context.n)
            call->context = arena_str(&call->arena, l->context);
        if (l->direction)
            call->direction = l->direction;
    }
    once(call, &call->caller, l->caller);
    once(call, &call->callee, l->callee);
    once(call, &call->display, l->display);
    once(call, &call->context, l->context);
    if (!call->direction)
        call->direction = l->direction;
    call->withheld |= l->withheld;
}

/* The line that knows better, of equals the later one, says how it went. */
static void judge(struct call *call, const struct call_line *l) {
    int64_t at = l->kind == LINE_RECORD ? l->end_ms : l->at_ms;
    if (l->rank <= 0 || l->rank < call->rank || (l->rank == call->rank && at < call->judged_ms))
        return;
    if (l->rank == call->rank && at == call->judged_ms && l->outcome >= call->outcome)
        return;
    call->rank = l->rank;
    call->outcome = l->outcome;
    call->judged_ms = at;
    call->judged_code = l->code;
    if (l->kind == LINE_RECORD)
        call->answer_ms = l->answer_ms;
    else if (l->outcome == CALL_VOICEMAIL)
        call->answer_ms = l->answer_ms >= 0 ? l->answer_ms : at;
    if (l->target.n)
        call->target = arena_str(&call->arena, l->target);
    if (l->agent.n)
        call->agent = arena_str(&call->arena, l->agent);
    if (l->queue.n)
        call->queue = arena_str(&call->arena, l->queue);
}

/* Of several codes the one of the later line stands, whichever came first. */
static bool is_newer(const struct call_line *l, int64_t ms, int code) {
    return !code || l->at_ms > ms || (l->at_ms == ms && l->code > code);
}

static void add_final(struct call *call, const struct call_line *l) {
    if (l->code == 401 || l->code == 407) /* asked for a password: no answer yet */
        return;
    bool was = is_success(call->final_code);
    if (is_success(l->code)) {
        bool first = !was || call->answer_ms < 0 || (l->at_ms >= 0 && l->at_ms < call->answer_ms);
        if (first || (l->at_ms == call->answer_ms && l->code > call->final_code)) {
            call->final_code = l->code;
            call->target = arena_str(&call->arena, l->target);
        }
        earlier(&call->answer_ms, l->at_ms);
        call->voicemail |= l->voicemail;
        return;
    }
    if (!was && is_newer(l, call->final_ms, call->final_code))
        call->final_code = l->code;
    later(&call->final_ms, l->at_ms);
    later(&call->end_ms, l->at_ms);
}

static void add_span(struct call *call, const struct call_line *l) {
    earlier(&call->start_ms, l->start_ms);
    if (l->kind != LINE_CDR || l->end_ms > l->start_ms)
        later(&call->end_ms, l->end_ms);
    if (l->kind != LINE_RECORD && l->kind != LINE_CDR)
        earlier(&call->start_ms, l->at_ms);
}

static void add_kind(struct call *call, const struct call_line *l) {
    switch (l->kind) {
    case LINE_MISSED:
        if (is_newer(l, call->missed_ms, call->missed_code))
            call->missed_code = l->code;
        call->missed_once = true;
        later(&call->missed_ms, l->at_ms);
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
        earlier(&call->answer_ms, l->answer_ms);
        if (is_success(l->code) && !is_success(call->final_code))
            call->final_code = l->code;
        break;
    case LINE_RECORD:
        call->has_record = true;
        break;
    case LINE_BEGIN:
        call->began = true;
        if (l->expires_ms)
            call->lives_ms = l->expires_ms;
        break;
    case LINE_TALK:
        earlier(&call->talk_ms, l->at_ms);
        call->lives_ms = LIVES_MS;
        break;
    case LINE_END:
        call->ended = true;
        later(&call->end_ms, l->at_ms);
        if (l->rank > 0 && l->outcome == CALL_ANSWERED)
            earlier(&call->talk_ms, l->answer_ms);
        break;
    case LINE_NOTE:
        break;
    }
    if (l->kind == LINE_FINAL && is_success(l->code))
        call->lives_ms = LIVES_MS;
}

void call_add_line(struct call *call, const struct call_line *l) {
    add_people(call, l);
    add_span(call, l);
    add_to_leg(call, l);
    judge(call, l);
    add_kind(call, l);
    once(call, &call->queue, l->queue);
    once(call, &call->agent, l->agent);
    once(call, &call->target, l->target);
    once(call, &call->recording, l->recording);
    call->transfer |= l->transfer;
    if (l->q850)
        call->q850 = l->q850;
}

/* ---- two calls that are one ---- */

static void absorb_legs(struct call *call, const struct call *other) {
    for (size_t i = 0; i < other->legs_n; i++) {
        const struct call_leg *o = &other->legs[i];
        struct call_leg *leg = leg_of(call, o->id);
        if (!leg)
            return;
        once(call, &leg->target, o->target);
        once(call, &leg->agent, o->agent);
        earlier(&leg->start_ms, o->start_ms);
        earlier(&leg->answer_ms, o->answer_ms);
        later(&leg->end_ms, o->end_ms);
        if (o->rank > leg->rank) {
            leg->rank = o->rank;
            leg->outcome = o->outcome;
        }
        leg->code = o->code ? o->code : leg->code;
        leg->q850 = o->q850 ? o->q850 : leg->q850;
    }
}

static void absorb_words(struct call *call, const struct call *other) {
    const struct call_line people = {.caller = other->caller,
                                     .callee = other->callee,
                                     .display = other->display,
                                     .context = other->context,
                                     .weight = other->weight,
                                     .start_ms = other->people_ms,
                                     .at_ms = -1,
                                     .direction = other->direction,
                                     .withheld = other->withheld};
    const struct call_line verdict = {.kind = LINE_RECORD,
                                      .rank = other->rank,
                                      .outcome = other->outcome,
                                      .code = other->judged_code,
                                      .end_ms = other->judged_ms,
                                      .answer_ms = other->answer_ms,
                                      .target = other->target,
                                      .agent = other->agent,
                                      .queue = other->queue};
    add_people(call, &people);
    judge(call, &verdict);
    once(call, &call->target, other->target);
    once(call, &call->queue, other->queue);
    once(call, &call->agent, other->agent);
    once(call, &call->recording, other->recording);
}

void call_absorb(struct call *call, const struct call *other) {
    absorb_legs(call, other);
    absorb_words(call, other);
    earlier(&call->start_ms, other->start_ms);
    earlier(&call->answer_ms, other->answer_ms);
    earlier(&call->talk_ms, other->talk_ms);
    later(&call->end_ms, other->end_ms);
    if (other->final_code && !is_success(call->final_code))
        call->final_code = other->final_code;
    later(&call->missed_ms, other->missed_ms);
    later(&call->final_ms, other->final_ms);
    if (other->missed_code)
        call->missed_code = other->missed_code;
    if (other->q850)
        call->q850 = other->q850;
    call->transfer |= other->transfer, call->voicemail |= other->voicemail;
    call->has_record |= other->has_record, call->has_cdr |= other->has_cdr;
    call->began |= other->began, call->ended |= other->ended;
    call->cancelled |= other->cancelled, call->said_bye |= other->said_bye;
    call->missed_once |= other->missed_once, call->urgent |= other->urgent;
    for (size_t i = 0; i < other->lines; i++) {
        void *items = call->seen;
        uint64_t *slot =
            grown(call->seen, call->lines, &call->seen_room, sizeof *call->seen, SEEN_MAX, &items);
        call->seen = items;
        if (slot) {
            *slot = other->seen[i];
            call->lines++;
        }
    }
    (void)!buf_add(&call->raw, buf_str(&other->raw)); /* full: it keeps its first ones */
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

/* A phone rang out or was busy, and something else answered within a moment, of which the records
 * do not say what it is: no person is as quick. */
static bool is_fallen_through(const struct call *c) {
    bool rang = c->missed_code == 408 || c->missed_code == 480 || c->missed_code == 486;
    return rang && !c->target.n && c->legs_n > 1 && c->answer_ms >= c->missed_ms &&
           c->answer_ms - c->missed_ms <= MACHINE_MS;
}

enum call_outcome call_outcome(const struct call *c) {
    if (c->rank > 0)
        return c->outcome;
    if (is_success(c->final_code))
        return c->voicemail || is_fallen_through(c) ? CALL_VOICEMAIL : CALL_ANSWERED;
    int code = c->final_code ? c->final_code : c->missed_code;
    if (code)
        return by_code(code);
    if (c->cancelled)
        return CALL_ABANDONED;
    if (c->talk_ms >= 0 || c->said_bye || (c->has_cdr && c->end_ms > c->start_ms))
        return CALL_ANSWERED;
    return CALL_FAILED;
}

int call_code(const struct call *c) {
    if (c->final_code)
        return c->final_code;
    return c->missed_code ? c->missed_code : c->judged_code;
}

int64_t call_revision(const struct call *c) {
    return (int64_t)c->lines + (int64_t)c->rank * 1000;
}

int64_t call_answer_ms(const struct call *c) {
    enum call_outcome o = call_outcome(c);
    if (o != CALL_ANSWERED && o != CALL_VOICEMAIL)
        return -1;
    if (o == CALL_ANSWERED && c->talk_ms >= 0)
        return c->talk_ms;
    return c->answer_ms >= 0 ? c->answer_ms : c->start_ms;
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

/* ---- when it has ended ---- */

bool call_is_tail_only(const struct call *c) {
    return c->said_bye && !c->has_record && !c->has_cdr && !c->final_code && !c->missed_once &&
           !c->cancelled && !c->began && c->talk_ms < 0;
}

int64_t call_settles_ms(const struct call *c) {
    if (call_is_tail_only(c))
        return -1;
    if (c->ended || c->said_bye || c->has_cdr)
        return SETTLE_MS;
    if (c->has_record) /* another log says that it still goes on: a leg has ended, or it is late */
        return c->began ? SETTLE_MISSED_MS : SETTLE_MS;
    if (c->final_code >= 300)
        return SETTLE_MS;
    if (c->final_code || c->talk_ms >= 0)
        return -1; /* answered and talking */
    return c->missed_once || c->cancelled ? SETTLE_MISSED_MS : -1;
}
