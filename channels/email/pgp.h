/* pgp.h - OpenPGP armour around a text (RFC 9580 6.2 and 7). Pure; nothing is checked or decrypted.
 */
#ifndef EMAIL_PGP_H
#define EMAIL_PGP_H

#include <touchline/kit/arena.h>
#include <touchline/str.h>

enum pgp_armour { PGP_NONE, PGP_SIGNED, PGP_ENCRYPTED };

/* text has LF ends. Signed: *out_text is what was signed, with what stands before and behind it.
 * Encrypted: all of the text is one armoured message. */
enum pgp_armour pgp_open(struct arena *a, struct str text, struct str *out_text);

#endif
