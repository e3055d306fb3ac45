/* store/canned.c - see canned.h. */
#include "store/canned.h"

#include <touchline/kit/buf.h>

#include "store/task_priv.h"

enum { ONE_MAX = 256 * 1024, LIST_MAX = 64 << 20, ID_MAX = 64 };

static void on_put(void *arg, const struct store_reply *r, const struct fault *f) {
    static const struct {
        const char *said;
        struct answer answer;
    } codes[] = {
        {"ok", {.kind = ANSWER_OK}},
        {"known", {.kind = ANSWER_OK, .repeated = true}},
        {"none", {.kind = ANSWER_NOT_FOUND}},
        {"stale", {.kind = ANSWER_STALE}},
        {"full", {.kind = ANSWER_CONFLICT, .code = "too-many", .detail = "5000 answers at most"}},
    };
    for (size_t i = 0; !f && i < COUNT(codes); i++) {
        if (!str_is(task_item(r, 0), codes[i].said))
            continue;
        struct answer a = codes[i].answer;
        a.rev = task_item_int(r, 1);
        task_answer(arg, &a);
        return;
    }
    task_later(arg, f);
}

void store_canned_put(struct store *s, const struct canned *c, answer_fn *done, void *arg) {
    static const char *const modes[] = {[CANNED_NEW] = "new",
                                        [CANNED_PUT] = "put",
                                        [CANNED_DROP] = "drop",
                                        [CANNED_AGAIN] = "again"};
    struct task_args a = {0};
    task_arg(&a, c->id);
    task_arg(&a, str_c(modes[c->mode]));
    task_arg_int(&a, c->if_rev);
    task_arg_int(&a, c->rev);
    task_arg(&a, c->json);
    task_call(s, "canned_put", false, &a, on_put, task_question_new(done, arg));
}

static bool with_rev(struct buf *out, struct str json, int64_t rev) {
    return json.n >= 2 && buf_add(out, str_upto(json, json.n - 1)) &&
           buf_addf(out, ",\"rev\":%lld}", (long long)rev);
}

static void on_get(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, ONE_MAX);
    if (f || r->type != STORE_ARRAY)
        task_later(arg, f);
    else if (r->n < 2)
        task_answer(arg, &(struct answer){.kind = ANSWER_NOT_FOUND});
    else if (with_rev(&b, task_item(r, 0), task_item_int(r, 1)))
        task_answer(arg, &(struct answer){
                             .kind = ANSWER_OK, .json = buf_str(&b), .rev = task_item_int(r, 1)});
    else
        task_later(arg, NULL);
}

void store_canned_get(struct store *s, struct str id, answer_fn *done, void *arg) {
    struct task_args a = {0};
    task_arg(&a, str_upto(id, ID_MAX));
    task_call(s, "canned", true, &a, on_get, task_question_new(done, arg));
}

static void on_list(void *arg, const struct store_reply *r, const struct fault *f) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, LIST_MAX);
    if (f || r->type != STORE_ARRAY || r->n < 1) {
        task_later(arg, f);
        return;
    }
    bool ok = buf_add_c(&b, "{\"items\":[");
    for (size_t i = 1; i + 2 < r->n; i += 3)
        ok = ok && (i == 1 || buf_add_byte(&b, ',')) &&
             with_rev(&b, task_item(r, i + 1), task_item_int(r, i + 2));
    ok = ok && buf_add_c(&b, "],\"next\":");
    if (str_is(task_item(r, 0), "1") && r->n > 3)
        ok = ok && buf_add_json(&b, task_item(r, r->n - 3));
    else
        ok = ok && buf_add_c(&b, "null");
    if (ok && buf_add_byte(&b, '}'))
        task_answer(arg, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    else
        task_later(arg, NULL);
}

void store_canned_list(struct store *s, size_t limit, struct str cursor, answer_fn *done,
                       void *arg) {
    struct task_args a = {0};
    task_arg(&a, str_upto(cursor, ID_MAX));
    task_arg_int(&a, (int64_t)limit);
    task_call(s, "canned_list", true, &a, on_list, task_question_new(done, arg));
}
