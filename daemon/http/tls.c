/* http/tls.c - see tls.h. */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "http/http_priv.h"

/* What the servername callback looks at: the listener's hosts. */
struct names {
    const struct str *hosts;
    size_t n;
};

static int names_slot(void) {
    static int slot = -1;
    if (slot < 0)
        slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return slot;
}

static bool tls_fault(struct fault *f, const char *what) {
    char text[200];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return fault_set(f, FAULT_INPUT, "listen/tls", "%s: %s", what, text);
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *offered, unsigned offered_n, void *arg) {
    (void)ssl, (void)arg;
    for (unsigned i = 0; i < offered_n; i += offered[i] + 1u) {
        if (offered[i] != 8 || i + 8 >= offered_n || memcmp(offered + i + 1, "http/1.1", 8) != 0)
            continue;
        *out = offered + i + 1;
        *out_n = 8;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int check_name(SSL *ssl, int *alert, void *arg) {
    (void)arg;
    const struct names *names = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), names_slot());
    struct str name = str_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    if (!name.p || !names || !names->n)
        return SSL_TLSEXT_ERR_OK;
    for (size_t i = 0; i < names->n; i++) {
        struct str host = names->hosts[i];
        if (str_eq_nocase(name, str_cut(&host, ':')))
            return SSL_TLSEXT_ERR_OK;
    }
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use_key(SSL_CTX *ctx, struct str key) {
    BIO *text = BIO_new_mem_buf(key.p, (int)key.n);
    EVP_PKEY *pkey = text ? PEM_read_bio_PrivateKey(text, NULL, NULL, NULL) : NULL;
    bool ok = pkey && SSL_CTX_use_PrivateKey(ctx, pkey) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(pkey);
    BIO_free(text);
    return ok;
}

static void harden(SSL_CTX *ctx) {
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* IGNORE_UNEXPECTED_EOF: what we read is framed by length, so a missing close_notify takes
     * nothing. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, check_name);
}

bool tls_context_new(struct str certificate, struct str key, const struct str *hosts,
                     size_t hosts_n, struct ssl_ctx_st **out, struct fault *f) {
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return tls_fault(f, "cannot prepare TLS");
    cleanup(mem_freep) char *path = mem_dup(certificate.p, certificate.n);
    bool ok = SSL_CTX_use_certificate_chain_file(ctx, path) == 1
                  ? use_key(ctx, key) || tls_fault(f, "the key does not fit the certificate")
                  : tls_fault(f, "cannot read the certificate");
    struct names *names = NEW(struct names);
    *names = (struct names){hosts, hosts_n};
    if (!ok || SSL_CTX_set_ex_data(ctx, names_slot(), names) != 1) {
        free(names);
        SSL_CTX_free(ctx);
        return false;
    }
    harden(ctx);
    *out = ctx;
    return true;
}

void tls_context_free(struct ssl_ctx_st *ctx) {
    if (!ctx)
        return;
    free(SSL_CTX_get_ex_data(ctx, names_slot()));
    SSL_CTX_set_ex_data(ctx, names_slot(), NULL);
    SSL_CTX_free(ctx);
}
