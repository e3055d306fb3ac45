/* sip/tail.c - see tail.h. */
#include "tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>

enum { READ_BYTES = 64 * 1024, PATH_BYTES = 4096 };

/* Stable across restarts, unlike hash64. */
static uint64_t head_hash(struct str s) {
    uint8_t digest[SHA256_BYTES];
    uint64_t h;
    sha256(s, digest);
    memcpy(&h, digest, sizeof h);
    return h;
}

static bool head_read(int fd, size_t n, uint64_t *out) {
    char head[TAIL_HEAD_MAX];
    if (pread(fd, head, n, 0) != (ssize_t)n)
        return false;
    *out = head_hash(str_make(head, n));
    return true;
}

struct str tail_place_write(const struct tail_place *p, char out[TAIL_PLACE_MAX]) {
    int n = snprintf(out, TAIL_PLACE_MAX, "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%zu:%" PRId64,
                     p->file.device, p->file.inode, p->file.head, p->file.head_n, p->offset);
    return str_make(out, (size_t)n);
}

bool tail_place_read(struct str s, struct tail_place *out) {
    char text[TAIL_PLACE_MAX];
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    struct tail_place p = {0};
    bool ok = sscanf(text, "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%zu:%" SCNd64, &p.file.device,
                     &p.file.inode, &p.file.head, &p.file.head_n, &p.offset) == 5;
    if (!ok || p.offset < 0 || p.file.head_n > TAIL_HEAD_MAX)
        return false;
    *out = p;
    return true;
}

/* ---- opening ---- */

/* A regular file, not through a link; -1 with errno. */
static int open_regular(const char *path) {
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

static bool is_file(int fd, const struct tail_file *f) {
    struct stat st;
    uint64_t head;
    return fstat(fd, &st) == 0 && (uint64_t)st.st_dev == f->device &&
           (uint64_t)st.st_ino == f->inode && head_read(fd, f->head_n, &head) && head == f->head;
}

static void take_fd(struct tail *t, int fd, int64_t offset) {
    struct stat st;
    t->fd = fd;
    t->offset = t->begins = offset;
    t->eof_seen = t->cutting = false;
    buf_reset(&t->part);
    t->file = (struct tail_file){0};
    if (fstat(fd, &st) == 0) {
        t->file.device = (uint64_t)st.st_dev;
        t->file.inode = (uint64_t)st.st_ino;
    }
}

/* The head grows with the file until it has its full length. */
static void learn_head(struct tail *t) {
    struct stat st;
    if (t->file.head_n == TAIL_HEAD_MAX || fstat(t->fd, &st) != 0)
        return;
    size_t n = st.st_size < TAIL_HEAD_MAX ? (size_t)st.st_size : TAIL_HEAD_MAX;
    if (n > t->file.head_n && head_read(t->fd, n, &t->file.head))
        t->file.head_n = n;
}

/* A rotated file keeps its inode under another name in the same folder. */
static int find_rotated(struct str path, const struct tail_file *f) {
    char folder[PATH_BYTES], name[PATH_BYTES + 256 + 2];
    size_t slash = path.n;
    while (slash > 0 && path.p[slash - 1] != '/')
        slash--;
    if (slash >= sizeof folder)
        return -1;
    memcpy(folder, path.p, slash);
    folder[slash] = '\0';
    DIR *d = opendir(slash ? folder : ".");
    int found = -1;
    for (struct dirent *e; d && found < 0 && (e = readdir(d));) {
        if ((uint64_t)e->d_ino != f->inode)
            continue;
        snprintf(name, sizeof name, "%s%s", folder, e->d_name);
        found = open_regular(name);
        if (found >= 0 && !is_file(found, f)) {
            close(found);
            found = -1;
        }
    }
    if (d)
        closedir(d);
    return found;
}

static void open_path(struct tail *t) {
    cleanup(mem_freep) char *path = mem_dup(t->path.p, t->path.n);
    int fd = open_regular(path);
    if (fd >= 0) {
        t->refused = false;
        take_fd(t, fd, 0);
        learn_head(t);
    } else if (errno != ENOENT && !t->refused) {
        t->refused = true;
        t->event(t->arg, TAIL_REFUSED);
    }
}

void tail_open(struct tail *t, struct str path, struct str from, void *arg,
               void (*line)(void *, struct str, const struct tail_place *, bool),
               void (*event)(void *, enum tail_event)) {
    struct tail_place place;
    *t = (struct tail){.path = path, .fd = -1, .arg = arg, .line = line, .event = event};
    buf_init(&t->part, TAIL_LINE_MAX);
    if (!tail_place_read(from, &place)) {
        open_path(t);
        return;
    }
    open_path(t);
    if (t->fd >= 0 && is_file(t->fd, &place.file)) {
        t->offset = t->begins = place.offset;
        return;
    }
    int fd = find_rotated(path, &place.file);
    if (fd < 0) {
        event(arg, TAIL_LOST);
        return;
    }
    if (t->fd >= 0)
        close(t->fd);
    take_fd(t, fd, place.offset);
    learn_head(t);
}

void tail_clear(struct tail *t) {
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    buf_clear(&t->part);
}

struct tail_place tail_here(const struct tail *t) {
    return (struct tail_place){t->file, t->begins};
}

/* ---- reading ---- */

static void take_line(struct tail *t, struct str rest, int64_t begins) {
    struct tail_place place = {t->file, begins};
    bool cut = t->cutting;
    struct str line = rest;
    if (t->part.n) { /* an over-long line keeps its beginning */
        (void)!buf_add(&t->part, str_upto(rest, TAIL_LINE_MAX - t->part.n));
        line = buf_str(&t->part);
    }
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    t->cutting = false;
    t->line(t->arg, line, &place, cut);
    buf_reset(&t->part);
}

static void tail_take(struct tail *t, struct str bytes) {
    while (bytes.n) {
        ptrdiff_t lf = str_find(bytes, '\n');
        if (lf < 0) {
            if (!buf_add(&t->part, bytes)) {
                (void)!buf_add(&t->part, str_upto(bytes, TAIL_LINE_MAX - t->part.n));
                t->cutting = true;
            }
            return;
        }
        take_line(t, str_upto(bytes, (size_t)lf), t->begins);
        bytes = str_from(bytes, (size_t)lf + 1);
        t->begins = t->offset - (int64_t)bytes.n;
    }
}

/* The file shrank, or begins otherwise: it was emptied and written anew. */
static bool was_truncated(struct tail *t) {
    struct stat st;
    uint64_t head;
    if (fstat(t->fd, &st) != 0)
        return false;
    if (st.st_size < t->offset)
        return true;
    return t->file.head_n && (!head_read(t->fd, t->file.head_n, &head) || head != t->file.head);
}

/* Another file stands at the path (or none): the open one was renamed or removed. */
static bool was_replaced(const struct tail *t) {
    struct stat st;
    cleanup(mem_freep) char *path = mem_dup(t->path.p, t->path.n);
    if (lstat(path, &st) != 0)
        return false; /* nothing new yet: stay with the old one */
    return (uint64_t)st.st_ino != t->file.inode || (uint64_t)st.st_dev != t->file.device;
}

static bool read_some(struct tail *t) {
    char chunk[READ_BYTES];
    ssize_t n = pread(t->fd, chunk, sizeof chunk, t->offset);
    if (n <= 0)
        return false;
    t->offset += n;
    tail_take(t, str_make(chunk, (size_t)n));
    return true;
}

bool tail_step(struct tail *t, size_t max) {
    if (t->fd < 0) {
        open_path(t);
        if (t->fd < 0)
            return false;
    }
    if (was_truncated(t)) {
        int fd = t->fd;
        t->event(t->arg, TAIL_TRUNCATED);
        take_fd(t, fd, 0);
    }
    learn_head(t);
    size_t done = 0;
    while (done < max && read_some(t))
        done += READ_BYTES;
    if (done >= max)
        return true;
    if (!was_replaced(t)) {
        t->eof_seen = false;
        return false;
    }
    /* Once more after the end: the writer may still hold the old file. */
    if (!t->eof_seen) {
        t->eof_seen = true;
        return false;
    }
    close(t->fd);
    t->fd = -1;
    open_path(t);
    return t->fd >= 0;
}
