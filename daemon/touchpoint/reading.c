/* touchpoint/reading.c - members taken one by one: type, length, controls; faults and warnings. */
#include <stdio.h>
#include <string.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "touchpoint/touchpoint_priv.h"

enum { WARNINGS_MAX = 50 };

/* RFC 6901 3: ~ and / in a name are written ~0 and ~1. */
static void pointer_add(char *out, size_t max, const char *key) {
    size_t n = strlen(out);
    if (n + 1 < max)
        out[n++] = '/';
    for (; *key && n + 2 < max; key++) {
        if (*key == '~' || *key == '/') {
            out[n++] = '~';
            out[n++] = *key == '~' ? '0' : '1';
        } else {
            out[n++] = *key;
        }
    }
    out[n] = '\0';
}

bool reading_fault(struct reading *r, const char *at, const char *key, const char *format, ...) {
    struct fault f;
    char place[FAULT_PLACE_MAX], reason[FAULT_REASON_MAX];
    va_list args;
    snprintf(place, sizeof place, "%s", at);
    if (key)
        pointer_add(place, sizeof place, key);
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    fault_set(&f, FAULT_INPUT, place, "%s", reason);
    fault_list_add(r->faults, &f);
    return false;
}

void reading_warn(struct reading *r, const char *format, ...) {
    char text[FAULT_REASON_MAX];
    va_list args;
    if (json_array_size(r->warnings) >= WARNINGS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_array_append_new(r->warnings, jstr(str_c(text)));
}

static bool has_controls(struct str s) {
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        uint32_t c = utf8_next(&p, end);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
            (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
            return true;
    }
    return false;
}

static struct str one_line(struct reading *r, struct str s) {
    cleanup(buf_clear) struct buf clean;
    buf_init(&clean, s.n * 3 + 1);
    return utf8_one_line(&clean, s) ? arena_str(&r->tp->arena, buf_str(&clean)) : STR_NONE;
}

struct str reading_str(struct reading *r, const json_t *o, const char *at, const char *key,
                       size_t max, int flags) {
    struct str s;
    struct fault f;
    if (!jread_str(o, key, at, &s, &f)) {
        fault_list_add(r->faults, &f);
        return STR_NONE;
    }
    if (!s.p)
        return s;
    if ((flags & TEXT_NOT_EMPTY) && !s.n) {
        reading_fault(r, at, key, "must not be empty");
        return STR_NONE;
    }
    if (s.n > max) {
        if (r->strict) {
            reading_fault(r, at, key, "longer than %zu bytes", max);
            return STR_NONE;
        }
        reading_warn(r, "%s/%s was cut at %zu bytes", at, key, max);
        s = utf8_upto(s, max);
    }
    if ((flags & TEXT_LINE) && has_controls(s)) {
        if (r->strict) {
            reading_fault(r, at, key, "must be one line without control characters");
            return STR_NONE;
        }
        s = one_line(r, s);
    }
    return s;
}

json_t *reading_strings(struct reading *r, const char *key, size_t max_n, size_t max_bytes,
                        bool one_allowed) {
    const json_t *in = json_object_get(r->in, key);
    json_t *out = json_array();
    if (!in || json_is_null(in))
        return out;
    bool one = one_allowed && json_is_string(in);
    if (!one && !json_is_array(in)) {
        reading_fault(r, "", key, "must be a list of strings");
        return out;
    }
    size_t n = one ? 1 : json_array_size(in), skip = 0;
    if (n > max_n) {
        if (r->strict)
            reading_fault(r, "", key, "more than %zu", max_n);
        skip = n - max_n; /* of references the last ones say most */
    }
    for (size_t i = skip; i < n; i++) {
        const json_t *v = one ? in : json_array_get(in, i);
        struct str s = str_make(json_string_value(v), json_string_length(v));
        if (!json_is_string(v) || !s.n || s.n > max_bytes || (r->strict && has_controls(s))) {
            char at[POINTER_MAX], index[24];
            snprintf(at, sizeof at, "/%s", key);
            snprintf(index, sizeof index, "%zu", i);
            if (r->strict || !json_is_string(v))
                reading_fault(r, one ? "" : at, one ? key : index,
                              "must be a string of 1 to %zu bytes without controls", max_bytes);
            continue;
        }
        json_array_append_new(out, jstr(has_controls(s) ? one_line(r, s) : s));
    }
    return out;
}
