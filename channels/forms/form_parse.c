/* forms/form_parse.c - bytes to fields. Formats: WHATWG URL 5.1, RFC 7578, JSON: an object of plain
 * values, or what a maker's server sends.
 */
#include <touchline/kit/jread.h>
#include <touchline/kit/multipart.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>

#include "maker.h"

static bool add_field(struct form_data *d, struct str name, struct str value, int *out_status,
                      struct fault *f) {
    *out_status = 422;
    if (d->fields_n == FORM_FIELDS_MAX)
        return fault_set(f, FAULT_INPUT, "", "more than %d fields", FORM_FIELDS_MAX);
    *out_status = 413;
    if (value.n > FORM_FIELD_BYTES_MAX)
        return fault_set(f, FAULT_INPUT, "", "a field is larger than %d bytes",
                         FORM_FIELD_BYTES_MAX);
    d->fields[d->fields_n++] = (struct form_field){.name = name, .value = value};
    return true;
}

static bool parse_urlencoded(struct arena *a, struct str body, struct form_data *d, int *out_status,
                             struct fault *f) {
    struct pair *pairs = arena_new(a, FORM_FIELDS_MAX * sizeof *pairs);
    size_t n;
    *out_status = 422;
    if (!urlencoded_parse(a, body, pairs, FORM_FIELDS_MAX, &n, f))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_field(d, pairs[i].name, pairs[i].value, out_status, f))
            return false;
    return true;
}

static bool mend(struct arena *a, struct str raw, struct str *out) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, raw.n * 3 + 1);
    if (!utf8_mend(&b, raw))
        return false;
    *out = arena_str(a, buf_str(&b));
    return true;
}

static bool add_file(struct form_data *d, const struct multipart_part *p, int *out_status,
                     struct fault *f) {
    if (!p->body.n && !p->filename.n) /* an empty file input */
        return true;
    *out_status = 413;
    if (d->files_n == FORM_FILES_MAX)
        return fault_set(f, FAULT_INPUT, "", "more than %d files", FORM_FILES_MAX);
    d->files[d->files_n++] = (struct form_file){p->name, p->filename, p->type, p->body};
    return true;
}

static bool parse_multipart(struct arena *a, struct str type, struct str body, struct form_data *d,
                            int *out_status, struct fault *f) {
    size_t max = FORM_FIELDS_MAX + FORM_FILES_MAX, n;
    struct multipart_part *parts = arena_new(a, max * sizeof *parts);
    *out_status = 400;
    if (!multipart_parse(a, type, body, parts, max, &n, f)) {
        if (strcmp(f->place, MULTIPART_MANY) == 0)
            *out_status = 413;
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct str value;
        if (parts[i].filename.p) {
            if (!add_file(d, &parts[i], out_status, f))
                return false;
            continue;
        }
        if (parts[i].body.n > FORM_FIELD_BYTES_MAX) {
            *out_status = 413;
            return fault_set(f, FAULT_INPUT, "", "a field is larger than %d bytes",
                             FORM_FIELD_BYTES_MAX);
        }
        if (!mend(a, parts[i].body, &value) || !add_field(d, parts[i].name, value, out_status, f))
            return false;
    }
    return true;
}

/* Text, numbers, booleans and null; what is nested is no form field. */
static bool json_value_text(struct arena *a, const json_t *v, struct str *out) {
    switch (json_typeof(v)) {
    case JSON_STRING:
        *out = arena_str(a, str_make(json_string_value(v), json_string_length(v)));
        return true;
    case JSON_INTEGER:
        *out = arena_strf(a, "%lld", (long long)json_integer_value(v));
        return true;
    case JSON_REAL:
        *out = arena_strf(a, "%.15g", json_real_value(v));
        return true;
    case JSON_TRUE:
        *out = str_c("true");
        return true;
    case JSON_FALSE:
        *out = str_c("false");
        return true;
    case JSON_NULL:
        *out = str_c("");
        return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return false;
    }
    return false;
}

static bool parse_json(struct arena *a, const struct maker *maker, struct str body,
                       struct form_data *d, int *out_status, struct fault *f) {
    cleanup(json_freep) json_t *j = NULL;
    *out_status = 400;
    if (!jread_parse(body, FORM_PLAIN_BYTES_MAX, &j, f))
        return false;
    *out_status = 422;
    if (maker && maker->json)
        return maker->json(a, j, d, f);
    if (!json_is_object(j))
        return fault_set(f, FAULT_INPUT, "", "an object is expected");
    const char *key;
    json_t *v;
    json_object_foreach(j, key, v) {
        struct str value;
        if (!json_value_text(a, v, &value)) {
            *out_status = 422;
            return fault_set(f, FAULT_INPUT, "",
                             "a field holds a list or an object; text is expected");
        }
        if (!add_field(d, arena_str(a, str_c(key)), value, out_status, f))
            return false;
    }
    return true;
}

static bool parse(struct arena *a, const struct maker *maker, struct str content_type,
                  struct str body, struct form_data *out, int *out_status, struct fault *f) {
    struct str rest = content_type;
    struct str type = str_trim(str_cut(&rest, ';'));
    if (str_is_nocase(type, "multipart/form-data"))
        return parse_multipart(a, content_type, body, out, out_status, f);
    bool json = str_is_nocase(type, "application/json");
    if (!json && !str_is_nocase(type, "application/x-www-form-urlencoded")) {
        *out_status = 415;
        return fault_set(
            f, FAULT_INPUT, "",
            "send application/x-www-form-urlencoded, multipart/form-data or application/json");
    }
    if (body.n > FORM_PLAIN_BYTES_MAX) {
        *out_status = 413;
        return fault_set(f, FAULT_INPUT, "", "a form without files has at most %d bytes",
                         FORM_PLAIN_BYTES_MAX);
    }
    return json ? parse_json(a, maker, body, out, out_status, f)
                : parse_urlencoded(a, body, out, out_status, f);
}

bool form_parse(struct arena *a, const struct maker *maker, struct str content_type,
                struct str body, struct form_data *out, int *out_status, struct fault *f) {
    *out = (struct form_data){0};
    if (!parse(a, maker, content_type, body, out, out_status, f))
        return false;
    *out_status = 422;
    return !maker || !maker->flat || maker->flat(a, out, f);
}

/* "image/png" by "image/png" or "image/" followed by a star. */
static bool type_fits(struct str pattern, struct str type) {
    struct str rest = type;
    type = str_trim(str_cut(&rest, ';'));
    if (str_ends(pattern, (struct str)STR("/*")))
        return type.n >= pattern.n - 1 &&
               str_eq_nocase(str_upto(type, pattern.n - 1), str_upto(pattern, pattern.n - 1));
    return str_eq_nocase(pattern, type);
}

static bool type_allowed(const struct tl_strs *types, struct str type) {
    for (size_t i = 0; i < types->n; i++)
        if (type_fits(types->items[i], type))
            return true;
    return !types->n;
}

bool form_files_ok(const struct form_config *c, const struct form_data *d, int *out_status,
                   struct fault *f) {
    *out_status = 413;
    if (c->files.max && d->files_n > (size_t)c->files.max)
        return fault_set(f, FAULT_INPUT, "", "at most %lld files are taken",
                         (long long)c->files.max);
    for (size_t i = 0; i < d->files_n; i++)
        if (c->files.max_bytes && d->files[i].bytes.n > (size_t)c->files.max_bytes)
            return fault_set(f, FAULT_INPUT, "", "a file has at most %lld bytes",
                             (long long)c->files.max_bytes);
    *out_status = 415;
    for (size_t i = 0; i < d->files_n; i++)
        if (!type_allowed(&c->files.types, d->files[i].type))
            return fault_set(f, FAULT_INPUT, "", "files of this type are not taken");
    return true;
}
