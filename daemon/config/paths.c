/* config/paths.c - paths of the file made absolute.
 *
 * Relative ones start at the folder of the main file, also those written in files it takes in. For
 * development and tests the environment's TOUCHLINE_VAR stands in for a leading `../var`, so that
 * one configuration serves many daemons beside each other.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config_priv.h"

bool config_folder_of(struct arena *a, const char *path, struct str *out, struct fault *f) {
    struct str s = str_c(path);
    while (s.n && s.p[s.n - 1] != '/')
        s.n--;
    char real[PATH_MAX];
    if (!realpath(s.n ? arena_str(a, s).p : ".", real))
        return fault_sys(f, path, "its folder cannot be opened");
    *out = arena_str(a, str_c(real));
    return true;
}

/* The rest behind `../var`, which begins with '/' or is empty; absent: another path. */
static struct str behind_var(struct str path) {
    struct str var = str_c("../var");
    if (!str_starts(path, var))
        return STR_NONE;
    struct str rest = str_from(path, var.n);
    return rest.n == 0 || rest.p[0] == '/' ? rest : STR_NONE;
}

static struct str working_folder(struct arena *a) {
    char here[PATH_MAX];
    return arena_str(a, str_c(getcwd(here, sizeof here) ? here : "/"));
}

struct str config_path_absolute(struct arena *a, struct str folder, struct str path) {
    struct str moved = str_c(getenv("TOUCHLINE_VAR"));
    struct str rest = behind_var(path);
    if (rest.p && moved.n) {
        if (moved.p[0] != '/')
            moved = arena_strf(a, "%.*s/%.*s", STR_ARG(working_folder(a)), STR_ARG(moved));
        return arena_strf(a, "%.*s%.*s", STR_ARG(moved), STR_ARG(rest));
    }
    if (path.n && path.p[0] == '/')
        return arena_str(a, path);
    /* The folder has no links in it, so the way up can be taken here. */
    for (;;) {
        if (str_starts(path, str_c("../")))
            path = str_from(path, 3);
        else if (str_is(path, ".."))
            path = str_from(path, 2);
        else if (str_starts(path, str_c("./"))) {
            path = str_from(path, 2);
            continue;
        } else
            break;
        while (folder.n > 1 && folder.p[folder.n - 1] != '/')
            folder.n--;
        if (folder.n > 1)
            folder.n--;
    }
    const char *between = folder.n > 1 && path.n ? "/" : "";
    return arena_strf(a, "%.*s%s%.*s", STR_ARG(folder), between, STR_ARG(path));
}
