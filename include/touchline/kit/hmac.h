/* kit/hmac.h - keyed hashes and comparison in constant time (RFC 2104, libcrypto). */
#ifndef TOUCHLINE_KIT_HMAC_H
#define TOUCHLINE_KIT_HMAC_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/own.h>
#include <touchline/str.h>

/* A key prepared once; not shared between threads. */
struct hmac_key;
struct hmac_key *hmac_key_new(struct str key);
void hmac_key_free(struct hmac_key *k);

/* HMAC-SHA256 over the pieces, one after another. */
void hmac_sha256(struct hmac_key *k, const struct str *pieces, size_t n, uint8_t out[SHA256_BYTES]);
/* One shot, for rare use: HMAC-SHA256 and HMAC-SHA1 (Twilio). */
void hmac_sha256_once(struct str key, struct str data, uint8_t out[SHA256_BYTES]);
void hmac_sha1_once(struct str key, struct str data, uint8_t out[20]);

/* Length first, then every byte in constant time. */
bool bytes_equal(struct str a, struct str b);
/* Fills with random bytes of the system; ends the process if there are none. */
void bytes_random(void *out, size_t n);

#endif
