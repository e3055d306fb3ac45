/* sip/rotated.h - finds what became of a rotated log among the files beside it: log.1,
 * log-20261123, log.2026-11-23-08-00-00, log.old. Compressed ones are passed over. */
#ifndef SIP_ROTATED_H
#define SIP_ROTATED_H

#include "tail.h"

/* A regular file, not through a link; -1 with errno. */
int rotated_open(const char *path);
bool rotated_head(int fd, size_t n, uint64_t *out);
bool rotated_is(int fd, const struct tail_file *f);

/* Each gives a descriptor, or -1. */
/* The file itself, under whatever name. */
int rotated_find(struct str path, const struct tail_file *f);
/* A copy of the file that is longer than `beyond` (copytruncate). */
int rotated_copy(struct str path, const struct tail_file *f, int64_t beyond);
/* The oldest that was last written after `after_ns`, and is neither f nor a copy of it. */
int rotated_next(struct str path, const struct tail_file *f, int64_t after_ns);

/* When it was last written, in ns since 1970. */
int64_t rotated_time_ns(int fd);

#endif
