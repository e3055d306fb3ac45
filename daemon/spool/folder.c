/* spool/folder.c - makes, checks and locks the spool's folder; sets a broken database aside. */
#include "spool/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static bool sync_fd(int fd, const char *what, struct fault *f) {
    return fsync(fd) == 0 || fault_sys(f, what, "cannot be synced");
}

/* The folder and, when it was made just now, its entry above. */
static bool make_folder(const char *path, struct fault *f) {
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST || fault_sys(f, path, "cannot be made");
    cleanup(mem_freep) char *above = mem_dup(path, strlen(path));
    char *slash = strrchr(above, '/');
    if (slash)
        slash[slash == above] = '\0';
    int fd = open(slash ? above : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fault_sys(f, path, "the folder above cannot be opened");
    bool ok = sync_fd(fd, path, f);
    close(fd);
    return ok;
}

/* Nobody else may have put files here. */
static bool ours(int fd, const char *what, struct fault *f) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fault_sys(f, what, "cannot be looked at");
    if (st.st_uid != geteuid())
        return fault_set(f, FAULT_SYSTEM, what, "belongs to user %u, not to the daemon's (%u)",
                         (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return fault_set(f, FAULT_SYSTEM, what, "may be written by others (mode %o)",
                         (unsigned)st.st_mode & 07777);
    return true;
}

static bool lock(struct folder *d, struct fault *f) {
    d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (d->lock_fd < 0)
        return fault_sys(f, "lock", "cannot be opened in %s", d->path);
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return fault_set(f, FAULT_STATE, "lock", "another daemon uses the spool in %s", d->path);
    return fault_sys(f, "lock", "cannot be locked in %s", d->path);
}

static int open_bodies(struct folder *d, struct fault *f) {
    int fd = -1;
    if (mkdirat(d->fd, "bodies", 0700) != 0 && errno != EEXIST)
        fault_sys(f, "bodies", "cannot be made in %s", d->path);
    else if ((fd = openat(d->fd, "bodies", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        fault_sys(f, "bodies", "cannot be opened in %s", d->path);
    return fd;
}

/* Made here rather than by SQLite: 0600, and never through a link. Done before any connection is
 * open, since closing a descriptor of the file would drop the locks of all of them. */
static bool make_file(struct folder *d, struct fault *f) {
    int fd = openat(d->fd, "spool.db", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_sys(f, "spool.db", "cannot be opened in %s", d->path);
    bool ok = ours(fd, "spool.db", f) && sync_fd(fd, "spool.db", f);
    close(fd);
    return ok;
}

bool folder_open(struct folder *d, struct str dir, struct fault *f) {
    *d = (struct folder){.fd = -1, .bodies_fd = -1, .lock_fd = -1};
    cleanup(mem_freep) char *path = mem_dup(dir.p, dir.n);
    if (!make_folder(path, f))
        return false;
    /* SQLite refuses links anywhere in the path, and a state directory may well be one. */
    d->path = realpath(path, NULL);
    if (!d->path)
        return fault_sys(f, path, "cannot be resolved");
    size_t n = strlen(d->path) + sizeof "/spool.db";
    d->db_path = mem_new(n);
    snprintf(d->db_path, n, "%s/spool.db", d->path);
    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (d->fd < 0)
        return fault_sys(f, d->path, "cannot be opened");
    if (!ours(d->fd, d->path, f) || !lock(d, f))
        return false;
    d->bodies_fd = open_bodies(d, f);
    return d->bodies_fd >= 0 && make_file(d, f) && folder_sync(d, f);
}

void folder_close(struct folder *d) {
    if (d->bodies_fd >= 0)
        close(d->bodies_fd);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    if (d->fd >= 0)
        close(d->fd);
    free(d->path);
    free(d->db_path);
    *d = (struct folder){.fd = -1, .bodies_fd = -1, .lock_fd = -1};
}

bool folder_sync(struct folder *d, struct fault *f) {
    return sync_fd(d->fd, d->path, f);
}

static bool rename_one(struct folder *d, const char *name, const char *stamp, struct fault *f) {
    char to[NAME_MAX];
    /* SQLite finds a log by the database's name, so the stamp goes before its "-wal". */
    const char *tail = strchr(name, '-');
    int n = tail ? (int)(tail - name) : (int)strlen(name);
    snprintf(to, sizeof to, "%.*s.corrupt-%s%s", n, name, stamp, tail ? tail : "");
    return renameat(d->fd, name, d->fd, to) == 0 || errno == ENOENT ||
           fault_sys(f, name, "cannot be set aside");
}

bool folder_set_aside(struct folder *d, char out_stamp[FOLDER_STAMP], struct fault *f) {
    char stamp[FOLDER_STAMP];
    int64_t now_ms = clock_wall_ms();
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    size_t n = strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &tm);
    snprintf(stamp + n, sizeof stamp - n, ".%03dZ", (int)(now_ms % 1000));
    if (!rename_one(d, "spool.db-wal", stamp, f) || !rename_one(d, "spool.db-shm", stamp, f) ||
        !rename_one(d, "spool.db", stamp, f) || !rename_one(d, "bodies", stamp, f))
        return false;
    int fresh = open_bodies(d, f);
    if (fresh < 0)
        return false;
    /* In place, since the reader may be about to use the number. */
    bool ok =
        dup3(fresh, d->bodies_fd, O_CLOEXEC) >= 0 || fault_sys(f, "bodies", "cannot be taken");
    close(fresh);
    memcpy(out_stamp, stamp, sizeof stamp);
    return ok && make_file(d, f) && folder_sync(d, f);
}
