/* ingest/reindex.c - {x:…} built anew from all contacts, one after the other.
 *
 * All are found first and taken in the order of their ids, so that one who was interrupted goes on
 * behind the last id he did; then what is there already is not cleared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/action_priv.h"

struct reindexing {
    struct ingest *g;
    struct id *queue;
    size_t n, room, at;
    int64_t contacts;
    struct id mark;
    bool goes_on;
    reindex_progress_fn *progress;
    answer_fn *done;
    void *arg;
};

enum { TELL_EVERY = 64 };

static void next(struct reindexing *r);

static void end(struct reindexing *r, bool ok) {
    char json[64];
    snprintf(json, sizeof json, "{\"contacts\":%lld}", (long long)r->contacts);
    const struct answer good = {.kind = ANSWER_OK, .json = str_c(json)};
    const struct answer late = {.kind = ANSWER_LATER};
    r->done(r->arg, ok ? &good : &late);
    free(r->queue);
    free(r);
}

static void facts(void *arg, const struct fault *fault, bool found, bool gone,
                  const struct contact_facts *c) {
    struct reindexing *r = arg;
    struct id asked = r->queue[r->at - 1];
    (void)gone;
    if (fault) {
        end(r, false);
        return;
    }
    /* Aliases and merged parts lead to a contact that is met under its own id too. */
    if (found && id_same(c->id, asked)) {
        r->contacts++;
        for (size_t i = 0; i < c->names_n || i == 0; i++)
            store_index(r->g->parts.store, c->id, true, i < c->names_n ? c->names[i] : STR_NONE,
                        c->identities, i ? 0 : c->identities_n, r->g->parts.region);
    }
    next(r);
}

/* false: nobody wants it any more. */
static bool tell(struct reindexing *r) {
    if (!r->progress || r->at % TELL_EVERY)
        return true;
    struct id_text mark = id_write('c', r->at ? r->queue[r->at - 1] : r->mark);
    return r->progress(r->arg, r->at, r->n, r->at || r->goes_on ? str_c(mark.c) : STR_NONE);
}

static void next(struct reindexing *r) {
    if (!tell(r))
        end(r, false);
    else if (r->at < r->n)
        store_facts(r->g->parts.store, r->queue[r->at++], facts, r);
    else
        end(r, true);
}

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, ID_BYTES);
}

static void begin(struct reindexing *r) {
    size_t kept = 0;
    if (r->n)
        qsort(r->queue, r->n, sizeof *r->queue, by_bytes);
    for (size_t i = 0; i < r->n; i++) /* a scan may show one twice */
        if (!kept || !id_same(r->queue[i], r->queue[kept - 1]))
            r->queue[kept++] = r->queue[i];
    r->n = kept;
    while (r->goes_on && r->at < r->n && by_bytes(&r->queue[r->at], &r->mark) <= 0)
        r->at++;
    next(r);
}

static void scanned(void *arg, const struct fault *fault, const struct id *contacts, size_t n,
                    bool last) {
    struct reindexing *r = arg;
    if (r->n + n > r->room) {
        r->room = (r->n + n) * 2 + 64;
        r->queue = mem_grow(r->queue, r->room * sizeof *r->queue);
    }
    if (n)
        memcpy(r->queue + r->n, contacts, n * sizeof *contacts);
    r->n += n;
    if (fault)
        end(r, false);
    else if (last)
        begin(r);
}

static void cleared(void *arg, const struct fault *fault) {
    struct reindexing *r = arg;
    if (fault)
        end(r, false);
    else
        store_scan(r->g->parts.store, scanned, r);
}

void ingest_reindex(struct ingest *g, struct str mark, reindex_progress_fn *progress,
                    answer_fn *done, void *arg) {
    struct reindexing *r = NEW(struct reindexing);
    *r = (struct reindexing){.g = g, .progress = progress, .done = done, .arg = arg};
    r->goes_on = mark.n && id_read(mark, 'c', &r->mark);
    if (r->goes_on)
        cleared(r, NULL);
    else
        store_index_clear(g->parts.store, cleared, r);
}

static void reindexed(void *arg, const struct answer *answer) {
    action_end(arg, answer);
}

void action_reindex(struct action *a) {
    ingest_reindex(a->g, STR_NONE, NULL, reindexed, a);
}
