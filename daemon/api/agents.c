/* api/agents.c - the agent's own view, his stream, and the supervisors' lists. */
#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "delivery/delivery.h"
#include "store/desk.h"

static void me_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    dispatch_agent(a->parts.dispatch, http_who(r)->name, call_answer, call_new(a, r, 200));
}

static bool presence_known(struct str state) {
    return str_is(state, "available") || str_is(state, "away") || str_is(state, "draining") ||
           str_is(state, "offline");
}

static void me_presence(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    struct str state, reason;
    struct fault f = {0};
    if (!call_json(c, false, &j))
        return;
    if (!jread_str(j, "state", "", &state, &f) || !jread_str(j, "reason", "", &reason, &f))
        call_fault(c, &f);
    else if (!presence_known(state))
        call_problem(c, 422, "invalid", "/state", "one of available, away, draining, offline");
    else if (reason.n > 200)
        call_problem(c, 422, "invalid", "/reason", "at most 200 bytes");
    else
        dispatch_presence(a->parts.dispatch, http_who(r)->name, state, reason, call_answer, c);
}

static void me_statistics(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    store_statistics(a->parts.store, clock_wall_ms(), http_who(r)->name, call_answer,
                     call_new(a, r, 200));
}

static void me_events(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    delivery_stream(a->parts.delivery, r, http_who(r)->name, http_query(r, "contact"));
}

static void agents_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    dispatch_agents(a->parts.dispatch, call_queues(c), call_answer, c);
}

static void queues_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    dispatch_queues(a->parts.dispatch, call_queues(c), call_answer, c);
}

static void queue_figures(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    if (call_agent(c) && !call_queues(c).n) /* of no queue is not the same as of all */
        call_problem(c, 404, "not-found", NULL, "this supervisor has no queues");
    else
        dispatch_queue_hours(a->parts.dispatch, http_param(r, "id"), call_queues(c), call_answer,
                             c);
}

enum {
    ALLOW_AGENTS = ALLOW_AGENT | ALLOW_SUPERVISOR,
    ALLOW_LEADERS = ALLOW_SUPERVISOR | ALLOW_OPERATOR
};

const struct http_route agent_routes[] = {
    {"GET", "/v1/me", ALLOW_AGENTS, 0, me_get, "the agent himself"},
    {"PUT", "/v1/me/presence", ALLOW_AGENTS, 0, me_presence,
     "available, away, draining or offline"},
    {"GET", "/v1/me/statistics", ALLOW_AGENTS, 0, me_statistics, "his figures of the day"},
    {"GET", "/v1/me/events", ALLOW_AGENTS, 0, me_events,
     "offers, tasks and timelines as they happen"},
    {"GET", "/v1/agents", ALLOW_LEADERS, 0, agents_list, "who is doing what"},
    {"GET", "/v1/queues", ALLOW_LEADERS, 0, queues_list, "what waits"},
    {"GET", "/v1/queues/{id}/figures", ALLOW_LEADERS, 0, queue_figures, "its day by hour"},
};
const size_t agent_routes_n = COUNT(agent_routes);
