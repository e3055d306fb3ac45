/* send.c - a reply on its way out: the job is put together in the daemon, done in a child.
 *
 *   email_send ──payload──► email_work: mail_write, smtp_send ──answer──► on_worked ──► sent()
 *   (loop)                  (child)                                     (loop)
 *
 * A child that dies or overruns its deadline may have sent the mail: again, with the same id.
 */
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>
#include <touchline/touchpoint.h>

#include "email.h"
#include "mail_write.h"
#include "smtp.h"

enum { PAYLOAD_MAX = 64 * 1024 * 1024, DEADLINE_MS = 5 * 60 * 1000 };

/* ---- in the daemon ---- */

/* Lives until the child has answered. */
struct sending {
    const struct tl_host *host;
    struct tl_channel *ch;
    struct tl_job *job;
};

static const char *const tls_words[] = {[RELAY_TLS_NONE] = "none",
                                        [RELAY_TLS_OPPORTUNISTIC] = "opportunistic",
                                        [RELAY_TLS_REQUIRED] = "required"};

static bool payload_write(struct buf *out, const struct email *e, const struct mailbox_sender *from,
                          const struct tl_outbound *what) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "relay", '{');
    jwrite_str(&w, "address", e->config->relay.address);
    jwrite_c(&w, "tls", tls_words[e->config->relay.tls]);
    jwrite_str(&w, "user", e->config->relay.user);
    jwrite_str(&w, "password", e->config->relay.password);
    jwrite_close(&w, '}');
    jwrite_open(&w, "from", '{');
    jwrite_str(&w, "name", from->name);
    jwrite_str(&w, "email", from->email);
    jwrite_close(&w, '}');
    jwrite_str(&w, "id", what->id);
    jwrite_raw(&w, "touchpoint", what->touchpoint);
    jwrite_raw(&w, "answered", what->reply_to);
    jwrite_close(&w, '}');
    return w.ok;
}

static void finish(const struct email *e, struct tl_job *take_job, enum tl_sent state,
                   const char *why) {
    const struct tl_sent_result result = {
        .size = sizeof result, .state = state, .diagnostic = str_c(why)};
    e->host->count(e->ch, "sent", state == TL_SENT_NEVER ? "failed" : "retry", 1);
    e->host->sent(take_job, &result);
}

static enum tl_sent state_of(struct str word) {
    return str_is(word, "sent") ? TL_SENT : str_is(word, "never") ? TL_SENT_NEVER : TL_SENT_RETRY;
}

static void on_worked(void *arg, bool ok, struct str answer_or_reason) {
    struct sending *s = arg;
    json_t *answer = NULL;
    struct tl_sent_result result = {
        .size = sizeof result, .state = TL_SENT_RETRY, .diagnostic = answer_or_reason};
    if (ok && jread_parse(answer_or_reason, 64 * 1024, &answer, NULL)) {
        result.state = state_of(jget_str(answer, "state"));
        result.code = jget_str(answer, "code");
        result.status = jget_str(answer, "status");
        result.diagnostic = jget_str(answer, "diagnostic");
    }
    s->host->count(s->ch, "sent",
                   result.state == TL_SENT         ? "sent"
                   : result.state == TL_SENT_NEVER ? "failed"
                                                   : "retry",
                   1);
    s->host->sent(s->job, &result);
    json_decref(answer);
    free(s);
}

void email_send(void *instance, struct tl_job *job, const struct tl_outbound *what) {
    const struct email *e = instance;
    cleanup(buf_clear) struct buf payload;
    ptrdiff_t mailbox = mailbox_of_source(e->config, what->source);
    buf_init(&payload, PAYLOAD_MAX);
    if (mailbox < 0 || !e->config->relay.address.n) {
        finish(e, job, TL_SENT_NEVER,
               mailbox < 0 ? "there is no such mailbox any more" : "no relay is configured");
    } else if (!payload_write(&payload, e, &e->senders[mailbox], what)) {
        finish(e, job, TL_SENT_NEVER, "the mail is too large");
    } else {
        struct sending *s = NEW(struct sending);
        *s = (struct sending){.host = e->host, .ch = e->ch, .job = job};
        e->host->work(e->ch, str_c("send"), buf_str(&payload), DEADLINE_MS, on_worked, s);
    }
}

/* ---- in the child ---- */

static void answer(const struct tl_emit *out, const struct smtp_result *r) {
    cleanup(buf_clear) struct buf json;
    struct jwrite w;
    buf_init(&json, 8192);
    jwrite_init(&w, &json);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "state",
             r->state == TL_SENT         ? "sent"
             : r->state == TL_SENT_NEVER ? "never"
                                         : "retry");
    if (r->code) {
        char code[16];
        snprintf(code, sizeof code, "%d", r->code);
        jwrite_c(&w, "code", code);
    }
    if (r->status[0])
        jwrite_c(&w, "status", r->status);
    jwrite_c(&w, "diagnostic", r->diagnostic);
    jwrite_close(&w, '}');
    out->answer(out->ctx, buf_str(&json));
}

static void job_read(struct arena *a, const json_t *payload, struct smtp_job *job) {
    const json_t *relay = json_object_get(payload, "relay");
    struct str tls = jget_str(relay, "tls"), user = jget_str(relay, "user");
    job->server = arena_str(a, jget_str(relay, "address")).p;
    job->tls = RELAY_TLS_REQUIRED;
    for (size_t i = 0; i < COUNT(tls_words); i++)
        if (str_is(tls, tls_words[i]))
            job->tls = (enum relay_tls)i;
    job->user = user.n ? arena_str(a, user).p : NULL;
    job->password = user.n ? arena_str(a, jget_str(relay, "password")).p : NULL;
}

static void work_send(struct arena *a, const json_t *payload, struct smtp_result *result) {
    const json_t *from = json_object_get(payload, "from");
    struct mail_out mail = {.recipients_n = 0};
    struct smtp_job job = {0};
    struct fault f = {0};
    buf_init(&mail.text, MAIL_MAX_BYTES);
    *result = (struct smtp_result){.state = TL_SENT_NEVER};
    if (mail_write(a, json_object_get(payload, "touchpoint"), json_object_get(payload, "answered"),
                   jget_str(payload, "id"), jget_str(from, "name"), jget_str(from, "email"), &mail,
                   &f)) {
        job_read(a, payload, &job);
        job.sender = mail.sender;
        job.recipients = mail.recipients;
        job.recipients_n = mail.recipients_n;
        job.mail = buf_str(&mail.text);
        smtp_send(&job, result);
    } else {
        result->state = f.kind == FAULT_SYSTEM ? TL_SENT_RETRY : TL_SENT_NEVER;
        snprintf(result->diagnostic, sizeof result->diagnostic, "%.60s: %.300s", f.place, f.reason);
    }
    buf_clear(&mail.text);
}

bool email_work_send(struct str kind, struct str payload, const struct tl_emit *out) {
    json_t *job = NULL;
    struct smtp_result result;
    struct arena a;
    if (!str_is(kind, "send") || !jread_parse(payload, PAYLOAD_MAX, &job, NULL)) {
        out->bad(out->ctx, kind, "not a job of this channel");
        return false;
    }
    arena_init(&a);
    work_send(&a, job, &result);
    arena_clear(&a);
    json_decref(job);
    answer(out, &result);
    return true;
}
