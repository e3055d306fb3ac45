/* http/listener.c - one configured address: what it serves, and taking connections in.
 *
 * When files run out, one connection is shed with the spare descriptor and accepting pauses, so
 * that the loop does not spin on a queue that it cannot empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "http/http_priv.h"
#include "http/tls.h"

enum { ACCEPTS_A_TURN = 64, PAUSE_MS = 200, SEND_BYTES = 128 * 1024 };

/* ---- configuration ---- */

static void take_serves(struct listener *l, const struct tl_strs *serve) {
    l->api = l->open = !serve->n;
    for (size_t i = 0; i < serve->n; i++) {
        l->api |= str_is(serve->items[i], "api");
        l->open |= str_is(serve->items[i], "public");
    }
}

static void take_hosts(struct listener *l, const struct tl_strs *hosts) {
    l->hosts = arena_new(&l->arena, (hosts->n + 1) * sizeof *l->hosts);
    for (size_t i = 0; i < hosts->n; i++)
        l->hosts[l->hosts_n++] = arena_str(&l->arena, hosts->items[i]);
}

static bool take_proxies(struct listener *l, const struct tl_strs *proxies, struct fault *f) {
    l->proxies = arena_new(&l->arena, (proxies->n + 1) * sizeof *l->proxies);
    for (size_t i = 0; i < proxies->n; i++)
        if (!network_parse(proxies->items[i], &l->proxies[l->proxies_n++]))
            return fault_set(f, FAULT_INPUT, "listen/trusted_proxies", "not an address or network");
    return true;
}

bool listener_new(struct http_server *s, const struct listen_config *config, struct listener **out,
                  struct fault *f) {
    struct listener *l = NEW(struct listener);
    link_init(&l->link);
    l->server = s;
    l->refs = 1;
    l->fd = -1;
    arena_init(&l->arena);
    l->where = arena_str(&l->arena, config->address);
    take_serves(l, &config->serve);
    take_hosts(l, &config->hosts);
    bool ok = take_proxies(l, &config->trusted_proxies, f);
    if (ok && config->tls.certificate.n)
        ok = tls_context_new(config->tls.certificate, config->tls.key, l->hosts, l->hosts_n,
                             &l->tls, f);
    if (ok)
        *out = l;
    else
        listener_unref(l);
    return ok;
}

#define SWAP(a, b)                                                                                 \
    do {                                                                                           \
        __typeof__(a) swap_kept = (a);                                                             \
        (a) = (b);                                                                                 \
        (b) = swap_kept;                                                                           \
    } while (0)

void listener_take_config(struct listener *l, struct listener *from) {
    SWAP(l->arena, from->arena);
    SWAP(l->where, from->where);
    SWAP(l->api, from->api);
    SWAP(l->open, from->open);
    SWAP(l->hosts, from->hosts);
    SWAP(l->hosts_n, from->hosts_n);
    SWAP(l->proxies, from->proxies);
    SWAP(l->proxies_n, from->proxies_n);
    SWAP(l->tls, from->tls);
    listener_unref(from);
}

void listener_unref(struct listener *l) {
    if (!l || --l->refs)
        return;
    listener_close(l);
    link_remove(&l->link);
    tls_context_free(l->tls);
    arena_clear(&l->arena);
    free(l);
}

bool listener_trusts(const struct listener *l, const struct address *peer) {
    for (size_t i = 0; i < l->proxies_n; i++)
        if (network_has(&l->proxies[i], peer))
            return true;
    return false;
}

/* ---- accepting ---- */

static void pause_all(struct http_server *s) {
    list_each (it, &s->listeners) {
        struct listener *l = container_of(it, struct listener, link);
        if (l->fd >= 0)
            event_del(&l->accept_event);
    }
    loop_timer_set(s->resume, PAUSE_MS);
}

void listener_resume_all(void *server) {
    struct http_server *s = server;
    if (s->spare_fd < 0)
        s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    list_each (it, &s->listeners) {
        struct listener *l = container_of(it, struct listener, link);
        if (l->fd >= 0)
            event_add(&l->accept_event, NULL);
    }
}

static void files_are_out(struct listener *l) {
    struct http_server *s = l->server;
    notice(NOTICE_FILES, NULL, "paused");
    metric_add_label(METRIC_HTTP_REFUSED, "files", 1);
    if (s->spare_fd >= 0) {
        close(s->spare_fd);
        int shed = accept(l->fd, NULL, NULL);
        if (shed >= 0)
            close(shed);
        s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    pause_all(s);
}

/* false: no more for now. */
static bool accept_one(struct listener *l) {
    struct http_server *s = l->server;
    struct sockaddr_storage from = {.ss_family = AF_UNIX};
    socklen_t size = sizeof from;
    int fd = accept4(l->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            files_are_out(l);
        return errno == ECONNABORTED || errno == EINTR;
    }
    if ((int64_t)s->connections >= s->limits.connections) {
        struct address peer;
        address_of(&from, &peer);
        notice(NOTICE_CONN_LIMIT, &peer, "connections");
        metric_add_label(METRIC_HTTP_REFUSED, "cap", 1);
        close(fd);
        return true;
    }
    metric_add_label(METRIC_HTTP_ACCEPTED, l->where.p, 1);
    conn_accept(l, fd, &from);
    return true;
}

static void on_accept(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    struct listener *l = arg;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(l); i++)
        ;
}

bool listener_open(struct listener *l, struct fault *f) {
    int on = 1;
    if (!address_listen(l->where, &l->fd, f))
        return false;
    /* Accepted sockets inherit these: answers go out at once, dead streams are noticed, and what a
     * slow reader has not taken waits with us, where deadlines and bounds see it. */
    int send_bytes = SEND_BYTES;
    setsockopt(l->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    event_assign(&l->accept_event, loop_base(l->server->loop), l->fd, EV_READ | EV_PERSIST,
                 on_accept, l);
    event_add(&l->accept_event, NULL);
    return true;
}

void listener_close(struct listener *l) {
    if (l->fd < 0)
        return;
    event_del(&l->accept_event);
    close(l->fd);
    l->fd = -1;
    if (str_starts(l->where, str_c("unix:")))
        unlink(l->where.p + 5);
}
