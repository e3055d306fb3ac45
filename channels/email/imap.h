/* imap.h - the mailboxes that are fetched by IMAP; a box each (imap_box.h). Loop thread. */
#ifndef EMAIL_IMAP_H
#define EMAIL_IMAP_H

#include <stdbool.h>

#include <touchline/plugin.h>

struct email;
struct imap;

struct imap *imap_open(struct email *e);
/* e->config is new: mailboxes that changed begin anew, the others go on. */
void imap_reload(struct imap *i);
/* Nothing new is fetched; what was handed over ends. */
void imap_drain(struct imap *i);
void imap_close(struct imap *i);
/* "reconcile", "backfill" on "email:NAME". false: not one that is fetched. */
bool imap_operate(struct imap *i, struct tl_operation *op, const struct tl_operate *what);

#endif
