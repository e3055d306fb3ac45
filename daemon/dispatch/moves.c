/* dispatch/moves.c - an agent's move: {r} decides, the spool keeps it with its revision, then it is
 * answered.
 *
 *   body ──► {r}: state, owner, offer compared ──► RECORD_TASK ──commit──► 200
 *
 * Should the commit fail, the move has taken effect and is not recorded: the agent is told to come
 * again, and what he then repeats is recorded anew.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

enum { BODY_MAX = 1 << 20, RECORD_MAX = 2 << 20, MOVE_TEXT_MAX = 128 };

/* ---- owed answers ---- */

struct owed *owed_new(struct dispatch *d, answer_fn *done, void *arg) {
    struct owed *o = NEW(struct owed);
    o->done = done;
    o->arg = arg;
    waits_begin(d, &o->waits);
    return o;
}

void owed_tell(struct owed *take_o, const struct answer *a) {
    struct dispatch *d = waits_end(&take_o->waits);
    struct owed o = *take_o;
    free(take_o);
    if (d)
        o.done(o.arg, a);
    free(o.text);
    free(o.leader);
    free(o.move);
}

static void tell_later(void *arg) {
    struct owed *o = arg;
    struct answer a = o->answer;
    owed_tell(o, &a);
}

void owed_later(struct owed *take_o, enum answer_kind kind, const char *code, const char *pointer,
                const char *detail) {
    /* A pointer out of a fault lives no longer than the fault: both texts are kept in one. */
    size_t n = detail ? strlen(detail) : 0, m = pointer ? strlen(pointer) : 0;
    take_o->text = mem_new(n + m + 2);
    memcpy(take_o->text, detail ? detail : "", n);
    memcpy(take_o->text + n + 1, pointer ? pointer : "", m);
    take_o->answer = (struct answer){.kind = kind,
                                     .code = code,
                                     .pointer = pointer ? take_o->text + n + 1 : NULL,
                                     .detail = detail ? take_o->text : NULL};
    loop_later(take_o->waits.d->loop, tell_later, take_o);
}

/* ---- the record ---- */

static struct record *record_of(struct str json, struct str own) {
    cleanup(buf_clear) struct buf head;
    cleanup(json_freep) json_t *j = NULL;
    uint8_t hash[SHA256_BYTES];
    buf_init(&head, RECORD_MAX);
    if (!own.n || !jread_parse(own, own.n, &j, NULL) || !store_task_record(json, own, &head))
        return NULL;
    struct record *r = record_new(RECORD_TASK);
    r->id = record_keep(r, jget_str(j, "id"));
    r->source = record_keep(r, str_c("task"));
    r->source_id = r->id;
    r->revision = jget_int(j, "rev", 0);
    r->received_ms = clock_wall_ms();
    r->head = record_keep(r, buf_str(&head));
    sha256(r->head, hash);
    memcpy(r->content, hash, sizeof r->content);
    return r;
}

/* The record under way, and what is answered once it is kept. */
struct kept {
    struct owed *owed; /* NULL: nobody waits */
    struct buf json;
    int64_t rev;
    bool repeated;
};

static void on_kept(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                    struct str answer, const struct fault *fault) {
    struct kept *k = arg;
    (void)r;
    (void)keep;
    (void)answer;
    if (!k)
        return;
    if (verdict == SPOOL_REFUSED)
        owed_tell(k->owed, &(struct answer){.kind = ANSWER_LATER,
                                            .code = "spool-refuses",
                                            .detail = fault ? fault->reason
                                                            : "the spool takes nothing now"});
    else /* MISMATCH: the same revision from before the store went back; what {r} says stands */
        owed_tell(k->owed, &(struct answer){.kind = ANSWER_OK,
                                            .json = buf_str(&k->json),
                                            .repeated = k->repeated,
                                            .rev = k->rev});
    buf_clear(&k->json);
    free(k);
}

static void keep_then_tell(struct owed *o, const struct task_moved *m) {
    struct record *r = record_of(m->json, m->own);
    struct kept *k = NEW(struct kept);
    struct fault f = {0};
    k->owed = o;
    k->rev = m->rev;
    k->repeated = m->repeated;
    buf_init(&k->json, TASK_JSON_MAX);
    if (r && buf_add(&k->json, m->json)) {
        if (spool_push(o->waits.d->spool, steal(&r), on_kept, k, &f))
            return;
    } else {
        fault_set(&f, FAULT_SYSTEM, "task", "the task cannot be recorded");
    }
    record_free(r);
    buf_clear(&k->json);
    free(k);
    owed_tell(o,
              &(struct answer){.kind = ANSWER_LATER, .code = "spool-refuses", .detail = f.reason});
}

void moves_record(struct dispatch *d, struct str json, struct str own) {
    struct fault f = {0};
    struct record *r = record_of(json, own);
    if (!r || !spool_push(d->spool, r, on_kept, NULL, &f))
        log_warn("task.unrecorded", "reason=%s", log_fault(&f));
}

/* ---- moves ---- */

void owed_moved(void *arg, const struct task_moved *m) {
    struct owed *o = arg;
    if (!o->waits.d) {
        owed_tell(o, NULL);
        return;
    }
    if (m->kind == ANSWER_CONFLICT)
        metric_add_label(METRIC_TASK_REFUSED, m->code && m->code[0] == 's' ? "stale" : "state", 1);
    if (m->kind == ANSWER_OK && !m->repeated && o->leader && !str_is(m->held_by, o->leader))
        log_info("task.led", "move=%s held=%s who=%s", log_value(str_c(o->move)),
                 log_value(m->held_by), log_value(str_c(o->leader)));
    if (m->kind == ANSWER_OK)
        keep_then_tell(o, m);
    else
        owed_tell(o, &(struct answer){.kind = m->kind,
                                      .code = m->code,
                                      .detail = m->detail,
                                      .json = m->json,
                                      .rev = m->rev});
}

static void refuse(struct owed *o, const struct fault *f) {
    if (f->kind == FAULT_INPUT)
        owed_later(o, ANSWER_REFUSED, "invalid", f->place, f->reason);
    else
        owed_later(o, ANSWER_LATER, "unavailable", NULL, f->reason);
}

void dispatch_move(struct dispatch *d, struct dispatch_actor who, struct str task, const char *move,
                   struct str body, answer_fn *done, void *arg) {
    struct owed *o = owed_new(d, done, arg);
    cleanup(json_freep) json_t *j = NULL;
    struct move_body said;
    struct fault f = {0};
    int64_t now = clock_wall_ms();
    if (!d->running) { /* what is not replayed yet would look as if it were not there */
        owed_later(o, ANSWER_LATER, "store-unavailable", NULL,
                   "the store is away or not recovered yet; try again");
        return;
    }
    if (!jread_parse(body, BODY_MAX, &j, &f) ||
        !body_read_move(d->people, move, j, now, &said, &f)) {
        refuse(o, &f);
        return;
    }
    const struct agent_config *self = people_agent(d->people, who.name);
    struct task_move m = {.task = task,
                          .actor = who.name,
                          .move = move,
                          .lead = who.role == ROLE_SUPERVISOR || who.role == ROLE_OPERATOR,
                          .everywhere = who.role == ROLE_OPERATOR,
                          .offer = said.offer,
                          .reason = said.reason,
                          .disposition = said.disposition,
                          .note = said.note,
                          .to_queue = said.queue,
                          .to_agent = said.agent,
                          .until_ms = said.until_ms,
                          .rules = str_c(d->people->rules),
                          .now_ms = now};
    if (self)
        m.queues = self->queues;
    if (m.lead) {
        cleanup(buf_clear) struct buf text;
        buf_init(&text, MOVE_TEXT_MAX);
        o->leader = mem_dup(who.name.p, who.name.n);
        if (buf_addf(&text, "%s of %.*s", move, STR_ARG(str_upto(task, 64))))
            o->move = mem_dup(text.p, text.n);
    }
    store_task_move(d->store, &m, owed_moved, o);
}
