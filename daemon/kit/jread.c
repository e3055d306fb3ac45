/* kit/jread.c - JSON in and out by jansson, which is strict; depth, size and the wording are ours.
 *
 * Its own error texts are not used: they quote input, which no answer of ours may echo.
 */
#include <touchline/kit/jread.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/utf8.h>

/* Deepest nesting, counted before jansson recurses into it. Brackets in strings don't count. */
static bool depth_ok(struct str text, size_t *out_at) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JREAD_DEPTH_MAX) {
                *out_at = i;
                return false;
            }
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return true;
}

static void place_of(struct str text, size_t at, char out[32]) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column++;
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    snprintf(out, 32, "%zu:%zu", line, column);
}

static const char *reason_of(enum json_error_code code) {
    switch (code) {
    case json_error_premature_end_of_input:
        return "JSON ends too early";
    case json_error_end_of_input_expected:
        return "bytes after the end of the JSON document";
    case json_error_invalid_utf8:
        return "not valid UTF-8";
    case json_error_duplicate_key:
        return "a key stands twice in one object";
    case json_error_numeric_overflow:
        return "a number is out of range";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "the character U+0000 is not allowed";
    case json_error_out_of_memory:
        return "out of memory";
    default:
        return "not valid JSON";
    }
}

bool jread_parse(struct str text, size_t max_bytes, json_t **out, struct fault *f) {
    char place[32] = "1:1";
    size_t at;
    if (text.n > max_bytes)
        return fault_set(f, FAULT_INPUT, place, "longer than %zu bytes", max_bytes);
    if (str_starts(text, (struct str)STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    if (!depth_ok(text, &at)) {
        place_of(text, at, place);
        return fault_set(f, FAULT_INPUT, place, "nested deeper than %d levels", JREAD_DEPTH_MAX);
    }
    json_error_t error;
    json_t *v =
        json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!v) {
        /* jansson counts columns up to the byte after the one at fault */
        snprintf(place, sizeof place, "%d:%d", error.line < 1 ? 1 : error.line,
                 error.column < 1 ? 1 : error.column);
        return fault_set(f, FAULT_INPUT, place, "%s", reason_of(json_error_code(&error)));
    }
    *out = v;
    return true;
}

static bool wrong_type(struct fault *f, const char *at, const char *key, const char *what) {
    char place[FAULT_PLACE_MAX];
    size_t n = (size_t)snprintf(place, sizeof place, "%s/", at);
    for (; *key && n + 3 < sizeof place; key++) { /* RFC 6901 3 */
        if (*key == '~' || *key == '/') {
            place[n++] = '~';
            place[n++] = *key == '~' ? '0' : '1';
        } else {
            place[n++] = *key;
        }
        place[n] = '\0';
    }
    return fault_set(f, FAULT_INPUT, place, "must be %s", what);
}

/* The member, or NULL where it is absent or null. */
static json_t *member(const json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    return json_is_null(v) ? NULL : v;
}

static struct str view(const json_t *v) {
    return str_make(json_string_value(v), json_string_length(v));
}

bool jread_str(const json_t *o, const char *key, const char *at, struct str *out, struct fault *f) {
    const json_t *v = member(o, key);
    if (v && !json_is_string(v))
        return wrong_type(f, at, key, "a string");
    *out = v ? view(v) : STR_NONE;
    return true;
}

/* 5.0 is a whole number too, as long as a double holds it exactly. */
static bool whole(const json_t *v, int64_t *out) {
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    if (!json_is_real(v))
        return false;
    double d = json_real_value(v);
    if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0) || d != (double)(int64_t)d)
        return false;
    *out = (int64_t)d;
    return true;
}

bool jread_int(const json_t *o, const char *key, const char *at, int64_t def, int64_t *out,
               struct fault *f) {
    const json_t *v = member(o, key);
    int64_t n = def;
    if (v && !whole(v, &n))
        return wrong_type(f, at, key, "a whole number");
    *out = n;
    return true;
}

bool jread_bool(const json_t *o, const char *key, const char *at, bool def, bool *out,
                struct fault *f) {
    const json_t *v = member(o, key);
    if (v && !json_is_boolean(v))
        return wrong_type(f, at, key, "true or false");
    *out = v ? json_is_true(v) : def;
    return true;
}

struct str jget_str(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? view(v) : STR_NONE;
}

int64_t jget_int(const json_t *o, const char *key, int64_t def) {
    const json_t *v = json_object_get(o, key);
    int64_t n;
    return v && whole(v, &n) ? n : def;
}

bool jget_bool(const json_t *o, const char *key, bool def) {
    const json_t *v = json_object_get(o, key);
    return json_is_boolean(v) ? json_is_true(v) : def;
}

static json_t *element(const json_t *array, struct str token) {
    size_t index = 0;
    if (!token.n || token.n > 9 || (token.n > 1 && token.p[0] == '0'))
        return NULL;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9')
            return NULL;
        index = index * 10 + (size_t)(token.p[i] - '0');
    }
    return json_array_get(array, index);
}

static json_t *object_member(const json_t *object, struct str token) {
    char key[256];
    size_t n = 0;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        if (c == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return NULL;
            c = token.p[i] == '0' ? '~' : '/';
        }
        if (n == sizeof key - 1)
            return NULL;
        key[n++] = c;
    }
    return json_object_getn(object, key, n);
}

json_t *jread_at(const json_t *root, struct str pointer) {
    const json_t *v = root;
    if (pointer.n && pointer.p[0] != '/')
        return NULL;
    pointer = pointer.n ? str_from(pointer, 1) : STR_NONE;
    while (v && pointer.p) {
        struct str token = str_cut(&pointer, '/');
        v = json_is_array(v) ? element(v, token) : object_member(v, token);
    }
    return (json_t *)v;
}

json_t *jread_path(const json_t *root, struct str path) {
    const json_t *v = root;
    while (v && path.p) {
        struct str key = str_cut(&path, '.');
        v = json_object_getn(v, key.p, key.n);
    }
    return (json_t *)v;
}

/* The shortest text that reads back as the same number; jansson's own 17 digits turn 0.1 into
 * 0.10000000000000001. */
static bool dump_real(struct buf *out, double d) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    return buf_add_c(out, text);
}

static bool dump(struct buf *out, const json_t *v);

static bool dump_array(struct buf *out, const json_t *v) {
    bool ok = buf_add_byte(out, '[');
    for (size_t i = 0; ok && i < json_array_size(v); i++)
        ok = (i == 0 || buf_add_byte(out, ',')) && dump(out, json_array_get(v, i));
    return ok && buf_add_byte(out, ']');
}

static bool dump_object(struct buf *out, const json_t *v) {
    bool ok = buf_add_byte(out, '{'), first = true;
    json_t *o = (json_t *)v;
    for (void *it = json_object_iter(o); ok && it; it = json_object_iter_next(o, it)) {
        struct str key = str_make(json_object_iter_key(it), json_object_iter_key_len(it));
        ok = (first || buf_add_byte(out, ',')) && buf_add_json(out, key) &&
             buf_add_byte(out, ':') && dump(out, json_object_iter_value(it));
        first = false;
    }
    return ok && buf_add_byte(out, '}');
}

static bool dump(struct buf *out, const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return dump_object(out, v);
    case JSON_ARRAY:
        return dump_array(out, v);
    case JSON_STRING:
        return buf_add_json(out, view(v));
    case JSON_INTEGER:
        return buf_addf(out, "%" PRId64, (int64_t)json_integer_value(v));
    case JSON_REAL:
        return dump_real(out, json_real_value(v));
    case JSON_TRUE:
        return buf_add_c(out, "true");
    case JSON_FALSE:
        return buf_add_c(out, "false");
    case JSON_NULL:
        break;
    }
    return buf_add_c(out, "null");
}

bool jread_dump(struct buf *out, const json_t *v) {
    size_t before = out->n;
    if (v ? dump(out, v) : buf_add_c(out, "null"))
        return true;
    out->n = before;
    if (out->p)
        out->p[before] = '\0';
    return false;
}

json_t *jstr(struct str s) {
    if (!s.p)
        return json_null();
    if (utf8_valid(s) && (!s.n || !memchr(s.p, 0, s.n)))
        return json_stringn_nocheck(s.p, s.n);
    cleanup(buf_clear) struct buf mended;
    buf_init(&mended, s.n * 3);
    return utf8_mend(&mended, s) ? json_stringn_nocheck(buf_c(&mended), mended.n) : json_null();
}

void json_freep(json_t **j) {
    json_decref(*j);
    *j = NULL;
}
