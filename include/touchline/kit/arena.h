/* kit/arena.h - memory of one request or one record, freed whole.
 *
 * Meant for sizes we chose; a length from input is checked by the caller before it gets here.
 */
#ifndef TOUCHLINE_KIT_ARENA_H
#define TOUCHLINE_KIT_ARENA_H

#include <stddef.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used_bytes; /* of all blocks, for caps */
};

void arena_init(struct arena *a);
void arena_clear(struct arena *a);
void *arena_new(struct arena *a, size_t bytes); /* zeroed, aligned for anything */
struct str arena_str(struct arena *a,
                     struct str s); /* copy with a NUL after it; absent stays absent */
struct str arena_strf(struct arena *a, const char *format, ...) printf_like(2, 3);

#endif
