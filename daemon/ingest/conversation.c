/* ingest/conversation.c - see conversation.h. */
#include "ingest/conversation.h"

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

/* Tokens first: they prove themselves. One of ours whose conversation is nowhere any more opens it
 * again under its id; one that was erased stays erased. */
static bool choose_token(const struct reference_fact *refs, size_t n, struct id contact,
                         struct conversation_choice *out) {
    for (size_t i = 0; i < n; i++) {
        const struct reference_fact *r = &refs[i];
        if (!r->token || r->erased)
            continue;
        if (r->found && !r->ours) {
            out->foreign = true;
            continue;
        }
        join(out, r->found ? r->part : contact, r->conversation_id, r->conversation);
        return true;
    }
    return false;
}

static bool choose_reference(const struct reference_fact *refs, size_t n,
                             struct conversation_choice *out) {
    for (size_t i = 0; i < n; i++) {
        const struct reference_fact *r = &refs[i];
        if (r->token || !r->found)
            continue;
        if (!r->ours) {
            out->foreign = true;
        } else if (r->conversation) {
            join(out, r->part, r->conversation_id, r->conversation);
            return true;
        }
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

void conversation_choose(const struct touchpoint *tp, struct id contact,
                         const struct reference_fact *references, size_t n,
                         const struct open_fact *opens, size_t opens_n,
                         struct conversation_choice *out) {
    *out = (struct conversation_choice){.mode = JOIN_OWN, .part = contact};
    bool own = conversation_begins_own(tp);
    out->by_thread = tp->thread.n > 0;
    out->by_callback = str_is(tp->channel, "call") && !out->by_thread;
    out->by_source = !own && !out->by_thread;
    if (choose_token(references, n, contact, out) || choose_reference(references, n, out))
        return;
    if (out->by_thread || out->by_callback || !own)
        choose_open(opens, opens_n, out);
}
