/* store/merge.c - two contacts made one, and one made two again. Each is several calls in several
 * slots, so they run under a lock, each call may be repeated, and their order leaves something
 * sensible whenever they stop halfway:
 *
 *   merge   list of the part in the older ──► pointer in the younger ──► pointers of its own parts
 *   split   list in the contact ──► pointer taken away ──► aliases let go
 *
 * No entry moves: what is read is the list.
 */
#include <stdlib.h>

#include <touchline/kit/hmac.h>

#include "base/loop.h"
#include "store/change_priv.h"
#include "store/store_priv.h"

enum { LOCK_MS = 10 * 1000, LOCK_AGAIN_MS = 20, LOCK_TRIES = 250, PARTS_MAX = 256 };

/* ---- the lock ---- */

static void lock_ask(void *arg);

static void lock_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct merge_lock *l = arg;
    struct fault late;
    if (!fault && r->type == STORE_INT && r->integer == 1) {
        l->got(l->arg, NULL);
        return;
    }
    if (!fault && ++l->tries < LOCK_TRIES) {
        if (!l->timer)
            l->timer = loop_timer_new(l->s->loop, LOCK_AGAIN_MS, lock_ask, l);
        else
            loop_timer_set(l->timer, LOCK_AGAIN_MS);
        return;
    }
    if (!fault)
        fault_set(&late, FAULT_BUSY, "merge", "another merge takes too long");
    l->got(l->arg, fault ? fault : &late);
}

static void lock_ask(void *arg) {
    struct merge_lock *l = arg;
    char ms[24];
    const struct str key = STR("{r}:merge");
    const struct str args[] = {id_bytes(&l->token), store_int(LOCK_MS, ms)};
    store_function(l->s, "lock", false, &key, 1, args, 2, lock_answer, l);
}

void merge_lock_take(struct merge_lock *l, struct store *s, store_ok_fn *got, void *arg) {
    *l = (struct merge_lock){.s = s, .got = got, .arg = arg};
    bytes_random(l->token.b, sizeof l->token.b);
    lock_ask(l);
}

static void ignore(void *arg, const struct store_reply *r, const struct fault *fault) {
    (void)arg, (void)r, (void)fault; /* it ends by time otherwise */
}

void merge_lock_drop(struct merge_lock *l) {
    const struct str key = STR("{r}:merge");
    const struct str args[] = {id_bytes(&l->token)};
    store_function(l->s, "unlock", false, &key, 1, args, 1, ignore, NULL);
    loop_timer_free(l->timer);
    l->timer = NULL;
}

/* ---- what both share ---- */

struct part_identities {
    struct id part;
    struct id *hashes;
    size_t n;
};

struct merging {
    struct store *s;
    struct merge_lock lock;
    struct arena arena;
    struct contact_change c;
    struct change result;
    struct fault fault;
    size_t pending;

    struct id into, from;
    struct str from_parts; /* ids of its parts, one after another */

    const struct id *wanted; /* split: identities to take out */
    size_t wanted_n;
    struct str out;      /* parts that leave, one after another */
    struct str detached; /* hashes of aliases that leave */
    struct contact_identity *detached_as;
    size_t detached_n;
    struct str nested; /* pairs: part, the part it stays with */

    change_fn *done;
    void *arg;
};

static void merging_end(struct merging *m) {
    merge_lock_drop(&m->lock);
    m->done(m->arg, m->fault.kind ? &m->fault : NULL, &m->result);
    arena_clear(&m->arena);
    free(m);
}

static void merging_stop(struct merging *m, enum change_code code, int64_t rev) {
    m->result = (struct change){.code = code, .rev = rev};
    merging_end(m);
}

static bool merging_failed(struct merging *m, const struct fault *fault) {
    if (!fault)
        return false;
    m->fault = *fault;
    merging_end(m);
    return true;
}

static struct merging *merging_new(struct store *s, const struct contact_change *c, change_fn *done,
                                   void *arg) {
    struct merging *m = NEW(struct merging);
    *m = (struct merging){.s = s, .c = *c, .done = done, .arg = arg};
    arena_init(&m->arena);
    return m;
}

/* The last calls go out together; the first failure is the one told. */
static void last_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct merging *m = arg;
    (void)r;
    if (fault && !m->fault.kind)
        m->fault = *fault;
    if (--m->pending == 0)
        merging_end(m);
}

static void part_call(struct merging *m, const char *name, struct id part, struct str first,
                      struct str second) {
    struct part_keys k;
    part_keys(part, &k);
    const struct str args[] = {first, second};
    m->pending++;
    store_function(m->s, name, false, &k.c, 1, args, 2, last_answer, m);
}

static void add_id(struct merging *m, struct str *list, struct id id) {
    struct str old = *list;
    char *p = arena_new(&m->arena, old.n + ID_BYTES);
    if (old.n)
        memcpy(p, old.p, old.n);
    memcpy(p + old.n, id.b, ID_BYTES);
    *list = str_make(p, old.n + ID_BYTES);
}

static struct id id_at(struct str list, size_t i) {
    struct id id = {{0}};
    memcpy(id.b, list.p + i * ID_BYTES, ID_BYTES);
    return id;
}

static bool has_id(struct str list, struct id id) {
    for (size_t i = 0; i < list.n / ID_BYTES; i++)
        if (id_equal(id_at(list, i), id))
            return true;
    return false;
}

/* ---- merging ---- */

static void joined(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct merging *m = arg;
    char at[24];
    if (merging_failed(m, fault))
        return;
    if (!change_decode(r, &m->result)) {
        fault_set(&m->fault, FAULT_STATE, "merge", "an answer of no known form");
        merging_end(m);
        return;
    }
    /* KNOWN goes on: the pointers may be what is missing. */
    if (m->result.code != CHANGE_OK && m->result.code != CHANGE_KNOWN) {
        merging_end(m);
        return;
    }
    struct str since = store_int(m->c.at_ms, at);
    part_call(m, "point", m->from, id_bytes(&m->into), since);
    for (size_t i = 0; i < m->from_parts.n / ID_BYTES; i++)
        part_call(m, "point", id_at(m->from_parts, i), id_bytes(&m->into), since);
}

static void merge_from(void *arg, const struct fault *fault, struct profiles *p) {
    struct merging *m = arg;
    struct part_keys k;
    char at[24], if_rev[24], rev[24], payload[64];
    if (merging_failed(m, fault))
        return;
    if (!p->found) {
        merging_stop(m, p->gone ? CHANGE_GONE : CHANGE_NONE, 0);
        return;
    }
    m->from = p->parts[0].id;
    if (id_equal(m->from, m->into)) {
        merging_stop(m, CHANGE_KNOWN, p->parts[0].rev);
        return;
    }
    for (size_t i = 1; i < p->parts_n; i++)
        add_id(m, &m->from_parts, p->parts[i].id);
    part_keys(m->into, &k);
    const struct str args[] = {
        id_bytes(&m->from),
        m->from_parts.p ? m->from_parts : str_make("", 0),
        store_int(m->c.at_ms, at),
        str_c(m->c.explicit ? "1" : "0"),
        store_int(m->c.if_rev, if_rev),
        store_int(m->c.rev, rev),
        payload_of("contact", 'c', m->into, payload),
    };
    store_function(m->s, "join", false, &k.c, 1, args, COUNT(args), joined, m);
}

static void merge_into(void *arg, const struct fault *fault, struct profiles *p) {
    struct merging *m = arg;
    if (merging_failed(m, fault))
        return;
    if (!p->found || p->parts_n > PARTS_MAX) {
        merging_stop(m, p->gone ? CHANGE_GONE : p->found ? CHANGE_REFUSED : CHANGE_NONE, 0);
        return;
    }
    m->into = p->parts[0].id;
    store_profiles(m->s, m->from, false, merge_from, m);
}

static void merge_locked(void *arg, const struct fault *fault) {
    struct merging *m = arg;
    if (!merging_failed(m, fault))
        store_profiles(m->s, m->c.contact, false, merge_into, m);
}

void store_merge(struct store *s, const struct contact_change *c, struct id from, change_fn *done,
                 void *arg) {
    struct merging *m = merging_new(s, c, done, arg);
    m->from = from;
    merge_lock_take(&m->lock, s, merge_locked, m);
}

/* ---- splitting ---- */

static bool is_wanted(const struct merging *m, struct id hash) {
    for (size_t i = 0; i < m->wanted_n; i++)
        if (id_equal(m->wanted[i], hash))
            return true;
    return false;
}

static bool part_wanted(const struct merging *m, const struct part_profile *part) {
    if (is_wanted(m, part->id))
        return true;
    for (size_t i = 0; i < part->identities_n; i++)
        if (is_wanted(m, part->identities[i].hash))
            return true;
    return false;
}

/* Parts that had been merged into one that leaves go with it. */
static void take_nested(struct merging *m, const struct part_profile *part) {
    for (size_t i = 0; i < part->parts_n; i++) {
        if (has_id(m->out, part->parts[i]))
            continue;
        add_id(m, &m->out, part->parts[i]);
        add_id(m, &m->nested, part->parts[i]);
        add_id(m, &m->nested, part->id);
    }
}

static void take_out(struct merging *m, const struct part_profile *part) {
    if (!has_id(m->out, part->id))
        add_id(m, &m->out, part->id);
    take_nested(m, part);
}

static void let_go(struct merging *m, const struct contact_identity *id) {
    struct contact_identity *as = &m->detached_as[m->detached_n++];
    *as = *id;
    as->kind = arena_str(&m->arena, id->kind);
    as->value = arena_str(&m->arena, id->value);
    as->evidence = arena_str(&m->arena, id->evidence);
    as->display = arena_str(&m->arena, id->display);
    as->link = LINK_CONFIRMED; /* of its own contact there is no doubt */
    add_id(m, &m->detached, id->hash);
}

/* What leaves: the parts that hold a wanted identity; of the contact's own part, its aliases. Where
 * the contact's own home is wanted, the others leave instead: it is the same cut. */
static void split_plan(struct merging *m, const struct profiles *p) {
    const struct part_profile *own = &p->parts[0];
    bool own_home = false;
    for (size_t i = 0; i < own->identities_n; i++)
        own_home |= id_equal(own->identities[i].hash, own->id) && is_wanted(m, own->id);
    for (size_t i = 1; i < p->parts_n; i++)
        if (part_wanted(m, &p->parts[i]) != own_home)
            take_out(m, &p->parts[i]);
    m->detached_as = arena_new(&m->arena, (own->identities_n + 1) * sizeof *m->detached_as);
    for (size_t i = 0; i < own->identities_n; i++) {
        const struct contact_identity *id = &own->identities[i];
        bool in_other_part = false;
        for (size_t k = 1; k < p->parts_n; k++)
            for (size_t j = 0; j < p->parts[k].identities_n; j++)
                in_other_part |= id_equal(p->parts[k].identities[j].hash, id->hash);
        if (!in_other_part && !id_equal(id->hash, own->id) && is_wanted(m, id->hash) != own_home)
            let_go(m, id);
    }
}

/* The identities that the contact's own part must no longer show. */
static struct str split_hashes(struct merging *m, const struct profiles *p) {
    struct str list = m->detached;
    for (size_t i = 1; i < p->parts_n; i++) {
        if (!has_id(m->out, p->parts[i].id))
            continue;
        for (size_t k = 0; k < p->parts[i].identities_n; k++)
            add_id(m, &list, p->parts[i].identities[k].hash);
    }
    return list;
}

static void let_go_call(struct merging *m, size_t i) {
    struct part_keys k;
    char at[24];
    struct str args[2 + 7];
    part_keys(m->detached_as[i].hash, &k);
    args[0] = id_bytes(&m->into);
    args[1] = store_int(m->c.at_ms, at);
    size_t n = identity_args(&m->detached_as[i], 1, args + 2);
    m->pending++;
    store_function(m->s, "detach", false, &k.c, 1, args, 2 + n, last_answer, m);
}

static void parted(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct merging *m = arg;
    char at[24];
    if (merging_failed(m, fault))
        return;
    if (!change_decode(r, &m->result) || m->result.code != CHANGE_OK) {
        merging_end(m);
        return;
    }
    struct str since = store_int(m->c.at_ms, at);
    for (size_t i = 0; i < m->out.n / ID_BYTES; i++) {
        struct id part = id_at(m->out, i), stays = {{0}};
        bool nested = false;
        for (size_t k = 0; k + 1 < m->nested.n / ID_BYTES; k += 2) {
            if (id_equal(id_at(m->nested, k), part)) {
                nested = true;
                stays = id_at(m->nested, k + 1);
            }
        }
        part_call(m, "unpoint", part, since, nested ? id_bytes(&stays) : str_make("", 0));
    }
    for (size_t i = 0; i < m->detached_n; i++)
        let_go_call(m, i);
}

static void split_profiles(void *arg, const struct fault *fault, struct profiles *p) {
    struct merging *m = arg;
    struct part_keys k;
    char at[24], if_rev[24], rev[24], n_text[24], payload[64];
    if (merging_failed(m, fault))
        return;
    if (!p->found) {
        merging_stop(m, p->gone ? CHANGE_GONE : CHANGE_NONE, 0);
        return;
    }
    m->into = p->parts[0].id;
    split_plan(m, p);
    size_t n = m->out.n / ID_BYTES;
    if (!n && !m->detached_n) {
        merging_stop(m, CHANGE_REFUSED, p->parts[0].rev);
        return;
    }
    struct str hashes = split_hashes(m, p);
    size_t hashes_n = hashes.n / ID_BYTES;
    struct str *args = arena_new(&m->arena, (5 + n + hashes_n) * sizeof *args);
    args[0] = store_int(m->c.at_ms, at);
    args[1] = store_int(m->c.if_rev, if_rev);
    args[2] = store_int(m->c.rev, rev);
    args[3] = payload_of("contact", 'c', m->into, payload);
    args[4] = store_int((int64_t)n, n_text);
    for (size_t i = 0; i < n; i++)
        args[5 + i] = str_make(m->out.p + i * ID_BYTES, ID_BYTES);
    for (size_t i = 0; i < hashes_n; i++)
        args[5 + n + i] = str_make(hashes.p + i * ID_BYTES, ID_BYTES);
    part_keys(m->into, &k);
    store_function(m->s, "part", false, &k.c, 1, args, 5 + n + hashes_n, parted, m);
}

static void split_locked(void *arg, const struct fault *fault) {
    struct merging *m = arg;
    if (!merging_failed(m, fault))
        store_profiles(m->s, m->c.contact, false, split_profiles, m);
}

void store_split(struct store *s, const struct contact_change *c, const struct id *identities,
                 size_t n, change_fn *done, void *arg) {
    struct merging *m = merging_new(s, c, done, arg);
    struct id *wanted = arena_new(&m->arena, (n + 1) * sizeof *wanted);
    if (n)
        memcpy(wanted, identities, n * sizeof *wanted);
    m->wanted = wanted;
    m->wanted_n = n;
    merge_lock_take(&m->lock, s, split_locked, m);
}
