/* kit/arena.c - memory freed whole: a chain of blocks, handed out from the newest one. */
#include <touchline/kit/arena.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_FIRST = 1024, BLOCK_MAX = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, room;
    max_align_t bytes[];
};

void arena_init(struct arena *a) {
    *a = (struct arena){0};
}

void arena_clear(struct arena *a) {
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    arena_init(a);
}

static struct arena_block *block_add(struct arena *a, size_t need) {
    size_t room = a->blocks ? a->blocks->room * 2 : BLOCK_FIRST;
    if (room > BLOCK_MAX)
        room = BLOCK_MAX;
    if (room < need)
        room = need;
    struct arena_block *b = mem_new(sizeof *b + room);
    b->room = room;
    b->next = a->blocks;
    a->blocks = b;
    a->used_bytes += sizeof *b + room;
    return b;
}

void *arena_new(struct arena *a, size_t bytes) {
    const size_t align = _Alignof(max_align_t) - 1;
    assert(bytes <= SIZE_MAX / 4);
    bytes = (bytes + align) & ~align;
    struct arena_block *b = a->blocks;
    if (!b || bytes > b->room - b->used)
        b = block_add(a, bytes);
    void *p = (char *)b->bytes + b->used;
    b->used += bytes;
    return p;
}

struct str arena_str(struct arena *a, struct str s) {
    if (!s.p)
        return s;
    char *p = arena_new(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return str_make(p, s.n);
}

struct str arena_strf(struct arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(n >= 0);
    char *p = arena_new(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return str_make(p, (size_t)n);
}
