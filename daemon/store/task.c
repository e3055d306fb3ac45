/* store/task.c - work that is asked for, and records of work applied; functions/task.lua decides.
 */
#include "store/task.h"

#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "store/task_priv.h"

enum { ANSWER_MAX = 4096 };

/* ---- asking ---- */

void task_arg(struct task_args *a, struct str s) {
    assert(a->n < TASK_ARGS_MAX);
    a->v[a->n++] = s.p ? s : str_c("");
}

void task_arg_int(struct task_args *a, int64_t v) {
    assert(a->n < TASK_ARGS_MAX);
    task_arg(a, store_int(v, a->text[a->n]));
}

void task_call_many(struct store *s, const char *name, bool ro, const struct str *args, size_t n,
                    store_reply_fn *done, void *arg) {
    static const struct str key = STR("{r}");
    store_function(s, name, ro, &key, 1, args, n, done, arg);
}

void task_call(struct store *s, const char *name, bool ro, const struct task_args *a,
               store_reply_fn *done, void *arg) {
    task_call_many(s, name, ro, a->v, a->n, done, arg);
}

void task_said(void *arg, const struct store_reply *reply, const struct fault *fault) {
    (void)arg;
    (void)reply;
    (void)fault;
}

struct task_question *task_question_new(answer_fn *done, void *arg) {
    struct task_question *q = NEW(struct task_question);
    *q = (struct task_question){done, arg};
    return q;
}

void task_answer(struct task_question *take_q, const struct answer *a) {
    struct task_question q = *take_q;
    free(take_q);
    if (q.done)
        q.done(q.arg, a);
}

void task_later(struct task_question *take_q, const struct fault *f) {
    task_answer(take_q,
                &(struct answer){.kind = ANSWER_LATER,
                                 .code = "store-unavailable",
                                 .detail = f ? f->reason : "the store gave no sensible answer"});
}

struct str task_item(const struct store_reply *r, size_t i) {
    if (!r || r->type != STORE_ARRAY || i >= r->n || r->items[i].type == STORE_NIL)
        return STR_NONE;
    return r->items[i].str;
}

int64_t task_int(struct str digits) {
    int64_t v = 0;
    for (size_t i = 0; i < digits.n && i < 18 && digits.p[i] >= '0' && digits.p[i] <= '9'; i++)
        v = v * 10 + (digits.p[i] - '0');
    return v;
}

int64_t task_item_int(const struct store_reply *r, size_t i) {
    if (!r || r->type != STORE_ARRAY || i >= r->n)
        return 0;
    return r->items[i].type == STORE_INT ? r->items[i].integer : task_int(r->items[i].str);
}

/* ---- work is asked for ---- */

static void want_args(struct task_args *a, const struct task_wanted *w) {
    task_arg_int(a, clock_wall_ms());
    task_arg(a, w->task);
    task_arg(a, w->conversation);
    task_arg(a, w->contact);
    task_arg(a, w->touchpoint);
    task_arg(a, w->queue);
    task_arg(a, w->channel);
    task_arg(a, w->subject);
    task_arg_int(a, w->priority);
    task_arg(a, w->skills.n ? w->skills : str_c("[]"));
    task_arg(a, w->tags.n ? w->tags : str_c("[]"));
    task_arg_int(a, w->due_ms);
    task_arg(a, w->previous_hint);
    task_arg(a, w->sticky_agent);
    task_arg_int(a, w->sticky_at_ms);
    task_arg_int(a, w->at_ms);
}

static void on_want(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf json;
    struct jwrite w;
    buf_init(&json, ANSWER_MAX);
    if (f || r->type != STORE_ARRAY || r->n < 3) {
        task_later(arg, f);
        return;
    }
    jwrite_init(&w, &json);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "id", task_item(r, 0));
    jwrite_str(&w, "state", task_item(r, 1));
    jwrite_bool(&w, "created", str_is(task_item(r, 2), "1"));
    jwrite_close(&w, '}');
    if (w.ok)
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&json)});
    else
        task_later(arg, NULL);
}

void store_task_want(struct store *s, const struct task_wanted *w, answer_fn *done, void *arg) {
    struct task_args a = {0};
    want_args(&a, w);
    task_arg(&a, STR_NONE); /* the reason of one made by hand */
    task_arg_int(&a, w->repeat);
    task_arg(&a, w->wish ? str_c(w->wish) : STR_NONE);
    task_arg(&a, w->deputy);
    task_call(s, "task_want", false, &a, on_want, task_question_new(done, arg));
}

static void on_hand(void *arg, const struct store_reply *r, const struct fault *f);

struct hand {
    task_moved_fn *done;
    void *arg;
};

void store_task_hand(struct store *s, const struct task_wanted *w, struct str reason,
                     task_moved_fn *done, void *arg) {
    struct task_args a = {0};
    struct hand *h = NEW(struct hand);
    *h = (struct hand){done, arg};
    want_args(&a, w);
    task_arg(&a, reason);
    task_call(s, "task_hand", false, &a, on_hand, h);
}

static void on_hand(void *arg, const struct store_reply *r, const struct fault *f) {
    struct hand h = *(struct hand *)arg;
    free(arg);
    struct task_moved m = {.kind = ANSWER_LATER,
                           .detail = f ? f->reason : "the store gave no sensible answer"};
    if (!f && r->type == STORE_ARRAY && r->n == 4) {
        bool open = str_is(task_item(r, 0), "open");
        m = (struct task_moved){.kind = open ? ANSWER_CONFLICT : ANSWER_OK,
                                .code = open ? "task-open" : NULL,
                                .detail = open ? "the conversation has an open task" : NULL,
                                .json = task_item(r, 1),
                                .own = task_item(r, 2),
                                .rev = task_item_int(r, 3)};
    }
    h.done(h.arg, &m);
}

/* ---- records ---- */

bool store_task_record(struct str json, struct str own, struct buf *out) {
    return json.n > 1 && json.p[json.n - 1] == '}' && buf_add(out, str_upto(json, json.n - 1)) &&
           buf_add_c(out, ",\"_own\":") && buf_add(out, own) && buf_add_byte(out, '}');
}

static void on_put(void *arg, const struct store_reply *r, const struct fault *f) {
    if (f || r->type != STORE_ARRAY || r->n < 2)
        task_later(arg, f);
    else if (str_is(task_item(r, 0), "bad"))
        task_answer(arg, &(struct answer){.kind = ANSWER_REFUSED,
                                          .code = "invalid",
                                          .detail = "not a task's record"});
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK,
                                          .json = str_c("{}"),
                                          .repeated = !str_is(task_item(r, 0), "new")});
}

void store_task_put(struct store *s, struct str task_json, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, clock_wall_ms());
    task_arg(&a, task_json);
    task_call(s, "task_put", false, &a, on_put, task_question_new(done, arg));
}
