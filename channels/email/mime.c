/* mime.c - walks the tree GMime made and sorts its leaves into body, attachments and report.
 *
 * The body is a row of pieces. An alternative is one piece with two faces, text and HTML;
 * everything else that is text is a piece of its own. At the end each face is joined: the text
 * takes a piece's HTML, converted, where it has no text, and the HTML takes a piece's text,
 * escaped, where it has no HTML.
 */
#include "mime.h"

#include <ctype.h>
#include <gmime/gmime.h>
#include <stdio.h>

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "charset.h"
#include "html_text.h"
#include "mime_limit.h"
#include "mime_text.h"
#include "text_flow.h"

enum { PIECES_MAX = 64 };

struct piece {
    struct buf text, html;
};

struct walk {
    struct arena *a;
    const struct tl_emit *emit;
    struct warnings *warnings;
    struct mime *out;
    struct piece pieces[PIECES_MAX];
    size_t pieces_n, parts;
    struct piece *faces;         /* of the alternative under way, or NULL */
    bool related;                /* behind the root of a multipart/related */
    size_t text_left, html_left; /* of the bounds, for all pieces together */
};

void warnings_add(struct warnings *w, const char *what) {
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->items[i], what))
            return;
    if (w->n < MIME_WARNINGS_MAX)
        w->items[w->n++] = what;
}

/* ---- leaves ---- */

/* The decoded bytes; *out_array holds them until it is freed. */
static struct str content(GMimeObject *o, GByteArray **out_array) {
    GMimeStream *stream = g_mime_stream_mem_new();
    if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        if (message)
            g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
    } else {
        GMimeDataWrapper *wrapper = g_mime_part_get_content(GMIME_PART(o));
        if (wrapper)
            g_mime_data_wrapper_write_to_stream(wrapper, stream);
    }
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    *out_array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    g_object_unref(stream);
    return str_make((const char *)(*out_array)->data, (*out_array)->len);
}

static struct str type_of(struct arena *a, GMimeObject *o) {
    GMimeContentType *type = g_mime_object_get_content_type(o);
    const char *major = type ? g_mime_content_type_get_media_type(type) : NULL;
    const char *minor = type ? g_mime_content_type_get_media_subtype(type) : NULL;
    struct str name =
        arena_strf(a, "%.60s/%.100s", major ? major : "text", minor ? minor : "plain");
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= 32 || c >= 127)
            return (struct str)STR("application/octet-stream");
        ((char *)(uintptr_t)name.p)[i] = (char)tolower(c);
    }
    return name;
}

static struct str name_of(struct walk *w, GMimeObject *o, struct str type) {
    bool known;
    struct str name = STR_NONE;
    if (GMIME_IS_PART(o)) {
        const char *raw = g_mime_part_get_filename(GMIME_PART(o));
        name = mime_file_name(
            w->a, charset_to_utf8(w->a, str_upto(str_c(raw), HEADER_VALUE_MAX), NULL, &known));
    } else if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        const char *subject = message ? g_mime_message_get_subject(message) : NULL;
        if (subject && *subject)
            name = mime_file_name(
                w->a, arena_strf(w->a, "%.*s.eml",
                                 STR_ARG(utf8_upto(mime_take_line(w->a, g_strdup(subject)), 100))));
    }
    if (name.n)
        return name;
    struct str extension = mime_extension(type);
    return arena_strf(w->a, "attachment-%zu%.*s", w->out->attachments_n + 1, STR_ARG(extension));
}

static bool part_counts(struct walk *w) {
    if (++w->parts <= MIME_PARTS_MAX)
        return true;
    warnings_add(w->warnings, "more parts than are read; the rest was left out");
    return false;
}

static void attach(struct walk *w, GMimeObject *o) {
    GByteArray *bytes;
    struct mime_attachment *one = &w->out->attachments[w->out->attachments_n];
    const char *disposition = g_mime_object_get_disposition(o);
    const char *cid = g_mime_object_get_content_id(o);
    if (w->out->attachments_n == MIME_ATTACHMENTS_MAX) {
        warnings_add(w->warnings, "more attachments than are kept");
        return;
    }
    one->type = type_of(w->a, o);
    one->name = name_of(w, o, one->type);
    one->cid = cid && *cid ? mime_take_line(w->a, g_strndup(cid, 500)) : STR_NONE;
    one->shown = one->cid.n && (w->related || (disposition && !strcasecmp(disposition, "inline")));
    snprintf(one->ref, sizeof one->ref, "a%zu", w->out->attachments_n);
    w->out->attachments_n++;
    struct str body = content(o, &bytes);
    w->emit->blob(w->emit->ctx, str_c(one->ref), body);
    g_byte_array_free(bytes, TRUE);
}

static const char *parameter(GMimeObject *o, const char *name) {
    GMimeContentType *type = g_mime_object_get_content_type(o);
    return type ? g_mime_content_type_get_parameter(type, name) : NULL;
}

/* A text part in UTF-8, with as much of it as the body still has room for. */
static struct str text_of(struct walk *w, GMimeObject *o, bool html) {
    GByteArray *array;
    bool known;
    size_t *left = html ? &w->html_left : &w->text_left;
    const char *charset = parameter(o, "charset"), *flow = parameter(o, "format");
    struct str bytes = content(o, &array);
    if (bytes.n > *left)
        warnings_add(w->warnings, html ? "HTML is long; its end was left out"
                                       : "text is long; its end was left out");
    bytes = str_upto(bytes, *left);
    *left -= bytes.n;
    if (html && (!charset || !*charset)) {
        struct str meta = html_charset(bytes);
        charset = meta.n ? arena_str(w->a, meta).p : NULL;
    }
    struct str text = mime_unix_lines(w->a, charset_to_utf8(w->a, bytes, charset, &known));
    g_byte_array_free(array, TRUE);
    if (!known)
        warnings_add(w->warnings, "charset is not known; the text was read by guess");
    if (!html && flow && !strcasecmp(flow, "flowed")) {
        const char *delsp = parameter(o, "delsp");
        text = text_unflow(w->a, text, delsp && !strcasecmp(delsp, "yes"));
    }
    return text;
}

/* The ceilings lie above what text_of lets through, converted, so nothing is lost here. */
static struct piece *piece_new(struct walk *w) {
    if (w->pieces_n == PIECES_MAX)
        return NULL;
    struct piece *piece = &w->pieces[w->pieces_n++];
    buf_init(&piece->text, 4 * MIME_TEXT_MAX);
    buf_init(&piece->html, 4 * MIME_HTML_MAX);
    return piece;
}

static void face_add(struct buf *face, struct str text) {
    if (face->n && text.n && !buf_add_byte(face, '\n'))
        return;
    (void)!buf_add(face, text);
}

static void take_text(struct walk *w, GMimeObject *o, bool html) {
    struct piece *piece = w->faces ? w->faces : piece_new(w);
    if (piece)
        face_add(html ? &piece->html : &piece->text, text_of(w, o, html));
    else
        attach(w, o);
}

/* What a mail server says about mail of ours: kept for the report, and not shown as an attachment.
 */
static bool take_report(struct walk *w, GMimeObject *o, struct str type) {
    struct mime *out = w->out;
    enum mime_report kind = MIME_REPORT_NONE;
    GByteArray *array;
    bool known;
    if (str_is(type, "message/delivery-status") || str_is(type, "message/global-delivery-status"))
        kind = MIME_REPORT_DELIVERY;
    else if (str_is(type, "message/disposition-notification") ||
             str_is(type, "message/global-disposition-notification"))
        kind = MIME_REPORT_DISPOSITION;
    else if (str_is(type, "message/feedback-report"))
        kind = MIME_REPORT_FEEDBACK;
    bool header = str_is(type, "text/rfc822-headers") || str_is(type, "message/rfc822-headers");
    if ((!kind && !header) || !GMIME_IS_PART(o))
        return false;
    struct str bytes = content(o, &array);
    bytes =
        mime_unix_lines(w->a, charset_to_utf8(w->a, str_upto(bytes, MIME_TEXT_MAX), NULL, &known));
    g_byte_array_free(array, TRUE);
    if (header && !out->original.p)
        out->original = bytes;
    if (kind && !out->report) {
        out->report = kind;
        out->report_fields = bytes;
    }
    return true;
}

static bool is_body_text(struct str type) {
    return str_is(type, "text/plain") || str_is(type, "text/html") ||
           str_is(type, "text/enriched") || str_is(type, "text/richtext");
}

static void leaf(struct walk *w, GMimeObject *o, unsigned depth) {
    struct str type = type_of(w->a, o);
    const char *disposition = g_mime_object_get_disposition(o);
    bool detached = disposition && !strcasecmp(disposition, "attachment");
    bool named = GMIME_IS_PART(o) && g_mime_part_get_filename(GMIME_PART(o)) != NULL;
    if (take_report(w, o, type))
        return;
    if (w->faces && (str_is(type, "text/x-amp-html") || str_is(type, "text/watch-html")))
        return; /* a third face that nobody here shows */
    if (str_is(type, "application/pkcs7-mime") || str_is(type, "application/x-pkcs7-mime"))
        warnings_add(w->warnings, "encrypted or sealed; not opened");
    if (GMIME_IS_PART(o) && is_body_text(type) && !detached && (!named || depth == 0) &&
        !w->related)
        take_text(w, o, !str_is(type, "text/plain"));
    else
        attach(w, o);
}

/* ---- the tree ---- */

static void visit(struct walk *w, GMimeObject *o, unsigned depth);

static void original_take(struct walk *w, GMimeObject *o) {
    GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
    char *headers = message && !w->out->original.p
                        ? g_mime_object_get_headers(GMIME_OBJECT(message), NULL)
                        : NULL;
    bool known;
    if (headers)
        w->out->original = mime_unix_lines(
            w->a, charset_to_utf8(w->a, str_upto(str_c(headers), MIME_TEXT_MAX), NULL, &known));
    g_free(headers);
}

/* An alternative's faces; nested ones fill the outer piece. */
static void visit_alternative(struct walk *w, GMimeMultipart *m, int n, unsigned depth) {
    struct piece *outer = w->faces;
    if (!outer)
        w->faces = piece_new(w);
    for (int i = 0; i < n; i++)
        visit(w, g_mime_multipart_get_part(m, i), depth);
    w->faces = outer;
}

static int related_root(GMimeMultipart *m, int n) {
    const char *start = parameter(GMIME_OBJECT(m), "start");
    size_t length = start ? strlen(start) : 0;
    if (length > 2 && start[0] == '<') {
        start++;
        length -= 2;
    }
    for (int i = 0; i < n && length; i++) {
        const char *cid = g_mime_object_get_content_id(g_mime_multipart_get_part(m, i));
        if (cid && strlen(cid) == length && !strncmp(cid, start, length))
            return i;
    }
    return 0;
}

static void visit_related(struct walk *w, GMimeMultipart *m, int n, unsigned depth) {
    bool outer = w->related;
    int root = related_root(m, n);
    for (int i = 0; i < n; i++) {
        w->related = outer || i != root;
        visit(w, g_mime_multipart_get_part(m, i), depth);
    }
    w->related = outer;
}

/* No boundary was found: what stands there is text. */
static void visit_empty(struct walk *w, GMimeMultipart *m) {
    const char *prologue = g_mime_multipart_get_prologue(m);
    struct piece *piece = prologue ? piece_new(w) : NULL;
    bool known;
    warnings_add(w->warnings, "no parts were found where there should be some");
    if (piece)
        face_add(
            &piece->text,
            mime_unix_lines(w->a, charset_to_utf8(w->a, str_upto(str_c(prologue), MIME_TEXT_MAX),
                                                  NULL, &known)));
}

static void visit_multipart(struct walk *w, GMimeMultipart *m, unsigned depth) {
    struct str type = type_of(w->a, GMIME_OBJECT(m));
    int n = g_mime_multipart_get_count(m);
    if (n == 0)
        visit_empty(w, m);
    if (str_is(type, "multipart/encrypted"))
        warnings_add(w->warnings, "encrypted or sealed; not opened");
    if (str_is(type, "multipart/signed"))
        warnings_add(w->warnings, "signature was not checked");
    if (str_is(type, "multipart/alternative"))
        visit_alternative(w, m, n, depth);
    else if (str_is(type, "multipart/related"))
        visit_related(w, m, n, depth);
    else
        for (int i = 0; i < n; i++)
            visit(w, g_mime_multipart_get_part(m, i), depth);
}

static void visit(struct walk *w, GMimeObject *o, unsigned depth) {
    if (!o || !part_counts(w))
        return;
    if (depth > MIME_DEPTH_MAX) {
        warnings_add(w->warnings, "nested too deeply; not read further");
    } else if (GMIME_IS_MULTIPART(o)) {
        visit_multipart(w, GMIME_MULTIPART(o), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(o)) {
        original_take(w, o);
        attach(w, o);
    } else {
        leaf(w, o, depth);
    }
}

/* ---- the body ---- */

static bool is_blank(struct str s) {
    return str_trim(s).n == 0;
}

/* "Your program cannot show HTML": said instead of a text. */
static bool is_stub(struct str s) {
    static const char *const phrases[] = {"does not support HTML", "doesn't support HTML",
                                          "HTML-enabled", "cannot display HTML",
                                          "view this email in a"};
    if (s.n > 300)
        return false;
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (memmem(s.p, s.n, phrases[i], strlen(phrases[i])))
            return true;
    return false;
}

static bool escape(struct buf *html, struct str text) {
    bool ok = buf_add_c(html, "<pre>");
    for (size_t i = 0; i < text.n && ok; i++) {
        char c = text.p[i];
        ok = c == '<'   ? buf_add_c(html, "&lt;")
             : c == '>' ? buf_add_c(html, "&gt;")
             : c == '&' ? buf_add_c(html, "&amp;")
                        : buf_add_byte(html, c);
    }
    return ok && buf_add_c(html, "</pre>");
}

/* Adds as much as there is room for. */
static void add_upto(struct buf *out, struct str s) {
    (void)!buf_add(out, utf8_upto(s, out->max - out->n));
}

static void body_join(struct walk *w) {
    cleanup(buf_clear) struct buf text, html;
    bool any_html = false;
    buf_init(&text, MIME_TEXT_MAX);
    buf_init(&html, 2 * MIME_HTML_MAX);
    for (size_t i = 0; i < w->pieces_n; i++)
        any_html = any_html || w->pieces[i].html.n;
    for (size_t i = 0; i < w->pieces_n; i++) {
        struct piece *p = &w->pieces[i];
        struct str plain = buf_str(&p->text);
        if (text.n && (plain.n || p->html.n))
            add_upto(&text, (struct str)STR("\n"));
        if (p->html.n && (is_blank(plain) || is_stub(plain)))
            html_text(&text, buf_str(&p->html));
        else
            add_upto(&text, plain);
        if (p->html.n)
            add_upto(&html, buf_str(&p->html));
        else if (any_html && !is_blank(plain) && !escape(&html, plain))
            warnings_add(w->warnings, "HTML is long; its end was left out");
        buf_clear(&p->text);
        buf_clear(&p->html);
    }
    w->out->text = arena_str(w->a, buf_str(&text));
    w->out->html = any_html ? arena_str(w->a, buf_str(&html)) : STR_NONE;
}

void mime_read(struct arena *a, const struct headers *top, const struct tl_emit *emit,
               struct warnings *w, struct mime *out) {
    struct buf given;
    size_t given_n;
    *out = (struct mime){.attachments =
                             arena_new(a, (MIME_ATTACHMENTS_MAX + 1) * sizeof *out->attachments)};
    struct walk *walk = arena_new(a, sizeof *walk);
    *walk = (struct walk){.a = a,
                          .emit = emit,
                          .warnings = w,
                          .out = out,
                          .text_left = MIME_TEXT_MAX,
                          .html_left = MIME_HTML_MAX};
    buf_init(&given, top->body.n + 2 * 1024 * 1024);
    (void)buf_reserve(&given, top->body.n); /* at once, not by doubling */
    mime_limit(top, &given, w);
    char *bytes = buf_steal(&given, &given_n); /* the stream's from here on: a mail may be large */
    GMimeStream *stream =
        g_mime_stream_mem_new_with_byte_array(g_byte_array_new_take((guint8 *)bytes, given_n));
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), TRUE);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeParserOptions *options = mime_options();
    g_object_unref(stream);
    GMimeObject *root = g_mime_parser_construct_part(parser, options);
    if (root)
        visit(walk, root, 0);
    else
        warnings_add(w, "structure cannot be read");
    if (root)
        g_object_unref(root);
    g_mime_parser_options_free(options);
    g_object_unref(parser);
    body_join(walk);
}
