/* ingest/resolve.c - whose touchpoint it is: what Redis knows of its identities, and what follows.
 */
#include "ingest/decide.h"
#include "ingest/ingest_priv.h"

/* ---- what follows from the decision ---- */

static void plan(struct unit *u, int kind, size_t identity, enum link_basis basis,
                 const struct id *other) {
    struct link_plan *p = &u->plans[u->plans_n++];
    *p = (struct link_plan){.kind = kind, .identity = identity, .basis = basis};
    p->has_other = other != NULL;
    if (other)
        p->other = *other;
}

static void know(struct unit *u, size_t identity, enum link_basis basis) {
    u->known[u->known_n++] = identity_of(u->g, &u->tp->identities[identity], basis);
}

static void plan_identity(struct unit *u, const struct decision *d, size_t i) {
    const struct id *other = d->identities[i].contact == SIZE_MAX
                                 ? NULL
                                 : &u->look.contacts[d->identities[i].contact].id;
    enum link_basis basis = d->identities[i].basis;
    switch (d->identities[i].link) {
    case DECIDE_NOTHING:
        break;
    case DECIDE_SAME:
        know(u, i, basis);
        /* What was claimed only is verified now. */
        if (basis == LINK_VERIFIED && u->look.identities[i].claimed)
            plan(u, PLAN_ALIAS, i, basis, NULL);
        break;
    case DECIDE_ALIAS:
        know(u, i, basis);
        plan(u, PLAN_ALIAS, i, basis, NULL);
        /* A link by a claim is there, marked; an agent may confirm it. */
        if (basis == LINK_CLAIMED)
            plan(u, PLAN_SUGGEST, i, basis, NULL);
        break;
    case DECIDE_SUGGEST:
        plan(u, PLAN_SUGGEST, i, basis, other);
        break;
    case DECIDE_MERGE:
        know(u, i, basis);
        plan(u, PLAN_MERGE, i, basis, other);
        break;
    }
}

static struct id home_of(struct unit *u, size_t i) {
    const struct identity *identity = &u->tp->identities[i];
    uint32_t life = u->lives[i];
    /* Erased by a daemon whose ledger we have not seen: a new life all the same. */
    if (!life && u->look.identities[i].state == LOOK_GONE)
        life = 1;
    struct id home = id_contact(u->g->parts.ids, identity->kind, identity->value, life);
    if (life)
        plan(u, PLAN_ALIAS, i, LINK_CONFIRMED, NULL);
    return home;
}

static void follow(struct unit *u, const struct decision *d) {
    struct id_text id = id_write('p', u->tp->id);
    switch (d->target) {
    case TARGET_ERASED:
        unit_drop_erased(u);
        return;
    case TARGET_NOBODY: /* a withheld number, a broken address: a contact of this one entry */
        u->contact = id_contact(u->g->parts.ids, str_c("anonymous"), str_c(id.c), 0);
        u->is_new_contact = true;
        break;
    case TARGET_HOME:
        u->contact = home_of(u, d->anchor);
        u->is_new_contact = true;
        break;
    case TARGET_CONTACT:
        u->contact = u->look.contacts[d->contact].id;
        break;
    }
    for (size_t i = 0; i < u->tp->identities_n && d->target != TARGET_NOBODY; i++)
        plan_identity(u, d, i);
    unit_decided(u);
}

static void decide_contact(struct unit *u) {
    struct decide_identity ids[DECIDE_MAX];
    struct decide_contact contacts[COUNT(u->look.contacts)];
    struct decision d;
    size_t n = u->tp->identities_n;
    for (size_t i = 0; i < n; i++) {
        const struct look_identity *l = &u->look.identities[i];
        ids[i] = (struct decide_identity){.verified = u->tp->identities[i].verified,
                                          .claimed = l->claimed,
                                          .contact = l->contact};
        if (u->erased[i])
            ids[i].state = IDENTITY_ERASED;
        else
            ids[i].state = l->state == LOOK_KNOWN ? IDENTITY_KNOWN : IDENTITY_UNKNOWN;
    }
    for (size_t i = 0; i < u->look.contacts_n; i++)
        contacts[i] =
            (struct decide_contact){u->look.contacts[i].born_ms, u->look.contacts[i].verified};
    decide(ids, n, contacts, u->g->parts.link_claims, &d);
    follow(u, &d);
}

/* ---- what decides before the identities do ---- */

/* News of our own mail belong to whom it was sent to, whatever machine tells them. */
static bool is_report(const struct touchpoint *tp) {
    return str_is(tp->auto_kind, "bounce") || str_is(tp->auto_kind, "receipt") ||
           str_is(tp->auto_kind, "feedback");
}

static const struct look_contact *contact_of_report(const struct unit *u) {
    for (size_t i = 0; is_report(u->tp) && i < u->references_n; i++) {
        const struct look_reference *r = &u->look.references[i];
        if (u->tokens[i] && r->found && r->has_contact)
            return &u->look.contacts[r->contact];
    }
    return NULL;
}

static void applied_contact(void *arg, const struct fault *fault, bool found, bool gone,
                            const struct look_contact *c) {
    struct unit *u = arg;
    (void)gone;
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    u->contact = found ? c->id : u->look.part;
    unit_decided(u);
}

static void decide_fixed(struct unit *u) {
    const struct look_identity *l = &u->look.identities[0];
    u->contact = u->fixed_contact;
    if (l->state == LOOK_GONE) {
        unit_drop_erased(u);
        return;
    }
    if (l->state == LOOK_KNOWN)
        u->contact = u->look.contacts[l->contact].id;
    else
        u->is_new_contact = true;
    unit_decided(u);
}

static void looked(void *arg, const struct fault *fault) {
    struct unit *u = arg;
    const struct look_contact *told;
    const struct outcome erased = {.kind = OUTCOME_KNOWN};
    if (!fault && !u->looked_once) {
        u->looked_once = true;
        u->was_applied = u->look.applied;
    }
    if (fault) {
        unit_fail(u, fault);
    } else if (u->look.touchpoint == LOOK_ERASED) {
        unit_end(u, &erased);
    } else if (u->look.touchpoint == LOOK_CLAIMED && u->look.applied) {
        /* It is there: a repetition, or an edit. Whom it belongs to was decided then, and what
         * agents have merged or split since is theirs to change. */
        store_look_contact(u->g->parts.store, u->look.part, STR_NONE, STR_NONE, applied_contact, u);
    } else if (u->is_fixed) {
        decide_fixed(u);
    } else if ((told = contact_of_report(u))) {
        u->contact = told->id;
        unit_decided(u);
    } else {
        decide_contact(u);
    }
}

void unit_resolve(struct unit *u) {
    const struct touchpoint *tp = u->tp;
    char open[LOOK_FIELD_MAX], thread[LOOK_FIELD_MAX];
    struct look_wanted w = {
        .touchpoint = tp->id,
        .identities = u->hashes,
        .identities_n = u->hashes_n,
        .references = u->references,
        .references_n = u->references_n,
    };
    w.thread_field = unit_thread_field(tp, thread);
    w.open_field = unit_open_field(tp, open);
    store_look(u->g->parts.store, &w, &u->arena, &u->look, looked, u);
}
