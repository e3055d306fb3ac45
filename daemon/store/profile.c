/* store/profile.c - a contact whole: pointers followed, the fields of all its parts decoded.
 *
 *   HGETALL {c…}:c ── pointer ──► HGETALL … (at most 8)
 *                  └─ contact ──► HGETALL of each part merged into it, at once
 */
#include <stdlib.h>

#include "store/contact_priv.h"
#include "store/episode.h"

struct profiling {
    struct store *s;
    struct profiles p;
    struct id at;
    bool by_identity;
    int hops;
    size_t pending;
    struct fault fault;
    profiles_fn *done;
    void *arg;
};

struct part_wait {
    struct profiling *w;
    size_t index;
};

/* ---- fields ---- */

struct counting {
    size_t identities, suggestions;
};

static bool is_suggestion(struct str name) {
    return name.n > 1 && name.p[0] == 's' && name.p[1] >= '0' && name.p[1] <= '9';
}

static bool is_identity(struct str name) {
    return name.n == 1 + ID_BYTES && name.p[0] == 'i';
}

static bool is_trouble(struct str name) {
    return name.n == 1 + ID_BYTES && name.p[0] == 'u';
}

/* Why an identity cannot be written to stands in a field of its own. */
static void troubles_decode(struct arena *a, const struct store_reply *r, struct part_profile *p) {
    for (size_t i = 0; i + 1 < r->n; i += 2) {
        struct id hash;
        if (!is_trouble(reply_str(r, i)) || !id_from(str_from(reply_str(r, i), 1), &hash))
            continue;
        for (size_t k = 0; k < p->identities_n; k++)
            if (id_equal(p->identities[k].hash, hash))
                p->identities[k].trouble = arena_str(a, reply_str(r, i + 1));
    }
}

static void field_pointer(struct part_profile *p, struct str v) {
    p->has_to = id_from(v, &p->to);
    p->is_merged = v.n > ID_BYTES && v.p[ID_BYTES] == 'm';
}

static void field_parts(struct part_profile *p, struct str v) {
    p->parts = (const struct id *)v.p;
    p->parts_n = v.n / ID_BYTES;
}

static void field_agent(struct part_profile *p, struct str v) {
    p->agent = str_cut(&v, ' ');
    p->agent_ms = str_int(v, 0);
}

static void field_channel(struct part_profile *p, struct str name, struct str v) {
    for (size_t i = 0; i < CHANNELS_N; i++)
        if (str_is(name, contact_channels[i]))
            p->channels[i] = str_int(v, 0);
}

static void field_number(struct part_profile *p, struct str name, int64_t v) {
    const struct {
        const char *name;
        int64_t *out;
    } numbers[] = {{"b", &p->born_ms},  {"v", &p->rev},     {"n", &p->touchpoints},
                   {"f", &p->first_ms}, {"l", &p->last_ms}, {"gone", &p->gone_ms}};
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (str_is(name, numbers[i].name))
            *numbers[i].out = v;
}

static void field_text(struct part_profile *p, struct str name, struct str v) {
    if (str_is(name, "name"))
        p->name = v;
    else if (str_is(name, "lang"))
        p->language = v;
    else if (str_is(name, "p"))
        p->profile = v;
    else if (str_is(name, "o"))
        p->open = v;
    else if (str_is(name, "a"))
        field_agent(p, v);
    else if (str_is(name, "e"))
        p->visits = v;
    else if (str_is(name, "ea"))
        p->marks = v;
    else if (str_is(name, "to"))
        field_pointer(p, v);
    else if (str_is(name, "parts"))
        field_parts(p, v);
    else if (str_starts(name, (struct str)STR("n:")))
        field_channel(p, str_from(name, 2), v);
    else
        field_number(p, name, str_int(v, 0));
}

static struct counting count_fields(const struct store_reply *r) {
    struct counting c = {0};
    for (size_t i = 0; i + 1 < r->n; i += 2) {
        c.identities += is_identity(reply_str(r, i));
        c.suggestions += is_suggestion(reply_str(r, i));
    }
    return c;
}

static int by_number(const void *a, const void *b) {
    const struct suggestion *x = a, *y = b;
    return (x->n > y->n) - (x->n < y->n);
}

static void profile_decode(struct arena *a, struct id id, const struct store_reply *r,
                           struct part_profile *p) {
    struct counting c = count_fields(r);
    *p = (struct part_profile){.id = id};
    p->identities = arena_new(a, (c.identities + 1) * sizeof *p->identities);
    p->suggestions = arena_new(a, (c.suggestions + 1) * sizeof *p->suggestions);
    for (size_t i = 0; i + 1 < r->n; i += 2) {
        struct str name = reply_str(r, i), v = arena_str(a, reply_str(r, i + 1));
        struct id hash;
        if (is_identity(name)) {
            if (id_from(str_from(name, 1), &hash) &&
                contact_identity_decode(hash, v, &p->identities[p->identities_n]))
                p->identities_n++;
        } else if (is_suggestion(name)) {
            p->suggestions[p->suggestions_n++] =
                (struct suggestion){str_int(str_from(name, 1), 0), v};
        } else {
            field_text(p, name, v);
        }
        p->is_contact |= str_is(name, "b");
        p->is_gone |= str_is(name, "gone");
    }
    troubles_decode(a, r, p);
    qsort(p->suggestions, p->suggestions_n, sizeof *p->suggestions, by_number);
}

/* ---- following ---- */

static void finish(struct profiling *w) {
    w->done(w->arg, w->fault.kind ? &w->fault : NULL, &w->p);
    arena_clear(&w->p.arena);
    free(w);
}

static void hgetall(struct store *s, struct id id, store_reply_fn *done, void *arg) {
    struct part_keys k;
    part_keys(id, &k);
    const struct str argv[] = {str_c("HGETALL"), k.c};
    store_command(s, argv, 2, 1, done, arg);
}

static void part_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct part_wait *pw = arg;
    struct profiling *w = pw->w;
    struct part_profile *p = &w->p.parts[pw->index];
    struct id id = p->id;
    if (fault)
        w->fault = *fault;
    else
        profile_decode(&w->p.arena, id, r, p);
    free(pw);
    if (--w->pending == 0)
        finish(w);
}

static void load_parts(struct profiling *w, const struct part_profile *first) {
    w->p.found = true;
    w->p.parts_n = 1 + first->parts_n;
    w->p.parts = arena_new(&w->p.arena, w->p.parts_n * sizeof *w->p.parts);
    w->p.parts[0] = *first;
    w->pending = first->parts_n;
    if (!w->pending) {
        finish(w);
        return;
    }
    for (size_t i = 1; i < w->p.parts_n; i++) {
        struct part_wait *pw = NEW(struct part_wait);
        *pw = (struct part_wait){w, i};
        w->p.parts[i].id = first->parts[i - 1];
        hgetall(w->s, w->p.parts[i].id, part_answer, pw);
    }
}

static void first_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct profiling *w = arg;
    struct part_profile p;
    if (fault) {
        w->fault = *fault;
        finish(w);
        return;
    }
    profile_decode(&w->p.arena, w->at, r, &p);
    bool may_follow = p.has_to && (!p.is_gone || w->by_identity);
    if (may_follow && w->hops < POINTERS_MAX) {
        w->hops++;
        w->at = p.to;
        hgetall(w->s, w->at, first_answer, w);
    } else if (p.is_contact && !p.has_to) {
        load_parts(w, &p);
    } else {
        w->p.gone = p.is_gone;
        finish(w);
    }
}

void store_profiles(struct store *s, struct id id, bool by_identity, profiles_fn *done, void *arg) {
    struct profiling *w = NEW(struct profiling);
    *w = (struct profiling){.s = s, .at = id, .by_identity = by_identity, .done = done, .arg = arg};
    arena_init(&w->p.arena);
    hgetall(s, id, first_answer, w);
}

/* ---- over all parts ---- */

static void identity_join(struct contact_identity *into, const struct contact_identity *other) {
    if (other->verified && !into->verified) {
        into->verified = true;
        into->evidence = other->evidence;
        into->since_ms = other->since_ms;
    }
    if (other->link > into->link)
        into->link = other->link;
    if (!into->trouble.n)
        into->trouble = other->trouble;
}

static int by_since(const void *a, const void *b) {
    const struct contact_identity *x = a, *y = b;
    return (x->since_ms > y->since_ms) - (x->since_ms < y->since_ms);
}

struct contact_identity *profiles_identities(struct profiles *p, size_t *out_n) {
    size_t room = 1, n = 0;
    for (size_t i = 0; i < p->parts_n; i++)
        room += p->parts[i].identities_n;
    struct contact_identity *all = arena_new(&p->arena, room * sizeof *all);
    for (size_t i = 0; i < p->parts_n; i++) {
        for (size_t k = 0; k < p->parts[i].identities_n; k++) {
            const struct contact_identity *one = &p->parts[i].identities[k];
            size_t at = 0;
            while (at < n && !id_equal(all[at].hash, one->hash))
                at++;
            if (at == n)
                all[n++] = *one;
            else
                identity_join(&all[at], one);
        }
    }
    qsort(all, n, sizeof *all, by_since);
    *out_n = n;
    return all;
}

void profiles_episodes(struct profiles *p, struct episodes *out) {
    episodes_init(out, &p->arena);
    for (size_t i = 0; i < p->parts_n; i++)
        episodes_add(out, p->parts[i].visits, p->parts[i].marks);
}

struct episodes_wait {
    episodes_fn *done;
    void *arg;
};

static void episodes_found(void *arg, const struct fault *fault, struct profiles *p) {
    struct episodes_wait *w = arg;
    struct episodes e;
    profiles_episodes(p, &e);
    w->done(w->arg, fault, &e);
    free(w);
}

void store_episodes(struct store *s, struct id contact, episodes_fn *done, void *arg) {
    struct episodes_wait *w = NEW(struct episodes_wait);
    *w = (struct episodes_wait){done, arg};
    store_profiles(s, contact, false, episodes_found, w);
}
