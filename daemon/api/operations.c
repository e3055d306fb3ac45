/* api/operations.c - how the daemon is: health, readiness, figures, and what an operator orders. */
#include <touchline/touchpoint.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "ingest/ingest.h"
#include "ingest/pulses.h"
#include "plugin/host.h"
#include "spool/spool.h"
#include "store/store.h"

enum { READY_MAX = 64 * 1024, METRICS_MAX = 4 * 1024 * 1024, STORE_PATIENCE_MS = 5000 };

static void healthz(void *ctx, struct http_request *r) {
    (void)ctx;
    http_reply_json(r, 200, str_c("{\"status\":\"ok\"}"));
}

static const char *spool_word(enum spool_state s) {
    return s == SPOOL_OK ? "ok" : s == SPOOL_FULL ? "full" : "failing";
}

/* The store counts as seen once it has answered, or after 5 s: intake does not wait for it longer.
 */
static bool store_waited_for(struct api *a) {
    enum store_state state = store_state(a->parts.store);
    if (state == STORE_UP || state == STORE_RECOVER)
        a->store_seen = true;
    return a->store_seen || clock_mono_ms() - a->started_ms >= STORE_PATIENCE_MS;
}

static void write_spool(struct jwrite *w, struct api *a, enum spool_state state) {
    struct spool_figures f;
    spool_figures(a->parts.spool, &f);
    jwrite_open(w, "spool", '{');
    jwrite_c(w, "state", spool_word(state));
    jwrite_int(w, "pending", (int64_t)f.pending);
    jwrite_int(w, "quarantined", (int64_t)f.quarantined);
    jwrite_int(w, "outbox", (int64_t)f.outbox);
    jwrite_int(w, "bytes", f.bytes);
    jwrite_close(w, '}');
}

/* Only those that are. */
static void write_silent(void *arg, const struct pulse_state *s) {
    struct jwrite *w = arg;
    char source[256], detail[120];
    if (!s->silent_since_ms)
        return;
    snprintf(source, sizeof source, "%.*s", STR_ARG(s->source));
    snprintf(detail, sizeof detail, "nothing has come; usually %.0f come in that time",
             s->expected);
    jwrite_open(w, source, '{');
    jwrite_time(w, "since", s->silent_since_ms);
    jwrite_c(w, "detail", s->expected >= 1 ? detail : "nothing has come for longer than it may");
    jwrite_close(w, '}');
}

static void readyz(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    cleanup(buf_clear) struct buf b, channels;
    buf_init(&b, READY_MAX);
    buf_init(&channels, READY_MAX);
    enum spool_state spool = spool_health(a->parts.spool);
    bool up = store_state(a->parts.store) == STORE_UP, waited = store_waited_for(a);
    bool ready = spool == SPOOL_OK && waited && !a->draining;
    int64_t loss = store_loss_since(a->parts.store);
    struct jwrite w;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "status", a->draining ? "draining" : ready ? "ready" : "not-ready");
    write_spool(&w, a, spool);
    jwrite_c(&w, "store", up ? "ok" : waited ? "degraded" : "starting");
    jwrite_c(&w, "store_reason", store_why(a->parts.store));
    jwrite_int(&w, "backlog", (int64_t)ingest_backlog(a->parts.ingest));
    jwrite_time(&w, "data_loss_since", loss > 0 ? loss : -1);
    if (buf_add_byte(&channels, '{') && plugin_host_describe(a->parts.plugins, &channels) &&
        buf_add_byte(&channels, '}'))
        jwrite_raw(&w, "channels", buf_str(&channels));
    jwrite_open(&w, "silent", '{');
    pulses_each(ingest_pulses(a->parts.ingest), write_silent, &w);
    jwrite_close(&w, '}');
    jwrite_close(&w, '}');
    http_reply_json(r, ready ? 200 : 503, buf_str(&b));
}

static void metrics(void *ctx, struct http_request *r) {
    (void)ctx;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, METRICS_MAX);
    if (metrics_write(&b))
        http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
    else
        http_problem(r, 503, "too-large", NULL, "the figures do not fit");
}

static void confirm_loss(struct call *c) {
    store_confirm_loss(c->api->parts.store);
    call_reply(c, 200, str_c("{\"data_loss_since\":null}"));
}
SERVE_ONCE(confirm_loss)

const struct http_route operation_routes[] = {
    {"GET", "/healthz", ALLOW_NONE, 0, healthz, "the process"},
    {"GET", "/readyz", ALLOW_NONE, 0, readyz, "spool, store, channels"},
    {"GET", "/metrics", ALLOW_OPERATOR, 0, metrics, "figures for Prometheus"},
    {"POST", "/v1/store/confirm-loss", ALLOW_OPERATOR, ROUTE_IDEMPOTENT, confirm_loss_once,
     "routing may go on"},
};
const size_t operation_routes_n = COUNT(operation_routes);
