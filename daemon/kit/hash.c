/* kit/hash.c - SHA-256 by libcrypto, hex, base 32, and our tables' own hash. */
#include <touchline/kit/hash.h>

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hmac.h>

/* Fetched once: a fetch for each use is slow and takes a lock. */
static EVP_MD *sha256_md;
static uint64_t seed[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void setup(void) {
    sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    bytes_random(seed, sizeof seed);
}

static const EVP_MD *md(void) {
    pthread_once(&once, setup);
    assert(sha256_md); /* libcrypto without SHA-256 is a broken installation */
    return sha256_md;
}

static void must(int ok) {
    if (ok != 1)
        abort(); /* only memory can fail here */
}

void sha256(struct str data, uint8_t out[SHA256_BYTES]) {
    must(EVP_Digest(data.n ? data.p : "", data.n, out, NULL, md(), NULL));
}

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_begin(void) {
    struct sha256 *h = NEW(struct sha256);
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx && EVP_DigestInit_ex2(h->ctx, md(), NULL));
    return h;
}

void sha256_add(struct sha256 *h, struct str piece) {
    if (piece.n)
        must(EVP_DigestUpdate(h->ctx, piece.p, piece.n));
}

void sha256_end(struct sha256 *take_h, uint8_t out[SHA256_BYTES]) {
    must(EVP_DigestFinal_ex(take_h->ctx, out, NULL));
    sha256_free(take_h);
}

void sha256_free(struct sha256 *h) {
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void hex_encode(const uint8_t *p, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct str s, uint8_t *out, size_t n) {
    if (s.n % 2 || s.n / 2 != n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (hex_value(s.p[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hex_value(s.p[2 * i]) << 4 | hex_value(s.p[2 * i + 1]));
    return true;
}

static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* 128 bits are 25 digits of five and one of three, whose two low bits are zero. */
void base32_id(const uint8_t id[16], char out[BASE32_ID + 1]) {
    unsigned bits = 0, held = 0;
    char *to = out;
    for (size_t i = 0; i < 16; i++) {
        bits = bits << 8 | id[i];
        for (held += 8; held >= 5; held -= 5)
            *to++ = crockford[bits >> (held - 5) & 31];
    }
    *to++ = crockford[bits << (5 - held) & 31];
    *to = '\0';
}

bool base32_id_decode(struct str s, uint8_t out[16]) {
    if (s.n != BASE32_ID)
        return false;
    uint8_t id[16];
    unsigned bits = 0, held = 0;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] ? strchr(crockford, s.p[i]) : NULL;
        if (!at)
            return false;
        bits = bits << 5 | (unsigned)(at - crockford);
        held += 5;
        if (held >= 8) {
            held -= 8;
            id[n++] = (uint8_t)(bits >> held);
        }
    }
    if (bits & 3)
        return false; /* one id has one text */
    memcpy(out, id, sizeof id);
    return true;
}

static inline uint64_t rotl(uint64_t x, int b) {
    return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein). */
uint64_t hash64(struct str s) {
    pthread_once(&once, setup);
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                     seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    uint64_t word = 0;
    size_t whole = s.n - s.n % 8;
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, s.p + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (s.n > whole)
        memcpy(&word, s.p + whole, s.n - whole);
    word |= (uint64_t)s.n << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
