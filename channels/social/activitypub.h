/* social/activitypub.h - inboxes of the fediverse: whose key signed, and what an activity says. */
#ifndef SOCIAL_ACTIVITYPUB_H
#define SOCIAL_ACTIVITYPUB_H

#include "http_signature.h"

/* Public keys that were fetched, for a day at most. Loop thread. */
struct key_cache;
struct key_cache *key_cache_new(void);
void key_cache_free(struct key_cache *k);

/* The inbox: judged at once where the key is known, else later. */
struct hook_verdict activitypub_judge(struct hook_call *call);
/* "host" of an https address, with its port; absent: it is none. */
struct str activitypub_host(struct str url);

/* Emits what an activity says to `ours` (absent: to anybody); false: it is none. Pure. */
bool activitypub_read(const json_t *root, struct str ours, int64_t received_ms,
                      const struct tl_emit *out);
/* HTML of a note as plain text, in the arena: links with their addresses, paragraphs apart. */
struct str activitypub_text(struct arena *a, struct str html);

#endif
