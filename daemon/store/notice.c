/* store/notice.c - see notice.h. */
#include "store/notice.h"

#include <stdlib.h>

#include "store/task_priv.h"

enum { SCAN_COUNT = 200, TAKE_MAX = 64 };

struct scanning {
    notice_scanned_fn *done;
    void *arg;
};

static void on_scanned(void *arg, const struct store_reply *r, const struct fault *f) {
    struct scanning s = *(struct scanning *)arg;
    bool ok = !f && r->type == STORE_ARRAY && r->n == 3;
    free(arg);
    s.done(s.arg, ok, ok && task_item_int(r, 0) == 1, ok ? task_item_int(r, 1) : 0,
           ok ? task_item_int(r, 2) : 0);
}

void store_notice_scan(struct store *s, const struct notice_told *told, size_t n,
                       notice_scanned_fn *done, void *arg) {
    struct scanning *q = NEW(struct scanning);
    struct str *args = mem_new((2 * n + 1) * sizeof *args);
    char count[24];
    *q = (struct scanning){done, arg};
    args[0] = store_int(SCAN_COUNT, count);
    for (size_t i = 0; i < n; i++) {
        args[2 * i + 1] = told[i].agent;
        args[2 * i + 2] = told[i].ways;
    }
    task_call_many(s, "notice_scan", false, args, 2 * n + 1, on_scanned, q);
    free(args);
}

struct taking {
    notice_taken_fn *done;
    void *arg;
};

static struct notice notice_read(const struct store_reply *r) {
    return (struct notice){
        .key = task_item(r, 0),
        .agent = task_item(r, 1),
        .way = task_item(r, 2),
        .type = task_item(r, 3),
        .task = task_item(r, 4),
        .offer = task_item_int(r, 5),
        .tries = task_item_int(r, 6),
        .over = str_is(task_item(r, 7), "over"),
        .json = task_item(r, 8),
    };
}

static void on_taken(void *arg, const struct store_reply *r, const struct fault *f) {
    struct taking t = *(struct taking *)arg;
    struct notice list[TAKE_MAX];
    size_t n = 0;
    bool ok = !f && r->type == STORE_ARRAY;
    free(arg);
    for (size_t i = 0; ok && i < r->n && n < TAKE_MAX; i++)
        if (r->items[i].type == STORE_ARRAY && r->items[i].n == 9)
            list[n++] = notice_read(&r->items[i]);
    t.done(t.arg, ok, list, n);
}

void store_notice_take(struct store *s, size_t max, notice_taken_fn *done, void *arg) {
    struct taking *t = NEW(struct taking);
    struct task_args a = {0};
    *t = (struct taking){done, arg};
    task_arg_int(&a, (int64_t)(max < TAKE_MAX ? max : TAKE_MAX));
    task_call(s, "notice_take", false, &a, on_taken, t);
}

void store_notice_later(struct store *s, int64_t in_ms, const struct str *keys, size_t n) {
    struct str *args = mem_new((n + 1) * sizeof *args);
    char ms[24];
    args[0] = store_int(in_ms, ms);
    for (size_t i = 0; i < n; i++)
        args[i + 1] = keys[i];
    task_call_many(s, "notice_later", false, args, n + 1, task_said, NULL);
    free(args);
}

void store_notice_done(struct store *s, struct str key) {
    task_call_many(s, "notice_done", false, &key, 1, task_said, NULL);
}
