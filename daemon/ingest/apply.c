/* ingest/apply.c - the entry itself: which conversation, whether work comes of it, its bytes to the
 * blob store, its id claimed, and the one call that puts it on the timeline.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/metrics.h"
#include "blob/blob.h"
#include "ingest/conversation.h"
#include "ingest/ingest_priv.h"
#include "store/body.h"

enum { DELIVERY_MAX = 32 << 10 };

/* ---- conversation ---- */

const struct look_contact *contact_looked(const struct unit *u) {
    for (size_t i = 0; i < u->look.contacts_n; i++)
        if (id_same(u->look.contacts[i].id, u->contact))
            return &u->look.contacts[i];
    return NULL;
}

static void reference_facts(const struct unit *u, struct reference_fact *out) {
    for (size_t i = 0; i < u->references_n; i++) {
        const struct look_reference *r = &u->look.references[i];
        out[i] = (struct reference_fact){
            .token = u->tokens[i],
            .found = r->found,
            .erased = r->erased,
            .ours = r->has_contact && id_same(u->look.contacts[r->contact].id, u->contact),
            .part = r->part,
            .conversation_id = r->found ? r->conversation_id : u->references[i],
            .conversation = r->has_conversation ? &r->conversation : NULL,
        };
    }
}

static size_t open_facts(const struct unit *u, struct open_fact *out) {
    const struct look_contact *c = contact_looked(u);
    size_t n = 0;
    out[n++] = (struct open_fact){
        .part = u->contact,
        .open = c && c->has_open ? &c->open : NULL,
        .thread = c && c->has_thread ? &c->thread : NULL,
    };
    for (size_t i = 0; i < u->hashes_n; i++) {
        const struct look_identity *l = &u->look.identities[i];
        if (l->state == LOOK_KNOWN && l->has_via &&
            id_same(u->look.contacts[l->contact].id, u->contact))
            out[n++] = (struct open_fact){
                .part = l->via,
                .open = l->via_has_open ? &l->via_open : NULL,
                .thread = l->via_has_thread ? &l->via_thread : NULL,
            };
    }
    return n;
}

static void choose_conversation(struct unit *u) {
    struct reference_fact references[LOOK_REFERENCES_MAX];
    struct open_fact opens[1 + IDENTITIES_MAX];
    struct conversation_choice c;
    reference_facts(u, references);
    conversation_choose(u->tp, u->contact, references, u->references_n, opens, open_facts(u, opens),
                        &c);
    u->mode = c.mode;
    u->conversation = c.conversation;
    u->by_source = c.by_source;
    u->by_thread = c.by_thread;
    u->by_callback = c.by_callback;
    u->part = c.part;
    if (u->is_fixed && id_same(u->fixed_conversation, u->tp->id))
        u->mode = JOIN_OWN;
    if (u->look.touchpoint == LOOK_CLAIMED)
        u->part = u->look.part;
    if (c.foreign) {
        json_t *warnings = json_object_get(u->tp->json, "warnings");
        json_t *data = json_object_get(u->tp->json, "data");
        struct id_text related = id_write('v', c.related);
        json_array_append_new(warnings, json_string("names a conversation of another contact"));
        if (json_is_object(data))
            json_object_set_new(data, "related", json_string(related.c));
    }
    u->existing = c.existing;
}

/* ---- rules ---- */

/* Automatic mail, receipts, notes and what we wrote ourselves need nobody. */
static bool may_need_answer(const struct touchpoint *tp) {
    return str_is(tp->direction, "inbound") && !tp->auto_kind.n && !tp->deleted &&
           !str_is(tp->kind, "receipt") && !str_is(tp->kind, "note");
}

static json_t *contact_facts_json(const struct unit *u) {
    const struct look_contact *c = contact_looked(u);
    json_t *j = NULL;
    if (c && c->profile.n && !jread_parse(c->profile, PROFILE_MAX, &j, NULL))
        j = NULL;
    if (!json_is_object(j)) {
        json_decref(j);
        j = json_object();
    }
    if (!json_object_get(j, "name"))
        json_object_set_new(j, "name", jstr(c && c->name.n ? c->name : u->tp->name));
    if (!json_object_get(j, "language"))
        json_object_set_new(j, "language",
                            jstr(c && c->language.n ? c->language : u->tp->language));
    json_object_set_new(j, "id", json_string(id_write('c', u->contact).c));
    json_object_set_new(j, "repeat", json_integer(u->repeat));
    return j;
}

static json_t *conversation_facts_json(const struct conversation *v) {
    static const char *const states[] = {"open", "pending", "resolved"};
    if (!v)
        return json_object();
    return json_pack("{s:s,s:o,s:o,s:o,s:b}", "status", states[v->status], "owner",
                     v->owner.n ? jstr(v->owner) : json_null(), "channel", jstr(v->channel),
                     "subject", jstr(v->subject), "task", v->has_task);
}

/* The rules may be replaced while Redis is asked. */
static void keep_outcome(struct unit *u) {
    struct rule_outcome *r = &u->rule;
    r->queue = arena_str(&u->arena, r->queue);
    r->rule = arena_str(&u->arena, r->rule);
    for (size_t i = 0; i < r->skills_n; i++)
        r->skills[i].name = arena_str(&u->arena, r->skills[i].name);
    for (size_t i = 0; i < r->tags_n; i++)
        r->tags[i] = arena_str(&u->arena, r->tags[i]);
}

static void ask_rules(struct unit *u) {
    u->wants_task = false;
    if (!may_need_answer(u->tp))
        return;
    cleanup(json_freep) json_t *contact = contact_facts_json(u);
    cleanup(json_freep) json_t *conversation = conversation_facts_json(u->existing);
    const struct rule_facts facts = {.touchpoint = u->tp->json,
                                     .contact = contact,
                                     .conversation = conversation,
                                     .source = u->tp->source,
                                     .at_ms = u->tp->received_ms,
                                     .calendars = u->g->parts.calendars};
    rules_decide(u->g->rules, &facts, &u->rule);
    keep_outcome(u);
    u->wants_task = u->rule.task && u->rule.queue.n && !u->is_flood;
    if (u->rule.rule.n)
        metric_add_label(METRIC_RULE_HITS, u->rule.rule.p, 1);
}

/* ---- claim ---- */

static void claimed(void *arg, const struct fault *fault, enum claim_code code, struct id part) {
    struct unit *u = arg;
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    const struct outcome known = {.kind = OUTCOME_KNOWN}, mismatch = {.kind = OUTCOME_MISMATCH};
    switch (code) {
    case CLAIM_ERASED:
        unit_end(u, &known);
        return;
    case CLAIM_MISMATCH:
        metric_add(METRIC_MISMATCHES, 1);
        unit_end(u, &mismatch);
        return;
    case CLAIM_NEW:
    case CLAIM_KNOWN:
    case CLAIM_REVISED:
        break;
    }
    u->part = part;
    if (u->look.applied)
        unit_append(u);
    else
        unit_link(u);
}

static void claim(struct unit *u) {
    store_claim(u->g->parts.store, u->tp->id, u->part, u->tp->content, u->tp->revision, u->strict,
                claimed, u);
}

/* ---- bytes ---- */

static void blob_answer(void *arg, bool ok) {
    struct unit *u = arg;
    struct fault f;
    if (!job_blob_answered(u->j))
        return;
    if (!ok)
        fault_set(&f, FAULT_BUSY, "blobs", "an attachment could not be written");
    if (!job_answered(u->j, ok ? NULL : &f))
        return;
    if (u->j->fault.kind)
        unit_fail(u, &u->j->fault);
    else
        claim(u);
}

static void budgeted(struct unit *u) {
    struct touchpoint *tp = u->tp;
    struct id_text id = id_write('p', tp->id);
    int64_t until_ms; /* a channel that keeps nothing has its attachments all the same: they are the
                         message */
    (void)!kept_until(u->g, tp->channel, tp->received_ms, &until_ms);
    ask_rules(u);
    u->settles = !u->wants_task && is_talk(tp);
    if (!tp->blobs_n) {
        claim(u);
        return;
    }
    for (size_t i = 0; i < tp->blobs_n; i++)
        job_await(u->j);
    u->j->blob_calls += tp->blobs_n;
    for (size_t i = 0; i < tp->blobs_n; i++)
        blob_put_until(u->g->parts.blobs, str_c(id.c), str_c(tp->blobs[i].sha256),
                       buf_str(&tp->blobs[i].bytes), until_ms, blob_answer, u);
}

static void remembered(struct unit *u) {
    unit_budget(u, budgeted);
}

void unit_decided(struct unit *u) {
    choose_conversation(u);
    unit_episode(u, remembered);
}

/* ---- the entry ---- */

static void appended(void *arg, const struct fault *fault, const struct appended *a) {
    struct unit *u = arg;
    struct fault f;
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    switch (a->code) {
    case APPEND_GONE:
        unit_drop_erased(u);
        return;
    case APPEND_MOVED: /* an alias by now, by another daemon */
        if (++u->restarts <= RESTARTS_MAX) {
            unit_run(u);
        } else {
            fault_set(&f, FAULT_STATE, "append", "the contact moves under every try");
            unit_fail(u, &f);
        }
        return;
    case APPEND_NEW:
    case APPEND_REVISED:
    case APPEND_KNOWN:
        break;
    }
    u->appended = *a;
    u->appended.agent = arena_str(&u->arena, a->agent);
    u->has_task = a->has_task;
    u->task = a->task;
    unit_effects(u);
}

static struct str delivery_text(const struct touchpoint *tp, struct buf *out) {
    if (!tp->delivery || !jread_dump(out, tp->delivery))
        return STR_NONE;
    return buf_str(out);
}

void unit_append(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    cleanup(buf_clear) struct buf text, packed, delivery;
    char open[LOOK_FIELD_MAX], thread[LOOK_FIELD_MAX];
    struct fault f;
    buf_init(&text, BODY_TEXT_MAX);
    buf_init(&packed, BODY_TEXT_MAX + 4096);
    buf_init(&delivery, DELIVERY_MAX);
    if (!touchpoint_write_body(tp, &text) || !body_pack(buf_str(&text), &packed)) {
        fault_set(&f, FAULT_STATE, "append", "the touchpoint is too large to be stored");
        unit_fail(u, &f);
        return;
    }
    struct append a = {
        .part = u->part,
        .touchpoint = tp->id,
        .at_ms = tp->at_ms,
        .received_ms = tp->received_ms,
        .revision = tp->revision,
        .inbound = str_is(tp->direction, "inbound"),
        .note = str_is(tp->kind, "note"),
        .deleted = tp->deleted,
        .automatic = tp->auto_kind.n > 0,
        .wants_task = u->wants_task,
        .settles = u->settles,
        .channel = tp->channel,
        .source = tp->source,
        .body = buf_str(&packed),
        .delivery = delivery_text(tp, &delivery),
        .delivery_rank = delivery_rank(tp->delivery_state),
        .mode = u->mode,
        .conversation = u->conversation,
        .subject = tp->subject,
        .name = u->is_fixed ? STR_NONE : tp->name,
        .language = u->is_fixed ? STR_NONE : tp->language,
        .identities = u->known,
        .identities_n = u->known_n,
        .agent = jget_str(tp->json, "agent"),
    };
    episode_facts(u, &a);
    if (u->by_source || u->by_callback)
        a.open_field = unit_open_field(tp, open);
    if (u->by_thread)
        a.thread_field = unit_thread_field(tp, thread);
    store_append(u->g->parts.store, &a, appended, u);
}
