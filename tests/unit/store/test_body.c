/* Bodies go in and come out the same, and what is none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/body.h"

static const struct str text =
    STR("\"source\":\"push:crm\",\"source_id\":\"crm-1\",\"at\":\"2026-11-23T08:00:00.000Z\","
        "\"channel\":\"chat\",\"kind\":\"message\",\"direction\":\"inbound\",\"from\":{\"name\":"
        "null,\"email\":\"jana@example.org\",\"verified\":false},\"to\":[],\"cc\":[]");

static void a_body_comes_back_as_it_was_and_is_small(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf packed, back;
    buf_init(&packed, 1 << 20);
    buf_init(&back, 1 << 20);
    for (int i = 0; i < 3; i++) {
        buf_reset(&packed);
        buf_reset(&back);
        assert_true(body_pack(text, &packed));
        assert_true(packed.n < text.n / 3);
        assert_true(body_unpack(buf_str(&packed), &back));
        assert_true(str_eq(buf_str(&back), text));
    }
}

static void what_is_no_body_is_refused(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf packed, back;
    buf_init(&packed, 1 << 20);
    buf_init(&back, 1 << 20);
    assert_true(body_pack(text, &packed));
    assert_false(body_unpack(str_c(""), &back));
    assert_false(body_unpack(str_c("\x02xyz"), &back));
    for (size_t n = 1; n < packed.n; n++) {
        buf_reset(&back);
        assert_false(body_unpack(str_upto(buf_str(&packed), n), &back));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_back_as_it_was_and_is_small),
        cmocka_unit_test(what_is_no_body_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
