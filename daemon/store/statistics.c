/* store/statistics.c - an agent's figures of the day; functions/task_stats.lua counts them. */
#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/touchpoint.h>

#include "store/desk.h"
#include "store/task_priv.h"

enum { JSON_MAX = 4096, DAY_MS = 86400000 };

struct asked {
    struct task_question *question;
    int64_t now_ms;
    char *agent;
};

static int64_t counted(const struct store_reply *r, const char *field) {
    for (size_t i = 2; i + 1 < r->n; i += 2)
        if (str_is(task_item(r, i), field))
            return task_item_int(r, i + 1);
    return 0;
}

/* What is counted of it, and what goes on now; who was never there is offline all day. */
static int64_t seconds(const struct store_reply *r, const char *state, int64_t now_ms) {
    int64_t since = task_item_int(r, 1), day = now_ms - now_ms % DAY_MS;
    int64_t ms = counted(r, state);
    if (str_is(task_item(r, 0), state))
        ms += now_ms - (since > now_ms ? now_ms : since > day ? since : day);
    return ms / 1000;
}

static bool write_all(struct buf *out, const struct store_reply *r, const struct asked *q) {
    static const char *const counts[] = {"accepted", "completed", "missed", "rejected"};
    int64_t handled = counted(r, "handled"), n = counted(r, "handled_n");
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "agent", q->agent);
    jwrite_time(&w, "from", q->now_ms - q->now_ms % DAY_MS);
    for (size_t i = 0; i < COUNT(counts); i++)
        jwrite_int(&w, counts[i], counted(r, counts[i]));
    jwrite_open(&w, "handling", '{');
    jwrite_int(&w, "tasks", n);
    if (n)
        jwrite_int(&w, "mean_s", (handled / n + 500) / 1000);
    else
        jwrite_null(&w, "mean_s");
    jwrite_close(&w, '}');
    jwrite_open(&w, "presence", '{');
    jwrite_int(&w, "available_s", seconds(r, "available", q->now_ms));
    jwrite_int(&w, "away_s", seconds(r, "away", q->now_ms));
    jwrite_int(&w, "offline_s", seconds(r, "offline", q->now_ms));
    jwrite_close(&w, '}');
    jwrite_close(&w, '}');
    return w.ok;
}

static void on_statistics(void *arg, const struct store_reply *r, const struct fault *f) {
    struct asked *q = arg;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, JSON_MAX);
    if (f || r->type != STORE_ARRAY || r->n < 2 || !write_all(&b, r, q))
        task_later(q->question, f);
    else
        task_answer(q->question, &(struct answer){.kind = ANSWER_OK, .json = buf_str(&b)});
    free(q->agent);
    free(q);
}

void store_statistics(struct store *s, int64_t now_ms, struct str agent, answer_fn *done,
                      void *arg) {
    struct task_args a = {0};
    struct asked *q = NEW(struct asked);
    *q = (struct asked){task_question_new(done, arg), now_ms, mem_dup(agent.p, agent.n)};
    task_arg_int(&a, now_ms);
    task_arg(&a, agent);
    task_call(s, "statistics", true, &a, on_statistics, q);
}
