/* store/session.h - agents' sessions ({a:HASH}) and leases ({s:NAME}), by Redis TIME. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include <stdint.h>

#include "store/answer.h"
#include "store/store.h"

/* done may be NULL in all of them: nobody wants to know. */

/* token_hash: SHA-256 of the token. Lives idle_ms after its last use. */
void store_session_put(struct store *s, const uint8_t token_hash[32], struct str agent,
                       int64_t idle_ms, answer_fn *done, void *arg);
/* OK: {"agent": "anna"}, and it lives on; NOT_FOUND. */
void store_session_get(struct store *s, const uint8_t token_hash[32], int64_t idle_ms,
                       answer_fn *done, void *arg);
void store_session_drop(struct store *s, const uint8_t token_hash[32], answer_fn *done, void *arg);

/* Wins, keeps or loses a lease. OK: {"held": bool, "fence": n, "left_ms": n}. fence rises with each
 * new holder. */
void store_lease_take(struct store *s, struct str name, struct str holder, int64_t ms,
                      answer_fn *done, void *arg);
void store_lease_drop(struct store *s, struct str name, struct str holder, answer_fn *done,
                      void *arg);

#endif
