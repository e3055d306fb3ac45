/* config/convert.c - one value of the file into one member of a struct, by the type of its key. */
#include <stdio.h>

#include "config/read_priv.h"

void config_refuse(struct reading *x, const struct config_node *at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    /* A preset has no place of its own. */
    const struct config_node *n = at && at->file ? at : x->at;
    if (n)
        config_faults_addv(x->r->faults, n->file, n->line, n->column, format, args);
    else
        config_faults_addv(x->r->faults, x->r->root->file, 1, 1, format, args);
    va_end(args);
}

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return true;
    return false;
}

bool config_text_take(struct reading *x, const struct config_node *n, struct str *out) {
    if (n->kind != CONFIG_SCALAR)
        config_refuse(x, n, "%s is a %s; allowed is a single value", x->key->name,
                      n->kind == CONFIG_LIST ? "list" : "mapping");
    else if (config_node_null(n))
        config_refuse(x, n, "%s has no value", x->key->name);
    else if (has_control(n->text))
        config_refuse(x, n, "%s holds a line end or another control character; allowed is one line",
                      x->key->name);
    else {
        *out = n->text;
        return true;
    }
    return false;
}

static bool length_allowed(struct reading *x, const struct config_node *n, struct str s,
                           int64_t max_else) {
    int64_t max = x->key->max ? x->key->max : max_else;
    if ((int64_t)s.n >= x->key->min && (int64_t)s.n <= max)
        return true;
    config_refuse(x, n, "%s has %zu bytes; allowed are %lld to %lld", x->key->name, s.n,
                  (long long)x->key->min, (long long)max);
    return false;
}

void config_store_str(struct reading *x, struct str s) {
    *(struct str *)x->out = s;
    config_marks_add(x->r->marks, s.p, s.n + 1, x->at);
}

void config_convert_str(struct reading *x) {
    struct str s;
    if (config_text_take(x, x->node, &s) && length_allowed(x, x->node, s, 4096))
        config_store_str(x, s);
}

void config_convert_bool(struct reading *x) {
    char quoted[CONFIG_QUOTE_MAX];
    struct str s;
    if (!config_text_take(x, x->node, &s))
        return;
    if (x->node->quoted || !config_read_bool(s, x->out))
        config_refuse(
            x, x->node, "%s: %s is neither yes nor no; allowed are yes, no, true, false%s",
            x->key->name, config_quote(s, quoted), x->node->quoted ? ", without quotes" : "");
}

/* How a number's range is said: " from 1s to 1h". */
static const char *range_show(const struct tl_key *k, char out[96]) {
    char low[32], high[32];
    config_show_number(k->type, k->min, low);
    config_show_number(k->type, k->max, high);
    if (k->max)
        snprintf(out, 96, " from %s to %s", low, high);
    else
        snprintf(out, 96, " of at least %s", low);
    return out;
}

void config_convert_number(struct reading *x) {
    static const char *const forms[] = {
        [TL_KEY_INT] = "a whole number",
        [TL_KEY_SIZE] = "a size (64KiB 10MiB 4GiB)",
        [TL_KEY_DURATION] = "a duration (500ms 30s 10m 4h 7d)",
        [TL_KEY_SHARE] = "a share (80%)",
    };
    const struct tl_key *k = x->key;
    char quoted[CONFIG_QUOTE_MAX], range[96];
    int64_t v = 0;
    struct str s;
    bool read = false;
    if (!config_text_take(x, x->node, &s))
        return;
    if (k->type == TL_KEY_INT)
        read = !x->node->quoted && config_read_int(s, &v);
    else if (k->type == TL_KEY_SIZE)
        read = config_read_size(s, &v);
    else if (k->type == TL_KEY_DURATION)
        read = config_read_duration(s, &v);
    else
        read = config_read_share(s, &v);
    if (read && v >= k->min && (!k->max || v <= k->max))
        *(int64_t *)x->out = v;
    else
        config_refuse(x, x->node, "%s: %s is not %s%s", k->name, config_quote(s, quoted),
                      forms[k->type], range_show(k, range));
}

void config_convert_rate(struct reading *x) {
    char quoted[CONFIG_QUOTE_MAX];
    struct str s;
    if (config_text_take(x, x->node, &s) && !config_read_rate(s, x->out))
        config_refuse(x, x->node,
                      "%s: %s is not a rate; allowed are 10/1m (so many in a time) and no",
                      x->key->name, config_quote(s, quoted));
}

void config_convert_address(struct reading *x) {
    struct fault f = {0};
    char quoted[CONFIG_QUOTE_MAX];
    struct str s, address;
    if (!config_text_take(x, x->node, &s))
        return;
    if (config_read_address(x->r->arena, x->r->folder, s, &address, &f))
        config_store_str(x, address);
    else
        config_refuse(x, x->node, "%s: %s is not an address; %s", x->key->name,
                      config_quote(s, quoted), f.reason);
}

struct str config_path_read(struct reading *x, struct str s) {
    struct str file = str_c("file:");
    if (str_starts(s, file))
        s = str_from(s, file.n);
    return config_path_absolute(x->r->arena, x->r->folder, s);
}

void config_convert_path(struct reading *x) {
    struct str s;
    if (!config_text_take(x, x->node, &s) || !length_allowed(x, x->node, s, 4096))
        return;
    if (s.n == 0 || str_is(s, "file:"))
        config_refuse(x, x->node, "%s has no value; allowed is a path", x->key->name);
    else
        config_store_str(x, config_path_read(x, s));
}

void config_convert_secret(struct reading *x) {
    if (x->r->no_secrets)
        return;
    struct fault f = {0};
    struct str s, secret;
    if (!config_text_take(x, x->node, &s))
        return;
    if (!config_secret_read(x->r->arena, x->r->folder, s, &secret, &f))
        config_refuse(x, x->node, "%s: %s", x->key->name, f.reason);
    else if (length_allowed(x, x->node, secret, CONFIG_SECRET_MAX))
        config_store_str(x, secret);
}
