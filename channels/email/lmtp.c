/* lmtp.c - the listener: who may connect, where it listens, and its life. Connections: lmtp_conn.c.
 */
#include "lmtp.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <touchline/kit/own.h>

#include "lmtp_conn.h"

enum {
    CONNECTIONS_MAX = 256,
    MAILS_AT_ONCE = 4, /* mails of the largest size held by all connections together */
};

void lmtp_tell(const struct lmtp *l, enum tl_level level, const char *event, const char *text) {
    l->email->host->log(l->email->ch, level, event, text);
}

void lmtp_count(const struct lmtp *l, const char *name, const char *label) {
    l->email->host->count(l->email->ch, name, label, 1);
}

/* LMTP has no authentication: only this host may speak it. */
static bool peer_is_local(const struct sockaddr *peer) {
    if (peer->sa_family == AF_UNIX)
        return true;
    if (peer->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr) >> 24 ==
               127;
    if (peer->sa_family != AF_INET6)
        return false;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int peer_n, void *arg) {
    static const char full[] = "421 4.3.2 too many connections\r\n";
    struct lmtp *l = arg;
    (void)listener, (void)peer_n;
    if (!peer_is_local(peer)) {
        lmtp_count(l, "lmtp_connections_refused", "acl");
        lmtp_tell(l, TL_WARN, "email.lmtp.acl", "reason=peer_not_local");
        close(fd);
    } else if (l->conns_n >= CONNECTIONS_MAX) {
        lmtp_count(l, "lmtp_connections_refused", "full");
        (void)!write(fd, full, sizeof full - 1);
        close(fd);
    } else {
        lmtp_conn_new(l, fd);
    }
}

static void on_accept_error(struct evconnlistener *listener, void *arg) {
    static const struct timeval pause = {.tv_sec = 1};
    struct lmtp *l = arg;
    char text[64];
    snprintf(text, sizeof text, "errno=%d pause_s=1", EVUTIL_SOCKET_ERROR());
    lmtp_tell(l, TL_ERROR, "email.lmtp.accept", text);
    evconnlistener_disable(listener);
    event_add(l->resume, &pause);
}

static void on_reap(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    lmtp_conns_reap(arg);
}

static void on_resume(evutil_socket_t fd, short what, void *arg) {
    struct lmtp *l = arg;
    (void)fd, (void)what;
    if (!l->draining)
        evconnlistener_enable(l->listener);
}

/* A socket file that nobody answers on is left over from a daemon that was killed. */
static void unlink_stale(const struct sockaddr_un *path) {
    struct stat st;
    if (lstat(path->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)path, sizeof *path) != 0)
        unlink(path->sun_path);
    if (fd >= 0)
        close(fd);
}

/* false: neither unix:PATH nor a number with a port; "localhost" is taken for 127.0.0.1. */
static bool address_read(struct str listen, struct sockaddr_storage *out, int *out_n) {
    char text[256];
    memset(out, 0, sizeof *out);
    if (str_starts(listen, str_c("unix:"))) {
        struct sockaddr_un *un = (struct sockaddr_un *)(void *)out;
        struct str path = str_from(listen, 5);
        if (!path.n || path.n >= sizeof un->sun_path)
            return false;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, path.p, path.n);
        *out_n = sizeof *un;
        return true;
    }
    if (str_starts(listen, str_c("localhost:")))
        snprintf(text, sizeof text, "127.0.0.1:%.*s", STR_ARG(str_from(listen, 10)));
    else
        snprintf(text, sizeof text, "%.*s", STR_ARG(listen));
    *out_n = sizeof *out;
    return evutil_parse_sockaddr_port(text, (struct sockaddr *)out, out_n) == 0;
}

static struct evconnlistener *listener_new(struct lmtp *l, struct str listen) {
    struct sockaddr_storage at;
    int at_n;
    char text[400];
    struct evconnlistener *listener = NULL;
    errno = EINVAL;
    if (address_read(listen, &at, &at_n)) {
        if (at.ss_family == AF_UNIX)
            unlink_stale((const struct sockaddr_un *)(const void *)&at);
        listener = evconnlistener_new_bind(l->base, on_accept, l,
                                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE |
                                               LEV_OPT_CLOSE_ON_EXEC,
                                           128, (const struct sockaddr *)&at, at_n);
    }
    snprintf(text, sizeof text, "address=%.*s%s%s", STR_ARG(str_upto(listen, 200)),
             listener ? "" : " error=", listener ? "" : strerror(errno));
    if (listener && at.ss_family == AF_UNIX)
        (void)!chmod(((const struct sockaddr_un *)(const void *)&at)->sun_path, 0660);
    if (listener)
        evconnlistener_set_error_cb(listener, on_accept_error);
    lmtp_tell(l, listener ? TL_INFO : TL_ERROR, "email.lmtp.listen", text);
    return listener;
}

static void budget_set(struct lmtp *l) {
    l->budget.max_bytes = (size_t)l->email->config->lmtp.max_bytes * MAILS_AT_ONCE;
    if (l->budget.max_bytes < l->budget.used_bytes)
        l->budget.max_bytes = l->budget.used_bytes;
}

struct lmtp *lmtp_open(struct email *e) {
    struct lmtp *l = NEW(struct lmtp);
    l->email = e;
    l->base = e->host->event_base(e->ch);
    link_init(&l->conns);
    link_init(&l->dead);
    budget_set(l);
    if (gethostname(l->host_name, sizeof l->host_name - 1) != 0 || !l->host_name[0])
        snprintf(l->host_name, sizeof l->host_name, "localhost");
    l->reaper = event_new(l->base, -1, 0, on_reap, l);
    l->resume = event_new(l->base, -1, 0, on_resume, l);
    l->listener = listener_new(l, e->config->lmtp.listen);
    if (!l->listener) {
        lmtp_close(l);
        return NULL;
    }
    e->host->health(e->ch, str_c("lmtp"), TL_OK, "listening");
    return l;
}

bool lmtp_reload(struct lmtp *l, const struct email_config *before) {
    struct str listen = l->email->config->lmtp.listen;
    if (!str_eq(before->lmtp.listen, listen)) {
        struct evconnlistener *listener = listener_new(l, listen);
        if (!listener)
            return false;
        evconnlistener_free(l->listener);
        l->listener = listener;
    }
    budget_set(l);
    return true;
}

void lmtp_drain(struct lmtp *l) {
    l->draining = true;
    evconnlistener_disable(l->listener);
    lmtp_conns_drain(l);
}

void lmtp_close(struct lmtp *l) {
    if (!l)
        return;
    if (l->listener)
        evconnlistener_free(l->listener);
    lmtp_conns_close(l);
    event_free(l->reaper);
    event_free(l->resume);
    free(l);
}
