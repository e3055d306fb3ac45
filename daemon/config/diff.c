/* config/diff.c - compares two filled structs by their table: a reload is a diff of values.
 *
 * Values and not texts, so that a secret whose file has changed counts as changed and 60s is 1m.
 */
#include "config/config_priv.h"

static bool same_strs(const struct tl_strs *a, const struct tl_strs *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->items[i], b->items[i]))
            return false;
    return true;
}

static bool same_pairs(const struct tl_pairs *a, const struct tl_pairs *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->items[i].name, b->items[i].name) ||
            !str_eq(a->items[i].value, b->items[i].value))
            return false;
    return true;
}

static bool same_ints(const struct tl_ints *a, const struct tl_ints *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->items[i].name, b->items[i].name) || a->items[i].value != b->items[i].value)
            return false;
    return true;
}

static bool same_groups(const struct tl_groups *a, const struct tl_groups *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_strs(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool same_items(struct config_table t, size_t item_bytes, const struct tl_items *a,
                       const struct tl_items *b, uint32_t flags) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!config_same_map(t, (const char *)a->items + i * item_bytes,
                             (const char *)b->items + i * item_bytes, flags))
            return false;
    return true;
}

bool config_same_value(const struct tl_key *key, size_t stride, const void *a, const void *b,
                       uint32_t flags) {
    struct config_table sub = {key->sub, stride};
    const struct tl_rate *rate_a = a, *rate_b = b;
    switch (key->type) {
    case TL_KEY_SECRET:
        if (flags & CONFIG_SAME_BUT_SECRETS)
            return true;
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case TL_KEY_STR:
    case TL_KEY_ADDRESS:
    case TL_KEY_PATH:
    case TL_KEY_REF:
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case TL_KEY_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case TL_KEY_INT:
    case TL_KEY_SIZE:
    case TL_KEY_DURATION:
    case TL_KEY_CHOICE:
    case TL_KEY_SHARE:
        return *(const int64_t *)a == *(const int64_t *)b;
    case TL_KEY_STRS:
        return same_strs(a, b);
    case TL_KEY_STRMAP:
        return same_pairs(a, b);
    case TL_KEY_GROUPS:
        return same_groups(a, b);
    case TL_KEY_RATE:
        return rate_a->count == rate_b->count && rate_a->per_ms == rate_b->per_ms;
    case TL_KEY_MAP:
        return config_same_map(sub, a, b, flags);
    case TL_KEY_LIST:
        return same_items(sub, key->sub_bytes, a, b, flags);
    case TL_KEY_NODE:
        return config_node_same(*(const struct config_node *const *)a,
                                *(const struct config_node *const *)b);
    case TL_KEY_INTMAP:
        return same_ints(a, b);
    }
    return false; /* of a kind we don't know: takes no value, and is refused while reading */
}

bool config_same_map(struct config_table t, const void *a, const void *b, uint32_t flags) {
    struct tl_key key;
    for (size_t i = 0; config_table_key(t, i, &key); i++)
        if (!config_same_value(&key, t.stride, (const char *)a + key.offset,
                               (const char *)b + key.offset, flags))
            return false;
    return true;
}
