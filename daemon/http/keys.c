/* http/keys.c - the keys of `listen` and `limits`, and what no table can check of them. */
#include "config/config.h"
#include "http/http_priv.h"

#define LISTEN(member) offsetof(struct listen_config, member)
#define LIMITS(member) offsetof(struct limits_config, member)

static const struct tl_key tls_keys[] = {
    {.name = "certificate",
     .type = TL_KEY_PATH,
     .flags = TL_KEY_REQUIRED,
     .offset = LISTEN(tls.certificate) - LISTEN(tls),
     .help = "PEM file with the certificate and its chain"},
    {.name = "key",
     .type = TL_KEY_SECRET,
     .flags = TL_KEY_REQUIRED,
     .offset = LISTEN(tls.key) - LISTEN(tls),
     .max = 65536,
     .help = "the certificate's key, PEM"},
    {.name = NULL},
};

const struct tl_key listen_keys[] = {
    {.name = "address",
     .type = TL_KEY_ADDRESS,
     .flags = TL_KEY_REQUIRED | TL_KEY_UNIQUE,
     .offset = LISTEN(address),
     .help = "where to listen: HOST:PORT, [::1]:PORT or unix:PATH"},
    {.name = "serve",
     .type = TL_KEY_STRS,
     .offset = LISTEN(serve),
     .help = "public: /forms /hooks /cdr; api: all the rest; absent: both"},
    {.name = "tls",
     .type = TL_KEY_MAP,
     .offset = LISTEN(tls),
     .sub = tls_keys,
     .sub_bytes = sizeof((struct listen_config *)0)->tls,
     .help = "speak TLS here"},
    {.name = "hosts",
     .type = TL_KEY_STRS,
     .offset = LISTEN(hosts),
     .help = "names this listener answers to, others get 421; absent: any"},
    {.name = "trusted_proxies",
     .type = TL_KEY_STRS,
     .offset = LISTEN(trusted_proxies),
     .help = "addresses or networks whose X-Forwarded-For counts (its last hop)"},
    {.name = NULL},
};

const struct tl_key limits_keys[] = {
    {.name = "connections",
     .type = TL_KEY_INT,
     .offset = LIMITS(connections),
     .min = 1,
     .max = 1000000,
     .preset = "8192",
     .help = "open connections in all; further ones are closed at once"},
    {.name = "per_address",
     .type = TL_KEY_INT,
     .offset = LIMITS(per_address),
     .min = 0,
     .max = 1000000,
     .preset = "64",
     .help = "open connections of one IPv4 address or IPv6 /64; 0: no cap"},
    {.name = "header",
     .type = TL_KEY_SIZE,
     .offset = LIMITS(header_bytes),
     .min = 1024,
     .max = 1 << 20,
     .preset = "16KiB",
     .help = "request line and headers together; more gets 431"},
    {.name = "body",
     .type = TL_KEY_SIZE,
     .offset = LIMITS(body_bytes),
     .min = 1024,
     .max = 1 << 30,
     .preset = "25MiB",
     .help = "largest body of a request; more gets 413"},
    {.name = "streams_per_agent",
     .type = TL_KEY_INT,
     .offset = LIMITS(streams_per_agent),
     .min = 0,
     .max = 1000,
     .preset = "5",
     .help = "event streams one agent may hold; 0: no cap"},
    {.name = "correspondent",
     .type = TL_KEY_RATE,
     .offset = LIMITS(correspondent),
     .preset = "30/1h",
     .help = "mails of one person that make tasks or are acknowledged; those beyond it are kept on "
             "the timeline, tagged flood"},
    {.name = NULL},
};

static void check_serve(const struct listen_config *l, struct config_check *c) {
    for (size_t i = 0; i < l->serve.n; i++)
        if (!str_is(l->serve.items[i], "api") && !str_is(l->serve.items[i], "public"))
            config_check_fault(c, &l->serve.items[i], "serve is a list of api and public");
}

static void check_names(const struct listen_config *l, struct config_check *c) {
    for (size_t i = 0; i < l->hosts.n; i++)
        if (!host_check(l->hosts.items[i]))
            config_check_fault(c, &l->hosts.items[i],
                               "a host is a name or an address, with :PORT or not");
    struct network net;
    for (size_t i = 0; i < l->trusted_proxies.n; i++)
        if (!network_parse(l->trusted_proxies.items[i], &net))
            config_check_fault(c, &l->trusted_proxies.items[i],
                               "a proxy is an address, a network like 10.0.0.0/8, or local");
}

void listen_check(const void *section, struct config_check *c) {
    const struct tl_items *all = section;
    const struct listen_config *l = all->items;
    for (size_t i = 0; i < all->n; i++) {
        check_serve(&l[i], c);
        check_names(&l[i], c);
    }
}
