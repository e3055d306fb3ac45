/* blob/expire.c - blobs that are kept for a time: the file's own mtime says until when.
 *
 * A file written for ever has the mtime of its writing, never above its ctime; one with an end has
 * that end, which lies ahead of its ctime. So a sweep needs no index, and a file that a restore has
 * touched is kept rather than lost.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/blob_priv.h"

bool blob_expire_mark(int folder, const char *name, int64_t until_ms) {
    const struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    const struct timespec both[2] = {at, at};
    return utimensat(folder, name, both, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_over(int folder, const char *name, int64_t now_ms) {
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    return st.st_mtime > st.st_ctime && st.st_mtime <= now_ms / 1000;
}

static DIR *list(int above, const char *name) {
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d && fd >= 0)
        close(fd);
    return d;
}

static size_t sweep_folder(int above, const char *name, int64_t now_ms) {
    size_t n = 0;
    DIR *d = list(above, name);
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_over(dirfd(d), e->d_name, now_ms) && unlinkat(dirfd(d), e->d_name, 0) == 0)
            n++;
    if (d)
        closedir(d);
    return n;
}

size_t blob_expire_sweep(struct blob_dir *dir, unsigned nth, int64_t now_ms) {
    char name[3];
    size_t n = 0;
    snprintf(name, sizeof name, "%02x", nth & 0xff);
    DIR *d = list(dir->fd, name);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            n += sweep_folder(dirfd(d), e->d_name, now_ms);
    if (d)
        closedir(d);
    return n;
}
