/* ingest/lanes.c - see lanes.h. A lane lives as long as a seat is taken in it. */
#include "ingest/lanes.h"

#include <stdlib.h>

struct lane {
    struct id key;
    struct link seats;
};

static struct str key_of(const struct lane *l) {
    return str_make((const char *)l->key.b, ID_BYTES);
}

void lanes_clear(struct lanes *l) {
    assert(l->map.n == 0);
    map_clear(&l->map);
}

void lane_take(struct lanes *l, struct id key, struct seat *s, void *owner) {
    struct lane *lane = map_get(&l->map, str_make((const char *)key.b, ID_BYTES));
    if (!lane) {
        lane = NEW(struct lane);
        lane->key = key;
        link_init(&lane->seats);
        map_put(&l->map, key_of(lane), lane);
    }
    s->lane = lane;
    s->owner = owner;
    link_init(&s->link);
    list_push(&lane->seats, &s->link);
}

bool lane_first(const struct seat *s) {
    return !s->lane || list_first(&s->lane->seats) == &s->link;
}

void *lane_leave(struct lanes *l, struct seat *s) {
    struct lane *lane = s->lane;
    if (!lane)
        return NULL;
    s->lane = NULL;
    link_remove(&s->link);
    struct link *next = list_first(&lane->seats);
    if (next)
        return container_of(next, struct seat, link)->owner;
    map_take(&l->map, key_of(lane));
    free(lane);
    return NULL;
}
