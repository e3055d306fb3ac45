/* api/contacts.c - contacts, their timelines, who may be whom. */
#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "ingest/ingest.h"
#include "outbox/outbox.h"
#include "store/read.h"
#include "touchpoint/touchpoint.h"

/* ---- reading ---- */

static void found_contact(void *arg, const struct answer *a) {
    struct call *c = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind != ANSWER_OK || !jread_parse(a->json, 4096, &j, NULL)) {
        call_answer(c, a);
        return;
    }
    struct str id = arena_str(http_arena(c->r), jget_str(j, "id"));
    store_get_contact(c->api->parts.store, id, call_answer, c);
}

/* A query's '+' means a space (WHATWG URL 5.1), and people type numbers with it all the same. */
static struct str with_plus(struct http_request *r, struct str v, const char *before) {
    size_t n = strlen(before);
    bool mend = v.n > n + 1 && str_starts(v, str_c(before)) && v.p[n] == ' ' && v.p[n + 1] >= '0' &&
                v.p[n + 1] <= '9';
    return mend ? arena_strf(http_arena(r), "%s+%.*s", before, STR_ARG(str_from(v, n + 1))) : v;
}

static void contacts_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    struct str identity = with_plus(r, http_query(r, "identity"), "phone:");
    struct str q = with_plus(r, http_query(r, "q"), ""), cursor;
    size_t limit;
    struct fault f = {0};
    struct identity who;
    if (identity.p) {
        c->etag = true;
        if (!identity_parse(http_arena(r), identity, a->parts.region, &who, &f)) {
            http_problem_parameter(r, 400, "parameter", "identity", f.reason);
            return;
        }
        struct id hash = id_identity(a->parts.ids, who.kind, who.value);
        store_find_contact(a->parts.store, hash.b, found_contact, c);
        return;
    }
    if (!q.n) {
        http_problem_parameter(r, 400, "parameter", "q", "give `identity` or `q`");
        return;
    }
    if (call_page(c, &limit, &cursor))
        store_search_contacts(a->parts.store, q, limit, cursor, call_answer, c);
}

static void contacts_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    c->etag = true;
    store_get_contact(a->parts.store, http_param(r, "id"), call_answer, c);
}

static bool query_time(struct http_request *r, const char *name, int64_t *out_ms) {
    struct str v = http_query(r, name);
    *out_ms = 0;
    if (!v.p || date_parse(v, out_ms))
        return true;
    http_problem_parameter(r, 400, "parameter", name, "a time by RFC 3339");
    return false;
}

static void contacts_timeline(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    struct timeline_query q = {.channel = http_query(r, "channel")};
    if (!query_time(r, "from", &q.from_ms) || !query_time(r, "to", &q.to_ms) ||
        !call_page(c, &q.limit, &q.cursor))
        return;
    store_get_timeline(a->parts.store, http_param(r, "id"), &q, call_answer, c);
}

static void contacts_suggestions(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    size_t limit;
    struct str cursor;
    if (call_page(c, &limit, &cursor))
        store_get_suggestions(a->parts.store, http_param(r, "id"), limit, cursor, call_answer, c);
}

static void contacts_export(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    http_add_header(r, "Content-Disposition", str_c("attachment; filename=\"contact.json\""));
    store_export_contact(a->parts.store, http_param(r, "id"), call_answer, call_new(a, r, 200));
}

/* ---- changing: all through ingest_action ---- */

static void contacts_create(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->ok_status = 201;
    c->etag = true;
    if (call_json(c, false, &j))
        call_act(c, "create", STR_NONE, NULL, STR_NONE, j, -1);
}
SERVE_ONCE(contacts_create)

static void contacts_patch(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    int64_t rev;
    c->etag = true;
    if (call_if_match(c, &rev) && call_patch(c, &j))
        call_act(c, "patch", http_param(r, "id"), NULL, STR_NONE, j, rev);
}

static void contacts_merge(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->etag = true;
    if (call_json(c, false, &j))
        call_act(c, "merge", http_param(c->r, "id"), NULL, STR_NONE, j, -1);
}
SERVE_ONCE(contacts_merge)

static void contacts_split(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->etag = true;
    if (call_json(c, false, &j))
        call_act(c, "split", http_param(c->r, "id"), NULL, STR_NONE, j, -1);
}
SERVE_ONCE(contacts_split)

static void contacts_confirm(struct call *c) {
    c->etag = true;
    call_act(c, "confirm", http_param(c->r, "id"), "n", http_param(c->r, "n"), NULL, -1);
}
SERVE_ONCE(contacts_confirm)

static void contacts_dismiss(struct call *c) {
    c->etag = true;
    call_act(c, "dismiss", http_param(c->r, "id"), "n", http_param(c->r, "n"), NULL, -1);
}
SERVE_ONCE(contacts_dismiss)

static void contacts_erase(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 202);
    int64_t rev;
    if (!call_if_match(c, &rev))
        return;
    struct str dry = http_query(r, "dry_run");
    if (dry.p && !str_is(dry, "0")) {
        c->ok_status = 200;
        store_count_contact(a->parts.store, http_param(r, "id"), call_answer, c);
        return;
    }
    call_act(c, "erase", http_param(r, "id"), NULL, STR_NONE, NULL, rev);
}

/* An agent writes first. */
static void contacts_message(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    if (!call_json(c, false, &j))
        return;
    const struct outbox_reply reply = {
        .contact = http_param(c->r, "id"),
        .channel = jget_str(j, "channel"),
        .to = jget_str(j, "to"),
        .subject = jget_str(j, "subject"),
        .body = http_body(c->r),
        .by = http_who(c->r)->name,
        .by_name = call_agent(c) ? call_agent(c)->name : STR_NONE,
        .nonce = call_nonce(c),
    };
    c->ok_status = 202;
    outbox_reply(c->api->parts.outbox, &reply, call_answer, c);
}
SERVE_ONCE(contacts_message)

const struct http_route contact_routes[] = {
    {"GET", "/v1/contacts", ALLOW_STAFF, 0, contacts_list, "find contacts"},
    {"POST", "/v1/contacts", ALLOW_STAFF, ROUTE_IDEMPOTENT, contacts_create_once,
     "a contact by hand"},
    {"GET", "/v1/contacts/{id}", ALLOW_STAFF, 0, contacts_get, "one contact"},
    {"PATCH", "/v1/contacts/{id}", ALLOW_STAFF, 0, contacts_patch, "change a contact"},
    {"DELETE", "/v1/contacts/{id}", ALLOW_OPERATOR, 0, contacts_erase, "erase a person"},
    {"GET", "/v1/contacts/{id}/timeline", ALLOW_STAFF, 0, contacts_timeline, "newest first"},
    {"GET", "/v1/contacts/{id}/suggestions", ALLOW_STAFF, 0, contacts_suggestions,
     "who may be the same person"},
    {"POST", "/v1/contacts/{id}/suggestions/{n}/confirm", ALLOW_STAFF, ROUTE_IDEMPOTENT,
     contacts_confirm_once, "they are the same"},
    {"POST", "/v1/contacts/{id}/suggestions/{n}/dismiss", ALLOW_STAFF, ROUTE_IDEMPOTENT,
     contacts_dismiss_once, "they are not"},
    {"POST", "/v1/contacts/{id}/messages", ALLOW_STAFF, ROUTE_IDEMPOTENT, contacts_message_once,
     "write first"},
    {"POST", "/v1/contacts/{id}/merge", ALLOW_STAFF, ROUTE_IDEMPOTENT, contacts_merge_once,
     "make two one"},
    {"POST", "/v1/contacts/{id}/split", ALLOW_STAFF, ROUTE_IDEMPOTENT, contacts_split_once,
     "take identities out again"},
    {"GET", "/v1/contacts/{id}/export", ALLOW_SUPERVISOR | ALLOW_OPERATOR, 0, contacts_export,
     "all that is held"},
};
const size_t contact_routes_n = COUNT(contact_routes);
