/* sip/hep_calls.c - see hep_calls.h.
 *
 * What each INVITE transaction (by the branch of its topmost Via) was answered is kept; how the
 * call went is worked out of that anew after each message, so their order does not matter.
 * Invariants: a call stands in `all` and in `by_id` as long as it lives; raw_bytes is the sum of
 * all raw.n.
 */
#include "hep_calls.h"

#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

enum {
    CALLS_MAX = 20000,
    INVITE_MS = 100 * 1000,
    LONGEST_MS = 6 * 3600 * 1000,
    CANCEL_MS = 3 * 1000,   /* the 487 of a CANCEL follows at once; what comes later revises */
    LINGER_MS = 64 * 1000,  /* an ended call knows its own repetitions so long */
    TRIES_MAX = 32,         /* INVITE transactions of one call */
    RAW_MAX = 64 * 1024,    /* of one call */
    RAW_ALL_MAX = 64 << 20, /* of all: beyond it calls go on without their messages */
    TEXT_MAX = 1024,
    LOOK_MAX = 256,
};

/* One INVITE transaction on one hop. */
struct attempt {
    struct str branch, uri;
    int64_t cseq, at_ms;    /* at_ms: of its request, else of its first answer */
    bool requested, within; /* its request was seen; it has a To tag: no new call */
    int code;               /* final */
    int64_t ring_ms, final_ms;
};

struct open_call {
    struct link link;
    struct hep_call said;
    struct arena arena;
    struct buf raw;
    struct attempt tries[TRIES_MAX];
    size_t tries_n;
    const struct attempt *parties; /* whose request told who calls whom */
    struct str cancelled;          /* branch of the CANCEL that was seen last; absent: none */
    int64_t cancel_ms, bye_ms;
    int64_t heard_ms; /* monotonic: the last message */
    bool told;
    struct {
        int code;
        int64_t start_ms, answer_ms, end_ms;
    } before; /* what was told */
};

struct hep_calls {
    struct hep_options options;
    hep_tell_fn *tell;
    void *arg;
    struct link all; /* oldest first */
    struct map by_id;
    size_t raw_bytes, open;
    bool trust_asserted;
};

struct hep_calls *hep_calls_new(const struct hep_options *options, hep_tell_fn *tell, void *arg) {
    struct hep_calls *c = NEW(struct hep_calls);
    c->options = *options;
    if (!c->options.invite_ms)
        c->options.invite_ms = INVITE_MS;
    if (!c->options.longest_ms)
        c->options.longest_ms = LONGEST_MS;
    if (!c->options.calls_max)
        c->options.calls_max = CALLS_MAX;
    c->tell = tell;
    c->arg = arg;
    link_init(&c->all);
    return c;
}

void hep_calls_trust(struct hep_calls *c, bool trust_asserted) {
    c->trust_asserted = trust_asserted;
}

static void forget(struct hep_calls *c, struct open_call *o) {
    (void)map_take(&c->by_id, o->said.id);
    link_remove(&o->link);
    c->raw_bytes -= o->raw.n;
    c->open -= o->said.state != HEP_OVER;
    buf_clear(&o->raw);
    arena_clear(&o->arena);
    free(o);
}

void hep_calls_free(struct hep_calls *c) {
    if (!c)
        return;
    list_each (it, &c->all)
        forget(c, container_of(it, struct open_call, link));
    map_clear(&c->by_id);
    free(c);
}

size_t hep_calls_open(const struct hep_calls *c) {
    return c->open;
}

/* ---- how it went ---- */

/* The first hop's transaction: of the highest CSeq the earliest, one whose request was seen before
 * one that is only answered. */
static const struct attempt *main_of(const struct open_call *o) {
    const struct attempt *best = NULL;
    for (size_t i = 0; i < o->tries_n; i++) {
        const struct attempt *t = &o->tries[i];
        if (t->within)
            continue;
        if (!best || t->requested > best->requested ||
            (t->requested == best->requested &&
             (t->cseq > best->cseq || (t->cseq == best->cseq && t->at_ms < best->at_ms))))
            best = t;
    }
    return best;
}

static bool is_success(int code) {
    return code >= 200 && code < 300;
}

/* The branch that was answered and lies farthest from the caller. */
static const struct attempt *answered_by(const struct open_call *o) {
    const struct attempt *last = NULL;
    for (size_t i = 0; i < o->tries_n; i++) {
        const struct attempt *t = &o->tries[i];
        if (!t->within && t->requested && is_success(t->code) && (!last || t->at_ms >= last->at_ms))
            last = t;
    }
    return last;
}

static void earlier(int64_t *t, int64_t v) {
    if (v >= 0 && (*t < 0 || v < *t))
        *t = v;
}

static bool asked_for_password(int code) {
    return code == 401 || code == 407;
}

/* Whether the caller himself gave up: his CANCEL carries his INVITE's branch. */
static bool caller_cancelled(const struct open_call *o, const struct attempt *first) {
    return o->cancelled.p && (!first->requested || str_eq(o->cancelled, first->branch));
}

static void work_out(struct open_call *o) {
    struct hep_call *s = &o->said;
    const struct attempt *first = main_of(o), *last = answered_by(o);
    s->start_ms = s->ring_ms = s->answer_ms = s->end_ms = -1;
    s->code = 0;
    if (!first)
        return;
    for (size_t i = 0; i < o->tries_n; i++)
        if (!o->tries[i].within) {
            earlier(&s->start_ms, o->tries[i].at_ms);
            earlier(&s->ring_ms, o->tries[i].ring_ms);
        }
    s->code = first->code;
    int64_t final_ms = first->final_ms;
    if (!s->code && last) { /* the answer to the caller was not captured */
        s->code = last->code;
        final_ms = last->final_ms;
    }
    s->target = last && last != first ? last->uri : STR_NONE;
    if (is_success(s->code) || (!s->code && o->bye_ms >= 0)) {
        s->answer_ms = final_ms;
        s->end_ms = o->bye_ms;
        s->end = HEP_END_BYE;
        s->state = o->bye_ms >= 0 ? HEP_OVER : HEP_TALKING;
    } else if (s->code && !asked_for_password(s->code)) {
        s->end_ms = final_ms;
        s->end = HEP_END_FINAL;
        s->state = HEP_OVER;
    } else {
        s->state = s->ring_ms >= 0 ? HEP_RINGING : HEP_CALLING;
    }
}

/* ---- telling ---- */

static bool is_told_already(const struct open_call *o) {
    const struct hep_call *s = &o->said;
    return o->told && o->before.code == s->code && o->before.start_ms == s->start_ms &&
           o->before.answer_ms == s->answer_ms && o->before.end_ms == s->end_ms;
}

static void tell(struct hep_calls *c, struct open_call *o) {
    struct hep_call *s = &o->said;
    s->state = HEP_OVER;
    if (is_told_already(o))
        return;
    s->raw = buf_str(&o->raw);
    s->revision = o->told ? s->revision + 1 : 0;
    o->told = true;
    o->before.code = s->code;
    o->before.start_ms = s->start_ms;
    o->before.answer_ms = s->answer_ms;
    o->before.end_ms = s->end_ms;
    c->tell(c->arg, s);
}

/* What has waited too long ends as what is known of it. A call that was only asked for its
 * password was never let in: it is none. */
static void end_late(struct hep_calls *c, struct open_call *o, enum hep_end end) {
    if (asked_for_password(o->said.code)) {
        o->said.state = HEP_OVER;
        return;
    }
    o->said.end = end;
    if (end == HEP_END_CANCEL)
        o->said.end_ms = o->cancel_ms;
    tell(c, o);
}

/* The state may have changed by work_out; the count of open calls follows. */
static void settle(struct hep_calls *c, struct open_call *o, bool was_open) {
    bool is_open = o->said.state != HEP_OVER;
    if (!is_open)
        tell(c, o);
    c->open = c->open + is_open - was_open;
}

/* ---- messages ---- */

/* Copied; a call copies few, whatever is sent of it. */
static struct str kept(struct open_call *o, struct str s) {
    return arena_str(&o->arena, str_upto(s, TEXT_MAX));
}

/* Of an answer only From counts: what it asserts is who was called. */
static void read_parties(const struct hep_calls *c, struct open_call *o,
                         const struct sip_message *m) {
    struct hep_call *s = &o->said;
    bool trusted = c->trust_asserted && m->request;
    const struct sip_address *who = &m->from;
    if (trusted && m->remote_party.uri.n)
        who = &m->remote_party;
    if (trusted && m->asserted.uri.n)
        who = &m->asserted;
    if (trusted && m->asserted_tel.uri.n)
        who = &m->asserted_tel;
    s->withheld = m->request && m->privacy;
    s->caller = kept(o, who->uri);
    s->display = kept(o, who->display.n ? who->display : m->from.display);
    s->callee = kept(o, m->request ? m->uri : m->to.uri);
    s->diverted = kept(o, m->diverted.uri);
}

/* The oldest that is over, else the oldest that only rings, else the oldest: somebody who sends
 * nothing but INVITEs must not end those who talk. Of the first ones, so that it costs little. */
static struct open_call *dispensable(struct hep_calls *c) {
    struct open_call *ringing = NULL;
    size_t looked = 0;
    list_each (it, &c->all) {
        struct open_call *o = container_of(it, struct open_call, link);
        if (o->said.state == HEP_OVER)
            return o;
        if (o->said.state != HEP_TALKING && !ringing)
            ringing = o;
        if (++looked == LOOK_MAX)
            break;
    }
    return ringing ? ringing : container_of(c->all.next, struct open_call, link);
}

static struct open_call *begin(struct hep_calls *c, struct str id, int64_t now_ms) {
    if (c->by_id.n >= c->options.calls_max) {
        struct open_call *goes = dispensable(c);
        if (goes->said.state != HEP_OVER) {
            c->open--;
            end_late(c, goes, HEP_END_EXPIRED);
        }
        forget(c, goes);
    }
    struct open_call *o = NEW(struct open_call);
    arena_init(&o->arena);
    buf_init(&o->raw, RAW_MAX);
    o->said.id = arena_str(&o->arena, id);
    o->cancel_ms = o->bye_ms = -1;
    o->heard_ms = now_ms;
    list_push(&c->all, &o->link);
    map_put(&c->by_id, o->said.id, o);
    c->open++;
    return o;
}

static struct attempt *attempt_of(struct open_call *o, const struct sip_message *m) {
    for (size_t i = 0; i < o->tries_n; i++)
        if (str_eq(o->tries[i].branch, m->branch) && o->tries[i].cseq == m->cseq)
            return &o->tries[i];
    if (o->tries_n == TRIES_MAX)
        return NULL;
    struct attempt *t = &o->tries[o->tries_n++];
    *t = (struct attempt){
        .branch = kept(o, m->branch), .cseq = m->cseq, .at_ms = -1, .ring_ms = -1, .final_ms = -1};
    return t;
}

static void take_invite(struct hep_calls *c, struct open_call *o, const struct sip_message *m,
                        int64_t at_ms) {
    struct attempt *t = attempt_of(o, m);
    if (!t)
        return;
    if (m->request) {
        t->within |= m->to_tag.n > 0;
        if (!t->requested)
            t->at_ms = at_ms;
        earlier(&t->at_ms, at_ms);
        t->requested = true;
        if (!t->uri.n)
            t->uri = kept(o, m->uri);
        if (!t->within && main_of(o) == t && o->parties != t) {
            o->parties = t; /* of the first hop, whichever message came first */
            read_parties(c, o, m);
        }
        return;
    }
    if (!t->requested)
        earlier(&t->at_ms, at_ms);
    if (!o->said.caller.n)
        read_parties(c, o, m);
    if (m->code == 180 || m->code == 183)
        earlier(&t->ring_ms, at_ms);
    else if (m->code >= 200 && (!t->code || (is_success(m->code) && !is_success(t->code)))) {
        t->code = m->code;
        t->final_ms = at_ms;
    }
}

static void take_reason(struct open_call *o, const struct sip_message *m) {
    if (m->q850 && !o->said.q850)
        o->said.q850 = m->q850;
    o->said.elsewhere |=
        m->request && str_is(m->method, "CANCEL") && (m->cause == 200 || m->q850 == 26);
}

static void keep_raw(struct hep_calls *c, struct open_call *o, struct str bytes) {
    size_t before = o->raw.n;
    if (c->raw_bytes + bytes.n + 1 > RAW_ALL_MAX)
        return;
    if (buf_add(&o->raw, bytes) && !buf_add_byte(&o->raw, '\n'))
        o->raw.n = before;
    c->raw_bytes += o->raw.n - before;
}

bool hep_calls_add(struct hep_calls *c, const struct sip_message *m, struct str bytes,
                   struct str link, int64_t at_ms, int64_t now_ms) {
    bool invite = str_is(m->method, "INVITE"), bye = str_is(m->method, "BYE"),
         cancel = str_is(m->method, "CANCEL");
    if (!invite && !bye && !cancel)
        return false;
    struct open_call *o = map_get(&c->by_id, m->call_id);
    if (!o && (!invite || (m->request && m->to_tag.n)))
        return false; /* the end of a call whose beginning was not captured */
    if (!o)
        o = begin(c, m->call_id, now_ms);
    bool was_open = o->said.state != HEP_OVER;
    o->heard_ms = now_ms;
    keep_raw(c, o, bytes);
    take_reason(o, m);
    if (link.n && !o->said.link.n && !str_eq(link, o->said.id))
        o->said.link = kept(o, link);
    if (invite) {
        take_invite(c, o, m, at_ms);
    } else if (cancel && m->request) {
        earlier(&o->cancel_ms, at_ms);
        const struct attempt *first = main_of(o);
        if (!o->cancelled.p)
            o->cancelled = m->branch.p ? kept(o, m->branch) : (struct str)STR("");
        else if (first && str_eq(m->branch, first->branch))
            o->cancelled = first->branch;
    } else if (bye && m->request) {
        earlier(&o->bye_ms, at_ms);
    }
    work_out(o);
    settle(c, o, was_open);
    return true;
}

void hep_calls_tick(struct hep_calls *c, int64_t now_ms) {
    list_each (it, &c->all) {
        struct open_call *o = container_of(it, struct open_call, link);
        int64_t quiet = now_ms - o->heard_ms;
        if (o->said.state == HEP_OVER) {
            if (quiet >= LINGER_MS)
                forget(c, o);
            continue;
        }
        const struct attempt *first = main_of(o);
        bool late = true;
        if (o->said.state == HEP_TALKING && quiet >= c->options.longest_ms)
            end_late(c, o, HEP_END_EXPIRED);
        else if (o->said.state != HEP_TALKING && first && caller_cancelled(o, first) &&
                 quiet >= CANCEL_MS)
            end_late(c, o, HEP_END_CANCEL);
        else if (o->said.state != HEP_TALKING && quiet >= c->options.invite_ms)
            end_late(c, o, HEP_END_TIMEOUT);
        else
            late = false;
        c->open -= late;
    }
}
