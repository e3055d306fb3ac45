/* api/records.c - what became of a record: receipts, and the quarantine for an operator. */
#include "api/api_priv.h"
#include "spool/spool.h"

static void answer_json(void *arg, struct str json) {
    struct call *c = arg;
    if (json.p)
        call_reply(c, c->ok_status, json);
    else
        call_problem(c, 404, "not-found", NULL, "there is no such record at this daemon");
}

static void receipts_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    spool_ask_receipt(a->parts.spool, http_param(r, "id"), answer_json, call_new(a, r, 200));
}

/* By any name a touchpoint goes by: our id, a Message-ID, a provider's id, a call id. */
static void receipts_find(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct str ref = http_query(r, "ref");
    if (!ref.n)
        http_problem_parameter(r, 400, "parameter", "ref",
                               "a touchpoint's id, Message-ID or call id");
    else
        spool_ask_alias(a->parts.spool, ref, answer_json, call_new(a, r, 200));
}

static void quarantine_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    size_t limit;
    struct str cursor;
    if (call_page(c, &limit, &cursor))
        spool_ask_quarantine(a->parts.spool, limit, cursor, answer_json, c);
}

static void quarantine_retry(struct call *c) {
    spool_quarantine_retry(c->api->parts.spool, http_param(c->r, "id"), answer_json, c);
}
SERVE_ONCE(quarantine_retry)

static void quarantine_drop(struct call *c) {
    spool_quarantine_drop(c->api->parts.spool, http_param(c->r, "id"), answer_json, c);
}
SERVE_ONCE(quarantine_drop)

const struct http_route record_routes[] = {
    {"GET", "/v1/receipts", ALLOW_STAFF, 0, receipts_find, "receipts by any id"},
    {"GET", "/v1/receipts/{id}", ALLOW_STAFF | ALLOW_ADAPTER, 0, receipts_get, "what became of it"},
    {"GET", "/v1/quarantine", ALLOW_OPERATOR, 0, quarantine_list,
     "what could not be read or applied"},
    {"POST", "/v1/quarantine/{id}/retry", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, quarantine_retry_once,
     "try again"},
    {"POST", "/v1/quarantine/{id}/drop", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, quarantine_drop_once,
     "forget it"},
};
const size_t record_routes_n = COUNT(record_routes);
