/* kit/hash.h - SHA-256, hexadecimal, and the text form of ids.
 *
 * Ids are 16 bytes, written as 26 characters of Crockford's base 32 in lower case
 * (0123456789abcdefghjkmnpqrstvwxyz), most significant bits first.
 */
#ifndef TOUCHLINE_KIT_HASH_H
#define TOUCHLINE_KIT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

enum { SHA256_BYTES = 32, SHA256_HEX = 64, BASE32_ID = 26 };

void sha256(struct str data, uint8_t out[SHA256_BYTES]);

/* Over pieces. _free also ends an unfinished one; _end frees. */
struct sha256;
struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *h, struct str piece);
void sha256_end(struct sha256 *take_h, uint8_t out[SHA256_BYTES]);
void sha256_free(struct sha256 *h);

/* Lower-case hex with a NUL: out holds 2n + 1. */
void hex_encode(const uint8_t *p, size_t n, char *out);
/* Both cases. false: odd length, other bytes, or not exactly n bytes. */
bool hex_decode(struct str s, uint8_t *out, size_t n) must_check;

void base32_id(const uint8_t id[16], char out[BASE32_ID + 1]);
bool base32_id_decode(struct str s, uint8_t out[16]) must_check;

/* Fast 64-bit hash for our own tables, seeded per process against flooding. */
uint64_t hash64(struct str s);

#endif
