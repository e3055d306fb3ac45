/* ingest/conversation.c - see conversation.h. */
#include "ingest/conversation.h"

#include "ingest/letter.h"
#include "touchpoint/touchpoint.h"

bool conversation_begins_own(const struct touchpoint *tp) {
    return str_is(tp->channel, "email") || str_is(tp->channel, "form") ||
           str_is(tp->channel, "call");
}

static void join(struct conversation_choice *out, struct id part, struct id conversation,
                 const struct conversation *existing) {
    out->mode = JOIN_ID;
    out->part = part;
    out->conversation = conversation;
    out->existing = existing;
}

/* The nearest one that is there decides: a token of ours proves itself, but so does what lies with
 * the same contact. */
static bool choose_reference(const struct reference_fact *refs, size_t n,
                             struct conversation_choice *out) {
    for (size_t i = 0; i < n; i++) {
        const struct reference_fact *r = &refs[i];
        if (!r->found || r->erased)
            continue;
        if (!r->ours && !out->foreign) {
            out->foreign = true;
            out->related = r->conversation_id;
        } else if (r->ours && (r->token || r->conversation)) {
            join(out, r->part, r->conversation_id, r->conversation);
            return true;
        }
    }
    return false;
}

/* A token whose conversation is nowhere any more opens it again under its id; one that was erased
 * stays erased. */
static bool choose_token(const struct reference_fact *refs, size_t n, struct id contact,
                         struct conversation_choice *out) {
    for (size_t i = 0; i < n; i++) {
        if (!refs[i].token || refs[i].erased || refs[i].found)
            continue;
        join(out, contact, refs[i].conversation_id, refs[i].conversation);
        return true;
    }
    return false;
}

static bool may_join(const struct conversation *v, const struct conversation_choice *c) {
    if (c->by_callback)
        return v->has_task;
    return c->by_thread || v->status != CONVERSATION_RESOLVED;
}

static void choose_open(const struct open_fact *opens, size_t n, struct conversation_choice *out) {
    out->mode = out->by_callback ? JOIN_CALLBACK : JOIN_LOOK;
    for (size_t i = 0; i < n; i++) {
        const struct conversation *v = out->by_thread ? opens[i].thread : opens[i].open;
        if (!v || !may_join(v, out))
            continue;
        out->existing = v;
        /* Of the contact's own part the function looks itself, in the same call. */
        if (i > 0)
            join(out, opens[i].part, v->id, v);
        return;
    }
}

/* The subject of somebody's own mail is a guess, so he must say that it is an answer. */
static void choose_subject(const struct touchpoint *tp, const struct open_fact *opens, size_t n,
                           struct conversation_choice *out) {
    for (size_t i = 0; i < n; i++)
        if (opens[i].open && letter_goes_on(tp, opens[i].open)) {
            join(out, opens[i].part, opens[i].open->id, opens[i].open);
            return;
        }
}

void conversation_choose(const struct touchpoint *tp, struct id contact,
                         const struct reference_fact *references, size_t n,
                         const struct open_fact *opens, size_t opens_n,
                         struct conversation_choice *out) {
    char field[LOOK_FIELD_MAX];
    *out = (struct conversation_choice){.mode = JOIN_OWN, .part = contact};
    bool own = conversation_begins_own(tp), letter = letter_is(tp);
    out->by_thread = tp->thread.n > 0 || (letter && letter_root(tp).n > 0);
    out->by_callback = str_is(tp->channel, "call") && !out->by_thread;
    out->by_source = letter ? letter_subject_field(tp, field).n > 0 : !own && !out->by_thread;
    if (choose_reference(references, n, out) || choose_token(references, n, contact, out))
        return;
    if (out->by_thread || out->by_callback || !own)
        choose_open(opens, opens_n, out);
    if (letter && !out->existing)
        choose_subject(tp, opens, opens_n, out);
}
