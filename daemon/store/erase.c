/* store/erase.c - everything of a person out of Redis, in steps that may be repeated.
 *
 *   each part:  a batch of ids ──► bodies shown to the caller (blobs, references) ──► {p:…} marked
 *               ──► the batch cut out ──► … until none is left ──► the part is a mark that says:
 * gone each identity: its pointer likewise at last the append-only file is written anew: what was
 * deleted still stands in the old one
 */
#include <stdlib.h>

#include "store/body.h"
#include "store/contact_priv.h"

enum { BATCH = 100 };

struct erasing {
    struct store *s;
    struct arena arena;
    struct erase e;
    struct id *parts; /* then the identities */
    size_t parts_n, at;
    struct id batch[BATCH];
    size_t batch_n, pending;
    struct fault fault;
    erase_each_fn *each;
    store_ok_fn *done;
    void *arg;
};

static void end(struct erasing *w, const struct fault *fault) {
    w->done(w->arg, fault);
    arena_clear(&w->arena);
    free(w);
}

static void batch_ask(struct erasing *w);

static void ignore(void *arg, const struct store_reply *r, const struct fault *fault) {
    (void)arg, (void)r, (void)fault; /* BGREWRITEAOF: one under way already does as well */
}

static void part_next(struct erasing *w) {
    if (w->at < w->parts_n) {
        batch_ask(w);
        return;
    }
    const struct str argv[] = {str_c("BGREWRITEAOF")};
    store_command(w->s, argv, 1, 0, ignore, NULL);
    end(w, NULL);
}

static void part_gone(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct erasing *w = arg;
    (void)r;
    if (fault) {
        end(w, fault);
        return;
    }
    w->at++;
    part_next(w);
}

static void part_mark(struct erasing *w) {
    struct part_keys k;
    char at[24], payload[64];
    part_keys(w->parts[w->at], &k);
    const struct str keys[] = {k.c, k.t, k.b, k.v};
    const struct str args[] = {store_int(w->e.at_ms, at),
                               payload_of("contact", 'c', w->parts[w->at], payload)};
    store_function(w->s, "gone", false, keys, 4, args, 2, part_gone, w);
}

static void batch_cut(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct erasing *w = arg;
    (void)r;
    if (fault)
        end(w, fault);
    else
        batch_ask(w);
}

static void batch_marked(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct erasing *w = arg;
    struct part_keys k;
    struct str args[BATCH];
    (void)r;
    if (fault && !w->fault.kind)
        w->fault = *fault;
    if (--w->pending)
        return;
    if (w->fault.kind) {
        end(w, &w->fault);
        return;
    }
    part_keys(w->parts[w->at], &k);
    for (size_t i = 0; i < w->batch_n; i++)
        args[i] = id_bytes(&w->batch[i]);
    const struct str keys[] = {k.t, k.b};
    store_function(w->s, "cut", false, keys, 2, args, w->batch_n, batch_cut, w);
}

static void batch_mark(struct erasing *w) {
    w->pending = w->batch_n;
    for (size_t i = 0; i < w->batch_n; i++) {
        char key[KEY_MAX];
        const struct str keys[] = {bucket_key(w->batch[i], key)};
        const struct str args[] = {str_c("1"), id_bytes(&w->batch[i])};
        store_function(w->s, "forget", false, keys, 1, args, 2, batch_marked, w);
    }
}

static void batch_bodies(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct erasing *w = arg;
    if (fault) {
        end(w, fault);
        return;
    }
    for (size_t i = 0; i < w->batch_n; i++) {
        struct body_record record;
        cleanup(buf_clear) struct buf body, json;
        buf_init(&body, BODY_TEXT_MAX);
        buf_init(&json, BODY_TEXT_MAX + 2);
        bool ok = body_record_decode(w->batch[i], reply_str(r, i), &record) &&
                  body_unpack(record.packed, &body) && buf_add_byte(&json, '{') &&
                  buf_add(&json, buf_str(&body)) && buf_add_byte(&json, '}');
        w->each(w->arg, w->batch[i], ok ? buf_str(&json) : STR_NONE);
    }
    batch_mark(w);
}

static void batch_ids(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct erasing *w = arg;
    struct part_keys k;
    struct str argv[2 + BATCH];
    if (fault) {
        end(w, fault);
        return;
    }
    w->batch_n = 0;
    for (size_t i = 0; i < r->n && i < BATCH; i++)
        if (id_from(reply_str(r, i), &w->batch[w->batch_n]))
            w->batch_n++;
    if (!w->batch_n) {
        part_mark(w);
        return;
    }
    part_keys(w->parts[w->at], &k);
    argv[0] = str_c("HMGET");
    argv[1] = k.b;
    for (size_t i = 0; i < w->batch_n; i++)
        argv[2 + i] = id_bytes(&w->batch[i]);
    store_command(w->s, argv, 2 + w->batch_n, 1, batch_bodies, w);
}

static void batch_ask(struct erasing *w) {
    struct part_keys k;
    char last[24];
    part_keys(w->parts[w->at], &k);
    const struct str argv[] = {str_c("ZRANGE"), k.t, str_c("0"), store_int(BATCH - 1, last)};
    store_command(w->s, argv, 4, 1, batch_ids, w);
}

static bool is_among(const struct id *list, size_t n, struct id id) {
    for (size_t i = 0; i < n; i++)
        if (id_equal(list[i], id))
            return true;
    return false;
}

/* A contact that was born after the erasure is the same person's next life. */
static void profiles_found(void *arg, const struct fault *fault, struct profiles *p) {
    struct erasing *w = arg;
    if (fault) {
        end(w, fault);
        return;
    }
    w->parts = arena_new(&w->arena, (1 + p->parts_n + w->e.identities_n) * sizeof *w->parts);
    w->parts[w->parts_n++] = w->e.contact;
    for (size_t i = 0; i < p->parts_n; i++)
        if (p->parts[i].born_ms <= w->e.at_ms && !is_among(w->parts, w->parts_n, p->parts[i].id))
            w->parts[w->parts_n++] = p->parts[i].id;
    for (size_t i = 0; i < w->e.identities_n; i++)
        if (!is_among(w->parts, w->parts_n, w->e.identities[i]))
            w->parts[w->parts_n++] = w->e.identities[i];
    part_next(w);
}

void store_erase(struct store *s, const struct erase *e, erase_each_fn *each, store_ok_fn *done,
                 void *arg) {
    struct erasing *w = NEW(struct erasing);
    *w = (struct erasing){.s = s, .e = *e, .each = each, .done = done, .arg = arg};
    arena_init(&w->arena);
    struct id *identities = arena_new(&w->arena, (e->identities_n + 1) * sizeof *identities);
    if (e->identities_n)
        memcpy(identities, e->identities, e->identities_n * sizeof *identities);
    w->e.identities = identities;
    store_profiles(s, e->contact, false, profiles_found, w);
}
