/* config/names.c - values that must name something: a word of a table, or what the file itself
 * defines.
 *
 * `choices` of a key is "a|b|c", or the name of a top-level list whose entries count by their id,
 * their name, or as they stand. The file has been read whole by then, so that order does not
 * matter.
 */
#include <stdio.h>

#include "config/read_priv.h"

enum { NAMES_MAX = 256 };

static bool is_words(const struct tl_key *key) {
    return key->type == TL_KEY_CHOICE || strchr(key->choices, '|');
}

/* The i-th name that may stand here; absent for an entry without one. false: no more. */
static bool name_at(struct reading *x, size_t i, struct str *out) {
    if (is_words(x->key)) {
        struct str rest = str_c(x->key->choices);
        while (i-- && rest.p)
            str_cut(&rest, '|');
        bool there = rest.n > 0; /* "stream|" has one */
        *out = str_cut(&rest, '|');
        return there;
    }
    const struct config_node *list = config_node_get(x->r->root, x->key->choices);
    if (!list || i >= list->n)
        return false;
    const struct config_node *item = list->members[i].value;
    if (item->kind == CONFIG_MAP) {
        const struct config_node *id = config_node_get(item, "id");
        item = id ? id : config_node_get(item, "name");
    }
    *out = item && item->kind == CONFIG_SCALAR ? item->text : STR_NONE;
    return true;
}

/* `queues` as one of them: a queue. */
static struct str singular(const char *list) {
    struct str s = str_c(list);
    if (s.n > 1 && s.p[s.n - 1] == 's')
        s.n--;
    return s;
}

static void name_refuse(struct reading *x, const struct config_node *at, struct str s) {
    const char *names[NAMES_MAX];
    char quoted[CONFIG_QUOTE_MAX], allowed[256] = "";
    bool words = is_words(x->key);
    struct str of = words ? str_c(x->key->name) : singular(x->key->choices), name;
    const char *is = words ? "is not allowed here" : "is not defined";
    size_t n = 0, used = 0;
    for (size_t i = 0; n < NAMES_MAX && name_at(x, i, &name); i++)
        if (name.p)
            names[n++] = arena_str(x->r->arena, name).p;
    config_quote(s, quoted);
    const char *nearest = config_nearest(s, names, n);
    if (nearest) {
        config_refuse(x, at, "%.*s %s %s; did you mean \"%s\"?", STR_ARG(of), quoted, is, nearest);
        return;
    }
    for (size_t i = 0; i < n && used + strlen(names[i]) + 3 < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "",
                                 names[i]);
    config_refuse(x, at, "%.*s %s %s; allowed: %s", STR_ARG(of), quoted, is,
                  n ? allowed : "none, since none is defined");
}

bool config_name_known(struct reading *x, const struct config_node *at, struct str s) {
    struct str name;
    if (!x->key->choices)
        return true;
    for (size_t i = 0; name_at(x, i, &name); i++)
        if (name.p && str_eq(name, s))
            return true;
    name_refuse(x, at, s);
    return false;
}

void config_convert_choice(struct reading *x) {
    struct str s, name;
    if (!config_text_take(x, x->node, &s) || !config_name_known(x, x->node, s))
        return;
    for (size_t i = 0; name_at(x, i, &name); i++)
        if (str_eq(name, s))
            *(int64_t *)x->out = (int64_t)i;
}

void config_convert_ref(struct reading *x) {
    struct str s;
    if (config_text_take(x, x->node, &s) && config_name_known(x, x->node, s))
        config_store_str(x, s);
}
