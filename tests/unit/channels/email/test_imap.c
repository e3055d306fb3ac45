/* test_imap.c - what fetching a mailbox rests on: its cursor, its name, its token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "email/imap_cursor.h"
#include "email/imap_name.h"
#include "email/oauth.h"

static void a_cursor_is_read_as_it_was_written(void **state) {
    (void)state;
    const struct imap_cursor c = {.mailbox = UINT64_C(0xfedcba9876543210),
                                  .validity = 4294967295u,
                                  .last = 4294967295u,
                                  .window = (UINT64_C(1) << IMAP_WINDOW) - 1,
                                  .acted = 4294967294u,
                                  .born_ms = INT64_C(1795460502000),
                                  .caught_ms = INT64_C(1795460502999)};
    char text[IMAP_CURSOR_MAX], again[IMAP_CURSOR_MAX];
    struct imap_cursor back;
    assert_true(imap_cursor_read(imap_cursor_write(&c, text), &back));
    imap_cursor_write(&back, again);
    assert_string_equal(text, again);
    assert_true(back.mailbox == c.mailbox && back.window == c.window && back.acted == c.acted);
    static const char *const bad[] = {"", "1", "2 0 1 2 3 4 5 6", "1 0 1 2 3 4 5 6 7",
                                      "1 0 1 2 3 4 5"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(imap_cursor_read(str_c(bad[i]), &back));
}

static void each_uid_is_wanted_once_in_whatever_order_they_turn_up(void **state) {
    (void)state;
    struct imap_cursor c = {.validity = 1};
    static const uint32_t order[] = {3, 1, 2, 10, 7, 8, 60, 59, 11, 200, 151, 150};
    for (size_t i = 0; i < COUNT(order); i++) {
        bool late = order[i] + IMAP_WINDOW < c.last;
        assert_int_equal(imap_cursor_wants(&c, order[i]), !late);
        c = imap_cursor_with(c, order[i]);
        for (size_t j = 0; j <= i; j++)
            assert_false(imap_cursor_wants(&c, order[j]));
    }
    assert_int_equal(c.last, 200);
    assert_int_equal(imap_cursor_from(&c), 150);
    assert_true(imap_cursor_wants(&c, 199));
    assert_true(imap_cursor_wants(&c, 201));
    assert_false(imap_cursor_wants(&c, 149));
    assert_false(imap_cursor_wants(&c, 0));
}

static void a_mailbox_made_anew_begins_anew(void **state) {
    (void)state;
    struct imap_cursor c = imap_cursor_with((struct imap_cursor){.validity = 1, .born_ms = 5}, 9);
    imap_cursor_renew(&c, 2);
    assert_int_equal(c.validity, 2);
    assert_true(c.born_ms == 5);
    for (uint32_t uid = 1; uid < 20; uid++)
        assert_true(imap_cursor_wants(&c, uid));
}

static void a_url_is_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *url, *server, *folder; /* folder as it goes out; NULL: refused */
        bool tls;
    } cases[] = {
        {"imaps://mail.example.org/INBOX", "imaps://mail.example.org", "\"INBOX\"", true},
        {"imap://127.0.0.1:143", "imap://127.0.0.1:143", "\"INBOX\"", false},
        {"imaps://[::1]:993/", "imaps://[::1]:993", "\"INBOX\"", true},
        {"imaps://h/Support/new%20ones", "imaps://h", "\"Support/new ones\"", true},
        {"imaps://h/Entw%C3%BCrfe", "imaps://h", "\"Entw&APw-rfe\"", true},
        {"imaps://h/%E5%8F%B0%E5%8C%97x%F0%9F%98%80", "imaps://h", "\"&U,BTFw-x&2D3eAA-\"", true},
        {"imaps://h/R%26D%22%5C", "imaps://h", "\"R&-D\\\"\\\\\"", true},
        {"imaps://h/a%0d%0ab", "imaps://h", NULL, true},
        {"imaps://h/%ff", "imaps://h", NULL, true},
        {"imaps://h/%4", "imaps://h", NULL, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct imap_place p;
        cleanup(buf_clear) struct buf b;
        buf_init(&b, 1000);
        assert_true(imap_url_read(str_c(cases[i].url), &p));
        assert_true(str_is(p.server, cases[i].server));
        assert_int_equal(p.tls, cases[i].tls);
        bool ok = imap_folder_write(&b, p.folder);
        if (ok != (cases[i].folder != NULL) || (ok && strcmp(buf_c(&b), cases[i].folder) != 0))
            fail_msg("%s gives %s", cases[i].url, buf_c(&b));
    }
    static const char *const bad[] = {"",
                                      "http://h/",
                                      "imaps://",
                                      "imaps:///INBOX",
                                      "imaps://user@h/INBOX",
                                      "imaps://h/INBOX;UID=1",
                                      "imaps://h/INBOX?x",
                                      "imaps://h x/"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct imap_place p;
        assert_false(imap_url_read(str_c(bad[i]), &p));
    }
}

static void a_token_comes_bare_or_as_a_token_endpoint_writes_it(void **state) {
    (void)state;
    static const struct {
        const char *text, *token; /* NULL: refused */
        int64_t lives_ms;
    } cases[] = {
        {"ya29.abc\n", "ya29.abc", 0},
        {"{\"access_token\": \"x.y\", \"expires_in\": 3599, \"token_type\": \"Bearer\"}", "x.y",
         3599000},
        {"{\"access_token\": \"x\", \"expires_in\": -1}", "x", 0},
        {"", NULL, 0},
        {"two words", NULL, 0},
        {"two\nlines", NULL, 0},
        {"{\"error\": \"invalid_grant\"}", NULL, 0},
        {"{\"access_token\": \"a\\u0001b\"}", NULL, 0},
        {"{", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(buf_clear) struct buf b;
        int64_t lives_ms = -1;
        struct fault f = {0};
        buf_init(&b, 1000);
        bool ok = oauth_read(str_c(cases[i].text), &b, &lives_ms, &f);
        assert_int_equal(ok, cases[i].token != NULL);
        if (ok) {
            assert_string_equal(buf_c(&b), cases[i].token);
            assert_true(lives_ms == cases[i].lives_ms);
        } else {
            assert_true(f.reason[0]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_is_read_as_it_was_written),
        cmocka_unit_test(each_uid_is_wanted_once_in_whatever_order_they_turn_up),
        cmocka_unit_test(a_mailbox_made_anew_begins_anew),
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(a_token_comes_bare_or_as_a_token_endpoint_writes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
