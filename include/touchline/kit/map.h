/* kit/map.h - a table from strings to pointers.
 *
 * Open addressing with backward shift, so removal leaves no graves. Keys are borrowed: they lie in
 * what the value points to and live as long as they stand here. Walking is in no order that means
 * anything; whoever needs one that does keeps a list beside it.
 */
#ifndef TOUCHLINE_KIT_MAP_H
#define TOUCHLINE_KIT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/own.h>
#include <touchline/str.h>

struct map_slot {
    struct str key;
    uint64_t hash;
    void *value; /* NULL: free */
};

/* A zeroed map is an empty one. */
struct map {
    struct map_slot *slots;
    size_t room, n;
};

void map_clear(struct map *m); /* frees the table, not the values */
void *map_get(const struct map *m, struct str key);
/* Puts or replaces; value is not NULL. */
void map_put(struct map *m, struct str key, void *value);
/* Takes it out and returns it; NULL: was not there. */
void *map_take(struct map *m, struct str key);
/* Walks: *at begins at 0; NULL at the end. Nothing may be put or taken meanwhile. */
void *map_next(const struct map *m, size_t *at);

#endif
