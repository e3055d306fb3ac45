/* api/touchpoints.c - pushing touchpoints in, and reading one again. */
#include <touchline/kit/jread.h>

#include "api/push.h"
#include "blob/blob.h"
#include "spool/spool.h"
#include "store/read.h"

enum { PUSH_BODY_MAX = 32 * 1024 * 1024, RAW_MAX = 64 * 1024 * 1024 };

static void pushed(void *arg, int status, struct str body, const char *code) {
    struct call *c = arg;
    (void)code;
    if (status < 300) {
        call_reply(c, status, body);
        return;
    }
    if (status == 503)
        http_add_header(c->r, "Retry-After", str_c("5"));
    http_reply(c->r, status, "application/problem+json", body);
}

static void push_event(struct call *c, bool structured) {
    struct cloud_event e = {0};
    struct fault f = {0};
    struct push_item item;
    int status = 422;
    cleanup(json_freep) json_t *j = NULL;
    if (structured && !jread_parse(http_body(c->r), PUSH_BODY_MAX, &j, &f)) {
        call_problem(c, 400, "not-json", NULL, f.reason);
        return;
    }
    bool ok = structured ? cloud_event_structured(j, &e, &status, &f)
                         : cloud_event_binary(c->r, &e, &status, &f);
    if (ok && cloud_event_item(&e, &item, &f))
        push_one(c, &item, pushed, c);
    else
        call_problem(c, status, status == 400 ? "cloudevent" : "invalid",
                     status == 422 ? f.place : NULL, f.reason);
    cloud_event_clear(&e);
}

static void push_json(struct call *c) {
    struct str body = http_body(c->r);
    struct fault f = {0};
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(body, PUSH_BODY_MAX, &j, &f)) {
        call_problem(c, 400, "not-json", NULL, f.reason);
        return;
    }
    if (json_is_array(j)) {
        push_batch(c, BATCH_JSON);
        return;
    }
    const struct push_item item = {
        .json = j, .raw = body, .source_id = http_header(c->r, "Idempotency-Key"), .at_ms = -1};
    push_one(c, &item, pushed, c);
}

static void touchpoints_push(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 201);
    struct str rest = http_header(r, "Content-Type");
    struct str type = str_trim(str_cut(&rest, ';'));
    if (str_is_nocase(type, "application/cloudevents+json"))
        push_event(c, true);
    else if (str_is_nocase(type, "application/cloudevents-batch+json"))
        push_batch(c, BATCH_EVENTS);
    else if (str_is_nocase(type, "application/x-ndjson"))
        push_batch(c, BATCH_LINES);
    else if (!str_is_nocase(type, "application/json"))
        call_problem(c, 415, "media-type", NULL,
                     "send application/json, application/x-ndjson, application/cloudevents+json or "
                     "application/cloudevents-batch+json");
    else if (http_header(r, "ce-specversion").p)
        push_event(c, false);
    else
        push_json(c);
}

static void touchpoints_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    store_get_touchpoint(a->parts.store, http_param(r, "id"), call_answer, call_new(a, r, 200));
}

/* ---- raw bytes and attachments ---- */

/* The spool still has what the blob store has not got yet. */
static void raw_from_spool(void *arg, struct record **records, size_t n, bool *keep) {
    struct call *c = arg;
    (void)keep;
    if (n == 0)
        call_problem(c, 404, "not-found", NULL, "there is no such touchpoint");
    else if (records[0]->body.n)
        http_reply(c->r, 200, "application/octet-stream", records[0]->body);
    else if (records[0]->kind == RECORD_TOUCHPOINT)
        http_reply(c->r, 200, "application/json", records[0]->head);
    else
        call_problem(c, 410, "not-kept", NULL, "the bytes as they came are no longer kept");
}

static void raw_found(void *arg, struct str bytes) {
    struct call *c = arg;
    if (bytes.p)
        http_reply(c->r, 200, "application/octet-stream", bytes);
    else
        spool_ask_record(c->api->parts.spool, http_param(c->r, "id"), raw_from_spool, c);
}

/* Only of a touchpoint that is (not erased), so that its bytes never outlive it. */
static void raw_known(void *arg, const struct answer *a) {
    struct call *c = arg;
    if (a->kind != ANSWER_OK)
        call_answer(c, a);
    else
        blob_get(c->api->parts.blobs, http_param(c->r, "id"), str_c("raw"), RAW_MAX, raw_found, c);
}

static void touchpoints_raw(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    http_add_header(r, "Content-Disposition", str_c("attachment"));
    store_get_touchpoint(a->parts.store, http_param(r, "id"), raw_known, call_new(a, r, 200));
}

static void attachment_found(void *arg, struct str bytes) {
    struct call *c = arg;
    if (!bytes.p) {
        call_problem(c, 410, "not-kept", NULL, "the attachment is no longer kept");
        return;
    }
    http_add_header(c->r, "Content-Disposition", str_c("attachment"));
    http_add_header(c->r, "Content-Security-Policy", str_c("default-src 'none'; sandbox"));
    http_reply(c->r, 200, "application/octet-stream", bytes);
}

static void attachment_known(void *arg, const struct answer *a) {
    struct call *c = arg;
    if (a->kind != ANSWER_OK)
        call_answer(c, a);
    else
        blob_get(c->api->parts.blobs, http_param(c->r, "id"), http_param(c->r, "sha256"), RAW_MAX,
                 attachment_found, c);
}

static void attachments_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    store_get_touchpoint(a->parts.store, http_param(r, "id"), attachment_known,
                         call_new(a, r, 200));
}

const struct http_route touchpoint_routes[] = {
    {"POST", "/v1/touchpoints", ALLOW_ADAPTER | ALLOW_OPERATOR, ROUTE_ANY_BODY, touchpoints_push,
     "push one or many"},
    {"GET", "/v1/touchpoints/{id}", ALLOW_STAFF, 0, touchpoints_get, "one touchpoint"},
    {"GET", "/v1/touchpoints/{id}/raw", ALLOW_STAFF, 0, touchpoints_raw, "the bytes as they came"},
    {"GET", "/v1/attachments/{id}/{sha256}", ALLOW_STAFF, 0, attachments_get,
     "one attachment's bytes"},
};
const size_t touchpoint_routes_n = COUNT(touchpoint_routes);
