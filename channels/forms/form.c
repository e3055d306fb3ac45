/* forms/form.c - see form.h: what is asked of the fields, and the touchpoint that comes of them. */
#include "form.h"

#include <arpa/inet.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "canon.h"
#include "cors.h"
#include "maker.h"

struct str form_value(const struct form_data *d, struct str name) {
    for (size_t i = 0; i < d->fields_n; i++)
        if (str_eq(d->fields[i].name, name))
            return d->fields[i].value;
    return STR_NONE;
}

static bool is_filled(const struct form_data *d, struct str name) {
    return name.n && str_trim(form_value(d, name)).n;
}

bool form_trapped(const struct form_config *c, const struct form_data *d) {
    const struct maker *m = maker_at(c->maker);
    return is_filled(d, c->honeypot) || (m && m->honeypot && is_filled(d, str_c(m->honeypot)));
}

struct str form_next(const struct form_config *c, const struct form_data *d) {
    const struct str https = STR("https://"), http = STR("http://");
    struct str next = form_value(d, str_c("_next"));
    if (!next.n)
        next = form_value(d, str_c("redirect"));
    struct str origin = cors_origin_of(next);
    if (!origin.p || origin.p != next.p)
        return STR_NONE;
    for (size_t i = 0; i < next.n; i++)
        if ((unsigned char)next.p[i] <= 0x20 || (unsigned char)next.p[i] >= 0x7f ||
            next.p[i] == '\\')
            return STR_NONE;
    for (size_t i = 0; i < c->redirects.n; i++) {
        struct str host = c->redirects.items[i];
        bool is_origin = str_starts(host, https) || str_starts(host, http);
        struct str named = is_origin                   ? origin
                           : str_starts(origin, https) ? str_from(origin, https.n)
                                                       : STR_NONE;
        if (named.p && str_eq_nocase(host, named))
            return next;
    }
    return STR_NONE;
}

/* ---- check ---- */

static bool is_named(const struct form_field *field, struct str name) {
    return str_eq(field->name, name) || (field->alias.n && str_eq(field->alias, name)) ||
           (field->label.n && str_eq(field->label, name));
}

/* As the operator says it by any of its names; of a maker's form also as such fields are called. */
static struct str path_of(const struct form_config *c, const struct form_field *field,
                          enum canon_part *out_part) {
    *out_part = CANON_WHOLE;
    for (size_t i = 0; i < c->fields.n; i++)
        if (is_named(field, c->fields.items[i].name))
            return c->fields.items[i].value;
    if (!c->maker)
        return STR_NONE;
    struct str path = canon_path(field->name, field->hint, out_part);
    return path.p ? path : canon_path(field->label, STR_NONE, out_part);
}

/* Not of the touchpoint, yet not unknown: the trap, what browsers add, what makes a repetition the
 * same. */
static bool is_extra(const struct form_config *c, struct str name) {
    const struct maker *m = maker_at(c->maker);
    for (size_t i = 0; m && m->internals[i]; i++)
        if (str_starts(name, str_c(m->internals[i])))
            return true;
    return (name.n && (str_eq(name, c->honeypot) || str_eq(name, c->timestamp.field))) ||
           (m && m->honeypot && str_is(name, m->honeypot)) || captcha_is_field(name) ||
           str_is(name, "submission_id") || str_is(name, "_charset_") || str_is(name, "_next") ||
           str_is(name, "redirect");
}

static bool has_file(const struct form_data *d, struct str name) {
    for (size_t i = 0; i < d->files_n; i++)
        if (str_eq(d->files[i].name, name))
            return true;
    return false;
}

static bool has_value(const struct form_data *d, struct str name) {
    for (size_t i = 0; i < d->fields_n; i++)
        if (is_named(&d->fields[i], name) && str_trim(d->fields[i].value).n)
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
        if (has_value(d, group->items[i]) || has_file(d, group->items[i]))
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
    for (size_t i = 0; !c->maker && i < d->fields_n; i++) {
        enum canon_part part;
        if (path_of(c, &d->fields[i], &part).p || is_extra(c, d->fields[i].name))
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

/* ---- a maker's form: nothing of it is unknown ---- */

static struct str title_of(const struct form_field *f) {
    return f->label.n ? f->label : f->name;
}

/* Under its own name, whatever signs are in it; a repeated one makes a list. */
static void add_data(json_t *root, const struct form_field *f) {
    json_t *data = json_object_get(root, "data");
    if (!data)
        json_object_set_new(root, "data", data = json_object());
    (void)!put(data, title_of(f), str_c("data."), f->value);
}

/* Parts of a name in their order, whichever comes first. */
static void add_name_part(json_t *from, struct str value, bool last) {
    struct str there = jget_str(from, "name");
    cleanup(buf_clear) struct buf joined;
    buf_init(&joined, FORM_FIELD_BYTES_MAX * 2 + 1);
    struct str first = last ? there : value, second = last ? value : there;
    if (buf_add(&joined, first) && (!first.n || !second.n || buf_add_byte(&joined, ' ')) &&
        buf_add(&joined, second))
        json_object_set_new(from, "name", jstr(buf_str(&joined)));
}

static json_t *from_of(json_t *root) {
    json_t *from = json_object_get(root, "from");
    if (!from)
        json_object_set_new(root, "from", from = json_object());
    return from;
}

/* What no field says in so many words, the answers say together. */
static bool add_answers(const struct form_data *d, const bool *unplaced, json_t *root) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, FORM_PLAIN_BYTES_MAX);
    for (size_t i = 0; i < d->fields_n; i++) {
        if (!unplaced[i])
            continue;
        struct str title = title_of(&d->fields[i]);
        if (!buf_addf(&text, "%s%.*s: ", text.n ? "\n" : "", STR_ARG(title)) ||
            !buf_add(&text, str_trim(d->fields[i].value)))
            return false;
    }
    if (text.n)
        json_object_set_new(root, "text", jstr(buf_str(&text)));
    return true;
}

static bool write_made(const struct form_config *c, const struct form_data *d, json_t *root) {
    bool unplaced[FORM_FIELDS_MAX] = {false};
    for (size_t i = 0; i < d->fields_n; i++) {
        const struct form_field *f = &d->fields[i];
        enum canon_part part;
        struct str path = path_of(c, f, &part), value = str_trim(f->value);
        if (!value.n || is_extra(c, f->name))
            continue;
        if (part != CANON_WHOLE) {
            add_name_part(from_of(root), value, part == CANON_LAST);
        } else if (path.p && !jread_path(root, path)) {
            if (!set_path(root, path, f->value))
                return false;
        } else if (str_is(path, "from.name")) {
            add_name_part(from_of(root), value, true);
        } else {
            unplaced[i] = true;
            add_data(root, f);
        }
    }
    if (d->at.n)
        json_object_set_new(root, "at", jstr(d->at));
    return json_object_get(root, "text") || add_answers(d, unplaced, root);
}

bool form_write(const struct form_config *c, const struct form_data *d, struct buf *out) {
    cleanup(json_freep) json_t *root = json_object();
    json_object_set_new(root, "channel", json_string("form"));
    json_object_set_new(root, "kind", json_string("submission"));
    json_object_set_new(root, "direction", json_string("inbound"));
    if (c->maker && !write_made(c, d, root))
        return false;
    for (size_t i = 0; !c->maker && i < d->fields_n; i++) {
        enum canon_part part;
        struct str path = path_of(c, &d->fields[i], &part);
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
