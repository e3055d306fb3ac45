/* http/http_priv.h - what the files of this room share: server, listener, connection, request.
 *
 * Ownership: the server owns listeners and connections; a connection owns the request under way and
 * the stream it has become; a request that a handler holds outlives its connection (conn is NULL
 * then) and is freed by its answer. All of it lives on the loop thread.
 *
 *   listener.c accepts ─► connection.c moves bytes ─► reader.c ─► serve.c decides ─► handler
 *                              ▲        reply.c / problem.c / sse.c ◄──────────────────┘
 */
#ifndef HTTP_HTTP_PRIV_H
#define HTTP_HTTP_PRIV_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include <touchline/kit/list.h>

#include "http/address.h"
#include "http/http.h"
#include "http/reader.h"
#include "http/routes.h"
#include "http/wire.h"

struct auth;
struct client;
struct clients;
struct loop_timer;
struct ssl_ctx_st;

enum {
    READ_BYTES = 64 * 1024,  /* at most this much a read */
    READS_A_TURN = 4,        /* then others have their turn */
    AHEAD_BYTES = 64 * 1024, /* pipelined bytes kept while a request is under way */
    IN_BYTES = AHEAD_BYTES + READ_BYTES,
    OUT_BUSY_BYTES = 64 * 1024, /* with more unsent, the next request waits */
    OUT_BYTES = 512 << 20,      /* an answer beyond this cannot be sent at all */
    STREAM_BYTES = 256 * 1024,  /* a stream's reader who lags by more is dropped */
    SWEEP_MS = 250,
    STREAM_COMMENT_MS = 10000,
    BODIES_BYTES = 256 << 20, /* bodies under way, of all connections; or 4 of the largest */
    QUERY_PARAMS_MAX = 64,
    IDEMPOTENCY_KEY_MAX = 255,
    RETRY_S = 5,
};

/* What a connection is at. Each phase is a list of the server, in the order of entering, so that
 * the sweep looks at the oldest only. */
enum phase {
    PHASE_GREET,   /* TLS handshake */
    PHASE_IDLE,    /* no byte of a request; no request object, no buffers */
    PHASE_HEAD,    /* reads a head */
    PHASE_RIGHTS,  /* the head stands; a session is being looked up */
    PHASE_BODY,    /* reads the body */
    PHASE_SERVE,   /* a handler has the request */
    PHASE_DISCARD, /* answered early; the rest of the body is thrown away */
    PHASE_STREAM,  /* events go out; what comes in is thrown away */
    PHASE_SENDING, /* the last answer is on its way; what comes in is thrown away */
    PHASE_LINGER,  /* all is said and FIN sent; reads on so that the answer is not lost to a RST */
    PHASE_COUNT
};

/* One configured address. Connections hold it by `refs`, so that it outlives a reload. */
struct listener {
    struct link link; /* in server->listeners while configured */
    struct http_server *server;
    unsigned refs;
    struct arena arena; /* everything below that is read from the configuration */
    struct str where;
    bool api, open; /* serve: api, public */
    struct str *hosts;
    size_t hosts_n;
    struct network *proxies;
    size_t proxies_n;
    struct ssl_ctx_st *tls;
    int64_t connections;
    int fd; /* -1: not listening */
    struct event accept_event;
};

struct http_server {
    struct loop *loop;
    int64_t deadlines_ms[PHASE_COUNT]; /* of the phases, 0: none; tests shorten them */
    int64_t write_deadline_ms;
    struct limits_config limits;
    struct reader_limits reader_limits;
    struct link listeners;
    struct link phases[PHASE_COUNT];
    struct link writing;  /* connections with something unsent */
    struct link requests; /* with handlers or waiting for rights */
    struct routes *routes;
    struct auth *auth;
    struct http_sessions sessions;
    struct clients *clients;
    struct loop_timer *sweep, *resume; /* resume: accept again after the files ran out */
    struct buf head;                   /* of the answer being written */
    char *read_bytes;                  /* READ_BYTES, shared: nothing stays there between turns */
    size_t connections, requests_n, streams_n;
    uint64_t bodies_bytes;
    int spare_fd; /* given up to shed one connection when files run out; -1: gone */
    bool listening, draining, closing;
    int64_t date_s;
    char date[32];
};

struct conn {
    struct link link, writing;
    struct http_server *server;
    struct listener *listener;
    struct client *client; /* the per-address count, NULL when exempt */
    struct http_request *request;
    struct http_stream *stream;
    struct wire wire;
    struct event read_event, write_event;
    struct address peer;
    enum phase phase;
    int64_t phase_ms; /* when it was entered, monotonic */
    int64_t write_ms; /* since when something is unsent */
    uint64_t written; /* since write_ms */
    struct str view;  /* input not yet eaten, while pumping */
    struct buf in;    /* input kept between turns */
    struct buf out;   /* unsent, from out_at on */
    size_t out_at;
    bool closed, pumping, eof, close_after, read_waits, write_waits;
};

struct reply_header {
    struct reply_header *next;
    struct str name, value;
};

struct http_request {
    struct link link; /* server->requests */
    struct http_server *server;
    struct conn *conn; /* NULL: the client has gone */
    struct arena arena;
    struct route_found found;
    struct auth *auth; /* referenced: `who` points into it */
    struct http_who who;
    struct reply_header *headers, **headers_end;
    size_t headers_bytes;
    void *data;
    int64_t received_ms, whole_us;
    uint64_t body_counted; /* in server->bodies_bytes */
    struct address peer;
    char peer_text[ADDRESS_TEXT];
    uint8_t token_hash[32];
    bool has_token, is_head, secure, answered;
    bool held;          /* by a handler or by a session being looked up: outlives its connection */
    struct pair *query; /* once asked for */
    size_t query_n;
    struct reader reader; /* last: large */
};

/* ---- connection.c ---- */
void conn_accept(struct listener *l, int fd, const struct sockaddr_storage *from);
void conn_close(struct conn *c);
/* Likewise, and what the kernel still holds for a client who does not read is dropped with it. */
void conn_abort(struct conn *c);
/* Sends the pieces now or as soon as the client takes them. May close the connection. */
void conn_write(struct conn *c, const struct str *pieces, size_t n);
size_t conn_unsent(const struct conn *c);
/* The request was answered: on to the next one, or to the end. */
void conn_answered(struct conn *c);
/* The request was answered by a stream. */
void conn_stream(struct conn *c, struct http_stream *st);
/* Nothing more will be said on this stream: what is unsent goes out, then the connection ends. */
void conn_end(struct conn *c);
/* Looks again at what waits: rights were found, an answer was given. */
void conn_resume(struct conn *c);

/* ---- phases.c ---- */
void conn_move(struct conn *c, enum phase to);
/* The list of a new connection's first phase. */
void conn_begin(struct conn *c, enum phase first);
/* The deadlines that are in force unless someone changes them. */
void phases_init(struct http_server *s);
/* Ends what has outlived its deadline. Every SWEEP_MS. */
void phases_sweep(struct http_server *s);
/* Ends connections without a request; the others end with their answer. */
void phases_drain(struct http_server *s);
void phases_close_all(struct http_server *s);

/* ---- serve.c ---- */
struct http_request *request_new(struct conn *c);
void request_free(struct http_request *r);
/* From now on it outlives its connection, until it is answered. */
void request_hold(struct http_request *r);
/* The head stands: decides what becomes of it. Answers, waits for rights, or goes on to the body.
 */
void serve_head(struct http_request *r);
/* The request is whole. */
void serve_request(struct http_request *r);
/* The reader refused it. */
void serve_refused(struct http_request *r);
/* false: bodies under way take too much memory, and this one was answered. */
bool serve_body_room(struct http_request *r) must_check;
/* A deadline has passed: 408. */
void serve_late(struct http_request *r);
/* What the asker may do is known and enough: the checks that come after, then the body. */
void serve_admitted(struct http_request *r);

/* ---- rights.c ---- */
enum rights {
    RIGHTS_OK,
    RIGHTS_ASKED /* serve_admitted comes later, or an answer */,
    RIGHTS_REFUSED /* answered */
};
enum rights rights_check(struct http_request *r) must_check;

/* ---- reply.c ---- */
const char *status_title(int status);
/* The head of an answer of `n` bytes (-1: a stream, until the connection ends) in server->head. */
struct str reply_head(struct http_request *r, int status, const char *type, int64_t n);
bool reply_has_header(const struct http_request *r, const char *name);
/* The connection ends after this answer. */
bool reply_closes(const struct http_request *r);

/* ---- sse.c ---- */
/* The connection has ended under its stream: its owner is told, in a later turn. */
void stream_lost(struct http_stream *st);
void stream_comment(struct conn *c, int64_t now_ms);

/* ---- listener.c ---- */
bool listener_new(struct http_server *s, const struct listen_config *config, struct listener **out,
                  struct fault *f) must_check;
void listener_unref(struct listener *l);
/* Goes on at its address under the configuration of `from`. */
void listener_take_config(struct listener *l, struct listener *take_from);
bool listener_open(struct listener *l, struct fault *f) must_check;
void listener_close(struct listener *l);
bool listener_trusts(const struct listener *l, const struct address *peer);
void listener_resume_all(void *server);

/* ---- notice.c: log lines that strangers can cause, at most a few a second each ---- */
enum notice {
    NOTICE_REJECT,
    NOTICE_TIMEOUT,
    NOTICE_CONN_LIMIT,
    NOTICE_FILES,
    NOTICE_TLS,
    NOTICE_AUTH,
    NOTICE_COUNT
};
void notice(enum notice which, const struct address *peer, const char *why);

#endif
