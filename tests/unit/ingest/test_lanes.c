/* Lanes: in the order in which seats were taken, and never two at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/lanes.h"

static struct id key(uint8_t n) {
    return (struct id){.b = {n}};
}

static void the_first_goes_first_and_tells_who_is_next(void **state) {
    (void)state;
    struct lanes l = {0};
    struct seat a = {0}, b = {0}, c = {0};
    int owners[3];
    lane_take(&l, key(1), &a, &owners[0]);
    lane_take(&l, key(1), &b, &owners[1]);
    lane_take(&l, key(2), &c, &owners[2]);
    assert_true(lane_first(&a));
    assert_false(lane_first(&b));
    assert_true(lane_first(&c));
    assert_ptr_equal(lane_leave(&l, &a), &owners[1]);
    assert_null(lane_leave(&l, &a));
    assert_true(lane_first(&b));
    assert_null(lane_leave(&l, &b));
    assert_null(lane_leave(&l, &c));
    lanes_clear(&l);
}

static void many_in_many_lanes_never_wait_for_each_other(void **state) {
    (void)state;
    enum { JOBS = 200, LANES = 7 };
    struct lanes l = {0};
    static struct seat seats[JOBS][2];
    memset(seats, 0, sizeof seats);
    for (int i = 0; i < JOBS; i++) {
        lane_take(&l, key((uint8_t)(i % LANES)), &seats[i][0], seats[i]);
        lane_take(&l, key((uint8_t)((i * 3 + 1) % LANES + 10)), &seats[i][1], seats[i]);
    }
    int left = JOBS;
    bool gone[JOBS] = {false};
    while (left) {
        int before = left;
        for (int i = 0; i < JOBS; i++) {
            if (gone[i] || !lane_first(&seats[i][0]) || !lane_first(&seats[i][1]))
                continue;
            lane_leave(&l, &seats[i][0]);
            lane_leave(&l, &seats[i][1]);
            gone[i] = true;
            left--;
        }
        assert_true(left < before);
    }
    lanes_clear(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_goes_first_and_tells_who_is_next),
        cmocka_unit_test(many_in_many_lanes_never_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
