/* config/nearest.c - "did you mean": the known name that is fewest slips of the hand away. */
#include "config/config_priv.h"

enum { NAME_MAX_BYTES = 64 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
static size_t distance(struct str a, struct str b) {
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            now[j] = least(change, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.n];
}

const char *config_nearest(struct str name, const char *const *known, size_t n) {
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return NULL;
    const char *best = NULL;
    size_t best_distance = name.n / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        struct str k = str_c(known[i]);
        if (k.n > NAME_MAX_BYTES)
            continue;
        size_t d = distance(name, k);
        if (d < best_distance) {
            best = known[i];
            best_distance = d;
        }
    }
    return best;
}
