/* meta.h - what read() in its child must know of the configuration, written beside each entry. */
#ifndef EMAIL_META_H
#define EMAIL_META_H

#include <touchline/touchpoint.h>

#include "email.h"

/* Members of an entry's meta that are the same by whichever way a mail came: "mailbox" and its
 * "from_addresses", "own": the addresses of all mailboxes, "trusted": the servers whose
 * Authentication-Results count. */
void meta_write_mailbox(struct jwrite *w, const struct email_config *config, struct str mailbox);

#endif
