/* spool/record.c - memory of one record. */
#include "spool/record.h"

#include <stdlib.h>

struct record *record_new(enum record_kind kind) {
    struct record *r = NEW(struct record);
    link_init(&r->link);
    arena_init(&r->arena);
    r->kind = kind;
    return r;
}

void record_free(struct record *r) {
    if (!r)
        return;
    link_remove(&r->link);
    arena_clear(&r->arena);
    free(r);
}

struct str record_keep(struct record *r, struct str s) {
    return arena_str(&r->arena, s);
}
