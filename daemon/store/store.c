/* store/store.c - opens and closes the room; what it says of itself. */
#include "store/store.h"

#include <errno.h>
#include <event2/dns.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/touchpoint.h>

#include "base/loop.h"
#include "store/store_priv.h"

static const struct tl_key embedded_keys[] = {
    {.name = "maxmemory",
     .type = TL_KEY_SIZE,
     .offset = offsetof(struct store_config, embedded.maxmemory_bytes) -
               offsetof(struct store_config, embedded),
     .min = 16 << 20,
     .max = (int64_t)1 << 44,
     .preset = "256MiB",
     .help = "memory of the embedded server; beyond it new touchpoints wait in the spool"},
    {0},
};
static const struct tl_key tls_keys[] = {
    {.name = "ca",
     .type = TL_KEY_PATH,
     .offset = offsetof(struct store_config, tls.ca) - offsetof(struct store_config, tls),
     .help = "certificates that vouch for the server; absent: the system's"},
    {0},
};
const struct tl_key store_keys[] = {
    {.name = "embedded",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct store_config, embedded),
     .sub = embedded_keys,
     .sub_bytes = sizeof(((struct store_config *)0)->embedded),
     .help = "a private redis-server child of the daemon; the default"},
    {.name = "server",
     .type = TL_KEY_STR,
     .offset = offsetof(struct store_config, server),
     .help = "redis://user@host:6379, rediss://… for TLS, or unix:PATH"},
    {.name = "password",
     .type = TL_KEY_SECRET,
     .offset = offsetof(struct store_config, password),
     .help = "of the server's user"},
    {.name = "tls",
     .type = TL_KEY_MAP,
     .offset = offsetof(struct store_config, tls),
     .sub = tls_keys,
     .sub_bytes = sizeof(((struct store_config *)0)->tls),
     .help = "how the server is verified"},
    {0},
};

/* This daemon's name in touchline:epoch, kept in DIR/node: one that lost its directory is another.
 */
static bool read_node(struct store *s, const char *dir, struct fault *f) {
    char path[4096];
    uint8_t random[16];
    struct str kept;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fault_sys(f, dir, "the store's folder cannot be made");
    if ((size_t)snprintf(path, sizeof path, "%s/node", dir) >= sizeof path)
        return fault_set(f, FAULT_SYSTEM, dir, "the path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_sys(f, path, "cannot be opened");
    ssize_t n = read(fd, s->node, sizeof s->node - 1);
    kept = str_make(s->node, n > 0 ? (size_t)n : 0);
    if (!hex_decode(kept, random, sizeof random)) {
        bytes_random(random, sizeof random);
        hex_encode(random, sizeof random, s->node);
        if (pwrite(fd, s->node, 32, 0) != 32 || ftruncate(fd, 32) != 0 || fsync(fd) != 0) {
            fault_sys(f, path, "cannot be written");
            close(fd);
            return false;
        }
    }
    close(fd);
    return true;
}

static bool tls_setup(struct store *s, struct str ca, struct fault *f) {
    cleanup(mem_freep) char *path = ca.n ? mem_dup(ca.p, ca.n) : NULL;
    s->tls = SSL_CTX_new(TLS_client_method());
    if (!s->tls)
        return fault_set(f, FAULT_SYSTEM, "store/tls", "TLS cannot be set up");
    SSL_CTX_set_min_proto_version(s->tls, TLS1_2_VERSION);
    SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER, NULL);
    int ok = path ? SSL_CTX_load_verify_locations(s->tls, path, NULL)
                  : SSL_CTX_set_default_verify_paths(s->tls);
    ERR_clear_error();
    return ok == 1 ||
           fault_set(f, FAULT_INPUT, "store/tls/ca", "no certificates can be read there");
}

static bool setup(struct store *s, const struct store_config *config, struct str url,
                  const char *dir, struct fault *f) {
    enum { MEMORY_DEFAULT = 256 << 20 };
    if (!url.n)
        url = config->server;
    if (!read_node(s, dir, f))
        return false;
    if (!url.n) {
        int64_t memory = config->embedded.maxmemory_bytes;
        s->address.is_unix = s->address.loopback = true;
        s->embedded = store_embedded_new(str_c(dir), memory ? memory : MEMORY_DEFAULT);
        return true;
    }
    if (!store_address_parse(&s->address, url, config->password, f))
        return false;
    if (s->address.tls && !tls_setup(s, config->tls.ca, f))
        return false;
    if (!s->address.is_unix) {
        int flags = EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE;
        s->dns = evdns_base_new(loop_base(s->loop), flags);
        if (!s->dns) /* no resolver here: numbers and /etc/hosts still work */
            s->dns = evdns_base_new(loop_base(s->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    }
    return true;
}

/* After the connections, whose names it may still be looking up. */
static void dns_free(void *dns) {
    evdns_base_free(dns, 0);
}

static void store_free(struct store *s) {
    store_client_drop(s);
    store_horizon_drop(s);
    if (s->dns)
        loop_reap(s->loop, s->dns, dns_free);
    SSL_CTX_free(s->tls);
    store_embedded_free(s->embedded);
    store_address_clear(&s->address);
    free(s->fingerprint);
    free(s->info);
    free(s);
}

bool store_open(struct loop *loop, const struct store_config *config, struct str url_override,
                struct str dir, struct str fingerprint, int64_t confirmed_epoch,
                const struct store_events *events, struct store **out, struct fault *f) {
    struct store *s = NEW(struct store);
    struct link *lists[] = {&s->flying,    &s->waiting,      &s->homeless,   &s->refused,
                            &s->followers, &s->durable_next, &s->durable_now};
    cleanup(mem_freep) char *folder = mem_dup(dir.p, dir.n);
    for (size_t i = 0; i < COUNT(lists); i++)
        link_init(lists[i]);
    s->loop = loop;
    s->state = STORE_STARTING;
    s->epoch_durable = confirmed_epoch;
    s->fingerprint = mem_dup(fingerprint.p, fingerprint.n);
    if (events)
        s->events = *events;
    if (!setup(s, config, url_override, folder, f)) {
        store_free(s);
        return false;
    }
    store_health_start(s);
    *out = s;
    return true;
}

void store_close(struct store *s) {
    if (!s)
        return;
    store_hub_free(s->hub);
    store_health_stop(s);
    store_free(s);
}

bool store_describe(const struct store *s, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "state", store_state_name(s->state));
    jwrite_c(&w, "why", s->why);
    jwrite_c(&w, "version", s->version);
    jwrite_int(&w, "memory", s->memory_bytes);
    jwrite_int(&w, "memory_max", s->memory_max_bytes);
    jwrite_int(&w, "epoch", s->epoch);
    jwrite_int(&w, "in_flight", (int64_t)(s->flying_n + s->waiting_n));
    jwrite_bool(&w, "embedded", s->embedded != NULL);
    jwrite_close(&w, '}');
    return w.ok;
}
