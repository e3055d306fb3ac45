/* sip/listen.c - see listen.h. A datagram is a packet; a TCP stream is cut by the format's `frame`,
 * and closed where it holds none. Connections are few (a switch each) and bounded.
 */
#include "listen.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sip.h"

enum {
    PACKET_MAX = 64 * 1024,
    STREAM_MAX = 128 * 1024,
    PEERS_MAX = 64,
    DATAGRAMS_A_TURN = 256,
    READS_A_TURN = 8,
    RECEIVE_BYTES = 4 * 1024 * 1024,
};

struct peer {
    struct link link;
    struct listen *listen;
    int fd;
    struct event *event;
    struct buf bytes;
};

struct listen {
    struct input *input;
    int udp, tcp; /* -1: none */
    struct event *on_udp, *on_tcp;
    struct link peers;
    size_t peers_n;
};

static void take(struct listen *l, struct str packet) {
    cleanup(arena_clear) struct arena a;
    struct taken t = {.input = l->input};
    arena_init(&a);
    const struct format_in in = input_in(l->input, &a);
    source_take_all(&t, l->input->format->packet, &in, packet);
}

/* ---- UDP ---- */

static void on_udp(evutil_socket_t fd, short what, void *arg) {
    struct listen *l = arg;
    char packet[PACKET_MAX];
    (void)what;
    for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
        ssize_t n = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
        if (n < 0)
            return;
        if (n > 0)
            take(l, str_make(packet, (size_t)n));
    }
}

/* ---- TCP ---- */

static void peer_free(struct peer *p) {
    link_remove(&p->link);
    p->listen->peers_n--;
    event_free(p->event);
    close(p->fd);
    buf_clear(&p->bytes);
    free(p);
}

/* Takes the whole packets that are there; false: the stream holds something else. */
static bool take_frames(struct peer *p) {
    const struct format *f = p->listen->input->format;
    size_t done = 0;
    ptrdiff_t n;
    while ((n = f->frame(str_from(buf_str(&p->bytes), done))) > 0 &&
           done + (size_t)n <= p->bytes.n) {
        take(p->listen, str_upto(str_from(buf_str(&p->bytes), done), (size_t)n));
        done += (size_t)n;
    }
    buf_consume(&p->bytes, done);
    return n >= 0 && n <= STREAM_MAX;
}

static void on_peer(evutil_socket_t fd, short what, void *arg) {
    struct peer *p = arg;
    char chunk[16 * 1024];
    (void)what;
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0 || !buf_add(&p->bytes, str_make(chunk, (size_t)n)) || !take_frames(p)) {
            peer_free(p);
            return;
        }
    }
}

static void on_tcp(evutil_socket_t fd, short what, void *arg) {
    struct listen *l = arg;
    struct sip *s = l->input->source->sip;
    (void)what;
    int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (conn < 0)
        return;
    if (l->peers_n >= PEERS_MAX) {
        s->host->count(s->channel, "log_events", "too_many_peers", 1);
        close(conn);
        return;
    }
    struct peer *p = NEW(struct peer);
    p->listen = l;
    p->fd = conn;
    buf_init(&p->bytes, STREAM_MAX);
    p->event = event_new(s->host->event_base(s->channel), conn, EV_READ | EV_PERSIST, on_peer, p);
    event_add(p->event, NULL);
    list_push(&l->peers, &p->link);
    l->peers_n++;
}

/* ---- binding ---- */

static int bound(const struct addrinfo *at, int kind) {
    int on = 1, receive = RECEIVE_BYTES;
    int fd = socket(at->ai_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (kind == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    else /* a burst waits there; the system may grant less */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && (kind == SOCK_DGRAM || listen(fd, 16) == 0))
        return fd;
    close(fd);
    return -1;
}

/* "127.0.0.1:9060", "[::1]:9060"; numeric alone, names would block. */
static struct addrinfo *resolve(struct str address) {
    char host[256], port[16];
    size_t colon = address.n;
    while (colon > 0 && address.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || colon > sizeof host || address.n - colon >= sizeof port)
        return NULL;
    struct str h = str_upto(address, colon - 1), p = str_from(address, colon);
    if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
        h = str_make(h.p + 1, h.n - 2);
    memcpy(host, h.p, h.n);
    host[h.n] = '\0';
    memcpy(port, p.p, p.n);
    port[p.n] = '\0';
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *at = NULL;
    return getaddrinfo(host, port, &hints, &at) == 0 ? at : NULL;
}

struct listen *listen_new(struct input *input) {
    struct sip *s = input->source->sip;
    struct event_base *base = s->host->event_base(s->channel);
    struct addrinfo *at = resolve(input->config->listen);
    struct listen *l = NEW(struct listen);
    l->input = input;
    l->udp = at ? bound(at, SOCK_DGRAM) : -1;
    l->tcp = at && input->format->frame ? bound(at, SOCK_STREAM) : -1;
    link_init(&l->peers);
    if (at)
        freeaddrinfo(at);
    if (l->udp < 0 || (input->format->frame && l->tcp < 0))
        s->host->log(s->channel, TL_ERROR, "sip.listen", "bound=no");
    if (l->udp >= 0) {
        l->on_udp = event_new(base, l->udp, EV_READ | EV_PERSIST, on_udp, l);
        event_add(l->on_udp, NULL);
    }
    if (l->tcp >= 0) {
        l->on_tcp = event_new(base, l->tcp, EV_READ | EV_PERSIST, on_tcp, l);
        event_add(l->on_tcp, NULL);
    }
    return l;
}

void listen_free(struct listen *l) {
    if (!l)
        return;
    list_each (it, &l->peers)
        peer_free(container_of(it, struct peer, link));
    if (l->on_udp)
        event_free(l->on_udp);
    if (l->on_tcp)
        event_free(l->on_tcp);
    if (l->udp >= 0)
        close(l->udp);
    if (l->tcp >= 0)
        close(l->tcp);
    free(l);
}
