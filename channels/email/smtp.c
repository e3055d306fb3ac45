/* smtp.c - libesmtp, with what it leaves open closed.
 *
 * Whether a mail was sent is judged by the transfer's 250 and each recipient's code alone: a
 * session that "succeeds" may never have got a greeting. Code 0 means that nobody answered: again,
 * with the same Message-ID, so a server that did take it can fold the second one.
 */
#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/own.h>

#include "bounce_words.h"

enum {
    GREETING_MS = 30 * 1000,
    ENVELOPE_MS = 60 * 1000,
    DATA_MS = 60 * 1000,
    FINAL_MS = 180 * 1000
};

/* While the session runs. */
struct session {
    const struct smtp_job *job;
    bool tls_refused;
    size_t accepted, refused, later; /* recipients */
    smtp_status_t worst;             /* of a recipient: a lasting refusal before a passing one */
    char worst_text[300];
};

static int answer_auth(auth_client_request_t request, char **result, int fields, void *arg) {
    const struct smtp_job *job = arg;
    for (int i = 0; i < fields; i++) {
        result[i] = NULL;
        if (request[i].flags & AUTH_PASS)
            result[i] = (char *)(uintptr_t)job->password;
        else if (request[i].flags & AUTH_USER)
            result[i] = (char *)(uintptr_t)job->user;
    }
    return 1;
}

/* A certificate that is wrong ends a session that must be safe. Where TLS is taken as it comes, a
 * wrong certificate is still better than none. */
static void on_event(smtp_session_t handle, int event, void *arg, ...) {
    struct session *s = arg;
    va_list args;
    (void)handle;
    bool weak = event == SMTP_EV_WEAK_CIPHER;
    bool wrong = event == SMTP_EV_INVALID_PEER_CERTIFICATE ||
                 event == SMTP_EV_NO_PEER_CERTIFICATE || event == SMTP_EV_WRONG_PEER_CERTIFICATE;
    if (!weak && !wrong)
        return;
    va_start(args, arg);
    if (weak || event == SMTP_EV_INVALID_PEER_CERTIFICATE)
        (void)va_arg(args, long); /* bits, or what is wrong; the answer's place follows */
    int *ok = va_arg(args, int *);
    va_end(args);
    *ok = s->job->tls != RELAY_TLS_REQUIRED;
    s->tls_refused = s->tls_refused || !*ok;
}

/* TLS 1.2 and no other: after a handshake of 1.3 the server's session tickets make the library read
 * where it should write, and both sides wait until the timeout (seen in every second session). */
static SSL_CTX *tls_context(enum relay_tls how) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_default_verify_paths(ctx);
    SSL_CTX_set_verify(ctx, how == RELAY_TLS_REQUIRED ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return ctx;
}

static void on_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg) {
    struct session *s = arg;
    const smtp_status_t *status = smtp_recipient_status(recipient);
    (void)mailbox;
    if (status->code >= 200 && status->code < 300) {
        s->accepted++;
        return;
    }
    bool lasting = status->code >= 500;
    s->refused += lasting;
    s->later += !lasting;
    if (s->worst.code && (s->worst.code >= 500 || !lasting))
        return;
    s->worst = *status;
    snprintf(s->worst_text, sizeof s->worst_text, "%s", status->text ? status->text : "");
}

/* Refused for who we are, not for what we send: the operator will mend it. */
static bool is_login(int code) {
    return code == 530 || code == 534 || code == 535 || code == 538;
}

static void result_set(struct smtp_result *out, const smtp_status_t *status, const char *text) {
    struct str told = bounce_status(str_c(text)); /* where the server did not announce such codes */
    out->code = status->code;
    if (status->enh_class > 0)
        snprintf(out->status, sizeof out->status, "%d.%d.%d", status->enh_class,
                 status->enh_subject, status->enh_detail);
    else if (told.n && told.p == text)
        snprintf(out->status, sizeof out->status, "%.*s", STR_ARG(told));
    snprintf(out->diagnostic, sizeof out->diagnostic, "%d %s", status->code, text ? text : "");
    out->state = status->code >= 500 && !is_login(status->code) ? TL_SENT_NEVER : TL_SENT_RETRY;
}

/* Where nothing was transferred: the recipients' codes, else the sender's, else no answer at all.
 */
static void judge_failure(struct session *s, smtp_message_t message, struct smtp_result *out) {
    const smtp_status_t *transfer = smtp_message_transfer_status(message);
    const smtp_status_t *sender = smtp_reverse_path_status(message);
    if (s->worst.code >= 400 && !s->accepted) { /* DATA's 503 is only what follows from it */
        result_set(out, &s->worst, s->worst_text);
        if (s->later)
            out->state = TL_SENT_RETRY;
    } else if (transfer->code >= 400) {
        result_set(out, transfer, transfer->text);
    } else if (sender->code >= 400) {
        result_set(out, sender, sender->text);
    } else {
        char text[200] = "";
        smtp_strerror(smtp_errno(), text, sizeof text);
        snprintf(out->diagnostic, sizeof out->diagnostic, "no answer from %s: %s", s->job->server,
                 s->tls_refused ? "its certificate is not accepted" : text);
    }
}

static void judge(struct session *s, smtp_message_t message, struct smtp_result *out) {
    const smtp_status_t *transfer = smtp_message_transfer_status(message);
    smtp_enumerate_recipients(message, on_recipient, s);
    if (transfer->code != 250 || !s->accepted) {
        judge_failure(s, message, out);
        return;
    }
    result_set(out, transfer, transfer->text);
    out->state = TL_SENT;
    if (s->worst.code)
        snprintf(out->diagnostic, sizeof out->diagnostic, "%zu of %zu recipients refused: %d %s",
                 s->refused + s->later, s->job->recipients_n, s->worst.code, s->worst_text);
}

static void timeouts(smtp_session_t handle) {
    static const struct {
        int which;
        long ms;
    } limits[] = {{Timeout_GREETING, GREETING_MS},
                  {Timeout_ENVELOPE, ENVELOPE_MS},
                  {Timeout_DATA, DATA_MS},
                  {Timeout_TRANSFER, DATA_MS},
                  {Timeout_DATA2, FINAL_MS}};
    for (size_t i = 0; i < COUNT(limits); i++)
        smtp_set_timeout(handle, limits[i].which | Timeout_OVERRIDE_RFC2822_MINIMUM, limits[i].ms);
}

/* Envelope and content. NULL: out of memory, or not to libesmtp's taste. */
static smtp_message_t message_new(smtp_session_t handle, const struct smtp_job *job) {
    smtp_message_t message = smtp_add_message(handle);
    if (!message || !smtp_set_reverse_path(message, job->sender))
        return NULL;
    for (size_t i = 0; i < job->recipients_n; i++)
        if (!smtp_add_recipient(message, job->recipients[i]))
            return NULL;
    smtp_set_message_str(message, (void *)(uintptr_t)job->mail.p);
    return message;
}

static auth_context_t auth_new(const struct smtp_job *job) {
    auth_context_t auth = job->user ? auth_create_context() : NULL;
    if (!auth)
        return NULL;
    auth_set_mechanism_flags(auth, AUTH_PLUGIN_PLAIN, 0);
    auth_set_interact_cb(auth, answer_auth, (void *)(uintptr_t)job);
    return auth;
}

void smtp_send(const struct smtp_job *job, struct smtp_result *out) {
    static bool begun; /* one thread, and the library wants it once a process */
    struct session s = {.job = job};
    *out = (struct smtp_result){.state = TL_SENT_RETRY};
    if (!begun)
        auth_client_init();
    begun = true;
    smtp_session_t handle = smtp_create_session();
    SSL_CTX *tls = job->tls == RELAY_TLS_NONE ? NULL : tls_context(job->tls);
    auth_context_t auth = auth_new(job);
    smtp_message_t message = handle ? message_new(handle, job) : NULL;
    bool ready = message && smtp_set_server(handle, job->server) &&
                 (tls || job->tls == RELAY_TLS_NONE) && (auth || !job->user);
    if (ready && tls) {
        smtp_starttls_set_ctx(handle, tls);
        smtp_starttls_enable(handle,
                             job->tls == RELAY_TLS_REQUIRED ? Starttls_REQUIRED : Starttls_ENABLED);
    }
    if (ready) {
        timeouts(handle);
        smtp_set_eventcb(handle, on_event, &s);
        if (auth)
            smtp_auth_set_context(handle, auth);
        (void)!smtp_start_session(handle); /* says nothing: see the head of this file */
        judge(&s, message, out);
    } else {
        snprintf(out->diagnostic, sizeof out->diagnostic, "the session could not be set up");
    }
    if (handle)
        smtp_destroy_session(handle);
    if (auth)
        auth_destroy_context(auth);
    SSL_CTX_free(tls);
}
