/* api/push.c - one pushed item: read and checked, taken in, answered. */
#include "api/push.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "ingest/bucket.h"
#include "ingest/ingest.h"
#include "ingest/intake.h"
#include "store/store.h"
#include "touchpoint/touchpoint.h"

enum { PUSH_FAULTS_MAX = 50, PUSH_AWAIT_MS = 100, PUSH_ANSWER_MAX = 64 * 1024 };

/* From push_one to its done; freed there. */
struct push {
    struct call *call;
    push_done_fn *done;
    void *arg;
    json_t *json;
    struct str source, source_id; /* in the request's arena */
    struct buf answer;
    int status;
    const char *code;
};

static void finish(struct push *p) {
    char status[8];
    snprintf(status, sizeof status, "%d", p->status);
    metric_add_label(METRIC_PUSH_RECORDS, status, 1);
    p->done(p->arg, p->status, buf_str(&p->answer), p->code);
    buf_clear(&p->answer);
    json_decref(p->json);
    free(p);
}

static void finish_later(void *arg) {
    finish(arg);
}

static void refuse(struct push *p, int status, const char *code, const char *pointer,
                   const char *detail) {
    p->status = status;
    p->code = code;
    if (!http_problem_text(&p->answer, status, code, pointer, detail))
        buf_reset(&p->answer);
}

/* As http_problem_list, for an item. */
static void refuse_list(struct push *p, const struct fault_list *faults) {
    struct jwrite w;
    jwrite_init(&w, &p->answer);
    p->status = 422;
    p->code = "invalid";
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "type", "about:blank");
    jwrite_c(&w, "title", "Unprocessable Content");
    jwrite_int(&w, "status", 422);
    jwrite_c(&w, "detail", "the touchpoint is not valid");
    jwrite_c(&w, "code", "invalid");
    jwrite_open(&w, "errors", '[');
    for (size_t i = 0; i < faults->n; i++) {
        jwrite_open(&w, NULL, '{');
        jwrite_c(&w, "pointer", faults->items[i].place);
        jwrite_c(&w, "detail", faults->items[i].reason);
        jwrite_close(&w, '}');
    }
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
}

static void kept(void *arg, const struct intake_outcome *o) {
    struct push *p = arg;
    struct jwrite w;
    jwrite_init(&w, &p->answer);
    switch (o->verdict) {
    case INTAKE_APPLIED:
    case INTAKE_DUPLICATE:
    case INTAKE_KEPT:
        p->status = o->verdict == INTAKE_APPLIED ? 201 : o->verdict == INTAKE_DUPLICATE ? 200 : 202;
        jwrite_open(&w, NULL, '{');
        jwrite_str(&w, "id", o->id);
        if (o->verdict != INTAKE_KEPT) {
            jwrite_str(&w, "contact", o->contact);
            jwrite_str(&w, "conversation", o->conversation);
            jwrite_str(&w, "task", o->task);
            jwrite_bool(&w, "duplicate", o->verdict == INTAKE_DUPLICATE);
        }
        jwrite_close(&w, '}');
        break;
    case INTAKE_MISMATCH:
        refuse(p, 422, "idempotency-mismatch", "/id",
               "this id came with other content before; raise `revision` for an edit");
        break;
    case INTAKE_BUSY:
        refuse(p, 503, "busy", NULL, "nothing was kept; try again");
        break;
    case INTAKE_FAILED:
        refuse(p, 503, "unavailable", NULL, "nothing was kept: the spool cannot write");
        break;
    }
    finish(p);
}

static bool channel_allowed(const struct http_who *who, struct str channel) {
    if (!who->channels || !who->channels->n)
        return true;
    for (size_t i = 0; i < who->channels->n; i++)
        if (str_eq(who->channels->items[i], channel))
            return true;
    return false;
}

static void take(struct push *p) {
    struct api *a = p->call->api;
    const struct http_who *who = http_who(p->call->r);
    const struct touchpoint_origin origin = {
        .source = p->source,
        .source_id = p->source_id,
        .received_ms = http_received_ms(p->call->r),
        .region = a->parts.region,
        .trusted = who->trusted || who->role == ROLE_OPERATOR,
        .push = true,
    };
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, PUSH_FAULTS_MAX);
    cleanup(touchpoint_freep) struct touchpoint *tp = NULL;
    if (!touchpoint_read(a->parts.ids, p->json, &origin, &tp, &faults)) {
        refuse_list(p, &faults);
        loop_later(a->parts.loop, finish_later, p);
        return;
    }
    if (!channel_allowed(who, tp->channel)) {
        refuse(p, 403, "forbidden", "/channel", "this token may not push this channel");
        loop_later(a->parts.loop, finish_later, p);
        return;
    }
    const struct intake_touchpoint what = {
        .take_touchpoint = steal(&tp),
        .await_ms = store_state(a->parts.store) == STORE_UP ? PUSH_AWAIT_MS : 0,
    };
    intake_take(ingest_intake(a->parts.ingest), &what, kept, p);
}

static void named(void *arg, struct str source_id) {
    struct push *p = arg;
    p->source_id = arena_str(http_arena(p->call->r), source_id);
    take(p);
}

void push_one(struct call *c, const struct push_item *item, push_done_fn *done, void *arg) {
    struct push *p = NEW(struct push);
    struct arena *arena = http_arena(c->r);
    struct str who = http_who(c->r)->name;
    p->call = c;
    p->done = done;
    p->arg = arg;
    p->source = item->event_source.p
                    ? arena_strf(arena, "push:%.*s:%.*s", STR_ARG(who), STR_ARG(item->event_source))
                    : arena_strf(arena, "push:%.*s", STR_ARG(who));
    buf_init(&p->answer, PUSH_ANSWER_MAX);
    /* A CloudEvent's id and source replace the item's id, its time stands in for a missing `at`. */
    p->json = json_is_object(item->json) ? json_copy((json_t *)item->json)
                                         : json_incref((json_t *)item->json);
    if (item->event_source.p && json_is_object(p->json)) {
        json_object_set_new(p->json, "id", jstr(item->source_id));
        if (item->at_ms >= 0 && !jget_str(p->json, "at").p) {
            char at[DATE_RFC3339_MAX];
            date_format(item->at_ms, at);
            json_object_set_new(p->json, "at", json_string(at));
        }
    }
    p->source_id = item->source_id;
    bool names_itself = json_is_object(p->json) && jget_str(p->json, "id").n;
    if (names_itself || p->source_id.n || !json_is_object(p->json)) {
        take(p);
        return;
    }
    bucket_id(c->api->parts.spool, c->api->parts.ids, p->source, item->raw, http_received_ms(c->r),
              named, p);
}
