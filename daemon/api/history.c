/* api/history.c - the recorded days, and the part of the configuration that routing goes by: what
 * `touchline simulate` tries another configuration on. */
#include <touchline/kit/date.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "config/config.h"
#include "spool/spool.h"

enum { ARCHIVE_ANSWER = 8 << 20, FULL = ARCHIVE_ANSWER - (64 << 10), CONFIG_ANSWER_MAX = 4 << 20 };

/* When an entry of the archive was: its first member. */
static int64_t at_of(struct str line) {
    static const struct str head = STR("{\"at\":");
    int64_t at = 0;
    if (!str_starts(line, head))
        return 0;
    for (size_t i = head.n; i < line.n && line.p[i] >= '0' && line.p[i] <= '9'; i++)
        at = at * 10 + (line.p[i] - '0');
    return at;
}

/* Of a full answer the last millisecond may be cut: it is left out, and asked for again. */
static struct str whole_part(struct str lines, int64_t *out_next_ms) {
    size_t end = lines.n;
    *out_next_ms = 0;
    if (lines.n < FULL)
        return lines;
    for (size_t i = lines.n - 1; i-- > 0;) {
        if (lines.p[i] != '\n')
            continue;
        int64_t at = at_of(str_make(lines.p + i + 1, end - i - 1));
        if (*out_next_ms && at != *out_next_ms)
            break;
        *out_next_ms = at;
        end = i + 1;
    }
    return str_upto(lines, end);
}

static void on_events(void *arg, struct str json) {
    struct call *c = arg;
    cleanup(buf_clear) struct buf b;
    int64_t next_ms;
    char line[64];
    struct str lines = whole_part(json.p ? json : str_c(""), &next_ms);
    if (next_ms)
        snprintf(line, sizeof line, "{\"next\":%lld}\n", (long long)next_ms);
    else
        snprintf(line, sizeof line, "{\"next\":null}\n");
    buf_init(&b, ARCHIVE_ANSWER + sizeof line);
    if (buf_add(&b, lines) && buf_add_c(&b, line))
        http_reply(c->r, 200, "application/x-ndjson", buf_str(&b));
    else
        call_problem(c, 503, "unavailable", NULL, "the answer does not fit");
}

/* A time, or the milliseconds that `next` gave. */
static bool moment(struct http_request *r, const char *name, int64_t def, int64_t *out) {
    struct str s = http_query(r, name);
    *out = def;
    return !s.n || date_parse(s, out) ||
           http_query_int(r, name, def, 0, ((int64_t)1 << 43) - 1, out);
}

static void history_get(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    int64_t from, to;
    if (!moment(r, "from", 0, &from))
        http_problem_parameter(r, 400, "parameter", "from", "a time, or what next gave");
    else if (!moment(r, "to", clock_wall_ms(), &to))
        http_problem_parameter(r, 400, "parameter", "to", "a time");
    else
        spool_ask_events(a->parts.spool, from, to, on_events, call_new(a, r, 200));
}

static void config_get_routing(void *ctx, struct http_request *r) {
    static const char *const sections[] = {"skills", "calendars",    "service_levels",
                                           "queues", "agents",       "units",
                                           "blocks", "key_accounts", NULL};
    struct api *a = ctx;
    cleanup(buf_clear) struct buf b;
    buf_init(&b, CONFIG_ANSWER_MAX);
    if (config_write(a->parts.config, sections, &b))
        http_reply(r, 200, "application/yaml", buf_str(&b));
    else
        http_problem(r, 503, "too-large", NULL, "the configuration does not fit");
}

const struct http_route history_routes[] = {
    {"GET", "/v1/history", ALLOW_OPERATOR, 0, history_get, "what happened to tasks and agents"},
    {"GET", "/v1/history/config", ALLOW_OPERATOR, 0, config_get_routing,
     "what routing goes by now"},
};
const size_t history_routes_n = COUNT(history_routes);
