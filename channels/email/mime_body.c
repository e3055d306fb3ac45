/* mime_body.c - two faces, each complete as far as the parts allow. */
#include "mime_body.h"

#include <touchline/kit/own.h>
#include <touchline/kit/utf8.h>

#include "html_text.h"
#include "mime.h"

/* The ceilings lie above what text parts are cut to, converted, so nothing is lost here. */
struct mime_piece *mime_body_piece(struct mime_body *b) {
    if (b->n == MIME_PIECES_MAX)
        return NULL;
    struct mime_piece *piece = &b->pieces[b->n++];
    buf_init(&piece->text, 4 * MIME_TEXT_MAX);
    buf_init(&piece->html, 4 * MIME_HTML_MAX);
    return piece;
}

void mime_body_add(struct buf *face, struct str text) {
    if (face->n && text.n && face->p[face->n - 1] != '\n' && !buf_add_byte(face, '\n'))
        return;
    (void)!buf_add(face, text);
}

bool mime_body_is_blank(struct str s) {
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        uint32_t c = utf8_next(&p, end);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0xA0 && c != 0xFEFF &&
            c != 0x200B && c != 0x200C && c != 0xAD)
            return false;
    }
    return true;
}

/* "Your program cannot show HTML": said instead of a text. */
static bool is_stub(struct str s) {
    static const char *const phrases[] = {"not support HTML",
                                          "n't support HTML",
                                          "HTML-enabled",
                                          "cannot display HTML",
                                          "can't display HTML",
                                          "not display HTML",
                                          "view this email in a",
                                          "an HTML compatible",
                                          "HTML-compatible",
                                          "HTML capable",
                                          "HTML-capable",
                                          "message is in HTML",
                                          "message in HTML format",
                                          "HTML email viewer",
                                          "cannot read this email",
                                          "unable to view this",
                                          "keine HTML",
                                          "HTML-E-Mail",
                                          "HTML nicht",
                                          "cannot view HTML",
                                          "HTML version of this",
                                          "not able to view HTML",
                                          "requires HTML",
                                          "ne supporte pas",
                                          "no soporta HTML",
                                          "unable to render HTML",
                                          "enable HTML"};
    enum { STUB_MAX = 400 };
    if (s.n > STUB_MAX)
        return false;
    for (size_t i = 0; i < COUNT(phrases); i++)
        for (size_t at = 0, n = strlen(phrases[i]); at + n <= s.n; at++)
            if (!strncasecmp(s.p + at, phrases[i], n))
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

/* The text of a piece, or what its HTML says; blank HTML does not take the place of a stub. */
static void join_text(struct buf *text, struct mime_piece *p) {
    struct str plain = buf_str(&p->text);
    size_t before = text->n;
    if (p->html.n && (mime_body_is_blank(plain) || is_stub(plain))) {
        html_text(text, buf_str(&p->html));
        if (!mime_body_is_blank(str_from(buf_str(text), before)))
            return;
    }
    add_upto(text, plain);
}

static void join_html(struct buf *html, struct mime_piece *p, struct warnings *w) {
    struct str plain = buf_str(&p->text);
    if (p->html.n)
        add_upto(html, buf_str(&p->html));
    else if (!mime_body_is_blank(plain) && !escape(html, plain))
        warnings_add(w, "HTML is long; its end was left out");
}

void mime_body_join(struct arena *a, struct mime_body *b, struct warnings *w, struct str *out_text,
                    struct str *out_html) {
    cleanup(buf_clear) struct buf text, html;
    bool any_html = false;
    buf_init(&text, MIME_TEXT_MAX);
    buf_init(&html, 2 * MIME_HTML_MAX);
    for (size_t i = 0; i < b->n; i++)
        any_html = any_html || b->pieces[i].html.n;
    for (size_t i = 0; i < b->n; i++) {
        struct mime_piece *p = &b->pieces[i];
        if (text.n && (p->text.n || p->html.n))
            add_upto(&text, (struct str)STR("\n"));
        join_text(&text, p);
        if (any_html)
            join_html(&html, p, w);
        buf_clear(&p->text);
        buf_clear(&p->html);
    }
    *out_text = arena_str(a, buf_str(&text));
    *out_html = any_html ? arena_str(a, buf_str(&html)) : STR_NONE;
}
