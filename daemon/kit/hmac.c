/* kit/hmac.c - keyed hashes by libcrypto: EVP_MAC fetched once, a key prepared once. */
#include <touchline/kit/hmac.h>

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static EVP_MAC *mac;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void setup(void) {
    mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static void must(int ok) {
    if (ok != 1)
        abort(); /* only memory can fail here */
}

struct hmac_key {
    EVP_MAC_CTX *ctx; /* keyed, never updated; each use works on a copy */
};

static EVP_MAC_CTX *keyed(struct str key, char *digest) {
    pthread_once(&once, setup);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    /* A NULL key would mean "keep the old one", so the empty key has an address. */
    must(ctx && EVP_MAC_init(ctx, (const unsigned char *)(key.n ? key.p : ""), key.n, params));
    return ctx;
}

struct hmac_key *hmac_key_new(struct str key) {
    struct hmac_key *k = NEW(struct hmac_key);
    char digest[] = "SHA256";
    k->ctx = keyed(key, digest);
    return k;
}

void hmac_key_free(struct hmac_key *k) {
    if (!k)
        return;
    EVP_MAC_CTX_free(k->ctx);
    free(k);
}

static void finish(EVP_MAC_CTX *take_ctx, const struct str *pieces, size_t n, uint8_t *out,
                   size_t out_room) {
    for (size_t i = 0; i < n; i++)
        if (pieces[i].n)
            must(EVP_MAC_update(take_ctx, (const unsigned char *)pieces[i].p, pieces[i].n));
    size_t out_n;
    must(EVP_MAC_final(take_ctx, out, &out_n, out_room));
    EVP_MAC_CTX_free(take_ctx);
}

void hmac_sha256(struct hmac_key *k, const struct str *pieces, size_t n,
                 uint8_t out[SHA256_BYTES]) {
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(k->ctx);
    must(ctx != NULL);
    finish(ctx, pieces, n, out, SHA256_BYTES);
}

void hmac_sha256_once(struct str key, struct str data, uint8_t out[SHA256_BYTES]) {
    char digest[] = "SHA256";
    finish(keyed(key, digest), &data, 1, out, SHA256_BYTES);
}

void hmac_sha1_once(struct str key, struct str data, uint8_t out[20]) {
    char digest[] = "SHA1";
    finish(keyed(key, digest), &data, 1, out, 20);
}

bool bytes_equal(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void bytes_random(void *out, size_t n) {
    char *at = out;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fputs("level=error event=random.none\n", stderr);
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}
