/* ingest/letter.h - by what a mail that names no known one finds its exchange: what its thread
 * began with, and its subject. Pure.
 *
 * Both are looked for in the slot of the contact alone, so nobody gets into somebody else's.
 */
#ifndef INGEST_LETTER_H
#define INGEST_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "store/contact.h"

struct touchpoint;

/* A mail that came into one of our mailboxes: these rules hold for no other touchpoint. */
bool letter_is(const struct touchpoint *tp);
/* The id its thread began with: the oldest reference, else its own. So a mail that comes before
 * the one it answers meets it all the same. Absent: none. */
struct str letter_root(const struct touchpoint *tp);
/* Its field in {c…}:v by mailbox and base subject; absent: it has none that says anything, or a
 * program wrote it. */
struct str letter_subject_field(const struct touchpoint *tp, char out[LOOK_FIELD_MAX]);
/* Whether it may go on with a conversation of its subject: it says "Re:", and that one is not long
 * over. */
bool letter_goes_on(const struct touchpoint *tp, const struct conversation *v);
/* Root of Outlook's Thread-Index as a channel told it; absent: none. */
struct str letter_index(const struct touchpoint *tp);

#endif
