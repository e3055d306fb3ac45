/* api/answers.c - canned answers: supervisors and operators write them, agents send them. */
#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "ingest/canned.h"
#include "store/canned.h"
#include "store/read.h"

enum { FILLED_MAX = 1 << 20 };

static void answers_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    size_t limit;
    struct str cursor;
    if (call_page(c, &limit, &cursor))
        store_canned_list(a->parts.store, limit, cursor, call_answer, c);
}

static void answers_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    c->etag = true;
    store_canned_get(a->parts.store, http_param(r, "id"), call_answer, c);
}

static void answers_create(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->ok_status = 201;
    c->etag = true;
    if (call_json(c, false, &j))
        call_act(c, "answer.create", STR_NONE, NULL, STR_NONE, j, -1);
}
SERVE_ONCE(answers_create)

static void answers_put(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    int64_t rev;
    c->etag = true;
    if (call_if_match(c, &rev) && call_json(c, false, &j))
        call_act(c, "answer.put", http_param(r, "id"), NULL, STR_NONE, j, rev);
}

static void answers_drop(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 204);
    int64_t rev;
    if (call_if_match(c, &rev))
        call_act(c, "answer.drop", http_param(r, "id"), NULL, STR_NONE, NULL, rev);
}

/* ---- filling ---- */

/* Answer, conversation, contact are read in turn; texts lie in the request's arena. */
struct filling {
    struct call *call;
    struct str text, conversation;
    struct canned_values values;
    answer_filled_fn *filled;
};

static void on_contact(void *arg, const struct answer *a) {
    struct filling *x = arg;
    cleanup(json_freep) json_t *j = NULL;
    cleanup(buf_clear) struct buf b;
    struct fault f = {0};
    buf_init(&b, FILLED_MAX);
    if (a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL)) {
        call_answer(x->call, a);
        return;
    }
    x->values.contact_name = jget_str(j, "name");
    if (canned_fill(x->text, &x->values, "/answer", &b, &f))
        x->filled(x->call, buf_str(&b));
    else
        call_fault(x->call, &f);
}

static void on_conversation(void *arg, const struct answer *a) {
    struct filling *x = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL)) {
        call_answer(x->call, a);
        return;
    }
    x->values.conversation_subject = arena_str(http_arena(x->call->r), jget_str(j, "subject"));
    store_get_contact(x->call->api->parts.store, jget_str(j, "contact"), on_contact, x);
}

static void on_canned(void *arg, const struct answer *a) {
    struct filling *x = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind == ANSWER_NOT_FOUND) {
        call_problem(x->call, 422, "invalid", "/answer", "there is no such answer");
    } else if (a->kind != ANSWER_OK || !jread_parse(a->json, a->json.n, &j, NULL)) {
        call_answer(x->call, a);
    } else {
        x->text = arena_str(http_arena(x->call->r), jget_str(j, "text"));
        store_get_conversation(x->call->api->parts.store, x->conversation, 1, STR_NONE,
                               on_conversation, x);
    }
}

void answer_fill(struct call *c, struct str answer, struct str conversation,
                 answer_filled_fn *filled) {
    struct filling *x = arena_new(http_arena(c->r), sizeof *x);
    const struct agent_config *agent = call_agent(c);
    *x = (struct filling){.call = c, .conversation = conversation, .filled = filled};
    x->values.agent_name = agent ? arena_str(http_arena(c->r), agent->name) : http_who(c->r)->name;
    store_canned_get(c->api->parts.store, answer, on_canned, x);
}

enum { ALLOW_LEADERS = ALLOW_SUPERVISOR | ALLOW_OPERATOR };

const struct http_route answer_routes[] = {
    {"GET", "/v1/answers", ALLOW_STAFF, 0, answers_list, "canned answers"},
    {"POST", "/v1/answers", ALLOW_LEADERS, ROUTE_IDEMPOTENT, answers_create_once,
     "a new canned answer"},
    {"GET", "/v1/answers/{id}", ALLOW_STAFF, 0, answers_get, "one canned answer"},
    {"PUT", "/v1/answers/{id}", ALLOW_LEADERS, 0, answers_put, "write it anew"},
    {"DELETE", "/v1/answers/{id}", ALLOW_LEADERS, 0, answers_drop, "delete it"},
};
const size_t answer_routes_n = COUNT(answer_routes);
