/* mime.c - walks the tree of parts and sorts its leaves into body, attachments and report. */
#include "mime.h"

#include <stdio.h>

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "calendar.h"
#include "charset.h"
#include "html_text.h"
#include "mime_body.h"
#include "mime_part.h"
#include "mime_text.h"
#include "pgp.h"
#include "smime.h"
#include "text_flow.h"
#include "tnef.h"

enum { CHARSET_MAX = 60, SUBJECT_MAX = 100, CID_MAX = 500, OPEN_DEPTH_MAX = 3 };

struct walk {
    struct arena *a;
    const struct tl_emit *emit;
    struct warnings *warnings;
    struct mime *out;
    const char *charset; /* of raw 8-bit in fields */
    struct mime_body body;
    struct mime_piece *faces;      /* of the alternative under way, or NULL */
    const struct mime_part *spare; /* a text with a name: the body, if there is no other */
    struct mime_work work;
    bool related;                /* behind the root of a multipart/related */
    unsigned opened;             /* sealed parts, one inside another */
    size_t text_left, html_left; /* of the bounds, for all pieces together */
};

void warnings_add(struct warnings *w, const char *what) {
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->items[i], what))
            return;
    if (w->n < MIME_WARNINGS_MAX)
        w->items[w->n++] = what;
}

static bool type_is_any(struct str type, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_is(type, names[i]))
            return true;
    return false;
}

/* ---- attachments ---- */

/* The decoded bytes: the part's own where nothing had to be done, else in hold. */
static struct str content(const struct mime_part *p, struct buf *hold) {
    buf_init(hold, p->body.n + 64);
    if (p->coding == MIME_CODING_NONE || p->coding == MIME_CODING_UNKNOWN)
        return p->body;
    mime_decode(hold, p->body, p->coding);
    return buf_str(hold);
}

static struct str line_of(struct arena *a, struct str s, size_t max) {
    cleanup(buf_clear) struct buf mended, line;
    buf_init(&mended, 3 * s.n + 16);
    buf_init(&line, 9 * s.n + 16);
    if (!utf8_mend(&mended, s) || !utf8_one_line(&line, buf_str(&mended)))
        return STR_NONE;
    return arena_str(a, str_trim(utf8_upto(buf_str(&line), max)));
}

/* As its sender named it; absent: not at all. */
static struct str given_name(struct walk *w, const struct mime_part *p) {
    const struct mime_field *fields[] = {&p->disposition, &p->content, &p->disposition,
                                         &p->content};
    static const char *const names[] = {"filename", "name", "name", "filename"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct str name = mime_field_param(w->a, fields[i], names[i], w->charset);
        name = name.p ? mime_file_name(w->a, name) : STR_NONE;
        if (name.n)
            return name;
    }
    return STR_NONE;
}

/* The subject of the mail inside, or where the part says it lies. */
static struct str guessed_name(struct walk *w, const struct mime_part *p, struct str bytes) {
    struct headers inner;
    struct str subject = STR_NONE, name = STR_NONE;
    if (str_is(p->type, "message/rfc822") || str_is(p->type, "message/global")) {
        headers_read(w->a, str_upto(bytes, HEADER_VALUE_MAX), &inner);
        subject = headers_get(&inner, "Subject");
        subject = subject.p ? mime_header_text(w->a, subject, w->charset) : STR_NONE;
        if (subject.n)
            name = arena_strf(w->a, "%.*s.eml", STR_ARG(utf8_upto(subject, SUBJECT_MAX)));
        for (size_t i = 0; i < name.n; i++)
            if (name.p[i] == '/' || name.p[i] == '\\')
                ((char *)(uintptr_t)name.p)[i] = '-'; /* a subject is no path */
    } else if (p->location.n && str_find(p->location, '.') >= 0) {
        name = line_of(w->a, p->location, SUBJECT_MAX);
    }
    name = name.n ? mime_file_name(w->a, name) : STR_NONE;
    if (name.n)
        return name;
    if (str_is(p->type, "text/calendar"))
        return (struct str)STR("invite.ics");
    return arena_strf(w->a, "attachment_%zu%.*s", w->out->attachments_n + 1,
                      STR_ARG(mime_extension(p->type)));
}

/* NULL: there are enough. */
static struct mime_attachment *keep(struct walk *w, struct str name, struct str type,
                                    struct str bytes) {
    struct mime_attachment *one = &w->out->attachments[w->out->attachments_n];
    if (w->out->attachments_n == MIME_ATTACHMENTS_MAX) {
        warnings_add(w->warnings, "more attachments than are kept");
        return NULL;
    }
    one->name = name;
    one->type = type;
    snprintf(one->ref, sizeof one->ref, "a%zu", w->out->attachments_n++);
    w->emit->blob(w->emit->ctx, str_c(one->ref), bytes);
    return one;
}

static void attach(struct walk *w, const struct mime_part *p) {
    cleanup(buf_clear) struct buf hold;
    struct str bytes = content(p, &hold), name = given_name(w, p);
    struct mime_attachment *one =
        keep(w, name.n ? name : guessed_name(w, p, bytes), p->type, bytes);
    if (!one)
        return;
    bool inline_ = str_is(p->disposition.word, "inline");
    bool picture = str_starts(p->type, str_c("image/"));
    one->cid = p->cid.p ? line_of(w->a, p->cid, CID_MAX) : STR_NONE;
    one->shown = one->cid.n && (inline_ || (w->related && picture && !p->disposition.word.n));
}

/* What the HTML shows by its Content-ID is inside it, whatever its part says. */
static void mark_shown(struct mime *out) {
    struct str rest = out->html.p ? out->html : (struct str)STR("");
    const char *at;
    while ((at = memmem(rest.p, rest.n, "cid:", 4)) != NULL) {
        rest = str_from(rest, (size_t)(at - rest.p) + 4);
        for (size_t i = 0; i < out->attachments_n; i++)
            if (out->attachments[i].cid.n && str_starts(rest, out->attachments[i].cid))
                out->attachments[i].shown = true;
    }
}

/* ---- text ---- */

static const char *charset_of(struct arena *a, const struct mime_part *p) {
    struct str charset = mime_field_token(a, &p->content, "charset");
    return charset.n ? arena_str(a, str_upto(str_trim(charset), CHARSET_MAX)).p : NULL;
}

/* A text part in UTF-8, with as much of it as the body still has room for. */
static struct str text_of(struct walk *w, const struct mime_part *p, bool html) {
    cleanup(buf_clear) struct buf hold;
    bool known;
    size_t *left = html ? &w->html_left : &w->text_left;
    const char *charset = charset_of(w->a, p);
    struct str bytes = content(p, &hold);
    if (bytes.n > *left)
        warnings_add(w->warnings, html ? "HTML is long; its end was left out"
                                       : "text is long; its end was left out");
    bytes = str_upto(bytes, *left);
    *left -= bytes.n;
    struct str meta =
        html && (!charset || !charset_known(charset)) ? html_charset(bytes) : STR_NONE;
    if (meta.n)
        charset = arena_str(w->a, meta).p;
    struct str text = mime_unix_lines(w->a, charset_to_utf8(w->a, bytes, charset, &known));
    if (!known)
        warnings_add(w->warnings, "charset is not known; the text was read by guess");
    if (!html && str_is_nocase(mime_field_token(w->a, &p->content, "format"), "flowed"))
        text = text_unflow(w->a, text,
                           str_is_nocase(mime_field_token(w->a, &p->content, "delsp"), "yes"));
    return text;
}

/* Armour around a text: a signature is taken off, what is encrypted is kept as a file. */
static struct str without_armour(struct walk *w, struct str text) {
    struct str inner;
    switch (pgp_open(w->a, text, &inner)) {
    case PGP_SIGNED:
        w->out->with_signature = true;
        warnings_add(w->warnings, "signature was not checked");
        return inner;
    case PGP_ENCRYPTED:
        w->out->encrypted = true;
        warnings_add(w->warnings, "encrypted; kept whole, not opened");
        keep(w, (struct str)STR("encrypted.asc"), (struct str)STR("application/pgp-encrypted"),
             text);
        return (struct str)STR("[encrypted]\n");
    case PGP_NONE:
        break;
    }
    return text;
}

static void take_text(struct walk *w, const struct mime_part *p) {
    static const char *const rich[] = {"text/html", "text/enriched", "text/richtext"};
    bool html = type_is_any(p->type, rich, COUNT(rich));
    struct mime_piece *piece = w->faces ? w->faces : mime_body_piece(&w->body);
    if (!piece) {
        attach(w, p);
        return;
    }
    struct str text = text_of(w, p, html);
    mime_body_add(html ? &piece->html : &piece->text, html ? text : without_armour(w, text));
}

/* A text with a name of a file is one, but some programs name the body. */
static void take_named(struct walk *w, const struct mime_part *p) {
    w->spare = w->spare ? w->spare : p;
    attach(w, p);
}

/* ---- parts of a kind of their own ---- */

static struct str text_in_arena(struct walk *w, struct str bytes) {
    bool known;
    return mime_unix_lines(w->a,
                           charset_to_utf8(w->a, str_upto(bytes, MIME_TEXT_MAX), NULL, &known));
}

/* What a mail server says about mail of ours: kept for the report, and not shown as an attachment.
 */
static bool take_report(struct walk *w, const struct mime_part *p) {
    static const struct {
        const char *type;
        enum mime_report kind; /* NONE: the header of the mail it is about */
    } types[] = {{"message/delivery-status", MIME_REPORT_DELIVERY},
                 {"message/global-delivery-status", MIME_REPORT_DELIVERY},
                 {"message/disposition-notification", MIME_REPORT_DISPOSITION},
                 {"message/global-disposition-notification", MIME_REPORT_DISPOSITION},
                 {"message/feedback-report", MIME_REPORT_FEEDBACK},
                 {"text/rfc822-headers", MIME_REPORT_NONE},
                 {"text/rfc822-header", MIME_REPORT_NONE},
                 {"message/rfc822-headers", MIME_REPORT_NONE}};
    cleanup(buf_clear) struct buf hold;
    size_t i = 0;
    while (i < COUNT(types) && !str_is(p->type, types[i].type))
        i++;
    buf_init(&hold, 0);
    if (i == COUNT(types))
        return false;
    struct mime *out = w->out;
    struct str bytes = text_in_arena(w, content(p, &hold));
    if (types[i].kind == MIME_REPORT_NONE && !out->original.p) {
        out->original = bytes;
    } else if (types[i].kind && !out->report) {
        out->report = types[i].kind;
        out->report_fields = bytes;
    }
    return true;
}

/* A mail inside: an attachment, and where this is a report, the mail it is about. */
static void take_message(struct walk *w, const struct mime_part *p) {
    cleanup(buf_clear) struct buf hold;
    buf_init(&hold, 0);
    if (!w->out->original.p) {
        struct str inner = content(p, &hold);
        struct header_walk walk;
        struct header_field field;
        header_begin(&walk, inner);
        while (header_next(&walk, &field))
            ;
        w->out->original = text_in_arena(w, str_upto(inner, (size_t)(walk.rest.p - inner.p)));
    }
    attach(w, p);
}

static void take_calendar(struct walk *w, const struct mime_part *p) {
    cleanup(buf_clear) struct buf hold;
    bool known;
    struct str bytes = str_upto(content(p, &hold), MIME_TEXT_MAX);
    struct calendar *c = arena_new(w->a, sizeof *c);
    struct str text =
        mime_unix_lines(w->a, charset_to_utf8(w->a, bytes, charset_of(w->a, p), &known));
    if (!w->out->calendar && calendar_read(w->a, text, c))
        w->out->calendar = c;
    attach(w, p);
}

static void visit(struct walk *w, const struct mime_part *p);

/* Sealed from within: what is signed can be read, what is encrypted is kept whole. */
static void take_sealed(struct walk *w, const struct mime_part *p) {
    cleanup(buf_clear) struct buf hold;
    struct str inner;
    buf_init(&hold, 0);
    bool open = w->opened < OPEN_DEPTH_MAX && smime_open(w->a, content(p, &hold), &inner);
    attach(w, p);
    if (!open) {
        w->out->encrypted = true;
        warnings_add(w->warnings, "encrypted; kept whole, not opened");
        return;
    }
    w->out->with_signature = true;
    warnings_add(w->warnings, "signature was not checked");
    w->opened++;
    visit(w, mime_part_read_entity(w->a, inner, w->warnings, &w->work));
    w->opened--;
}

static void on_tnef_file(void *ctx, struct str name, struct str type, struct str bytes) {
    struct walk *w = ctx;
    name = mime_file_name(w->a, name);
    if (!name.n)
        name = arena_strf(w->a, "attachment_%zu%.*s", w->out->attachments_n + 1,
                          STR_ARG(mime_extension(type)));
    keep(w, name, type, bytes);
}

/* winmail.dat is kept, and the files in it next to it; its text only where the mail has none. */
static void take_tnef(struct walk *w, const struct mime_part *p) {
    cleanup(buf_clear) struct buf hold;
    struct tnef found;
    struct str bytes = content(p, &hold);
    attach(w, p);
    if (!tnef_read(w->a, bytes, on_tnef_file, w, &found)) {
        warnings_add(w->warnings, "a TNEF part cannot be read; kept whole");
        return;
    }
    struct mime_piece *piece = w->body.n || w->faces ? NULL : mime_body_piece(&w->body);
    if (piece && found.text.n)
        mime_body_add(&piece->text, found.text);
    if (piece && found.html.n)
        mime_body_add(&piece->html, found.html);
}

static bool is_sealed(const struct mime_part *p) {
    static const char *const types[] = {"application/pkcs7-mime", "application/x-pkcs7-mime"};
    return type_is_any(p->type, types, COUNT(types));
}

static bool is_tnef(struct walk *w, const struct mime_part *p) {
    static const char *const types[] = {"application/ms-tnef", "application/vnd.ms-tnef"};
    return type_is_any(p->type, types, COUNT(types)) ||
           str_is_nocase(given_name(w, p), "winmail.dat");
}

static bool is_body_text(struct str type) {
    static const char *const types[] = {"text/plain",    "text/html",     "text/enriched",
                                        "text/richtext", "text/markdown", "text/x-markdown"};
    return type_is_any(type, types, COUNT(types));
}

static void leaf(struct walk *w, const struct mime_part *p, bool alone) {
    static const char *const third_faces[] = {"text/x-amp-html", "text/watch-html"};
    static const char *const messages[] = {"message/rfc822", "message/global"};
    static const char *const calendars[] = {"text/calendar", "application/ics"};
    bool detached = str_is(p->disposition.word, "attachment");
    if (take_report(w, p) || (w->faces && type_is_any(p->type, third_faces, COUNT(third_faces))))
        return;
    if (type_is_any(p->type, messages, COUNT(messages)))
        take_message(w, p);
    else if (type_is_any(p->type, calendars, COUNT(calendars)))
        take_calendar(w, p);
    else if (is_sealed(p))
        take_sealed(w, p);
    else if (is_tnef(w, p))
        take_tnef(w, p);
    else if (!is_body_text(p->type) || detached || w->related)
        attach(w, p);
    else if (alone || w->faces || !given_name(w, p).n)
        take_text(w, p);
    else
        take_named(w, p);
}

/* ---- the tree ---- */

/* An alternative's faces; nested ones fill the outer piece. */
static void visit_alternative(struct walk *w, const struct mime_part *p) {
    struct mime_piece *outer = w->faces;
    if (!outer)
        w->faces = mime_body_piece(&w->body);
    for (const struct mime_part *c = p->children; c; c = c->next)
        visit(w, c);
    w->faces = outer;
}

static bool may_be_root(const struct mime_part *p) {
    return is_body_text(p->type) || mime_part_is_multipart(p);
}

/* The part that `start` names, else the first; of a first that is no text, the first that is. */
static const struct mime_part *related_root(struct walk *w, const struct mime_part *p) {
    struct str start = str_trim(mime_field_token(w->a, &p->content, "start"));
    if (start.n > 2 && start.p[0] == '<')
        start = str_make(start.p + 1, start.n - 2);
    for (const struct mime_part *c = p->children; c && start.n; c = c->next)
        if (str_eq(c->cid, start))
            return c;
    for (const struct mime_part *c = p->children; c; c = c->next)
        if (may_be_root(c))
            return c;
    return p->children;
}

/* The root first: it decides what the others are shown in. */
static void visit_related(struct walk *w, const struct mime_part *p) {
    const struct mime_part *root = related_root(w, p);
    bool outer = w->related;
    for (const struct mime_part *c = p->children; c; c = c->next) {
        w->related = outer || c != root;
        visit(w, c);
    }
    w->related = outer;
}

static void visit(struct walk *w, const struct mime_part *p) {
    if (!mime_part_is_multipart(p)) {
        leaf(w, p, w->work.parts == 1);
        return;
    }
    if (str_is(p->type, "multipart/encrypted")) {
        w->out->encrypted = true;
        warnings_add(w->warnings, "encrypted; kept whole, not opened");
    }
    if (str_is(p->type, "multipart/signed")) {
        w->out->with_signature = true;
        warnings_add(w->warnings, "signature was not checked");
    }
    if (str_is(p->type, "multipart/alternative"))
        visit_alternative(w, p);
    else if (str_is(p->type, "multipart/related"))
        visit_related(w, p);
    else
        for (const struct mime_part *c = p->children; c; c = c->next)
            visit(w, c);
}

/* A mail without any words says at least what it is. */
static void say_what_it_is(struct arena *a, struct mime *out) {
    if (!mime_body_is_blank(out->text))
        return;
    if (out->encrypted)
        out->text = (struct str)STR("[encrypted]");
    else if (out->calendar)
        out->text = calendar_text(a, out->calendar);
}

void mime_read(struct arena *a, const struct headers *top, const char *charset,
               const struct tl_emit *emit, struct warnings *w, struct mime *out) {
    *out = (struct mime){.attachments =
                             arena_new(a, (MIME_ATTACHMENTS_MAX + 1) * sizeof *out->attachments)};
    struct walk *walk = arena_new(a, sizeof *walk);
    *walk = (struct walk){.a = a,
                          .emit = emit,
                          .warnings = w,
                          .out = out,
                          .charset = charset,
                          .text_left = MIME_TEXT_MAX,
                          .html_left = MIME_HTML_MAX};
    visit(walk, mime_part_read(a, top, w, &walk->work));
    if (!walk->body.n && walk->spare)
        take_text(walk, walk->spare);
    mime_body_join(a, &walk->body, w, &out->text, &out->html);
    mark_shown(out);
    say_what_it_is(a, out);
}

const char *mime_charset_hint(struct arena *a, const struct headers *top) {
    struct str type = headers_get(top, "Content-Type"), charset;
    struct mime_field field;
    mime_field_read(a, type.p ? type : (struct str)STR(""), &field);
    charset = mime_field_token(a, &field, "charset");
    if (!charset.n && str_starts(field.word, str_c("multipart/")))
        charset = html_charset(top->body); /* written alike in the header of a part */
    return charset.n ? arena_str(a, str_upto(charset, CHARSET_MAX)).p : NULL;
}
