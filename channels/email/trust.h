/* trust.h - what a server that we trust says of a mail's sender: Authentication-Results (RFC 8601).
 * Pure.
 *
 * Only the topmost such field counts, and only when a server of the operator's list wrote it: the
 * border server takes out what strangers forge (RFC 8601 5), and what stands below its own field
 * came from further away. Of the methods only dmarc speaks of the From that people see.
 */
#ifndef EMAIL_TRUST_H
#define EMAIL_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

#include "header.h"

/* Whether one of the servers says "dmarc=pass" for the domain of `from`, the only address of the
 * mail's only From. */
bool trust_sender(struct arena *a, const struct headers *h, const struct str *servers, size_t n,
                  struct str from);

#endif
