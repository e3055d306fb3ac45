/* api/call.c - one request on its way: reading its body, turning what became of it into a reply.
 *
 * The only place that knows which kind of answer is which status.
 */
#include "api/api_priv.h"

#include <touchline/kit/hash.h>
#include <touchline/kit/hmac.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "ingest/ingest.h"

enum { BODY_JSON_MAX = 32 * 1024 * 1024, PROBLEM_MAX = 16 * 1024 };

struct call *call_new(struct api *a, struct http_request *r, int ok_status) {
    struct call *c = arena_new(http_arena(r), sizeof *c);
    *c = (struct call){.api = a, .r = r, .ok_status = ok_status};
    return c;
}

void call_reply(struct call *c, int status, struct str json) {
    if (c->key)
        idem_remember(c->api, steal(&c->key), status, json);
    if (json.p)
        http_reply_json(c->r, status, json);
    else
        http_reply_empty(c->r, status);
}

void call_problem(struct call *c, int status, const char *code, const char *pointer,
                  const char *detail) {
    if (c->key) /* a refusal did nothing: the key is free again */
        idem_remember(c->api, steal(&c->key), 0, STR_NONE);
    if (status == 503)
        http_problem_retry(c->r, status, code, detail, 5);
    else
        http_problem(c->r, status, code, pointer, detail);
}

void call_fault(struct call *c, const struct fault *f) {
    switch (f->kind) {
    case FAULT_INPUT:
        call_problem(c, 422, "invalid", f->place, f->reason);
        return;
    case FAULT_STATE:
        call_problem(c, 409, "conflict", NULL, f->reason);
        return;
    case FAULT_NONE:
    case FAULT_BUSY:
    case FAULT_SYSTEM:
        call_problem(c, 503, "unavailable", NULL, f->reason);
        return;
    }
}

static const struct {
    enum answer_kind kind;
    int status;
    const char *code, *detail;
} refusals[] = {
    {ANSWER_NOT_FOUND, 404, "not-found", "there is no such resource"},
    {ANSWER_GONE, 410, "erased", "this was erased"},
    {ANSWER_CONFLICT, 409, "conflict", "the state does not allow this"},
    {ANSWER_STALE, 412, "stale", "the resource has changed since that revision"},
    {ANSWER_REFUSED, 422, "invalid", "a field is wrong"},
    {ANSWER_FORBIDDEN, 403, "forbidden", "this is not yours to do"},
    {ANSWER_LATER, 503, "unavailable", "the store is away; try again"},
};

/* A conflict names the other one: its members stand in the problem ("contact": "c_…"). */
static void conflict(struct call *c, const char *code, const char *detail, struct str members) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, PROBLEM_MAX);
    if (!http_problem_text(&b, 409, code, NULL, detail) || !b.n)
        buf_reset(&b);
    struct str text = str_upto(buf_str(&b), b.n ? b.n - 1 : 0);
    if (members.p[0] == '{') /* a whole object: its members */
        members = str_make(members.p + 1, members.n - 2);
    struct str whole = arena_strf(http_arena(c->r), "%.*s%s%.*s}", STR_ARG(text),
                                  members.n ? "," : "", STR_ARG(members));
    if (c->key)
        idem_remember(c->api, steal(&c->key), 0, STR_NONE);
    http_reply(c->r, 409, "application/problem+json", whole);
}

void call_answer(void *arg, const struct answer *a) {
    struct call *c = arg;
    if (a->kind == ANSWER_OK) {
        if (c->etag && a->rev > 0)
            http_add_header(c->r, "ETag",
                            arena_strf(http_arena(c->r), "\"%lld\"", (long long)a->rev));
        call_reply(c, a->repeated ? 200 : c->ok_status, a->json);
        return;
    }
    for (size_t i = 0; i < COUNT(refusals); i++) {
        if (refusals[i].kind != a->kind)
            continue;
        const char *code = a->code ? a->code : refusals[i].code;
        const char *detail = a->detail ? a->detail : refusals[i].detail;
        if (a->kind == ANSWER_CONFLICT && a->json.n)
            conflict(c, code, detail, a->json);
        else
            call_problem(c, refusals[i].status, code, a->pointer, detail);
        return;
    }
}

static bool is_type(struct str header, const char *type) {
    struct str rest = header;
    return !header.p || str_is_nocase(str_trim(str_cut(&rest, ';')), type);
}

static bool read_object(struct call *c, json_t **out) {
    struct fault f = {0};
    cleanup(json_freep) json_t *j = NULL;
    if (!jread_parse(http_body(c->r), BODY_JSON_MAX, &j, &f)) {
        call_problem(c, 400, "not-json", NULL, f.reason);
        return false;
    }
    if (!json_is_object(j)) {
        call_problem(c, 422, "invalid", "", "an object is expected");
        return false;
    }
    *out = steal(&j);
    return true;
}

bool call_json(struct call *c, bool may_be_empty, json_t **out) {
    if (!http_body(c->r).n && may_be_empty) {
        *out = json_object();
        return true;
    }
    if (!is_type(http_header(c->r, "Content-Type"), "application/json")) {
        call_problem(c, 415, "media-type", NULL, "send application/json");
        return false;
    }
    return read_object(c, out);
}

bool call_patch(struct call *c, json_t **out) {
    struct str type = http_header(c->r, "Content-Type");
    if (!is_type(type, "application/json") && !is_type(type, "application/merge-patch+json")) {
        call_problem(c, 415, "media-type", NULL, "send application/merge-patch+json");
        return false;
    }
    return read_object(c, out);
}

struct str call_nonce(struct call *c) {
    struct str key = http_header(c->r, "Idempotency-Key");
    if (key.p)
        return arena_strf(http_arena(c->r), "%.*s %.*s", STR_ARG(http_who(c->r)->name),
                          STR_ARG(key));
    char nonce[33];
    uint8_t random[16];
    bytes_random(random, sizeof random);
    hex_encode(random, sizeof random, nonce);
    return arena_str(http_arena(c->r), str_c(nonce));
}

void call_act(struct call *c, const char *op, struct str id, const char *extra_key,
              struct str extra, const json_t *body, int64_t if_rev) {
    cleanup(buf_clear) struct buf b, text;
    buf_init(&b, BODY_JSON_MAX + 4096);
    buf_init(&text, BODY_JSON_MAX);
    struct jwrite w;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "op", op);
    jwrite_str(&w, "id", id);
    if (extra_key)
        jwrite_str(&w, extra_key, extra);
    bool whole = !body || jread_dump(&text, body);
    if (body && whole)
        jwrite_raw(&w, "body", buf_str(&text));
    jwrite_str(&w, "by", http_who(c->r)->name);
    jwrite_int(&w, "if_rev", if_rev);
    jwrite_close(&w, '}');
    if (w.ok && whole)
        ingest_action(c->api->parts.ingest, buf_str(&b), call_answer, c);
    else
        call_problem(c, 413, "too-large", NULL, "the request is too large");
}

bool call_page(struct call *c, size_t *out_limit, struct str *out_cursor) {
    int64_t limit = 0;
    if (!http_query_int(c->r, "limit", LIST_LIMIT_DEFAULT, 1, LIST_LIMIT_MAX, &limit)) {
        http_problem_parameter(c->r, 400, "parameter", "limit", "a whole number from 1 to 500");
        return false;
    }
    *out_limit = (size_t)limit;
    *out_cursor = http_query(c->r, "cursor");
    return true;
}

bool call_if_match(struct call *c, int64_t *out_rev) {
    struct str v = str_trim(http_header(c->r, "If-Match"));
    *out_rev = -1;
    if (!v.p || str_is(v, "*"))
        return true;
    if (str_starts(v, (struct str)STR("W/")))
        v = str_from(v, 2);
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        v = str_make(v.p + 1, v.n - 2);
    int64_t rev = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9' || i > 15) {
            call_problem(c, 412, "stale", NULL, "If-Match names no revision of this resource");
            return false;
        }
        rev = rev * 10 + (v.p[i] - '0');
    }
    *out_rev = rev;
    return true;
}

struct dispatch_actor call_actor(const struct call *c) {
    const struct http_who *w = http_who(c->r);
    return (struct dispatch_actor){.name = w->name, .role = (int)w->role};
}

const struct agent_config *call_agent(const struct call *c) {
    const struct http_who *w = http_who(c->r);
    const struct agent_config *all = c->api->parts.agents->items;
    if (w->role != ROLE_AGENT && w->role != ROLE_SUPERVISOR)
        return NULL;
    for (size_t i = 0; i < c->api->parts.agents->n; i++)
        if (str_eq(all[i].id, w->name))
            return &all[i];
    return NULL;
}

struct tl_strs call_queues(const struct call *c) {
    const struct agent_config *agent = call_agent(c);
    return agent ? agent->queues : (struct tl_strs){0};
}
