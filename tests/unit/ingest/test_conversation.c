/* Into which exchange a touchpoint belongs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/conversation.h"
#include "touchpoint/touchpoint.h"

static const struct id contact = {.b = {1}}, other = {.b = {2}}, conv = {.b = {3}};
static const struct conversation open_one = {.id = {.b = {3}}, .status = CONVERSATION_OPEN};
static const struct conversation resolved_one = {.id = {.b = {3}}, .status = CONVERSATION_RESOLVED};

static struct conversation_choice choose(const char *channel, const char *thread,
                                         const struct reference_fact *refs, size_t n,
                                         const struct open_fact *opens, size_t opens_n) {
    struct touchpoint tp = {.channel = str_c(channel), .thread = str_c(thread)};
    struct conversation_choice c;
    conversation_choose(&tp, contact, refs, n, opens, opens_n, &c);
    return c;
}

static bool same(struct id a, struct id b) {
    return memcmp(a.b, b.b, ID_BYTES) == 0;
}

static void a_mail_alone_begins_its_own_a_message_looks(void **state) {
    (void)state;
    const struct open_fact open = {.part = contact, .open = &open_one};
    assert_int_equal(choose("email", NULL, NULL, 0, &open, 1).mode, JOIN_OWN);
    struct conversation_choice c = choose("chat", NULL, NULL, 0, &open, 1);
    assert_int_equal(c.mode, JOIN_LOOK);
    assert_ptr_equal(c.existing, &open_one);
    assert_true(c.by_source);
}

static void a_call_joins_only_one_that_waits_to_be_called_back(void **state) {
    (void)state;
    const struct conversation waiting = {.id = {.b = {3}}, .has_task = true};
    const struct open_fact idle = {.part = contact, .open = &open_one},
                           busy = {.part = contact, .open = &waiting},
                           merged[] = {{.part = contact}, {.part = other, .open = &waiting}};
    assert_null(choose("call", NULL, NULL, 0, &idle, 1).existing);
    assert_ptr_equal(choose("call", NULL, NULL, 0, &busy, 1).existing, &waiting);
    struct conversation_choice c = choose("call", NULL, NULL, 0, merged, 2);
    assert_true(c.mode == JOIN_ID && same(c.part, other) && c.by_callback && !c.by_source);
}

static void a_resolved_one_is_not_joined_without_a_thread(void **state) {
    (void)state;
    const struct open_fact open = {.part = contact, .open = &resolved_one};
    assert_null(choose("chat", NULL, NULL, 0, &open, 1).existing);
    const struct open_fact threaded = {.part = contact, .thread = &resolved_one};
    assert_ptr_equal(choose("chat", "t", NULL, 0, &threaded, 1).existing, &resolved_one);
}

static void one_in_a_merged_part_is_joined_there(void **state) {
    (void)state;
    const struct open_fact opens[] = {{.part = contact}, {.part = other, .open = &open_one}};
    struct conversation_choice c = choose("chat", NULL, NULL, 0, opens, 2);
    assert_int_equal(c.mode, JOIN_ID);
    assert_true(same(c.part, other) && same(c.conversation, conv));
}

static void references_count_only_within_the_contact(void **state) {
    (void)state;
    struct reference_fact r = {.found = true,
                               .ours = true,
                               .part = other,
                               .conversation_id = conv,
                               .conversation = &open_one};
    struct conversation_choice c = choose("email", NULL, &r, 1, NULL, 0);
    assert_int_equal(c.mode, JOIN_ID);
    assert_true(same(c.part, other));
    r.ours = false;
    c = choose("email", NULL, &r, 1, NULL, 0);
    assert_int_equal(c.mode, JOIN_OWN);
    assert_true(c.foreign);
    r.token = true; /* our token in a stranger's hand is no better */
    c = choose("email", NULL, &r, 1, NULL, 0);
    assert_int_equal(c.mode, JOIN_OWN);
    assert_true(c.foreign);
}

static void a_token_of_what_is_gone_opens_it_again_unless_erased(void **state) {
    (void)state;
    struct reference_fact r = {.token = true, .conversation_id = conv};
    struct conversation_choice c = choose("email", NULL, &r, 1, NULL, 0);
    assert_int_equal(c.mode, JOIN_ID);
    assert_true(same(c.conversation, conv) && same(c.part, contact));
    r.erased = true;
    assert_int_equal(choose("email", NULL, &r, 1, NULL, 0).mode, JOIN_OWN);
}

static void the_nearest_reference_that_is_known_decides(void **state) {
    (void)state;
    const struct id elsewhere = {.b = {9}};
    const struct reference_fact refs[] = {
        {.found = false},
        {.found = true,
         .ours = true,
         .part = contact,
         .conversation_id = elsewhere,
         .conversation = &open_one},
        {.token = true,
         .found = true,
         .ours = true,
         .part = contact,
         .conversation_id = conv,
         .conversation = &open_one},
    };
    assert_true(same(choose("email", NULL, refs, 3, NULL, 0).conversation, elsewhere));
    assert_true(same(choose("email", NULL, refs + 2, 1, NULL, 0).conversation, conv));
}

static void a_foreign_exchange_is_named_and_not_joined(void **state) {
    (void)state;
    const struct reference_fact r = {.found = true, .conversation_id = conv};
    struct conversation_choice c = choose("email", NULL, &r, 1, NULL, 0);
    assert_true(c.foreign && same(c.related, conv) && c.mode == JOIN_OWN);
}

static struct conversation_choice choose_letter(const char *subject, const char *automatic,
                                                int64_t at_ms, const struct open_fact *open) {
    struct touchpoint tp = {.channel = STR("email"),
                            .source = STR("email:support"),
                            .direction = STR("inbound"),
                            .message_id = STR("<new@x>"),
                            .subject = str_c(subject),
                            .auto_kind = str_c(automatic),
                            .at_ms = at_ms};
    struct conversation_choice c;
    conversation_choose(&tp, contact, NULL, 0, open, 1, &c);
    return c;
}

static void a_subject_joins_only_an_answer_within_its_time(void **state) {
    static const int64_t day = 24 * 3600 * 1000;
    const struct conversation resolved = {
        .id = {.b = {3}}, .status = CONVERSATION_RESOLVED, .last_ms = 100 * day};
    const struct open_fact open = {.part = contact, .open = &resolved};
    (void)state;
    assert_true(same(choose_letter("Re: Order", NULL, 101 * day, &open).conversation, conv));
    assert_int_equal(choose_letter("Re: Order", NULL, 101 * day, &open).mode, JOIN_ID);
    assert_int_equal(choose_letter("Order", NULL, 101 * day, &open).mode, JOIN_LOOK);
    assert_null(choose_letter("Order", NULL, 101 * day, &open).existing);
    assert_null(choose_letter("Fwd: Order", NULL, 101 * day, &open).existing);
    assert_null(choose_letter("Fwd: Re: Order", NULL, 101 * day, &open).existing);
    assert_null(choose_letter("Re: Order", "auto-reply", 101 * day, &open).existing);
    assert_null(choose_letter("Re: Order", NULL, 115 * day, &open).existing);
    assert_true(choose_letter("Order", NULL, 101 * day, &open).by_source);
    assert_false(choose_letter("Re: ", NULL, 101 * day, &open).by_source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_alone_begins_its_own_a_message_looks),
        cmocka_unit_test(a_call_joins_only_one_that_waits_to_be_called_back),
        cmocka_unit_test(a_resolved_one_is_not_joined_without_a_thread),
        cmocka_unit_test(one_in_a_merged_part_is_joined_there),
        cmocka_unit_test(references_count_only_within_the_contact),
        cmocka_unit_test(a_token_of_what_is_gone_opens_it_again_unless_erased),
        cmocka_unit_test(the_nearest_reference_that_is_known_decides),
        cmocka_unit_test(a_foreign_exchange_is_named_and_not_joined),
        cmocka_unit_test(a_subject_joins_only_an_answer_within_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
