/* spool/ledger.c - open addressing; the keys are keyed hashes already, so their first bytes do. */
#include "spool/ledger.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

enum { ROOM_FIRST = 64 };

void ledger_clear(struct ledger *l) {
    free(l->slots);
    *l = (struct ledger){0};
}

static struct ledger_entry *slot_of(struct ledger_entry *slots, size_t room,
                                    const uint8_t identity[LEDGER_ID]) {
    uint64_t h;
    memcpy(&h, identity, sizeof h);
    for (size_t i = h & (room - 1);; i = (i + 1) & (room - 1))
        if (!slots[i].count || memcmp(slots[i].identity, identity, LEDGER_ID) == 0)
            return &slots[i];
}

static void grow(struct ledger *l) {
    size_t room = l->room ? l->room * 2 : ROOM_FIRST;
    struct ledger_entry *slots = mem_new(room * sizeof *slots);
    for (size_t i = 0; i < l->room; i++)
        if (l->slots[i].count)
            *slot_of(slots, room, l->slots[i].identity) = l->slots[i];
    free(l->slots);
    l->slots = slots;
    l->room = room;
}

void ledger_add(struct ledger *l, const uint8_t identity[LEDGER_ID], uint32_t count,
                int64_t at_ms) {
    if (!count)
        return;
    if ((l->n + 1) * 4 > l->room * 3)
        grow(l);
    struct ledger_entry *e = slot_of(l->slots, l->room, identity);
    if (!e->count) {
        memcpy(e->identity, identity, LEDGER_ID);
        e->last_ms = at_ms;
        l->n++;
    }
    e->count += count;
    if (at_ms > e->last_ms)
        e->last_ms = at_ms;
}

const struct ledger_entry *ledger_find(const struct ledger *l, const uint8_t identity[LEDGER_ID]) {
    if (!l->room)
        return NULL;
    const struct ledger_entry *e = slot_of(l->slots, l->room, identity);
    return e->count ? e : NULL;
}
