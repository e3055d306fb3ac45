/* forms/plugin.c - web forms: POST /forms/{form} becomes a touchpoint, answered with JSON or a
 * redirect.
 *
 * Judged at once, so the submission is checked before the spool: what is wrong is told, what is
 * right is kept. A filled honeypot gets the same answer and goes to quarantine.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>
#include <touchline/kit/list.h>
#include <touchline/plugin.h>
#include <touchline/touchpoint.h>

#include "config.h"
#include "cors.h"
#include "form.h"
#include "rate.h"

enum {
    AWAIT_MS = 100,
    TOUCHPOINT_MAX = 40 * 1024 * 1024,
    ANSWER_MAX = 64 * 1024,
    HEADERS_MAX = 8,
    FAULTS_MAX = 50
};

struct forms {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct tl_items *config; /* struct form_config */
    struct rate_table *rates;
    struct link submissions; /* under way; no answer comes after stop */
};

/* One request from its arrival to its answer; freed there. */
struct submission {
    struct link link;
    struct forms *forms;
    struct tl_request *req;
    const struct form_config *form; /* NULL: a reload has taken it away meanwhile */
    struct str form_name;
    struct arena arena;
    struct form_data data;
    struct str origin;
    struct rate_verdict rate;
    bool json, trapped;
};

/* ---- answers ---- */

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

static void submission_free(struct submission *s) {
    link_remove(&s->link);
    arena_clear(&s->arena);
    free(s);
}

static void answer(struct submission *take_s, int status, const char *type, struct str body) {
    struct tl_header headers[HEADERS_MAX];
    size_t n = cors_headers(take_s, headers);
    n += rate_headers(take_s, status, headers + n);
    if (status == 503)
        headers[n++] = (struct tl_header){str_c("Retry-After"), str_c("5")};
    if (status == 303)
        headers[n++] = (struct tl_header){str_c("Location"), take_s->form->redirect};
    take_s->forms->host->reply(take_s->req, status, type, body, headers, n);
    submission_free(take_s);
}

/* The status's own words, as RFC 9457 asks for with about:blank. */
static const char *title_of(int status) {
    static const struct {
        int status;
        const char *title;
    } titles[] = {{400, "Bad Request"},           {403, "Forbidden"},
                  {413, "Content Too Large"},     {415, "Unsupported Media Type"},
                  {422, "Unprocessable Content"}, {429, "Too Many Requests"},
                  {503, "Service Unavailable"}};
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "The form was not taken";
}

/* RFC 9457; written here since the answer needs CORS headers too. */
static void problem(struct submission *take_s, int status, const char *code, const char *detail,
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
    if (!take_s->json && take_s->form && take_s->form->redirect.n) {
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
    problem(take_s, 422, "invalid", "a field is wrong", &faults);
}

static const struct form_config *find_form(const struct forms *f, struct str name) {
    const struct form_config *all = f->config->items;
    for (size_t i = 0; i < f->config->n; i++)
        if (str_eq(all[i].name, name))
            return &all[i];
    return NULL;
}

static void kept(void *arg, const struct tl_outcome *o) {
    struct submission *s = arg;
    s->form = find_form(s->forms, s->form_name); /* as it is configured now */
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
        problem(s, 422, "idempotency-mismatch", "this submission came with other content before",
                NULL);
        return;
    case TL_REFUSED:
        refuse_field(s, o);
        return;
    case TL_BUSY:
    case TL_FAILED:
        problem(s, 503, "unavailable", "nothing was kept; try again", NULL);
        return;
    }
}

/* ---- taking in ---- */

/* Origin, else the Referer's; a page that names itself must be allowed, "null" never is. */
static bool origin_allowed(struct submission *s) {
    const struct tl_host *h = s->forms->host;
    struct str origin = h->request_header(s->req, "Origin");
    bool named = origin.p;
    if (!named)
        origin = cors_origin_of(h->request_header(s->req, "Referer"));
    if (!origin.p)
        return true;
    if (!cors_allowed(&s->form->origins, origin))
        return false;
    if (named)
        s->origin = arena_str(&s->arena, origin);
    return true;
}

static bool contains(struct str text, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.n; i++)
        if (strncasecmp(text.p + i, word, n) == 0)
            return true;
    return false;
}

static struct submission *submission_new(struct forms *f, struct tl_request *req,
                                         const struct form_config *form) {
    struct submission *s = NEW(struct submission);
    struct str accept = f->host->request_header(req, "Accept");
    s->forms = f;
    s->req = req;
    s->form = form;
    arena_init(&s->arena);
    s->form_name = arena_str(&s->arena, form->name);
    list_push(&f->submissions, &s->link);
    s->json = contains(accept, "application/json") ||
              (contains(f->host->request_header(req, "Content-Type"), "application/json") &&
               !contains(accept, "text/html"));
    return s;
}

static bool is_loopback(struct str peer) {
    return str_starts(peer, (struct str)STR("127.")) || str_is(peer, "::1") || !peer.n;
}

static bool within_rate(struct submission *s, struct str peer) {
    if (is_loopback(peer))
        return true;
    s->rate = rate_take(s->forms->rates, s->form->rate, s->form->name,
                        form_network(&s->arena, peer), s->forms->host->mono_ms());
    return s->rate.allowed;
}

static void submit(struct submission *s, struct str peer) {
    const struct tl_host *h = s->forms->host;
    cleanup(buf_clear) struct buf touchpoint, same;
    buf_init(&touchpoint, TOUCHPOINT_MAX);
    buf_init(&same, TOUCHPOINT_MAX);
    struct str key = form_value(&s->data, str_c("submission_id"));
    if (!key.n)
        key = h->request_header(s->req, "Idempotency-Key");
    if (!key.n)
        key = STR_NONE;
    if (!form_write(s->form, &s->data, &touchpoint) ||
        !form_sameness(&s->data, form_network(&s->arena, peer), &same)) {
        problem(s, 413, "too-large", "the form is too large", NULL);
        return;
    }
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = arena_strf(&s->arena, "forms:%.*s", STR_ARG(s->form->name)),
        .source_id = key,
        .touchpoint = buf_str(&touchpoint),
        .flags = s->trapped ? TL_ENTRY_QUARANTINE : 0,
        .reason = s->trapped ? str_c("honeypot filled") : STR_NONE,
        .await_ms = AWAIT_MS,
        .bucket = key.p ? STR_NONE : buf_str(&same),
    };
    h->count(s->forms->channel, s->trapped ? "trapped" : "submissions", NULL, 1);
    h->submit(s->forms->channel, &entry, kept, s);
}

static void judge(struct submission *s) {
    const struct tl_host *h = s->forms->host;
    struct str peer = h->request(s->req, TL_REQ_PEER);
    int status = 400;
    struct fault f = {0};
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, FAULTS_MAX);
    if (!within_rate(s, peer)) {
        problem(s, 429, "rate-limit", "too many submissions; wait", NULL);
        return;
    }
    if (!form_parse(&s->arena, h->request_header(s->req, "Content-Type"),
                    h->request(s->req, TL_REQ_BODY), &s->data, &status, &f)) {
        problem(s, status,
                status == 415   ? "media-type"
                : status == 413 ? "too-large"
                                : "not-a-form",
                f.reason, NULL);
        return;
    }
    s->trapped = form_trapped(s->form, &s->data);
    if (!s->trapped && !form_check(s->form, &s->data, &faults)) {
        problem(s, 422, "invalid", "the form is not complete", &faults);
        return;
    }
    submit(s, peer);
}

static void serve_post(void *arg, struct tl_request *req) {
    struct forms *f = arg;
    const struct form_config *form = find_form(f, f->host->request_param(req, "form"));
    if (!form) {
        f->host->problem(req, 404, "not-found", NULL, "there is no such form");
        return;
    }
    struct submission *s = submission_new(f, req, form);
    if (origin_allowed(s))
        judge(s);
    else
        problem(s, 403, "origin", "this page may not send the form", NULL);
}

static void serve_options(void *arg, struct tl_request *req) {
    struct forms *f = arg;
    const struct form_config *form = find_form(f, f->host->request_param(req, "form"));
    struct str origin = f->host->request_header(req, "Origin");
    if (!form || !origin.p || !cors_allowed(&form->origins, origin)) {
        f->host->problem(req, form ? 403 : 404, form ? "origin" : "not-found", NULL,
                         form ? "this page may not send the form" : "there is no such form");
        return;
    }
    const struct tl_header headers[] = {
        {str_c("Access-Control-Allow-Origin"), origin},
        {str_c("Vary"), str_c("Origin")},
        {str_c("Access-Control-Allow-Methods"), str_c("POST")},
        {str_c("Access-Control-Allow-Headers"), str_c("content-type, idempotency-key")},
        {str_c("Access-Control-Max-Age"), str_c("600")},
    };
    f->host->reply(req, 204, NULL, STR_NONE, headers, COUNT(headers));
}

/* ---- the plugin ---- */

static void *forms_start(const struct tl_host *host, struct tl_channel *channel,
                         const void *config) {
    struct forms *f = NEW(struct forms);
    *f = (struct forms){
        .host = host, .channel = channel, .config = config, .rates = rate_table_new()};
    link_init(&f->submissions);
    if (host->route(channel, "POST", "/forms/{form}", serve_post, f) &&
        host->route(channel, "OPTIONS", "/forms/{form}", serve_options, f))
        return f;
    host->log(channel, TL_ERROR, "forms.route", "reason=taken");
    rate_table_free(f->rates);
    free(f);
    return NULL;
}

static bool forms_reload(void *instance, const void *config) {
    struct forms *f = instance;
    f->config = config;
    return true;
}

static void forms_stop(void *take_instance) {
    struct forms *f = take_instance;
    list_each (it, &f->submissions)
        submission_free(container_of(it, struct submission, link));
    rate_table_free(f->rates);
    free(f);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("forms"),
    .summary = STR("web forms: urlencoded, multipart with files, JSON"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = form_keys,
    .config_bytes = sizeof(struct form_config),
    .check = form_config_check,
    .start = forms_start,
    .reload = forms_reload,
    .stop = forms_stop,
};
