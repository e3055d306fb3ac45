/* base/log.c and base/metrics.c: what a reader of lines and numbers gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"

static void values_from_outside_are_escaped(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain-value/1", "plain-value/1"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"x\nlevel=error", "\"x\\x0alevel=error\""},
        {"q\"\\", "\"q\\\"\\\\\""},
        {"Wei\xc3\x9f\x7f", "\"Wei\\xc3\\x9f\\x7f\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(log_value(str_c(cases[i].in)), cases[i].out);
    char big[1000];
    memset(big, '\xff', sizeof big);
    assert_int_equal(strlen(log_value(str_make(big, sizeof big))), 2 + 4 * 200);
}

static void persons_have_a_pseudonym_that_stays(void **state) {
    (void)state;
    char first[64];
    snprintf(first, sizeof first, "%s", log_person(str_c("jana@example.org")));
    assert_int_equal(strlen(first), 18);
    assert_memory_equal(first, "p:", 2);
    assert_string_equal(log_person(str_c("jana@example.org")), first);
    assert_string_not_equal(log_person(str_c("jane@example.org")), first);
}

static void faults_are_shown_with_place_and_reason(void **state) {
    (void)state;
    struct fault f = {0};
    (void)fault_set(&f, FAULT_INPUT, "/from/email", "no @ in it");
    assert_string_equal(log_fault(&f), "place=/from/email reason=\"no @ in it\"");
    (void)fault_set(&f, FAULT_INPUT, "", "full");
    assert_string_equal(log_fault(&f), "reason=full");
}

/* Runs body in a child whose stderr is fd. */
static void in_child(int fd, void (*body)(void)) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(20); /* a logger that blocks fails here */
        dup2(fd, STDERR_FILENO);
        log_setup(LOG_INFO);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static size_t drain(int fd, char *out, size_t room) {
    size_t n = 0;
    ssize_t got;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (n < room - 1 && (got = read(fd, out + n, room - 1 - n)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    return n;
}

static void log_three_lines(void) {
    log_info("test.first", "n=%d text=%s", 1, log_value(str_c("a b")));
    log_debug("test.hidden", "n=%d", 2);
    log_warn("test.forged", "v=%s", "x\nlevel=error event=evil");
    log_error("test.bare", "%s", "");
}

static void a_line_is_an_event_with_time_and_level(void **state) {
    (void)state;
    int p[2];
    char out[8192];
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(pipe(p), 0);
    in_child(p[1], log_three_lines);
    drain(p[0], out, sizeof out);
    char *line = strtok(out, "\n");
    assert_int_equal(line[10], 'T');
    assert_string_equal(line + 24, " level=info event=test.first n=1 text=\"a b\"");
    line = strtok(NULL, "\n");
    assert_string_equal(line + 24, " level=warn event=test.forged v=x?level=error event=evil");
    line = strtok(NULL, "\n");
    assert_string_equal(line + 24, " level=error event=test.bare");
    assert_null(strtok(NULL, "\n"));
    close(p[0]);
    close(p[1]);
}

static void log_a_lot(void) {
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    for (int i = 0; i < 2000; i++)
        log_info("test.flood", "n=%d %s", i, big);
}

static void a_reader_that_sleeps_blocks_nobody(void **state) {
    (void)state;
    int p[2], s[2];
    char out[64];
    assert_int_equal(pipe(p), 0);
    in_child(p[1], log_a_lot);
    assert_true(read(p[0], out, sizeof out) > 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    in_child(s[1], log_a_lot);
    assert_true(read(s[0], out, sizeof out) > 0);
    /* The descriptor shared with others is left as it was. */
    assert_false(fcntl(p[1], F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(s[1], F_GETFL) & O_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(s[i]);
    }
}

static int reader_end;

static void log_until_full_then_read(void) {
    static char out[1 << 20];
    log_a_lot();
    drain(reader_end, out, sizeof out);
    log_info("test.after", "n=%d", 1);
}

static void lost_lines_are_counted_and_told(void **state) {
    (void)state;
    int p[2];
    char out[8192];
    assert_int_equal(pipe(p), 0);
    reader_end = p[0];
    in_child(p[1], log_until_full_then_read);
    drain(p[0], out, sizeof out);
    assert_non_null(strstr(out, "level=warn event=log.dropped lines="));
    assert_non_null(strstr(out, "event=test.after n=1\n"));
    close(p[0]);
    close(p[1]);
}

static void metrics(struct buf *out) {
    buf_reset(out);
    assert_true(metrics_write(out));
}

static void counters_gauges_and_labels_are_written_as_prometheus_reads(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    metric_add(METRIC_SPOOL_RECORDS, 3);
    metric_add(METRIC_SPOOL_RECORDS, 4);
    metric_set(METRIC_SPOOL_BYTES, 123);
    metric_add_label(METRIC_HTTP_REQUESTS, "200", 2);
    metric_add_label(METRIC_HTTP_REQUESTS, "404", 1);
    metric_add_label(METRIC_HTTP_REQUESTS, "200", 1);
    metric_set_label(METRIC_TASKS, "a\"\\\nb", -1);
    metrics(&b);
    static const char *const lines[] = {
        "# HELP touchline_spool_records_total records committed\n"
        "# TYPE touchline_spool_records_total counter\ntouchline_spool_records_total 7\n",
        "# TYPE touchline_spool_bytes gauge\ntouchline_spool_bytes 123\n",
        "touchline_http_requests_total{status=\"200\"} 3\n"
        "touchline_http_requests_total{status=\"404\"} 1\n",
        "touchline_tasks{state=\"a\\\"\\\\\\nb\"} -1\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!strstr(buf_c(&b), lines[i]))
            fail_msg("missing: %s", lines[i]);
    cleanup(buf_clear) struct buf small;
    buf_init(&small, 100);
    assert_false(metrics_write(&small));
}

static void labels_beyond_the_bound_count_as_other(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "rule%d", i);
        metric_add_label(METRIC_RULE_HITS, name, 1);
    }
    metrics(&b);
    assert_non_null(strstr(buf_c(&b), "{rule=\"rule63\"} 1\n"));
    assert_null(strstr(buf_c(&b), "{rule=\"rule64\"}"));
    assert_non_null(strstr(buf_c(&b), "{rule=\"other\"} 36\n"));
}

static void histograms_add_up(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    metric_observe_us(METRIC_SPOOL_COMMIT, 250);
    metric_observe_us(METRIC_SPOOL_COMMIT, 251);
    metric_observe_us(METRIC_SPOOL_COMMIT, 100000000);
    metrics(&b);
    static const char *const lines[] = {
        "touchline_spool_commit_seconds_bucket{le=\"0.00025\"} 1\n",
        "touchline_spool_commit_seconds_bucket{le=\"0.0005\"} 2\n",
        "touchline_spool_commit_seconds_bucket{le=\"60\"} 2\n",
        "touchline_spool_commit_seconds_bucket{le=\"+Inf\"} 3\n"
        "touchline_spool_commit_seconds_sum 100.000501\n"
        "touchline_spool_commit_seconds_count 3\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!strstr(buf_c(&b), lines[i]))
            fail_msg("missing: %s", lines[i]);
}

static void plugins_count_under_their_own_names_within_a_bound(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    metric_plugin_add("email", "lmtp_replies", "250", 2);
    metric_plugin_add("email", "sessions", NULL, 1);
    metric_plugin_add("email", "lmtp_replies", "550", 1);
    metric_plugin_add("E\"vil", "a b\n", "x\"", 1);
    metrics(&b);
    static const char *const lines[] = {
        "# TYPE touchline_email_lmtp_replies_total counter\n"
        "touchline_email_lmtp_replies_total{kind=\"250\"} 2\n"
        "touchline_email_lmtp_replies_total{kind=\"550\"} 1\n",
        "touchline_email_sessions_total 1\n",
        "touchline___vil_a_b__total{kind=\"x\\\"\"} 1\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!strstr(buf_c(&b), lines[i]))
            fail_msg("missing: %s", lines[i]);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        metric_plugin_add("big", name, NULL, 1);
    }
    metrics(&b);
    assert_null(strstr(buf_c(&b), "touchline_big_m299_total"));
    assert_non_null(strstr(buf_c(&b), "touchline_plugin_metrics_dropped_total 48\n"));
}

static void count_up(void *arg) {
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i % 10);
        metric_add(METRIC_SPOOL_GROUP, 1);
        metric_add_label(METRIC_DELIVERY_UPDATES, name, 1);
    }
}

static void threads_lose_no_count(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    void *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = thread_start(THREAD_SPOOL, count_up, NULL);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    metrics(&b);
    assert_non_null(strstr(buf_c(&b), "touchline_spool_commits_total 30000\n"));
    assert_non_null(strstr(buf_c(&b), "{state=\"s7\"} 3000\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_from_outside_are_escaped),
        cmocka_unit_test(persons_have_a_pseudonym_that_stays),
        cmocka_unit_test(faults_are_shown_with_place_and_reason),
        cmocka_unit_test(a_line_is_an_event_with_time_and_level),
        cmocka_unit_test(a_reader_that_sleeps_blocks_nobody),
        cmocka_unit_test(lost_lines_are_counted_and_told),
        cmocka_unit_test(counters_gauges_and_labels_are_written_as_prometheus_reads),
        cmocka_unit_test(labels_beyond_the_bound_count_as_other),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(plugins_count_under_their_own_names_within_a_bound),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
