/* kit/webhook: Standard Webhooks as others sign them (collected vectors), and secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/webhook.h>

static const char vectors[] = "../shared/corpora/signature-vectors/vectors.json";

static void our_signature_is(struct str secret, const char *id, int64_t at_s, struct str body,
                             struct str due) {
    struct buf b;
    buf_init(&b, 256);
    assert_true(webhook_sign(secret, str_c(id), at_s, body, &b));
    if (!str_eq(buf_str(&b), due))
        fail_msg("signed %s, due is %.*s", buf_c(&b), STR_ARG(due));
    buf_clear(&b);
}

static void collected_vectors_are_signed_alike(void **state) {
    (void)state;
    json_error_t error;
    size_t i, found = 0;
    json_t *list = json_load_file(vectors, 0, &error), *one;
    if (!list) {
        print_message("skipped: %s is not here\n", vectors);
        skip();
    }
    json_array_foreach(list, i, one) {
        if (!str_is(jget_str(one, "scheme"), "standard-webhooks"))
            continue;
        const json_t *h = json_object_get(one, "headers");
        our_signature_is(jget_str(one, "secret"),
                         json_string_value(json_object_get(h, "webhook-id")),
                         atoll(json_string_value(json_object_get(h, "webhook-timestamp"))),
                         jget_str(one, "body"), jget_str(h, "webhook-signature"));
        found++;
    }
    assert_true(found > 0);
    json_decref(list);
}

/* The specification's own example. */
static void a_secret_reads_with_and_without_its_prefix(void **state) {
    (void)state;
    const struct str body = STR("{\"test\": 2432232314}");
    const struct str due = STR("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    our_signature_is(str_c("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                     "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, due);
    our_signature_is(str_c("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek",
                     1614265330, body, due);
}

static void what_is_no_secret_signs_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {"", "whsec_", "whsec_not base64", "whpk_MfKQ9r8GKYqrTwjU"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct buf b;
        buf_init(&b, 256);
        assert_false(webhook_sign(str_c(bad[i]), str_c("id"), 1, str_c("{}"), &b));
        buf_clear(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collected_vectors_are_signed_alike),
        cmocka_unit_test(a_secret_reads_with_and_without_its_prefix),
        cmocka_unit_test(what_is_no_secret_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
