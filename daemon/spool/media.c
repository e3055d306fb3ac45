/* spool/media.c - attachments that a touchpoint only names: what is to be fetched, from where, and
 * what became of it.
 *
 * A table of its own and not records: what waits for a slow server for hours must not hold back
 * what was confirmed, nor anything behind it. A row is made by the note that rides with the
 * touchpoint's "applied", so that a touchpoint that is applied has its rows.
 */
#include <string.h>

#include <touchline/kit/utf8.h>

#include "base/clock.h"
#include "base/thread.h"
#include "spool/spool_priv.h"

/* ---- on the loop ---- */

bool spool_note_media(struct spool *s, const struct media_row *row) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return false;
    struct media_row *m = arena_new(&b->arena, sizeof *m);
    *m = *row;
    struct str *views[] = {&m->key, &m->id, &m->source, &m->channel, &m->word};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&b->arena, *views[i]);
    struct note *n = spool_note_new(b, NOTE_MEDIA);
    n->at_ms = clock_wall_ms();
    n->media = m;
    return true;
}

void spool_note_media_state(struct spool *s, struct str key, bool done, uint32_t attempts,
                            int64_t next_ms, struct str result) {
    struct notes *b = spool_notes_batch(s);
    if (!b)
        return;
    struct note *n = spool_note_new(b, NOTE_MEDIA_STATE);
    n->id = arena_str(&b->arena, key);
    n->done = done;
    n->attempts = attempts;
    n->at_ms = next_ms;
    n->a = arena_str(&b->arena, result);
}

void spool_ask_media(struct spool *s, int64_t due_ms, size_t max, spool_media_fn *answer,
                     void *arg) {
    struct question *q = spool_question_new(s, ASK_MEDIA, arg);
    q->to_ms = due_ms;
    q->max = max;
    q->on_media = answer;
    spool_question_ask(s, q);
}

/* ---- on the writer's thread ---- */

bool media_write(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_MEDIA_ADD, f);
    if (!s)
        return false;
    const struct media_row *m = n->media;
    db_bind_text(s, 1, m->key);
    db_bind_text(s, 2, m->id);
    db_bind_text(s, 3, m->source);
    db_bind_text(s, 4, m->channel);
    db_bind_text(s, 5, m->word);
    sqlite3_bind_int64(s, 6, m->revision);
    sqlite3_bind_int64(s, 7, m->received_ms);
    sqlite3_bind_int64(s, 8, n->at_ms);
    return db_run(&w->db, s, f);
}

bool media_state_write(struct writer *w, const struct note *n, struct fault *f) {
    sqlite3_stmt *s = db_statement(&w->db, SQL_MEDIA_SET, f);
    if (!s)
        return false;
    db_bind_text(s, 1, n->id);
    sqlite3_bind_int(s, 2, n->done);
    sqlite3_bind_int64(s, 3, n->attempts);
    sqlite3_bind_int64(s, 4, n->at_ms);
    db_bind_text(s, 5, n->a);
    return db_run(&w->db, s, f);
}

/* ---- on the reader's thread ---- */

static void row_read(struct question *q, sqlite3_stmt *s) {
    if (q->n == q->room) {
        size_t room = q->room ? q->room * 2 : 16;
        struct media_row *grown = arena_new(&q->arena, room * sizeof *grown);
        if (q->n)
            memcpy(grown, q->media, q->n * sizeof *grown);
        q->media = grown;
        q->room = room;
    }
    struct media_row *m = &q->media[q->n++];
    struct str *views[] = {&m->key, &m->id, &m->source, &m->channel, &m->word};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&q->arena, db_column(s, (int)i));
    m->revision = sqlite3_column_int64(s, 5);
    m->received_ms = sqlite3_column_int64(s, 6);
    m->attempts = (uint32_t)sqlite3_column_int64(s, 7);
    m->next_ms = sqlite3_column_int64(s, 8);
    m->since_ms = sqlite3_column_int64(s, 9);
    m->result = arena_str(&q->arena, db_column(s, 10));
}

bool read_media(struct reader *r, struct question *q, struct fault *f) {
    sqlite3_stmt *s = db_statement(&r->db, SQL_MEDIA_DUE, f);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, q->to_ms);
    sqlite3_bind_int64(s, 2, (int64_t)q->max);
    enum db_step step = DB_END;
    while (q->arena.used_bytes < ANSWER_BYTES && (step = db_step(&r->db, s, f)) == DB_ROW)
        row_read(q, s);
    if (step == DB_ROW)
        db_done(s);
    return step != DB_FAILED;
}
