/* ingest/echo.c - what we sent comes back by the platform's hook: joined to our own touchpoint, not
 * told twice.
 *
 *   its message id leads to another touchpoint ──────────► ours: nothing more to do
 *   our outbox has sent it, the note is on its way ──────► ours
 *   a reply of this source is on its way, or it came just now ──► again in a moment
 *   else ────────────────────────────────────────────────► written elsewhere: a touchpoint like any
 *
 * The hook can be faster than the platform's answer to our call, which alone tells the message's
 * id. So an echo of an id that nobody knows waits a little.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "store/read.h"

enum {
    GRACE_MS = 2000, /* for another daemon's answer, and for notes that are being committed */
    UNDER_WAY_MS = 60000,
    ROWS_MAX = 100,
};

/* A question to the spool; u turns NULL when the room closes first. */
struct asking {
    struct link link;
    struct unit *u;
};

static struct asking *asking_new(struct unit *u) {
    struct asking *q = NEW(struct asking);
    q->u = u;
    list_push(&u->g->echoes, &q->link);
    return q;
}

/* Whose question it was, or NULL. */
static struct unit *asked_by(struct asking *take_q) {
    struct unit *u = take_q->u;
    link_remove(&take_q->link);
    free(take_q);
    return u;
}

void echoes_close(struct ingest *g) {
    list_each (it, &g->echoes) {
        container_of(it, struct asking, link)->u = NULL;
        link_remove(it);
    }
}

static void is_ours(struct unit *u) {
    const struct outcome known = {.kind = OUTCOME_KNOWN};
    metric_add_label(METRIC_DELIVERY_UPDATES, "echo", 1);
    unit_end(u, &known);
}

static void is_foreign(struct unit *u) {
    u->echo_settled = true;
    unit_run(u);
}

static int64_t age_ms(const struct unit *u) {
    return clock_wall_ms() - u->j->r->received_ms;
}

static void wait_a_little(struct unit *u) {
    struct fault f;
    fault_set(&f, FAULT_BUSY, "echo", "the answer to what we sent is awaited");
    unit_fail(u, &f);
}

/* ---- is one of our own on its way? ---- */

static void on_queued(void *arg, const struct outbox_row *rows, size_t n) {
    struct unit *u = asked_by(arg);
    bool under_way = false;
    if (!u)
        return;
    for (size_t i = 0; i < n && !under_way; i++)
        under_way = rows[i].attempts && str_eq(rows[i].source, u->tp->source);
    if (age_ms(u) < (under_way ? UNDER_WAY_MS : GRACE_MS))
        wait_a_little(u);
    else
        is_foreign(u);
}

static void on_sent(void *arg, const struct outbox_row *rows, size_t n) {
    struct unit *u = asked_by(arg);
    if (!u)
        return;
    if (n && str_eq(rows[0].source, u->tp->source))
        is_ours(u);
    else if (age_ms(u) >= UNDER_WAY_MS)
        is_foreign(u);
    else
        spool_ask_outbox(u->g->parts.spool, INT64_MAX, ROWS_MAX, on_queued, asking_new(u));
}

/* ---- is it known? ---- */

static void echo_looked(void *arg, const struct fault *fault) {
    struct unit *u = arg;
    const struct look_reference *r = &u->look.references[0];
    bool self = r->found && id_same(r->touchpoint, u->tp->id);
    if (fault)
        unit_fail(u, fault);
    else if (self || u->look.applied)
        is_foreign(u); /* it stands there already: once more, or a later state */
    else if (r->found)
        is_ours(u);
    else
        spool_ask_sent(u->g->parts.spool, message_id_bare(u->tp->message_id), on_sent,
                       asking_new(u));
}

void unit_echo(struct unit *u) {
    u->echo_key =
        id_reference(u->g->parts.ids, reference_scope(u->tp), message_id_bare(u->tp->message_id));
    const struct look_wanted w = {
        .touchpoint = u->tp->id, .references = &u->echo_key, .references_n = 1};
    arena_clear(&u->arena);
    arena_init(&u->arena);
    store_look(u->g->parts.store, &w, &u->arena, &u->look, echo_looked, u);
}
