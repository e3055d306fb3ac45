/* tests/unit/channels/sip/calls_check.h - lines through a format into calls, and the calls told.
 * Included after cmocka. */
#ifndef TESTS_SIP_CALLS_CHECK_H
#define TESTS_SIP_CALLS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "sip/format.h"

struct found {
    struct call *calls[64];
    size_t n;
};

static inline void collect(void *arg, struct call *c) {
    struct found *f = arg;
    assert_true(f->n < COUNT(f->calls));
    f->calls[f->n++] = c;
}

struct feeding {
    const struct format *format;
    const struct zone *zone;
    const struct tl_strs *columns;
    const char *name;
    size_t bad;
};

/* Feeds lines as they stand. */
static inline void feed_all(struct calls *calls, struct feeding *how, struct str text,
                            int64_t now_ms) {
    static const struct tl_strs none;
    struct tail_place place = {0};
    char header[4096] = "";
    while (text.p && text.n) {
        struct str line = str_cut(&text, '\n');
        struct call_line said;
        const char *why = NULL;
        struct arena a;
        arena_init(&a);
        const struct format_in in = {.arena = &a,
                                     .zone = how->zone,
                                     .zone_given = how->zone != NULL,
                                     .columns = how->columns ? how->columns : &none,
                                     .header = str_c(*header ? header : NULL),
                                     .name = str_c(how->name)};
        enum format_verdict v = how->format->read(&in, line, &said, &why);
        if (v == FORMAT_LINE)
            calls_add(calls, &said, line, (struct call_origin){.place = &place}, now_ms);
        else if (v == FORMAT_HEADER)
            snprintf(header, sizeof header, "%.*s", STR_ARG(line));
        how->bad += v == FORMAT_BAD;
        arena_clear(&a);
        place.offset += (int64_t)line.n + 1;
    }
}

static inline void feed(struct calls *calls, const struct format *format, const struct zone *zone,
                        struct str text, int64_t now_ms) {
    struct feeding how = {.format = format, .zone = zone};
    feed_all(calls, &how, text, now_ms);
}

/* The file's content, for the test's life; NULL: it is not there. */
static inline char *read_file(const char *folder, const char *name) {
    char path[512];
    enum { MAX = 4 * 1024 * 1024 };
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, MAX);
    size_t n = fread(text, 1, MAX - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static inline struct call *by_id(struct found *f, const char *id) {
    for (size_t i = 0; i < f->n; i++)
        if (str_is(f->calls[i]->id, id))
            return f->calls[i];
    return NULL;
}

#endif
