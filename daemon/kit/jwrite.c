/* kit/jwrite.c - touchpoint.h's helper to write JSON. */
#include <inttypes.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

void jwrite_init(struct jwrite *w, struct buf *out) {
    *w = (struct jwrite){.out = out, .ok = true};
}

static void add(struct jwrite *w, bool added) {
    if (!added)
        w->ok = false;
}

/* What goes before any value: comma and key. */
static void begin(struct jwrite *w, const char *key) {
    if (w->ok && w->comma)
        add(w, buf_add_byte(w->out, ','));
    w->comma = true;
    if (w->ok && key)
        add(w, buf_add_json(w->out, str_c(key)) && buf_add_byte(w->out, ':'));
}

void jwrite_raw(struct jwrite *w, const char *key, struct str json) {
    begin(w, key);
    if (w->ok)
        add(w, buf_add(w->out, json.n ? json : str_c("null")));
}

void jwrite_open(struct jwrite *w, const char *key, char bracket) {
    begin(w, key);
    if (w->ok)
        add(w, buf_add_byte(w->out, bracket));
    w->comma = false;
}

void jwrite_close(struct jwrite *w, char bracket) {
    if (w->ok)
        add(w, buf_add_byte(w->out, bracket));
    w->comma = true;
}

void jwrite_str(struct jwrite *w, const char *key, struct str s) {
    if (!s.p) {
        jwrite_null(w, key);
        return;
    }
    begin(w, key);
    if (!w->ok)
        return;
    if (utf8_valid(s) && (!s.n || !memchr(s.p, 0, s.n))) {
        add(w, buf_add_json(w->out, s));
        return;
    }
    cleanup(buf_clear) struct buf mended;
    buf_init(&mended, s.n * 3);
    add(w, utf8_mend(&mended, s) && buf_add_json(w->out, buf_str(&mended)));
}

void jwrite_c(struct jwrite *w, const char *key, const char *s) {
    jwrite_str(w, key, str_c(s));
}

void jwrite_int(struct jwrite *w, const char *key, int64_t v) {
    begin(w, key);
    if (w->ok)
        add(w, buf_addf(w->out, "%" PRId64, v));
}

void jwrite_bool(struct jwrite *w, const char *key, bool v) {
    jwrite_raw(w, key, str_c(v ? "true" : "false"));
}

void jwrite_null(struct jwrite *w, const char *key) {
    jwrite_raw(w, key, STR_NONE);
}

void jwrite_time(struct jwrite *w, const char *key, int64_t ms) {
    if (ms < 0) {
        jwrite_null(w, key);
        return;
    }
    char text[DATE_RFC3339_MAX];
    date_format(ms, text);
    jwrite_c(w, key, text);
}
