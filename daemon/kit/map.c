/* kit/map.c - open addressing, linear, at most three quarters full. */
#include <touchline/kit/map.h>

#include <stdlib.h>

#include <touchline/kit/hash.h>

enum { ROOM_FIRST = 16 };

static size_t home(const struct map *m, uint64_t hash) {
    return (size_t)hash & (m->room - 1);
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash) {
    if (m->room == 0)
        return NULL;
    size_t at = home(m, hash);
    while (m->slots[at].value) {
        if (m->slots[at].hash == hash && str_eq(m->slots[at].key, key))
            return &m->slots[at];
        at = (at + 1) & (m->room - 1);
    }
    return NULL;
}

static void place(struct map *m, struct map_slot slot) {
    size_t at = home(m, slot.hash);
    while (m->slots[at].value)
        at = (at + 1) & (m->room - 1);
    m->slots[at] = slot;
}

static void grow(struct map *m) {
    struct map old = *m;
    m->room = old.room ? old.room * 2 : ROOM_FIRST;
    m->slots = mem_new(m->room * sizeof *m->slots);
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].value)
            place(m, old.slots[i]);
    free(old.slots);
}

void map_clear(struct map *m) {
    free(m->slots);
    *m = (struct map){0};
}

void *map_get(const struct map *m, struct str key) {
    struct map_slot *slot = find(m, key, m->room ? hash64(key) : 0);
    return slot ? slot->value : NULL;
}

void map_put(struct map *m, struct str key, void *value) {
    assert(value);
    uint64_t hash = hash64(key);
    struct map_slot *slot = find(m, key, hash);
    if (slot) {
        slot->key = key;
        slot->value = value;
        return;
    }
    if ((m->n + 1) * 4 > m->room * 3)
        grow(m);
    place(m, (struct map_slot){.key = key, .hash = hash, .value = value});
    m->n++;
}

void *map_take(struct map *m, struct str key) {
    struct map_slot *slot = find(m, key, m->room ? hash64(key) : 0);
    if (!slot)
        return NULL;
    void *value = slot->value;
    size_t hole = (size_t)(slot - m->slots), mask = m->room - 1;
    /* Whatever stands behind the hole and would be looked for at or before it moves into it. */
    for (size_t at = (hole + 1) & mask; m->slots[at].value; at = (at + 1) & mask) {
        if (((at - home(m, m->slots[at].hash)) & mask) >= ((at - hole) & mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    m->n--;
    return value;
}

void *map_next(const struct map *m, size_t *at) {
    while (*at < m->room) {
        void *value = m->slots[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
