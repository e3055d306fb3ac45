/* config/many.c - lists and mappings of single values, by the type of their key. */
#include "config/read_priv.h"

static bool count_allowed(struct reading *x, size_t n) {
    int64_t max = x->key->max ? x->key->max : 1000;
    if (x->key->type == TL_KEY_INTMAP)
        max = 1000;
    int64_t min = x->key->type == TL_KEY_INTMAP ? 0 : x->key->min;
    if ((int64_t)n >= min && (int64_t)n <= max)
        return true;
    config_refuse(x, x->node, "%s has %zu entries; allowed are %lld to %lld", x->key->name, n,
                  (long long)min, (long long)max);
    return false;
}

static bool item_take(struct reading *x, const struct config_node *n, struct str *out) {
    if (!config_text_take(x, n, out) || !config_name_known(x, n, *out))
        return false;
    if (out->n > 4096) {
        config_refuse(x, n, "%s has an entry of %zu bytes; allowed are 4096", x->key->name, out->n);
        return false;
    }
    if (x->key->flags & CONFIG_KEY_PATHS)
        *out = config_path_read(x, *out);
    config_marks_add(x->r->marks, out->p, out->n + 1, n);
    return true;
}

/* A single value is a list of one. */
static void strs_take(struct reading *x, const struct config_node *n, struct tl_strs *out) {
    size_t count = n->kind == CONFIG_LIST ? n->n : 1, kept = 0;
    char quoted[CONFIG_QUOTE_MAX];
    struct str *items = arena_new(x->r->arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const struct config_node *item = n->kind == CONFIG_LIST ? n->members[i].value : n;
        if (!item_take(x, item, &items[kept]))
            continue;
        bool twice = false;
        for (size_t j = 0; j < kept && (x->key->flags & TL_KEY_UNIQUE); j++)
            twice = twice || str_eq(items[j], items[kept]);
        if (twice)
            config_refuse(x, item, "%s names %s twice", x->key->name,
                          config_quote(items[kept], quoted));
        else
            kept++;
    }
    *out = (struct tl_strs){items, kept};
}

void config_convert_strs(struct reading *x) {
    if (x->node->kind == CONFIG_MAP)
        config_refuse(x, x->node, "%s is a mapping; allowed is a list of single values",
                      x->key->name);
    else if (count_allowed(x, x->node->kind == CONFIG_LIST ? x->node->n : 1))
        strs_take(x, x->node, x->out);
}

void config_convert_groups(struct reading *x) {
    const struct config_node *n = x->node;
    if (n->kind != CONFIG_LIST) {
        config_refuse(x, n,
                      "%s is no list; allowed is a list of names or of lists of names: [a, [b, c]]",
                      x->key->name);
        return;
    }
    if (!count_allowed(x, n->n))
        return;
    struct tl_strs *groups = arena_new(x->r->arena, n->n * sizeof *groups);
    for (size_t i = 0; i < n->n; i++) {
        const struct config_node *group = n->members[i].value;
        if (group->kind == CONFIG_LIST && group->n == 0)
            config_refuse(x, group, "%s has an empty list in it", x->key->name);
        else
            strs_take(x, group, &groups[i]);
    }
    *(struct tl_groups *)x->out = (struct tl_groups){groups, n->n};
}

/* false: not a mapping; a fault has been added. */
static bool map_take(struct reading *x) {
    if (x->node->kind == CONFIG_MAP)
        return count_allowed(x, x->node->n);
    config_refuse(x, x->node, "%s is no mapping; allowed is { name: value, ... }", x->key->name);
    return false;
}

void config_convert_strmap(struct reading *x) {
    if (!map_take(x))
        return;
    const struct config_node *n = x->node;
    struct tl_pair *pairs = arena_new(x->r->arena, n->n * sizeof *pairs);
    size_t kept = 0;
    for (size_t i = 0; i < n->n; i++) {
        struct tl_pair *pair = &pairs[kept];
        pair->name = n->members[i].key;
        if (!config_text_take(x, n->members[i].value, &pair->value) ||
            !config_name_known(x, n->members[i].key_node, pair->name))
            continue;
        config_marks_add(x->r->marks, pair->name.p, pair->name.n + 1, n->members[i].key_node);
        config_marks_add(x->r->marks, pair->value.p, pair->value.n + 1, n->members[i].value);
        config_marks_add(x->r->marks, pair, sizeof *pair, n->members[i].value);
        kept++;
    }
    *(struct tl_pairs *)x->out = (struct tl_pairs){pairs, kept};
}

void config_convert_intmap(struct reading *x) {
    if (!map_take(x))
        return;
    const struct config_node *n = x->node;
    struct tl_named_int *ints = arena_new(x->r->arena, n->n * sizeof *ints);
    size_t kept = 0;
    for (size_t i = 0; i < n->n; i++) {
        struct tl_named_int *one = &ints[kept];
        struct tl_key as_int = *x->key;
        as_int.type = TL_KEY_INT;
        as_int.name = n->members[i].key.p;
        struct reading number = *x;
        number.key = &as_int;
        number.node = number.at = n->members[i].value;
        number.out = &one->value;
        if (!config_name_known(x, n->members[i].key_node, n->members[i].key))
            continue;
        one->name = n->members[i].key;
        config_convert_number(&number);
        config_marks_add(x->r->marks, one->name.p, one->name.n + 1, n->members[i].key_node);
        config_marks_add(x->r->marks, one, sizeof *one, n->members[i].value);
        kept++;
    }
    *(struct tl_ints *)x->out = (struct tl_ints){ints, kept};
}
