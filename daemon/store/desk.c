/* store/desk.c - see desk.h; functions/task_desk.lua. */
#include "store/desk.h"

#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/touchpoint.h>

#include "store/task_priv.h"

enum { QUEUES_MAX = 8 << 20, AUDIT_JSON_MAX = 8 << 20, AUDIT_SCAN = 1000, ENTRY_ID_MAX = 48 };

static bool lines(struct tl_strs list, struct buf *out) {
    bool ok = true;
    buf_init(out, QUEUES_MAX);
    for (size_t i = 0; i < list.n; i++)
        ok = ok && buf_add(out, list.items[i]) && buf_add_byte(out, '\n');
    return ok;
}

/* ---- pause ---- */

static void on_paused(void *arg, const struct store_reply *r, const struct fault *f) {
    if (f || r->type != STORE_INT)
        task_later(arg, f);
    else
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .repeated = r->integer == 0});
}

void store_queue_pause(struct store *s, const struct queue_pause *p, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg_int(&a, p->now_ms);
    task_arg(&a, p->queue);
    task_arg(&a, p->who);
    task_arg(&a, str_c(p->on ? "1" : "0"));
    task_arg(&a, p->reason);
    task_call(s, "queue_pause", false, &a, on_paused, task_question_new(done, arg));
}

struct paused_question {
    queues_paused_fn *done;
    void *arg;
};

static void on_queues_paused(void *arg, const struct store_reply *r, const struct fault *f) {
    struct paused_question q = *(struct paused_question *)arg;
    free(arg);
    if (f || r->type != STORE_ARRAY) {
        q.done(q.arg, false, NULL, 0);
        return;
    }
    struct str *queues = mem_new((r->n + 1) * sizeof *queues);
    for (size_t i = 0; i < r->n; i++)
        queues[i] = task_item(r, i);
    q.done(q.arg, true, queues, r->n);
    free(queues);
}

void store_queues_paused(struct store *s, queues_paused_fn *done, void *arg) {
    struct paused_question *q = NEW(struct paused_question);
    *q = (struct paused_question){done, arg};
    task_call_many(s, "queues_paused", true, NULL, 0, on_queues_paused, q);
}

/* ---- presence ---- */

void store_presence_force(struct store *s, const struct presence_force *p, answer_fn *done,
                          void *arg) {
    cleanup(buf_clear) struct buf queues;
    struct task_args a = {0};
    bool whole = lines(p->queues, &queues);
    assert(whole); /* as many queues as an agent's configuration may name */
    task_arg_int(&a, p->now_ms);
    task_arg(&a, p->agent);
    task_arg(&a, p->who);
    task_arg(&a, p->state);
    task_arg(&a, p->reason);
    task_arg(&a, buf_str(&queues));
    task_call(s, "presence_force", false, &a, task_on_presence, task_question_new(done, arg));
}

/* ---- audit ---- */

static struct str field(const struct store_reply *fields, const char *name) {
    for (size_t i = 0; i + 1 < fields->n; i += 2)
        if (str_is(task_item(fields, i), name))
            return task_item(fields, i + 1);
    return STR_NONE;
}

static void text_or_null(struct jwrite *w, const char *key, struct str s) {
    jwrite_str(w, key, s.n ? s : STR_NONE);
}

static void write_entry(struct jwrite *w, struct str id, const struct store_reply *fields) {
    struct str queues = field(fields, "queues");
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "id", id);
    jwrite_time(w, "at", task_int(field(fields, "now")));
    jwrite_str(w, "who", field(fields, "who"));
    jwrite_str(w, "what", field(fields, "what"));
    text_or_null(w, "task", field(fields, "task"));
    text_or_null(w, "agent", field(fields, "agent"));
    jwrite_open(w, "queues", '[');
    while (queues.n)
        jwrite_str(w, NULL, str_cut(&queues, '\n'));
    jwrite_close(w, ']');
    text_or_null(w, "why", field(fields, "why"));
    jwrite_close(w, '}');
}

static void on_audit(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        task_later(arg, f);
        return;
    }
    buf_init(&b, AUDIT_JSON_MAX);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "items", '[');
    for (size_t i = 1; i < r->n; i++) {
        const struct store_reply *one = &r->items[i];
        if (one->type == STORE_ARRAY && one->n == 2 && one->items[1].type == STORE_ARRAY)
            write_entry(&w, task_item(one, 0), &one->items[1]);
    }
    jwrite_close(&w, ']');
    text_or_null(&w, "next", task_item(r, 0));
    jwrite_close(&w, '}');
    if (w.ok)
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    else
        task_later(arg, NULL);
}

/* An entry's id as Redis writes it; anything else begins at the newest. */
static bool is_entry(struct str s) {
    size_t dashes = 0;
    for (size_t i = 0; i < s.n; i++) {
        dashes += s.p[i] == '-';
        if (s.p[i] != '-' && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    }
    return s.n >= 3 && s.n < ENTRY_ID_MAX && dashes == 1 && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

void store_audit(struct store *s, const struct audit_query *q, answer_fn *done, void *arg) {
    cleanup(buf_clear) struct buf queues;
    struct task_args a = {0};
    bool whole = lines(q->queues, &queues);
    assert(whole);
    task_arg(&a, buf_str(&queues));
    task_arg(&a, is_entry(q->cursor) ? q->cursor : STR_NONE);
    task_arg_int(&a, AUDIT_SCAN);
    task_arg_int(&a, (int64_t)q->limit);
    task_call(s, "audit", true, &a, on_audit, task_question_new(done, arg));
}
