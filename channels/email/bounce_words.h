/* bounce_words.h - codes and reasons in what servers write to people. Pure. */
#ifndef EMAIL_BOUNCE_WORDS_H
#define EMAIL_BOUNCE_WORDS_H

#include <stdbool.h>

#include <touchline/str.h>

/* The first "5.1.1" (RFC 3463) or "550"; absent: none. Views. */
struct str bounce_status(struct str text);
struct str bounce_code(struct str text);

/* Whether the address itself is the reason, by the words first, then by status, then by code. */
bool bounce_is_hard(struct str words, struct str status, struct str code);

/* The server's words came after the mail itself, not after the recipient. */
bool bounce_after_data(struct str text);

/* "Undelivered Mail Returned to Sender". */
bool bounce_subject(struct str subject);
/* The first line that tells a reason; absent: none does. */
struct str bounce_reason_line(struct str text);

#endif
