/* kit/phone.h - what is peculiar to some countries' telephone numbers, and libphonenumber where it
 * is installed. The rules of a region stand in touchpoint/phone.c, those of a trunk in the sip
 * channel: both come here with what they have read.
 */
#ifndef TOUCHLINE_KIT_PHONE_H
#define TOUCHLINE_KIT_PHONE_H

#include <touchline/kit/arena.h>

/* The one form by which a person is known, of the several that lead to the same phone:
 *   Brazil     +55 11 8765 4321    → +55 11 98765 4321   the ninth digit (WhatsApp's id may lack it)
 *   Mexico     +52 1 33 1234 5678  → +52 33 1234 5678    the 1 of mobiles, gone since 2019
 *   Argentina  +54 9 11 1234 5678  → +54 11 1234 5678    the 9 of mobiles called from abroad
 *   and        +49 0 30 123456     → +49 30 123456       a zero that is only dialled at home
 * e164 begins with '+'. The result is e164 itself or lies in the arena. */
struct str phone_canonical(struct arena *a, struct str e164);

/* A national number, without the prefix that is dialled within the country (0), as it follows the
 * country code: Argentina's 15 of mobiles and Brazil's two digits of the carrier are dropped. */
struct str phone_national_part(struct arena *a, int country, struct str digits);

/* By libphonenumber (touchline-phone.so, loaded at the first call): E.164 of what a person of the
 * region (or, where that is absent, of the country) dialled. Only a number that is valid there is
 * read. false: it is not, or there is no library. Any thread. */
bool phone_library_read(struct arena *a, struct str raw, struct str region, int country,
                        struct str *out_e164);
bool phone_library_here(void);

#endif
