/* dispatch/settle.c - a task whose purpose has come about by itself ends: a call back where the
 * person was reached in another way.
 */
#include "base/clock.h"
#include "dispatch/dispatch_priv.h"

/* A task that has ended already, or is in its wrap-up, stays as it is. */
static void settled(void *arg, const struct task_moved *m) {
    if (m->kind == ANSWER_CONFLICT || m->kind == ANSWER_NOT_FOUND)
        owed_moved(arg, &(struct task_moved){.kind = ANSWER_NOT_FOUND});
    else
        owed_moved(arg, m);
}

/* Also while routing rests: it is the truth about the task, whoever routes. */
void dispatch_settle(struct dispatch *d, struct str task, struct str reason, answer_fn *done,
                     void *arg) {
    const struct task_move m = {.task = task,
                                .actor = str_c("touchline"),
                                .move = "settle",
                                .lead = true,
                                .everywhere = true,
                                .reason = reason,
                                .rules = str_c(d->people->rules),
                                .now_ms = clock_wall_ms()};
    store_task_move(d->store, &m, settled, owed_new(d, done, arg));
}
