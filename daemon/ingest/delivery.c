/* ingest/delivery.c - news of what we sent: the state of an outbound touchpoint, which never steps
 * back.
 *
 * A platform's receipt can be faster than its own answer to our call. So what names a message that
 * is not known yet stays in the spool for a day and is tried again when all is quiet; then it is
 * dropped and counted.
 */
#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "store/read.h"

enum { PARK_MS = 24 * 3600 * 1000, UPDATE_MAX = 64 << 10 };

struct delivering {
    struct job *j;
    struct id touchpoint, part;
    json_t *head;
    struct str provider_id;
};

void job_early(struct job *j) {
    if (clock_wall_ms() - j->r->received_ms < PARK_MS) {
        job_park(j);
        return;
    }
    metric_add_label(METRIC_QUARANTINED, "delivery", 1);
    log_warn("ingest.delivery_dropped", "id=%s", log_value(j->r->id));
    job_done(j);
}

static bool delivery_text(const json_t *delivery, struct buf *out) {
    struct fault f;
    cleanup(json_freep) json_t *checked = delivery_read(delivery, "/update/delivery", &f);
    return checked && jread_dump(out, checked);
}

/* ---- of a channel's reading: by message id ---- */

static void update_delivered(void *arg, const struct fault *fault, enum deliver_code code) {
    struct unit *u = arg;
    const struct outcome applied = {.kind = OUTCOME_APPLIED};
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    u->j->is_early |= code == DELIVER_UNKNOWN;
    unit_end(u, &applied);
}

static void update_looked(void *arg, const struct fault *fault) {
    struct unit *u = arg;
    cleanup(buf_clear) struct buf json;
    const struct outcome applied = {.kind = OUTCOME_APPLIED};
    buf_init(&json, UPDATE_MAX);
    if (fault) {
        unit_fail(u, fault);
        return;
    }
    bool ok = u->tp->delivery && jread_dump(&json, u->tp->delivery);
    for (size_t i = 0; i < u->references_n && ok; i++) {
        const struct look_reference *r = &u->look.references[i];
        if (!r->found)
            continue;
        store_deliver(u->g->parts.store, r->part,
                      u->tokens[i] ? u->token_touchpoints[i] : r->touchpoint,
                      delivery_rank(u->tp->delivery_state), buf_str(&json), update_delivered, u);
        return;
    }
    u->j->is_early |= ok;
    unit_end(u, &applied);
}

void unit_deliver(struct unit *u) {
    const struct look_wanted w = {
        .touchpoint = u->tp->id, .references = u->references, .references_n = u->references_n};
    arena_clear(&u->arena);
    arena_init(&u->arena);
    store_look(u->g->parts.store, &w, &u->arena, &u->look, update_looked, u);
}

/* ---- of our own outbox: by our id ---- */

static void delivering_end(struct delivering *d, const struct fault *fault) {
    struct job *j = d->j;
    json_decref(d->head);
    d->head = NULL;
    if (fault)
        job_failed(j, fault);
    else
        job_done(j);
}

static void referred(void *arg, const struct fault *fault) {
    delivering_end(arg, fault);
}

/* The provider's id leads to our message from now on. */
static void outcome_known(void *arg, const struct answer *a) {
    struct delivering *d = arg;
    struct ingest *g = d->j->g;
    cleanup(json_freep) json_t *j = NULL;
    struct id conversation;
    struct fault f;
    if (a->kind == ANSWER_LATER) {
        fault_set(&f, FAULT_BUSY, "delivery", "the store is away");
        delivering_end(d, &f);
    } else if (a->kind == ANSWER_OK && jread_parse(a->json, UPDATE_MAX, &j, NULL) &&
               id_read(jget_str(j, "conversation"), 'v', &conversation)) {
        store_refer(g->parts.store,
                    id_reference(g->parts.ids, d->j->r->source, message_id_bare(d->provider_id)),
                    d->part, d->touchpoint, conversation, referred, d);
    } else {
        delivering_end(d, NULL);
    }
}

static void own_delivered(void *arg, const struct fault *fault, enum deliver_code code) {
    struct delivering *d = arg;
    struct job *j = d->j;
    if (fault) {
        delivering_end(d, fault);
    } else if (code == DELIVER_UNKNOWN) {
        json_decref(d->head);
        job_early(j);
    } else if (d->provider_id.n) {
        spool_note_alias(j->g->parts.spool, d->provider_id, j->r->id);
        store_get_outcome(j->g->parts.store, str_c(id_write('p', d->touchpoint).c), outcome_known,
                          d);
    } else {
        delivering_end(d, NULL);
    }
}

static void own_located(void *arg, const struct fault *fault, bool found, bool erased,
                        struct id part) {
    struct delivering *d = arg;
    struct job *j = d->j;
    cleanup(buf_clear) struct buf json;
    const json_t *update = json_object_get(d->head, "update");
    const json_t *delivery = json_object_get(update, "delivery");
    buf_init(&json, UPDATE_MAX);
    if (fault || erased) {
        delivering_end(d, fault);
    } else if (!found) {
        json_decref(d->head);
        job_early(j);
    } else if (delivery_text(delivery, &json)) {
        d->part = part;
        store_deliver(j->g->parts.store, part, d->touchpoint,
                      delivery_rank(jget_str(delivery, "state")), buf_str(&json), own_delivered, d);
    } else {
        json_decref(d->head);
        job_quarantine(j, "the delivery state cannot be read");
    }
}

void job_deliver(struct job *j) {
    struct delivering *d = arena_new(&j->arena, sizeof *d);
    struct fault f;
    d->j = j;
    if (!jread_parse(j->r->head, UPDATE_MAX, &d->head, &f)) {
        job_quarantine(j, f.reason);
        return;
    }
    const json_t *update = json_object_get(d->head, "update");
    struct str id = jget_str(update, "id");
    d->provider_id = jget_str(update, "provider_id");
    if (!id_read(id.n ? id : j->r->id, 'p', &d->touchpoint)) {
        json_decref(d->head);
        job_quarantine(j, "the delivery state names no touchpoint");
        return;
    }
    store_locate(j->g->parts.store, d->touchpoint, own_located, d);
}
