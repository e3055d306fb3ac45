/* forms/maker_sign.c - signatures of makers' webhooks, over the raw bytes, in constant time.
 *
 *   Typeform  Typeform-Signature: sha256=BASE64(HMAC-SHA256(body))
 *   Tally     Tally-Signature: BASE64(HMAC-SHA256(body))
 *   Netlify   X-Webhook-Signature: a JWS (RFC 7515, HS256) whose claim sha256 is the body's
 *   HubSpot   X-HubSpot-Signature-v3: BASE64(HMAC-SHA256(method url body timestamp)), 5 minutes
 */
#include <string.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>

#include "maker.h"

enum { CODED_MAX = 256, CLAIMS_MAX = 4096, WINDOW_MS = 5 * 60 * 1000 };

static bool fits(const uint8_t mac[SHA256_BYTES], struct str coded) {
    cleanup(buf_clear) struct buf sent;
    buf_init(&sent, CODED_MAX);
    return base64_decode(&sent, coded, true) &&
           bytes_equal(buf_str(&sent), str_make((const char *)mac, SHA256_BYTES));
}

static bool body_fits(struct str secret, struct str body, struct str coded) {
    uint8_t mac[SHA256_BYTES];
    hmac_sha256_once(secret, body, mac);
    return coded.n && fits(mac, coded);
}

bool maker_sign_typeform(struct str secret, const struct maker_request *r) {
    const struct str prefix = STR("sha256=");
    struct str header = r->header(r->ctx, "Typeform-Signature");
    return str_starts(header, prefix) && body_fits(secret, r->body, str_from(header, prefix.n));
}

bool maker_sign_tally(struct str secret, const struct maker_request *r) {
    return body_fits(secret, r->body, r->header(r->ctx, "Tally-Signature"));
}

static bool claims_fit(struct str coded, struct str body) {
    cleanup(buf_clear) struct buf text;
    cleanup(json_freep) json_t *claims = NULL;
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];
    buf_init(&text, CLAIMS_MAX);
    if (!base64_decode(&text, coded, true) ||
        !jread_parse(buf_str(&text), CLAIMS_MAX, &claims, NULL))
        return false;
    sha256(body, digest);
    hex_encode(digest, sizeof digest, hex);
    return bytes_equal(jget_str(claims, "sha256"), str_make(hex, SHA256_HEX));
}

/* The algorithm is ours to choose, so what the token says of it counts for nothing. */
bool maker_sign_netlify(struct str secret, const struct maker_request *r) {
    struct str token = r->header(r->ctx, "X-Webhook-Signature"), rest = token;
    struct str head = str_cut(&rest, '.'), claims = str_cut(&rest, '.');
    if (!head.n || !claims.n || !rest.n)
        return false;
    return body_fits(secret, str_upto(token, head.n + 1 + claims.n), rest) &&
           claims_fit(claims, r->body);
}

static bool within_window(struct str digits, int64_t now_ms) {
    int64_t at = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || i == 15)
            return false;
        at = at * 10 + (digits.p[i] - '0');
    }
    return digits.n && now_ms - at <= WINDOW_MS && at - now_ms <= WINDOW_MS;
}

bool maker_sign_hubspot(struct str secret, const struct maker_request *r) {
    struct str at = r->header(r->ctx, "X-HubSpot-Request-Timestamp"),
               coded = r->header(r->ctx, "X-HubSpot-Signature-v3");
    const struct str pieces[] = {r->method, r->url, r->body, at};
    uint8_t mac[SHA256_BYTES];
    if (!coded.n || !within_window(at, r->now_ms))
        return false;
    struct hmac_key *key = hmac_key_new(secret);
    hmac_sha256(key, pieces, COUNT(pieces), mac);
    hmac_key_free(key);
    return fits(mac, coded);
}
