/* delivery/offer_link: what a link allows cannot be changed, and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/base64.h>
#include <touchline/kit/buf.h>

#include "delivery/offer_link.h"

#define NOW INT64_C(1700000000)

static const struct offer_link anna = {
    .agent = STR("anna"), .task = STR("t_1"), .offer = 2, .accept = true, .expires_s = NOW + 60};

static struct offer_link_key key_of(const char *secret) {
    struct offer_link_key key;
    offer_link_key(str_c(secret), &key);
    return key;
}

static void token_of(const struct offer_link *link, struct buf *out) {
    struct offer_link_key key = key_of("a secret of the installation");
    buf_init(out, 1024);
    assert_true(offer_link_write(&key, link, out));
}

static enum offer_link_verdict verdict(struct str token, int64_t now_ms, struct offer_link *out) {
    static struct arena arena;
    struct offer_link_key key = key_of("a secret of the installation");
    arena_clear(&arena);
    arena_init(&arena);
    enum offer_link_verdict v = offer_link_read(&key, token, now_ms, &arena, out);
    if (v != OFFER_LINK_WRONG)
        assert_true(out->task.n && out->agent.n);
    arena_clear(&arena);
    return v;
}

static void a_link_says_who_which_offer_and_what(void **state) {
    (void)state;
    struct offer_link_key key = key_of("a secret of the installation");
    struct offer_link got;
    struct arena arena;
    struct buf token;
    arena_init(&arena);
    for (int accept = 0; accept < 2; accept++) {
        struct offer_link link = anna;
        link.accept = accept;
        token_of(&link, &token);
        assert_int_equal(offer_link_read(&key, buf_str(&token), NOW * 1000, &arena, &got),
                         OFFER_LINK_GOOD);
        assert_true(str_is(got.agent, "anna") && str_is(got.task, "t_1"));
        assert_int_equal(got.offer, 2);
        assert_int_equal(got.accept, accept);
        assert_int_equal(got.expires_s, NOW + 60);
        for (size_t i = 0; i < token.n; i++) /* what a path's segment may hold as it is */
            assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_.",
                                   token.p[i]));
        buf_clear(&token);
    }
    arena_clear(&arena);
}

/* Each part changed by itself, under the signature of the original. */
static void a_changed_part_is_refused(void **state) {
    (void)state;
    struct offer_link others[5] = {anna, anna, anna, anna, anna}, got;
    struct buf token, other, mixed;
    others[0].agent = str_c("ben");
    others[1].task = str_c("t_2");
    others[2].offer = 3;
    others[3].accept = false;
    others[4].expires_s = NOW + 61;
    token_of(&anna, &token);
    struct str mac = buf_str(&token);
    str_cut(&mac, '.');
    for (size_t i = 0; i < COUNT(others); i++) {
        token_of(&others[i], &other);
        struct str rest = buf_str(&other), payload = str_cut(&rest, '.');
        buf_init(&mixed, 1024);
        assert_true(buf_add(&mixed, payload) && buf_add_byte(&mixed, '.') && buf_add(&mixed, mac));
        assert_int_equal(verdict(buf_str(&other), NOW * 1000, &got), OFFER_LINK_GOOD);
        assert_int_equal(verdict(buf_str(&mixed), NOW * 1000, &got), OFFER_LINK_WRONG);
        buf_clear(&mixed);
        buf_clear(&other);
    }
    buf_clear(&token);
}

static void any_other_byte_makes_it_none_of_ours(void **state) {
    (void)state;
    struct offer_link got;
    struct buf token;
    token_of(&anna, &token);
    for (size_t i = 0; i < token.n; i++) {
        char was = token.p[i];
        token.p[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(verdict(buf_str(&token), NOW * 1000, &got), OFFER_LINK_WRONG);
        token.p[i] = was;
        assert_int_equal(verdict(str_upto(buf_str(&token), i), NOW * 1000, &got), OFFER_LINK_WRONG);
    }
    assert_int_equal(verdict(buf_str(&token), NOW * 1000, &got), OFFER_LINK_GOOD);
    assert_true(buf_add_byte(&token, '='));
    assert_int_equal(verdict(buf_str(&token), NOW * 1000, &got), OFFER_LINK_WRONG);
    assert_int_equal(verdict(STR_NONE, NOW * 1000, &got), OFFER_LINK_WRONG);
    assert_int_equal(verdict(str_c("."), NOW * 1000, &got), OFFER_LINK_WRONG);
    buf_clear(&token);
}

static void a_link_ends_at_its_second(void **state) {
    (void)state;
    struct offer_link got;
    struct buf token;
    token_of(&anna, &token);
    assert_int_equal(verdict(buf_str(&token), (NOW + 60) * 1000 - 1, &got), OFFER_LINK_GOOD);
    assert_int_equal(verdict(buf_str(&token), (NOW + 60) * 1000, &got), OFFER_LINK_EXPIRED);
    buf_clear(&token);
}

static void another_installations_link_is_none_of_ours(void **state) {
    (void)state;
    struct offer_link_key key = key_of("the secret of another one");
    struct offer_link got;
    struct arena arena;
    struct buf token;
    arena_init(&arena);
    token_of(&anna, &token);
    assert_int_equal(offer_link_read(&key, buf_str(&token), NOW * 1000, &arena, &got),
                     OFFER_LINK_WRONG);
    buf_clear(&token);
    arena_clear(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_says_who_which_offer_and_what),
        cmocka_unit_test(a_changed_part_is_refused),
        cmocka_unit_test(any_other_byte_makes_it_none_of_ours),
        cmocka_unit_test(a_link_ends_at_its_second),
        cmocka_unit_test(another_installations_link_is_none_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
