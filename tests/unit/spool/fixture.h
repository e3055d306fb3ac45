/* tests/unit/spool/fixture.h - a spool in a folder of its own, and the loop turned until something
 * came. Functions are static inline: each test program is one file. */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { PATIENCE_MS = 10000 };

struct world {
    char dir[64], spool[80];
    struct loop *loop;
    struct spool *s;
    struct spool_config config;
    /* what came back */
    size_t done_n;
    enum spool_verdict verdicts[20000];
    uint64_t seqs[20000];
    char answer[1 << 16];
    bool answered, answer_absent;
    struct fault fault;
    size_t records_n;
    bool records_failed;
    struct record *records[4096];
    size_t rows_n;
    char row_id[64], row_head[256], row_reply_to[256], row_provider[64];
    uint32_t row_attempts;
    enum outbox_state row_state;
};

static inline void world_turn(struct world *w) {
    struct timeval tv = {.tv_usec = 1000};
    event_base_loopexit(loop_base(w->loop), &tv);
    event_base_dispatch(loop_base(w->loop));
}

/* Turns the loop until the condition holds, or fails. */
#define WAIT_FOR(w, condition)                                                                     \
    do {                                                                                           \
        int64_t wait_until = clock_mono_ms() + PATIENCE_MS;                                        \
        while (!(condition) && clock_mono_ms() < wait_until)                                       \
            world_turn(w);                                                                         \
        assert_true(condition);                                                                    \
    } while (0)

static inline bool world_try_open(struct world *w, struct fault *f) {
    return spool_open(w->loop, str_c(w->spool), &w->config, &w->s, f);
}

static inline void world_open(struct world *w) {
    struct fault f = {0};
    if (!world_try_open(w, &f))
        fail_msg("spool_open: %s: %s", f.place, f.reason);
}

static inline void world_close(struct world *w) {
    spool_close(steal(&w->s));
}

static inline int world_setup(void **state) {
    struct world *w = NEW(struct world);
    thread_set(THREAD_LOOP);
    log_setup(getenv("TEST_LOG") ? LOG_DEBUG : 0);
    snprintf(w->dir, sizeof w->dir, "/tmp/spool-test-XXXXXX");
    if (!mkdtemp(w->dir))
        return -1;
    snprintf(w->spool, sizeof w->spool, "%s/spool", w->dir);
    w->loop = loop_new();
    w->config = (struct spool_config){.max_bytes = (int64_t)4 << 30,
                                      .replay_window_ms = 86400000,
                                      .keep_receipts_ms = (int64_t)36500 * 86400000};
    *state = w;
    return 0;
}

static inline void world_forget_records(struct world *w) {
    for (size_t i = 0; i < w->records_n; i++)
        record_free(w->records[i]);
    w->records_n = 0;
}

static inline int world_teardown(void **state) {
    struct world *w = *state;
    if (w->s)
        world_close(w);
    world_forget_records(w);
    loop_free(w->loop);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    int status = system(command);
    free(w);
    return status;
}

static inline void on_done(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                           struct str answer, const struct fault *fault) {
    struct world *w = arg;
    (void)keep;
    assert_true(thread_is(THREAD_LOOP));
    assert_int_equal(fault != NULL, verdict == SPOOL_REFUSED);
    w->verdicts[w->done_n] = verdict;
    w->seqs[w->done_n++] = r->seq;
    snprintf(w->answer, sizeof w->answer, "%.*s", STR_ARG(answer));
    if (fault)
        w->fault = *fault;
}

static inline struct record *record_of(const char *id, const char *content, int64_t revision) {
    struct record *r = record_new(RECORD_TOUCHPOINT);
    r->id = record_keep(r, str_c(id));
    r->source = record_keep(r, str_c("push:crm"));
    r->source_id = record_keep(r, str_c("crm-1"));
    r->head = record_keep(r, str_c("{\"text\":\"hello\"}"));
    r->revision = revision;
    size_t n = strlen(content);
    memcpy(r->content, content, n < sizeof r->content ? n : sizeof r->content);
    return r;
}

static inline void push(struct world *w, struct record *r) {
    struct fault f = {0};
    if (!spool_push(w->s, r, on_done, w, &f))
        fail_msg("spool_push: %s", f.reason);
}

/* Pushes one and waits for what became of it. */
static inline enum spool_verdict push_wait(struct world *w, struct record *r) {
    size_t before = w->done_n;
    push(w, r);
    WAIT_FOR(w, w->done_n > before);
    return w->verdicts[before];
}

static inline uint64_t last_seq(const struct world *w) {
    return w->seqs[w->done_n - 1];
}

static inline void on_json(void *arg, struct str json) {
    struct world *w = arg;
    w->answered = true;
    w->answer_absent = !json.p;
    snprintf(w->answer, sizeof w->answer, "%.*s", STR_ARG(json));
}

static inline void on_records(void *arg, struct record **records, size_t n, bool *keep) {
    struct world *w = arg;
    w->answered = true;
    w->records_failed = !records;
    assert_true(n <= COUNT(w->records));
    if (n)
        memcpy(w->records, records, n * sizeof *records);
    w->records_n = n;
    *keep = true;
}

static inline void on_outbox(void *arg, const struct outbox_row *rows, size_t n) {
    struct world *w = arg;
    w->answered = true;
    w->rows_n = n;
    if (!n)
        return;
    snprintf(w->row_id, sizeof w->row_id, "%.*s", STR_ARG(rows->id));
    snprintf(w->row_head, sizeof w->row_head, "%.*s", STR_ARG(rows->head));
    snprintf(w->row_reply_to, sizeof w->row_reply_to, "%.*s", STR_ARG(rows->reply_to));
    snprintf(w->row_provider, sizeof w->row_provider, "%.*s", STR_ARG(rows->provider_id));
    w->row_attempts = rows->attempts;
    w->row_state = rows->state;
}

/* ASK(w, spool_ask_receipt(w->s, id, on_json, w)): asks and waits. */
#define ASK(w, question)                                                                           \
    do {                                                                                           \
        (w)->answered = false;                                                                     \
        question;                                                                                  \
        WAIT_FOR(w, (w)->answered);                                                                \
    } while (0)

static inline void ask_pending(struct world *w) {
    world_forget_records(w);
    ASK(w, spool_ask_pending(w->s, 0, 4096, on_records, w));
}

static inline void ask_receipt(struct world *w, const char *id) {
    ASK(w, spool_ask_receipt(w->s, str_c(id), on_json, w));
}

#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
