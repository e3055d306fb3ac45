/* tests/bench/spool_bench.c - records a second through the spool, acknowledged ones only.
 *
 *   spool_bench DIR [RECORDS] [BODY_BYTES] [IN_FLIGHT]
 *
 * Keeps so many records under way as a busy front door would; prints one line a run: records/s, ms
 * a record alone in its commit, and the spread over five runs.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/thread.h"
#include "spool/spool.h"

enum { RUNS = 5 };

struct bench {
    struct loop *loop;
    struct spool *spool;
    char *body;
    size_t body_n, total, in_flight;
    size_t sent, kept, failed;
    unsigned run;
};

static void send_more(struct bench *b);

static void on_done(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                    struct str answer, const struct fault *fault) {
    (void)r, (void)keep, (void)answer, (void)fault;
    struct bench *b = arg;
    b->kept += verdict == SPOOL_KEPT;
    b->failed += verdict != SPOOL_KEPT;
    if (b->kept + b->failed == b->total)
        loop_stop(b->loop);
    else
        send_more(b);
}

static void send_more(struct bench *b) {
    while (b->sent < b->total && b->sent - b->kept - b->failed < b->in_flight) {
        struct record *r = record_new(RECORD_TOUCHPOINT);
        r->id = arena_strf(&r->arena, "p_%02u%024zu", b->run, b->sent * 2654435761u % 4294967296u);
        r->source = record_keep(r, str_c("push:crm"));
        r->source_id = r->id;
        r->head = record_keep(r, str_make(b->body, b->body_n));
        memcpy(r->content, &b->sent, sizeof r->content);
        b->sent++;
        if (!spool_push(b->spool, r, on_done, b, NULL))
            b->failed++;
    }
}

static double run(struct bench *b, size_t total, size_t in_flight) {
    b->total = total;
    b->in_flight = in_flight;
    b->sent = b->kept = b->failed = 0;
    b->run++;
    int64_t began = clock_mono_us();
    send_more(b);
    loop_run(b->loop);
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    if (b->failed)
        printf("  %zu refused\n", b->failed);
    return (double)b->kept / seconds;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct bench *b, const char *name, size_t total, size_t in_flight) {
    double rates[RUNS];
    for (size_t i = 0; i < RUNS; i++)
        rates[i] = run(b, total, in_flight);
    qsort(rates, RUNS, sizeof *rates, by_size);
    printf("%-28s %9.0f records/s  (%.0f to %.0f)\n", name, rates[RUNS / 2], rates[0],
           rates[RUNS - 1]);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: spool_bench DIR [RECORDS] [BODY_BYTES] [IN_FLIGHT]\n");
        return 2;
    }
    size_t total = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
    size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 10) : 900;
    size_t in_flight = argc > 4 ? strtoul(argv[4], NULL, 10) : 1024;
    thread_set(THREAD_LOOP);
    log_setup(LOG_WARN);
    struct bench b = {.loop = loop_new(), .body = mem_new(bytes + 1), .body_n = bytes};
    memset(b.body, 'x', bytes);
    struct spool_config config = {
        .max_bytes = (int64_t)64 << 30, .replay_window_ms = 86400000, .keep_receipts_ms = 86400000};
    struct fault f;
    if (!spool_open(b.loop, str_c(argv[1]), &config, &b.spool, &f)) {
        fprintf(stderr, "%s: %s\n", f.place, f.reason);
        return 1;
    }
    char name[64];
    snprintf(name, sizeof name, "%zu bytes, %zu under way", bytes, in_flight);
    measure(&b, name, total, in_flight);
    snprintf(name, sizeof name, "%zu bytes, one at a time", bytes);
    measure(&b, name, total / 50 + 1, 1);
    spool_close(b.spool);
    loop_free(b.loop);
    free(b.body);
    return 0;
}
