/* store/look.c - what is known before a touchpoint is applied: its id, its identities, its
 * references.
 *
 *   round 1   {p:…} of the id ── where it lies already
 *             tl1_look of each identity ─► contact │ pointer ─► tl1_look … (at most 8)
 *             {p:…} of each reference ─► part ─► its contact, its conversation
 *
 * All of a round is sent at once, so it costs one round trip, and a second one where pointers are
 * met.
 */
#include <stdlib.h>

#include "store/contact_priv.h"

struct looking {
    struct store *s;
    struct arena *a;
    struct look *out;
    struct look_wanted w;
    char open_text[LOOK_FIELD_MAX], thread_text[LOOK_FIELD_MAX];
    size_t pending;
    struct fault fault; /* kind NONE: all well so far */
    look_fn *done;
    void *arg;
};

/* One chain of pointers being followed. */
struct walk {
    struct looking *l;
    struct id at;
    size_t index;
    bool is_reference;
    int hops;
};

static void finish_one(struct looking *l) {
    if (--l->pending)
        return;
    l->done(l->arg, l->fault.kind ? &l->fault : NULL);
    free(l);
}

static bool failed(struct looking *l, const struct fault *fault) {
    if (fault && !l->fault.kind)
        l->fault = *fault;
    return fault != NULL;
}

/* ---- contacts ---- */

static bool decode_conversation(struct looking *l, const struct store_reply *r, size_t at,
                                struct conversation *out) {
    struct id id;
    struct str packed = arena_str(l->a, reply_str(r, at + 1));
    return id_from(reply_str(r, at), &id) && packed.n && conversation_decode(id, packed, out);
}

static size_t contact_add(struct looking *l, struct id id, const struct store_reply *r) {
    struct look *out = l->out;
    for (size_t i = 0; i < out->contacts_n; i++)
        if (id_equal(out->contacts[i].id, id))
            return i;
    struct look_contact *c = &out->contacts[out->contacts_n];
    struct str parts = arena_str(l->a, reply_str(r, 2)), agent = arena_str(l->a, reply_str(r, 7));
    *c = (struct look_contact){
        .id = id,
        .born_ms = str_int(reply_str(r, 1), 0),
        .parts = (const struct id *)parts.p,
        .parts_n = parts.n / ID_BYTES,
        .verified = reply_str(r, 3).n > 0,
        .profile = arena_str(l->a, reply_str(r, 4)),
        .name = arena_str(l->a, reply_str(r, 5)),
        .language = arena_str(l->a, reply_str(r, 6)),
        .agent = str_cut(&agent, ' '),
        .rev = str_int(reply_str(r, 8), 0),
    };
    c->agent_ms = str_int(agent, 0);
    c->has_open = decode_conversation(l, r, 9, &c->open);
    c->has_thread = decode_conversation(l, r, 11, &c->thread);
    c->visits = arena_str(l->a, reply_str(r, 13));
    c->marks = arena_str(l->a, reply_str(r, 14));
    return out->contacts_n++;
}

/* A merged part keeps its conversations: the last one met on the way is the nearest. */
static void walk_via(struct walk *w, const struct store_reply *r) {
    struct look_identity *i = &w->l->out->identities[w->index];
    if (w->is_reference || r->n < 7)
        return;
    i->has_via = true;
    i->via = w->at;
    i->via_has_open = decode_conversation(w->l, r, 3, &i->via_open);
    i->via_has_thread = decode_conversation(w->l, r, 5, &i->via_thread);
}

static void walk_step(struct walk *w);

static void walk_found(struct walk *w, size_t contact) {
    struct look *out = w->l->out;
    if (w->is_reference) {
        out->references[w->index].has_contact = true;
        out->references[w->index].contact = contact;
    } else {
        out->identities[w->index].state = LOOK_KNOWN;
        out->identities[w->index].contact = contact;
    }
}

static void walk_gone(struct walk *w) {
    if (!w->is_reference)
        w->l->out->identities[w->index].state = LOOK_GONE;
}

static void walk_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct walk *w = arg;
    struct looking *l = w->l;
    struct id to;
    if (!failed(l, fault)) {
        int code = reply_code(r, "contact|to|gone");
        struct str pointer = reply_str(r, 1);
        if (code == 0) {
            walk_found(w, contact_add(l, w->at, r));
        } else if (code == 1 && w->hops < POINTERS_MAX && id_from(pointer, &to)) {
            /* to(16) 'a' status link …: functions/contact.lua */
            if (!w->is_reference && pointer.n > 18 && pointer.p[16] == 'a' &&
                pointer.p[18] == LINK_CLAIMED)
                l->out->identities[w->index].claimed = true;
            walk_via(w, r);
            w->hops++;
            w->at = to;
            walk_step(w);
            return;
        } else if (code == 2) {
            walk_gone(w);
        }
    }
    free(w);
    finish_one(l);
}

static void walk_step(struct walk *w) {
    struct part_keys k;
    part_keys(w->at, &k);
    const struct str keys[] = {k.c, k.v};
    const struct str args[] = {w->l->w.open_field, w->l->w.thread_field};
    store_function(w->l->s, "look", true, keys, 2, args, 2, walk_answer, w);
}

static void walk_begin(struct looking *l, struct id from, size_t index, bool is_reference) {
    struct walk *w = NEW(struct walk);
    *w = (struct walk){.l = l, .at = from, .index = index, .is_reference = is_reference};
    l->pending++;
    walk_step(w);
}

/* ---- ids ---- */

static void hget(struct store *s, struct str key, struct str field, store_reply_fn *done,
                 void *arg) {
    const struct str argv[] = {str_c("HGET"), key, field};
    store_command(s, argv, 3, 1, done, arg);
}

static struct str entry_of(const struct store_reply *r) {
    return r && r->type == STORE_STR ? r->str : STR_NONE;
}

static void applied_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct looking *l = arg;
    if (!failed(l, fault))
        l->out->applied = r->type == STORE_INT && r->integer == 1;
    finish_one(l);
}

static void touchpoint_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct looking *l = arg;
    struct str entry = entry_of(r);
    if (!failed(l, fault) && entry.n) {
        if (entry.p[0] == 'x')
            l->out->touchpoint = LOOK_ERASED;
        else if (entry.p[0] == 'p' && id_from(str_from(entry, 1), &l->out->part))
            l->out->touchpoint = LOOK_CLAIMED;
    }
    if (l->out->touchpoint == LOOK_CLAIMED) {
        struct part_keys k;
        part_keys(l->out->part, &k);
        const struct str argv[] = {str_c("HEXISTS"), k.b, id_bytes(&l->w.touchpoint)};
        store_command(l->s, argv, 3, 1, applied_answer, l);
        return;
    }
    finish_one(l);
}

struct refer {
    struct looking *l;
    size_t index;
    bool by_entry; /* the conversation's id came from the entry */
};

static void conversation_ask(struct refer *f);

static void refer_end(struct refer *f) {
    struct looking *l = f->l;
    free(f);
    finish_one(l);
}

/* The id was no conversation's but an entry's: that one tells where it belongs. */
static void entry_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct refer *f = arg;
    struct look_reference *ref = &f->l->out->references[f->index];
    struct body_record entry;
    if (failed(f->l, fault) || !entry_of(r).n ||
        !body_record_decode(ref->touchpoint, entry_of(r), &entry)) {
        refer_end(f);
        return;
    }
    ref->conversation_id = entry.conversation;
    f->by_entry = true;
    conversation_ask(f);
}

static void conversation_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct refer *f = arg;
    struct looking *l = f->l;
    struct look_reference *ref = &l->out->references[f->index];
    struct str packed = arena_str(l->a, entry_of(r));
    struct part_keys k;
    if (failed(l, fault)) {
        refer_end(f);
    } else if (!packed.n && !f->by_entry) {
        part_keys(ref->part, &k);
        hget(l->s, k.b, id_bytes(&ref->touchpoint), entry_answer, f);
    } else {
        ref->has_conversation =
            packed.n && conversation_decode(ref->conversation_id, packed, &ref->conversation);
        refer_end(f);
    }
}

static void conversation_ask(struct refer *f) {
    struct look_reference *ref = &f->l->out->references[f->index];
    struct part_keys k;
    part_keys(ref->part, &k);
    hget(f->l->s, k.v, id_bytes(&ref->conversation_id), conversation_answer, f);
}

/* 'r' part touchpoint [conversation], or 'p' part …: of a conversation by its own id. */
static bool reference_decode(struct str entry, struct id asked, struct look_reference *ref) {
    if (!id_from(str_from(entry, 1), &ref->part))
        return false;
    ref->touchpoint = ref->conversation_id = asked;
    if (entry.p[0] == 'p')
        return true;
    if (entry.p[0] != 'r' || !id_from(str_from(entry, 17), &ref->touchpoint))
        return false;
    if (!id_from(str_from(entry, 33), &ref->conversation_id))
        ref->conversation_id = ref->touchpoint;
    return true;
}

static void reference_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct refer *f = arg;
    struct looking *l = f->l;
    struct look_reference *ref = &l->out->references[f->index];
    struct str entry = entry_of(r);
    if (failed(l, fault) || !entry.n || !reference_decode(entry, l->w.references[f->index], ref)) {
        ref->erased = entry.n && entry.p[0] == 'x';
        refer_end(f);
        return;
    }
    ref->found = true;
    walk_begin(l, ref->part, f->index, true);
    conversation_ask(f);
}

static struct str keep_field(struct str field, char out[LOOK_FIELD_MAX]) {
    if (!field.p)
        return str_make("", 0);
    memcpy(out, field.p, field.n);
    return str_make(out, field.n);
}

void store_look(struct store *s, const struct look_wanted *w, struct arena *a, struct look *look,
                look_fn *done, void *arg) {
    struct looking *l = NEW(struct looking);
    char key[KEY_MAX];
    *look = (struct look){0};
    *l = (struct looking){.s = s, .a = a, .out = look, .w = *w, .done = done, .arg = arg};
    l->w.open_field = keep_field(w->open_field, l->open_text);
    l->w.thread_field = keep_field(w->thread_field, l->thread_text);
    l->pending = 1;
    hget(s, bucket_key(w->touchpoint, key), id_bytes(&w->touchpoint), touchpoint_answer, l);
    for (size_t i = 0; i < w->identities_n; i++)
        walk_begin(l, w->identities[i], i, false);
    for (size_t i = 0; i < w->references_n; i++) {
        struct refer *f = NEW(struct refer);
        *f = (struct refer){.l = l, .index = i};
        l->pending++;
        hget(s, bucket_key(w->references[i], key), id_bytes(&w->references[i]), reference_answer,
             f);
    }
}

/* ---- one contact ---- */

struct look_one {
    struct arena arena;
    struct look look;
    struct id id;
    look_contact_fn *done;
    void *arg;
};

static void one_done(void *arg, const struct fault *fault) {
    struct look_one *o = arg;
    const struct look_identity *i = &o->look.identities[0];
    bool found = !fault && i->state == LOOK_KNOWN;
    o->done(o->arg, fault, found, i->state == LOOK_GONE,
            found ? &o->look.contacts[i->contact] : NULL);
    arena_clear(&o->arena);
    free(o);
}

void store_look_contact(struct store *s, struct id id, struct str open_field,
                        struct str thread_field, look_contact_fn *done, void *arg) {
    struct look_one *o = NEW(struct look_one);
    arena_init(&o->arena);
    o->id = id;
    o->done = done;
    o->arg = arg;
    /* The touchpoint asked for beside it is of no interest. */
    const struct look_wanted w = {.touchpoint = id,
                                  .identities = &o->id,
                                  .identities_n = 1,
                                  .open_field = open_field,
                                  .thread_field = thread_field};
    store_look(s, &w, &o->arena, &o->look, one_done, o);
}

/* ---- where an id lies ---- */

struct locating {
    locate_fn *done;
    void *arg;
};

static void located(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct locating *l = arg;
    struct str entry = entry_of(r);
    struct id part = {{0}};
    bool erased = entry.n && entry.p[0] == 'x';
    bool found = !fault && entry.n && !erased && id_from(str_from(entry, 1), &part);
    l->done(l->arg, fault, found, erased, part);
    free(l);
}

void store_locate(struct store *s, struct id id, locate_fn *done, void *arg) {
    struct locating *l = NEW(struct locating);
    char key[KEY_MAX];
    *l = (struct locating){done, arg};
    hget(s, bucket_key(id, key), id_bytes(&id), located, l);
}
