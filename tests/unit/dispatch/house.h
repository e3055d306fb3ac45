/* unit/dispatch/house.h - a real server, a real spool, and one or two daemons' dispatch beside
 * them. */
#ifndef TESTS_UNIT_DISPATCH_HOUSE_H
#define TESTS_UNIT_DISPATCH_HOUSE_H

#include "../store/server.h"

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>

#include "base/thread.h"
#include "config/people.h"
#include "dispatch/dispatch.h"
#include "dispatch/dispatch_priv.h"
#include "spool/spool.h"
#include "store/route.h"
#include "store/task.h"

static const struct str house_queues[] = {STR("support"), STR("callbacks")};
static const struct tl_named_int house_capacity[] = {{STR("units"), 10}, {STR("email"), 5}};
static const struct tl_named_int house_skills[] = {{STR("de"), 5}};
static const struct membership_config house_memberships[] = {{STR("support"), 1, 1},
                                                             {STR("callbacks"), 1, 1}};
static const struct agent_config house_agents[] = {
    {.id = STR("anna"),
     .name = STR("Anna"),
     .memberships = {house_memberships, 2},
     .queues = {house_queues, 2},
     .skills = {house_skills, 1},
     .capacity = {house_capacity, 2},
     .lost_after_ms = 1800000,
     .takes_tasks = true},
    {.id = STR("ben"),
     .name = STR("Ben"),
     .memberships = {house_memberships, 2},
     .queues = {house_queues, 2},
     .capacity = {house_capacity, 1},
     .lost_after_ms = 1800000,
     .takes_tasks = true},
    {.id = STR("clara"),
     .name = STR("Clara"),
     .role = 1,
     .memberships = {house_memberships, 1},
     .queues = {house_queues, 1},
     .lost_after_ms = 1800000},
};
static struct queue_config house_queue_configs[] = {
    {.id = STR("support"),
     .name = STR("Support"),
     .ageing = {600000, 1, 8},
     .offer = {.timeout_ms = 120000,
               .missed_limit = 3,
               .missed_holdoff_ms = 120000,
               .reject_holdoff_ms = 600000},
     .wrapup = {0, -1}},
    {.id = STR("callbacks"),
     .name = STR("Callbacks"),
     .ageing = {600000, 1, 8},
     .offer = {.timeout_ms = 300,
               .missed_limit = 3,
               .missed_holdoff_ms = 120000,
               .reject_holdoff_ms = 600000},
     .wrapup = {200, -1}},
};
static const struct tl_named_int house_unit_weights[] = {{STR("default"), 1}};
static const struct tl_items house_agents_list = {house_agents, 3},
                             house_queues_list = {house_queue_configs, 2};
static const struct tl_ints house_units = {house_unit_weights, 1};
static const struct roster_config house_config = {
    .agents = &house_agents_list, .queues = &house_queues_list, .units = &house_units};

static struct server server;
static struct bench bench;
static struct bench *b = &bench;
static struct spool *spool;
static struct dispatch *d;

static inline void house_dispatch(struct dispatch **out) {
    struct fault f = {0};
    if (!dispatch_open(b->loop, b->store, spool, &house_config, out, &f))
        fail_msg("dispatch_open: %s", f.reason);
    dispatch_run(*out, true);
}

static inline int house_setup(void **state) {
    (void)state;
    struct fault f = {0};
    struct spool_config config = {1 << 30, 86400000, 86400000};
    char dir[80];
    thread_set(THREAD_LOOP);
    server_new(&server);
    server_start(&server, durable_options);
    bench_open(b, &server);
    if (!run_until_state(b, STORE_UP, 5000))
        return -1;
    snprintf(dir, sizeof dir, "%s/spool", server.dir);
    if (!spool_open(b->loop, str_c(dir), &config, &spool, &f))
        fail_msg("spool_open: %s %s", f.place, f.reason);
    return 0;
}

static inline int house_teardown(void **state) {
    (void)state;
    spool_close(spool);
    bench_close(b);
    server_free(&server);
    return 0;
}

/* An empty store and a dispatch that routes. */
static inline int empty_setup(void **state) {
    (void)state;
    ask(b, "FLUSHALL");
    house_dispatch(&d);
    for (int i = 0; i < 1000 && d->phase != PHASE_ROUTING; i++)
        run_for(b, 5);
    return d->phase == PHASE_ROUTING ? 0 : -1;
}

static inline int empty_teardown(void **state) {
    (void)state;
    dispatch_close(d);
    d = NULL;
    run_for(b, 20);
    return 0;
}

/* ---- one answer, awaited ---- */
struct told {
    bool done, repeated;
    enum answer_kind kind;
    char code[32], pointer[64], detail[200], json[65536];
    json_t *j;
};

static inline void on_told(void *arg, const struct answer *a) {
    struct told *t = arg;
    assert_false(t->done);
    t->done = true;
    t->kind = a->kind;
    t->repeated = a->repeated;
    snprintf(t->code, sizeof t->code, "%s", a->code ? a->code : "");
    snprintf(t->pointer, sizeof t->pointer, "%s", a->pointer ? a->pointer : "");
    snprintf(t->detail, sizeof t->detail, "%s", a->detail ? a->detail : "");
    snprintf(t->json, sizeof t->json, "%.*s", STR_ARG(a->json));
    json_decref(t->j);
    t->j = NULL;
    struct fault f = {0};
    if (a->json.n && !jread_parse(a->json, a->json.n, &t->j, &f))
        fail_msg("no JSON: %s", t->json);
}

static inline void told_wait(struct told *t) {
    assert_false(t->done); /* never from inside the call */
    assert_true(run_until(b->loop, &t->done, 5000));
}

static struct told told;

static inline void told_new(void) {
    json_decref(told.j);
    told = (struct told){0};
}

static inline void presence(const char *agent, const char *state) {
    told_new();
    dispatch_presence(d, str_c(agent), str_c(state), STR_NONE, on_told, &told);
    told_wait(&told);
    assert_int_equal(told.kind, ANSWER_OK);
}

static inline void move_by(const char *who, int role, const char *task, const char *name,
                           const char *body) {
    told_new();
    dispatch_move(d, (struct dispatch_actor){str_c(who), role}, str_c(task), name, str_c(body),
                  on_told, &told);
    told_wait(&told);
}

static inline void move(const char *who, const char *task, const char *name, const char *body) {
    move_by(who, ROLE_AGENT, task, name, body);
}

static inline void want(const char *task, const char *queue) {
    struct task_wanted w = {.task = str_c(task),
                            .conversation = str_c(task + 1),
                            .contact = str_c("c_jana"),
                            .touchpoint = str_c(task + 2),
                            .queue = str_c(queue),
                            .channel = str_c("email"),
                            .subject = str_c("Order 1234"),
                            .priority = 5,
                            .at_ms = clock_wall_ms()};
    told_new();
    store_task_want(b->store, &w, on_told, &told);
    told_wait(&told);
    assert_int_equal(told.kind, ANSWER_OK);
}

static inline void look(const char *task) {
    told_new();
    store_task_get(b->store, str_c(task), on_told, &told);
    told_wait(&told);
    assert_int_equal(told.kind, ANSWER_OK);
}

static inline const char *text(const json_t *j, const char *key) {
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "null";
}

/* Looks until the task is in this state; false after 10 s. */
static inline bool becomes(const char *task, const char *state) {
    int64_t until = clock_mono_ms() + 10000;
    do {
        look(task);
        if (!strcmp(text(told.j, "state"), state))
            return true;
        run_for(b, 10);
    } while (clock_mono_ms() < until);
    return false;
}

static inline const char *last_reason(void) {
    const json_t *h = json_object_get(told.j, "history");
    return text(json_array_get(h, json_array_size(h) - 1), "reason");
}

#endif
