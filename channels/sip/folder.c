/* sip/folder.c - a folder in which each file is one record (FreeSWITCH leaves there what it could
 * not post). Files stay where they are; each is read once, and again when it has changed. After a
 * restart all are read again, which is nothing new.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>

#include "notice.h"
#include "sip.h"

enum {
    FILES_MAX = 100 * 1000, /* remembered */
    BUCKETS = 4096,
    SHARE_MAX = 64, /* files a turn */
    FILE_MAX = 4 * 1024 * 1024,
    SETTLE_S = 1, /* a file this young may still be written */
    PATH_BYTES = 4096,
};

struct seen {
    struct seen *next;
    uint64_t hash; /* of name, time and size */
};

struct folder {
    struct input *input;
    struct seen *buckets[BUCKETS];
    size_t n;
    struct timespec changed; /* of the folder, when all of it was read */
    bool done;
};

struct folder *folder_new(struct input *input) {
    struct folder *f = NEW(struct folder);
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    f->input = input;
    notice_file(input->source->sip->notice,
                arena_strf(&a, "%.*s/", STR_ARG(input->config->directory)));
    return f;
}

static void forget_all(struct folder *f) {
    for (size_t i = 0; i < BUCKETS; i++)
        while (f->buckets[i]) {
            struct seen *next = f->buckets[i]->next;
            free(f->buckets[i]);
            f->buckets[i] = next;
        }
    f->n = 0;
}

void folder_free(struct folder *f) {
    if (!f)
        return;
    forget_all(f);
    free(f);
}

/* false: it was read before. */
static bool is_new(struct folder *f, const char *name, const struct stat *st) {
    char text[PATH_BYTES];
    int n = snprintf(text, sizeof text, "%s %lld %lld %ld", name, (long long)st->st_size,
                     (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    uint64_t h = hash64(str_make(text, (size_t)n));
    struct seen **bucket = &f->buckets[h % BUCKETS];
    for (struct seen *s = *bucket; s; s = s->next)
        if (s->hash == h)
            return false;
    if (f->n >= FILES_MAX) /* read again from here on: nothing new comes of it */
        forget_all(f);
    struct seen *s = NEW(struct seen);
    *s = (struct seen){*bucket, h};
    *bucket = s;
    f->n++;
    return true;
}

static void take(struct folder *f, const char *name, struct str bytes) {
    cleanup(arena_clear) struct arena a;
    struct taken t = {.input = f->input};
    arena_init(&a);
    struct format_in in = input_in(f->input, &a);
    in.name = str_c(name);
    source_take_all(&t, f->input->format->document, &in, bytes);
}

/* true: one was read. */
static bool look_at(struct folder *f, int folder, const char *name, int64_t now_s) {
    struct stat st;
    bool read = false;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX) {
        if (st.st_mtim.tv_sec + SETTLE_S > now_s) {
            f->done = false;
        } else if (is_new(f, name, &st)) {
            cleanup(mem_freep) char *bytes = mem_new((size_t)st.st_size);
            ssize_t n = pread(fd, bytes, (size_t)st.st_size, 0);
            if (n > 0)
                take(f, name, str_make(bytes, (size_t)n));
            read = true;
        }
    }
    close(fd);
    return read;
}

void folder_look(struct folder *f) {
    struct stat st;
    struct str path = f->input->config->directory;
    cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
    DIR *d = opendir(name);
    size_t share = 0;
    if (!d)
        return;
    bool same = fstat(dirfd(d), &st) == 0 && f->done && st.st_mtim.tv_sec == f->changed.tv_sec &&
                st.st_mtim.tv_nsec == f->changed.tv_nsec;
    if (!same) {
        f->done = true;
        f->changed = st.st_mtim;
        int64_t now_s = f->input->source->sip->host->now_ms() / 1000;
        for (struct dirent *e; share < SHARE_MAX && (e = readdir(d));)
            if (e->d_name[0] != '.')
                share += look_at(f, dirfd(d), e->d_name, now_s);
        f->done &= share < SHARE_MAX;
    }
    closedir(d);
}
