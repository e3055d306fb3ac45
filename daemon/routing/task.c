/* routing/task.c - tasks: taking in what is told of them, and where they stand. */
#include <stdlib.h>
#include <string.h>

#include "routing/router_priv.h"

static bool has_agent(enum routing_state s) {
    return s == ROUTING_OFFERED || s == ROUTING_ACCEPTED || s == ROUTING_WRAPUP;
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

bool routing_task_is_held_by(const struct task *t, const struct agent *a) {
    for (size_t i = 0; i < t->holds_n; i++)
        if (t->holds[i].agent == a)
            return true;
    return false;
}

/* ---- where it stands ---- */

static void stand(struct router *r, struct task *t, struct stand *s, struct queue *q,
                  struct agent *holder) {
    s->task = t;
    if (!s->class)
        s->class = routing_class_take(r, t, q, holder);
    routing_stand_enter(r, s);
}

static void stand_down(struct stand *s, bool keep_class) {
    routing_stand_leave(s);
    if (keep_class)
        return;
    routing_class_release(s->class);
    s->class = NULL;
}

/* Whoever is waited for is told by the list of those who may have become abler. */
void routing_task_settle(struct router *r, struct task *t) {
    list_push(&r->untried, &t->fresh);
    while (t->wish && !routing_wish_holds(r, t))
        routing_wish_next(t);
    if (t->wish) {
        t->place = PLACE_HELD;
        stand(r, t, &t->held, t->queue, t->wish);
        if (t->wish->ready && link_alone(&t->wish->dirty))
            list_push(&r->dirty, &t->wish->dirty);
    } else {
        t->place = PLACE_POOL;
        stand(r, t, &t->home, t->queue, NULL);
        for (size_t i = 0; i < t->added_n; i++)
            stand(r, t, &t->more[i], t->added[i], NULL);
    }
    routing_task_arm(r, t);
}

static void take_out_of_place(struct task *t) {
    link_remove(&t->fresh);
    stand_down(&t->home, true);
    stand_down(&t->held, false);
    for (size_t i = 0; i < t->added_n; i++)
        stand_down(&t->more[i], false);
    t->place = PLACE_NONE;
}

void routing_task_refresh(struct router *r, struct task *t) {
    take_out_of_place(t);
    t->place = PLACE_FRESH;
    list_push(&r->fresh, &t->fresh);
}

void routing_task_set_aside(struct router *r, struct task *t) {
    take_out_of_place(t);
    t->pending = true;
    routing_task_arm(r, t);
}

void routing_task_enter(struct router *r, struct task *t) {
    for (size_t i = 0; i < t->holds_n; i++)
        routing_agent_load(r, &t->holds[i]);
    if (t->state == ROUTING_WAITING) {
        t->queue->waiting++;
        t->home.task = t;
        t->home.class = routing_class_take(r, t, t->queue, NULL);
        if (!t->pending && t->put_off_ms <= r->now_ms)
            routing_task_refresh(r, t);
    }
    routing_task_arm(r, t);
}

static void leave(struct router *r, struct task *t, bool ended) {
    routing_timer_stop(&r->timers, &t->timer);
    take_out_of_place(t);
    stand_down(&t->home, false);
    t->queue->waiting -= t->state == ROUTING_WAITING;
    for (size_t i = 0; i < t->holds_n; i++)
        routing_agent_unload(r, &t->holds[i], ended && t->state != ROUTING_OFFERED);
}

void routing_task_leave(struct router *r, struct task *t) {
    leave(r, t, true);
}

static void needs_clear(struct task *t) {
    for (size_t i = 0; i < t->needs_n; i++)
        free(t->needs[i].skill);
    free(t->needs);
    t->needs = NULL;
    t->needs_n = 0;
}

void routing_task_free(struct task *t) {
    if (!t)
        return;
    needs_clear(t);
    link_remove(&t->of_router);
    free(t->more);
    free(t->holds);
    free(t->offered);
    free(t->missed);
    free(t->excluded);
    free(t->id);
    free(t);
}

/* ---- when it is due ---- */

static int64_t sooner(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* An exclusion ends, or all have refused for long enough. */
static int64_t excluded_due_ms(const struct router *r, const struct task *t) {
    if (t->excluded_n == 0)
        return INT64_MAX;
    int64_t due = t->waits_since_ms + ROUTING_ALL_REJECTED_MS;
    if (due <= r->now_ms) /* looked at, and not all have refused: look again */
        due = r->now_ms + ROUTING_ALL_REJECTED_MS / 4;
    for (size_t i = 0; i < t->excluded_n; i++)
        due = sooner(due, t->excluded[i].until_ms);
    return due;
}

static int64_t tier_due_ms(const struct router *r, const struct task *t) {
    int64_t due = routing_queue_next_tier_ms(t->queue, t, r->now_ms);
    for (size_t i = 0; i < t->added_n; i++)
        due = sooner(due, routing_queue_next_tier_ms(t->added[i], t, r->now_ms));
    return due;
}

static int64_t waiting_due_ms(const struct router *r, const struct task *t) {
    size_t step;
    int64_t due = t->came_as ? r->now_ms : routing_step_next_ms(t, &step);
    switch (t->place) {
    case PLACE_HELD: /* also with no wait at all he is tried once */
        return sooner(due, routing_wish_until_ms(r, t) > r->now_ms ? routing_wish_until_ms(r, t)
                                                                   : r->now_ms + 1);
    case PLACE_NONE:
        return sooner(due, t->put_off_ms);
    case PLACE_POOL:
        return sooner(due, sooner(excluded_due_ms(r, t), tier_due_ms(r, t)));
    case PLACE_FRESH:
        break;
    }
    return due;
}

static int64_t held_due_ms(const struct router *r, const struct task *t, const struct agent *a) {
    int64_t until = t->until_ms ? t->until_ms : INT64_MAX;
    if (!a->known)
        return r->now_ms;
    if (t->state == ROUTING_ACCEPTED)
        return a->lost_ms == 0 ? until
                               : sooner(until, a->lost_ms + (t->is_call ? ROUTING_CALL_LOST_MS
                                                                        : a->lost_after_ms));
    if (a->presence != ROUTING_AVAILABLE && a->presence != ROUTING_DRAINING)
        return r->now_ms;
    return a->lost_ms ? sooner(until, a->lost_ms + ROUTING_OFFER_LOST_MS) : until;
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
            for (size_t i = 0; i < t->holds_n; i++)
                due = sooner(due, held_due_ms(r, t, t->holds[i].agent));
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

void routing_task_arm_sooner(struct router *r, struct task *t) {
    int64_t was = t->timer.place ? t->timer.due_ms : INT64_MAX;
    routing_task_arm(r, t);
    if (!t->timer.place || was < t->timer.due_ms)
        routing_timer_arm(&r->timers, &t->timer, was);
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

static void take_added(struct router *r, struct task *t, const struct routing_task *news) {
    t->added_n = 0;
    for (size_t i = 0; i < news->added_n && t->added_n < ROUTING_ADDED_MAX; i++) {
        struct queue *q = routing_queue_get(r, news->added[i]);
        bool twice = q == t->queue;
        for (size_t k = 0; k < t->added_n; k++)
            twice = twice || t->added[k] == q;
        if (!twice)
            t->added[t->added_n++] = q;
    }
    free(t->more);
    t->more = t->added_n ? mem_new(t->added_n * sizeof *t->more) : NULL;
}

static void hold(struct task *t, struct agent *a) {
    if (!routing_task_is_held_by(t, a))
        t->holds[t->holds_n++] = (struct hold){.agent = a, .task = t};
}

static void take_holds(struct router *r, struct task *t, const struct routing_task *news) {
    size_t more = news->state == ROUTING_OFFERED ? news->more_n : 0;
    free(t->holds);
    t->holds = has_agent(news->state) ? mem_new((1 + more) * sizeof *t->holds) : NULL;
    t->holds_n = 0;
    if (!t->holds)
        return;
    hold(t, routing_agent_get(r, news->agent));
    for (size_t i = 0; i < more; i++)
        hold(t, routing_agent_get(r, news->more[i]));
}

static void take_wish(struct router *r, struct task *t, const struct routing_task *news) {
    t->wish_kind = news->wish_agent.n ? news->wish : ROUTING_WISH_NONE;
    t->wish = t->wish_kind != ROUTING_WISH_NONE ? routing_agent_get(r, news->wish_agent) : NULL;
    t->deputy = news->deputy.n ? routing_agent_get(r, news->deputy) : NULL;
    t->wish_deputy = false;
    t->wish_seen_ms = news->wish_seen_ms;
    t->wish_from_ms = news->wish_from_ms;
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
    t->entered_ms = news->entered_ms ? news->entered_ms : news->created_ms;
    t->steps = news->steps;
    t->due_ms = news->due_ms;
    t->due_from_ms = news->due_from_ms;
    t->offer = news->offer;
    t->until_ms = news->until_ms;
    t->supposed = t->ask_again = t->all_refused = false;
    take_needs(t, news);
    take_excluded(r, t, news);
    take_added(r, t, news);
    take_holds(r, t, news);
    take_wish(r, t, news);
}

/* Who had it offered and has it no longer, or has accepted it. */
struct before {
    enum routing_state state;
    struct queue *queue;
    size_t n;
    struct agent *had[ROUTING_OFFERS_MAX + 1];
};

static struct before before_of(const struct task *t) {
    struct before b = {.state = t->state, .queue = t->queue};
    for (; b.n < t->holds_n && b.n < COUNT(b.had); b.n++)
        b.had[b.n] = t->holds[b.n].agent;
    return b;
}

/* Whoever accepts or refuses has answered: what he let pass before no longer counts. Who loses an
 * offer to another has neither, and keeps his rank. */
static void note_answers(struct router *r, struct task *t, const struct before *b) {
    if (b->state != ROUTING_OFFERED)
        return;
    if (t->state == ROUTING_ACCEPTED) {
        t->holds[0].agent->missed = 0;
        return;
    }
    if (t->state != ROUTING_WAITING && t->state != ROUTING_OFFERED)
        return;
    for (size_t i = 0; i < b->n; i++) {
        if (routing_task_is_held_by(t, b->had[i]))
            continue;
        if (!t->pending)
            b->had[i]->missed = 0;
        if (b->queue->rule.penalise_reject && (!t->pending || t->missed_n))
            routing_agent_idle_now(r, b->had[i]);
    }
}

/* The same agent works on it as before: he is not idle from these news on. */
static bool goes_on(const struct task *t, const struct routing_task *news) {
    return t->state == ROUTING_ACCEPTED && news->state == ROUTING_ACCEPTED &&
           str_eq(news->agent, str_c(t->holds[0].agent->id));
}

static struct task *task_new(struct router *r, struct str id) {
    struct task *t = NEW(struct task);
    t->id = mem_dup(id.p, id.n);
    map_put(&r->tasks, str_make(t->id, id.n), t);
    list_push(&r->all, &t->of_router);
    return t;
}

void router_task(struct router *r, const struct routing_task *news, int64_t now_ms) {
    r->now_ms = now_ms;
    if (news->state == ROUTING_GONE) {
        router_task_gone(r, news->id, now_ms);
        return;
    }
    struct task *t = map_get(&r->tasks, news->id);
    struct before b = {.state = ROUTING_GONE};
    if (t && news->rev <= t->rev)
        return;
    if (!t) {
        t = task_new(r, news->id);
    } else {
        b = before_of(t);
        leave(r, t, !goes_on(t, news));
    }
    take_news(r, t, news);
    note_answers(r, t, &b);
    if (t->state == ROUTING_WAITING && b.state != ROUTING_WAITING)
        t->waits_since_ms = now_ms;
    routing_task_enter(r, t);
    if (t->state == ROUTING_WAITING && t->queue != b.queue && t->entered_ms > r->began_ms &&
        !t->pending && !t->steps && routing_step_counts(t->queue)) {
        t->came_as = t->queue->waiting;
        routing_task_arm(r, t);
    }
}

void router_task_gone(struct router *r, struct str id, int64_t now_ms) {
    r->now_ms = now_ms;
    struct task *t = map_take(&r->tasks, id);
    if (!t)
        return;
    routing_task_leave(r, t);
    routing_task_free(t);
}

/* ---- our own decisions ---- */

void routing_task_missed(struct task *t) {
    free(t->missed);
    t->missed = mem_new((t->holds_n + 1) * sizeof *t->missed);
    t->missed_n = t->holds_n;
    for (size_t i = 0; i < t->holds_n; i++)
        t->missed[i] = t->holds[i].agent;
}

static void note_missed(struct router *r, const struct task *t) {
    int64_t limit = t->queue->rule.missed_limit;
    for (size_t i = 0; i < t->missed_n; i++) {
        struct agent *a = t->missed[i];
        if (++a->missed >= limit && limit > 0 && routing_agent_here(a) && link_alone(&a->resting))
            list_push(&r->resting, &a->resting);
    }
}

void routing_task_suppose(struct router *r, struct task *t, const struct picks *to,
                          int64_t until_ms) {
    routing_task_leave(r, t);
    t->state = ROUTING_OFFERED;
    free(t->holds);
    free(t->offered);
    t->holds = mem_new(to->n * sizeof *t->holds);
    t->offered = mem_new(to->n * sizeof *t->offered);
    t->holds_n = 0;
    for (size_t i = 0; i < to->n; i++) {
        struct agent *a = to->items[i].agent;
        t->offered[i] =
            (struct routing_offered){str_c(a->id), a->units_max, a->channel_max[t->channel]};
        hold(t, a);
    }
    t->offer++;
    t->until_ms = until_ms;
    t->pending = t->supposed = true;
    routing_task_enter(r, t);
}

static void unsuppose(struct router *r, struct task *t) {
    routing_task_leave(r, t);
    t->state = ROUTING_WAITING;
    t->holds_n = 0;
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
    if (answer == ROUTING_DONE)
        note_missed(r, t);
    t->missed_n = 0;
    if (t->supposed)
        unsuppose(r, t);
    else if (t->state == ROUTING_WAITING && t->place == PLACE_NONE && t->put_off_ms == 0)
        routing_task_refresh(r, t);
    routing_task_arm(r, t);
}
