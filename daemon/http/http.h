/* http/http.h - the front door: strict HTTP/1.1, routes, rights, replies, streams.
 *
 *   listener ──► connection ──► reader (strict) ──► routes (table) ──► auth, limits ──► serve()
 *                     ▲                                                                  │
 *                     └──────────── http_reply / http_problem / http_stream ◄────────────┘
 *
 * A request is valid until it is answered; the answer may come later, out of order of pipelined
 * ones (they are written in order). When the client has gone the request stays valid and the answer
 * is dropped.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/kit/fault.h>
#include <touchline/plugin.h>

#include "config/people.h"

struct config_check;
struct loop;
struct http_server;
struct http_request;
struct http_stream;

/* sections `listen` (list) and `limits` */
struct listen_config {
    struct str address;
    struct tl_strs serve; /* api, public; empty: both */
    struct {
        struct str certificate, key; /* paths / secret bytes */
    } tls;
    struct tl_strs hosts, trusted_proxies;
};
struct limits_config {
    int64_t connections, per_address, header_bytes, body_bytes, streams_per_agent;
    struct tl_rate correspondent; /* of mail by one person: ingest holds to it */
};
extern const struct tl_key listen_keys[], limits_keys[];

/* Check of the section `listen`, for its row in main.c's table. */
void listen_check(const void *section, struct config_check *c);

/* ---- who asks ---- */
struct http_who {
    enum role role;                 /* NONE: nobody, on routes that need no token */
    struct str name;                /* token's name or agent's id */
    bool trusted;                   /* an adapter whose claims are verified */
    const struct tl_strs *channels; /* an adapter may push these only; empty or NULL: all */
    bool by_cookie;
};
/* Sessions live in the store; main.c hands this in. lookup answers later on the loop: found NULL
 * for none. */
struct http_sessions {
    void *ctx;
    void (*lookup)(void *ctx, const uint8_t token_hash[32],
                   void (*found)(void *arg, const char *agent_or_null), void *arg);
};

/* ---- routes: one table a resource, rights in it ---- */
enum {
    ALLOW_NONE = 1 << ROLE_NONE, /* no token asked */
    ALLOW_ADAPTER = 1 << ROLE_ADAPTER,
    ALLOW_AGENT = 1 << ROLE_AGENT,
    ALLOW_SUPERVISOR = 1 << ROLE_SUPERVISOR,
    ALLOW_OPERATOR = 1 << ROLE_OPERATOR,
    ALLOW_STAFF = ALLOW_AGENT | ALLOW_SUPERVISOR | ALLOW_OPERATOR,
};
enum {
    ROUTE_PUBLIC = 1, /* on the public listener; the body's media type is the handler's affair */
    ROUTE_IDEMPOTENT = 2, /* takes an Idempotency-Key */
    ROUTE_ANY_BODY =
        4, /* the media type is the handler's affair; else another than JSON gets 415 */
};
typedef void http_serve_fn(void *ctx, struct http_request *r);
struct http_route {
    const char *method;  /* "GET": also answers HEAD */
    const char *pattern; /* "/v1/contacts/{id}/timeline" */
    uint32_t allow, flags;
    http_serve_fn *serve;
    const char *summary; /* for the API description's test */
};

bool http_open(struct loop *loop, const struct tl_items *listens,
               const struct limits_config *limits, struct http_server **out, struct fault *f)
    must_check;
/* Routes are added before http_listen. false: method and pattern are taken. */
bool http_routes(struct http_server *s, const struct http_route *table, size_t n, void *ctx);
void http_auth(struct http_server *s, const struct tl_items *tokens, const struct tl_items *agents,
               const struct http_sessions *sessions); /* also after a reload */
bool http_listen(struct http_server *s, struct fault *f) must_check;
/* Takes up new listeners and limits; those that stay keep their connections. */
bool http_reload(struct http_server *s, const struct tl_items *listens,
                 const struct limits_config *limits, struct fault *f) must_check;
void http_drain(
    struct http_server *s); /* stops accepting, ends idle connections, answers Connection: close */
size_t http_open_requests(const struct http_server *s);
/* Also ends what handlers still hold: none of it may be answered afterwards. */
void http_close(struct http_server *s);
/* The port of the n-th listener, also where the configuration said 0; 0 for a unix socket. */
int http_port(const struct http_server *s, size_t n);
/* Walks every route: for the API description and its test. */
void http_each_route(const struct http_server *s,
                     void (*each)(void *arg, const struct http_route *r), void *arg);

/* ---- a request ---- */
struct arena *http_arena(struct http_request *r); /* freed with the request */
struct str http_method(const struct http_request *r);
struct str http_path(const struct http_request *r);
struct str http_raw_query(const struct http_request *r);
struct str http_param(const struct http_request *r,
                      const char *name); /* of the pattern, percent-decoded */
struct str http_header(const struct http_request *r, const char *name);
struct str http_query(struct http_request *r, const char *name); /* decoded; absent: p NULL */
/* Faults 400 with the parameter's name are answered by the caller through http_problem_parameter.
 */
bool http_query_int(struct http_request *r, const char *name, int64_t def, int64_t min, int64_t max,
                    int64_t *out) must_check;
struct str http_body(const struct http_request *r);
struct str http_peer(const struct http_request *r); /* client's address, after trusted proxies */
bool http_peer_is_loopback(const struct http_request *r);
struct str http_url(struct http_request *r);
const struct http_who *http_who(const struct http_request *r);
int64_t http_received_ms(const struct http_request *r);
/* A value for later: kept with the request. */
void http_set_data(struct http_request *r, void *data);
void *http_data(const struct http_request *r);

/* ---- sessions by cookie ---- */
/* What the cookie is called, over plain HTTP and over TLS. */
#define HTTP_COOKIE "touchline_session"
#define HTTP_COOKIE_TLS "__Host-touchline_session"
/* Set-Cookie with HttpOnly, SameSite=Strict, Path=/ (and Secure over TLS); an absent token clears
 * it. */
void http_set_session(struct http_request *r, struct str token, int64_t max_age_s);
/* SHA-256 of the token that this request was let in by; NULL on routes that ask for none. */
const uint8_t *http_token_hash(const struct http_request *r);

/* ---- answers; each ends the request ---- */
void http_add_header(struct http_request *r, const char *name,
                     struct str value); /* before the answer; CR LF refused */
void http_reply(struct http_request *take_r, int status, const char *type,
                struct str body); /* copies */
void http_reply_json(struct http_request *take_r, int status, struct str json);
void http_reply_empty(struct http_request *take_r, int status);
/* application/problem+json. pointer may be NULL. detail never echoes input. */
void http_problem(struct http_request *take_r, int status, const char *code, const char *pointer,
                  const char *detail);
void http_problem_parameter(struct http_request *take_r, int status, const char *code,
                            const char *parameter, const char *detail);
void http_problem_list(struct http_request *take_r, int status, const char *code,
                       const struct fault_list *faults);
/* The same object as text, for the items of a 207. */
bool http_problem_text(struct buf *out, int status, const char *code, const char *pointer,
                       const char *detail) must_check;
/* 429 and 503 with Retry-After. Any 429 gets the RateLimit fields and any 503 a Retry-After unless
 * they were added before. */
void http_problem_retry(struct http_request *take_r, int status, const char *code,
                        const char *detail, int retry_s);
/* By the fault's kind: INPUT 422, STATE 409, BUSY 503, SYSTEM 503. */
void http_fault(struct http_request *take_r, const struct fault *f);

/* ---- streams (text/event-stream) ---- */
typedef void http_stream_gone_fn(void *arg);
/* Answers 200 and keeps the connection for events. gone is called once when the client or server
 * ends it, never from inside a call of the owner, and the stream is not to be touched afterwards.
 * NULL: answered otherwise (429 where the agent has limits.streams_per_agent already, or HEAD);
 * gone is not called. Comments every 10 s are sent by this room. */
struct http_stream *http_stream_open(struct http_request *take_r, http_stream_gone_fn *gone,
                                     void *arg);
/* One event; id and event may be absent. false: the client reads too slowly (256 KiB buffered) and
 * is dropped. */
bool http_stream_send(struct http_stream *st, struct str id, const char *event, struct str json);
/* Ends it; gone is not called any more. */
void http_stream_close(struct http_stream *take_st);

#endif
