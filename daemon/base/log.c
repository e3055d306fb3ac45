/* base/log.c - one line an event, written without ever waiting for whoever reads it.
 *
 * A socket is sent to with MSG_DONTWAIT. A pipe or terminal is opened a second time, so that
 * O_NONBLOCK is ours alone and not also that of the shell that shares the descriptor. A file takes
 * what it is given.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include <touchline/kit/date.h>
#include <touchline/kit/hmac.h>

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 200, RING = 8, RING_BYTES = 1024 };

static const struct {
    const char *name;
    int priority; /* of syslog, as systemd reads it */
} levels[] = {
    [LOG_ERROR] = {"error", 3},
    [LOG_WARN] = {"warn", 4},
    [LOG_INFO] = {"info", 6},
    [LOG_DEBUG] = {"debug", 7},
};

static _Atomic int threshold = LOG_INFO;
static _Atomic uint64_t dropped;
static int sink = STDERR_FILENO; /* set once by log_setup, before threads */
static bool sink_is_socket, under_systemd;

static bool journal_reads(const struct stat *st) {
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    snprintf(mine, sizeof mine, "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
    return stream && strcmp(stream, mine) == 0;
}

void log_setup(enum log_level level) {
    atomic_store(&threshold, (int)level);
    struct stat st;
    if (sink != STDERR_FILENO || fstat(STDERR_FILENO, &st) != 0)
        return;
    under_systemd = journal_reads(&st);
    sink_is_socket = S_ISSOCK(st.st_mode);
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0)
            sink = fd;
    }
}

bool log_level_on(enum log_level level) {
    return (int)level <= atomic_load(&threshold);
}

static bool put(const char *line, size_t n) {
    ssize_t done =
        sink_is_socket ? send(sink, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(sink, line, n);
    return done >= 0;
}

static size_t head(char *line, enum log_level level, const char *event) {
    char when[DATE_RFC3339_MAX];
    int n;
    if (under_systemd) {
        n = snprintf(line, LINE_MAX_BYTES, "<%d>level=%s event=%s", levels[level].priority,
                     levels[level].name, event);
    } else {
        date_format(clock_wall_ms(), when);
        n = snprintf(line, LINE_MAX_BYTES, "%s level=%s event=%s", when, levels[level].name, event);
    }
    return n < LINE_MAX_BYTES / 2 ? (size_t)n : LINE_MAX_BYTES / 2;
}

static void tell_dropped(void) {
    uint64_t n = atomic_exchange(&dropped, 0);
    if (!n)
        return;
    char line[LINE_MAX_BYTES];
    size_t used = head(line, LOG_WARN, "log.dropped");
    used += (size_t)snprintf(line + used, sizeof line - used, " lines=%" PRIu64 "\n", n);
    if (!put(line, used))
        atomic_fetch_add(&dropped, n);
}

void log_event(enum log_level level, const char *event, const char *format, ...) {
    if (!log_level_on(level))
        return;
    char line[LINE_MAX_BYTES];
    size_t n = head(line, level, event), from = n;
    line[n++] = ' ';
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    n += more < 0 ? 0 : (size_t)more < sizeof line - n ? (size_t)more : sizeof line - n - 1;
    if (more <= 0)
        n = from;
    for (size_t i = from; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?'; /* a value that did not go through log_value cannot forge a line */
    line[n++] = '\n';
    tell_dropped();
    if (put(line, n)) {
        metric_add_label(METRIC_LOG_LINES, levels[level].name, 1);
    } else {
        atomic_fetch_add(&dropped, 1);
        metric_add(METRIC_LOG_DROPPED, 1);
    }
}

/* Good for one call of log_event with up to RING values. */
static char *next_room(void) {
    static _Thread_local char rooms[RING][RING_BYTES];
    static _Thread_local unsigned next;
    return rooms[next++ % RING];
}

/* As logfmt has it: bare where nothing is special, else in quotes; \xNN outside 0x20..0x7E. */
static size_t escape(char *out, size_t room, struct str s) {
    bool bare = s.n > 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\' || c == '=')
            bare = false;
    }
    size_t n = 0;
    if (!bare)
        out[n++] = '"';
    for (size_t i = 0; i < s.n && n + 6 < room; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c > 0x7e) {
            n += (size_t)snprintf(out + n, room - n, "\\x%02x", c);
        } else {
            if (c == '"' || c == '\\')
                out[n++] = '\\';
            out[n++] = (char)c;
        }
    }
    if (!bare)
        out[n++] = '"';
    out[n] = '\0';
    return n;
}

const char *log_value(struct str s) {
    char *room = next_room();
    escape(room, RING_BYTES, str_upto(s, VALUE_MAX));
    return room;
}

static uint8_t person_key[32];

static void make_person_key(void) {
    bytes_random(person_key, sizeof person_key);
}

const char *log_person(struct str s) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_person_key);
    uint8_t mac[SHA256_BYTES];
    hmac_sha256_once(str_make((const char *)person_key, sizeof person_key), s, mac);
    char *room = next_room();
    memcpy(room, "p:", 2);
    hex_encode(mac, 8, room + 2);
    return room;
}

const char *log_fault(const struct fault *f) {
    char *room = next_room();
    size_t n = 0;
    if (f->place[0]) {
        n = (size_t)snprintf(room, RING_BYTES, "place=");
        n += escape(room + n, RING_BYTES / 2, str_c(f->place));
        room[n++] = ' ';
    }
    n += (size_t)snprintf(room + n, RING_BYTES - n, "reason=");
    escape(room + n, RING_BYTES - n, str_c(f->reason));
    return room;
}
