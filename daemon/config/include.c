/* config/include.c - the main file and those it takes in by `include: conf.d/NAME.yml`, as one
 * tree.
 *
 * Lists are joined in the order of the files, mappings merged key by key; a single value may stand
 * in one place only. Patterns are relative to the folder of the main file. A file taken in takes in
 * no others, so there are no circles.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_priv.h"

struct including {
    struct arena *arena;
    struct str folder;
    const char *shown_folder; /* of the main file as it was called, with its slash; may be empty */
    struct config_faults *faults;
    struct config_node *root;
    size_t files;
    bool broken; /* a file is missing from the tree: what names its parts would seem wrong */
};

/* All of a regular file, at most one byte more than allowed. */
static bool file_read(const char *path, struct buf *out, struct fault *f) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fault_sys(f, "", "cannot be opened");
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!ok)
        fault_set(f, FAULT_INPUT, "", "is not a regular file");
    while (ok) {
        char *to = buf_reserve(out, 4096);
        ssize_t got = to ? read(fd, to, 4096) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            ok = fault_sys(f, "", "cannot be read");
        if (got <= 0)
            break;
        buf_commit(out, (size_t)got);
    }
    close(fd);
    return ok;
}

static struct config_node *tree_read(struct including *in, const char *path, const char *shown,
                                     const struct config_node *at) {
    struct config_file *file = arena_new(in->arena, sizeof *file);
    *file =
        (struct config_file){.shown = arena_str(in->arena, str_c(shown)).p, .order = in->files++};
    struct fault f = {0};
    struct config_node *tree = NULL;
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX + 8192);
    if (file_read(path, &text, &f))
        tree = config_yaml_read(in->arena, file, buf_str(&text), in->faults);
    else if (at)
        config_faults_node(in->faults, at, "%s %s", shown, f.reason);
    else
        config_faults_add(in->faults, file, 1, 1, "%s", f.reason);
    buf_clear(&text);
    if (tree && config_node_null(tree))
        tree->kind = CONFIG_MAP; /* a file of comments */
    if (tree && tree->kind != CONFIG_MAP) {
        config_faults_node(in->faults, tree, "the file is no mapping; allowed are keys and values");
        tree = NULL;
    }
    in->broken = in->broken || !tree;
    return tree;
}

static void merge(struct including *in, struct config_node *into, const struct config_node *from);

static void append(struct including *in, struct config_node *into, const struct config_node *from) {
    struct config_member *all = arena_new(in->arena, (into->n + from->n) * sizeof *all);
    if (into->n)
        memcpy(all, into->members, into->n * sizeof *all);
    if (from->n)
        memcpy(all + into->n, from->members, from->n * sizeof *all);
    into->members = all;
    into->n += from->n;
}

static void member_merge(struct including *in, struct config_node *into,
                         const struct config_member *m) {
    char quoted[CONFIG_QUOTE_MAX];
    for (size_t i = 0; i < into->n; i++) {
        struct config_node *there = into->members[i].value;
        if (!str_eq(into->members[i].key, m->key))
            continue;
        if (there->kind == CONFIG_MAP && m->value->kind == CONFIG_MAP)
            merge(in, there, m->value);
        else if (there->kind == CONFIG_LIST && m->value->kind == CONFIG_LIST)
            append(in, there, m->value);
        else if (config_node_null(there))
            into->members[i].value = m->value;
        else if (!config_node_null(m->value))
            config_faults_node(in->faults, m->key_node,
                               "%s stands already at %s:%u; a single value may stand in one place",
                               config_quote(m->key, quoted), there->file->shown, there->line);
        return;
    }
    append(in, into, &(struct config_node){.members = (struct config_member *)m, .n = 1});
}

static void merge(struct including *in, struct config_node *into, const struct config_node *from) {
    for (size_t i = 0; i < from->n; i++)
        if (into != in->root || !str_is(from->members[i].key, "include"))
            member_merge(in, into, &from->members[i]);
}

static void file_take(struct including *in, const char *path, const struct config_node *at) {
    struct str s = str_c(path);
    struct str prefix = arena_strf(in->arena, "%.*s/", STR_ARG(in->folder));
    const char *shown = path;
    if (in->files >= CONFIG_FILES_MAX) {
        in->broken = true;
        if (in->files++ == CONFIG_FILES_MAX)
            config_faults_node(in->faults, at, "more than %d files", CONFIG_FILES_MAX);
        return;
    }
    if (str_starts(s, prefix))
        shown = arena_strf(in->arena, "%s%s", in->shown_folder, path + prefix.n).p;
    struct config_node *tree = tree_read(in, path, shown, at);
    if (!tree)
        return;
    const struct config_node *more = config_node_get(tree, "include");
    if (more)
        config_faults_node(in->faults, more, "include is allowed in the main file only");
    merge(in, in->root, tree);
}

static void pattern_refuse(struct including *in, const struct config_node *at, const char *why) {
    char quoted[CONFIG_QUOTE_MAX];
    config_faults_node(in->faults, at, "include: %s %s; allowed is a path or a list of them",
                       config_quote(at->text, quoted), why);
    in->broken = true;
}

/* A folder that is not there holds no files; one that cannot be read might. */
static int folder_refused(const char *path, int error) {
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

static void pattern_take(struct including *in, const struct config_node *at) {
    glob_t found;
    if (at->kind != CONFIG_SCALAR || at->text.n == 0) {
        pattern_refuse(in, at, "is no path");
        return;
    }
    struct str pattern = config_path_absolute(in->arena, in->folder, at->text);
    int status = glob(pattern.p, 0, folder_refused, &found);
    if (status == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            file_take(in, found.gl_pathv[i], at);
        globfree(&found);
    } else if (status != GLOB_NOMATCH) {
        pattern_refuse(in, at, "cannot be read");
    } else if (!strpbrk(pattern.p, "*?[")) {
        pattern_refuse(in, at, "does not exist");
    }
}

struct config_node *config_include(struct arena *a, const char *path, struct str folder,
                                   struct config_faults *fs) {
    struct including in = {.arena = a, .folder = folder, .faults = fs};
    struct str shown = str_c(path);
    while (shown.n && shown.p[shown.n - 1] != '/')
        shown.n--;
    in.shown_folder = arena_strf(a, "%.*s", STR_ARG(shown)).p;
    in.root = tree_read(&in, path, path, NULL);
    if (!in.root)
        return NULL;
    const struct config_node *include = config_node_get(in.root, "include");
    if (include && include->kind == CONFIG_LIST)
        for (size_t i = 0; i < include->n; i++)
            pattern_take(&in, include->members[i].value);
    else if (include && !config_node_null(include))
        pattern_take(&in, include);
    return in.broken ? NULL : in.root;
}
