/* ingest/lanes.h - who goes first: records that touch the same person, or the same id, one after
 * the other.
 *
 * A lane is a key; whoever takes a seat in it waits until all who took theirs before have left. A
 * record takes all its seats in one turn, in the order of the spool, so no two can wait for each
 * other.
 */
#ifndef INGEST_LANES_H
#define INGEST_LANES_H

#include <stdbool.h>

#include <touchline/kit/list.h>
#include <touchline/kit/map.h>

#include "touchpoint/id.h"

struct lanes {
    struct map map; /* of struct lane */
};

struct lane;
struct seat {
    struct link link;  /* in its lane */
    struct lane *lane; /* NULL: none taken */
    void *owner;
};

/* A zeroed struct lanes is an empty one; at its end all seats must have been left. */
void lanes_clear(struct lanes *l);
void lane_take(struct lanes *l, struct id key, struct seat *s, void *owner);
bool lane_first(const struct seat *s); /* also where none was taken */
/* Returns the owner of the seat that is first now, or NULL. Leaving twice is harmless. */
void *lane_leave(struct lanes *l, struct seat *s);

#endif
