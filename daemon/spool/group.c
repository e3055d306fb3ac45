/* spool/group.c - one group of jobs: one transaction, then the answers.
 *
 * A group that fails is written once more on a new connection; fails it again, its records are
 * refused (their senders come again, ids make that harmless) and its notes wait for the next group.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

static struct push *push_of(struct job *j) {
    return container_of(j, struct push, job);
}
static struct question *question_of(struct job *j) {
    return container_of(j, struct question, job);
}

static void refuse(struct push *p, const struct fault *why, const char *label) {
    if (!p->fault)
        p->fault = NEW(struct fault);
    *p->fault = *why;
    p->verdict = SPOOL_REFUSED;
    metric_add_label(METRIC_SPOOL_REFUSED, label, 1);
}

static bool write_push(struct writer *w, struct push *p, struct fault *f) {
    struct fault full;
    if (p->verdict == SPOOL_REFUSED)
        return true;
    if (p->record->body.n > BIG_BODY)
        writer_look(w, true);
    if (!guard_admits(&w->guard, (int64_t)p->bytes, &full)) {
        refuse(p, &full, "disk");
        return true;
    }
    return keep_record(w, p, f);
}

static bool write_job(struct writer *w, struct job *j, struct fault *f) {
    switch (j->kind) {
    case JOB_PUSH:
        return write_push(w, push_of(j), f);
    case JOB_NOTES:
        return notes_write(w, container_of(j, struct notes, job), f);
    case JOB_CHANGE:
        return change_write(w, question_of(j), f);
    case JOB_ASK:
    case JOB_CONFIG:
    case JOB_CORRUPT:
    case JOB_STOP:
        break;
    }
    return true;
}

static bool needs_writing(const struct writer *w) {
    if (list_first(&w->left_notes))
        return true;
    for (size_t i = 0; i < w->group_n; i++)
        if (w->taken[i]->kind <= JOB_NOTES || w->taken[i]->kind == JOB_CHANGE)
            return true;
    return false;
}

static bool write_all(struct writer *w, struct fault *f) {
    if (!writer_begin(w, f))
        return false;
    list_each (at, &w->left_notes) {
        struct job *j = container_of(at, struct job, link);
        if (!notes_write(w, container_of(j, struct notes, job), f))
            return false;
    }
    for (size_t i = 0; i < w->group_n; i++)
        if (!write_job(w, w->taken[i], f))
            return false;
    return seen_fold(&w->seen, &w->db, f) && tallies_write(w, f) && writer_commit(w, f);
}

static bool attempt(struct writer *w, struct fault *f) {
    if (!w->db.handle)
        return fault_set(f, FAULT_SYSTEM, "spool.db", "not open");
    if (write_all(w, f))
        return true;
    writer_rollback(w);
    return false;
}

/* What a failed COMMIT may have left on the disk is told apart from what was there before. */
static void remember_tried(struct writer *w) {
    for (size_t i = 0; i < w->group_n; i++) {
        struct push *p = push_of(w->taken[i]);
        if (w->taken[i]->kind == JOB_PUSH && p->verdict == SPOOL_KEPT)
            p->tried = p->record->seq;
    }
}

static bool commit(struct writer *w, struct fault *f) {
    int64_t began = clock_mono_us();
    bool ok = attempt(w, f);
    if (!ok) {
        writer_fail(w, f);
        remember_tried(w);
        ok = writer_reopen(w, f) && attempt(w, f);
    }
    if (!ok) {
        writer_fail(w, f);
        return false;
    }
    if (w->failing)
        log_info("spool.recovered", "last_seq=%llu", (unsigned long long)w->last_seq);
    w->failing = false;
    metric_observe_us(METRIC_SPOOL_COMMIT, clock_mono_us() - began);
    metric_add(METRIC_SPOOL_GROUP, 1);
    metric_add(METRIC_SPOOL_RECORDS, (uint64_t)w->delta.records);
    return true;
}

static void give_back(struct writer *w, struct job *j) {
    queue_push_always(w->spool->answers, j);
}

static void tell_left_notes(struct writer *w) {
    while (list_first(&w->left_notes)) {
        struct job *j = container_of(list_first(&w->left_notes), struct job, link);
        link_remove(&j->link);
        give_back(w, j);
    }
}

/* The reader sees the table only; what stands in memory goes along. */
static void pass_on(struct writer *w, struct question *q) {
    for (size_t i = 0; i < q->wanted_n; i++) {
        struct wanted *id = &q->wanted[i];
        bool told =
            seen_find(&w->seen, NULL, db_key(id->id), &q->arena, &id->late, &id->late_n, NULL);
        (void)told;
    }
    bool found = !q->text.n ||
                 seen_find(&w->seen, NULL, db_key(q->text), &q->arena, &q->late, &q->late_n, NULL);
    (void)found; /* nothing in memory can fail */
    queue_push_always(w->spool->questions, &q->job);
}

static void tell(struct writer *w, struct job *j, bool ok, const struct fault *why) {
    switch (j->kind) {
    case JOB_PUSH:
        if (!ok && push_of(j)->verdict != SPOOL_REFUSED)
            refuse(push_of(j), why, "error");
        give_back(w, j);
        break;
    case JOB_NOTES:
        if (ok)
            give_back(w, j);
        else
            list_push(&w->left_notes, &j->link);
        break;
    case JOB_CHANGE:
        question_of(j)->failed = !ok;
        give_back(w, j);
        break;
    case JOB_ASK:
        pass_on(w, question_of(j));
        break;
    case JOB_CONFIG:
        w->config = container_of(j, struct reconfigure, job)->config;
        w->guard.max_bytes = w->config.max_bytes;
        free(container_of(j, struct reconfigure, job));
        break;
    case JOB_CORRUPT:
        free(j);
        break;
    case JOB_STOP:
        free(j);
        w->stopping = true;
        break;
    }
}

/* The background check found the file broken: no more acknowledging onto it. */
static void leave_corrupt(struct writer *w) {
    struct fault f;
    fault_set(&f, FAULT_SYSTEM, "spool.db", "quick_check found the file broken");
    writer_fail(w, &f);
    if (writer_set_aside(w, "reason=quick_check", &f)) {
        w->failing = false;
        writer_publish(w);
    } else {
        log_error("spool.set_aside", "%s", log_fault(&f));
    }
}

void group_run(struct writer *w) {
    must_run_on(THREAD_SPOOL);
    struct fault f = {0};
    bool ok = true, corrupt = false;
    bool writes = needs_writing(w);
    if (writes) {
        writer_look(w, false);
        ok = commit(w, &f);
    }
    if (writes && ok) {
        w->burst = (size_t)w->delta.records;
        tell_left_notes(w);
    }
    writer_publish(w);
    for (size_t i = 0; i < w->group_n; i++) {
        corrupt |= w->taken[i]->kind == JOB_CORRUPT;
        tell(w, w->taken[i], ok, &f);
    }
    w->taken_n -= w->group_n;
    memmove(w->taken, w->taken + w->group_n, w->taken_n * sizeof *w->taken);
    w->group_n = 0;
    if (corrupt)
        leave_corrupt(w);
}
