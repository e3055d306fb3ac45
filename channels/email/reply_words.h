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

/* "-----Original Message-----", "Begin forwarded message:". */
bool reply_is_divider(struct str line);
/* "-- reply above this line --": ours, and what others write for it. */
bool reply_is_marker(struct str line);
/* "Word: …", whatever the word; a time of day, or a year. */
bool reply_is_labelled(struct str line);
bool reply_has_time(struct str line);

/* One to three joined lines: "On <date>, <name> wrote:". */
bool reply_is_attribution(struct str lines);
/* One line that names a sender's address in brackets behind a time, in any language. */
bool reply_names_sender(struct str line);
/* "2026/11/2 Some One <some@one.example>": one where a quote follows. */
bool reply_is_dated_sender(struct str line);
/* Whether such a group can begin with this line. */
bool reply_starts_attribution(struct str line);

/* "Sent from my iPhone" (reply_device.c). */
bool reply_is_device(struct str line);

/* Without such marks at both ends: what quoting and bold type put around. */
struct str reply_bare(struct str line, const char *marks);

#endif
