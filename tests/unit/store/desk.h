/* unit/store/desk.h - the slot {r} of a real server, asked one thing at a time. Included after
 * server.h. */
#ifndef TESTS_UNIT_STORE_DESK_H
#define TESTS_UNIT_STORE_DESK_H

#include <touchline/kit/jread.h>

#include "store/route.h"
#include "store/task.h"

#define RULES "support 0 -1 600000\ncallbacks 0 30000 600000\nwrapping 20000 -1 1000\n"

struct got {
    bool done, repeated;
    enum answer_kind kind;
    char code[32], detail[96], held_by[32];
    json_t *json, *own;
    int64_t rev;
    enum route_code route;
};

static struct got got; /* the last answer; what it held is freed with the next */

static inline void got_new(void) {
    json_decref(got.json);
    json_decref(got.own);
    got = (struct got){0};
}

static inline json_t *got_parse(struct str s) {
    json_t *j = NULL;
    struct fault f = {0};
    if (s.n && !jread_parse(s, s.n, &j, &f))
        fail_msg("no JSON (%s %s): %.*s", f.place, f.reason, STR_ARG(s));
    return j;
}

static inline void got_wait(struct bench *b) {
    assert_false(got.done); /* never from inside the call */
    assert_true(run_until(b->loop, &got.done, 5000));
}

static inline void on_answer(void *arg, const struct answer *a) {
    (void)arg;
    got.done = true;
    got.kind = a->kind;
    got.repeated = a->repeated;
    got.rev = a->rev;
    got.json = got_parse(a->json);
    snprintf(got.code, sizeof got.code, "%s", a->code ? a->code : "");
}

static inline void on_moved(void *arg, const struct task_moved *m) {
    (void)arg;
    got.done = true;
    got.kind = m->kind;
    got.repeated = m->repeated;
    got.rev = m->rev;
    got.json = got_parse(m->json);
    got.own = got_parse(m->own);
    snprintf(got.code, sizeof got.code, "%s", m->code ? m->code : "");
    snprintf(got.detail, sizeof got.detail, "%s", m->detail ? m->detail : "");
    snprintf(got.held_by, sizeof got.held_by, "%.*s", STR_ARG(m->held_by));
}

static inline void on_route(void *arg, const struct route_result *r) {
    (void)arg;
    got.done = true;
    got.route = r->code;
    got.json = got_parse(r->json);
    got.own = got_parse(r->own);
}

/* ---- asking ---- */

static inline struct task_wanted wanted(const char *task, const char *touchpoint,
                                        const char *conversation) {
    return (struct task_wanted){.task = str_c(task),
                                .conversation = str_c(conversation),
                                .contact = str_c("c_jana"),
                                .touchpoint = str_c(touchpoint),
                                .queue = str_c("support"),
                                .channel = str_c("email"),
                                .subject = str_c("Order 1234 / \"quoted\""),
                                .priority = 5,
                                .skills = str_c("[{\"name\":\"de\",\"min\":3}]"),
                                .tags = str_c("[]"),
                                .at_ms = 1700000000123};
}

static inline void want(struct bench *b, const struct task_wanted *w) {
    got_new();
    store_task_want(b->store, w, on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
}

static inline void get(struct bench *b, const char *id) {
    got_new();
    store_task_get(b->store, str_c(id), on_answer, NULL);
    got_wait(b);
}

static inline const char *state_now(struct bench *b, const char *id) {
    get(b, id);
    return got.kind == ANSWER_OK ? json_string_value(json_object_get(got.json, "state")) : "none";
}

static inline struct task_move moving(const char *task, const char *move, const char *actor) {
    static const struct str queues[] = {STR("support"), STR("callbacks"), STR("wrapping")};
    return (struct task_move){.task = str_c(task),
                              .actor = str_c(actor),
                              .move = move,
                              .queues = {queues, 3},
                              .rules = str_c(RULES),
                              .now_ms = 1700000100000};
}

static inline void do_move(struct bench *b, const struct task_move *m) {
    got_new();
    store_task_move(b->store, m, on_moved, NULL);
    got_wait(b);
}

static inline void move(struct bench *b, const char *task, const char *name, const char *actor,
                        int64_t offer) {
    struct task_move m = moving(task, name, actor);
    m.offer = offer;
    do_move(b, &m);
}

static inline void presence(struct bench *b, const char *agent, const char *state) {
    got_new();
    store_presence_put(b->store, 1700000000000, str_c(agent), str_c(state), STR_NONE, on_answer,
                       NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
}

static inline int64_t lease(struct bench *b, const char *holder, int64_t ms) {
    got_new();
    store_route_lease(b->store, str_c(holder), ms, on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    return json_is_true(json_object_get(got.json, "held")) ? jget_int(got.json, "fence", 0) : 0;
}

static struct route_offered offer_to[4]; /* whom offering() names, and whom a test adds */

static inline struct route_offer offering(const char *task, int64_t rev, const char *agent) {
    offer_to[0] = (struct route_offered){str_c(agent), 10, INT64_MAX};
    return (struct route_offer){.task = str_c(task),
                                .reason = str_c("longest idle of 2 able"),
                                .rev = rev,
                                .expires_ms = 1700000120000,
                                .weight = 1,
                                .to = offer_to,
                                .to_n = 1};
}

static inline enum route_code offer(struct bench *b, int64_t fence, const char *task, int64_t rev,
                                    const char *agent) {
    struct route_offer o = offering(task, rev, agent);
    got_new();
    store_route_offer(b->store, fence, 1700000000500, &o, on_route, NULL);
    got_wait(b);
    return got.route;
}

/* ---- a server for the whole group ---- */

static struct server server;
static struct bench bench;
static struct bench *b = &bench;
static int64_t fence;

static inline int group_setup(void **state) {
    (void)state;
    server_new(&server);
    server_start(&server, durable_options);
    bench_open(b, &server);
    return run_until_state(b, STORE_UP, 5000) ? 0 : -1;
}

static inline int group_teardown(void **state) {
    (void)state;
    got_new();
    bench_close(b);
    server_free(&server);
    return 0;
}

/* An empty server with anna and ben available, and a lease. */
static inline int setup(void **state) {
    (void)state;
    ask(b, "FLUSHALL");
    presence(b, "anna", "available");
    presence(b, "ben", "available");
    fence = lease(b, "router-1", 60000);
    return fence == 1 ? 0 : -1;
}

static inline const char *text(const json_t *j, const char *key) {
    const char *s = json_string_value(json_object_get(j, key));
    return s ? s : "null";
}

/* Entry i of the history, from the end for negative ones. */
static inline const json_t *history(int i) {
    const json_t *h = json_object_get(got.json, "history");
    return json_array_get(h, i < 0 ? json_array_size(h) + (size_t)(ptrdiff_t)i : (size_t)i);
}

static inline void offered_to(const char *task, const char *agent) {
    struct task_wanted w = wanted(task, task + 2, task + 1);
    want(b, &w);
    assert_int_equal(offer(b, fence, task, 1, agent), ROUTE_DONE);
}

static inline void accepted_by(const char *task, const char *agent) {
    offered_to(task, agent);
    move(b, task, "accept", agent, 1);
    assert_int_equal(got.kind, ANSWER_OK);
}

#endif
