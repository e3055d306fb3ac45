/* replay/replay_priv.h - what the room's files share: the outcome of a task, however it came about.
 */
#ifndef REPLAY_REPLAY_PRIV_H
#define REPLAY_REPLAY_PRIV_H

#include "replay/replay.h"

struct outcome {
    const struct replay_task *task;
    const char *queue; /* in which it was taken, or left */
    int64_t taken_ms, replied_ms, ended_ms, left_ms;
};
/* Medians of a queue and channel; filled as they are asked for. */
struct replay_guesses {
    struct replay_guess {
        const char *queue, *channel;
        int64_t answer_ms, handle_ms;
    } items[256];
    size_t n;
};
const struct replay_guess *replay_guess(const struct replay_record *r, const struct replay_task *t,
                                        struct replay_guesses *g);
/* Time of an agent, by what he did. */
struct worked {
    const char *agent;
    int64_t busy_ms, available_ms;
};
void replay_count(const struct people *p, const struct times *t, int64_t to_ms,
                  const struct outcome *outcomes, size_t n, const struct worked *worked,
                  size_t worked_n, struct replay_figures *out);

#endif
