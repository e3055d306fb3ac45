/* spool/spool.c - opens the room, starts its threads, takes it down; what is known in memory. */
#include "spool/spool.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { TAKE = 64, TURN = 512 /* answers delivered in one turn of the loop */ };

const struct tl_key spool_keys[] = {
    {.name = "max_size",
     .type = TL_KEY_SIZE,
     .offset = offsetof(struct spool_config, max_bytes),
     .min = (int64_t)64 << 20,
     .max = (int64_t)1 << 44,
     .preset = "4GiB",
     .help = "largest spool; beyond it new touchpoints are refused with 503"},
    {.name = "replay_window",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct spool_config, replay_window_ms),
     .min = 3600000,
     .max = (int64_t)30 * 86400000,
     .preset = "24h",
     .help = "how far back the store can be rebuilt from the spool"},
    {.name = "keep_receipts",
     .type = TL_KEY_DURATION,
     .offset = offsetof(struct spool_config, keep_receipts_ms),
     .min = 86400000,
     .max = (int64_t)366 * 86400000,
     .preset = "30d",
     .help = "how long receipts are kept and the same event is known again"},
    {.name = NULL},
};

static void deliver_some(struct spool *s, size_t most) {
    void *items[TAKE];
    size_t n;
    for (size_t done = 0; done < most; done += n) {
        n = queue_take(s->answers, items, TAKE);
        for (size_t i = 0; i < n; i++)
            spool_deliver(s, items[i]);
        if (!n)
            break;
    }
}

static void on_answers(evutil_socket_t fd, short what, void *arg) {
    (void)fd, (void)what;
    deliver_some(arg, TURN);
}

static void on_flush(void *arg) {
    spool_notes_flush(arg);
}

static void spool_free(struct spool *s) {
    if (!s)
        return;
    if (s->answers_event)
        event_free(s->answers_event);
    loop_timer_free(s->flush);
    spool_notes_free(s->notes);
    queue_free(s->inbox);
    queue_free(s->questions);
    queue_free(s->answers);
    folder_close(&s->folder);
    for (size_t i = 0; i < s->cursors_n; i++) {
        free(s->cursors[i].name);
        free(s->cursors[i].value);
    }
    free(s->cursors);
    ledger_clear(&s->ledger);
    free(s);
}

static void spool_freep(struct spool **s) {
    spool_free(*s);
}

static struct spool *spool_new(struct loop *loop, const struct spool_config *config) {
    struct spool *s = NEW(struct spool);
    s->loop = loop;
    s->folder = (struct folder){.fd = -1, .bodies_fd = -1, .lock_fd = -1};
    s->inbox = queue_new(INBOX_MAX);
    s->questions = queue_new(INBOX_MAX);
    s->answers = queue_new(INBOX_MAX);
    s->flush = loop_timer_new(loop, NOTES_FLUSH_MS, on_flush, s);
    loop_timer_stop(s->flush);
    s->answers_event =
        event_new(loop_base(loop), queue_fd(s->answers), EV_READ | EV_PERSIST, on_answers, s);
    s->writer.spool = s;
    s->writer.config = *config;
    s->reader.spool = s;
    return s;
}

bool spool_open(struct loop *loop, struct str dir, const struct spool_config *config,
                struct spool **out, struct fault *f) {
    must_run_on(THREAD_LOOP);
    cleanup(spool_freep) struct spool *s = spool_new(loop, config);
    if (!s->answers_event || event_add(s->answers_event, NULL) != 0)
        return fault_set(f, FAULT_SYSTEM, "spool", "no event for its answers");
    if (!folder_open(&s->folder, dir, f))
        return false;
    if (!writer_open(&s->writer, f) || !spool_load(s, f)) {
        db_close(&s->writer.db);
        return false;
    }
    if (s->unclean) {
        log_warn("spool.unclean", "pending=%llu check=started",
                 (unsigned long long)atomic_load(&s->pending));
        s->check_thread = thread_start(THREAD_SPOOL_READER, check_run, s);
    }
    s->writer.thread = thread_start(THREAD_SPOOL, writer_run, &s->writer);
    s->reader.thread = thread_start(THREAD_SPOOL_READER, reader_run, &s->reader);
    *out = steal(&s);
    return true;
}

static void stop(struct queue *q) {
    struct job *j = NEW(struct job);
    j->kind = JOB_STOP;
    queue_push_always(q, j);
}

void spool_close(struct spool *s) {
    if (!s)
        return;
    must_run_on(THREAD_LOOP);
    spool_notes_flush(s);
    s->closing = true;
    atomic_store(&s->check_stop, true);
    thread_join(s->check_thread);
    stop(s->inbox);
    thread_join(s->writer.thread);
    stop(s->questions); /* behind those that the writer passed on */
    thread_join(s->reader.thread);
    while (queue_length(s->answers))
        deliver_some(s, TURN);
    /* A check that ended just now may have left its word. */
    void *item;
    while (queue_take(s->inbox, &item, 1))
        spool_deliver(s, item);
    writer_close(&s->writer);
    spool_free(s);
}

void spool_reconfigure(struct spool *s, const struct spool_config *config) {
    struct reconfigure *r = NEW(struct reconfigure);
    r->job.kind = JOB_CONFIG;
    r->config = *config;
    queue_push_always(s->inbox, &r->job);
}

enum spool_state spool_health(const struct spool *s) {
    return (enum spool_state)atomic_load(&s->state);
}

static bool load_cursors(struct spool *s, struct db *d, struct fault *f) {
    sqlite3_stmt *st = db_statement(d, SQL_CURSOR_ALL, f);
    if (!st)
        return false;
    enum db_step step;
    while ((step = db_step(d, st, f)) == DB_ROW)
        spool_cursor_set(s, db_column(st, 0), db_column(st, 1));
    return step == DB_END;
}

static bool load_ledger(struct spool *s, struct db *d, struct fault *f) {
    sqlite3_stmt *st = db_statement(d, SQL_LEDGER_ALL, f);
    if (!st)
        return false;
    enum db_step step;
    while ((step = db_step(d, st, f)) == DB_ROW) {
        struct str identity = db_column(st, 0);
        if (identity.n == LEDGER_ID)
            ledger_add(&s->ledger, (const uint8_t *)identity.p,
                       (uint32_t)sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2));
    }
    return step == DB_END;
}

bool spool_load(struct spool *s, struct fault *f) {
    struct db *d = &s->writer.db; /* the thread has not started yet */
    int64_t seq = 0;
    if (!load_cursors(s, d, f) || !load_ledger(s, d, f) ||
        !db_meta_get(d, "confirmed_seq", 0, &seq, f) ||
        !db_meta_get(d, "confirmed_epoch", 0, &s->confirmed_epoch, f))
        return false;
    s->confirmed_seq = (uint64_t)seq;
    return true;
}

static struct spool_cursor *cursor_find(const struct spool *s, struct str name) {
    for (size_t i = 0; i < s->cursors_n; i++)
        if (str_is(name, s->cursors[i].name))
            return &s->cursors[i];
    return NULL;
}

void spool_cursor_set(struct spool *s, struct str name, struct str value) {
    struct spool_cursor *c = cursor_find(s, name);
    if (!c) {
        s->cursors = mem_grow(s->cursors, (s->cursors_n + 1) * sizeof *s->cursors);
        c = &s->cursors[s->cursors_n++];
        *c = (struct spool_cursor){.name = mem_dup(name.p, name.n)};
    }
    free(c->value);
    c->value = mem_dup(value.p ? value.p : "", value.n);
    c->value_n = value.n;
}

bool spool_cursor_get(struct spool *s, struct str name, char *out, size_t max, size_t *out_n) {
    const struct spool_cursor *c = cursor_find(s, name);
    if (!c || c->value_n > max)
        return false;
    memcpy(out, c->value, c->value_n);
    *out_n = c->value_n;
    return true;
}

void spool_cursors(const struct spool *s, struct str prefix, spool_cursor_fn *found, void *arg) {
    for (size_t i = 0; i < s->cursors_n; i++)
        if (str_starts(str_c(s->cursors[i].name), prefix))
            found(arg, str_c(s->cursors[i].name),
                  str_make(s->cursors[i].value, s->cursors[i].value_n));
}

void spool_confirmed(struct spool *s, uint64_t *out_seq, int64_t *out_epoch) {
    *out_seq = s->confirmed_seq;
    *out_epoch = s->confirmed_epoch;
}

bool spool_was_unclean(const struct spool *s) {
    return s->unclean;
}

void spool_erased(const struct spool *s, const uint8_t identity[16], uint32_t *out_count,
                  int64_t *out_last_ms) {
    const struct ledger_entry *e = ledger_find(&s->ledger, identity);
    *out_count = e ? e->count : 0;
    *out_last_ms = e ? e->last_ms : 0;
}

void spool_figures(const struct spool *s, struct spool_figures *out) {
    *out = (struct spool_figures){
        .last_seq = atomic_load(&s->last_seq),
        .pending = atomic_load(&s->pending),
        .quarantined = atomic_load(&s->quarantined),
        .outbox = atomic_load(&s->outbox),
        .bytes = atomic_load(&s->bytes),
        .free_bytes = atomic_load(&s->free_bytes),
    };
    uint64_t open = out->pending + out->quarantined;
    out->applied = out->last_seq > open ? out->last_seq - open : 0;
}
