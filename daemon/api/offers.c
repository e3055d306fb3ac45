/* api/offers.c - the links of notices by mail: a page with one button, and what the button does.
 *
 * The token is the right, so no login is asked for; it says who, which offer and what
 * (delivery/offer_link.h). GET never acts, since scanners of mail follow links. Pages are for
 * people; whoever does not ask for HTML gets a refusal as a problem like everywhere else.
 */
#include "api/api_priv.h"

#include <touchline/kit/buf.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "delivery/notices.h"
#include "delivery/offer_link.h"

enum { PAGE_MAX = 4096, BODY_MAX = 1024, LIMIT_S = 60 };

static const char policy[] =
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static const struct page {
    int status;
    const char *code;                           /* of a problem; NULL: no refusal */
    const char *result;                         /* as it is counted */
    const char *button[2], *title[2], *text[2]; /* English, German; button NULL: none */
} ask_accept = {200,
                NULL,
                "shown",
                {"Accept", "Annehmen"},
                {"Accept the task?", "Aufgabe annehmen?"},
                {"It becomes yours when you press the button.", "Mit dem Knopf gehört sie Ihnen."}},
  ask_reject = {200,
                NULL,
                "shown",
                {"Reject", "Ablehnen"},
                {"Reject the task?", "Aufgabe ablehnen?"},
                {"It goes back to its queue when you press the button.",
                 "Mit dem Knopf geht sie zurück in ihre Warteschlange."}},
  accepted = {200,
              NULL,
              "accepted",
              {NULL, NULL},
              {"Accepted", "Angenommen"},
              {"The task is yours.", "Die Aufgabe gehört Ihnen."}},
  rejected = {200,
              NULL,
              "rejected",
              {NULL, NULL},
              {"Rejected", "Abgelehnt"},
              {"The task is back in its queue.", "Die Aufgabe ist wieder in ihrer Warteschlange."}},
  over = {409,
          "stale-offer",
          "over",
          {NULL, NULL},
          {"The offer is over", "Das Angebot ist vorbei"},
          {"The task is no longer offered to you. Nothing was changed.",
           "Die Aufgabe wird Ihnen nicht mehr angeboten. Es wurde nichts geändert."}},
  expired = {410,
             "link-expired",
             "expired",
             {NULL, NULL},
             {"The link has expired", "Der Link ist abgelaufen"},
             {"It was good for a limited time. Nothing was changed.",
              "Er galt nur für eine begrenzte Zeit. Es wurde nichts geändert."}},
  wrong = {404,
           "not-found",
           "wrong",
           {NULL, NULL},
           {"This is no link of ours", "Das ist kein Link von uns"},
           {"Copy it whole from the mail.", "Bitte kopieren Sie ihn ganz aus der Mail."}},
  later = {503,
           "unavailable",
           "later",
           {NULL, NULL},
           {"Not now", "Gerade nicht möglich"},
           {"Please try again in a moment.", "Bitte versuchen Sie es gleich noch einmal."}};

/* ---- showing ---- */

static bool page_write(struct buf *out, const struct page *p, bool german) {
    bool ok = buf_addf(out,
                       "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width\">\n"
                       "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n</head>\n"
                       "<body>\n<main>\n<h1>%s</h1>\n<p>%s</p>\n",
                       german ? "de" : "en", p->title[german], p->title[german], p->text[german]);
    if (ok && p->button[german])
        ok = buf_addf(out, "<form method=\"post\"><button>%s</button></form>\n", p->button[german]);
    return ok && buf_add_c(out, "</main>\n</body>\n</html>\n");
}

static bool wants_html(const struct http_request *r) {
    struct str accept = http_header(r, "Accept");
    return accept.n && memmem(accept.p, accept.n, "text/html", sizeof "text/html" - 1);
}

static void show(struct call *c, const struct page *p) {
    cleanup(buf_clear) struct buf html;
    bool german = notices_german(c->api->parts.notices);
    buf_init(&html, PAGE_MAX);
    metric_add_label(METRIC_OFFER_LINKS, p->result, 1);
    http_add_header(c->r, "X-Robots-Tag", str_c("noindex"));
    if (p->code && !wants_html(c->r)) {
        call_problem(c, p->status, p->code, NULL, p->text[0]);
        return;
    }
    http_add_header(c->r, "Content-Security-Policy", str_c(policy));
    http_add_header(c->r, "Cache-Control", str_c("no-store"));
    bool ok = page_write(&html, p, german);
    assert(ok);
    (void)ok;
    http_reply(c->r, p->status, "text/html; charset=utf-8", buf_str(&html));
}

/* ---- whose link it is ---- */

static bool is_agent(const struct api *a, struct str id) {
    const struct agent_config *all = a->parts.agents->items;
    for (size_t i = 0; i < a->parts.agents->n; i++)
        if (str_eq(all[i].id, id))
            return true;
    return false;
}

/* No token can be guessed, but whoever tries is slowed down; a good link of the same address is
 * not. */
static void refuse_wrong(struct call *c) {
    struct login_limits *limits = c->api->logins;
    struct str who = arena_strf(http_arena(c->r), "offers %.*s", STR_ARG(http_peer(c->r)));
    if (login_limited(limits, who)) {
        http_problem_retry(c->r, 429, "link-limit", "too many wrong links; wait a minute", LIMIT_S);
        return;
    }
    login_failed(limits, who);
    show(c, &wrong);
}

/* false: answered. */
static bool link_of(struct call *c, struct offer_link *out) {
    struct api *a = c->api;
    enum offer_link_verdict verdict =
        offer_link_read(notices_link_key(a->parts.notices), http_param(c->r, "token"),
                        clock_wall_ms(), http_arena(c->r), out);
    if (verdict == OFFER_LINK_GOOD && is_agent(a, out->agent))
        return true;
    if (verdict == OFFER_LINK_WRONG)
        refuse_wrong(c);
    else
        show(c, verdict == OFFER_LINK_EXPIRED ? &expired
                                              : &wrong); /* wrong: he is no agent any more */
    return false;
}

/* ---- serving ---- */

static void offers_show(void *ctx, struct http_request *r) {
    struct call *c = call_new(ctx, r, 200);
    struct offer_link link;
    if (link_of(c, &link))
        show(c, link.accept ? &ask_accept : &ask_reject);
}

struct pressed {
    struct call *call;
    struct offer_link link;
};

static void on_moved(void *arg, const struct answer *a) {
    struct pressed *p = arg;
    const struct page *page = &over;
    if (a->kind == ANSWER_OK)
        page = p->link.accept ? &accepted : &rejected;
    else if (a->kind == ANSWER_LATER)
        page = &later;
    log_info("offer.link", "task=%s agent=%s move=%s result=%s", log_value(p->link.task),
             log_value(p->link.agent), p->link.accept ? "accept" : "reject", page->result);
    show(p->call, page);
}

static void offers_press(void *ctx, struct http_request *r) {
    struct api *a = ctx;
    struct call *c = call_new(a, r, 200);
    struct pressed *p = arena_new(http_arena(r), sizeof *p);
    p->call = c;
    if (http_body(r).n > BODY_MAX) {
        call_problem(c, 413, "too-large", NULL, "the button sends nothing");
        return;
    }
    if (!link_of(c, &p->link))
        return;
    struct str body = arena_strf(http_arena(r), "{\"offer\":%lld}", (long long)p->link.offer);
    /* As the agent, whatever his role: a supervisor's link is for his own offer too. */
    const struct dispatch_actor who = {.name = p->link.agent, .role = ROLE_AGENT};
    dispatch_move(a->parts.dispatch, who, p->link.task, p->link.accept ? "accept" : "reject", body,
                  on_moved, p);
}

const struct http_route offer_routes[] = {
    {"GET", "/v1/offers/{token}", ALLOW_NONE, 0, offers_show, "a page with one button"},
    {"POST", "/v1/offers/{token}", ALLOW_NONE, ROUTE_ANY_BODY, offers_press,
     "accepts or rejects the offer that a mail told of"},
};
const size_t offer_routes_n = COUNT(offer_routes);
