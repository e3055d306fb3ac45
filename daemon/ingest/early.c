/* ingest/early.c - bytes of a masked channel: read before they are kept.
 *
 *   bytes ──► read (in a child, for mail) ──► masked touchpoints ──commit──► done
 *                │                                 all but the last, then it with cursor and place
 *                ├─► a piece that is bad ──► quarantine, masked as far as it is text
 *                └─► cannot be read ───────► the same with all of it
 *
 * Nothing is acknowledged before, so a crash in between costs a repetition. The bytes as they came
 * are kept nowhere.
 */
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/hash.h>
#include <touchline/kit/jread.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "ingest/ingest_priv.h"
#include "ingest/mask.h"

enum { READS_MAX = 2, GIVEN_MAX = 256, FAULTS_MAX = 4, PIECE_MAX = 128 << 20 };

/* One entry, from its coming to done. Owned by the room's list. */
struct early {
    struct link link;
    struct ingest *g;
    struct intake_raw what; /* views into r's arena */
    struct record *r;       /* as it would be kept; lent to the reader */
    intake_done_fn *done;
    void *arg;
    int reads;
    struct touchpoint **tps; /* read and masked, not handed on yet */
    size_t tps_n;
    struct bad {
        struct str piece, reason; /* in r's arena */
    } * bads;
    size_t bads_n, bads_at;
    size_t waiting;
    bool last; /* the one with the cursor is under way */
    enum intake_verdict verdict;
    bool any_kept;
    struct fault fault;
};

static void early_free(struct early *e) {
    link_remove(&e->link);
    for (size_t i = 0; i < e->tps_n; i++)
        touchpoint_free(e->tps[i]);
    free(e->tps);
    free(e->bads);
    record_free(e->r);
    free(e);
}

void early_clear(struct ingest *g) {
    struct link *l;
    while ((l = list_first(&g->earlies)))
        early_free(container_of(l, struct early, link));
}

/* ---- handing on ---- */

static void hand_on(struct early *e);

static void finish(struct early *e, const struct intake_outcome *one) {
    struct intake_outcome o = {.verdict = e->verdict, .id = e->r->id};
    bool failed = e->verdict == INTAKE_BUSY || e->verdict == INTAKE_FAILED;
    bool alone = one && !e->bads_n && str_eq(one->id, e->r->id);
    if (!failed && alone)
        o = *one;
    else if (failed)
        o.fault = &e->fault;
    else
        o.verdict = e->any_kept ? INTAKE_KEPT : INTAKE_DUPLICATE;
    e->done(e->arg, &o);
    early_free(e);
}

static void on_part(void *arg, const struct intake_outcome *o) {
    struct early *e = arg;
    bool failed = o->verdict == INTAKE_BUSY || o->verdict == INTAKE_FAILED;
    if (failed) {
        e->verdict = o->verdict;
        e->fault = o->fault ? *o->fault : (struct fault){.kind = FAULT_BUSY};
    }
    e->any_kept |= o->verdict == INTAKE_KEPT || o->verdict == INTAKE_APPLIED;
    if (--e->waiting)
        return;
    failed = e->verdict == INTAKE_BUSY || e->verdict == INTAKE_FAILED;
    if (e->last || failed)
        finish(e, failed ? NULL : o);
    else
        hand_on(e);
}

static void push_touchpoint(struct early *e, struct touchpoint *take_tp, bool last) {
    const struct intake_touchpoint one = {
        .take_touchpoint = take_tp,
        .cursor = last ? e->what.cursor : STR_NONE,
        .cursor_value = last ? e->what.cursor_value : STR_NONE,
        .place = last ? e->what.place : STR_NONE,
        .await_ms = last ? e->what.await_ms : 0,
        .late = e->what.late,
        .was_bytes = true,
    };
    e->waiting++;
    intake_take(e->g->intake, &one, on_part, e);
}

/* The bytes, or a piece of them, masked as far as they are text. */
static void push_bytes(struct early *e, struct str bytes, struct str id, struct str reason,
                       bool last) {
    cleanup(buf_clear) struct buf masked;
    struct intake_raw one = e->what;
    buf_init(&masked, (size_t)PIECE_MAX * 2);
    mask_bytes(e->g->mask, e->what.channel, bytes, &masked);
    one.body = buf_str(&masked);
    one.source_id = id;
    one.quarantine = reason;
    if (!last)
        one.cursor = one.cursor_value = one.place = STR_NONE;
    e->waiting++;
    intake_keep_raw(e->g->intake, &one, on_part, e);
}

static void push_bad(struct early *e, const struct bad *b, bool last) {
    struct str id = arena_strf(&e->r->arena, "%.*s#bad%zu", STR_ARG(e->what.source_id), e->bads_at);
    e->bads_at++;
    metric_add_label(METRIC_QUARANTINED, "read", 1);
    log_warn("ingest.piece_bad", "id=%s reason=%s", log_value(e->r->id), log_value(b->reason));
    push_bytes(e, b->piece, id, b->reason, last);
}

/* All but the last at once, then the last: the cursor moves behind what is committed. */
static void hand_on(struct early *e) {
    size_t left = e->tps_n + e->bads_n - e->bads_at;
    e->waiting++; /* until all are handed on */
    e->last = left <= 1;
    while (e->last ? left == 1 : left > 1) {
        if (e->tps_n)
            push_touchpoint(e, e->tps[--e->tps_n], e->last);
        else
            push_bad(e, &e->bads[e->bads_at], e->last);
        left--;
    }
    e->waiting--;
}

/* ---- reading ---- */

static void add_bad(struct early *e, struct str piece, struct str reason) {
    e->bads = mem_grow(e->bads, (e->bads_n + 1) * sizeof *e->bads);
    e->bads[e->bads_n++] =
        (struct bad){arena_str(&e->r->arena, piece), arena_str(&e->r->arena, reason)};
}

static void add_touchpoint(struct early *e, struct str json, const struct touchpoint_given *given,
                           size_t given_n) {
    const struct touchpoint_origin origin = {.source = e->r->source,
                                             .source_id = e->r->source_id,
                                             .received_ms = e->r->received_ms,
                                             .region = e->g->parts.region,
                                             .given = given,
                                             .given_n = given_n};
    cleanup(json_freep) json_t *in = NULL;
    cleanup(fault_list_clear) struct fault_list faults;
    struct touchpoint *tp;
    struct fault f;
    uint8_t digest[SHA256_BYTES];
    fault_list_init(&faults, FAULTS_MAX);
    if (!jread_parse(json, PIECE_MAX, &in, &f)) {
        add_bad(e, json, str_c(f.reason));
        return;
    }
    if (!touchpoint_read(e->g->parts.ids, in, &origin, &tp, &faults)) {
        char reason[FAULT_PLACE_MAX + FAULT_REASON_MAX + 2];
        snprintf(reason, sizeof reason, "%s %s", faults.items[0].place, faults.items[0].reason);
        add_bad(e, json, str_c(reason));
        return;
    }
    mask_touchpoint(e->g->mask, tp);
    /* As of bytes: the id names the content; what is around it may differ. */
    sha256(tp->source_id, digest);
    memcpy(tp->content, digest, sizeof tp->content);
    e->tps = mem_grow(e->tps, (e->tps_n + 1) * sizeof(struct touchpoint *));
    e->tps[e->tps_n++] = tp;
}

static void take_items(struct early *e, const struct read_item *items, size_t n) {
    struct touchpoint_given given[GIVEN_MAX];
    size_t given_n = 0;
    for (size_t i = 0; i < n; i++) {
        switch (items[i].type) {
        case READ_BLOB:
            if (given_n < GIVEN_MAX)
                given[given_n++] = (struct touchpoint_given){items[i].ref, items[i].bytes};
            break;
        case READ_BAD:
            add_bad(e, items[i].bytes, items[i].ref.n ? items[i].ref : str_c("cannot be read"));
            break;
        case READ_TOUCHPOINT:
            add_touchpoint(e, items[i].bytes, given, given_n);
            given_n = 0;
            break;
        }
    }
    /* In the order in which they were read, taken from the end. */
    for (size_t i = 0; i < e->tps_n / 2; i++) {
        struct touchpoint *other = e->tps[i];
        e->tps[i] = e->tps[e->tps_n - 1 - i];
        e->tps[e->tps_n - 1 - i] = other;
    }
    metric_add_label(METRIC_READ, e->bads_n ? "partly" : "ok", 1);
}

static void read_begin(struct early *e);

static void on_read(void *arg, const struct read_item *items, size_t n, bool ok, bool again,
                    const char *reason) {
    struct early *e = arg;
    if (e->g->closing) {
        early_free(e);
        return;
    }
    if (!ok && again && ++e->reads < READS_MAX) {
        read_begin(e);
        return;
    }
    e->verdict = INTAKE_KEPT;
    if (ok)
        take_items(e, items, n);
    if (ok && e->tps_n + e->bads_n) {
        hand_on(e);
        return;
    }
    /* Nothing in it for anybody (a challenge, a ping) is kept like that; or it cannot be read. */
    e->last = true;
    if (!ok)
        metric_add_label(METRIC_READ, "unreadable", 1);
    push_bytes(e, e->r->body, e->what.source_id,
               ok ? STR_NONE : str_c(reason && *reason ? reason : "cannot be read"), true);
}

static void read_begin(struct early *e) {
    const struct reader *r = &e->g->parts.reader;
    r->read(r->ctx, e->r, on_read, e);
}

void early_take(struct ingest *g, const struct intake_raw *what, struct record *take_r,
                intake_done_fn *done, void *arg) {
    struct early *e = NEW(struct early);
    struct record *r = take_r;
    e->g = g;
    e->r = r;
    e->done = done;
    e->arg = arg;
    e->what = *what;
    struct str *views[] = {&e->what.channel,      &e->what.source, &e->what.source_id,
                           &e->what.format,       &e->what.meta,   &e->what.cursor,
                           &e->what.cursor_value, &e->what.place,  &e->what.quarantine};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = record_keep(r, *views[i]);
    e->what.body = r->body;
    e->what.received_ms = r->received_ms;
    list_push(&g->earlies, &e->link);
    if (e->what.quarantine.p) {
        e->verdict = INTAKE_KEPT;
        e->last = true;
        push_bytes(e, r->body, e->what.source_id, e->what.quarantine, true);
    } else {
        read_begin(e);
    }
}
