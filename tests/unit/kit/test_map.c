/* kit/map: against a plain array that is searched by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/map.h>

enum { KEYS = 500, STEPS = 50000 };

struct item {
    char key[16];
    bool in;
};

static void what_was_put_is_found_and_what_was_taken_is_not(void **state) {
    (void)state;
    static struct item items[KEYS];
    for (int i = 0; i < KEYS; i++)
        snprintf(items[i].key, sizeof items[i].key, "key-%d", i);
    struct map m = {0};
    size_t n = 0;
    srand(7);
    for (int step = 0; step < STEPS; step++) {
        struct item *it = &items[rand() % KEYS];
        if (rand() % 2) {
            map_put(&m, str_c(it->key), it);
            n += !it->in;
            it->in = true;
        } else {
            assert_ptr_equal(map_take(&m, str_c(it->key)), it->in ? it : NULL);
            n -= it->in;
            it->in = false;
        }
        assert_int_equal(m.n, n);
        struct item *other = &items[rand() % KEYS];
        assert_ptr_equal(map_get(&m, str_c(other->key)), other->in ? other : NULL);
    }
    size_t at = 0, walked = 0;
    for (struct item *it; (it = map_next(&m, &at)); walked++)
        assert_true(it->in);
    assert_int_equal(walked, n);
    map_clear(&m);
}

static void an_empty_map_answers(void **state) {
    (void)state;
    struct map m = {0};
    size_t at = 0;
    assert_null(map_get(&m, str_c("a")));
    assert_null(map_take(&m, str_c("a")));
    assert_null(map_next(&m, &at));
    map_clear(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_what_was_taken_is_not),
        cmocka_unit_test(an_empty_map_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
