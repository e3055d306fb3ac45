/* forms/form.c - see form.h. Formats: WHATWG URL 5.1, RFC 7578, JSON objects of plain values. */
#include "form.h"

#include <arpa/inet.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/multipart.h>
#include <touchline/kit/urlencoded.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

static bool add_field(struct form_data *d, struct str name, struct str value, int *out_status,
                      struct fault *f) {
    *out_status = 422;
    if (d->fields_n == FORM_FIELDS_MAX)
        return fault_set(f, FAULT_INPUT, "", "more than %d fields", FORM_FIELDS_MAX);
    *out_status = 413;
    if (value.n > FORM_FIELD_BYTES_MAX)
        return fault_set(f, FAULT_INPUT, "", "a field is larger than %d bytes",
                         FORM_FIELD_BYTES_MAX);
    d->fields[d->fields_n++] = (struct form_field){name, value};
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

static bool parse_json(struct arena *a, struct str body, struct form_data *d, int *out_status,
                       struct fault *f) {
    cleanup(json_freep) json_t *j = NULL;
    *out_status = 400;
    if (!jread_parse(body, FORM_PLAIN_BYTES_MAX, &j, f))
        return false;
    *out_status = 422;
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

bool form_parse(struct arena *a, struct str content_type, struct str body, struct form_data *out,
                int *out_status, struct fault *f) {
    struct str rest = content_type;
    struct str type = str_trim(str_cut(&rest, ';'));
    out->fields_n = out->files_n = 0;
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
    return json ? parse_json(a, body, out, out_status, f)
                : parse_urlencoded(a, body, out, out_status, f);
}

struct str form_value(const struct form_data *d, struct str name) {
    for (size_t i = 0; i < d->fields_n; i++)
        if (str_eq(d->fields[i].name, name))
            return d->fields[i].value;
    return STR_NONE;
}

bool form_trapped(const struct form_config *c, const struct form_data *d) {
    return c->honeypot.n && str_trim(form_value(d, c->honeypot)).n;
}

/* ---- check ---- */

static struct str path_of(const struct form_config *c, struct str field) {
    for (size_t i = 0; i < c->fields.n; i++)
        if (str_eq(c->fields.items[i].name, field))
            return c->fields.items[i].value;
    return STR_NONE;
}

/* Not of the touchpoint, yet not unknown: the trap, what browsers add, what makes a repetition the
 * same. */
static bool is_extra(const struct form_config *c, struct str name) {
    return str_eq(name, c->honeypot) || str_is(name, "submission_id") || str_is(name, "_charset_");
}

static bool has_file(const struct form_data *d, struct str name) {
    for (size_t i = 0; i < d->files_n; i++)
        if (str_eq(d->files[i].name, name))
            return true;
    return false;
}

void form_pointer(struct str field, char out[FAULT_PLACE_MAX]) {
    size_t n = 0;
    out[n++] = '/';
    for (size_t i = 0; i < field.n && n + 3 < FAULT_PLACE_MAX; i++) {
        bool escaped = field.p[i] == '~' || field.p[i] == '/';
        if (escaped)
            out[n++] = '~';
        out[n++] = !escaped ? field.p[i] : field.p[i] == '~' ? '0' : '1';
    }
    out[n] = '\0';
}

static void check_group(const struct tl_strs *group, const struct form_data *d,
                        struct fault_list *faults) {
    for (size_t i = 0; i < group->n; i++)
        if (str_trim(form_value(d, group->items[i])).n || has_file(d, group->items[i]))
            return;
    for (size_t i = 0; i < group->n; i++) {
        char place[FAULT_PLACE_MAX];
        form_pointer(group->items[i], place);
        fault_list_set(faults, FAULT_INPUT, place,
                       group->n > 1 ? "one of these is needed" : "is needed");
    }
}

bool form_check(const struct form_config *c, const struct form_data *d, struct fault_list *faults) {
    size_t before = faults->n;
    for (size_t i = 0; i < c->required.n; i++)
        check_group(&c->required.items[i], d, faults);
    if (form_value(d, str_c("submission_id")).n > FORM_KEY_BYTES_MAX)
        fault_list_set(faults, FAULT_INPUT, "/submission_id", "longer than %d bytes",
                       FORM_KEY_BYTES_MAX);
    for (size_t i = 0; i < d->fields_n; i++) {
        if (path_of(c, d->fields[i].name).p || is_extra(c, d->fields[i].name))
            continue;
        /* Its name is the sender's text and is not echoed. */
        fault_list_set(faults, FAULT_INPUT, "", "there is a field that this form does not have");
        break;
    }
    return faults->n == before;
}

struct str form_field_of(const struct form_config *c, struct str pointer) {
    for (size_t i = 0; i < c->fields.n; i++) {
        struct str path = c->fields.items[i].value;
        bool same = pointer.n == path.n + 1;
        for (size_t k = 0; same && k < path.n; k++)
            same = pointer.p[k + 1] == (path.p[k] == '.' ? '/' : path.p[k]);
        if (same)
            return c->fields.items[i].name;
    }
    return STR_NONE;
}

/* ---- touchpoint ---- */

/* A further line of `text`. false: too large. */
static bool add_line(json_t *at, struct str name, const json_t *there, struct str line) {
    cleanup(buf_clear) struct buf lines;
    buf_init(&lines, FORM_PLAIN_BYTES_MAX);
    if (!buf_add(&lines, str_make(json_string_value(there), json_string_length(there))) ||
        !buf_add_byte(&lines, '\n') || !buf_add(&lines, line))
        return false;
    json_object_setn_new(at, name.p, name.n, jstr(buf_str(&lines)));
    return true;
}

/* Of a repeated field the first counts, but for lines of `text` and lists of `data`. */
static bool put(json_t *at, struct str name, struct str path, struct str raw) {
    json_t *there = json_object_getn(at, name.p, name.n);
    bool is_text = str_is(path, "text");
    struct str value = is_text ? raw : str_trim(raw);
    if (there && is_text)
        return add_line(at, name, there, value);
    if (!there) {
        json_object_setn_new(at, name.p, name.n, jstr(value));
    } else if (str_starts(path, (struct str)STR("data."))) {
        if (!json_is_array(there))
            json_object_setn_new(at, name.p, name.n, json_pack("[O]", there));
        json_array_append_new(json_object_getn(at, name.p, name.n), jstr(value));
    }
    return true;
}

static bool set_path(json_t *root, struct str path, struct str raw) {
    json_t *at = root;
    struct str rest = path;
    for (;;) {
        struct str name = str_cut(&rest, '.');
        if (!rest.p)
            return put(at, name, path, raw);
        json_t *next = json_object_getn(at, name.p, name.n);
        if (!json_is_object(next)) {
            next = json_object();
            json_object_setn_new(at, name.p, name.n, next);
        }
        at = next;
    }
}

static bool add_attachments(const struct form_data *d, json_t *root) {
    if (!d->files_n)
        return true;
    json_t *list = json_array();
    json_object_set_new(root, "attachments", list);
    for (size_t i = 0; i < d->files_n; i++) {
        cleanup(buf_clear) struct buf coded;
        buf_init(&coded, d->files[i].bytes.n * 2 + 8);
        if (!base64_encode(&coded, d->files[i].bytes))
            return false;
        json_t *one = json_object();
        json_object_set_new(one, "name", jstr(d->files[i].filename));
        json_object_set_new(
            one, "type",
            jstr(d->files[i].type.n ? d->files[i].type : str_c("application/octet-stream")));
        json_object_set_new(one, "data", jstr(buf_str(&coded)));
        json_array_append_new(list, one);
    }
    return true;
}

bool form_write(const struct form_config *c, const struct form_data *d, struct buf *out) {
    cleanup(json_freep) json_t *root = json_object();
    json_object_set_new(root, "channel", json_string("form"));
    json_object_set_new(root, "kind", json_string("submission"));
    json_object_set_new(root, "direction", json_string("inbound"));
    for (size_t i = 0; i < d->fields_n; i++) {
        struct str path = path_of(c, d->fields[i].name);
        bool filled = path.p && str_trim(d->fields[i].value).n;
        if (filled && !set_path(root, path, d->fields[i].value))
            return false;
    }
    return add_attachments(d, root) && jread_dump(out, root);
}

/* ---- who sent it ---- */

struct str form_network(struct arena *a, struct str peer) {
    struct in6_addr v6;
    char text[INET6_ADDRSTRLEN + 1];
    if (peer.n >= sizeof text)
        return peer;
    memcpy(text, peer.p, peer.n);
    text[peer.n] = '\0';
    if (inet_pton(AF_INET6, text, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
        return peer;
    memset(v6.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &v6, text, sizeof text);
    return arena_strf(a, "%s/64", text);
}

bool form_sameness(const struct form_data *d, struct str peer, struct buf *out) {
    if (!buf_add(out, peer))
        return false;
    for (size_t i = 0; i < d->fields_n; i++)
        if (!buf_addf(out, "\n%zu %zu ", d->fields[i].name.n, d->fields[i].value.n) ||
            !buf_add(out, d->fields[i].name) || !buf_add(out, d->fields[i].value))
            return false;
    for (size_t i = 0; i < d->files_n; i++) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        sha256(d->files[i].bytes, digest);
        hex_encode(digest, sizeof digest, hex);
        if (!buf_addf(out, "\nfile %s", hex))
            return false;
    }
    return true;
}
