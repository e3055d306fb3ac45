/* ingest/link.c - before the entry: aliases set, contacts merged. One after the other, since each
 * may show that another daemon was faster; then everything is looked at again.
 */
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/touchpoint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "store/task.h"

static void link_next(struct unit *u);

static void again(struct unit *u) {
    struct fault f;
    if (++u->restarts <= RESTARTS_MAX) {
        unit_run(u);
        return;
    }
    fault_set(&f, FAULT_STATE, "link", "the identities change under every try");
    unit_fail(u, &f);
}

static void aliased(void *arg, const struct fault *fault, enum alias_code code, struct id to) {
    struct unit *u = arg;
    (void)to;
    if (fault)
        unit_fail(u, fault);
    else if (code == ALIAS_SET || code == ALIAS_SAME)
        link_next(u);
    else
        again(u);
}

static void moved(void *arg, const struct answer *a) {
    struct unit *u = arg;
    struct fault f;
    if (a->kind != ANSWER_LATER) {
        link_next(u);
        return;
    }
    fault_set(&f, FAULT_BUSY, "merge", "open tasks could not be moved");
    unit_fail(u, &f);
}

static void merged(void *arg, const struct fault *fault, const struct change *c) {
    struct unit *u = arg;
    struct link_plan *p = &u->plans[u->plan_at - 1];
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    if (c->code != CHANGE_OK && c->code != CHANGE_KNOWN) {
        p->kind = PLAN_SUGGEST; /* an agent has taken them apart: he is asked */
        link_next(u);
        return;
    }
    metric_add_label(METRIC_MERGES, "rule", 1);
    struct id_text from = id_write('c', p->other), to = id_write('c', u->contact);
    log_info("contact.merged", "from=%s into=%s", from.c, to.c);
    store_task_moved(u->g->parts.store, str_c(from.c), str_c(to.c), moved, u);
}

static void link_one(struct unit *u, const struct link_plan *p) {
    const struct identity *i = &u->tp->identities[p->identity];
    const struct contact_change c = {
        .contact = u->contact, .at_ms = u->tp->received_ms, .if_rev = -1};
    if (p->kind == PLAN_ALIAS)
        store_alias(u->g->parts.store, u->hashes[p->identity], u->contact, i->verified, p->basis,
                    i->evidence, u->tp->received_ms, aliased, u);
    else
        store_merge(u->g->parts.store, &c, p->other, merged, u);
}

static void link_next(struct unit *u) {
    while (u->plan_at < u->plans_n) {
        const struct link_plan *p = &u->plans[u->plan_at++];
        if (p->kind != PLAN_SUGGEST) {
            link_one(u, p);
            return;
        }
    }
    unit_append(u);
}

void unit_link(struct unit *u) {
    u->plan_at = 0;
    link_next(u);
}
