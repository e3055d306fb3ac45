/* reply_html.h - where the answered mail begins in an HTML answer, by the marks that mail programs
 * leave in it: they need no language. Pure, linear.
 */
#ifndef EMAIL_REPLY_HTML_H
#define EMAIL_REPLY_HTML_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* What stands before it; absent: no such mark. Only of programs that put the answer above: where
 * answers may stand between quotes, the text tells. */
struct str reply_html_head(struct str html);

/* What somebody wrote himself: by the text, and where that shows no quote by these marks. */
struct str reply_of(struct arena *a, struct str text, struct str html);

#endif
