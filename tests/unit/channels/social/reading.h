/* tests/unit/channels/social/reading.h - a delivery read by its provider, and what came of it.
 *
 * Included after cmocka. */
#ifndef TESTS_SOCIAL_READING_H
#define TESTS_SOCIAL_READING_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "social/hook.h"

static const char corpora[] = "../shared/corpora";

struct taken {
    json_t *items;
    size_t bad;
    char reason[200];
};

static void take(void *ctx, struct str json) {
    struct taken *t = ctx;
    json_t *j = json_loadb(json.p, json.n, 0, NULL);
    assert_non_null(j);
    json_array_append_new(t->items, j);
}

static void take_bad(void *ctx, struct str piece, const char *reason) {
    struct taken *t = ctx;
    (void)piece;
    assert_non_null(reason);
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    t->bad++;
}

static inline bool read_as(const char *provider, const char *meta, struct str body,
                           struct taken *out) {
    *out = (struct taken){.items = json_array()};
    const struct tl_read in = {.size = sizeof in,
                               .format = str_c(provider),
                               .source_id = STR("delivery:1"),
                               .meta = str_c(meta),
                               .body = body};
    const struct tl_emit emit = {
        .size = sizeof emit, .ctx = out, .touchpoint = take, .bad = take_bad};
    return hook_read(&in, &emit);
}

static inline bool read_body(const char *provider, struct str body, struct taken *out) {
    return read_as(provider, "{\"delivery_id\":\"d1\"}", body, out);
}

/* Takes the object. */
static inline struct taken read_json_as(const char *provider, json_t *take_root) {
    struct taken t;
    char *text = json_dumps(take_root, 0);
    (void)read_body(provider, str_c(text), &t);
    json_decref(take_root);
    free(text);
    return t;
}

static inline json_t *load(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpora, name);
    return json_load_file(path, JSON_ALLOW_NUL, NULL);
}

/* A string by dotted path; "" where there is none. */
static inline const char *at(const json_t *o, const char *path) {
    const char *s = json_string_value(jread_path(o, str_c(path)));
    return s ? s : "";
}

static inline const json_t *first(const struct taken *t) {
    return json_array_get(t->items, 0);
}

#endif
