/* egress/stream_wire.c - the thread's half of streams: libcurl connects and logs in, then raw
 * bytes.
 *
 *   OPEN ─► curl (CONNECT_ONLY): resolve, connect, TLS, CAPABILITY, AUTHENTICATE ─► UP
 *           then curl_easy_recv and curl_easy_send on its socket, non-blocking ─► DOWN
 *
 * Each connection has a multi handle of its own: ending it ends the connection, at once and without
 * a LOGOUT that a silent server could make us wait for. The handle must stay in its multi while the
 * bytes flow, since libcurl finds the connection through it.
 */
#include "egress/stream_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/buf.h>

#include "base/loop.h"
#include "base/thread.h"
#include "egress/address.h"
#include "egress/egress_priv.h"
#include "egress/multi.h"

enum { TIMEOUT_MS = 30000, PIECE = 32 * 1024, HEARD_MAX = 256, IDLE_S = 60, INTERVAL_S = 30 };

struct stream_thread {
    struct loop *loop;
    struct transfer_queues *queues;
    struct event *bell;
    struct link wires;
};

/* One connection. Ends as a husk (`over`) that waits for CLOSE. */
struct wire {
    struct link link;
    struct stream_thread *owner;
    struct egress_stream *stream;
    struct multi multi;
    CURL *easy;
    struct event *io; /* from UP on */
    short watched;
    struct link unsent; /* WRITE messages; the bytes must not move until they are sent (TLS) */
    size_t first_sent;  /* bytes of the first of them */
    size_t unread;      /* bytes told and not yet credited */
    bool blocked, over;
    char error[CURL_ERROR_SIZE];
    char heard[HEARD_MAX]; /* the server's last line while logging in */
};

static void tell(struct wire *w, enum tl_stream_event event, struct str bytes) {
    struct stream_message *m = stream_message_new(STREAM_TELL, w->stream, bytes);
    m->event = event;
    queue_push_always(w->owner->queues->stream_out, m);
}

static void wire_hang_up(struct wire *w) {
    if (w->io)
        event_free(steal(&w->io));
    if (!w->easy)
        return;
    curl_multi_remove_handle(w->multi.curl, w->easy);
    curl_easy_cleanup(steal(&w->easy));
    multi_clear(&w->multi);
}

/* Told once; the connection itself is let go with CLOSE, since we may be called by its handle. */
static void wire_end(struct wire *w, enum tl_stream_event event, const char *why) {
    if (w->over)
        return;
    w->over = true;
    if (w->io)
        event_del(w->io);
    tell(w, event, str_c(why));
}

/* ---- Connecting ---- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
    struct wire *w = arg;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (!w->stream->setup.private_allowed && !address_public(&a->addr)) {
        w->blocked = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* The server's answers while libcurl logs in: the last one says why it did not work. */
static size_t hear(char *p, size_t size, size_t n, void *arg) {
    struct wire *w = arg;
    struct str line = str_trim(str_make(p, size * n));
    if (line.n) {
        snprintf(w->heard, sizeof w->heard, "%.*s", STR_ARG(str_upto(line, HEARD_MAX - 1)));
        for (char *c = w->heard; *c; c++)
            if (!isprint((unsigned char)*c))
                *c = '?';
    }
    return size * n;
}

static bool set_login(struct wire *w) {
    const struct stream_setup *s = &w->stream->setup;
    CURL *h = w->easy;
    if (s->user && curl_easy_setopt(h, CURLOPT_USERNAME, s->user))
        return false;
    /* Without the option libcurl would take OAUTHBEARER where both are offered. */
    if (s->bearer)
        return !curl_easy_setopt(h, CURLOPT_LOGIN_OPTIONS, "AUTH=XOAUTH2") &&
               !curl_easy_setopt(h, CURLOPT_XOAUTH2_BEARER, s->bearer);
    return !s->password || !curl_easy_setopt(h, CURLOPT_PASSWORD, s->password);
}

static bool set_tls(struct wire *w) {
    const struct stream_setup *s = &w->stream->setup;
    CURL *h = w->easy;
    if (s->ca &&
        (curl_easy_setopt(h, CURLOPT_CAINFO, s->ca) || curl_easy_setopt(h, CURLOPT_CAPATH, NULL)))
        return false;
    return !curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) &&
           !curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) &&
           !curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           !curl_easy_setopt(h, CURLOPT_USE_SSL,
                             (long)(s->tls_required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
}

static bool set_options(struct wire *w) {
    const struct stream_setup *s = &w->stream->setup;
    CURL *h = w->easy;
    long timeout_ms = s->timeout_ms ? (long)s->timeout_ms : TIMEOUT_MS;
    return !curl_easy_setopt(h, CURLOPT_URL, s->url ? s->url : "") &&
           !curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps") &&
           !curl_easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L) &&
           !curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) && !curl_easy_setopt(h, CURLOPT_PROXY, "") &&
           !curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L) &&
           !curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           !curl_easy_setopt(h, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) &&
           !curl_easy_setopt(h, CURLOPT_SASL_IR, 1L) &&
           !curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) &&
           !curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout_ms) &&
           !curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L) &&
           !curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, (long)IDLE_S) &&
           !curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, (long)INTERVAL_S) &&
           !curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket) &&
           !curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, w) &&
           !curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, hear) &&
           !curl_easy_setopt(h, CURLOPT_HEADERDATA, w) &&
           !curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, hear) &&
           !curl_easy_setopt(h, CURLOPT_WRITEDATA, w) &&
           !curl_easy_setopt(h, CURLOPT_ERRORBUFFER, w->error) && set_login(w) && set_tls(w);
}

/* A server that cannot look at passwords now has not refused this one (RFC 5530). */
static bool only_now(const char *heard) {
    static const char *const codes[] = {"[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]",
                                        "* BYE"};
    for (size_t i = 0; i < COUNT(codes); i++)
        if (strcasestr(heard, codes[i]))
            return true;
    return false;
}

static void wire_failed(struct wire *w, CURLcode code) {
    char why[HEARD_MAX + CURL_ERROR_SIZE + 64];
    bool denied = code == CURLE_LOGIN_DENIED || code == CURLE_AUTH_ERROR;
    const char *error = w->error[0] ? w->error : curl_easy_strerror(code);
    const char *heard = strchr(w->heard, ' '); /* without its tag */
    if (w->blocked && code == CURLE_COULDNT_CONNECT)
        snprintf(why, sizeof why, "the address is not a public one");
    else if (denied && heard)
        snprintf(why, sizeof why, "the server refuses the login: %s", heard + 1);
    else
        snprintf(why, sizeof why, "%s", error);
    wire_end(w, denied && !only_now(w->heard) ? TL_STREAM_DENIED : TL_STREAM_DOWN, why);
}

/* ---- Bytes ---- */

static void wire_broken(struct wire *w, CURLcode code) {
    char why[CURL_ERROR_SIZE + 64];
    snprintf(why, sizeof why, "the connection broke: %s",
             w->error[0] ? w->error : curl_easy_strerror(code));
    wire_end(w, TL_STREAM_DOWN, why);
}

/* Until nothing more is there: what TLS has decoded already makes no socket readable. */
static void wire_read(struct wire *w) {
    char piece[PIECE];
    while (!w->over && w->unread < STREAM_WINDOW) {
        size_t n = 0;
        CURLcode code = curl_easy_recv(w->easy, piece, sizeof piece, &n);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK) {
            wire_broken(w, code);
        } else if (!n) {
            wire_end(w, TL_STREAM_DOWN, "the server closed the connection");
        } else {
            w->unread += n;
            tell(w, TL_STREAM_DATA, str_make(piece, n));
        }
    }
}

static void wire_write(struct wire *w) {
    struct link *l;
    while (!w->over && (l = list_first(&w->unsent))) {
        struct stream_message *m = container_of(l, struct stream_message, link);
        size_t n = 0;
        CURLcode code = curl_easy_send(w->easy, m->bytes + w->first_sent, m->n - w->first_sent, &n);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK) {
            wire_broken(w, code);
            return;
        }
        w->first_sent += n;
        if (w->first_sent < m->n)
            continue;
        link_remove(l);
        w->first_sent = 0;
        m->verb = STREAM_SENT;
        queue_push_always(w->owner->queues->stream_out, m);
    }
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static void wire_watch(struct wire *w) {
    short wanted = (short)(EV_PERSIST | (w->unread < STREAM_WINDOW ? EV_READ : 0) |
                           (list_first(&w->unsent) ? EV_WRITE : 0));
    if (w->over || !w->io || wanted == w->watched)
        return;
    event_del(w->io);
    event_assign(w->io, loop_base(w->owner->loop), event_get_fd(w->io), wanted, on_io, w);
    w->watched = wanted;
    if (wanted & (EV_READ | EV_WRITE))
        event_add(w->io, NULL);
}

static void wire_pump(struct wire *w) {
    if (!w->io || w->over)
        return;
    wire_write(w);
    wire_read(w);
    wire_watch(w);
}

static void on_io(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    wire_pump(arg);
}

static void on_done(struct multi *m, CURL *easy, CURLcode code) {
    struct wire *w = m->arg;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK &&
        (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD))
        code = CURLE_COULDNT_CONNECT;
    if (code != CURLE_OK) {
        wire_failed(w, code);
        return;
    }
    w->error[0] = '\0';
    w->watched = EV_PERSIST;
    w->io = event_new(loop_base(w->owner->loop), fd, w->watched, on_io, w);
    tell(w, TL_STREAM_UP, STR_NONE);
    wire_pump(w);
}

static void wire_open(struct stream_thread *t, struct egress_stream *s) {
    struct wire *w = NEW(struct wire);
    w->owner = t;
    w->stream = s;
    s->wire = w;
    link_init(&w->unsent);
    list_push(&t->wires, &w->link);
    w->easy = curl_easy_init();
    if (w->easy) {
        multi_init(&w->multi, t->loop, on_done, w);
        if (set_options(w) && curl_multi_add_handle(w->multi.curl, w->easy) == CURLM_OK)
            return;
    }
    wire_end(w, TL_STREAM_DOWN, w->error[0] ? w->error : "the connection could not be set up");
}

static void wire_free(struct wire *w) {
    struct link *l;
    wire_hang_up(w);
    while ((l = list_first(&w->unsent))) {
        link_remove(l);
        free(container_of(l, struct stream_message, link));
    }
    link_remove(&w->link);
    free(w);
}

/* ---- What the loop says ---- */

static void take(struct stream_thread *t, struct stream_message *take_m) {
    struct egress_stream *s = take_m->stream;
    struct wire *w = s->wire;
    switch (take_m->verb) {
    case STREAM_OPEN:
        wire_open(t, s);
        break;
    case STREAM_WRITE:
        list_push(&w->unsent, &take_m->link);
        wire_pump(w);
        return;
    case STREAM_CREDIT:
        w->unread -= take_m->n;
        wire_pump(w);
        break;
    case STREAM_CLOSE:
        wire_free(w);
        queue_push_always(t->queues->stream_out, stream_message_new(STREAM_GONE, s, STR_NONE));
        break;
    case STREAM_TELL:
    case STREAM_SENT:
    case STREAM_GONE:
        break;
    }
    free(take_m);
}

static void on_bell(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct stream_thread *t = arg;
    void *items[16];
    size_t n = queue_take(t->queues->stream_in, items, COUNT(items));
    for (size_t i = 0; i < n; i++)
        take(t, items[i]);
}

struct stream_thread *stream_thread_new(struct loop *loop, struct transfer_queues *queues) {
    must_run_on(THREAD_EGRESS);
    struct stream_thread *t = NEW(struct stream_thread);
    t->loop = loop;
    t->queues = queues;
    link_init(&t->wires);
    t->bell =
        event_new(loop_base(loop), queue_fd(queues->stream_in), EV_READ | EV_PERSIST, on_bell, t);
    event_add(t->bell, NULL);
    return t;
}

void stream_thread_free(struct stream_thread *t) {
    struct link *l;
    event_free(t->bell);
    while ((l = list_first(&t->wires)))
        wire_free(container_of(l, struct wire, link));
    free(t);
}
