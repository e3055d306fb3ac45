/* http/tls.h - TLS by certificate files (OpenSSL): 1.2 at least, no renegotiation, HTTP/1.1 only.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/fault.h>
#include <touchline/str.h>

struct ssl_ctx_st;

/* certificate: path of a PEM chain; key: PEM text. hosts, if any, must outlive the context: a
 * client that names another one is refused in the handshake. */
bool tls_context_new(struct str certificate, struct str key, const struct str *hosts,
                     size_t hosts_n, struct ssl_ctx_st **out, struct fault *f) must_check;
void tls_context_free(struct ssl_ctx_st *ctx);

#endif
