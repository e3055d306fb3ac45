/* config/node.c - looking at nodes, for what no table can say (rules). */
#include "config/config_priv.h"

enum config_kind config_node_kind(const struct config_node *n) {
    return n->kind;
}

struct str config_node_str(const struct config_node *n) {
    return n->text;
}

bool config_node_quoted(const struct config_node *n) {
    return n->quoted;
}

size_t config_node_count(const struct config_node *n) {
    return n->n;
}

const struct config_node *config_node_item(const struct config_node *n, size_t i) {
    return i < n->n ? n->members[i].value : NULL;
}

struct str config_node_key(const struct config_node *n, size_t i) {
    return i < n->n ? n->members[i].key : STR_NONE;
}

const struct config_node *config_node_key_node(const struct config_node *n, size_t i) {
    return i < n->n ? n->members[i].key_node : NULL;
}

const struct config_node *config_node_get(const struct config_node *n, const char *key) {
    if (n->kind != CONFIG_MAP)
        return NULL;
    for (size_t i = 0; i < n->n; i++)
        if (str_is(n->members[i].key, key))
            return n->members[i].value;
    return NULL;
}

bool config_node_null(const struct config_node *n) {
    return n->kind == CONFIG_SCALAR && !n->quoted &&
           (n->text.n == 0 || str_is(n->text, "~") || str_is(n->text, "null"));
}

bool config_node_same(const struct config_node *a, const struct config_node *b) {
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->n != b->n || a->quoted != b->quoted || !str_eq(a->text, b->text))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->members[i].key, b->members[i].key) ||
            !config_node_same(a->members[i].value, b->members[i].value))
            return false;
    return true;
}
