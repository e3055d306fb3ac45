/* reply_words.h - the lines by which mail programs introduce a quote, in the languages they speak.
 */
#ifndef EMAIL_REPLY_WORDS_H
#define EMAIL_REPLY_WORDS_H

#include <stdbool.h>

#include <touchline/str.h>

/* Which field of an embedded header a line shows ("From:", "*Gesendet:*", "> Oggetto:"). */
enum reply_field {
    REPLY_FIELD_NONE,
    REPLY_FIELD_FROM,
    REPLY_FIELD_DATE,
    REPLY_FIELD_TO,
    REPLY_FIELD_SUBJECT,
    REPLY_FIELD_OTHER
};
enum reply_field reply_field(struct str line);

/* "-----Original Message-----", "Begin forwarded message:", "reply above this line". */
bool reply_is_divider(struct str line);

/* One to three joined lines: "On <date>, <name> wrote:". */
bool reply_is_attribution(struct str lines);
/* Whether such a group can begin with this line. */
bool reply_starts_attribution(struct str line);

/* "Sent from my iPhone". */
bool reply_is_device(struct str line);

#endif
