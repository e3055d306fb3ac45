/* Captured SIP: HEP packets and the calls that are built of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

#include "hep_source.h"
#include "sip/hep_calls.h"

/* One message at second `at` of the test. */
static struct str packet(struct arena *a, int at, const char *text, struct str key, bool deflated) {
    cleanup(buf_clear) struct buf b, number;
    buf_init(&b, HEP_PACKET_MAX);
    buf_init(&number, 16);
    put(&number, 1764000000u + (unsigned)at, 4);
    assert_true(buf_add_c(&b, "HEP3"));
    put(&b, 0, 2);
    chunk(&b, 1, str_make("\2", 1));
    chunk(&b, 9, buf_str(&number));
    chunk(&b, 10, str_make("\0\0\0\0", 4));
    chunk(&b, 11, str_make("\1", 1));
    if (key.n)
        chunk(&b, 14, key);
    if (deflated) {
        unsigned char out[8192];
        unsigned long n = sizeof out;
        assert_int_equal(compress(out, &n, (const unsigned char *)text, strlen(text)), Z_OK);
        chunk(&b, 16, str_make((char *)out, n));
    } else {
        chunk(&b, 15, str_c(text));
    }
    b.p[4] = (char)(b.n >> 8);
    b.p[5] = (char)b.n;
    return arena_str(a, buf_str(&b));
}

/* first: "INVITE sip:…" or "200 OK"; method of CSeq; branch; to_tag. */
static const char *message(struct arena *a, const char *first, const char *cseq, const char *branch,
                           const char *more) {
    bool answer = first[0] >= '1' && first[0] <= '9';
    return arena_strf(a,
                      "%s%s%s\r\nv: SIP/2.0/UDP h;branch=%s, SIP/2.0/UDP other;branch=zz\r\n"
                      "f: \"Jana\" <sip:+4930123456@h>;tag=a\r\nt: <sip:+4930555@h>%s\r\n"
                      "i: one@h\r\nCSeq: %s\r\n\r\n",
                      answer ? "SIP/2.0 " : "", first, answer ? "" : " SIP/2.0", branch, more, cseq)
        .p;
}

static void tells(struct source *s, int at, const char *first, const char *cseq, const char *branch,
                  const char *more) {
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    (void)give(s, packet(&a, at, message(&a, first, cseq, branch, more), STR_NONE, at % 2));
}

/* ---- what is told ---- */

static void a_call_is_answered_and_ended(void **state) {
    (void)state;
    struct source s;
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 1, "INVITE sip:anna@10.0.0.7", "1 INVITE", "b2", "");
    tells(&s, 2, "180 Ringing", "1 INVITE", "b2", ";tag=t");
    tells(&s, 5, "200 OK", "1 INVITE", "b2", ";tag=t");
    tells(&s, 5, "200 OK", "1 INVITE", "b1", ";tag=t");
    tells(&s, 5, "ACK sip:anna@10.0.0.7", "1 ACK", "b3", ";tag=t");
    tells(&s, 9, "INVITE sip:anna@10.0.0.7", "2 INVITE", "b4", ";tag=t"); /* a hold */
    tells(&s, 9, "200 OK", "2 INVITE", "b4", ";tag=t");
    assert_int_equal(s.heard.n, 0);
    tells(&s, 65, "BYE sip:anna@10.0.0.7", "3 BYE", "b5", ";tag=t\r\nReason: Q.850;cause=16");
    tells(&s, 66, "BYE sip:anna@10.0.0.7", "3 BYE", "b5", ";tag=t");
    assert_int_equal(s.heard.n, 1);
    assert_int_equal(s.heard.calls[0].times, 1);
    assert_int_equal(s.heard.calls[0].outcome, CALL_ANSWERED);
    assert_int_equal(s.heard.calls[0].code, 200);
    assert_int_equal(s.heard.calls[0].q850, 16);
    assert_int_equal(s.heard.calls[0].answer_ms - s.heard.calls[0].start_ms, 5000);
    assert_int_equal(s.heard.calls[0].end_ms - s.heard.calls[0].answer_ms, 60000);
    assert_true(str_is(s.heard.calls[0].caller, "sip:+4930123456@h"));
    assert_true(str_is(s.heard.calls[0].callee, "sip:+4930555@h"));
    assert_true(str_is(s.heard.calls[0].target, "anna"));
    pass_time(&s, 65000);
    pass_time(&s, 65000);
    source_close(&s);
}

/* Each message of a call that a proxy forked, in any order: the same call. */
static void order_and_repetition_do_not_matter(void **state) {
    (void)state;
    static const struct {
        int at;
        const char *first, *cseq, *branch, *more;
    } script[] = {
        {0, "INVITE sip:+4930555@h", "1 INVITE", "b1", ""},
        {1, "INVITE sip:anna@10.0.0.7", "1 INVITE", "b2", ""},
        {1, "INVITE sip:ben@10.0.0.8", "1 INVITE", "b3", ""},
        {3, "486 Busy", "1 INVITE", "b3", ";tag=u"},
        {9, "CANCEL sip:anna@10.0.0.7", "1 CANCEL", "b2", ""},
        {8, "CANCEL sip:+4930555@h", "1 CANCEL", "b1", ""},
        {9, "487 Gone", "1 INVITE", "b2", ";tag=t"},
        {9, "487 Gone", "1 INVITE", "b1", ";tag=t"},
    };
    srand(7);
    for (int round = 0; round < 500; round++) {
        size_t order[COUNT(script) * 2];
        struct source s;
        source_open(&s);
        for (size_t i = 0; i < COUNT(order); i++)
            order[i] = i % COUNT(script);
        for (size_t i = COUNT(order) - 1; i; i--) {
            size_t k = (size_t)rand() % (i + 1), t = order[i];
            order[i] = order[k], order[k] = t;
        }
        for (size_t i = 0; i < COUNT(order); i++)
            tells(&s, script[order[i]].at, script[order[i]].first, script[order[i]].cseq,
                  script[order[i]].branch, script[order[i]].more);
        pass_time(&s, 101000);
        assert_int_equal(s.heard.n, 1);
        if (s.heard.calls[0].outcome != CALL_ABANDONED || s.heard.calls[0].code != 487)
            fail_msg("round %d: outcome %d code %d", round, s.heard.calls[0].outcome,
                     s.heard.calls[0].code);
        source_close(&s);
    }
}

static void a_password_asked_for_is_no_call(void **state) {
    (void)state;
    struct source s;
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 0, "407 Who?", "1 INVITE", "b1", ";tag=t");
    pass_time(&s, 1000);
    assert_int_equal(s.heard.n, 0);
    tells(&s, 1, "INVITE sip:+4930555@h", "2 INVITE", "b2", "");
    tells(&s, 4, "603 Decline", "2 INVITE", "b2", ";tag=t");
    assert_int_equal(s.heard.n, 1);
    assert_int_equal(s.heard.calls[0].outcome, CALL_REJECTED);
    source_close(&s);
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 0, "401 Who?", "1 INVITE", "b1", ";tag=t");
    pass_time(&s, 101000);
    pass_time(&s, 101000);
    assert_int_equal(s.heard.n, 0);
    source_close(&s);
}

static void what_is_never_answered_ends_by_the_clock(void **state) {
    (void)state;
    struct source s;
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 2, "180 Ringing", "1 INVITE", "b1", ";tag=t");
    pass_time(&s, 99000);
    assert_int_equal(s.heard.n, 0);
    pass_time(&s, 2000);
    assert_int_equal(s.heard.n, 1);
    assert_int_equal(s.heard.calls[0].outcome, CALL_NO_ANSWER);
    /* The 487 of a caller who gave up was not captured. */
    source_close(&s);
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 4, "CANCEL sip:+4930555@h", "1 CANCEL", "b1", "");
    pass_time(&s, 33000);
    assert_int_equal(s.heard.calls[0].outcome, CALL_ABANDONED);
    source_close(&s);
    /* No BYE: told in the end. */
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    tells(&s, 1, "200 OK", "1 INVITE", "b1", ";tag=t");
    pass_time(&s, 3600 * 1000);
    assert_int_equal(s.heard.n, 0);
    pass_time(&s, 5 * 3600 * 1000);
    assert_int_equal(s.heard.calls[0].outcome, CALL_ANSWERED);
    assert_int_equal(s.heard.calls[0].end_ms, -1);
    source_close(&s);
}

static void privacy_and_anonymous_withhold(void **state) {
    (void)state;
    struct source s;
    source_open(&s);
    tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1", "\r\nPrivacy: user; id");
    tells(&s, 4, "486 Busy", "1 INVITE", "b1", ";tag=t");
    assert_true(s.heard.calls[0].withheld);
    assert_int_equal(s.heard.calls[0].outcome, CALL_BUSY);
    source_close(&s);
}

static void an_asserted_identity_counts_only_if_trusted(void **state) {
    (void)state;
    static const char *const callers[] = {"sip:+4930123456@h", "tel:+4930999"};
    for (int trusted = 0; trusted < 2; trusted++) {
        struct source s;
        source_open(&s);
        s.trust_asserted = trusted;
        tells(&s, 0, "INVITE sip:+4930555@h", "1 INVITE", "b1",
              "\r\nP-Asserted-Identity: <sip:+4930777@h>, <tel:+4930999>");
        tells(&s, 4, "486 Busy", "1 INVITE", "b1",
              ";tag=t\r\nP-Asserted-Identity: <sip:+4930888@h>");
        if (!str_is(s.heard.calls[0].caller, callers[trusted]))
            fail_msg("\"%.*s\", not %s", STR_ARG(s.heard.calls[0].caller), callers[trusted]);
        source_close(&s);
    }
}

static void count_told(void *arg, const struct hep_call *call) {
    unsigned *told = arg;
    assert_int_equal(call->state, HEP_OVER);
    ++*told;
}

/* One INVITE after the other, never answered: who talks stays. */
static void a_flood_of_invites_ends_nobody_who_talks(void **state) {
    (void)state;
    unsigned told = 0;
    const struct hep_options options = {.calls_max = 100};
    struct hep_calls *calls = hep_calls_new(&options, count_told, &told);
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    for (int i = 0; i < 1000; i++) {
        struct sip_message m = {.request = true,
                                .method = STR("INVITE"),
                                .uri = STR("sip:1@h"),
                                .cseq = 1,
                                .call_id = i ? arena_strf(&a, "flood-%d", i) : str_c("talks"),
                                .branch = STR("b")};
        assert_true(hep_calls_add(calls, &m, str_c("INVITE"), STR_NONE, i, i));
        m.request = false;
        m.code = 200;
        if (!i)
            assert_true(hep_calls_add(calls, &m, str_c("200"), STR_NONE, i, i));
    }
    assert_int_equal(hep_calls_open(calls), 100);
    assert_int_equal(told, 900);
    struct sip_message bye = {
        .request = true, .method = STR("BYE"), .cseq = 2, .call_id = STR("talks")};
    assert_true(hep_calls_add(calls, &bye, str_c("BYE"), STR_NONE, 2000, 2000));
    assert_int_equal(told, 901);
    assert_int_equal(hep_calls_open(calls), 99);
    hep_calls_free(calls);
}

static void packets_without_the_key_or_of_old_versions_are_refused(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    struct source s;
    source_open(&s);
    s.secret = str_c("geheim");
    const char *text = message(&a, "INVITE sip:+4930555@h", "1 INVITE", "b1", "");
    assert_int_equal(give(&s, packet(&a, 0, text, str_c("geheim"), false)), FORMAT_LINE);
    assert_int_equal(give(&s, packet(&a, 0, text, str_c("geheim"), true)), FORMAT_LINE);
    assert_int_equal(give(&s, packet(&a, 0, text, str_c("gehein"), false)), FORMAT_STRANGER);
    assert_int_equal(give(&s, packet(&a, 0, text, STR_NONE, false)), FORMAT_STRANGER);
    assert_int_equal(give(&s, str_make("\2\1abc", 5)), FORMAT_OLD);
    assert_int_equal(give(&s, str_c("HEP3\0")), FORMAT_BAD);
    struct str whole = packet(&a, 0, text, str_c("geheim"), false);
    for (size_t n = 0; n < whole.n; n++)
        assert_int_equal(give(&s, str_upto(whole, n)), FORMAT_BAD);
    source_close(&s);
}

static void a_bomb_is_not_inflated(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    arena_init(&a);
    static unsigned char zeroes[4 << 20], out[HEP_PACKET_MAX];
    unsigned long n = sizeof out;
    cleanup(buf_clear) struct buf b;
    struct hep_packet p;
    const char *why = NULL;
    buf_init(&b, HEP_PACKET_MAX);
    assert_int_equal(compress(out, &n, zeroes, sizeof zeroes), Z_OK);
    assert_true(buf_add_c(&b, "HEP3"));
    put(&b, (unsigned)n + 12, 2);
    chunk(&b, 16, str_make((char *)out, n));
    assert_int_equal(hep_packet_read(&a, buf_str(&b), &p, &why), HEP_BAD);
    assert_non_null(why);
}

static void a_stream_is_cut_at_its_lengths(void **state) {
    (void)state;
    assert_int_equal(format_hep.frame(str_make("HEP3\1\0", 6)), 256);
    assert_int_equal(format_hep.frame(str_make("HEP3\1", 5)), 0);
    assert_int_equal(format_hep.frame(str_make("", 0)), 0);
    assert_int_equal(format_hep.frame(str_make("HEP3\0\5", 6)), -1);
    assert_int_equal(format_hep.frame(str_make("GET /", 5)), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered_and_ended),
        cmocka_unit_test(order_and_repetition_do_not_matter),
        cmocka_unit_test(a_password_asked_for_is_no_call),
        cmocka_unit_test(what_is_never_answered_ends_by_the_clock),
        cmocka_unit_test(privacy_and_anonymous_withhold),
        cmocka_unit_test(an_asserted_identity_counts_only_if_trusted),
        cmocka_unit_test(a_flood_of_invites_ends_nobody_who_talks),
        cmocka_unit_test(packets_without_the_key_or_of_old_versions_are_refused),
        cmocka_unit_test(a_bomb_is_not_inflated),
        cmocka_unit_test(a_stream_is_cut_at_its_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
