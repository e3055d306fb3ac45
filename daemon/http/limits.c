/* http/limits.c - see limits.h: a hash table of clients with intrusive chains. */
#include "http/limits.h"

#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/list.h>
#include <touchline/kit/own.h>

#include "http/address.h"

enum { CHAINS = 1024, WINDOW_MS = 1000 };

struct client {
    struct link chain;
    struct link spare; /* in clients.spares while it has no connection */
    uint8_t key[16];
    int64_t connections;
    int64_t window_ms; /* when the second of `wrong` began */
    unsigned wrong;
};

struct clients {
    struct link chains[CHAINS];
    struct link spares; /* longest unused first */
    size_t spares_n;
};

struct clients *clients_new(void) {
    struct clients *t = NEW(struct clients);
    for (size_t i = 0; i < CHAINS; i++)
        link_init(&t->chains[i]);
    link_init(&t->spares);
    return t;
}

static void client_free(struct client *c) {
    link_remove(&c->chain);
    link_remove(&c->spare);
    free(c);
}

void clients_free(struct clients *t) {
    if (!t)
        return;
    for (size_t i = 0; i < CHAINS; i++)
        list_each (it, &t->chains[i])
            client_free(container_of(it, struct client, chain));
    free(t);
}

static struct link *chain_of(struct clients *t, const uint8_t key[16]) {
    return &t->chains[hash64(str_make((const char *)key, 16)) % CHAINS];
}

static struct client *find(struct clients *t, const struct address *a) {
    uint8_t key[16];
    address_client(a, key);
    list_each (it, chain_of(t, key)) {
        struct client *c = container_of(it, struct client, chain);
        if (memcmp(c->key, key, sizeof key) == 0)
            return c;
    }
    return NULL;
}

static void spare(struct clients *t, struct client *c) {
    list_push(&t->spares, &c->spare);
    if (++t->spares_n > LIMITS_REMEMBERED) {
        client_free(container_of(list_first(&t->spares), struct client, spare));
        t->spares_n--;
    }
}

static void unspare(struct clients *t, struct client *c) {
    if (link_alone(&c->spare))
        return;
    link_remove(&c->spare);
    t->spares_n--;
}

/* A new entry in its chain, neither connected nor spare. */
static struct client *add(struct clients *t, const struct address *a) {
    struct client *c = NEW(struct client);
    link_init(&c->spare);
    address_client(a, c->key);
    list_push(chain_of(t, c->key), &c->chain);
    return c;
}

struct client *clients_connect(struct clients *t, const struct address *a, int64_t most) {
    struct client *c = find(t, a);
    if (c && most > 0 && c->connections >= most)
        return NULL;
    if (!c)
        c = add(t, a);
    unspare(t, c);
    c->connections++;
    return c;
}

void clients_disconnect(struct clients *t, struct client *c) {
    if (!c || --c->connections > 0)
        return;
    if (c->wrong)
        spare(t, c);
    else
        client_free(c);
}

bool clients_blocked(struct clients *t, const struct address *a, int64_t now_ms) {
    struct client *c = find(t, a);
    return c && c->wrong >= LIMITS_WRONG_A_SECOND && now_ms - c->window_ms < WINDOW_MS;
}

void clients_wrong_token(struct clients *t, const struct address *a, int64_t now_ms) {
    struct client *c = find(t, a);
    if (!c)
        spare(t, c = add(t, a));
    if (now_ms - c->window_ms >= WINDOW_MS) {
        c->window_ms = now_ms;
        c->wrong = 0;
    }
    c->wrong++;
}
