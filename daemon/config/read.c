/* config/read.c - walks a mapping of the file by its table and fills a struct.
 *
 * One reader for all: the daemon's rooms and the channels bring tables of struct tl_key, a row a
 * key. A wrong value leaves its place in the struct zero, adds a fault and goes on, so that all
 * faults are told at once. Each value read is marked with its node, for the checks that come
 * afterwards.
 */
#include <stdio.h>

#include "config/read_priv.h"

bool config_table_key(struct config_table t, size_t i, struct tl_key *out) {
    *out = (struct tl_key){0};
    if (!t.keys)
        return false;
    size_t known = t.stride < sizeof *out ? t.stride : sizeof *out;
    memcpy(out, (const char *)t.keys + i * t.stride, known);
    return out->name != NULL;
}

static void convert_map(struct reading *x) {
    struct config_table t = {x->key->sub, x->stride};
    config_read_map(x->r, x->node, t, x->key->name, x->out);
}

static void convert_list(struct reading *x) {
    struct config_table t = {x->key->sub, x->stride};
    size_t max = x->key->max ? (size_t)x->key->max : 1000;
    config_read_list(x->r, x->node, t, x->key->sub_bytes, x->key->name, max, x->out);
    const struct tl_items *items = x->out;
    if ((int64_t)items->n < x->key->min)
        config_refuse(x, x->node, "%s has %zu entries; at least %lld are needed", x->key->name,
                      items->n, (long long)x->key->min);
}

static void convert_node(struct reading *x) {
    *(const struct config_node **)x->out = x->node;
}

static const struct {
    size_t bytes;
    void (*convert)(struct reading *x);
    bool empty; /* nothing after the colon is the same as an absent key */
} types[] = {
    [TL_KEY_STR] = {sizeof(struct str), config_convert_str, false},
    [TL_KEY_BOOL] = {sizeof(bool), config_convert_bool, false},
    [TL_KEY_INT] = {sizeof(int64_t), config_convert_number, false},
    [TL_KEY_SIZE] = {sizeof(int64_t), config_convert_number, false},
    [TL_KEY_DURATION] = {sizeof(int64_t), config_convert_number, false},
    [TL_KEY_ADDRESS] = {sizeof(struct str), config_convert_address, false},
    [TL_KEY_PATH] = {sizeof(struct str), config_convert_path, false},
    [TL_KEY_SECRET] = {sizeof(struct str), config_convert_secret, false},
    [TL_KEY_CHOICE] = {sizeof(int64_t), config_convert_choice, false},
    [TL_KEY_STRS] = {sizeof(struct tl_strs), config_convert_strs, true},
    [TL_KEY_STRMAP] = {sizeof(struct tl_pairs), config_convert_strmap, true},
    [TL_KEY_GROUPS] = {sizeof(struct tl_groups), config_convert_groups, true},
    [TL_KEY_RATE] = {sizeof(struct tl_rate), config_convert_rate, false},
    [TL_KEY_MAP] = {0, convert_map, true},
    [TL_KEY_LIST] = {sizeof(struct tl_items), convert_list, true},
    [TL_KEY_REF] = {sizeof(struct str), config_convert_ref, false},
    [TL_KEY_NODE] = {sizeof(void *), convert_node, true},
    [TL_KEY_SHARE] = {sizeof(int64_t), config_convert_number, false},
    [TL_KEY_INTMAP] = {sizeof(struct tl_ints), config_convert_intmap, true},
};

size_t config_key_bytes(const struct tl_key *key) {
    if ((size_t)key->type >= COUNT(types))
        return 0;
    return key->type == TL_KEY_MAP ? key->sub_bytes : types[key->type].bytes;
}

static void value_read(struct reading *x) {
    size_t bytes = config_key_bytes(x->key);
    if (bytes == 0) {
        config_refuse(x, x->at, "key \"%s\" is of a kind that this version does not know",
                      x->key->name);
        return;
    }
    config_marks_add(x->r->marks, x->out, bytes, x->at);
    types[x->key->type].convert(x);
}

/* The preset as if an operator had written it; "#5" is the bare number, which no operator can
 * write. */
static void preset_read(struct reading *x) {
    struct config_file file = {.shown = "preset"};
    const char *preset = x->key->preset;
    if (preset[0] == '#') {
        if (!config_read_int(str_c(preset + 1), x->out))
            config_refuse(x, x->at, "preset of \"%s\" is no number", x->key->name);
        return;
    }
    struct config_node *n = arena_new(x->r->arena, sizeof *n);
    if (preset[0] == '[' || preset[0] == '{')
        n = config_yaml_read(x->r->arena, &file, str_c(preset), x->r->faults);
    else
        *n = (struct config_node){.kind = CONFIG_SCALAR, .text = str_c(preset)};
    if (!n)
        return;
    x->node = n;
    types[x->key->type].convert(x);
}

void config_read_value(struct config_reader *r, const struct config_node *node,
                       const struct config_node *parent, const struct tl_key *key, size_t stride,
                       void *out) {
    struct reading x = {r, key, stride, node, node ? node : parent, out};
    bool known = config_key_bytes(key) != 0;
    if (node && known && types[key->type].empty && config_node_null(node))
        x.node = NULL;
    if (x.node)
        value_read(&x);
    else if (key->preset && known)
        preset_read(&x);
    else if (key->type == TL_KEY_MAP)
        convert_map(&x);
    if (!node && parent && (key->flags & TL_KEY_REQUIRED))
        config_refuse(&x, parent, "%s is missing: %s", key->name,
                      key->help ? key->help : "needed here");
}

static void key_refuse(struct config_reader *r, const struct config_member *m,
                       struct config_table t, const char *what) {
    enum { KEYS_MAX = 64 };
    const char *names[KEYS_MAX];
    char quoted[CONFIG_QUOTE_MAX], allowed[256] = "";
    struct tl_key key;
    size_t n = 0, used = 0;
    while (n < KEYS_MAX && config_table_key(t, n, &key))
        names[n++] = key.name;
    config_quote(m->key, quoted);
    const char *nearest = config_nearest(m->key, names, n);
    for (size_t i = 0; i < n && used + strlen(names[i]) + 3 < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "",
                                 names[i]);
    if (nearest)
        config_faults_node(r->faults, m->key_node, "unknown key %s in %s; did you mean \"%s\"?",
                           quoted, what, nearest);
    else
        config_faults_node(r->faults, m->key_node, "unknown key %s in %s; allowed: %s", quoted,
                           what, allowed);
}

void config_read_map(struct config_reader *r, const struct config_node *node, struct config_table t,
                     const char *what, void *out) {
    struct tl_key key;
    if (node && node->kind != CONFIG_MAP) {
        config_faults_node(r->faults, node, "%s is a %s; allowed is a mapping of keys to values",
                           what, node->kind == CONFIG_LIST ? "list" : "single value");
        return;
    }
    for (size_t i = 0; config_table_key(t, i, &key); i++) {
        const struct config_node *value = node ? config_node_get(node, key.name) : NULL;
        config_read_value(r, value, node, &key, t.stride, (char *)out + key.offset);
    }
    for (size_t i = 0; node && i < node->n; i++) {
        bool known = false;
        for (size_t j = 0; !known && config_table_key(t, j, &key); j++)
            known = str_is(node->members[i].key, key.name);
        if (!known)
            key_refuse(r, &node->members[i], t, what);
    }
}

/* Keys that are flagged unique differ between the items of a list; of a key that is a list itself
 * the flag speaks of that list (many.c). */
static void unique_check(struct config_reader *r, const struct config_node *node,
                         const struct tl_key *key, size_t stride, const char *what,
                         const struct tl_items *list, size_t item_bytes) {
    const char *values = (const char *)list->items + key->offset;
    for (size_t i = 1; i < list->n; i++) {
        size_t j = 0;
        while (j < i &&
               !config_same_value(key, stride, values + i * item_bytes, values + j * item_bytes, 0))
            j++;
        /* Two that are absent are no two of the same. */
        const struct config_node *here = config_node_get(node->members[i].value, key->name);
        const struct config_node *there = config_node_get(node->members[j].value, key->name);
        if (j < i && here && there)
            config_faults_node(r->faults, here,
                               "%s of two %s is the same; the first stands at line %u", key->name,
                               what, there->line);
    }
}

/* `support` for `{ id: support }`, where the table allows it. */
static const struct config_node *entry_of(struct config_reader *r, const struct config_node *item,
                                          struct config_table t) {
    struct tl_key first;
    if (item->kind != CONFIG_SCALAR || !config_table_key(t, 0, &first) ||
        !(first.flags & CONFIG_KEY_ALONE))
        return item;
    struct config_node *map = arena_new(r->arena, sizeof *map);
    *map = *item;
    map->kind = CONFIG_MAP;
    map->n = 1;
    map->members = arena_new(r->arena, sizeof *map->members);
    map->members[0] =
        (struct config_member){str_c(first.name), item, (struct config_node *)(uintptr_t)item};
    return map;
}

/* A single value is a list of one, where such an entry may be a single value. */
static const struct config_node *list_of(struct config_reader *r, const struct config_node *node,
                                         struct config_table t) {
    if (!node || node->kind == CONFIG_LIST || entry_of(r, node, t) == node)
        return node;
    struct config_node *list = arena_new(r->arena, sizeof *list);
    *list = *node;
    list->kind = CONFIG_LIST;
    list->n = 1;
    list->members = arena_new(r->arena, sizeof *list->members);
    list->members[0].value = (struct config_node *)(uintptr_t)node;
    return list;
}

void config_read_list(struct config_reader *r, const struct config_node *node,
                      struct config_table t, size_t item_bytes, const char *what, size_t max,
                      struct tl_items *out) {
    struct tl_key key;
    size_t before = r->faults->n;
    *out = (struct tl_items){0};
    if (!node || config_node_null(node))
        return;
    node = list_of(r, node, t);
    if (node->kind != CONFIG_LIST) {
        config_faults_node(r->faults, node,
                           "%s is no list; allowed is a list of mappings: - { ... }", what);
        return;
    }
    if (node->n > max) {
        config_faults_node(r->faults, node, "%s has %zu entries; allowed are %zu", what, node->n,
                           max);
        return;
    }
    char *items = arena_new(r->arena, node->n * item_bytes);
    for (size_t i = 0; i < node->n; i++) {
        const struct config_node *entry = entry_of(r, node->members[i].value, t);
        config_marks_add(r->marks, items + i * item_bytes, item_bytes, entry);
        config_read_map(r, entry, t, what, items + i * item_bytes);
    }
    *out = (struct tl_items){items, node->n};
    for (size_t i = 0; r->faults->n == before && config_table_key(t, i, &key); i++)
        if ((key.flags & TL_KEY_UNIQUE) && key.type != TL_KEY_STRS)
            unique_check(r, node, &key, t.stride, what, out, item_bytes);
}
