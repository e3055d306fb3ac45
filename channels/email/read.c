/* read.c - a mail as it came to a touchpoint (and, of a report, news of the mail it is about).
 *
 * Runs in a child: what it calls may be fed anything. Whatever cannot be read is left out and named
 * in the warnings; there is no mail of which no touchpoint comes.
 */
#include <touchline/kit/arena.h>
#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>
#include <touchline/touchpoint.h>

#include "address.h"
#include "auto.h"
#include "bounce.h"
#include "bounce_words.h"
#include "calendar.h"
#include "charset.h"
#include "email.h"
#include "forward.h"
#include "mail_date.h"
#include "mime.h"
#include "mime_text.h"
#include "people.h"
#include "reply_html.h"
#include "thread.h"
#include "trust.h"

enum {
    JSON_MAX = 32 * 1024 * 1024,
    META_MAX = 1024 * 1024,
    SUBJECT_MAX = 998,
    DATE_TRUST_MS = 7 * 24 * 3600 * 1000,
    DATE_SHARPEN_MS = 5000,
};

/* All that is known of the mail under way; everything lies in the arena. */
struct reading {
    const struct tl_read *in;
    const struct tl_emit *out;
    struct arena arena;
    json_t *meta;
    const char *charset; /* of raw 8-bit in fields; NULL: not known */
    struct headers headers;
    struct warnings warnings;
    struct mime mime;
    struct bounce bounce;
    struct thread_ids in_reply_to, references;
    struct str from_email, from_word, subject,
        message_id; /* from_word: the address, else the name */
    enum auto_class automatic;
    bool alone;    /* From is there once, with one address */
    bool verified; /* a trusted server says that it is whose address stands there */
    bool unasked;  /* no automatic answer is wanted */
    int64_t at_ms; /* below 0: the arrival stands in */
};

static struct str text_of(struct reading *r, const char *header) {
    struct str value = headers_get(&r->headers, header);
    return value.p ? mime_header_text(&r->arena, value, r->charset) : STR_NONE;
}

/* ---- people ---- */

static struct people people_of(struct reading *r) {
    return (struct people){&r->arena, &r->headers, r->charset, &r->warnings};
}

static void write_address(struct jwrite *w, const struct address *a) {
    jwrite_str(w, "name", a->name.n ? a->name : STR_NONE);
    jwrite_str(w, "email", a->email);
}

static void write_person(struct jwrite *w, const char *key, const struct address *a) {
    jwrite_open(w, key, '{');
    write_address(w, a);
    jwrite_close(w, '}');
}

static void write_from(const struct reading *r, struct jwrite *w, const struct address *from) {
    jwrite_open(w, "from", '{');
    write_address(w, from);
    if (r->verified) {
        jwrite_bool(w, "verified", true);
        jwrite_c(w, "evidence", "dmarc");
    }
    jwrite_close(w, '}');
}

static void write_people(struct reading *r, struct jwrite *w, const char *key, const char *header) {
    struct address *list = arena_new(&r->arena, ADDRESS_LIST_MAX * sizeof *list);
    struct people p = people_of(r);
    size_t n = people_read(&p, header, list, ADDRESS_LIST_MAX);
    jwrite_open(w, key, '[');
    for (size_t i = 0; i < n; i++)
        write_person(w, NULL, &list[i]);
    jwrite_close(w, ']');
}

static bool is_own(const struct reading *r, const char *list, struct str email) {
    const json_t *own = json_object_get(r->meta, list);
    for (size_t i = 0; i < json_array_size(own); i++)
        if (address_matches(str_c(json_string_value(json_array_get(own, i))), email))
            return true;
    return false;
}

/* Somebody writes as one of our own addresses: shown, never believed, never answered by itself. */
static void warn_of_own(struct reading *r, struct str email) {
    if (is_own(r, "from_addresses", email))
        warnings_add(&r->warnings, "sent in the name of this mailbox");
    r->unasked = auto_suppressed(&r->headers) || is_own(r, "own", email) ||
                 is_own(r, "from_addresses", email);
}

/* What servers of ours say of the sender (RFC 8601). */
static void read_trust(struct reading *r) {
    const json_t *list = json_object_get(r->meta, "trusted");
    size_t n = json_array_size(list);
    struct str *servers = arena_new(&r->arena, (n + 1) * sizeof *servers);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        servers[i] = str_make(json_string_value(v), json_string_length(v));
    }
    r->verified = r->alone && trust_sender(&r->arena, &r->headers, servers, n, r->from_email);
}

/* Without any address of a sender, the envelope's. */
static struct address who_wrote(struct reading *r) {
    struct people p = people_of(r);
    struct address from = people_sender(&p, &r->alone);
    struct str envelope = jget_str(r->meta, "envelope_from");
    if (from.email.n)
        return from;
    warnings_add(&r->warnings, "no sender's address");
    from.email = address_valid(envelope) ? envelope : STR_NONE;
    return from;
}

/* ---- when, which, what kind ---- */

static void read_date(struct reading *r) {
    struct str date = headers_get(&r->headers, "Date");
    /* A mail that was fetched had arrived at its server before. */
    int64_t fetched_ms = jget_int(r->meta, "arrived_ms", -1), ms, off;
    int64_t arrived_ms =
        fetched_ms > 0 && fetched_ms < r->in->received_ms ? fetched_ms : r->in->received_ms;
    r->at_ms = fetched_ms > 0 ? arrived_ms : -1;
    if (!date.n) {
        warnings_add(&r->warnings, "date missing");
    } else if (!mail_date(header_unfold(&r->arena, str_upto(date, 500)), &ms)) {
        warnings_add(&r->warnings, "date cannot be read");
    } else {
        off = ms > arrived_ms ? ms - arrived_ms : arrived_ms - ms;
        if (off > DATE_TRUST_MS || ms < 0)
            warnings_add(&r->warnings, "date is more than a week off the arrival");
        else /* whole seconds would put a quick answer before what it answers */
            r->at_ms = ms <= arrived_ms && off < DATE_SHARPEN_MS ? arrived_ms : ms;
    }
}

static void read_thread(struct reading *r) {
    bool missing;
    r->message_id = thread_message_id(&r->arena, &r->headers, &missing);
    if (missing)
        warnings_add(&r->warnings, "message id missing");
    thread_ids_add(&r->arena, &r->in_reply_to, headers_get(&r->headers, "In-Reply-To"));
    thread_ids_add(&r->arena, &r->references, headers_get(&r->headers, "References"));
    if (r->bounce.original_id.p) {
        thread_ids_add(&r->arena, &r->references, r->bounce.original_id);
        thread_ids_add(&r->arena, &r->in_reply_to, r->bounce.original_id);
    }
}

/* Header or envelope say that a server wrote it. Some servers sign as nobody or as a named daemon;
 * an absence note has an empty sender too, as it should. */
static bool by_server(struct reading *r, bool null_sender, enum auto_class by_header) {
    static const char *const locals[] = {"postmaster",   "post_master", "mailer-daemon",
                                         "mailerdaemon", "sysadmin",    "mail.delivery"};
    struct str local = r->from_word, domain;
    (void)!address_split(r->from_word, &local, &domain);
    for (size_t i = 0; i < COUNT(locals); i++)
        if (str_is_nocase(str_upto(local, strlen(locals[i])), locals[i]))
            return true;
    /* what a list's manager refuses comes back under the list's own name */
    if (headers_get(&r->headers, "X-MLServer").p && bounce_subject(r->subject))
        return true;
    bool no_sender = null_sender || str_is(headers_get(&r->headers, "Return-Path"), "<>");
    return by_header == AUTO_BOUNCE ||
           (no_sender && (by_header != AUTO_REPLY || bounce_subject(r->subject)));
}

static enum auto_class of_report(const struct reading *r) {
    if (r->mime.report == MIME_REPORT_FEEDBACK || r->bounce.complaint.n)
        return AUTO_FEEDBACK;
    if (!r->bounce.n)
        return AUTO_NONE;
    switch (r->bounce.items[0].action) {
    case BOUNCE_FAILED:
        return AUTO_BOUNCE;
    case BOUNCE_DELAYED:
        return AUTO_NOTIFICATION;
    case BOUNCE_DELIVERED:
    case BOUNCE_READ:
        return AUTO_RECEIPT;
    }
    return AUTO_NONE;
}

static void read_kind(struct reading *r) {
    const json_t *envelope = json_object_get(r->meta, "envelope_from");
    bool null_sender = envelope && json_string_length(envelope) == 0;
    enum auto_class by_header = auto_classify(&r->headers, r->from_email, null_sender);
    const struct bounce_mail mail = {.subject = r->subject,
                                     .from = r->from_word,
                                     .failed = headers_get(&r->headers, "X-Failed-Recipients"),
                                     .by_server = by_server(r, null_sender, by_header)};
    bounce_read(&r->arena, &r->mime, &mail, &r->bounce);
    r->automatic = of_report(r);
    if (r->automatic == AUTO_NONE)
        r->automatic = auto_subject(r->subject, by_header);
}

/* ---- JSON ---- */

static void write_ids(struct jwrite *w, const char *key, const struct thread_ids *ids) {
    jwrite_open(w, key, '[');
    for (size_t i = 0; i < ids->n; i++)
        jwrite_str(w, NULL, ids->items[i]);
    jwrite_close(w, ']');
}

static void write_delivery(struct jwrite *w, const struct bounce_recipient *b) {
    static const char *const states[] = {[BOUNCE_FAILED] = "failed",
                                         [BOUNCE_DELAYED] =
                                             "queued", /* the other server goes on trying */
                                         [BOUNCE_DELIVERED] = "delivered",
                                         [BOUNCE_READ] = "read"};
    jwrite_open(w, "delivery", '{');
    jwrite_c(w, "state", states[b->action]);
    jwrite_str(w, "status", b->status);
    jwrite_str(w, "code", b->code);
    jwrite_bool(w, "hard", b->hard);
    jwrite_str(w, "recipient", b->recipient);
    jwrite_str(w, "diagnostic", b->diagnostic);
    if (b->reason)
        jwrite_c(w, "reason", b->reason);
    jwrite_close(w, '}');
}

static void write_attachments(struct reading *r, struct jwrite *w) {
    jwrite_open(w, "attachments", '[');
    for (size_t i = 0; i < r->mime.attachments_n; i++) {
        const struct mime_attachment *a = &r->mime.attachments[i];
        jwrite_open(w, NULL, '{');
        jwrite_str(w, "name", a->name);
        jwrite_str(w, "type", a->type);
        jwrite_bool(w, "inline", a->shown);
        jwrite_str(w, "cid", a->cid.n ? a->cid : STR_NONE);
        jwrite_c(w, "ref", a->ref);
        jwrite_close(w, '}');
    }
    jwrite_close(w, ']');
}

static void write_envelope(struct reading *r, struct jwrite *w) {
    const json_t *to = json_array_get(json_object_get(r->meta, "envelope_to"), 0);
    jwrite_open(w, "envelope", '{');
    jwrite_str(w, "from", jget_str(r->meta, "envelope_from"));
    jwrite_str(w, "to", str_c(json_string_value(to)));
    jwrite_close(w, '}');
}

/* What became of the parts that are no plain text. */
static void write_parts(struct reading *r, struct jwrite *w) {
    if (r->mime.with_signature)
        jwrite_c(w, "signed", "unverified");
    if (r->mime.encrypted)
        jwrite_bool(w, "encrypted", true);
    if (r->mime.calendar)
        calendar_write(w, r->mime.calendar);
}

static void write_warnings(struct reading *r, struct jwrite *w) {
    jwrite_open(w, "warnings", '[');
    for (size_t i = 0; i < r->warnings.n; i++)
        jwrite_c(w, NULL, r->warnings.items[i]);
    jwrite_close(w, ']');
}

/* What the daemon goes by, and what else is worth knowing. */
static void write_data(struct reading *r, struct jwrite *w) {
    struct str index = thread_index_root(&r->arena, &r->headers);
    struct address first; /* of a mail that was passed on: claimed, and shown as that */
    jwrite_open(w, "data", '{');
    if (r->unasked)
        jwrite_bool(w, "no_auto_reply", true);
    if (index.n && r->automatic == AUTO_NONE)
        jwrite_str(w, "thread_index", index);
    if (r->automatic == AUTO_FEEDBACK) {
        jwrite_open(w, "report", '{');
        jwrite_str(w, "type", r->bounce.complaint);
        jwrite_str(w, "recipient", r->bounce.complained);
        jwrite_close(w, '}');
    }
    if (forward_read(&r->arena, r->subject, r->mime.text, &first))
        write_person(w, "forwarded_from", &first);
    write_parts(r, w);
    jwrite_close(w, '}');
}

static void write_body(struct reading *r, struct jwrite *w) {
    struct str text = r->mime.text;
    jwrite_str(w, "subject",
               utf8_upto(r->subject.p ? r->subject : (struct str)STR(""), SUBJECT_MAX));
    jwrite_str(w, "text", text);
    jwrite_str(w, "reply_text", reply_of(&r->arena, text, r->mime.html));
    jwrite_str(w, "html", r->mime.html);
    write_attachments(r, w);
}

static bool write_touchpoint(struct reading *r, struct buf *json, const struct address *from) {
    struct jwrite w;
    jwrite_init(&w, json);
    jwrite_open(&w, NULL, '{');
    jwrite_c(&w, "channel", "email");
    jwrite_c(&w, "kind", r->automatic == AUTO_RECEIPT ? "receipt" : "message");
    jwrite_c(&w, "direction", "inbound");
    if (r->at_ms >= 0)
        jwrite_time(&w, "at", r->at_ms);
    write_from(r, &w, from);
    write_people(r, &w, "to", "To");
    write_people(r, &w, "cc", "Cc");
    write_people(r, &w, "reply_to", "Reply-To");
    write_body(r, &w);
    jwrite_c(&w, "auto", auto_name(r->automatic));
    if (r->bounce.n)
        write_delivery(&w, &r->bounce.items[0]);
    jwrite_str(&w, "message_id", r->message_id);
    write_ids(&w, "in_reply_to", &r->in_reply_to);
    write_ids(&w, "references", &r->references);
    write_envelope(r, &w);
    write_data(r, &w);
    write_warnings(r, &w);
    jwrite_close(&w, '}');
    return w.ok;
}

/* News of the mail that the report is about. A delay is no news: it was sent, and still is. */
static void emit_updates(struct reading *r) {
    for (size_t i = 0; i < r->bounce.n && r->bounce.original_id.n; i++) {
        cleanup(buf_clear) struct buf json;
        struct jwrite w;
        buf_init(&json, 64 * 1024);
        if (r->bounce.items[i].action == BOUNCE_DELAYED)
            continue;
        jwrite_init(&w, &json);
        jwrite_open(&w, NULL, '{');
        jwrite_open(&w, "update", '{');
        jwrite_str(&w, "message_id", r->bounce.original_id);
        if (r->at_ms >= 0)
            jwrite_time(&w, "at", r->at_ms);
        write_delivery(&w, &r->bounce.items[i]);
        jwrite_close(&w, '}');
        jwrite_close(&w, '}');
        if (w.ok)
            r->out->touchpoint(r->out->ctx, buf_str(&json));
    }
}

/* A mail with old Mac line ends has no LF at all: nothing of it would be a line. */
static struct str with_lines(struct arena *a, struct str mail) {
    if (str_find(mail, '\n') >= 0 || str_find(mail, '\r') < 0)
        return mail;
    struct str copy = arena_str(a, mail);
    for (size_t i = 0; i < copy.n; i++)
        if (copy.p[i] == '\r')
            ((char *)(uintptr_t)copy.p)[i] = '\n';
    return copy;
}

static void reading_run(struct reading *r) {
    cleanup(buf_clear) struct buf json;
    buf_init(&json, JSON_MAX);
    headers_read(&r->arena, with_lines(&r->arena, r->in->body), &r->headers);
    if (r->headers.cut)
        warnings_add(&r->warnings, "more header fields than are read");
    r->charset = mime_charset_hint(&r->arena, &r->headers);
    if (jget_bool(r->meta, "cut", false))
        warnings_add(&r->warnings, "larger than mails may be; its end was left on the server");
    r->subject = text_of(r, "Subject");
    struct address from = who_wrote(r);
    warn_of_own(r, from.email);
    r->from_email = from.email;
    r->from_word = from.email.n ? from.email : from.name;
    mime_read(&r->arena, &r->headers, r->charset, r->out, &r->warnings, &r->mime);
    read_trust(r);
    read_kind(r);
    read_date(r);
    read_thread(r);
    if (!write_touchpoint(r, &json, &from)) {
        buf_clear(&json);
        r->mime.html = STR_NONE; /* the largest member; the raw mail still has it */
        r->mime.text = utf8_upto(r->mime.text, SUBJECT_MAX);
        warnings_add(&r->warnings, "too large to be shown whole");
        if (!write_touchpoint(r, &json, &from))
            return;
    }
    r->out->touchpoint(r->out->ctx, buf_str(&json));
    emit_updates(r);
}

bool email_read(const struct tl_read *in, const struct tl_emit *out) {
    struct reading *r = NEW(struct reading);
    r->in = in;
    r->out = out;
    arena_init(&r->arena);
    if (!jread_parse(in->meta, META_MAX, &r->meta, NULL))
        r->meta = NULL;
    reading_run(r);
    json_decref(r->meta);
    arena_clear(&r->arena);
    mem_freep(&r);
    return true;
}
