/* forward.h - a mail that somebody passed on: who wrote it first. Pure. */
#ifndef EMAIL_FORWARD_H
#define EMAIL_FORWARD_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

#include "address.h"

/* By the subject's mark and the fields within the text. What stands there anybody may have written:
 * it is shown, never believed. */
bool forward_read(struct arena *a, struct str subject, struct str text, struct address *out);

#endif
