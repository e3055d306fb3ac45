/* spool/guard.h - the free-space guard: refuses before the disk does.
 *
 * Refuses below 5 % of blocks or of inodes, below 256 MiB, and above the configured size; takes
 * again above 8 %, 320 MiB and below 95 % of the size. Looks at the file system at most every 100
 * ms.
 */
#ifndef SPOOL_GUARD_H
#define SPOOL_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/fault.h>

struct guard {
    const char *path;
    int64_t max_bytes;
    /* as it was seen last */
    int64_t looked_ms, free_bytes;
    bool refusing;
    struct fault why;
};

/* Whether used_bytes are due to be told. */
bool guard_due(const struct guard *g, int64_t now_ms);
/* Looks again. true: the state changed. */
bool guard_look(struct guard *g, int64_t now_ms, int64_t used_bytes);
/* false (BUSY): refusing, or so many bytes more would lead there. */
bool guard_admits(const struct guard *g, int64_t more_bytes, struct fault *f) must_check;

#endif
