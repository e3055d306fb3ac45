/* config/config_priv.h - what the files of this room share: the tree, its files, the faults found.
 *
 *   yaml.c     one file's bytes ──► tree of nodes with places
 *   include.c  the main file and those it takes in ──► one tree
 *   read.c     a tree and a table ──► a filled struct; values.c, paths.c, secret.c convert one
 * value faults.c   faults at places, told sorted; and which node gave which value diff.c     two
 * filled structs compared by their table config.c   all of it in order
 */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H

#include <stdarg.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>

#include "config/config.h"

enum {
    CONFIG_FILE_MAX = 1 << 20, /* bytes of one file */
    CONFIG_FILES_MAX = 64,
    CONFIG_DEPTH_MAX = 32,
    CONFIG_MEMBERS_MAX = 4096, /* of one mapping: bounds the search for duplicates */
    CONFIG_LIST_MAX = 10000,
    CONFIG_ITEMS_MAX = 5000, /* of a section that is a list */
    CONFIG_FAULTS_MAX = 1000,
    CONFIG_SECRET_MAX = 64 << 10,
    CONFIG_QUOTE_MAX = 64,
};

/* Flag of a TL_KEY_STRS in this room's own tables: each of them is a path and comes out absolute.
 */
enum { CONFIG_KEY_PATHS = 1 << 16 };
/* Flag of the first key of a list's table: an entry that is a single value gives this key. */
enum { CONFIG_KEY_ALONE = 1 << 17 };

struct config_file {
    const char *shown; /* as faults name it */
    size_t order;      /* the main file first */
};

struct config_member {
    struct str key; /* absent in lists */
    const struct config_node *key_node;
    struct config_node *value;
};

/* Lives in the config's arena. */
struct config_node {
    enum config_kind kind;
    bool quoted;
    uint32_t line, column; /* from 1, columns in characters */
    const struct config_file *file;
    struct str text; /* of a scalar */
    struct config_member *members;
    size_t n;
};

/* ---- faults.c ---- */
struct config_fault {
    size_t file, seq;
    uint32_t line, column;
    struct fault fault;
};
struct config_faults {
    struct config_fault *items;
    size_t n, room, dropped;
};
void config_faults_addv(struct config_faults *fs, const struct config_file *file, uint32_t line,
                        uint32_t column, const char *format, va_list args);
void config_faults_add(struct config_faults *fs, const struct config_file *file, uint32_t line,
                       uint32_t column, const char *format, ...) printf_like(5, 6);
void config_faults_node(struct config_faults *fs, const struct config_node *n, const char *format,
                        ...) printf_like(3, 4);
/* In the order of the files and their lines. */
void config_faults_tell(struct config_faults *fs, struct fault_list *out);
void config_faults_clear(struct config_faults *fs);
/* s in quotes, printable and cut to fit; returns out. */
const char *config_quote(struct str s, char out[CONFIG_QUOTE_MAX]);

/* Which node gave the bytes at [start, start + bytes): for checks that hold a value and want its
 * place. */
struct config_mark {
    const char *start;
    size_t bytes;
    const struct config_node *node;
};
struct config_marks {
    struct config_mark *items;
    size_t n, room;
};
void config_marks_add(struct config_marks *ms, const void *start, size_t bytes,
                      const struct config_node *node);
/* The smallest marked range that holds it; NULL: none. */
const struct config_node *config_marks_find(const struct config_marks *ms, const void *value);
void config_marks_clear(struct config_marks *ms);

/* ---- yaml.c ---- */
/* The tree of one file, in the arena; NULL where it cannot be read at all. Other faults leave a
 * tree that can be looked at further. An empty document is an empty mapping. */
struct config_node *config_yaml_read(struct arena *a, const struct config_file *file,
                                     struct str text, struct config_faults *fs);
bool config_node_null(const struct config_node *n); /* nothing, ~ or null, unquoted */
bool config_node_same(const struct config_node *a, const struct config_node *b);

/* ---- include.c ---- */
/* The main file with all that it takes in, merged; NULL where one of them cannot be read at all. */
struct config_node *config_include(struct arena *a, const char *path, struct str folder,
                                   struct config_faults *fs);

/* ---- paths.c ---- */
/* The folder that holds the file at path, absolute and without links. */
bool config_folder_of(struct arena *a, const char *path, struct str *out, struct fault *f)
    must_check;
/* Absolute, in the arena: relative ones start at folder; `../var` at the start moves with
 * TOUCHLINE_VAR. */
struct str config_path_absolute(struct arena *a, struct str folder, struct str path);

/* ---- secret.c ---- */
/* What `file:PATH` or `credential:NAME` holds. The reason never quotes what was written there. */
bool config_secret_read(struct arena *a, struct str folder, struct str ref, struct str *out,
                        struct fault *f) must_check;

/* ---- values.c ---- */
bool config_read_share(struct str s, int64_t *out_percent) must_check;
bool config_read_rate(struct str s, struct tl_rate *out) must_check;
/* HOST:PORT, [V6]:PORT or unix:PATH; a fault's reason says what is allowed. */
bool config_read_address(struct arena *a, struct str folder, struct str s, struct str *out,
                         struct fault *f) must_check;
/* As an operator would write it: "10m", "64KiB". */
const char *config_show_number(enum tl_key_type type, int64_t value, char out[32]);

/* ---- read.c ---- */
struct config_table {
    const struct tl_key *keys;
    size_t stride; /* sizeof(struct tl_key) as the table's author knew it */
};
/* The i-th key, what its author did not know left zero. false: end of the table. */
bool config_table_key(struct config_table t, size_t i, struct tl_key *out);
size_t config_key_bytes(const struct tl_key *key); /* of the value in the struct */

struct config_reader {
    struct arena *arena;
    struct str folder;
    const struct config_node *root;
    struct config_faults *faults;
    struct config_marks *marks;
    bool no_secrets; /* leave them absent */
};
/* Fills *out; node NULL gives presets and asks for nothing. what: "queues", for faults. */
void config_read_map(struct config_reader *r, const struct config_node *node, struct config_table t,
                     const char *what, void *out);
void config_read_list(struct config_reader *r, const struct config_node *node,
                      struct config_table t, size_t item_bytes, const char *what, size_t max,
                      struct tl_items *out);
/* One value by its key; node NULL: the preset, or zero. */
void config_read_value(struct config_reader *r, const struct config_node *node,
                       const struct config_node *parent, const struct tl_key *key, size_t stride,
                       void *out);

/* ---- people.c ---- */
#define CHANNELS "email|call|form|social|chat|sms|letter|fax|visit|web|other"
/* A name that ends up in ids of sources, in paths of the API and in keys of the store. */
void config_check_name(struct config_check *c, const struct str *name);

/* ---- config.c ---- */
/* What a check completes lives as long as the config. */
void *config_check_memory(struct config_check *c, size_t bytes);
const struct config_node *config_root(const struct config *c);

/* ---- diff.c ---- */
enum { CONFIG_SAME_BUT_SECRETS = 1 };
bool config_same_value(const struct tl_key *key, size_t stride, const void *a, const void *b,
                       uint32_t flags);
bool config_same_map(struct config_table t, const void *a, const void *b, uint32_t flags);

#endif
