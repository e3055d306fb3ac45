/* store/embedded.c - the private redis-server: a child on a unix socket in a directory of ours.
 *
 * Two servers on one AOF lose writes. So the server holds an flock on DIR/redis.lock: we take it
 * and the child inherits it, so that it lives exactly as long as the server does, also when this
 * daemon is killed. The server ends with its parent (SIGTERM by the kernel), but not by a Ctrl-C at
 * the terminal: it has a process group of its own, since the drain needs it until the end.
 *
 * The child is never waited for by a signal handler: a connection that ends is the sign to look.
 */
#include "store/store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <touchline/kit/buf.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    LOCK_WAIT_MS = 10000, /* for the server of a daemon that has just gone */
    STOP_WAIT_MS = 10000,
    YOUNG_MS = 5000,
    LOCK_FD = 3, /* in the child */
};

struct store_embedded {
    char *dir;
    int dir_fd;
    char socket[64];
    int64_t maxmemory_bytes;
    pid_t pid;
    int64_t started_ms;   /* monotonic */
    int64_t lock_wait_ms; /* since when the lock is waited for; 0: not */
    bool failed;          /* the last one ended by itself with an error */
};

struct store_embedded *store_embedded_new(struct str dir, int64_t maxmemory_bytes) {
    struct store_embedded *e = NEW(struct store_embedded);
    e->dir = mem_dup(dir.p, dir.n);
    e->dir_fd = -1;
    e->maxmemory_bytes = maxmemory_bytes;
    return e;
}

/* A path below our own descriptor is short whatever the directory is called: sun_path has 108
 * bytes. */
static bool open_dir(struct store_embedded *e, struct fault *f) {
    if (e->dir_fd >= 0)
        return true;
    if (mkdir(e->dir, 0700) != 0 && errno != EEXIST)
        return fault_sys(f, e->dir, "the folder of the embedded server cannot be made");
    e->dir_fd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->dir_fd < 0)
        return fault_sys(f, e->dir, "the folder of the embedded server cannot be opened");
    snprintf(e->socket, sizeof e->socket, "/proc/self/fd/%d/redis.sock", e->dir_fd);
    return true;
}

static const char *find_program(void) {
    static char path[512];
    const char *list = getenv("PATH");
    struct str rest = str_c(list && *list ? list : "/usr/bin");
    while (rest.p) {
        struct str folder = str_cut(&rest, ':');
        snprintf(path, sizeof path, "%.*s/redis-server", STR_ARG(folder));
        if (folder.n && access(path, X_OK) == 0)
            return path;
    }
    snprintf(path, sizeof path, "/usr/bin/redis-server");
    return access(path, X_OK) == 0 ? path : NULL;
}

/* The configuration lies in memory and is given as standard input. -1: errno tells. */
static int write_config(const struct store_embedded *e) {
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "port 0\n"
                     "unixsocket redis.sock\n"
                     "unixsocketperm 700\n"
                     "daemonize no\n"
                     "supervised no\n"
                     "databases 1\n"
                     "logfile redis.log\n"
                     "loglevel warning\n"
                     "appendonly yes\n"
                     "appendfsync everysec\n"
                     "no-appendfsync-on-rewrite no\n"
                     "aof-load-truncated yes\n"
                     "save \"\"\n"
                     "maxmemory %lld\n"
                     "maxmemory-policy noeviction\n"
                     "hash-max-listpack-value 1024\n"
                     "hash-max-listpack-entries 256\n"
                     "zset-max-listpack-value 64\n"
                     "zset-max-listpack-entries 256\n"
                     "tcp-keepalive 60\n"
                     "hz 20\n",
                     (long long)e->maxmemory_bytes);
    int fd = memfd_create("redis.conf", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, text, (size_t)n) != n || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Child: only async-signal-safe calls; the parent may have threads. */
static void become_server(const char *program, int dir_fd, int lock_fd, int config_fd,
                          pid_t parent) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2};
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(0); /* it died before it could be watched */
    for (size_t i = 0; i < COUNT(signals); i++)
        signal(signals[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Out of the way of 0 to 3 first: dup2 must not overwrite what is still to be placed. */
    int null_fd = open("/dev/null", O_RDWR);
    int config = fcntl(config_fd, F_DUPFD, 16), lock = fcntl(lock_fd, F_DUPFD, 16);
    if (fchdir(dir_fd) != 0 || null_fd < 0 || config < 0 || lock < 0)
        _exit(126);
    if (dup2(config, 0) < 0 || dup2(null_fd, 1) < 0 || dup2(null_fd, 2) < 0 ||
        dup2(lock, LOCK_FD) < 0)
        _exit(126);
    close_range(LOCK_FD + 1, ~0U, 0);
    execl(program, "redis-server", "-", (char *)NULL);
    _exit(127);
}

/* Our own server, or the last one of a daemon that has gone, may still be at its last write. */
static int take_lock(struct store_embedded *e, struct fault *f) {
    int fd = openat(e->dir_fd, "redis.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        fault_sys(f, "redis.lock", "the lock of the embedded server cannot be opened");
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        e->lock_wait_ms = 0;
        return fd;
    }
    close(fd);
    int64_t now = clock_mono_ms();
    if (!e->lock_wait_ms)
        e->lock_wait_ms = now;
    if (now - e->lock_wait_ms < LOCK_WAIT_MS)
        fault_set(f, FAULT_BUSY, "redis.lock", "waiting for another server in %s to end", e->dir);
    else
        fault_set(f, FAULT_STATE, "redis.lock", "another server holds %s/redis.lock", e->dir);
    return -1;
}

static bool spawn(struct store_embedded *e, struct fault *f) {
    const char *program = find_program();
    if (!program)
        return fault_set(f, FAULT_STATE, "redis-server",
                         "redis-server was found neither in PATH nor in /usr/bin");
    int lock_fd = take_lock(e, f);
    if (lock_fd < 0)
        return false;
    unlinkat(e->dir_fd, "redis.sock", 0); /* of a server that was killed */
    int config_fd = write_config(e);
    pid_t parent = getpid();
    pid_t pid = config_fd < 0 ? -1 : fork();
    if (pid == 0)
        become_server(program, e->dir_fd, lock_fd, config_fd, parent);
    bool ok = pid > 0 || fault_sys(f, "redis-server", "the embedded server cannot be started");
    close(lock_fd); /* the child holds it now */
    if (config_fd >= 0)
        close(config_fd);
    if (!ok)
        return false;
    setpgid(pid, pid); /* whoever comes first */
    e->pid = pid;
    e->started_ms = clock_mono_ms();
    log_info("store.embedded", "pid=%lld", (long long)pid);
    return true;
}

/* Looks whether the child has ended; never waits. */
static void reap(struct store_embedded *e) {
    int status = 0;
    if (!e->pid || waitpid(e->pid, &status, WNOHANG) == 0)
        return;
    log_warn("store.embedded_ended", "pid=%lld status=%d signal=%d", (long long)e->pid,
             WIFEXITED(status) ? WEXITSTATUS(status) : 0,
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    /* One that cannot even start is not tried at the pace of one that was killed. */
    e->failed = WIFEXITED(status) && WEXITSTATUS(status) != 0;
    e->pid = 0;
}

bool store_embedded_ensure(struct store_embedded *e, struct fault *f) {
    if (!open_dir(e, f))
        return false;
    reap(e);
    return e->pid > 0 || spawn(e, f);
}

bool store_embedded_is_young(const struct store_embedded *e) {
    return !e->failed && e->started_ms && clock_mono_ms() - e->started_ms < YOUNG_MS;
}

bool store_embedded_failed(const struct store_embedded *e) {
    return e->failed;
}

void store_embedded_works(struct store_embedded *e) {
    e->failed = false;
}

const char *store_embedded_socket(const struct store_embedded *e) {
    return e->socket;
}

int64_t store_embedded_pid(const struct store_embedded *e) {
    return e->pid;
}

static void stop(struct store_embedded *e) {
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t until = clock_mono_ms() + STOP_WAIT_MS;
    kill(e->pid, SIGTERM);
    kill(e->pid, SIGCONT);
    while (clock_mono_ms() < until) {
        if (waitpid(e->pid, NULL, WNOHANG) != 0)
            return;
        nanosleep(&pause, NULL);
    }
    log_warn("store.embedded_killed", "pid=%lld", (long long)e->pid);
    kill(e->pid, SIGKILL);
    waitpid(e->pid, NULL, 0);
}

void store_embedded_free(struct store_embedded *e) {
    if (!e)
        return;
    if (e->pid)
        stop(e);
    if (e->dir_fd >= 0)
        close(e->dir_fd);
    free(e->dir);
    free(e);
}
