/* touchpoint/attachment.c - attachments: what is shown of them stays in the touchpoint, their bytes
 * go apart and are found by hash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>

#include "touchpoint/touchpoint_priv.h"

enum {
    ATTACHMENTS_MAX = 100,
    NAME_BYTES_MAX = 255,
    TYPE_BYTES_MAX = 127,
    CID_BYTES_MAX = 998,
    FETCH_BYTES_MAX = 4096,
    ATTACHMENT_MAX = 64 << 20, /* decoded; what may arrive at all is bounded before */
};

#define TYPE_UNKNOWN "application/octet-stream"

/* As a browser would save it: no path, no controls, never empty. */
static struct str clean_name(struct arena *a, struct str raw) {
    cleanup(buf_clear) struct buf line;
    buf_init(&line, raw.n * 3 + 1);
    for (size_t i = raw.n; i > 0; i--)
        if (raw.p[i - 1] == '/' || raw.p[i - 1] == '\\') {
            raw = str_from(raw, i);
            break;
        }
    if (!raw.n || !utf8_one_line(&line, raw))
        return str_c("attachment");
    struct str name = str_trim(utf8_upto(buf_str(&line), NAME_BYTES_MAX));
    while (name.n && name.p[0] == '.')
        name = str_from(name, 1);
    return name.n ? arena_str(a, name) : str_c("attachment");
}

static bool is_token(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$&-^_.+", c));
}

/* TYPE/SUBTYPE in lower case (RFC 6838 4.2), else bytes of no known kind. */
static struct str clean_type(struct arena *a, struct str raw) {
    static const struct str unknown = STR(TYPE_UNKNOWN);
    struct str type = str_trim(str_cut(&raw, ';'));
    if (!type.n || type.n > TYPE_BYTES_MAX)
        return unknown;
    type = arena_str(a, type);
    int slashes = 0;
    for (size_t i = 0; i < type.n; i++) {
        char *c = (char *)type.p + i;
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
        if (*c == '/')
            slashes++;
        else if (!is_token(*c))
            return unknown;
    }
    bool whole = slashes == 1 && type.p[0] != '/' && type.p[type.n - 1] != '/';
    return whole ? type : unknown;
}

static const struct touchpoint_given *given_find(struct reading *r, struct str ref) {
    for (size_t i = 0; i < r->origin->given_n; i++)
        if (str_eq(r->origin->given[i].ref, ref))
            return &r->origin->given[i];
    return NULL;
}

/* The bytes, from the JSON itself or from beside it. */
static bool bytes_read(struct reading *r, const json_t *in, const char *at, struct buf *out) {
    struct str data = reading_str(r, in, at, "data", SIZE_MAX, 0), ref = jget_str(in, "ref");
    buf_init(out, ATTACHMENT_MAX);
    if (data.p) {
        if (data.n / 4 * 3 > ATTACHMENT_MAX)
            return reading_fault(r, at, "data", "longer than %d bytes", ATTACHMENT_MAX);
        if (!base64_decode(out, data, !r->strict))
            return reading_fault(r, at, "data", "not base64 (RFC 4648)");
        return true;
    }
    const struct touchpoint_given *given = r->origin->push ? NULL : given_find(r, ref);
    if (given && buf_add(out, given->bytes))
        return true;
    if (r->strict)
        return reading_fault(r, at, "data", "must be the bytes in base64");
    if (!jget_str(in, "fetch").n)
        reading_warn(r, "%s has no bytes", at);
    return false;
}

static json_t *attachment_read(struct reading *r, const json_t *in, const char *at) {
    struct touchpoint *tp = r->tp;
    struct touchpoint_blob *blob = &tp->blobs[tp->blobs_n];
    struct fault f;
    bool is_inline = false;
    if (!json_is_object(in)) {
        reading_fault(r, at, NULL, "must be an object");
        return NULL;
    }
    struct str name = reading_str(r, in, at, "name", 4096, 0);
    struct str type = reading_str(r, in, at, "type", 1024, 0);
    struct str cid = reading_str(r, in, at, "cid", CID_BYTES_MAX, TEXT_LINE);
    if (!jread_bool(in, "inline", at, false, &is_inline, &f))
        fault_list_add(r->faults, &f);
    bool here = bytes_read(r, in, at, &blob->bytes);
    json_t *out = json_object();
    json_object_set_new(out, "name", jstr(clean_name(&tp->arena, name)));
    json_object_set_new(out, "type", jstr(clean_type(&tp->arena, type)));
    json_object_set_new(out, "size", json_integer(here ? (json_int_t)blob->bytes.n : 0));
    if (here) {
        uint8_t digest[SHA256_BYTES];
        sha256(buf_str(&blob->bytes), digest);
        hex_encode(digest, sizeof digest, blob->sha256);
        tp->blobs_n++;
    } else {
        buf_clear(&blob->bytes);
    }
    json_object_set_new(out, "sha256", here ? json_string(blob->sha256) : json_null());
    json_object_set_new(out, "inline", json_boolean(is_inline));
    if (cid.p)
        json_object_set_new(out, "cid", jstr(cid));
    struct id_text id = id_write('p', tp->id);
    if (!here && !r->origin->push) {
        struct str fetch = reading_str(r, in, at, "fetch", FETCH_BYTES_MAX, TEXT_LINE);
        if (fetch.n)
            json_object_set_new(out, "fetch", jstr(fetch));
    }
    json_object_set_new(
        out, "url", here ? json_sprintf("/v1/attachments/%s/%s", id.c, blob->sha256) : json_null());
    return out;
}

json_t *attachments_read(struct reading *r) {
    const json_t *in = json_object_get(r->in, "attachments");
    json_t *out = json_array();
    if (!in || json_is_null(in))
        return out;
    if (!json_is_array(in)) {
        reading_fault(r, "", "attachments", "must be a list");
        return out;
    }
    size_t n = json_array_size(in);
    if (n > ATTACHMENTS_MAX) {
        if (r->strict)
            reading_fault(r, "", "attachments", "more than %d", ATTACHMENTS_MAX);
        else
            reading_warn(r, "only the first %d of %zu attachments are kept", ATTACHMENTS_MAX, n);
        n = ATTACHMENTS_MAX;
    }
    r->tp->blobs = mem_new((n ? n : 1) * sizeof *r->tp->blobs);
    for (size_t i = 0; i < n; i++) {
        char at[POINTER_MAX];
        snprintf(at, sizeof at, "/attachments/%zu", i);
        json_t *one = attachment_read(r, json_array_get(in, i), at);
        if (one)
            json_array_append_new(out, one);
    }
    return out;
}

/* ---- fetched later ---- */

static void settle(struct arena *a, struct id id, json_t *one, const struct touchpoint_fetched *f) {
    struct str type = clean_type(a, f->type), name = jget_str(one, "name");
    if (f->name.n && str_is(name, "attachment"))
        json_object_set_new(one, "name", jstr(clean_name(a, f->name)));
    if (str_is(jget_str(one, "type"), TYPE_UNKNOWN))
        json_object_set_new(one, "type", jstr(type));
    json_object_set_new(one, "size", json_integer(f->size));
    json_object_set_new(one, "sha256", jstr(f->sha256));
    json_object_set_new(
        one, "url",
        json_sprintf("/v1/attachments/%s/%.*s", id_write('p', id).c, STR_ARG(f->sha256)));
}

bool touchpoint_fetched(json_t *entry, struct id id, const struct touchpoint_fetched *f) {
    cleanup(arena_clear) struct arena a;
    json_t *one;
    size_t i;
    bool any = false;
    arena_init(&a);
    json_array_foreach(json_object_get(entry, "attachments"), i, one) {
        if (!str_eq(jget_str(one, "fetch"), f->word))
            continue;
        any = true;
        if (f->sha256.n)
            settle(&a, id, one, f);
        else
            json_array_append_new(
                json_object_get(entry, "warnings"),
                json_sprintf("/attachments/%zu could not be fetched: %.*s", i, STR_ARG(f->reason)));
        json_object_del(one, "fetch");
    }
    return any;
}
