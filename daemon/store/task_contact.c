/* store/task_contact.c - tasks of a contact that was erased or merged: found by a scan in pieces,
 * for both are rare. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/task_priv.h"

struct walk {
    struct store *store;
    struct task_question *question;
    char *contact, *to; /* to NULL: forget */
    size_t under_way;
    bool scanned, failed;
};

static void walk_check(struct walk *w) {
    if (!w->scanned || w->under_way)
        return;
    struct task_question *q = w->question;
    bool failed = w->failed;
    free(w->contact);
    free(w->to);
    free(w);
    if (failed)
        task_later(q, NULL);
    else
        task_answer(q, &(struct answer){.kind = ANSWER_OK, .json = str_c("{}")});
}

static void on_one(void *arg, const struct store_reply *r, const struct fault *f) {
    struct walk *w = arg;
    (void)r;
    w->under_way--;
    w->failed |= f != NULL;
    walk_check(w);
}

static void one(struct walk *w, struct str id) {
    struct task_args a = {0};
    task_arg_int(&a, clock_wall_ms());
    task_arg(&a, id);
    if (w->to)
        task_arg(&a, str_c(w->to));
    w->under_way++;
    task_call(w->store, w->to ? "task_moved" : "task_forget", false, &a, on_one, w);
}

static void walk_step(struct walk *w, struct str cursor);

static void on_scan(void *arg, const struct store_reply *r, const struct fault *f) {
    struct walk *w = arg;
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        w->failed = w->scanned = true;
        walk_check(w);
        return;
    }
    for (size_t i = 1; i < r->n; i++)
        one(w, task_item(r, i));
    if (task_item(r, 0).n) {
        walk_step(w, task_item(r, 0));
        return;
    }
    w->scanned = true;
    walk_check(w);
}

static void walk_step(struct walk *w, struct str cursor) {
    struct task_args a = {0};
    task_arg(&a, cursor);
    task_arg(&a, str_c(w->contact));
    task_call(w->store, "task_scan", true, &a, on_scan, w);
}

static void walk_begin(struct store *s, struct str contact, struct str to, answer_fn *done,
                       void *arg) {
    struct walk *w = NEW(struct walk);
    w->store = s;
    w->question = task_question_new(done, arg);
    w->contact = mem_dup(contact.p, contact.n);
    w->to = to.p ? mem_dup(to.p, to.n) : NULL;
    walk_step(w, str_c("o0"));
}

void store_task_forget(struct store *s, struct str contact, answer_fn *done, void *arg) {
    walk_begin(s, contact, STR_NONE, done, arg);
}

void store_task_moved(struct store *s, struct str from_contact, struct str to_contact,
                      answer_fn *done, void *arg) {
    walk_begin(s, from_contact, to_contact, done, arg);
}
