/* store/read.h - reading contacts, timelines, conversations, touchpoints as the contract shows
 * them.
 *
 * Pointers of merged contacts are followed (at most 8). Ids and query values may be anything a
 * client sent: what is not an id is NOT_FOUND.
 */
#ifndef STORE_READ_H
#define STORE_READ_H

#include <stdint.h>

#include "store/answer.h"
#include "store/store.h"

void store_get_contact(struct store *s, struct str id, answer_fn *done, void *arg);
/* By contact id of the identity's hash (touchpoint/id.h); {"id": "c_…"} of the contact it leads to.
 */
void store_find_contact(struct store *s, const uint8_t identity_hash[16], answer_fn *done,
                        void *arg);
/* {"items":[contact…],"next"}: by folded name word, address or number prefix. */
void store_search_contacts(struct store *s, struct str q, size_t limit, struct str cursor,
                           answer_fn *done, void *arg);

struct timeline_query {
    size_t limit;
    struct str cursor, channel;
    int64_t from_ms, to_ms; /* 0: open */
};
void store_get_timeline(struct store *s, struct str contact, const struct timeline_query *q,
                        answer_fn *done, void *arg);
void store_get_touchpoint(struct store *s, struct str id, answer_fn *done, void *arg);
/* {"contact","conversation","task"} of an applied touchpoint, for a repetition's answer. */
void store_get_outcome(struct store *s, struct str id, answer_fn *done, void *arg);
/* With its touchpoints {"items","next"}, newest first. */
void store_get_conversation(struct store *s, struct str id, size_t limit, struct str cursor,
                            answer_fn *done, void *arg);
void store_get_suggestions(struct store *s, struct str contact, size_t limit, struct str cursor,
                           answer_fn *done, void *arg);
/* All that is held about the person, one JSON document; refused above 64 MiB. */
void store_export_contact(struct store *s, struct str contact, answer_fn *done, void *arg);
/* What an erasure would remove: {"touchpoints": n, …}. */
void store_count_contact(struct store *s, struct str contact, answer_fn *done, void *arg);

#endif
