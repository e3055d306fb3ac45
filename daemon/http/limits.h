/* http/limits.h - how much one client may have: connections, and wrong tokens a second.
 *
 * A client is an IPv4 address or an IPv6 /64. Entries without a connection are kept for their
 * wrong tokens, at most LIMITS_REMEMBERED of them, the longest unused going first.
 */
#ifndef HTTP_LIMITS_H
#define HTTP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct clients; /* the table */
struct client;  /* one entry */

enum { LIMITS_REMEMBERED = 4096, LIMITS_WRONG_A_SECOND = 10 };

struct clients *clients_new(void);
void clients_free(struct clients *t);

/* Counts one connection of a; NULL: it has `most` already (0: no cap). */
struct client *clients_connect(struct clients *t, const struct address *a, int64_t most);
void clients_disconnect(struct clients *t, struct client *take_c);

/* True when a has given LIMITS_WRONG_A_SECOND wrong tokens within the second. */
bool clients_blocked(struct clients *t, const struct address *a, int64_t now_ms);
void clients_wrong_token(struct clients *t, const struct address *a, int64_t now_ms);

#endif
