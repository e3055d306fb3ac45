/* forms/stamp.c - see stamp.h. */
#include "stamp.h"

#include <stdio.h>

#include <touchline/kit/hmac.h>
#include <touchline/kit/own.h>

struct str stamp_write(struct str secret, struct str form, int64_t now_ms, char out[STAMP_MAX]) {
    uint8_t mac[SHA256_BYTES];
    char digits[24], hex[SHA256_HEX + 1];
    snprintf(digits, sizeof digits, "%lld", (long long)now_ms);
    const struct str pieces[] = {form, str_c("\n"), str_c(digits)};
    struct hmac_key *key = hmac_key_new(secret);
    hmac_sha256(key, pieces, COUNT(pieces), mac);
    hmac_key_free(key);
    hex_encode(mac, sizeof mac, hex);
    return str_make(out, (size_t)snprintf(out, STAMP_MAX, "%s.%s", digits, hex));
}

enum stamp_verdict stamp_judge(const struct stamp_config *c, struct str form, struct str stamp,
                               int64_t now_ms) {
    char good[STAMP_MAX];
    int64_t at = 0;
    struct str rest = stamp, digits = str_cut(&rest, '.');
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || i == 15)
            return STAMP_BAD;
        at = at * 10 + (digits.p[i] - '0');
    }
    if (!digits.n || !bytes_equal(stamp_write(c->secret, form, at, good), stamp))
        return STAMP_BAD;
    if (now_ms - at < c->least_ms)
        return STAMP_FAST;
    return now_ms - at > c->most_ms ? STAMP_OLD : STAMP_GOOD;
}
