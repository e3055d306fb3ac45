/* base/loop.c, base/queue.c, base/thread.c, base/clock.c: order, wake-ups and lifetimes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/queue.h"
#include "base/thread.h"
#include <touchline/kit/buf.h>
#include <touchline/kit/own.h>
#include <touchline/version.h>

static struct loop *loop;
static char seen[64];

static void note(char c) {
    size_t n = strlen(seen);
    assert_true(n + 1 < sizeof seen);
    seen[n] = c;
    seen[n + 1] = '\0';
}

static int setup(void **state) {
    (void)state;
    loop = loop_new();
    seen[0] = '\0';
    return 0;
}

static int teardown(void **state) {
    (void)state;
    loop_free(loop);
    return 0;
}

static void note_letter(void *arg) {
    note(*(const char *)arg);
}
static void stop(void *arg) {
    (void)arg;
    loop_stop(loop);
}

static void queue_more(void *arg) {
    (void)arg;
    note('m');
    loop_later(loop, note_letter, "n");
    loop_later(loop, stop, NULL);
}

static void what_is_put_off_runs_in_order_and_never_at_once(void **state) {
    (void)state;
    loop_later(loop, note_letter, "a");
    loop_reap(loop, "b", note_letter);
    loop_later(loop, queue_more, NULL);
    loop_later(loop, note_letter, "c");
    assert_string_equal(seen, "");
    loop_run(loop);
    assert_string_equal(seen, "abmcn");
}

static void event_noting(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    note(*(const char *)arg);
}

static void event_closing(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what, (void)arg;
    note('x');
    loop_reap(loop, "r", note_letter);
    loop_later(loop, stop, NULL);
}

static void the_reaper_comes_after_events_already_active(void **state) {
    (void)state;
    struct event *first = event_new(loop_base(loop), -1, 0, event_closing, NULL);
    struct event *second = event_new(loop_base(loop), -1, 0, event_noting, "y");
    event_active(first, EV_TIMEOUT, 0);
    event_active(second, EV_TIMEOUT, 0);
    loop_run(loop);
    assert_string_equal(seen, "xyr");
    event_free(first);
    event_free(second);
}

static void a_loop_that_ends_reaps_but_calls_nobody_back(void **state) {
    (void)state;
    struct loop *l = loop_new();
    loop_later(l, note_letter, "a");
    loop_reap(l, "b", note_letter);
    loop_free(l);
    loop_free(NULL);
    assert_string_equal(seen, "b");
}

static void a_stop_before_the_run_is_kept(void **state) {
    (void)state;
    loop_stop(loop);
    loop_run(loop);
    loop_later(loop, note_letter, "a");
    loop_later(loop, stop, NULL);
    loop_run(loop);
    assert_string_equal(seen, "a");
}

static struct loop_timer *timer;

static void fire_and_free(void *arg) {
    note(*(const char *)arg);
    loop_timer_free(steal(&timer));
}

static void timers_fire_once_in_time_unless_stopped(void **state) {
    (void)state;
    struct loop_timer *stopped = loop_timer_new(loop, 1, note_letter, "s");
    struct loop_timer *late = loop_timer_new(loop, 60000, note_letter, "l");
    struct loop_timer *early = loop_timer_new(loop, 60000, note_letter, "e");
    struct loop_timer *last = loop_timer_new(loop, 40, stop, NULL);
    timer = loop_timer_new(loop, 20, fire_and_free, "f");
    loop_timer_stop(stopped);
    loop_timer_set(early, 10);
    int64_t from = clock_mono_ms();
    loop_run(loop);
    assert_true(clock_mono_ms() - from >= 25); /* the kernel's coarse clock steps in up to 10 ms */
    assert_string_equal(seen, "ef");
    assert_null(timer);
    loop_timer_set(stopped, -5);
    loop_later(loop, stop, NULL);
    loop_timer_free(late);
    loop_timer_free(early);
    loop_timer_free(last);
    loop_timer_free(stopped);
    loop_timer_free(NULL);
}

static void how_late_the_main_loop_is_can_be_seen(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    thread_set(THREAD_LOOP);
    struct loop_timer *last = loop_timer_new(loop, 1100, stop, NULL);
    loop_run(loop);
    loop_timer_free(last);
    metrics_start();
    assert_true(metrics_write(&b));
    assert_non_null(strstr(buf_c(&b), "touchline_loop_latency_seconds_count 1\n"));
    assert_non_null(
        strstr(buf_c(&b), "touchline_build_info{version=\"" TOUCHLINE_VERSION "\"} 1\n"));
    assert_null(strstr(buf_c(&b), "touchline_start_time_seconds 0\n"));
}

static void a_full_queue_refuses_and_keeps_its_order(void **state) {
    (void)state;
    struct queue *q = queue_new(20);
    char items[40];
    void *out[40];
    for (int i = 0; i < 20; i++)
        assert_true(queue_push(q, &items[i]));
    assert_false(queue_push(q, &items[20]));
    queue_push_always(q, &items[20]);
    assert_int_equal(queue_length(q), 21);
    assert_int_equal(queue_take(q, out, 5), 5);
    assert_ptr_equal(out[4], &items[4]);
    for (int i = 21; i < 25; i++)
        assert_true(queue_push(q, &items[i]));
    assert_false(queue_push(q, &items[25]));
    assert_int_equal(queue_take(q, out, 40), 20);
    for (int i = 0; i < 20; i++)
        assert_ptr_equal(out[i], &items[5 + i]);
    assert_int_equal(queue_take(q, out, 40), 0);
    assert_int_equal(queue_wait(q, out, 40, 0), 0);
    assert_int_equal(queue_wait(q, out, 40, 5), 0);
    queue_free(q);
    queue_free(NULL);
}

static bool readable(int fd) {
    fd_set set;
    struct timeval none = {0};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, &none) == 1;
}

static void the_bell_rings_exactly_while_items_wait(void **state) {
    (void)state;
    struct queue *q = queue_new(8);
    void *out[8];
    char item;
    assert_true(queue_push(q, &item));
    int fd = queue_fd(q);
    assert_true(readable(fd));
    assert_true(queue_push(q, &item));
    assert_int_equal(queue_take(q, out, 1), 1);
    assert_true(readable(fd));
    assert_int_equal(queue_take(q, out, 1), 1);
    assert_false(readable(fd));
    queue_push_always(q, &item);
    assert_true(readable(fd));
    assert_int_equal(queue_take(q, out, 8), 1);
    assert_int_equal(queue_fd(q), fd);
    queue_free(q);
}

enum { PUSHES = 20000 };

static void add_up(void *arg) {
    must_run_on(THREAD_SPOOL);
    struct queue **q = arg;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_true(sigismember(&mask, SIGTERM));
    uintptr_t sum = 0;
    for (;;) {
        void *out[16];
        size_t n = queue_wait(q[0], out, 16, -1);
        for (size_t i = 0; i < n; i++) {
            if (!out[i]) {
                queue_push_always(q[1], (void *)sum);
                return;
            }
            sum += (uintptr_t)out[i];
        }
    }
}

static void a_thread_takes_all_that_is_pushed_once(void **state) {
    (void)state;
    struct queue *q[2] = {queue_new(64), queue_new(1)};
    void *thread = thread_start(THREAD_SPOOL, add_up, q), *sum;
    thread_set(THREAD_LOOP);
    assert_true(thread_is(THREAD_LOOP));
    for (uintptr_t i = 1; i <= PUSHES; i++)
        while (!queue_push(q[0], (void *)i))
            sched_yield();
    queue_push_always(q[0], NULL);
    assert_int_equal(queue_wait(q[1], &sum, 1, 10000), 1);
    assert_int_equal((uintptr_t)sum, (uintptr_t)PUSHES * (PUSHES + 1) / 2);
    thread_join(thread);
    queue_free(q[0]);
    queue_free(q[1]);
}

static void tests_can_turn_the_wall_clock(void **state) {
    (void)state;
    char path[] = "/tmp/touchline-clock-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "86400000\n", 9) == 9);
    close(fd);
    int64_t before = clock_wall_ms(), mono = clock_mono_ms();
    setenv("TOUCHLINE_CLOCK", path, 1);
    assert_true(clock_wall_ms() - before >= 86400000);
    assert_true(clock_mono_ms() - mono < 86400000);
    unsetenv("TOUCHLINE_CLOCK");
    assert_true(clock_wall_ms() - before < 86400000);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_off_runs_in_order_and_never_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_reaper_comes_after_events_already_active, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_loop_that_ends_reaps_but_calls_nobody_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stop_before_the_run_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(timers_fire_once_in_time_unless_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(how_late_the_main_loop_is_can_be_seen, setup, teardown),
        cmocka_unit_test(a_full_queue_refuses_and_keeps_its_order),
        cmocka_unit_test(the_bell_rings_exactly_while_items_wait),
        cmocka_unit_test(a_thread_takes_all_that_is_pushed_once),
        cmocka_unit_test(tests_can_turn_the_wall_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
