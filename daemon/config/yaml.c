/* config/yaml.c - one file's bytes to a tree of our own, with places.
 *
 * Two passes over libyaml. The first walks events and refuses what we don't take, at its place and
 * before it can cost anything: nesting (its cost is quadratic), anchors, aliases and tags (of which
 * the document keeps no trace), NUL, a second document. The second loads the document and copies
 * it, refusing duplicate keys, which libyaml lets pass.
 */
#include <yaml.h>

#include <touchline/kit/utf8.h>

#include "config/config_priv.h"

struct yaml {
    struct arena *arena;
    const struct config_file *file;
    struct str text;
    struct config_faults *faults;
};

static void yaml_fault(struct yaml *y, yaml_mark_t at, const char *reason) {
    config_faults_add(y->faults, y->file, (uint32_t)at.line + 1, (uint32_t)at.column + 1, "%s",
                      reason);
}

/* A place by its offset, for faults below the grammar. */
static void offset_fault(struct yaml *y, size_t offset, const char *reason) {
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < y->text.n; i++) {
        unsigned char c = (unsigned char)y->text.p[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xC0) != 0x80) {
            column++;
        }
    }
    config_faults_add(y->faults, y->file, line, column, "%s", reason);
}

static void parser_fault(struct yaml *y, const yaml_parser_t *p) {
    const char *problem = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_READER_ERROR) {
        offset_fault(y, p->problem_offset, problem);
        return;
    }
    uint32_t line = (uint32_t)p->problem_mark.line + 1;
    uint32_t column = (uint32_t)p->problem_mark.column + 1;
    if (p->context)
        config_faults_add(y->faults, y->file, line, column,
                          "not YAML: %s, %s that began at line %zu, column %zu", problem,
                          p->context, p->context_mark.line + 1, p->context_mark.column + 1);
    else
        config_faults_add(y->faults, y->file, line, column, "not YAML: %s", problem);
}

static void parser_open(struct yaml *y, yaml_parser_t *p) {
    if (!yaml_parser_initialize(p))
        abort(); /* out of memory, as in mem_new */
    yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(p, (const unsigned char *)y->text.p, y->text.n);
}

static void refuse_marks(struct yaml *y, const yaml_event_t *e, const yaml_char_t *anchor,
                         const yaml_char_t *tag) {
    if (anchor)
        yaml_fault(y, e->start_mark, "anchors (&name) are not allowed; write the value out");
    if (tag)
        yaml_fault(y, e->start_mark, "tags (!name) are not allowed; leave it away");
}

struct guard {
    size_t depth, documents;
    bool unusable; /* the tree must not be built; else the fault is one of many to be told */
};

static void guard_refuse(struct yaml *y, struct guard *g, const yaml_event_t *e,
                         const char *reason) {
    yaml_fault(y, e->start_mark, reason);
    g->unusable = true;
}

/* Looks at one event; false: no use to go on. */
static bool guard_event(struct yaml *y, struct guard *g, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++g->documents > 1) {
            guard_refuse(y, g, e, "a second document; one is allowed in a file");
            return false;
        }
        break;
    case YAML_ALIAS_EVENT:
        guard_refuse(y, g, e, "aliases (*name) are not allowed; write the value out");
        break;
    case YAML_SCALAR_EVENT:
        refuse_marks(y, e, e->data.scalar.anchor, e->data.scalar.tag);
        if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
            guard_refuse(y, g, e, "a NUL character is not allowed");
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_marks(y, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        g->depth++;
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_marks(y, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        g->depth++;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        g->depth--;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    if (g->depth > CONFIG_DEPTH_MAX) {
        guard_refuse(y, g, e, "nested more than 32 levels deep");
        return false;
    }
    return true;
}

static bool guard(struct yaml *y) {
    struct guard g = {0};
    bool more = true;
    yaml_parser_t parser;
    parser_open(y, &parser);
    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            parser_fault(y, &parser);
            g.unusable = true;
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT && guard_event(y, &g, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return !g.unusable;
}

static struct config_node *node_new(struct yaml *y, enum config_kind kind, yaml_mark_t at) {
    struct config_node *n = arena_new(y->arena, sizeof *n);
    n->kind = kind;
    n->file = y->file;
    n->line = (uint32_t)at.line + 1;
    n->column = (uint32_t)at.column + 1;
    return n;
}

static struct config_node *node_copy(struct yaml *y, yaml_document_t *doc, int index);

static struct config_node *scalar_copy(struct yaml *y, const yaml_node_t *from) {
    struct config_node *n = node_new(y, CONFIG_SCALAR, from->start_mark);
    n->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->text = arena_str(y->arena,
                        str_make((const char *)from->data.scalar.value, from->data.scalar.length));
    return n;
}

static struct config_node *list_copy(struct yaml *y, yaml_document_t *doc,
                                     const yaml_node_t *from) {
    struct config_node *n = node_new(y, CONFIG_LIST, from->start_mark);
    size_t count = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
    if (count > CONFIG_LIST_MAX) {
        config_faults_node(y->faults, n, "more than %d items in one list", CONFIG_LIST_MAX);
        return n;
    }
    n->members = arena_new(y->arena, count * sizeof *n->members);
    for (size_t i = 0; i < count; i++) {
        struct config_node *item = node_copy(y, doc, from->data.sequence.items.start[i]);
        if (item)
            n->members[n->n++].value = item;
    }
    return n;
}

/* false: the key cannot stand there; a fault has been added. */
static bool key_allowed(struct yaml *y, const struct config_node *map,
                        const struct config_node *key) {
    char quoted[CONFIG_QUOTE_MAX];
    if (key->kind != CONFIG_SCALAR) {
        config_faults_node(y->faults, key, "a key must be a single word");
        return false;
    }
    if (!key->quoted && str_is(key->text, "<<")) {
        config_faults_node(y->faults, key, "merge keys (<<) are not allowed; write the keys out");
        return false;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (!str_eq(map->members[i].key, key->text))
            continue;
        config_faults_node(y->faults, key, "key %s stands here twice, first at line %u",
                           config_quote(key->text, quoted), map->members[i].key_node->line);
        return false;
    }
    return true;
}

static struct config_node *map_copy(struct yaml *y, yaml_document_t *doc, const yaml_node_t *from) {
    struct config_node *n = node_new(y, CONFIG_MAP, from->start_mark);
    size_t count = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    if (count > CONFIG_MEMBERS_MAX) {
        config_faults_node(y->faults, n, "more than %d keys in one mapping", CONFIG_MEMBERS_MAX);
        return n;
    }
    n->members = arena_new(y->arena, count * sizeof *n->members);
    for (size_t i = 0; i < count; i++) {
        const yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];
        struct config_node *key = node_copy(y, doc, pair->key);
        struct config_node *value = node_copy(y, doc, pair->value);
        if (key && value && key_allowed(y, n, key))
            n->members[n->n++] = (struct config_member){key->text, key, value};
    }
    return n;
}

/* Recursion is bounded by the first pass. */
static struct config_node *node_copy(struct yaml *y, yaml_document_t *doc, int index) {
    const yaml_node_t *from = yaml_document_get_node(doc, index);
    if (!from)
        return NULL;
    switch (from->type) {
    case YAML_SCALAR_NODE:
        return scalar_copy(y, from);
    case YAML_SEQUENCE_NODE:
        return list_copy(y, doc, from);
    case YAML_MAPPING_NODE:
        return map_copy(y, doc, from);
    case YAML_NO_NODE:
        break;
    }
    return NULL;
}

static struct config_node *document_read(struct yaml *y) {
    struct config_node *root = NULL;
    yaml_document_t doc;
    yaml_parser_t parser;
    parser_open(y, &parser);
    if (yaml_parser_load(&parser, &doc)) {
        const yaml_node_t *top = yaml_document_get_root_node(&doc);
        root = top ? node_copy(y, &doc, 1) : node_new(y, CONFIG_MAP, (yaml_mark_t){0});
        yaml_document_delete(&doc);
    } else {
        parser_fault(y, &parser);
    }
    yaml_parser_delete(&parser);
    return root;
}

/* Offset of the first byte that is not UTF-8. */
static size_t utf8_break(struct str s) {
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *from = p;
        if (utf8_next(&p, end) == 0xFFFD && p - from == 1)
            return (size_t)(from - s.p);
    }
    return s.n;
}

struct config_node *config_yaml_read(struct arena *a, const struct config_file *file,
                                     struct str text, struct config_faults *fs) {
    if (str_starts(text, str_c("\xEF\xBB\xBF")))
        text = str_from(text, 3);
    struct yaml y = {.arena = a, .file = file, .text = text, .faults = fs};
    if (text.n > CONFIG_FILE_MAX) {
        config_faults_add(fs, file, 1, 1, "larger than 1 MiB");
        return NULL;
    }
    if (!utf8_valid(text)) {
        offset_fault(&y, utf8_break(text), "not UTF-8");
        return NULL;
    }
    return guard(&y) ? document_read(&y) : NULL;
}
