/* http/auth.c - see auth.h. */
#include "http/auth.h"

#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/map.h>

#include "http/http.h"

struct entry {
    uint64_t hash[SHA256_BYTES / sizeof(uint64_t)];
    struct http_who who;
};

struct auth {
    unsigned refs;
    struct arena arena;
    struct entry *entries;
    size_t n;
    struct map agents; /* id to struct http_who, for sessions */
};

static void add_token(struct auth *a, struct str token, const struct http_who *who) {
    if (!token.n)
        return;
    struct entry *e = &a->entries[a->n++];
    uint8_t hash[SHA256_BYTES];
    sha256(token, hash);
    memcpy(e->hash, hash, sizeof hash);
    e->who = *who;
}

static const struct tl_strs *channels_copy(struct arena *arena, const struct tl_strs *from) {
    if (!from->n)
        return NULL;
    struct str *items = arena_new(arena, from->n * sizeof *items);
    for (size_t i = 0; i < from->n; i++)
        items[i] = arena_str(arena, from->items[i]);
    struct tl_strs *copy = arena_new(arena, sizeof *copy);
    *copy = (struct tl_strs){.items = items, .n = from->n};
    return copy;
}

static void add_tokens(struct auth *a, const struct tl_items *tokens) {
    const struct token_config *t = tokens->items;
    for (size_t i = 0; i < tokens->n; i++) {
        struct http_who who = {
            .role = token_role(&t[i]),
            .name = arena_str(&a->arena, t[i].name),
            .trusted = t[i].trust == 1,
            .channels = channels_copy(&a->arena, &t[i].channels),
        };
        add_token(a, t[i].token, &who);
    }
}

static void add_agents(struct auth *a, const struct tl_items *agents) {
    const struct agent_config *g = agents->items;
    for (size_t i = 0; i < agents->n; i++) {
        struct http_who *who = arena_new(&a->arena, sizeof *who);
        who->role = g[i].role == 1 ? ROLE_SUPERVISOR : ROLE_AGENT;
        who->name = arena_str(&a->arena, g[i].id);
        map_put(&a->agents, who->name, who);
        add_token(a, g[i].token, who);
    }
}

struct auth *auth_new(const struct tl_items *tokens, const struct tl_items *agents) {
    struct auth *a = NEW(struct auth);
    a->refs = 1;
    size_t most = (tokens ? tokens->n : 0) + (agents ? agents->n : 0);
    a->entries = mem_new((most + 1) * sizeof *a->entries);
    if (tokens)
        add_tokens(a, tokens);
    if (agents)
        add_agents(a, agents);
    return a;
}

struct auth *auth_ref(struct auth *a) {
    a->refs++;
    return a;
}

void auth_unref(struct auth *a) {
    if (!a || --a->refs)
        return;
    map_clear(&a->agents);
    arena_clear(&a->arena);
    free(a->entries);
    free(a);
}

bool auth_find(const struct auth *a, const uint8_t token_hash[32], struct http_who *out) {
    uint64_t wanted[SHA256_BYTES / sizeof(uint64_t)];
    memcpy(wanted, token_hash, sizeof wanted);
    size_t found = a->n;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t differs = 0;
        for (size_t k = 0; k < COUNT(wanted); k++)
            differs |= a->entries[i].hash[k] ^ wanted[k];
        /* 0 becomes all ones, anything else 0, without a branch */
        size_t same = (size_t)(((differs | (0 - differs)) >> 63) - 1);
        found = (found & ~same) | (i & same);
    }
    if (found == a->n)
        return false;
    *out = a->entries[found].who;
    return true;
}

bool auth_agent(const struct auth *a, struct str id, struct http_who *out) {
    const struct http_who *who = map_get(&a->agents, id);
    if (!who)
        return false;
    *out = *who;
    return true;
}
