/* config/describe.c - the reference of the file from its tables: a line a key, with kind, preset,
 * meaning.
 *
 * One source for docs/config.md, and for the test that touchline.yml shows every key.
 */
#include "config/config_priv.h"

static const char *kind_name(const struct tl_key *key) {
    static const char *const names[] = {
        [TL_KEY_STR] = "text",
        [TL_KEY_BOOL] = "yes or no",
        [TL_KEY_INT] = "number",
        [TL_KEY_SIZE] = "size",
        [TL_KEY_DURATION] = "duration",
        [TL_KEY_ADDRESS] = "address",
        [TL_KEY_PATH] = "path",
        [TL_KEY_SECRET] = "secret",
        [TL_KEY_CHOICE] = "one of",
        [TL_KEY_STRS] = "list",
        [TL_KEY_STRMAP] = "names to texts",
        [TL_KEY_GROUPS] = "list of names or of lists of names",
        [TL_KEY_RATE] = "rate",
        [TL_KEY_MAP] = "mapping",
        [TL_KEY_LIST] = "list of mappings",
        [TL_KEY_REF] = "name from",
        [TL_KEY_NODE] = "see below",
        [TL_KEY_SHARE] = "share",
        [TL_KEY_INTMAP] = "names to numbers",
    };
    return (size_t)key->type < COUNT(names) && names[key->type] ? names[key->type] : "";
}

static bool choices_describe(const struct tl_key *key, struct buf *out) {
    if (!key->choices)
        return true;
    const char *lead = key->type == TL_KEY_CHOICE || key->type == TL_KEY_REF ? "" : "of";
    if (!buf_addf(out, " %s%s`", lead, *lead ? " " : ""))
        return false;
    for (const char *c = key->choices; *c; c++) {
        bool added = *c == '|' ? !c[1] || buf_add_c(out, "`, `") : buf_add_byte(out, *c);
        if (!added)
            return false;
    }
    return buf_add_byte(out, '`');
}

static bool range_describe(const struct tl_key *key, struct buf *out) {
    char low[32], high[32];
    bool number = key->type == TL_KEY_INT || key->type == TL_KEY_SIZE ||
                  key->type == TL_KEY_DURATION || key->type == TL_KEY_INTMAP;
    if (!number || !key->max)
        return true;
    return buf_addf(out, ", %s to %s", config_show_number(key->type, key->min, low),
                    config_show_number(key->type, key->max, high));
}

/* prefix: what stands in front of the table's keys, "queues[].offer." */
static bool table_describe(struct arena *a, struct config_table t, const char *prefix,
                           struct buf *out);

static bool key_describe(struct arena *a, const struct tl_key *key, size_t stride, const char *path,
                         struct buf *out) {
    struct config_table sub = {key->sub, stride};
    bool shown = key->preset && key->preset[0] != '#';
    const char *tick = shown ? "`" : "";
    if (!buf_addf(out, "| `%s` | %s", path, kind_name(key)) || !choices_describe(key, out) ||
        !range_describe(key, out))
        return false;
    if (key->flags & TL_KEY_REQUIRED
            ? !buf_add_c(out, " | required")
            : !buf_addf(out, " | %s%s%s", tick, shown ? key->preset : "", tick))
        return false;
    if (!buf_addf(out, " | %s |\n", key->help ? key->help : ""))
        return false;
    if (key->type != TL_KEY_MAP && key->type != TL_KEY_LIST)
        return true;
    const char *inner = key->type == TL_KEY_LIST ? "[]." : ".";
    return table_describe(a, sub, arena_strf(a, "%s%s", path, inner).p, out);
}

static bool table_describe(struct arena *a, struct config_table t, const char *prefix,
                           struct buf *out) {
    struct tl_key key;
    for (size_t i = 0; config_table_key(t, i, &key); i++)
        if (!key_describe(a, &key, t.stride, arena_strf(a, "%s%s", prefix, key.name).p, out))
            return false;
    return true;
}

static bool head_describe(const char *name, struct buf *out) {
    return buf_addf(
        out, "\n## %s\n\n| key | value | preset | meaning |\n| --- | --- | --- | --- |\n", name);
}

bool config_describe(const struct config_section *sections, struct buf *out) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    for (const struct config_section *s = sections; s->name; s++) {
        struct config_table t = {s->keys, sizeof *s->keys};
        const char *inner = s->flags & CONFIG_SECTION_LIST ? "[]." : ".";
        const char *prefix =
            s->flags & CONFIG_SECTION_VALUE ? "" : arena_strf(&a, "%s%s", s->name, inner).p;
        if (!head_describe(s->name, out) || !table_describe(&a, t, prefix, out))
            return false;
    }
    return true;
}

bool config_describe_channel(const struct tl_plugin *plugin, struct buf *out) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct config_table t = {plugin->keys, plugin->key_bytes};
    const char *name = arena_strf(&a, "channels.%.*s", STR_ARG(plugin->name)).p;
    const char *inner = plugin->flags & TL_PLUGIN_CONFIG_LIST ? "[]." : ".";
    return head_describe(name, out) &&
           table_describe(&a, t, arena_strf(&a, "%s%s", name, inner).p, out);
}
