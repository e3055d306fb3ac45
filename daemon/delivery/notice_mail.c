/* delivery/notice_mail.c - one attempt by mail: who wrote is asked of the store, then plain text
 * with two links goes to the relay of the mailbox that `notices` names.
 *
 * What comes from outside (subject, name) is one line in it each. The links act only by the button
 * on the page that they show, since scanners of mail follow links.
 */
#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

#include "base/clock.h"
#include "delivery/notices_priv.h"
#include "store/read.h"

enum { TEXT_MAX = 16 * 1024, LINE_MAX_BYTES = 300, LINK_MAX = 4096 };

static const struct words {
    const char *offer, *intro, *subject, *from, *queue, *channel, *until, *accept, *reject, *outro;
} words[] = {
    {"Offer", "A task is offered to you.", "Subject", "From", "Queue", "Channel", "Until", "Accept",
     "Reject", "Each link opens a page with one button; nothing happens before it is pressed."},
    {"Angebot", "Eine Aufgabe wird Ihnen angeboten.", "Betreff", "Von", "Warteschlange", "Kanal",
     "Bis", "Annehmen", "Ablehnen",
     "Jeder Link öffnet eine Seite mit einem Knopf; erst der Knopf bewirkt etwas."},
};

struct mail {
    struct notice_attempt *a;
    const struct agent_config *to;
    const struct words *words;
    json_t *task;
    struct str from;
    int64_t until_ms;
};

static struct str one_line(struct arena *a, struct str s) {
    cleanup(buf_clear) struct buf mended, line;
    buf_init(&mended, 4 * LINE_MAX_BYTES);
    buf_init(&line, 9 * LINE_MAX_BYTES);
    if (!utf8_mend(&mended, utf8_upto(s, LINE_MAX_BYTES)) ||
        !utf8_one_line(&line, buf_str(&mended)))
        return STR_NONE;
    return arena_str(a, str_trim(buf_str(&line)));
}

/* Name and address of whoever wrote, as far as they are known. */
static struct str person(struct arena *a, const json_t *from) {
    struct str name = one_line(a, jget_str(from, "name"));
    struct str address = jget_str(from, "email");
    if (!address.n)
        address = jget_str(from, "phone");
    if (!address.n)
        address = jget_str(json_object_get(from, "social"), "handle");
    address = one_line(a, address);
    if (name.n && address.n)
        return arena_strf(a, "%.*s <%.*s>", STR_ARG(name), STR_ARG(address));
    return name.n ? name : address;
}

static struct str queue_name(const struct notices *n, struct str id) {
    const struct queue_config *all = n->setup.queues->items;
    for (size_t i = 0; i < n->setup.queues->n; i++)
        if (str_eq(all[i].id, id))
            return all[i].name;
    return id;
}

/* ---- writing ---- */

static bool put(struct buf *out, const char *label, struct str value) {
    return !value.n ||
           (buf_addf(out, "%s: ", label) && buf_add(out, value) && buf_add_byte(out, '\n'));
}

static bool put_link(struct buf *out, const struct mail *m, bool accept) {
    const struct notices *n = m->a->n;
    struct str base = n->setup.config->base;
    const struct offer_link link = {.agent = m->a->notice.agent,
                                    .task = m->a->notice.task,
                                    .offer = m->a->notice.offer,
                                    .accept = accept,
                                    .expires_s =
                                        (clock_wall_ms() + n->setup.config->link_valid_ms) / 1000};
    while (str_ends(base, str_c("/")))
        base.n--;
    return buf_addf(out, "%s:\n", accept ? m->words->accept : m->words->reject) &&
           buf_add(out, base) && buf_add_c(out, "/v1/offers/") &&
           offer_link_write(&n->key, &link, out) && buf_add_c(out, "\n\n");
}

static bool put_text(struct buf *out, const struct mail *m, struct str subject) {
    char until[DATE_RFC3339_MAX];
    struct arena *a = &m->a->arena;
    date_format(m->until_ms, until);
    return buf_addf(out, "%s\n\n", m->words->intro) && put(out, m->words->subject, subject) &&
           put(out, m->words->from, m->from) &&
           put(out, m->words->queue, queue_name(m->a->n, jget_str(m->task, "queue"))) &&
           put(out, m->words->channel, jget_str(m->task, "channel")) &&
           put(out, m->words->until,
               arena_strf(a, "%.10s %.5s UTC", until, until + sizeof "2026-11-23T" - 1)) &&
           buf_add_byte(out, '\n') && put_link(out, m, true) && put_link(out, m, false) &&
           buf_addf(out, "%s\n", m->words->outro);
}

/* The touchpoint that the channel's sender writes a mail of. */
static bool write_mail(struct buf *out, const struct mail *m) {
    cleanup(buf_clear) struct buf text;
    struct jwrite w;
    struct arena *a = &m->a->arena;
    struct str subject = one_line(a, jget_str(m->task, "subject"));
    struct str title = subject.n ? subject : queue_name(m->a->n, jget_str(m->task, "queue"));
    buf_init(&text, TEXT_MAX + 2 * LINK_MAX);
    if (!put_text(&text, m, subject))
        return false;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "to", '[');
    jwrite_open(&w, NULL, '{');
    jwrite_str(&w, "name", m->to->name);
    jwrite_str(&w, "email", m->to->email);
    jwrite_close(&w, '}');
    jwrite_close(&w, ']');
    jwrite_str(&w, "subject", arena_strf(a, "%s: %.*s", m->words->offer, STR_ARG(title)));
    jwrite_str(&w, "text", buf_str(&text));
    jwrite_c(&w, "auto", "notification");
    jwrite_close(&w, '}');
    return w.ok;
}

/* ---- the way ---- */

static void on_sent(void *arg, const struct tl_sent_result *r) {
    enum notice_end how = r->state == TL_SENT         ? NOTICE_SENT
                          : r->state == TL_SENT_RETRY ? NOTICE_RETRY
                                                      : NOTICE_NEVER;
    notice_attempt_end(arg, how, r->diagnostic, r->retry_after_ms);
}

static void send_mail(struct notice_attempt *a, const struct mail *m) {
    cleanup(buf_clear) struct buf json;
    struct str name, address;
    struct str source = arena_strf(&a->arena, "email:%.*s", STR_ARG(a->n->setup.config->mailbox));
    buf_init(&json, NOTICE_JSON_MAX);
    if (!a->n->sender.who(a->n->sender.ctx, source, &name, &address)) {
        notice_attempt_end(a, NOTICE_RETRY, str_c("the mailbox has no relay now"), 0);
    } else if (!write_mail(&json, m)) {
        notice_attempt_end(a, NOTICE_NEVER, str_c("it cannot be written"), 0);
    } else {
        const struct tl_outbound what = {.size = sizeof what,
                                         .id = a->id,
                                         .source = source,
                                         .touchpoint = arena_str(&a->arena, buf_str(&json)),
                                         .attempt = (uint32_t)a->notice.tries};
        a->n->sender.send(a->n->sender.ctx, &what, on_sent, a);
    }
}

/* from: who wrote, or NULL where that is not known. */
static void go(struct notice_attempt *a, const json_t *from) {
    struct mail m = {.a = a, .words = &words[a->n->closed ? 0 : a->n->setup.german]};
    cleanup(json_freep) json_t *task = NULL;
    m.to = a->n->closed ? NULL : notice_agent(a->n, a->notice.agent);
    if (!m.to || !jread_parse(a->notice.json, NOTICE_JSON_MAX, &task, NULL)) {
        notice_attempt_end(a, m.to ? NOTICE_NEVER : NOTICE_SKIPPED, str_c("nobody is told"), 0);
        return;
    }
    m.task = task;
    m.from = person(&a->arena, from);
    if (!date_parse(jget_str(json_object_get(task, "offer"), "expires_at"), &m.until_ms))
        m.until_ms = clock_wall_ms();
    send_mail(a, &m);
}

static void on_touchpoint(void *arg, const struct answer *answer) {
    cleanup(json_freep) json_t *tp = NULL;
    if (answer->kind == ANSWER_OK && !jread_parse(answer->json, answer->json.n, &tp, NULL))
        tp = NULL;
    go(arg, json_object_get(tp, "from"));
}

void notice_mail(struct notice_attempt *a, const struct agent_config *to) {
    cleanup(json_freep) json_t *task = NULL;
    (void)to; /* looked up again when the answer is there */
    struct str touchpoint = STR_NONE;
    if (jread_parse(a->notice.json, NOTICE_JSON_MAX, &task, NULL))
        touchpoint = jget_str(task, "touchpoint");
    if (touchpoint.n)
        store_get_touchpoint(a->n->store, touchpoint, on_touchpoint, a);
    else
        go(a, NULL);
}
