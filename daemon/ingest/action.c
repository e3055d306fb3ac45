/* ingest/action.c - one action from its JSON to its answer; the operations themselves stand in
 * action_contact.c and action_conversation.c.
 */
#include "ingest/action_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/loop.h"
#include "store/canned.h"
#include "store/read.h"

enum { OP_MAX = 64 << 20, HEAD_MAX = 64 << 20, JOB_WAIT_MS = 1000, PAGE = 50 };

static const struct {
    const char *name;
    void (*run)(struct action *a);
    char prefix; /* of `id`; 0: none */
} operations[] = {
    {"create", action_create, 0},
    {"patch", action_patch, 'c'},
    {"merge", action_merge, 'c'},
    {"split", action_split, 'c'},
    {"confirm", action_confirm, 'c'},
    {"dismiss", action_dismiss, 'c'},
    {"erase", action_erase, 'c'},
    {"reindex", action_reindex, 0},
    {"conversation.patch", action_conversation_patch, 'v'},
    {"conversation.note", action_note, 'v'},
    {"answer.create", action_canned_create, 0},
    {"answer.put", action_canned_put, 'a'},
    {"answer.drop", action_canned_drop, 'a'},
};

/* ---- ends ---- */

static void action_free(struct action *a) {
    link_remove(&a->link);
    loop_timer_free(a->timer);
    json_decref(a->op);
    json_decref(a->head);
    touchpoint_free(a->tp);
    arena_clear(&a->arena);
    free(a);
}

void action_end(struct action *a, const struct answer *answer) {
    a->done(a->arg, answer);
    action_free(a);
}

void action_kind(struct action *a, enum answer_kind kind) {
    const struct answer answer = {.kind = kind};
    action_end(a, &answer);
}

void action_refuse(struct action *a, const char *pointer, const char *detail) {
    snprintf(a->pointer, sizeof a->pointer, "%s", pointer);
    snprintf(a->detail, sizeof a->detail, "%s", detail);
    const struct answer answer = {
        .kind = ANSWER_REFUSED, .code = "invalid", .pointer = a->pointer, .detail = a->detail};
    action_end(a, &answer);
}

void action_fault(struct action *a, const struct fault *fault) {
    if (fault && fault->kind == FAULT_INPUT) {
        action_refuse(a, fault->place, fault->reason);
        return;
    }
    action_kind(a, ANSWER_LATER);
}

void action_conflict(struct action *a, const char *code, const char *detail) {
    const struct answer answer = {.kind = ANSWER_CONFLICT, .code = code, .detail = detail};
    action_end(a, &answer);
}

bool action_stopped(struct action *a, const struct fault *fault, const struct change *c) {
    if (fault) {
        action_fault(a, fault);
        return true;
    }
    switch (c->code) {
    case CHANGE_OK:
        return false;
    case CHANGE_KNOWN:
        a->repeated = true;
        return false;
    case CHANGE_STALE:
        action_kind(a, ANSWER_STALE);
        break;
    case CHANGE_GONE:
        action_kind(a, ANSWER_GONE);
        break;
    case CHANGE_NONE:
        action_kind(a, ANSWER_NOT_FOUND);
        break;
    case CHANGE_REFUSED:
    case CHANGE_MOVED:
        action_conflict(a, "changed", "the contact has changed meanwhile");
        break;
    }
    return true;
}

/* ---- the answer ---- */

static void answered(void *arg, const struct answer *answer) {
    struct action *a = arg;
    struct answer out = *answer;
    out.repeated = a->repeated;
    action_end(a, &out);
}

static void answer_touchpoint(struct action *a) {
    cleanup(buf_clear) struct buf json;
    struct id_text contact = id_write('c', a->contact), v = id_write('v', a->conversation);
    buf_init(&json, OP_MAX);
    const struct answer late = {.kind = ANSWER_LATER};
    struct answer out = {.kind = ANSWER_OK};
    bool ok = touchpoint_write(a->tp, str_c(contact.c), str_c(v.c), &json);
    out.json = buf_str(&json);
    action_end(a, ok ? &out : &late);
}

/* {"id","state","steps"}: the receipt by which its completion can be followed. */
static void answer_erasure(struct action *a) {
    char json[256], at[DATE_RFC3339_MAX];
    date_format(a->at_ms, at);
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"state\":\"kept\",\"steps\":[{\"at\":\"%s\",\"step\":\"kept\","
             "\"detail\":null}]}",
             id_write('c', a->contact).c, at);
    const struct answer out = {.kind = ANSWER_OK, .json = str_c(json)};
    action_end(a, &out);
}

void action_answer(struct action *a) {
    struct store *s = a->g->parts.store;
    if (a->tp)
        answer_touchpoint(a);
    else if (str_is(a->name, "erase"))
        answer_erasure(a);
    else if (str_is(a->name, "answer.drop"))
        action_kind(a, ANSWER_OK);
    else if (str_starts(a->name, str_c("answer.")))
        store_canned_get(s, str_c(id_write('a', a->contact).c), answered, a);
    else if (str_is(a->name, "conversation.patch"))
        store_get_conversation(s, str_c(id_write('v', a->conversation).c), PAGE, STR_NONE, answered,
                               a);
    else
        store_get_contact(s, str_c(id_write('c', a->contact).c), answered, a);
}

/* ---- the record ---- */

static void job_over(void *arg) {
    struct action *a = arg;
    a->job = NULL;
    loop_timer_stop(a->timer);
    action_answer(a);
}

/* It takes long: what Redis decided stands, the rest follows. */
static void job_late(void *arg) {
    struct action *a = arg;
    job_unwatch(a->job);
    a->job = NULL;
    action_answer(a);
}

static void on_commit(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                      struct str answer, const struct fault *fault) {
    struct action *a = arg;
    struct job *j = NULL;
    (void)answer;
    if (!a->g) {
        action_free(a);
        return;
    }
    if (verdict == SPOOL_REFUSED) {
        action_fault(a, fault);
        return;
    }
    if (verdict != SPOOL_KEPT || !feed_take(a->g, r, NULL, &j)) {
        action_answer(a);
        return;
    }
    *keep = true;
    a->job = j;
    a->timer = loop_timer_new(a->g->parts.loop, JOB_WAIT_MS, job_late, a);
    job_watch(j, job_over, a);
    jobs_start(a->g);
}

/* Of one id many effects may come in one moment; none is a repetition of another. */
static int64_t next_revision(void) {
    static int64_t last;
    int64_t now = clock_wall_ms();
    last = now > last ? now : last + 1;
    return last;
}

static bool head_text(struct action *a, struct buf *out) {
    char at[DATE_RFC3339_MAX];
    if (!a->tp) {
        date_format(a->at_ms, at);
        json_object_set_new(a->head, "at", json_string(at));
        json_object_set_new(a->head, "by", jstr(a->by));
        return jread_dump(out, a->head);
    }
    cleanup(buf_clear) struct buf saved;
    buf_init(&saved, HEAD_MAX);
    struct id_text contact = id_write('c', a->contact), v = id_write('v', a->conversation);
    return touchpoint_save(a->tp, &saved) && buf_add(out, str_upto(buf_str(&saved), saved.n - 1)) &&
           buf_addf(out, ",\"_contact\":\"%s\",\"_conversation\":\"%s\"}", contact.c, v.c);
}

void action_commit(struct action *a, enum record_kind kind, struct str id) {
    struct record *r = record_new(kind);
    cleanup(buf_clear) struct buf head;
    uint8_t digest[SHA256_BYTES];
    struct fault f;
    buf_init(&head, HEAD_MAX);
    if (!head_text(a, &head)) {
        record_free(r);
        action_kind(a, ANSWER_LATER);
        return;
    }
    r->id = record_keep(r, id);
    r->source = record_keep(r, a->tp ? a->tp->source : str_c("agent"));
    r->source_id = record_keep(r, a->tp ? a->tp->source_id : id);
    r->head = record_keep(r, buf_str(&head));
    r->received_ms = a->at_ms;
    r->revision = a->tp ? 0 : next_revision();
    sha256(r->head, digest);
    memcpy(r->content, digest, sizeof r->content);
    if (!spool_push(a->g->parts.spool, r, on_commit, a, &f))
        action_fault(a, &f);
}

/* ---- identities of a body ---- */

static bool identity_text(struct action *a, const json_t *v, struct str *out) {
    *out = str_make(json_string_value(v), json_string_length(v));
    if (json_is_string(v))
        return true;
    struct str kind = jget_str(v, "kind"), value = jget_str(v, "value");
    *out = arena_strf(&a->arena, "%.*s:%.*s", STR_ARG(kind), STR_ARG(value));
    return kind.n && value.n;
}

bool action_identities(struct action *a, const json_t *list, const char *evidence) {
    struct identity all[LOOK_IDENTITIES_MAX];
    size_t n = json_array_size(list);
    char pointer[64];
    if (!json_is_array(list) || !n || n > LOOK_IDENTITIES_MAX) {
        action_refuse(a, "/identities", "must be a list of 1 to 16 identities, KIND:VALUE each");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct str text;
        struct fault f = {.reason = "must be written KIND:VALUE"};
        snprintf(pointer, sizeof pointer, "/identities/%zu", i);
        if (!identity_text(a, json_array_get(list, i), &text) ||
            !identity_parse(&a->arena, text, a->g->parts.region, &all[i], &f)) {
            action_refuse(a, pointer, f.reason);
            return false;
        }
        all[i].evidence = str_c(evidence);
    }
    identity_sort(all, n);
    for (size_t i = 0; i < n; i++)
        a->identities[i] = identity_of(a->g, &all[i], LINK_CONFIRMED);
    a->identities_n = n;
    return true;
}

/* ---- the way in ---- */

static void run(void *arg) {
    struct action *a = arg;
    struct str id = jget_str(a->op, "id");
    if (!a->g) {
        action_free(a);
        return;
    }
    for (size_t i = 0; i < COUNT(operations); i++) {
        if (!str_is(a->name, operations[i].name))
            continue;
        struct id *out = operations[i].prefix == 'v' ? &a->conversation : &a->contact;
        if (operations[i].prefix && !id_read(id, operations[i].prefix, out))
            action_kind(a, ANSWER_NOT_FOUND);
        else
            operations[i].run(a);
        return;
    }
    action_refuse(a, "/op", "an operation of no known name");
}

void ingest_action(struct ingest *g, struct str op_json, answer_fn *done, void *arg) {
    struct action *a = NEW(struct action);
    struct fault f;
    arena_init(&a->arena);
    a->g = g;
    a->done = done;
    a->arg = arg;
    a->at_ms = clock_wall_ms();
    list_push(&g->actions, &a->link);
    if (!jread_parse(op_json, OP_MAX, &a->op, &f))
        a->op = json_object();
    a->head = json_object();
    a->name = jget_str(a->op, "op");
    a->by = jget_str(a->op, "by");
    a->body = json_object_get(a->op, "body");
    a->if_rev = jget_int(a->op, "if_rev", -1);
    loop_later(g->parts.loop, run, a);
}

void actions_cancel(struct ingest *g) {
    list_each (it, &g->actions) {
        struct action *a = container_of(it, struct action, link);
        /* An answer of the spool may still come; it frees. What waits for Redis is never told. */
        link_remove(&a->link);
        loop_timer_free(a->timer);
        a->timer = NULL;
        a->g = NULL;
    }
}
