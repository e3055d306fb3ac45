/* http/wire.c - see wire.h. */
#include "http/wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES_MAX = 4, RECORD_BYTES = 16 * 1024 };

bool wire_open(struct wire *w, int fd, struct ssl_ctx_st *ctx) {
    *w = (struct wire){.fd = fd, .greeted = !ctx};
    if (!ctx)
        return true;
    w->tls = SSL_new(ctx);
    if (!w->tls || SSL_set_fd(w->tls, fd) != 1)
        return false;
    SSL_set_accept_state(w->tls);
    return true;
}

static enum wire_result plain_result(ssize_t got, size_t *out_n) {
    if (got > 0) {
        *out_n = (size_t)got;
        return WIRE_MOVED;
    }
    if (got == 0)
        return WIRE_END;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? WIRE_AGAIN : WIRE_GONE;
}

static enum wire_result tls_read(struct wire *w, char *to, size_t max, size_t *out_n) {
    ERR_clear_error();
    w->read_wants_write = false;
    int ok = SSL_read_ex(w->tls, to, max, out_n);
    if (!w->greeted)
        w->greeted = SSL_is_init_finished(w->tls);
    if (ok)
        return WIRE_MOVED;
    switch (SSL_get_error(w->tls, 0)) {
    case SSL_ERROR_WANT_READ:
        return WIRE_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        w->read_wants_write = true;
        return WIRE_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_END;
    default:
        return WIRE_GONE;
    }
}

enum wire_result wire_read(struct wire *w, char *to, size_t max, size_t *out_n) {
    if (w->tls)
        return tls_read(w, to, max, out_n);
    return plain_result(recv(w->fd, to, max, 0), out_n);
}

/* One TLS record a call; small pieces are put together, since each record costs a frame. */
static enum wire_result tls_write(struct wire *w, const struct str *pieces, size_t n,
                                  size_t *out_n) {
    char joined[RECORD_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof joined; i++) {
        struct str part = str_upto(pieces[i], sizeof joined - used);
        if (part.n)
            memcpy(joined + used, part.p, part.n);
        used += part.n;
    }
    ERR_clear_error();
    if (SSL_write_ex(w->tls, joined, used, out_n))
        return WIRE_MOVED;
    int error = SSL_get_error(w->tls, 0);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? WIRE_AGAIN : WIRE_GONE;
}

enum wire_result wire_write(struct wire *w, const struct str *pieces, size_t n, size_t *out_n) {
    if (w->tls)
        return tls_write(w, pieces, n, out_n);
    struct iovec parts[PIECES_MAX];
    struct msghdr message = {.msg_iov = parts};
    for (size_t i = 0; i < n && i < PIECES_MAX; i++)
        if (pieces[i].n)
            parts[message.msg_iovlen++] =
                (struct iovec){.iov_base = (char *)pieces[i].p, .iov_len = pieces[i].n};
    return plain_result(sendmsg(w->fd, &message, MSG_NOSIGNAL), out_n);
}

void wire_finish(struct wire *w) {
    if (w->tls && w->greeted) {
        ERR_clear_error();
        SSL_shutdown(w->tls);
    }
    shutdown(w->fd, SHUT_WR);
}

void wire_close(struct wire *w) {
    if (w->tls)
        SSL_free(w->tls);
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct wire){.fd = -1};
}
