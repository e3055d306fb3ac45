/* reply_text.h - what somebody wrote himself: a mail's text without quotes and signature.
 *
 * Presentation only: the full text is kept beside it, so a wrong cut loses nothing. Linear: each
 * line is looked at a bounded number of times. Pure.
 */
#ifndef EMAIL_REPLY_TEXT_H
#define EMAIL_REPLY_TEXT_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* text is UTF-8 with LF or CRLF ends. All of the text (trimmed) where nothing else would be left.
 */
struct str reply_text(struct arena *a, struct str text);

#endif
