/* api/sources.c - the sources: what came of each, whether they live; reconcile and backfill, and
 * the operations under way. */
#include <stdlib.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "config/config.h"
#include "ingest/ingest.h"
#include "ingest/pulses.h"
#include "plugin/host.h"
#include "plugin/operation.h"
#include "spool/spool.h"
#include "store/store.h"

enum { SOURCES_ANSWER_MAX = 4 << 20, OPERATION_ANSWER_MAX = 8 << 20, SINCE_TEXT_MAX = 40 };
static const int64_t days_shown_ms = (int64_t)30 * 86400000;

/* "30d" back from now, or a time, or a day; absent and "all": from the beginning. */
static bool since_read(struct str text, int64_t *out_ms) {
    int64_t back;
    *out_ms = 0;
    if (!text.n || str_is(text, "all"))
        return true;
    if (config_read_duration(text, &back) && back > 0) {
        *out_ms = clock_wall_ms() - back;
        return true;
    }
    char day[40];
    snprintf(day, sizeof day, "%.*sT00:00:00Z", STR_ARG(str_upto(text, 20)));
    return date_parse(text, out_ms) || date_parse(str_c(day), out_ms);
}

/* ---- the list ---- */

/* Of one request, until the spool's figures are here. */
struct listing {
    struct call *call;
    json_t *by_source; /* object: what is known of each */
};

static json_t *entry_of(struct listing *l, struct str source) {
    json_t *found = json_object_getn(l->by_source, source.p, source.n);
    if (found)
        return found;
    json_t *made = json_pack("{s:o, s:b}", "source", jstr(source), "configured", 0);
    json_object_setn_new(l->by_source, source.p, source.n, made);
    return made;
}

static void add_configured(void *arg, const struct tl_channel *ch, struct str source) {
    (void)ch;
    json_object_set_new(entry_of(arg, source), "configured", json_true());
}

static void add_tallies(struct listing *l, const json_t *items) {
    static const char *const names[] = {"received", "kept", "duplicate", "quarantined"};
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        json_t *e = entry_of(l, jget_str(item, "source"));
        for (size_t k = 0; k < COUNT(names); k++)
            json_object_set(e, names[k], json_object_get(item, names[k]));
    }
}

static void add_pulse(void *arg, const struct pulse_state *s) {
    json_t *e = entry_of(arg, s->source);
    json_object_set_new(e, "last_ms", json_integer(s->last_ms));
    json_object_set_new(e, "silent_ms", json_integer(s->silent_since_ms));
    json_object_set_new(e, "expected", json_integer((json_int_t)s->expected));
}

static void write_source(struct jwrite *w, struct api *a, const json_t *e) {
    static const char *const states[] = {"", "ok", "degraded", "down"};
    struct str source = jget_str(e, "source"), rest = source;
    struct str plugin = str_cut(&rest, ':');
    enum tl_health health = TL_OK;
    const char *detail = plugin_host_source_health(a->parts.plugins, source, &health);
    jwrite_open(w, NULL, '{');
    jwrite_str(w, "source", source);
    jwrite_str(w, "channel", plugin);
    jwrite_bool(w, "configured", jget_bool(e, "configured", false));
    jwrite_int(w, "received", jget_int(e, "received", 0));
    jwrite_int(w, "kept", jget_int(e, "kept", 0));
    jwrite_int(w, "duplicate", jget_int(e, "duplicate", 0));
    jwrite_int(w, "quarantined", jget_int(e, "quarantined", 0));
    int64_t last_ms = jget_int(e, "last_ms", 0), silent_ms = jget_int(e, "silent_ms", 0);
    jwrite_time(w, "last_received_at", last_ms ? last_ms : -1);
    jwrite_bool(w, "silent", silent_ms != 0);
    jwrite_time(w, "silent_since", silent_ms ? silent_ms : -1);
    jwrite_int(w, "expected", jget_int(e, "expected", 0));
    jwrite_c(w, "health", states[health]);
    jwrite_c(w, "detail", detail && *detail ? detail : NULL);
    jwrite_close(w, '}');
}

static void tallies_read(void *arg, struct str json) {
    struct listing *l = arg;
    struct call *c = l->call;
    cleanup(json_freep) json_t *j = NULL;
    cleanup(buf_clear) struct buf b;
    cleanup(json_freep) json_t *all = l->by_source;
    struct jwrite w;
    const char *name;
    json_t *e;
    buf_init(&b, SOURCES_ANSWER_MAX);
    if (!json.p || !jread_parse(json, SOURCES_ANSWER_MAX, &j, NULL)) {
        call_problem(c, 503, "unavailable", NULL, "the spool could not be asked");
        return;
    }
    add_tallies(l, json_object_get(j, "items"));
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "items", '[');
    json_object_foreach(all, name, e) write_source(&w, c->api, e);
    jwrite_close(&w, ']');
    jwrite_close(&w, '}');
    if (w.ok)
        call_reply(c, 200, buf_str(&b));
    else
        call_problem(c, 503, "too-large", NULL, "there are too many sources");
}

static void sources_list(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct str since = http_query(r, "since");
    int64_t since_ms = clock_wall_ms() - days_shown_ms;
    if (since.n && !since_read(since, &since_ms)) {
        http_problem_parameter(r, 400, "parameter", "since", "a time, a day, or a span like 30d");
        return;
    }
    struct listing *l = arena_new(http_arena(r), sizeof *l);
    *l = (struct listing){.call = call_new(a, r, 200), .by_source = json_object()};
    plugin_host_sources(a->parts.plugins, add_configured, l);
    pulses_each(ingest_pulses(a->parts.ingest), add_pulse, l);
    spool_ask_tallies(a->parts.spool, since_ms, tallies_read, l);
}

/* ---- operations begun ---- */

static void reply_begun(struct call *c, enum operation_begun begun, const char *id) {
    struct arena *arena = http_arena(c->r);
    switch (begun) {
    case OPERATION_BEGUN:
        http_add_header(c->r, "Location", arena_strf(arena, "/v1/operations/%s", id));
        call_reply(c, 202, arena_strf(arena, "{\"id\":\"%s\"}", id));
        return;
    case OPERATION_NO_SOURCE:
        call_problem(c, 404, "not-found", NULL, "there is no such source here");
        return;
    case OPERATION_AMBIGUOUS:
        call_problem(c, 409, "ambiguous", NULL,
                     "several channels have an instance of that name; say CHANNEL:NAME");
        return;
    case OPERATION_NOT_HERE:
        call_problem(c, 409, "not-here", NULL, "this source's channel cannot do that");
        return;
    case OPERATION_UNDER_WAY:
        call_problem(c, 409, "under-way", NULL,
                     arena_strf(arena, "%s is under way on this source", id).p);
        return;
    }
}

static void operate(struct call *c, const char *kind) {
    cleanup(json_freep) json_t *body = NULL;
    char id[OPERATION_ID_MAX] = "";
    if (!call_json(c, true, &body))
        return;
    struct operation_request request = {.kind = str_c(kind),
                                        .source = http_param(c->r, "source"),
                                        .since = jget_str(body, "since"),
                                        .anew = jget_bool(body, "anew", false)};
    if (request.since.n > SINCE_TEXT_MAX || !since_read(request.since, &request.since_ms))
        call_problem(c, 422, "invalid", "/since", "must be a time, a day, or a span like 30d");
    else
        reply_begun(c, plugin_host_operate(c->api->parts.plugins, &request, id), id);
}

static void reconcile(struct call *c) {
    operate(c, "reconcile");
}
SERVE_ONCE(reconcile)

static void backfill(struct call *c) {
    operate(c, "backfill");
}
SERVE_ONCE(backfill)

/* ---- the search, built anew ---- */

static bool reindex_progress(void *arg, uint64_t done, uint64_t total, struct str mark) {
    return host_operation_progress(arg, done, total, mark);
}

static void reindex_end(void *arg, const struct answer *a) {
    bool ok = a->kind == ANSWER_OK;
    host_operation_end(arg, ok, ok ? a->json : str_c("the store went away"));
}

/* Waited for, unless the caller would rather look after it (RFC 7240, 4.1). */
static void reindex(struct call *c) {
    const struct operation_request request = {.kind = str_c("reindex"), .source = str_c("")};
    enum operation_begun begun;
    char id[OPERATION_ID_MAX] = "";
    if (!str_is_nocase(str_trim(http_header(c->r, "Prefer")), "respond-async")) {
        ingest_reindex(c->api->parts.ingest, STR_NONE, NULL, call_answer, c);
        return;
    }
    struct tl_operation *op = operation_begin(c->api->parts.plugins, &request, &begun, id);
    if (op)
        ingest_reindex(c->api->parts.ingest, operation_mark(op), reindex_progress, reindex_end, op);
    reply_begun(c, begun, id);
}
SERVE_ONCE(reindex)

/* ---- operations under way ---- */

static void operation_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    cleanup(buf_clear) struct buf b;
    struct str cursor;
    size_t limit;
    int64_t from = 0;
    buf_init(&b, OPERATION_ANSWER_MAX);
    if (!call_page(c, &limit, &cursor))
        return;
    if (cursor.n && (!config_read_int(cursor, &from) || from < 0)) {
        http_problem_parameter(r, 400, "parameter", "cursor", "not one of ours");
        return;
    }
    if (plugin_host_operation(a->parts.plugins, http_param(r, "id"), (size_t)from, limit, &b))
        call_reply(c, 200, buf_str(&b));
    else if (store_state(a->parts.store) != STORE_UP) /* just started: too early to begin it anew */
        call_problem(c, 503, "unavailable", NULL, "the store is away; try again");
    else
        call_problem(c, 404, "not-found", NULL, "there is no such operation at this daemon");
}

static void operation_cancel(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 202);
    if (plugin_host_operation_cancel(a->parts.plugins, http_param(r, "id")))
        call_reply(c, 202, str_c("{}"));
    else
        call_problem(c, 404, "not-found", NULL, "there is no such operation at this daemon");
}

const struct http_route source_routes[] = {
    {"GET", "/v1/sources", ALLOW_OPERATOR, 0, sources_list, "what came of each source"},
    {"POST", "/v1/sources/{source}/reconcile", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, reconcile_once,
     "hold a source against what was taken in"},
    {"POST", "/v1/sources/{source}/backfill", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, backfill_once,
     "take in what a source had before"},
    {"POST", "/v1/reindex", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, reindex_once,
     "build the search anew"},
    {"GET", "/v1/operations/{id}", ALLOW_OPERATOR, 0, operation_get, "how far an operation is"},
    {"DELETE", "/v1/operations/{id}", ALLOW_OPERATOR, 0, operation_cancel, "end it"},
};
const size_t source_routes_n = COUNT(source_routes);
