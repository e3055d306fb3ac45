/* reply_text.h - what somebody wrote himself: a mail's text without quotes and signature.
 *
 * Presentation only: the full text is kept beside it, so a wrong cut loses nothing. Linear: each
 * line is looked at a bounded number of times. Pure.
 */
#ifndef EMAIL_REPLY_TEXT_H
#define EMAIL_REPLY_TEXT_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* text is UTF-8 with LF or CRLF ends. All of the text (trimmed) where nothing else would be left.
 */
struct str reply_text(struct arena *a, struct str text);

/* The same, and what was taken off. */
struct reply_parts {
    struct str reply, elided;
};
void reply_split(struct arena *a, struct str text, struct reply_parts *out);

/* A mail that was forwarded in the text, from its first field on, and what stands before it. Absent
 * where there is none. */
struct reply_forward {
    struct str before, embedded;
    struct str from; /* the value of its From */
};
bool reply_forwarded(struct arena *a, struct str text, struct reply_forward *out);

#endif
