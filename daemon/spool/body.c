/* spool/body.c - bodies too big for a row: a file each, on the disk before the row that names it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/folder.h"

enum { NAME_BYTES = 17, TMP_BYTES = NAME_BYTES + 4 };

static void name_of(uint64_t seq, char out[NAME_BYTES]) {
    snprintf(out, NAME_BYTES, "%016" PRIx64, seq);
}

static bool write_all(int fd, struct str s) {
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = str_from(s, (size_t)n);
    }
    return true;
}

bool folder_body_write(struct folder *d, uint64_t seq, struct str body, struct fault *f) {
    char name[NAME_BYTES], tmp[TMP_BYTES];
    name_of(seq, name);
    snprintf(tmp, sizeof tmp, "%s.tmp", name);
    int fd = openat(d->bodies_fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_sys(f, "bodies", "a body cannot be created");
    bool ok = write_all(fd, body) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && ok) {
        error = errno;
        ok = false;
    }
    if (ok && renameat(d->bodies_fd, tmp, d->bodies_fd, name) == 0)
        return true;
    if (!ok)
        errno = error;
    fault_sys(f, "bodies", "a body of %zu bytes cannot be written", body.n);
    unlinkat(d->bodies_fd, tmp, 0);
    return false;
}

bool folder_bodies_sync(struct folder *d, struct fault *f) {
    return fsync(d->bodies_fd) == 0 || fault_sys(f, "bodies", "cannot be synced");
}

bool folder_body_read(struct folder *d, uint64_t seq, size_t bytes, struct arena *a,
                      struct str *out, struct fault *f) {
    char name[NAME_BYTES];
    name_of(seq, name);
    int fd = openat(d->bodies_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fault_sys(f, "bodies", "body %s cannot be opened", name);
    char *p = arena_new(a, bytes + 1);
    size_t got = 0;
    ssize_t n = 1;
    while (got < bytes && (n > 0 || (n < 0 && errno == EINTR))) {
        n = read(fd, p + got, bytes - got);
        if (n > 0)
            got += (size_t)n;
    }
    bool ok = got == bytes || (n < 0 ? fault_sys(f, "bodies", "body %s cannot be read", name)
                                     : fault_set(f, FAULT_SYSTEM, "bodies",
                                                 "body %s is shorter than it was", name));
    close(fd);
    if (ok)
        *out = str_make(p, bytes);
    return ok;
}

void folder_body_drop(struct folder *d, uint64_t seq) {
    char name[NAME_BYTES];
    name_of(seq, name);
    unlinkat(d->bodies_fd, name, 0);
}

int64_t folder_bodies_sweep(struct folder *d, bool (*known)(void *arg, uint64_t seq), void *arg) {
    int64_t bytes = 0;
    /* A second description of the folder: the descriptor that all use keeps its place. */
    int fd = openat(d->bodies_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        uint64_t seq = 0;
        struct stat st;
        int used = 0;
        if (e->d_name[0] == '.')
            continue;
        bool plain = sscanf(e->d_name, "%16" SCNx64 "%n", &seq, &used) == 1 && !e->d_name[used];
        if (!plain || !known(arg, seq))
            unlinkat(d->bodies_fd, e->d_name, 0);
        else if (fstatat(d->bodies_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += st.st_size;
    }
    closedir(dir);
    return bytes;
}
