/* ingest/unit.c - one touchpoint on its way to the timeline, step by step.
 *
 *   resolve ─► decided ─► link ─► append ─► effects ─► end
 *      ▲                   │        │
 *      └── another daemon changed what was seen ──┘
 *
 * Each step asks Redis once or a few times at once; every step may be repeated, so a failure
 * anywhere begins again from the first.
 */
#include <stdlib.h>

#include "ingest/ingest_priv.h"
#include "ingest/letter.h"

struct unit *unit_new(struct job *j, struct touchpoint *take_tp) {
    struct unit *u = NEW(struct unit);
    u->j = j;
    u->g = j->g;
    u->tp = take_tp;
    u->strict = j->r->kind == RECORD_TOUCHPOINT && !(j->r->flags & RECORD_WAS_BYTES);
    arena_init(&u->arena);
    return u;
}

void unit_free(struct unit *u) {
    if (!u)
        return;
    touchpoint_free(u->tp);
    arena_clear(&u->arena);
    free(u);
}

struct str reference_scope(const struct touchpoint *tp) {
    bool mail = str_is(tp->channel, "email") || str_starts(tp->source, (struct str)STR("email:"));
    return mail ? str_c("mid") : tp->source; /* Message-IDs mean the same in every mailbox */
}

static void add_reference(struct unit *u, struct id key, bool token, struct id touchpoint) {
    if (u->references_n == LOOK_REFERENCES_MAX)
        return;
    u->references[u->references_n] = key;
    u->tokens[u->references_n] = token;
    u->token_touchpoints[u->references_n++] = touchpoint;
}

/* A message id that we made names its conversation itself; others are looked up. What a push calls
 * a reference may be the id of another push. */
static void prepare_reference(struct unit *u, struct str reference) {
    struct id_maker *ids = u->g->parts.ids;
    struct id v, p;
    if (id_token_read(ids, reference, &v, &p)) {
        add_reference(u, v, true, p);
        return;
    }
    struct id key = id_reference(ids, reference_scope(u->tp), reference);
    add_reference(u, key, false, key);
    if (str_starts(u->tp->source, (struct str)STR("push:"))) {
        key = id_touchpoint(ids, u->tp->source, reference);
        add_reference(u, key, false, key);
    }
}

struct str unit_thread_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]) {
    struct str thread = !tp->thread.n && letter_is(tp) ? letter_root(tp) : tp->thread;
    return thread.n ? contact_thread_field(tp->source, thread, out) : STR_NONE;
}

/* How often each identity was erased before this touchpoint was accepted, and whether since. */
static void prepare_lives(struct unit *u) {
    for (size_t i = 0; i < u->hashes_n; i++) {
        uint32_t count;
        int64_t last_ms;
        spool_erased(u->g->parts.spool, u->hashes[i].b, &count, &last_ms);
        u->erased[i] = count && last_ms >= u->tp->received_ms;
        u->lives[i] = u->erased[i] ? count - 1 : count;
    }
}

void unit_prepare(struct unit *u) {
    struct touchpoint *tp = u->tp;
    if (u->is_fixed) {
        u->hashes[u->hashes_n++] = u->fixed_contact;
        add_reference(u, u->fixed_conversation, true, u->fixed_conversation);
        return;
    }
    for (size_t i = 0; i < tp->identities_n; i++)
        u->hashes[u->hashes_n++] =
            id_identity(u->g->parts.ids, tp->identities[i].kind, tp->identities[i].value);
    if (tp->update_of.p)
        prepare_reference(u, tp->update_of);
    for (size_t i = 0; i < tp->references_n; i++)
        prepare_reference(u, tp->references[i]);
    if (letter_index(tp).n) {
        struct id key = id_reference(u->g->parts.ids, str_c("thread-index"), letter_index(tp));
        add_reference(u, key, false, key);
    }
}

size_t unit_keys(const struct unit *u, struct id *out, size_t max) {
    size_t n = 0;
    if (max)
        out[n++] = u->tp->id;
    for (size_t i = 0; i < u->hashes_n && n < max; i++)
        out[n++] = u->hashes[i];
    return n;
}

void unit_run(struct unit *u) {
    if (u->tp->update_of.p) {
        unit_deliver(u);
        return;
    }
    if (u->tp->echo && !u->echo_settled) {
        unit_echo(u);
        return;
    }
    if (!u->is_fixed)
        prepare_lives(u);
    u->known_n = u->plans_n = u->plan_at = 0;
    u->is_new_contact = u->linked = false;
    u->has_task = u->wants_task = false;
    arena_clear(&u->arena);
    arena_init(&u->arena);
    unit_resolve(u);
}

struct contact_identity identity_of(struct ingest *g, const struct identity *i,
                                    enum link_basis link) {
    return (struct contact_identity){
        .hash = id_identity(g->parts.ids, i->kind, i->value),
        .kind = i->kind,
        .value = i->value,
        .evidence = i->evidence,
        .display = i->display,
        .verified = i->verified,
        .link = link,
    };
}

static void drop_done(void *arg, const struct fault *fault) {
    struct unit *u = arg;
    const struct outcome known = {.kind = OUTCOME_KNOWN};
    if (fault)
        unit_fail(u, fault);
    else
        unit_end(u, &known);
}

void unit_drop_erased(struct unit *u) {
    note_step(u->j, u->tp->id, "erased", STR_NONE);
    store_mark_erased(u->g->parts.store, u->tp->id, drop_done, u);
}
