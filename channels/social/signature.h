/* social/signature.h - is it from whom it says: signatures over the raw bytes, compared in constant
 * time. Pure. */
#ifndef SOCIAL_SIGNATURE_H
#define SOCIAL_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

struct hook_config;

enum { SIGNATURE_SKEW_MS = 5 * 60 * 1000 };

enum signature_hash {
    SIGNATURE_SHA1,
    SIGNATURE_SHA256,
    SIGNATURE_SHA384,
    SIGNATURE_SHA512,
};
enum signature_coding { SIGNATURE_HEX, SIGNATURE_BASE64 };

/* Whether `given` is the HMAC of the pieces, one after another, with the hook's secret or the one
 * before it. Hex in either case, base64 exactly. */
bool signature_hmac(const struct hook_config *c, enum signature_hash hash,
                    enum signature_coding coding, const struct str *pieces, size_t n,
                    struct str given);
/* Whether `given` is a secret of the hook itself. */
bool signature_token(const struct hook_config *c, struct str given);
/* The HMAC with the secret in use, appended. */
bool signature_hmac_make(struct str secret, enum signature_hash hash, enum signature_coding coding,
                         const struct str *pieces, size_t n, struct buf *out) must_check;
/* Ed25519 over the pieces; key and signature as bytes. */
bool signature_ed25519(struct str key, const struct str *pieces, size_t n, struct str given);
/* Seconds since 1970 in digits, at most skew_ms from now. */
bool signature_fresh(struct str seconds, int64_t now_ms, int64_t past_ms, int64_t future_ms);

/* Meta: "sha256=" and the HMAC-SHA256 in hex; the older sha1 header counts for nothing. */
bool signature_meta(const struct hook_config *c, struct str header, struct str body);

/* Standard Webhooks 1.0: v1 (HMAC, secret "whsec_" + base64) or v1a (Ed25519, "whpk_" + base64)
 * over id.timestamp.body; of several signatures in the header one must fit. */
enum signature_verdict { SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_STALE, SIGNATURE_BAD_ID };
struct standard_headers {
    struct str id, timestamp, signature;
};
enum signature_verdict signature_standard(struct str secret, const struct standard_headers *h,
                                          struct str body, int64_t now_ms);
/* Whether a secret is one: whsec_ or whpk_ and base64. */
bool signature_standard_secret(struct str secret);

#endif
