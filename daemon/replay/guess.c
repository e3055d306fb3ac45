/* replay/guess.c - how long an answer and the work would have taken, where the record does not
 * know. */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "replay/replay_priv.h"

enum { ANSWER_MS = 5000, HANDLE_MS = 300000 }; /* of an empty record */

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* handle: of the work, else of the answer. Of the queue and channel, else of all, else def. */
static int64_t median(const struct replay_record *r, const struct replay_task *like, bool handle,
                      int64_t def) {
    int64_t *values = mem_new((r->tasks_n + 1) * sizeof *values), found = def;
    for (int all = 0; all < 2 && found == def; all++) {
        size_t n = 0;
        for (size_t i = 0; i < r->tasks_n; i++) {
            const struct replay_task *t = r->tasks[i];
            if (!t->taken_ms || (handle && !t->ended_ms) || (!handle && !t->offered_ms) ||
                (!all && (strcmp(t->queue, like->queue) || strcmp(t->channel, like->channel))))
                continue;
            values[n++] = handle ? t->ended_ms - t->taken_ms : t->taken_ms - t->offered_ms;
        }
        qsort(values, n, sizeof *values, by_size);
        if (n)
            found = values[(n - 1) / 2];
    }
    free(values);
    return found;
}

/* Looked up once for each queue and channel. */
const struct replay_guess *replay_guess(const struct replay_record *r, const struct replay_task *t,
                                        struct replay_guesses *g) {
    for (size_t i = 0; i < g->n; i++)
        if (!strcmp(g->items[i].queue, t->queue) && !strcmp(g->items[i].channel, t->channel))
            return &g->items[i];
    struct replay_guess *made = &g->items[g->n < COUNT(g->items) ? g->n++ : COUNT(g->items) - 1];
    *made = (struct replay_guess){t->queue, t->channel, median(r, t, false, ANSWER_MS),
                                  median(r, t, true, HANDLE_MS)};
    return made;
}
