/* social/generic_map.c - see generic.h.
 *
 *   map: { items: /messages, id: /id, text: /body/text, from.name: /who/name, from.id: /who/id,
 *          from.network: acme, data.order: /order }
 *
 * What begins with a slash is a JSON pointer (RFC 6901), all else stands for itself. A pointer that
 * leads nowhere is a fault of the item for its id and its text, and for the person where none of
 * his pointers leads anywhere; other fields may be absent.
 */
#include "generic.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

enum { VALUE_MAX = 1024 * 1024 };

enum shape { TEXT, NUMBER, FLAG, TIME, LIST, PERSON, SOCIAL, EXTERNAL, DATA, ITEMS, FILES };

static const struct field {
    const char *name; /* ending in a dot: what follows is free */
    enum shape shape;
    bool required;
} fields[] = {
    {"id", TEXT, true},
    {"text", TEXT, true},
    {"items", ITEMS, false},
    {"message_id", TEXT, false},
    {"subject", TEXT, false},
    {"html", TEXT, false},
    {"kind", TEXT, false},
    {"channel", TEXT, false},
    {"direction", TEXT, false},
    {"thread", TEXT, false},
    {"language", TEXT, false},
    {"at", TIME, false},
    {"revision", NUMBER, false},
    {"priority", NUMBER, false},
    {"deleted", FLAG, false},
    {"in_reply_to", LIST, false},
    {"tags", LIST, false},
    {"attachments", FILES, false},
    {"from.name", PERSON, false},
    {"from.email", PERSON, false},
    {"from.phone", PERSON, false},
    {"from.id", SOCIAL, false},
    {"from.handle", SOCIAL, false},
    {"from.network", SOCIAL, false},
    {"from.external.", EXTERNAL, false},
    {"data.", DATA, false},
};

static const struct field *field_of(struct str name) {
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct str own = str_c(fields[i].name);
        bool open = own.p[own.n - 1] == '.';
        if (open ? str_starts(name, own) && name.n > own.n : str_eq(name, own))
            return &fields[i];
    }
    return NULL;
}

const char *generic_map_fault(struct str field, struct str value) {
    const struct field *f = field_of(field);
    if (!f)
        return "names no field of a touchpoint";
    if (!value.n)
        return "has a value that is neither a pointer nor a constant";
    for (size_t i = 0; value.p[0] == '/' && i < value.n; i++)
        if (value.p[i] == '~' &&
            (i + 1 == value.n || (value.p[i + 1] != '0' && value.p[i + 1] != '1')))
            return "holds a pointer with a ~ that is neither ~0 nor ~1";
    return f->shape == ITEMS && value.p[0] != '/' ? "must be a pointer" : NULL;
}

/* ---- values ---- */

/* What a map's value stands for in this item; a constant as a string, owned by *out_own. */
static const json_t *value_of(const json_t *item, struct str how, json_t **out_own) {
    *out_own = NULL;
    if (how.n && how.p[0] == '/')
        return jread_at(item, how);
    return *out_own = jstr(how);
}

/* A text, a number or a truth value as text; absent: another type. */
static struct str text_of(struct arena *a, const json_t *v) {
    if (json_is_string(v))
        return arena_str(a, str_make(json_string_value(v), json_string_length(v)));
    if (json_is_integer(v))
        return arena_strf(a, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v))
        return arena_strf(a, "%.17g", json_real_value(v));
    if (json_is_boolean(v))
        return str_c(json_is_true(v) ? "true" : "false");
    return STR_NONE;
}

static json_t *member(json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    if (!v) {
        v = json_object();
        json_object_set_new(o, key, v);
    }
    return v;
}

static void put_list(struct arena *a, json_t *tp, const char *key, const json_t *v) {
    json_t *list = json_array();
    if (!json_is_array(v))
        json_array_append_new(list, jstr(text_of(a, v)));
    for (size_t i = 0; i < json_array_size(v); i++)
        if (text_of(a, json_array_get(v, i)).n)
            json_array_append_new(list, jstr(text_of(a, json_array_get(v, i))));
    json_object_set_new(tp, key, list);
}

/* Addresses, alone or in a list. */
static void put_files(struct arena *a, json_t *tp, const json_t *v) {
    if (!json_is_array(v)) {
        struct str url = text_of(a, v);
        if (url.n)
            provider_attach(tp, STR_NONE, STR_NONE, url);
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        struct str url = text_of(a, json_array_get(v, i));
        if (url.n)
            provider_attach(tp, STR_NONE, STR_NONE, url);
    }
}

static bool put_number(struct arena *a, json_t *tp, const char *key, const json_t *v) {
    struct str s = text_of(a, v);
    char *end = NULL;
    long long n = s.n ? strtoll(s.p, &end, 10) : 0;
    if (!s.n || *end)
        return false;
    json_object_set_new(tp, key, json_integer(n));
    return true;
}

static bool put_time(json_t *tp, const json_t *v) {
    int64_t ms = provider_ms(v);
    if (ms <= 0)
        return false;
    provider_put(tp, "at", provider_at(ms));
    return true;
}

/* false: of a type that the field cannot take. */
static bool put(struct arena *a, json_t *tp, const struct field *f, struct str name,
                const json_t *v) {
    struct str text = text_of(a, v), last = str_from(name, strlen(f->name));
    json_t *from = f->shape >= PERSON && f->shape <= EXTERNAL ? member(tp, "from") : NULL;
    switch (f->shape) {
    case TEXT:
        json_object_set_new(tp, strcmp(f->name, "id") == 0 ? "source_id" : f->name, jstr(text));
        return text.p != NULL;
    case NUMBER:
        return put_number(a, tp, f->name, v);
    case FLAG:
        json_object_set_new(tp, f->name, json_boolean(str_is(text, "true") || str_is(text, "1")));
        return text.p != NULL;
    case TIME:
        return put_time(tp, v);
    case LIST:
        put_list(a, tp, f->name, v);
        return true;
    case FILES:
        put_files(a, tp, v);
        return true;
    case PERSON:
        provider_set(from, f->name + 5, text);
        return text.p != NULL;
    case SOCIAL:
        provider_set(member(from, "social"), f->name + 5, text);
        return text.p != NULL;
    case EXTERNAL:
        provider_set(member(from, "external"), arena_str(a, last).p, text);
        return text.p != NULL;
    case DATA:
        json_object_set(member(tp, "data"), arena_str(a, last).p, (json_t *)v);
        return true;
    case ITEMS:
        break;
    }
    return true;
}

/* ---- the item ---- */

static bool has_identity(json_t *tp) {
    static const char *const members[] = {"email", "phone", "social", "external"};
    json_t *from = json_object_get(tp, "from"), *social = json_object_get(from, "social");
    if (social && !jget_str(social, "id").n)
        json_object_del(from, "social");
    else if (social && !jget_str(social, "network").n)
        json_object_set_new(social, "network", json_string("generic"));
    for (size_t i = 0; i < COUNT(members); i++)
        if (json_object_get(from, members[i]))
            return true;
    return false;
}

static void put_presets(json_t *tp) {
    static const struct {
        const char *key, *value;
    } presets[] = {{"channel", "social"}, {"kind", "message"}, {"direction", "inbound"}};
    for (size_t i = 0; i < COUNT(presets); i++)
        if (!json_object_get(tp, presets[i].key))
            json_object_set_new(tp, presets[i].key, json_string(presets[i].value));
}

json_t *generic_item(struct arena *a, const json_t *map, const json_t *item, const char **out_why) {
    cleanup(json_freep) json_t *tp = json_object();
    const char *name;
    json_t *how;
    json_object_foreach((json_t *)map, name, how) {
        struct str field = str_c(name),
                   pointer = str_make(json_string_value(how), json_string_length(how));
        const struct field *f = field_of(field);
        cleanup(json_freep) json_t *own = NULL;
        const json_t *v = f && f->shape != ITEMS ? value_of(item, pointer, &own) : NULL;
        if (!f || f->shape == ITEMS)
            continue;
        if (!v && f->required) {
            *out_why = arena_strf(a, "%s: %.*s leads nowhere", name, STR_ARG(pointer)).p;
            return NULL;
        }
        if (v && !json_is_null(v) && !put(a, tp, f, field, v)) {
            *out_why = arena_strf(a, "%s: what is at %.*s cannot be it", name, STR_ARG(pointer)).p;
            return NULL;
        }
    }
    if (!has_identity(tp)) {
        *out_why = "none of from.email, from.phone, from.id, from.external leads to a value";
        return NULL;
    }
    put_presets(tp);
    return steal(&tp);
}
