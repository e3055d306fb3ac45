/* imap_config.h - the keys under a mailbox's `imap`, and what the table cannot say of them. */
#ifndef EMAIL_IMAP_CONFIG_H
#define EMAIL_IMAP_CONFIG_H

#include "email.h"

extern const struct tl_key imap_keys[];
/* NULL: nothing wrong; else why, and at which key. */
const char *imap_config_fault(const struct imap_config *c, const char **out_key);

#endif
