/* store/task_log.c - the stream {r}:log: following it, and what came after an entry. */
#include <stdlib.h>

#include "store/task_priv.h"

enum {
    AFTER_MAX = 1000,
    AFTER_BYTES_MAX = 200 * 1024
}; /* a stream that is resumed takes no more than it may buffer */

struct route_log {
    struct store_tail *tail;
    route_entry_fn *entry;
    void (*reset)(void *arg);
    void *arg;
};

/* fields: name and value, in turn. */
static struct route_entry entry_read(const struct store_reply *fields) {
    struct route_entry e = {0};
    struct {
        const char *name;
        struct str *text;
        int64_t *number;
    } places[] = {
        {"type", &e.type, NULL},      {"agent", &e.agent, NULL},    {"queue", &e.queue, NULL},
        {"id", &e.task_id, NULL},     {"reason", &e.reason, NULL},  {"state", &e.state, NULL},
        {"task", &e.json, NULL},      {"own", &e.own, NULL},        {"n", NULL, &e.offer},
        {"until", NULL, &e.until_ms}, {"since", NULL, &e.since_ms}, {"ended", NULL, &e.ended_ms},
        {"missed", NULL, &e.missed},  {"lost", NULL, &e.lost_ms},
    };
    for (size_t i = 0; i + 1 < fields->n; i += 2)
        for (size_t k = 0; k < COUNT(places); k++) {
            if (!str_is(task_item(fields, i), places[k].name))
                continue;
            if (places[k].text)
                *places[k].text = task_item(fields, i + 1);
            else
                *places[k].number = task_item_int(fields, i + 1);
        }
    return e;
}

static void on_entry(void *arg, struct str entry_id, const struct store_reply *fields) {
    struct route_log *log = arg;
    struct route_entry e = entry_read(fields);
    log->entry(log->arg, entry_id, &e);
}

static void on_reset(void *arg) {
    struct route_log *log = arg;
    log->reset(log->arg);
}

struct route_log *store_route_log(struct store *s, struct str from, route_entry_fn *entry,
                                  void (*reset)(void *arg), void *arg) {
    struct route_log *log = NEW(struct route_log);
    *log = (struct route_log){.entry = entry, .reset = reset, .arg = arg};
    log->tail =
        store_tail_new(s, str_c("{r}:log"), from.p ? from : str_c("$"), on_entry, on_reset, log);
    return log;
}

void store_route_log_free(struct route_log *take_log) {
    if (!take_log)
        return;
    store_tail_free(take_log->tail);
    free(take_log);
}

struct after {
    route_entry_fn *entry;
    void (*done)(void *arg, bool ok);
    void *arg;
};

static void on_after(void *arg, const struct store_reply *r, const struct fault *f) {
    struct after a = *(struct after *)arg;
    bool ok = !f && str_is(task_item(r, 0), "ok");
    free(arg);
    for (size_t i = 1; ok && i < r->n; i++) {
        const struct store_reply *one = &r->items[i];
        if (one->type != STORE_ARRAY || one->n != 2 || one->items[1].type != STORE_ARRAY)
            continue;
        struct route_entry e = entry_read(&one->items[1]);
        a.entry(a.arg, task_item(one, 0), &e);
    }
    a.done(a.arg, ok);
}

void store_route_after(struct store *s, struct str id, route_entry_fn *entry,
                       void (*done)(void *arg, bool ok), void *arg) {
    struct task_args args = {0};
    struct after *a = NEW(struct after);
    *a = (struct after){entry, done, arg};
    task_arg(&args, id);
    task_arg_int(&args, AFTER_MAX);
    task_arg_int(&args, AFTER_BYTES_MAX);
    task_call(s, "log_after", true, &args, on_after, a);
}
