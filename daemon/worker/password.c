/* worker/password.c - Argon2id by libsodium: 19 MiB, two passes (OWASP's first choice). */
#include "worker/password.h"

#include <sodium.h>

enum { OPS = 2, MEMORY = 19 << 20 };

_Static_assert(PASSWORD_PHC_MAX == crypto_pwhash_STRBYTES,
               "libsodium's own length of a PHC string");

bool password_verify(struct str phc, struct str password) {
    char text[PASSWORD_PHC_MAX] = {0}; /* libsodium compares all of it */
    if (sodium_init() < 0 || !phc.n || phc.n >= sizeof text || password.n > PASSWORD_MAX)
        return false;
    memcpy(text, phc.p, phc.n);
    return crypto_pwhash_str_verify(text, password.n ? password.p : "", password.n) == 0;
}

bool password_hash(struct str password, char out[PASSWORD_PHC_MAX]) {
    if (sodium_init() < 0 || password.n > PASSWORD_MAX)
        return false;
    return crypto_pwhash_str_alg(out, password.n ? password.p : "", password.n, OPS, MEMORY,
                                 crypto_pwhash_ALG_ARGON2ID13) == 0;
}
