/* store/task_priv.h - what the files on the slot {r} share: asking its functions, and answering.
 *
 *   task.c (want, put)  task_read.c (get, list)  task_contact.c (forget, moved)      store/task.h
 *   task_clock.c: both
 *   task_move.c  task_route.c  task_log.c  task_agent.c                              store/route.h
 *   desk.c  statistics.c                                                              store/desk.h
 *   attention.c                                                                       store/attention.h
 */
#ifndef STORE_TASK_PRIV_H
#define STORE_TASK_PRIV_H

#include "store/client.h"
#include "store/route.h"

enum { TASK_ARGS_MAX = 20 };

/* Arguments of one call; numbers get their text here. */
struct task_args {
    struct str v[TASK_ARGS_MAX];
    char text[TASK_ARGS_MAX][24];
    size_t n;
};
void task_arg(struct task_args *a, struct str s);
void task_arg_int(struct task_args *a, int64_t v);
void task_call(struct store *s, const char *name, bool ro, const struct task_args *a,
               store_reply_fn *done, void *arg);
/* The same for lists of any length. */
void task_call_many(struct store *s, const char *name, bool ro, const struct str *args, size_t n,
                    store_reply_fn *done, void *arg);
/* For what is said and not asked: the next heartbeat or sweep says it again. */
void task_said(void *arg, const struct store_reply *reply, const struct fault *fault);

/* A decision of the router, carried out. */
void task_carried(struct store *s, const char *name, const struct task_args *a, route_fn *done,
                  void *arg);

/* One question of a caller that wants an answer. */
struct task_question {
    answer_fn *done;
    void *arg;
};
struct task_question *task_question_new(answer_fn *done, void *arg);
void task_answer(struct task_question *take_q, const struct answer *a);
void task_later(struct task_question *take_q, const struct fault *f);

/* {state, reason, since} to {"state","reason","since"}; arg is a task_question. */
void task_on_presence(void *arg, const struct store_reply *r, const struct fault *f);

/* Item i of an array reply; a text, or a number as a text; absent beyond its end. */
struct str task_item(const struct store_reply *r, size_t i);
int64_t task_item_int(const struct store_reply *r, size_t i);
int64_t task_int(struct str digits); /* 0 for what is none */

#endif
