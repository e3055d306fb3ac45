/* store/change_priv.h - what changes of one and of several calls share. */
#ifndef STORE_CHANGE_PRIV_H
#define STORE_CHANGE_PRIV_H

#include "store/contact_priv.h"

/* {code, rev or where it moved}. false: of no known form. */
bool change_decode(const struct store_reply *r, struct change *out) must_check;

/* Merges run one at a time in all daemons: got(arg, fault) once the lock in {r} is held, BUSY where
 * it could not be had in time. token: 16 bytes of the holder, kept by the caller. */
struct merge_lock {
    struct store *s;
    struct id token;
    int tries;
    struct loop_timer *timer;
    store_ok_fn *got;
    void *arg;
};
void merge_lock_take(struct merge_lock *l, struct store *s, store_ok_fn *got, void *arg);
void merge_lock_drop(struct merge_lock *l);

#endif
