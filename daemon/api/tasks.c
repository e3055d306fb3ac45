/* api/tasks.c - tasks and their moves. */
#include <stdio.h>

#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "store/task.h"

static bool in_queues(struct tl_strs queues, struct str queue) {
    for (size_t i = 0; i < queues.n; i++)
        if (str_eq(queues.items[i], queue))
            return true;
    return queues.n == 0;
}

/* What one may not know of is not there: an agent sees tasks of his queues, and his own. */
static bool hidden(const struct call *c, const json_t *task) {
    return !str_eq(jget_str(task, "agent"), http_who(c->r)->name) &&
           !in_queues(call_queues(c), jget_str(task, "queue"));
}

static void task_seen(void *arg, const struct answer *a) {
    struct call *c = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind == ANSWER_OK && jread_parse(a->json, a->json.n, &j, NULL) && hidden(c, j))
        call_problem(c, 404, "not-found", NULL, "there is no such resource");
    else
        call_answer(c, a);
}

/* What is asked for, else the first that Accept-Language names and we speak; absent: as configured.
 */
static struct str language_of(struct http_request *r) {
    struct str asked = http_query(r, "language"), rest = http_header(r, "Accept-Language");
    while (!asked.p && rest.n) {
        struct str one = str_trim(str_cut(&rest, ','));
        struct str tag = str_upto(one, 2);
        bool whole = one.n == 2 || (one.n > 2 && (one.p[2] == '-' || one.p[2] == ';'));
        if (whole && (str_is_nocase(tag, "de") || str_is_nocase(tag, "en")))
            asked = str_is_nocase(tag, "de") ? str_c("de") : str_c("en");
    }
    return asked;
}

static void explain_seen(void *arg, const struct answer *a) {
    struct call *c = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind == ANSWER_OK && jread_parse(a->json, a->json.n, &j, NULL) && !hidden(c, j))
        dispatch_explain(c->api->parts.dispatch, a->json, language_of(c->r), call_answer, c);
    else
        task_seen(c, a);
}

static void tasks_explain(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct str language = http_query(r, "language");
    if (language.p && !str_is(language, "de") && !str_is(language, "en")) {
        http_problem_parameter(r, 400, "parameter", "language", "one of de, en");
        return;
    }
    store_task_get(a->parts.store, http_param(r, "id"), explain_seen, call_new(a, r, 200));
}

static void tasks_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    c->etag = true;
    store_task_get(a->parts.store, http_param(r, "id"), task_seen, c);
}

static const char *const task_states[] = {"waiting", "offered", "accepted", "wrapup",
                                          "done",    "snoozed", "canceled"};

static void tasks_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    struct task_query q = {.queue = http_query(r, "queue"),
                           .state = http_query(r, "state"),
                           .agent = http_query(r, "agent"),
                           .queues = call_queues(c)};
    bool known = !q.state.p;
    for (size_t i = 0; i < COUNT(task_states) && !known; i++)
        known = str_is(q.state, task_states[i]);
    if (!known) {
        http_problem_parameter(
            r, 400, "parameter", "state",
            "one of waiting, offered, accepted, wrapup, done, snoozed, canceled");
        return;
    }
    if (call_page(c, &q.limit, &q.cursor))
        store_task_list(a->parts.store, &q, call_answer, c);
}

static void tasks_create(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->ok_status = 201;
    c->etag = true;
    if (call_json(c, false, &j))
        dispatch_create(c->api->parts.dispatch, call_actor(c), http_body(c->r), call_answer, c);
}
SERVE_ONCE(tasks_create)

static void move(struct call *c, const char *name) {
    cleanup(json_freep) json_t *j = NULL;
    c->etag = true;
    if (!call_json(c, true, &j))
        return;
    struct str body = http_body(c->r);
    dispatch_move(c->api->parts.dispatch, call_actor(c), http_param(c->r, "id"), name,
                  body.n ? body : str_c("{}"), call_answer, c);
}

#define MOVE(name)                                                                                 \
    static void tasks_##name(struct call *c) {                                                     \
        move(c, #name);                                                                            \
    }                                                                                              \
    SERVE_ONCE(tasks_##name)
MOVE(accept)
MOVE(reject)
MOVE(complete)
MOVE(transfer)
MOVE(release)
MOVE(snooze)

const struct http_route task_routes[] = {
    {"GET", "/v1/tasks", ALLOW_STAFF, 0, tasks_list, "open tasks, and those done within a day"},
    {"POST", "/v1/tasks", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_create_once, "a task by hand"},
    {"GET", "/v1/tasks/{id}", ALLOW_STAFF, 0, tasks_get, "one task"},
    {"GET", "/v1/tasks/{id}/explain", ALLOW_STAFF, 0, tasks_explain, "why it is where it is"},
    {"POST", "/v1/tasks/{id}/accept", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_accept_once,
     "take an offer"},
    {"POST", "/v1/tasks/{id}/reject", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_reject_once,
     "refuse an offer"},
    {"POST", "/v1/tasks/{id}/complete", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_complete_once,
     "end the work"},
    {"POST", "/v1/tasks/{id}/transfer", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_transfer_once,
     "to a queue or an agent"},
    {"POST", "/v1/tasks/{id}/release", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_release_once,
     "back to its queue"},
    {"POST", "/v1/tasks/{id}/snooze", ALLOW_STAFF, ROUTE_IDEMPOTENT, tasks_snooze_once,
     "until a time"},
};
const size_t task_routes_n = COUNT(task_routes);
