/* ingest/reindex.c - {x:…} built anew from all contacts, one after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/action_priv.h"

struct reindexing {
    struct ingest *g;
    struct id *queue; /* found and not yet indexed */
    size_t n, room, at;
    bool scanned, busy;
    int64_t contacts;
    answer_fn *done;
    void *arg;
};

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
    r->busy = false;
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

static void next(struct reindexing *r) {
    if (r->busy)
        return;
    if (r->at < r->n) {
        r->busy = true;
        store_facts(r->g->parts.store, r->queue[r->at++], facts, r);
    } else if (r->scanned) {
        end(r, true);
    }
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
    r->scanned = last;
    if (fault && !r->busy)
        end(r, false);
    else
        next(r);
}

static void cleared(void *arg, const struct fault *fault) {
    struct reindexing *r = arg;
    if (fault)
        end(r, false);
    else
        store_scan(r->g->parts.store, scanned, r);
}

void ingest_reindex(struct ingest *g, answer_fn *done, void *arg) {
    struct reindexing *r = NEW(struct reindexing);
    *r = (struct reindexing){.g = g, .done = done, .arg = arg};
    store_index_clear(g->parts.store, cleared, r);
}

static void reindexed(void *arg, const struct answer *answer) {
    action_end(arg, answer);
}

void action_reindex(struct action *a) {
    ingest_reindex(a->g, reindexed, a);
}
