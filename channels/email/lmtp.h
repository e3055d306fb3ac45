/* lmtp.h - listens for LMTP on the host's loop; lmtp_session.c talks, this one moves bytes. */
#ifndef EMAIL_LMTP_H
#define EMAIL_LMTP_H

#include <stdbool.h>

struct email;
struct email_config;
struct lmtp;

/* Listens where e->config says. NULL: it could not; logged. */
struct lmtp *lmtp_open(struct email *e);
/* e->config is new: listens elsewhere if the address has changed. Open connections go on. false: it
 * could not; the old listener stays. */
bool lmtp_reload(struct lmtp *l, const struct email_config *before);
/* No new connections; a mail under way ends, then its connection. */
void lmtp_drain(struct lmtp *l);
void lmtp_close(struct lmtp *l);

#endif
