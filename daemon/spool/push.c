/* spool/push.c - the loop's side of the inbox: queueing records, calling back with what became of
 * them. */
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { ERASED_MAX = 4096 };

static bool refuse(const char *label, struct fault *f, const char *why) {
    metric_add_label(METRIC_SPOOL_REFUSED, label, 1);
    return fault_set(f, FAULT_BUSY, "spool", "%s", why);
}

static bool admit(const struct spool *s, size_t bytes, struct fault *f) {
    enum spool_state state = spool_health(s);
    if (s->closing)
        return refuse("queue", f, "shutting down");
    if (state == SPOOL_FULL)
        return refuse("disk", f, "no room on the disk");
    if (state == SPOOL_FAILING)
        return refuse("error", f, "the disk fails");
    if (bytes > RECORD_BYTES_MAX)
        return refuse("size", f, "the record is too big");
    if (s->queued >= INBOX_MAX || (s->queued && s->queued_bytes + bytes > INBOX_BYTES))
        return refuse("queue", f, "too many wait for the disk");
    return true;
}

static bool identity_read(struct str text, uint8_t out[LEDGER_ID]) {
    return text.n == BASE32_ID ? base32_id_decode(text, out) : hex_decode(text, out, LEDGER_ID);
}

/* What the ledger will hold, read before the record is taken: an erasure that cannot be entered is
 * not kept either. */
static bool erasure_read(struct push *p, struct fault *f) {
    struct record *r = p->record;
    cleanup(json_freep) json_t *head = NULL;
    if (!jread_parse(r->head, RECORD_BYTES_MAX, &head, f))
        return false;
    const json_t *ids = json_object_get(head, "identities");
    size_t n = json_array_size(ids);
    if (!json_is_array(ids) || n > ERASED_MAX)
        return fault_set(f, FAULT_INPUT, "/identities", "not a list of at most %d", ERASED_MAX);
    p->erased = arena_new(&r->arena, (n + 1) * LEDGER_ID);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(ids, i);
        struct str text = str_make(json_string_value(v), json_string_length(v));
        if (!text.p || !identity_read(text, p->erased[i]))
            return fault_set(f, FAULT_INPUT, "/identities", "entry %zu is not 16 bytes", i);
    }
    p->erased_n = n;
    p->erased_ms = r->received_ms;
    struct str at = jget_str(head, "at");
    if (at.n && !date_parse(at, &p->erased_ms))
        return fault_set(f, FAULT_INPUT, "/at", "not a time");
    return true;
}

static void push_free(struct push *p) {
    if (!p)
        return;
    record_free(p->record);
    free(p->fault);
    free(p);
}

static void push_freep(struct push **p) {
    push_free(*p);
}

bool spool_push(struct spool *s, struct record *take_r, spool_done_fn *done, void *arg,
                struct fault *f) {
    must_run_on(THREAD_LOOP);
    cleanup(push_freep) struct push *p = NEW(struct push);
    p->job.kind = JOB_PUSH;
    p->record = take_r;
    p->done = done;
    p->arg = arg;
    if (!take_r->received_ms)
        take_r->received_ms = clock_wall_ms();
    if (take_r->kind == RECORD_ERASE && !erasure_read(p, f))
        return false;
    p->bytes = sizeof *p + sizeof *take_r + take_r->arena.used_bytes;
    if (!admit(s, p->bytes, f))
        return false;
    s->queued++;
    s->queued_bytes += p->bytes;
    queue_push_always(s->inbox, &steal(&p)->job);
    return true;
}

/* What the commit made known is known here before the owner hears of it. */
static void take_over(struct spool *s, const struct push *p) {
    const struct record *r = p->record;
    if (p->verdict != SPOOL_KEPT && p->verdict != SPOOL_KNOWN)
        return;
    if (r->cursor.n)
        spool_cursor_set(s, r->cursor, r->cursor_value);
    for (size_t i = 0; i < p->erased_n && p->verdict == SPOOL_KEPT; i++)
        ledger_add(&s->ledger, p->erased[i], 1, p->erased_ms);
}

static void deliver_push(struct spool *s, struct push *p) {
    s->queued--;
    s->queued_bytes -= p->bytes;
    take_over(s, p);
    bool keep = false;
    if (p->done)
        p->done(p->arg, p->verdict, p->record, &keep, p->answer, p->fault);
    if (keep)
        p->record = NULL;
    /* On shutdown what was committed last is left to the next start. */
    if (p->record && p->verdict == SPOOL_KEPT && s->follow && !s->closing)
        s->follow(s->follow_arg, steal(&p->record));
    push_free(p);
}

void spool_follow(struct spool *s, spool_follow_fn *follow, void *arg) {
    s->follow = follow;
    s->follow_arg = arg;
}

static void deliver_question(struct spool *s, struct question *q) {
    bool keep = false;
    struct record *none[1] = {NULL};
    struct record **records = q->records ? q->records : none;
    s->asked--;
    if (q->on_records)
        q->on_records(q->arg, q->failed ? NULL : records, q->n, &keep);
    else if (q->on_outbox)
        q->on_outbox(q->arg, q->rows, q->n);
    else if (q->on_places)
        q->on_places(q->arg, q->failed ? NULL : q->places, q->n);
    else if (q->on_known)
        q->on_known(q->arg, q->failed ? NULL : q->known, q->wanted_n);
    else if (q->on_media)
        q->on_media(q->arg, q->media, q->n);
    else if (q->on_json)
        q->on_json(q->arg, q->found && !q->failed ? buf_str(&q->json) : STR_NONE);
    if (keep)
        q->n = 0;
    question_free(q);
}

void spool_deliver(struct spool *s, struct job *j) {
    struct notes *b;
    switch (j->kind) {
    case JOB_PUSH:
        deliver_push(s, container_of(j, struct push, job));
        break;
    case JOB_NOTES:
        b = container_of(j, struct notes, job);
        s->notes_flying--;
        s->notes_bytes -= b->bytes;
        spool_notes_free(b);
        break;
    case JOB_ASK:
    case JOB_CHANGE:
        deliver_question(s, container_of(j, struct question, job));
        break;
    case JOB_CONFIG:
    case JOB_CORRUPT:
    case JOB_STOP:
        free(j);
        break;
    }
}
