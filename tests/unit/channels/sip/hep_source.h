/* A source of captured SIP for a test: packets in, what was said of each call kept; and packets to
 * be made. */
#ifndef TESTS_SIP_HEP_SOURCE_H
#define TESTS_SIP_HEP_SOURCE_H

#include <touchline/kit/buf.h>

#include "sip/format.h"
#include "sip/hep_packet.h"

enum { CALLS_MAX = 64 };

/* What a format gave: the last word on each call. */
struct heard {
    struct arena arena;
    struct {
        struct str id, caller, callee, target;
        enum call_outcome outcome;
        int rank, code, q850;
        int64_t start_ms, answer_ms, end_ms;
        bool withheld;
        unsigned times;
    } calls[CALLS_MAX];
    size_t n;
};

static inline void on_line(void *ctx, const struct call_line *l, struct str raw) {
    struct heard *h = ctx;
    size_t i = 0;
    assert_true(raw.n > 0);
    while (i < h->n && !str_eq(h->calls[i].id, l->call_id))
        i++;
    assert_true(i < CALLS_MAX);
    h->n += i == h->n;
    if (h->calls[i].rank > l->rank)
        return;
    h->calls[i].id = arena_str(&h->arena, l->call_id);
    h->calls[i].caller = arena_str(&h->arena, l->caller);
    h->calls[i].callee = arena_str(&h->arena, l->callee);
    h->calls[i].target = arena_str(&h->arena, l->target);
    h->calls[i].outcome = l->outcome;
    h->calls[i].rank = l->rank;
    h->calls[i].code = l->code;
    h->calls[i].q850 = l->q850;
    h->calls[i].start_ms = l->start_ms;
    h->calls[i].answer_ms = l->answer_ms;
    h->calls[i].end_ms = l->end_ms;
    h->calls[i].withheld = l->withheld;
    h->calls[i].times++;
}

static inline void on_bad(void *ctx, struct str piece, const char *why) {
    (void)ctx, (void)piece;
    fail_msg("bad: %s", why);
}

struct source {
    void *state;
    struct heard heard;
    struct format_sink sink;
    int64_t mono_ms;
    struct str secret;
    bool trust_asserted;
};

static inline void source_open(struct source *s) {
    memset(s, 0, sizeof *s);
    arena_init(&s->heard.arena);
    s->state = format_hep.state_new();
    s->sink = (struct format_sink){&s->heard, on_line, on_bad};
}

static inline void source_close(struct source *s) {
    format_hep.state_free(s->state);
    arena_clear(&s->heard.arena);
}

static inline enum format_verdict give(struct source *s, struct str packet) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    const char *why = NULL;
    const struct format_in in = {.arena = &a,
                                 .state = s->state,
                                 .mono_ms = s->mono_ms,
                                 .now_ms = 1,
                                 .secret = s->secret,
                                 .trust_asserted = s->trust_asserted};
    enum format_verdict v = format_hep.packet(&in, packet, &s->sink, &why);
    assert_true(v != FORMAT_BAD || why);
    return v;
}

static inline void pass_time(struct source *s, int64_t ms) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    s->mono_ms += ms;
    const struct format_in in = {.arena = &a, .state = s->state, .mono_ms = s->mono_ms};
    format_hep.tick(&in, &s->sink);
}

/* ---- packets of our own ---- */

static inline void put(struct buf *b, unsigned v, int bytes) {
    while (bytes--)
        assert_true(buf_add_byte(b, (char)(v >> (8 * bytes))));
}

static inline void chunk(struct buf *b, unsigned type, struct str value) {
    put(b, 0, 2);
    put(b, type, 2);
    put(b, (unsigned)value.n + 6, 2);
    assert_true(buf_add(b, value));
}

#endif
