/* store/task_move.c - an agent's move, decided by functions/task_move.lua in one call. */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>

#include "store/task_priv.h"

enum { QUEUES_MAX = 8 << 20, DETAIL_MAX = 160 };

struct move {
    task_moved_fn *done;
    void *arg;
};

static const struct {
    const char *said;
    enum answer_kind kind;
    const char *code;
} codes[] = {
    {"ok", ANSWER_OK, NULL},
    {"repeated", ANSWER_OK, NULL},
    {"none", ANSWER_NOT_FOUND, NULL},
    {"state", ANSWER_CONFLICT, "wrong-state"},
    {"offer", ANSWER_CONFLICT, "stale-offer"},
};

static void state_of(struct str own, char out[24]) {
    cleanup(json_freep) json_t *j = NULL;
    out[0] = 0;
    if (jread_parse(own, own.n, &j, NULL))
        snprintf(out, 24, "%.*s", STR_ARG(jget_str(j, "state")));
}

static void on_move(void *arg, const struct store_reply *r, const struct fault *f) {
    struct move m = *(struct move *)arg;
    struct task_moved out = {.kind = ANSWER_LATER,
                             .detail = f ? f->reason : "the store gave no sensible answer"};
    char detail[DETAIL_MAX], state[24];
    free(arg);
    for (size_t i = 0; !f && i < COUNT(codes); i++) {
        if (!str_is(task_item(r, 0), codes[i].said))
            continue;
        out = (struct task_moved){.kind = codes[i].kind,
                                  .code = codes[i].code,
                                  .repeated = str_is(task_item(r, 0), "repeated"),
                                  .json = task_item(r, 1),
                                  .own = task_item(r, 2),
                                  .rev = task_item_int(r, 3),
                                  .held_by = task_item(r, 4)};
        if (out.kind == ANSWER_CONFLICT) {
            state_of(out.own, state);
            snprintf(detail, sizeof detail,
                     out.code[0] == 's' ? "this offer is over; the task is %s" : "the task is %s",
                     state);
            out.detail = detail;
        }
    }
    m.done(m.arg, &out);
}

static bool queue_lines(const struct task_move *m, struct buf *out) {
    bool ok = m->everywhere || buf_add_byte(out, '\n'); /* no queue at all is not the same as all */
    for (size_t i = 0; !m->everywhere && i < m->queues.n; i++)
        ok = ok && buf_add(out, m->queues.items[i]) && buf_add_byte(out, '\n');
    return ok;
}

void store_task_move(struct store *s, const struct task_move *m, task_moved_fn *done, void *arg) {
    cleanup(buf_clear) struct buf queues;
    struct task_args a = {0};
    struct move *q = NEW(struct move);
    *q = (struct move){done, arg};
    buf_init(&queues, QUEUES_MAX);
    bool whole = queue_lines(m, &queues);
    assert(whole); /* as many queues as an agent's configuration may name */
    task_arg_int(&a, m->now_ms);
    task_arg(&a, str_upto(m->task, 64));
    task_arg(&a, str_c(m->move));
    task_arg(&a, m->actor);
    task_arg(&a, str_c(m->lead ? "lead" : "agent"));
    task_arg(&a, buf_str(&queues));
    if (m->offer > 0)
        task_arg_int(&a, m->offer);
    else
        task_arg(&a, STR_NONE);
    task_arg(&a, m->reason);
    task_arg(&a, m->disposition);
    task_arg(&a, m->note);
    task_arg(&a, m->to_queue);
    task_arg(&a, m->to_agent);
    task_arg_int(&a, m->until_ms);
    task_arg(&a, m->rules);
    task_call(s, "task_move", false, &a, on_move, q);
}
