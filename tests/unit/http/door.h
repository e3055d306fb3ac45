/* A real front door for tests: a server on its own thread, with a few routes of the contract's
 * names, and a client that sends bytes and reads what comes back. */
#ifndef TESTS_UNIT_HTTP_DOOR_H
#define TESTS_UNIT_HTTP_DOOR_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "http/http.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/hash.h>

enum { DOOR_CLIENT_MS = 5000, DOOR_BODY_MAX = 1 << 20 };

/* Everything up to `http` is set before door_open; the rest belongs to the server's thread. */
struct door {
    struct listen_config listens[2];
    struct tl_items listen;
    struct limits_config limits;
    struct http_server *http;
    struct loop *loop;
    pthread_t thread;
    int port, port2;
    struct event *command_event;
    int command_fd;
    void (*_Atomic command)(struct door *d); /* run once on the server's thread */
    struct http_request *held[8];            /* answered by a later request to /v1/release */
    size_t held_n;
    struct http_stream *stream;
    atomic_int served, gone;
};

static inline void door_reply_text(struct http_request *r, struct str text) {
    http_reply(r, 200, "text/plain", text);
}

static inline void door_health(void *ctx, struct http_request *r) {
    (void)ctx;
    http_reply_json(r, 200, str_c("{\"state\":\"ok\"}"));
}

/* Says what it saw: length and hash of the body. */
static inline void door_take(void *ctx, struct http_request *r) {
    struct door *d = ctx;
    char text[128], hex[SHA256_HEX + 1];
    uint8_t hash[SHA256_BYTES];
    d->served++;
    sha256(http_body(r), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(text, sizeof text, "{\"bytes\":%zu,\"sha256\":\"%s\"}", http_body(r).n, hex);
    http_reply_json(r, 201, str_c(text));
}

static inline void door_say(void *ctx, struct http_request *r) {
    (void)ctx;
    struct str text =
        arena_strf(http_arena(r), "id=%.*s q=%.*s peer=%.*s who=%.*s url=%.*s",
                   STR_ARG(http_param(r, "id")), STR_ARG(http_query(r, "q")), STR_ARG(http_peer(r)),
                   STR_ARG(http_who(r)->name), STR_ARG(http_url(r)));
    door_reply_text(r, text);
}

static inline void door_large(void *ctx, struct http_request *r) {
    (void)ctx;
    int64_t n;
    if (!http_query_int(r, "bytes", 1000, 0, 64 << 20, &n)) {
        http_problem_parameter(r, 400, "bad-parameter", "bytes", "a number up to 67108864");
        return;
    }
    char *bytes = mem_new((size_t)n + 1);
    memset(bytes, 'x', (size_t)n);
    door_reply_text(r, str_make(bytes, (size_t)n));
    free(bytes);
}

static inline void door_hold(void *ctx, struct http_request *r) {
    struct door *d = ctx;
    assert(d->held_n < sizeof d->held / sizeof d->held[0]);
    d->held[d->held_n++] = r;
    d->served++;
}

static inline void door_release(void *ctx, struct http_request *r) {
    struct door *d = ctx;
    size_t n = d->held_n;
    d->held_n = 0;
    for (size_t i = 0; i < n; i++)
        door_reply_text(d->held[i], str_c("released"));
    door_reply_text(r, str_c("ok"));
}

static inline void door_gone(void *arg) {
    struct door *d = arg;
    d->stream = NULL;
    d->gone++;
}

static inline void door_events(void *ctx, struct http_request *r) {
    struct door *d = ctx;
    d->stream = http_stream_open(r, door_gone, d);
    if (d->stream)
        (void)http_stream_send(d->stream, str_c("1-1"), "snapshot", str_c("{\"tasks\":[]}"));
}

/* Faults of each kind, as http_fault tells them. */
static inline void door_fault(void *ctx, struct http_request *r) {
    (void)ctx;
    struct fault f = {0};
    struct fault_list list;
    struct str kind = http_query(r, "kind");
    fault_list_init(&list, 10);
    if (str_is(kind, "list")) {
        fault_list_set(&list, FAULT_INPUT, "/from/email", "no @");
        fault_list_set(&list, FAULT_INPUT, "/tags/0", "a \"quoted\" word");
        http_problem_list(r, 422, "invalid", &list);
        fault_list_clear(&list);
        return;
    }
    if (str_is(kind, "input"))
        fault_set(&f, FAULT_INPUT, "/from/email", "no @");
    else if (str_is(kind, "state"))
        fault_set(&f, FAULT_STATE, "", "the task is done");
    else if (str_is(kind, "busy"))
        fault_set(&f, FAULT_BUSY, "spool", "the spool is full");
    else
        fault_set(&f, FAULT_SYSTEM, "spool", "insides");
    http_fault(r, &f);
}

static inline void door_options(void *ctx, struct http_request *r) {
    (void)ctx;
    http_add_header(r, "Access-Control-Allow-Origin", str_c("http://localhost"));
    http_reply_empty(r, 204);
}

static const struct http_route door_routes[] = {
    {"GET", "/healthz", ALLOW_NONE, 0, door_health, "the process"},
    {"POST", "/v1/touchpoints", ALLOW_ADAPTER | ALLOW_OPERATOR, ROUTE_IDEMPOTENT | ROUTE_ANY_BODY,
     door_take, "push"},
    {"GET", "/v1/contacts/{id}", ALLOW_STAFF, 0, door_say, "a contact"},
    {"PATCH", "/v1/contacts/{id}", ALLOW_STAFF, 0, door_take, "change a contact"},
    {"GET", "/v1/contacts/{id}/timeline", ALLOW_STAFF, 0, door_large, "a timeline"},
    {"GET", "/v1/me", ALLOW_AGENT | ALLOW_SUPERVISOR, 0, door_say, "myself"},
    {"POST", "/v1/me/hold", ALLOW_STAFF, 0, door_hold, "waits"},
    {"POST", "/v1/me/release", ALLOW_STAFF, 0, door_release, "ends the waiting"},
    {"GET", "/v1/me/events", ALLOW_AGENT | ALLOW_SUPERVISOR, 0, door_events, "events"},
    {"GET", "/v1/me/fault", ALLOW_STAFF, 0, door_fault, "a fault"},
    {"POST", "/forms/{form}", ALLOW_NONE, ROUTE_PUBLIC, door_take, "a form"},
    {"OPTIONS", "/forms/{form}", ALLOW_NONE, ROUTE_PUBLIC, door_options, "preflight"},
};

/* A session: the token "session-of-anna" belongs to anna; asked and answered in another turn. */
struct door_lookup {
    struct door *door;
    uint8_t hash[SHA256_BYTES];
    void (*found)(void *arg, const char *agent);
    void *arg;
};

static inline void door_session_answer(void *arg) {
    struct door_lookup *l = arg;
    uint8_t wanted[SHA256_BYTES];
    sha256(str_c("session-of-anna"), wanted);
    l->found(l->arg, memcmp(wanted, l->hash, sizeof wanted) == 0 ? "anna" : NULL);
    free(l);
}

static inline void door_session(void *ctx, const uint8_t hash[32],
                                void (*found)(void *arg, const char *agent), void *arg) {
    struct door *d = ctx;
    struct door_lookup *l = NEW(struct door_lookup);
    *l = (struct door_lookup){.door = d, .found = found, .arg = arg};
    memcpy(l->hash, hash, sizeof l->hash);
    loop_later(d->loop, door_session_answer, l);
}

static inline void door_tokens(struct door *d) {
    static const struct token_config tokens[] = {
        {.name = STR("dev-adapter"), .role = 0, .trust = 1, .token = STR("dev-adapter")},
        {.name = STR("dev-operator"), .role = 1, .token = STR("dev-operator")},
    };
    static const struct agent_config agents[] = {
        {.id = STR("anna"), .token = STR("dev-anna"), .role = 0},
        {.id = STR("clara"), .token = STR("dev-clara"), .role = 1},
    };
    const struct tl_items t = {tokens, 2}, a = {agents, 2};
    const struct http_sessions sessions = {d, door_session};
    http_auth(d->http, &t, &a, &sessions);
}

static inline void door_on_command(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    struct door *d = arg;
    uint64_t n;
    void (*command)(struct door *) = d->command;
    if (read((int)fd, &n, sizeof n) == sizeof n && command)
        command(d);
    d->command = NULL;
}

static inline void *door_run(void *arg) {
    struct door *d = arg;
    loop_run(d->loop);
    return NULL;
}

/* Runs fn on the server's thread and waits until it has. */
static inline void door_do(struct door *d, void (*fn)(struct door *d)) {
    uint64_t one = 1;
    d->command = fn;
    assert(write(d->command_fd, &one, sizeof one) == sizeof one);
    while (d->command)
        sched_yield();
}

static inline void door_stop(struct door *d) {
    loop_stop(d->loop);
}

/* Defaults for what was left zero, then a server that listens. */
static inline void door_open(struct door *d) {
    struct fault f = {0};
    struct limits_config *l = &d->limits;
    l->connections = l->connections ? l->connections : 200;
    l->header_bytes = l->header_bytes ? l->header_bytes : 16 * 1024;
    l->body_bytes = l->body_bytes ? l->body_bytes : DOOR_BODY_MAX;
    l->streams_per_agent = l->streams_per_agent ? l->streams_per_agent : 2;
    for (size_t i = 0; i < 2; i++)
        if (!d->listens[i].address.p)
            d->listens[i].address = i ? str_c("[::1]:0") : str_c("127.0.0.1:0");
    if (!d->listen.n)
        d->listen = (struct tl_items){d->listens, 1};
    signal(SIGPIPE, SIG_IGN); /* as main.c does: OpenSSL writes without MSG_NOSIGNAL */
    log_setup(LOG_ERROR);     /* what strangers do is told in warnings */
    d->loop = loop_new();
    bool ok = http_open(d->loop, &d->listen, &d->limits, &d->http, &f) &&
              http_routes(d->http, door_routes, sizeof door_routes / sizeof door_routes[0], d) &&
              http_listen(d->http, &f);
    if (!ok)
        fprintf(stderr, "door: %s: %s\n", f.place, f.reason);
    assert(ok);
    door_tokens(d);
    d->port = http_port(d->http, 0);
    d->port2 = http_port(d->http, 1);
    d->command_fd = eventfd(0, EFD_CLOEXEC);
    d->command_event =
        event_new(loop_base(d->loop), d->command_fd, EV_READ | EV_PERSIST, door_on_command, d);
    event_add(d->command_event, NULL);
    pthread_create(&d->thread, NULL, door_run, d);
}

static inline void door_close(struct door *d) {
    door_do(d, door_stop);
    pthread_join(d->thread, NULL);
    event_free(d->command_event);
    close(d->command_fd);
    http_close(d->http);
    loop_free(d->loop);
}

/* ---- the client ---- */

static inline int client_connect_port(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static inline int client_connect(const struct door *d) {
    int fd = client_connect_port(d->port);
    assert(fd >= 0);
    return fd;
}

/* Sends all, or as much as the server takes before it closes. */
static inline void client_send(int fd, struct str bytes) {
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes = str_from(bytes, (size_t)n);
    }
}

/* Waits for one more piece. false: the server has closed, or was silent for wait_ms (*out_silent).
 */
static inline bool client_more(int fd, struct buf *in, int wait_ms, bool *out_silent) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    *out_silent = poll(&p, 1, wait_ms) == 0;
    char *at = *out_silent ? NULL : buf_reserve(in, 65536);
    ssize_t n = at ? recv(fd, at, 65536, 0) : 0;
    if (n > 0)
        buf_commit(in, (size_t)n);
    return n > 0;
}

/* Length of the first whole answer in `in`; 0: not whole yet. A stream counts as its head. */
static inline size_t answer_length(struct str in) {
    const char *end = in.n ? memmem(in.p, in.n, "\r\n\r\n", 4) : NULL;
    if (!end)
        return 0;
    size_t head = (size_t)(end - in.p) + 4;
    const char *length = memmem(in.p, head, "Content-Length: ", 16);
    size_t n = head + (length ? (size_t)strtoul(length + 16, NULL, 10) : 0);
    return n <= in.n ? n : 0;
}

static inline int answer_status(struct str in) {
    return in.n > 12 && memcmp(in.p, "HTTP/1.1 ", 9) == 0 ? atoi(in.p + 9) : 0;
}

/* Reads one answer into `in` (what was there first counts); the status, or 0 when none came. */
static inline int client_answer(int fd, struct buf *in, bool head_only) {
    bool silent;
    for (;;) {
        const char *end = in->n ? memmem(in->p, in->n, "\r\n\r\n", 4) : NULL;
        if (head_only ? end != NULL : answer_length(buf_str(in)) > 0)
            return answer_status(buf_str(in));
        if (!client_more(fd, in, DOOR_CLIENT_MS, &silent))
            return 0;
    }
}

/* One request on a new connection; the status. `in` gets the whole answer. */
static inline int client_once(const struct door *d, const char *request, struct buf *in) {
    int fd = client_connect(d);
    client_send(fd, str_c(request));
    int status = client_answer(fd, in, false);
    close(fd);
    return status;
}

static inline bool client_has(const struct buf *in, const char *text) {
    return in->n && memmem(in->p, in->n, text, strlen(text));
}

#endif
