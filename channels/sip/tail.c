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

static void reader_open(struct tail_reader *r, int fd, int64_t offset) {
    struct stat st;
    r->fd = fd;
    r->offset = r->begins = offset;
    r->cutting = false;
    buf_reset(&r->part);
    r->file = (struct tail_file){0};
    if (fstat(fd, &st) == 0) {
        r->file.device = (uint64_t)st.st_dev;
        r->file.inode = (uint64_t)st.st_ino;
    }
}

static void reader_close(struct tail_reader *r) {
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    buf_clear(&r->part);
}

/* The head grows with the file until it has its full length. */
static void learn_head(struct tail_reader *r) {
    struct stat st;
    if (r->file.head_n == TAIL_HEAD_MAX || fstat(r->fd, &st) != 0)
        return;
    size_t n = st.st_size < TAIL_HEAD_MAX ? (size_t)st.st_size : TAIL_HEAD_MAX;
    if (n > r->file.head_n && head_read(r->fd, n, &r->file.head))
        r->file.head_n = n;
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
        reader_open(&t->now, fd, 0);
        learn_head(&t->now);
    } else if (errno != ENOENT && !t->refused) {
        t->refused = true;
        t->event(t->arg, TAIL_REFUSED);
    }
}

void tail_open(struct tail *t, struct str path, struct str from, void *arg,
               void (*line)(void *, struct str, const struct tail_place *, bool),
               void (*event)(void *, enum tail_event)) {
    struct tail_place place;
    *t = (struct tail){.path = path, .arg = arg, .line = line, .event = event};
    buf_init(&t->now.part, TAIL_LINE_MAX);
    t->now.fd = -1;
    for (size_t i = 0; i < TAIL_OLD_MAX; i++) {
        buf_init(&t->old[i].part, TAIL_LINE_MAX);
        t->old[i].fd = -1;
    }
    open_path(t);
    if (!tail_place_read(from, &place))
        return;
    if (t->now.fd >= 0 && is_file(t->now.fd, &place.file)) {
        t->now.offset = t->now.begins = place.offset;
        return;
    }
    int fd = find_rotated(path, &place.file);
    if (fd < 0) {
        event(arg, TAIL_LOST);
        return;
    }
    reader_close(&t->now);
    reader_open(&t->now, fd, place.offset);
    learn_head(&t->now);
}

void tail_clear(struct tail *t) {
    reader_close(&t->now);
    for (size_t i = 0; i < TAIL_OLD_MAX; i++)
        reader_close(&t->old[i]);
}

struct tail_place tail_here(const struct tail *t) {
    return (struct tail_place){t->now.file, t->now.begins};
}

/* ---- reading ---- */

static void take_line(struct tail *t, struct tail_reader *r, struct str rest) {
    struct tail_place place = {r->file, r->begins};
    bool cut = r->cutting;
    struct str line = rest;
    if (r->part.n) { /* an over-long line keeps its beginning */
        (void)!buf_add(&r->part, str_upto(rest, TAIL_LINE_MAX - r->part.n));
        line = buf_str(&r->part);
    }
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    r->cutting = false;
    t->line(t->arg, line, &place, cut);
    buf_reset(&r->part);
}

static void take_bytes(struct tail *t, struct tail_reader *r, struct str bytes) {
    while (bytes.n) {
        ptrdiff_t lf = str_find(bytes, '\n');
        if (lf < 0) {
            if (!buf_add(&r->part, bytes)) {
                (void)!buf_add(&r->part, str_upto(bytes, TAIL_LINE_MAX - r->part.n));
                r->cutting = true;
            }
            return;
        }
        take_line(t, r, str_upto(bytes, (size_t)lf));
        bytes = str_from(bytes, (size_t)lf + 1);
        r->begins = r->offset - (int64_t)bytes.n;
    }
}

static size_t read_all(struct tail *t, struct tail_reader *r, size_t max) {
    char chunk[READ_BYTES];
    size_t done = 0;
    ssize_t n = 1;
    while (done < max && (n = pread(r->fd, chunk, sizeof chunk, r->offset)) > 0) {
        r->offset += n;
        take_bytes(t, r, str_make(chunk, (size_t)n));
        done += (size_t)n;
    }
    return done;
}

/* The file shrank, or begins otherwise: it was emptied and written anew. */
static bool was_truncated(const struct tail_reader *r) {
    struct stat st;
    uint64_t head;
    if (fstat(r->fd, &st) != 0)
        return false;
    if (st.st_size < r->offset)
        return true;
    return r->file.head_n && (!head_read(r->fd, r->file.head_n, &head) || head != r->file.head);
}

/* Another file stands at the path: the open one was renamed or removed. */
static bool was_replaced(const struct tail *t) {
    struct stat st;
    cleanup(mem_freep) char *path = mem_dup(t->path.p, t->path.n);
    if (lstat(path, &st) != 0)
        return false; /* nothing new yet: stay with the old one */
    return (uint64_t)st.st_ino != t->now.file.inode || (uint64_t)st.st_dev != t->now.file.device;
}

/* The renamed file is read on beside the new one, since its writer may hold it a while. */
static void set_aside(struct tail *t, int64_t now_ms) {
    struct tail_reader *slot = &t->old[0];
    for (size_t i = 0; i < TAIL_OLD_MAX; i++)
        if (t->old[i].fd < 0 || t->old[i].until_ms < slot->until_ms)
            slot = &t->old[i];
    reader_close(slot);
    *slot = t->now;
    slot->until_ms = now_ms + TAIL_OLD_MS;
    t->now = (struct tail_reader){.fd = -1};
    buf_init(&t->now.part, TAIL_LINE_MAX);
}

static void read_old(struct tail *t, size_t max, int64_t now_ms) {
    for (size_t i = 0; i < TAIL_OLD_MAX; i++) {
        struct tail_reader *r = &t->old[i];
        if (r->fd < 0)
            continue;
        size_t n = read_all(t, r, max);
        if (n == 0 && now_ms >= r->until_ms) {
            reader_close(r);
            r->until_ms = 0;
        }
    }
}

bool tail_step(struct tail *t, size_t max, int64_t now_ms) {
    read_old(t, max, now_ms);
    if (t->now.fd < 0) {
        open_path(t);
        if (t->now.fd < 0)
            return false;
    }
    if (was_truncated(&t->now)) {
        int fd = t->now.fd;
        t->event(t->arg, TAIL_TRUNCATED);
        reader_open(&t->now, fd, 0);
    }
    learn_head(&t->now);
    if (read_all(t, &t->now, max) >= max)
        return true;
    if (!was_replaced(t))
        return false;
    set_aside(t, now_ms);
    open_path(t);
    return t->now.fd >= 0;
}
