/* spool/ask.c - questions of the loop: to the reader, behind the notes that were made before.
 *
 * Who notes a step and asks for the receipt sees the step: while notes are on their way, a question
 * travels through the writer, after them; one by id always does, since the writer alone knows the
 * newest ids. Questions have no bound of their own: each belongs to a request or a room that waits
 * for it.
 */
#include <stdlib.h>

#include "base/thread.h"
#include "spool/spool_priv.h"

enum { LIST_MAX = 500, PLACES_MAX = 1000 };

struct question *spool_question_new(struct spool *s, enum ask ask, void *arg) {
    must_run_on(THREAD_LOOP);
    (void)s;
    struct question *q = NEW(struct question);
    q->job.kind = ask == ASK_RETRY || ask == ASK_DROP ? JOB_CHANGE : JOB_ASK;
    q->ask = ask;
    q->arg = arg;
    arena_init(&q->arena);
    buf_init(&q->json, ANSWER_BYTES);
    return q;
}

void spool_question_ask(struct spool *s, struct question *take_q) {
    s->asked++;
    if (s->closing) {
        take_q->failed = true;
        queue_push_always(s->answers, &take_q->job);
        return;
    }
    spool_notes_flush(s);
    bool behind = s->notes_flying || take_q->job.kind == JOB_CHANGE || take_q->ask == ASK_RECEIPT ||
                  take_q->ask == ASK_RECORD || take_q->ask == ASK_KNOWN;
    queue_push_always(behind ? s->inbox : s->questions, &take_q->job);
}

static void ask_records(struct spool *s, enum ask kind, uint64_t after, size_t max, struct str id,
                        spool_records_fn *answer, void *arg) {
    struct question *q = spool_question_new(s, kind, arg);
    q->after = after;
    q->max = max;
    q->text = arena_str(&q->arena, id);
    q->on_records = answer;
    spool_question_ask(s, q);
}

void spool_ask_pending(struct spool *s, uint64_t after, size_t max, spool_records_fn *answer,
                       void *arg) {
    ask_records(s, ASK_PENDING, after, max, STR_NONE, answer, arg);
}

void spool_ask_window(struct spool *s, uint64_t after, size_t max, spool_records_fn *answer,
                      void *arg) {
    ask_records(s, ASK_WINDOW, after, max, STR_NONE, answer, arg);
}

void spool_ask_record(struct spool *s, struct str id, spool_records_fn *answer, void *arg) {
    ask_records(s, ASK_RECORD, 0, 1, id, answer, arg);
}

static struct question *ask_json(struct spool *s, enum ask kind, struct str text,
                                 spool_json_fn *answer, void *arg) {
    struct question *q = spool_question_new(s, kind, arg);
    q->text = arena_str(&q->arena, text);
    q->on_json = answer;
    return q;
}

void spool_ask_receipt(struct spool *s, struct str id, spool_json_fn *answer, void *arg) {
    spool_question_ask(s, ask_json(s, ASK_RECEIPT, id, answer, arg));
}

void spool_ask_quarantine(struct spool *s, size_t limit, struct str cursor, spool_json_fn *answer,
                          void *arg) {
    struct question *q = ask_json(s, ASK_QUARANTINE, cursor, answer, arg);
    q->max = limit < 1 ? 1 : limit > LIST_MAX ? LIST_MAX : limit;
    q->after = cursor.n ? strtoull(q->text.p, NULL, 10) : 0;
    spool_question_ask(s, q);
}

void spool_ask_alias(struct spool *s, struct str alias, spool_json_fn *answer, void *arg) {
    spool_question_ask(s, ask_json(s, ASK_ALIAS, alias, answer, arg));
}

void spool_quarantine_retry(struct spool *s, struct str id, spool_json_fn *answer, void *arg) {
    spool_question_ask(s, ask_json(s, ASK_RETRY, id, answer, arg));
}

void spool_quarantine_drop(struct spool *s, struct str id, spool_json_fn *answer, void *arg) {
    spool_question_ask(s, ask_json(s, ASK_DROP, id, answer, arg));
}

void spool_ask_outbox(struct spool *s, int64_t due_ms, size_t max, spool_outbox_fn *answer,
                      void *arg) {
    struct question *q = spool_question_new(s, ASK_OUTBOX, arg);
    q->to_ms = due_ms;
    q->max = max;
    q->on_outbox = answer;
    spool_question_ask(s, q);
}

void spool_ask_sent(struct spool *s, struct str id_or_provider_id, spool_outbox_fn *answer,
                    void *arg) {
    struct question *q = spool_question_new(s, ASK_SENT, arg);
    q->text = arena_str(&q->arena, id_or_provider_id);
    q->on_outbox = answer;
    spool_question_ask(s, q);
}

void spool_ask_events(struct spool *s, int64_t from_ms, int64_t to_ms, spool_json_fn *answer,
                      void *arg) {
    const int64_t end_of_time = ((int64_t)1 << 43) - 1; /* what an event's number can say */
    struct question *q = ask_json(s, ASK_EVENTS, STR_NONE, answer, arg);
    q->from_ms = from_ms < 0 ? 0 : from_ms > end_of_time ? end_of_time : from_ms;
    q->to_ms = to_ms < 0 ? 0 : to_ms > end_of_time ? end_of_time : to_ms;
    spool_question_ask(s, q);
}

void spool_ask_idem(struct spool *s, struct str key, spool_json_fn *answer, void *arg) {
    spool_question_ask(s, ask_json(s, ASK_IDEM, key, answer, arg));
}

/* ---- what is known of a source ---- */

void spool_ask_places(struct spool *s, struct str source, struct str after, tl_places_fn *answer,
                      void *arg) {
    struct question *q = spool_question_new(s, ASK_PLACES, arg);
    q->text = arena_str(&q->arena, source);
    q->from_text = arena_str(&q->arena, after.p ? after : str_c(""));
    q->max = PLACES_MAX;
    q->on_places = answer;
    spool_question_ask(s, q);
}

void spool_ask_known(struct spool *s, const struct str *ids, size_t n, tl_known_fn *answer,
                     void *arg) {
    struct question *q = spool_question_new(s, ASK_KNOWN, arg);
    q->wanted = arena_new(&q->arena, (n + 1) * sizeof *q->wanted);
    q->wanted_n = n;
    for (size_t i = 0; i < n; i++)
        q->wanted[i] = (struct wanted){.id = arena_str(&q->arena, ids[i])};
    q->on_known = answer;
    spool_question_ask(s, q);
}

void spool_ask_tallies(struct spool *s, int64_t since_ms, spool_json_fn *answer, void *arg) {
    struct question *q = ask_json(s, ASK_TALLIES, STR_NONE, answer, arg);
    q->from_ms = since_ms;
    spool_question_ask(s, q);
}

void spool_ask_kept(struct spool *s, struct str source, int64_t since_ms, uint64_t after,
                    spool_json_fn *answer, void *arg) {
    struct question *q = ask_json(s, ASK_KEPT, source, answer, arg);
    q->from_ms = since_ms;
    q->after = after;
    spool_question_ask(s, q);
}
