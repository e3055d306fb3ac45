/* touchpoint/content.c - the hash of what was said, by which the same id with other content is
 * told.
 *
 * Taken over what came, not over what we made of it, so that neither a new version of ours nor
 * another region changes it. Members are sorted: two writers of the same JSON may order
 * differently.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/jread.h>

#include "touchpoint/touchpoint_priv.h"

enum { MEMBERS_STACK = 32, CONTENT_MAX = 256 << 20 };

struct member {
    struct str key;
    const json_t *value;
};

static int by_key(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int d = n ? memcmp(x->key.p, y->key.p, n) : 0;
    return d ? d : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

/* What names the touchpoint, and what its way here left on it: neither is what was said. */
static bool is_left_out(struct str key) {
    return str_is(key, "id") || str_is(key, "source_id") || str_is(key, "revision") ||
           str_is(key, "envelope") || str_is(key, "warnings");
}

static bool add(struct buf *out, const json_t *v, bool top);

static bool add_object(struct buf *out, const json_t *v, bool top) {
    struct member few[MEMBERS_STACK];
    size_t n = 0, size = json_object_size(v);
    struct member *all = size > MEMBERS_STACK ? mem_new(size * sizeof *all) : few;
    json_t *o = (json_t *)v;
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        struct str key = str_make(json_object_iter_key(it), json_object_iter_key_len(it));
        const json_t *value = json_object_iter_value(it);
        if (!(top && is_left_out(key)) && !json_is_null(value)) /* absent and null are the same */
            all[n++] = (struct member){key, value};
    }
    qsort(all, n, sizeof *all, by_key);
    bool ok = buf_add_byte(out, '{');
    for (size_t i = 0; ok && i < n; i++)
        ok = buf_add(out, all[i].key) && buf_add_byte(out, '\0') && add(out, all[i].value, false);
    if (all != few)
        free(all);
    return ok && buf_add_byte(out, '}');
}

static bool add(struct buf *out, const json_t *v, bool top) {
    if (json_is_object(v))
        return add_object(out, v, top);
    if (json_is_array(v)) {
        bool ok = buf_add_byte(out, '[');
        for (size_t i = 0; ok && i < json_array_size(v); i++)
            ok = add(out, json_array_get(v, i), false);
        return ok && buf_add_byte(out, ']');
    }
    if (json_is_string(v)) /* the length tells where it ends */
        return buf_addf(out, "\"%zu:", json_string_length(v)) &&
               buf_add(out, str_make(json_string_value(v), json_string_length(v)));
    return jread_dump(out, v) && buf_add_byte(out, ',');
}

void content_hash(const json_t *in, uint8_t out[8]) {
    cleanup(buf_clear) struct buf text;
    uint8_t digest[SHA256_BYTES];
    buf_init(&text, CONTENT_MAX);
    if (!add(&text, in, true))
        buf_reset(&text); /* beyond the cap nothing is told apart; such a body is never let in */
    sha256(buf_str(&text), digest);
    memcpy(out, digest, 8);
}
