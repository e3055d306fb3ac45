/* store/read.c - one contact, one touchpoint, who may be whom. */
#include "store/read.h"

#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "store/body.h"
#include "store/contact_priv.h"

enum { CONTACT_MAX = 4 << 20, ENTRY_JSON_MAX = 33 << 20 };

struct reading_one {
    struct store *s;
    answer_fn *done;
    void *arg;
    struct id id, part;
    struct str packed; /* of an entry, owned */
    bool outcome;      /* only contact, conversation and task are wanted */
    size_t limit;
    int64_t after;
};

static struct reading_one *one_new(struct store *s, answer_fn *done, void *arg) {
    struct reading_one *o = NEW(struct reading_one);
    *o = (struct reading_one){.s = s, .done = done, .arg = arg};
    return o;
}

static void one_free(struct reading_one *o) {
    free((char *)o->packed.p);
    free(o);
}

static void one_end(struct reading_one *o, enum answer_kind kind) {
    answer_kind(o->done, o->arg, kind);
    one_free(o);
}

static void one_fault(struct reading_one *o, const struct fault *fault) {
    answer_fault(o->done, o->arg, fault);
    one_free(o);
}

/* ---- contact ---- */

static void contact_answer(void *arg, const struct fault *fault, struct profiles *p) {
    struct reading_one *o = arg;
    struct answer a = {.kind = ANSWER_OK};
    if (fault) {
        one_fault(o, fault);
        return;
    }
    if (!p->found) {
        one_end(o, p->gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    cleanup(buf_clear) struct buf json;
    buf_init(&json, CONTACT_MAX);
    if (contact_json(p, &json, &a.rev)) {
        a.json = buf_str(&json);
        o->done(o->arg, &a);
        one_free(o);
    } else {
        one_fault(o, NULL);
    }
}

void store_get_contact(struct store *s, struct str id, answer_fn *done, void *arg) {
    struct reading_one *o = one_new(s, done, arg);
    /* What is no id goes the same way and leads nowhere, so that the answer comes later too. */
    if (!id_read(id, 'c', &o->id))
        o->id = (struct id){{0}};
    store_profiles(s, o->id, false, contact_answer, o);
}

static void find_answer(void *arg, const struct fault *fault, bool found, bool gone,
                        const struct look_contact *c) {
    struct reading_one *o = arg;
    (void)gone;
    if (fault) {
        one_fault(o, fault);
    } else if (!found) {
        one_end(o, ANSWER_NOT_FOUND);
    } else {
        char text[64];
        struct answer a = {.kind = ANSWER_OK, .json = payload_of("id", 'c', c->id, text)};
        o->done(o->arg, &a);
        one_free(o);
    }
}

void store_find_contact(struct store *s, const uint8_t identity_hash[16], answer_fn *done,
                        void *arg) {
    struct id id;
    memcpy(id.b, identity_hash, ID_BYTES);
    store_look_contact(s, id, STR_NONE, STR_NONE, find_answer, one_new(s, done, arg));
}

/* ---- touchpoint: where it lies, its entry, whose the part is now ---- */

static bool outcome_json(struct reading_one *o, const struct look_contact *c, struct buf *out) {
    struct body_record r;
    struct jwrite w;
    if (!body_record_decode(o->id, o->packed, &r))
        return false;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "contact", id_write('c', c->id).c);
    jwrite_c(&w, "conversation", id_write('v', r.conversation).c);
    jwrite_str(&w, "task", r.has_task ? str_c(id_write('t', r.task).c) : STR_NONE);
    jwrite_close(&w, '}');
    return w.ok;
}

static void entry_contact(void *arg, const struct fault *fault, bool found, bool gone,
                          const struct look_contact *c) {
    struct reading_one *o = arg;
    if (fault) {
        one_fault(o, fault);
        return;
    }
    if (!found) {
        one_end(o, gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    cleanup(buf_clear) struct buf json;
    buf_init(&json, ENTRY_JSON_MAX);
    bool ok = o->outcome ? outcome_json(o, c, &json) : entry_json(o->id, o->packed, c->id, &json);
    if (ok) {
        const struct answer a = {.kind = ANSWER_OK, .json = buf_str(&json)};
        o->done(o->arg, &a);
        one_free(o);
    } else {
        one_fault(o, NULL);
    }
}

static void entry_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct reading_one *o = arg;
    if (fault) {
        one_fault(o, fault);
    } else if (r->type != STORE_STR) {
        one_end(o, ANSWER_NOT_FOUND);
    } else {
        o->packed = str_make(mem_dup(r->str.p, r->str.n), r->str.n);
        store_look_contact(o->s, o->part, STR_NONE, STR_NONE, entry_contact, o);
    }
}

static void entry_located(void *arg, const struct fault *fault, bool found, bool erased,
                          struct id part) {
    struct reading_one *o = arg;
    struct part_keys k;
    if (fault) {
        one_fault(o, fault);
        return;
    }
    if (!found) {
        one_end(o, erased ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    o->part = part;
    part_keys(part, &k);
    const struct str argv[] = {str_c("HGET"), k.b, id_bytes(&o->id)};
    store_command(o->s, argv, 3, 1, entry_answer, o);
}

static void get_entry(struct store *s, struct str id, bool outcome, answer_fn *done, void *arg) {
    struct reading_one *o = one_new(s, done, arg);
    o->outcome = outcome;
    if (!id_read(id, 'p', &o->id))
        o->id = (struct id){{0}};
    store_locate(s, o->id, entry_located, o);
}

void store_get_touchpoint(struct store *s, struct str id, answer_fn *done, void *arg) {
    get_entry(s, id, false, done, arg);
}

void store_get_outcome(struct store *s, struct str id, answer_fn *done, void *arg) {
    get_entry(s, id, true, done, arg);
}

/* ---- suggestions ---- */

static bool suggestions_json(struct reading_one *o, const struct profiles *p, struct buf *out) {
    struct jwrite w;
    size_t given = 0;
    int64_t last = 0;
    bool more = false;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "items", '[');
    for (size_t i = 0; i < p->parts[0].suggestions_n; i++) {
        const struct suggestion *one = &p->parts[0].suggestions[i];
        cleanup(json_freep) json_t *j = NULL;
        cleanup(buf_clear) struct buf text;
        buf_init(&text, 64 << 10);
        if (one->n <= o->after || !jread_parse(one->json, 64 << 10, &j, NULL))
            continue;
        if (given == o->limit) {
            more = true;
            break;
        }
        json_object_set_new(j, "n", json_integer(one->n));
        w.ok = w.ok && jread_dump(&text, j);
        jwrite_raw(&w, NULL, buf_str(&text));
        last = one->n;
        given++;
    }
    jwrite_close(&w, ']');
    char next[24];
    jwrite_str(&w, "next", more ? store_int(last, next) : STR_NONE);
    jwrite_close(&w, '}');
    return w.ok;
}

static void suggestions_answer(void *arg, const struct fault *fault, struct profiles *p) {
    struct reading_one *o = arg;
    if (fault) {
        one_fault(o, fault);
        return;
    }
    if (!p->found) {
        one_end(o, p->gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
        return;
    }
    cleanup(buf_clear) struct buf json;
    buf_init(&json, CONTACT_MAX);
    if (suggestions_json(o, p, &json)) {
        const struct answer a = {.kind = ANSWER_OK, .json = buf_str(&json)};
        o->done(o->arg, &a);
        one_free(o);
    } else {
        one_fault(o, NULL);
    }
}

void store_get_suggestions(struct store *s, struct str contact, size_t limit, struct str cursor,
                           answer_fn *done, void *arg) {
    struct reading_one *o = one_new(s, done, arg);
    o->limit = limit;
    o->after = str_int(cursor, 0);
    if (!id_read(contact, 'c', &o->id))
        o->id = (struct id){{0}};
    store_profiles(s, o->id, false, suggestions_answer, o);
}
