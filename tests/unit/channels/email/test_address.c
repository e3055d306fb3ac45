/* test_address.c - addresses, header fields and message ids as they are met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "email/address.h"
#include "email/header.h"
#include "email/mail_id.h"
#include "email/thread.h"

static const struct {
    const char *field, *expected; /* "name|email;" each */
} lists[] = {
    {"jana@example.org", "|jana@example.org;"},
    {"Jana <jana@example.org>", "Jana|jana@example.org;"},
    {"\"Wei\\\"\xc3\x9f, Jana\" <jana@example.org>", "Wei\"\xc3\x9f, Jana|jana@example.org;"},
    {"jana@example.org (Jana (x) Y)", "Jana (x) Y|jana@example.org;"},
    {"a@b.c, \"x, y\" <d@e.f>,,g@h.i;", "|a@b.c;x, y|d@e.f;|g@h.i;"},
    {"Team: a@b.c, d@e.f;, g@h.i", "|a@b.c;|d@e.f;|g@h.i;"},
    {"undisclosed-recipients:;", ""},
    {"<@r.s,@t.u:a@b.c>", "|a@b.c;"},
    {"\"john doe\"@b.c", "|\"john doe\"@b.c;"},
    {"\"boss@corp.example\" <x@evil.example>", "boss@corp.example|x@evil.example;"},
    {"boss@corp.example <x@evil.example>", "boss@corp.example|x@evil.example;"},
    {"MAILER-DAEMON <>", "MAILER-DAEMON|;"},
    {"just a name", "just a name|;"},
    {"< a @ b.c >", "|a@b.c;"},
    {"Jana <j(a \\) (b))@x.(c)example>", "Jana|j@x.example;"},
    {"Jana <j(a@x.example>", "Jana|j(a@x.example;"},
    {"jana .b @ x. example, Jana. B", "|jana.b@x.example;Jana. B|;"},
    {"<<a@b.c>>, J << d@e.f >>", "|a@b.c;J|d@e.f;"},
    {"\\\"Jana B\\\" <a@b.c>", "\"Jana B\"|a@b.c;"},
    {"a@b.c <never closed", "a@b.c|neverclosed;"},
    {"", ""},
};

static void lists_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct address found[10];
        struct arena a;
        struct buf got;
        arena_init(&a);
        buf_init(&got, 1000);
        size_t n = address_list(&a, str_c(lists[i].field), found, 10);
        for (size_t j = 0; j < n; j++)
            assert_true(
                buf_addf(&got, "%.*s|%.*s;", STR_ARG(found[j].name), STR_ARG(found[j].email)));
        if (!str_is(buf_str(&got), lists[i].expected))
            fail_msg("%s\n gives    %s\n expected %s", lists[i].field, buf_c(&got),
                     lists[i].expected);
        buf_clear(&got);
        arena_clear(&a);
    }
}

static void what_may_go_to_a_server_is_strict(void **state) {
    static const char *const good[] = {"a@b", "a.b+c@d.e", "\"a b\"@c.d", "a@[127.0.0.1]",
                                       "a@xn--bcher-kva.example"};
    static const char *const bad[] = {
        "",      "a",     "@b",        "a@",      "a b@c", "a@b c",      "<a@b>",     "a@b>",
        "a@b\r", "a\n@b", "a@b..c",    "a@.b",    "a@b.",  "a@@b",       "a,b@c",     "a@b@c",
        "a@b;c", "a\\@b", "\"a\n\"@b", "a@[x y]", "a@b\"", "\xc3\xbc@b", "a@\xc3\xbc"};
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        if (!address_sendable(str_c(good[i])))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (address_sendable(str_c(bad[i])))
            fail_msg("%s is taken", bad[i]);
    assert_true(address_valid(str_c("\xc3\xbc@b.c")));
    assert_false(address_sendable(str_make("a\0b@c", 5)));
}

static void a_mailbox_takes_any_detail_and_any_case(void **state) {
    static const struct {
        const char *given;
        bool matches;
    } cases[] = {{"support@localhost", true},     {"SUPPORT@LOCALHOST", true},
                 {"support+x@localhost", true},   {"Support+@Localhost", true},
                 {"\"support\"@localhost", true}, {"supportx@localhost", false},
                 {"support@localhost.de", false}, {"support-x@localhost", false},
                 {"suppor@localhost", false},     {"support", false}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (address_matches(str_c("support@localhost"), str_c(cases[i].given)) != cases[i].matches)
            fail_msg("%s", cases[i].given);
}

static void headers_end_where_the_body_begins(void **state) {
    static const struct {
        const char *mail, *subject, *body;
    } cases[] = {
        {"Subject: a\r\n b\r\nX: y\r\n\r\nbody", "a\r\n b", "body"},
        {"Subject : a\n\nbody", "a", "body"},
        {"From jana Mon\nSubject: a\n\nbody", "a", "body"},
        {"\r\n\nSubject: a\n\nbody", "a", "body"}, /* an exporter's empty lines */
        {"\r\nno field\n\nbody", NULL, "no field\n\nbody"},
        {"no header at all\nX", NULL, "no header at all\nX"},
        {"Subject: a\nlost fold\nX: y\n\nbody", "a", "body"},
        {"Subject: a\nbody without a gap\nmore", "a", "body without a gap\nmore"},
        {"Subject: a", "a", ""},
        {"", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena a;
        struct headers h;
        arena_init(&a);
        headers_read(&a, str_c(cases[i].mail), &h);
        struct str subject = headers_get(&h, "subject");
        if (!str_eq(subject, str_c(cases[i].subject)) || !str_is(h.body, cases[i].body))
            fail_msg("%s: subject %.*s, body %.*s", cases[i].mail, STR_ARG(subject),
                     STR_ARG(h.body));
        arena_clear(&a);
    }
}

static void trace_fields_do_not_change_a_mails_id(void **state) {
    char a[SHA256_HEX + 1], b[SHA256_HEX + 1];
    (void)state;
    mail_id(str_c("Subject: x\r\nFrom: y\r\n\r\nbody\r\n"), a);
    mail_id(str_c("Return-Path: <q>\r\nReceived: a\r\n\tb\r\nSubject: x\r\nDelivered-To: "
                  "z\r\nFrom: y\r\nRECEIVED: "
                  "c\r\n\r\nbody\r\n"),
            b);
    assert_string_equal(a, b);
    mail_id(str_c("Subject: x\r\nFrom: y\r\n\r\nReceived: body\r\n"), b);
    assert_string_not_equal(a, b);
    mail_id(str_c(""), a);
    assert_string_equal(a, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void message_ids_are_found_in_what_surrounds_them(void **state) {
    static const struct {
        const char *value, *expected;
    } cases[] = {
        {"<a@b> <c@d>", "<a@b><c@d>"},
        {"<a@b>\r\n\t<c@\r\n d>", "<a@b><c@d>"},
        {"Message of Monday <a@b>", "<a@b>"},
        {"a@b c", "<a@b><c>"},
        {"<a@b><a@b>,<c>", "<a@b><c>"},
        {"<never@closed", "<never@closed>"},
        {"<>", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct thread_ids ids = {.n = 0};
        struct arena a;
        struct buf got;
        arena_init(&a);
        buf_init(&got, 1000);
        thread_ids_add(&a, &ids, str_c(cases[i].value));
        for (size_t j = 0; j < ids.n; j++)
            assert_true(buf_add(&got, ids.items[j]));
        if (!str_is(buf_str(&got), cases[i].expected))
            fail_msg("%s gives %s", cases[i].value, buf_c(&got));
        buf_clear(&got);
        arena_clear(&a);
    }
}

static void the_first_and_the_latest_references_stay(void **state) {
    struct thread_ids ids = {.n = 0};
    struct arena a;
    struct buf value;
    (void)state;
    arena_init(&a);
    buf_init(&value, 1 << 16);
    for (int i = 0; i < 500; i++)
        assert_true(buf_addf(&value, "<%d@x> ", i));
    thread_ids_add(&a, &ids, buf_str(&value));
    assert_int_equal(ids.n, THREAD_IDS_MAX);
    assert_true(str_is(ids.items[0], "<0@x>"));
    assert_true(str_is(ids.items[1], "<401@x>"));
    assert_true(str_is(ids.items[THREAD_IDS_MAX - 1], "<499@x>"));
    buf_clear(&value);
    arena_clear(&a);
}

static void a_missing_id_is_made_of_what_stays(void **state) {
    static const char first[] = "Received: x\nFrom: a\nDate: d\nSubject: s\n\nbody";
    static const char again[] = "From: a\nDate: d\nSubject: s\nX: y\n\nbody";
    struct arena a;
    struct headers h;
    bool missing;
    (void)state;
    arena_init(&a);
    headers_read(&a, str_c(first), &h);
    struct str id = thread_message_id(&a, &h, &missing);
    assert_true(missing && str_ends(id, str_c("@touchline.invalid>")));
    headers_read(&a, str_c(again), &h);
    assert_true(str_eq(id, thread_message_id(&a, &h, &missing)));
    headers_read(&a, str_c("Message-ID: < x@y >\n\n"), &h);
    assert_true(str_is(thread_message_id(&a, &h, &missing), "<x@y>") && !missing);
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(what_may_go_to_a_server_is_strict),
        cmocka_unit_test(a_mailbox_takes_any_detail_and_any_case),
        cmocka_unit_test(headers_end_where_the_body_begins),
        cmocka_unit_test(trace_fields_do_not_change_a_mails_id),
        cmocka_unit_test(message_ids_are_found_in_what_surrounds_them),
        cmocka_unit_test(the_first_and_the_latest_references_stay),
        cmocka_unit_test(a_missing_id_is_made_of_what_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
