/* plugin/entry.c - submit: one thing taken in by a channel, judged where it can be, handed to
 * intake.
 *
 *   touchpoint (JSON) ──► touchpoint_read ──► intake_take          all faults: TL_REFUSED, the
 * first one told bytes for read()  ────────────────────► intake_take_raw
 */
#include "plugin/plugin_priv.h"

#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "ingest/bucket.h"
#include "ingest/intake.h"
#include "touchpoint/touchpoint.h"

enum { TOUCHPOINT_JSON_MAX = 128 << 20, FAULTS_MAX = 8 };

struct submitting {
    struct pending pending;
    tl_done_fn *done;
    void *arg;
    enum tl_status status; /* told in the next turn, where intake is not asked */
    struct fault fault;
    /* kept while the id of a body without one is looked up */
    struct arena arena;
    struct tl_entry entry;
    json_t *json;
};

static void submitting_free(struct submitting *s) {
    arena_clear(&s->arena);
    json_decref(s->json);
    pending_free(&s->pending);
}

static void tell(struct submitting *take_s, const struct tl_outcome *outcome) {
    tl_done_fn *done = take_s->pending.dead ? NULL : take_s->done;
    void *arg = take_s->arg;
    if (done)
        done(arg, outcome);
    submitting_free(take_s);
}

static void tell_fault(struct pending *p) {
    struct submitting *s = container_of(p, struct submitting, pending);
    struct tl_outcome outcome = {.size = sizeof outcome,
                                 .status = s->status,
                                 .pointer = str_c(s->fault.place),
                                 .reason = str_c(s->fault.reason)};
    tell(s, &outcome);
}

static void refuse(struct submitting *s, enum tl_status status, const struct fault *f) {
    s->status = status;
    s->fault = *f;
    pending_soon(&s->pending, tell_fault);
}

static void on_taken(void *arg, const struct intake_outcome *o) {
    static const enum tl_status statuses[] = {
        [INTAKE_APPLIED] = TL_APPLIED, [INTAKE_DUPLICATE] = TL_DUPLICATE,
        [INTAKE_KEPT] = TL_KEPT,       [INTAKE_MISMATCH] = TL_MISMATCH,
        [INTAKE_BUSY] = TL_BUSY,       [INTAKE_FAILED] = TL_FAILED,
    };
    struct tl_outcome outcome = {.size = sizeof outcome,
                                 .status = statuses[o->verdict],
                                 .id = o->id,
                                 .reason = o->fault ? str_c(o->fault->reason) : STR_NONE};
    tell(arg, &outcome);
}

/* Absent: not into quarantine, unless its content deserves it. */
static struct str quarantine_of(const struct tl_entry *e) {
    if (!(e->flags & TL_ENTRY_QUARANTINE))
        return STR_NONE;
    return e->reason.n ? e->reason : str_c("set aside by the channel");
}

static struct str cursor_of(struct submitting *s, char name[CURSOR_NAME_MAX]) {
    if (!s->entry.cursor.p || !cursor_name(s->pending.ch, s->entry.cursor, name))
        return STR_NONE;
    return str_c(name);
}

static void take_judged(struct submitting *s) {
    const struct tl_entry *e = &s->entry;
    const struct plugin_parts *parts = &s->pending.ch->host->parts;
    struct touchpoint_origin origin = {.source = e->source,
                                       .source_id = e->source_id,
                                       .received_ms = e->received_ms,
                                       .region = parts->region};
    struct fault_list faults;
    struct touchpoint *tp;
    char cursor[CURSOR_NAME_MAX];
    fault_list_init(&faults, FAULTS_MAX);
    bool ok = touchpoint_read(parts->ids, s->json, &origin, &tp, &faults);
    if (!ok) {
        refuse(s, TL_REFUSED, &faults.items[0]);
        fault_list_clear(&faults);
        return;
    }
    fault_list_clear(&faults);
    struct intake_touchpoint what = {.take_touchpoint = tp,
                                     .raw = e->body,
                                     .cursor = cursor_of(s, cursor),
                                     .cursor_value = e->cursor_value,
                                     .place = e->place,
                                     .quarantine = quarantine_of(e),
                                     .await_ms = e->await_ms,
                                     .late = plugin_host_operates(s->pending.ch->host, e->source)};
    intake_take(parts->intake, &what, on_taken, s);
}

static void take_raw(struct submitting *s) {
    const struct tl_entry *e = &s->entry;
    char cursor[CURSOR_NAME_MAX];
    struct intake_raw what = {.channel = str_c(s->pending.ch->name),
                              .source = e->source,
                              .source_id = e->source_id,
                              .format = e->format,
                              .meta = e->meta,
                              .body = e->body,
                              .cursor = cursor_of(s, cursor),
                              .cursor_value = e->cursor_value,
                              .place = e->place,
                              .quarantine = quarantine_of(e),
                              .received_ms = e->received_ms,
                              .await_ms = e->await_ms,
                              .late = plugin_host_operates(s->pending.ch->host, e->source)};
    intake_take_raw(s->pending.ch->host->parts.intake, &what, on_taken, s);
}

static void take(struct submitting *s) {
    if (s->json)
        take_judged(s);
    else
        take_raw(s);
}

/* ---- an id for what comes without one ---- */

static void on_bucket(void *arg, struct str source_id) {
    struct submitting *s = arg;
    if (s->pending.dead) {
        submitting_free(s);
        return;
    }
    s->entry.source_id = arena_str(&s->arena, source_id);
    take(s);
}

/* The entry outlives the caller's views. */
static void keep_entry(struct submitting *s) {
    struct tl_entry *e = &s->entry;
    struct str *views[] = {&e->source, &e->format,       &e->meta,   &e->body, &e->cursor,
                           &e->reason, &e->cursor_value, &e->bucket, &e->place};
    for (size_t i = 0; i < COUNT(views); i++)
        *views[i] = arena_str(&s->arena, *views[i]);
    e->touchpoint = STR_NONE; /* parsed already */
}

static bool source_ok(const struct tl_channel *ch, struct str source) {
    struct str instance = source;
    return str_is(str_cut(&instance, ':'), ch->name) && instance.n;
}

static bool check(struct submitting *s, struct fault *f) {
    const struct tl_entry *e = &s->entry;
    char cursor[CURSOR_NAME_MAX];
    if (!source_ok(s->pending.ch, e->source))
        return fault_set(f, FAULT_INPUT, "", "the source must be %s:INSTANCE", s->pending.ch->name);
    if (e->cursor.p && !cursor_name(s->pending.ch, e->cursor, cursor))
        return fault_set(f, FAULT_INPUT, "", "the cursor's name is too long");
    return !e->touchpoint.p || jread_parse(e->touchpoint, TOUCHPOINT_JSON_MAX, &s->json, f);
}

void host_submit(struct tl_channel *ch, const struct tl_entry *entry, tl_done_fn *done, void *arg) {
    struct plugin_host *h = ch->host;
    struct submitting *s = pending_new(h, ch, sizeof *s);
    struct fault f;
    metric_add_label(METRIC_CHANNEL_ENTRIES, ch->name, 1);
    s->done = done;
    s->arg = arg;
    arena_init(&s->arena);
    sized_copy(&s->entry, sizeof s->entry, entry, entry->size);
    if (!s->entry.received_ms)
        s->entry.received_ms = clock_wall_ms();
    if (!check(s, &f)) {
        refuse(s, TL_REFUSED, &f);
    } else if (!s->entry.source_id.p) {
        struct str same = s->entry.bucket.p ? s->entry.bucket
                          : s->entry.body.p ? s->entry.body
                                            : s->entry.touchpoint;
        keep_entry(s);
        bucket_id(h->parts.spool, h->parts.ids, s->entry.source, same, s->entry.received_ms,
                  on_bucket, s);
    } else {
        take(s);
    }
}
