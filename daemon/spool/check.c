/* spool/check.c - quick_check after an unclean stop, beside everything else.
 *
 * On a connection and a thread of its own, since it may read for many seconds: the reader's
 * questions must not wait behind it. It holds the log open meanwhile, which only lets it grow.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { STEPS_BETWEEN = 10000 };

static int stopped(void *arg) {
    const struct spool *s = arg;
    return atomic_load(&s->check_stop);
}

/* false: could not be told (stopped, or no way to read). */
static bool check(struct spool *s, struct db *d, bool *out_sound, struct fault *f) {
    if (!db_open_reader(d, s->folder.db_path, f))
        return false;
    sqlite3_progress_handler(d->handle, STEPS_BETWEEN, stopped, s);
    sqlite3_stmt *st = NULL;
    int code = sqlite3_prepare_v2(d->handle, "PRAGMA quick_check(1)", -1, &st, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *out_sound = str_is(db_column(st, 0), "ok");
    else
        fault_set(f, FAULT_SYSTEM, "spool.db", "quick_check: %s", sqlite3_errmsg(d->handle));
    sqlite3_finalize(st);
    d->code = code;
    if (!db_is_corrupt(d))
        return code == SQLITE_ROW;
    *out_sound = false;
    return true;
}

void check_run(void *arg) {
    must_run_on(THREAD_SPOOL_READER);
    struct spool *s = arg;
    struct db d = {0};
    struct fault f;
    bool sound = true;
    int64_t began = clock_mono_ms();
    bool told = check(s, &d, &sound, &f);
    db_close(&d);
    if (atomic_load(&s->check_stop))
        return;
    if (!told) {
        log_warn("spool.check", "%s", log_fault(&f));
        return;
    }
    log_info("spool.checked", "sound=%s ms=%lld", sound ? "yes" : "no",
             (long long)(clock_mono_ms() - began));
    if (sound)
        return;
    struct job *j = NEW(struct job);
    j->kind = JOB_CORRUPT;
    queue_push_always(s->inbox, j);
}
