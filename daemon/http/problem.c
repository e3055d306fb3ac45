/* http/problem.c - refusals as application/problem+json (RFC 9457).
 *
 * type is always about:blank, so the title is the status's own; what programs look at is `code`.
 * Words come from us, never from the request.
 */
#include <touchline/kit/arena.h>

#include "http/http_priv.h"

enum { PROBLEM_BYTES = 256 * 1024 };

static const char problem_type[] = "application/problem+json";

static bool add_member(struct buf *out, const char *name, struct str value) {
    return buf_addf(out, ",\"%s\":", name) && buf_add_json(out, value);
}

/* Everything up to and without the closing brace. */
static bool problem_begin(struct buf *out, int status, const char *code, const char *detail) {
    return buf_add_c(out, "{\"type\":\"about:blank\",\"title\":") &&
           buf_add_json(out, str_c(status_title(status))) &&
           buf_addf(out, ",\"status\":%d", status) && add_member(out, "code", str_c(code)) &&
           (!detail || add_member(out, "detail", str_c(detail)));
}

static bool add_error(struct buf *out, const char *by, struct str where, struct str detail) {
    return buf_addf(out, "{\"%s\":", by) && buf_add_json(out, where) &&
           add_member(out, "detail", detail) && buf_add_byte(out, '}');
}

static bool problem_one(struct buf *out, int status, const char *code, const char *by,
                        const char *where, const char *detail) {
    size_t before = out->n;
    bool ok = problem_begin(out, status, code, detail);
    if (ok && where)
        ok = buf_add_c(out, ",\"errors\":[") &&
             add_error(out, by, str_c(where), str_c(detail ? detail : "")) &&
             buf_add_byte(out, ']');
    if (ok && buf_add_byte(out, '}'))
        return true;
    out->n = before; /* all or nothing */
    if (out->p)
        out->p[before] = '\0';
    return false;
}

bool http_problem_text(struct buf *out, int status, const char *code, const char *pointer,
                       const char *detail) {
    return problem_one(out, status, code, "pointer", pointer, detail);
}

static void reply_problem(struct http_request *r, int status, const struct buf *text) {
    http_reply(r, status, problem_type, buf_str(text));
}

static void reply_one(struct http_request *r, int status, const char *code, const char *by,
                      const char *where, const char *detail) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, PROBLEM_BYTES);
    if (!problem_one(&text, status, code, by, where, detail))
        buf_clear(&text);
    reply_problem(r, status, &text);
}

void http_problem(struct http_request *r, int status, const char *code, const char *pointer,
                  const char *detail) {
    reply_one(r, status, code, "pointer", pointer, detail);
}

void http_problem_parameter(struct http_request *r, int status, const char *code,
                            const char *parameter, const char *detail) {
    reply_one(r, status, code, "parameter", parameter, detail);
}

static bool add_faults(struct buf *out, const struct fault_list *faults) {
    bool ok = buf_add_c(out, ",\"errors\":[");
    for (size_t i = 0; ok && i < faults->n; i++)
        ok = (!i || buf_add_byte(out, ',')) &&
             add_error(out, "pointer", str_c(faults->items[i].place),
                       str_c(faults->items[i].reason));
    return ok && buf_add_c(out, "]}");
}

void http_problem_list(struct http_request *r, int status, const char *code,
                       const struct fault_list *faults) {
    cleanup(buf_clear) struct buf text;
    buf_init(&text, PROBLEM_BYTES);
    const char *detail =
        faults->n == 1 ? faults->items[0].reason : "Several fields are wrong; see errors.";
    if (!problem_begin(&text, status, code, detail) || !add_faults(&text, faults)) {
        buf_reset(&text);
        if (!problem_one(&text, status, code, NULL, NULL, "Very many fields are wrong."))
            buf_clear(&text);
    }
    reply_problem(r, status, &text);
}

void http_problem_retry(struct http_request *r, int status, const char *code, const char *detail,
                        int retry_s) {
    struct str seconds = arena_strf(&r->arena, "%d", retry_s);
    http_add_header(r, "Retry-After", seconds);
    if (status == 429 && !reply_has_header(r, "RateLimit-Limit")) {
        http_add_header(r, "RateLimit-Limit", str_c("10"));
        http_add_header(r, "RateLimit-Remaining", str_c("0"));
        http_add_header(r, "RateLimit-Reset", seconds);
    }
    http_problem(r, status, code, NULL, detail);
}

void http_fault(struct http_request *r, const struct fault *f) {
    const char *pointer = f->place[0] == '/' ? f->place : NULL;
    switch (f->kind) {
    case FAULT_INPUT:
        http_problem(r, 422, "invalid", pointer, f->reason);
        return;
    case FAULT_STATE:
        http_problem(r, 409, "conflict", pointer, f->reason);
        return;
    case FAULT_BUSY:
        http_problem_retry(r, 503, "busy", f->reason, RETRY_S);
        return;
    case FAULT_NONE:
    case FAULT_SYSTEM:
        break;
    }
    /* The reason of a fault of ours names our insides: it is for the log. */
    http_problem_retry(r, 503, "unavailable", "This cannot be done at the moment.", RETRY_S);
}
