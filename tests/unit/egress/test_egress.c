/* egress/: the address table, and requests to a small server of our own on a free port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "egress/address.h"
#include "egress/egress.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/date.h>

/* ---- The server: one request a connection, answered by its path ---- */

static int listener = -1;
static unsigned port;
static pthread_t server;
static int held[16]; /* connections left open without an answer */
static size_t held_n;
static struct buf wire; /* the last request as it came */

static void read_request(int fd) {
    buf_reset(&wire);
    for (;;) {
        char *to = buf_reserve(&wire, 4096);
        ssize_t got = to ? read(fd, to, 4096) : 0;
        if (got <= 0)
            return;
        buf_commit(&wire, (size_t)got);
        const char *end = strstr(buf_c(&wire), "\r\n\r\n");
        const char *length = strcasestr(buf_c(&wire), "Content-Length: ");
        if (end &&
            wire.n >= (size_t)(end + 4 - wire.p) + (length ? strtoul(length + 16, 0, 10) : 0))
            return;
    }
}

static void put(int fd, const char *text) {
    assert_true(write(fd, text, strlen(text)) >= 0);
}

static void put_big(int fd) {
    char block[1000];
    memset(block, 'x', sizeof block);
    put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n");
    for (int i = 0; i < 2000; i++)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
}

static void serve(int fd) {
    read_request(fd);
    const char *path = strchr(buf_c(&wire), ' ');
    path = path ? path + 1 : "";
    char when[32], text[256];
    if (!strncmp(path, "/mute", 5)) {
        held[held_n++] = fd;
        return;
    }
    if (!strncmp(path, "/ok", 3))
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    else if (!strncmp(path, "/wait", 5))
        put(fd, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
    else if (!strncmp(path, "/until", 6)) {
        date_format_http((int64_t)time(NULL) * 1000 + 90000, when);
        snprintf(text, sizeof text,
                 "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", when);
        put(fd, text);
    } else if (!strncmp(path, "/away", 5))
        put(fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    else if (!strncmp(path, "/half", 5))
        put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf");
    else if (!strncmp(path, "/big", 4))
        put_big(fd);
    close(fd); /* "/drop" gets nothing at all */
}

static void *run_server(void *arg) {
    (void)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
        serve(fd);
    return NULL;
}

static int start_server(void **state) {
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    buf_init(&wire, 1 << 20);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&a, n) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&a, &n))
        return -1;
    port = ntohs(a.sin_port);
    return pthread_create(&server, NULL, run_server, NULL);
}

static int stop_server(void **state) {
    (void)state;
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
    close(listener);
    while (held_n)
        close(held[--held_n]);
    buf_clear(&wire);
    return 0;
}

/* ---- The client ---- */

static struct loop *loop;
static struct egress *egress;
static struct {
    int done, busy, status;
    bool maybe_sent;
    int64_t retry_after_ms;
    char body[64], error[300];
    size_t body_n;
} last;
static int wanted;

static void on_fetched(void *arg, const struct tl_fetched *a) {
    (void)arg;
    last.status = a->status;
    last.maybe_sent = a->maybe_sent;
    last.retry_after_ms = a->retry_after_ms;
    last.body_n = a->body.n;
    snprintf(last.body, sizeof last.body, "%.*s", STR_ARG(a->body));
    snprintf(last.error, sizeof last.error, "%.*s", STR_ARG(a->error));
    last.busy += !strcmp(last.error, "busy");
    if (++last.done == wanted)
        loop_stop(loop);
}

static void too_late(void *arg) {
    (void)arg;
    fail_msg("no answer in time: %d of %d", last.done, wanted);
}

static void await(int n) {
    struct loop_timer *bound = loop_timer_new(loop, 60000, too_late, NULL);
    wanted = n;
    loop_run(loop);
    loop_timer_free(bound);
}

static int setup(void **state) {
    (void)state;
    memset(&last, 0, sizeof last);
    loop = loop_new();
    return egress_open(loop, &egress, NULL) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    egress_close(egress);
    loop_free(loop);
    return 0;
}

static void fetch(struct tl_fetch what) {
    what.size = sizeof what;
    last.done = 0;
    egress_fetch(egress, &what, on_fetched, NULL);
    assert_int_equal(last.done, 0); /* never from inside */
    await(1);
}

static struct str url(const char *path) {
    static char text[128];
    snprintf(text, sizeof text, "http://127.0.0.1:%u%s", port, path);
    return str_c(text);
}

static void a_request_goes_out_as_it_was_given(void **state) {
    (void)state;
    struct tl_header headers[] = {{STR("Authorization"), STR("Bearer x")},
                                  {STR("Content-Type"), STR("application/json")},
                                  {STR("X-Empty"), STR("")}};
    fetch((struct tl_fetch){.method = STR("POST"),
                            .url = url("/ok?a=1"),
                            .headers = headers,
                            .headers_n = 3,
                            .body = STR("{\"a\":\"\0\"}"),
                            .private_allowed = true});
    assert_int_equal(last.status, 200);
    assert_string_equal(last.body, "hello");
    assert_string_equal(last.error, "");
    assert_false(last.maybe_sent);
    const char *end = strstr(buf_c(&wire), "\r\n\r\n");
    assert_non_null(end);
    assert_memory_equal(buf_c(&wire), "POST /ok?a=1 HTTP/1.1\r\n", 23);
    assert_memory_equal(end + 4, "{\"a\":\"\0\"}", 9);
    assert_non_null(strstr(buf_c(&wire), "\r\nAuthorization: Bearer x\r\n"));
    assert_non_null(strstr(buf_c(&wire), "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(buf_c(&wire), "\r\nUser-Agent: touchline/"));
    assert_null(strstr(buf_c(&wire), "Expect"));
}

static void other_methods_keep_their_names_and_add_nothing(void **state) {
    (void)state;
    static const char *const methods[] = {"GET", "PUT", "DELETE", "PATCH"};
    for (size_t i = 0; i < COUNT(methods); i++) {
        fetch((struct tl_fetch){
            .method = str_c(methods[i]), .url = url("/ok"), .private_allowed = true});
        assert_int_equal(last.status, 200);
        assert_memory_equal(buf_c(&wire), methods[i], strlen(methods[i]));
        assert_null(strcasestr(buf_c(&wire), "Content-Type"));
    }
}

static void statuses_redirects_and_retry_after_are_handed_on(void **state) {
    (void)state;
    fetch((struct tl_fetch){.method = STR("GET"), .url = url("/wait"), .private_allowed = true});
    assert_int_equal(last.status, 429);
    assert_true(last.retry_after_ms == 7000);
    fetch((struct tl_fetch){.method = STR("GET"), .url = url("/until"), .private_allowed = true});
    assert_int_equal(last.status, 503);
    assert_in_range(last.retry_after_ms, 85000, 90000);
    fetch((struct tl_fetch){.method = STR("GET"), .url = url("/away"), .private_allowed = true});
    assert_int_equal(last.status, 302);
}

static void no_answer_says_whether_it_may_have_arrived(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool maybe_sent;
    } cases[] = {{"/drop", true}, {"/half", true}, {"/mute", true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        fetch((struct tl_fetch){.method = STR("POST"),
                                .url = url(cases[i].path),
                                .body = STR("x"),
                                .timeout_ms = 400,
                                .private_allowed = true});
        assert_int_equal(last.status, 0);
        assert_int_equal(last.body_n, 0);
        assert_true(last.error[0]);
        assert_int_equal(last.maybe_sent, cases[i].maybe_sent);
    }
    fetch((struct tl_fetch){
        .method = STR("POST"), .url = STR("http://127.0.0.1:1/"), .private_allowed = true});
    assert_int_equal(last.status, 0);
    assert_false(last.maybe_sent);
}

static void an_answer_above_the_cap_is_cut_off(void **state) {
    (void)state;
    fetch((struct tl_fetch){.method = STR("GET"), .url = url("/big"), .private_allowed = true});
    assert_int_equal(last.status, 0);
    assert_int_equal(last.body_n, 0);
    assert_string_equal(last.error, "the answer is larger than 1048576 bytes");
    fetch((struct tl_fetch){
        .method = STR("GET"), .url = url("/big"), .max_bytes = 2000000, .private_allowed = true});
    assert_int_equal(last.status, 200);
    assert_int_equal(last.body_n, 2000000);
}

static void private_addresses_are_refused_however_written(void **state) {
    (void)state;
    /* A kept connection that was allowed must not help. */
    fetch((struct tl_fetch){.method = STR("GET"), .url = url("/ok"), .private_allowed = true});
    assert_int_equal(last.status, 200);
    buf_reset(&wire);
    static const char *const forms[] = {"127.0.0.1", "2130706433",         "0x7f.1",
                                        "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        char text[128];
        snprintf(text, sizeof text, "http://%s:%u/ok", forms[i], port);
        fetch((struct tl_fetch){.method = STR("GET"), .url = str_c(text)});
        assert_int_equal(last.status, 0);
        assert_string_equal(last.error, "the address is not a public one");
        assert_false(last.maybe_sent);
    }
    assert_int_equal(wire.n, 0);
}

static void what_is_no_http_request_is_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"",
                                       "file:///etc/passwd",
                                       "gopher://127.0.0.1/x",
                                       "http://127.0.0.1/a b",
                                       "http://127.0.0.1/\r\nX: y",
                                       "http://user:pw@127.0.0.1/",
                                       "127.0.0.1:1/x y",
                                       "ftp://x/"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        fetch((struct tl_fetch){
            .method = STR("GET"), .url = str_c(urls[i]), .private_allowed = true});
        assert_int_equal(last.status, 0);
        assert_true(last.error[0]);
        assert_false(last.maybe_sent);
    }
    struct tl_header bad[] = {{STR("X"), STR("a\r\nY: b")},
                              {STR("X Y"), STR("a")},
                              {STR(""), STR("a")},
                              {STR("X:"), STR("a")}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        fetch((struct tl_fetch){.method = STR("GET"),
                                .url = url("/ok"),
                                .headers = &bad[i],
                                .headers_n = 1,
                                .private_allowed = true});
        assert_string_equal(last.error, "a header holds bytes that are not allowed");
    }
    fetch((struct tl_fetch){.method = STR("GET /"), .url = url("/ok"), .private_allowed = true});
    assert_string_equal(last.error, "not a method");
}

static void beyond_256_the_answer_is_busy_and_closing_tells_everyone(void **state) {
    (void)state;
    struct tl_fetch what = {.size = sizeof what,
                            .method = STR("GET"),
                            .url = STR("http://127.0.0.1:1/"),
                            .private_allowed = true};
    for (int i = 0; i < 256; i++)
        egress_fetch(egress, &what, on_fetched, NULL);
    egress_fetch(egress, &what, on_fetched, NULL);
    assert_int_equal(last.done, 0);
    await(257);
    assert_int_equal(last.busy, 1);
    what.url = url("/mute");
    what.timeout_ms = 60000;
    last.done = 0;
    for (int i = 0; i < 3; i++)
        egress_fetch(egress, &what, on_fetched, NULL);
    int64_t from = clock_mono_ms();
    egress_close(egress);
    assert_true(clock_mono_ms() - from < 10000);
    assert_int_equal(last.done, 3);
    assert_string_equal(last.error, "the daemon is stopping");
    loop_free(loop);
    assert_int_equal(setup(NULL), 0); /* for the teardown */
}

/* ---- The table ---- */

static bool allowed(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_public((struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_public((struct sockaddr *)&v6);
}

static void only_public_addresses_pass(void **state) {
    (void)state;
    static const char *const refused[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2001:10::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "4000::1",
    };
    static const char *const passed[] = {
        "1.1.1.1",       "9.255.255.255",   "11.0.0.0",      "100.63.255.255", "100.128.0.0",
        "128.0.0.1",     "172.15.0.1",      "172.32.0.1",    "192.0.1.1",      "192.167.1.1",
        "198.17.0.1",    "198.20.0.1",      "223.255.255.1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
        "2001:4860::88", "2a00:1450::200e", "2606:4700::1",  "2003::1",
    };
    for (size_t i = 0; i < COUNT(refused); i++)
        if (allowed(refused[i]))
            fail_msg("%s passed", refused[i]);
    for (size_t i = 0; i < COUNT(passed); i++)
        if (!allowed(passed[i]))
            fail_msg("%s was refused", passed[i]);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(address_public(&other));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_public_addresses_pass),
        TEST(a_request_goes_out_as_it_was_given),
        TEST(other_methods_keep_their_names_and_add_nothing),
        TEST(statuses_redirects_and_retry_after_are_handed_on),
        TEST(no_answer_says_whether_it_may_have_arrived),
        TEST(an_answer_above_the_cap_is_cut_off),
        TEST(private_addresses_are_refused_however_written),
        TEST(what_is_no_http_request_is_refused),
        TEST(beyond_256_the_answer_is_busy_and_closing_tells_everyone),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
