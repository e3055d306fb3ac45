/* http/reader.c, http/target.c, http/chunked.c: what is read, what is refused, and that pieces do
 * not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http/chunked.h"
#include "http/reader.h"

static const struct reader_limits limits = {.head_bytes = 16 * 1024, .body_bytes = 100};

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: h\r\n"

/* Reads text whole, going on at the head; how many bytes were eaten. */
static size_t read_text(struct reader *r, struct str text, size_t most) {
    size_t eaten = 0, n;
    do {
        n = reader_feed(r, str_upto(str_from(text, eaten), most));
        eaten += n;
        if (r->state == READER_HEAD)
            reader_body(r);
        else if (!n)
            break;
    } while (r->state != READER_DONE && r->state != READER_FAULT);
    return eaten;
}

static void a_request_is_taken_apart(void **state) {
    (void)state;
    struct reader r;
    reader_init(&r, &limits);
    static const char text[] =
        "POST /v1/x%20y?a=b&c HTTP/1.1\r\nHost: h:80\r\nX-A: \t one  two \t\r\nx-a: \r\n"
        "Content-Length: 5\r\n\r\nhelloGET /";
    assert_int_equal(read_text(&r, str_c(text), SIZE_MAX), sizeof text - 1 - 5);
    assert_int_equal(r.state, READER_DONE);
    assert_true(str_is(reader_span(&r, r.method), "POST"));
    assert_true(str_is(reader_span(&r, r.path), "/v1/x%20y"));
    assert_true(str_is(reader_span(&r, r.query), "a=b&c"));
    assert_true(str_is(reader_header(&r, "x-a"), "one  two"));
    struct str last = reader_last_header(&r, "X-A");
    assert_true(last.p && last.n == 0);
    assert_null(reader_header(&r, "x-b").p);
    assert_true(str_is(reader_known(&r, KNOWN_HOST), "h:80"));
    assert_true(str_is(buf_str(&r.body), "hello"));
    assert_false(r.close);
    reader_clear(&r);
}

static void
every_prefix_of_a_good_request_waits_for_more_and_every_cut_is_one_request(void **state) {
    (void)state;
    static const char text[] = POST "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                                    "5;e=f\r\nhello\r\n06\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
    size_t whole = sizeof text - 1;
    for (size_t n = 0; n < whole; n++) {
        struct reader r;
        reader_init(&r, &limits);
        assert_int_equal(read_text(&r, str_make(text, n), SIZE_MAX), n);
        assert_true(r.state != READER_DONE && r.state != READER_FAULT);
        assert_int_equal(read_text(&r, str_make(text + n, whole - n), SIZE_MAX), whole - n);
        assert_int_equal(r.state, READER_DONE);
        assert_true(str_is(buf_str(&r.body), "hello world"));
        assert_true(r.close);
        reader_clear(&r);
    }
    for (size_t most = 1; most < 40; most++) {
        struct reader r;
        reader_init(&r, &limits);
        assert_int_equal(read_text(&r, str_make(text, whole), most), whole);
        assert_int_equal(r.state, READER_DONE);
        reader_clear(&r);
    }
}

static void what_is_malformed_is_refused_for_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum reader_why why;
    } cases[] = {
        {"GET /a\r\n", WHY_LINE},
        {"GET /a HTTP/1.1 \r\n", WHY_LINE},
        {" GET /a HTTP/1.1\r\n", WHY_LINE},
        {"GET  /a HTTP/1.1\r\n", WHY_LINE},
        {"GET /a HTTP/1.1\n", WHY_LINE},
        {"\r\n\r\n", WHY_LINE},
        {"GET /a HTTP/2.0\r\n", WHY_VERSION},
        {"GET /a HTTP/1.2\r\n", WHY_VERSION},
        {"get /a HTTP/1.1\r\n", WHY_METHOD},
        {"GETS /a HTTP/1.1\r\n", WHY_METHOD},
        {"GET a HTTP/1.1\r\n", WHY_PATH},
        {GET " x: y\r\n", WHY_HEADER_SYNTAX},
        {GET "X: a\x01\r\n", WHY_HEADER_SYNTAX},
        {GET "X Y: a\r\n", WHY_HEADER_SYNTAX},
        {GET "\n", WHY_HEADER_SYNTAX},
        {GET "Host: i\r\n", WHY_HOST},
        {"GET /a HTTP/1.1\r\n\r\n", WHY_HOST},
        {"GET /a HTTP/1.1\r\nHost: h i\r\n\r\n", WHY_HOST},
        {GET "Cookie: a=b\r\nCookie: c=d\r\n", WHY_REPEATED},
        {GET "Authorization: a\r\nauthorization: b\r\n", WHY_REPEATED},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n", WHY_CL_DUP},
        {POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", WHY_CL_TE},
        {POST "Content-Length: 0x1\r\n\r\n", WHY_CL_SYNTAX},
        {POST "Content-Length: 101\r\n\r\n", WHY_TOO_LARGE},
        {POST "Content-Length: 184467440737095516160\r\n\r\n", WHY_TOO_LARGE},
        {POST "Transfer-Encoding: gzip\r\n\r\n", WHY_TE},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", WHY_TE},
        {POST "Transfer-Encoding: chunked\r\n\r\n65\r\n", WHY_TOO_LARGE},
        {POST "Transfer-Encoding: chunked\r\n\r\n64\r\n\r\n", WHY_NONE},
        {POST "Transfer-Encoding: chunked\r\n\r\nx", WHY_CHUNK},
        {POST "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", WHY_EXPECT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reader r;
        reader_init(&r, &limits);
        read_text(&r, str_c(cases[i].text), SIZE_MAX);
        if (r.why != cases[i].why)
            print_error("case %zu: %s\n", i, cases[i].text);
        assert_int_equal(r.why, cases[i].why);
        assert_int_equal(r.state == READER_FAULT, cases[i].why != WHY_NONE);
        reader_clear(&r);
    }
}

static void every_refusal_has_a_status_and_words(void **state) {
    (void)state;
    for (enum reader_why why = 0; why < WHY_COUNT; why++) {
        const struct reader_refusal *refusal = reader_refusal(why);
        assert_in_range(refusal->status, 400, 505);
        assert_true(refusal->reason && refusal->code && refusal->detail);
    }
}

static void a_body_ends_exactly_at_the_limit(void **state) {
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct reader r;
        reader_init(&r, &limits);
        struct buf text;
        buf_init(&text, 4096);
        assert_true(buf_add_c(&text, POST "Transfer-Encoding: chunked\r\n\r\n"));
        for (int i = 0; i < 100 + over; i++)
            assert_true(buf_add_c(&text, "1\r\nx\r\n"));
        assert_true(buf_add_c(&text, "0\r\n\r\n"));
        read_text(&r, buf_str(&text), SIZE_MAX);
        assert_int_equal(r.state, over ? READER_FAULT : READER_DONE);
        assert_int_equal(r.body.n, 100);
        buf_clear(&text);
        reader_clear(&r);
    }
}

static void a_discarded_body_is_counted_and_not_kept(void **state) {
    (void)state;
    struct reader r;
    reader_init(&r, &limits);
    static const char head[] = POST "Content-Length: 5\r\n\r\n";
    assert_int_equal(reader_feed(&r, str_c(POST "Content-Length: 5\r\n\r\nhello")),
                     sizeof head - 1);
    assert_int_equal(r.state, READER_HEAD);
    assert_true(reader_has_body(&r));
    reader_discard(&r);
    assert_int_equal(reader_feed(&r, str_c("hello")), 5);
    assert_int_equal(r.state, READER_DONE);
    assert_int_equal(r.body_seen, 5);
    assert_int_equal(r.body.n, 0);
    reader_clear(&r);
}

static void http_1_0_closes_and_needs_no_host(void **state) {
    (void)state;
    struct reader r;
    reader_init(&r, &limits);
    read_text(&r, str_c("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), SIZE_MAX);
    assert_int_equal(r.state, READER_DONE);
    assert_true(r.close && r.http_1_0);
    reader_clear(&r);
}

static void targets_are_plain_paths_with_a_query(void **state) {
    (void)state;
    static const struct {
        const char *target;
        bool good;
    } cases[] = {
        {"/", true},
        {"/a/b", true},
        {"/a?", true},
        {"/a?b=c&d[]={e}|f", true},
        {"/a//b", true},
        {"/%c3%a4", true},
        {"/a;b=c", true},
        {"/a/...", true},
        {"/.well-known", true},
        {"/a%2eb", true},
        {"", false},
        {"a", false},
        {"*", false},
        {"//a", false},
        {"/.", false},
        {"/a/..", false},
        {"/%2E%2e/", false},
        {"/a%2Fb", false},
        {"/a%5cb", false},
        {"/%00", false},
        {"/%1f", false},
        {"/%7f", false},
        {"/%", false},
        {"/%4", false},
        {"/%4g", false},
        {"/%ff", false},
        {"/%c0%af", false},
        {"/\xc3\xa4", false},
        {"/a b", false},
        {"/a#b", false},
        {"/a?b%", false},
        {"/a?%00", false},
        {"/a?b\"", false},
        {"/a?<", false},
        {"http://h/", false},
        {"/<", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span path, query;
        if (target_check(str_c(cases[i].target), &path, &query) != cases[i].good)
            print_error("target of case %zu\n", i);
        assert_int_equal(target_check(str_c(cases[i].target), &path, &query), cases[i].good);
    }
}

static void hosts_are_names_or_addresses_with_or_without_port(void **state) {
    (void)state;
    static const char *const good[] = {
        "localhost", "a.example.org:8480",  "127.0.0.1", "[::1]",
        "[::1]:80",  "[::ffff:10.0.0.1]:1", "x_y",       "xn--e1afmkfd.example"};
    static const char *const bad[] = {
        "",       "a b",    "a:",  "a:b", "a:123456", ":80",  "[::1",  "[]",
        "[::1]x", "[::1]:", "a/b", "a,b", "u@h",      "a\\b", "[g::1]"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(host_check(str_c(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(host_check(str_c(bad[i])));
}

static void chunks_are_sized_told_and_ended(void **state) {
    (void)state;
    struct chunked c;
    struct str in = str_c("3;x\r\nabc\r\n000\r\n\r\nrest"), out;
    chunked_init(&c);
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_SIZED);
    assert_int_equal(c.left, 3);
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_DATA);
    assert_true(str_is(out, "abc"));
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_DONE);
    assert_true(str_is(in, "rest"));
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_DONE);
    in = str_c("10000000000000000\r\n");
    chunked_init(&c);
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_BAD);
    assert_int_equal(chunked_next(&c, &in, &out), CHUNKED_BAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(
            every_prefix_of_a_good_request_waits_for_more_and_every_cut_is_one_request),
        cmocka_unit_test(what_is_malformed_is_refused_for_its_reason),
        cmocka_unit_test(every_refusal_has_a_status_and_words),
        cmocka_unit_test(a_body_ends_exactly_at_the_limit),
        cmocka_unit_test(a_discarded_body_is_counted_and_not_kept),
        cmocka_unit_test(http_1_0_closes_and_needs_no_host),
        cmocka_unit_test(targets_are_plain_paths_with_a_query),
        cmocka_unit_test(hosts_are_names_or_addresses_with_or_without_port),
        cmocka_unit_test(chunks_are_sized_told_and_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
