/* blob/dir.c - blobs in a directory: DIR/ab/cd/<id>.<part>.zst, ab and cd from the hash of the id.
 *
 * Everything of one touchpoint lies in one folder, so erasing reads one. A file is written under a
 * name of this process's own, synced, renamed; the folder's sync is left to the batch. What a part
 * named by its hash holds cannot change, so it is written once; "raw" is written again, the newest
 * stands.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/hash.h>

#include "base/thread.h"
#include "blob/blob_priv.h"

enum { FILE_NAME_MAX = 2 * BLOB_NAME_MAX + 64, PACKED_MAX = 1 << 30 };

static bool make_folders(const char *path, struct fault *f) {
    cleanup(mem_freep) char *copy = mem_dup(path, strlen(path));
    for (char *at = copy + 1;; at++) {
        char c = *at;
        if (c != '/' && c)
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            return fault_sys(f, copy, "cannot be made");
        *at = c;
        if (!c)
            return true;
    }
}

bool blob_dir_open(struct blob_dir *d, struct str path, struct fault *f) {
    *d = (struct blob_dir){.fd = -1};
    if (!path.n)
        return fault_set(f, FAULT_INPUT, "blobs", "no directory");
    cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
    if (!make_folders(name, f))
        return false;
    d->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (d->fd < 0 || fstat(d->fd, &st) != 0)
        return fault_sys(f, name, "cannot be opened");
    if (st.st_mode & S_IWOTH)
        return fault_set(f, FAULT_SYSTEM, name, "may be written by anyone (mode %o)",
                         (unsigned)st.st_mode & 07777);
    return faccessat(d->fd, ".", W_OK, AT_EACCESS) == 0 ||
           fault_sys(f, name, "cannot be written to");
}

void blob_dir_close(struct blob_dir *d) {
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* One level down; made where it is missing, which its own folder learns at once: seldom. */
static int enter(int fd, const char *name, bool make) {
    int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0 || errno != ENOENT || !make)
        return below;
    if ((mkdirat(fd, name, 0700) != 0 && errno != EEXIST) || fsync(fd) != 0)
        return -1;
    return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int folder_of(struct blob_dir *d, const char *id, bool make) {
    uint8_t hash[SHA256_BYTES];
    char first[3], second[3];
    sha256(str_c(id), hash);
    hex_encode(hash, 1, first);
    hex_encode(hash + 1, 1, second);
    int above = enter(d->fd, first, make);
    if (above < 0)
        return -1;
    int fd = enter(above, second, make);
    int error = errno;
    close(above);
    errno = error;
    return fd;
}

static void name_of(const struct blob_job *j, char out[FILE_NAME_MAX]) {
    snprintf(out, FILE_NAME_MAX, "%s.%s.zst", j->id, j->part);
}

static bool write_fd(int fd, struct str s) {
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

/* Closes in any case. */
static bool write_file(int fd, struct str s, bool sync) {
    bool ok = fd >= 0 && write_fd(fd, s) && (!sync || fsync(fd) == 0);
    int error = errno;
    if (fd >= 0 && close(fd) != 0 && ok)
        return false;
    errno = error;
    return ok;
}

static bool write_new(struct blob_dir *d, int folder, const char *name, struct str packed) {
    char tmp[FILE_NAME_MAX + 40];
    snprintf(tmp, sizeof tmp, "%s.tmp-%d-%u", name, (int)getpid(), d->tmp_n++);
    int fd = openat(folder, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (write_file(fd, packed, true) && renameat(folder, tmp, folder, name) == 0)
        return true;
    int error = errno;
    unlinkat(folder, tmp, 0);
    errno = error;
    return false;
}

static bool put(struct blob_dir *d, struct blob_job *j, struct fault *f) {
    char name[FILE_NAME_MAX];
    name_of(j, name);
    j->folder = folder_of(d, j->id, true);
    if (j->folder < 0)
        return fault_sys(f, j->id, "its folder cannot be made");
    if (strlen(j->part) == SHA256_HEX && faccessat(j->folder, name, F_OK, 0) == 0)
        return true; /* content-addressed: the same bytes */
    cleanup(buf_clear) struct buf packed;
    buf_init(&packed, PACKED_MAX);
    if (!blob_pack(buf_str(&j->bytes), &packed))
        return fault_set(f, FAULT_SYSTEM, j->id, "%zu bytes cannot be packed", j->bytes.n);
    if (!write_new(d, j->folder, name, buf_str(&packed)))
        return fault_sys(f, j->id, "its blob cannot be written");
    return j->until_ms <= 0 || blob_expire_mark(j->folder, name, j->until_ms) ||
           fault_sys(f, j->id, "its end cannot be marked");
}

/* false with a fault: an error; without: not here. */
static bool read_file(int folder, const char *name, struct buf *out, struct fault *f) {
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            fault_sys(f, name, "cannot be opened");
        return false;
    }
    ssize_t n = 1;
    while (n) {
        char *at = buf_reserve(out, 65536);
        n = at ? read(fd, at, 65536) : -1;
        if (n < 0 && at && errno == EINTR)
            continue;
        if (n < 0)
            break;
        buf_commit(out, (size_t)n);
    }
    if (n < 0)
        fault_sys(f, name, "cannot be read");
    close(fd);
    return n == 0;
}

static bool get(struct blob_dir *d, struct blob_job *j, struct fault *f) {
    char name[FILE_NAME_MAX];
    name_of(j, name);
    int folder = folder_of(d, j->id, false);
    if (folder < 0)
        return errno == ENOENT ? false : fault_sys(f, j->id, "its folder cannot be opened");
    cleanup(buf_clear) struct buf packed;
    buf_init(&packed, PACKED_MAX);
    bool ok = read_file(folder, name, &packed, f);
    close(folder);
    if (!ok || blob_unpack(buf_str(&packed), &j->bytes))
        return ok;
    return fault_set(f, FAULT_SYSTEM, name, "is broken or larger than %zu bytes", j->bytes.max);
}

static bool export(struct blob_dir *d, struct blob_job *j, struct fault *f) {
    if (!get(d, j, f))
        return false;
    int fd = open(j->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (write_file(fd, buf_str(&j->bytes), false))
        return true;
    fault_sys(f, j->path, "cannot be written");
    if (fd >= 0)
        unlink(j->path);
    return false;
}

/* All parts, half-written ones too. */
static bool erase(struct blob_dir *d, struct blob_job *j, struct fault *f) {
    j->folder = folder_of(d, j->id, false);
    if (j->folder < 0)
        return errno == ENOENT || fault_sys(f, j->id, "its folder cannot be opened");
    int fd = openat(j->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        fault_sys(f, j->id, "its folder cannot be listed");
        if (fd >= 0)
            close(fd);
        return false;
    }
    char prefix[BLOB_NAME_MAX + 2];
    snprintf(prefix, sizeof prefix, "%s.", j->id);
    bool ok = true;
    for (struct dirent *e; (e = readdir(dir));)
        if (str_starts(str_c(e->d_name), str_c(prefix)) && unlinkat(j->folder, e->d_name, 0) != 0)
            ok = fault_sys(f, j->id, "a part of it cannot be removed");
    closedir(dir);
    return ok;
}

void blob_dir_do(struct blob_dir *d, struct blob_job *j, struct fault *f) {
    must_run_on(THREAD_BLOB);
    static bool (*const doers[])(struct blob_dir *, struct blob_job *, struct fault *) = {
        [BLOB_PUT] = put, [BLOB_GET] = get, [BLOB_ERASE] = erase, [BLOB_EXPORT] = export};
    j->ok = doers[j->kind](d, j, f);
}
