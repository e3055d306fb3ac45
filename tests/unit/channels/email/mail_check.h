/* mail_check.h - for tests: reads a mail as the child would and keeps what came of it. */
#ifndef TEST_EMAIL_MAIL_CHECK_H
#define TEST_EMAIL_MAIL_CHECK_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>
#include <touchline/plugin.h>

extern const struct tl_plugin touchline_plugin;

/* What read() emitted: the touchpoint, news of other mails, how many blobs and bad pieces. */
struct mail_read {
    json_t *touchpoint, *updates;
    size_t touchpoints, blobs, bad;
};

static inline void mail_read_touchpoint(void *ctx, struct str json) {
    struct mail_read *m = ctx;
    json_t *one = NULL;
    struct fault f;
    if (!jread_parse(json, 64 << 20, &one, &f)) {
        printf("emitted JSON is wrong: %s %s\n", f.place, f.reason);
        abort();
    }
    if (json_object_get(one, "update")) {
        json_array_append(m->updates, json_object_get(one, "update"));
    } else {
        m->touchpoints++;
        json_decref(m->touchpoint);
        m->touchpoint = json_incref(one);
    }
    json_decref(one);
}

static inline void mail_read_blob(void *ctx, struct str ref, struct str bytes) {
    (void)ref, (void)bytes;
    ((struct mail_read *)ctx)->blobs++;
}

static inline void mail_read_bad(void *ctx, struct str piece, const char *reason) {
    (void)piece, (void)reason;
    ((struct mail_read *)ctx)->bad++;
}

/* received: 2026-11-23T08:00:00Z. meta absent: a plain envelope. */
static inline struct mail_read mail_read(struct str mail, const char *meta) {
    struct mail_read m = {.updates = json_array()};
    const struct tl_emit out = {.size = sizeof out,
                                .ctx = &m,
                                .touchpoint = mail_read_touchpoint,
                                .blob = mail_read_blob,
                                .bad = mail_read_bad};
    const struct tl_read in = {
        .size = sizeof in,
        .source = STR("email:support"),
        .format = STR("mime"),
        .meta = str_c(meta ? meta
                           : "{\"mailbox\":\"support\",\"envelope_from\":\"jana@example.org\","
                             "\"envelope_to\":[\"support@localhost\"]}"),
        .body = mail,
        .received_ms = 1795420800000,
    };
    if (!touchline_plugin.read(&in, &out))
        m.bad++;
    return m;
}

static inline void mail_read_clear(struct mail_read *m) {
    json_decref(m->touchpoint);
    json_decref(m->updates);
}

/* A member by its path ("from.email"); "" where it is absent or no string. */
static inline const char *mail_text(const json_t *o, const char *path) {
    const char *s = o ? json_string_value(jread_path(o, str_c(path))) : NULL;
    return s ? s : "";
}

static inline bool mail_file(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    size_t n = 1;
    if (!f)
        return false;
    while (n) {
        char *to = buf_reserve(out, 65536);
        n = to ? fread(to, 1, 65536, f) : 0;
        if (n)
            buf_commit(out, n);
    }
    fclose(f);
    return true;
}

#endif
