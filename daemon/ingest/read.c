/* ingest/read.c - records of bytes: read by their channel, each piece judged as if a stranger had
 * sent it.
 *
 * Reading runs beside others; but those of one source line up in the order in which they came,
 * whichever is read first. What cannot be read goes to quarantine, piece by piece: its siblings
 * live on.
 */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/log.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "ingest/mask.h"
#include "store/read.h"

enum { READS_MAX = 2, PIECE_MAX = 128 << 20, GIVEN_MAX = 256, FAULTS_MAX = 4 };

/* ---- pieces ---- */

static void piece_bad(struct job *j, struct str piece, const char *reason) {
    metric_add_label(METRIC_QUARANTINED, "read", 1);
    log_warn("ingest.piece_bad", "id=%s reason=%s", log_value(j->r->id), log_value(str_c(reason)));
    spool_note_quarantine(j->g->parts.spool, j->r->seq, j->r->id, piece, str_c(reason));
}

static void add_unit(struct job *j, struct touchpoint *take_tp) {
    j->units = mem_grow(j->units, (j->units_n + 1) * sizeof *j->units);
    struct unit *u = unit_new(j, take_tp);
    j->units[j->units_n++] = u;
    metric_add(METRIC_WARNINGS, json_array_size(json_object_get(take_tp->json, "warnings")));
    unit_prepare(u);
}

static void piece_touchpoint(struct job *j, struct str json, const struct touchpoint_given *given,
                             size_t given_n) {
    const struct touchpoint_origin origin = {
        .source = j->r->source,
        .source_id = j->r->source_id,
        .received_ms = j->r->received_ms,
        .region = j->g->parts.region,
        .given = given,
        .given_n = given_n,
    };
    cleanup(json_freep) json_t *in = NULL;
    cleanup(fault_list_clear) struct fault_list faults;
    struct touchpoint *tp;
    struct fault f;
    fault_list_init(&faults, FAULTS_MAX);
    if (!jread_parse(json, PIECE_MAX, &in, &f)) {
        piece_bad(j, json, f.reason);
    } else if (!touchpoint_read(j->g->parts.ids, in, &origin, &tp, &faults)) {
        char reason[FAULT_PLACE_MAX + FAULT_REASON_MAX + 2];
        snprintf(reason, sizeof reason, "%s %s", faults.items[0].place, faults.items[0].reason);
        piece_bad(j, json, reason);
    } else {
        if (j->g->mask) /* kept before it was to be masked, or out of quarantine */
            mask_touchpoint(j->g->mask, tp);
        add_unit(j, tp);
    }
}

static void take_items(struct job *j, const struct read_item *items, size_t n) {
    struct touchpoint_given given[GIVEN_MAX];
    size_t given_n = 0;
    bool bad = false;
    for (size_t i = 0; i < n; i++) {
        switch (items[i].type) {
        case READ_BLOB:
            if (given_n < GIVEN_MAX)
                given[given_n++] = (struct touchpoint_given){items[i].ref, items[i].bytes};
            break;
        case READ_BAD:
            piece_bad(
                j, items[i].bytes,
                arena_str(&j->arena, items[i].ref.n ? items[i].ref : str_c("cannot be read")).p);
            bad = true;
            break;
        case READ_TOUCHPOINT:
            piece_touchpoint(j, items[i].bytes, given, given_n);
            given_n = 0;
            break;
        }
    }
    metric_add_label(METRIC_READ, bad ? "partly" : "ok", 1);
}

/* ---- reading ---- */

static void read_ready(struct job *j) {
    if (lane_first(&j->source_seat))
        job_units_ready(j);
}

static void read_done(void *arg, const struct read_item *items, size_t n, bool ok, bool again,
                      const char *reason) {
    struct job *j = arg;
    if (j->g->closing)
        return;
    if (ok) {
        take_items(j, items, n);
        j->read_done = true;
        read_ready(j);
        return;
    }
    if (again && ++j->reads < READS_MAX) {
        job_read(j);
        return;
    }
    metric_add_label(METRIC_READ, "unreadable", 1);
    job_quarantine(j, reason && *reason ? arena_str(&j->arena, str_c(reason)).p : "cannot be read");
}

static void read_begin(struct job *j) {
    const struct reader *r = &j->g->parts.reader;
    r->read(r->ctx, j->r, read_done, j);
}

/* Of what was applied before and is there still, nothing needs to be read again. */
static void replay_known(void *arg, const struct answer *a) {
    struct job *j = arg;
    if (a->kind == ANSWER_OK || a->kind == ANSWER_GONE) {
        job_done(j);
        return;
    }
    read_begin(j);
}

void job_read(struct job *j) {
    if (!j->source_seat.lane)
        lane_take(&j->g->lanes, id_reference(j->g->parts.ids, str_c("source"), j->r->source),
                  &j->source_seat, j);
    if (j->read_done) { /* those before it have lined up */
        read_ready(j);
        return;
    }
    if (j->replay && !j->reads)
        store_get_outcome(j->g->parts.store, j->r->id, replay_known, j);
    else
        read_begin(j);
}
