/* api/conversations.c - one exchange: reading it, its status, notes that never leave, replies that
 * do. */
#include <touchline/kit/jread.h>

#include "api/api_priv.h"
#include "outbox/outbox.h"
#include "store/read.h"

enum { REPLY_MAX = 32 << 20 };

static void conversations_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    size_t limit;
    struct str cursor;
    c->etag = true;
    if (call_page(c, &limit, &cursor))
        store_get_conversation(a->parts.store, http_param(r, "id"), limit, cursor, attention_show,
                               c);
}

static void conversations_patch(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 200);
    cleanup(json_freep) json_t *j = NULL;
    int64_t rev;
    c->etag = true;
    if (call_if_match(c, &rev) && call_patch(c, &j))
        call_act(c, "conversation.patch", http_param(r, "id"), NULL, STR_NONE, j, rev);
}

static void conversations_note(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    c->ok_status = 201;
    if (call_json(c, false, &j))
        call_act(c, "conversation.note", http_param(c->r, "id"), NULL, STR_NONE, j, -1);
}
SERVE_ONCE(conversations_note)

static void send(struct call *c, const json_t *said, struct str body) {
    const struct outbox_reply reply = {
        .conversation = http_param(c->r, "id"),
        .subject = jget_str(said, "subject"),
        .body = body,
        .by = http_who(c->r)->name,
        .by_name = call_agent(c) ? call_agent(c)->name : STR_NONE,
        .nonce = call_nonce(c),
    };
    c->ok_status = 202;
    outbox_reply(c->api->parts.outbox, &reply, attention_warn, c);
}

/* As if the agent had written it. */
static void send_filled(struct call *c, struct str text) {
    cleanup(json_freep) json_t *j = NULL;
    cleanup(buf_clear) struct buf body;
    buf_init(&body, REPLY_MAX);
    bool ok = jread_parse(http_body(c->r), REPLY_MAX, &j, NULL);
    json_object_set_new(j, "text", jstr(text));
    if (ok && jread_dump(&body, j))
        send(c, j, arena_str(http_arena(c->r), buf_str(&body)));
    else
        call_problem(c, 413, "too-large", NULL, "the request is too large");
}

static void conversations_reply(struct call *c) {
    cleanup(json_freep) json_t *j = NULL;
    struct fault f = {0};
    struct str answer;
    if (!call_json(c, false, &j))
        return;
    if (!jread_str(j, "answer", "", &answer, &f))
        call_fault(c, &f);
    else if (!answer.p)
        send(c, j, http_body(c->r));
    else if (jget_str(j, "text").p || jget_str(j, "html").p)
        call_problem(c, 422, "invalid", "/answer", "either a canned answer or a text, not both");
    else
        answer_fill(c, answer, http_param(c->r, "id"), send_filled);
}
SERVE_ONCE(conversations_reply)

const struct http_route conversation_routes[] = {
    {"GET", "/v1/conversations/{id}", ALLOW_STAFF, 0, conversations_get, "one conversation"},
    {"PATCH", "/v1/conversations/{id}", ALLOW_STAFF, 0, conversations_patch, "its status"},
    {"POST", "/v1/conversations/{id}/notes", ALLOW_STAFF, ROUTE_IDEMPOTENT, conversations_note_once,
     "an internal note"},
    {"POST", "/v1/conversations/{id}/reply", ALLOW_STAFF, ROUTE_IDEMPOTENT,
     conversations_reply_once, "answer the customer"},
};
const size_t conversation_routes_n = COUNT(conversation_routes);
