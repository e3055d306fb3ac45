/* Whom a trusted server verifies (RFC 8601), and who only says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "email/thread.h"
#include "email/trust.h"

#define OURS "Authentication-Results: mx.example.org"

static const struct {
    const char *header;
    bool verified;
} cases[] = {
    {OURS "; dmarc=pass header.from=example.org\n", true},
    {OURS "; dmarc=pass\n", true},
    {"authentication-results: MX.Example.ORG 1; spf=pass smtp.mailfrom=x.org;\n"
     " dkim=pass (good) header.d=x.org; DMARC=Pass (p=none; dis=none)\n header.from=Example.org\n",
     true},
    {OURS
     " (ours (really \\) ;)); dmarc/1 = pass reason=\"a; dmarc=fail\" header.from=example.org\n",
     true},
    {OURS "; dmarc=pass header.from=\"example.org\"\n", true},
    {OURS "; dmarc=pass header.from=jana@example.org\n", true},
    {OURS "; dmarc=pass header.from=evil.org\n", false},
    {OURS "; dmarc=fail header.from=example.org\n", false},
    {OURS "; dmarc=pass header.from=example.org; dmarc=fail header.from=example.org\n", false},
    {OURS "; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org\n", false},
    {OURS "; spf=pass (dmarc=pass header.from=example.org)\n", false},
    {OURS "; spf=pass reason=\"x; dmarc=pass\"\n", false},
    {OURS "; none\n", false},
    {OURS "\n", false},
    {OURS " 2; dmarc=pass header.from=example.org\n", false},
    {OURS ".evil.org; dmarc=pass header.from=example.org\n", false},
    {"Authentication-Results: mx.evil.org; dmarc=pass header.from=example.org\n", false},
    {"Authentication-Results: mx.evil.org; spf=none\n" OURS
     "; dmarc=pass header.from=example.org\n",
     false},
    {"Authentication-Results: (mx.example.org\n", false},
    {"Authentication-Results:\n", false},
    {"Subject: x\n", false},
};

static bool verified(const char *header, const char *from) {
    static const struct str servers[] = {STR("mx2.example.org"), STR("mx.example.org")};
    struct arena a;
    struct headers h;
    arena_init(&a);
    headers_read(&a, str_c(header), &h);
    bool found = trust_sender(&a, &h, servers, COUNT(servers), str_c(from));
    assert_false(trust_sender(&a, &h, NULL, 0, str_c(from)));
    arena_clear(&a);
    return found;
}

static void only_the_topmost_word_of_our_own_server_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (verified(cases[i].header, "jana@example.org") != cases[i].verified)
            fail_msg("%s", cases[i].header);
    assert_false(verified(cases[0].header, "jana@sub.example.org"));
    assert_false(verified(cases[0].header, ""));
}

static void a_thread_index_gives_its_root(void **state) {
    static const struct {
        const char *header, *root;
    } all[] = {
        {"Thread-Index: AQHZ0123456789abcdefghijklmnop==\n", "AQHZ0123456789abcdefghijklmnog=="},
        {"Thread-Index: AQHZ0123456789abcdefghijklmnopqrstuv\n wxyz\n",
         "AQHZ0123456789abcdefghijklmnog=="},
        {"Thread-Index: AQHZ\n", NULL},
        {"Thread-Index: not base64 at all, though it is long enough\n", NULL},
        {"Subject: x\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        struct arena a;
        struct headers h;
        arena_init(&a);
        headers_read(&a, str_c(all[i].header), &h);
        struct str root = thread_index_root(&a, &h);
        if (all[i].root ? !str_is(root, all[i].root) : root.p != NULL)
            fail_msg("%s: %.*s", all[i].header, STR_ARG(root));
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_topmost_word_of_our_own_server_counts),
        cmocka_unit_test(a_thread_index_gives_its_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
