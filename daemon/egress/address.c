/* egress/address.c - the guard against requests into our own network (SSRF), by table.
 *
 * IPv4: everything but what the IANA special-purpose registry sets apart. IPv6: nothing but
 * 2000::/3, and of that not what is set apart.
 */
#include "egress/address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include <touchline/kit/own.h>

static const struct {
    uint8_t prefix[4];
    unsigned bits;
} v4_apart[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* carrier-grade NAT */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local, metadata services */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 31, 196}, 24}, /* AS112 */
    {{192, 52, 193}, 24}, /* AMT */
    {{192, 88, 99}, 24},  /* 6to4 relays */
    {{192, 168}, 16},     /* private */
    {{192, 175, 48}, 24}, /* AS112 */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved, broadcast */
};

static const struct {
    uint8_t prefix[16];
    unsigned bits;
} v6_apart[] = {
    {{0x20, 0x01, 0x00}, 23},             /* protocol assignments, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},       /* documentation */
    {{0x20, 0x02}, 16},                   /* 6to4 */
    {{0x26, 0x20, 0, 0x4f, 0x80, 0}, 48}, /* AS112 */
    {{0x3f, 0xff, 0x00}, 20},             /* documentation */
};

static const uint8_t v6_global[16] = {0x20};                              /* 2000::/3 */
static const uint8_t v6_mapped[16] = {[10] = 0xff, [11] = 0xff};          /* ::ffff:0:0/96 */
static const uint8_t v6_nat64[16] = {[1] = 0x64, [2] = 0xff, [3] = 0x9b}; /* 64:ff9b::/96 */

static bool in_prefix(const uint8_t *a, const uint8_t *prefix, unsigned bits) {
    if (memcmp(a, prefix, bits / 8) != 0)
        return false;
    unsigned rest = bits % 8;
    return !rest || (a[bits / 8] ^ prefix[bits / 8]) >> (8 - rest) == 0;
}

static bool v4_public(const uint8_t *a) {
    for (size_t i = 0; i < COUNT(v4_apart); i++)
        if (in_prefix(a, v4_apart[i].prefix, v4_apart[i].bits))
            return false;
    return true;
}

static bool v6_public(const uint8_t *a) {
    if (in_prefix(a, v6_mapped, 96) || in_prefix(a, v6_nat64, 96))
        return v4_public(a + 12);
    if (!in_prefix(a, v6_global, 3))
        return false;
    for (size_t i = 0; i < COUNT(v6_apart); i++)
        if (in_prefix(a, v6_apart[i].prefix, v6_apart[i].bits))
            return false;
    return true;
}

bool address_public(const struct sockaddr *addr) {
    if (addr->sa_family == AF_INET)
        return v4_public(
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)addr)->sin_addr);
    if (addr->sa_family == AF_INET6)
        return v6_public(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr);
    return false;
}
