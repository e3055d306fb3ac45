/* smime.h - S/MIME whose text lies inside its signature (RFC 8551 3.5.2). In the child only. */
#ifndef EMAIL_SMIME_H
#define EMAIL_SMIME_H

#include <stdbool.h>

#include <touchline/kit/arena.h>
#include <touchline/str.h>

/* The entity within signed-data, DER; neither signer nor digest are checked: it is shown as
 * unverified. false: it is encrypted, or cannot be read. */
bool smime_open(struct arena *a, struct str der, struct str *out_entity);

#endif
