/* store/task_read.c - one task, and lists of them; functions/task_view.lua looks.
 *
 * A list goes over the open ones by age, then over those that ended within the window. One call
 * looks at a bounded number; what is asked for rarely is found by several calls, with room for
 * others in between.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>
#include <touchline/touchpoint.h>

#include "store/task_priv.h"

enum {
    SCAN = 1000,
    CALLS_MAX = 200,
    LIST_BYTES_MAX = 32 << 20,
    CURSOR_MAX = 200,
    FILTER_MAX = 64 * 1024
};

static void on_get(void *arg, const struct store_reply *r, const struct fault *f) {
    if (f || r->type != STORE_ARRAY)
        task_later(arg, f);
    else if (r->n < 2)
        task_answer(arg, &(struct answer){.kind = ANSWER_NOT_FOUND});
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK,
                                          .json = task_item(r, 0),
                                          .rev = task_item_int(r, 1)});
}

void store_task_get(struct store *s, struct str id, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg(&a, str_upto(id, 64));
    task_call(s, "task_get", true, &a, on_get, task_question_new(done, arg));
}

/* A list under way. */
struct list {
    struct store *store;
    struct task_question *question;
    char *queue, *state, *agent;
    struct buf queues, items;
    size_t limit, found, calls;
    char phase[2], score[40], after[64];
};

static void list_end(struct list *take_l, const struct answer *a) {
    struct task_question *q = take_l->question;
    buf_clear(&take_l->queues);
    buf_clear(&take_l->items);
    free(take_l->queue);
    free(take_l->state);
    free(take_l->agent);
    free(take_l);
    task_answer(q, a);
}

static void list_later(struct list *take_l, const struct fault *f) {
    list_end(take_l, &(struct answer){.kind = ANSWER_LATER,
                                      .code = "store-unavailable",
                                      .detail = f ? f->reason : "the list is too long"});
}

static void on_list(void *arg, const struct store_reply *r, const struct fault *f);

static void list_step(struct list *l) {
    struct task_args a = {0};
    task_arg(&a, str_c(l->phase));
    task_arg(&a, str_c(l->score));
    task_arg(&a, str_c(l->after));
    task_arg_int(&a, SCAN);
    task_arg_int(&a, (int64_t)(l->limit - l->found));
    task_arg(&a, str_c(l->queue));
    task_arg(&a, str_c(l->state));
    task_arg(&a, str_c(l->agent));
    task_arg(&a, buf_str(&l->queues));
    l->calls++;
    task_call(l->store, "task_list", true, &a, on_list, l);
}

static void list_done(struct list *l) {
    cleanup(buf_clear) struct buf out;
    char cursor[CURSOR_MAX];
    buf_init(&out, LIST_BYTES_MAX + 1024);
    int n = snprintf(cursor, sizeof cursor, "%s.%s.%s", l->phase, l->score, l->after);
    bool ok = buf_add_c(&out, "{\"items\":[") && buf_add(&out, buf_str(&l->items)) &&
              buf_add_c(&out, "],\"next\":");
    if (l->phase[0] && n > 0 && (size_t)n < sizeof cursor)
        ok = ok && buf_add_json(&out, str_c(cursor));
    else
        ok = ok && buf_add_c(&out, "null");
    if (!ok || !buf_add_byte(&out, '}'))
        list_later(l, NULL);
    else
        list_end(l, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&out)});
}

static bool list_take(struct list *l, const struct store_reply *r) {
    snprintf(l->phase, sizeof l->phase, "%.*s", STR_ARG(task_item(r, 0)));
    snprintf(l->score, sizeof l->score, "%.*s", STR_ARG(task_item(r, 1)));
    snprintf(l->after, sizeof l->after, "%.*s", STR_ARG(task_item(r, 2)));
    for (size_t i = 3; i < r->n; i++, l->found++)
        if ((l->items.n && !buf_add_byte(&l->items, ',')) || !buf_add(&l->items, task_item(r, i)))
            return false;
    return true;
}

static void on_list(void *arg, const struct store_reply *r, const struct fault *f) {
    struct list *l = arg;
    if (f || r->type != STORE_ARRAY || r->n < 3 || !list_take(l, r))
        list_later(l, f);
    else if (!l->phase[0] || l->found >= l->limit || l->calls >= CALLS_MAX)
        list_done(l);
    else
        list_step(l);
}

/* "PHASE.SCORE.ID" of ours; anything else begins at the beginning. */
static bool cursor_read(struct list *l, struct str cursor) {
    struct str rest = cursor, phase = str_cut(&rest, '.'), score = str_cut(&rest, '.');
    bool number = score.n > 0;
    for (size_t i = 0; i < score.n; i++)
        number = number && score.p[i] >= '0' && score.p[i] <= '9';
    if (!(str_is(phase, "o") || str_is(phase, "d")) || !(number || str_is(score, "-inf")) ||
        score.n >= sizeof l->score || !rest.p || rest.n >= sizeof l->after)
        return false;
    snprintf(l->phase, sizeof l->phase, "%.*s", STR_ARG(phase));
    snprintf(l->score, sizeof l->score, "%.*s", STR_ARG(score));
    snprintf(l->after, sizeof l->after, "%.*s", STR_ARG(rest));
    return true;
}

void store_task_list(struct store *s, const struct task_query *q, answer_fn *done, void *arg) {
    struct list *l = NEW(struct list);
    bool ok = true, ended = str_is(q->state, "done") || str_is(q->state, "canceled");
    l->store = s;
    l->question = task_question_new(done, arg);
    l->queue = mem_dup(q->queue.p ? q->queue.p : "", q->queue.n);
    l->state = mem_dup(q->state.p ? q->state.p : "", q->state.n);
    l->agent = mem_dup(q->agent.p ? q->agent.p : "", q->agent.n);
    l->limit = q->limit ? q->limit : 50;
    buf_init(&l->queues, FILTER_MAX);
    buf_init(&l->items, LIST_BYTES_MAX);
    for (size_t i = 0; i < q->queues.n; i++)
        ok = ok && buf_add(&l->queues, q->queues.items[i]) && buf_add_byte(&l->queues, '\n');
    if (!q->cursor.p || !cursor_read(l, q->cursor)) {
        snprintf(l->phase, sizeof l->phase, "%s", ended ? "d" : "o");
        snprintf(l->score, sizeof l->score, "-inf");
    }
    if (ok)
        list_step(l);
    else
        list_later(l, NULL);
}
