/* http/reply.c - answers: one head, one body, one write.
 *
 * What every answer carries against sniffing, framing and leaking is written here and nowhere else.
 */
#include <touchline/kit/arena.h>
#include <touchline/kit/date.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/bytes.h"
#include "http/http_priv.h"

/* What handlers may add; server->head has room for it, its separators and our own fields. */
enum { HEADERS_BYTES = 32 * 1024, LIMIT_DEFAULT = 10 };

static const struct {
    int status;
    const char *title;
} titles[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {207, "Multi-Status"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *status_title(int status) {
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status < 300 ? "OK" : status < 400 ? "Redirect" : "Error";
}

/* ---- headers ---- */

/* Fields that say how the answer is framed: only this file writes them. */
static bool is_framing(struct str name) {
    static const struct str ours[] = {STR("connection"), STR("content-length"),
                                      STR("transfer-encoding"), STR("date")};
    for (size_t i = 0; i < COUNT(ours); i++)
        if (str_eq_nocase(name, ours[i]))
            return true;
    return false;
}

void http_add_header(struct http_request *r, const char *name, struct str value) {
    struct str key = str_c(name);
    size_t bytes = key.n + value.n + sizeof ": \r\n" - 1;
    bool fits = bytes <= HEADERS_BYTES - r->headers_bytes;
    if (!key.n || !fits || !bytes_all(key, BYTE_TOKEN) || !bytes_all(value, BYTE_VALUE) ||
        is_framing(key)) {
        log_warn("http.header_refused", "name=%s", log_value(key));
        return;
    }
    r->headers_bytes += bytes;
    struct reply_header *h = arena_new(&r->arena, sizeof *h);
    h->name = arena_str(&r->arena, key);
    h->value = arena_str(&r->arena, value);
    *r->headers_end = h;
    r->headers_end = &h->next;
}

bool reply_has_header(const struct http_request *r, const char *name) {
    for (const struct reply_header *h = r->headers; h; h = h->next)
        if (str_is_nocase(h->name, name))
            return true;
    return false;
}

void http_set_session(struct http_request *r, struct str token, int64_t max_age_s) {
    struct str cookie =
        arena_strf(&r->arena, "%s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                   r->secure ? HTTP_COOKIE_TLS : HTTP_COOKIE, STR_ARG(token),
                   (long long)(token.n ? max_age_s : 0), r->secure ? "; Secure" : "");
    http_add_header(r, "Set-Cookie", cookie);
}

static const char *date_now(struct http_server *s) {
    int64_t now_ms = clock_wall_ms();
    if (now_ms / 1000 != s->date_s) {
        s->date_s = now_ms / 1000;
        date_format_http(now_ms, s->date);
    }
    return s->date;
}

/* What goes with an answer unless its handler said otherwise. */
static const struct {
    const char *name, *value;
    bool api_only; /* below /v1 */
} presets[] = {
    {"X-Content-Type-Options", "nosniff", false},
    {"Referrer-Policy", "no-referrer", false},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'", false},
    {"Cache-Control", "no-store", true},
};

static bool add_presets(struct http_request *r, struct buf *out) {
    bool ok = true;
    bool api = r->reader.path.n && str_starts(http_path(r), str_c("/v1/"));
    for (size_t i = 0; ok && i < COUNT(presets); i++)
        if ((api || !presets[i].api_only) && !reply_has_header(r, presets[i].name))
            ok = buf_add_c(out, presets[i].name) && buf_add_c(out, ": ") &&
                 buf_add_c(out, presets[i].value) && buf_add_c(out, "\r\n");
    return ok;
}

static bool add_headers(const struct http_request *r, struct buf *out) {
    bool ok = true;
    for (const struct reply_header *h = r->headers; ok && h; h = h->next)
        ok = buf_add(out, h->name) && buf_add_c(out, ": ") && buf_add(out, h->value) &&
             buf_add_c(out, "\r\n");
    return ok;
}

/* Whoever is told to come later is told when. */
static bool add_retry(const struct http_request *r, int status, struct buf *out) {
    bool ok = true;
    if (status != 429 && status != 503)
        return true;
    if (!reply_has_header(r, "Retry-After"))
        ok = buf_addf(out, "Retry-After: %d\r\n", status == 429 ? 1 : RETRY_S);
    if (ok && status == 429 && !reply_has_header(r, "RateLimit-Limit"))
        ok =
            buf_addf(out, "RateLimit-Limit: %d\r\nRateLimit-Remaining: 0\r\nRateLimit-Reset: 1\r\n",
                     LIMIT_DEFAULT);
    return ok;
}

static bool has_no_body(int status) {
    return status == 204 || status == 304;
}

bool reply_closes(const struct http_request *r) {
    const struct reader *in = &r->reader;
    if (in->close || r->server->draining || in->state == READER_FAULT || r->conn->eof)
        return true;
    if (in->state == READER_HEAD) /* the body is still to come: thrown away when it is small */
        return in->expect_continue || in->left > READER_DISCARD_MAX;
    return in->state != READER_DONE;
}

struct str reply_head(struct http_request *r, int status, const char *type, int64_t n) {
    struct buf *out = &r->server->head;
    buf_reset(out);
    bool ok = buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, status_title(status),
                       date_now(r->server));
    if (ok && type)
        ok = buf_add_c(out, "Content-Type: ") && buf_add_c(out, type) && buf_add_c(out, "\r\n");
    if (ok && n >= 0 && !has_no_body(status))
        ok = buf_addf(out, "Content-Length: %lld\r\n", (long long)n);
    if (ok && (n < 0 || reply_closes(r)))
        ok = buf_add_c(out, "Connection: close\r\n");
    ok = ok && add_retry(r, status, out) && add_headers(r, out) && add_presets(r, out) &&
         buf_add_c(out, "\r\n");
    return ok ? buf_str(out) : STR_NONE;
}

/* ---- answers ---- */

static void count_answer(const struct http_request *r, int status) {
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    metric_add_label(METRIC_HTTP_REQUESTS, text, 1);
    if (r->whole_us)
        metric_observe_us(METRIC_HTTP_LATENCY, clock_mono_us() - r->whole_us);
}

void http_reply(struct http_request *r, int status, const char *type, struct str body) {
    struct conn *c = r->conn;
    assert(!r->answered);
    r->answered = true;
    r->held = false;
    count_answer(r, status);
    if (!c) {
        log_debug("http.client_gone", "status=%d", status);
        request_free(r);
        return;
    }
    if (has_no_body(status))
        body = STR_NONE;
    struct str pieces[2] = {reply_head(r, status, type, (int64_t)body.n),
                            r->is_head ? STR_NONE : body};
    assert(pieces[0].n);
    c->close_after |= reply_closes(r);
    conn_write(c, pieces, COUNT(pieces)); /* may close the connection, and the request with it */
    conn_answered(c);
}

void http_reply_json(struct http_request *r, int status, struct str json) {
    http_reply(r, status, "application/json", json);
}

void http_reply_empty(struct http_request *r, int status) {
    http_reply(r, status, NULL, STR_NONE);
}
