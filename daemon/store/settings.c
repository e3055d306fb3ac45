/* store/settings.c - judges a server's settings: what would lose data is refused by the setting's
 * name.
 *
 * INFO is enough for the worst (AOF off, eviction); CONFIG GET may be denied to us and then only
 * what it alone knows goes unchecked.
 */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_MIN = 7, BULK_MIN = 64 << 20 };

enum rule { IS, IS_NOT, AT_LEAST, AT_MOST };

static const struct {
    const char *name;
    enum rule rule;
    const char *value;
    bool refuse;
    const char *reason;
} settings[] = {
    {"appendfsync", IS_NOT, "no", true, "must be everysec or always"},
    {"proto-max-bulk-len", AT_LEAST, "67108864", true, "must be at least 64mb"},
    {"no-appendfsync-on-rewrite", IS, "no", false, "yes leaves writes unsynced during a rewrite"},
    {"stop-writes-on-bgsave-error", IS, "yes", false, "no hides a failing disk"},
    {"aof-load-truncated", IS, "yes", false, "no keeps the server from starting after a crash"},
    {"hash-max-listpack-value", AT_LEAST, "512", false, "below 512 each touchpoint costs more"},
    {"timeout", IS, "0", false, "idle connections are cut"},
    {"tcp-keepalive", AT_MOST, "60", false, "above 60 a dead peer is seen late"},
};

/* CONFIG GET takes many names since 7.0. */
const char *const store_settings_asked[] = {
    "appendfsync",
    "proto-max-bulk-len",
    "no-appendfsync-on-rewrite",
    "stop-writes-on-bgsave-error",
    "aof-load-truncated",
    "hash-max-listpack-value",
    "timeout",
    "tcp-keepalive",
    NULL,
};

struct str store_info(struct str info, const char *field) {
    struct str name = str_c(field);
    while (info.n) {
        struct str line = str_trim(str_cut(&info, '\n'));
        if (line.n > name.n && line.p[name.n] == ':' && str_starts(line, name))
            return str_from(line, name.n + 1);
    }
    return STR_NONE;
}

static int64_t number(struct str s, int64_t otherwise) {
    char text[24], *end;
    if (!s.n || s.n >= sizeof text)
        return otherwise;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    long long v = strtoll(text, &end, 10);
    return end == text ? otherwise : v;
}

int64_t store_info_int(struct str info, const char *field, int64_t otherwise) {
    return number(store_info(info, field), otherwise);
}

static struct str config_value(const struct store_reply *config, const char *name) {
    if (!config || config->type != STORE_ARRAY)
        return STR_NONE;
    for (size_t i = 0; i + 1 < config->n; i += 2)
        if (str_is(config->items[i].str, name))
            return config->items[i + 1].str;
    return STR_NONE;
}

static bool holds(enum rule rule, struct str have, const char *want) {
    switch (rule) {
    case IS:
        return str_is(have, want);
    case IS_NOT:
        return !str_is(have, want);
    case AT_LEAST:
        return number(have, 0) >= number(str_c(want), 0);
    case AT_MOST:
        return number(have, 0) <= number(str_c(want), 0);
    }
    return false;
}

/* What must hold whatever CONFIG tells: it is all in INFO. */
static bool check_info(struct str info, struct fault *f) {
    struct str policy = store_info(info, "maxmemory_policy");
    struct str version = store_info(info, "redis_version");
    if (number(version, 0) < VERSION_MIN)
        return fault_set(f, FAULT_STATE, "redis_version", "is %.*s; 7.0 or later is needed",
                         STR_ARG(version));
    if (store_info_int(info, "cluster_enabled", 0))
        return fault_set(f, FAULT_STATE, "cluster_enabled", "a cluster is not supported here");
    if (store_info_int(info, "aof_enabled", 0) != 1)
        return fault_set(f, FAULT_STATE, "appendonly",
                         "is no: acknowledged touchpoints would be lost; it must be yes");
    if (policy.n && !str_is(policy, "noeviction"))
        return fault_set(f, FAULT_STATE, "maxmemory-policy",
                         "is %.*s: data would be evicted; it must be noeviction", STR_ARG(policy));
    return true;
}

static void warn_info(struct str info, void (*warn)(void *, const char *, const char *),
                      void *ctx) {
    int64_t used = store_info_int(info, "used_memory", 0);
    int64_t max = store_info_int(info, "maxmemory", 0);
    if (max == 0)
        warn(ctx, "maxmemory", "is not set: the host's memory is the limit");
    else if (used > max / 10 * 8)
        warn(ctx, "maxmemory", "more than 80% of it is used");
    if (str_is(store_info(info, "rdb_last_bgsave_status"), "err"))
        warn(ctx, "rdb_last_bgsave_status", "the last snapshot failed");
    if (store_info_int(info, "evicted_keys", 0) > 0)
        warn(ctx, "evicted_keys", "keys have been evicted: data was lost");
}

bool store_settings_check(struct str info, const struct store_reply *config,
                          void (*warn)(void *ctx, const char *setting, const char *reason),
                          void *ctx, struct fault *f) {
    if (!check_info(info, f))
        return false;
    for (size_t i = 0; i < COUNT(settings); i++) {
        struct str have = config_value(config, settings[i].name);
        if (!have.p || holds(settings[i].rule, have, settings[i].value))
            continue;
        if (settings[i].refuse)
            return fault_set(f, FAULT_STATE, settings[i].name, "is %.*s; it %s", STR_ARG(have),
                             settings[i].reason);
        if (warn)
            warn(ctx, settings[i].name, settings[i].reason);
    }
    if (warn)
        warn_info(info, warn, ctx);
    return true;
}
