/* social/signature.c - see signature.h. */
#include "signature.h"

#include <sodium.h>
#include <stdio.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>

enum { KEY_BYTES_MAX = 512, STANDARD_ID_MAX = 255 };

bool signature_meta(struct str secret, struct str header, struct str body) {
    const struct str prefix = STR("sha256=");
    uint8_t mac[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    if (!secret.n || !str_starts(header, prefix))
        return false;
    hmac_sha256_once(secret, body, mac);
    hex_encode(mac, sizeof mac, hex);
    return bytes_equal(str_from(header, prefix.n), str_c(hex));
}

static void standard_mac(struct str key, struct str id, struct str timestamp, struct str body,
                         uint8_t out[SHA256_BYTES]) {
    const struct str dot = STR(".");
    const struct str pieces[] = {id, dot, timestamp, dot, body};
    struct hmac_key *k = hmac_key_new(key);
    hmac_sha256(k, pieces, COUNT(pieces), out);
    hmac_key_free(k);
}

/* One entry "v1,<base64>". */
static bool fits_v1(struct str key, struct str coded, const struct standard_headers *h,
                    struct str body) {
    uint8_t mac[SHA256_BYTES];
    cleanup(buf_clear) struct buf given;
    buf_init(&given, 256);
    standard_mac(key, h->id, h->timestamp, body, mac);
    return base64_decode(&given, coded, true) &&
           bytes_equal(buf_str(&given), str_make((const char *)mac, sizeof mac));
}

static bool fits_v1a(struct str key, struct str coded, const struct standard_headers *h,
                     struct str body) {
    cleanup(buf_clear) struct buf given, message;
    buf_init(&given, 256);
    buf_init(&message, body.n + STANDARD_ID_MAX + 64);
    if (key.n != crypto_sign_PUBLICKEYBYTES || !base64_decode(&given, coded, true) ||
        given.n != crypto_sign_BYTES)
        return false;
    if (!buf_add(&message, h->id) || !buf_add_byte(&message, '.') ||
        !buf_add(&message, h->timestamp) || !buf_add_byte(&message, '.') ||
        !buf_add(&message, body))
        return false;
    return crypto_sign_verify_detached((const unsigned char *)buf_c(&given),
                                       (const unsigned char *)buf_c(&message), message.n,
                                       (const unsigned char *)key.p) == 0;
}

static bool read_seconds(struct str s, int64_t *out_ms) {
    int64_t v = 0;
    if (!s.n || s.n > 12)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out_ms = v * 1000;
    return true;
}

/* The key's bytes behind "whsec_" or "whpk_"; without a prefix base64 all the same. */
static bool standard_key(struct str secret, struct buf *out, bool *out_public) {
    const struct str symmetric = STR("whsec_"), public = STR("whpk_");
    *out_public = str_starts(secret, public);
    if (str_starts(secret, symmetric))
        secret = str_from(secret, symmetric.n);
    else if (*out_public)
        secret = str_from(secret, public.n);
    return base64_decode(out, secret, true) && out->n;
}

enum signature_verdict signature_standard(struct str secret, const struct standard_headers *h,
                                          struct str body, int64_t now_ms) {
    cleanup(buf_clear) struct buf key;
    int64_t sent_ms;
    bool public;
    buf_init(&key, KEY_BYTES_MAX);
    if (!h->id.n || h->id.n > STANDARD_ID_MAX || !h->signature.n ||
        !standard_key(secret, &key, &public))
        return SIGNATURE_BAD;
    if (str_find(h->id, '.') >= 0)
        return SIGNATURE_BAD_ID;
    if (!read_seconds(h->timestamp, &sent_ms) || now_ms - sent_ms > SIGNATURE_SKEW_MS ||
        sent_ms - now_ms > SIGNATURE_SKEW_MS)
        return SIGNATURE_STALE;
    struct str rest = h->signature;
    bool good = false;
    while (rest.p) {
        struct str coded = str_trim(str_cut(&rest, ' '));
        struct str version = str_cut(&coded, ',');
        if (!coded.p)
            continue;
        if (!public && str_is(version, "v1"))
            good |= fits_v1(buf_str(&key), coded, h, body);
        else if (public && str_is(version, "v1a"))
            good |= fits_v1a(buf_str(&key), coded, h, body);
    }
    return good ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

bool signature_standard_secret(struct str secret) {
    cleanup(buf_clear) struct buf key;
    bool public;
    buf_init(&key, KEY_BYTES_MAX);
    return standard_key(secret, &key, &public) && (!public || key.n == crypto_sign_PUBLICKEYBYTES);
}

bool signature_standard_sign(struct str secret, struct str id, int64_t timestamp_s, struct str body,
                             struct buf *out) {
    cleanup(buf_clear) struct buf key;
    uint8_t mac[SHA256_BYTES];
    char seconds[24];
    bool public;
    buf_init(&key, KEY_BYTES_MAX);
    if (!standard_key(secret, &key, &public) || public)
        return false;
    snprintf(seconds, sizeof seconds, "%lld", (long long)timestamp_s);
    standard_mac(buf_str(&key), id, str_c(seconds), body, mac);
    return buf_add_c(out, "v1,") && base64_encode(out, str_make((const char *)mac, sizeof mac));
}
