/* api/supervise.c - what supervisors do: queues that rest, agents who are sent away, and what was
 * written down of it. */
#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "delivery/delivery.h"
#include "store/desk.h"

enum { REASON_MAX = 500, PRESENCE_REASON_MAX = 200 };

static void queues_patch(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    struct fault f = {0};
    struct str reason;
    bool paused;
    if (!call_patch(c, &j))
        return;
    if (!json_is_boolean(json_object_get(j, "paused")))
        call_problem(c, 422, "invalid", "/paused", "true or false is expected");
    else if (!jread_bool(j, "paused", "", false, &paused, &f) ||
             !jread_str(j, "reason", "", &reason, &f))
        call_fault(c, &f);
    else if (reason.n > REASON_MAX)
        call_problem(c, 422, "invalid", "/reason", "at most 500 bytes");
    else
        dispatch_pause(a->parts.dispatch, call_actor(c), http_param(r, "id"), paused, reason,
                       call_answer, c);
}

static void queues_events(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    if (call_agent(c) && !call_queues(c).n) /* of no queue is not the same as of all */
        call_problem(c, 404, "not-found", NULL, "this supervisor has no queues");
    else
        delivery_board(a->parts.delivery, r, call_queues(c));
}

static void agents_presence(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    struct fault f = {0};
    struct str state, reason;
    if (!call_json(c, false, &j))
        return;
    if (!jread_str(j, "state", "", &state, &f) || !jread_str(j, "reason", "", &reason, &f))
        call_fault(c, &f);
    else if (!str_is(state, "away") && !str_is(state, "offline"))
        call_problem(c, 422, "invalid", "/state", "one of away, offline");
    else if (!reason.n || reason.n > PRESENCE_REASON_MAX)
        call_problem(c, 422, "invalid", "/reason", "a reason of 1 to 200 bytes is expected");
    else
        dispatch_presence_force(a->parts.dispatch, call_actor(c), http_param(r, "id"), state,
                                reason, call_answer, c);
}

static void audit_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    struct audit_query q = {.queues = call_queues(c)};
    if (call_agent(c) && !q.queues.n) /* of no queue is not the same as of all */
        call_reply(c, 200, str_c("{\"items\":[],\"next\":null}"));
    else if (call_page(c, &q.limit, &q.cursor))
        store_audit(a->parts.store, &q, call_answer, c);
}

enum { ALLOW_LEADERS = ALLOW_SUPERVISOR | ALLOW_OPERATOR };

const struct http_route supervise_routes[] = {
    {"PATCH", "/v1/queues/{id}", ALLOW_LEADERS, 0, queues_patch, "pause it, or let it go on"},
    {"GET", "/v1/queues/events", ALLOW_LEADERS, 0, queues_events,
     "queues and agents as they change"},
    {"PUT", "/v1/agents/{id}/presence", ALLOW_LEADERS, 0, agents_presence,
     "send an agent away, with a reason"},
    {"GET", "/v1/audit", ALLOW_LEADERS, 0, audit_list, "what supervisors and operators did"},
};
const size_t supervise_routes_n = COUNT(supervise_routes);
