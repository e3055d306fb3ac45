/* http/serve.c - what becomes of a request: checks in order, rights, body, handler.
 *
 * Each check answers and returns false, or leaves the request to the next. What an asker without
 * rights may learn stands before the rights, the rest after them.
 */
#include <stdlib.h>

#include <touchline/kit/arena.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/auth.h"
#include "http/bytes.h"
#include "http/http_priv.h"

struct http_request *request_new(struct conn *c) {
    struct http_request *r = mem_new(sizeof *r);
    link_init(&r->link);
    r->server = c->server;
    r->conn = c;
    r->headers_end = &r->headers;
    r->peer = c->peer;
    r->secure = c->wire.tls;
    arena_init(&r->arena);
    reader_init(&r->reader, &c->server->reader_limits);
    return r;
}

void request_free(struct http_request *r) {
    if (!r)
        return;
    if (!link_alone(&r->link))
        r->server->requests_n--;
    link_remove(&r->link);
    r->server->bodies_bytes -= r->body_counted;
    reader_clear(&r->reader);
    arena_clear(&r->arena);
    auth_unref(r->auth);
    free(r);
}

void request_hold(struct http_request *r) {
    r->held = true;
    if (!link_alone(&r->link))
        return;
    list_push(&r->server->requests, &r->link);
    r->server->requests_n++;
}

/* ---- before the rights ---- */

/* Behind a trusted proxy the client is the last hop that the proxy names. */
static bool check_peer(struct http_request *r) {
    struct address hop;
    struct str list = reader_last_header(&r->reader, "x-forwarded-for");
    if (list.p && listener_trusts(r->conn->listener, &r->peer)) {
        const char *comma = memrchr(list.p, ',', list.n);
        struct str last = comma ? str_from(list, (size_t)(comma - list.p) + 1) : list;
        if (address_parse(str_trim(last), &hop))
            r->peer = hop;
        if (str_is_nocase(reader_last_header(&r->reader, "x-forwarded-proto"), "https"))
            r->secure = true;
    }
    address_text(&r->peer, r->peer_text);
    return true;
}

static struct str without_port(struct str host) {
    ptrdiff_t end = host.n && host.p[0] == '[' ? str_find(host, ']') : -1;
    if (end >= 0)
        return str_upto(host, (size_t)end + 1);
    return str_cut(&host, ':');
}

static bool check_host(struct http_request *r) {
    const struct listener *l = r->conn->listener;
    struct str host = reader_known(&r->reader, KNOWN_HOST);
    bool ours = !l->hosts_n;
    for (size_t i = 0; i < l->hosts_n && !ours; i++)
        ours = str_eq_nocase(host, l->hosts[i]) || str_eq_nocase(without_port(host), l->hosts[i]);
    if (!ours) {
        notice(NOTICE_REJECT, &r->peer, "host");
        http_problem(r, 421, "misdirected-request", NULL, "This host is not served here.");
    }
    return ours;
}

static bool listener_serves(const void *arg, const struct http_route *what) {
    const struct listener *l = arg;
    return what->flags & ROUTE_PUBLIC ? l->open : l->api;
}

static bool check_route(struct http_request *r) {
    struct str method = http_method(r);
    routes_find(r->server->routes, &r->arena, method, http_path(r), listener_serves,
                r->conn->listener, &r->found);
    if (r->found.route)
        return true;
    if (!r->found.others) {
        http_problem(r, 404, "not-found", NULL, "There is nothing at this path.");
        return false;
    }
    struct buf allow;
    buf_init(&allow, 256);
    if (routes_allow(r->found.others, &allow))
        http_add_header(r, "Allow", buf_str(&allow));
    buf_clear(&allow);
    http_problem(r, 405, "method-not-allowed", NULL, "This path does not take this method.");
    return false;
}

/* ---- after the rights ---- */

static struct str authority_of(struct str url) {
    const char *slashes = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    return slashes ? str_from(url, (size_t)(slashes - url.p) + 3) : STR_NONE;
}

/* A page of another site can send our cookie, but not with our Origin. */
static bool check_origin(struct http_request *r) {
    struct str method = http_method(r);
    if (!r->who.by_cookie || str_is(method, "GET") || r->is_head)
        return true;
    struct str ours = authority_of(reader_known(&r->reader, KNOWN_ORIGIN));
    if (ours.n && str_eq_nocase(ours, reader_known(&r->reader, KNOWN_HOST)))
        return true;
    metric_add_label(METRIC_AUTH_FAILED, "origin", 1);
    http_problem(r, 403, "foreign-origin", NULL, "A write by cookie needs our own Origin.");
    return false;
}

static bool check_idempotency_key(struct http_request *r) {
    struct str key = reader_known(&r->reader, KNOWN_IDEMPOTENCY_KEY);
    if (!key.p || (key.n && key.n <= IDEMPOTENCY_KEY_MAX && bytes_all(key, BYTE_VISIBLE)))
        return true;
    http_problem(r, 400, "bad-idempotency-key", NULL,
                 "Idempotency-Key has 1 to 255 visible ASCII characters.");
    return false;
}

static bool check_query(struct http_request *r) {
    struct str query = http_raw_query(r);
    size_t n = 1;
    for (size_t i = 0; i < query.n; i++)
        n += query.p[i] == '&';
    if (n <= QUERY_PARAMS_MAX)
        return true;
    http_problem(r, 400, "too-many-parameters", NULL, "The query has more than 64 parameters.");
    return false;
}

static bool check_encoding(struct http_request *r) {
    struct str coding = reader_known(&r->reader, KNOWN_CONTENT_ENCODING);
    if (!coding.p || str_is_nocase(coding, "identity"))
        return true;
    notice(NOTICE_REJECT, &r->peer, "encoding");
    http_add_header(r, "Accept-Encoding", str_c("identity"));
    http_problem(r, 415, "encoded-body", NULL, "Bodies are taken as they are, without a coding.");
    return false;
}

static bool check_media_type(struct http_request *r) {
    if (r->found.route->what->flags & (ROUTE_PUBLIC | ROUTE_ANY_BODY) ||
        !reader_has_body(&r->reader))
        return true;
    struct str type = reader_known(&r->reader, KNOWN_CONTENT_TYPE);
    type = str_trim(str_cut(&type, ';'));
    if (!type.n || str_is_nocase(type, "application/json") ||
        str_is_nocase(type, "application/merge-patch+json"))
        return true;
    http_problem(r, 415, "unsupported-media-type", NULL, "The body is to be application/json.");
    return false;
}

typedef bool check_fn(struct http_request *r);
static check_fn *const checks_first[] = {check_peer, check_host, check_route};
static check_fn *const checks_after[] = {check_origin, check_query, check_idempotency_key,
                                         check_encoding, check_media_type};

static bool passes(struct http_request *r, check_fn *const *checks, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!checks[i](r))
            return false;
    return true;
}

void serve_head(struct http_request *r) {
    r->received_ms = clock_wall_ms();
    r->is_head = str_is(http_method(r), "HEAD");
    if (passes(r, checks_first, COUNT(checks_first)) && rights_check(r) == RIGHTS_OK)
        serve_admitted(r);
}

void serve_admitted(struct http_request *r) {
    static const struct str go_on = STR("HTTP/1.1 100 Continue\r\n\r\n");
    struct conn *c = r->conn;
    if (!passes(r, checks_after, COUNT(checks_after)))
        return;
    reader_body(&r->reader);
    conn_move(c, PHASE_BODY);
    if (r->reader.expect_continue && !c->view.n && !c->in.n)
        conn_write(c, &go_on, 1);
    conn_resume(c);
}

bool serve_body_room(struct http_request *r) {
    struct http_server *s = r->server;
    uint64_t most = (uint64_t)s->limits.body_bytes * 4;
    if (most < BODIES_BYTES)
        most = BODIES_BYTES;
    s->bodies_bytes += r->reader.body.room - r->body_counted;
    r->body_counted = r->reader.body.room;
    if (s->bodies_bytes <= most)
        return true;
    http_problem_retry(r, 503, "busy", "Too many large requests are under way.", RETRY_S);
    return false;
}

void serve_request(struct http_request *r) {
    r->whole_us = clock_mono_us();
    request_hold(r);
    conn_move(r->conn, PHASE_SERVE);
    metric_add_label(METRIC_HTTP_ROUTES, r->found.route->what->pattern, 1);
    r->found.route->what->serve(r->found.route->ctx, r);
}

void serve_refused(struct http_request *r) {
    const struct reader_refusal *why = reader_refusal(r->reader.why);
    notice(NOTICE_REJECT, &r->peer, why->reason);
    metric_add_label(METRIC_HTTP_MALFORMED, why->reason, 1);
    http_problem(r, why->status, why->code, NULL, why->detail);
}

void serve_late(struct http_request *r) {
    reader_cut_short(&r->reader);
    http_problem(r, 408, "request-timeout", NULL, "The request did not come in time.");
}
