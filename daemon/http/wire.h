/* http/wire.h - bytes over a socket, plain or TLS, never blocking. SIGPIPE is ignored by the
 * process. */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/str.h>

struct ssl_st;
struct ssl_ctx_st;

struct wire {
    int fd;
    struct ssl_st *tls;    /* NULL: plain */
    bool read_wants_write; /* TLS must write before it can read on */
    bool greeted;          /* the handshake is done, or there is none */
};

enum wire_result {
    WIRE_MOVED, /* *out_n bytes, at least one */
    WIRE_AGAIN, /* later */
    WIRE_END,   /* the peer has ended its direction */
    WIRE_GONE,  /* the connection is no more */
};

/* ctx NULL: plain. false: no memory. The wire owns fd in any case. */
bool wire_open(struct wire *w, int fd, struct ssl_ctx_st *ctx);
enum wire_result wire_read(struct wire *w, char *to, size_t max, size_t *out_n);
/* Sends a part of the pieces, as much as fits. */
enum wire_result wire_write(struct wire *w, const struct str *pieces, size_t n, size_t *out_n);
/* Says that nothing more will come; the other direction stays. */
void wire_finish(struct wire *w);
void wire_close(struct wire *w);

#endif
