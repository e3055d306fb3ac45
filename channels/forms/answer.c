/* forms/answer.c - what a sender is told: JSON with the id, a redirect, or what is wrong (RFC
 * 9457).
 */
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "cors.h"
#include "submission.h"

enum { ANSWER_MAX = 64 * 1024, HEADERS_MAX = 8 };

static size_t cors_headers(const struct submission *s, struct tl_header *out) {
    if (!s->origin.p)
        return 0;
    out[0] = (struct tl_header){str_c("Access-Control-Allow-Origin"), s->origin};
    out[1] = (struct tl_header){str_c("Vary"), str_c("Origin")};
    return 2;
}

static size_t rate_headers(struct submission *s, int status, struct tl_header *out) {
    size_t n = 0;
    if (!s->rate.limit || status != 429)
        return 0;
    out[n++] = (struct tl_header){str_c("Retry-After"),
                                  arena_strf(&s->arena, "%lld", (long long)s->rate.reset_s)};
    out[n++] = (struct tl_header){str_c("RateLimit-Limit"),
                                  arena_strf(&s->arena, "%lld", (long long)s->rate.limit)};
    out[n++] = (struct tl_header){str_c("RateLimit-Remaining"),
                                  arena_strf(&s->arena, "%lld", (long long)s->rate.remaining)};
    out[n++] = (struct tl_header){str_c("RateLimit-Reset"),
                                  arena_strf(&s->arena, "%lld", (long long)s->rate.reset_s)};
    return n;
}

static void answer(struct submission *take_s, int status, const char *type, struct str body) {
    struct tl_header headers[HEADERS_MAX];
    size_t n = cors_headers(take_s, headers);
    n += rate_headers(take_s, status, headers + n);
    if (status == 503)
        headers[n++] = (struct tl_header){str_c("Retry-After"), str_c("5")};
    if (status == 303)
        headers[n++] = (struct tl_header){str_c("Location"), take_s->next};
    take_s->forms->host->reply(take_s->req, status, type, body, headers, n);
    submission_free(take_s);
}

/* The status's own words, as RFC 9457 asks for with about:blank. */
static const char *title_of(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},       {401, "Unauthorized"},           {403, "Forbidden"},
        {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {422, "Unprocessable Content"},
        {429, "Too Many Requests"}, {503, "Service Unavailable"}};
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "The form was not taken";
}

/* RFC 9457; written here since the answer needs CORS headers too. */
void answer_problem(struct submission *take_s, int status, const char *code, const char *detail,
                    const struct fault_list *faults) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, ANSWER_MAX);
    struct jwrite w;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "type", "about:blank");
    jwrite_c(&w, "title", title_of(status));
    jwrite_int(&w, "status", status);
    jwrite_c(&w, "detail", detail);
    jwrite_c(&w, "code", code);
    if (faults && faults->n) {
        jwrite_open(&w, "errors", '[');
        for (size_t i = 0; i < faults->n; i++) {
            jwrite_open(&w, NULL, '{');
            jwrite_c(&w, "pointer", faults->items[i].place);
            jwrite_c(&w, "detail", faults->items[i].reason);
            jwrite_close(&w, '}');
        }
        jwrite_close(&w, ']');
    }
    jwrite_close(&w, '}');
    answer(take_s, status, "application/problem+json", buf_str(&b));
}

static void thank(struct submission *take_s, int status, struct str id) {
    if (!take_s->json && take_s->form && take_s->next.n) {
        answer(take_s, 303, NULL, STR_NONE);
        return;
    }
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 256);
    struct jwrite w;
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "id", id);
    jwrite_close(&w, '}');
    answer(take_s, status, "application/json", buf_str(&b));
}

/* The touchpoint itself was refused: told by the form's own field. */
static void refuse_field(struct submission *take_s, const struct tl_outcome *o) {
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, 1);
    struct str field = take_s->form ? form_field_of(take_s->form, o->pointer) : STR_NONE;
    char place[FAULT_PLACE_MAX] = "";
    if (field.p)
        form_pointer(field, place);
    fault_list_set(&faults, FAULT_INPUT, place, "%.*s", STR_ARG(o->reason));
    answer_problem(take_s, 422, "invalid", "a field is wrong", &faults);
}

void answer_kept(struct submission *s, const struct tl_outcome *o) {
    s->form = form_find(s->forms, s->form_name); /* as it is configured now */
    switch (o->status) {
    case TL_APPLIED:
        thank(s, 201, o->id);
        return;
    case TL_DUPLICATE:
        thank(s, 200, o->id);
        return;
    case TL_KEPT:
        thank(s, s->trapped ? 201 : 202, o->id); /* a trap is never applied, nor shows it */
        return;
    case TL_MISMATCH:
        answer_problem(s, 422, "idempotency-mismatch",
                       "this submission came with other content before", NULL);
        return;
    case TL_REFUSED:
        refuse_field(s, o);
        return;
    case TL_BUSY:
    case TL_FAILED:
        answer_problem(s, 503, "unavailable", "nothing was kept; try again", NULL);
        return;
    }
}
