/* store/change.c - one function call a change: patch, create, suggestions, conversations; and what
 * a change must know first. Merging and splitting take several: merge.c.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "store/change_priv.h"

enum { PROFILE_MAX = 256 << 10, CREATE_ARGS = 3, IDENTITY_ARGS_MAX = 7 * LOOK_IDENTITIES_MAX };

struct change_wait {
    change_fn *done;
    void *arg;
};

bool change_decode(const struct store_reply *r, struct change *out) {
    int code = reply_code(r, "ok|known|stale|refused|none|gone|moved");
    *out = (struct change){.code = (enum change_code)code};
    if (code < 0)
        return false;
    if (code == CHANGE_MOVED)
        return id_from(reply_str(r, 1), &out->moved_to);
    out->rev = str_int(reply_str(r, 1), 0);
    return true;
}

static void change_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct change_wait *w = arg;
    struct change c = {0};
    struct fault odd;
    if (!fault && !change_decode(r, &c)) {
        fault_set(&odd, FAULT_STATE, "change", "an answer of no known form");
        fault = &odd;
    }
    w->done(w->arg, fault, &c);
    free(w);
}

static struct change_wait *wait_new(change_fn *done, void *arg) {
    struct change_wait *w = NEW(struct change_wait);
    *w = (struct change_wait){done, arg};
    return w;
}

void store_patch(struct store *s, const struct contact_change *c, struct str profile,
                 change_fn *done, void *arg) {
    struct part_keys k;
    char if_rev[24], rev[24], payload[64];
    part_keys(c->contact, &k);
    const struct str args[] = {profile, store_int(c->if_rev, if_rev), store_int(c->rev, rev),
                               payload_of("contact", 'c', c->contact, payload)};
    store_function(s, "patch", false, &k.c, 1, args, 4, change_answer, wait_new(done, arg));
}

void store_create(struct store *s, const struct contact_change *c, struct str profile,
                  const struct contact_identity *identities, size_t n, change_fn *done, void *arg) {
    struct part_keys k;
    struct str args[CREATE_ARGS + IDENTITY_ARGS_MAX];
    char at[24], payload[64];
    part_keys(c->contact, &k);
    args[0] = store_int(c->at_ms, at);
    args[1] = profile;
    args[2] = payload_of("contact", 'c', c->contact, payload);
    n = n < LOOK_IDENTITIES_MAX ? n : LOOK_IDENTITIES_MAX;
    size_t used = identity_args(identities, n, args + CREATE_ARGS);
    store_function(s, "create", false, &k.c, 1, args, CREATE_ARGS + used, change_answer,
                   wait_new(done, arg));
}

void store_conversation_change(struct store *s, const struct conversation_change *c,
                               change_fn *done, void *arg) {
    struct part_keys k;
    char status[24], if_rev[24], rev[24], at[24], payload[64];
    part_keys(c->part, &k);
    const struct str keys[] = {k.c, k.v};
    struct str owner = c->owner;
    if (owner.p && !owner.n)
        owner = str_c("-");
    const struct str args[] = {
        id_bytes(&c->conversation),
        c->status < 0 ? str_make("", 0) : store_int(c->status, status),
        owner.p ? owner : str_make("", 0),
        store_int(c->if_rev, if_rev),
        store_int(c->rev, rev),
        store_int(c->at_ms, at),
        payload_of("conversation", 'v', c->conversation, payload),
    };
    store_function(s, "conv", false, keys, 2, args, COUNT(args), change_answer,
                   wait_new(done, arg));
}

/* ---- suggestions ---- */

struct settle_wait {
    settle_fn *done;
    void *arg;
};

static void settle_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct settle_wait *w = arg;
    w->done(w->arg, fault, !fault && r->type == STORE_STR ? r->str : STR_NONE);
    free(w);
}

void store_settle(struct store *s, struct id contact, int64_t n, settle_fn *done, void *arg) {
    struct settle_wait *w = NEW(struct settle_wait);
    struct part_keys k;
    char number[24], payload[64];
    *w = (struct settle_wait){done, arg};
    part_keys(contact, &k);
    const struct str args[] = {store_int(n, number), payload_of("contact", 'c', contact, payload)};
    store_function(s, "settle", false, &k.c, 1, args, 2, settle_answer, w);
}

/* ---- facts ---- */

struct facts_wait {
    facts_fn *done;
    void *arg;
};

static void facts_names(struct profiles *p, struct contact_facts *c) {
    struct str *names = arena_new(&p->arena, (2 * p->parts_n + 1) * sizeof *names);
    for (size_t i = 0; i < p->parts_n; i++) {
        cleanup(json_freep) json_t *patched = NULL;
        if (p->parts[i].name.n)
            names[c->names_n++] = p->parts[i].name;
        if (!p->parts[i].profile.n ||
            !jread_parse(p->parts[i].profile, PROFILE_MAX, &patched, NULL))
            continue;
        struct str name = jget_str(patched, "name");
        if (name.n)
            names[c->names_n++] = arena_str(&p->arena, name);
    }
    c->names = names;
}

static void facts_answer(void *arg, const struct fault *fault, struct profiles *p) {
    struct facts_wait *w = arg;
    struct contact_facts c = {0};
    if (!fault && p->found) {
        struct id *parts = arena_new(&p->arena, p->parts_n * sizeof *parts);
        c.id = p->parts[0].id;
        c.rev = p->parts[0].rev;
        c.born_ms = p->parts[0].born_ms;
        c.profile = p->parts[0].profile;
        c.identities = profiles_identities(p, &c.identities_n);
        for (size_t i = 0; i < p->parts_n; i++) {
            parts[i] = p->parts[i].id;
            c.name = c.name.n ? c.name : p->parts[i].name;
            c.language = c.language.n ? c.language : p->parts[i].language;
        }
        facts_names(p, &c);
        c.parts = parts;
        c.parts_n = p->parts_n;
    }
    w->done(w->arg, fault, !fault && p->found, !fault && p->gone, &c);
    free(w);
}

void store_facts(struct store *s, struct id id, facts_fn *done, void *arg) {
    struct facts_wait *w = NEW(struct facts_wait);
    *w = (struct facts_wait){done, arg};
    store_profiles(s, id, false, facts_answer, w);
}
