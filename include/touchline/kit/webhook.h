/* kit/webhook.h - Standard Webhooks 1.0: secrets and the signature of a message. Pure.
 *
 * What is signed is ID.TIMESTAMP.BODY; the header webhook-signature says "v1," and the HMAC-SHA256
 * in base64. Used by channels/social (received, replies) and delivery/ (notices to agents).
 */
#ifndef TOUCHLINE_KIT_WEBHOOK_H
#define TOUCHLINE_KIT_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { WEBHOOK_KEY_MAX = 512 };

/* The key's bytes behind "whsec_" (shared) or "whpk_" (public); without a prefix base64 of a shared
 * one all the same. false: it is none. */
bool webhook_key(struct str secret, struct buf *out, bool *out_public) must_check;
/* HMAC-SHA256 with the key's bytes. */
void webhook_mac(struct str key, struct str id, struct str timestamp, struct str body,
                 uint8_t out[SHA256_BYTES]);
/* Appends "v1,…" for what we send. false: the secret cannot sign. */
bool webhook_sign(struct str secret, struct str id, int64_t timestamp_s, struct str body,
                  struct buf *out) must_check;

#endif
