/* imap_survey.h - a mailbox looked over for an operator, on a connection of its own.
 *
 *   reconcile   what lies on the server against what was taken in: by the ledger of places first,
 *               and where a mail's place is not there, by the mail's own id
 *   backfill    what lies there and has no place in the ledger is taken in
 *
 * Both only read (EXAMINE). Where it was left is the last UID looked at, with its UIDVALIDITY.
 */
#ifndef EMAIL_IMAP_SURVEY_H
#define EMAIL_IMAP_SURVEY_H

#include <touchline/kit/list.h>
#include <touchline/plugin.h>

struct imap_box;

/* The survey stands in `list` until it has ended. The box outlives it. */
void imap_survey_begin(struct link *list, struct imap_box *box, struct tl_operation *op,
                       const struct tl_operate *what, bool backfill);
/* Those of this box (NULL: all) end now. why NULL: the channel stops; the host calls nothing back
 * any more and has ended the operations itself. */
void imap_surveys_end(struct link *list, const struct imap_box *box, const char *why);

#endif
