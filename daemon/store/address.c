/* store/address.c - where the server is: redis://, rediss:// or unix:PATH, as an operator writes
 * it. */
#include "store/store_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>

enum { PORT_DEFAULT = 6379, PART_MAX = 512 };

/* Percent-decoded copy with a NUL. NULL: empty, too long, a NUL inside or a bad escape. */
static char *unescape(struct str s) {
    if (!s.n || s.n > PART_MAX)
        return NULL;
    char *out = mem_dup(s.p, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c == '%') {
            if (i + 2 >= s.n || !hex_decode(str_make(s.p + i + 1, 2), &c, 1))
                c = 0;
            i += 2;
        }
        if (!c) {
            free(out);
            return NULL;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return out;
}

static bool read_port(struct str s, uint16_t *out) {
    uint32_t v = 0;
    if (!s.n || s.n > 5)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    *out = (uint16_t)v;
    return v > 0 && v < 65536;
}

static bool is_loopback(const char *host) {
    return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "::1");
}

static bool read_userinfo(struct store_address *a, struct str info, struct fault *f) {
    struct str user = str_cut(&info, ':');
    if (user.n && !(a->user = unescape(user)))
        return fault_set(f, FAULT_INPUT, "store/server", "the user's name is not readable");
    if (info.n && !(a->password = unescape(info)))
        return fault_set(f, FAULT_INPUT, "store/server", "the password is not readable");
    return true;
}

static bool read_host(struct store_address *a, struct str host, struct fault *f) {
    struct str port = STR_NONE;
    if (host.n && host.p[0] == '[') {
        struct str inner = str_from(host, 1);
        if (str_find(inner, ']') < 0)
            return fault_set(f, FAULT_INPUT, "store/server", "a [ without its ]");
        host = str_cut(&inner, ']');
        if (inner.n && inner.p[0] == ':')
            port = str_from(inner, 1);
        else if (inner.n)
            return fault_set(f, FAULT_INPUT, "store/server", "after ] only :PORT may stand");
    } else {
        port = host;
        host = str_cut(&port, ':');
    }
    if (!host.n || host.n > 253)
        return fault_set(f, FAULT_INPUT, "store/server", "no host is named");
    a->port = PORT_DEFAULT;
    if (port.n && !read_port(port, &a->port))
        return fault_set(f, FAULT_INPUT, "store/server", "the port must be 1 to 65535");
    a->host = mem_dup(host.p, host.n);
    if (strlen(a->host) != host.n)
        return fault_set(f, FAULT_INPUT, "store/server", "the host is not readable");
    a->loopback = is_loopback(a->host);
    return true;
}

static bool read_url(struct store_address *a, struct str url, struct fault *f) {
    if (str_starts(url, str_c("unix:"))) {
        struct str path = str_from(url, 5);
        if (str_starts(path, str_c("//")))
            path = str_from(path, 2);
        a->is_unix = a->loopback = true;
        a->path = unescape(path);
        return a->path || fault_set(f, FAULT_INPUT, "store/server", "unix: needs a path");
    }
    if (str_starts(url, str_c("rediss://")))
        a->tls = true;
    else if (!str_starts(url, str_c("redis://")))
        return fault_set(f, FAULT_INPUT, "store/server",
                         "must begin with redis://, rediss:// or unix:");
    struct str database = str_from(url, a->tls ? 9 : 8);
    struct str place = str_cut(&database, '/');
    if (database.n && !str_is(database, "0"))
        return fault_set(f, FAULT_INPUT, "store/server", "only database 0 can be used");
    const char *at = place.n ? memrchr(place.p, '@', place.n) : NULL;
    if (at) {
        size_t n = (size_t)(at - place.p);
        if (!read_userinfo(a, str_upto(place, n), f))
            return false;
        place = str_from(place, n + 1);
    }
    return read_host(a, place, f);
}

bool store_address_parse(struct store_address *a, struct str url, struct str password,
                         struct fault *f) {
    *a = (struct store_address){0};
    if (!read_url(a, url, f)) {
        store_address_clear(a);
        return false;
    }
    if (password.n) {
        free(a->password);
        a->password = mem_dup(password.p, password.n);
    }
    return true;
}

void store_address_clear(struct store_address *a) {
    free(a->path);
    free(a->host);
    free(a->user);
    free(a->password);
    *a = (struct store_address){0};
}
