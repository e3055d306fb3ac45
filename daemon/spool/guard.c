/* spool/guard.c - the free-space guard. A file system that counts no inodes has enough of them. */
#include "spool/guard.h"

#include <string.h>
#include <sys/statvfs.h>

#include "spool/spool_priv.h"

enum { LOOK_MS = 100 };
static const int64_t low_bytes = (int64_t)256 << 20, high_bytes = (int64_t)320 << 20;

int (*spool_statvfs)(const char *path, struct statvfs *out) = statvfs;

bool guard_due(const struct guard *g, int64_t now_ms) {
    return !g->looked_ms || now_ms - g->looked_ms >= LOOK_MS;
}

static bool scarce(uint64_t free_n, uint64_t all_n, unsigned percent) {
    return all_n && free_n < all_n / 100 * percent;
}

/* What is wrong by these bounds, or NULL. */
static const char *wrong(const struct statvfs *v, int64_t free_bytes, unsigned percent,
                         int64_t bytes, bool too_big) {
    if (scarce(v->f_bavail, v->f_blocks, percent))
        return "too little of the disk is free";
    if (scarce(v->f_favail, v->f_files, percent))
        return "too few inodes are free";
    if (free_bytes < bytes)
        return "too few bytes are free";
    return too_big ? "the spool has reached max_size" : NULL;
}

bool guard_look(struct guard *g, int64_t now_ms, int64_t used_bytes) {
    struct statvfs v;
    bool before = g->refusing;
    g->looked_ms = now_ms;
    if (spool_statvfs(g->path, &v) != 0) {
        g->refusing = true;
        fault_sys(&g->why, "disk", "free space is not known");
        g->why.kind = FAULT_BUSY;
        return !before;
    }
    g->free_bytes = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    const char *why =
        before ? wrong(&v, g->free_bytes, 8, high_bytes, used_bytes > g->max_bytes / 100 * 95)
               : wrong(&v, g->free_bytes, 5, low_bytes, used_bytes > g->max_bytes);
    g->refusing = why != NULL;
    if (why)
        fault_set(&g->why, FAULT_BUSY, "disk", "%s", why);
    return g->refusing != before;
}

bool guard_admits(const struct guard *g, int64_t more_bytes, struct fault *f) {
    if (g->refusing) {
        if (f)
            *f = g->why;
        return false;
    }
    if (more_bytes > g->free_bytes - low_bytes)
        return fault_set(f, FAULT_BUSY, "disk", "too few bytes are free for one so big");
    return true;
}
