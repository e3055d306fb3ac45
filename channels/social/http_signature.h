/* social/http_signature.h - signed HTTP requests: both forms that servers of the fediverse send.
 *
 *   draft-cavage-http-signatures-12   Signature: keyId="…",headers="…",signature="…"  and Digest
 *   RFC 9421                          Signature-Input, Signature, Content-Digest (RFC 9530)
 *
 * First all is judged that needs no key, then the signature with the key of `key_id`. Pure.
 */
#ifndef SOCIAL_HTTP_SIGNATURE_H
#define SOCIAL_HTTP_SIGNATURE_H

#include "provider.h"

enum http_signature_verdict {
    HTTP_SIGNATURE_READ,  /* all but the signature itself is right */
    HTTP_SIGNATURE_BAD,   /* none, or not over what must be signed */
    HTTP_SIGNATURE_STALE, /* 12 hours back, 1 hour ahead */
    HTTP_SIGNATURE_DIGEST,
};

/* Views into the call and its arena. */
struct http_signature {
    struct str key_id;
    struct str base;      /* what was signed */
    struct str signature; /* bytes */
    struct str algorithm; /* as it was named; absent: by the key */
};

enum http_signature_verdict http_signature_read(struct hook_call *call, struct http_signature *out);
/* With a public key in PEM: RSA (PKCS #1 1.5 with SHA-256, or PSS with SHA-512), Ed25519. */
bool http_signature_fits(const struct http_signature *s, struct str pem);
/* "Signature" of a GET that we send (cavage): over (request-target), host and date. false: the
 * secret is no private key. */
bool http_signature_make(struct arena *a, struct str private_pem, struct str key_id, struct str url,
                         struct str date, struct str *out);
/* The public half of a private key, as PEM in the arena. */
bool http_signature_public(struct arena *a, struct str private_pem, struct str *out);

#endif
