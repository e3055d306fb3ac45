/* plugin/reconcile.c - reconcile of a source whose channel has nothing to compare with: the other
 * side keeps no list of forms posted or hooks called. So what was acknowledged is held against the
 * timeline: each record that the replay window still has must be on one, wait for it, or stand in
 * quarantine with a reason; and the figures of its days are told.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "plugin/operation.h"
#include "plugin/plugin_priv.h"
#include "spool/spool.h"
#include "store/read.h"
#include "touchpoint/id.h"

enum { ANSWER_MAX = 16 << 20 };

struct reconciling {
    struct pending pending;
    struct tl_operation *op;
    struct str source; /* the operation's */
    int64_t received, kept, duplicate, quarantined;
    uint64_t looked, missing, waiting;
    uint64_t next; /* where to ask the spool on; 0: that was all */
    size_t asked;
    bool failed;
};

/* One that is applied as the spool says: is it on the timeline? */
struct look {
    struct reconciling *r;
    struct id_text id;
};

static void ask_kept(struct reconciling *r);

static void end(struct reconciling *r, bool ok, const char *reason) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_int(&w, "received", r->received);
    jwrite_int(&w, "kept", r->kept);
    jwrite_int(&w, "duplicate", r->duplicate);
    jwrite_int(&w, "quarantined", r->quarantined);
    jwrite_int(&w, "looked_at", (int64_t)r->looked);
    jwrite_int(&w, "waiting", (int64_t)r->waiting);
    jwrite_int(&w, "missing", (int64_t)r->missing);
    jwrite_close(&w, '}');
    host_operation_end(r->op, ok, ok ? buf_str(&b) : str_c(reason));
    pending_free(&r->pending);
}

static void missing(struct reconciling *r, struct str id, struct str reason) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "place", NULL);
    jwrite_str(&w, "id", id);
    jwrite_str(&w, "reason", reason);
    jwrite_close(&w, '}');
    r->missing++;
    if (w.ok)
        host_operation_item(r->op, buf_str(&b));
}

/* All of one page are answered. */
static void page_done(struct reconciling *r) {
    if (r->pending.dead || r->failed)
        end(r, false, "the store could not be asked");
    else if (!host_operation_progress(r->op, r->looked, 0, STR_NONE) || !r->next)
        end(r, true, "");
    else
        ask_kept(r);
}

static void answered(struct reconciling *r) {
    if (--r->asked == 0)
        page_done(r);
}

static void on_outcome(void *arg, const struct answer *a) {
    struct look *l = arg;
    struct reconciling *r = l->r;
    r->failed |= a->kind == ANSWER_LATER;
    if (!r->pending.dead && a->kind == ANSWER_NOT_FOUND)
        missing(r, str_c(l->id.c), str_c("applied, but on no timeline"));
    free(l);
    answered(r);
}

/* A record of bytes may have become several touchpoints with ids of their own: where it stands in
 * the spool tells whether they were applied. */
static void look_at(struct reconciling *r, const json_t *item) {
    struct str id = jget_str(item, "id"), state = jget_str(item, "state");
    r->looked++;
    if (str_is(state, "quarantined")) {
        struct str reason = jget_str(item, "reason");
        missing(r, id, reason.n ? reason : str_c("in quarantine"));
    } else if (str_is(state, "pending")) {
        r->waiting++;
    } else if (!jget_bool(item, "raw", false) && !jget_bool(item, "update", false)) {
        struct look *l = NEW(struct look);
        l->r = r;
        snprintf(l->id.c, sizeof l->id.c, "%.*s", STR_ARG(id));
        r->asked++;
        store_get_outcome(r->pending.host->parts.store, str_c(l->id.c), on_outcome, l);
    }
}

static void on_kept(void *arg, struct str json) {
    struct reconciling *r = arg;
    cleanup(json_freep) json_t *j = NULL;
    size_t i;
    json_t *item;
    if (r->pending.dead || !json.p || !jread_parse(json, ANSWER_MAX, &j, NULL)) {
        end(r, false, "the spool could not be asked");
        return;
    }
    r->next = (uint64_t)jget_int(j, "next", 0);
    r->asked = 1;
    json_array_foreach(json_object_get(j, "items"), i, item) look_at(r, item);
    answered(r);
}

static void ask_kept(struct reconciling *r) {
    spool_ask_kept(r->pending.host->parts.spool, r->source, operation_since_ms(r->op), r->next,
                   on_kept, r);
}

static void on_tallies(void *arg, struct str json) {
    struct reconciling *r = arg;
    cleanup(json_freep) json_t *j = NULL;
    size_t i;
    json_t *item;
    bool found = false;
    if (r->pending.dead || !json.p || !jread_parse(json, ANSWER_MAX, &j, NULL)) {
        end(r, false, "the spool could not be asked");
        return;
    }
    json_array_foreach(json_object_get(j, "items"), i, item) {
        if (!str_eq(jget_str(item, "source"), r->source))
            continue;
        found = true;
        r->received = jget_int(item, "received", 0);
        r->kept = jget_int(item, "kept", 0);
        r->duplicate = jget_int(item, "duplicate", 0);
        r->quarantined = jget_int(item, "quarantined", 0);
    }
    if (found || source_configured(r->pending.host, r->source))
        ask_kept(r);
    else
        end(r, false, "nothing is known of this source");
}

void reconcile_by_ledger(struct plugin_host *h, struct tl_operation *op) {
    struct reconciling *r = pending_new(h, NULL, sizeof *r);
    r->op = op;
    r->source = operation_source(op);
    spool_ask_tallies(h->parts.spool, operation_since_ms(op), on_tallies, r);
}
