/* http/address.c, http/limits.c: who counts as one client, and how much he may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/address.h"
#include "http/limits.h"

static struct address at(const char *text) {
    struct address a;
    assert_true(address_parse(str_c(text), &a));
    return a;
}

static void addresses_are_read_and_written(void **state) {
    (void)state;
    static const struct {
        const char *in, *out, *masked;
        bool loopback;
    } cases[] = {
        {"192.0.2.17", "192.0.2.17", "192.0.2.0", false},
        {"127.8.0.1", "127.8.0.1", "127.8.0.0", true},
        {"::1", "::1", "::", true},
        {"::ffff:192.0.2.17", "192.0.2.17", "192.0.2.0", false},
        {"2001:DB8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1::", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[ADDRESS_TEXT];
        struct address a = at(cases[i].in);
        address_text(&a, text);
        assert_string_equal(text, cases[i].out);
        address_text_masked(&a, text);
        assert_string_equal(text, cases[i].masked);
        assert_int_equal(address_is_loopback(&a), cases[i].loopback);
    }
}

static void what_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",         "1.2.3", "1.2.3.4:80", "<script>",
                                      "::1%eth0", "[::1]", "1.2.3.4 ",   "localhost"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct address a;
        assert_false(address_parse(str_c(bad[i]), &a));
    }
}

static void networks_hold_their_addresses(void **state) {
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.0/23", "10.1.3.9", true},
        {"10.1.2.0/23", "10.1.4.1", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct network n;
        struct address a = at(cases[i].address);
        assert_true(network_parse(str_c(cases[i].network), &n));
        assert_int_equal(network_has(&n, &a), cases[i].inside);
    }
    static const char *const bad[] = {"",           "10.0.0.0/33", "10.0.0.0/",
                                      "10.0.0.0/x", "::/129",      "a/8"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct network n;
        assert_false(network_parse(str_c(bad[i]), &n));
    }
}

static void listening_addresses_have_one_of_three_forms(void **state) {
    (void)state;
    static const char *const good[] = {"127.0.0.1:8480", "[::1]:80", "localhost:0",
                                       "unix:/run/x.sock"};
    static const char *const bad[] = {"",    "127.0.0.1", "::1:80", "[::1]",   "a:65536",
                                      "a:x", ":80",       "unix:",  "a:123456"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(address_form(str_c(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(address_form(str_c(bad[i])));
}

static void a_dead_unix_socket_is_replaced_and_a_live_one_is_not(void **state) {
    (void)state;
    char dir[] = "/tmp/touchline-http-XXXXXX", where[100];
    assert_non_null(mkdtemp(dir));
    snprintf(where, sizeof where, "unix:%s/s", dir);
    int first, second;
    struct fault f = {0};
    assert_true(address_listen(str_c(where), &first, &f));
    assert_false(address_listen(str_c(where), &second, &f));
    assert_int_equal(f.kind, FAULT_STATE);
    close(first);
    assert_true(address_listen(str_c(where), &second, &f));
    close(second);
    unlink(where + 5);
    rmdir(dir);
}

static void connections_are_counted_by_address_and_by_64(void **state) {
    (void)state;
    struct clients *t = clients_new();
    struct address a = at("192.0.2.1"), b = at("192.0.2.2"), six = at("2001:db8::1"),
                   near = at("2001:db8::ffff:1"), far = at("2001:db8:0:1::1");
    struct client *one = clients_connect(t, &a, 2), *two = clients_connect(t, &a, 2);
    assert_ptr_equal(one, two);
    assert_null(clients_connect(t, &a, 2));
    assert_non_null(clients_connect(t, &b, 2));
    clients_disconnect(t, one);
    assert_non_null(clients_connect(t, &a, 2));
    assert_non_null(clients_connect(t, &six, 1));
    assert_null(clients_connect(t, &near, 1));
    assert_non_null(clients_connect(t, &far, 1));
    for (int i = 0; i < 100; i++)
        assert_non_null(clients_connect(t, &b, 0));
    clients_free(t);
}

static void ten_wrong_tokens_a_second_block_and_are_forgotten(void **state) {
    (void)state;
    struct clients *t = clients_new();
    struct address a = at("192.0.2.1"), b = at("192.0.2.2");
    for (int i = 0; i < 10; i++) {
        assert_false(clients_blocked(t, &a, 5000 + i));
        clients_wrong_token(t, &a, 5000 + i);
    }
    assert_true(clients_blocked(t, &a, 5999));
    assert_false(clients_blocked(t, &b, 5999));
    assert_false(clients_blocked(t, &a, 6000));
    clients_wrong_token(t, &a, 6000);
    assert_false(clients_blocked(t, &a, 6001));
    clients_free(t);
}

static void strangers_are_remembered_within_bounds(void **state) {
    (void)state;
    struct clients *t = clients_new();
    for (uint32_t i = 0; i < 3 * LIMITS_REMEMBERED; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        struct address a = at(text);
        for (int k = 0; k < 10; k++)
            clients_wrong_token(t, &a, 1000);
    }
    struct address first = at("10.0.0.0"), last = at("10.0.47.255");
    assert_false(clients_blocked(t, &first, 1001));
    assert_true(clients_blocked(t, &last, 1001));
    struct client *c = clients_connect(t, &last, 1);
    clients_disconnect(t, c);
    assert_true(clients_blocked(t, &last, 1001));
    clients_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(listening_addresses_have_one_of_three_forms),
        cmocka_unit_test(a_dead_unix_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(connections_are_counted_by_address_and_by_64),
        cmocka_unit_test(ten_wrong_tokens_a_second_block_and_are_forgotten),
        cmocka_unit_test(strangers_are_remembered_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
