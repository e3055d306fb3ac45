/* http/: the server over real sockets: order, keep-alive, deadlines of the client's making,
 * streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door.h"

static struct door door;

static int setup(void **state) {
    (void)state;
    memset(&door, 0, sizeof door);
    door_open(&door);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    door_close(&door);
    return 0;
}

static struct buf answer_new(void) {
    struct buf b;
    buf_init(&b, 128 << 20);
    return b;
}

#define HOST "Host: localhost\r\n"
#define ANNA "Authorization: Bearer dev-anna\r\n"
#define ADAPTER "Authorization: Bearer dev-adapter\r\n"

static void a_good_request_gets_its_answer_and_the_house_headers(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    assert_int_equal(client_once(&door, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", &in), 200);
    assert_true(client_has(&in, "\r\nDate: "));
    assert_true(client_has(&in, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(client_has(&in, "\r\nReferrer-Policy: no-referrer\r\n"));
    assert_true(client_has(&in, "{\"state\":\"ok\"}"));
    assert_false(client_has(&in, "Connection: close"));
}

static void one_connection_serves_a_thousand_pipelined_requests_in_order(void **state) {
    (void)state;
    enum { N = 1000 };
    cleanup(buf_clear) struct buf all = answer_new(), in = answer_new();
    for (int i = 0; i < N; i++)
        assert_true(buf_addf(&all, "GET /v1/contacts/c_%d HTTP/1.1\r\n" HOST ANNA "\r\n", i));
    int fd = client_connect(&door);
    client_send(fd, buf_str(&all));
    for (int i = 0; i < N; i++) {
        char wanted[32];
        assert_int_equal(client_answer(fd, &in, false), 200);
        size_t n = answer_length(buf_str(&in));
        snprintf(wanted, sizeof wanted, "id=c_%d ", i);
        assert_non_null(memmem(in.p, n, wanted, strlen(wanted)));
        buf_consume(&in, n);
    }
    close(fd);
}

static void pipelined_answers_wait_for_the_one_before(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new(), other = answer_new();
    int fd = client_connect(&door);
    client_send(fd, str_c("POST /v1/me/hold HTTP/1.1\r\n" HOST ANNA "\r\n"
                          "GET /v1/contacts/second HTTP/1.1\r\n" HOST ANNA "\r\n"));
    while (door.served < 1)
        sched_yield();
    client_once(&door, "POST /v1/me/release HTTP/1.1\r\n" HOST ANNA "\r\n", &other);
    assert_int_equal(client_answer(fd, &in, false), 200);
    assert_true(client_has(&in, "released"));
    buf_consume(&in, answer_length(buf_str(&in)));
    assert_int_equal(client_answer(fd, &in, false), 200);
    assert_true(client_has(&in, "id=second"));
    close(fd);
}

static void a_client_that_leaves_does_not_trouble_the_handler(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    for (int i = 0; i < 5; i++) {
        int fd = client_connect(&door);
        client_send(fd, str_c("POST /v1/me/hold HTTP/1.1\r\n" HOST ANNA "\r\n"));
        while (door.served <= i)
            sched_yield();
        struct linger rst = {1, 0};
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
        close(fd);
    }
    assert_int_equal(client_once(&door, "POST /v1/me/release HTTP/1.1\r\n" HOST ANNA "\r\n", &in),
                     200);
}

static void a_half_closed_client_still_gets_its_answer(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door);
    client_send(fd, str_c("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    shutdown(fd, SHUT_WR);
    assert_int_equal(client_answer(fd, &in, false), 200);
    bool silent;
    assert_false(client_more(fd, &in, DOOR_CLIENT_MS, &silent));
    assert_false(silent);
    close(fd);
}

static void head_is_get_without_the_body(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door);
    client_send(fd, str_c("HEAD /healthz HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(client_answer(fd, &in, true), 200);
    assert_true(client_has(&in, "Content-Length: 14\r\n"));
    assert_false(client_has(&in, "state"));
    close(fd);
}

static void a_body_comes_through_whole_in_every_framing(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new(), request = answer_new();
    enum { N = 300000 };
    char *body = mem_new(N + 1), hex[SHA256_HEX + 1];
    for (size_t i = 0; i < N; i++)
        body[i] = (char)(i * 7 + i / 251);
    uint8_t hash[SHA256_BYTES];
    sha256(str_make(body, N), hash);
    hex_encode(hash, sizeof hash, hex);
    assert_true(
        buf_addf(&request,
                 "POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER "Content-Length: %d\r\n\r\n", N));
    assert_true(buf_add(&request, str_make(body, N)));
    assert_true(buf_add_c(&request, "POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
                                    "Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t at = 0, piece = 1; at < N; at += piece, piece = piece * 3 % 70000 + 1) {
        if (piece > N - at)
            piece = N - at;
        assert_true(buf_addf(&request, "%zX;x=y\r\n", piece) &&
                    buf_add(&request, str_make(body + at, piece)) && buf_add_c(&request, "\r\n"));
    }
    assert_true(buf_add_c(&request, "0\r\nX-Signature: none\r\n\r\n"));
    int fd = client_connect(&door);
    client_send(fd, buf_str(&request));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_answer(fd, &in, false), 201);
        assert_true(client_has(&in, hex));
        buf_consume(&in, answer_length(buf_str(&in)));
    }
    close(fd);
    free(body);
}

static void a_request_byte_by_byte_is_the_same_request(void **state) {
    (void)state;
    static const char request[] = "POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
                                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n";
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door);
    for (size_t i = 0; i < sizeof request - 1; i++)
        client_send(fd, str_make(request + i, 1));
    assert_int_equal(client_answer(fd, &in, false), 201);
    assert_true(client_has(&in, "\"bytes\":3"));
    close(fd);
}

static void an_expecting_client_is_told_to_go_on(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door);
    client_send(fd, str_c("POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
                          "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    assert_int_equal(client_answer(fd, &in, true), 100);
    buf_consume(&in, in.n);
    client_send(fd, str_c("{}"));
    assert_int_equal(client_answer(fd, &in, false), 201);
    close(fd);
}

static void an_expecting_client_without_rights_is_not(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int status = client_once(&door,
                             "POST /v1/touchpoints HTTP/1.1\r\n" HOST
                             "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
                             &in);
    assert_int_equal(status, 401);
    assert_true(client_has(&in, "WWW-Authenticate: Bearer"));
}

static void a_refused_small_body_keeps_the_connection(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door);
    client_send(fd, str_c("POST /v1/nothing HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /"
                          "GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(client_answer(fd, &in, false), 404);
    buf_consume(&in, answer_length(buf_str(&in)));
    assert_int_equal(client_answer(fd, &in, false), 200);
    close(fd);
}

static void an_answer_larger_than_all_buffers_arrives_whole(void **state) {
    (void)state;
    enum { N = 20 << 20 };
    cleanup(buf_clear) struct buf in = answer_new();
    char request[200];
    snprintf(request, sizeof request,
             "GET /v1/contacts/c/timeline?bytes=%d HTTP/1.1\r\n" HOST ANNA "\r\n", N);
    int fd = client_connect(&door);
    client_send(fd, str_c(request));
    assert_int_equal(client_answer(fd, &in, false), 200);
    assert_true(in.n > N);
    close(fd);
}

static void a_session_is_looked_up_and_its_cookie_needs_our_origin_to_write(void **state) {
    (void)state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /v1/me HTTP/1.1\r\n" HOST "Authorization: Bearer session-of-anna\r\n\r\n", 200},
        {"GET /v1/me HTTP/1.1\r\n" HOST "Cookie: a=b; touchline_session=session-of-anna\r\n\r\n",
         200},
        {"GET /v1/me HTTP/1.1\r\n" HOST "Cookie: touchline_session=session-of-nobody\r\n\r\n", 401},
        {"PATCH /v1/contacts/c HTTP/1.1\r\n" HOST
         "Cookie: touchline_session=session-of-anna\r\n\r\n",
         403},
        {"PATCH /v1/contacts/c HTTP/1.1\r\n" HOST "Cookie: touchline_session=session-of-anna\r\n"
         "Origin: http://evil.example\r\n\r\n",
         403},
        {"PATCH /v1/contacts/c HTTP/1.1\r\n" HOST "Cookie: touchline_session=session-of-anna\r\n"
         "Origin: http://localhost\r\nContent-Length: 2\r\n\r\n{}",
         201},
        {"PATCH /v1/contacts/c HTTP/1.1\r\n" HOST "Authorization: Bearer session-of-anna\r\n"
         "Content-Length: 2\r\n\r\n{}",
         201},
        {"POST /v1/touchpoints HTTP/1.1\r\n" HOST "Authorization: Bearer session-of-anna\r\n\r\n",
         403},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf in = answer_new();
        assert_int_equal(client_once(&door, cases[i].request, &in), cases[i].status);
    }
}

static void wrong_tokens_are_limited_by_the_second_and_right_ones_are_not(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = client_connect(&door), limited = 0;
    for (int i = 0; i < 30; i++) {
        client_send(fd,
                    str_c("GET /v1/me HTTP/1.1\r\n" HOST "Authorization: Bearer guess\r\n\r\n"));
        int status = client_answer(fd, &in, false);
        assert_true(status == 401 || status == 429);
        limited += status == 429;
        if (status == 429)
            assert_true(client_has(&in, "Retry-After: 1\r\n") &&
                        client_has(&in, "RateLimit-Remaining: 0\r\n"));
        buf_consume(&in, answer_length(buf_str(&in)));
    }
    assert_true(limited > 0);
    client_send(fd, str_c("GET /v1/me HTTP/1.1\r\n" HOST ANNA "\r\n"));
    assert_int_equal(client_answer(fd, &in, false), 200);
    close(fd);
}

static void refusals_name_what_is_wrong_and_never_echo(void **state) {
    (void)state;
    static const struct {
        const char *request, *has;
        int status;
    } cases[] = {
        {"GET /nowhere/zebra HTTP/1.1\r\n" HOST "\r\n", "\"code\":\"not-found\"", 404},
        {"DELETE /v1/touchpoints HTTP/1.1\r\n" HOST "X: zebra\r\n\r\n", "Allow: POST\r\n", 405},
        {"DELETE /healthz HTTP/1.1\r\n" HOST "\r\n", "Allow: GET, HEAD\r\n", 405},
        {"OPTIONS /v1/me HTTP/1.1\r\n" HOST "Origin: http://zebra\r\n\r\n", "Allow: GET, HEAD\r\n",
         405},
        {"OPTIONS /forms/contact HTTP/1.1\r\n" HOST "\r\n", "Access-Control-Allow-Origin", 204},
        {"GET /v1/me HTTP/1.1\r\n" HOST "\r\n", "WWW-Authenticate: Bearer", 401},
        {"GET /v1/me HTTP/1.1\r\n" HOST ADAPTER "\r\n", "\"code\":\"forbidden\"", 403},
        {"GET /v1/me?access_token=zebra HTTP/1.1\r\n" HOST "\r\n", "token-in-url", 400},
        {"PATCH /v1/contacts/c HTTP/1.1\r\n" HOST ANNA
         "Content-Type: text/zebra\r\nContent-Length: 2\r\n\r\n{}",
         "unsupported-media-type", 415},
        {"POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
         "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
         "encoded-body", 415},
        {"POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
         "Idempotency-Key: two words\r\nContent-Length: 2\r\n\r\n{}",
         "bad-idempotency-key", 400},
        {"POST /v1/touchpoints HTTP/1.1\r\n" HOST ADAPTER
         "Idempotency-Key:\r\nContent-Length: 2\r\n\r\n{}",
         "bad-idempotency-key", 400},
        {"GET /v1/contacts/c/timeline?bytes=zebra HTTP/1.1\r\n" HOST ANNA "\r\n",
         "\"errors\":[{\"parameter\":\"bytes\"", 400},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf in = answer_new();
        assert_int_equal(client_once(&door, cases[i].request, &in), cases[i].status);
        assert_true(client_has(&in, cases[i].has));
        assert_false(client_has(&in, "zebra"));
        assert_true(cases[i].status < 400 || client_has(&in, "application/problem+json"));
    }
}

static void what_a_path_and_query_say_arrives_decoded(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    client_once(&door, "GET /v1/contacts/c%5f%c3%a4?q=a%20b+c&q=2 HTTP/1.1\r\n" HOST ANNA "\r\n",
                &in);
    assert_true(client_has(&in, "id=c_\xc3\xa4 q=a b c peer=127.0.0.1 who=anna "
                                "url=http://localhost/v1/contacts/c%5f%c3%a4?q=a%20b+c&q=2"));
}

/* ---- streams ---- */

static int stream_open(const struct door *d, struct buf *in) {
    int fd = client_connect(d);
    client_send(fd, str_c("GET /v1/me/events HTTP/1.1\r\n" HOST ANNA "\r\n"));
    bool silent;
    while (!client_has(in, "\n\n") && client_more(fd, in, DOOR_CLIENT_MS, &silent))
        ;
    return fd;
}

static void send_offer(struct door *d) {
    assert(http_stream_send(d->stream, str_c("7-0"), "offer", str_c("{\"a\":\n1}")));
}

static void flood(struct door *d) {
    char *json = mem_new(100001);
    memset(json, 'x', 100000);
    for (int i = 0;
         i < 200 && d->stream && http_stream_send(d->stream, STR_NONE, "task", str_c(json)); i++)
        ;
    free(json);
}

static void end_stream(struct door *d) {
    http_stream_close(d->stream);
    d->stream = NULL;
}

static void an_event_stream_carries_events_and_notices_its_reader_leaving(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = stream_open(&door, &in);
    assert_int_equal(answer_status(buf_str(&in)), 200);
    assert_true(client_has(&in, "Content-Type: text/event-stream\r\n"));
    assert_true(client_has(&in, "Cache-Control: no-store\r\n"));
    assert_true(client_has(&in, "id: 1-1\nevent: snapshot\ndata: {\"tasks\":[]}\n\n"));
    buf_consume(&in, in.n);
    door_do(&door, send_offer);
    bool silent;
    while (!client_has(&in, "\n\n") && client_more(fd, &in, DOOR_CLIENT_MS, &silent))
        ;
    assert_true(client_has(&in, "id: 7-0\nevent: offer\ndata: {\"a\": 1}\n\n"));
    assert_int_equal(door.gone, 0);
    close(fd);
    while (!door.gone)
        sched_yield();
}

static void a_stream_that_is_not_read_is_dropped(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = stream_open(&door, &in);
    door_do(&door, flood);
    while (!door.gone)
        sched_yield();
    close(fd);
}

static void a_stream_ended_by_us_is_sent_whole_and_closed(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new();
    int fd = stream_open(&door, &in);
    door_do(&door, send_offer);
    door_do(&door, end_stream);
    bool silent;
    while (client_more(fd, &in, DOOR_CLIENT_MS, &silent))
        ;
    assert_false(silent);
    assert_true(client_has(&in, "event: offer"));
    assert_int_equal(door.gone, 0);
    close(fd);
}

static void an_agent_has_so_many_streams_and_no_more(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf a = answer_new(), b = answer_new(), c = answer_new();
    int one = stream_open(&door, &a), two = stream_open(&door, &b), three = stream_open(&door, &c);
    assert_int_equal(answer_status(buf_str(&b)), 200);
    client_answer(three, &c, false);
    assert_int_equal(answer_status(buf_str(&c)), 429);
    close(one);
    close(two);
    close(three);
}

/* ---- draining ---- */

static void drain(struct door *d) {
    http_drain(d->http);
}

static void a_drain_ends_idle_connections_and_finishes_the_rest(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf in = answer_new(), none = answer_new(), events = answer_new();
    bool silent;
    int idle = client_connect(&door);
    client_send(idle, str_c("GET /healthz HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(client_answer(idle, &none, false), 200);
    int stream = stream_open(&door, &events);
    int busy = client_connect(&door);
    client_send(busy,
                str_c("POST /v1/me/release HTTP/1.1\r\n" HOST ANNA "Content-Length: 2\r\n\r\n{"));
    int other = client_connect(&door);
    client_send(other, str_c("POST /v1/me/hold HTTP/1.1\r\n" HOST ANNA "\r\n"));
    while (door.served < 1)
        sched_yield();
    door_do(&door, drain);
    assert_false(client_more(idle, &none, DOOR_CLIENT_MS, &silent));
    assert_false(silent);
    while (client_more(stream, &events, DOOR_CLIENT_MS, &silent))
        ;
    assert_false(silent);
    assert_int_equal(client_connect_port(door.port), -1);
    client_send(busy, str_c("}"));
    assert_int_equal(client_answer(busy, &in, false), 200);
    assert_true(client_has(&in, "Connection: close\r\n"));
    buf_reset(&in);
    assert_int_equal(client_answer(other, &in, false), 200);
    close(idle);
    close(stream);
    close(busy);
    close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_good_request_gets_its_answer_and_the_house_headers),
        TEST(one_connection_serves_a_thousand_pipelined_requests_in_order),
        TEST(pipelined_answers_wait_for_the_one_before),
        TEST(a_client_that_leaves_does_not_trouble_the_handler),
        TEST(a_half_closed_client_still_gets_its_answer),
        TEST(head_is_get_without_the_body),
        TEST(a_body_comes_through_whole_in_every_framing),
        TEST(a_request_byte_by_byte_is_the_same_request),
        TEST(an_expecting_client_is_told_to_go_on),
        TEST(an_expecting_client_without_rights_is_not),
        TEST(a_refused_small_body_keeps_the_connection),
        TEST(an_answer_larger_than_all_buffers_arrives_whole),
        TEST(a_session_is_looked_up_and_its_cookie_needs_our_origin_to_write),
        TEST(wrong_tokens_are_limited_by_the_second_and_right_ones_are_not),
        TEST(refusals_name_what_is_wrong_and_never_echo),
        TEST(what_a_path_and_query_say_arrives_decoded),
        TEST(an_event_stream_carries_events_and_notices_its_reader_leaving),
        TEST(a_stream_that_is_not_read_is_dropped),
        TEST(a_stream_ended_by_us_is_sent_whole_and_closed),
        TEST(an_agent_has_so_many_streams_and_no_more),
        TEST(a_drain_ends_idle_connections_and_finishes_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
