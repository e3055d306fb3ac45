/* store/conn.c - one connection to the server: connect, TLS, AUTH, bytes out, replies in.
 *
 *   new ──connected──► (TLS) ──► AUTH ──OK──► open() ──► reply() … ──EOF, error, timeout──►
 * closed()
 *
 * The main connection, each tail and the subscriptions have one each. A callback may close the
 * connection: it is marked and freed by the reaper.
 */
#include "store/store_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/loop.h"

enum {
    COMMAND_BYTES_MAX = 64 << 20, /* of one command, in and out */
    ARGS_MAX = 1 << 16,
};

struct store_conn {
    struct store *store;
    struct store_conn_events events;
    struct bufferevent *bev;
    redisReader *reader;
    struct loop_timer *deadline; /* of connecting and AUTH */
    char broken[64];             /* why the deadline was moved to now; empty: it was not */
    bool open, closed;
};

static void conn_free(void *object) {
    struct store_conn *c = object;
    bufferevent_free(c->bev);
    redisReaderFree(c->reader);
    free(c);
}

void store_conn_close(struct store_conn *c) {
    if (!c || c->closed)
        return;
    c->closed = true;
    bufferevent_disable(c->bev, EV_READ | EV_WRITE);
    bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
    loop_timer_free(c->deadline);
    loop_reap(c->store->loop, c, conn_free);
}

static void conn_end(struct store_conn *c, const char *why) {
    if (c->closed)
        return;
    struct store_conn_events events = c->events;
    store_conn_close(c);
    events.closed(events.ctx, why);
}

static void conn_opened(struct store_conn *c) {
    c->open = true;
    loop_timer_stop(c->deadline);
    c->events.open(c->events.ctx);
}

/* Before the connection is open the only thing asked is AUTH. */
static void conn_authenticated(struct store_conn *c, const struct store_reply *r) {
    if (r->type != STORE_ERROR) {
        conn_opened(c);
        return;
    }
    char why[FAULT_REASON_MAX];
    bool soft = store_trouble_of(r->str) == TROUBLE_SOFT;
    snprintf(why, sizeof why, "%sAUTH: %.*s", soft ? "" : "refused: ", STR_ARG(r->str));
    conn_end(c, why);
}

static void conn_replies(struct store_conn *c) {
    void *reply = NULL;
    while (!c->closed && redisReaderGetReply(c->reader, &reply) == REDIS_OK && reply) {
        if (c->open)
            c->events.reply(c->events.ctx, reply);
        else
            conn_authenticated(c, reply);
        store_reply_free(reply);
        reply = NULL;
    }
    if (!c->closed && c->reader->err)
        conn_end(c, c->reader->errstr);
}

static void on_read(struct bufferevent *bev, void *arg) {
    struct store_conn *c = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t n;
    while (!c->closed && (n = evbuffer_get_contiguous_space(in)) > 0) {
        if (redisReaderFeed(c->reader, (char *)evbuffer_pullup(in, (ev_ssize_t)n), n) != REDIS_OK) {
            conn_end(c, "a reply does not fit in memory");
            return;
        }
        evbuffer_drain(in, n);
        conn_replies(c);
        if (!c->closed && c->reader->len - c->reader->pos > COMMAND_BYTES_MAX)
            conn_end(c, "a reply is larger than 64 MiB");
    }
}

static void send_auth(struct store_conn *c) {
    const struct store_address *a = &c->store->address;
    if (!a->password) {
        conn_opened(c);
        return;
    }
    struct str argv[3] = {str_c("AUTH")};
    size_t n = 1, wire_n;
    if (a->user)
        argv[n++] = str_c(a->user);
    argv[n++] = str_c(a->password);
    char *wire = store_wire(argv, n, &wire_n);
    store_conn_send(c, str_make(wire, wire_n));
    free(wire);
}

static void on_connected(struct store_conn *c) {
    int on = 1, fd = bufferevent_getfd(c->bev);
    if (!c->store->address.is_unix) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    send_auth(c);
}

/* The reason in words: of the verification, of TLS, of name resolution or of the socket. */
static void tell_error(struct store_conn *c, int error, char *out, size_t max) {
    SSL *ssl = c->store->tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;
    long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    unsigned long e = ssl ? bufferevent_get_openssl_error(c->bev) : 0;
    int dns = bufferevent_socket_get_dns_error(c->bev);
    if (verified != X509_V_OK)
        snprintf(out, max, "TLS: %s", X509_verify_cert_error_string(verified));
    else if (e)
        snprintf(out, max, "TLS: %s", ERR_reason_error_string(e));
    else if (dns)
        snprintf(out, max, "name of the server: %s", evutil_gai_strerror(dns));
    else
        snprintf(out, max, "%s", error ? strerror(error) : "connection lost");
}

static void on_event(struct bufferevent *bev, short what, void *arg) {
    (void)bev;
    struct store_conn *c = arg;
    int error = EVUTIL_SOCKET_ERROR();
    char why[256];
    if (what & BEV_EVENT_CONNECTED) {
        on_connected(c);
        return;
    }
    if (what & BEV_EVENT_EOF)
        snprintf(why, sizeof why, "the server closed the connection");
    else
        tell_error(c, error, why, sizeof why);
    conn_end(c, why);
}

static void on_deadline(void *arg) {
    struct store_conn *c = arg;
    conn_end(c, c->broken[0] ? c->broken : "no connection within 2 s");
}

/* Ends it from the loop, since the one who called is still inside. */
static void conn_break(struct store_conn *c, const char *why) {
    snprintf(c->broken, sizeof c->broken, "%s", why);
    loop_timer_set(c->deadline, 0);
}

static struct bufferevent *tls_new(struct store *s) {
    SSL *ssl = SSL_new(s->tls);
    struct in6_addr ip;
    if (!ssl)
        return NULL;
    if (inet_pton(AF_INET, s->address.host, &ip) == 1 ||
        inet_pton(AF_INET6, s->address.host, &ip) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), s->address.host);
    } else {
        SSL_set1_host(ssl, s->address.host);
        SSL_set_tlsext_host_name(ssl, s->address.host);
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        loop_base(s->loop), -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

static bool begin_connect(struct store_conn *c) {
    const struct store_address *a = &c->store->address;
    if (!a->is_unix)
        return bufferevent_socket_connect_hostname(c->bev, c->store->dns, AF_UNSPEC, a->host,
                                                   a->port) == 0;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *path = c->store->embedded ? store_embedded_socket(c->store->embedded) : a->path;
    if (strlen(path) >= sizeof un.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(un.sun_path, path, strlen(path));
    return bufferevent_socket_connect(c->bev, (struct sockaddr *)&un, sizeof un) == 0;
}

struct store_conn *store_conn_new(struct store *s, const struct store_conn_events *events) {
    struct store_conn *c = NEW(struct store_conn);
    c->store = s;
    c->events = *events;
    c->reader = store_reader_new();
    c->deadline = loop_timer_new(s->loop, STORE_CONNECT_MS, on_deadline, c);
    c->bev =
        s->tls ? tls_new(s) : bufferevent_socket_new(loop_base(s->loop), -1, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev)
        abort(); /* memory is out */
    bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    if (!begin_connect(c))
        conn_break(c, strerror(errno));
    return c;
}

void store_conn_send(struct store_conn *c, struct str wire) {
    if (!c->closed && evbuffer_add(bufferevent_get_output(c->bev), wire.p, wire.n) != 0)
        conn_break(c, "memory is out");
}

void store_conn_flush(struct store_conn *c, int64_t ms) {
    struct evbuffer *out = bufferevent_get_output(c->bev);
    struct pollfd p = {.fd = bufferevent_getfd(c->bev), .events = POLLOUT};
    int64_t until = clock_mono_ms() + ms;
    if (c->closed || !c->open || c->store->tls)
        return;
    evbuffer_unfreeze(out, 1); /* the bufferevent keeps its front to itself */
    while (evbuffer_get_length(out) && clock_mono_ms() < until && poll(&p, 1, 50) >= 0)
        if ((p.revents & POLLOUT) && evbuffer_write(out, p.fd) <= 0)
            return;
}

char *store_wire(const struct str *argv, size_t n, size_t *out_n) {
    const char **args = mem_new(n * sizeof *args);
    size_t *lengths = mem_new(n * sizeof *lengths), bytes = 0;
    char *wire = NULL;
    for (size_t i = 0; i < n; i++) {
        args[i] = argv[i].p ? argv[i].p : "";
        lengths[i] = argv[i].n;
        bytes += argv[i].n;
        if (bytes > COMMAND_BYTES_MAX)
            break;
    }
    if (n && n <= ARGS_MAX && bytes <= COMMAND_BYTES_MAX) {
        long long got = redisFormatCommandArgv(&wire, (int)n, args, lengths);
        if (got >= 0)
            *out_n = (size_t)got;
        else
            wire = NULL;
    }
    free(args);
    free(lengths);
    return wire;
}
