/* acknowledge.h - the words by which a mailbox tells that a mail was received. Loop thread. */
#ifndef EMAIL_ACKNOWLEDGE_H
#define EMAIL_ACKNOWLEDGE_H

#include <stdbool.h>

#include <touchline/plugin.h>

#include "email.h"

/* Reads the file; at most 16 KiB of UTF-8. NULL with the reason: it cannot be used. Owned. */
char *acknowledge_text_new(struct str path, const char **out_why);

/* The plugin's answer to the host: whether a mail into this mailbox is acknowledged. */
bool email_acknowledge(void *instance, struct str source, struct tl_acknowledge *out);

#endif
