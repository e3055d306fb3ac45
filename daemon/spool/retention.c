/* spool/retention.c - drops what has outlived its time, in small batches.
 *
 * A record goes when it is applied (or an operator dropped it), its body has moved, the store has
 * confirmed it, and it is older than the replay window. Receipts, aliases, events and finished
 * outbox rows go by their own age. Where the spool nears its size, receipts older than the window
 * go first, then confirmed records of the window itself, which is told as an alarm.
 *
 * The wall clock decides, so it is doubted: behind the last run nothing goes until it has caught
 * up; a leap of more than a day ahead of the monotonic clock stops retention until it is taken back
 * or the daemon is started again.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { PLACE_DAYS = 800 /* longer than a mailbox is asked back */ };
enum { BATCH = 500, CUT = 50 /* at a time, of the window itself */, RESTART_MS = 600000 };
static const int64_t day_ms = 86400000;

static bool clock_is_sane(struct writer *w, int64_t wall, int64_t last_run) {
    int64_t mono = clock_mono_ms();
    int64_t leap = w->mono_ms ? wall - w->wall_ms - (mono - w->mono_ms) : 0;
    bool sane = wall >= last_run && leap <= day_ms;
    if (!sane && !w->clock_told)
        log_error("spool.clock", "wall_ms=%lld last_run_ms=%lld leap_ms=%lld retention=paused",
                  (long long)wall, (long long)last_run, (long long)leap);
    w->clock_told = !sane;
    if (!sane && w->mono_ms)
        return false;
    w->wall_ms = wall;
    w->mono_ms = mono;
    return sane;
}

/* Deletes one batch of rows whose time is before `before_ms`. */
static bool drop_aged(struct writer *w, enum sql id, int64_t before_ms, int64_t *out_n,
                      struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, id, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, before_ms);
    sqlite3_bind_int(s, 2, BATCH);
    if (!db_run(&w->db, s, f))
        return false;
    *out_n += sqlite3_changes(w->db.handle);
    return true;
}

/* A receipt goes with its entry in the index. The batch is in order of age, so its last one that is
 * old enough takes all before it along. */
static bool drop_receipts(struct writer *w, int64_t before_ms, int64_t *out_n, struct fault *f) {
    struct seen_entry rows[BATCH];
    size_t n = 0, old = 0;
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECEIPTS_OLD, f);
    if (!s)
        return false;
    sqlite3_bind_int(s, 1, BATCH);
    enum db_step step = DB_END;
    while (n < BATCH && (step = db_step(&w->db, s, f)) == DB_ROW) {
        rows[n].n = sqlite3_column_int64(s, 0);
        rows[n++].key = db_key(db_column(s, 1));
        if (sqlite3_column_int64(s, 2) < before_ms)
            old = n;
    }
    if (step == DB_ROW)
        db_done(s);
    if (step == DB_FAILED || !old)
        return step != DB_FAILED;
    for (size_t i = 0; i < old; i++) {
        if (!(s = db_statement(&w->db, SQL_SEEN_DEL, f)))
            return false;
        sqlite3_bind_int64(s, 1, rows[i].key);
        sqlite3_bind_int64(s, 2, rows[i].n);
        if (!db_run(&w->db, s, f))
            return false;
    }
    if (!(s = db_statement(&w->db, SQL_RECEIPTS_DEL, f)))
        return false;
    sqlite3_bind_int64(s, 1, rows[old - 1].n);
    *out_n += (int64_t)old;
    return db_run(&w->db, s, f);
}

struct old {
    uint64_t seq;
    int64_t received_ms, big;
    bool stuck; /* pending, held or quarantined */
};

static bool old_list(struct writer *w, struct old *out, size_t max, size_t *out_n,
                     struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECORDS_OLD, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)w->retention_after);
    sqlite3_bind_int64(s, 2, (int64_t)w->confirmed_seq);
    sqlite3_bind_int64(s, 3, (int64_t)max);
    size_t n = 0;
    enum db_step step = DB_END;
    while (n < max && (step = db_step(&w->db, s, f)) == DB_ROW)
        out[n++] = (struct old){
            .seq = (uint64_t)sqlite3_column_int64(s, 0),
            .received_ms = sqlite3_column_int64(s, 1),
            .big = sqlite3_column_int64(s, 2),
            .stuck = sqlite3_column_int(s, 3),
        };
    if (step == DB_ROW)
        db_done(s);
    *out_n = n;
    return step != DB_FAILED;
}

static bool record_del(struct writer *w, const struct old *o, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_RECORD_DEL, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, (int64_t)o->seq);
    if (o->big)
        writer_drop_body(w, o->seq, o->big);
    return db_run(&w->db, s, f);
}

/* Walks on from where it stood; what is stuck is looked at again every ten minutes. */
static bool drop_records(struct writer *w, int64_t before_ms, size_t max, int64_t *out_n,
                         bool *out_more, struct fault *f) {
    struct old old[BATCH];
    size_t n = 0, i = 0;
    int64_t now = clock_mono_ms();
    if (now >= w->retention_restart_ms) {
        w->retention_restart_ms = now + RESTART_MS;
        w->retention_after = 0;
    }
    if (!old_list(w, old, max, &n, f))
        return false;
    for (; i < n && old[i].received_ms < before_ms; i++) {
        if (!old[i].stuck && !record_del(w, &old[i], f))
            return false;
        *out_n += !old[i].stuck;
        w->retention_after = old[i].seq;
    }
    *out_more |= i == max;
    if (i < n)
        metric_set(METRIC_SPOOL_WINDOW, (clock_wall_ms() - old[i].received_ms) / 1000);
    return true;
}

/* true: near the configured size. */
static bool pressed(struct writer *w) {
    return writer_used_bytes(w) > w->config.max_bytes / 100 * 90;
}

static bool drop_all(struct writer *w, int64_t wall, int64_t *out_n, bool *out_more,
                     struct fault *f) {
    int64_t window = wall - w->config.replay_window_ms;
    int64_t receipts = wall - w->config.keep_receipts_ms;
    int64_t keys = wall - 2 * day_ms, cut = 0, aged = 0;
    bool press = pressed(w);
    if (press && receipts < window)
        receipts = window;
    if (window < keys)
        keys = window;
    if (!drop_receipts(w, receipts, &aged, f) || !drop_aged(w, SQL_ALIAS_OLD, receipts, &aged, f) ||
        !drop_aged(w, SQL_EVENTS_OLD, receipts, &aged, f) ||
        !drop_aged(w, SQL_OUTBOX_OLD, wall - w->config.keep_receipts_ms, &aged, f) ||
        !drop_aged(w, SQL_IDEM_OLD, keys, &aged, f) ||
        !drop_aged(w, SQL_PLACES_OLD, wall - PLACE_DAYS * day_ms, &aged, f) ||
        !drop_aged(w, SQL_TALLIES_OLD, wall - PLACE_DAYS * day_ms, &aged, f) ||
        !drop_aged(w, SQL_MEDIA_OLD, keys, &aged, f) ||
        !drop_records(w, window, BATCH, out_n, out_more, f))
        return false;
    bool cuts = press && !aged && !*out_n;
    if (cuts && !drop_records(w, INT64_MAX, CUT, &cut, out_more, f))
        return false;
    if (cut && !w->cut_told)
        log_error("spool.window_cut", "max_bytes=%lld the replay window is shorter than configured",
                  (long long)w->config.max_bytes);
    w->cut_told = press && (w->cut_told || cut);
    *out_n += aged + cut;
    *out_more |= aged >= BATCH || cut > 0;
    return true;
}

bool retention_run(struct writer *w, bool *out_more, struct fault *f) {
    must_run_on(THREAD_SPOOL);
    int64_t wall = clock_wall_ms(), last_run = 0, n = 0;
    if (!db_meta_get(&w->db, "retention_ms", 0, &last_run, f))
        return false;
    if (!clock_is_sane(w, wall, last_run))
        return true;
    if (!writer_begin(w, f) || !drop_all(w, wall, &n, out_more, f))
        return false;
    if (n && !db_meta_set(&w->db, "retention_ms", wall, f))
        return false;
    return writer_commit(w, f);
}
