/* http/tls.c, http/wire.c: the door behind TLS: versions, names, ends, reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "door.h"

#define GOOD "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

static struct door door;
static char dir[64], certificate[128];
static struct buf key;

/* A key and a certificate that it signed itself. */
static void write_certificate(const char *name) {
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, pkey);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
    FILE *file = fopen(certificate, "w");
    assert_non_null(file);
    PEM_write_X509(file, x);
    fclose(file);
    BIO *text = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL);
    char *p;
    long n = BIO_get_mem_data(text, &p);
    buf_reset(&key);
    assert_true(buf_add(&key, str_make(p, (size_t)n)));
    BIO_free(text);
    X509_free(x);
    EVP_PKEY_free(pkey);
}

static const struct str hosts[] = {STR("localhost")};

static int setup(void **state) {
    (void)state;
    memset(&door, 0, sizeof door);
    snprintf(dir, sizeof dir, "/tmp/touchline-tls-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(certificate, sizeof certificate, "%s/cert.pem", dir);
    buf_init(&key, 8192);
    write_certificate("first");
    door.listens[0].tls.certificate = str_c(certificate);
    door.listens[0].tls.key = buf_str(&key);
    door.listens[0].hosts = (struct tl_strs){hosts, 1};
    door_open(&door);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    door_close(&door);
    unlink(certificate);
    rmdir(dir);
    buf_clear(&key);
    return 0;
}

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

/* Connects and shakes hands; false: refused. */
static bool client_greet(struct client *c, int least, int most, const char *name) {
    c->fd = client_connect(&door);
    c->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(c->ctx, 0);
    SSL_CTX_set_min_proto_version(c->ctx, least);
    SSL_CTX_set_max_proto_version(c->ctx, most);
    c->ssl = SSL_new(c->ctx);
    SSL_set_fd(c->ssl, c->fd);
    if (name)
        SSL_set_tlsext_host_name(c->ssl, name);
    return SSL_connect(c->ssl) == 1;
}

static void client_end(struct client *c) {
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    close(c->fd);
}

static size_t ask(struct client *c, const char *request, char *answer, size_t max) {
    size_t n = 0, got;
    assert_true(SSL_write(c->ssl, request, (int)strlen(request)) > 0);
    do {
        if (!SSL_read_ex(c->ssl, answer + n, max - n - 1, &got))
            break;
        n += got;
        answer[n] = '\0';
    } while (!answer_length(str_make(answer, n)));
    return n;
}

static void a_request_over_tls_is_served_and_the_connection_kept(void **state) {
    (void)state;
    char answer[4096];
    struct client c;
    assert_true(client_greet(&c, TLS1_2_VERSION, TLS1_3_VERSION, "localhost"));
    for (int i = 0; i < 3; i++) {
        assert_true(ask(&c, GOOD, answer, sizeof answer) > 0);
        assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    }
    client_end(&c);
}

static void a_large_answer_over_tls_arrives_whole(void **state) {
    (void)state;
    enum { N = 3 << 20 };
    char *answer = mem_new(N + 4096), request[200];
    struct client c;
    snprintf(request, sizeof request,
             "GET /v1/contacts/c/timeline?bytes=%d HTTP/1.1\r\nHost: localhost\r\n"
             "Authorization: Bearer dev-anna\r\n\r\n",
             N);
    assert_true(client_greet(&c, TLS1_2_VERSION, TLS1_3_VERSION, NULL));
    assert_true(ask(&c, request, answer, N + 4096) > N);
    client_end(&c);
    free(answer);
}

static void old_versions_are_refused_and_1_2_is_not(void **state) {
    (void)state;
    static const struct {
        int version;
        bool good;
    } cases[] = {{TLS1_VERSION, false},
                 {TLS1_1_VERSION, false},
                 {TLS1_2_VERSION, true},
                 {TLS1_3_VERSION, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct client c;
        assert_int_equal(client_greet(&c, cases[i].version, cases[i].version, NULL), cases[i].good);
        client_end(&c);
    }
}

static void a_name_we_do_not_serve_is_refused_in_the_handshake(void **state) {
    (void)state;
    struct client c;
    assert_false(client_greet(&c, TLS1_2_VERSION, TLS1_3_VERSION, "evil.example"));
    client_end(&c);
}

static void renegotiation_is_refused(void **state) {
    (void)state;
    char answer[4096];
    struct client c;
    assert_true(client_greet(&c, TLS1_2_VERSION, TLS1_2_VERSION, NULL));
    assert_true(ask(&c, GOOD, answer, sizeof answer) > 0);
    assert_int_equal(SSL_renegotiate(c.ssl), 1);
    assert_int_not_equal(SSL_do_handshake(c.ssl), 1);
    client_end(&c);
}

static void noise_and_a_plain_client_do_not_trouble_the_others(void **state) {
    (void)state;
    char answer[4096];
    cleanup(buf_clear) struct buf in;
    buf_init(&in, 1 << 20);
    bool silent;
    int plain = client_connect(&door), leaver = client_connect(&door);
    client_send(plain, str_c(GOOD));
    while (client_more(plain, &in, DOOR_CLIENT_MS, &silent))
        ;
    assert_false(silent);
    close(leaver);
    struct client abrupt, c;
    assert_true(client_greet(&abrupt, TLS1_2_VERSION, TLS1_3_VERSION, NULL));
    client_end(&abrupt); /* no close_notify */
    assert_true(client_greet(&c, TLS1_2_VERSION, TLS1_3_VERSION, NULL));
    assert_true(ask(&c, GOOD, answer, sizeof answer) > 0);
    client_end(&c);
    close(plain);
}

static bool reloaded;
static struct fault reload_fault;

static void reload(struct door *d) {
    reloaded = http_reload(d->http, &d->listen, &d->limits, &reload_fault);
}

static void subject_of(struct client *c, char *name, int max) {
    X509 *x = SSL_get1_peer_certificate(c->ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, max);
    X509_free(x);
}

static void a_reload_takes_the_new_certificate_or_keeps_the_old(void **state) {
    (void)state;
    char name[64], answer[4096];
    struct client before, after;
    assert_true(client_greet(&before, TLS1_2_VERSION, TLS1_3_VERSION, NULL));
    subject_of(&before, name, sizeof name);
    assert_string_equal(name, "first");
    write_certificate("second");
    door.listens[0].tls.key = str_c("nonsense");
    door_do(&door, reload);
    assert_false(reloaded);
    assert_int_equal(reload_fault.kind, FAULT_INPUT);
    door.listens[0].tls.key = buf_str(&key);
    door_do(&door, reload);
    assert_true(reloaded);
    assert_true(client_greet(&after, TLS1_2_VERSION, TLS1_3_VERSION, NULL));
    subject_of(&after, name, sizeof name);
    assert_string_equal(name, "second");
    assert_true(ask(&before, GOOD, answer, sizeof answer) > 0);
    client_end(&before);
    client_end(&after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_request_over_tls_is_served_and_the_connection_kept),
        TEST(a_large_answer_over_tls_arrives_whole),
        TEST(old_versions_are_refused_and_1_2_is_not),
        TEST(a_name_we_do_not_serve_is_refused_in_the_handshake),
        TEST(renegotiation_is_refused),
        TEST(noise_and_a_plain_client_do_not_trouble_the_others),
        TEST(a_reload_takes_the_new_certificate_or_keeps_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
