/* http/: what ends by itself: deadlines, caps, files that run out; and what a reload changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "door.h"
#include "http/http_priv.h"

#define HOST "Host: localhost\r\n"
#define ANNA "Authorization: Bearer dev-anna\r\n"
#define GOOD "GET /healthz HTTP/1.1\r\n" HOST "\r\n"

enum { SHORT_MS = 300 };

static struct door door;

static int setup(void **state) {
    (void)state;
    memset(&door, 0, sizeof door);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    door_close(&door);
    return 0;
}

static struct buf answer_new(void) {
    struct buf b;
    buf_init(&b, 64 << 20);
    return b;
}

/* Only the deadline under test is short. */
static void shorten(enum phase p) {
    door.http->deadlines_ms[p] = SHORT_MS;
}

static void shorten_header(struct door *d) {
    (void)d;
    shorten(PHASE_HEAD);
}
static void shorten_body(struct door *d) {
    (void)d;
    shorten(PHASE_BODY);
}
static void shorten_idle(struct door *d) {
    (void)d;
    shorten(PHASE_IDLE);
}
static void shorten_write(struct door *d) {
    d->http->write_deadline_ms = SHORT_MS;
}

/* Sends a byte every 20 ms until the server closes; the status of what it said, if anything. */
static int drip(int fd, const char *bytes) {
    cleanup(buf_clear) struct buf in = answer_new();
    bool silent = true;
    for (size_t i = 0; silent && i < 500; i++) {
        if (bytes[i % strlen(bytes)])
            client_send(fd, str_make(&bytes[i % strlen(bytes)], 1));
        if (client_more(fd, &in, 20, &silent))
            silent = true;
    }
    assert_false(silent);
    return answer_status(buf_str(&in));
}

static void a_dripping_header_ends_at_its_deadline_with_408(void **state) {
    (void)state;
    door_open(&door);
    door_do(&door, shorten_header);
    int fd = client_connect(&door);
    client_send(fd, str_c("GET / HTTP/1.1\r\nX: "));
    assert_int_equal(drip(fd, "x"), 408);
    close(fd);
}

static void a_dripping_body_ends_at_its_deadline_with_408(void **state) {
    (void)state;
    door_open(&door);
    door_do(&door, shorten_body);
    int fd = client_connect(&door);
    client_send(fd, str_c("POST /forms/a HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n"));
    assert_int_equal(drip(fd, "x"), 408);
    close(fd);
}

static void an_idle_connection_is_closed_in_silence(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    door_open(&door);
    door_do(&door, shorten_idle);
    int fd = client_connect(&door);
    client_send(fd, str_c(GOOD));
    assert_int_equal(client_answer(fd, &in, false), 200);
    buf_reset(&in);
    bool silent;
    assert_false(client_more(fd, &in, DOOR_CLIENT_MS, &silent));
    assert_false(silent);
    assert_int_equal(in.n, 0);
    close(fd);
}

static void an_answer_nobody_reads_is_given_up(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    door_open(&door);
    door_do(&door, shorten_write);
    int fd = client_connect(&door);
    client_send(fd,
                str_c("GET /v1/contacts/c/timeline?bytes=50000000 HTTP/1.1\r\n" HOST ANNA "\r\n"));
    /* Not reading: what arrives shows only that the answer is under way. The server's reset shows
     * the end. */
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    assert_int_equal(poll(&p, 1, DOOR_CLIENT_MS), 1);
    close(fd);
    assert_int_equal(client_once(&door, GOOD, &in), 200);
}

static void an_address_has_so_many_connections_and_no_more(void **state) {
    (void)state;
    enum { CAP = 4 };
    cleanup(buf_clear) struct buf in = answer_new(), none = answer_new();
    bool silent;
    int fds[CAP];
    door.limits.per_address = CAP;
    door_open(&door);
    for (int i = 0; i < CAP; i++) {
        fds[i] = client_connect(&door);
        client_send(fds[i], str_c(GOOD));
        assert_int_equal(client_answer(fds[i], &in, false), 200);
        buf_reset(&in);
    }
    int more = client_connect(&door);
    assert_false(client_more(more, &none, DOOR_CLIENT_MS, &silent));
    assert_false(silent);
    close(more);
    client_send(fds[0], str_c(GOOD));
    assert_int_equal(client_answer(fds[0], &in, false), 200);
    buf_reset(&in);
    for (int i = 0; i < CAP; i++)
        close(fds[i]);
    while (client_once(&door, GOOD, &in) != 200)
        buf_reset(&in);
}

static void all_together_have_so_many_connections_and_no_more(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new(), none = answer_new();
    bool silent;
    door.limits.connections = 2;
    door_open(&door);
    int a = client_connect(&door), b = client_connect(&door);
    client_send(a, str_c(GOOD));
    assert_int_equal(client_answer(a, &in, false), 200);
    client_send(b, str_c(GOOD));
    buf_reset(&in);
    assert_int_equal(client_answer(b, &in, false), 200);
    int c = client_connect(&door);
    assert_false(client_more(c, &none, DOOR_CLIENT_MS, &silent));
    assert_false(silent);
    close(a);
    close(b);
    close(c);
}

static int64_t cpu_ms(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void when_files_run_out_the_door_waits_and_opens_again(void **state) {
    (void)state;
    enum { CONNECTIONS = 60 };
    struct rlimit before, few;
    cleanup(buf_clear) struct buf in = answer_new();
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fds[CONNECTIONS];
    door_open(&door);
    at.sin_port = htons((uint16_t)door.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int first = client_connect(&door);
    client_send(first, str_c(GOOD));
    assert_int_equal(client_answer(first, &in, false), 200);
    getrlimit(RLIMIT_NOFILE, &before);
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    few = before;
    few.rlim_cur = (rlim_t)fds[CONNECTIONS - 1] + 3; /* some of them find a file, most do not */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < CONNECTIONS; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&at, sizeof at), 0);
    int64_t cpu = cpu_ms(), began = clock_mono_ms();
    for (int i = 0; i < 20; i++) { /* those who are in are served meanwhile */
        buf_reset(&in);
        client_send(first, str_c(GOOD));
        assert_int_equal(client_answer(first, &in, false), 200);
        struct pollfd nothing = {.fd = -1};
        poll(&nothing, 1, 40);
    }
    assert_true(cpu_ms() - cpu < (clock_mono_ms() - began) / 4);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    setrlimit(RLIMIT_NOFILE, &before);
    buf_reset(&in);
    assert_int_equal(client_once(&door, GOOD, &in), 200);
    close(first);
}

/* ---- what a listener is told ---- */

static void only_configured_hosts_are_served(void **state) {
    (void)state;
    static const struct str hosts[] = {STR("contact.example.org"), STR("[::1]"),
                                       STR("other.example:8443")};
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /healthz HTTP/1.1\r\nHost: contact.example.org\r\n\r\n", 200},
        {"GET /healthz HTTP/1.1\r\nHost: CONTACT.example.org:8480\r\n\r\n", 200},
        {"GET /healthz HTTP/1.1\r\nHost: [::1]:8480\r\n\r\n", 200},
        {"GET /healthz HTTP/1.1\r\nHost: other.example:8443\r\n\r\n", 200},
        {"GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n", 421},
        {"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
        {"GET /healthz HTTP/1.1\r\nHost: contact.example.org.evil\r\n\r\n", 421},
    };
    door.listens[0].hosts = (struct tl_strs){hosts, COUNT(hosts)};
    door_open(&door);
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf in = answer_new();
        assert_int_equal(client_once(&door, cases[i].request, &in), cases[i].status);
    }
}

static void a_listener_serves_its_class_alone(void **state) {
    (void)state;
    static const struct str open_only[] = {STR("public")};
    cleanup(buf_clear) struct buf in = answer_new();
    door.listens[0].serve = (struct tl_strs){open_only, 1};
    door_open(&door);
    assert_int_equal(client_once(&door, GOOD, &in), 404);
    buf_reset(&in);
    assert_int_equal(client_once(&door, "OPTIONS /forms/a HTTP/1.1\r\n" HOST "\r\n", &in), 204);
}

#define SAY "GET /v1/contacts/c HTTP/1.1\r\n" HOST ANNA

static void only_a_trusted_proxy_names_the_client_and_only_its_last_hop_counts(void **state) {
    (void)state;
    static const struct str proxies[] = {STR("127.0.0.0/8")};
    static const struct {
        const char *request, *has;
    } trusted[] = {
        {SAY "X-Forwarded-For: 192.0.2.7\r\n\r\n", "peer=192.0.2.7 "},
        {SAY "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\n\r\n", "peer=192.0.2.7 "},
        {SAY "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 2001:db8::7\r\n\r\n",
         "peer=2001:db8::7 "},
        {SAY "X-Forwarded-For: 192.0.2.7, <script>\r\n\r\n", "peer=127.0.0.1 "},
        {SAY "X-Forwarded-Proto: https\r\n\r\n", "url=http://"},
        {SAY "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n", "url=https://"},
    };
    door.listens[0].trusted_proxies = (struct tl_strs){proxies, 1};
    door_open(&door);
    for (size_t i = 0; i < COUNT(trusted); i++) {
        cleanup(buf_clear) struct buf in = answer_new();
        assert_int_equal(client_once(&door, trusted[i].request, &in), 200);
        assert_true(client_has(&in, trusted[i].has));
    }
}

static void a_stranger_names_nobody(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    door_open(&door);
    client_once(&door, SAY "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n", &in);
    assert_true(client_has(&in, "peer=127.0.0.1 ") && client_has(&in, "url=http://"));
}

/* ---- reload ---- */

static bool reloaded;

static void reload_with_second(struct door *d) {
    struct fault f = {0};
    d->listen.n = 2;
    reloaded = http_reload(d->http, &d->listen, &d->limits, &f);
    d->port2 = http_port(d->http, 1);
}

static void reload_without_first(struct door *d) {
    struct fault f = {0};
    struct tl_items second = {d->listens + 1, 1};
    reloaded = http_reload(d->http, &second, &d->limits, &f);
}

static void reload_broken(struct door *d) {
    static const struct str proxies[] = {STR("nonsense")};
    struct fault f = {0};
    struct listen_config broken = d->listens[0];
    broken.trusted_proxies = (struct tl_strs){proxies, 1};
    const struct tl_items items = {&broken, 1};
    reloaded = http_reload(d->http, &items, &d->limits, &f);
}

static void a_reload_opens_and_closes_listeners_and_keeps_connections(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    door.listens[1].address = str_c("127.0.0.2:0");
    door_open(&door);
    int fd = client_connect(&door);
    client_send(fd, str_c(GOOD));
    assert_int_equal(client_answer(fd, &in, false), 200);
    door_do(&door, reload_broken);
    assert_false(reloaded);
    door_do(&door, reload_with_second);
    assert_true(reloaded);
    assert_true(door.port2 > 0);
    door_do(&door, reload_without_first);
    assert_true(reloaded);
    assert_int_equal(client_connect_port(door.port), -1);
    buf_reset(&in);
    client_send(fd, str_c(GOOD));
    assert_int_equal(client_answer(fd, &in, false), 200);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_dripping_header_ends_at_its_deadline_with_408),
        TEST(a_dripping_body_ends_at_its_deadline_with_408),
        TEST(an_idle_connection_is_closed_in_silence),
        TEST(an_answer_nobody_reads_is_given_up),
        TEST(an_address_has_so_many_connections_and_no_more),
        TEST(all_together_have_so_many_connections_and_no_more),
        TEST(when_files_run_out_the_door_waits_and_opens_again),
        TEST(only_configured_hosts_are_served),
        TEST(a_listener_serves_its_class_alone),
        TEST(only_a_trusted_proxy_names_the_client_and_only_its_last_hop_counts),
        TEST(a_stranger_names_nobody),
        TEST(a_reload_opens_and_closes_listeners_and_keeps_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
