/* store/watch.h - what changes on a contact's timeline, told as it is written (sharded publish of
 * its slot). */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

#include "store/store.h"

struct store_watch;
/* touchpoint: the id of one that is new or has changed. Best effort: who needs all reads the
 * timeline. */
typedef void store_watch_fn(void *arg, struct str contact, struct str touchpoint);
struct store_watch *store_watch_new(struct store *s, struct str contact, store_watch_fn *changed,
                                    void *arg);
void store_watch_free(struct store_watch *take_watch);

#endif
