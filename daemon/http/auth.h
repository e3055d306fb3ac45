/* http/auth.h - who has which token: a table of hashes, replaced whole on reload.
 *
 * Tokens are held as SHA-256 only. Requests under way keep the table they were judged by.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

struct auth;
struct http_who;
struct tl_items;

/* tokens: struct token_config, agents: struct agent_config; both are copied from. Either may be
 * NULL. */
struct auth *auth_new(const struct tl_items *tokens, const struct tl_items *agents);
struct auth *auth_ref(struct auth *a);
void auth_unref(struct auth *a);

/* Compares with every entry, in the same time wherever it fits. false: none; *out points into the
 * table. */
bool auth_find(const struct auth *a, const uint8_t token_hash[32], struct http_who *out) must_check;
/* The agent of a session. false: no agent of this id (any more). */
bool auth_agent(const struct auth *a, struct str id, struct http_who *out) must_check;

#endif
