/* imap_operate.c - reconcile and backfill. */
#include "imap.h"

bool imap_operate(struct imap *i, struct tl_operation *op, const struct tl_operate *what) {
    (void)i, (void)op, (void)what;
    return false;
}
