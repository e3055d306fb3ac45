/* config/config.h - the operator's file: YAML with places, tables of keys, checks, reload.
 *
 * The reader knows no key: each room brings its table (struct tl_key) as a section, a channel
 * brings its own through the plugin. Faults are all told at once, each as FILE:LINE:COLUMN.
 *
 *   file(s) ──libyaml──► tree with places ──tables──► a struct a section ──► checks across them
 *
 * A config is immutable once loaded and owned by main.c; a reload builds a second one beside it.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

struct buf;
struct config;
struct config_node; /* a node of the tree, with its place */

enum {
    CONFIG_SECTION_LIST = 1,  /* a list of `keys` (struct tl_items); else one mapping */
    CONFIG_SECTION_FIXED = 2, /* a change of it is refused on reload; a LIST may grow */
    CONFIG_SECTION_VALUE = 4, /* no mapping: one value, described by keys[0] (state, region …) */
};

/* What a check may do: look at other sections and add faults at a node's place. */
struct config_check;

struct config_section {
    const char *name; /* top-level key */
    const struct tl_key *keys;
    size_t bytes; /* of the struct, or of one item of the list */
    uint32_t flags;
    /* May be NULL. Looks at the filled struct (LIST: struct tl_items) after all sections are
     * read; not called where the section itself had faults. */
    void (*check)(const void *section, struct config_check *c);
};

/* Finds the table of one entry below `channels:`; NULL: no such plugin, *out_why says what was
 * tried. folders: of `plugins`, absolute; may be empty. */
typedef const struct tl_plugin *
config_plugin_fn(void *ctx, struct str name, const struct tl_strs *folders, struct fault *out_why);

/* Reads path and its includes. sections ends with name == NULL. On false the list holds every fault
 * (kind INPUT, place FILE:LINE:COLUMN, reason: what is wrong and what is allowed), in their order.
 * `old` may be NULL; else sections that are FIXED must not differ from it. plugin may be NULL:
 * then `channels` is an unknown key. */
bool config_load(const char *path, const struct config_section *sections, config_plugin_fn *plugin,
                 void *plugin_ctx, const struct config *old, struct config **out,
                 struct fault_list *faults) must_check;
/* The same of some sections alone: others are left out, and no secret is read. For who looks at a
 * file without running by it. */
bool config_load_parts(const char *path, const struct config_section *sections, struct config **out,
                       struct fault_list *faults) must_check;
void config_free(struct config *c);

/* The filled struct of a section, never NULL for a known name (defaults where it is absent). A LIST
 * gives a struct tl_items; a VALUE the value itself. */
const void *config_get(const struct config *c, const char *section);
/* The filled struct of a channel (CONFIG_LIST: struct tl_items); NULL when the file does not name
 * it. */
const void *config_channel(const struct config *c, struct str name);
/* The names below `channels:`, in order. */
const struct tl_strs *config_channels(const struct config *c);
/* True where the section (or "channels.NAME") differs between the two: reload as a diff. */
bool config_differs(const struct config *a, const struct config *b, const char *section);
/* The folder of the main file, absolute: relative paths start there. */
struct str config_folder(const struct config *c);

/* ---- inside a check ---- */
const struct config *config_check_config(struct config_check *c);
/* A section's node as it was written, or NULL: for names that stand in another room's part. */
const struct config_node *config_check_node(const struct config_check *c, const char *section);
/* Adds a fault at the node that gave `value` (any pointer into the section: the member, the item,
 * or a string's bytes), else at the section itself. The smallest part counts: an item's own address
 * is that of its first member. */
void config_check_fault(struct config_check *c, const void *value, const char *format, ...)
    printf_like(3, 4);
/* The nearest known name for "did you mean", or NULL; distance at most a third of its length. */
const char *config_nearest(struct str name, const char *const *known, size_t n);

/* ---- nodes, for keys of type TL_KEY_NODE (rules) ---- */
enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };
enum config_kind config_node_kind(const struct config_node *n);
struct str config_node_str(const struct config_node *n); /* of a scalar */
/* A quoted scalar is text, never yes, no or a number. */
bool config_node_quoted(const struct config_node *n);
size_t config_node_count(const struct config_node *n); /* items or members */
/* The item, or the member's value. */
const struct config_node *config_node_item(const struct config_node *n, size_t i);
struct str config_node_key(const struct config_node *n, size_t i); /* of a mapping */
/* The node of the key itself, for a fault at its place. */
const struct config_node *config_node_key_node(const struct config_node *n, size_t i);
/* NULL: absent. */
const struct config_node *config_node_get(const struct config_node *n, const char *key);
/* Adds a fault at a node. */
void config_node_fault(struct config_check *c, const struct config_node *n, const char *format, ...)
    printf_like(3, 4);

/* ---- values as the tables read them: "90s", "10MiB", "yes". false: not of that form ---- */
bool config_read_duration(struct str s, int64_t *out_ms) must_check;
bool config_read_size(struct str s, int64_t *out_bytes) must_check;
bool config_read_bool(struct str s, bool *out) must_check;
bool config_read_int(struct str s, int64_t *out) must_check;

/* ---- the reference of the file, generated from the tables (Markdown). false: buf is full ---- */
bool config_describe(const struct config_section *sections, struct buf *out) must_check;
bool config_describe_channel(const struct tl_plugin *plugin, struct buf *out) must_check;

/* What the file says in these sections (names, NULL ends), as YAML again, without the keys that
 * hold secrets; paths are absolute. false: buf is full. */
bool config_write(const struct config *c, const char *const *sections, struct buf *out) must_check;

#endif
