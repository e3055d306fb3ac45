/* egress/: streams to a small IMAP server of our own: it logs in by a script, then echoes. */
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
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "egress/egress.h"
#include <touchline/kit/buf.h>

enum { FLOOD = 32 * 1024 * 1024 /* more than the kernel holds */ };

/* ---- The server ---- */

static int listener = -1;
static unsigned port;
static pthread_t server;
static const char *capabilities, *verdict; /* of the login; NULL: closes without one */
static char login[512];                    /* the line it was asked with */
static size_t flooded;                     /* bytes that went out before the other side held */

static void put(int fd, const char *text) {
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool get_line(int fd, char *out, size_t max) {
    size_t n = 0;
    while (n + 1 < max && read(fd, out + n, 1) == 1)
        if (out[n++] == '\n')
            break;
    out[n] = '\0';
    return n > 0;
}

static void flood(int fd) {
    static char block[4096];
    memset(block, 'x', sizeof block);
    for (flooded = 0; flooded < FLOOD; flooded += sizeof block)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
}

static void serve(int fd) {
    char line[512], text[600];
    put(fd, "* OK ready\r\n");
    while (get_line(fd, line, sizeof line)) {
        char *rest = strchr(line, ' ');
        *rest++ = '\0';
        if (!strncmp(rest, "CAPABILITY", 10)) {
            snprintf(text, sizeof text, "* CAPABILITY IMAP4rev1 %s\r\n%s OK done\r\n", capabilities,
                     line);
        } else {
            snprintf(login, sizeof login, "%s", rest);
            if (!verdict)
                return;
            snprintf(text, sizeof text, "%s %s\r\n", line, verdict);
        }
        put(fd, text);
        if (!strncmp(rest, "AUTHENTICATE", 12) || !strncmp(rest, "LOGIN", 5))
            break;
    }
    while (get_line(fd, line, sizeof line)) {
        if (!strcmp(line, "flood\r\n"))
            flood(fd);
        else if (!strcmp(line, "bye\r\n"))
            return;
        put(fd, line);
    }
}

static void *run_server(void *arg) {
    (void)arg;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        serve(fd);
        close(fd);
    }
    return NULL;
}

static int start_server(void **state) {
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
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
    return 0;
}

/* ---- The client ---- */

static struct loop *loop;
static struct egress *egress;
static struct egress_stream *stream;
static struct {
    int up, down, denied;
    struct buf data;
    char reason[512];
} seen;
static size_t wanted; /* bytes that end the wait; 0: UP, DOWN or DENIED does */

static void on_event(void *arg, enum tl_stream_event event, struct str bytes) {
    (void)arg;
    seen.up += event == TL_STREAM_UP;
    seen.down += event == TL_STREAM_DOWN;
    seen.denied += event == TL_STREAM_DENIED;
    if (event == TL_STREAM_DATA)
        assert_true(buf_add(&seen.data, bytes));
    if (event >= TL_STREAM_DOWN)
        snprintf(seen.reason, sizeof seen.reason, "%.*s", STR_ARG(bytes));
    if (event != TL_STREAM_DATA || (wanted && seen.data.n >= wanted))
        loop_stop(loop);
}

static void too_late(void *arg) {
    (void)arg;
    fail_msg("nothing in time: up %d down %d denied %d, %zu bytes", seen.up, seen.down, seen.denied,
             seen.data.n);
}

static void await(size_t bytes) {
    struct loop_timer *bound = loop_timer_new(loop, 30000, too_late, NULL);
    wanted = bytes;
    loop_run(loop);
    loop_timer_free(bound);
}

static int setup(void **state) {
    (void)state;
    memset(&seen, 0, sizeof seen);
    buf_init(&seen.data, 2 * FLOOD);
    capabilities = "SASL-IR AUTH=PLAIN AUTH=XOAUTH2";
    verdict = "OK logged in";
    loop = loop_new();
    return egress_open(loop, &egress, NULL) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    egress_close(egress);
    loop_free(loop);
    buf_clear(&seen.data);
    return 0;
}

static void open_stream(struct tl_stream_open what) {
    char url[64];
    int before = seen.up + seen.down + seen.denied;
    snprintf(url, sizeof url, "imap://127.0.0.1:%u/", port);
    what.size = sizeof what;
    if (!what.url.p)
        what.url = str_c(url);
    what.user = str_c("support");
    what.private_allowed = true;
    stream = egress_stream_open(egress, &what, on_event, NULL);
    assert_non_null(stream);
    assert_int_equal(seen.up + seen.down + seen.denied, before); /* never from inside */
    await(0);
}

static void bytes_go_both_ways_after_the_login(void **state) {
    (void)state;
    open_stream((struct tl_stream_open){.password = STR("secret")});
    assert_int_equal(seen.up, 1);
    assert_string_equal(login, "AUTHENTICATE PLAIN AHN1cHBvcnQAc2VjcmV0\r\n");
    egress_stream_write(stream, str_c("one\r\ntw"));
    egress_stream_write(stream, str_c("o\r\n"));
    await(10);
    assert_string_equal(buf_c(&seen.data), "one\r\ntwo\r\n");
    egress_stream_write(stream, str_c("bye\r\n"));
    await(0);
    assert_int_equal(seen.down, 1);
    assert_string_equal(seen.reason, "the server closed the connection");
}

static void a_bearer_token_goes_by_xoauth2(void **state) {
    (void)state;
    open_stream((struct tl_stream_open){.bearer = STR("tok")});
    assert_int_equal(seen.up, 1);
    assert_string_equal(login, "AUTHENTICATE XOAUTH2 dXNlcj1zdXBwb3J0AWF1dGg9QmVhcmVyIHRvawEB\r\n");
    egress_stream_close(stream);
}

static void a_server_without_sasl_gets_the_plain_command(void **state) {
    (void)state;
    capabilities = "";
    open_stream((struct tl_stream_open){.password = STR("se\"cret")});
    assert_int_equal(seen.up, 1);
    assert_string_equal(login, "LOGIN support \"se\\\"cret\"\r\n");
    egress_stream_close(stream);
}

static void a_refused_login_is_told_with_the_servers_words(void **state) {
    (void)state;
    verdict = "NO [AUTHENTICATIONFAILED] go\x01 away";
    open_stream((struct tl_stream_open){.password = STR("wrong")});
    assert_int_equal(seen.denied, 1);
    assert_int_equal(seen.down, 0);
    assert_string_equal(seen.reason,
                        "the server refuses the login: NO [AUTHENTICATIONFAILED] go? away");
}

static void a_server_that_cannot_judge_now_has_not_refused(void **state) {
    (void)state;
    verdict = "NO [UNAVAILABLE] later";
    open_stream((struct tl_stream_open){.password = STR("secret")});
    assert_int_equal(seen.denied, 0);
    assert_int_equal(seen.down, 1);
    seen.down = 0;
    verdict = NULL;
    open_stream((struct tl_stream_open){.password = STR("secret")});
    assert_int_equal(seen.down, 1);
}

static void without_starttls_no_password_is_sent_where_tls_is_required(void **state) {
    (void)state;
    login[0] = '\0';
    open_stream((struct tl_stream_open){.password = STR("secret"), .tls_required = true});
    assert_int_equal(seen.down, 1);
    assert_string_equal(login, "");
}

static void only_imap_is_spoken_and_a_closed_port_is_told(void **state) {
    (void)state;
    static const char *const urls[] = {"http://127.0.0.1:1/", "imap://127.0.0.1:1/", "",
                                       "file:///"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        seen.down = 0;
        open_stream((struct tl_stream_open){.url = str_c(urls[i])});
        assert_int_equal(seen.down, 1);
        assert_true(seen.reason[0]);
    }
}

static void count_to_three(void *arg) {
    if (++*(int *)arg == 3)
        loop_stop(loop);
}

static void what_is_held_waits_and_the_server_with_it(void **state) {
    (void)state;
    open_stream((struct tl_stream_open){.password = STR("secret")});
    egress_stream_hold(stream, true);
    egress_stream_write(stream, str_c("flood\r\n"));
    size_t before = 1;
    while (before != flooded || !flooded) { /* until the server, too, stands still */
        int turns = 2;
        before = flooded;
        struct loop_timer *t = loop_timer_new(loop, 100, count_to_three, &turns);
        loop_run(loop);
        loop_timer_free(t);
    }
    assert_true(flooded < FLOOD);
    assert_int_equal(seen.data.n, 0);
    egress_stream_hold(stream, false);
    await(FLOOD + 7);
    assert_int_equal(seen.data.n, FLOOD + 7);
    egress_stream_write(stream, str_c("bye\r\n"));
    await(0);
    assert_int_equal(seen.down, 1);
}

static void closing_tells_nothing_more_and_stopping_tells_everyone(void **state) {
    (void)state;
    open_stream((struct tl_stream_open){.password = STR("secret")});
    egress_stream_write(stream, str_c("flood\r\n"));
    egress_stream_close(stream);
    open_stream((struct tl_stream_open){.password = STR("secret")});
    assert_int_equal(seen.up, 2);
    assert_int_equal(seen.data.n, 0);
    int64_t from = clock_mono_ms();
    egress_close(egress);
    assert_true(clock_mono_ms() - from < 5000);
    assert_int_equal(seen.down, 1);
    assert_string_equal(seen.reason, "the daemon is stopping");
    loop_free(loop);
    assert_int_equal(setup(NULL), 0); /* for the teardown */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways_after_the_login, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bearer_token_goes_by_xoauth2, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_without_sasl_gets_the_plain_command, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_refused_login_is_told_with_the_servers_words, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_server_that_cannot_judge_now_has_not_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_starttls_no_password_is_sent_where_tls_is_required,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(only_imap_is_spoken_and_a_closed_port_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_held_waits_and_the_server_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_tells_nothing_more_and_stopping_tells_everyone,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
