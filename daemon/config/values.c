/* config/values.c - single values as an operator writes them: 90s, 10MiB, 80%, yes, 10/1m,
 * HOST:PORT.
 *
 * Units are part of the value; only 0 may stand without one. Pure but for the paths of sockets.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "config/config_priv.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {{"ms", 1},       {"s", 1000},
                                        {"m", 60000},    {"h", 3600000},
                                        {"d", 86400000}, {"y", INT64_C(31536000000)},
                                        {NULL, 0}};
static const struct unit sizes[] = {{"B", 1},
                                    {"KiB", INT64_C(1) << 10},
                                    {"MiB", INT64_C(1) << 20},
                                    {"GiB", INT64_C(1) << 30},
                                    {"TiB", INT64_C(1) << 40},
                                    {NULL, 0}};

/* Leading digits; the rest is left in *s. false: none, or beyond int64_t. */
static bool digits_take(struct str *s, int64_t *out) {
    int64_t v = 0;
    size_t i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s->p[i] - '0', &v))
            return false;
    if (i == 0)
        return false;
    *s = str_from(*s, i);
    *out = v;
    return true;
}

static bool unit_read(struct str s, const struct unit *units, int64_t *out) {
    int64_t v;
    if (!digits_take(&s, &v))
        return false;
    if (s.n == 0 && v == 0) {
        *out = 0;
        return true;
    }
    for (const struct unit *u = units; u->name; u++)
        if (str_is(s, u->name) && !__builtin_mul_overflow(v, u->factor, &v)) {
            *out = v;
            return true;
        }
    return false;
}

bool config_read_duration(struct str s, int64_t *out_ms) {
    return unit_read(s, durations, out_ms);
}

bool config_read_size(struct str s, int64_t *out_bytes) {
    return unit_read(s, sizes, out_bytes);
}

bool config_read_bool(struct str s, bool *out) {
    bool yes = str_is(s, "yes") || str_is(s, "true");
    if (!yes && !str_is(s, "no") && !str_is(s, "false"))
        return false;
    *out = yes;
    return true;
}

bool config_read_int(struct str s, int64_t *out) {
    bool minus = s.n && s.p[0] == '-';
    int64_t v;
    if (minus)
        s = str_from(s, 1);
    if (!digits_take(&s, &v) || s.n)
        return false;
    *out = minus ? -v : v;
    return true;
}

bool config_read_share(struct str s, int64_t *out_percent) {
    int64_t v;
    if (!digits_take(&s, &v) || !str_is(s, "%") || v > 100)
        return false;
    *out_percent = v;
    return true;
}

bool config_read_rate(struct str s, struct tl_rate *out) {
    struct tl_rate rate;
    if (str_is(s, "no")) {
        *out = (struct tl_rate){0};
        return true;
    }
    if (!digits_take(&s, &rate.count) || rate.count < 1 || !str_starts(s, str_c("/")) ||
        !config_read_duration(str_from(s, 1), &rate.per_ms) || rate.per_ms < 1)
        return false;
    *out = rate;
    return true;
}

/* Letters, digits, dot, hyphen, underscore: a name or an IPv4 address. */
static bool host_read(struct str host) {
    if (host.n == 0 || host.n > 253)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    return host.p[0] != '.' && host.p[0] != '-';
}

static bool v6_read(struct str host) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.n < 2 || host.n >= sizeof text + 2 || host.p[0] != '[' || host.p[host.n - 1] != ']')
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(host.n - 2), host.p + 1);
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool socket_read(struct arena *a, struct str folder, struct str path, struct str *out,
                        struct fault *f) {
    enum { SUN_PATH_MAX = 107 };
    struct str at = config_path_absolute(a, folder, path);
    if (path.n == 0)
        return fault_set(f, FAULT_INPUT, "", "unix: needs a path");
    if (at.n > SUN_PATH_MAX)
        return fault_set(f, FAULT_INPUT, "",
                         "the path of a socket may have %d bytes, with its folder", SUN_PATH_MAX);
    *out = arena_strf(a, "unix:%.*s", STR_ARG(at));
    return true;
}

bool config_read_address(struct arena *a, struct str folder, struct str s, struct str *out,
                         struct fault *f) {
    struct str socket = str_c("unix:");
    if (str_starts(s, socket))
        return socket_read(a, folder, str_from(s, socket.n), out, f);
    const char *colon = s.n ? memrchr(s.p, ':', s.n) : NULL;
    int64_t port = 0;
    if (!colon || !config_read_int(str_from(s, (size_t)(colon - s.p) + 1), &port))
        return fault_set(f, FAULT_INPUT, "", "allowed are HOST:PORT, [::1]:PORT and unix:PATH");
    struct str host = str_upto(s, (size_t)(colon - s.p));
    if (port < 0 || port > 65535)
        return fault_set(f, FAULT_INPUT, "",
                         "a port is a number from 0 (any that is free) to 65535");
    if (!host_read(host) && !v6_read(host))
        return fault_set(f, FAULT_INPUT, "",
                         "no host stands before the port; allowed are a name, 127.0.0.1, [::1]");
    *out = arena_str(a, s);
    return true;
}

const char *config_show_number(enum tl_key_type type, int64_t value, char out[32]) {
    const struct unit *units = type == TL_KEY_DURATION ? durations : sizes;
    const struct unit *best = NULL;
    if (type == TL_KEY_DURATION || type == TL_KEY_SIZE)
        for (const struct unit *u = units; u->name; u++)
            if (value != 0 && value % u->factor == 0)
                best = u;
    snprintf(out, 32, "%" PRId64 "%s", best ? value / best->factor : value,
             best                   ? best->name
             : type == TL_KEY_SHARE ? "%"
                                    : "");
    return out;
}
