/* forms/submission.c - see submission.h: a submission judged step by step and handed in.
 *
 * What is wrong is told at once, what is right is kept. A filled trap gets the same answer as a
 * good one and goes to quarantine; so does what a maker's server sends without saying who wrote it,
 * since nobody stands there to be told.
 */
#include "submission.h"

#include <stdlib.h>
#include <strings.h>

#include <touchline/kit/jread.h>

#include "cors.h"
#include "maker.h"

enum { AWAIT_MS = 100, TOUCHPOINT_MAX = 40 * 1024 * 1024, FAULTS_MAX = 50 };

const struct form_config *form_find(const struct forms *f, struct str name) {
    const struct form_config *all = f->config->items;
    for (size_t i = 0; i < f->config->n; i++)
        if (str_eq(all[i].name, name))
            return &all[i];
    return NULL;
}

void submission_free(struct submission *take_s) {
    link_remove(&take_s->link);
    arena_clear(&take_s->arena);
    free(take_s);
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
    s->peer = arena_str(&s->arena, f->host->request(req, TL_REQ_PEER));
    s->next = arena_str(&s->arena, form->redirect);
    list_push(&f->submissions, &s->link);
    s->json = contains(accept, "application/json") ||
              (contains(f->host->request_header(req, "Content-Type"), "application/json") &&
               !contains(accept, "text/html"));
    return s;
}

/* ---- who may send ---- */

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

static bool is_loopback(struct str peer) {
    return str_starts(peer, (struct str)STR("127.")) || str_is(peer, "::1") || !peer.n;
}

static bool within_rate(struct submission *s) {
    if (is_loopback(s->peer))
        return true;
    s->rate = rate_take(s->forms->rates, s->form->rate, s->form->name,
                        form_network(&s->arena, s->peer), s->forms->host->mono_ms());
    return s->rate.allowed;
}

static struct str header_of(void *ctx, const char *name) {
    const struct submission *s = ctx;
    return s->forms->host->request_header(s->req, name);
}

static bool signature_fits(struct submission *s) {
    const struct tl_host *h = s->forms->host;
    const struct maker *m = maker_at(s->form->maker);
    if (!s->form->secret.n || !m || !m->signature)
        return true;
    const struct maker_request r = {.method = h->request(s->req, TL_REQ_METHOD),
                                    .url = h->request(s->req, TL_REQ_URL),
                                    .body = h->request(s->req, TL_REQ_BODY),
                                    .header = header_of,
                                    .ctx = s,
                                    .now_ms = h->now_ms()};
    return m->signature(s->form->secret, &r);
}

/* ---- handing in ---- */

static void kept(void *arg, const struct tl_outcome *o) {
    answer_kept(arg, o);
}

static struct str source_of(struct submission *s) {
    return arena_strf(&s->arena, "forms:%.*s", STR_ARG(s->form_name));
}

/* The bytes as they came, for an operator. */
static void quarantine(struct submission *s, const char *reason) {
    const struct tl_host *h = s->forms->host;
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = source_of(s),
        .body = h->request(s->req, TL_REQ_BODY),
        .flags = TL_ENTRY_QUARANTINE,
        .reason = str_c(reason),
        .bucket = h->request(s->req, TL_REQ_BODY),
    };
    s->trapped = reason;
    h->submit(s->forms->channel, &entry, kept, s);
}

static void taken(void *arg, const struct tl_outcome *o) {
    struct submission *s = arg;
    const struct form_config *form = form_find(s->forms, s->form_name);
    if (o->status != TL_REFUSED)
        answer_kept(s, o);
    else if (s->trapped)
        quarantine(s, s->trapped);
    else if (form && form->maker && s->data.key.n)
        quarantine(s, "the maker's submission is no touchpoint: nobody is named in it");
    else
        answer_kept(s, o);
}

static struct str key_of(struct submission *s) {
    struct str key = form_value(&s->data, str_c("submission_id"));
    if (!key.n)
        key = s->data.key;
    if (!key.n)
        key = s->forms->host->request_header(s->req, "Idempotency-Key");
    return key.n ? str_upto(key, FORM_KEY_BYTES_MAX) : STR_NONE;
}

static bool with_warning(const struct submission *s, struct buf *touchpoint) {
    const char *more = ",\"warnings\":[\"captcha could not be checked\"]}";
    if (!s->unchecked)
        return true;
    touchpoint->n--; /* the object's closing bracket */
    return buf_add_c(touchpoint, more);
}

static void submit(struct submission *s) {
    const struct tl_host *h = s->forms->host;
    cleanup(buf_clear) struct buf touchpoint, same;
    buf_init(&touchpoint, TOUCHPOINT_MAX);
    buf_init(&same, TOUCHPOINT_MAX);
    struct str key = key_of(s);
    if (!form_write(s->form, &s->data, &touchpoint) || !with_warning(s, &touchpoint) ||
        !form_sameness(&s->data, form_network(&s->arena, s->peer), &same)) {
        answer_problem(s, 413, "too-large", "the form is too large", NULL);
        return;
    }
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = source_of(s),
        .source_id = key,
        .touchpoint = buf_str(&touchpoint),
        .flags = s->trapped ? TL_ENTRY_QUARANTINE : 0,
        .reason = str_c(s->trapped),
        .await_ms = AWAIT_MS,
        .bucket = key.p ? STR_NONE : buf_str(&same),
    };
    h->count(s->forms->channel, s->trapped ? "trapped" : "submissions", NULL, 1);
    h->submit(s->forms->channel, &entry, taken, s);
}

/* ---- judging ---- */

static void refuse_captcha(struct submission *s, const char *detail) {
    cleanup(fault_list_clear) struct fault_list faults;
    char place[FAULT_PLACE_MAX];
    fault_list_init(&faults, 1);
    form_pointer(str_c(captcha_field(&s->form->captcha)), place);
    fault_list_set(&faults, FAULT_INPUT, place, "%s", detail);
    answer_problem(s, 422, "captcha", detail, &faults);
}

static void captcha_told(void *arg, enum captcha_verdict verdict) {
    struct submission *s = arg;
    s->form = form_find(s->forms, s->form_name); /* as it is configured now */
    if (!s->form) {
        answer_problem(s, 503, "unavailable", "nothing was kept; try again", NULL);
    } else if (verdict == CAPTCHA_REFUSED) {
        refuse_captcha(s, "the captcha is not solved, or was used before");
    } else if (verdict == CAPTCHA_UNKNOWN && s->form->captcha.unreachable) {
        answer_problem(s, 503, "unavailable", "the captcha cannot be checked now; try again", NULL);
    } else {
        s->unchecked = verdict == CAPTCHA_UNKNOWN;
        submit(s);
    }
}

static void ask_captcha(struct submission *s) {
    const struct captcha_config *c = &s->form->captcha;
    cleanup(buf_clear) struct buf same;
    buf_init(&same, TOUCHPOINT_MAX);
    if (!c->secret.n) {
        submit(s);
        return;
    }
    struct str token = form_value(&s->data, str_c(captcha_field(c)));
    if (!token.n) /* hCaptcha's and others' stand-in for reCAPTCHA */
        token = form_value(&s->data, str_c("g-recaptcha-response"));
    if (!buf_add(&same, s->form_name) || !form_sameness(&s->data, s->peer, &same))
        refuse_captcha(s, "the form is too large");
    else
        captcha_check(s->forms->captcha, c, token, s->peer, buf_str(&same), captcha_told, s);
}

/* Why a robot filled it, or NULL. */
static const char *trap_of(const struct submission *s, enum stamp_verdict stamp) {
    if (form_trapped(s->form, &s->data))
        return "honeypot filled";
    return stamp == STAMP_FAST ? "filled faster than a person can" : NULL;
}

static enum stamp_verdict judge_stamp(const struct submission *s) {
    const struct stamp_config *c = &s->form->timestamp;
    struct str stamp = form_value(&s->data, c->field);
    if (!c->secret.n || (!stamp.n && !c->required))
        return STAMP_GOOD;
    return stamp_judge(c, s->form->name, stamp, s->forms->host->now_ms());
}

static void judge_fields(struct submission *s) {
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, FAULTS_MAX);
    enum stamp_verdict stamp = judge_stamp(s);
    struct str next = form_next(s->form, &s->data);
    if (next.n)
        s->next = arena_str(&s->arena, next);
    s->trapped = trap_of(s, stamp);
    if (s->trapped) {
        submit(s);
    } else if (stamp != STAMP_GOOD) {
        answer_problem(s, 422, "form-expired", "the form is too old; load the page again", NULL);
    } else if (!form_check(s->form, &s->data, &faults)) {
        answer_problem(s, 422, "invalid", "the form is not complete", &faults);
    } else {
        ask_captcha(s);
    }
}

static void judge(struct submission *s) {
    const struct tl_host *h = s->forms->host;
    const struct maker *maker = maker_at(s->form->maker);
    int status = 400;
    struct fault f = {0};
    if (!form_parse(&s->arena, maker, h->request_header(s->req, "Content-Type"),
                    h->request(s->req, TL_REQ_BODY), &s->data, &status, &f) ||
        !form_files_ok(s->form, &s->data, &status, &f)) {
        const char *code = status == 415   ? "media-type"
                           : status == 413 ? "too-large"
                           : status == 422 ? "invalid"
                                           : "not-a-form";
        answer_problem(s, status, code, f.reason, NULL);
        return;
    }
    judge_fields(s);
}

void submission_begin(struct forms *f, struct tl_request *req, const struct form_config *form) {
    struct submission *s = submission_new(f, req, form);
    if (!origin_allowed(s))
        answer_problem(s, 403, "origin", "this page may not send the form", NULL);
    else if (!within_rate(s))
        answer_problem(s, 429, "rate-limit", "too many submissions; wait", NULL);
    else if (!signature_fits(s))
        answer_problem(s, 401, "signature", "the signature is missing, wrong or too old", NULL);
    else
        judge(s);
}
