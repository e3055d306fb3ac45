/* spool/notes.c - notes on the loop: gathered into a batch, handed to the writer every 50 ms at
 * most.
 *
 * Coalesced where that saves writes: applied sequences become runs, the steps of one receipt one
 * update, the last confirmation stands. A batch comes back once it is committed; until then its
 * bytes count against a bound, beyond which notes are dropped: the repetition is harmless, memory
 * without end is not.
 */
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/utf8.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

enum { DETAIL_MAX = 400, TOLD_EVERY_MS = 10000 };

static struct notes *batch_new(void) {
    struct notes *b = NEW(struct notes);
    b->job.kind = JOB_NOTES;
    arena_init(&b->arena);
    link_init(&b->list);
    return b;
}

void spool_notes_free(struct notes *b) {
    if (!b)
        return;
    arena_clear(&b->arena);
    free(b->applied);
    free(b);
}

struct notes *spool_notes_batch(struct spool *s) {
    must_run_on(THREAD_LOOP);
    int64_t now = clock_mono_ms();
    if (s->notes_bytes > NOTES_BYTES || s->closing) {
        s->notes_dropped++;
        if (now - s->notes_told_ms > TOLD_EVERY_MS) {
            s->notes_told_ms = now;
            log_warn("spool.notes_dropped", "total=%zu", s->notes_dropped);
        }
        return NULL;
    }
    if (s->notes && s->notes->count >= NOTES_BATCH)
        spool_notes_flush(s);
    if (!s->notes) {
        s->notes = batch_new();
        loop_timer_set(s->flush, NOTES_FLUSH_MS);
    }
    s->notes->count++;
    return s->notes;
}

void spool_notes_flush(struct spool *s) {
    struct notes *b = steal(&s->notes);
    if (!b)
        return;
    loop_timer_stop(s->flush);
    b->bytes = b->arena.used_bytes + b->applied_room * sizeof *b->applied + sizeof *b;
    s->notes_bytes += b->bytes;
    s->notes_flying++;
    queue_push_always(s->inbox, &b->job);
}

struct note *spool_note_new(struct notes *b, enum note_kind kind) {
    struct note *n = arena_new(&b->arena, sizeof *n);
    n->kind = kind;
    list_push(&b->list, &n->link);
    return n;
}

void spool_note_applied(struct spool *s, uint64_t seq) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    if (b->applied_n == b->applied_room) {
        b->applied_room = b->applied_room ? b->applied_room * 2 : 64;
        b->applied = mem_grow(b->applied, b->applied_room * sizeof *b->applied);
    }
    b->applied[b->applied_n++] = seq;
}

void spool_step_line(struct buf *out, int64_t at_ms, const char *step, struct str detail) {
    buf_init(out, 2048);
    bool ok = buf_addf(out, "%lld\t%s\t", (long long)at_ms, step) &&
              utf8_one_line(out, utf8_upto(detail, DETAIL_MAX));
    if (!ok || !buf_add_byte(out, '\n'))
        buf_reset(out); /* a step name beyond all bounds: no step */
}

/* The note that gathers the steps of this id. */
static struct note *steps_of(struct notes *b, struct str id) {
    struct note **bucket = &b->buckets[hash64(id) % NOTES_BUCKETS];
    for (struct note *n = *bucket; n; n = n->chain)
        if (str_eq(n->id, id))
            return n;
    struct note *n = spool_note_new(b, NOTE_STEPS);
    n->id = arena_str(&b->arena, id);
    n->steps_end = &n->steps;
    n->chain = *bucket;
    return *bucket = n;
}

static void step_add(struct notes *b, struct str id, int64_t at_ms, const char *step,
                     struct str detail) {
    cleanup(buf_clear) struct buf line;
    spool_step_line(&line, at_ms, step, detail);
    if (!line.n)
        return;
    struct note *n = steps_of(b, id);
    struct step *added = arena_new(&b->arena, sizeof *added);
    added->line = arena_str(&b->arena, buf_str(&line));
    *n->steps_end = added;
    n->steps_end = &added->next;
}

void spool_note_step(struct spool *s, struct str id, int64_t at_ms, const char *step,
                     struct str detail) {
    struct notes *b = spool_notes_batch(s);
    if (b && id.n)
        step_add(b, id, at_ms, step, detail);
}

void spool_note_quarantine(struct spool *s, uint64_t seq, struct str id, struct str piece,
                           struct str reason) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_QUARANTINE);
    n->seq = seq;
    n->at_ms = clock_wall_ms();
    n->id = arena_str(&b->arena, id);
    n->a = arena_str(&b->arena, piece);
    n->b = arena_str(&b->arena, utf8_upto(reason, DETAIL_MAX));
    step_add(b, id, n->at_ms, "quarantined", reason);
}

void spool_note_confirmed(struct spool *s, uint64_t seq, int64_t epoch) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    b->confirmed = true;
    b->confirmed_seq = s->confirmed_seq = seq;
    b->confirmed_epoch = s->confirmed_epoch = epoch;
}

void spool_note_moved(struct spool *s, uint64_t seq) {
    struct notes *b = spool_notes_batch(s);
    if (b)
        spool_note_new(b, NOTE_MOVED)->seq = seq;
}

/* "1764000000000-5" in one number that sorts as the stream does; another form goes by its time. */
static uint64_t stream_number(int64_t at_ms, struct str stream_id) {
    uint64_t part[2] = {0, 0};
    bool second = false, ok = stream_id.n > 0;
    for (size_t i = 0; ok && i < stream_id.n; i++) {
        char c = stream_id.p[i];
        if (c == '-' && !second && i)
            second = true;
        else if (c >= '0' && c <= '9' && part[second] < (uint64_t)1 << 50)
            part[second] = part[second] * 10 + (uint64_t)(c - '0');
        else
            ok = false;
    }
    if (!ok || part[0] >> 43)
        return (uint64_t)at_ms << 20;
    return part[0] << 20 | (part[1] < 1 << 20 ? part[1] : (1 << 20) - 1);
}

void spool_note_event(struct spool *s, int64_t at_ms, struct str stream_id, struct str json) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_EVENT);
    n->seq = stream_number(at_ms, stream_id);
    n->a = arena_str(&b->arena, json);
}

void spool_note_outbox(struct spool *s, struct str id, enum outbox_state state, uint32_t attempts,
                       int64_t next_ms, struct str provider_id, struct str diagnostic) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_OUTBOX);
    n->id = arena_str(&b->arena, id);
    n->state = state;
    n->attempts = attempts;
    n->at_ms = next_ms;
    n->a = arena_str(&b->arena, provider_id);
    n->b = arena_str(&b->arena, utf8_upto(diagnostic, DETAIL_MAX));
}

void spool_note_alias(struct spool *s, struct str alias, struct str id) {
    struct notes *b = alias.n ? spool_notes_batch(s) : NULL;
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_ALIAS);
    n->at_ms = clock_wall_ms();
    n->a = arena_str(&b->arena, alias);
    n->id = arena_str(&b->arena, id);
}

void spool_note_cursor(struct spool *s, struct str name, struct str value) {
    spool_cursor_set(s, name, value);
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_CURSOR);
    n->id = arena_str(&b->arena, name);
    n->a = arena_str(&b->arena, value);
}

void spool_note_idem(struct spool *s, struct str key, struct str hash, struct str answer) {
    struct notes *b = key.n ? spool_notes_batch(s) : NULL;
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_IDEM);
    n->at_ms = clock_wall_ms();
    n->id = arena_str(&b->arena, key);
    n->a = arena_str(&b->arena, hash);
    n->b = arena_str(&b->arena, answer);
}
