/* sip/tail.h - follows a log file across rename, copytruncate and restart, line by line.
 *
 * A place in a file is kept as "device:inode:head:length:offset:written", head being the hash of
 * its first `length` (at most 256) bytes and `written` when it was last written: a path says
 * nothing about which file it was. Lines are handed out whole, without their end; only what ends in
 * LF is read. A line above 64 KiB is cut, told, and reading goes on after its LF.
 *
 *   renamed:    the open file is read to its end, then those that were rotated after it (a log may
 *               be rotated more than once between two looks, or while nobody looked), then the
 *               new one from 0
 *   truncated:  the rest from the copy where there is one, then from 0, and told (what was written
 *               between copy and truncation is lost)
 */
#ifndef SIP_TAIL_H
#define SIP_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/buf.h>
#include <touchline/str.h>

enum { TAIL_LINE_MAX = 64 * 1024, TAIL_PLACE_MAX = 160, TAIL_HEAD_MAX = 256 };

struct tail_file { /* which file */
    uint64_t device, inode;
    uint64_t head;
    size_t head_n;
    int64_t written_ns; /* last seen; 0: unknown */
};

struct tail_place {
    struct tail_file file;
    int64_t offset;
};

enum tail_event {
    TAIL_TRUNCATED,        /* nothing of it is left */
    TAIL_TRUNCATED_COPIED, /* the rest is read from its copy */
    TAIL_LOST,             /* the file of the kept place is gone */
    TAIL_REFUSED,          /* no regular file */
};

/* One open file. */
struct tail_reader {
    int fd; /* -1: none */
    struct tail_file file;
    int64_t offset; /* of the next byte to read */
    int64_t begins; /* of the line being gathered */
    struct buf part;
    bool cutting;     /* within a line that is too long */
    int64_t until_ms; /* of one that was renamed: its writer may hold it so long */
};

enum { TAIL_OLD_MAX = 4, TAIL_OLD_MS = 5000 };

struct tail {
    struct str path;
    struct tail_reader now, old[TAIL_OLD_MAX];
    bool refused;
    void *arg;
    /* place: where the line begins. cut: it was longer than TAIL_LINE_MAX. */
    void (*line)(void *arg, struct str line, const struct tail_place *place, bool cut);
    void (*event)(void *arg, enum tail_event what);
};

/* path must outlive it. from: a kept place or absent (from the first byte). */
void tail_open(struct tail *t, struct str path, struct str from, void *arg,
               void (*line)(void *arg, struct str line, const struct tail_place *place, bool cut),
               void (*event)(void *arg, enum tail_event what));
void tail_clear(struct tail *t);
/* Reads at most about max bytes of what is new; true: there may be more at once. now_ms is
 * monotonic. */
bool tail_step(struct tail *t, size_t max, int64_t now_ms);
/* Where reading stands, for what has no open call before it. */
struct tail_place tail_here(const struct tail *t);
struct str tail_place_write(const struct tail_place *p, char out[TAIL_PLACE_MAX]);
bool tail_place_read(struct str s, struct tail_place *out);

#endif
