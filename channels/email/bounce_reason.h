/* bounce_reason.h - why a mail came back, out of what servers write, and whether that is the
 * address's fault. Pure.
 */
#ifndef EMAIL_BOUNCE_REASON_H
#define EMAIL_BOUNCE_REASON_H

#include <stdbool.h>

#include <touchline/str.h>

/* The command that was refused: of what is said after DATA a server has taken the recipient. */
enum bounce_command {
    BOUNCE_COMMAND_UNKNOWN,
    BOUNCE_COMMAND_CONNECT,
    BOUNCE_COMMAND_MAIL,
    BOUNCE_COMMAND_RCPT,
    BOUNCE_COMMAND_DATA
};
/* As the words around the refusal tell it: transcripts, "in reply to RCPT TO command". */
enum bounce_command bounce_command(struct str words);

struct bounce_facts {
    struct str line;  /* what the refusing server said */
    struct str words; /* all that the reporting one wrote to people */
    struct str status, code;
    struct str category; /* X-PowerMTA-BounceCategory, or absent */
    struct str server;   /* Reporting-MTA, From: who reports */
    enum bounce_command command;
};
/* One word of a bounded set: "userunknown", "mailboxfull" … never NULL. */
const char *bounce_reason(const struct bounce_facts *f);
/* Whether any phrase of the tables stands in it. */
bool bounce_words_tell(struct str words);
/* Whether the address is no good, now and later. */
bool bounce_reason_is_hard(const char *reason, struct str status, struct str code);

#endif
