/* spool/ledger.h - the erasures, in memory: identity (keyed hash of 16 bytes) to count and time.
 * Loop thread only; loaded at open, kept up by what the writer committed. */
#ifndef SPOOL_LEDGER_H
#define SPOOL_LEDGER_H

#include <stddef.h>
#include <stdint.h>

enum { LEDGER_ID = 16 };

struct ledger_entry {
    uint8_t identity[LEDGER_ID];
    uint32_t count; /* 0: slot is free */
    int64_t last_ms;
};
struct ledger {
    struct ledger_entry *slots;
    size_t n, room; /* room is a power of two, at most three quarters full */
};

void ledger_clear(struct ledger *l);
/* Adds so many erasures. */
void ledger_add(struct ledger *l, const uint8_t identity[LEDGER_ID], uint32_t count, int64_t at_ms);
/* NULL: never erased. */
const struct ledger_entry *ledger_find(const struct ledger *l, const uint8_t identity[LEDGER_ID]);

#endif
