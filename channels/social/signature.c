/* social/signature.c - see signature.h. */
#include "signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/webhook.h>

#include "provider.h"

enum { STANDARD_ID_MAX = 255, GIVEN_MAX = 512 };

/* ---- HMAC ---- */

static const char *hash_name(enum signature_hash hash) {
    switch (hash) {
    case SIGNATURE_SHA1:
        return "SHA1";
    case SIGNATURE_SHA256:
        return "SHA256";
    case SIGNATURE_SHA384:
        return "SHA384";
    case SIGNATURE_SHA512:
        return "SHA512";
    }
    return "SHA256";
}

/* The digest's length. RFC 2104 over the pieces. */
static size_t mac_of(struct str secret, enum signature_hash hash, const struct str *pieces,
                     size_t n, uint8_t out[EVP_MAX_MD_SIZE]) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)hash_name(hash), 0),
                           OSSL_PARAM_construct_end()};
    size_t out_n = 0;
    bool ok = ctx && EVP_MAC_init(ctx, (const unsigned char *)(secret.n ? secret.p : ""), secret.n,
                                  params) == 1;
    for (size_t i = 0; i < n && ok; i++)
        ok = !pieces[i].n ||
             EVP_MAC_update(ctx, (const unsigned char *)pieces[i].p, pieces[i].n) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &out_n, EVP_MAX_MD_SIZE) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok ? out_n : 0;
}

bool signature_hmac_make(struct str secret, enum signature_hash hash, enum signature_coding coding,
                         const struct str *pieces, size_t n, struct buf *out) {
    uint8_t mac[EVP_MAX_MD_SIZE];
    char hex[EVP_MAX_MD_SIZE * 2 + 1];
    size_t mac_n = mac_of(secret, hash, pieces, n, mac);
    if (!mac_n)
        return false;
    if (coding == SIGNATURE_BASE64)
        return base64_encode(out, str_make((const char *)mac, mac_n));
    hex_encode(mac, mac_n, hex);
    return buf_add_c(out, hex);
}

/* Hex is compared as bytes, so that either case will do; base64 as it is written. */
static bool mac_fits(struct str secret, enum signature_hash hash, enum signature_coding coding,
                     const struct str *pieces, size_t n, struct str given) {
    uint8_t mac[EVP_MAX_MD_SIZE], bytes[EVP_MAX_MD_SIZE];
    size_t mac_n = mac_of(secret, hash, pieces, n, mac);
    struct str whole = str_make((const char *)mac, mac_n);
    if (!mac_n)
        return false;
    if (coding == SIGNATURE_HEX)
        return given.n == 2 * mac_n && hex_decode(given, bytes, mac_n) &&
               bytes_equal(str_make((const char *)bytes, mac_n), whole);
    cleanup(buf_clear) struct buf text;
    buf_init(&text, GIVEN_MAX);
    return base64_encode(&text, whole) && bytes_equal(buf_str(&text), given);
}

bool signature_hmac(const struct hook_config *c, enum signature_hash hash,
                    enum signature_coding coding, const struct str *pieces, size_t n,
                    struct str given) {
    struct hook_secrets secrets = hook_secrets(c);
    bool good = false;
    for (size_t i = 0; i < secrets.n && given.n && given.n <= GIVEN_MAX; i++)
        good |= mac_fits(secrets.items[i], hash, coding, pieces, n, given);
    return good;
}

bool signature_token(const struct hook_config *c, struct str given) {
    struct hook_secrets secrets = hook_secrets(c);
    bool good = false;
    for (size_t i = 0; i < secrets.n && given.n; i++)
        good |= bytes_equal(given, secrets.items[i]);
    return good;
}

bool signature_meta(const struct hook_config *c, struct str header, struct str body) {
    const struct str prefix = STR("sha256=");
    return str_starts(header, prefix) &&
           signature_hmac(c, SIGNATURE_SHA256, SIGNATURE_HEX, &body, 1, str_from(header, prefix.n));
}

/* ---- Ed25519, time ---- */

bool signature_ed25519(struct str key, const struct str *pieces, size_t n, struct str given) {
    cleanup(buf_clear) struct buf message;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += pieces[i].n;
    buf_init(&message, bytes + 1);
    for (size_t i = 0; i < n; i++)
        if (!buf_add(&message, pieces[i]))
            return false;
    return key.n == crypto_sign_PUBLICKEYBYTES && given.n == crypto_sign_BYTES &&
           crypto_sign_verify_detached((const unsigned char *)given.p,
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

bool signature_fresh(struct str seconds, int64_t now_ms, int64_t past_ms, int64_t future_ms) {
    int64_t at_ms;
    return read_seconds(seconds, &at_ms) && now_ms - at_ms <= past_ms &&
           at_ms - now_ms <= future_ms;
}

/* ---- Standard Webhooks ---- */

/* One entry "v1,<base64>". */
static bool fits_v1(struct str key, struct str coded, const struct standard_headers *h,
                    struct str body) {
    uint8_t mac[SHA256_BYTES];
    cleanup(buf_clear) struct buf given;
    buf_init(&given, 256);
    webhook_mac(key, h->id, h->timestamp, body, mac);
    return base64_decode(&given, coded, true) &&
           bytes_equal(buf_str(&given), str_make((const char *)mac, sizeof mac));
}

static bool fits_v1a(struct str key, struct str coded, const struct standard_headers *h,
                     struct str body) {
    const struct str dot = STR(".");
    const struct str pieces[] = {h->id, dot, h->timestamp, dot, body};
    cleanup(buf_clear) struct buf given;
    buf_init(&given, 256);
    return base64_decode(&given, coded, true) &&
           signature_ed25519(key, pieces, COUNT(pieces), buf_str(&given));
}

enum signature_verdict signature_standard(struct str secret, const struct standard_headers *h,
                                          struct str body, int64_t now_ms) {
    cleanup(buf_clear) struct buf key;
    bool public;
    buf_init(&key, WEBHOOK_KEY_MAX);
    if (!h->id.n || h->id.n > STANDARD_ID_MAX || !h->signature.n ||
        !webhook_key(secret, &key, &public))
        return SIGNATURE_BAD;
    if (str_find(h->id, '.') >= 0)
        return SIGNATURE_BAD_ID;
    if (!signature_fresh(h->timestamp, now_ms, SIGNATURE_SKEW_MS, SIGNATURE_SKEW_MS))
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
    buf_init(&key, WEBHOOK_KEY_MAX);
    return webhook_key(secret, &key, &public) && (!public || key.n == crypto_sign_PUBLICKEYBYTES);
}
