/* dispatch/chronicle.c - what the log tells, beside the router: steps of receipts, the archive, the
 * figures.
 *
 * Done by the lease holder alone, so each entry is counted and archived once.
 */
#include <stdio.h>

#include <touchline/kit/date.h>

#include "base/metrics.h"
#include "dispatch/dispatch_priv.h"

enum { ARCHIVE_MAX = 16 * 1024 };

/* What a receipt shows of the task that its touchpoint asked for. */
static void note_steps(struct dispatch *d, int64_t at_ms, const struct route_entry *e,
                       const json_t *own) {
    struct str touchpoint = jget_str(own, "touchpoint"), state = jget_str(own, "state");
    char step[32];
    if (!touchpoint.n)
        return;
    if (jget_int(own, "rev", 0) == 1)
        spool_note_step(d->spool, touchpoint, at_ms, "queue", e->queue);
    if (str_is(state, "waiting"))
        return;
    snprintf(step, sizeof step, "%.*s", STR_ARG(state));
    spool_note_step(d->spool, touchpoint, at_ms, step, jget_str(own, "agent"));
}

/* Of a task what a replay of the day needs: whole where it waits, else what has become of it. Never
 * as people see it, so that the archive holds no personal data. */
static bool archive_task(struct buf *b, const struct route_entry *e, const json_t *own) {
    bool waits = str_is(jget_str(own, "state"), "waiting");
    return buf_add_c(b, ",\"id\":") && buf_add_json(b, jget_str(own, "id")) &&
           buf_add_c(b, ",\"queue\":") && buf_add_json(b, jget_str(own, "queue")) &&
           buf_add_c(b, ",\"task\":") && buf_add_json(b, jget_str(own, "state")) &&
           buf_add_c(b, ",\"by\":") && buf_add_json(b, jget_str(own, "agent")) &&
           buf_addf(b, ",\"rev\":%lld,\"replied\":%lld", (long long)jget_int(own, "rev", 0),
                    (long long)jget_int(own, "replied", 0)) &&
           (!waits || (buf_add_c(b, ",\"own\":") && buf_add(b, e->own)));
}

static void archive(struct dispatch *d, struct str id, int64_t at_ms, const struct route_entry *e,
                    const json_t *own) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, ARCHIVE_MAX);
    bool ok = buf_addf(&b, "{\"at\":%lld,\"type\":", (long long)at_ms) &&
              buf_add_json(&b, e->type) && buf_add_c(&b, ",\"agent\":") &&
              buf_add_json(&b, e->agent) && buf_add_c(&b, ",\"state\":") &&
              buf_add_json(&b, e->state) && buf_add_c(&b, ",\"reason\":") &&
              buf_add_json(&b, e->reason) && buf_addf(&b, ",\"lost\":%lld", (long long)e->lost_ms);
    if (ok && own)
        ok = archive_task(&b, e, own);
    if (ok && buf_add_byte(&b, '}'))
        spool_note_event(d->spool, at_ms, id, buf_str(&b));
}

/* ---- figures ---- */

/* When entry i of the history, from the end, was. */
static int64_t history_ms(const json_t *task, size_t back) {
    const json_t *h = json_object_get(task, "history");
    size_t n = json_array_size(h);
    int64_t ms = 0;
    if (back > n || !date_parse(jget_str(json_array_get(h, n - back), "at"), &ms))
        return 0;
    return ms;
}

static void count_acceptance(const struct route_entry *e, const json_t *own) {
    cleanup(json_freep) json_t *task = NULL;
    if (!jread_parse(e->json, e->json.n, &task, NULL))
        return;
    const json_t *history = json_object_get(task, "history");
    const json_t *last = json_array_get(history, json_array_size(history) - 1);
    if (str_is(jget_str(last, "from"), "accepted")) /* it was before: something else came about */
        return;
    int64_t accepted = history_ms(task, 1), offered = history_ms(task, 2),
            created = jget_int(own, "created", 0);
    metric_add_label(METRIC_OFFERS, "accepted", 1);
    if (accepted >= offered && offered)
        metric_observe_us(METRIC_OFFER_ANSWER, (accepted - offered) * 1000);
    if (accepted >= created)
        metric_observe_us(METRIC_TASK_WAIT, (accepted - created) * 1000);
}

static void count(const struct route_entry *e, const json_t *own) {
    char state[32];
    snprintf(state, sizeof state, "%.*s", STR_ARG(jget_str(own, "state")));
    metric_add_label(METRIC_TASK_MOVES, state, 1);
    if (str_is(e->type, "offer"))
        metric_add_label(METRIC_OFFERS, "made", 1);
    else if (str_is(e->type, "revoke"))
        metric_add_label(METRIC_OFFERS,
                         str_is(e->reason, "rejected")  ? "rejected"
                         : str_is(e->reason, "expired") ? "expired"
                                                        : "revoked",
                         1);
    else if (str_is(jget_str(own, "state"), "accepted"))
        count_acceptance(e, own);
}

void chronicle(struct dispatch *d, struct str id, int64_t at_ms, const struct route_entry *e) {
    cleanup(json_freep) json_t *own = NULL;
    if (str_is(e->reason, "due")) /* shown deadlines follow from what is told already */
        return;
    if (e->own.n && !jread_parse(e->own, e->own.n, &own, NULL))
        return;
    archive(d, id, at_ms, e, own);
    if (!own)
        return;
    note_steps(d, at_ms, e, own);
    count(e, own);
}
