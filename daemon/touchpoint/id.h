/* touchpoint/id.h - derived ids: doing it twice is doing it once. Pure.
 *
 * All are keyed hashes with the installation's secret, 16 bytes, written as prefix and 26
 * characters.
 */
#ifndef TOUCHPOINT_ID_H
#define TOUCHPOINT_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/str.h>

enum { ID_BYTES = 16, ID_TEXT = 2 + BASE32_ID + 1, ID_BUCKETS = 65536 };

struct id {
    uint8_t b[ID_BYTES];
};
struct id_text {
    char c[ID_TEXT]; /* with its NUL */
};

struct id_maker; /* holds the prepared key; loop thread */
struct id_maker *id_maker_new(struct str secret);
void id_maker_free(struct id_maker *m);

struct id id_touchpoint(struct id_maker *m, struct str source, struct str source_id);
/* count: how often this identity was erased before (0 for the first life). */
struct id id_contact(struct id_maker *m, struct str kind, struct str value, uint32_t count);
/* The hash by which an identity is known to ledgers and aliases, whatever its life. */
struct id id_identity(struct id_maker *m, struct str kind, struct str value);
/* Both bear the hash of the touchpoint that began them, so {p:…} finds them as it finds that one.
 */
struct id id_conversation(struct id touchpoint);
struct id id_task(struct id touchpoint);
/* What {p:…} holds beside ids: message ids, threads, call ids. scope: source or "mid". */
struct id id_reference(struct id_maker *m, struct str scope, struct str value);

struct id_text id_write(char prefix, struct id id);
bool id_read(struct str text, char prefix, struct id *out) must_check;
uint32_t id_bucket(struct id id); /* of {p:NNNNN} */

/* Left part of the Message-ID of an outbound mail: conversation, touchpoint and a MAC; and back. */
struct str id_token(struct id_maker *m, struct arena *a, struct id conversation,
                    struct id touchpoint);
bool id_token_read(struct id_maker *m, struct str message_id, struct id *out_conversation,
                   struct id *out_touchpoint) must_check;

#endif
