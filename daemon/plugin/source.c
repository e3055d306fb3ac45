/* plugin/source.c - the sources of all channels, and what is known of one: its ledger of places,
 * which of its touchpoints were taken in.
 *
 * A channel's sources are its named instances: the items of a list in its configuration that have
 * a `name`. So those are known of which nothing ever came.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/operation.h"
#include "plugin/plugin_priv.h"
#include "spool/spool.h"
#include "store/read.h"
#include "touchpoint/id.h"

enum { ASKED_MAX = 1000 };

/* ---- which there are ---- */

static const struct tl_key *next_key(const struct tl_channel *ch, const struct tl_key *k) {
    return (const struct tl_key *)((const char *)k + ch->plugin.key_bytes);
}

static const struct tl_key *name_key(const struct tl_channel *ch, const struct tl_key *keys) {
    for (const struct tl_key *k = keys; k && k->name; k = next_key(ch, k))
        if (k->type == TL_KEY_STR && strcmp(k->name, "name") == 0)
            return k;
    return NULL;
}

static void each_item(const struct tl_channel *ch, const struct tl_items *list,
                      const struct tl_key *keys, size_t bytes, source_fn *found, void *arg) {
    const struct tl_key *name = name_key(ch, keys);
    for (size_t i = 0; name && i < list->n; i++) {
        char source[SOURCE_NAME_MAX];
        const char *item = (const char *)list->items + i * bytes;
        const struct str *instance = (const struct str *)(item + name->offset);
        int n = snprintf(source, sizeof source, "%s:%.*s", ch->name, STR_ARG(*instance));
        if (instance->n && n > 0 && n < SOURCE_NAME_MAX)
            found(arg, ch, str_c(source));
    }
}

static void each_source(const struct tl_channel *ch, source_fn *found, void *arg) {
    const struct tl_plugin *p = &ch->plugin;
    if (!ch->instance || !ch->config)
        return;
    if (p->flags & TL_PLUGIN_CONFIG_LIST) {
        each_item(ch, ch->config, p->keys, p->config_bytes, found, arg);
        return;
    }
    for (const struct tl_key *k = p->keys; k && k->name; k = next_key(ch, k))
        if (k->type == TL_KEY_LIST)
            each_item(ch, (const struct tl_items *)((const char *)ch->config + k->offset), k->sub,
                      k->sub_bytes, found, arg);
}

void plugin_host_sources(struct plugin_host *h, source_fn *found, void *arg) {
    list_each (l, &h->channels)
        each_source(container_of(l, struct tl_channel, link), found, arg);
}

struct resolving {
    struct str instance;
    char *out;
    size_t n;
};

static void resolve_one(void *arg, const struct tl_channel *ch, struct str source) {
    struct resolving *r = arg;
    (void)ch;
    struct str instance = source;
    str_cut(&instance, ':');
    if (str_eq(instance, r->instance) && ++r->n == 1)
        snprintf(r->out, SOURCE_NAME_MAX, "%.*s", STR_ARG(source));
}

enum operation_begun source_resolve(struct plugin_host *h, struct str given,
                                    char out[SOURCE_NAME_MAX]) {
    struct resolving r = {.instance = given, .out = out};
    if (!given.n || given.n >= SOURCE_NAME_MAX)
        return OPERATION_NO_SOURCE;
    if (memchr(given.p, ':', given.n)) {
        snprintf(out, SOURCE_NAME_MAX, "%.*s", STR_ARG(given));
        bool pushed = str_starts(given, (struct str)STR("push:"));
        return pushed || channel_of_source(h, given) ? OPERATION_BEGUN : OPERATION_NO_SOURCE;
    }
    plugin_host_sources(h, resolve_one, &r);
    return r.n == 1 ? OPERATION_BEGUN : r.n ? OPERATION_AMBIGUOUS : OPERATION_NO_SOURCE;
}

static void is_it(void *arg, const struct tl_channel *ch, struct str source) {
    struct resolving *r = arg;
    (void)ch;
    r->n += str_eq(source, r->instance);
}

bool source_configured(struct plugin_host *h, struct str source) {
    struct resolving r = {.instance = source};
    plugin_host_sources(h, is_it, &r);
    return r.n > 0;
}

const char *plugin_host_source_health(struct plugin_host *h, struct str source,
                                      enum tl_health *out) {
    const struct tl_channel *ch = channel_of_source(h, source);
    struct str instance = source;
    str_cut(&instance, ':');
    *out = ch ? channel_health(ch) : TL_OK;
    for (size_t i = 0; ch && ch->instance && i < ch->parts_n; i++) {
        if (!str_is(instance, ch->parts[i].name))
            continue;
        *out = ch->parts[i].state;
        return ch->parts[i].detail;
    }
    return NULL;
}

/* ---- the ledger of places ---- */

struct listing {
    struct pending pending;
    tl_places_fn *done;
    void *arg;
};

static void on_places(void *arg, const struct tl_place *places, size_t n) {
    struct listing *l = arg;
    if (!l->pending.dead)
        l->done(l->arg, places, n);
    pending_free(&l->pending);
}

void host_ledger(struct tl_channel *ch, struct str source, struct str after, tl_places_fn *done,
                 void *arg) {
    struct listing *l = pending_new(ch->host, ch, sizeof *l);
    l->done = done;
    l->arg = arg;
    spool_ask_places(ch->host->parts.spool, source, after, on_places, l);
}

/* ---- which were taken in: the spool's memory first, then the store's ---- */

struct knowing {
    struct pending pending;
    tl_known_fn *done;
    void *arg;
    size_t n, waiting;
    bool failed;
    bool *known;
    struct id_text *ids;
    struct known_one {
        struct knowing *all;
        size_t at;
    } * ones;
};

static void knowing_end(struct knowing *k) {
    if (!k->pending.dead)
        k->done(k->arg, k->failed ? NULL : k->known, k->n);
    free(k->known);
    free(k->ids);
    free(k->ones);
    pending_free(&k->pending);
}

static void knowing_answered(struct knowing *k) {
    if (--k->waiting == 0)
        knowing_end(k);
}

/* An erased one was taken in too. */
static void on_outcome(void *arg, const struct answer *a) {
    struct known_one *one = arg;
    struct knowing *k = one->all;
    k->known[one->at] = a->kind == ANSWER_OK || a->kind == ANSWER_GONE;
    k->failed |= a->kind == ANSWER_LATER;
    knowing_answered(k);
}

static void on_spool_knows(void *arg, const bool *known, size_t n) {
    struct knowing *k = arg;
    k->failed = !known;
    for (size_t i = 0; i < n && known && !k->pending.dead; i++) {
        k->known[i] = known[i];
        if (known[i])
            continue;
        k->waiting++;
        k->ones[i] = (struct known_one){k, i};
        store_get_outcome(k->pending.host->parts.store, str_c(k->ids[i].c), on_outcome,
                          &k->ones[i]);
    }
    knowing_answered(k);
}

static void ask_again_later(struct pending *p) {
    knowing_end(container_of(p, struct knowing, pending));
}

void host_known(struct tl_channel *ch, struct str source, const struct str *source_ids, size_t n,
                tl_known_fn *done, void *arg) {
    struct plugin_host *h = ch->host;
    struct knowing *k = pending_new(h, ch, sizeof *k);
    struct str texts[ASKED_MAX];
    k->done = done;
    k->arg = arg;
    k->n = n;
    if (n > ASKED_MAX || !n) {
        k->failed = n > 0;
        k->known = mem_new(sizeof *k->known);
        pending_soon(&k->pending, ask_again_later);
        return;
    }
    k->known = mem_new(n * sizeof *k->known);
    k->ids = mem_new(n * sizeof *k->ids);
    k->ones = mem_new(n * sizeof *k->ones);
    for (size_t i = 0; i < n; i++) {
        k->ids[i] = id_write('p', id_touchpoint(h->parts.ids, source, source_ids[i]));
        texts[i] = str_c(k->ids[i].c);
    }
    k->waiting = 1; /* the spool's */
    spool_ask_known(h->parts.spool, texts, n, on_spool_knows, k);
}
