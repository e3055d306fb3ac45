/* kit/webhook.c - see webhook.h. */
#include <touchline/kit/webhook.h>

#include <stdio.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/hmac.h>

bool webhook_key(struct str secret, struct buf *out, bool *out_public) {
    const struct str symmetric = STR("whsec_"), public = STR("whpk_");
    *out_public = str_starts(secret, public);
    if (str_starts(secret, symmetric))
        secret = str_from(secret, symmetric.n);
    else if (*out_public)
        secret = str_from(secret, public.n);
    return base64_decode(out, secret, true) && out->n;
}

void webhook_mac(struct str key, struct str id, struct str timestamp, struct str body,
                 uint8_t out[SHA256_BYTES]) {
    const struct str dot = STR(".");
    const struct str pieces[] = {id, dot, timestamp, dot, body};
    struct hmac_key *k = hmac_key_new(key);
    hmac_sha256(k, pieces, COUNT(pieces), out);
    hmac_key_free(k);
}

bool webhook_sign(struct str secret, struct str id, int64_t timestamp_s, struct str body,
                  struct buf *out) {
    cleanup(buf_clear) struct buf key;
    uint8_t mac[SHA256_BYTES];
    char seconds[24];
    bool public;
    buf_init(&key, WEBHOOK_KEY_MAX);
    if (!webhook_key(secret, &key, &public) || public)
        return false;
    snprintf(seconds, sizeof seconds, "%lld", (long long)timestamp_s);
    webhook_mac(buf_str(&key), id, str_c(seconds), body, mac);
    return buf_add_c(out, "v1,") && base64_encode(out, str_make((const char *)mac, sizeof mac));
}
