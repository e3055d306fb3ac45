/* What a format says of bytes, kept for a test to look at. */
#ifndef TESTS_SIP_SAID_H
#define TESTS_SIP_SAID_H

#include <stdlib.h>

#include "sip/format.h"

enum { SAID_MAX = 32 };

struct said {
    struct arena arena;
    struct call_line lines[SAID_MAX];
    size_t n, bad;
    const char *why;
    struct zone *zone;
};

static inline void said_line(void *ctx, const struct call_line *l, struct str raw) {
    struct said *s = ctx;
    assert_true(raw.n > 0 && s->n < SAID_MAX);
    struct call_line *to = &s->lines[s->n++];
    struct str *const texts[] = {&to->call_id,   &to->leg,      &to->caller,  &to->callee,
                                 &to->target,    &to->display,  &to->queue,   &to->agent,
                                 &to->recording, &to->links[0], &to->links[1]};
    *to = *l;
    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = arena_str(&s->arena, *texts[i]);
}

static inline void said_bad(void *ctx, struct str piece, const char *why) {
    struct said *s = ctx;
    (void)piece;
    s->bad++;
    s->why = why;
}

static inline void said_init(struct said *s, const char *zone) {
    memset(s, 0, sizeof *s);
    arena_init(&s->arena);
    s->zone = zone_open(str_c(zone));
    assert_non_null(s->zone);
}

static inline void said_clear(struct said *s) {
    arena_clear(&s->arena);
    zone_free(s->zone);
}

static const struct tl_strs said_no_columns = {0};

static inline enum format_verdict said_document(struct said *s, const struct format *f,
                                                struct str bytes) {
    const struct format_in in = {.arena = &s->arena, .zone = s->zone, .columns = &said_no_columns};
    const struct format_sink sink = {s, said_line, said_bad};
    enum format_verdict v = f->document(&in, bytes, &sink, &s->why);
    s->bad += v == FORMAT_BAD;
    return v;
}

static inline enum format_verdict said_one_line(struct said *s, const struct format *f,
                                                const struct tl_strs *columns, struct str line) {
    const struct format_in in = {
        .arena = &s->arena, .zone = s->zone, .columns = columns ? columns : &said_no_columns};
    struct call_line out;
    enum format_verdict v = f->read(&in, line, &out, &s->why);
    if (v == FORMAT_LINE)
        said_line(s, &out, line);
    s->bad += v == FORMAT_BAD;
    return v;
}

#endif
