/* store/reply.c - replies as hiredis's reader meets them, built as struct store_reply.
 *
 * One arena a reply, freed whole. Bounded: a server that announces more than we would hold is
 * treated as out of memory, which ends the connection.
 */
#include "store/store_priv.h"

#include <hiredis/read.h>
#include <stdlib.h>

#include <touchline/kit/arena.h>

enum { ITEMS_MAX = 1 << 18, REPLY_BYTES_MAX = 256 << 20 };

struct root {
    struct store_reply reply;
    struct arena arena;
};

static struct root *root_of(const redisReadTask *t) {
    while (t->parent)
        t = t->parent;
    return container_of(t->obj, struct root, reply);
}

/* Where the reply of this task stands: a new root, or its place in the array above it. NULL: too
 * large with `bytes` more. */
static struct store_reply *slot(const redisReadTask *t, size_t bytes, struct arena **out_arena) {
    struct store_reply *r;
    struct root *root;
    if (t->parent) {
        root = root_of(t->parent);
        r = (struct store_reply *)((struct store_reply *)t->parent->obj)->items + t->idx;
    } else {
        root = NEW(struct root);
        r = &root->reply;
    }
    if (root->arena.used_bytes + bytes > REPLY_BYTES_MAX) {
        if (!t->parent)
            free(root);
        return NULL;
    }
    *out_arena = &root->arena;
    return r;
}

static void *make_string(const redisReadTask *t, char *p, size_t n) {
    struct arena *arena;
    struct store_reply *r = slot(t, n, &arena);
    if (!r)
        return NULL;
    r->type = t->type == REDIS_REPLY_ERROR    ? STORE_ERROR
              : t->type == REDIS_REPLY_STATUS ? STORE_STATUS
                                              : STORE_STR;
    r->str = arena_str(arena, str_make(p, n));
    return r;
}

static void *make_array(const redisReadTask *t, int elements) {
    struct arena *arena;
    if (elements < 0 || elements > ITEMS_MAX)
        return NULL;
    struct store_reply *r = slot(t, (size_t)elements * sizeof *r, &arena);
    if (!r)
        return NULL;
    r->type = STORE_ARRAY;
    r->n = (size_t)elements;
    r->items = elements ? arena_new(arena, (size_t)elements * sizeof *r) : NULL;
    return r;
}

static void *make_integer(const redisReadTask *t, long long v) {
    struct arena *arena;
    struct store_reply *r = slot(t, 0, &arena);
    if (!r)
        return NULL;
    r->type = STORE_INT;
    r->integer = v;
    return r;
}

static void *make_nil(const redisReadTask *t) {
    struct arena *arena;
    return slot(t, 0, &arena); /* zeroed: STORE_NIL */
}

void store_reply_free(void *reply) {
    if (!reply)
        return;
    struct root *root = container_of(reply, struct root, reply);
    arena_clear(&root->arena);
    free(root);
}

struct redisReader *store_reader_new(void) {
    static redisReplyObjectFunctions functions = {make_string, make_array, make_integer, make_nil,
                                                  store_reply_free};
    redisReader *r = redisReaderCreateWithFunctions(&functions);
    if (!r)
        abort();
    r->maxbuf = 256 * 1024;
    return r;
}
