/* store/correspondent.c - what is known of somebody who writes: how much lately, acknowledged when,
 * addresses that fail (functions/correspondent.lua).
 */
#include <stdlib.h>

#include "store/contact_priv.h"

struct number_wait {
    store_number_fn *done;
    void *arg;
};

static void number_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct number_wait *w = arg;
    w->done(w->arg, fault, fault ? 0 : r->integer);
    free(w);
}

static struct number_wait *number_new(store_number_fn *done, void *arg) {
    struct number_wait *w = NEW(struct number_wait);
    *w = (struct number_wait){done, arg};
    return w;
}

void store_recent(struct store *s, struct id part, const struct recent *what, store_number_fn *done,
                  void *arg) {
    struct part_keys k;
    char from[24], to[24], most[24];
    part_keys(part, &k);
    const struct str keys[] = {k.t, k.b};
    const struct str args[] = {store_int(what->from_ms, from), store_int(what->to_ms, to),
                               what->channel, store_int(what->at_most, most), id_bytes(&what->but)};
    store_function(s, "recent", true, keys, 2, args, COUNT(args), number_answer,
                   number_new(done, arg));
}

void store_once(struct store *s, struct id contact, struct id touchpoint, int64_t now_ms,
                int64_t per_ms, store_number_fn *done, void *arg) {
    struct part_keys k;
    char now[24], per[24];
    part_keys(contact, &k);
    const struct str args[] = {id_bytes(&touchpoint), store_int(now_ms, now),
                               store_int(per_ms, per)};
    store_function(s, "once", false, &k.c, 1, args, COUNT(args), number_answer,
                   number_new(done, arg));
}

void store_mark(struct store *s, struct id part, struct id identity, struct str json,
                store_number_fn *done, void *arg) {
    struct part_keys k;
    char payload[64];
    part_keys(part, &k);
    const struct str args[] = {id_bytes(&identity), json,
                               payload_of("contact", 'c', part, payload)};
    store_function(s, "mark", false, &k.c, 1, args, COUNT(args), number_answer,
                   number_new(done, arg));
}

void store_unmark(struct store *s, struct id part, struct id identity, store_number_fn *done,
                  void *arg) {
    struct part_keys k;
    char payload[64];
    part_keys(part, &k);
    const struct str args[] = {id_bytes(&identity), payload_of("contact", 'c', part, payload)};
    store_function(s, "unmark", false, &k.c, 1, args, COUNT(args), number_answer,
                   number_new(done, arg));
}
