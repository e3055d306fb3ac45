/* social/http_signature_key.c - the arithmetic of http_signature.h: a signature against a key, and
 * one of our own. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <touchline/kit/base64.h>

#include "http_signature.h"

enum { PEM_MAX = 16 * 1024, BITS_MIN = 1024, SIGNATURE_MAX = 2048 };

static EVP_PKEY *key_read(struct str pem, bool private) {
    if (!pem.n || pem.n > PEM_MAX)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
                            : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key;
}

bool http_signature_fits(const struct http_signature *s, struct str pem) {
    EVP_PKEY *key = key_read(pem, false);
    if (!key)
        return false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    bool edwards = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= BITS_MIN;
    bool pss = rsa && str_is(s->algorithm, "rsa-pss-sha512");
    const EVP_MD *hash = edwards ? NULL : pss ? EVP_sha512() : EVP_sha256();
    bool ok = (edwards || rsa) && EVP_DigestVerifyInit(ctx, &how, hash, NULL, key) == 1;
    if (ok && pss)
        ok = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_AUTO) == 1;
    ok = ok && EVP_DigestVerify(ctx, (const unsigned char *)s->signature.p, s->signature.n,
                                (const unsigned char *)s->base.p, s->base.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

static bool sign(EVP_PKEY *key, struct str base, struct buf *out) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char bytes[SIGNATURE_MAX];
    size_t n = sizeof bytes;
    bool edwards = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
    bool ok = EVP_DigestSignInit(ctx, NULL, edwards ? NULL : EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, bytes, &n, (const unsigned char *)base.p, base.n) == 1 &&
              base64_encode(out, str_make((const char *)bytes, n));
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool http_signature_make(struct arena *a, struct str private_pem, struct str key_id, struct str url,
                         struct str date, struct str *out) {
    EVP_PKEY *key = key_read(private_pem, true);
    const char *scheme = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    cleanup(buf_clear) struct buf coded;
    buf_init(&coded, 2 * SIGNATURE_MAX);
    if (!key || !scheme) {
        EVP_PKEY_free(key);
        return false;
    }
    struct str path = str_from(url, (size_t)(scheme + 3 - url.p)), host = path;
    host = str_cut(&path, '/');
    struct str base = arena_strf(a, "(request-target): get /%.*s\nhost: %.*s\ndate: %.*s",
                                 STR_ARG(path), STR_ARG(host), STR_ARG(date));
    bool ok = sign(key, base, &coded);
    EVP_PKEY_free(key);
    *out = arena_strf(a,
                      "keyId=\"%.*s\",algorithm=\"hs2019\",headers=\"(request-target) host date\","
                      "signature=\"%s\"",
                      STR_ARG(key_id), ok ? buf_c(&coded) : "");
    return ok;
}

bool http_signature_public(struct arena *a, struct str private_pem, struct str *out) {
    EVP_PKEY *key = key_read(private_pem, true);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool ok = key && PEM_write_bio_PUBKEY(bio, key) == 1;
    long n = ok ? BIO_get_mem_data(bio, &text) : 0;
    if (ok)
        *out = arena_str(a, str_make(text, (size_t)n));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return ok;
}
