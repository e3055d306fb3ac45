/* Rules of masking from YAML over touchpoints and bytes: what goes, what stays, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/jread.h>

#include "config/config.h"
#include "ingest/mask.h"
#include "touchpoint/touchpoint.h"

static const struct config_section sections[] = {
    {"mask", mask_keys, sizeof(struct mask_config), CONFIG_SECTION_LIST, mask_check},
    {0},
};
static char file[] = "/tmp/touchline-mask-XXXXXX";
static struct id_maker *ids;

#define CARD "4111 1111 1111 1111"
#define IBAN "DE89370400440532013000"

static bool load(const char *rules, struct config **out, struct fault_list *faults) {
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fprintf(f, "mask:\n%s\n", rules);
    fclose(f);
    fault_list_init(faults, 50);
    return config_load(file, sections, NULL, NULL, NULL, out, faults);
}

static struct config *good(const char *rules) {
    struct config *c = NULL;
    struct fault_list faults;
    if (!load(rules, &c, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    fault_list_clear(&faults);
    return c;
}

/* The record of a pushed touchpoint, as it would be written. In a static buffer. */
static const char *saved(const char *rules, const char *push, const char *source) {
    static char out[65536];
    struct config *c = good(rules);
    struct mask *m = mask_new(config_get(c, "mask"), ids);
    cleanup(json_freep) json_t *in = json_loads(push, 0, NULL);
    const struct touchpoint_origin origin = {.source = str_c(source),
                                             .source_id = str_c("1"),
                                             .received_ms = 1764000000000,
                                             .region = str_c("DE"),
                                             .push = true};
    struct fault_list faults;
    struct touchpoint *tp = NULL;
    struct buf b;
    buf_init(&b, sizeof out - 1);
    fault_list_init(&faults, 10);
    if (!touchpoint_read(ids, in, &origin, &tp, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    mask_touchpoint(m, tp);
    assert_true(touchpoint_save(tp, &b));
    snprintf(out, sizeof out, "%s", buf_c(&b));
    buf_clear(&b);
    touchpoint_free(tp);
    fault_list_clear(&faults);
    mask_free(m);
    config_free(c);
    return out;
}

static void has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("%s is not in %s", part, text);
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("%s is in %s", part, text);
}

#define PUSH                                                                                       \
    "{\"channel\":\"form\",\"from\":{\"name\":\"Jana " CARD "\",\"email\":\"jana@example.org\"},"  \
    "\"subject\":\"about " CARD "\",\"text\":\"pay " CARD " from " IBAN "\",\"tags\":[\"x\"],"     \
    "\"data\":{\"card\":4111111111111111,\"deep\":[{\"n\":\"" CARD "\"}],\"iban\":\"" IBAN "\","   \
    "\"born\":\"1980-01-02\"},\"thread\":\"4111111111111111\",\"attachments\":[{\"name\":\"a."     \
    "txt\","                                                                                       \
    "\"type\":\"text/plain\",\"data\":\"NDExMTExMTExMTExMTExMQ==\"},{\"name\":\"b.exe\",\"type\":" \
    "\"application/x-msdownload\",\"data\":\"TVo=\"}]}"

static void a_card_is_gone_from_all_that_people_write(void **state) {
    (void)state;
    const char *s = saved("  - { channels: all, find: card, with: mask }", PUSH, "push:crm");
    has_not(s, CARD);
    has_not(s, ":4111111111111111"); /* of data, a number */
    has(s, "**** **** **** 1111");
    has(s, "************1111");
    has(s, IBAN);
    has(s, "jana@example.org");
    has(s, "\"thread\":\"4111111111111111\""); /* an id by which things are compared */
    has_not(s, "NDExMTExMTExMTExMTExMQ");      /* the attachment's bytes */
    has(s, "TVo=");
}

static void dropped_and_hashed_ones_leave_no_digit(void **state) {
    (void)state;
    const char *s = saved("  - { find: [card, iban], with: drop }", PUSH, "push:crm");
    has(s, "\"subject\":\"about \"");
    has_not(s, "0532013000");
    s = saved("  - { find: card, with: hash }", PUSH, "push:crm");
    const char *first = strstr(s, "[card ");
    assert_non_null(first);
    char one[24];
    snprintf(one, sizeof one, "%.19s", first);
    assert_int_equal(one[18], ']');        /* twelve hexadecimal digits */
    has(strstr(first + 1, "[card "), one); /* the same card is the same wherever it stands */
}

static void fields_are_masked_as_wholes_or_searched_alone(void **state) {
    (void)state;
    const char *s = saved("  - { fields: [data.born, data.deep], with: drop }", PUSH, "push:crm");
    has(s, "\"born\":null");
    has(s, "\"n\":null");
    has(s, "about " CARD);
    s = saved("  - { fields: [subject], with: mask }", PUSH, "push:crm");
    has(s, "\"subject\":\"***\"");
    s = saved("  - { find: iban, fields: [data.iban] }", PUSH, "push:crm");
    has(s, "from " IBAN);
    has(s, "\"iban\":\"DE****************3000\"");
}

static void own_patterns_are_found_and_a_wild_one_lets_nothing_through(void **state) {
    (void)state;
    const char *s =
        saved("  - { find: { matches: 'J[a-z]+(?= \\d)' }, with: mask }", PUSH, "push:crm");
    has(s, "\"name\":\"**** 4111");
    s = saved("  - { matches: 'pay', with: drop }", PUSH, "push:crm");
    has(s, "\"text\":\" " CARD);
    char push[9000], text[8000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(push, sizeof push,
             "{\"channel\":\"form\",\"from\":{\"email\":\"a@b.cd\"},\"text\":\"%s!\"}", text);
    s = saved("  - { matches: '(a+)+$', with: mask }", push, "push:crm");
    has(s, "could not be searched");
    has_not(s, "aaaaaaaa");
}

static void a_rule_is_for_its_channels_alone(void **state) {
    (void)state;
    has(saved("  - { channels: [email], find: card }", PUSH, "push:crm"), CARD);
    has_not(saved("  - { channels: [email, form], find: card }", PUSH, "push:crm"), CARD);
    has_not(saved("  - { channels: [forms], find: card }", PUSH, "forms:contact"), CARD);
}

static void attachments_of_a_type_are_not_kept(void **state) {
    (void)state;
    const char *s =
        saved("  - { attachments: [application/x-msdownload], with: drop }", PUSH, "push:crm");
    has_not(s, "TVo=");
    has(s, "b.exe");
    has(s, "\"masked\":true");
    has(s, "NDExMTExMTExMTExMTExMQ");
    s = saved("  - { attachments: [text/*, application/*], with: drop }", PUSH, "push:crm");
    has_not(s, "NDExMTExMTExMTExMTExMQ");
    has_not(s, "\"_blobs\"");
}

static void bytes_that_nobody_read_are_masked_as_text(void **state) {
    (void)state;
    struct config *c = good("  - { channels: [email], find: card }\n  - { matches: 'secret' }");
    struct mask *m = mask_new(config_get(c, "mask"), ids);
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 4096);
    mask_bytes(m, str_c("email"), str_c("Subject: " CARD "\r\n\r\n\xff secret"), &b);
    assert_string_equal(buf_c(&b), "Subject: **** **** **** 1111\r\n\r\n\xff ******");
    assert_true(mask_reads(m, str_c("email")) && mask_reads(m, str_c("forms")));
    assert_true(mask_new(&(struct tl_items){0}, ids) == NULL);
    mask_free(m);
    config_free(c);
}

static void wrong_rules_are_told_at_their_places(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "  - { find: cards }",
        "  - { find: { matches: '(' } }",
        "  - { find: { matches: a, matches2: b } }",
        "  - { find: { matches: a }, matches: b }",
        "  - { with: mask }",
        "  - { fields: [from.email] }",
        "  - { fields: [id] }",
        "  - { attachments: [exe] }",
        "  - { find: card, attachments: [image/png] }",
        "  - { channels: [emial], find: card }",
        "  - { find: card, with: burn }",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct config *c = NULL;
        struct fault_list faults;
        if (load(wrong[i], &c, &faults))
            fail_msg("taken: %s", wrong[i]);
        assert_non_null(strstr(faults.items[0].place, ":2:"));
        fault_list_clear(&faults);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_gone_from_all_that_people_write),
        cmocka_unit_test(dropped_and_hashed_ones_leave_no_digit),
        cmocka_unit_test(fields_are_masked_as_wholes_or_searched_alone),
        cmocka_unit_test(own_patterns_are_found_and_a_wild_one_lets_nothing_through),
        cmocka_unit_test(a_rule_is_for_its_channels_alone),
        cmocka_unit_test(attachments_of_a_type_are_not_kept),
        cmocka_unit_test(bytes_that_nobody_read_are_masked_as_text),
        cmocka_unit_test(wrong_rules_are_told_at_their_places),
    };
    close(mkstemp(file));
    ids = id_maker_new(str_c("secret"));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    id_maker_free(ids);
    unlink(file);
    return failed;
}
