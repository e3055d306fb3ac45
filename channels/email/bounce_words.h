/* bounce_words.h - codes and lines in what servers write to people. Pure. */
#ifndef EMAIL_BOUNCE_WORDS_H
#define EMAIL_BOUNCE_WORDS_H

#include <stdbool.h>

#include <touchline/str.h>

/* The first "5.1.1" (RFC 3463) or "550"; absent: none. Views. */
struct str bounce_status(struct str text);
struct str bounce_code(struct str text);

/* Small ASCII letters, one space for any white space: what a phrase may be looked for in. */
struct str bounce_folded(char *out, size_t max, struct str words);

/* "Undelivered Mail Returned to Sender". */
bool bounce_subject(struct str subject);
/* The server has not given up: "delayed 24 hours", "will be retried". */
bool bounce_is_delay(struct str subject, struct str words);
/* The first line that tells a reason; absent: none does. */
struct str bounce_reason_line(struct str text);

#endif
