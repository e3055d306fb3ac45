/* tests/unit/channels/social/lab.h - one request judged, one delivery read, one reply written, by a
 * provider alone. Header only; included after cmocka. */
#ifndef TESTS_SOCIAL_LAB_H
#define TESTS_SOCIAL_LAB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "social/hook.h"
#include "social/signature.h"

static const char corpora[] = "../shared/corpora";

/* ---- requests ---- */

enum { LAB_HEADERS = 12 };
static struct lab {
    struct arena arena;
    struct hook_call call;
    struct tl_header headers[LAB_HEADERS];
    size_t headers_n;
} lab;

static inline struct str lab_header_of(void *ctx, const char *name) {
    (void)ctx;
    for (size_t i = 0; i < lab.headers_n; i++)
        if (str_is_nocase(lab.headers[i].name, name))
            return lab.headers[i].value;
    return STR_NONE;
}

static inline void lab_begin(const struct hook_config *c, const char *method, struct str body) {
    arena_clear(&lab.arena);
    memset(&lab, 0, sizeof lab);
    arena_init(&lab.arena);
    lab.call = (struct hook_call){.config = c,
                                  .arena = &lab.arena,
                                  .method = str_c(method),
                                  .path = STR("/hooks/h"),
                                  .url = STR("https://contact.example.org/hooks/h"),
                                  .body = body,
                                  .header = lab_header_of,
                                  .now_ms = 1800000000000};
}

static inline void lab_header(const char *name, struct str value) {
    assert_true(lab.headers_n < LAB_HEADERS);
    lab.headers[lab.headers_n++] = (struct tl_header){str_c(name), value};
}

/* The status of the answer, or of the acknowledgement. */
static inline int lab_status(const struct provider *p) {
    struct hook_verdict v = p->judge(&lab.call);
    json_decref(v.notes);
    return v.status;
}

/* A good signature is kept; eight bad ones are 401: none, empty, cut, longer, one letter changed,
 * of another secret, of another body, in the other coding. */
static inline void lab_hmac(const struct provider *p, const struct hook_config *c,
                            const char *header, const char *prefix, enum signature_hash hash,
                            enum signature_coding coding) {
    const struct str body = STR("{\"events\":[],\"event\":\"webhook\"}"),
                     other = STR("{\"events\":[] ,\"event\":\"webhook\"}");
    struct buf good[4];
    const struct str secrets[] = {c->secret, STR("another"), c->secret, c->secret};
    const struct str bodies[] = {body, body, other, body};
    char text[9][300];
    for (size_t i = 0; i < 4; i++) {
        buf_init(&good[i], 300);
        assert_true(signature_hmac_make(secrets[i], hash,
                                        i == 3 ? (enum signature_coding) !coding : coding,
                                        &bodies[i], 1, &good[i]));
        snprintf(text[i], sizeof text[i], "%s%s", prefix, buf_c(&good[i]));
        buf_clear(&good[i]);
    }
    snprintf(text[4], sizeof text[4], "%.*s", (int)strlen(text[0]) - 1, text[0]);
    snprintf(text[5], sizeof text[5], "%s0", text[0]);
    snprintf(text[6], sizeof text[6], "%s", text[0]);
    char *changed = &text[6][strlen(prefix) + 3];
    *changed = *changed == 'a' ? 'b' : 'a';
    text[7][0] = '\0';
    for (size_t i = 0; i < 9; i++) {
        lab_begin(c, "POST", body);
        if (i < 8)
            lab_header(header, str_c(text[i]));
        int status = lab_status(p);
        if (i == 0 ? status / 100 != 2 : status != 401)
            fail_msg("%s: case %zu: %d", p->name, i, status);
    }
}

/* ---- deliveries ---- */

struct taken {
    json_t *items;
    size_t bad;
    char reason[300]; /* of the last bad one */
};

static inline void take(void *ctx, struct str json) {
    struct taken *t = ctx;
    json_t *j = json_loadb(json.p, json.n, 0, NULL);
    assert_non_null(j);
    json_array_append_new(t->items, j);
}

static inline void take_bad(void *ctx, struct str piece, const char *reason) {
    struct taken *t = ctx;
    (void)piece;
    assert_non_null(reason);
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    t->bad++;
}

static inline bool lab_read(const char *provider, const char *meta, struct str body,
                            struct taken *out) {
    *out = (struct taken){.items = json_array()};
    const struct tl_read in = {.size = sizeof in,
                               .format = str_c(provider),
                               .meta = str_c(meta),
                               .body = body,
                               .received_ms = 1800000000000};
    const struct tl_emit emit = {
        .size = sizeof emit, .ctx = out, .touchpoint = take, .bad = take_bad};
    return hook_read(&in, &emit);
}

static inline json_t *lab_load(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpora, name);
    json_t *j = json_load_file(path, 0, NULL);
    if (!j) {
        print_message("skipped: the corpora are not here (%s)\n", corpora);
        skip();
    }
    return j;
}

/* A text below, by dotted path; lists by number. */
static inline const char *at(const json_t *o, const char *path) {
    char pointer[200] = "/";
    snprintf(pointer + 1, sizeof pointer - 1, "%s", path);
    for (char *p = pointer; *p; p++)
        if (*p == '.')
            *p = '/';
    const char *s = json_string_value(jread_at(o, str_c(pointer)));
    return s ? s : "";
}

/* ---- replies ---- */

static inline const struct hook_request *lab_write(const struct provider *p,
                                                   const struct hook_config *c, json_t *touchpoint,
                                                   json_t *answered, const char **out_why) {
    static struct hook_request request;
    const struct hook_reply r = {.config = c,
                                 .touchpoint = touchpoint,
                                 .answered = answered,
                                 .id = STR("p_1"),
                                 .now_ms = 1800000000000};
    arena_clear(&lab.arena);
    arena_init(&lab.arena);
    request = (struct hook_request){0};
    *out_why = p->refuses(&lab.arena, &r);
    if (!*out_why)
        *out_why = p->write(&lab.arena, &r, &request);
    return *out_why ? NULL : &request;
}

static inline struct str lab_sent_header(const struct hook_request *r, const char *name) {
    for (size_t i = 0; i < r->headers_n; i++)
        if (str_is_nocase(r->headers[i].name, name))
            return r->headers[i].value;
    return STR_NONE;
}

/* What a platform's answer means. */
static inline enum tl_sent lab_answered(const struct provider *p, enum tl_sent state,
                                        const char *json, struct tl_sent_result *out) {
    json_t *answer = json_loads(json, 0, NULL);
    assert_non_null(answer);
    *out = (struct tl_sent_result){.size = sizeof *out, .state = state};
    p->answered(&lab.arena, answer, out);
    out->provider_id = arena_str(&lab.arena, out->provider_id);
    out->diagnostic = arena_str(&lab.arena, out->diagnostic);
    json_decref(answer);
    return out->state;
}

#endif
