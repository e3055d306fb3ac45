/* html_text.h - what a person reads of an HTML mail, as plain text.
 *
 * One pass, no tree, no recursion: libraries were quadratic on crafted nesting. Blocks become
 * lines, quotes get "> ", links show their address, scripts, styles and hidden elements are left
 * out.
 */
#ifndef EMAIL_HTML_TEXT_H
#define EMAIL_HTML_TEXT_H

#include <touchline/kit/buf.h>
#include <touchline/str.h>

/* Appends the text of `html` (valid UTF-8) to out; what no longer fits is left out. */
void html_text(struct buf *out, struct str html);

/* The charset that a <meta> within the first bytes names; absent: none. A view. */
struct str html_charset(struct str html);

#endif
