/* ingest/follow.c - what follows from an entry: references to it, search, suggestions, the task,
 * news of the message it reports on, the receipt's steps.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "blob/blob.h"
#include "ingest/ingest_priv.h"
#include "ingest/letter.h"
#include "store/task.h"

enum { SUGGESTION_MAX = 4096, TEXT_LIST_MAX = 16 << 10 };

/* ---- the task ---- */

static bool skills_json(const struct rule_outcome *r, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '[');
    for (size_t i = 0; i < r->skills_n; i++) {
        jwrite_open(&w, NULL, '{');
        jwrite_str(&w, "name", r->skills[i].name);
        jwrite_int(&w, "min", r->skills[i].min);
        jwrite_close(&w, '}');
    }
    jwrite_close(&w, ']');
    return w.ok;
}

static bool tags_json(const struct unit *u, struct buf *out) {
    const json_t *own = json_object_get(u->tp->json, "tags");
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '[');
    for (size_t i = 0; i < json_array_size(own); i++) {
        const json_t *v = json_array_get(own, i);
        jwrite_str(&w, NULL, str_make(json_string_value(v), json_string_length(v)));
    }
    for (size_t i = 0; i < u->rule.tags_n; i++)
        jwrite_str(&w, NULL, u->rule.tags[i]);
    jwrite_close(&w, ']');
    return w.ok;
}

static void outcome_set(void *arg, const struct fault *fault) {
    struct unit *u = arg;
    if (fault)
        unit_fail(u, fault);
    else
        unit_finish(u);
}

static void task_answer(void *arg, const struct answer *a) {
    struct unit *u = arg;
    struct fault f;
    cleanup(json_freep) json_t *j = NULL;
    struct id task;
    if (a->kind != ANSWER_OK || !jread_parse(a->json, TEXT_LIST_MAX, &j, NULL) ||
        !id_read(jget_str(j, "id"), 't', &task)) {
        fault_set(&f, a->kind == ANSWER_LATER ? FAULT_BUSY : FAULT_STATE, "task", "%s",
                  a->detail ? a->detail : "no task was given");
        unit_fail(u, &f);
        return;
    }
    if (jget_bool(j, "created", false))
        metric_add_label(METRIC_TASKS_CREATED, u->rule.queue.p, 1);
    bool other = !u->has_task || !id_same(task, u->task);
    u->has_task = true;
    u->task = task;
    if (other)
        store_outcome(u->g->parts.store, u->part, u->tp->id, u->appended.conversation, task,
                      outcome_set, u);
    else
        unit_finish(u);
}

/* Who should have it before all others: the manager of a key account, the owner of the episode, who
 * had the contact last. */
struct wish {
    const char *kind;
    struct str agent, deputy;
    int64_t seen_ms;
};

static struct wish wish_of(struct unit *u) {
    const struct look_contact *c = contact_looked(u);
    cleanup(json_freep) json_t *profile = NULL;
    if (c && c->profile.n && jread_parse(c->profile, PROFILE_MAX, &profile, NULL)) {
        const json_t *key = json_object_get(profile, "key_account");
        const char *kind = json_is_true(json_object_get(key, "hard")) ? "key-hard" : "key";
        struct arena *keep = &u->j->arena;
        if (jget_str(key, "manager").n)
            return (struct wish){kind, arena_str(keep, jget_str(key, "manager")),
                                 arena_str(keep, jget_str(key, "deputy")), 0};
    }
    /* Whose episode it is knows the person now, whatever window the queue has. */
    if (u->episode_owner.n)
        return (struct wish){"last", u->episode_owner, STR_NONE, u->tp->received_ms};
    return (struct wish){"last", u->appended.agent, STR_NONE, u->appended.agent_ms};
}

static void want_task(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    const struct appended *a = &u->appended;
    struct id_text task = id_write('t', id_task(tp->id)), touchpoint = id_write('p', tp->id);
    struct id_text conversation = id_write('v', a->conversation);
    struct id_text contact = id_write('c', u->contact), previous = id_write('t', a->previous);
    cleanup(buf_clear) struct buf skills, tags;
    struct wish wish = wish_of(u);
    buf_init(&skills, TEXT_LIST_MAX);
    buf_init(&tags, TEXT_LIST_MAX);
    bool ok = skills_json(&u->rule, &skills) && tags_json(u, &tags);
    const struct task_wanted w = {
        .task = str_c(task.c),
        .conversation = str_c(conversation.c),
        .contact = str_c(contact.c),
        .touchpoint = str_c(touchpoint.c),
        .queue = u->rule.queue,
        .channel = tp->channel,
        .subject = tp->subject,
        .priority = u->rule.priority ? u->rule.priority : tp->priority,
        .skills = ok ? buf_str(&skills) : str_c("[]"),
        .tags = ok ? buf_str(&tags) : str_c("[]"),
        .due_ms = u->rule.due_ms ? tp->received_ms + u->rule.due_ms : 0,
        .previous_hint = a->has_previous ? str_c(previous.c) : STR_NONE,
        .sticky_agent = wish.agent,
        .sticky_at_ms = wish.seen_ms,
        .wish = wish.kind,
        .deputy = wish.deputy,
        .at_ms = tp->received_ms,
        .repeat = u->repeat,
    };
    store_task_want(u->g->parts.store, &w, task_answer, u);
}

/* ---- an answer ---- */

static void replied(void *arg, const struct answer *a) {
    struct unit *u = arg;
    struct fault f;
    if (a->kind != ANSWER_LATER) {
        unit_finish(u);
        return;
    }
    fault_set(&f, FAULT_BUSY, "task", "%s", a->detail ? a->detail : "the store does not answer");
    unit_fail(u, &f);
}

/* Somebody of ours has answered: no program, and no note that never leaves. */
static bool is_answer(const struct touchpoint *tp) {
    return str_is(tp->direction, "outbound") && !tp->auto_kind.n && !str_is(tp->kind, "note");
}

/* A note says that somebody has begun. */
static void tell_note(struct unit *u) {
    struct id_text conversation = id_write('v', u->appended.conversation);
    store_task_touched(u->g->parts.store, clock_wall_ms(), str_c(conversation.c), replied, u);
}

static void tell_reply(struct unit *u) {
    struct id_text conversation = id_write('v', u->appended.conversation);
    store_task_replied(u->g->parts.store, clock_wall_ms(), str_c(conversation.c), u->tp->at_ms,
                       replied, u);
}

/* ---- suggestions ---- */

static bool suggestion_json(const struct unit *u, const struct link_plan *p, const struct id *other,
                            struct buf *out) {
    const struct identity *i = &u->tp->identities[p->identity];
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "contact", other ? str_c(id_write('c', *other).c) : STR_NONE);
    jwrite_open(&w, "identity", '{');
    jwrite_str(&w, "kind", i->kind);
    jwrite_str(&w, "value", i->value);
    jwrite_close(&w, '}');
    jwrite_c(&w, "evidence",
             p->has_other ? "both were named in one touchpoint"
                          : "named beside a known identity, by a claim");
    jwrite_c(&w, "touchpoint", id_write('p', u->tp->id).c);
    jwrite_str(&w, "source", u->tp->source);
    jwrite_time(&w, "at", u->tp->at_ms);
    jwrite_close(&w, '}');
    return w.ok;
}

static void ignore(void *arg, const struct fault *fault) {
    (void)arg, (void)fault; /* comes again with the next touchpoint that names both */
}

static void suggest(struct unit *u, const struct link_plan *p) {
    struct store *s = u->g->parts.store;
    cleanup(buf_clear) struct buf json;
    buf_init(&json, SUGGESTION_MAX);
    if (p->has_other && id_same(p->other, u->contact))
        return;
    if (suggestion_json(u, p, p->has_other ? &p->other : NULL, &json))
        store_suggest(s, u->contact, p->has_other ? p->other : u->hashes[p->identity],
                      buf_str(&json), ignore, NULL);
    buf_reset(&json);
    if (p->has_other && suggestion_json(u, p, &u->contact, &json))
        store_suggest(s, p->other, u->contact, buf_str(&json), ignore, NULL);
}

/* ---- what others find it by ---- */

static void refer(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    struct id_maker *ids = u->g->parts.ids;
    struct id v, p;
    struct str bare = message_id_bare(tp->message_id);
    /* Our own message ids say themselves where they belong. */
    if (bare.n && !id_token_read(ids, bare, &v, &p))
        store_refer(u->g->parts.store, id_reference(ids, reference_scope(tp), bare), u->part,
                    tp->id, u->appended.conversation, ignore, NULL);
    if (letter_index(tp).n)
        store_refer(u->g->parts.store, id_reference(ids, str_c("thread-index"), letter_index(tp)),
                    u->part, tp->id, u->appended.conversation, ignore, NULL);
    /* A conversation opened again by its token lies where this entry lies. */
    if (u->mode == JOIN_ID && !id_same(u->appended.conversation, tp->id))
        store_refer(u->g->parts.store, u->appended.conversation, u->part, u->appended.conversation,
                    u->appended.conversation, ignore, NULL);
}

static bool names_are_new(const struct unit *u) {
    if (u->is_new_contact || u->plans_n)
        return true;
    for (size_t i = 0; i < u->look.contacts_n; i++)
        if (id_same(u->look.contacts[i].id, u->contact))
            return !u->look.contacts[i].name.n && u->tp->name.n;
    return false;
}

static void delivered(void *arg, const struct fault *fault, enum deliver_code code) {
    (void)arg, (void)fault, (void)code;
}

/* A bounce or a receipt changes the state of the message that it is about. */
static void report(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    cleanup(buf_clear) struct buf json;
    buf_init(&json, 64 << 10);
    if (!tp->delivery || !tp->auto_kind.n || !str_is(tp->direction, "inbound") ||
        !jread_dump(&json, tp->delivery))
        return;
    for (size_t i = 0; i < u->references_n; i++) {
        const struct look_reference *r = &u->look.references[i];
        if (!r->found || !r->has_contact || !id_same(u->look.contacts[r->contact].id, u->contact))
            continue;
        struct id about = u->tokens[i] ? u->token_touchpoints[i] : r->touchpoint;
        store_deliver(u->g->parts.store, r->part, about, delivery_rank(tp->delivery_state),
                      buf_str(&json), delivered, NULL);
        return;
    }
}

/* ---- the receipt ---- */

void note_step(struct job *j, struct id touchpoint, const char *step, struct str detail) {
    struct id_text id = id_write('p', touchpoint);
    if (!j->replay) /* what is applied again was told the first time */
        spool_note_step(j->g->parts.spool, str_c(id.c), clock_wall_ms(), step, detail);
}

static void note_aliases(struct unit *u) {
    struct spool *s = u->g->parts.spool;
    struct id_text id = id_write('p', u->tp->id);
    struct str bare = message_id_bare(u->tp->message_id);
    struct str call = jget_str(json_object_get(u->tp->json, "call"), "call_id");
    if (u->j->replay)
        return;
    if (bare.n)
        spool_note_alias(s, bare, str_c(id.c));
    if (call.n)
        spool_note_alias(s, call, str_c(id.c));
    if (u->tp->source_id.n && !str_eq(u->tp->source_id, bare) && !str_eq(u->tp->source_id, call))
        spool_note_alias(s, u->tp->source_id, str_c(id.c));
}

static void note_steps(struct unit *u) {
    struct id_text contact = id_write('c', u->contact);
    struct id_text conversation = id_write('v', u->appended.conversation);
    struct id_text task = id_write('t', u->task);
    note_step(u->j, u->tp->id, "applied", u->tp->channel);
    note_step(u->j, u->tp->id, "contact", str_c(contact.c));
    note_step(u->j, u->tp->id, "conversation", str_c(conversation.c));
    if (!u->has_task)
        return;
    note_step(u->j, u->tp->id, "task", str_c(task.c));
    if (u->wants_task)
        note_step(u->j, u->tp->id, "queue", u->rule.queue);
    else if (u->settles)
        note_step(u->j, u->tp->id, "settled", str_c(task.c));
}

static void told(struct unit *u) {
    const struct outcome o = {
        .kind =
            u->appended.code == APPEND_KNOWN && u->look.applied ? OUTCOME_KNOWN : OUTCOME_APPLIED,
        .contact = u->contact,
        .conversation = u->appended.conversation,
        .task = u->task,
        .has_contact = true,
        .has_task = u->has_task,
    };
    if (o.kind == OUTCOME_APPLIED) {
        note_steps(u);
        note_aliases(u);
        if (u->is_new_contact)
            metric_add(METRIC_CONTACTS_CREATED, 1);
    } else {
        metric_add_label(METRIC_DUPLICATES, "store", 1);
    }
    unit_end(u, &o);
}

void unit_finish(struct unit *u) {
    unit_acknowledge(u, told);
}

static void erased(void *arg, bool ok) {
    (void)arg, (void)ok;
}

void unit_effects(struct unit *u) {
    struct fault f;
    if (u->tp->deleted) /* what was taken back must go, its files too */
        blob_erase(u->g->parts.blobs, str_c(id_write('p', u->tp->id).c), erased, NULL);
    if (!media_wanted(u)) {
        fault_set(&f, FAULT_BUSY, "media", "the spool takes no notes");
        unit_fail(u, &f);
        return;
    }
    if (!id_same(u->part, u->contact) && u->appended.code != APPEND_KNOWN)
        store_announce(u->g->parts.store, u->contact, u->tp->id);
    if (!u->was_applied || u->j->asked) {
        refer(u);
        if (names_are_new(u))
            store_index(u->g->parts.store, u->contact, true, u->is_fixed ? STR_NONE : u->tp->name,
                        u->known, u->known_n, u->g->parts.region);
        for (size_t i = 0; i < u->plans_n; i++)
            if (u->plans[i].kind == PLAN_SUGGEST)
                suggest(u, &u->plans[i]);
        report(u);
        unit_mark(u);
    }
    if (u->appended.asks && u->wants_task)
        want_task(u);
    else if (u->appended.asks && u->settles && u->has_task)
        unit_settle(u);
    else if (is_answer(u->tp))
        tell_reply(u);
    else if (str_is(u->tp->kind, "note"))
        tell_note(u);
    else
        unit_finish(u);
}
