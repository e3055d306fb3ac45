/* routing/task.c - tasks: taking in what is told of them, and where they stand. */
#include <stdlib.h>
#include <string.h>

#include "routing/router_priv.h"

static bool has_agent(enum routing_state s) {
    return s == ROUTING_OFFERED || s == ROUTING_ACCEPTED || s == ROUTING_WRAPUP;
}

static void needs_clear(struct task *t) {
    for (size_t i = 0; i < t->needs_n; i++)
        free(t->needs[i].skill);
    free(t->needs);
    t->needs = NULL;
    t->needs_n = 0;
}

int64_t routing_task_excluded_until_ms(const struct task *t, const struct agent *a,
                                       int64_t now_ms) {
    for (size_t i = 0; i < t->excluded_n; i++)
        if (t->excluded[i].agent == a && t->excluded[i].until_ms > now_ms)
            return t->excluded[i].until_ms;
    return 0;
}

bool routing_task_excludes(const struct task *t, const struct agent *a, int64_t now_ms) {
    return routing_task_excluded_until_ms(t, a, now_ms) != 0;
}

/* ---- where it stands ---- */

int64_t routing_task_wish_until_ms(const struct task *t) {
    int64_t wait = t->queue->rule.sticky_wait_ms;
    if (t->wish_kind == ROUTING_WISH_TRANSFER && wait == 0)
        wait = ROUTING_DIRECT_WAIT_MS;
    return t->wish_from_ms + wait;
}

bool routing_task_waited_enough(const struct router *r, const struct task *t) {
    return t->place == PLACE_HELD && routing_task_wish_until_ms(t) <= r->now_ms;
}

/* He is worth waiting for: here, able by skill, not excluded. Whether he has room is asked only
 * when the wait is over: room is what is waited for. */
bool routing_task_wish_holds(const struct router *r, const struct task *t) {
    const struct agent *a = t->wish;
    const struct routing_queue *rule = &t->queue->rule;
    if (!a || !routing_agent_here(a) || !routing_agent_skilled(a, t->class) ||
        routing_task_excludes(t, a, r->now_ms))
        return false;
    if (routing_task_wish_until_ms(t) <= r->now_ms &&
        !(a->ready && routing_agent_fits(a, t->class)))
        return false;
    if (t->wish_kind == ROUTING_WISH_TRANSFER)
        return true;
    if (t->wish_kind == ROUTING_WISH_LAST &&
        t->created_ms - t->wish_seen_ms > rule->sticky_window_ms)
        return false;
    for (size_t i = 0; i < a->members_n; i++)
        if (a->members[i].queue == t->queue)
            return true;
    return false;
}

void routing_task_settle(struct router *r, struct task *t) {
    list_push(&r->untried, &t->fresh);
    if (routing_task_wish_holds(r, t)) {
        t->place = PLACE_HELD;
        routing_pool_add(&t->wish->held, t);
        if (t->wish->ready && link_alone(&t->wish->dirty))
            list_push(&r->dirty, &t->wish->dirty);
    } else {
        t->wish = NULL;
        t->place = PLACE_POOL;
        routing_pool_add(&t->class->pool, t);
    }
    routing_task_arm(r, t);
}

static void take_out_of_place(struct task *t) {
    link_remove(&t->fresh);
    switch (t->place) {
    case PLACE_NONE:
    case PLACE_FRESH:
        break;
    case PLACE_POOL:
        routing_pool_drop(&t->class->pool, t);
        break;
    case PLACE_HELD:
        routing_pool_drop(&t->wish->held, t);
        break;
    }
    t->place = PLACE_NONE;
}

static void make_fresh(struct router *r, struct task *t) {
    take_out_of_place(t);
    t->place = PLACE_FRESH;
    list_push(&r->fresh, &t->fresh);
}

void routing_task_refresh(struct router *r, struct task *t, bool forget_wish) {
    make_fresh(r, t);
    if (forget_wish)
        t->wish = NULL;
}

void routing_task_enter(struct router *r, struct task *t) {
    if (has_agent(t->state))
        routing_agent_load(r, t);
    if (t->state == ROUTING_WAITING) {
        t->class = routing_class_take(r, t);
        t->waits_since_ms = r->now_ms;
        if (!t->pending && t->put_off_ms <= r->now_ms)
            make_fresh(r, t);
    }
    routing_task_arm(r, t);
}

void routing_task_leave(struct router *r, struct task *t) {
    routing_timer_stop(&r->timers, &t->timer);
    take_out_of_place(t);
    routing_class_release(t->class);
    t->class = NULL;
    if (has_agent(t->state))
        routing_agent_unload(r, t, t->state != ROUTING_OFFERED);
}

void routing_task_free(struct task *t) {
    if (!t)
        return;
    needs_clear(t);
    free(t->excluded);
    free(t->id);
    free(t);
}

/* ---- when it is due ---- */

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t waiting_due_ms(const struct router *r, const struct task *t) {
    if (t->place == PLACE_HELD) /* also with no wait at all he is tried once */
        return routing_task_wish_until_ms(t) > r->now_ms ? routing_task_wish_until_ms(t)
                                                         : r->now_ms + 1;
    if (t->place == PLACE_FRESH)
        return INT64_MAX;
    if (t->place == PLACE_NONE)
        return t->put_off_ms;
    if (t->excluded_n == 0)
        return INT64_MAX;
    int64_t due = t->waits_since_ms + ROUTING_ALL_REJECTED_MS;
    if (due <= r->now_ms) /* looked at, and not all have refused: look again */
        due = r->now_ms + ROUTING_ALL_REJECTED_MS / 4;
    for (size_t i = 0; i < t->excluded_n; i++)
        due = sooner(due, t->excluded[i].until_ms);
    return due;
}

static int64_t held_due_ms(const struct router *r, const struct task *t) {
    const struct agent *a = t->agent;
    if (!a->known)
        return r->now_ms;
    if (t->state == ROUTING_ACCEPTED) {
        if (a->lost_ms == 0)
            return INT64_MAX;
        return a->lost_ms + (t->is_call ? ROUTING_CALL_LOST_MS : a->lost_after_ms);
    }
    if (a->presence != ROUTING_AVAILABLE)
        return r->now_ms;
    return a->lost_ms ? sooner(t->until_ms, a->lost_ms + ROUTING_OFFER_LOST_MS) : t->until_ms;
}

void routing_task_arm(struct router *r, struct task *t) {
    int64_t due = INT64_MAX;
    if (!t->pending) {
        switch (t->state) {
        case ROUTING_WAITING:
            due = waiting_due_ms(r, t);
            break;
        case ROUTING_OFFERED:
        case ROUTING_ACCEPTED:
            due = held_due_ms(r, t);
            break;
        case ROUTING_WRAPUP:
        case ROUTING_SNOOZED:
            due = t->until_ms;
            break;
        case ROUTING_GONE:
            break;
        }
        if (due < t->put_off_ms)
            due = t->put_off_ms;
    }
    routing_timer_arm(&r->timers, &t->timer, due);
}

/* ---- what is told ---- */

static void take_needs(struct task *t, const struct routing_task *news) {
    needs_clear(t);
    t->needs = mem_new((news->needs_n + 1) * sizeof *t->needs);
    t->needs_n = news->needs_n;
    for (size_t i = 0; i < news->needs_n; i++) {
        t->needs[i].skill = mem_dup(news->needs[i].skill.p, news->needs[i].skill.n);
        t->needs[i].min = news->needs[i].min;
    }
}

static void take_excluded(struct router *r, struct task *t, const struct routing_task *news) {
    free(t->excluded);
    t->excluded = mem_new((news->excluded_n + 1) * sizeof *t->excluded);
    t->excluded_n = 0;
    for (size_t i = 0; i < news->excluded_n; i++)
        if (news->excluded[i].until_ms > r->now_ms)
            t->excluded[t->excluded_n++] =
                (struct excluded){.agent = routing_agent_get(r, news->excluded[i].agent),
                                  .until_ms = news->excluded[i].until_ms};
}

static void take_news(struct router *r, struct task *t, const struct routing_task *news) {
    t->rev = news->rev;
    t->state = news->state;
    t->queue = routing_queue_get(r, news->queue);
    t->channel = routing_names_number(&r->channels, news->channel, CHANNELS);
    t->is_call = str_is(news->channel, "call");
    t->weight = news->weight;
    t->priority = news->priority;
    t->created_ms = news->created_ms;
    t->offer = news->offer;
    t->until_ms = news->until_ms;
    t->supposed = t->ask_again = false;
    take_needs(t, news);
    take_excluded(r, t, news);
    t->wish_kind = news->wish_agent.n ? news->wish : ROUTING_WISH_NONE;
    t->wish = t->wish_kind != ROUTING_WISH_NONE ? routing_agent_get(r, news->wish_agent) : NULL;
    t->wish_seen_ms = news->wish_seen_ms;
    t->wish_from_ms = news->wish_from_ms;
    t->agent = has_agent(t->state) ? routing_agent_get(r, news->agent) : NULL;
}

/* Whoever accepts or refuses has answered: what he let pass before no longer counts. */
static void note_answered(const struct task *t, enum routing_state was, struct agent *had) {
    if (!had)
        return;
    if ((t->state == ROUTING_ACCEPTED && was != ROUTING_ACCEPTED) ||
        (t->state == ROUTING_WAITING && was == ROUTING_OFFERED && !t->pending))
        had->missed = 0;
}

void router_task(struct router *r, const struct routing_task *news, int64_t now_ms) {
    r->now_ms = now_ms;
    if (news->state == ROUTING_GONE) {
        router_task_gone(r, news->id, now_ms);
        return;
    }
    struct task *t = map_get(&r->tasks, news->id);
    if (t && news->rev <= t->rev)
        return;
    if (!t) {
        t = NEW(struct task);
        t->id = mem_dup(news->id.p, news->id.n);
        map_put(&r->tasks, str_make(t->id, news->id.n), t);
    } else {
        routing_task_leave(r, t);
    }
    enum routing_state was = t->state;
    struct agent *had = t->agent;
    take_news(r, t, news);
    note_answered(t, was, had);
    routing_task_enter(r, t);
}

void router_task_gone(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct task *t = map_take(&r->tasks, id);
    if (!t)
        return;
    routing_task_leave(r, t);
    routing_task_free(t);
}

static void note_missed(struct router *r, struct task *t) {
    struct agent *a = t->missed_by;
    int64_t limit = t->queue->rule.missed_limit;
    if (++a->missed >= limit && limit > 0 && routing_agent_here(a) && link_alone(&a->resting))
        list_push(&r->resting, &a->resting);
}

void routing_task_suppose(struct router *r, struct task *t, struct agent *a, int64_t until_ms) {
    routing_task_leave(r, t);
    t->state = ROUTING_OFFERED;
    t->agent = a;
    t->offer++;
    t->until_ms = until_ms;
    t->pending = t->supposed = true;
    routing_task_enter(r, t);
}

static void unsuppose(struct router *r, struct task *t) {
    routing_task_leave(r, t);
    t->state = ROUTING_WAITING;
    t->agent = NULL;
    t->offer--;
    t->supposed = false;
    routing_task_enter(r, t);
}

void router_answer(struct router *r, struct str id, enum routing_answer answer, int64_t now_ms) {
    r->now_ms = now_ms;
    struct task *t = map_get(&r->tasks, id);
    if (!t || !t->pending)
        return;
    t->pending = false;
    t->put_off_ms = answer == ROUTING_LATER ? now_ms + RETRY_MS : 0;
    if (t->missed_by && answer == ROUTING_DONE)
        note_missed(r, t);
    t->missed_by = NULL;
    if (t->supposed) {
        unsuppose(r, t);
    } else if (t->state == ROUTING_WAITING && t->place == PLACE_NONE && t->put_off_ms == 0) {
        make_fresh(r, t);
        routing_task_arm(r, t);
    } else {
        routing_task_arm(r, t);
    }
}
