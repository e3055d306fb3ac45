/* sip/rotated.c - see rotated.h. */
#include "rotated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>

enum { PATH_BYTES = 4096, FILES_MAX = 10000 };

int rotated_open(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* Stable across restarts, unlike hash64. */
bool rotated_head(int fd, size_t n, uint64_t *out) {
    char head[TAIL_HEAD_MAX];
    uint8_t digest[SHA256_BYTES];
    if (pread(fd, head, n, 0) != (ssize_t)n)
        return false;
    sha256(str_make(head, n), digest);
    memcpy(out, digest, sizeof *out);
    return true;
}

static bool begins_alike(int fd, const struct tail_file *f) {
    uint64_t head;
    return rotated_head(fd, f->head_n, &head) && head == f->head;
}

bool rotated_is(int fd, const struct tail_file *f) {
    struct stat st;
    return fstat(fd, &st) == 0 && (uint64_t)st.st_dev == f->device &&
           (uint64_t)st.st_ino == f->inode && begins_alike(fd, f);
}

static int64_t time_ns(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int64_t rotated_time_ns(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? time_ns(&st) : 0;
}

/* ---- the files beside it ---- */

static bool is_mark(struct str s) {
    if (s.n < 2 || (s.p[0] != '.' && s.p[0] != '-'))
        return false;
    if (str_is(str_from(s, 1), "old"))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789-_.:T", s.p[i]))
            return false;
    return true;
}

/* base "log" + ".1", or "switch.log" as "switch-20261123.log". */
static bool is_sibling(struct str base, struct str name) {
    if (name.n <= base.n)
        return false;
    if (str_starts(name, base))
        return is_mark(str_from(name, base.n));
    size_t stem = base.n;
    while (stem > 0 && base.p[stem - 1] != '.')
        stem--;
    if (stem < 2)
        return false;
    struct str end = str_from(base, stem - 1);
    return str_starts(name, str_upto(base, stem - 1)) && str_ends(name, end) &&
           is_mark(str_make(name.p + stem - 1, name.n - base.n));
}

struct search {
    const struct tail_file *file;
    int64_t bound;   /* bytes, or ns */
    int64_t best_ns; /* of the file found; -1: none */
};
typedef bool fits_fn(struct search *s, int fd, const struct stat *st);

/* The last candidate that fits, opened. any_name: it may be called anything. */
static int search(struct str path, bool any_name, struct search *s, fits_fn *fits) {
    char folder[PATH_BYTES], full[PATH_BYTES + 258];
    struct stat st;
    size_t slash = path.n, looked = 0;
    int found = -1;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    if (slash >= sizeof folder)
        return -1;
    if (slash)
        memcpy(folder, path.p, slash);
    folder[slash] = '\0';
    DIR *d = opendir(slash ? folder : ".");
    if (!d)
        return -1;
    for (struct dirent *e; looked < FILES_MAX && (e = readdir(d)); looked++) {
        bool named = any_name ? (uint64_t)e->d_ino == s->file->inode
                              : is_sibling(str_from(path, slash), str_c(e->d_name));
        if (!named)
            continue;
        snprintf(full, sizeof full, "%s%s", folder, e->d_name);
        int fd = rotated_open(full);
        if (fd < 0)
            continue;
        bool fit = fstat(fd, &st) == 0 && fits(s, fd, &st);
        int out = fit ? found : fd;
        if (out >= 0)
            close(out);
        if (fit)
            found = fd;
    }
    closedir(d);
    return found;
}

static bool is_it(struct search *s, int fd, const struct stat *st) {
    (void)st;
    return rotated_is(fd, s->file);
}

int rotated_find(struct str path, const struct tail_file *f) {
    struct search s = {.file = f};
    return search(path, true, &s, is_it);
}

static bool is_copy(struct search *s, int fd, const struct stat *st) {
    return (uint64_t)st->st_ino != s->file->inode && st->st_size > s->bound && s->file->head_n &&
           begins_alike(fd, s->file) && time_ns(st) > s->best_ns &&
           (s->best_ns = time_ns(st), true);
}

int rotated_copy(struct str path, const struct tail_file *f, int64_t beyond) {
    struct search s = {.file = f, .bound = beyond, .best_ns = -1};
    return search(path, false, &s, is_copy);
}

static bool is_next(struct search *s, int fd, const struct stat *st) {
    int64_t ns = time_ns(st);
    if ((uint64_t)st->st_ino == s->file->inode || ns <= s->bound ||
        (s->best_ns >= 0 && ns >= s->best_ns) || (s->file->head_n && begins_alike(fd, s->file)))
        return false;
    s->best_ns = ns;
    return true;
}

int rotated_next(struct str path, const struct tail_file *f, int64_t after_ns) {
    struct search s = {.file = f, .bound = after_ns, .best_ns = -1};
    return search(path, false, &s, is_next);
}
