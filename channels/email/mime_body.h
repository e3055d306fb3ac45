/* mime_body.h - the body of a mail, put together of its parts of text.
 *
 * A row of pieces. An alternative is one piece with two faces, text and HTML; everything else that
 * is text is a piece of its own. In the end each face is joined: the text takes a piece's HTML,
 * converted, where it has no text, and the HTML takes a piece's text, escaped, where it has no
 * HTML.
 */
#ifndef EMAIL_MIME_BODY_H
#define EMAIL_MIME_BODY_H

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>
#include <touchline/str.h>

struct warnings;

enum { MIME_PIECES_MAX = 64 };

struct mime_piece {
    struct buf text, html;
};

struct mime_body {
    struct mime_piece pieces[MIME_PIECES_MAX];
    size_t n;
};

/* The next piece; NULL: there are enough. */
struct mime_piece *mime_body_piece(struct mime_body *b);
/* Adds to one face of a piece, on a line of its own. Valid UTF-8 with LF ends. */
void mime_body_add(struct buf *face, struct str text);

/* Joins and frees the pieces. html absent: there is none. */
void mime_body_join(struct arena *a, struct mime_body *b, struct warnings *w, struct str *out_text,
                    struct str *out_html);

/* Nothing a person would see. */
bool mime_body_is_blank(struct str text);

#endif
