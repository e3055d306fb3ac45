/* routing/step.c - the steps of a queue: for each task that waits, each once, with its reason.
 *
 * A step counts from the entry into the queue, also over offers that nobody answered: what they
 * took is not given back. Which have been taken stands in the task. A share counts in the open time
 * of the deadline's calendar.
 *
 * Two queues whose steps move tasks into each other must not do so for ever at one instant: whoever
 * was moved waits the time of the next step, a minute where that is a share of a deadline that has
 * passed already, and does not count as one that makes it too many.
 */
#include <stdio.h>

#include "routing/calendar.h"
#include "routing/router_priv.h"

enum { MOVED_WAIT_MS = 60000 };

static bool is_taken(const struct task *t, size_t i) {
    return t->steps >> i & 1;
}

static int64_t share_ms(const struct task *t, int64_t percent) {
    const struct calendar *c = t->queue->rule.calendar;
    struct fault ignored;
    int64_t at;
    if (!t->due_ms)
        return INT64_MAX;
    int64_t open = calendar_open_between(c, t->due_from_ms, t->due_ms);
    return calendar_due(c, t->due_from_ms, open * percent / 100, &at, &ignored) ? at : INT64_MAX;
}

/* INT64_MAX: not by time. */
static int64_t step_ms(const struct task *t, const struct routing_step *s) {
    if (s->waiting > 0)
        return INT64_MAX;
    int64_t at = s->after_percent > 0 ? share_ms(t, s->after_percent) : t->entered_ms + s->after_ms;
    bool moved = t->entered_ms != t->created_ms;
    if (moved && s->after_percent > 0 && at < t->entered_ms + MOVED_WAIT_MS)
        at = t->entered_ms + MOVED_WAIT_MS;
    return s->skip_if_none_available && !moved && !t->queue->here && at != INT64_MAX ? t->entered_ms
                                                                                     : at;
}

int64_t routing_step_next_ms(const struct task *t, size_t *out_step) {
    int64_t next = INT64_MAX;
    for (size_t i = 0; t->queue->known && i < t->queue->rule.steps_n; i++) {
        int64_t at = is_taken(t, i) ? INT64_MAX : step_ms(t, &t->queue->steps[i]);
        if (at < next) {
            next = at;
            *out_step = i;
        }
    }
    return next;
}

bool routing_step_counts(const struct queue *q) {
    for (size_t i = 0; i < q->rule.steps_n; i++)
        if (q->steps[i].waiting > 0)
            return true;
    return false;
}

/* Of those by number: only who has just come makes it so. */
static bool crowded(const struct task *t, size_t *out_step) {
    for (size_t i = 0; t->came_as && i < t->queue->rule.steps_n; i++) {
        const struct routing_step *s = &t->queue->steps[i];
        if (s->waiting > 0 && !is_taken(t, i) && t->came_as >= (size_t)s->waiting) {
            *out_step = i;
            return true;
        }
    }
    return false;
}

static void say(const struct router *r, const struct task *t, size_t i,
                char out[ROUTING_REASON_MAX]) {
    const struct routing_step *s = &t->queue->steps[i];
    long long age = (long long)(r->now_ms - t->entered_ms) / 1000;
    if (s->waiting)
        snprintf(out, ROUTING_REASON_MAX, "step %zu: %zu wait", i + 1, t->came_as);
    else if (t->all_refused)
        snprintf(out, ROUTING_REASON_MAX, "step %zu: all have refused it", i + 1);
    else if (s->skip_if_none_available && !t->queue->here)
        snprintf(out, ROUTING_REASON_MAX, "step %zu: nobody is available", i + 1);
    else if (s->after_percent)
        snprintf(out, ROUTING_REASON_MAX, "step %zu: %lld%% of the time to its deadline are over",
                 i + 1, (long long)s->after_percent);
    else
        snprintf(out, ROUTING_REASON_MAX, "step %zu: waited %lld s", i + 1, age);
}

bool routing_step_due(struct router *r, struct task *t, struct routing_decision *out) {
    size_t step = 0;
    bool due = crowded(t, &step);
    if (!due) {
        int64_t at = routing_step_next_ms(t, &step);
        due = at <= r->now_ms || (t->all_refused && at != INT64_MAX);
    }
    if (due) {
        routing_decision_of(t, ROUTING_STEP, out);
        out->step = step;
        out->queue = str_c(t->queue->id);
        say(r, t, step, out->reason);
        routing_task_set_aside(r, t);
    }
    t->came_as = 0;
    t->all_refused = false;
    return due;
}
