/* api/api_priv.h - what the files of this room share: one call under way and how it is answered. */
#ifndef API_API_PRIV_H
#define API_API_PRIV_H

#include <jansson.h>

#include <touchline/kit/fault.h>
#include <touchline/kit/list.h>

#include "api/api.h"
#include "config/people.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "store/answer.h"

enum { LIST_LIMIT_DEFAULT = 50, LIST_LIMIT_MAX = 500 };

struct idem_table;   /* api/idempotency.c */
struct login_limits; /* api/session.c */

struct api {
    struct api_parts parts;
    struct idem_table *idem;
    struct login_limits *logins;
    int64_t started_ms; /* monotonic */
    bool draining, store_seen;
};

/* One request on its way to an answer; lives in the request's arena. */
struct call {
    struct api *api;
    struct http_request *r;
    int ok_status;        /* of ANSWER_OK: 200, 201, 202 */
    bool etag;            /* the answer's rev goes out as ETag */
    struct idem_key *key; /* an Idempotency-Key to remember the answer by, or NULL */
};

struct call *call_new(struct api *a, struct http_request *r, int ok_status);
/* Every answer of this room goes through these, so that a repeated key gets the first one. Each
 * ends the call. */
void call_reply(struct call *c, int status, struct str json);
void call_problem(struct call *c, int status, const char *code, const char *pointer,
                  const char *detail);
void call_fault(struct call *c, const struct fault *f);
/* answer_fn: arg is the call. */
void call_answer(void *arg, const struct answer *a);

/* The request's JSON object, or answered with 400/415/422. Empty bodies give {} where
 * `may_be_empty`. */
bool call_json(struct call *c, bool may_be_empty, json_t **out) must_check;
/* A merge patch (RFC 7396): its own media type or plain JSON. */
bool call_patch(struct call *c, json_t **out) must_check;
/* What makes the id of an outbound message: the Idempotency-Key of this sender, else random. In the
 * request's arena. */
struct str call_nonce(struct call *c);
/* Hands an action to ingest_action: id, body (may be NULL), one more member (extra_key may be
 * NULL). Answers the call. */
void call_act(struct call *c, const char *op, struct str id, const char *extra_key,
              struct str extra, const json_t *body, int64_t if_rev);
/* limit and cursor of a list, or answered with 400. */
bool call_page(struct call *c, size_t *out_limit, struct str *out_cursor) must_check;
/* If-Match as a revision: -1 none; answered with 412 where it can match nothing. */
bool call_if_match(struct call *c, int64_t *out_rev) must_check;
struct dispatch_actor call_actor(const struct call *c);
/* The agent behind the request, or NULL (operators, adapters). */
const struct agent_config *call_agent(const struct call *c);
/* The queues that limit what he sees: of agents and supervisors; empty for operators. */
struct tl_strs call_queues(const struct call *c);

/* Runs serve once for an Idempotency-Key: the same again gets the first answer, another body 422,
 * one under way 409. */
typedef void call_serve_fn(struct call *c);
void idem_serve(struct api *a, struct http_request *r, call_serve_fn *serve);
void idem_remember(struct api *a, struct idem_key *take_key, int status, struct str body);
struct idem_table *idem_table_new(void);
void idem_table_free(struct idem_table *t);
struct login_limits *login_limits_new(void);
void login_limits_free(struct login_limits *l);
/* Whether somebody (an address, a name) has failed too often within a minute; counts a failure. */
bool login_limited(struct login_limits *l, struct str who);
void login_failed(struct login_limits *l, struct str who);

/* A route whose POST takes an Idempotency-Key: NAME_once serves NAME(struct call *). */
#define SERVE_ONCE(name)                                                                           \
    static void name##_once(void *ctx, struct http_request *r) {                                   \
        idem_serve(ctx, r, name);                                                                  \
    }

/* attention.c, answer_fns whose arg is the call: a conversation with who else looks at it; a reply
 * with a warning where somebody else writes too. */
void attention_show(void *call, const struct answer *conversation);
void attention_warn(void *call, const struct answer *reply);

/* answers.c: a reply by a canned answer: told the text, or answered with why not. */
typedef void answer_filled_fn(struct call *c, struct str text);
void answer_fill(struct call *c, struct str answer, struct str conversation,
                 answer_filled_fn *filled);

/* The tables, one a file. */
extern const struct http_route touchpoint_routes[], contact_routes[], conversation_routes[],
    task_routes[], agent_routes[], session_routes[], operation_routes[], record_routes[],
    source_routes[], supervise_routes[], attention_routes[], answer_routes[], history_routes[],
    offer_routes[];
extern const size_t touchpoint_routes_n, contact_routes_n, conversation_routes_n, task_routes_n,
    agent_routes_n, session_routes_n, operation_routes_n, record_routes_n, source_routes_n,
    supervise_routes_n, attention_routes_n, answer_routes_n, history_routes_n, offer_routes_n;

#endif
