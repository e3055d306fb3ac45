/* sip/tail.c - see tail.h. */
#include "tail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rotated.h"

enum { READ_BYTES = 64 * 1024 };

struct str tail_place_write(const struct tail_place *p, char out[TAIL_PLACE_MAX]) {
    int n = snprintf(out, TAIL_PLACE_MAX,
                     "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%zu:%" PRId64 ":%" PRId64, p->file.device,
                     p->file.inode, p->file.head, p->file.head_n, p->offset, p->file.written_ns);
    return str_make(out, (size_t)n);
}

bool tail_place_read(struct str s, struct tail_place *out) {
    char text[TAIL_PLACE_MAX];
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    struct tail_place p = {0};
    bool ok = sscanf(text, "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%zu:%" SCNd64 ":%" SCNd64,
                     &p.file.device, &p.file.inode, &p.file.head, &p.file.head_n, &p.offset,
                     &p.file.written_ns) >= 5; /* early places have no time */
    if (!ok || p.offset < 0 || p.file.head_n > TAIL_HEAD_MAX)
        return false;
    *out = p;
    return true;
}

/* ---- opening ---- */

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
        r->file.written_ns = rotated_time_ns(fd);
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
    if (n > r->file.head_n && rotated_head(r->fd, n, &r->file.head))
        r->file.head_n = n;
}

static void open_path(struct tail *t) {
    cleanup(mem_freep) char *path = mem_dup(t->path.p, t->path.n);
    int fd = rotated_open(path);
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
    if (t->now.fd >= 0 && rotated_is(t->now.fd, &place.file)) {
        t->now.offset = t->now.begins = place.offset;
        return;
    }
    int fd = rotated_find(path, &place.file);
    if (fd < 0) {
        event(arg, TAIL_LOST);
        fd = rotated_next(path, &place.file, place.file.written_ns - 1);
        place.offset = 0;
        if (fd < 0 || !place.file.written_ns) { /* of all that is there, the present one */
            if (fd >= 0)
                close(fd);
            return;
        }
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

/* A renamed file that is still read on comes first: a late line of it is not lost by a restart. */
struct tail_place tail_here(const struct tail *t) {
    const struct tail_reader *r = &t->now;
    for (size_t i = 0; i < TAIL_OLD_MAX; i++)
        if (t->old[i].fd >= 0 && (r == &t->now || t->old[i].until_ms < r->until_ms))
            r = &t->old[i];
    return (struct tail_place){r->file, r->begins};
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
    if (done)
        r->file.written_ns = rotated_time_ns(r->fd);
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
    return r->file.head_n && (!rotated_head(r->fd, r->file.head_n, &head) || head != r->file.head);
}

/* Another file stands at the path: the open one was renamed or removed. */
static bool was_replaced(const struct tail *t) {
    struct stat st;
    cleanup(mem_freep) char *path = mem_dup(t->path.p, t->path.n);
    if (lstat(path, &st) != 0)
        return false; /* nothing new yet: stay with the old one */
    return (uint64_t)st.st_ino != t->now.file.inode || (uint64_t)st.st_dev != t->now.file.device;
}

static struct tail_reader *slot_for_old(struct tail *t) {
    struct tail_reader *slot = &t->old[0];
    for (size_t i = 0; i < TAIL_OLD_MAX; i++)
        if (t->old[i].fd < 0 || (slot->fd >= 0 && t->old[i].until_ms < slot->until_ms))
            slot = &t->old[i];
    reader_close(slot);
    return slot;
}

/* The renamed file is read on beside the new one, since its writer may hold it a while. */
static void set_aside(struct tail *t, int64_t now_ms) {
    struct tail_reader *slot = slot_for_old(t);
    *slot = t->now;
    slot->until_ms = now_ms + TAIL_OLD_MS;
    t->now = (struct tail_reader){.fd = -1};
    buf_init(&t->now.part, TAIL_LINE_MAX);
}

/* What was written after the file that has been read to its end: another rotated one, else the
 * present one. */
static void open_next(struct tail *t, struct tail_file done) {
    int fd = rotated_next(t->path, &done, done.written_ns);
    if (fd < 0) {
        open_path(t);
        return;
    }
    reader_open(&t->now, fd, 0);
    learn_head(&t->now);
}

/* Emptied in place: what was not read yet may stand in the copy. */
static void begin_again(struct tail *t, int64_t now_ms) {
    int fd = t->now.fd;
    int copy = rotated_copy(t->path, &t->now.file, t->now.offset);
    t->event(t->arg, copy >= 0 ? TAIL_TRUNCATED_COPIED : TAIL_TRUNCATED);
    if (copy >= 0) {
        struct tail_reader *slot = slot_for_old(t);
        buf_init(&slot->part, TAIL_LINE_MAX);
        reader_open(slot, copy, t->now.begins);
        learn_head(slot);
        slot->until_ms = now_ms + TAIL_OLD_MS;
    }
    reader_open(&t->now, fd, 0);
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
    if (was_truncated(&t->now))
        begin_again(t, now_ms);
    learn_head(&t->now);
    if (read_all(t, &t->now, max) >= max)
        return true;
    if (!was_replaced(t))
        return false;
    struct tail_file done = t->now.file;
    done.written_ns = rotated_time_ns(t->now.fd);
    set_aside(t, now_ms);
    open_next(t, done);
    return t->now.fd >= 0;
}
