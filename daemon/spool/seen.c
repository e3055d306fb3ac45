/* spool/seen.c - the memory before the index of receipts. */
#include "spool/seen.h"

#include <stdlib.h>
#include <string.h>

#include "spool/db.h"

enum { FRESH_FIRST = 1024, FRESH_MAX = 32768, SLICE = 64 };

void seen_clear(struct seen *s) {
    free(s->fresh);
    free(s->sorted);
    free(s->adding);
    *s = (struct seen){0};
}

/* Keys are FNV's: its high bits are the better ones. */
static size_t start_of(int64_t key, size_t room) {
    return ((uint64_t)key >> 32 ^ (uint64_t)key) & (room - 1);
}

static void put(struct seen_entry *slots, size_t room, struct seen_entry e) {
    size_t i = start_of(e.key, room);
    while (slots[i].n)
        i = (i + 1) & (room - 1);
    slots[i] = e;
}

static void fresh_add(struct seen *s, struct seen_entry e) {
    if ((s->fresh_n + 1) * 2 > s->fresh_room) {
        size_t room = s->fresh_room ? s->fresh_room * 2 : FRESH_FIRST;
        struct seen_entry *grown = mem_new(room * sizeof *grown);
        for (size_t i = 0; i < s->fresh_room; i++)
            if (s->fresh[i].n)
                put(grown, room, s->fresh[i]);
        free(s->fresh);
        s->fresh = grown;
        s->fresh_room = room;
    }
    put(s->fresh, s->fresh_room, e);
    s->fresh_n++;
}

bool seen_load(struct seen *s, struct db *d, struct fault *f) {
    int64_t indexed = 0;
    seen_clear(s);
    if (!db_meta_get(d, "indexed", 0, &indexed, f))
        return false;
    sqlite3_stmt *st = db_statement(d, SQL_SEEN_LATE, f);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, indexed);
    enum db_step step;
    while ((step = db_step(d, st, f)) == DB_ROW)
        fresh_add(s, (struct seen_entry){.n = sqlite3_column_int64(st, 0),
                                         .key = db_key(db_column(st, 1))});
    return step == DB_END;
}

void seen_add(struct seen *s, int64_t key, int64_t n) {
    if (s->adding_n == s->adding_room) {
        s->adding_room = s->adding_room ? s->adding_room * 2 : SLICE;
        s->adding = mem_grow(s->adding, s->adding_room * sizeof *s->adding);
    }
    s->adding[s->adding_n++] = (struct seen_entry){.key = key, .n = n};
}

/* A growing list in an arena. */
struct found {
    struct arena *arena;
    int64_t *items;
    size_t n, room;
};

static void found_add(struct found *l, int64_t n) {
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 8;
        int64_t *grown = arena_new(l->arena, room * sizeof *grown);
        if (l->n)
            memcpy(grown, l->items, l->n * sizeof *grown);
        l->items = grown;
        l->room = room;
    }
    l->items[l->n++] = n;
}

/* First of the sorted ones whose key is not below. */
static size_t lower_bound(const struct seen *s, int64_t key) {
    size_t low = s->sorted_at, high = s->sorted_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->sorted[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_in_memory(const struct seen *s, int64_t key, struct found *out) {
    for (size_t i = 0; i < s->adding_n; i++)
        if (s->adding[i].key == key)
            found_add(out, s->adding[i].n);
    if (s->fresh_room)
        for (size_t i = start_of(key, s->fresh_room); s->fresh[i].n;
             i = (i + 1) & (s->fresh_room - 1))
            if (s->fresh[i].key == key)
                found_add(out, s->fresh[i].n);
    for (size_t i = lower_bound(s, key); i < s->sorted_n && s->sorted[i].key == key; i++)
        found_add(out, s->sorted[i].n);
}

bool seen_find(const struct seen *s, struct db *d, int64_t key, struct arena *a, int64_t **out,
               size_t *out_n, struct fault *f) {
    struct found found = {.arena = a};
    find_in_memory(s, key, &found);
    if (d) {
        sqlite3_stmt *st = db_statement(d, SQL_SEEN_FIND, f);
        if (!st)
            return false;
        sqlite3_bind_int64(st, 1, key);
        enum db_step step;
        while ((step = db_step(d, st, f)) == DB_ROW)
            found_add(&found, sqlite3_column_int64(st, 0));
        if (step == DB_FAILED)
            return false;
    }
    *out = found.items;
    *out_n = found.n;
    return true;
}

static int by_key(const void *a, const void *b) {
    const struct seen_entry *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->n < y->n ? -1 : x->n > y->n;
}

/* What is fresh becomes the next to be folded. */
static void turn(struct seen *s) {
    free(s->sorted);
    s->sorted = mem_new(s->fresh_n * sizeof *s->sorted);
    s->sorted_n = s->sorted_at = 0;
    for (size_t i = 0; i < s->fresh_room; i++)
        if (s->fresh[i].n)
            s->sorted[s->sorted_n++] = s->fresh[i];
    qsort(s->sorted, s->sorted_n, sizeof *s->sorted, by_key);
    memset(s->fresh, 0, s->fresh_room * sizeof *s->fresh);
    s->fresh_n = 0;
}

static bool fold_one(struct db *d, const struct seen_entry *e, struct fault *f) {
    sqlite3_stmt *st = db_statement(d, SQL_SEEN_ADD, f);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, e->key);
    sqlite3_bind_int64(st, 2, e->n);
    return db_run(d, st, f);
}

/* The last slice: all rows up to the newest of them are in the table. */
static bool note_indexed(const struct seen *s, struct db *d, struct fault *f) {
    int64_t last = 0;
    for (size_t i = 0; i < s->sorted_n; i++)
        if (s->sorted[i].n > last)
            last = s->sorted[i].n;
    return db_meta_set(d, "indexed", last, f);
}

bool seen_fold(struct seen *s, struct db *d, struct fault *f) {
    if (s->sorted_at == s->sorted_n && s->fresh_n >= FRESH_MAX) {
        turn(s);
        s->folded_to = 0;
    }
    if (s->sorted_at == s->sorted_n)
        return true;
    int64_t oldest = 0; /* rows before it have outlived their time and stay out */
    if (!db_number(d, SQL_RECEIPTS_OLDEST, 0, &oldest, f))
        return false;
    /* Twice as many as come in, so that it is done before the next turn. */
    size_t slice = s->adding_n * 2 > SLICE ? s->adding_n * 2 : SLICE;
    for (; slice && s->folded_to < s->sorted_n; slice--, s->folded_to++)
        if (s->sorted[s->folded_to].n >= oldest && !fold_one(d, &s->sorted[s->folded_to], f))
            return false;
    return s->folded_to < s->sorted_n || note_indexed(s, d, f);
}

void seen_settle(struct seen *s, bool committed) {
    if (committed) {
        for (size_t i = 0; i < s->adding_n; i++)
            fresh_add(s, s->adding[i]);
        s->sorted_at = s->folded_to;
        if (s->sorted_at == s->sorted_n) {
            free(s->sorted);
            s->sorted = NULL;
            s->sorted_n = s->sorted_at = s->folded_to = 0;
        }
    }
    s->adding_n = 0;
    s->folded_to = s->sorted_at;
}
