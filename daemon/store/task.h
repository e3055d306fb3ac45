/* store/task.h - open tasks, presence and claims in the slot {r}; every change one function that
 * compares state and revision and appends to {r}:log.
 *
 * A task crosses this header as the contract's JSON (with members of our own that begin with "_").
 */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include <stdint.h>

#include "store/answer.h"
#include "store/store.h"

/* A touchpoint asks for work. Idempotent by touchpoint. `task` is the derived id of a new one. */
struct task_wanted {
    struct str task, conversation, contact, touchpoint;
    struct str queue, channel, subject;
    int64_t priority;
    struct str skills;        /* JSON list [{"name","min"}] */
    struct str tags;          /* JSON list */
    int64_t due_ms;           /* first response; 0: none */
    struct str previous_hint; /* last finished task of the conversation, or absent */
    struct str sticky_agent;  /* who had the contact last, or manages the account; or absent */
    int64_t sticky_at_ms;
    const char *wish;  /* "last", "key", "key-hard"; NULL: last */
    struct str deputy; /* of a key account, or absent */
    int64_t at_ms;     /* when it counts as created: the arrival */
    int64_t repeat;    /* how many times the person has come about it; 0: not counted */
};
/* One open task a conversation: creates it, or updates the open one (rev + 1, event "task"). OK:
 * {"id","state", "created": bool}. A task in {r}:done stays done: {"state":"done","created":false}.
 */
void store_task_want(struct store *s, const struct task_wanted *w, answer_fn *done, void *arg);
/* For the clocks of the conversation's open task: an agent's reply was applied; it is pending, or
 * no longer. Idempotent by at_ms. Also OK where there is no open task. */
void store_task_replied(struct store *s, int64_t now_ms, struct str conversation, int64_t at_ms,
                        answer_fn *done, void *arg);
void store_task_rests(struct store *s, int64_t now_ms, struct str conversation, int64_t at_ms,
                      bool on, answer_fn *done, void *arg);
/* Something was done about the conversation's open task: accepted work does not come back. */
void store_task_touched(struct store *s, int64_t now_ms, struct str conversation, answer_fn *done,
                        void *arg);
/* Applies RECORD_TASK: the task as it stands (JSON with "_own", store/route.h), when its rev is
 * higher than what is there (replay); an end stands before any rev. What its conversation shows is
 * written by store_conversation_task. */
void store_task_put(struct store *s, struct str task_json, answer_fn *done, void *arg);
void store_task_get(struct store *s, struct str id, answer_fn *done,
                    void *arg); /* open, or done within the window */
struct task_query {
    struct str queue, state, agent, cursor;
    size_t limit;
    struct tl_strs queues; /* only these (a supervisor's); empty: all */
};
void store_task_list(struct store *s, const struct task_query *q, answer_fn *done, void *arg);
/* Erasure and merge: tasks of a contact are cancelled, or told their new contact. */
void store_task_forget(struct store *s, struct str contact, answer_fn *done, void *arg);
void store_task_moved(struct store *s, struct str from_contact, struct str to_contact,
                      answer_fn *done, void *arg);

#endif
