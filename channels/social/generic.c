/* social/generic.c - any system that posts JSON: signed as the configuration says, read by its map
 * of JSON pointers (generic_map.c). The map rides with the delivery, so that what was taken in is
 * read as it was meant then.
 */
#include "generic.h"

#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "signature.h"

enum { ITEMS_MAX = 10000, KEY_BYTES = 32, BY_ED25519 = 3, BY_TOKEN = 4, BASE64 = 1 };

static bool key_bytes(struct str key, struct buf *out) {
    uint8_t bytes[KEY_BYTES];
    if (hex_decode(key, bytes, sizeof bytes))
        return buf_add(out, str_make((const char *)bytes, sizeof bytes));
    return base64_decode(out, key, true) && out->n == KEY_BYTES;
}

static const char *fault(const struct hook_config *c, const char **out_key) {
    cleanup(buf_clear) struct buf key;
    buf_init(&key, 200);
    *out_key = "sign";
    if (!c->sign.header.n)
        return "is required: how deliveries are known to be genuine";
    *out_key = c->sign.algorithm == BY_ED25519 ? "key" : "secret";
    if (c->sign.algorithm == BY_ED25519 ? !key_bytes(c->key, &key) : !c->secret.n)
        return c->sign.algorithm == BY_ED25519 ? "must be an Ed25519 key of 32 bytes"
                                               : "is required";
    *out_key = "map";
    bool person = false;
    for (size_t i = 0; i < c->map.n; i++) {
        const char *why = generic_map_fault(c->map.items[i].name, c->map.items[i].value);
        person |= str_starts(c->map.items[i].name, (struct str)STR("from."));
        if (why)
            return why;
    }
    return person ? NULL : "must name whom it is from: from.email, from.phone, from.id";
}

/* ---- the signature ---- */

/* "{timestamp}.{body}" in pieces; absent: the body. */
static size_t pieces_of(const struct hook_call *call, struct str timestamp, struct str *out,
                        size_t max) {
    struct str rest = call->config->sign.signs;
    size_t n = 0;
    const struct {
        struct str mark, value;
    } marks[] = {{STR("{timestamp}"), timestamp},
                 {STR("{body}"), call->body},
                 {STR("{url}"), hook_url(call)}};
    if (!rest.n)
        rest = marks[1].mark;
    while (rest.n && n < max) {
        size_t found = COUNT(marks);
        for (size_t i = 0; i < COUNT(marks) && found == COUNT(marks); i++)
            if (str_starts(rest, marks[i].mark))
                found = i;
        if (found < COUNT(marks)) {
            out[n++] = marks[found].value;
            rest = str_from(rest, marks[found].mark.n);
            continue;
        }
        ptrdiff_t next = str_find(str_from(rest, 1), '{');
        size_t text = next < 0 ? rest.n : (size_t)next + 1;
        out[n++] = str_upto(rest, text);
        rest = str_from(rest, text);
    }
    return n;
}

static bool fits(const struct hook_call *call, struct str given, struct str timestamp) {
    static const enum signature_hash hashes[] = {SIGNATURE_SHA256, SIGNATURE_SHA1,
                                                 SIGNATURE_SHA512};
    const struct hook_sign *s = &call->config->sign;
    struct str pieces[16];
    cleanup(buf_clear) struct buf key, bytes;
    buf_init(&key, 200);
    buf_init(&bytes, 200);
    size_t n = pieces_of(call, timestamp, pieces, COUNT(pieces));
    if (s->algorithm == BY_TOKEN)
        return signature_token(call->config, given);
    if (s->algorithm != BY_ED25519)
        return signature_hmac(call->config, hashes[s->algorithm],
                              s->encoding == BASE64 ? SIGNATURE_BASE64 : SIGNATURE_HEX, pieces, n,
                              given);
    uint8_t raw[64];
    bool ok = s->encoding == BASE64 ? base64_decode(&bytes, given, true)
                                    : hex_decode(given, raw, sizeof raw) &&
                                          buf_add(&bytes, str_make((const char *)raw, sizeof raw));
    return ok && key_bytes(call->config->key, &key) &&
           signature_ed25519(buf_str(&key), pieces, n, buf_str(&bytes));
}

static struct hook_verdict judge(struct hook_call *call) {
    const struct hook_sign *s = &call->config->sign;
    struct str given = STR_NONE, timestamp = STR_NONE;
    if (s->header.n)
        given = str_trim(hook_header(call, arena_str(call->arena, s->header).p));
    if (!given.n || !str_starts(given, s->prefix))
        return hook_refuse(401, "signature");
    if (s->timestamp.n) {
        timestamp = hook_header(call, arena_str(call->arena, s->timestamp).p);
        if (!signature_fresh(timestamp, call->now_ms, s->window_ms, s->window_ms))
            return hook_refuse(401, "timestamp");
    }
    if (!fits(call, str_from(given, s->prefix.n), timestamp))
        return hook_refuse(401, "signature");
    struct hook_verdict v = hook_keep(STR_NONE);
    json_t *map = json_object();
    for (size_t i = 0; i < call->config->map.n; i++)
        json_object_setn_new(map, call->config->map.items[i].name.p,
                             call->config->map.items[i].name.n,
                             jstr(call->config->map.items[i].value));
    v.notes = json_pack("{s:o}", "map", map);
    return v;
}

/* ---- reading ---- */

static void read_item(const json_t *map, const json_t *item, const struct tl_emit *out) {
    cleanup(arena_clear) struct arena a;
    const char *why = "no item";
    arena_init(&a);
    json_t *tp =
        json_is_object(item) || json_is_array(item) ? generic_item(&a, map, item, &why) : NULL;
    if (tp)
        provider_emit(out, tp);
    else
        provider_bad(out, item, why);
}

static bool read_delivery(const json_t *root, const struct tl_read *in, const json_t *meta,
                          const struct tl_emit *out) {
    const json_t *map = json_object_get(meta, "map"), *items = root;
    struct str pointer = jget_str(map, "items");
    (void)in;
    if (!map)
        return false;
    if (pointer.n) {
        items = jread_at(root, pointer);
        if (!items) {
            out->bad(out->ctx, STR_NONE, "items: the pointer leads nowhere");
            return true;
        }
    }
    if (!json_is_array(items)) {
        read_item(map, items, out);
        return true;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (i < ITEMS_MAX)
            read_item(map, json_array_get(items, i), out);
        else
            provider_bad(out, json_array_get(items, i), "beyond 10,000 items of one delivery");
    }
    return true;
}

const struct provider provider_generic = {
    .name = "generic",
    .fault = fault,
    .judge = judge,
    .read = read_delivery,
};
