/* delivery/offer_link.c - see offer_link.h. */
#include "delivery/offer_link.h"

#include <touchline/kit/arena.h>
#include <touchline/kit/base64.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/hmac.h>

enum { PAYLOAD_MAX = 400, TOKEN_MAX = 700, DIGITS_MAX = 15 };

void offer_link_key(struct str secret, struct offer_link_key *out) {
    hmac_sha256_once(secret, str_c("touchline offer link 1"), out->bytes);
}

static bool payload_write(const struct offer_link *l, struct buf *out) {
    return buf_addf(out, "1\n%c\n%lld\n%lld\n", l->accept ? 'a' : 'r', (long long)l->offer,
                    (long long)l->expires_s) &&
           buf_add(out, l->task) && buf_add_byte(out, '\n') && buf_add(out, l->agent);
}

bool offer_link_write(const struct offer_link_key *key, const struct offer_link *link,
                      struct buf *out) {
    cleanup(buf_clear) struct buf payload;
    uint8_t mac[SHA256_BYTES];
    buf_init(&payload, PAYLOAD_MAX);
    if (!payload_write(link, &payload))
        return false;
    hmac_sha256_once(str_make((const char *)key->bytes, sizeof key->bytes), buf_str(&payload), mac);
    return base64url_encode(out, buf_str(&payload)) && buf_add_byte(out, '.') &&
           base64url_encode(out, str_make((const char *)mac, sizeof mac));
}

static bool number_read(struct str s, int64_t *out) {
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
        if (i >= DIGITS_MAX)
            return false;
    }
    *out = v;
    return s.n > 0;
}

static bool payload_read(struct str s, struct offer_link *out) {
    struct str version = str_cut(&s, '\n'), action = str_cut(&s, '\n');
    struct str offer = str_cut(&s, '\n'), expires = str_cut(&s, '\n');
    out->task = str_cut(&s, '\n');
    out->agent = s;
    out->accept = str_is(action, "a");
    return str_is(version, "1") && (out->accept || str_is(action, "r")) && out->task.n &&
           out->agent.n && number_read(offer, &out->offer) && number_read(expires, &out->expires_s);
}

enum offer_link_verdict offer_link_read(const struct offer_link_key *key, struct str token,
                                        int64_t now_ms, struct arena *a, struct offer_link *out) {
    cleanup(buf_clear) struct buf payload, ours;
    struct offer_link said;
    struct str rest = token, head = str_cut(&rest, '.');
    buf_init(&payload, PAYLOAD_MAX);
    buf_init(&ours, TOKEN_MAX);
    if (token.n > TOKEN_MAX || !base64_decode(&payload, head, true) ||
        !payload_read(buf_str(&payload), &said) || !offer_link_write(key, &said, &ours) ||
        !bytes_equal(buf_str(&ours), token))
        return OFFER_LINK_WRONG;
    said.task = arena_str(a, said.task);
    said.agent = arena_str(a, said.agent);
    *out = said;
    return now_ms >= said.expires_s * 1000 ? OFFER_LINK_EXPIRED : OFFER_LINK_GOOD;
}
