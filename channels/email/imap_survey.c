/* imap_survey.c - connect, ledger, windows of UIDs, the mails nobody has a place for. */
#include "imap_survey.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>
#include <touchline/touchpoint.h>

#include "imap_box.h"
#include "mail_id.h"

enum { PLACE_MAX = 40, PLACES_MAX = 5000000, BUSY_MS = 1000 };

struct survey {
    struct link link;
    struct imap_box *box;
    struct tl_operation *op; /* NULL: has ended */
    bool backfill, waiting;  /* for an answer of the host, which holds us */
    int64_t since_ms;
    uint32_t from, marked_validity; /* of the mark */
    struct imap_session *session;
    struct oauth_ask *ask;
    struct buf token;
    struct tl_timer *timer;
    uint32_t validity;
    struct imap_uids places; /* of this validity, ascending */
    struct imap_scan scan;
    struct imap_uids without; /* of one window: those without a place */
    struct imap_pull *pull;
    struct imap_mail mail;
    char id[SHA256_HEX + 1];
    uint64_t server, kept, missing, taken, known;
};

static const struct tl_host *host_of(const struct survey *s) {
    return s->box->email->host;
}

static void survey_free(struct survey *s) {
    imap_uids_clear(&s->places);
    imap_uids_clear(&s->without);
    buf_clear(&s->token);
    free(s);
}

/* Lets go of all but what an answer under way still needs. */
static void survey_close(struct survey *s, bool stopped) {
    link_remove(&s->link);
    host_of(s)->timer_free(steal(&s->timer));
    oauth_forget(steal(&s->ask));
    imap_session_close(steal(&s->session));
    imap_pull_free(steal(&s->pull));
    imap_scan_clear(&s->scan);
    s->op = NULL;
    if (stopped || !s->waiting)
        survey_free(s);
}

static void survey_end(struct survey *s, bool ok, struct str reason) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_int(&w, "server", (int64_t)s->server);
    jwrite_int(&w, "kept", (int64_t)s->kept);
    jwrite_int(&w, "missing", (int64_t)s->missing);
    if (s->backfill) {
        jwrite_int(&w, "taken", (int64_t)s->taken);
        jwrite_int(&w, "known", (int64_t)s->known);
    }
    jwrite_close(&w, '}');
    if (s->op)
        host_of(s)->operation_end(s->op, ok, ok ? buf_str(&b) : reason);
    survey_close(s, false);
}

static void failed(struct survey *s, const char *what, struct str why) {
    char text[300];
    int n = snprintf(text, sizeof text, "%s: %.*s", what, STR_ARG(str_upto(why, 200)));
    for (int i = 0; i < n && i < (int)sizeof text - 1; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
            text[i] = '?';
    survey_end(s, false, str_c(text));
}

/* An answer of the host has come. false: nobody waits for it any more. */
static bool answered(struct survey *s) {
    s->waiting = false;
    if (!s->op)
        survey_free(s);
    else
        return true;
    return false;
}

static void item(struct survey *s, uint32_t uid, struct str reason) {
    cleanup(buf_clear) struct buf b;
    struct jwrite w;
    char place[PLACE_MAX], clean[200];
    size_t n = 0;
    for (; n < reason.n && n < sizeof clean - 1; n++)
        clean[n] = (unsigned char)reason.p[n] >= 0x20 && (unsigned char)reason.p[n] < 0x7f
                       ? reason.p[n]
                       : '?';
    snprintf(place, sizeof place, "%u/%010u", s->validity, uid);
    buf_init(&b, 4096);
    jwrite_init(&w, &b);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "place", place);
    jwrite_c(&w, "id", NULL);
    jwrite_str(&w, "reason", str_make(clean, n));
    jwrite_close(&w, '}');
    s->missing++;
    if (w.ok)
        host_of(s)->operation_item(s->op, buf_str(&b));
}

/* ---- the mails without a place ---- */

/* Up to this UID all is done. false: the operator has gone, and so has the survey. */
static bool progress(struct survey *s, uint32_t uid) {
    char mark[PLACE_MAX];
    snprintf(mark, sizeof mark, "%u/%u", s->validity, uid);
    if (host_of(s)->operation_progress(s->op, s->kept + s->missing + s->taken + s->known,
                                       imap_session_facts(s->session)->exists,
                                       s->backfill ? str_c(mark) : STR_NONE))
        return true;
    survey_end(s, false, str_c("ended by the operator"));
    return false;
}

static void mail_done(struct survey *s) {
    if (s->pull && progress(s, s->mail.uid))
        imap_pull_next(s->pull);
}

/* Why nobody has it: what the box knows of it. */
static const char *why_missing(const struct survey *s) {
    const struct imap_cursor *c = &s->box->cursor;
    if (c->born_ms && s->mail.arrived_ms > 0 && s->mail.arrived_ms < c->born_ms)
        return "older than `since`; backfill takes it in";
    if (c->validity != s->validity || s->mail.uid > c->last)
        return "not fetched yet";
    return "was passed over; backfill takes it in";
}

static void on_known(void *arg, const bool *known, size_t n) {
    struct survey *s = arg;
    if (!answered(s))
        return;
    if (!known || !n) {
        survey_end(s, false, str_c("the daemon cannot say now what it knows"));
        return;
    }
    if (known[0])
        s->kept++;
    else
        item(s, s->mail.uid, str_c(why_missing(s)));
    mail_done(s);
}

static void take_in(void *arg);

static void on_taken(void *arg, const struct tl_outcome *o) {
    struct survey *s = arg;
    if (!answered(s))
        return;
    switch (o->status) {
    case TL_BUSY:
    case TL_FAILED:
        s->timer = host_of(s)->timer(s->box->email->ch, BUSY_MS, false, take_in, s);
        return;
    case TL_APPLIED:
    case TL_KEPT:
        s->taken++;
        break;
    case TL_DUPLICATE:
    case TL_MISMATCH:
        s->known++;
        break;
    case TL_REFUSED:
        item(s, s->mail.uid, o->reason);
        break;
    }
    mail_done(s);
}

static void take_in(void *arg) {
    struct survey *s = arg;
    cleanup(buf_clear) struct buf meta;
    char place[PLACE_MAX];
    host_of(s)->timer_free(steal(&s->timer));
    snprintf(place, sizeof place, "%u/%010u", s->validity, s->mail.uid);
    const struct tl_entry entry = {
        .size = sizeof entry,
        .source = s->box->source,
        .source_id = str_c(s->id),
        .format = STR("mime"),
        .meta = box_meta(s->box, &s->mail, &meta),
        .body = s->mail.bytes,
        .place = str_c(place),
    };
    s->waiting = true;
    host_of(s)->submit(s->box->email->ch, &entry, on_taken, s);
}

static void on_mail(void *arg, const struct imap_mail *m) {
    struct survey *s = arg;
    s->mail = *m;
    switch (m->state) {
    case IMAP_MAIL_GONE:
        s->server--;
        mail_done(s);
        return;
    case IMAP_MAIL_REFUSED:
        item(s, m->uid, m->reason);
        mail_done(s);
        return;
    case IMAP_MAIL_HERE:
        break;
    }
    mail_id(m->bytes, s->id);
    if (s->backfill) {
        take_in(s);
        return;
    }
    const struct str id = str_c(s->id);
    s->waiting = true;
    host_of(s)->known(s->box->email->ch, s->box->source, &id, 1, on_known, s);
}

static void on_pull_end(void *arg, bool ok, struct str reason) {
    struct survey *s = arg;
    imap_pull_free(steal(&s->pull));
    if (ok)
        imap_scan_next(&s->scan);
    else
        failed(s, "mails cannot be fetched", reason);
}

/* ---- windows ---- */

static bool has_place(const struct survey *s, uint32_t uid) {
    size_t low = 0, high = s->places.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->places.items[middle] < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->places.n && s->places.items[low] == uid;
}

static void on_scanned(void *arg, bool ok, const uint32_t *uids, size_t n, struct str reason) {
    static const struct imap_pull_events events = {.mail = on_mail, .end = on_pull_end};
    const struct imap_pull_options options = {.max_bytes = ((struct survey *)arg)->box->mail_max};
    struct survey *s = arg;
    if (!ok) {
        failed(s, "mails cannot be listed", reason);
        return;
    }
    if (!n) {
        survey_end(s, true, STR_NONE);
        return;
    }
    s->server += n;
    s->without.n = 0;
    for (size_t i = 0; i < n; i++)
        if (has_place(s, uids[i]))
            s->kept++;
        else
            (void)!imap_uids_add(&s->without, uids[i], IMAP_SCAN_MAX);
    if (!s->without.n && !progress(s, uids[n - 1]))
        return;
    s->pull = imap_pull_new(s->session, s->without.items, s->without.n, &options, &events, s);
    imap_pull_next(s->pull);
}

/* ---- the ledger ---- */

static void ask_ledger(struct survey *s, struct str after);

/* "17/0000004711": our validity's part comes in one piece. true: there may be more of it. */
static bool places_read(struct survey *s, const struct tl_place *places, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct str uid = places[i].place, validity = str_cut(&uid, '/');
        char own[16], number[16];
        snprintf(own, sizeof own, "%u", s->validity);
        if (!str_is(validity, own))
            return false;
        snprintf(number, sizeof number, "%.*s", STR_ARG(str_upto(uid, 10)));
        if (!imap_uids_add(&s->places, (uint32_t)strtoul(number, NULL, 10), PLACES_MAX))
            return false;
    }
    return n > 0;
}

static void on_places(void *arg, const struct tl_place *places, size_t n) {
    struct survey *s = arg;
    if (!answered(s))
        return;
    if (!places) {
        survey_end(s, false, str_c("the ledger cannot be read now"));
    } else if (places_read(s, places, n)) {
        ask_ledger(s, places[n - 1].place);
    } else {
        imap_uids_sort(&s->places);
        imap_scan_begin(&s->scan, s->session, s->marked_validity == s->validity ? s->from : 1,
                        s->since_ms, on_scanned, s);
        imap_scan_next(&s->scan);
    }
}

static void ask_ledger(struct survey *s, struct str after) {
    s->waiting = true;
    host_of(s)->ledger(s->box->email->ch, s->box->source, after, on_places, s);
}

/* ---- connection ---- */

static void on_entered(void *arg, enum imap_result result, const struct imap_response *end) {
    struct survey *s = arg;
    char first[PLACE_MAX];
    s->validity = imap_session_facts(s->session)->validity;
    if (result != IMAP_OK || !s->validity) {
        failed(s, "the folder cannot be opened", end->text);
        return;
    }
    snprintf(first, sizeof first, "%u/", s->validity);
    ask_ledger(s, str_c(first));
}

static void on_up(void *arg) {
    struct survey *s = arg;
    imap_session_enter(s->session, false, on_entered, s);
}

static void on_news(void *arg) {
    (void)arg;
}

static void on_down(void *arg, bool denied, struct str why) {
    struct survey *s = arg;
    (void)denied;
    s->session = NULL;
    failed(s, "not connected", why);
}

static void connect_now(struct survey *s) {
    static const struct imap_session_events events = {
        .up = on_up, .news = on_news, .down = on_down};
    struct imap_box *b = s->box;
    s->session = imap_session_open(b->email, &b->config, buf_str(&s->token), b->mail_max + 65536,
                                   &events, s);
    if (!s->session)
        survey_end(s, false, str_c("no more connections can be opened"));
}

static void on_token(void *arg, bool ok, struct str text, int64_t lives_ms) {
    struct survey *s = arg;
    (void)lives_ms;
    s->ask = NULL;
    if (ok && buf_add(&s->token, text))
        connect_now(s);
    else
        failed(s, "no token to log in with", text);
}

void imap_survey_begin(struct link *list, struct imap_box *box, struct tl_operation *op,
                       const struct tl_operate *what, bool backfill) {
    const struct imap_config *c = &box->config;
    struct survey *s = NEW(struct survey);
    struct str uid = what->mark, validity = str_cut(&uid, '/');
    char text[24];
    s->box = box;
    s->op = op;
    s->backfill = backfill;
    s->since_ms = what->since_ms;
    buf_init(&s->token, OAUTH_TEXT_MAX);
    if (uid.n && backfill) {
        snprintf(text, sizeof text, "%.*s", STR_ARG(str_upto(validity, 10)));
        s->marked_validity = (uint32_t)strtoul(text, NULL, 10);
        snprintf(text, sizeof text, "%.*s", STR_ARG(str_upto(uid, 10)));
        s->from = (uint32_t)strtoul(text, NULL, 10) + 1;
    }
    list_push(list, &s->link);
    if (c->oauth.command.n || c->oauth.file.n)
        s->ask = oauth_ask(box->email, c->oauth.command, c->oauth.file, on_token, s);
    else
        connect_now(s);
}

void imap_surveys_end(struct link *list, const struct imap_box *box, const char *why) {
    list_each (l, list) {
        struct survey *s = container_of(l, struct survey, link);
        if (box && s->box != box)
            continue;
        if (why)
            survey_end(s, false, str_c(why));
        else
            survey_close(s, true);
    }
}
