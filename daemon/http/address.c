/* http/address.c - see address.h. */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/bytes.h"

enum { BACKLOG = 1024, UNIX_MODE = 0660, MAPPED_BITS = 96 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct address *a) {
    return !a->local && memcmp(a->ip, mapped, 12) == 0;
}

static void set_v4(struct address *a, const void *four_bytes) {
    memcpy(a->ip, mapped, 12);
    memcpy(a->ip + 12, four_bytes, 4);
}

void address_of(const struct sockaddr_storage *from, struct address *out) {
    *out = (struct address){.local = false};
    if (from->ss_family == AF_INET)
        set_v4(out, &((const struct sockaddr_in *)from)->sin_addr);
    else if (from->ss_family == AF_INET6)
        memcpy(out->ip, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    else
        out->local = true;
}

bool address_parse(struct str text, struct address *out) {
    char c[INET6_ADDRSTRLEN];
    struct in_addr four;
    if (!text.n || text.n >= sizeof c || memchr(text.p, '\0', text.n))
        return false;
    memcpy(c, text.p, text.n);
    c[text.n] = '\0';
    struct address a = {.local = false};
    if (inet_pton(AF_INET, c, &four) == 1)
        set_v4(&a, &four);
    else if (inet_pton(AF_INET6, c, a.ip) != 1)
        return false;
    *out = a;
    return true;
}

void address_text(const struct address *a, char out[ADDRESS_TEXT]) {
    if (a->local)
        snprintf(out, ADDRESS_TEXT, "local");
    else if (is_v4(a))
        inet_ntop(AF_INET, a->ip + 12, out, ADDRESS_TEXT);
    else
        inet_ntop(AF_INET6, a->ip, out, ADDRESS_TEXT);
}

void address_text_masked(const struct address *a, char out[ADDRESS_TEXT]) {
    struct address net = *a;
    if (is_v4(a))
        net.ip[15] = 0;
    else
        memset(net.ip + 6, 0, 10);
    address_text(&net, out);
}

bool address_is_loopback(const struct address *a) {
    return a->local || (is_v4(a) && a->ip[12] == 127) ||
           memcmp(a->ip, &in6addr_loopback, sizeof a->ip) == 0;
}

void address_client(const struct address *a, uint8_t out[16]) {
    memcpy(out, a->ip, 16);
    if (!is_v4(a))
        memset(out + 8, 0, 8);
}

bool network_parse(struct str text, struct network *out) {
    if (str_is(text, "local")) {
        *out = (struct network){.base.local = true};
        return true;
    }
    struct network n = {.bits = 128};
    struct str bits = text, ip = str_cut(&bits, '/');
    if (!address_parse(ip, &n.base))
        return false;
    if (bits.p) {
        unsigned most = is_v4(&n.base) ? 32 : 128, value = 0;
        if (!bits.n || bits.n > 3 || !bytes_all(bits, BYTE_DIGIT))
            return false;
        for (size_t i = 0; i < bits.n; i++)
            value = value * 10 + (unsigned)(bits.p[i] - '0');
        if (value > most)
            return false;
        n.bits = most == 32 ? value + MAPPED_BITS : value;
    }
    *out = n;
    return true;
}

bool network_has(const struct network *n, const struct address *a) {
    if (n->base.local || a->local)
        return n->base.local && a->local;
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->base.ip, a->ip, whole) != 0)
        return false;
    return !rest || ((n->base.ip[whole] ^ a->ip[whole]) >> (8 - rest)) == 0;
}

/* ---- listening ---- */

static bool unix_in_use(const struct sockaddr_un *at) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool used = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        close(fd);
    return used;
}

static bool listen_unix(struct str path, int *out_fd, struct fault *f) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (!path.n || path.n >= sizeof at.sun_path)
        return fault_set(f, FAULT_INPUT, "listen", "the path of a unix socket has 1 to %zu bytes",
                         sizeof at.sun_path - 1);
    memcpy(at.sun_path, path.p, path.n);
    struct stat st;
    if (lstat(at.sun_path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode) || unix_in_use(&at))
            return fault_set(f, FAULT_STATE, "listen", "%s is in use", at.sun_path);
        unlink(at.sun_path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        chmod(at.sun_path, UNIX_MODE) != 0 || listen(fd, BACKLOG) != 0) {
        fault_sys(f, "listen", "cannot listen at %s", at.sun_path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    *out_fd = fd;
    return true;
}

/* Splits HOST:PORT; the host may be in brackets. */
static bool endpoint_split(struct str where, struct str *out_host, struct str *out_port) {
    const char *colon = where.n ? memrchr(where.p, ':', where.n) : NULL;
    if (!colon)
        return false;
    struct str host = str_upto(where, (size_t)(colon - where.p));
    struct str port = str_from(where, host.n + 1);
    if (host.n && host.p[0] == '[') {
        if (host.n < 4 || host.p[host.n - 1] != ']')
            return false;
        host = str_make(host.p + 1, host.n - 2);
    } else if (str_find(host, ':') >= 0) {
        return false;
    }
    unsigned long number = 0;
    for (size_t i = 0; i < port.n; i++)
        number = number * 10 + (unsigned long)(port.p[i] - '0');
    if (!host.n || host.n > 255 || !port.n || port.n > 5 || !bytes_all(port, BYTE_DIGIT) ||
        number > 65535)
        return false;
    *out_host = host;
    *out_port = port;
    return true;
}

bool address_form(struct str where) {
    struct str host, port;
    if (str_starts(where, str_c("unix:")))
        return where.n > 5;
    return endpoint_split(where, &host, &port);
}

static bool socket_bound(const struct addrinfo *at, int *out_fd) {
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* REUSEPORT: several daemons of one host share the address, each with a queue of its own. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        *out_fd = fd;
        return true;
    }
    int error = errno;
    close(fd);
    errno = error;
    return false;
}

bool address_listen(struct str where, int *out_fd, struct fault *f) {
    if (str_starts(where, str_c("unix:")))
        return listen_unix(str_from(where, 5), out_fd, f);
    struct str host, port;
    if (!endpoint_split(where, &host, &port))
        return fault_set(f, FAULT_INPUT, "listen",
                         "an address is HOST:PORT, [V6]:PORT or unix:PATH");
    char host_c[256], port_c[8];
    snprintf(host_c, sizeof host_c, "%.*s", STR_ARG(host));
    snprintf(port_c, sizeof port_c, "%.*s", STR_ARG(port));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int error = getaddrinfo(host_c, port_c, &hints, &found);
    if (error)
        return fault_set(f, FAULT_INPUT, "listen", "cannot resolve %s: %s", host_c,
                         gai_strerror(error));
    bool ok = socket_bound(found, out_fd);
    if (!ok)
        fault_sys(f, "listen", "cannot listen at %s port %s", host_c, port_c);
    freeaddrinfo(found);
    return ok;
}
