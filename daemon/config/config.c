/* config/config.c - loads a configuration: files, sections, channels, checks, and what may not
 * change.
 *
 * All sections are read from the whole tree before the first check runs, so that a check may look
 * at any of them. A section with faults of its own is not checked further: the faults that follow
 * from the first ones help nobody.
 */
#include <stdlib.h>

#include "config/config_priv.h"

struct section_value {
    const struct config_section *section;
    const struct config_node *node; /* NULL: absent */
    void *value;
    bool sound;
};

struct channel_value {
    struct str name;
    const struct tl_plugin *plugin;
    const struct config_node *node;
    void *value;
};

struct config {
    struct arena arena;
    struct str folder;
    const struct config_node *root;
    struct section_value *sections;
    size_t sections_n;
    struct channel_value *channels;
    struct tl_strs channel_names;
};

struct config_check {
    struct config *config;
    struct config_faults *faults;
    const struct config_marks *marks;
    const struct config_node *at; /* the section under check, or the root */
};

/* One load under way. */
struct loading {
    struct config *config;
    struct config_faults faults;
    struct config_marks marks;
    struct config_reader reader;
};

static size_t faults_count(const struct loading *l) {
    return l->faults.n + l->faults.dropped;
}

static struct config_table section_table(const struct config_section *s) {
    return (struct config_table){s->keys, sizeof *s->keys};
}

/* ---- sections ---- */

static void section_read(struct loading *l, struct section_value *v) {
    const struct config_section *s = v->section;
    const struct config_node *root = l->config->root;
    size_t before = faults_count(l);
    size_t bytes = s->flags & CONFIG_SECTION_LIST ? sizeof(struct tl_items) : s->bytes;
    v->node = config_node_get(root, s->name);
    v->value = arena_new(&l->config->arena, bytes);
    if (v->node)
        config_marks_add(&l->marks, v->value, bytes, v->node);
    const struct config_node *node = v->node && !config_node_null(v->node) ? v->node : NULL;
    if (s->flags & CONFIG_SECTION_VALUE)
        config_read_value(&l->reader, v->node, root, s->keys, sizeof *s->keys, v->value);
    else if (s->flags & CONFIG_SECTION_LIST)
        config_read_list(&l->reader, node, section_table(s), s->bytes, s->name, CONFIG_ITEMS_MAX,
                         v->value);
    else
        config_read_map(&l->reader, node, section_table(s), s->name, v->value);
    v->sound = faults_count(l) == before;
}

/* Keys at the top that nobody reads. */
static void top_check(struct loading *l, bool channels) {
    const struct config *c = l->config;
    char quoted[CONFIG_QUOTE_MAX];
    const char **names = arena_new(&l->config->arena, (c->sections_n + 2) * sizeof *names);
    size_t n = 0;
    for (; n < c->sections_n; n++)
        names[n] = c->sections[n].section->name;
    names[n++] = "include";
    if (channels)
        names[n++] = "channels";
    for (size_t i = 0; i < c->root->n; i++) {
        const struct config_member *m = &c->root->members[i];
        bool known = false;
        for (size_t j = 0; j < n && !known; j++)
            known = str_is(m->key, names[j]);
        if (known)
            continue;
        const char *nearest = config_nearest(m->key, names, n);
        config_faults_node(&l->faults, m->key_node, "unknown key %s%s%s%s",
                           config_quote(m->key, quoted), nearest ? "; did you mean \"" : "",
                           nearest ? nearest : "; allowed are the sections of touchline.yml(5)",
                           nearest ? "\"?" : "");
    }
}

static void sections_read(struct loading *l, const struct config_section *sections) {
    struct config *c = l->config;
    while (sections[c->sections_n].name)
        c->sections_n++;
    c->sections = arena_new(&c->arena, c->sections_n * sizeof *c->sections);
    for (size_t i = 0; i < c->sections_n; i++) {
        c->sections[i].section = &sections[i];
        section_read(l, &c->sections[i]);
    }
}

static void sections_check(struct loading *l) {
    struct config *c = l->config;
    for (size_t i = 0; i < c->sections_n; i++) {
        const struct section_value *v = &c->sections[i];
        if (!v->section->check || !v->sound)
            continue;
        struct config_check check = {c, &l->faults, &l->marks, v->node ? v->node : c->root};
        v->section->check(v->value, &check);
    }
}

/* ---- channels ---- */

/* A plugin of a lower minor version has a shorter table. */
#define PLUGIN_HAS(plugin, member)                                                                 \
    ((plugin)->size >= offsetof(struct tl_plugin, member) + sizeof(plugin)->member &&              \
     (plugin)->member)

struct report {
    struct loading *loading;
    const struct config_node *channel;
    size_t told;
};

/* A plugin names its fault by a path below its node: "mailboxes/0/from". */
static void plugin_report(void *ctx, struct str path, const char *reason) {
    struct report *report = ctx;
    const struct config_node *at = report->channel;
    while (path.p && path.n) {
        struct str step = str_cut(&path, '/');
        const struct config_node *next = NULL;
        int64_t index;
        if (at->kind == CONFIG_LIST && config_read_int(step, &index) && index >= 0)
            next = config_node_item(at, (size_t)index);
        for (size_t i = 0; at->kind == CONFIG_MAP && i < at->n && !next; i++)
            if (str_eq(at->members[i].key, step))
                next = at->members[i].value;
        if (!next)
            break; /* not written: its surroundings are the place */
        at = next;
    }
    config_faults_node(&report->loading->faults, at, "%s", reason);
    report->told++;
}

static void channel_check(struct loading *l, const struct channel_value *v) {
    struct report report = {.loading = l, .channel = v->node};
    if (!PLUGIN_HAS(v->plugin, check) || v->plugin->check(v->value, plugin_report, &report))
        return;
    if (!report.told)
        config_faults_node(&l->faults, v->node, "the channel %.*s refuses this, without a reason",
                           STR_ARG(v->name));
}

static bool channel_name(struct str name) {
    if (name.n == 0 || name.n > 32 || name.p[0] < 'a' || name.p[0] > 'z')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void channel_read(struct loading *l, struct channel_value *v) {
    const struct tl_plugin *p = v->plugin;
    struct arena *a = &l->config->arena;
    struct config_table t = {p->keys, p->key_bytes};
    size_t before = faults_count(l);
    if (p->flags & TL_PLUGIN_CONFIG_LIST) {
        v->value = arena_new(a, sizeof(struct tl_items));
        config_read_list(&l->reader, v->node, t, p->config_bytes, v->name.p, CONFIG_ITEMS_MAX,
                         v->value);
    } else {
        struct config_node *map = arena_new(a, sizeof *map);
        *map = *v->node;
        if (config_node_null(map))
            map->kind = CONFIG_MAP; /* named, with nothing said: what it needs is asked for */
        v->value = arena_new(a, p->config_bytes);
        config_read_map(&l->reader, map, t, v->name.p, v->value);
    }
    if (faults_count(l) == before)
        channel_check(l, v);
}

static void channels_read(struct loading *l, config_plugin_fn *plugin, void *plugin_ctx) {
    struct config *c = l->config;
    const struct config_node *node = config_node_get(c->root, "channels");
    static const struct tl_strs none;
    const struct tl_strs *folders = &none;
    char quoted[CONFIG_QUOTE_MAX];
    if (!node || config_node_null(node))
        return;
    if (node->kind != CONFIG_MAP) {
        config_faults_node(&l->faults, node, "channels is no mapping; allowed is { email: ... }");
        return;
    }
    for (size_t i = 0; i < c->sections_n; i++)
        if (strcmp(c->sections[i].section->name, "plugins") == 0)
            folders = c->sections[i].value;
    c->channels = arena_new(&c->arena, node->n * sizeof *c->channels);
    struct str *names = arena_new(&c->arena, node->n * sizeof *names);
    for (size_t i = 0; i < node->n; i++) {
        const struct config_member *m = &node->members[i];
        struct fault why = {0};
        struct channel_value *v = &c->channels[c->channel_names.n];
        *v = (struct channel_value){.name = m->key, .node = m->value};
        if (!channel_name(m->key)) {
            config_faults_node(&l->faults, m->key_node,
                               "%s is no name of a channel; allowed are "
                               "email, forms, social, sip and what stands in `plugins`",
                               config_quote(m->key, quoted));
        } else if (!(v->plugin = plugin(plugin_ctx, m->key, folders, &why))) {
            config_faults_node(&l->faults, m->key_node, "channel \"%.*s\": %s%s%s%s",
                               STR_ARG(m->key), why.reason, *why.place ? " (" : "", why.place,
                               *why.place ? ")" : "");
        } else {
            names[c->channel_names.n++] = m->key;
            c->channel_names.items = names;
            channel_read(l, v);
        }
    }
}

/* ---- what may not change while running ---- */

static const struct section_value *section_find(const struct config *c, const char *name) {
    for (size_t i = 0; i < c->sections_n; i++)
        if (strcmp(c->sections[i].section->name, name) == 0)
            return &c->sections[i];
    return NULL;
}

static bool section_same(const struct section_value *a, const struct section_value *b) {
    const struct config_section *s = a->section;
    if (s->flags & CONFIG_SECTION_VALUE)
        return config_same_value(s->keys, sizeof *s->keys, a->value, b->value, 0);
    if (!(s->flags & CONFIG_SECTION_LIST))
        return config_same_map(section_table(s), a->value, b->value, 0);
    struct tl_key whole = {
        .name = s->name, .type = TL_KEY_LIST, .sub = s->keys, .sub_bytes = s->bytes};
    return config_same_value(&whole, sizeof *s->keys, a->value, b->value, 0);
}

/* A fixed list may grow. Its entries are known by the first key of their table; secrets in them may
 * be renewed (a certificate's key). */
static void fixed_list_check(struct loading *l, const struct section_value *now,
                             const struct section_value *old) {
    const struct config_section *s = now->section;
    const struct tl_items *a = now->value, *b = old->value;
    const struct config_node *at = now->node ? now->node : l->config->root;
    for (size_t i = 0; i < b->n; i++) {
        const char *was = (const char *)b->items + i * s->bytes, *is = NULL;
        size_t j = 0;
        for (; j < a->n && !is; j++) {
            const char *item = (const char *)a->items + j * s->bytes;
            if (config_same_value(s->keys, sizeof *s->keys, item + s->keys->offset,
                                  was + s->keys->offset, 0))
                is = item;
        }
        if (!is)
            config_faults_node(&l->faults, at,
                               "an entry of %s that is in use is gone; that takes a "
                               "restart, new entries are taken up",
                               s->name);
        else if (!config_same_map(section_table(s), is, was, CONFIG_SAME_BUT_SECRETS))
            config_faults_node(&l->faults, at->members[j - 1].value,
                               "this entry of %s is in use and "
                               "was changed; that takes a restart, new entries are taken up",
                               s->name);
    }
}

static void fixed_check(struct loading *l, const struct config *old) {
    for (size_t i = 0; i < l->config->sections_n; i++) {
        const struct section_value *now = &l->config->sections[i];
        const struct section_value *was = section_find(old, now->section->name);
        if (!(now->section->flags & CONFIG_SECTION_FIXED) || !now->sound || !was)
            continue;
        if (now->section->flags & CONFIG_SECTION_LIST)
            fixed_list_check(l, now, was);
        else if (!section_same(now, was))
            config_faults_node(&l->faults, now->node ? now->node : l->config->root,
                               "%s was changed; that takes a restart", now->section->name);
    }
}

/* ---- public ---- */

static void tree_load(struct loading *l, const char *path, const struct config_section *sections,
                      bool parts, config_plugin_fn *plugin, void *plugin_ctx,
                      const struct config *old) {
    struct config *c = l->config;
    struct fault f = {0};
    struct config_file file = {.shown = path};
    if (!config_folder_of(&c->arena, path, &c->folder, &f)) {
        config_faults_add(&l->faults, &file, 1, 1, "%s", f.reason);
        return;
    }
    c->root = config_include(&c->arena, path, c->folder, &l->faults);
    if (!c->root)
        return;
    l->reader = (struct config_reader){&c->arena, c->folder, c->root, &l->faults, &l->marks, parts};
    sections_read(l, sections);
    if (!parts)
        top_check(l, plugin != NULL);
    if (plugin)
        channels_read(l, plugin, plugin_ctx);
    sections_check(l);
    if (old)
        fixed_check(l, old);
}

static bool load(const char *path, const struct config_section *sections, bool parts,
                 config_plugin_fn *plugin, void *plugin_ctx, const struct config *old,
                 struct config **out, struct fault_list *faults) {
    struct loading l = {.config = NEW(struct config)};
    arena_init(&l.config->arena);
    tree_load(&l, path, sections, parts, plugin, plugin_ctx, old);
    bool sound = faults_count(&l) == 0;
    config_faults_tell(&l.faults, faults);
    config_faults_clear(&l.faults);
    config_marks_clear(&l.marks);
    if (sound)
        *out = l.config;
    else
        config_free(l.config);
    return sound;
}

bool config_load(const char *path, const struct config_section *sections, config_plugin_fn *plugin,
                 void *plugin_ctx, const struct config *old, struct config **out,
                 struct fault_list *faults) {
    return load(path, sections, false, plugin, plugin_ctx, old, out, faults);
}

bool config_load_parts(const char *path, const struct config_section *sections, struct config **out,
                       struct fault_list *faults) {
    return load(path, sections, true, NULL, NULL, NULL, out, faults);
}

const struct config_node *config_root(const struct config *c) {
    return c->root;
}

void config_free(struct config *c) {
    if (!c)
        return;
    arena_clear(&c->arena);
    free(c);
}

const void *config_get(const struct config *c, const char *section) {
    const struct section_value *v = section_find(c, section);
    assert(v);
    return v->value;
}

static const struct channel_value *channel_find(const struct config *c, struct str name) {
    for (size_t i = 0; i < c->channel_names.n; i++)
        if (str_eq(c->channels[i].name, name))
            return &c->channels[i];
    return NULL;
}

const void *config_channel(const struct config *c, struct str name) {
    const struct channel_value *v = channel_find(c, name);
    return v ? v->value : NULL;
}

const struct tl_strs *config_channels(const struct config *c) {
    return &c->channel_names;
}

static bool channel_differs(const struct config *a, const struct config *b, struct str name) {
    const struct channel_value *left = channel_find(a, name), *right = channel_find(b, name);
    if (!left || !right)
        return left != right;
    const struct tl_plugin *p = left->plugin;
    if (p != right->plugin)
        return true;
    struct config_table t = {p->keys, p->key_bytes};
    if (!(p->flags & TL_PLUGIN_CONFIG_LIST))
        return !config_same_map(t, left->value, right->value, 0);
    struct tl_key whole = {.type = TL_KEY_LIST, .sub = p->keys, .sub_bytes = p->config_bytes};
    return !config_same_value(&whole, p->key_bytes, left->value, right->value, 0);
}

bool config_differs(const struct config *a, const struct config *b, const char *section) {
    struct str name = str_c(section), channels = str_c("channels.");
    if (str_starts(name, channels))
        return channel_differs(a, b, str_from(name, channels.n));
    const struct section_value *left = section_find(a, section), *right = section_find(b, section);
    assert(left && right);
    return !section_same(left, right);
}

struct str config_folder(const struct config *c) {
    return c->folder;
}

/* ---- inside a check ---- */

void *config_check_memory(struct config_check *c, size_t bytes) {
    return arena_new(&c->config->arena, bytes);
}

const struct config *config_check_config(struct config_check *c) {
    return c->config;
}

const struct config_node *config_check_node(const struct config_check *c, const char *section) {
    return config_node_get(c->config->root, section);
}

void config_check_fault(struct config_check *c, const void *value, const char *format, ...) {
    const struct config_node *at = config_marks_find(c->marks, value);
    va_list args;
    if (!at)
        at = c->at;
    va_start(args, format);
    config_faults_addv(c->faults, at->file, at->line, at->column, format, args);
    va_end(args);
}

void config_node_fault(struct config_check *c, const struct config_node *n, const char *format,
                       ...) {
    va_list args;
    va_start(args, format);
    config_faults_addv(c->faults, n->file, n->line, n->column, format, args);
    va_end(args);
}
