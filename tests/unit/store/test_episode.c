/* Episodes: the gap decides, in whatever order visits are read and over however many parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/own.h>

#include "store/episode.h"

enum { HOUR = 3600000, WINDOW = 12 * HOUR, EMAIL = 1, CHAT = 5 };

/* ---- what a part holds, as functions/contact_visit.lua packs it ---- */

struct packed {
    char bytes[4096];
    size_t n;
};

/* At most eight bytes. */
static void put(struct packed *p, int64_t v, size_t n) {
    for (size_t i = 0; i < n; i++)
        p->bytes[p->n++] = (char)((uint64_t)v >> 8 * (n - 1 - i));
}

static void put_id(struct packed *p, unsigned id) {
    put(p, 0, 8);
    put(p, id, 8);
}

static struct id id_of(unsigned id) {
    return (struct id){.b = {[14] = (uint8_t)(id >> 8), [15] = (uint8_t)id}};
}

struct v {
    int64_t hour;
    unsigned id, conversation, subject, order;
    int channel;
};

static void put_visit(struct packed *p, const struct v *v) {
    put(p, v->channel | (v->conversation ? 0x80 : 0), 1);
    put(p, v->hour * HOUR, 6);
    put(p, 0, 4);
    put(p, 1, 2);
    put(p, 1, 2);
    put(p, v->subject, 4);
    put(p, v->order, 4);
    put_id(p, v->id);
    if (v->conversation)
        put_id(p, v->conversation);
}

static void put_mark(struct packed *p, int64_t hour, unsigned conversation, const char *agent) {
    put(p, hour * HOUR, 6);
    put_id(p, conversation);
    put(p, (int64_t)strlen(agent), 1);
    memcpy(p->bytes + p->n, agent, strlen(agent));
    p->n += strlen(agent);
}

static struct str str_of(const struct packed *p) {
    return str_make(p->bytes, p->n);
}

static void add(struct episodes *e, struct packed *visits, const struct v *list, size_t n,
                const struct packed *marks) {
    visits->n = 0;
    put(visits, WINDOW, 6);
    for (size_t i = 0; i < n; i++)
        put_visit(visits, &list[i]);
    episodes_add(e, str_of(visits), marks ? str_of(marks) : STR_NONE);
}

static const struct v days[] = {
    {0, 1, 0, 7, 0, EMAIL},   {11, 2, 0, 0, 0, CHAT},   {23, 3, 1, 7, 0, EMAIL},
    {36, 4, 0, 0, 0, EMAIL},  {40, 5, 0, 7, 0, CHAT},   {100, 6, 0, 0, 9, EMAIL},
    {701, 7, 0, 0, 9, EMAIL}, {900, 8, 0, 7, 9, EMAIL},
};

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* ---- tests ---- */

static void check_days(const struct episodes *e) {
    struct episode ep;
    assert_true(episode_at(e, WINDOW, 23 * (int64_t)HOUR, &ep));
    assert_memory_equal(&ep.id, &(struct id[]){id_of(1)}, ID_BYTES);
    assert_int_equal(ep.n, 3);
    assert_int_equal(ep.touchpoints, 3);
    assert_int_equal(ep.channels, 1 << EMAIL | 1 << CHAT);
    assert_int_equal(ep.until_ms, (23 + 12) * (int64_t)HOUR);
    assert_true(episode_at(e, WINDOW, 41 * (int64_t)HOUR, &ep));
    assert_memory_equal(&ep.id, &(struct id[]){id_of(4)}, ID_BYTES);
    assert_false(episode_at(e, WINDOW, 60 * (int64_t)HOUR, &ep));
    assert_true(episode_last(e, WINDOW, &ep));
    assert_memory_equal(&ep.id, &(struct id[]){id_of(8)}, ID_BYTES);
    assert_false(episode_last(e, 0, &ep));
}

static void the_order_of_visits_makes_no_difference(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        struct v list[COUNT(days)];
        struct packed visits;
        struct episodes e;
        memcpy(list, days, sizeof days);
        srand(seed);
        for (size_t i = COUNT(list) - 1; i > 0; i--) {
            size_t k = (size_t)rand() % (i + 1);
            struct v swap = list[i];
            list[i] = list[k];
            list[k] = swap;
        }
        episodes_init(&e, &arena);
        add(&e, &visits, list, COUNT(list), NULL);
        check_days(&e);
    }
}

static void the_parts_of_a_merged_contact_are_one_and_split_they_are_two(void **state) {
    (void)state;
    struct packed visits[2];
    struct episodes e, half;
    struct episode ep;
    episodes_init(&e, &arena);
    add(&e, &visits[0], days + 4, 4, NULL);
    add(&e, &visits[1], days, 4, NULL);
    check_days(&e);
    episodes_init(&half, &arena);
    add(&half, &visits[0], days + 4, 1, NULL);
    assert_true(episode_last(&half, WINDOW, &ep));
    assert_memory_equal(&ep.id, &(struct id[]){id_of(5)}, ID_BYTES);
}

static void at_the_window_it_goes_on_and_beyond_it_ends(void **state) {
    (void)state;
    const struct v two[] = {{0, 1, 0, 0, 0, EMAIL}, {12, 2, 0, 0, 0, EMAIL}};
    struct packed visits;
    struct episodes e;
    struct episode ep;
    episodes_init(&e, &arena);
    add(&e, &visits, two, 2, NULL);
    assert_true(episode_last(&e, WINDOW, &ep));
    assert_int_equal(ep.n, 2);
    assert_true(episode_last(&e, WINDOW - 1, &ep));
    assert_int_equal(ep.n, 1);
}

static void the_last_who_served_owns_it_and_his_work_of_before_does_not(void **state) {
    (void)state;
    struct packed visits, marks = {.n = 0};
    struct episodes e;
    struct episode ep;
    put_mark(&marks, 24, 1, "anna"); /* of the second one in conversation 1 */
    put_mark(&marks, 12, 2, "ben");
    put_mark(&marks, 90, 4, "clara"); /* late, but of what came at 36 */
    episodes_init(&e, &arena);
    add(&e, &visits, days, COUNT(days), &marks);
    assert_true(episode_at(&e, WINDOW, 23 * (int64_t)HOUR, &ep));
    assert_true(str_is(ep.owner, "anna"));
    assert_true(episode_at(&e, WINDOW, 40 * (int64_t)HOUR, &ep));
    assert_true(str_is(ep.owner, "clara"));
    assert_true(episode_last(&e, WINDOW, &ep));
    assert_false(ep.owner.n);
}

static size_t repeat_of(const struct episodes *e, size_t i) {
    return episode_repeat(e, WINDOW, &e->visits[i]);
}

static void who_comes_again_is_counted_over_episodes_for_30_days(void **state) {
    (void)state;
    /* 6: alone. 7 comes 601 h after 6 about the same order. 8: the order twice; the subject of 5
     * was 860 h ago. */
    static const size_t expected[] = {1, 2, 3, 1, 4, 1, 2, 2};
    struct packed visits;
    struct episodes e;
    episodes_init(&e, &arena);
    add(&e, &visits, days, COUNT(days), NULL);
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(repeat_of(&e, i), expected[i]);
}

static void what_is_noted_twice_or_in_pieces_counts_once(void **state) {
    (void)state;
    struct packed visits;
    struct episodes e;
    struct episode_visit again = {.from_ms = 40 * (int64_t)HOUR + 60000,
                                  .to_ms = 40 * (int64_t)HOUR + 60000,
                                  .channel = CHAT,
                                  .inbound = 1,
                                  .touchpoints = 1,
                                  .first = id_of(70),
                                  .conversation = id_of(5)};
    episodes_init(&e, &arena);
    add(&e, &visits, days, COUNT(days), NULL);
    episodes_note(&e, &e.visits[3]);
    episodes_note(&e, &again);
    assert_int_equal(e.visits_n, COUNT(days));
    again.from_ms = again.to_ms = 41 * (int64_t)HOUR;
    episodes_note(&e, &again);
    assert_int_equal(e.visits_n, COUNT(days) + 1);
}

static void bytes_cut_anywhere_are_read_as_far_as_they_go(void **state) {
    (void)state;
    struct packed visits, marks = {.n = 0};
    struct episodes e;
    put_mark(&marks, 24, 1, "anna");
    episodes_init(&e, &arena);
    add(&e, &visits, days, COUNT(days), &marks);
    for (size_t n = 0; n < visits.n; n++) {
        cleanup(mem_freep) char *cut = mem_dup(visits.bytes, n);
        struct episodes less;
        episodes_init(&less, &arena);
        episodes_add(&less, str_make(cut, n), str_make(marks.bytes, n % marks.n));
        assert_true(less.visits_n < COUNT(days) && less.marks_n == 0);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_order_of_visits_makes_no_difference),
        CASE(the_parts_of_a_merged_contact_are_one_and_split_they_are_two),
        CASE(at_the_window_it_goes_on_and_beyond_it_ends),
        CASE(the_last_who_served_owns_it_and_his_work_of_before_does_not),
        CASE(who_comes_again_is_counted_over_episodes_for_30_days),
        CASE(what_is_noted_twice_or_in_pieces_counts_once),
        CASE(bytes_cut_anywhere_are_read_as_far_as_they_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
