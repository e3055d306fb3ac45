/* dispatch/supervise.c - a supervisor's word: queues that rest, agents who are sent away.
 *
 * {r} keeps what was said with its audit in one step; the log here names who and what, not why:
 * reasons are free text.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "dispatch/dispatch_priv.h"
#include "store/desk.h"

/* What was said, until {r} has it. */
struct word {
    struct owed *owed;
    char *who, *what; /* the queue or the agent */
    char *state, *reason;
};

static char *copy(struct str s) {
    return mem_dup(s.p ? s.p : "", s.n);
}

static struct word *word_new(struct dispatch *d, struct str who, struct str what, answer_fn *done,
                             void *arg) {
    struct word *w = NEW(struct word);
    w->owed = owed_new(d, done, arg);
    w->who = copy(who);
    w->what = copy(what);
    return w;
}

static void word_free(struct word *w) {
    free(w->who);
    free(w->what);
    free(w->state);
    free(w->reason);
    free(w);
}

/* The room that the answer is to come from, or NULL: it was told here. */
static struct dispatch *word_kept(struct word *w, const struct answer *a) {
    struct dispatch *d = w->owed->waits.d;
    if (d && a->kind == ANSWER_OK)
        return d;
    owed_tell(w->owed, a);
    return NULL;
}

static void word_end(struct word *take_w) {
    waits_end(&take_w->owed->waits);
    free(take_w->owed);
    word_free(take_w);
}

/* The queues in which he may say something; empty: all. */
static bool leads_in(const struct dispatch *d, struct dispatch_actor who, struct tl_strs queues) {
    const struct agent_config *self = people_agent(d->people, who.name);
    if (who.role == ROLE_OPERATOR)
        return true;
    return who.role == ROLE_SUPERVISOR && self && self->queues.n &&
           people_share(queues, self->queues);
}

/* ---- queues ---- */

static void on_pause(void *arg, const struct answer *a) {
    struct word *w = arg;
    struct dispatch *d = word_kept(w, a);
    if (!d) {
        word_free(w);
        return;
    }
    if (!a->repeated)
        log_info("queue.pause", "queue=%s state=%s who=%s", log_value(str_c(w->what)), w->state,
                 log_value(str_c(w->who)));
    dispatch_queue(d, str_c(w->what), w->owed->done, w->owed->arg);
    word_end(w);
}

void dispatch_pause(struct dispatch *d, struct dispatch_actor who, struct str queue, bool paused,
                    struct str reason, answer_fn *done, void *arg) {
    if (!people_queue(d->people, queue) || !leads_in(d, who, (struct tl_strs){&queue, 1})) {
        owed_later(owed_new(d, done, arg), ANSWER_NOT_FOUND, NULL, NULL, NULL);
        return;
    }
    struct word *w = word_new(d, who.name, queue, done, arg);
    w->state = copy(str_c(paused ? "paused" : "open"));
    store_queue_pause(d->store,
                      &(struct queue_pause){.queue = queue,
                                            .who = who.name,
                                            .reason = reason,
                                            .on = paused,
                                            .now_ms = clock_wall_ms()},
                      on_pause, w);
}

/* ---- agents ---- */

static void on_force(void *arg, const struct answer *a) {
    struct word *w = arg;
    struct dispatch *d = word_kept(w, a);
    if (!d) {
        word_free(w);
        return;
    }
    log_info("agent.force", "agent=%s state=%s who=%s", log_value(str_c(w->what)), w->state,
             log_value(str_c(w->who)));
    presence_remember(d, str_c(w->what), str_c(w->state), str_c(w->reason));
    dispatch_agent(d, str_c(w->what), w->owed->done, w->owed->arg);
    word_end(w);
}

void dispatch_presence_force(struct dispatch *d, struct dispatch_actor who, struct str agent,
                             struct str state, struct str reason, answer_fn *done, void *arg) {
    const struct agent_config *a = people_agent(d->people, agent);
    if (!a || !leads_in(d, who, a->queues)) {
        owed_later(owed_new(d, done, arg), ANSWER_NOT_FOUND, NULL, NULL, NULL);
        return;
    }
    struct word *w = word_new(d, who.name, agent, done, arg);
    w->state = copy(state);
    w->reason = copy(reason);
    store_presence_force(d->store,
                         &(struct presence_force){.agent = agent,
                                                  .who = who.name,
                                                  .state = state,
                                                  .reason = reason,
                                                  .queues = a->queues,
                                                  .now_ms = clock_wall_ms()},
                         on_force, w);
}
