/* bounce.c - reports: the machine's part first, else the words that a server wrote for people. */
#include "bounce.h"

#include <stdlib.h>

#include "address.h"
#include "bounce_reason.h"
#include "bounce_words.h"
#include "thread.h"

enum { DIAGNOSTIC_MAX = 500 };

/* "rfc822; jana@example.org" without its type and brackets. */
static struct str typed_value(struct arena *a, struct str value) {
    struct str flat = header_unfold(a, value), rest = flat;
    struct str type = str_cut(&rest, ';');
    struct str bare = str_trim(rest.p ? rest : type);
    if (bare.n > 1 && bare.p[0] == '<' && bare.p[bare.n - 1] == '>')
        bare = str_make(bare.p + 1, bare.n - 2);
    return bare;
}

static enum bounce_action action_of(struct str value) {
    static const struct {
        const char *word;
        enum bounce_action action;
    } words[] = {{"failed", BOUNCE_FAILED},        {"failure", BOUNCE_FAILED},
                 {"delayed", BOUNCE_DELAYED},      {"delivered", BOUNCE_DELIVERED},
                 {"relayed", BOUNCE_DELIVERED},    {"expanded", BOUNCE_DELIVERED},
                 {"deliverable", BOUNCE_DELIVERED}};
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_is_nocase(str_upto(value, strlen(words[i].word)), words[i].word))
            return words[i].action;
    return BOUNCE_FAILED;
}

/* How much a status says: "5.0.0" only its class, "5.1.0" what it is about, "5.1.1" all. */
static int status_worth(struct str status) {
    if (!status.n)
        return 0;
    return str_ends(status, str_c(".0.0")) ? 1 : str_ends(status, str_c(".0")) ? 2 : 3;
}

/* The server's own status, or one of its words that says more; the last of them: what the other
 * server said stands within what this one says. */
static struct str status_best(struct str status, struct str words) {
    struct str best = status;
    while (words.n) {
        struct str found = bounce_status(words);
        if (!found.n)
            break;
        bool fits = !status.n || found.p[0] == status.p[0];
        if (fits && status_worth(found) > status_worth(status) &&
            status_worth(found) >= status_worth(best))
            best = found;
        words = str_from(words, (size_t)(found.p - words.p) + found.n);
    }
    return best;
}

/* Status and code said best, the reason, and whether it is the address's fault. */
static void recipient_finish(struct bounce_recipient *r, struct str context, struct str server,
                             struct str category) {
    r->status = status_best(r->status, r->diagnostic);
    if (!r->code.n)
        r->code = bounce_code(r->diagnostic);
    const struct bounce_facts facts = {.line = r->diagnostic,
                                       .words = context,
                                       .status = r->status,
                                       .code = r->code,
                                       .category = category,
                                       .server = server,
                                       .command = bounce_command(context)};
    if (r->action != BOUNCE_FAILED)
        return;
    r->reason = bounce_reason(&facts);
    r->hard = bounce_reason_is_hard(r->reason, r->status, r->code);
}

struct reading {
    struct arena *a;
    struct bounce *out;
    struct bounce_recipient *now;
    struct str original_recipient, reporter, category;
};

static void recipient_begin(struct reading *r) {
    if (r->out->n == BOUNCE_RECIPIENTS_MAX)
        return;
    r->now = &r->out->items[r->out->n++];
    *r->now = (struct bounce_recipient){.action = BOUNCE_FAILED};
}

static void field_take(struct reading *r, const struct header_field *f) {
    if (str_is_nocase(f->name, "Final-Recipient")) {
        if (!r->now || r->now->recipient.p)
            recipient_begin(r);
        if (r->now && !r->now->recipient.p)
            r->now->recipient = typed_value(r->a, f->value);
        return;
    }
    if (str_is_nocase(f->name, "Original-Recipient")) {
        r->original_recipient = typed_value(r->a, f->value);
        return;
    }
    if (str_is_nocase(f->name, "Reporting-MTA"))
        r->reporter = typed_value(r->a, f->value);
    else if (str_is_nocase(f->name, "X-PowerMTA-BounceCategory"))
        r->category = str_trim(f->value);
    bool of_recipient = str_is_nocase(f->name, "Action") || str_is_nocase(f->name, "Status") ||
                        str_is_nocase(f->name, "Diagnostic-Code");
    if (!of_recipient)
        return;
    if (!r->now)
        recipient_begin(r);
    if (!r->now)
        return;
    if (str_is_nocase(f->name, "Action"))
        r->now->action = action_of(f->value);
    else if (str_is_nocase(f->name, "Status"))
        r->now->status = bounce_status(f->value);
    else
        r->now->diagnostic = str_upto(typed_value(r->a, f->value), DIAGNOSTIC_MAX);
}

/* Groups of fields, an empty line between; the first may be the message's, without a recipient. */
static void delivery_read(struct arena *a, const struct mime *m, const struct bounce_mail *mail,
                          struct bounce *out) {
    struct reading r = {.a = a, .out = out};
    struct str rest = m->report_fields;
    for (size_t groups = 0; rest.n && groups < 200; groups++) {
        struct header_walk w;
        struct header_field f;
        header_begin(&w, rest);
        while (header_next(&w, &f))
            field_take(&r, &f);
        if (w.rest.n == rest.n)
            header_line(&w.rest); /* a line that nothing can be made of */
        rest = w.rest;
        if (r.now && r.now->recipient.p)
            r.now = NULL; /* the next group is another recipient */
    }
    struct str context = bounce_reason_line(m->text);
    struct str server =
        arena_strf(a, "%.*s %.*s", STR_ARG(r.reporter), STR_ARG(str_upto(mail->from, 320)));
    for (size_t i = 0; i < out->n; i++) {
        if (!out->items[i].recipient.n)
            out->items[i].recipient = r.original_recipient;
        if (!out->items[i].diagnostic.n && out->n == 1)
            out->items[i].diagnostic = str_upto(context, DIAGNOSTIC_MAX);
        recipient_finish(&out->items[i], m->text, server, r.category);
    }
}

/* A read receipt (RFC 8098): "Disposition: manual-action/MDN-sent-manually; displayed". */
static void disposition_read(struct arena *a, const struct mime *m, struct bounce *out) {
    struct headers h;
    headers_read(a, m->report_fields, &h);
    struct str modes = headers_get(&h, "Disposition"), kind = STR_NONE;
    str_cut(&modes, ';');
    kind = str_trim(modes.p ? modes : STR_NONE);
    out->n = 1;
    out->items[0] = (struct bounce_recipient){
        .action = str_is_nocase(str_upto(kind, 9), "displayed") ? BOUNCE_READ : BOUNCE_DELIVERED,
        .recipient = typed_value(a, headers_get(&h, "Final-Recipient"))};
    struct thread_ids ids = {.n = 0};
    thread_ids_add(a, &ids, headers_get(&h, "Original-Message-ID"));
    if (ids.n)
        out->original_id = ids.items[0];
}

/* The first address in the words, brackets first. */
static struct str address_in(struct arena *a, struct str text) {
    text = str_upto(text, 8192);
    for (int bare = 0; bare < 2; bare++) {
        struct str rest = text;
        while (rest.n) {
            ptrdiff_t at = str_find(rest, '@');
            if (at < 0)
                break;
            size_t from = (size_t)at, to = (size_t)at;
            while (from && (unsigned char)rest.p[from - 1] > 32 &&
                   !strchr("<>\"'()[]:;,=", rest.p[from - 1]))
                from--;
            while (to < rest.n && (unsigned char)rest.p[to] > 32 &&
                   !strchr("<>\"'()[]:;,=", rest.p[to]))
                to++;
            bool bracket = from && rest.p[from - 1] == '<';
            struct str found = str_make(rest.p + from, to - from);
            while (found.n && found.p[found.n - 1] == '.')
                found.n--;
            if ((bracket || bare) && address_valid(found))
                return arena_str(a, found);
            rest = str_from(rest, to > (size_t)at ? to : (size_t)at + 1);
        }
    }
    return STR_NONE;
}

/* Where the mail that came back begins, in the text itself. */
static struct str before_original(struct str text) {
    static const char *const heads[] = {
        "\nReceived: ", "\nReturn-Path: ", "\nMessage-Id: ", "\nMessage-ID: "};
    for (size_t i = 0; i < COUNT(heads); i++) {
        const char *at = memmem(text.p, text.n, heads[i], strlen(heads[i]));
        if (at)
            text.n = (size_t)(at - text.p);
    }
    return text;
}

static void words_read(struct arena *a, const struct mime *m, const struct bounce_mail *mail,
                       struct bounce *out) {
    struct str words = before_original(m->text);
    struct str reason = bounce_reason_line(words);
    if (!reason.n && !bounce_subject(mail->subject) && !mail->failed.n)
        return;
    if (!reason.n)
        reason = mail->subject;
    struct bounce_recipient *r = &out->items[0];
    out->n = 1;
    *r = (struct bounce_recipient){.action = BOUNCE_FAILED,
                                   .recipient = address_in(a, mail->failed),
                                   .diagnostic = str_upto(reason, DIAGNOSTIC_MAX)};
    if (!r->recipient.n)
        r->recipient = address_in(a, words);
    if (!r->recipient.n)
        r->recipient = address_in(a, mail->subject);
    r->status = bounce_status(words);
    r->code = bounce_code(reason);
    if (bounce_is_delay(mail->subject, words))
        r->action = BOUNCE_DELAYED;
    recipient_finish(r, words, mail->from, STR_NONE);
}

/* Message-ID of the original: its header's, or a line of the text that looks like one. */
static struct str original_id(struct arena *a, const struct mime *m) {
    struct thread_ids ids = {.n = 0};
    struct headers h;
    headers_read(a, m->original, &h);
    thread_ids_add(a, &ids, headers_get(&h, "Message-ID"));
    struct str text = m->text;
    while (!ids.n && text.n) {
        struct str line = str_trim(header_line(&text));
        struct str name = str_upto(line, 11);
        if (str_is_nocase(name, "Message-ID:"))
            thread_ids_add(a, &ids, str_from(line, 11));
    }
    return ids.n ? ids.items[0] : STR_NONE;
}

/* A complaint (RFC 5965): many leave out who it was, then it is whom the mail was for. */
static void feedback_read(struct arena *a, const struct mime *m, struct bounce *out) {
    static const char *const fields[] = {"Original-Rcpt-To", "Removal-Recipient"};
    struct headers h;
    headers_read(a, m->report_fields, &h);
    out->complaint = headers_get(&h, "Feedback-Type");
    for (size_t i = 0; i < COUNT(fields) && !out->complained.n; i++)
        out->complained = address_in(a, headers_get(&h, fields[i]));
    if (out->complained.n)
        return;
    headers_read(a, m->original, &h);
    out->complained = address_in(a, header_unfold(a, headers_get(&h, "To")));
}

/* What Microsoft sends for a complaint: no report, the mail alone with a field of its own. */
static void mark_read(struct arena *a, const struct mime *m, const struct bounce_mail *mail,
                      struct bounce *out) {
    static const char subject[] = "complaint about message from ";
    struct headers h;
    if (!str_is_nocase(str_upto(str_trim(mail->subject), sizeof subject - 1), subject))
        return;
    headers_read(a, m->original, &h);
    struct str whom = headers_get(&h, "X-HmXmrOriginalRecipient");
    if (!whom.n)
        return;
    out->complaint = (struct str)STR("abuse");
    out->complained = address_in(a, whom);
}

void bounce_read(struct arena *a, const struct mime *m, const struct bounce_mail *mail,
                 struct bounce *out) {
    *out = (struct bounce){.n = 0};
    if (m->report == MIME_REPORT_FEEDBACK)
        feedback_read(a, m, out);
    else if (m->report == MIME_REPORT_DISPOSITION)
        disposition_read(a, m, out);
    else if (m->report == MIME_REPORT_DELIVERY)
        delivery_read(a, m, mail, out);
    else
        mark_read(a, m, mail, out);
    bool silent = m->report == MIME_REPORT_NONE || m->report == MIME_REPORT_DELIVERY;
    if (silent && !out->n && !out->complaint.n && mail->by_server)
        words_read(a, m, mail, out); /* a report may be empty */
    if ((out->n || m->report == MIME_REPORT_FEEDBACK || out->complaint.n) && !out->original_id.p)
        out->original_id = original_id(a, m);
}
