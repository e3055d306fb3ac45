/* store/task_clock.c - facts for the clocks of service levels, and what is computed from them;
 * functions/task_clock.lua. */
#include "store/task_priv.h"

static void fact(struct store *s, const char *name, int64_t now_ms, struct str conversation,
                 int64_t at_ms, const char *on, store_reply_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, now_ms);
    task_arg(&a, conversation);
    task_arg_int(&a, at_ms);
    if (on)
        task_arg(&a, str_c(on));
    task_call(s, name, false, &a, done, arg);
}

static void on_fact(void *arg, const struct store_reply *r, const struct fault *f) {
    if (f || r->type != STORE_INT)
        task_later(arg, f);
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = str_c("{}")});
}

void store_task_replied(struct store *s, int64_t now_ms, struct str conversation, int64_t at_ms,
                        answer_fn *done, void *arg) {
    fact(s, "task_replied", now_ms, conversation, at_ms, NULL, on_fact,
         task_question_new(done, arg));
}

void store_task_touched(struct store *s, int64_t now_ms, struct str conversation, answer_fn *done,
                        void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, now_ms);
    task_arg(&a, conversation);
    task_call(s, "task_touched", false, &a, on_fact, task_question_new(done, arg));
}

void store_task_rests(struct store *s, int64_t now_ms, struct str conversation, int64_t at_ms,
                      bool on, answer_fn *done, void *arg) {
    fact(s, "task_rests", now_ms, conversation, at_ms, on ? "1" : "0", on_fact,
         task_question_new(done, arg));
}

void store_route_dues(struct store *s, int64_t fence, int64_t now_ms, struct str task,
                      const int64_t *dues, size_t n, route_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, task);
    for (size_t i = 0; i < n; i++)
        task_arg_int(&a, dues[i]);
    task_carried(s, "route_dues", &a, done, arg);
}

void store_route_told(struct store *s, int64_t fence, int64_t now_ms, struct str task, int clock,
                      bool breach, struct str reason, route_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, fence);
    task_arg_int(&a, now_ms);
    task_arg(&a, task);
    task_arg_int(&a, clock);
    task_arg_int(&a, breach);
    task_arg(&a, reason);
    task_carried(s, "route_told", &a, done, arg);
}
