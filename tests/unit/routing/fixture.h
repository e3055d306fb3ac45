/* unit/routing/fixture.h - a router with two queues and two agents, and what is told of it and by
 * it.
 *
 * anna knows German at level 5, ben does not; both serve support and callbacks and are offline
 * until a test says otherwise. What is decided is carried out by offered() and comes_back(), as the
 * store would.
 */
#ifndef UNIT_ROUTING_FIXTURE_H
#define UNIT_ROUTING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>

#include "routing/router.h"

#define DAY_MS 86400000
static const int64_t T0 = 1800000000000;

struct fixture {
    struct router *r;
    struct routing_decision d[64];
    size_t n;
    int64_t rev;
};

static inline struct routing_queue queue_of(const char *id) {
    return (struct routing_queue){.id = str_c(id),
                                  .offer_ms = 120000,
                                  .call_offer_ms = 30000,
                                  .missed_limit = 3,
                                  .missed_holdoff_ms = 120000,
                                  .ageing_every_ms = 600000,
                                  .ageing_by = 1,
                                  .ageing_cap = 8,
                                  .sticky_window_ms = 7 * (int64_t)DAY_MS,
                                  .sticky_wait_ms = 600000};
}

static inline void agent(struct fixture *x, const char *id, int64_t units, int64_t de,
                         int64_t now) {
    static const struct routing_membership both[] = {{STR("support"), 1, 1},
                                                     {STR("callbacks"), 1, 1}};
    const struct tl_named_int skills[] = {{STR("de"), de}};
    const struct routing_agent a = {.id = str_c(id),
                                    .queues = both,
                                    .queues_n = 2,
                                    .skills = {skills, 1},
                                    .units = units,
                                    .lost_after_ms = 1800000};
    router_set_agent(x->r, &a, now);
}

/* A member of support alone, and of callbacks too where its tier is not 0. */
static inline void member(struct fixture *x, const char *id, struct routing_membership support,
                          int64_t callbacks_tier, int64_t now) {
    const struct routing_membership in[] = {support, {STR("callbacks"), callbacks_tier, 1}};
    const struct routing_agent a = {.id = str_c(id),
                                    .queues = in,
                                    .queues_n = callbacks_tier ? 2 : 1,
                                    .units = 10,
                                    .lost_after_ms = 1800000};
    router_set_agent(x->r, &a, now);
}

static inline void presence(struct fixture *x, const char *id, enum routing_presence p,
                            int64_t now) {
    router_presence(
        x->r, &(struct routing_presence_news){.agent = str_c(id), .presence = p, .since_ms = now},
        now);
}

static inline struct routing_task task_of(struct fixture *x, const char *id, int64_t created) {
    return (struct routing_task){.id = str_c(id),
                                 .queue = str_c("support"),
                                 .channel = str_c("email"),
                                 .rev = ++x->rev,
                                 .weight = 1,
                                 .priority = 5,
                                 .created_ms = created,
                                 .wish_from_ms = created};
}

static inline void decide(struct fixture *x, int64_t now) {
    x->n = router_decide(x->r, now, x->d, COUNT(x->d));
    assert_true(x->n < COUNT(x->d));
}

/* The only decision is this offer; it is carried out. */
static inline void offered(struct fixture *x, struct routing_task *t, const char *to,
                           const char *reason, int64_t now) {
    decide(x, now);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_OFFER);
    assert_true(str_eq(x->d[0].task, t->id));
    assert_string_equal(x->d[0].agent.p, to);
    assert_string_equal(x->d[0].reason, reason);
    t->state = ROUTING_OFFERED;
    t->agent = str_c(to);
    t->rev = ++x->rev;
    t->offer++;
    t->until_ms = x->d[0].expires_ms;
    router_task(x->r, t, now);
    router_answer(x->r, t->id, ROUTING_DONE, now);
}

static inline void nothing(struct fixture *x, int64_t now) {
    decide(x, now);
    if (x->n)
        fail_msg("decided: %s", x->d[0].reason);
    assert_true(router_next_ms(x->r) > now);
}

static inline void becomes(struct fixture *x, struct routing_task *t, enum routing_state s,
                           int64_t now) {
    t->state = s;
    t->rev = ++x->rev;
    router_task(x->r, t, now);
}

/* As offered(), and the task is done the same instant. */
static inline void served(struct fixture *x, const char *id, const char *queue, const char *to,
                          int64_t now) {
    struct routing_task t = task_of(x, id, now);
    t.queue = str_c(queue);
    router_task(x->r, &t, now);
    decide(x, now);
    assert_int_equal(x->n, 1);
    assert_int_equal(x->d[0].what, ROUTING_OFFER);
    assert_string_equal(x->d[0].agent.p, to);
    router_answer(x->r, t.id, ROUTING_DONE, now);
    router_task_gone(x->r, t.id, now);
}

static inline void comes_back(struct fixture *x, struct routing_task *t, const char *reason,
                              int64_t now) {
    decide(x, now);
    assert_true(x->n >= 1);
    assert_int_equal(x->d[0].what, ROUTING_RETURN);
    assert_string_equal(x->d[0].reason, reason);
    struct routing_excluded out = {t->agent, x->d[0].exclude_until_ms};
    t->excluded = &out;
    t->excluded_n = out.until_ms ? 1 : 0;
    t->agent = STR_NONE;
    becomes(x, t, ROUTING_WAITING, now);
    router_answer(x->r, t->id, ROUTING_DONE, now);
    t->excluded_n = 0;
}

static inline int setup(void **state) {
    struct fixture *x = NEW(struct fixture);
    x->r = router_new();
    struct routing_queue support = queue_of("support"), callbacks = queue_of("callbacks");
    router_set_queue(x->r, &support, T0);
    router_set_queue(x->r, &callbacks, T0);
    agent(x, "anna", 10, 5, T0);
    agent(x, "ben", 10, 0, T0);
    *state = x;
    return 0;
}

static inline int teardown(void **state) {
    struct fixture *x = *state;
    router_free(x->r);
    free(x);
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
