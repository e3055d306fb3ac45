/* store/watch.h - told when something of a contact changes: its sharded channel.
 *
 * A message is a sign to look, not the thing itself. Some may be missed while a connection is made
 * again.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include <touchline/str.h>

struct store;
struct store_watch;

/* A touchpoint is new on the contact's timeline, or was changed. On the loop, never from inside the
 * call. */
typedef void store_watch_fn(void *arg, struct str touchpoint);
/* contact: "c_…"; NULL where it is no such id. */
struct store_watch *store_watch_contact(struct store *s, struct str contact,
                                        store_watch_fn *touched, void *arg);
/* Somebody begins, goes on or ends to look at one of its conversations, as store/attention.h says
 * it: {"agent","conversation","state","expires_at"}. */
typedef void store_watch_attention_fn(void *arg, struct str agent, struct str json);
void store_watch_attention(struct store_watch *w, store_watch_attention_fn *told);
void store_watch_end(struct store_watch *take_w); /* also from inside the function told */

#endif
