/* config/secret.c - secrets, which are never written in the configuration itself.
 *
 * `file:PATH` is a file of the daemon's user or of root that nobody else may read;
 * `credential:NAME` is what systemd handed in (LoadCredential), whose folder it guards itself. What
 * counts is what stands in the file without its last line end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_priv.h"

static bool file_guarded(const struct stat *st, struct fault *f) {
    if (st->st_mode & (07777 & ~0640))
        return fault_set(f, FAULT_INPUT, "", "the file has mode %04o; allowed are 0600 and 0640",
                         (unsigned)st->st_mode & 07777);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return fault_set(f, FAULT_INPUT, "",
                         "the file belongs to user %u; allowed are the daemon's user (%u) and root",
                         (unsigned)st->st_uid, (unsigned)geteuid());
    return true;
}

static struct str line_end_cut(struct str s) {
    if (s.n && s.p[s.n - 1] == '\n') {
        s.n--;
        if (s.n && s.p[s.n - 1] == '\r')
            s.n--;
    }
    return s;
}

/* All of an open file, which may be larger than its size said. */
static bool fd_read(struct arena *a, int fd, struct str *out, struct fault *f) {
    char bytes[CONFIG_SECRET_MAX + 3]; /* a line end more is not too much */
    size_t n = 0;
    while (n < sizeof bytes) {
        ssize_t got = read(fd, bytes + n, sizeof bytes - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_sys(f, "", "the file cannot be read");
        if (got == 0)
            break;
        n += (size_t)got;
    }
    struct str s = line_end_cut(str_make(bytes, n));
    bool fits = s.n && s.n <= CONFIG_SECRET_MAX;
    if (fits)
        *out = arena_str(a, s);
    explicit_bzero(bytes, sizeof bytes);
    if (fits)
        return true;
    return fault_set(f, FAULT_INPUT, "",
                     s.n ? "the file is larger than 64 KiB" : "the file is empty");
}

static bool path_read(struct arena *a, struct str path, bool guarded, struct str *out,
                      struct fault *f) {
    int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fault_sys(f, "", "the file cannot be opened");
    struct stat st;
    bool ok = fstat(fd, &st) == 0;
    if (!ok)
        fault_sys(f, "", "the file cannot be read");
    else if (!S_ISREG(st.st_mode))
        ok = fault_set(f, FAULT_INPUT, "", "not a regular file");
    else
        ok = (!guarded || file_guarded(&st, f)) && fd_read(a, fd, out, f);
    close(fd);
    return ok;
}

/* The name of a credential is a file name. */
static bool credential_named(struct str name) {
    if (name.n == 0 || name.n > 255 || str_is(name, ".") || str_is(name, ".."))
        return false;
    return str_find(name, '/') < 0;
}

bool config_secret_read(struct arena *a, struct str folder, struct str ref, struct str *out,
                        struct fault *f) {
    struct str file = str_c("file:"), credential = str_c("credential:");
    if (str_starts(ref, file) && ref.n > file.n)
        return path_read(a, config_path_absolute(a, folder, str_from(ref, file.n)), true, out, f);
    if (!str_starts(ref, credential))
        return fault_set(
            f, FAULT_INPUT, "",
            "a secret is never written here; allowed are file:PATH and credential:NAME");
    struct str name = str_from(ref, credential.n);
    if (!credential_named(name))
        return fault_set(f, FAULT_INPUT, "", "credential:NAME needs the name of a credential");
    struct str where = str_c(getenv("CREDENTIALS_DIRECTORY"));
    if (!where.n)
        return fault_set(f, FAULT_INPUT, "",
                         "no credentials were handed in; credential: needs LoadCredential of the "
                         "service manager, else use file:PATH");
    return path_read(a, arena_strf(a, "%.*s/%.*s", STR_ARG(where), STR_ARG(name)), false, out, f);
}
