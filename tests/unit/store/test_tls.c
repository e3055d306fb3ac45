/* TLS to a real server with certificates made for the test: verified by authority and by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server.h"

static struct server sv;
static char ca[100], other_ca[100], url[160], dir[100];
static int port;

static void run(const char *command) {
    char line[1200];
    snprintf(line, sizeof line, "cd %s && %s >/dev/null 2>&1", sv.dir, command);
    if (system(line) != 0)
        fail_msg("%s", line);
}

static int free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &n);
    close(fd);
    return ntohs(a.sin_port);
}

static int setup(void **state) {
    (void)state;
    server_new(&sv);
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca "
        "-keyout ca.key -out ca.pem");
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=other -keyout other.key -out other.pem");
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
        "-keyout s.key -out s.csr");
    run("printf 'subjectAltName=DNS:localhost\\n' > san && openssl x509 -req -in s.csr -CA ca.pem "
        "-CAkey ca.key -CAcreateserial -days 2 -extfile san -out s.pem");
    snprintf(ca, sizeof ca, "%s/ca.pem", sv.dir);
    snprintf(other_ca, sizeof other_ca, "%s/other.pem", sv.dir);
    snprintf(dir, sizeof dir, "%s/d", sv.dir);
    char port_text[12], cert[100], key[100];
    port = free_port();
    snprintf(port_text, sizeof port_text, "%d", port);
    snprintf(cert, sizeof cert, "%s/s.pem", sv.dir);
    snprintf(key, sizeof key, "%s/s.key", sv.dir);
    const char *const options[] = {"--appendonly",
                                   "yes",
                                   "--bind",
                                   "127.0.0.1",
                                   "--tls-port",
                                   port_text,
                                   "--tls-cert-file",
                                   cert,
                                   "--tls-key-file",
                                   key,
                                   "--tls-ca-cert-file",
                                   ca,
                                   "--tls-auth-clients",
                                   "no",
                                   "--user",
                                   "touch",
                                   "on",
                                   ">geheim",
                                   "~*",
                                   "&*",
                                   "+@all",
                                   NULL};
    server_start(&sv, options);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    server_free(&sv);
    return 0;
}

static void open_with(struct bench *b, const char *host, const char *authority) {
    struct store_config config = {.tls = {.ca = str_c(authority)}, .password = str_c("geheim")};
    snprintf(url, sizeof url, "rediss://touch@%s:%d", host, port);
    *b = (struct bench){0};
    bench_open_at(b, url, dir, &config, 0);
}

static void a_verified_server_is_used_with_user_and_password(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, "localhost", ca);
    assert_true(run_until_state(&b, STORE_UP, 5000));
    assert_string_equal(ask(&b, "ACL WHOAMI").text, "touch");
    ask(&b, "SET a 1");
    assert_string_equal(ask(&b, "GET a").text, "1");
    bench_close(&b);
}

static void a_server_of_an_unknown_authority_is_not_used(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, "localhost", other_ca);
    assert_true(run_until_state(&b, STORE_DOWN, 5000));
    assert_non_null(strstr(b.why, "TLS"));
    bench_close(&b);
}

static void a_server_with_another_name_is_not_used(void **state) {
    (void)state;
    struct bench b;
    open_with(&b, "127.0.0.1", ca);
    assert_true(run_until_state(&b, STORE_DOWN, 5000));
    assert_non_null(strstr(b.why, "TLS: IP address mismatch"));
    bench_close(&b);
}

static void an_authority_that_cannot_be_read_is_a_fault_at_once(void **state) {
    (void)state;
    struct store_config config = {.tls = {.ca = str_c("/nowhere/ca.pem")}};
    struct fault f = {0};
    struct store *s;
    struct loop *l = loop_new();
    assert_false(store_open(l, &config, str_c("rediss://localhost:1"), str_c(dir), str_c("f"), 0,
                            NULL, &s, &f));
    assert_string_equal(f.place, "store/tls/ca");
    loop_free(l);
}

static void a_name_that_does_not_exist_is_down_with_its_reason(void **state) {
    (void)state;
    struct store_config config = {0};
    struct bench b = {0};
    bench_open_at(&b, "redis://nowhere.invalid:6379", dir, &config, 0);
    assert_true(run_until_state(&b, STORE_DOWN, 5000));
    assert_true(b.why[0] != '\0');
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verified_server_is_used_with_user_and_password),
        cmocka_unit_test(a_server_of_an_unknown_authority_is_not_used),
        cmocka_unit_test(a_server_with_another_name_is_not_used),
        cmocka_unit_test(an_authority_that_cannot_be_read_is_a_fault_at_once),
        cmocka_unit_test(a_name_that_does_not_exist_is_down_with_its_reason),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
