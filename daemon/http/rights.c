/* http/rights.c - from a request's token to who asks, and whether he may.
 *
 *   no token ─► 401      known token ─► role in the route's table? ─► on, or 403
 *   unknown ─► the session of an agent? (asked of the store, later) ─► on, or 401
 *
 * Wrong tokens are counted by client; beyond ten a second they are answered 429 unlooked at.
 */
#include "base/clock.h"
#include "base/metrics.h"

#include <touchline/kit/hash.h>

#include "http/auth.h"
#include "http/bytes.h"
#include "http/http_priv.h"
#include "http/limits.h"

enum { TOKEN_MAX = 1024 };

/* Query parameters in which people put tokens; there they end in logs and histories. */
static const struct str token_parameters[] = {
    STR("token"),   STR("access_token"), STR("bearer"),
    STR("api_key"), STR("apikey"),       STR("authorization"),
};

static bool token_in_query(const struct http_request *r) {
    struct str rest = http_raw_query(r);
    while (rest.p) {
        struct str value = str_cut(&rest, '&'), name = str_cut(&value, '=');
        for (size_t i = 0; i < COUNT(token_parameters); i++)
            if (str_eq_nocase(name, token_parameters[i]))
                return true;
    }
    return false;
}

/* "Bearer TOKEN"; absent where it is anything else. */
static struct str bearer_token(struct str header) {
    struct str token = header, scheme = str_cut(&token, ' ');
    if (!token.p || !str_is_nocase(scheme, "bearer"))
        return STR_NONE;
    token = str_trim(token);
    return token.n && token.n <= TOKEN_MAX && bytes_all(token, BYTE_VISIBLE) ? token : STR_NONE;
}

static struct str cookie_token(struct str header) {
    while (header.p) {
        struct str value = str_trim(str_cut(&header, ';')), name = str_cut(&value, '=');
        if (value.p && (str_is(name, HTTP_COOKIE) || str_is(name, HTTP_COOKIE_TLS)))
            return value.n && value.n <= TOKEN_MAX ? value : STR_NONE;
    }
    return STR_NONE;
}

static enum rights unauthorized(struct http_request *r, const char *challenge, const char *code,
                                const char *detail) {
    http_add_header(r, "WWW-Authenticate", str_c(challenge));
    http_problem(r, 401, code, NULL, detail);
    return RIGHTS_REFUSED;
}

static enum rights wrong_token(struct http_request *r) {
    clients_wrong_token(r->server->clients, &r->peer, clock_mono_ms());
    metric_add_label(METRIC_AUTH_FAILED, "unknown", 1);
    notice(NOTICE_AUTH, &r->peer, "unknown");
    return unauthorized(r, "Bearer realm=\"touchline\", error=\"invalid_token\"", "unauthorized",
                        "This token is not known.");
}

static enum rights too_many(struct http_request *r) {
    metric_add_label(METRIC_AUTH_FAILED, "rate", 1);
    notice(NOTICE_AUTH, &r->peer, "rate");
    http_problem_retry(r, 429, "too-many-attempts", "Too many wrong tokens came from this address.",
                       1);
    return RIGHTS_REFUSED;
}

static enum rights by_role(struct http_request *r) {
    if (r->found.route->what->allow & 1u << r->who.role)
        return RIGHTS_OK;
    metric_add_label(METRIC_AUTH_FAILED, "role", 1);
    http_problem(r, 403, "forbidden", NULL, "This token has not the right to do that.");
    return RIGHTS_REFUSED;
}

/* The session's agent was looked up; the client may have gone meanwhile. */
static void session_found(void *arg, const char *agent) {
    struct http_request *r = arg;
    r->held = false;
    if (!r->conn) {
        request_free(r);
        return;
    }
    bool by_cookie = r->who.by_cookie;
    if (!agent || !auth_agent(r->auth, str_c(agent), &r->who)) {
        (void)wrong_token(r);
        return;
    }
    r->who.by_cookie = by_cookie;
    if (by_role(r) == RIGHTS_OK)
        serve_admitted(r);
}

static enum rights ask_session(struct http_request *r) {
    const struct http_sessions *sessions = &r->server->sessions;
    request_hold(r);
    conn_move(r->conn, PHASE_RIGHTS);
    sessions->lookup(sessions->ctx, r->token_hash, session_found, r);
    return RIGHTS_ASKED;
}

enum rights rights_check(struct http_request *r) {
    uint32_t allow = r->found.route->what->allow;
    if (!(r->found.route->what->flags & ROUTE_PUBLIC) && token_in_query(r)) {
        http_problem(r, 400, "token-in-url", NULL,
                     "A token belongs into the Authorization header.");
        return RIGHTS_REFUSED;
    }
    struct str header = reader_known(&r->reader, KNOWN_AUTHORIZATION);
    struct str token = bearer_token(header);
    struct str cookie = header.p ? STR_NONE : cookie_token(reader_known(&r->reader, KNOWN_COOKIE));
    if (allow == ALLOW_NONE)
        return RIGHTS_OK;
    if (!token.n && !cookie.n) {
        if (allow & ALLOW_NONE)
            return RIGHTS_OK;
        metric_add_label(METRIC_AUTH_FAILED, "missing", 1);
        return unauthorized(r, "Bearer realm=\"touchline\"", "unauthorized",
                            "A bearer token is needed here.");
    }
    r->has_token = true;
    r->auth = auth_ref(r->server->auth);
    sha256(token.n ? token : cookie, r->token_hash);
    if (token.n && auth_find(r->auth, r->token_hash, &r->who))
        return by_role(r);
    r->who.by_cookie = !token.n;
    if (clients_blocked(r->server->clients, &r->peer, clock_mono_ms()))
        return too_many(r);
    return r->server->sessions.lookup ? ask_session(r) : wrong_token(r);
}
