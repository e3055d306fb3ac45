/* social/signature.h - is it from whom it says: signatures over the raw bytes, compared in constant
 * time. Pure. */
#ifndef SOCIAL_SIGNATURE_H
#define SOCIAL_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum { SIGNATURE_SKEW_MS = 5 * 60 * 1000 };

/* Meta: "sha256=" and the HMAC-SHA256 in lower-case hex; the older sha1 header counts for nothing.
 */
bool signature_meta(struct str secret, struct str header, struct str body);

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
/* "v1,…" for what we send. false: the secret cannot sign. */
bool signature_standard_sign(struct str secret, struct str id, int64_t timestamp_s, struct str body,
                             struct buf *out);

#endif
