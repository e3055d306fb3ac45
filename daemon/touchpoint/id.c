/* touchpoint/id.c - derived ids: one HMAC a kind, its pieces parted by NUL so that none can be
 * moved into its neighbour (no piece holds a NUL: JSON, names and addresses refuse it).
 */
#include "touchpoint/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAC_BYTES = 10, MAC_TEXT = 16, TOKEN_TEXT = 4 + 2 * BASE32_ID + 1 + MAC_TEXT };

static const struct str token_head = STR("tl1.");

struct id_maker {
    struct hmac_key *key;
};

struct id_maker *id_maker_new(struct str secret) {
    struct id_maker *m = NEW(struct id_maker);
    m->key = hmac_key_new(secret);
    return m;
}

void id_maker_free(struct id_maker *m) {
    if (!m)
        return;
    hmac_key_free(m->key);
    free(m);
}

static struct id keyed(struct id_maker *m, const char *kind, struct str a, struct str b) {
    const struct str nul = str_make("", 1);
    const struct str pieces[] = {str_c(kind), nul, a, nul, b};
    uint8_t mac[SHA256_BYTES];
    struct id id;
    hmac_sha256(m->key, pieces, COUNT(pieces), mac);
    memcpy(id.b, mac, sizeof id.b);
    return id;
}

struct id id_touchpoint(struct id_maker *m, struct str source, struct str source_id) {
    return keyed(m, "p", source, source_id);
}

struct id id_identity(struct id_maker *m, struct str kind, struct str value) {
    return keyed(m, "c", kind, value);
}

struct id id_contact(struct id_maker *m, struct str kind, struct str value, uint32_t count) {
    struct id id = id_identity(m, kind, value);
    /* The first life bears the identity's own hash, so that its alias key is the contact itself. */
    if (count) {
        char life[16];
        int n = snprintf(life, sizeof life, "%u", (unsigned)count);
        id = keyed(m, "l", str_make((const char *)id.b, ID_BYTES), str_make(life, (size_t)n));
    }
    return id;
}

struct id id_conversation(struct id touchpoint) {
    return touchpoint;
}

struct id id_task(struct id touchpoint) {
    return touchpoint;
}

struct id id_reference(struct id_maker *m, struct str scope, struct str value) {
    return keyed(m, "r", scope, value);
}

struct id_text id_write(char prefix, struct id id) {
    struct id_text t = {.c = {prefix, '_'}};
    base32_id(id.b, t.c + 2);
    return t;
}

bool id_read(struct str text, char prefix, struct id *out) {
    if (text.n != ID_TEXT - 1 || text.p[0] != prefix || text.p[1] != '_')
        return false;
    return base32_id_decode(str_from(text, 2), out->b);
}

uint32_t id_bucket(struct id id) {
    return (uint32_t)id.b[0] << 8 | id.b[1];
}

static void token_mac(struct id_maker *m, struct id conversation, struct id touchpoint,
                      char out[MAC_TEXT + 1]) {
    struct id mac = keyed(m, "m", str_make((const char *)conversation.b, ID_BYTES),
                          str_make((const char *)touchpoint.b, ID_BYTES));
    char text[BASE32_ID + 1];
    base32_id(mac.b, text); /* 16 characters of it are MAC_BYTES */
    memcpy(out, text, MAC_TEXT);
    out[MAC_TEXT] = '\0';
}

struct str id_token(struct id_maker *m, struct arena *a, struct id conversation,
                    struct id touchpoint) {
    char v[BASE32_ID + 1], p[BASE32_ID + 1], mac[MAC_TEXT + 1];
    base32_id(conversation.b, v);
    base32_id(touchpoint.b, p);
    token_mac(m, conversation, touchpoint, mac);
    return arena_strf(a, "tl1.%s%s.%s", v, p, mac);
}

bool id_token_read(struct id_maker *m, struct str message_id, struct id *out_conversation,
                   struct id *out_touchpoint) {
    struct str rest = message_id, left = str_cut(&rest, '@');
    struct id v, p;
    char mac[MAC_TEXT + 1];
    if (left.n && left.p[0] == '<')
        left = str_from(left, 1);
    if (left.n != TOKEN_TEXT || !str_starts(left, token_head))
        return false;
    left = str_from(left, token_head.n);
    if (!base32_id_decode(str_upto(left, BASE32_ID), v.b) ||
        !base32_id_decode(str_upto(str_from(left, BASE32_ID), BASE32_ID), p.b))
        return false;
    left = str_from(left, 2 * BASE32_ID);
    token_mac(m, v, p, mac);
    if (left.p[0] != '.' || !bytes_equal(str_from(left, 1), str_c(mac)))
        return false;
    *out_conversation = v;
    *out_touchpoint = p;
    return true;
}
